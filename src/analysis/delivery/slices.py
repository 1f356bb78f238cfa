"""What an account manager or a team may see of a run: his own figures and customers, and nothing that tells on others.

Figures are those of the metrics in ``SLICE_METRICS`` and of those with a target for such groups, each beside the
company's; ``suppression`` says what is withheld of them. Customers are those held at the window's end, without what
they brought in the window: a list of that would add up to a figure that may be withheld.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from analysis.appraisal.targets import TARGET_COLUMNS, judge_targets
from analysis.catalogue import DEFAULT, Metric, nearest
from analysis.delivery.suppression import MANAGER, TEAM, suppress
from analysis.errors import InputError
from analysis.facts import Book, NotMeasured
from analysis.facts.compile import OF_CUSTOMERS_BY_WINDOW
from analysis.metrics.derived import Operand, operands
from analysis.metrics.frame import NOT_STATED
from analysis.report.findings import overdue_customers
from analysis.report.kpis_shown import AGAINST, chosen, comparisons, group_name
from analysis.suite import Results
from analysis.suite.targets import TARGETS_OF

__all__ = [
    "SLICED_BY", "Slice", "SliceError", "groups_of", "handed_over", "slice_customers", "slice_figures",
    "slice_managers", "suppress",
]  # fmt: skip

SLICED_BY = (MANAGER, TEAM)
SLICE_METRICS = (
    "revenue", "average_order_value", "customer_retention_rate", "new_customers", "renewal_rate", "nps", "csat",
    "complaint_rate", "sla_attainment", "first_contact_resolution", "lead_conversion_rate", "win_rate",
    "pipeline_value", "action_completion_rate",
)  # fmt: skip
"""What a letter to a manager shows, in this order; metrics with a target for a group come after these."""

DAYS_AHEAD = 92
"""Contracts that fall due within so many days after the window are listed."""

NEEDS = {MANAGER: ("assignments",), TEAM: ("assignments", "account_managers")}
OPINIONS = ("answers", "responses", "feedback", "mentions")
"""Facts whose rows are what somebody thinks: where all think alike, a figure tells what each one thinks."""

# Columns that say the same of the same customers in other words.
_SAME = {
    "net_revenue": ("net_amount",), "is_buyer": ("is_order",), "orders": ("is_order",),
    "is_lost": ("is_opening", "is_closing"), "is_returned": ("is_opening", "is_closing", "is_new"),
    "came_and_went": ("is_opening", "is_closing", "is_new"),
}  # fmt: skip
_KEPT_BY_WORD = re.compile(
    r"\w+ = '[^']*'"
)  # a condition that picks rows by a word tells nothing of their number

CHANGE_PARTS = ("base_value", "base_n", "difference", "relative_change", "verdict", "reason")
FIGURE_COLUMNS = [
    "metric", "variant", "by", "group", "value", "low", "high", "n", "reason", "company_value", "is_withheld",
    *(f"{against}_{part}" for against in AGAINST for part in CHANGE_PARTS),
    "target", "target_verdict",
]  # fmt: skip
CUSTOMER_COLUMNS = [
    "customer_id", "customer_name", "account_manager", "last_order_on", "days_since_last_order", "predicted_clv",
    "churn_score", "is_overdue", "contract_due_on", "contract_value", "open_complaints",
]  # fmt: skip
_NUMBERS = ["value", "low", "high", "n"]


class SliceError(InputError):
    """A slice that cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Slice:
    """One group of a dimension that a letter is about, such as one account manager, by his number."""

    dimension: str
    group: str


# --- groups -------------------------------------------------------------------------------------------


def groups_of(results: Results, dimension: str) -> list[str]:
    """The groups a letter can be written for: who held a customer on any day of the window, in order.

    Raises
    ------
    SliceError
        If letters are not sliced by this dimension, or the company does not supply what tells its groups.
    """
    _check_sliced(results.book, dimension)
    return results.remember(("groups_of", dimension), lambda: _groups_of(results.book, dimension))


