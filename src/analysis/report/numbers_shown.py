"""Numbers in the language's form: amounts, shares, days, durations, intervals."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import pandas as pd

from analysis.report.words import label

MISSING = "–"
MINUS = "−"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CURRENCY_SIGNS = {
    "en": {"CNY": "CN¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"},
    "zh": {"CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"},
}
MONEY_WITHOUT_CENTS = 999.995

Bounds = tuple[float, float]
FROM_ZERO: Bounds = (0.0, math.inf)
WITHOUT_BOUNDS: Bounds = (-math.inf, math.inf)
_REACHED = 1e-12  # sums of shares miss their bound in the last digits


def is_missing(value: object) -> bool:
    """True for None, NaN, NaT, NA and for the infinities, none of which is a number to print."""
    if isinstance(value, (list, tuple, dict)) or hasattr(value, "__len__") and not isinstance(value, str):
        return False
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def format_number(
    value: Any,
    language: str,
    *,
    decimals: int | None = None,
    signed: bool = False,
    bounds: Bounds = FROM_ZERO,
) -> str:
    """A number with thousands separators: ``1,234.5``; ``>4.99`` for one of 4.998 that cannot exceed 5.

    Parameters
    ----------
    decimals : int, optional
        Without it as many as the size calls for: none for whole numbers, one from 10 up, two from 0.1 up,
        two significant digits below.
    signed : bool
        Write the plus of a positive number, as for a change.
    bounds : tuple
        What the number can be: rounding does not write an end of it that was not reached.
    """
    if is_missing(value):
        return MISSING
    places = _decimals_for(_steady(abs(value))) if decimals is None else decimals
    return _written(value, lambda size: f"{size:,.{places}f}", signed, bounds, 10.0**-places)


def _decimals_for(size: float) -> int:
    if float(size).is_integer():
        return 0
    if size >= 10:
        return 1
    return 2 if size >= 0.1 else min(6, 1 - math.floor(math.log10(size)))


def _with_sign(value: Any, show: Callable[[float], str], signed: bool) -> str:
    """A size with a true minus before it, or a plus where asked; what rounds to zero has no sign."""
    shown = show(_steady(abs(value)))
    if not any(digit in shown for digit in "123456789"):
        return shown
    return (MINUS if value < 0 else "+" if signed else "") + shown


def _steady(size: Any) -> float:
    """A size without its last digits, which depend on the order in which rows were added up."""
    return float(f"{size:.13g}") if isinstance(size, float) else size


def _written(value: Any, show: Callable[[float], str], signed: bool, bounds: Bounds, step: float) -> str:
    """The number as rounded; where that is a bound it only comes near, on which side of the last step before it.

    A share of 99.97% is not all: ``>99.9%``; one of 0.02% is not nothing: ``<0.1%``. Of changes, 0 is no bound.
    """
    shown, (low, high) = _with_sign(value, show, signed), bounds
    if low + _REACHED < value and not (signed and low == 0) and shown == _at(low, show, signed):
        return "<" + _at(low + step, show, signed)
    if value < high - _REACHED and shown == _at(high, show, signed):
        return ">" + _at(high - step, show, signed)
    return shown


def _at(bound: float, show: Callable[[float], str], signed: bool) -> str:
    return _with_sign(bound, show, signed) if math.isfinite(bound) else ""


def format_percent(value: Any, language: str, *, decimals: int | None = None, signed: bool = False) -> str:
    """A share as percent with one decimal: 0.631 as ``63.1%``, 0.9997 as ``>99.9%``."""
    if is_missing(value):
        return MISSING
    places = 1 if decimals is None else decimals
    # Of a change, nothing falls by more than all there was.
    bounds = (-1.0, math.inf) if signed or value < 0 else (0.0, 1.0)
    return _written(value, lambda size: f"{100 * size:,.{places}f}%", signed, bounds, 10.0 ** -(places + 2))


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
    places = decimals if decimals is not None else 0 if abs(value) >= MONEY_WITHOUT_CENTS else 2
    return _written(value, lambda size: f"{sign}{size:,.{places}f}", signed, FROM_ZERO, 10.0**-places)


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
    if value == 0 and decimals is None and unit in ("auto", "up_to_hours"):
        return f"0{label('unit_seconds', language)}"
    show = partial(_duration, language=language, unit=unit, decimals=decimals)
    step = SECONDS_IN.get(unit, 1) * 10.0 ** -(1 if decimals is None else decimals)
    return _written(value, show, signed, FROM_ZERO, step)


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
    if first == last and first[0] in "<>":
        return first
    if any(sign in first + last for sign in (MINUS, *"+<>")):
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
