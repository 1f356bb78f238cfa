"""Figures held against their targets: hit, missed, or not to be told from what was measured.

A figure counted in full is as high as it is: it reaches its target or does not. One with an interval has a true
value that only probably does; the verdict is given where that probability leaves little doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from scipy import special, stats

from analysis.catalogue import DEFAULT, Metric
from analysis.errors import InputError
from analysis.facts import Book, NotMeasured
from analysis.metrics.compare import SMALL_EXPECTED_COUNT
from analysis.metrics.intervals import NET_SHARE_ANSWERS_ADDED
from analysis.suite import Results
from analysis.suite.targets import every_target, most_specific, period_label

TARGET_COLUMNS = (
    "metric", "variant", "period", "by", "group", "value", "low", "high", "n", "status", "target", "probability",
    "method", "verdict", "reason",
)  # fmt: skip
VERDICTS = ("miss", "undetermined", "hit", "not_compared")
"""In the order in which they are told."""

_EXACT = 1e-9  # sums of many amounts move in their last digits


class Chance(NamedTuple):
    """How probable it is that the true value is at least the target, and by which rule; missing without one."""

    probability: float
    method: str


NO_CHANCE = Chance(float("nan"), "")


# --- the judgement of a run ---------------------------------------------------------------------------


def judge_targets(results: Results, dimensions: Iterable[str] = ()) -> pd.DataFrame | NotMeasured:
    """Every target of the period with its figure and verdict; of the company, and of groups where asked for.

    Parameters
    ----------
    dimensions
        Those whose groups are wanted besides the company; groups that the run has not measured are measured now.

    Returns
    -------
    DataFrame or NotMeasured
        ``TARGET_COLUMNS``, misses first. ``probability`` is that of the true value being on the target's right side
        (missing for a figure counted in full), ``method`` how it was found: ``exact, score, binomial, student,
        normal, adjusted, poisson, interval``. ``verdict`` is

        - ``hit`` where the probability is at least the run's ``confidence_level``, or an exact figure reaches it;
        - ``miss`` where it is at most 1 − ``confidence_level``, or an exact figure does not reach it;
        - ``undetermined`` in between, without an interval, and while the period is running;
        - ``not_compared`` without a figure, for a metric that is neither better up nor down, for targets that
          differ, that are for another definition, or that the metric cannot take; ``reason`` says which.

        One-sided: a figure just at its target's limit of certainty has a two-sided interval that still holds it.
        NotMeasured where the company has no table of targets, or none in it is for this period.
    """
    wanted = tuple(dimensions)
    return results.remember(("judge_targets", wanted), lambda: _judge_targets(results, wanted))


def _judge_targets(results: Results, dimensions: tuple[str, ...]) -> pd.DataFrame | NotMeasured:
    book = results.book
    if "targets" in book.absent:
        return NotMeasured("table_absent|targets")
    targets = _of_this_period(book, every_target(book), dimensions)
    if targets.empty:
        return NotMeasured("no_target")
    figures = _figures(results, targets)
    things = targets[["metric", "by", "group"]].drop_duplicates().itertuples(index=False)
    rows = [_judged(book, targets, figures, *thing) for thing in things]
    judged = pd.DataFrame(rows, columns=list(TARGET_COLUMNS))
    numbers = dict.fromkeys(("value", "low", "high", "n", "target", "probability"), "float64")
    order = judged["verdict"].map({verdict: place for place, verdict in enumerate(VERDICTS)})
    return judged.astype(numbers).iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _of_this_period(book: Book, targets: pd.DataFrame, dimensions: tuple[str, ...]) -> pd.DataFrame:
    """The targets of the run's period or of every one, of the company or of the dimensions; catalogue's order.

    ``period`` becomes the period's label; one that is no period stays as it was written and is kept, to be told.
    """
    known = {name: place for place, name in enumerate(book.catalogue.metrics)}
    own = targets[targets["by"].isna() | targets["by"].isin(dimensions)]
    labels = [_label_or_text(book, period) for period in own["period"]]
    own = own.assign(period=[name for name, _ in labels], is_period=[right for _, right in labels])
    is_ours = own["period"].isna() | own["period"].eq(book.window.period.label) | ~own["is_period"]
    places = own["metric"].map(known).fillna(len(known))
    return own[is_ours.astype(bool)].loc[lambda rows: places[rows.index].sort_values(kind="stable").index]


def _label_or_text(book: Book, text: str | None) -> tuple[str | None, bool]:
    try:
        return period_label(book, text), True
    except InputError:
        return text, False


def _figures(results: Results, targets: pd.DataFrame) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """The period's rows of the KPI frame by metric, variant, dimension and group, as far as a target needs them."""
    from analysis.suite.everything import kpis_by

    book, measured = results.book, set(results.kpis["by"])
    frames = [results.company_kpis]
    known = targets[targets["metric"].isin(list(book.catalogue.metrics))]
    for dimension in sorted(set(known["by"].dropna())):
        asked = [_under_run(book, name) for name in known.loc[known["by"] == dimension, "metric"].unique()]
        own = results.kpis if dimension in measured else kpis_by(book, dimension, asked)
        frames.append(own[own["by"].eq(dimension)])
    rows = pd.concat(frames)
    rows = rows[rows["period"] == book.window.label].astype({"by": object, "group": object})
    rows[["by", "group"]] = rows[["by", "group"]].where(rows[["by", "group"]].notna(), None)
    return {(r["metric"], r["variant"], r["by"], r["group"]): r for r in rows.to_dict("records")}