def _groups_of(book: Book, dimension: str) -> list[str]:
    column = book.catalogue.dimensions[dimension].column_name
    sql = f"select distinct cast({column} as varchar) as found from holdings where {column} is not null "
    sql += "and held_from < $ends_on and held_until > $starts_on"
    return sorted(book.ask(sql, starts_on=book.window.start, ends_on=book.window.end)["found"])


def _check_sliced(book: Book, dimension: str) -> None:
    if dimension not in SLICED_BY:
        raise SliceError(f"letters are not sliced by {dimension!r}{nearest(dimension, SLICED_BY)}")
    if lacking := [table for table in NEEDS[dimension] if table in book.absent]:
        raise SliceError(
            f"there are no letters by {dimension}: table {lacking[0]} is not supplied, which says whose customer is "
            "whose; add it to `tables`, or take the slices out of `mail: recipients`"
        )


def check_slice(results: Results, wanted: Slice) -> None:
    """Pass silently where there is such a group.

    Raises
    ------
    SliceError
        With the nearest group, looked for among numbers and names.
    """
    groups = groups_of(results, wanted.dimension)
    if wanted.group in groups:
        return
    named = {
        group_name(results.book, wanted.dimension, one, language): one
        for language in results.book.settings.languages
        for one in groups
    }
    number = named | {one: one for one in groups}
    near = nearest(wanted.group, number)
    close = next((name for name in number if f"{name!r}?" in near), None)
    if close and number[close] != close:
        near = f"; did you mean {number[close]!r} ({close})?"
    raise SliceError(
        f"no {wanted.dimension} {wanted.group!r} held a customer in {results.book.window.label}{near}"
    )


def teams_of(results: Results) -> dict[str, str | None]:
    """The team of every manager there is, whether he holds a customer or not; None for none."""
    book = results.book
    found = dict.fromkeys(groups_of(results, MANAGER))
    if "account_managers" in book.absent:
        return found
    sql = "select cast(account_manager_id as varchar) as id, cast(team as varchar) as team from source_account_managers"
    return found | {
        row.id: row.team if isinstance(row.team, str) else None for row in book.ask(sql).itertuples()
    }


# --- which metrics --------------------------------------------------------------------------------------


def slice_metrics(results: Results, dimension: str) -> list[Metric]:
    """The metrics shown to the groups of a dimension, each under the run's variant.

    A metric that is worked out from an earlier window too (growth) is left out: it would tell what that came to.
    """
    book, metrics = results.book, results.book.catalogue.metrics
    targets = group_targets(results)
    targeted = targets.loc[targets["by"].eq(dimension), "metric"]
    names = [name for name in dict.fromkeys([*SLICE_METRICS, *targeted]) if name in metrics]
    wanted = [chosen(book, metrics[name]) for name in names]
    return [metric for metric in wanted if metric.kind != "modelled" and not _looks_back(book, metric)]


def _looks_back(book: Book, metric: Metric) -> bool:
    used = _operands(book, metric)
    return metric.looks_back_to is not None or any(
        each.shift is not None or _looks_back(book, book.catalogue.named(each.metric)) for each in used
    )


def _operands(book: Book, metric: Metric) -> tuple[Operand, ...]:
    """What a formula names, targets left out: they are nobody's secret."""
    if metric.kind != "derived":
        return ()
    records = (each for record in book.catalogue.metrics.values() for each in record.all_variants())
    names = [each.id if each.variant == DEFAULT else f"{each.id}.{each.variant}" for each in records]
    used = operands(metric.value, names, list(book.setting_values)).metrics
    return tuple(each for each in used if each.metric not in TARGETS_OF)


def _counted(book: Book, metric: Metric) -> list[Metric]:
    """The metric itself where it is counted; of one worked out from others, those that are counted."""
    if metric.kind != "derived":
        return [metric] if metric.fact else []
    return [
        part for each in _operands(book, metric) for part in _counted(book, book.catalogue.named(each.metric))
    ]


