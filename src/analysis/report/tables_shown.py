"""What a page shows beside its prose: numbers in the language's form, tables, verdicts, tiles, fold-outs.

Builders return markup in which every value from data is escaped; `display_html` and `display_figure` put a
piece on the page in one language. Every colour comes with a sign or a word.
"""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from markupsafe import Markup, escape

from analysis.catalogue import label as declared_label
from analysis.report.figures.style import (
    CONTENT_WIDTH_PIXELS,
    INKS,
    PALETTE,
    PHONE_WIDTH_PIXELS,
    figure_pngs,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANGUAGES = ("en", "zh")
MISSING = "–"
MINUS = "−"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CURRENCY_SIGNS = {
    "en": {"CNY": "CN¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"},
    "zh": {"CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"},
}
MONEY_WITHOUT_CENTS = 999.995
SHORT_TABLE_ROWS = 15
STYLED_IN_JUPYTER = ".jp-RenderedHTML, .output_html"
PHONE_PNG = "application/vnd.workbook.phone+png"
"""Media type of a figure's narrow rendition; Jupyter, which does not know it, shows the wide one."""

Text = str | Mapping[str, str]


def label(key: str, language: str, **values: object) -> str:
    """The page's own word for a key in a language, with `{…}` filled in.

    Raises
    ------
    KeyError
        When the key is not in `catalogue/labels/report.yml`.
    """
    return declared_label(f"report.{key}", language, **values)


def in_language(text: Text, language: str) -> str:
    """A text as it is, or the language's own where it is given as ``{"en": …, "zh": …}``."""
    return text if isinstance(text, str) else text[language]


# --- numbers --------------------------------------------------------------------------------------


def is_missing(value: object) -> bool:
    """True for None, NaN, NaT, NA and for the infinities, none of which is a number to print."""
    if isinstance(value, (list, tuple, dict)) or hasattr(value, "__len__") and not isinstance(value, str):
        return False
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def format_number(value: Any, language: str, *, decimals: int | None = None, signed: bool = False) -> str:
    """A number with thousands separators: ``1,234.5``.

    Parameters
    ----------
    decimals : int, optional
        Without it as many as the size calls for: none for whole numbers, one from 10 up, two from 0.1 up,
        two significant digits below.
    signed : bool
        Write the plus of a positive number, as for a change.
    """
    if is_missing(value):
        return MISSING
    return _with_sign(
        value, lambda size: f"{size:,.{_decimals_for(size) if decimals is None else decimals}f}", signed
    )


def _decimals_for(size: float) -> int:
    if float(size).is_integer():
        return 0
    if size >= 10:
        return 1
    return 2 if size >= 0.1 else min(6, 1 - math.floor(math.log10(size)))


def _with_sign(value: Any, show: Callable[[float], str], signed: bool) -> str:
    """A size with a true minus before it, or a plus where asked; what rounds to zero has no sign."""
    shown = show(abs(value))
    if not any(digit in shown for digit in "123456789"):
        return shown
    return (MINUS if value < 0 else "+" if signed else "") + shown


def format_percent(value: Any, language: str, *, decimals: int | None = None, signed: bool = False) -> str:
    """A share as percent with one decimal: 0.631 as ``63.1%``."""
    if is_missing(value):
        return MISSING
    return _with_sign(value, lambda size: f"{100 * size:,.{1 if decimals is None else decimals}f}%", signed)


def format_points(value: Any, language: str, *, decimals: int | None = None, signed: bool = True) -> str:
    """A difference of two shares in percentage points, signed: 0.012 as ``+1.2 pp`` or ``+1.2个百分点``."""
    if is_missing(value):
        return MISSING
    unit = label("unit_percentage_points", language)
    return _with_sign(
        value, lambda size: f"{100 * size:,.{1 if decimals is None else decimals}f}{unit}", signed
    )


def format_money(
    value: Any, language: str, *, currency: str, decimals: int | None = None, signed: bool = False
) -> str:
    """An amount with its currency before it: ``€1,234``, ``CHF 12.50``; two decimals below a thousand.

    Parameters
    ----------
    currency : str
        ISO 4217 code; those without a sign of their own in the language are written as the code.
    """
    if is_missing(value):
        return MISSING
    sign = CURRENCY_SIGNS[language].get(currency, f"{currency} ")

    def show(size: float) -> str:
        places = decimals if decimals is not None else 0 if size >= MONEY_WITHOUT_CENTS else 2
        return f"{sign}{size:,.{places}f}"

    return _with_sign(value, show, signed)


def format_date(value: Any, language: str) -> str:
    """A day: ``31 Dec 1997`` or ``1997年12月31日``; takes dates, instants and ISO texts."""
    if is_missing(value):
        return MISSING
    day = datetime.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def format_date_range(first: Any, last: Any, language: str) -> str:
    """First and last day of a window, both included: ``1 Jul 2026 – 30 Sep 2026``."""
    join = "至" if language == "zh" else " – "
    return join.join(format_date(day, language) for day in (first, last))


DurationUnit = Literal["auto", "up_to_hours", "seconds", "minutes", "hours", "days"]
SECONDS_IN = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def format_duration(
    value: Any,
    language: str,
    *,
    unit: DurationUnit = "auto",
    decimals: int | None = None,
    signed: bool = False,
) -> str:
    """A duration given in seconds: ``45 s``, ``4 min 30 s``, ``2 h 05 min``, ``3.2 days``.

    Parameters
    ----------
    unit : str
        One unit throughout, with one decimal; or what reads best, where ``"auto"`` turns to days of 24 hours from
        48 hours up, and ``"up_to_hours"`` stays with hours: a working day is not 24 hours long.
    """
    if is_missing(value):
        return MISSING
    return _with_sign(value, partial(_duration, language=language, unit=unit, decimals=decimals), signed)


def _duration(seconds: float, language: str, unit: DurationUnit, decimals: int | None) -> str:
    if unit in ("auto", "up_to_hours"):
        allowed, unit = unit, _unit_for(seconds)
        if unit == "days" and allowed == "up_to_hours":
            unit = "hours"
        elif unit in ("minutes", "hours"):
            return _two_units(seconds, language, unit)
        decimals = 0 if decimals is None and unit == "seconds" and seconds >= 10 else decimals
    amount = seconds / SECONDS_IN[unit]
    return f"{amount:,.{1 if decimals is None else decimals}f}{label('unit_' + unit, language)}"


def _unit_for(seconds: float) -> DurationUnit:
    """The unit whose numbers stay small, decided on the rounded value so that nobody reads `60 s`."""
    if round(seconds) < 60:
        return "seconds"
    if round(seconds) < 3600:
        return "minutes"
    return "hours" if seconds < 48 * 3600 else "days"


def _two_units(seconds: float, language: str, unit: DurationUnit) -> str:
    smaller = "seconds" if unit == "minutes" else "minutes"
    whole, rest = divmod(round(seconds / SECONDS_IN[smaller]), 60)
    minutes = "分" if language == "zh" else label("unit_minutes", language)
    names = {
        "minutes": minutes,
        "hours": label("unit_hours", language),
        "seconds": label("unit_seconds", language),
    }
    gap = "" if language == "zh" else " "
    return (
        f"{whole}{names[unit]}{gap}{rest:02d}{names[smaller]}"
        if rest
        else f"{whole}{label('unit_' + unit, language)}"
    )


def format_text(value: Any, language: str, **_: object) -> str:
    """A value from data as it stands."""
    return MISSING if is_missing(value) else str(value)


UNITS: Mapping[str, Callable[..., str]] = {
    "text": format_text,
    "number": format_number,
    "percent": format_percent,
    "points": format_points,
    "money": format_money,
    "duration": format_duration,
    "working_time": partial(format_duration, unit="up_to_hours"),
    "date": lambda value, language, **_: format_date(value, language),
    **{unit: partial(format_duration, unit=unit) for unit in SECONDS_IN},
}
"""How a value of each unit is written. A change of a percentage has the unit `points`; `seconds`, `minutes`,
`hours` and `days` are durations, given in seconds, written in that one unit; `working_time` is one without days."""


def format_value(value: Any, unit: str, language: str, *, currency: str | None = None, **options: Any) -> str:
    """A value in the form of its unit, one of `UNITS`.

    Raises
    ------
    ValueError
        When the unit is none of these, or money comes without a currency.
    """
    if unit not in UNITS:
        raise ValueError(f"Unknown unit {unit!r}; known are {', '.join(UNITS)}.")
    if unit == "money":
        if currency is None:
            raise ValueError("An amount of money needs its currency, such as currency='CNY'.")
        options["currency"] = currency
    return UNITS[unit](value, language, **options)


def format_interval(low: Any, high: Any, unit: str, language: str, **options: Any) -> str:
    """Two ends of an interval: ``61.8–64.4%``; with words between where a minus or a space would confuse."""
    if is_missing(low) or is_missing(high):
        return MISSING
    if unit in ("number", "money") and options.get("decimals") is None:
        options["decimals"] = _decimals_for_both(low, high, unit)
    first, last = (format_value(end, unit, language, **options) for end in (low, high))
    if MINUS in first + last or "+" in first + last:
        return first + label("to", language) + last
    if unit == "percent":
        return f"{first.removesuffix('%')}–{last}"
    return f"{first} – {last}" if " " in first + last else f"{first}–{last}"


def _decimals_for_both(low: float, high: float, unit: str) -> int:
    """Decimals that suit both ends, so that 9.87 to 10.2 reads 9.87–10.20."""
    sizes = (abs(low), abs(high))
    if unit == "money":
        return 0 if max(sizes) >= MONEY_WITHOUT_CENTS else 2
    return max(_decimals_for(size) for size in sizes)


# --- verdicts -------------------------------------------------------------------------------------

VERDICTS: Mapping[str, tuple[str, str]] = {
    "better": ("▲", "good"), "worse": ("▼", "bad"), "no_clear_change": ("●", "quiet"),
    "hit": ("✓", "good"), "miss": ("✗", "bad"), "undetermined": ("○", "quiet"),
    "higher": ("↑", "quiet"), "lower": ("↓", "quiet"), "unchanged": ("=", "quiet"),
    "not_compared": (MISSING, "quiet"), "not_measured": (MISSING, "quiet"),
    "trusted": ("✓", "good"), "use_with_care": ("!", "care"), "do_not_use": ("✗", "bad"),
    "small_sample": ("!", "care"),
}  # fmt: skip
"""Sign and tone of every verdict; its words are the labels `verdict_…`."""


def verdict_badge(verdict: str, language: str) -> Markup:
    """A verdict as sign and words, such as ``▲ better``; the colour only repeats what they say.

    Raises
    ------
    ValueError
        When the verdict is none of `VERDICTS`.
    """
    if verdict not in VERDICTS:
        raise ValueError(f"Unknown verdict {verdict!r}; known are {', '.join(VERDICTS)}.")
    sign, tone = VERDICTS[verdict]
    return badge(label(f"verdict_{verdict}", language), tone=tone, sign=sign)


def badge(text: str, *, tone: str = "quiet", sign: str = "") -> Markup:
    """A short remark with a sign before it, in one of the tones good, bad, care, quiet."""
    mark = Markup('<span aria-hidden="true">{}</span> ').format(sign) if sign else ""
    return Markup('<span class="wb-badge wb-{}">{}{}</span>').format(tone, mark, text)


# --- sparklines -----------------------------------------------------------------------------------


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


# --- tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One column of a table on a page.

    Attributes
    ----------
    key : str
        Column of the rows that holds the values.
    heading : str or mapping
        Heading, or one for each language.
    unit, unit_from : str
        Unit of the values (`UNITS`), or the column of the rows that names each row's own.
    shown_as : str
        ``"value"``; ``"verdict"`` for keys of `VERDICTS`; ``"sparkline"`` for lists of numbers in time order;
        ``"markup"`` for pieces of the page's own, which no other column takes for anything but text.
    high : str, optional
        Column with the upper ends; the cell then shows an interval.
    verdict_from, detail_from, reason_from : str, optional
        Columns with the verdict set under the value, a small second line, and why a value is missing.
    link_from, ids_from : str, optional
        Columns with the address that a value leads to (none for a missing one), and with the ids under which
        the cell is found, apart by blanks.
    decimals, signed
        As in `format_number`; `decimals_from` names the column with each row's own.
    strong : bool
        For the one column a reader should see first.
    """

    key: str
    heading: Text
    unit: str = "text"
    unit_from: str | None = None
    shown_as: Literal["value", "verdict", "sparkline", "markup"] = "value"
    high: str | None = None
    verdict_from: str | None = None
    detail_from: str | None = None
    reason_from: str | None = None
    link_from: str | None = None
    ids_from: str | None = None
    decimals: int | None = None
    decimals_from: str | None = None
    signed: bool = False
    strong: bool = False

    @property
    def is_text(self) -> bool:
        return self.shown_as in ("verdict", "markup") or (
            self.unit == "text" and not self.unit_from and self.shown_as == "value"
        )


@dataclass
class _Sheet:
    """What the cells of one table share: language, currency, and the reasons noted so far."""

    language: str
    currency: str | None
    reasons: dict[str, str] = field(default_factory=dict)

    def mark(self, reason: str) -> str:
        """The letter under which a reason stands below the table, the same for the same reason."""
        return self.reasons.setdefault(reason, _letters(len(self.reasons)))


def _letters(place: int) -> str:
    """a, b, …, z, aa, ab, …"""
    return (_letters(place // 26 - 1) if place >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[place % 26]


def show_table(rows: pd.DataFrame, columns: Sequence[Column], *, language: str, **options: Any) -> None:
    """Put a table on the page in one language; options as in `table_html`."""
    display_html(table_html(rows, columns, language=language, **options), language)


def table_html(
    rows: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: Text,
    language: str,
    note: Text | None = None,
    currency: str | None = None,
    phone: Literal["scroll", "cards"] = "scroll",
    group_by: str | None = None,
    group_link_from: str | None = None,
    strong_from: str | None = None,
) -> Markup:
    """An accessible table: caption, scoped headings, aligned numbers, escaped values, reasons for gaps below.

    Parameters
    ----------
    rows : DataFrame
        One row for each row shown, in order; the first column named in `columns` heads its row.
    phone : str
        What becomes of it on a phone: ``"scroll"`` sideways with the first column held (a matrix), or
        ``"cards"``, each row a card (a few wide rows, such as a scorecard).
    group_by : str, optional
        Column of the rows whose runs of equal values become headed sections.
    group_link_from : str, optional
        Column of the rows with the address that a section's heading leads to.
    strong_from : str, optional
        Column of the rows that is true for totals.

    Raises
    ------
    KeyError
        When a column named is not in the rows.
    """
    _check_columns(rows, columns, group_by, group_link_from, strong_from)
    sheet = _Sheet(language, currency)
    width = len(columns)
    sections = _sections(rows, group_by, group_link_from)
    body = Markup("").join(_section(title, part, columns, sheet, strong_from) for title, part in sections)
    empty = Markup('<tbody role="rowgroup"><tr role="row"><td role="cell" colspan="{}">{}</td></tr></tbody>')
    words = in_language(caption, language)
    return Markup(
        '<div class="wb-table wb-phone-{phone}{short}">'
        '<div class="wb-scroll" role="region" tabindex="0" aria-label="{region}">'
        '<table role="table"><caption><span>{caption}</span></caption>'
        '<thead role="rowgroup"><tr role="row">{head}</tr></thead>{body}</table></div>{below}</div>'
    ).format(
        phone=phone,
        short=" wb-short" if len(rows) <= SHORT_TABLE_ROWS else "",
        region=f"{words}. {label('scroll_hint', language)}",
        caption=words,
        head=_headings(columns, language),
        body=body if len(rows) else empty.format(width, label("no_rows", language)),
        below=_below(sheet, note),
    )


FROM_ROWS = (
    "key", "unit_from", "high", "verdict_from", "detail_from", "reason_from", "decimals_from", "link_from",
    "ids_from",
)  # fmt: skip


def _check_columns(rows: pd.DataFrame, columns: Sequence[Column], *others: str | None) -> None:
    named = {getattr(column, name) for column in columns for name in FROM_ROWS}
    absent = sorted(key for key in named | set(others) if key and key not in rows.columns)
    if absent:
        raise KeyError(f"The rows have no column {', '.join(absent)}; they have {', '.join(map(str, rows))}.")


def _headings(columns: Sequence[Column], language: str) -> Markup:
    cell = Markup('<th role="columnheader" scope="col"{}>{}</th>')
    return Markup("").join(
        cell.format(_class("" if column.is_text else "wb-number"), in_language(column.heading, language))
        for column in columns
    )


def _class(names: str) -> Markup:
    return Markup(' class="{}"').format(names.strip()) if names.strip() else Markup("")


def _sections(
    rows: pd.DataFrame, group_by: str | None, link_from: str | None
) -> list[tuple[Markup | None, pd.DataFrame]]:
    if group_by is None or rows.empty:
        return [(None, rows)]
    run = rows[group_by].ne(rows[group_by].shift()).cumsum()
    return [
        (_linked(escape(part[group_by].iloc[0]), part[link_from].iloc[0] if link_from else None), part)
        for _, part in rows.groupby(run, sort=False)
    ]


def _linked(shown: Markup, address: Any) -> Markup:
    """What is shown of a metric, as a link to its definition where an address is given."""
    return (
        shown if is_missing(address) else Markup('<a class="wb-kpi" href="{}">{}</a>').format(address, shown)
    )


def _section(
    title: Markup | None,
    rows: pd.DataFrame,
    columns: Sequence[Column],
    sheet: _Sheet,
    strong_from: str | None,
) -> Markup:
    head = Markup(
        '<tr role="row" class="wb-section"><th role="rowheader" scope="rowgroup" colspan="{}">{}</th></tr>'
    )
    lines = [] if title is None else [head.format(len(columns), title)]
    for row in rows.to_dict("records"):
        strong = _class("wb-strong" if strong_from and row[strong_from] else "")
        cells = Markup("").join(
            _cell(row, column, sheet, first=place == 0) for place, column in enumerate(columns)
        )
        lines.append(Markup('<tr role="row"{}>{}</tr>').format(strong, cells))
    return Markup('<tbody role="rowgroup">{}</tbody>').format(Markup("").join(lines)) if lines else Markup("")


def _cell(row: Mapping[str, Any], column: Column, sheet: _Sheet, *, first: bool) -> Markup:
    names = _cell_names(column)
    content = _places(row, column) + _content(row, column, sheet)
    if first:
        return Markup('<th role="rowheader" scope="row"{}>{}</th>').format(_class(names), content)
    heading = in_language(column.heading, sheet.language)
    return Markup('<td role="cell"{} data-heading="{}">{}</td>').format(_class(names), heading, content)


def _cell_names(column: Column) -> str:
    names = {
        "wb-words": column.is_text,
        "wb-number": not column.is_text,
        f"wb-as-{column.shown_as}": column.shown_as != "value",
        "wb-judged": column.verdict_from,
        "wb-key": column.strong,
    }
    return " ".join(name for name, holds in names.items() if holds)


def _places(row: Mapping[str, Any], column: Column) -> Markup:
    """The ids under which a cell is found, each on an empty element of its own."""
    given = row[column.ids_from] if column.ids_from else None
    names = [] if is_missing(given) else str(given).split()
    return Markup("").join(Markup('<span class="wb-place" id="{}"></span>').format(name) for name in names)


def _content(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    value = row[column.key]
    if is_missing(value) or (column.high and is_missing(row[column.high])):
        return _gap(row, column, sheet)
    shown = [_linked(_shown(row, column, sheet), row[column.link_from] if column.link_from else None)]
    if column.verdict_from and not is_missing(row[column.verdict_from]):
        shown.append(
            Markup(' <span class="wb-under">{}</span>').format(
                verdict_badge(row[column.verdict_from], sheet.language)
            )
        )
    if column.detail_from and not is_missing(row[column.detail_from]):
        shown.append(Markup(' <span class="wb-under">{}</span>').format(row[column.detail_from]))
    return Markup("").join(shown)


def _shown(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    if column.shown_as == "verdict":
        return verdict_badge(row[column.key], sheet.language)
    if column.shown_as == "markup":
        return escape(row[column.key])  # which leaves markup as it is
    unit = row[column.unit_from] if column.unit_from else column.unit
    options: dict[str, Any] = {"currency": sheet.currency}
    decimals = row[column.decimals_from] if column.decimals_from else column.decimals
    if not is_missing(decimals):
        options["decimals"] = int(decimals)
    if column.signed:
        options["signed"] = True
    if column.shown_as == "sparkline":
        unit = "number" if unit == "text" else unit
        return sparkline(
            row[column.key],
            sheet.language,
            show=lambda number: format_value(number, unit, sheet.language, **options),
        )
    if column.high:
        return escape(format_interval(row[column.key], row[column.high], unit, sheet.language, **options))
    return escape(format_value(row[column.key], unit, sheet.language, **options))


def _gap(row: Mapping[str, Any], column: Column, sheet: _Sheet) -> Markup:
    """A dash that says why: in its title, and by a letter that is explained below the table."""
    reason = row[column.reason_from] if column.reason_from else None
    if is_missing(reason) or not str(reason).strip():
        return Markup('<span class="wb-missing" title="{}">{}</span>').format(
            label("not_available", sheet.language), MISSING
        )
    return Markup('<span class="wb-missing" title="{}">{}<sup>{}</sup></span>').format(
        reason, MISSING, sheet.mark(str(reason))
    )


def _below(sheet: _Sheet, note: Text | None) -> Markup:
    lines = [Markup("<p><sup>{}</sup> {}</p>").format(mark, reason) for reason, mark in sheet.reasons.items()]
    if note:
        lines.insert(0, Markup("<p>{}</p>").format(in_language(note, sheet.language)))
    return Markup('<div class="wb-below">{}</div>').format(Markup("").join(lines)) if lines else Markup("")


# --- tiles, findings, callouts, fold-outs ---------------------------------------------------------


@dataclass(frozen=True)
class Tile:
    """One number of the cover, its texts ready in the page's language.

    Attributes
    ----------
    name, value : str
        What is measured, and its value as `format_value` writes it.
    interval : str
        Such as ``61.8–64.4%``; empty for a census.
    changes : sequence of (text, verdict)
        Such as ``("+1.2 pp on 2026Q2", "better")``.
    trend : sequence of float
        Earlier periods up to this one; empty for none.
    show : callable, optional
        Writes a value of the trend in the words for screen readers.
    link : str
        Address that the name leads to, such as ``links.definition_href`` gives; empty for none.
    """

    name: str
    value: str
    interval: str = ""
    changes: Sequence[tuple[str, str]] = ()
    trend: Sequence[float] = ()
    show: Callable[[float], str] | None = None
    link: str = ""


def kpi_tiles(tiles: Sequence[Tile], language: str) -> Markup:
    """The numbers a page opens with, side by side: name, value, interval, changes with verdicts, trend."""
    return Markup('<ul class="wb-tiles">{}</ul>').format(
        Markup("").join(_tile(tile, language) for tile in tiles)
    )


def _tile(tile: Tile, language: str) -> Markup:
    change = Markup('<p class="wb-tile-change"><span>{}</span> {}</p>')
    return Markup(
        '<li class="wb-tile"><p class="wb-tile-name">{}</p><p class="wb-tile-value">{}</p>'
        '<p class="wb-tile-interval">{}</p>{}{}</li>'
    ).format(
        _linked(escape(tile.name), tile.link or None),
        tile.value,
        tile.interval or Markup("&nbsp;"),
        Markup("").join(
            change.format(text, verdict_badge(verdict, language)) for text, verdict in tile.changes
        ),
        sparkline(tile.trend, language, show=tile.show, width=150, height=32) if len(tile.trend) else "",
    )


def finding_list(findings: Sequence[tuple[str, str]], language: str) -> Markup:
    """Findings as a numbered list, each a sentence with its verdict beside it.

    Parameters
    ----------
    findings : sequence of (sentence, verdict)
        The most important first; verdicts as in `VERDICTS`.
    """
    line = Markup("<li><p>{}</p>{}</li>")
    lines = Markup("").join(
        line.format(sentence, verdict_badge(verdict, language)) for sentence, verdict in findings
    )
    return Markup('<ol class="wb-findings">{}</ol>').format(lines)


CALLOUTS = ("note", "warning", "partial", "unreconciled", "gap")


def callout(
    text: str, language: str, *, kind: str = "note", title: str | None = None, items: Sequence[str] = ()
) -> Markup:
    """A remark set apart from the prose under its own word: note, warning, PARTIAL, UNRECONCILED, or a gap.

    Parameters
    ----------
    text : str
        Plain text, escaped; an empty line starts a new paragraph.
    items : sequence of str
        Points listed below the text.
    """
    if kind not in CALLOUTS:
        raise ValueError(f"Unknown kind of callout {kind!r}; known are {', '.join(CALLOUTS)}.")
    paragraphs = Markup("").join(
        Markup("<p>{}</p>").format(part) for part in text.split("\n\n") if part.strip()
    )
    points = Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
    return Markup(
        '<div class="wb-callout wb-is-{}" role="note"><p class="wb-callout-title">{}</p>{}{}</div>'
    ).format(
        kind,
        title or label(kind, language),
        paragraphs,
        Markup("<ul>{}</ul>").format(points) if items else "",
    )


@dataclass(frozen=True)
class Explanation:
    """How one number came to be, its texts ready in the page's language.

    Attributes
    ----------
    name, meaning, formula, variant : str
    filters : sequence of str
        Conditions and settings, as `name = value`.
    counts : mapping of str to int
        What each number of rows is of.
    sql : str
    source_rows : DataFrame, optional
        First rows of the fact; shown as they stand.
    example : str
        The definition worked out on small numbers.
    place : str
        The id under which links find it.
    """

    name: str
    meaning: str = ""
    formula: str = ""
    variant: str = ""
    filters: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    sql: str = ""
    source_rows: pd.DataFrame | None = None
    example: str = ""
    place: str = ""


def how_computed(
    explanations: Sequence[Explanation], language: str, *, see_also: Sequence[Markup] = ()
) -> Markup:
    """A fold-out on how numbers were computed: formula, variant, filters, row counts, SQL, source rows.

    It opens by itself for a reader who follows a link to the place of an explanation.

    Parameters
    ----------
    see_also : sequence of Markup
        Links to where else the numbers stand.
    """
    points = Markup("").join(Markup("<li>{}</li>").format(link) for link in see_also)
    return Markup('<details class="wb-fold"><summary>{}</summary>{}{}</details>').format(
        label("how_computed", language),
        Markup('<ul class="wb-see-also" aria-label="{}">{}</ul>').format(label("see_also", language), points)
        if see_also
        else "",
        Markup("").join(_explained(each, language) for each in explanations),
    )


def _explained(explanation: Explanation, language: str) -> Markup:
    counts = [f"{what}: {format_number(count, language)}" for what, count in explanation.counts.items()]
    entries = {
        "meaning": escape(explanation.meaning),
        "formula": _code(explanation.formula),
        "variant": escape(explanation.variant),
        "filters": Markup("<br>").join(_code(condition) for condition in explanation.filters),
        "counts": Markup("<br>").join(counts),
        "example": escape(explanation.example),
        "sql": Markup("<pre><code>{}</code></pre>").format(explanation.sql.strip())
        if explanation.sql.strip()
        else "",
    }
    pairs = (
        Markup("<dt>{}</dt><dd>{}</dd>").format(label(key, language), text)
        for key, text in entries.items()
        if text
    )
    place = Markup(' id="{}"').format(explanation.place) if explanation.place else Markup("")
    return Markup(
        '<div class="wb-explained"{}><p class="wb-explained-name">{}</p><dl>{}</dl>{}</div>'
    ).format(place, explanation.name, Markup("").join(pairs), _source_rows(explanation.source_rows, language))


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text) if text else Markup("")


def _source_rows(rows: pd.DataFrame | None, language: str) -> Markup:
    if rows is None:
        return Markup("")
    columns = [Column(str(name), str(name)) for name in rows.columns]
    return table_html(
        rows.rename(columns=str), columns, caption=label("source_rows", language), language=language
    )


# --- onto the page --------------------------------------------------------------------------------


@cache
def stylesheet() -> str:
    """The one style sheet of all pages."""
    return (files("analysis") / "report" / "template" / "page.css").read_text(encoding="utf-8")


def show_style() -> None:
    """Give tables, tiles and callouts their style in an open notebook; pages have their own."""
    from IPython.display import display

    colours = " ".join(f"--{name}: {colour};" for name, colour in {**PALETTE, **INKS}.items())
    on_screen = stylesheet().partition("/* Paper */")[0]
    css = f"<style>:root {{ {colours} }} @scope ({STYLED_IN_JUPYTER}) {{ {on_screen} }}</style>"
    display({"text/html": css}, raw=True, metadata={"workbook": {"role": "style"}})


def display_html(html: str, language: str) -> None:
    """Put a piece of markup on the page, for the edition in one language."""
    from IPython.display import display

    display({"text/html": str(html)}, raw=True, metadata={"workbook": {"language": language}})


def display_figure(figure: Figure, language: str, alt: str, *, title: str = "", note: str = "") -> None:
    """Put a figure on the page, wide and again drawn narrow for phones, and close it.

    Parameters
    ----------
    alt : str
        What the figure shows, in words, for those who do not see it.
    title, note : str
        Set in type above and below the figure; a figure's title does not belong inside it.

    Raises
    ------
    ValueError
        When the alternative text is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in a sentence what it shows.")
    wide, narrow = figure_pngs(figure, language, [CONTENT_WIDTH_PIXELS, PHONE_WIDTH_PIXELS])
    plt.close(figure)
    data = {"image/png": base64.b64encode(wide).decode(), PHONE_PNG: base64.b64encode(narrow).decode()}
    about = {"language": language, "alt": alt.strip(), "title": title, "note": note}
    display(data, raw=True, metadata={"workbook": about})
