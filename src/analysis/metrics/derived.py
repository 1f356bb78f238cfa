"""Metrics that are arithmetic on other metrics: read the formula, work it out, carry the uncertainty along.

``value: "(marketing_cost + sales_cost) / new_customers"`` may use ``+ - * /``, a minus sign, numbers,
``min``, ``max``, ``abs``, metric ids (also dotted ones), settings, and ``.previous`` and ``.year_ago`` of a
metric.

Intervals are combined from the operands' own by MOVER, the method of variance estimates recovery: the
variance near each limit is read back from the distance between estimate and limit, so skewed intervals stay
skewed.
"""

from __future__ import annotations

import ast
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.catalogue import DEFAULT, nearest
from analysis.metrics.frame import ESTIMATE_COLUMNS, MEASURED, NOT_MEASURED, NOT_STATED, WITH_CARE

SHIFTS = ("previous", "year_ago")
KEY_COLUMNS = ("metric", "variant", "period", "by", "group")
MAX_LENGTH, MAX_DEPTH = 1000, 40

Limits = tuple[float, float]
Group = tuple[str | None, str | None]
Windows = Mapping[str, tuple[str | None, str | None]]


class ExpressionError(ValueError):
    """A formula that cannot be read, or that names something unknown."""


# --- reading a formula ---------------------------------------------------------------------------------


class Operand(NamedTuple):
    """A metric as a formula names it: the name as written, the metric, the period meant (none: its own)."""

    name: str
    metric: str
    shift: str | None = None


class Operands(NamedTuple):
    """What a formula is made of, each once, in the order of reading."""

    metrics: tuple[Operand, ...]
    settings: tuple[str, ...]


def operands(
    expression: str, known_metric_ids: Collection[str], setting_names: Collection[str] = ()
) -> Operands:
    """The metrics and settings a formula uses.

    A dotted name is the metric of exactly that id where there is one (``stage_conversion_rate.proposal``),
    else the metric before the last dot in another period (``revenue.year_ago``).

    Raises
    ------
    ExpressionError
        If the formula holds more than arithmetic, or a name is unknown (with the nearest right one) or both a
        metric and a setting.
    """
    names = _parse(expression).names
    metrics = [name for name in names if name not in setting_names]
    both = [name for name in names if name in setting_names and name in known_metric_ids]
    if both:
        raise ExpressionError(f"{expression!r}: {both[0]!r} is both a metric and a setting")
    return Operands(
        tuple(_resolve(name, expression, known_metric_ids, setting_names) for name in metrics),
        tuple(name for name in names if name in setting_names),
    )


def _resolve(name: str, expression: str, metric_ids: Collection[str], settings: Collection[str]) -> Operand:
    head, _, shift = name.rpartition(".")
    if name in metric_ids:
        return Operand(name, name)
    if shift in SHIFTS and head in metric_ids:
        return Operand(name, head, shift)
    if shift in SHIFTS and head in settings:
        raise ExpressionError(f"{expression!r}: {head!r} is a setting and has no .{shift}")
    sought = head if shift in SHIFTS else name
    hint = nearest(sought, [*metric_ids, *settings])
    raise ExpressionError(f"{expression!r}: there is no metric or setting {sought!r}{hint}")


class _Formula(NamedTuple):
    body: ast.expr
    names: tuple[str, ...]


@lru_cache(maxsize=1024)
def _parse(expression: str) -> _Formula:
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"a formula of {len(expression)} characters; at most {MAX_LENGTH} are read")
    try:
        body = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{expression!r} is no formula: {error}") from error
    return _Formula(body, tuple(dict.fromkeys(_names(body, expression))))


def _names(node: ast.expr, expression: str, depth: int = 0) -> Iterator[str]:
    """The names of a formula; refuses every node that is not plain arithmetic."""
    if depth > MAX_DEPTH:
        raise ExpressionError(f"{expression!r} is nested more than {MAX_DEPTH} deep")
    match node:
        case ast.Constant(value=number) if type(number) in (int, float) and _is_finite(number):
            return
        case ast.Name() | ast.Attribute():
            yield _dotted(node, expression)
            return
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            parts = [inner]
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            parts = [left, right]
        case ast.Call(func=ast.Name(id=function), args=parts, keywords=[]) if _takes(function, len(parts)):
            pass
        case _:
            raise ExpressionError(_refusal(node, expression))
    for part in parts:
        yield from _names(part, expression, depth + 1)