def families(book: Book, metrics: Sequence[Metric]) -> dict[tuple[str, str], str]:
    """For each metric and variant the family of those that tell on each other, named after its first.

    Two do where they are worked out from the same columns of the same rows, or one from the other: retention and
    churn, orders and revenue by order.
    """
    marks = {(metric.id, metric.variant): _marks(book, metric) for metric in metrics}
    family: dict[tuple[str, str], str] = {}
    for key in marks:
        if key not in family:
            family |= dict.fromkeys(_reached(key, marks), key[0])
    return family


def _reached(key: tuple[str, str], marks: Mapping[tuple[str, str], set]) -> set[tuple[str, str]]:
    """All that share a mark with it, or with one that does."""
    own: set[tuple[str, str]] = {key}
    while True:
        seen = set().union(*(marks[one] for one in own))
        more = own | {other for other, marked in marks.items() if marked & seen}
        if more == own:
            return own
        own = more


def _marks(book: Book, metric: Metric) -> set[tuple[str, str]]:
    """The rows and columns it is worked out from; the rows as such where it only counts them."""
    marks: set[tuple[str, str]] = set()
    for part in _counted(book, metric):
        text = _KEPT_BY_WORD.sub("", " ".join(each for each in (part.where, part.of, part.per) if each))
        words = set(re.findall(r"\w+", text)) & set(book.columns_of(part.fact))
        same = {name for word in words for name in _SAME.get(word, (word,))} or {"every row"}
        marks |= {(_rows_of(part.fact), name) for name in same}
    return marks


def _rows_of(fact: str | None) -> str:
    """Facts of each window's customers, and their orders, are about the same things."""
    return "customers" if fact in (*OF_CUSTOMERS_BY_WINDOW, "orders") else str(fact)


# --- figures --------------------------------------------------------------------------------------------


def slice_figures(results: Results, wanted: Slice) -> pd.DataFrame:
    """One row for each metric that reaches the group: his figure, the company's, what changed, his target.

    Returns
    -------
    DataFrame
        ``FIGURE_COLUMNS``. Where ``is_withheld``, every number of the group is missing, but for his target. Verdicts
        on changes are corrected for the metrics shown; a change is given where neither window's figure is withheld.

    Raises
    ------
    SliceError
        If there is no such group.
    """
    check_slice(results, wanted)
    key = ("slice_figures", wanted.dimension, wanted.group)
    return results.remember(key, lambda: _figures(results, wanted, with_changes=True))


def slice_managers(results: Results, wanted: Slice) -> pd.DataFrame:
    """The same rows for each manager of a team, without changes; none for a slice that is no team."""
    check_slice(results, wanted)
    present = groups_of(results, MANAGER)
    names = [one for one in present if teams_of(results).get(one) == wanted.group]
    rows = [_figures(results, Slice(MANAGER, one), with_changes=False) for one in names]
    own = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=FIGURE_COLUMNS)
    return own if wanted.dimension == TEAM else own.head(0)


def _figures(results: Results, wanted: Slice, *, with_changes: bool) -> pd.DataFrame:
    book, own = results.book, _shown_only(results, wanted)
    now = own[own["period"] == book.window.label].set_index(["metric", "variant"])
    changes = _changes(book, own) if with_changes else {}
    rows = []
    for metric in slice_metrics(results, wanted.dimension):
        key = (metric.id, metric.variant)
        if key not in now.index:
            continue
        row = now.loc[key].to_dict() | {"metric": metric.id, "variant": metric.variant}
        row |= {
            "by": wanted.dimension,
            "group": wanted.group,
            "company_value": _company_value(results, metric),
        }
        for against in comparisons(book):
            row |= _change_cells(changes.get((*key, against)), against)
        rows.append(row | _target_cells(results, metric, wanted, bool(row["is_withheld"])))
    return pd.DataFrame(rows, columns=FIGURE_COLUMNS)


