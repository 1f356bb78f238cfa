"""The suite by hand, in pandas: each file read once, sums by quarter and segment at once, the company is all segments.

Quarters are numbered from 0, segments too; what is of no quarter has −1. Quantiles and the best tenth do not add up,
and are taken for the company and for segments apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ACTIVE_DAYS, FREQUENT_ORDERS, ANSWER_DAYS = 180, 3, 30
FIRST_YEAR, QUARTERS = 2023, 8
ITEMS = ("product_quality", "response_speed", "value", "problem_solving")
Part = dict[str, Any]


def measured_in_pandas(path: Path, compared: tuple[str, ...]) -> pd.DataFrame:
    """One row for each metric, period and segment (missing: the company): ``n`` and ``value``."""
    import pandas as pd

    orders, customers, segments = orders_and_customers(path)
    found = Found(segments, [label_of(quarter) in compared for quarter in range(QUARTERS)])
    surveys = read_surveys(path, customers)
    answers = read_answers(path, surveys)
    of_orders(found, orders)
    of_customers(found, orders, customers, surveys, answers)
    del orders
    of_tickets(found, read_tickets(path, customers))
    of_surveys(found, surveys)
    of_answers(found, answers)
    of_indices(found, answers)
    return pd.DataFrame(found.rows())


def label_of(quarter: int) -> str:
    return f"{FIRST_YEAR + quarter // 4}Q{quarter % 4 + 1}"


# --- What is added up -----------------------------------------------------------------------------


@dataclass
class Found:
    """Sums of each metric by quarter and segment, and what does not add up."""

    segments: list[str]
    is_compared: list[bool]
    sums: dict[str, list[Any]] = field(default_factory=dict)  # metric: sum above the line, below it, rows
    times: dict[str, float] = field(default_factory=dict)  # by how much a mean is multiplied; 0: a total
    others: list[Part] = field(default_factory=list)

    def add(
        self, rows: Part, name: str, x: Any, where: Any = None, per: Any = None, times: float = 1
    ) -> None:
        """Add up x, and what it is divided by: the rows it stands on, unless told otherwise."""
        import numpy as np

        x = np.asarray(x, float)
        keep = (rows["quarter"] >= 0) & ~np.isnan(x)
        if where is not None:
            keep &= where
        cell = rows["quarter"][keep] * len(self.segments) + rows["segment"][keep]
        above = self._by_cell(cell, x[keep])
        n = self._by_cell(cell)
        below = n if per is None else self._by_cell(cell, np.asarray(per, float)[keep])
        before = self.sums.get(name, [0, 0, 0])
        self.sums[name] = [was + now for was, now in zip(before, (above, below, n), strict=True)]
        self.times[name] = times

    def _by_cell(self, cell: Any, x: Any = None) -> Any:
        import numpy as np

        shape = (QUARTERS, len(self.segments))
        return np.bincount(cell, x, minlength=shape[0] * shape[1]).reshape(shape)

    def count(self, rows: Part, name: str, where: Any) -> None:
        self.add(rows, name, where, where, times=0)

    def rows(self) -> Iterator[Part]:
        """One for each metric, quarter and group."""
        yield from self.others
        for name, sums in self.sums.items():
            for quarter in range(QUARTERS):
                yield self._row(name, quarter, None, *(one[quarter].sum() for one in sums))
                if self.is_compared[quarter]:
                    for number, segment in enumerate(self.segments):
                        yield self._row(name, quarter, segment, *(one[quarter, number] for one in sums))

    def _row(self, name: str, quarter: int, segment: str | None, *sums: float) -> Part:
        (above, below, n), times = sums, self.times[name]
        value = above if not times else times * above / below if below else float("nan")
        return {"metric": name, "period": label_of(quarter), "segment": segment, "n": n, "value": value}

    def add_other(self, quarter: int, segment: int, name: str, n: float, value: float) -> None:
        """What does not add up: of the company where the segment is −1."""
        named = self.segments[segment] if segment >= 0 else None
        row = {"metric": name, "period": label_of(quarter), "segment": named, "n": n, "value": value}
        self.others.append(row)


# --- The files ------------------------------------------------------------------------------------


def read(path: Path, table: str, *columns: str) -> pd.DataFrame:
    import pandas as pd

    kept = list(columns) or None
    file, dates = path / f"{table}.parquet", {"date_as_object": False}
    return pd.read_parquet(file, columns=kept, to_pandas_kwargs=dates)


def quarter_of(times: pd.Series) -> Any:
    """The number of the quarter; −1 outside the eight, and where there is no time."""
    import numpy as np

    number = ((times.dt.year - FIRST_YEAR) * 4 + times.dt.quarter - 1).fillna(-1).to_numpy("int64")
    return np.where((number >= 0) & (number < QUARTERS), number, -1)


def first_day(quarter: int) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(FIRST_YEAR, 1, 1) + pd.DateOffset(months=3 * quarter)


def end() -> pd.Timestamp:
    return first_day(QUARTERS)


def orders_and_customers(path: Path) -> tuple[Part, pd.DataFrame, list[str]]:
    """Orders with numbers in place of customers and segments; customers, those who only ordered among them."""
    import pandas as pd

    orders = read(
        path, "orders", "customer_id", "ordered_at", "net_amount", "history_amount", "is_return", "category"
    )
    category, _ = pd.factorize(orders.pop("category"))  # −1: none
    listed = read(path, "customers", "customer_id", "acquired_on", "segment").set_index("customer_id")
    codes, seen = pd.factorize(orders.pop("customer_id"))
    customers = listed.reindex(listed.index.union(pd.Index(seen, name="customer_id")))
    named = customers["segment"].astype("category")
    customers["segment"] = named.cat.codes.to_numpy("int64") + 1  # 0: none stated
    number = pd.Series(customers.index.get_indexer(seen)).reindex(codes).fillna(-1).to_numpy("int64")
    return (
        {
            "number": number, "quarter": quarter_of(orders["ordered_at"]), "ordered_at": orders["ordered_at"],
            "segment": segment_of(customers, number), "net_amount": orders["net_amount"].to_numpy(),
            "is_return": orders["is_return"].to_numpy(), "category": category,
            "bought": (orders["history_amount"].notna() & ~orders["is_return"]).to_numpy() & (number >= 0),
        },
        customers,
        ["not_stated", *named.cat.categories],
    )  # fmt: skip


def segment_of(customers: pd.DataFrame, number: Any) -> Any:
    """The segment of customers by number; not stated for nobody known."""
    import numpy as np

    return np.where(number >= 0, customers["segment"].to_numpy()[number], 0)


def with_customers(rows: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """The rows with their customer's number (−1: nobody known) and segment."""
    number = customers.index.get_indexer(rows["customer_id"])
    return rows.assign(number=number, segment=segment_of(customers, number))