def _takes(function: str, arguments: int) -> bool:
    return (function == "abs" and arguments == 1) or (function in ("min", "max") and arguments > 1)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number too long for a float
        return False


def _dotted(node: ast.expr, expression: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, expression)}.{node.attr}"
    raise ExpressionError(_refusal(node, expression))


def _refusal(node: ast.expr, expression: str) -> str:
    return (
        f"{expression!r}: {ast.unparse(node)!r} is not allowed; a formula holds + - * /, numbers, names, "
        "min(…, …), max(…, …) and abs(…)"
    )


# --- MOVER ---------------------------------------------------------------------------------------------


def mover_sum(
    value_1: ArrayLike, low_1: ArrayLike, high_1: ArrayLike,
    value_2: ArrayLike, low_2: ArrayLike, high_2: ArrayLike,
) -> tuple[Any, Any]:  # fmt: skip
    """Limits of the sum of two independently estimated quantities.

    Zou & Donner (2008), Statistics in Medicine 27, 1693–1702: each limit lies the root of the summed squared
    distances to the operands' own limits away. Takes numbers or arrays.
    """
    value = np.add(value_1, value_2)
    return (
        value - np.hypot(np.subtract(value_1, low_1), np.subtract(value_2, low_2)),
        value + np.hypot(np.subtract(high_1, value_1), np.subtract(high_2, value_2)),
    )


def mover_difference(
    value_1: ArrayLike, low_1: ArrayLike, high_1: ArrayLike,
    value_2: ArrayLike, low_2: ArrayLike, high_2: ArrayLike,
) -> tuple[Any, Any]:  # fmt: skip
    """Limits of the difference of two independently estimated quantities.

    Zou & Donner (2008); with Wilson limits it is Newcombe's hybrid score interval (1998, method 10). Takes
    numbers or arrays.
    """
    return mover_sum(value_1, low_1, high_1, np.negative(value_2), np.negative(high_2), np.negative(low_2))


def mover_ratio(
    value_1: float, low_1: float, high_1: float, value_2: float, low_2: float, high_2: float
) -> Limits:
    """Limits of the ratio of two independently estimated quantities; not a number if the second may be 0.

    Donner & Zou (2012), Statistical Methods in Medical Research 21, 347–359: the limits are the ratios R at
    which the MOVER limit of θ₁ − R·θ₂ is 0. Where R is negative the other limit of θ₂ counts (Newcombe 2016,
    same journal 25, 1774–1778). Both roots are written so that they stay finite when a coefficient vanishes.
    """
    if value_2 < 0:
        value_1, low_1, high_1, value_2, low_2, high_2 = -value_1, -high_1, -low_1, -value_2, -high_2, -low_2
    if not low_2 > 0:
        return math.nan, math.nan
    if value_1 < 0:
        low, high = mover_ratio(-value_1, -high_1, -low_1, value_2, low_2, high_2)
        return -high, -low
    far_2 = high_2 if low_1 >= 0 else low_2
    return (
        _smaller_root(far_2 * (2 * value_2 - far_2), value_1 * value_2, low_1 * (2 * value_1 - low_1)),
        _larger_root(low_2 * (2 * value_2 - low_2), value_1 * value_2, high_1 * (2 * value_1 - high_1)),
    )


def _smaller_root(a: float, b: float, c: float) -> float:
    # a R² − 2 b R + c = 0 with b ≥ 0, rationalised: no division by an a of 0
    root = b + math.sqrt(max(b * b - a * c, 0.0))
    return c / root if root else 0.0


def _larger_root(a: float, b: float, c: float) -> float:
    return (b + math.sqrt(max(b * b - a * c, 0.0))) / a


def mover_product(
    value_1: float, low_1: float, high_1: float, value_2: float, low_2: float, high_2: float
) -> Limits:
    """Limits of the product of two independently estimated quantities; not a number if both may be 0.

    The ratio of one factor to the reciprocal of the other (Newcombe 2016). The formula is not symmetric, so
    the reciprocal is always taken of the factor known better in proportion to its size: a·b and b·a agree.
    """
    wide, narrow = sorted(
        [(value_1, low_1, high_1), (value_2, low_2, high_2)], key=_relative_width, reverse=True
    )
    value, low, high = narrow
    if low == high:
        return min(value * wide[1], value * wide[2]), max(value * wide[1], value * wide[2])
    if low <= 0 <= high:
        return math.nan, math.nan
    return mover_ratio(*wide, 1 / value, 1 / high, 1 / low)


