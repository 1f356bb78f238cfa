"""Metrics that are arithmetic on other metrics, over the KPI frame: per period and group, each after those it uses."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.metrics.estimates import Estimate, evaluate, not_measured
from analysis.metrics.formulas import SHIFTS, ExpressionError, Operands, operands
from analysis.metrics.frame import ESTIMATE_COLUMNS, NOT_MEASURED, NOT_STATED

KEY_COLUMNS = ("metric", "variant", "period", "by", "group")

Group = tuple[str | None, str | None]
Windows = Mapping[str, tuple[str | None, str | None]]


class _Derivation(NamedTuple):
    name: str
    metric: str
    variant: str
    expression: str
    operands: Operands
    independent: bool


@dataclass(frozen=True)
class _Figures:
    """The figures of the run so far, by name, period and group."""

    cells: dict[tuple[str, str, Group], Estimate] = field(default_factory=dict)
    groups: dict[tuple[str, str], list[Group]] = field(default_factory=lambda: defaultdict(list))
    dimensions: dict[str, dict[str, set[str | None]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    stated: set[tuple[str, str | None, str | None]] = field(default_factory=set)  # some row names its group

    def add(self, name: str, period: str, group: Group, estimate: Estimate) -> None:
        self.cells[name, period, group] = estimate
        self.groups[name, period].append(group)
        self.dimensions[name][period].add(group[0])
        if group[1] != NOT_STATED:
            self.stated.add((name, period, group[0]))


def evaluate_frame(
    kpis: pd.DataFrame,
    derived_metrics: Iterable[Any],
    windows: Windows,
    settings: Mapping[str, float] | None = None,
    *,
    period_settings: Mapping[str, Mapping[str, float]] | None = None,
    additive: Collection[str] = (),
    known_metric_ids: Collection[str] = (),
) -> pd.DataFrame:
    """The KPI frame with the derived metrics added, per period and group.

    A formula's names mean the default variants; ``metric.variant`` names another one. A group counts where
    any operand has it; an operand without that dimension, or none of whose rows states its group while another
    operand's do, makes the figure "not measured by …".

    Parameters
    ----------
    kpis
        The KPI frame of the measured metrics, ``by`` and ``group`` missing at company level. Rows of the
        derived metrics that are already in it are replaced. A value without interval counts as exact only if
        its reason says ``census``.
    derived_metrics
        Records with ``id``, ``variant``, ``value`` (the formula), ``independent``. They may use each other.
    windows
        For each period to work out, the labels of the previous and of the year-ago period (``None``: there is
        none).
    settings, period_settings
        Numbers by name; those of a period come on top.
    additive
        Metric ids whose missing group means 0, where the metric has that dimension (costs, counts).
    known_metric_ids
        Ids that formulas may use although the frame has no row of them: they are "not measured".

    Raises
    ------
    ExpressionError
        If a formula cannot be read, names something unknown, or formulas go round in a circle.
    """
    settings, period_settings = settings or {}, period_settings or {}
    setting_names = {*settings, *(name for of_period in period_settings.values() for name in of_period)}
    records = list(derived_metrics)
    measured = _without(kpis, records)
    derivations = _derivations(records, {*_names_in(measured), *known_metric_ids}, setting_names)
    used = {operand.metric for item in derivations for operand in item.operands.metrics}
    figures = _figures(measured, used)
    rows = []
    for item in derivations:
        for period in windows:
            numbers = {**settings, **period_settings.get(period, {})}
            for group in _groups(item, period, windows, figures):
                found = _find_operands(item.operands, period, group, windows, figures, additive)
                estimate = evaluate(item.expression, found, numbers, item.independent)
                figures.add(item.name, period, group, estimate)
                rows.append((item.metric, item.variant, period, *group, *_row(estimate)))
    return _appended(measured, rows)


def _name(metric: str, variant: str) -> str:
    return metric if variant == DEFAULT else f"{metric}.{variant}"


def _names_in(kpis: pd.DataFrame) -> list[str]:
    pairs = kpis[["metric", "variant"]].drop_duplicates()
    return [_name(metric, variant) for metric, variant in zip(pairs["metric"], pairs["variant"], strict=True)]


def _without(kpis: pd.DataFrame, records: Sequence[Any]) -> pd.DataFrame:
    derived = pd.MultiIndex.from_tuples([(r.id, r.variant) for r in records], names=["metric", "variant"])
    return kpis[~pd.MultiIndex.from_frame(kpis[["metric", "variant"]]).isin(derived)] if records else kpis


def _derivations(
    records: Sequence[Any], measured: Collection[str], setting_names: Collection[str]
) -> list[_Derivation]:
    """The formulas, each after those it uses."""
    by_name = {_name(record.id, record.variant): record for record in records}
    known = {**dict.fromkeys(measured), **dict.fromkeys(by_name)}
    used = {name: operands(record.value, known, setting_names) for name, record in by_name.items()}
    graph = {
        name: [operand.metric for operand in found.metrics if operand.metric in by_name]
        for name, found in used.items()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ExpressionError(f"formulas go round in a circle: {' → '.join(error.args[1])}") from error
    return [
        _Derivation(name, record.id, record.variant, record.value, used[name], record.independent)
        for name in order
        for record in (by_name[name],)
    ]


def _figures(kpis: pd.DataFrame, names: Collection[str]) -> _Figures:
    figures = _Figures()
    metric, variant = kpis["metric"].astype("str"), kpis["variant"].astype("str")
    name = metric.where(variant == DEFAULT, metric + "." + variant)
    rows = kpis.assign(name=name)[name.isin(names)]
    keys = zip(*(_with_none(rows[column]) for column in ("name", "period", "by", "group")), strict=True)
    values = zip(*(_with_none(rows[column]) for column in ESTIMATE_COLUMNS), strict=True)
    for (known_as, period, by, group), row in zip(keys, values, strict=True):
        figures.add(known_as, period, (by, group), _estimate(f"{known_as}@{period}", row))
    return figures


def _with_none(column: pd.Series) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()


def _estimate(source: str, row: tuple[Any, ...]) -> Estimate:
    value, low, high, _, n, numerator, denominator, status, reason = row
    reason = reason or ""
    if value is None or status == NOT_MEASURED:
        return not_measured(reason or "values_missing")
    numbers = [math.nan if x is None else float(x) for x in (low, high, numerator, denominator)]
    if low is not None and high is not None:
        certainty = "interval"
    else:
        certainty = "exact" if "census" in reason.split(";") else "no_interval"
    sources = frozenset() if certainty == "exact" else frozenset([source])
    return Estimate(float(value), *numbers[:2], int(n or 0), certainty, status, reason, sources, *numbers[2:])


def _shifted(period: str, shift: str | None, windows: Windows) -> str | None:
    return period if shift is None else windows[period][SHIFTS.index(shift)]


def _groups(item: _Derivation, period: str, windows: Windows, figures: _Figures) -> list[Group]:
    groups: dict[Group, None] = {(None, None): None}
    for operand in item.operands.metrics:
        moment = _shifted(period, operand.shift, windows)
        groups.update(dict.fromkeys(figures.groups.get((operand.metric, moment), ())))
    return list(groups)


def _find_operands(
    used: Operands, period: str, group: Group, windows: Windows, figures: _Figures, additive: Collection[str]
) -> dict[str, Estimate]:
    moments = {name: (metric, _shifted(period, shift, windows)) for name, metric, shift in used.metrics}
    is_stated = any((*moment, group[0]) in figures.stated for moment in moments.values())
    return {
        name: _find(metric, moment, group, figures, metric in additive, is_stated)
        for name, (metric, moment) in moments.items()
    }


def _find(
    name: str, period: str | None, group: Group, figures: _Figures, is_additive: bool, is_stated: bool
) -> Estimate:
    if period is None:
        return not_measured("no_earlier_period")
    # Costs that name no channel are not the cost of the customers who name none.
    is_apart = is_stated and group[1] == NOT_STATED and (name, period, group[0]) not in figures.stated
    if not is_apart and (found := figures.cells.get((name, period, group))) is not None:
        return found
    whole = figures.cells.get((name, period, (None, None)))
    if whole is None and group[0] is not None:
        return not_measured(f"not_measured_by|{_argument(group[0])}")
    if whole is None:
        return not_measured(f"period_absent|{period}" if name in figures.dimensions else "metric_absent")
    if whole.status == NOT_MEASURED:
        return whole
    if not _is_split(name, period, group[0], whole, figures):
        return not_measured(f"not_measured_by|{_argument(group[0])}")
    if not is_additive:
        return not_measured(f"group_absent|{_argument(group[1])}")
    certainty = "exact" if whole.certainty == "exact" else "no_interval"
    return Estimate(0.0, certainty=certainty, reason="" if certainty == "exact" else "no_rows")


def _is_split(name: str, period: str, dimension: str | None, whole: Estimate, figures: _Figures) -> bool:
    # A period may have been measured as a whole only. One in which nothing happened has no groups to show.
    by_period = figures.dimensions[name]
    if dimension in by_period[period]:
        return (name, period, dimension) in figures.stated
    return whole.n == 0 and whole.value == 0 and any(dimension in seen for seen in by_period.values())


def _argument(text: object) -> str:
    return str(text).replace("|", "/").replace(";", ",")


def _row(estimate: Estimate) -> tuple[Any, ...]:
    return (
        estimate.value, estimate.low, estimate.high, math.nan, estimate.n,
        estimate.numerator, estimate.denominator, estimate.status, estimate.reason or None,
    )  # fmt: skip


def _appended(kpis: pd.DataFrame, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    if not rows:
        return kpis.reset_index(drop=True)
    columns = [*KEY_COLUMNS, *ESTIMATE_COLUMNS]
    derived = pd.DataFrame(rows, columns=columns)
    texts = [*KEY_COLUMNS, "status", "reason"]
    derived[texts] = derived[texts].astype("str")
    return pd.concat([kpis, derived], ignore_index=True)
