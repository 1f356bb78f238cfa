"""How the cells of somebody else's column are written: days, numbers, money, yes and no.

Nothing here reads a file for a report; it tells what its settings may be, from some of its rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from analysis.catalogue.records import Column
from analysis.tables.reading import EPOCHS, FALSE_WORDS, ISO_SHAPE, SYMBOLS, TRUE_WORDS

FITTING_SHARE = 0.9  # of cells must read in a format: a total at the end may not
LEGIBLE_SHARE = 0.5  # of cells must read as what a column holds, for it to be taken for that column
CELLS_TRIED = 200

DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
        "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y")  # fmt: skip
TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", " %I:%M:%S %p", " %I:%M %p")
MONTHS = ("%Y-%m", "%Y/%m", "%Y.%m", "%Y年%m月", "%Y%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y")
UNITS = {  # what the amounts under a heading are counted in, where the heading says so
    0.01: "cent cents pence minor 分",
    1_000: "thousand thousands keur kusd tsd teur 千元 千",
    10_000: "万元 万",
    1_000_000: "million millions mio 百万 百万元",
    100_000_000: "亿元 亿",
}
_ISO = re.compile(ISO_SHAPE)
_EPOCH_CELLS = {name: re.compile(shape) for name, (shape, _) in EPOCHS.items()}


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A heading or a word without case, brackets and marks."""
    folded = unicodedata.normalize("NFKC", str(text)).casefold()
    bare = re.sub(r"[(\[（【].*?[)\]）】]", " ", folded)
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


def can_be(cells: Sequence[str], column: Column) -> bool:
    """Whether a column with these cells can be one of ours: most of them read as what it holds.

    A heading alone may mislead: "Time to first response" may hold an instant, or hours and minutes.
    """
    shown = cells[:CELLS_TRIED]
    if not shown:
        return True
    if column.type in ("instant", "date"):
        if column.type == "instant" and column.may_lie_ahead and has_days_only(shown):
            return False  # a deadline is no midnight
        if column.may_be_month and month_formats(shown):
            return True
        return bool(date_formats(shown)) or _share(_is_iso, shown) >= LEGIBLE_SHARE
    if column.type in ("money", "number", "integer"):
        return _share(is_number, shown) >= LEGIBLE_SHARE
    if column.type == "boolean":
        return all(cell.casefold() in (*TRUE_WORDS, *FALSE_WORDS) for cell in shown)
    return column.allowed is None or all(cell in column.allowed for cell in shown)


def _share(test: Callable[[str], bool], cells: Sequence[str]) -> float:
    return sum(map(test, cells)) / len(cells)


def _is_iso(cell: str) -> bool:
    return _ISO.fullmatch(cell) is not None


# --- Days -----------------------------------------------------------------------------------------------------


def date_formats(cells: Sequence[str]) -> list[str]:
    """The formats in which nearly all of these cells read; several where the cells do not tell days from months."""
    return list(_date_formats(tuple(dict.fromkeys(cells))[:CELLS_TRIED]))


@lru_cache(maxsize=512)
def _date_formats(shown: tuple[str, ...]) -> tuple[str, ...]:
    if not shown:
        return ()
    known = [*EPOCHS, *(f"{day}{time}" for day in DAYS for time in TIMES)]
    likely = [form for form in known if any(_reads(cell, form) for cell in shown[:5])]
    needed = FITTING_SHARE * len(shown)
    return tuple(form for form in likely if sum(_reads(cell, form) for cell in shown) >= needed)[:2]


def month_formats(cells: Sequence[str]) -> list[str]:
    """The formats in which nearly all of these cells read as months without a day."""
    shown = list(dict.fromkeys(cells))[:CELLS_TRIED]
    needed = FITTING_SHARE * len(shown)
    return [form for form in MONTHS if shown and sum(_reads(cell, form) for cell in shown) >= needed]


def _reads(cell: str, form: str) -> bool:
    if form in _EPOCH_CELLS:
        return _EPOCH_CELLS[form].fullmatch(cell) is not None
    try:
        found = datetime.strptime(cell, form)
    except ValueError:
        return False
    digits = 8 if form.startswith("%Y%m%d") else 6 if form == "%Y%m" else None
    is_whole = digits is None or re.match(rf"\d{{{digits}}}(\D|$)", cell) is not None
    return 1970 <= found.year < 2100 and is_whole


def has_days_only(cells: Sequence[str]) -> bool:
    """Whether these cells name days, and none a time of the day."""
    formats = date_formats(cells)
    return bool(formats) and all(form in DAYS for form in formats)


# --- Numbers --------------------------------------------------------------------------------------------------


def is_number(cell: str) -> bool:
    """Whether a cell holds a number and nothing but a sign of money beside it."""
    bare = cell
    for sign in _money_words():
        bare = bare.replace(sign, "")
    return re.fullmatch(r"[-+(\u2212]?\s*\d[\d.,'’\s]*([eE][-+]?\d+)?\s*[-)]?", bare.strip()) is not None


@lru_cache(maxsize=1)
def _money_words() -> tuple[str, ...]:
    words = {*SYMBOLS, *(sign for signs in SYMBOLS.values() for sign in signs)}
    return tuple(sorted(words, key=len, reverse=True))


def number_marks(cells: Sequence[str]) -> tuple[str, str | None]:
    """The decimal and the thousands mark of numbers as they are written; a point and none where nothing else shows.

    Where three digits follow every point (1.250, 12.400), they are thousands: money has no third decimal.
    """
    bare = [re.sub(r"[^\d.,'’ \u00a0\u202f]", "", cell).strip() for cell in cells]
    decimal_comma = sum(bool(re.search(r",\d{1,2}$", cell)) for cell in bare)
    decimal_point = sum(bool(re.search(r"\.\d{1,2}$", cell)) for cell in bare)
    decimal = "," if decimal_comma > decimal_point or points_are_thousands(cells) else "."
    mark = r"\." if decimal == "," else ","
    for thousands, pattern in (
        ("," if decimal == "." else ".", mark),
        (" ", "[ \u00a0\u202f]"),
        ("'", "['’]"),
    ):
        if any(re.search(rf"\d{pattern}\d{{3}}(?!\d)", cell) for cell in bare):
            return decimal, thousands
    return decimal, None


def points_are_thousands(cells: Sequence[str]) -> bool:
    """Whether every point in these numbers stands before three digits, and none after a leading zero."""
    pointed = [cell for cell in cells if "." in cell]
    groups = r"\D*[1-9]\d{0,2}([.]\d{3})+\D*"
    return bool(pointed) and not any("," in cell for cell in cells) and all(
        re.fullmatch(groups, cell) for cell in pointed
    )  # fmt: skip


def unit_of(heading: str) -> float | None:
    """What a number under this heading is to be multiplied by: 0.01 for cents, 10,000 for 万元."""
    words = plain(re.sub(r"[()\[\]（）【】]", " ", heading)).split()
    return next((unit for unit, names in UNITS.items() if set(words) & set(names.split())), None)


def currencies_of(cell: str) -> tuple[str, ...]:
    """The currencies whose sign stands in a cell, the commonest first: none, one, or all that share a sign."""
    text = unicodedata.normalize("NFKC", cell)
    found = {
        code: max(len(sign) for sign in signs if sign in text)
        for code, signs in SYMBOLS.items()
        if any(sign in text for sign in signs)
    }
    longest = max(found.values(), default=0)  # of HK$ and $, the first says more
    return tuple(code for code, length in found.items() if length == longest)