def _relative_width(triple: tuple[float, float, float]) -> tuple[float, float]:
    value, low, high = triple
    if low == high:
        return 0.0, 0.0
    return ((high - low) / abs(value), low / value) if value else (math.inf, 0.0)


# --- working a formula out -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with what is known of its uncertainty.

    Attributes
    ----------
    value, low, high
        The figure (not a number: not measured) and its interval (not a number: none).
    n
        Rows behind it; of a quotient, those of the denominator. 0: it is not made of rows.
    certainty
        ``exact``: a census or a setting. ``interval``: sampled, with an interval. ``no_interval``: sampled,
        without one.
    status, reason
        As in the KPI frame.
    sources
        The sampled figures it is made of: two estimates that share one are dependent.
    numerator, denominator
        Of a quotient.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    certainty: Literal["exact", "interval", "no_interval"] = "exact"
    status: str = MEASURED
    reason: str = ""
    sources: frozenset[str] = field(default_factory=frozenset)
    numerator: float = math.nan
    denominator: float = math.nan

    @property
    def limits(self) -> tuple[float, float, float]:
        """Value, low and high, where an exact figure is its own limit."""
        if self.certainty == "exact":
            return self.value, self.value, self.value
        return self.value, self.low, self.high


def not_measured(reason: str) -> Estimate:
    """The estimate of what is not measured, and why."""
    return Estimate(math.nan, status=NOT_MEASURED, reason=reason)


def evaluate(
    expression: str,
    operands: Mapping[str, Estimate],
    settings: Mapping[str, float] | None = None,
    independent: bool = True,
) -> Estimate:
    """The figure a formula gives, with the interval that follows from the operands' own.

    Exact where all operands are; no interval, and the reason said, where a sampled operand has none, operands
    share a sampled figure, or (not ``independent``) come from the same facts; not measured where an operand
    is not, or a denominator is 0.

    Parameters
    ----------
    operands
        An estimate for every metric, by its name as written (``revenue.year_ago``).
    settings
        Numbers by name.
    independent
        Whether the errors of the operands are unrelated.

    Raises
    ------
    ExpressionError
        If the formula cannot be read or an operand is neither given nor a setting.
    """
    formula = _parse(expression)
    leaves = {name: _leaf(name, expression, operands, settings or {}) for name in formula.names}
    estimate = _evaluate(formula.body, leaves, independent)
    if estimate.certainty == "exact" and estimate.status != NOT_MEASURED:
        return replace(estimate, reason=";".join(filter(None, ["census", _joined(estimate.reason)])))
    return estimate


def _leaf(
    name: str, expression: str, operands: Mapping[str, Estimate], settings: Mapping[str, float]
) -> Estimate:
    if name in settings:
        return Estimate(float(settings[name]))
    if name not in operands:
        hint = nearest(name, [*operands, *settings])
        raise ExpressionError(f"{expression!r}: no figure is given for {name!r}{hint}")
    estimate = operands[name]
    explained = estimate.reason in ("", "census") and estimate.certainty != "no_interval"
    if explained and (estimate.sources or estimate.certainty == "exact"):
        return estimate
    reason = estimate.reason or ("no_interval" if estimate.certainty == "no_interval" else "")
    sampled = estimate.certainty != "exact"
    sources = estimate.sources or frozenset([name]) if sampled else frozenset()
    return replace(estimate, reason=_reason_of(name, reason), sources=sources)


def _evaluate(node: ast.expr, leaves: Mapping[str, Estimate], independent: bool) -> Estimate:
    match node:
        case ast.Constant(value=number):
            return Estimate(float(number))
        case ast.UnaryOp(operand=inner):
            return _negated(_evaluate(inner, leaves, independent))
        case ast.BinOp(left=left, op=operator, right=right):
            pair = (_evaluate(side, leaves, independent) for side in (left, right))
            return _combined(_OPERATIONS[type(operator)], independent, *pair)
        case ast.Call(func=ast.Name(id="abs"), args=[inner]):
            return _absolute(_evaluate(inner, leaves, independent))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            values = [_evaluate(argument, leaves, independent) for argument in arguments]
            return reduce(partial(_combined, _EXTREMES[function], independent), values)
        case _:
            return leaves[_dotted(node, "")]


