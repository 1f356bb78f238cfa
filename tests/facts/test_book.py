"""What of a period is measured, and what it is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from analysis.facts.compile import FACTS, PARAMETERISED, fact_text, grain, settings_in, with_settings
from analysis.periods import PeriodError


def daily_orders(first: str, last: str) -> list[tuple]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [("a", start + timedelta(days=n), 1.0) for n in range((end - start).days + 1)]


def test_a_period_the_data_do_not_fill_is_compared_like_for_like(open_orders):
    book = open_orders(daily_orders("2024-01-01", "2025-11-09"), "2025Q4")
    assert book.window.is_partial
    assert (book.window.start, book.window.last_day) == (date(2025, 10, 1), date(2025, 11, 9))
    by_label = {window.label: window for window in book.windows}
    previous = by_label[book.baselines["2025Q4"]["previous"]]
    year_ago = by_label[book.baselines["2025Q4"]["year_ago"]]
    assert (previous.start, previous.days) == (date(2025, 7, 1), 40)
    assert (year_ago.start, year_ago.days) == (date(2024, 10, 1), 40)


def test_a_silence_that_is_usual_does_not_make_a_period_partial(open_orders):
    orders = daily_orders("2024-01-01", "2025-12-24")  # silent after Christmas, no longer than ten days
    assert not open_orders(orders, "2025Q4").window.is_partial


def test_few_order_days_say_nothing_about_where_the_data_end(open_orders):
    assert not open_orders([("a", "2026-01-05", 1.0), ("b", "2026-01-06", 1.0)], "2026Q1").window.is_partial


def test_the_setting_says_where_the_data_end(open_orders):
    orders = [("a", "2026-01-05", 1.0), ("b", "2026-01-06", 1.0)]
    book = open_orders(orders, "2026Q1", data_through=date(2026, 2, 10))
    assert book.window.last_day == date(2026, 2, 10)
    assert book.window.is_partial


def test_nothing_known_after_the_period_leaks_in(open_orders):
    book = open_orders([("a", "2026-02-01", 1.0), ("a", "2026-04-01", 5.0)], "2026Q1")
    assert book.ask("select count(*) as n from source_orders")["n"].tolist() == [1]


def test_settling_days_let_late_rows_in(open_orders):
    book = open_orders([("a", "2026-02-01", 1.0), ("a", "2026-04-01", 5.0)], "2026Q1", settle_days=7)
    assert book.ask("select count(*) as n from source_orders")["n"].tolist() == [2]
    # yet they belong to no earlier window
    [row] = book.ask("select * from customer_periods where period = '2026Q1'").to_dict("records")
    assert row["net_revenue"] == 1.0


def test_the_boundary_instant_is_the_companys_midnight(open_orders):
    # 2026-04-01 00:30 in Shanghai is still 31 March in UTC
    orders = [("a", "2026-03-31T23:30:00", 1.0), ("b", "2026-04-01T00:30:00", 2.0)]
    book = open_orders(orders, "2026Q2", time_zone="Asia/Shanghai")
    rows = book.ask("select customer_id, ordered_at, ordered_on from orders order by 1")
    assert [str(day.date()) for day in rows["ordered_on"]] == ["2026-03-31", "2026-04-01"]
    assert [str(moment) for moment in rows["ordered_at"]] == ["2026-03-31 15:30:00", "2026-03-31 16:30:00"]
    start, end = book.instants(book.window)
    assert (str(start), str(end)) == ("2026-03-31 16:00:00", "2026-06-30 16:00:00")


def test_a_label_that_is_no_period_is_refused(open_orders):
    with pytest.raises(PeriodError, match="2026Q7"):
        open_orders([("a", "2026-01-05", 1.0)], "2026Q7")


@pytest.mark.parametrize("name", [*FACTS, *PARAMETERISED])
def test_every_fact_says_its_grain_in_its_heading(name):
    assert grain(name).startswith("One row for each")


def test_settings_enter_sql_as_typed_literals():
    sql = "select $n as n, $day as d, $word as w, '$n' as kept, 5 -$below as six, $on as o -- $no setting's\n"
    settings = {"n": 3, "day": date(2026, 1, 2), "word": "it's", "below": -1.0, "on": True}
    filled = with_settings(sql, settings)
    assert settings_in(sql) == set(settings)
    assert filled.strip() == (
        "select 3 as n, date '2026-01-02' as d, 'it''s' as w, '$n' as kept, 5 -(-1.0) as six, true as o"
    )
    assert with_settings(sql, settings, pretty=True).splitlines()[:2] == ["SELECT", "  3 AS n,"]


def test_an_unknown_setting_in_sql_is_an_error():
    with pytest.raises(KeyError, match="nowhere"):
        with_settings("select $nowhere", {})


def test_fact_files_and_the_list_of_facts_agree():
    from importlib.resources import files

    stored = {
        entry.name.removesuffix(".sql")
        for entry in files("analysis.facts").iterdir()
        if entry.name.endswith(".sql")
    }
    assert stored == {*FACTS, *PARAMETERISED}
    assert all(fact_text(name).strip() for name in stored)


NAMED = """account_manager_id,account_manager_name
a1,Li Wei
a2,Li Wei
a3,Zhao Min
a4,a3
a5,
a6,"Two
lines\tand a tab\x1b[31m"
"""


def test_names_come_from_the_companys_own_table_and_tell_groups_apart(open_company):
    orders = "order_id,customer_id,ordered_at,amount\n1,a,2026-05-01,1\n"
    book = open_company({"orders": orders, "account_managers": NAMED}, "2026Q2")
    # two are called the same; one is called what another's number is; one has no name; signs nobody sees are spaces
    assert book.names_of("account_manager", "zh") == book.names_of("account_manager", "en") == {
        "a1": "Li Wei (a1)", "a2": "Li Wei (a2)", "a3": "Zhao Min", "a4": "a3 (a4)", "a6": "Two lines and a tab [31m",
    }  # fmt: skip
    assert book.names_of("product", "en") == {}  # products are not supplied
    assert book.names_of("region", "en") == {}  # no table names regions


NAMES = {
    "account_manager": {
        "a1": {"zh": "李伟"}, "a2": {"en": "Li Wei", "zh": "李伟"}, "a4": {"zh": "赵敏"}, "a9": {"en": "Gone"},
    },
    "handled_by": {"agent": {"zh": "客服"}, "bot": {"en": " <b>Bot</b>\n2 "}},
    "team": {"n": {"en": "North", "zh": "北组"}, "s": {"en": "South"}},
    "served_by": {"s": {"zh": "南组"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def named(open_company):
    """That company, with names in its settings, and an order in each of two channels."""
    orders = "order_id,customer_id,ordered_at,amount\n1,a,2026-05-01,1\n"
    tables = {"orders": orders, "account_managers": NAMED}
    return open_company(tables, "2026Q2", value_names=NAMES)


def test_the_settings_name_first_then_the_companys_table_then_the_catalogue(named):
    # a1 and a2 are both 李伟 in Chinese; in English a1's name comes from the table, and is a2's in the settings too
    assert named.names_of("account_manager", "zh") == {
        "a1": "李伟 (a1)", "a2": "李伟 (a2)", "a3": "Zhao Min", "a4": "赵敏", "a6": "Two lines and a tab [31m",
    }  # fmt: skip
    assert named.names_of("account_manager", "en") == {
        "a1": "Li Wei (a1)", "a2": "Li Wei (a2)", "a3": "Zhao Min", "a4": "a3 (a4)", "a6": "Two lines and a tab [31m",
        "a9": "Gone",
    }  # fmt: skip
    declared = {"workflow": "自动流程", "self": "客户自助"}
    assert named.names_of("handled_by", "zh") == {"agent": "客服", "bot": "机器人", **declared}
    assert named.names_of("handled_by", "en")["bot"] == "<b>Bot</b> 2"


def test_a_dimension_of_the_same_groups_as_another_has_its_names_unless_it_has_its_own(named):
    assert named.names_of("team", "zh") == {"n": "北组"}
    assert named.names_of("served_by", "zh") == {"n": "北组", "s": "南组"}
    assert named.names_of("served_by", "en") == {"n": "North", "s": "South"}


def test_another_name_is_another_run_of_the_same_numbers(named):
    settings = named.settings.model_copy(update={"value_names": {}})
    plain = replace(named, params=named.params.model_copy(update={"settings": settings}))
    assert plain.fingerprint_of_numbers == named.fingerprint_of_numbers
    assert plain.fingerprint != named.fingerprint
    assert named.fingerprint == replace(named).fingerprint


def test_metrics_for_each_value_come_in_the_order_of_a_column_else_by_name(open_company):
    orders = "order_id,customer_id,ordered_at,amount,channel\n" + "".join(
        f"{place},c,2026-05-{place:02d},{place},{channel}\n"
        for place, channel in enumerate(["web", "shop", "agency", "web", "fair"], 1)
    )
    book = open_company({"orders": orders}, "2026Q2")
    record = book.catalogue.metrics["revenue"].model_copy(update={"each": "channel"})
    assert book._values_of(record) == ["agency", "fair", "shop", "web"]
    in_order = record.model_copy(update={"in_order_of": "net_amount"})
    assert book._values_of(in_order) == ["web", "shop", "agency", "fair"]  # 1 and 4; 2; 3; 5
