"""Why a figure changed, or lies off its target: which groups moved otherwise than the rest, and what that makes of it.

A ratio is Σ wᵍ·rᵍ over the groups of a dimension, with rates r and shares of the denominator w. Its change is the sum
of a rate effect w̄ᵍ·Δrᵍ and a mix effect (r̄ᵍ − r̄)·Δwᵍ of each group, with means over both windows; this is exact
(Kitagawa 1955, JASA 50, 1168–1194, for rates of two populations). A total is the sum of its groups, and so is its
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.catalogue import DEFAULT, Metric
from analysis.facts import Book
from analysis.metrics.compare import adjust_p_values, z_p_value
from analysis.metrics.frame import KPI_COLUMNS, NOT_STATED
from analysis.metrics.gaps import missing_tables
from analysis.metrics.measure import measure
from analysis.metrics.scans import overlaps, reaches
from analysis.suite import Results
from analysis.suite.everything import find_changes

LOOKED_AT = (
    "region", "segment", "acquisition_channel", "account_team", "team", "served_by", "category",
)  # fmt: skip
"""Dimensions looked through besides the run's own, where the company's tables say them."""

RATES = ("share", "mean", "ratio", "net_share")
TOTALS = ("total", "count")
NOT_LOOKED_AT = ("cohort",)
"""A cohort is older in each window: what it did before and does now differs by its age, for no other reason."""

LEAST_EXPLAINED = 0.1
"""A group that makes less of the whole difference than this is no explanation, however sure it is."""

MOST_METRICS = 12
"""Metrics explained on a page: each is measured once more for every dimension."""

_SCALE = {"net_share": 100.0}  # what numerator over denominator is multiplied by
_SUMS_UP = 1e-6  # how near, relative to its size, the groups' sums must come to the company's
PART_COLUMNS = (
    "by", "group", "value", "base_value", "difference", "weight", "base_weight", "rate_effect", "mix_effect",
    "contribution",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A change or shortfall to be explained.

    Attributes
    ----------
    metric, variant
        What has changed.
    against
        ``previous`` or ``year_ago``; empty where the figure is held against ``target``.
    target
        What every group is held against.
    """

    metric: str
    variant: str = DEFAULT
    against: str = ""
    target: float | None = None


@dataclass(frozen=True)
class Driver:
    """A group that stands out, and what part of the whole difference it makes.

    Attributes
    ----------
    question
        What it explains.
    by, group
        Where.
    value, base_value, difference
        The group's own figure, what it is held against, and the difference.
    rest_difference
        The difference of all other groups together.
    n, base_n
        Rows behind the two figures.
    whole
        The company's difference.
    contribution
        The part of it that this group makes: its rate effect and its mix effect.
    p_adjusted
        Of the group's difference being the rest's, corrected for all groups looked at; missing for a total.
    base_period
        The window of ``base_value``; empty for a target.
    """

    question: Question
    by: str
    group: str
    value: float
    base_value: float
    difference: float
    rest_difference: float
    n: float
    base_n: float
    whole: float
    contribution: float
    p_adjusted: float
    base_period: str = ""

    @property
    def explained(self) -> float:
        """The part of the company's difference this group makes, as a share of it; above 1 where others moved back."""
        return self.contribution / self.whole


# --- the arithmetic -----------------------------------------------------------------------------------

_GROUP = ["by", "group"]
_SUMS = ["value", "numerator", "denominator"]


def decompose(now: pd.DataFrame, base: pd.DataFrame, kind: str) -> pd.DataFrame:
    """What each group makes of the change of a rate or total; in every dimension the contributions sum to it exactly.

    Parameters
    ----------
    now, base
        One row per dimension and group: ``by, group, value, numerator, denominator`` as in the KPI frame. Groups may
        be in one of the two alone: such a group has no rate effect.
    kind
        Of the metric: a rate (``share, mean, ratio, net_share``) or a total (``total, count``).

    Returns
    -------
    DataFrame
        ``PART_COLUMNS``. Of a total, ``contribution`` is the difference; weights and effects are missing.
    """
    earlier = base.set_index(_GROUP)[_SUMS].add_prefix("base_")
    both = now.set_index(_GROUP)[_SUMS].join(earlier, how="outer").astype(float)
    parts = _parts_of_total(both) if kind in TOTALS else _parts_of_rate(both, _SCALE.get(kind, 1.0))
    return parts.reset_index().reindex(columns=list(PART_COLUMNS))


