"""A formula worked out on estimates: the figure, its interval by MOVER, and why there is none where there is none."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Literal, NamedTuple

from analysis.catalogue import nearest
from analysis.metrics.formulas import ExpressionError, dotted, parse
from analysis.metrics.frame import MEASURED, NOT_MEASURED, WITH_CARE
from analysis.metrics.mover import Limits, mover_difference, mover_product, mover_ratio, mover_sum


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
    formula = parse(expression)
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
            return leaves[dotted(node, "")]


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