def part(rows: pd.DataFrame, quarter: Any) -> Part:
    return {"quarter": quarter, "segment": rows["segment"].to_numpy()}


# --- Orders and customers -------------------------------------------------------------------------


def of_orders(found: Found, orders: Part) -> None:
    import numpy as np

    amount, is_return = orders["net_amount"], orders["is_return"]
    found.add(orders, "revenue", amount, times=0)
    found.add(orders, "revenue.gross", amount, ~is_return, times=0)
    found.count(orders, "orders", ~np.isnan(amount) & ~is_return)
    found.add(orders, "average_order_value", amount, per=~is_return)
    cross_selling(found, orders)


def cross_selling(found: Found, orders: Part) -> None:
    """Buyers of a quarter by how many categories they bought from."""
    import pandas as pd

    names = ("number", "quarter", "segment", "category")
    bought = pd.DataFrame({name: orders[name][orders["bought"]] for name in names})
    bought = bought[bought["category"] >= 0].drop_duplicates(["number", "quarter", "category"])
    buyers = bought.groupby(["number", "quarter", "segment"]).size().rename("categories").reset_index()
    found.add(part(buyers, buyers["quarter"].to_numpy()), "cross_sell_rate", buyers["categories"] >= 2)


def of_customers(
    found: Found, orders: Part, customers: pd.DataFrame, surveys: pd.DataFrame, answers: pd.DataFrame
) -> None:
    import numpy as np
    import pandas as pd

    everyone = len(customers)
    names = ("number", "quarter", "net_amount", "bought", "ordered_at")
    named = pd.DataFrame({name: orders[name][orders["number"] >= 0] for name in names})
    revenue, bought = (by_quarter(named, name, everyone) for name in ("net_amount", "bought"))
    purchases = named[named["bought"]]
    first_order = purchases.groupby("number")["ordered_at"].min().dt.normalize()
    first_seen = np.fmin(customers["acquired_on"].to_numpy(), first_order.reindex(range(everyone)).to_numpy())
    active = [active_at(purchases, first_day(quarter), everyone) for quarter in range(QUARTERS + 1)]
    last = answers[(answers["question_id"] == "CSAT") & answers["is_last"] & (answers["number"] >= 0)]
    segment = customers["segment"].to_numpy()
    for q in range(QUARTERS):
        c = {
            "quarter": np.full(everyone, q), "segment": segment,
            "is_known": first_seen < first_day(q + 1).to_datetime64(),
            "was_known": first_seen < first_day(q).to_datetime64(),
            "days_as_customer": (first_day(q + 1).to_datetime64() - first_seen) / np.timedelta64(1, "D"),
            "is_opening": active[q] > 0, "is_closing": active[q + 1] > 0, "lately": active[q + 1],
            "orders": bought[q], "revenue": revenue[q], "previous": revenue[q - 1] if q >= 1 else None,
            "year_ago": revenue[q - 4] if q >= 4 else None,
            "was_active_year_ago": active[q - 3] > 0 if q >= 4 else None,
            "year_orders": bought[max(0, q - 3) : q + 1].sum(axis=0),
            "year_revenue": revenue[max(0, q - 3) : q + 1].sum(axis=0),
            "year_before": revenue[max(0, q - 4) : q].sum(axis=0),
            "orders_to_date": bought[: q + 1].sum(axis=0), "to_date": revenue[: q + 1].sum(axis=0),
        }  # fmt: skip
        c["is_new"] = c["is_known"] & ~c["was_known"]
        of_quarter(found, c)
        looking_back(found, c)
        best_tenth(found, q, c)
        was_asked, satisfied = np.zeros(everyone, bool), np.full(everyone, np.nan)
        was_asked[surveys["number"][(surveys["quarter"] == q) & (surveys["number"] >= 0)]] = True
        now = last[last["quarter"] == q]
        satisfied[now["number"]] = now["is_satisfied"]
        of_closing(found, c, was_asked, satisfied)


