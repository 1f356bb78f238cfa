"""Small lines of values over time, which read themselves out in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup

from analysis.report.figures.style import PALETTE
from analysis.report.numbers_shown import MISSING, format_number, is_missing
from analysis.report.words import label


def sparkline(
    values: Iterable[Any],
    language: str,
    *,
    show: Callable[[float], str] | None = None,
    width: int = 96,
    height: int = 26,
) -> Markup:
    """A small line of values over time, last point marked, as inline SVG that reads itself out in words.

    Parameters
    ----------
    values : iterable of float
        In time order; missing ones leave a gap in the line.
    show : callable, optional
        Writes a value in the words for screen readers; without it as `format_number` does.
    """
    numbers = [None if is_missing(value) else float(value) for value in values]
    known = [number for number in numbers if number is not None]
    if not known:
        return Markup('<span class="wb-missing" title="{}">{}</span>').format(
            label("not_available", language), MISSING
        )
    points = _spark_points(numbers, width, height)
    last = [point for point in points if point][-1]
    return Markup(
        '<svg class="wb-spark" role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">{}'
        '<circle cx="{}" cy="{}" r="2.6" fill="{}"></circle></svg>'
    ).format(
        _spark_words(numbers, language, show),
        width,
        height,
        width,
        height,
        _spark_lines(points),
        *last,
        PALETTE["main"],
    )


def _spark_points(
    numbers: Sequence[float | None], width: int, height: int
) -> list[tuple[float, float] | None]:
    known = [number for number in numbers if number is not None]
    low, reach = min(known), max(known) - min(known)
    step = (width - 8) / max(1, len(numbers) - 1)
    return [
        None
        if number is None
        else (
            round(4 + place * step, 1),
            round(height - 4 - (height - 8) * ((number - low) / reach if reach else 0.5), 1),
        )
        for place, number in enumerate(numbers)
    ]


def _spark_lines(points: Sequence[tuple[float, float] | None]) -> Markup:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    drawn = (" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1)
    line = Markup(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="1.6" stroke-linejoin="round"></polyline>'
    )
    lone = Markup('<circle cx="{}" cy="{}" r="1.4" fill="{}"></circle>')
    dots = (lone.format(*run[0], PALETTE["muted"]) for run in runs if len(run) == 1)
    return Markup("").join([*(line.format(run, PALETTE["muted"]) for run in drawn), *dots])


def _spark_words(numbers: Sequence[float | None], language: str, show: Callable[[float], str] | None) -> str:
    known = [number for number in numbers if number is not None]
    ends = {"first": known[0], "last": known[-1], "lowest": min(known), "highest": max(known)}
    write = show or (lambda number: format_number(number, language))
    words = label("trend", language, count=len(numbers), **{name: write(end) for name, end in ends.items()})
    if len(known) == len(numbers):
        return words
    gap = label("trend_missing", language, count=len(numbers) - len(known), periods=len(numbers))
    return f"{words}{'；' if language == 'zh' else '; '}{gap}"