def _parts_of_total(both: pd.DataFrame) -> pd.DataFrame:
    value, base_value = both["value"].fillna(0.0), both["base_value"].fillna(0.0)
    difference = value - base_value
    return pd.DataFrame(
        {"value": value, "base_value": base_value, "difference": difference, "contribution": difference}
    )


def _parts_of_rate(both: pd.DataFrame, scale: float) -> pd.DataFrame:
    size, base_size = both["denominator"].fillna(0.0), both["base_denominator"].fillna(0.0)
    weight, base_weight = size / _whole(size), base_size / _whole(base_size)
    rate = scale * both["numerator"] / size.where(size != 0)
    base_rate = scale * both["base_numerator"] / base_size.where(base_size != 0)
    rate, base_rate = rate.fillna(base_rate).fillna(0.0), base_rate.fillna(rate).fillna(0.0)
    middle = (_whole(weight * rate) + _whole(base_weight * base_rate)) / 2
    rate_effect = (weight + base_weight) / 2 * (rate - base_rate)
    mix_effect = ((rate + base_rate) / 2 - middle) * (weight - base_weight)
    return pd.DataFrame(
        {
            "value": rate, "base_value": base_rate, "difference": rate - base_rate, "weight": weight,
            "base_weight": base_weight, "rate_effect": rate_effect, "mix_effect": mix_effect,
            "contribution": rate_effect + mix_effect,
        }
    )  # fmt: skip


def _whole(parts: pd.Series) -> pd.Series:
    """The sum over a dimension's groups, beside each of them."""
    return parts.groupby(level="by").transform("sum")


def shortfall(now: pd.DataFrame, target: float, kind: str) -> pd.DataFrame:
    """What each group makes of a rate's distance from its target, which is the same for all of them.

    Parameters and result as in ``decompose``; the contributions wᵍ·(rᵍ − target) sum to the distance exactly.
    """
    aimed = now.assign(value=target, numerator=target / _SCALE.get(kind, 1.0) * now["denominator"])
    return decompose(now, aimed, kind)


def rest_of(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """For each group its rate, that of all others together, and both standard errors.

    The others' error is that of their mean weighted by denominators; shares have one success and one failure added to
    each group (Agresti and Caffo 2000, The American Statistician 54), so that a share of 0 or 1 is not taken as known.
    A group of one row says nothing of its error: it adds none to that of others, and alone has none.

    Parameters
    ----------
    rows
        One row per dimension and group: ``by, group, numerator, denominator, standard_error``.

    Returns
    -------
    DataFrame
        By dimension and group: ``rate, error, rest_rate, rest_error``; missing where nothing tells them.
    """
    own, scale = rows.set_index(_GROUP), _SCALE.get(kind, 1.0)
    numerator, size = own["numerator"].astype(float), own["denominator"].astype(float)
    error = own["standard_error"].astype(float)
    if kind == "share":
        adjusted = (numerator + 1) / (size + 2)
        error = np.sqrt(adjusted * (1 - adjusted) / (size + 2))
    squares = (size * error.fillna(0.0)) ** 2
    others = (_whole(size) - size).where(lambda left: left != 0)
    rest_error = np.sqrt((_whole(squares) - squares).clip(lower=0)) / others.abs()
    return pd.DataFrame(
        {
            "rate": scale * numerator / size.where(size != 0),
            "error": error.where(error > 0),
            "rest_rate": scale * (_whole(numerator) - numerator) / others,
            "rest_error": rest_error.where(rest_error > 0),
        }
    )


# --- what is looked through ---------------------------------------------------------------------------


def find_drivers(results: Results, questions: Sequence[Question]) -> dict[Question, list[Driver]]:
    """For each question the groups that stand out, the one that tells most first; none where it is spread over all.

    A group stands out where its own change is beyond chance (as the frame of changes judges it), differs from the
    change of all others together beyond chance, goes the way of the whole, and makes more of it than its size would.
    Against a target it is the figure itself that must differ from the others'. Both tests are corrected for all groups
    of all dimensions looked at (Benjamini and Hochberg 1995). Of a total no test is possible: of each dimension the
    group that makes most of the change is given, ``p_adjusted`` missing.

    Of several dimensions that tell of a question the one with the least p-value is kept: a region and a team may be
    two names for the same customers.
    """
    asked = tuple(questions[:MOST_METRICS])
    return results.remember(("find_drivers", asked), lambda: _find_drivers(results, asked))


def dimensions_for(book: Book, metric: Metric) -> list[str]:
    """The dimensions a metric is looked through by: the run's own and ``LOOKED_AT``, as far as they reach it.

    Those in which a row is in several groups are left out: their parts would not make the whole.
    """
    names = dict.fromkeys((*book.settings.dimensions, *LOOKED_AT))
    known = (book.catalogue.dimensions[name] for name in names if name not in NOT_LOOKED_AT)
    return [each.id for each in known if reaches(book, each, metric.fact) and not overlaps(each, metric.fact)]


def _find_drivers(results: Results, questions: Sequence[Question]) -> dict[Question, list[Driver]]:
    book = results.book
    found: dict[Question, list[Driver]] = {question: [] for question in questions}
    metrics = {
        (each.metric, each.variant): book.catalogue.metric(each.metric, each.variant) for each in questions
    }
    ours = {key: metric for key, metric in metrics.items() if can_be_parted(book, metric)}
    if not ours:
        return found
    groups = _measure_groups(book, ours.values())
    kpis = pd.concat(
        [results.kpis, *([groups] if len(groups) else [])], ignore_index=True
    )  # empty has no types
    kpis = kpis[[key in ours for key in zip(kpis["metric"], kpis["variant"], strict=True)]]
    changes = find_changes(book, kpis) if any(question.against for question in questions) else None
    asked = [(question, ours.get((question.metric, question.variant))) for question in questions]
    return found | {each: _drivers_of(book, each, metric, kpis, changes) for each, metric in asked if metric}


def can_be_parted(book: Book, metric: Metric) -> bool:
    """Whether a metric is a rate or a sum that is counted, so that its groups make it up."""
    return metric.kind in (*RATES, *TOTALS) and not missing_tables(book, metric)


def _measure_groups(book: Book, metrics: Iterable[Metric]) -> pd.DataFrame:
    """The groups of these metrics by the dimensions the run has not measured; metrics that share them in one go."""
    together: dict[tuple[str, ...], list[Metric]] = {}
    for metric in metrics:
        others = [name for name in dimensions_for(book, metric) if name not in book.settings.dimensions]
        together.setdefault(tuple(others), []).append(metric)
    frames = [measure(book, list(dimensions), group) for dimensions, group in together.items() if dimensions]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=KPI_COLUMNS)
    return found[found["by"].notna()]