def by_quarter(named: pd.DataFrame, what: str, everyone: int) -> Any:
    """A row for each quarter, in it a sum for each customer."""
    sums = named.groupby(["number", "quarter"])[what].sum().unstack(fill_value=0)
    return sums.reindex(index=range(everyone), columns=range(QUARTERS), fill_value=0).to_numpy().T


def active_at(purchases: pd.DataFrame, day: pd.Timestamp, everyone: int) -> Any:
    """Each customer's orders in the activity window before a day."""
    import numpy as np
    import pandas as pd

    times = purchases["ordered_at"]
    lately = (times >= day - pd.Timedelta(days=ACTIVE_DAYS)) & (times < day)
    return np.bincount(purchases["number"][lately], minlength=everyone)


def of_quarter(found: Found, c: Part) -> None:
    is_new, is_opening, is_closing, revenue = c["is_new"], c["is_opening"], c["is_closing"], c["revenue"]
    is_buyer, is_lost = c["orders"] > 0, is_opening & ~is_closing
    is_returned = is_closing & ~is_opening & ~is_new
    either, any_of = is_opening | is_closing, is_opening | is_closing | is_new
    had_year = c["year_orders"] >= 1
    for name, where in {
        "new_customers": is_new, "opening_customers": is_opening, "closing_customers": is_closing,
        "returned_customers": is_returned, "lost_customers": is_lost, "buyers": is_buyer,
        "came_and_went_customers": is_new & ~either,
    }.items():  # fmt: skip
        found.count(c, name, where)
    found.add(c, "new_customer_first_value", revenue, is_new)
    months = c["days_as_customer"] / 30.4375
    found.add(c, "new_customer_margin_per_month", revenue, is_new, per=months)  # at a margin of 1
    found.add(c, "customer_retention_rate", is_closing, is_opening)
    found.add(c, "customer_retention_rate.as_printed", is_closing * 1 - is_new, any_of, per=is_opening)
    found.add(c, "customer_retention_rate.active_again", is_buyer, is_opening)
    found.add(c, "customer_churn_rate", is_lost, is_opening)
    found.add(c, "customer_churn_rate.lost_over_all", is_lost, any_of)
    found.add(
        c, "customer_churn_rate.lost_over_average", is_lost, either, per=(is_opening * 1 + is_closing) / 2
    )
    found.add(c, "churned_value", c["year_before"], is_lost, times=0)
    found.add(c, "customer_growth_rate", is_closing * 1 - is_opening, either, per=is_opening)
    found.add(c, "winback_rate", is_returned, c["was_known"] & ~is_opening)
    found.add(c, "revenue_per_customer", revenue, is_buyer)
    found.add(c, "historical_clv", c["to_date"], c["is_known"])
    found.add(c, "historical_clv.revenue_only", c["to_date"], c["is_known"])
    found.add(c, "average_order_value_of_year", c["year_revenue"], had_year, per=c["year_orders"])
    found.add(c, "orders_per_customer_year", c["year_orders"], had_year)
    found.add(c, "repeat_purchase_rate", c["lately"] >= 2, is_closing)
    found.add(c, "repeat_purchase_rate.lifetime", c["orders_to_date"] >= 2, c["orders_to_date"] >= 1)
    found.add(c, "repeat_purchase_rate.in_period", c["orders"] >= 2, is_buyer)
    found.add(c, "purchase_frequency", c["orders"], is_buyer)