class _Operation(NamedTuple):
    value: Callable[[float, float], float]
    limits: Callable[..., Limits]
    no_limits: str = "no_interval"  # the reason where the limits come out as no numbers
    is_quotient: bool = False


def _quotient(left: float, right: float) -> float:
    return left / right if right else math.nan


def _extreme_limits(
    pick: Callable[[float, float], float],
    value_1: float, low_1: float, high_1: float, value_2: float, low_2: float, high_2: float,
) -> Limits:  # fmt: skip
    # Against a fixed number min and max are monotone, so the limits go through; of two estimates they do not.
    if low_1 < high_1 and low_2 < high_2:
        return math.nan, math.nan
    return pick(low_1, low_2), pick(high_1, high_2)


_OPERATIONS: dict[type[ast.operator], _Operation] = {
    ast.Add: _Operation(lambda left, right: left + right, mover_sum),
    ast.Sub: _Operation(lambda left, right: left - right, mover_difference),
    ast.Mult: _Operation(lambda left, right: left * right, mover_product, "no_product_interval"),
    ast.Div: _Operation(_quotient, mover_ratio, "denominator_may_be_zero", is_quotient=True),
}
_EXTREMES = {
    "min": _Operation(min, partial(_extreme_limits, min), "no_function_interval|min"),
    "max": _Operation(max, partial(_extreme_limits, max), "no_function_interval|max"),
}


def _combined(operation: _Operation, independent: bool, left: Estimate, right: Estimate) -> Estimate:
    for side in (left, right):
        if side.status == NOT_MEASURED:
            return not_measured(side.reason)
    value = operation.value(left.value, right.value)
    if not math.isfinite(value):
        return not_measured("division_by_zero")
    certainty, low, high, problem = _uncertainty(operation, independent, left, right)
    care = "negative_denominator" if operation.is_quotient and right.value < 0 else ""
    return Estimate(
        value,
        float(low),
        float(high),
        _rows(operation, left.n, right.n),
        certainty,
        WITH_CARE if care or WITH_CARE in (left.status, right.status) else MEASURED,
        _joined(left.reason, right.reason, problem, care),
        left.sources | right.sources,
        *((left.value, right.value) if operation.is_quotient else (math.nan, math.nan)),
    )


def _uncertainty(
    operation: _Operation, independent: bool, left: Estimate, right: Estimate
) -> tuple[str, float, float, str]:
    kinds = {left.certainty, right.certainty}
    if kinds == {"exact"}:
        return "exact", math.nan, math.nan, ""
    if "no_interval" in kinds:
        return "no_interval", math.nan, math.nan, ""
    related = left.sources & right.sources or (not independent and left.sources and right.sources)
    if related:
        return "no_interval", math.nan, math.nan, "dependent_operands"
    low, high = operation.limits(*left.limits, *right.limits)
    if math.isnan(low) or math.isnan(high):
        return "no_interval", math.nan, math.nan, operation.no_limits
    return "interval", low, high, ""


def _rows(operation: _Operation, left: int, right: int) -> int:
    if operation.is_quotient and right:
        return right
    return min(left, right) if left and right else left or right


def _negated(estimate: Estimate) -> Estimate:
    return replace(
        estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low,
        numerator=math.nan, denominator=math.nan,
    )  # fmt: skip


def _absolute(estimate: Estimate) -> Estimate:
    if estimate.value >= 0 and not estimate.low < 0:
        return estimate
    if estimate.high <= 0 or estimate.certainty != "interval":
        return replace(_negated(estimate), value=abs(estimate.value))
    return replace(
        _negated(estimate), value=abs(estimate.value), low=0.0, high=max(-estimate.low, estimate.high)
    )


def _joined(*reasons: str) -> str:
    """The reasons, each once; being a census is said of the result alone."""
    if not any(reasons):
        return ""
    parts = [part for reason in reasons for part in reason.split(";") if part and part != "census"]
    return ";".join(dict.fromkeys(parts))


def _reason_of(name: str, reason: str) -> str:
    # A reason that already names its metric keeps that name.
    parts = _joined(reason).split(";")
    return ";".join(part if part.startswith("of|") else f"of|{name}|{part}" for part in parts if part)


# --- over the KPI frame --------------------------------------------------------------------------------


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