def _drivers_of(
    book: Book, question: Question, metric: Metric, kpis: pd.DataFrame, changes: pd.DataFrame | None
) -> list[Driver]:
    own = kpis[(kpis["metric"] == metric.id) & (kpis["variant"] == metric.variant)]
    own = own[own["by"].isna() | own["by"].isin(dimensions_for(book, metric))]
    base_period = book.baselines[book.window.label][question.against] if question.against else ""
    parts = _parts(own, question, metric.kind, book.window.label, base_period)
    if parts.empty:
        return []
    if metric.kind in TOTALS:
        return _largest(parts, question, base_period)
    parts = parts.assign(p_adjusted=adjust_p_values(parts["p_value"]))
    told = parts[_stands_out(parts, question, changes, 1 - book.settings.confidence_level)]
    return _as_drivers(_of_best_dimension(told), question, base_period)


def _parts(own: pd.DataFrame, question: Question, kind: str, period: str, base_period: str) -> pd.DataFrame:
    """The decomposition by every dimension that makes up the whole and has two groups, with the test of each group."""
    now, base = _whole_dimensions(own, period), _whole_dimensions(own, base_period)
    if question.target is not None or kind in TOTALS:
        # by who somebody is, and not by how long he has been a customer: that differs in any period
        now = now[now["by"].isin(LOOKED_AT)]
    if question.target is not None:
        if kind in TOTALS or now.empty:
            return pd.DataFrame()
        parts = shortfall(now, question.target, kind)
    else:
        shared = set(now["by"]) & set(base["by"])
        now, base = now[now["by"].isin(shared)], base[base["by"].isin(shared)]
        if not shared:
            return pd.DataFrame()
        parts = decompose(now, base, kind)
    keys = pd.MultiIndex.from_frame(parts[_GROUP])
    sizes = {
        name: _sizes(rows).reindex(keys).fillna(0).to_numpy() for name, rows in (("n", now), ("base_n", base))
    }
    whole = parts.groupby("by")["contribution"].transform("sum")
    return parts.assign(whole=whole, **sizes, **_test(now, base, parts, keys, kind))


def _sizes(rows: pd.DataFrame) -> pd.Series:
    return rows.set_index(_GROUP)["n"].astype(float)