def looking_back(found: Found, c: Part) -> None:
    """What sets the quarter beside an earlier one, where the data reach back to it."""
    import numpy as np

    revenue, previous, year_ago = c["revenue"], c["previous"], c["year_ago"]
    for variant, then in ((".previous_period", previous), ("", year_ago)):
        if then is not None:
            found.add(c, f"net_revenue_retention{variant}", revenue, then > 0, per=then)
            found.add(c, f"gross_revenue_retention{variant}", np.minimum(revenue, then), then > 0, per=then)
    if year_ago is not None:
        beyond = np.where(year_ago > 0, np.maximum(0, revenue - year_ago), 0)
        found.add(c, "expansion_share", beyond, (revenue != 0) | (year_ago > 0), per=revenue)
        found.add(c, "yearly_churn_rate", ~c["is_closing"], c["was_active_year_ago"])


def best_tenth(found: Found, quarter: int, c: Part) -> None:
    import numpy as np

    had_year = c["year_orders"] >= 1
    revenue, segment = c["year_revenue"][had_year], c["segment"][had_year]
    groups = range(len(found.segments)) if found.is_compared[quarter] else ()
    for group in (-1, *groups):
        x = np.sort(revenue if group < 0 else revenue[segment == group])[::-1]
        if len(x):
            top = x[: -(-len(x) // 10)].sum() / x.sum()
            found.add_other(quarter, group, "top_decile_share", len(x), top)


def of_closing(found: Found, c: Part, was_asked: Any, satisfied: Any) -> None:
    """Customers active at the end: whether they were asked, and their last word on the whole (missing: none)."""
    import numpy as np

    is_closing, is_satisfied, is_frequent = c["is_closing"], satisfied == 1, c["lately"] >= FREQUENT_ORDERS
    found.add(c, "survey_coverage", was_asked, is_closing)
    found.add(c, "csat.over_all_customers", is_satisfied, is_closing)
    found.add(c, "loyalty_index", is_frequent | is_satisfied, is_closing)
    found.add(c, "loyalty_index.as_printed", is_frequent * 1 + is_satisfied, is_closing)
    answered = is_closing & ~np.isnan(satisfied)
    found.add(c, "loyalty_index.surveyed_only", is_frequent | is_satisfied, answered)


# --- Tickets --------------------------------------------------------------------------------------


def read_tickets(path: Path, customers: pd.DataFrame) -> pd.DataFrame:
    tickets = read(
        path, "tickets", "customer_id", "opened_at", "first_replied_at", "first_solution_at", "resolved_at", "due_at",
        "is_within_sla", "waiting_seconds", "reopened_count", "reassigned_count", "is_complaint", "severity",
    )  # fmt: skip
    tickets = with_customers(tickets, customers)
    for name in ("first_replied_at", "first_solution_at", "resolved_at"):
        tickets[name] = tickets[name].where(tickets[name] < end())  # what comes later is not known
        seconds = (tickets[name] - tickets["opened_at"]).dt.total_seconds()
        tickets[name.replace("_at", "_seconds")] = seconds.where(seconds >= 0)
    waiting, resolved = tickets["waiting_seconds"].fillna(0), tickets["resolved_seconds"]
    tickets["resolution_seconds"] = (resolved - waiting).where(waiting <= resolved)
    return tickets


def of_tickets(found: Found, tickets: pd.DataFrame) -> None:
    import numpy as np

    opened, solved = (quarter_of(tickets[name]) for name in ("opened_at", "resolved_at"))
    by_opening, by_solution = part(tickets, opened), part(tickets, solved)
    for name, column, quarter in (
        ("first_response_time", "first_replied_seconds", quarter_of(tickets["first_replied_at"])),
        ("first_solution_time", "first_solution_seconds", quarter_of(tickets["first_solution_at"])),
        ("resolution_time", "resolution_seconds", solved),
        ("turnaround_time", "resolved_seconds", solved),
    ):
        rows = part(tickets, quarter)
        found.add(rows, name, tickets[column])
        found.add(rows, f"{name}.elapsed", tickets[column])  # no opening hours: the clock on the wall
        quantiles(found, rows, name, tickets[column])
    found.add(by_opening, "complaint_severity", tickets["severity"], tickets["is_complaint"].to_numpy(bool))
    found.add(by_opening, "transfers_per_ticket", tickets["reassigned_count"])
    reopened = tickets["reopened_count"]
    found.add(by_solution, "reopen_rate", np.where(reopened.isna(), np.nan, reopened > 0))
    judged = tickets["due_at"].fillna(tickets["resolved_at"]).fillna(tickets["opened_at"])
    found.add(part(tickets, quarter_of(judged)), "sla_attainment", is_in_time(tickets))


def is_in_time(tickets: pd.DataFrame) -> Any:
    """1 or 0 as the system says; else by the due time, missing where there is none or it is still to come."""
    import numpy as np

    resolved, due = tickets["resolved_at"], tickets["due_at"]
    by_time = np.where(resolved.notna(), resolved <= due, np.where(due < end(), 0.0, np.nan))
    by_time = np.where(due.isna(), np.nan, by_time)
    said = tickets["is_within_sla"]
    return said.astype(float).where(said.notna(), by_time)


def quantiles(found: Found, rows: Part, name: str, x: pd.Series) -> None:
    import pandas as pd

    keys = pd.DataFrame({"quarter": rows["quarter"], "segment": rows["segment"], "x": x.to_numpy()})
    keys = keys[(keys["quarter"] >= 0) & keys["x"].notna()]
    some = keys[pd.Series(found.is_compared).reindex(keys["quarter"]).to_numpy()]
    for by, chosen in ((["quarter"], keys), (["quarter", "segment"], some)):
        grouped = chosen.groupby(by)["x"]
        table = {"n": grouped.size(), "median": grouped.quantile(0.5), "p90": grouped.quantile(0.9)}
        for row in pd.DataFrame(table).reset_index().itertuples():
            for variant in ("median", "p90"):
                segment = getattr(row, "segment", -1)
                found.add_other(row.quarter, segment, f"{name}.{variant}", row.n, getattr(row, variant))


# --- Questionnaires -------------------------------------------------------------------------------


def read_surveys(path: Path, customers: pd.DataFrame) -> pd.DataFrame:
    surveys = read(path, "surveys", "survey_id", "customer_id", "sent_at", "answered_at", "kind")
    surveys = with_customers(surveys, customers)
    number = surveys["number"]
    respondent = number.where(number >= 0, -1 - surveys.index)  # the unknown are one each
    return surveys.assign(quarter=quarter_of(surveys["sent_at"]), respondent=respondent)


def of_surveys(found: Found, surveys: pd.DataFrame) -> None:
    import numpy as np
    import pandas as pd

    returned = surveys["answered_at"].where(surveys["answered_at"] < end())
    took, allowed = returned - surveys["sent_at"], pd.Timedelta(days=ANSWER_DAYS)
    unknown = (surveys["sent_at"].dt.normalize() + allowed >= end()) | (took < pd.Timedelta(0))
    in_time = np.where(unknown, np.nan, took <= allowed)
    found.add(part(surveys, surveys["quarter"].to_numpy()), "survey_response_rate", in_time)


def read_answers(path: Path, surveys: pd.DataFrame) -> pd.DataFrame:
    """Answers that count, with their question, who gave them, and whether they were his last of the quarter."""
    import numpy as np

    questions = read(path, "questions").drop(columns=["source_file", "source_row", "wording"])
    of_surveys = surveys[["survey_id", "number", "respondent", "segment", "answered_at", "kind"]]
    answers = read(path, "answers", "survey_id", "question_id", "score").merge(questions, on="question_id")
    answers = answers.merge(of_surveys, on="survey_id")
    on_scale = answers["score"].between(answers["scale_min"], answers["scale_max"])
    answers = answers[on_scale & (answers["answered_at"] < end())]
    turned = answers["reversed"].to_numpy(bool) & (answers["construct"] != "ces_v1")
    lowest, highest = answers["scale_min"], answers["scale_max"]
    score = answers["score"].where(~turned, lowest + highest - answers["score"])
    answers = answers.assign(
        quarter=quarter_of(answers["answered_at"]), score=score, share=(score - lowest) / (highest - lowest),
        is_satisfied=score >= highest.map({5: 4, 7: 6, 10: 9}),
    ).sort_values(["answered_at", "survey_id"])  # fmt: skip
    is_last = ~answers.duplicated(["quarter", "respondent", "question_id"], keep="last")
    return answers.assign(is_last=np.asarray(is_last))


def of_answers(found: Found, answers: pd.DataFrame) -> None:
    rows = part(answers, answers["quarter"].to_numpy())
    score, share, satisfied = (answers[name].to_numpy() for name in ("score", "share", "is_satisfied"))
    last = answers["is_last"].to_numpy()
    constructs = ("csat", "nps", "ces", "ces_v1", "loyalty")
    construct = {name: (answers["construct"] == name).to_numpy() for name in constructs}
    of_all = (answers["question_id"] == "CSAT").to_numpy()
    found.add(rows, "csat", satisfied, of_all & last)
    found.add(rows, "csat.mean_score", 1 + 4 * share, of_all & last)
    found.add(rows, "csat.top_box", score == answers["scale_max"], of_all & last)
    found.add(rows, "csat.all_answers", satisfied, of_all)
    for item in ITEMS:
        of_item = construct["csat"] & (answers["item"] == item).to_numpy() & last
        found.add(rows, f"csat.{item}", satisfied, of_item)
        found.add(rows, f"csat.{item}.mean_score", 1 + 4 * share, of_item)
    net = (score >= 9) * 1 - (score <= 6)
    relationship = construct["nps"] & (answers["kind"] == "relationship").to_numpy()
    found.add(rows, "nps", net, relationship & last, times=100)
    found.add(rows, "nps.fraction", net, relationship & last)
    found.add(rows, "nps.all_answers", net, relationship, times=100)
    found.add(rows, "nps.transactional", net, construct["nps"] & ~relationship & last, times=100)
    found.add(rows, "ces", score >= 5, construct["ces"] & last)
    found.add(rows, "ces.mean_score", score, construct["ces"] & last)
    found.add(rows, "ces.strict", score >= 6, construct["ces"] & last)
    found.add(rows, "ces.all_answers", score >= 5, construct["ces"])
    found.add(rows, "ces.v1", score <= 2, construct["ces_v1"] & last)
    found.add(rows, "loyalty_index.survey_mean", share, construct["loyalty"] & last)


def of_indices(found: Found, answers: pd.DataFrame) -> None:
    """The ACSI-style index of questionnaires that answered all three items, and the gaps of SERVQUAL."""
    by_survey = answers.drop_duplicates("survey_id").set_index("survey_id")
    by_survey = by_survey[["quarter", "segment", "respondent", "answered_at"]]
    shares = answers[answers["construct"] == "acsi"].groupby("survey_id")["share"]
    acsi = 100 * shares.mean()[shares.size() == 3]
    last_of_each(found, by_survey, {"acsi_style": acsi})
    rows = by_survey.reindex(acsi.index)
    found.add(part(rows, rows["quarter"].to_numpy()), "acsi_style.all_answers", acsi)
    gaps = servqual(answers)
    last_of_each(found, by_survey, {name: gaps[name] for name in gaps if name != "servqual_gap.servperf"})
    last_of_each(found, by_survey, {"servqual_gap.servperf": gaps["servqual_gap.servperf"]})


def last_of_each(found: Found, by_survey: pd.DataFrame, indices: dict[str, pd.Series]) -> None:
    """Indices that are known of the same questionnaires; of each respondent the last of a quarter counts."""
    known = next(iter(indices.values())).dropna().index
    rows = by_survey.reindex(known).rename_axis("survey_id").reset_index()
    rows = rows.sort_values(["answered_at", "survey_id"])
    rows = rows.drop_duplicates(["quarter", "respondent"], keep="last").set_index("survey_id")
    for name, index in indices.items():
        found.add(part(rows, rows["quarter"].to_numpy()), name, index.reindex(rows.index))


def servqual(answers: pd.DataFrame) -> pd.DataFrame:
    """The gaps of each questionnaire: over dimensions, over items, weighted, and perception alone."""
    import pandas as pd

    asked = answers[answers["construct"].isin(["servqual_perception", "servqual_expectation"])]
    pairs = asked.pivot_table(index=["survey_id", "dimension", "item"], columns="construct", values="score")
    gap = pairs["servqual_perception"] - pairs["servqual_expectation"]
    weight_of = asked.drop_duplicates("item").set_index("item")["weight"]
    weight = pairs.index.get_level_values("item").map(weight_of).to_numpy()
    pairs = pairs.assign(gap=gap, weight=pd.Series(weight, pairs.index).where(gap.notna()))
    dimensions = pairs.groupby(level=["survey_id", "dimension"])[["gap", "weight"]].mean()
    weighted = (dimensions["gap"] * dimensions["weight"]).groupby(level="survey_id").sum(min_count=1)
    weights = dimensions["weight"].groupby(level="survey_id").sum(min_count=1)
    of_items = pairs.groupby(level="survey_id")[["gap", "servqual_perception"]].mean()
    return pd.DataFrame(
        {
            "servqual_gap": dimensions["gap"].groupby(level="survey_id").mean(),
            "servqual_gap.items": of_items["gap"],
            "servqual_gap.weighted": weighted / weights,
            "servqual_gap.servperf": of_items["servqual_perception"],
        }
    )