def _shown_only(results: Results, wanted: Slice) -> pd.DataFrame:
    """The group's figures of all windows compared, without the numbers of those withheld."""
    kpis = measured_by_groups(results)
    own = kpis[kpis["by"].eq(wanted.dimension) & kpis["group"].eq(wanted.group)]
    own = _with_missing_rows(results, own, wanted)
    hidden = [_is_withheld(results, row, wanted) for row in own.itertuples()]
    numbers = [*_NUMBERS, "standard_error", "numerator", "denominator"]
    own = own.assign(is_withheld=pd.array(hidden, dtype=bool)).astype(dict.fromkeys(numbers, "float64"))
    own.loc[own["is_withheld"], numbers] = float("nan")
    own.loc[own["is_withheld"], "reason"] = None
    return own


def _with_missing_rows(results: Results, own: pd.DataFrame, wanted: Slice) -> pd.DataFrame:
    """The rows with one for each metric that some group has a figure of and this one has not: it counts no row."""
    book = results.book
    kpis = measured_by_groups(results)
    now = kpis[kpis["period"].eq(book.window.label) & kpis["by"].eq(wanted.dimension) & kpis["value"].notna()]
    known = now.drop_duplicates(["metric", "variant"])[["metric", "variant", "period", "by"]]
    known = known.assign(group=wanted.group)
    return own.merge(known, on=list(known.columns), how="outer")


def _is_withheld(results: Results, row: Any, wanted: Slice) -> bool:
    """Whether it is withheld in its own window, or in the run's: what changed would tell."""
    windows = {row.period, results.book.window.label}
    key = (row.metric, row.variant, wanted.dimension, wanted.group)
    return any(key in withheld_figures(results, window) for window in windows)


def measured_by_groups(results: Results) -> pd.DataFrame:
    """Figures of all groups of both dimensions, and those that they are worked out from, in all windows compared."""
    return results.remember("measured_by_groups", lambda: _measure(results))


def _measure(results: Results) -> pd.DataFrame:
    from analysis.suite.everything import kpis_by  # heavy, and not every letter needs it

    book, found = results.book, []
    for dimension in (each for each in SLICED_BY if not set(NEEDS[each]) & set(book.absent)):
        wanted = [m for each in slice_metrics(results, dimension) for m in (each, *_counted(book, each))]
        kpis = kpis_by(book, dimension, wanted)
        found.append(kpis[kpis["by"].isna() | kpis["by"].eq(dimension)])
    compared = {book.window.label, *book.baselines[book.window.label].values()}
    kpis = pd.concat(found, ignore_index=True).drop_duplicates(["metric", "variant", "period", "by", "group"])
    return kpis[kpis["period"].isin(compared)].reset_index(drop=True)


def withheld_figures(results: Results, period: str) -> set[tuple[str, str, str, str]]:
    """What is withheld of a window in every letter of the run: ``(metric, variant, by, group)``."""
    return results.remember(("withheld", period), lambda: _withhold(results, period))


def _withhold(results: Results, period: str) -> set[tuple[str, str, str, str]]:
    cells = cells_of(results, period)
    # Who has no row at all in the window has nothing to be told, and protects nobody.
    present = set(cells.loc[cells["by"].eq(MANAGER) & (cells["n"] > 0), "group"].dropna())
    team_of = {one: team for one, team in teams_of(results).items() if one in present}
    found = suppress(cells[cells["is_counted"]], team_of, results.book.settings.smallest_cell)
    members = cells.groupby("family")[["metric", "variant"]].apply(
        lambda rows: set(rows.itertuples(index=False))
    )
    return {(*member, by, group) for family, by, group in found for member in members[family]}


