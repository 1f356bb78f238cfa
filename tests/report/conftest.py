"""A small shop whose every number can be counted by hand, measured once for all tests of the report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from analysis.suite import Results, measure_suite

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def shop_orders() -> list[tuple[str, str, float]]:
    """Customers by what becomes of them in 2024Q4, with an activity window of 60 days.

    At the start count orders from 2 August to 30 September, at the end from 2 November to 31 December.
    """
    kept = [
        (f"k{i}", day, amount) for i in range(6) for day, amount in (("2024-09-01", 20), ("2024-12-01", 30))
    ]
    lost = [(name, "2024-09-10", 15) for name in ("l0", "l1", "l2")] + [("l0", "2024-03-10", 5)]
    returned = [
        (f"r{i}", day, amount) for i in range(2) for day, amount in (("2024-01-10", 10), ("2024-11-20", 25))
    ]
    new = [(f"n{i}", "2024-11-25", 40) for i in range(4)]
    came_and_went = [("c0", "2024-10-05", 12)]
    return [*kept, *lost, *returned, *new, *came_and_went]


@pytest.fixture(scope="session")
def shop(open_orders: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Results:
    """9 customers at the start of 2024Q4, 5 new (1 of them inactive again), 2 returned, 3 lost, 12 left."""
    names = tmp_path_factory.mktemp("names") / "customers.csv"
    names.write_text(f"id,name\nl0,{SCRIPT}\nl1,{FORMULA}\n", encoding="utf-8")
    customers = {"file": str(names), "columns": {"customer_id": "id", "customer_name": "name"}}
    book = open_orders(
        shop_orders(), "2024Q4", {"customers": customers}, activity_window_days=60, model_draws=20,
        sparkline_periods=3, data_through=date(2024, 12, 31), dimensions=["customer_status", "value_band"],
    )  # fmt: skip
    return measure_suite(book)


@pytest.fixture
def retell() -> Callable[..., Results]:
    """The same results with other figures for one metric: ``retell(results, metric, verdict=…, …)``."""
    return _retold


def _retold(
    results: Results, metric: str, *, verdict: str, value: float, base_value: float, n: float = 1000,
    base_n: float = 1000, against: str = "previous", period: str = "2024Q3",
) -> Results:  # fmt: skip
    kpis, changes = results.kpis.copy(), results.changes.copy()
    own = kpis["by"].isna() & (kpis["metric"] == metric) & (kpis["variant"] == "default")
    figures = {"2024Q4": (value, n), period: (base_value, base_n)}
    for name, (figure, size) in figures.items():
        row = own & (kpis["period"] == name)
        columns = ["value", "low", "high", "n", "status", "reason"]
        kpis.loc[row, columns] = pd.Series(
            [figure, 0.9 * figure, 1.1 * figure, size, "measured", None], columns
        ).to_numpy()
    rows = (
        changes["by"].isna() & (changes["metric"] == metric) & (changes["variant"] == "default")
        & (changes["against"] == against)
    )  # fmt: skip
    difference = value - base_value
    told = {
        "value": value, "base_value": base_value, "difference": difference, "verdict": verdict,
        "difference_low": 0.8 * difference, "difference_high": 1.2 * difference, "reason": None,
        "relative_change": difference / base_value, "base_period": period,
    }  # fmt: skip
    for column, cell in told.items():
        changes.loc[rows, column] = cell
    return Results(results.book, {**results.frames, "kpis": kpis, "changes": changes})


def desk_tables() -> dict[str, str]:
    """A help desk in 2024: team North as ever, the other four times as slow in the last quarter as before."""
    return {
        "agents": f"agent_id,team\na1,North\na2,{SCRIPT}",
        "tickets": "\n".join(
            [
                "ticket_id,customer_id,opened_at,first_replied_at,resolved_at,due_at,agent_id",
                *_team_tickets("a1", "2024-07-10", 1), *_team_tickets("a2", "2024-07-10", 1),
                *_team_tickets("a1", "2024-10-10", 1), *_team_tickets("a2", "2024-10-10", 4),
                "late,c1,2024-09-25 10:00,,2024-10-03 10:00,2024-09-28 10:00,",
                "old,c1,2024-10-15 10:00,,,2024-10-20 10:00,", "new,c1,2024-12-31 10:00,,,,",
                "young,c1,2024-12-29 10:00,,,,", "week,c1,2024-12-24 10:00,,,,",
            ]
        ),
        "contacts": "\n".join(["contact_id,customer_id,started_at,channel,outcome,wait_seconds,topic", *_contacts()]),
        "help_sessions": "\n".join(["session_id,customer_id,started_at,topic,is_helpful", *_sessions()]),
    }  # fmt: skip


def _team_tickets(agent: str, first_day: str, factor: int) -> list[str]:
    """Forty cases, one a day, replied to after half an hour, resolved after 1, 2, 3, 4 hours times the factor."""
    rows = []
    for number, day in enumerate(pd.date_range(f"{first_day} 08:00", periods=40)):
        times = [day, day + pd.Timedelta(minutes=30), day + pd.Timedelta(hours=factor * (1 + number % 4))]
        name = f"{agent}-{first_day}-{number}"
        rows.append(f"{name},x{number},{','.join(f'{time:%Y-%m-%d %H:%M}' for time in times)},,{agent}")
    return rows


def _contacts() -> list[str]:
    """The last quarter's, local time; every Monday at half past nine two are answered at once, one late, one never."""
    mondays = [("c1", "answered", 5), ("c2", "answered", 5), ("c3", "answered", 60), ("c4", "abandoned", 90)]
    weekly = [("2024-10-07 09:30", 13, c, "phone", outcome, wait, "bill") for c, outcome, wait in mondays]
    weekly += [(f"2024-10-01 {at}", 14, "c5", "phone", "answered", 3, FORMULA) for at in ("14:15", "15:15")]
    weekly += [("2024-10-02 10:00", 13, "c1", "email", "answered", 7200, "bill")]
    return [
        f"k{kind}-{number},{customer},{day:%Y-%m-%d %H:%M},{channel},{outcome},{wait},{topic}"
        for kind, (first, weeks, customer, channel, outcome, wait, topic) in enumerate(weekly)
        for number, day in enumerate(pd.date_range(first, periods=weeks, freq="7D"))
    ]