def _under_run(book: Book, metric_id: str) -> Metric:
    return book.catalogue.metrics[metric_id].under(book.settings.variants.get(metric_id, DEFAULT))


def _judged(
    book: Book, targets: pd.DataFrame, figures: Mapping[tuple[Any, ...], Mapping[str, Any]],
    metric_id: str, by: str | None, group: str | None,
) -> dict[str, Any]:  # fmt: skip
    """One row of the judgement: the figure as far as there is one, its target, and the verdict with its reason."""
    variant = book.settings.variants.get(metric_id, DEFAULT)
    figure = figures.get((metric_id, variant, by, group), {})
    kept = {name: figure.get(name) for name in ("value", "low", "high", "n", "status")}
    row = {
        "metric": metric_id,
        "variant": variant,
        "period": book.window.label,
        "by": by,
        "group": group,
        **kept,
    }
    row |= {"probability": float("nan"), "method": "", "verdict": "not_compared"}
    target, reason = _target_of(targets, metric_id, variant, book.window.period.label, by, group)
    if metric_id not in book.catalogue.metrics:
        return row | {"target": target, "reason": "metric_unknown"}
    metric = _under_run(book, metric_id)
    reason = reason or _why_not(metric, figure, target)
    if reason:
        return row | {"target": target, "reason": reason}
    if book.window.is_partial:
        whole = f"target_of_whole_period|{book.window.period.label}"
        return row | {"target": target, "verdict": "undetermined", "reason": whole}
    return row | {"target": target} | judge(figure, metric, target, book.settings.confidence_level)


def _target_of(
    targets: pd.DataFrame, metric_id: str, variant: str, period: str, by: str | None, group: str | None
) -> tuple[float | None, str | None]:
    """The target for one thing under the run's definition, or why there is none."""
    own = targets[(targets["variant"] == variant) & targets["is_period"]]
    found = most_specific(own, metric_id, period, by, group)
    if len(found) == 1:
        return found[0], None
    if found:
        return None, f"targets_differ|{len(found)}"
    others = targets[(targets["metric"] == metric_id) & ~targets["is_period"]]
    if len(others):
        return None, f"target_of_no_period|{others['period'].iloc[0]}"
    return None, "target_of_other_definition"


def _why_not(metric: Metric, figure: Mapping[str, Any], target: float | None) -> str | None:
    """Why a figure cannot be held against its target; None where it can."""
    if not figure:
        return "metric_absent"
    if pd.isna(figure["value"]):
        return str(figure["reason"])
    if metric.better == "neither":
        return "no_direction"
    low, high = metric.numeric_bounds
    return None if low <= target <= high else "target_out_of_reach"


# --- one figure ---------------------------------------------------------------------------------------


