"""Formulas of metrics: read, and held to plain arithmetic; the metrics and settings they name.

``value: "(marketing_cost + sales_cost) / new_customers"`` may use ``+ - * /``, a minus sign, numbers,
``min``, ``max``, ``abs``, metric ids (also dotted ones), settings, and ``.previous`` and ``.year_ago`` of a
metric.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from analysis.catalogue import nearest

SHIFTS = ("previous", "year_ago")
MAX_LENGTH, MAX_DEPTH = 1000, 40
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


class ExpressionError(ValueError):
    """A formula that cannot be read, or that names something unknown."""


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
    names = parse(expression).names
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


class Formula(NamedTuple):
    """A formula as it is worked out, and the names in it, each once."""

    body: ast.expr
    names: tuple[str, ...]


@lru_cache(maxsize=1024)
def parse(expression: str) -> Formula:
    """A formula read; an ``ExpressionError`` where it is more than arithmetic."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"a formula of {len(expression)} characters; at most {MAX_LENGTH} are read")
    try:
        body = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{expression!r} is no formula: {error}") from error
    return Formula(body, tuple(dict.fromkeys(_names(body, expression))))


def _names(node: ast.expr, expression: str, depth: int = 0) -> Iterator[str]:
    """The names of a formula; refuses every node that is not plain arithmetic."""
    if depth > MAX_DEPTH:
        raise ExpressionError(f"{expression!r} is nested more than {MAX_DEPTH} deep")
    match node:
        case ast.Constant(value=number) if type(number) in (int, float) and _is_finite(number):
            return
        case ast.Name() | ast.Attribute():
            yield dotted(node, expression)
            return
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            parts = [inner]
        case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, OPERATORS):
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


def dotted(node: ast.expr, expression: str) -> str:
    """The name that a node of a formula stands for."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, expression)}.{node.attr}"
    raise ExpressionError(_refusal(node, expression))


def _refusal(node: ast.expr, expression: str) -> str:
    return (
        f"{expression!r}: {ast.unparse(node)!r} is not allowed; a formula holds + - * /, numbers, names, "
        "min(…, …), max(…, …) and abs(…)"
    )