def _sessions() -> list[str]:
    """c1 reads on Mondays and writes on Wednesday all the same; c9 never makes contact, and marks what he reads."""
    mondays = pd.date_range("2024-10-07 12:00", periods=12, freq="7D")
    rows = [f"s{number},c1,{day:%Y-%m-%d %H:%M},bill," for number, day in enumerate(mondays)]
    rows += [f"t{number},c9,2024-11-05 10:00,bill,{'yes' if number < 30 else 'no'}" for number in range(36)]
    return rows + [f"u{number},c9,2024-11-06 10:00,{FORMULA},yes" for number in range(10)]


@pytest.fixture(scope="session")
def desk(open_company: Callable[..., Any]) -> Results:
    """The help desk, with one order for each of its customers, in the last quarter of 2024."""
    orders = [f"o{i},c{i % 10},2024-0{1 + i % 9}-1{i % 10},20" for i in range(40)]
    tables = {"orders": "\n".join(["order_id,customer_id,ordered_at,amount", *orders])} | desk_tables()
    book = open_company(
        tables, "2024Q4", time_zone="Asia/Shanghai", model_draws=20, sparkline_periods=3,
        data_through=date(2024, 12, 31), dimensions=["customer_status"],
    )  # fmt: skip
    return measure_suite(book)


# --- answers, comments and contacts ---------------------------------------------------------------

ASKED = """question_id,construct,item,dimension,scale_min,scale_max
whole,csat,,,1,5
quality,csat,product_quality,,1,5
own,csat,odd_$word$,,1,5
case,csat,problem_solving,,1,5
recommend,nps,,,0,10
recommend_after,nps,,,0,10
easy,ces,,,1,7
wish,servqual_expectation,prompt,responsiveness,1,7
seen,servqual_perception,prompt,responsiveness,1,7
close,acsi,close_to_ideal,,1,10
met,acsi,expectations_met,,1,10"""