def cells_of(results: Results, period: str) -> pd.DataFrame:
    """The figures of a window as ``suppress`` takes them, with their ``variant, value`` and ``is_counted``.

    What is worked out from other figures rests on their rows, which are here too, and counts none itself.
    """
    kpis = measured_by_groups(results)
    kpis = kpis[kpis["period"] == period]
    keys = list(zip(kpis["metric"], kpis["variant"], strict=True))
    records = {key: results.book.catalogue.metric(*key) for key in dict.fromkeys(keys)}
    family = families(results.book, list(records.values()))
    kinds = pd.Series([records[key].kind for key in keys], kpis.index, dtype="str")
    asked = pd.Series([records[key].fact in OPINIONS for key in keys], kpis.index, dtype=bool)
    return kpis[["metric", "variant", "by", "n", "value"]].assign(
        group=kpis["group"].mask(kpis["group"].eq(NOT_STATED)), family=[family[key] for key in keys],
        hits=kpis["numerator"], is_share=kinds.eq("share"), is_counted=kinds.ne("derived"),
        is_alike=asked & _are_alike(kpis, kinds),
    ).reset_index(drop=True)  # fmt: skip


def _are_alike(kpis: pd.DataFrame, kinds: pd.Series) -> pd.Series:
    """Whether all answers behind a figure are the same."""
    share = kinds.eq("share") & kpis["value"].isin([0, 1])
    net = kinds.eq("net_share") & kpis["value"].abs().eq(100)
    mean = kinds.eq("mean") & kpis["standard_error"].eq(0)
    return share | net | mean | kpis["reason"].fillna("").str.contains("no_spread")


def _company_value(results: Results, metric: Metric) -> float:
    """The company's figure; missing where it rests on too few rows itself."""
    figure = results.company_figures.get((metric.id, metric.variant, results.book.window.label))
    counted = metric.kind != "derived"
    if figure is None or (counted and figure["n"] < results.book.settings.smallest_cell):
        return float("nan")
    return float(figure["value"])


