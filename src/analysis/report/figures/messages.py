"""What a chart says, for the line above it: only what a test or a full count says, else nothing.

Every message is one phrase without a full stop, with the same numbers in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analysis.catalogue import Metric, label
from analysis.facts import NotMeasured
from analysis.report.kpis_shown import (
    comparisons,
    kpi_rows,
    metric_name,
    say_period,
    say_value,
    some,
)
from analysis.report.numbers_shown import format_number, format_percent, is_missing
from analysis.report.words import label as word
from analysis.suite import Results

CLEAR = ("worse", "better")
MOST_TOLD, MOST_NAMED = 2, 4
"""So many groups are told with their figures, so many by their names alone."""


class Told(NamedTuple):
    """A group with the verdict on it, its figure and what that was compared with, in words."""

    name: str
    verdict: str
    value: str
    base: str


def _words(key: str, language: str, **values: str) -> str:
    return label(f"charts.{key}", language, **values)


def change_message(results: Results, metric: Metric, language: str) -> str:
    """``Retention fell to 59.6%, from 69.1% in 2026Q2``, where that is beyond chance and of much the same customers.

    The previous period comes first; the year before is told only where the change against the previous one is not sure.
    """
    book = results.book
    for row in kpi_rows(results, [metric]).to_dict("records"):
        for against in comparisons(book):
            period = book.baselines[book.window.label][against]
            base = results.kpi(metric.id, metric.variant, period)
            if _is_sure(row, against) and not isinstance(base, NotMeasured):
                return _words(
                    "rose" if row["value"] > base["value"] else "fell", language, name=metric_name(metric, language),
                    value=say_value(row["value"], metric, book, language),
                    base=say_value(base["value"], metric, book, language), period=say_period(period, book, language),
                )  # fmt: skip
    return ""


def _is_sure(row: dict, against: str) -> bool:
    """Beyond chance, of much the same customers, and against a period that the data reach back over."""
    is_other_base = not is_missing(row[f"{against}_base_change"])
    return row[f"{against}_verdict"] in CLEAR and not is_other_base and not row[f"{against}_is_short"]


def groups_message(groups: Iterable[Told], language: str, *, is_apart: bool = False) -> str:
    """``Chengdu better: 18 h, against 38 h in 2026Q2``: the groups with a clear verdict; of many the names alone.

    With ``is_apart`` they are compared with the other groups, and have not become better or worse.
    """
    clear = [group for group in groups if group.verdict in CLEAR]
    if len(clear) <= MOST_TOLD:
        told = [
            _words(
                "apart" if is_apart else "group", language, name=each.name, value=each.value, base=each.base,
                verdict=word(f"verdict_{each.verdict}", language),
            )
            for each in clear
        ]  # fmt: skip
        return label("kpis.list_join", language).join(told)
    named = [_named(clear, verdict, is_apart, language) for verdict in CLEAR]
    message = label("kpis.list_join", language).join(part for part in named if part)
    return message[:1].upper() + message[1:]


def _named(groups: Sequence[Told], verdict: str, is_apart: bool, language: str) -> str:
    names = [group.name for group in groups if group.verdict == verdict]
    if not names:
        return ""
    said = _words(f"apart_{verdict}", language) if is_apart else word(f"verdict_{verdict}", language)
    return _words("groups", language, verdict=said, names=some(names, MOST_NAMED, language))


def base_words(value: str, language: str, *, period: str = "", of: str = "in_period") -> str:
    """What a group is compared with: its figure in a period, in all periods before, or that of all others."""
    return _words(of, language, base=value, period=period)


def first_message(name: str, counts: Sequence[float], total: float, least: int, language: str) -> str:
    """``Price comes first: 227 of 654 (34.7%)``; empty where two share the place or fewer than ``least`` are counted.

    Parameters
    ----------
    name
        Of the first; empty where what comes first is that nothing is stated.
    counts
        Most first.
    """
    first, second = [*counts, 0, 0][:2]
    if not name or second == 0 or first <= second or total < least:
        return ""
    return _words(
        "first", language, name=name, count=format_number(first, language), total=format_number(total, language),
        share=format_percent(first / total, language),
    )  # fmt: skip


def missed_message(metrics: Sequence[Metric], language: str) -> str:
    """``Targets missed: Revenue, Retention``; empty where none is."""
    names = [metric_name(metric, language) for metric in metrics]
    return _words("missed", language, names=some(names, MOST_NAMED, language)) if names else ""


def customers_message(opening: float, closing: float, language: str) -> str:
    """``Customers fell by 126, from 1,855 to 1,729``; empty where they are as many as before."""
    if opening == closing:
        return ""
    counts = {"count": abs(closing - opening), "opening": opening, "closing": closing}
    said = {name: format_number(count, language) for name, count in counts.items()}
    return _words("customers_rose" if closing > opening else "customers_fell", language, **said)


def backlog_message(now: float, period: str, before: float, base: str, language: str) -> str:
    """``36 open at the end of 2026Q3, 66 at the end of 2026Q2``."""
    said = {"now": format_number(now, language), "before": format_number(before, language)}
    return _words("backlog", language, period=period, base=base, **said)


def best_message(top: str, share: str, language: str) -> str:
    """``The best 10% of customers hold 75% of the predicted value``."""
    return _words("best", language, top=top, share=share)