def answers_tables() -> dict[str, str]:
    """Forty customers asked in 2024Q1 and Q2, forty cases of Q2 at two touchpoints, comments and mentions.

    Of the forty, 30 are satisfied in Q2 (all were in Q1), 20 promote, 10 detract; m2 holds the last five, all chosen
    by himself. After a case, all twenty at the shop are satisfied and four of twenty with the courier.
    """
    surveys, answers = [], []
    for quarter, day in (("q1", "2024-02-10"), ("q2", "2024-05-10")):
        for number in range(40):
            name, chosen = f"{quarter}-{number:02d}", "m2" if quarter == "q2" and number >= 35 else ""
            surveys.append(f"{name},c{number:02d},{day},{day},relationship,,,,{chosen}")
            answers += [
                f"{name},{question},{score}," for question, score in _relation_scores(quarter, number)
            ]
    surveys.append(
        "early,c00,2024-04-02,2024-04-02,relationship,,,,"
    )  # c00's later answer is the one that counts
    answers.append("early,whole,1,")
    tickets, contacts = [], []
    for number in range(40):
        place, agent = ("courier", "a1") if number < 20 else ("shop", "a2")
        tickets.append(f"t{number},x{number},2024-05-02 10:00,{agent},buy,{place}")
        contacts.append(f"k{number},x{number},2024-05-02 09:00,answered,buy,{place},{number < 8},{place}")
        surveys.append(f"s{number},x{number},2024-05-03,2024-05-04,transactional,t{number},buy,{place},")
        case = 5 if place == "shop" or number < 4 else 2
        answers += [f"s{number},case,{case},", f"s{number},easy,{6 if number % 2 else 3},"]
        answers.append(f"s{number},recommend_after,{10 if number < 30 else 0},")
    # Ten of the courier's customers come back within the week; x39 had called about the shop before the quarter.
    contacts += [f"again{n},x{n},2024-05-05 09:00,answered,buy,courier,false,courier" for n in range(10)]
    contacts += ["before,x39,2024-03-30 09:00,answered,buy,shop,false,shop"]
    contacts += ["after,x39,2024-04-02 09:00,answered,buy,shop,false,shop"]
    return {
        "questions": ASKED, "agents": f"agent_id,team\na1,North\na2,{SCRIPT}",
        "surveys": "\n".join(
            ["survey_id,customer_id,sent_at,answered_at,kind,ticket_id,journey_stage,touchpoint,chosen_by", *surveys]
        ),
        "answers": "\n".join(["survey_id,question_id,score,comment", *answers]),
        "tickets": "\n".join(["ticket_id,customer_id,opened_at,agent_id,journey_stage,touchpoint", *tickets]),
        "contacts": "\n".join(
            ["contact_id,customer_id,started_at,outcome,journey_stage,touchpoint,is_complaint,topic", *contacts]
        ),
        "account_managers": f"account_manager_id,account_manager_name\nm1,Ann\nm2,{FORMULA}",
        "assignments": "\n".join(
            ["customer_id,account_manager_id,assigned_from"]
            + [f"c{n:02d},{'m2' if n >= 35 else 'm1'},2024-01-01" for n in range(40)]
        ),
        "feedback": "\n".join(["feedback_id,given_at,source,customer_id,comment,score,scale_max", *_comments()]),
        "mentions": "\n".join(
            ["mention_id,published_at,platform,sentiment"]
            + [f"w{n},2024-05-05,weibo,{'negative' if n == 0 else 'positive'}" for n in range(4)]
            + [f"f0,2024-05-05,{SCRIPT},neutral"]
        ),
    }  # fmt: skip


def _relation_scores(quarter: str, number: int) -> list[tuple[str, int]]:
    """What the customer of this number answers to each question about the relationship."""
    return [
        ("whole", 5 if quarter == "q1" or number < 30 else 2), ("quality", 4 if number < 20 else 3),
        ("own", 5 if number < 10 else 1), ("recommend", 10 if number < 20 else 8 if number < 30 else 3),
        ("wish", 6), ("seen", 5 if number < 20 else 4), ("close", 7), ("met", 10 if number < 20 else 1),
    ]  # fmt: skip


def _comments() -> list[str]:
    """Low scores complain of deliveries in both languages, high ones praise the staff; one of them is hostile."""
    low = [f"l{n},2024-05-07,review,p{n},the delivery was late {n} times,1,5" for n in range(8)]
    low += [f"z{n},2024-05-07,review,z{n},物流太慢，等了{n}天,1,5" for n in range(8)]
    low += [f"h,2024-05-07,interview,h,{SCRIPT} delivery {FORMULA},1,5"]
    before = [f"b{n},2024-02-07,review,p{n},the price is fair,5,5" for n in range(12)]
    return [*low, *before, *(f"g{n},2024-05-07,survey,g{n},such friendly staff {n},5,5" for n in range(12))]


@pytest.fixture(scope="session")
def asked(open_company: Callable[..., Any]) -> Results:
    """Those answers, comments and contacts, measured for 2024Q2; without orders."""
    book = open_company(answers_tables(), "2024Q2", sparkline_periods=3, data_through=date(2024, 6, 30))
    return measure_suite(book)