def _changes(book: Book, own: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What changed in the figures shown, judged as the company's headline figures are: corrected for all of them."""
    from analysis.suite.everything import find_changes

    shown = own[~own["is_withheld"] & own["value"].notna()].drop(columns="is_withheld")
    if shown.empty:
        return {}
    changes = find_changes(book, shown.assign(by=None, group=None))
    sizes = shown.set_index(["metric", "variant", "period"])["n"]
    bases = zip(changes["metric"], changes["variant"], changes["base_period"], strict=True)
    changes = changes.assign(base_n=[sizes.get(key) for key in bases])
    known = changes[changes["difference"].notna()]
    return {(r["metric"], r["variant"], r["against"]): r for r in known.to_dict("records")}


def _change_cells(change: Mapping[str, Any] | None, against: str) -> dict[str, Any]:
    return {f"{against}_{part}": change[part] if change else None for part in CHANGE_PARTS}


# --- targets --------------------------------------------------------------------------------------------


def group_targets(results: Results) -> pd.DataFrame:
    """The judged targets of the company, its managers and teams for the period (see ``judge_targets``)."""
    dimensions = tuple(each for each in SLICED_BY if not set(NEEDS[each]) & set(results.book.absent))
    judged = judge_targets(results, dimensions)
    return pd.DataFrame(columns=list(TARGET_COLUMNS)) if isinstance(judged, NotMeasured) else judged


def _target_cells(results: Results, metric: Metric, wanted: Slice, is_withheld: bool) -> dict[str, Any]:
    """The group's own target, and the verdict, which would tell on a figure that is withheld."""
    targets = group_targets(results)
    own = targets[targets["by"].eq(wanted.dimension) & targets["group"].eq(wanted.group)]
    own = own[own["metric"].eq(metric.id) & own["variant"].eq(metric.variant)]
    if own.empty:
        return {"target": float("nan"), "target_verdict": ""}
    verdict = "" if is_withheld else str(own["verdict"].iloc[0])
    return {"target": float(own["target"].iloc[0]), "target_verdict": verdict}


# --- customers ------------------------------------------------------------------------------------------

_HELD = """
select customer_id, cast(account_manager_id as varchar) as account_manager
from holdings
where cast({column} as varchar) = $wanted and held_from < $ends_on and held_until >= $ends_on
"""
_DUE = """
select customer_id, min(due_on) as contract_due_on, sum(yearly_value) as contract_value
from contracts
where due_on >= $ends_on and due_on < $until and renewed_on is null
group by customer_id
"""
_COMPLAINTS = """
select customer_id, count(*) as open_complaints
from tickets
where is_complaint and opened_on < $ends_on and (resolved_on is null or resolved_on >= $ends_on)
group by customer_id
"""


def slice_customers(results: Results, wanted: Slice) -> pd.DataFrame:
    """One row for each customer a manager holds at the window's end; of a team, those that call for something.

    Returns
    -------
    DataFrame
        ``CUSTOMER_COLUMNS``: valuable customers overdue first, then contracts that fall due, the earliest first, then
        open complaints. A team's list leaves out customers nothing is to be done for: all of them together would
        tell what its managers' figures come to.

    Raises
    ------
    SliceError
        If there is no such group.
    """
    check_slice(results, wanted)
    book, column = results.book, results.book.catalogue.dimensions[wanted.dimension].column_name
    ends_on = book.window.end
    held = book.ask(_HELD.format(column=column), wanted=wanted.group, ends_on=ends_on)
    due = book.ask(_DUE, ends_on=ends_on, until=ends_on + timedelta(days=DAYS_AHEAD))
    complaints = book.ask(_COMPLAINTS, ends_on=ends_on)
    rows = held.merge(_values(results), on="customer_id", how="left")
    rows = rows.merge(due, on="customer_id", how="left").merge(complaints, on="customer_id", how="left")
    rows = rows.assign(
        customer_name=rows["customer_name"].fillna(rows["customer_id"]),
        is_overdue=rows["is_overdue"].eq(True), open_complaints=rows["open_complaints"].fillna(0).astype(int),
    )  # fmt: skip
    if wanted.dimension == TEAM:
        rows = rows[rows["is_overdue"] | rows["contract_due_on"].notna() | rows["open_complaints"].gt(0)]
    order = ["is_overdue", "contract_due_on", "open_complaints", "predicted_clv", "customer_id"]
    rows = rows.sort_values(
        order, ascending=[False, True, False, False, True], na_position="last", kind="stable"
    )
    return rows[CUSTOMER_COLUMNS].reset_index(drop=True)


def _values(results: Results) -> pd.DataFrame:
    customers = results.customers
    overdue = set(overdue_customers(customers)["customer_id"]) if len(customers) else set()
    kept = [name for name in CUSTOMER_COLUMNS if name in customers.columns]
    return customers[kept].assign(is_overdue=customers["customer_id"].isin(overdue))


_HANDED = """
select
  count(case when ended = $wanted and began <> $wanted then 1 end) as taken_over,
  count(case when began = $wanted and ended <> $wanted then 1 end) as handed_on
from (
  select
    customer_id,
    max(case when held_from <= $starts_on and held_until > $starts_on then cast({column} as varchar) end) as began,
    max(case when held_from < $ends_on and held_until >= $ends_on then cast({column} as varchar) end) as ended
  from holdings
  group by customer_id
) own
"""


def handed_over(results: Results, wanted: Slice) -> tuple[int, int]:
    """How many customers a group took over from others, and handed on to others, within the window.

    New customers are left out: with them, it would tell a number of new customers that may be withheld.
    """
    column = results.book.catalogue.dimensions[wanted.dimension].column_name
    window = results.book.window
    asked = results.book.ask(
        _HANDED.format(column=column), wanted=wanted.group, starts_on=window.start, ends_on=window.end
    )
    return int(asked["taken_over"].iloc[0]), int(asked["handed_on"].iloc[0])