def judge(figure: Mapping[str, Any], metric: Metric, target: float, level: float) -> dict[str, Any]:
    """The verdict on one figure: ``probability, method, verdict, reason``.

    Parameters
    ----------
    figure
        A row of the KPI frame that has a value.
    metric
        Under the figure's variant: its kind says how the interval was made, ``better`` which side is right.
    target
        In the metric's unit.
    level
        From this probability on a target counts as hit.
    """
    sign = 1 if metric.better == "up" else -1
    if "census" in str(figure["reason"]).split(";"):
        is_near = abs(figure["value"] - target) <= _EXACT * max(1.0, abs(target))
        is_hit = is_near or sign * (figure["value"] - target) > 0
        verdict = "hit" if is_hit else "miss"
        return {"probability": float("nan"), "method": "exact", "verdict": verdict, "reason": "census"}
    above, method = chance_above(figure, metric.kind, target, level)
    reached = above if sign > 0 else 1 - above
    if pd.isna(reached):
        reason = figure["reason"] if pd.notna(figure["reason"]) else "no_interval"
        return {"probability": reached, "method": "", "verdict": "undetermined", "reason": reason}
    verdict = "hit" if reached >= level else "miss" if reached <= 1 - level else "undetermined"
    reason = figure["reason"] if pd.notna(figure["reason"]) else None
    return {"probability": float(reached), "method": method, "verdict": verdict, "reason": reason}


def chance_above(figure: Mapping[str, Any], kind: str, target: float, level: float) -> Chance:
    """The probability that the true value is at least the target, by the rule that made the figure's interval.

    So a one-sided limit of the interval and a probability of its level are the same statement:

    - share: the score statistic z = (p − t)/√(t(1 − t)/n), Wilson's interval read backwards; the binomial tail where
      fewer than 5 rows are expected on either side of the target;
    - mean: Student's t with n − 1 degrees of freedom; ratio: normal;
    - net share: normal around the centre after three answers are added (adjusted Wald);
    - count of a sampled process: the Poisson tail, as in Garwood's interval;
    - quantile, derived and modelled figures: a normal on each side of the value whose limit is that of the interval.

    Missing where there is no interval, or one without width.
    """
    rule = _RULES.get(kind, _from_interval)
    found = rule(figure, float(target), level)
    return found if pd.notna(found.probability) else NO_CHANCE


def _of_share(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    positive, n = figure["numerator"], figure["denominator"]
    if pd.isna(positive) or not n > 0:
        return NO_CHANCE
    if n * min(target, 1 - target) < SMALL_EXPECTED_COUNT:
        return Chance(_binomial_chance(positive, n, target), "binomial")
    error = (target * (1 - target) / n) ** 0.5
    return Chance(float(special.ndtr((positive / n - target) / error)), "score")


def _binomial_chance(positive: float, n: float, target: float) -> float:
    """One minus the tail that speaks against the side the share lies on; a half where the tail holds all."""
    if positive >= n * target:
        return max(0.5, 1 - float(stats.binom.sf(positive - 1, n, target)))
    return min(0.5, float(stats.binom.cdf(positive, n, target)))


def _of_mean(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    error, n = figure["standard_error"], figure["n"]
    if not error > 0 or not n > 1:
        return NO_CHANCE
    return Chance(float(special.stdtr(n - 1, (figure["value"] - target) / error)), "student")


def _of_ratio(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    error = figure["standard_error"]
    return (
        Chance(float(special.ndtr((figure["value"] - target) / error)), "normal") if error > 0 else NO_CHANCE
    )


def _of_net_share(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    error = figure["standard_error"]
    if not error > 0:
        return NO_CHANCE
    centre = 100 * figure["numerator"] / (figure["denominator"] + NET_SHARE_ANSWERS_ADDED)
    return Chance(float(special.ndtr((centre - target) / error)), "adjusted")


def _of_count(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    count = figure["value"]
    if pd.isna(figure["low"]) or target < 0:
        return NO_CHANCE
    shape = count if count >= target else count + 1
    return Chance(float(special.gammaincc(shape, target)) if shape > 0 else 1.0, "poisson")


def _from_interval(figure: Mapping[str, Any], target: float, level: float) -> Chance:
    value = figure["value"]
    limit = figure["low"] if target <= value else figure["high"]
    width = abs(value - limit)
    if pd.isna(limit) or not width > 0:
        return NO_CHANCE
    z = special.ndtri(0.5 + level / 2)
    return Chance(float(special.ndtr(z * (value - target) / width)), "interval")


_RULES: dict[str, Callable[[Mapping[str, Any], float, float], Chance]] = {
    "share": _of_share, "mean": _of_mean, "ratio": _of_ratio, "net_share": _of_net_share, "count": _of_count,
}  # fmt: skip