# --- customers who leave, contracts that come due, customers won back --------------------------------


def leaving_tables() -> dict[str, str]:
    """In 2024Q4, with an activity window of 60 days: of 100 customers at the start 60 are lost, 44 say why.

    In the North (n, i) 18 for the price, 2 for delivery, 4 closed down; elsewhere (s) 18 for a reason that is a
    formula, 2 for the price. A quarter before 20 (p) were lost, all for the price; for ten of them something was
    done in 2024Q4, and five of those came back (p0–p4), of the other ten one (p10).
    """
    orders = [f"k{n},2024-09-10,10" for n in range(40)] + [f"k{n},2024-12-10,10" for n in range(40)]
    orders += [f"n{n},2024-09-10,10" for n in range(20)] + [f"s{n},2024-09-10,20" for n in range(20)]
    orders += [f"i{n},2024-09-10,5" for n in range(4)] + [f"u{n},2024-09-10,1" for n in range(16)]
    orders += [f"p{n},2024-06-10,10" for n in range(20)]
    orders += [f"p{n},2024-11-20,10" for n in (0, 1, 2, 3, 4, 10)]
    exits = [f"n{n},2024-10-20,voluntary,{'price' if n < 18 else 'delivery'}" for n in range(20)]
    exits += [f"s{n},2024-10-20,voluntary,{FORMULA if n < 18 else 'price'}" for n in range(20)]
    exits += [f"i{n},2024-10-20,involuntary,closed" for n in range(4)]
    exits += [f"p{n},2024-08-20,voluntary,price" for n in range(20)]
    done = [(n, "offer") for n in range(6)] + [(n, SCRIPT) for n in range(6, 10)]
    names = {"k0": SCRIPT, "k1": "Acme"}
    everyone = [
        (f"{kind}{n}", "North" if kind in "ni" else SCRIPT) for kind, count in _LEAVING for n in range(count)
    ]
    return {
        "orders": "\n".join(
            ["order_id,customer_id,ordered_at,amount", *(f"o{n},{row}" for n, row in enumerate(orders))]
        ),
        "customers": "\n".join(
            ["customer_id,customer_name,region,segment"]
            + [f"{one},{names.get(one, one)},{region},{'A' if one in _SEGMENT_A else 'B'}" for one, region in everyone]
        ),
        "exits": "\n".join(["customer_id,exited_on,kind,reason", *exits]),
        "actions": "\n".join(
            ["action_id,title,measure,customer_id,planned_on,due_on,done_on"]
            + [f"a{n},win back,{measure},p{n},2024-10-05,2024-11-01,2024-11-01" for n, measure in done]
        ),
        "contracts": "\n".join(
            ["contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value", *_contract_rows()]
        ),
        "account_managers": f"account_manager_id,account_manager_name\nm1,Ann\nm2,{FORMULA}",
        "assignments": "customer_id,account_manager_id,assigned_from\nk0,m1,2024-01-01\nk1,m2,2024-01-01",
    }  # fmt: skip


_LEAVING = (("k", 40), ("n", 20), ("s", 20), ("i", 4), ("u", 16), ("p", 20))
_SEGMENT_A = {f"k{n}" for n in range(10, 15)}