def _whole_dimensions(own: pd.DataFrame, period: str) -> pd.DataFrame:
    """A window's rows of groups, of those dimensions that have two and whose sums come to the company's."""
    rows = own[own["period"] == period]
    company, groups = rows[rows["by"].isna()], rows[rows["by"].notna()]
    if company.empty or groups.empty:
        return groups.head(0)
    told = groups.groupby("by")["numerator"].agg(["size", "count"])
    is_whole = told["size"].eq(told["count"]) & told["size"].ge(2) & _sums_up(groups, company, "numerator")
    if company["denominator"].notna().all():  # a total has none
        is_whole &= _sums_up(groups, company, "denominator")
    return groups[groups["by"].isin(is_whole.index[is_whole])]


def _sums_up(groups: pd.DataFrame, company: pd.DataFrame, column: str) -> pd.Series:
    """Whether a dimension's groups come to the company's, by dimension."""
    whole = float(company[column].iloc[0])
    return (groups.groupby("by")[column].sum() - whole).abs() <= _SUMS_UP * max(1.0, abs(whole))


def _test(
    now: pd.DataFrame, base: pd.DataFrame, parts: pd.DataFrame, keys: pd.MultiIndex, kind: str
) -> dict[str, Any]:
    """For each group the difference of the rest, and the p-value of moving as the rest did (or lying as it lies)."""
    if kind in TOTALS:
        rest = parts.groupby("by")["contribution"].transform("sum") - parts["contribution"]
        return {"rest_difference": rest, "p_value": np.nan, "p_adjusted": np.nan}
    told = rest_of(now, kind).reindex(keys)
    difference, rest = told["rate"], told["rest_rate"]
    variance = told["error"] ** 2 + told["rest_error"] ** 2
    if len(base):
        before = rest_of(base, kind).reindex(keys)
        difference, rest = difference - before["rate"], rest - before["rest_rate"]
        variance = variance + before["error"] ** 2 + before["rest_error"] ** 2
    else:
        aimed = parts["base_value"].to_numpy()
        difference, rest = difference - aimed, rest - aimed
    apart = difference - rest
    p_value = np.where(apart.notna() & variance.notna(), z_p_value(apart, np.sqrt(variance)), np.nan)
    return {"rest_difference": rest.to_numpy(), "p_value": p_value}


def _stands_out(
    parts: pd.DataFrame, question: Question, changes: pd.DataFrame | None, alpha: float
) -> pd.Series:
    share = parts["contribution"] / parts["whole"].where(parts["whole"] != 0)
    weight = parts[["weight", "base_weight"]].mean(axis=1)
    own_way = (parts["difference"] * parts["whole"] > 0) & (share > weight) & (parts["group"] != NOT_STATED)
    told = own_way & (share >= LEAST_EXPLAINED) & (parts["p_adjusted"] < alpha)
    if not question.against or changes is None:
        return told
    ours = changes[(changes["metric"] == question.metric) & (changes["variant"] == question.variant)]
    ours = ours[ours["by"].notna() & ours["against"].eq(question.against)]
    sure = ours[ours["verdict"].isin(["better", "worse", "changed"])]
    is_sure = set(zip(sure["by"], sure["group"], strict=True))
    return told & np.array([key in is_sure for key in zip(parts["by"], parts["group"], strict=True)], bool)


def _of_best_dimension(told: pd.DataFrame) -> pd.DataFrame:
    """The groups of the dimension with the least p-value, those that make most of the difference first."""
    if told.empty:
        return told
    best = told.sort_values(["p_adjusted", "p_value", "by"], kind="stable")["by"].iloc[0]
    own = told[told["by"] == best]
    return own.loc[own["contribution"].abs().sort_values(ascending=False, kind="stable").index]


def _largest(parts: pd.DataFrame, question: Question, base_period: str) -> list[Driver]:
    """Of each dimension of a total the group that makes most of the change, and more than its size; largest first."""
    share = parts["contribution"] / parts["whole"].where(parts["whole"] != 0)
    sizes = parts.groupby("by")["base_value"].transform("sum")
    is_more = share > parts["base_value"] / sizes.where(sizes != 0)
    ahead = parts[(share >= LEAST_EXPLAINED) & is_more & (parts["group"] != NOT_STATED)]
    order = ahead["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return _as_drivers(ahead.loc[order].drop_duplicates("by"), question, base_period)


def _as_drivers(rows: pd.DataFrame, question: Question, base_period: str) -> list[Driver]:
    names = (
        "by", "group", "value", "base_value", "difference", "rest_difference", "n", "base_n", "whole", "contribution",
        "p_adjusted",
    )  # fmt: skip
    return [
        Driver(question, *(getattr(row, name) for name in names), base_period=base_period)
        for row in rows.itertuples()
    ]