def _contract_rows() -> list[str]:
    """Ten due in October, of segment A all five renewed and of B one; the others seen from the end of the year.

    Due within 90 days: 1,000 and 3,000, and one renewed already. Overdue in grace: 400, and one renewed. Left out: due
    on 1 April, broken off, due on 1 December with its grace over.
    """
    october = [
        f"c{n},k{10 + n},2023-10-15,2024-10-15,2024-10-15,{'2024-10-20' if n < 6 else ''},100" for n in range(10)
    ]  # fmt: skip
    return [
        *october, "due,k0,2024-02-01,2025-02-01,2025-02-01,,1000", "large,k1,2024-03-31,2025-03-31,2025-03-31,,3000",
        "earlier,k1,2023-03-31,2024-03-31,2024-03-31,2024-03-20,2500",
        "renewed,k2,2024-01-15,2025-01-15,2025-01-15,2024-12-20,500", "far,k3,2024-04-01,2025-04-01,2025-04-01,,9000",
        "broken,k4,2024-02-01,2024-11-01,2025-02-01,,7000", "late,k5,2023-12-10,2024-12-10,2024-12-10,,400",
        "late_renewed,k6,2023-12-05,2024-12-05,2024-12-05,2024-12-20,600",
        "over,k7,2023-12-01,2024-12-01,2024-12-01,,800",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def leaving(open_company: Callable[..., Any]) -> Results:
    """That company in 2024Q4."""
    book = open_company(
        leaving_tables(), "2024Q4", activity_window_days=60, model_draws=20, sparkline_periods=3,
        data_through=date(2024, 12, 31), dimensions=["customer_status", "region"],
    )  # fmt: skip
    return measure_suite(book)


# --- new customers and opportunities --------------------------------------------------------------


def seller_tables() -> dict[str, str]:
    """Two quarters of 2024 in which the stage "offer" weakens, and a cheap channel from which nobody comes back.

    Of 100 leads a quarter 60 get an offer after ten days, the others are lost over the price. Ten days later 45 of
    the 60 are won in the third quarter, 15 in the fourth. Three leads and two offers are open at the end.
    """
    deals, entries = [], []
    for day, won in (("2024-07-05", 45), ("2024-10-05", 15)):
        for number in range(100):
            name, until = f"{day}-{number:02d}", 20 if number < 60 else 10
            outcome = "won" if number < won else "lost"
            reason = "" if outcome == "won" else FORMULA if number < 60 else "price"
            deals.append(_deal(name, number, day, until, outcome, reason))
            entries += _entries(name, day, 2 if number < 60 else 1)
    for number in range(5):
        deals.append(_deal(f"open-{number}", number, "2024-12-20", None, "", ""))
        entries += _entries(f"open-{number}", "2024-12-20", 2 if number < 2 else 1)
    return {
        "orders": "\n".join(["order_id,customer_id,ordered_at,amount", *_orders_by_channel()]),
        "customers": "\n".join(
            ["customer_id,acquisition_channel", *(f"w{n},web" for n in range(50)),
             *(f"g{n},{SCRIPT}" for n in range(40))]
        ),
        "costs": "spent_on,kind,amount,acquisition_channel\n2024-11-01,marketing,1000,web\n"
        f"2024-11-01,marketing,400,{SCRIPT}",
        "opportunities": "\n".join(
            ["opportunity_id,created_at,closed_at,outcome,value,lost_reason,acquisition_channel,account_manager_id"]
            + deals
        ),
        "stage_entries": "\n".join(["opportunity_id,stage,stage_number,entered_at", *entries]),
        "account_managers": f"account_manager_id,account_manager_name\nm1,Ann\nm2,{FORMULA}",
        "assignments": "\n".join(
            ["customer_id,account_manager_id,assigned_from", *(f"w{n},m1,2024-01-01" for n in range(50)),
             *(f"g{n},m2,2024-01-01" for n in range(40))]
        ),
        "targets": "metric,dimension,group_name,target\nrevenue,,,2000\n"
        "revenue,account_manager,m1,1250\nrevenue,account_manager,m2,500",
    }  # fmt: skip


def _deal(name: str, number: int, day: str, days: int | None, outcome: str, reason: str) -> str:
    closed = "" if days is None else f"{pd.Timestamp(day) + pd.Timedelta(days=days):%Y-%m-%d}"
    channel, manager = ("web", "m1") if number % 2 else ("fair", "m2")
    return f"{name},{day},{closed},{outcome},100,{reason},{channel},{manager}"


def _entries(name: str, day: str, stages: int) -> list[str]:
    """A lead from the day it is created, an offer ten days later (two where it is the last thing known)."""
    offered = pd.Timestamp(day) + pd.Timedelta(days=2 if name.startswith("open") else 10)
    return [f"{name},lead,1,{day}", f"{name},{SCRIPT},2,{offered:%Y-%m-%d}"][:stages]


def _orders_by_channel() -> list[str]:
    """Forty of the web's buy in August and in November; ten of it and the forty others in November alone."""
    rows = [f"a{n},w{n},2024-08-10,20" for n in range(40)] + [f"b{n},w{n},2024-11-10,20" for n in range(50)]
    return rows + [f"c{n},g{n},2024-11-20,20" for n in range(40)]


@pytest.fixture(scope="session")
def seller(open_company: Callable[..., Any]) -> Results:
    """That company in the last quarter of 2024."""
    book = open_company(
        seller_tables(), "2024Q4", model_draws=20, sparkline_periods=3, data_through=date(2024, 12, 31),
        dimensions=["customer_status"],
    )  # fmt: skip
    return measure_suite(book)
