"""SQL that reads a text as a number, a truth value, a day or an instant: what is not sure stays NULL.

**Days and instants.** Without a format, ISO 8601 is read (``2024-02-29``, ``2024-02-29T10:00:00+01:00``). A
text without offset is local time of the source's zone. A day without time means the company's local midnight.
A time that the change to summer time skips moves ahead by the gap (02:30 → 03:30); a time that the change
back repeats is the later of the two, in standard time. ``local_to_utc`` is so defined for every engine.

``epoch_s`` and ``epoch_ms`` in place of a format are seconds and milliseconds since 1970.

**Patterns** keep to what the engines' regular expressions have in common: plain classes, ``\\A`` and ``\\z``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.catalogue.records import Column
from analysis.params import ColumnSource, Settings, TableSource
from analysis.tables import TablesError
from analysis.tables.quoting import quoted

_ISO_DAY = r"\d{4}-\d{2}-\d{2}"
_ISO_TIME = r"[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?"
_OFFSET = r" ?(Z|[+-]\d{2}(:?\d{2})?)"
ISO_SHAPE = f"{_ISO_DAY}({_ISO_TIME}({_OFFSET})?)?"

_DIGITS = {"Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "H": (1, 2), "I": (1, 2), "M": (1, 2),
           "S": (1, 2), "j": (1, 3), "f": (1, 9), "g": (1, 3)}  # fmt: skip
_OTHERS = {"b": r"[^\d\s]+", "B": r"[^\d\s]+", "a": r"[^\d\s]+", "A": r"[^\d\s]+", "p": r"[AaPp][Mm]",
           "z": r"([+-]\d{2}(:?\d{2})?|Z)", "Z": r"\S+", "%": "%"}  # fmt: skip
_TIME_DIRECTIVES = set("HIMSfpgcX")
_UTC = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "Etc/Zulu", "UCT"}

LONGEST_NUMBER = 200  # characters, with all that stands around the digits
TRUE_WORDS, FALSE_WORDS = (
    ("true", "yes", "y", "t", "1", "是", "有"),
    ("false", "no", "n", "f", "0", "否", "无"),
)
# Instants as numbers: how they look, and how many make a second.
EPOCHS = {"epoch_ms": (r"\d{12,13}", 1000), "epoch_s": (r"\d{9,10}", 1)}
SYMBOLS = {
    "EUR": ["€"], "GBP": ["£"], "USD": ["$", "US$"], "CNY": ["¥", "￥", "元", "RMB"],
    "JPY": ["¥", "￥", "円"], "INR": ["₹"], "KRW": ["₩"], "RUB": ["₽"], "CHF": ["Fr.", "SFr."], "BRL": ["R$"],
    "HKD": ["HK$", "$"], "TWD": ["NT$", "$"], "SGD": ["S$", "$"], "AUD": ["A$", "$"], "CAD": ["C$", "$"],
    "NZD": ["NZ$", "$"], "SEK": ["kr"], "NOK": ["kr"], "DKK": ["kr"], "PLN": ["zł"], "CZK": ["Kč"],
    "TRY": ["₺"],
}  # fmt: skip


# --- Numbers ------------------------------------------------------------------------------------------------


def number_sql(
    text: str, decimal: str = ".", thousands: str | None = None, currency: str | None = None
) -> str:
    """SQL for the number a text writes, NULL where it writes none.

    The company's own currency sign or code and spaces may stand around it; parentheses or a trailing minus
    make it negative. A sign of another currency is no number: money is never taken for other money.
    """
    mark = re.escape(decimal)
    digits = f"(?:[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    amount = digits
    if thousands:
        amount = f"(?:[0-9]{{1,3}}(?:{_thousands_class(thousands)}[0-9]{{3}})+(?:{mark}[0-9]*)?|{digits})"
    money = "|".join(re.escape(sign) for sign in _money_signs(currency))
    around = f"(?:[-+()\u2212 \u00a0\u202f]{'|' if money else ''}{money})*"
    decorated = quoted(rf"\A({around})({amount})({around})\z")
    inner = f"regexp_extract({text}, {decorated}, 2)"
    if thousands:
        inner = f"regexp_replace({inner}, {quoted(_thousands_class(thousands))}, '', 'g')"
    return (
        f"case when {whole_match(text, f'[+-]?{digits}')} then {_double(text, decimal)} "
        f"when length({text}) <= {LONGEST_NUMBER} and regexp_matches({text}, {decorated}) "
        f"then {_sign(text, decorated, money)} * {_double(inner, decimal)} end"
    )


def whole_match(text: str, pattern: str) -> str:
    """SQL for whether the whole text is as the pattern says."""
    whole = quoted(rf"\A(?:{pattern})\z")
    return f"regexp_matches({text}, {whole})"


def _sign(text: str, decorated: str, money: str) -> str:
    """What stands around the number, without money signs and spaces: one sign, in one place, or none."""
    around = f"concat(regexp_extract({text}, {decorated}, 1), '|', regexp_extract({text}, {decorated}, 3))"
    spaces = "[ \u00a0\u202f]" + (f"|{money}" if money else "")
    signs = f"replace(regexp_replace({around}, {quoted(spaces)}, '', 'g'), '\u2212', '-')"
    known = {"|": 1, "+|": 1, "-|": -1, "|-": -1, "(|)": -1}
    cases = " ".join(f"when '{form}' then {sign}" for form, sign in known.items())
    return f"(case {signs} {cases} end)"


def _double(text: str, decimal: str) -> str:
    pointed = text if decimal == "." else f"replace({text}, {quoted(decimal)}, '.')"
    return f"try_cast({pointed} as double)"


def _thousands_class(thousands: str) -> str:
    if thousands.isspace():
        return "[ \u00a0\u202f\u2009]"
    return "['\u2019]" if thousands in "'\u2019" else f"[{re.escape(thousands)}]"


def _money_signs(currency: str | None) -> list[str]:
    if not currency:
        return []
    code = currency.upper()
    return sorted({code, code.lower(), *SYMBOLS.get(code, [])}, key=len, reverse=True)


def truth_sql(text: str) -> str:
    """SQL for yes or no in the usual words of both languages, NULL for any other word."""
    true, false = (", ".join(map(quoted, words)) for words in (TRUE_WORDS, FALSE_WORDS))
    return f"case when lower({text}) in ({true}) then true when lower({text}) in ({false}) then false end"


# --- Days and instants --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """SQL that reads a text as an instant or a day: the columns each layer adds, and conditions over them."""

    layers: dict[str, dict[str, str]]
    day: str  # the local day, NULL where nothing was read
    is_given: str
    is_ambiguous: str
    has_shape: str


@dataclass(frozen=True)
class _Reading:
    """One way to read a text: as local time, as an instant with its offset, as a day without time."""

    shape: str
    local: str | None
    instant: str | None
    is_day: str


def local_day_of(column: str) -> str:
    """``ordered_at`` → ``ordered_on``."""
    return f"{column.removesuffix('_at')}_on"


def read_moment(
    name: str, column: Column, given: ColumnSource, source: TableSource, settings: Settings, is_typed: bool
) -> Moment:
    """How the text of ``name`` becomes an instant and its local day, under all the formats it may have.

    Raises
    ------
    TablesError
        If a format cannot be used.
    """
    text, zones = f'"{name}:text"', (settings.time_zone, source.time_zone or settings.time_zone)
    readings = _readings(name, text, given.format, is_typed, not column.may_be_month)
    shapes = {f"{name}:is{i}": whole_match(text, one.shape) for i, one in readings.items()}
    times, moments = {}, {}
    for i, one in readings.items():
        found = {f"{name}:local{i}": one.local, f"{name}:utc{i}": one.instant}
        times |= {key: sql for key, sql in found.items() if sql is not None}
        local, instant = (f'"{key}"' if sql is not None else None for key, sql in found.items())
        at, on = _instant_and_day(local, instant, one.is_day, *zones)
        moments |= {f"{name}:at{i}": at, f"{name}:on{i}": on}
    instants, days = ([f'"{name}:{what}{i}"' for i in readings] for what in ("at", "on"))
    day = local_day_of(name) if column.type == "instant" else name
    values = {name: f"coalesce({', '.join(instants)})", day: f"coalesce({', '.join(days)})"}
    layers = {"shapes": shapes, "times": times, "moments": moments, "values": values}
    has_shape = " or ".join(f'"{shape}"' for shape in shapes)
    return Moment(layers, f'"{day}"', f"{text} is not null", _differ(instants), f"({has_shape})")


def _readings(
    name: str, text: str, formats: tuple[str, ...], is_typed: bool, needs_day: bool
) -> dict[int, _Reading]:
    """The formats of a column, numbered; 0 is ISO, where there are none or the file holds dates as dates."""
    found = {0: _iso(text, f'"{name}:is0"')} if is_typed or not formats else {}
    return found | {
        i: _by_format(text, fmt, name, f'"{name}:is{i}"', needs_day) for i, fmt in enumerate(formats, start=1)
    }


def _differ(columns: list[str]) -> str:
    pairs = [f"{first} <> {other}" for i, first in enumerate(columns) for other in columns[i + 1 :]]
    return f"({' or '.join(pairs)})" if pairs else "false"


def _instant_and_day(
    local: str | None, instant: str | None, is_day: str, zone: str, own_zone: str
) -> tuple[str, str]:
    """SQL for the instant in UTC and for the company's local day."""
    at, on = [], []
    if instant is not None:
        at.append(f"when {instant} is not null then {instant}")
        on.append(f"when {instant} is not null then cast({_in_zone(instant, zone)} as date)")
    if local is not None and zone != own_zone:
        own_instant = _to_utc(local, own_zone)
        at.append(f"when not ({is_day}) then {own_instant}")
        on.append(f"when not ({is_day}) then cast({_in_zone(own_instant, zone)} as date)")
    if local is not None:
        at.append(f"when {local} is not null then {_to_utc(local, zone)}")
        on.append(f"when {local} is not null then cast({local} as date)")
    return f"case {' '.join(at)} end", f"case {' '.join(on)} end"


def _to_utc(local: str, zone: str) -> str:
    return local if zone in _UTC else f"local_to_utc({local}, {quoted(zone)})"


def _in_zone(instant: str, zone: str) -> str:
    return instant if zone in _UTC else f"utc_to_local({instant}, {quoted(zone)})"


def _iso(text: str, is_iso: str) -> _Reading:
    has_offset = f"regexp_matches({text}, '[Z+]|:.*-')"  # in an ISO text, only an offset has these
    return _Reading(
        shape=ISO_SHAPE,
        local=f"case when {is_iso} and not {has_offset} then iso_local({text}) end",
        instant=f"case when {is_iso} and {has_offset} then iso_utc({text}) end",
        is_day=f"length({text}) = 10",
    )


def _by_format(text: str, fmt: str, name: str, has_shape: str, needs_day: bool = True) -> _Reading:
    shape = format_shape(fmt, name, needs_day)
    if fmt in EPOCHS:
        return _Reading(shape, None, f"case when {has_shape} then {_epoch_sql(text, fmt)} end", "false")
    directives = set(re.findall(r"%-?([A-Za-z%])", fmt))
    has_offset = bool(directives & {"z", "Z"})
    read = "utc_by_format" if has_offset else "local_by_format"
    parsed = f"case when {has_shape} then {read}({text}, {quoted(fmt)}) end"
    if has_offset:
        return _Reading(shape, None, parsed, "false")
    return _Reading(shape, parsed, None, "false" if directives & _TIME_DIRECTIVES else "true")


def _epoch_sql(text: str, fmt: str) -> str:
    """SQL for the instant that a number of seconds or milliseconds since 1970 means."""
    return f"epoch_utc(cast({text} as bigint) * {1000 // EPOCHS[fmt][1]})"


def read_by_formats(text: str, formats: tuple[str, ...], column: str) -> str:
    """SQL for the instant a text writes under the first format that fits, NULL where none does.

    Raises
    ------
    TablesError
        If a format cannot be used.
    """
    read = [_by_format(text, fmt, column, whole_match(text, format_shape(fmt, column))) for fmt in formats]
    return f"coalesce({', '.join(one.local or one.instant or 'null' for one in read)})"


def format_shape(fmt: str, column: str, needs_day: bool = True) -> str:
    """A pattern of the texts a strptime format is meant for, whether or not they name a day that exists.

    Digits that touch (``%Y%m%d``) have their full width, so ``1997011`` is not read as a day.

    Raises
    ------
    TablesError
        If the format has a directive that is not known, or names no year, month and day.
    """
    if fmt in EPOCHS:
        return EPOCHS[fmt][0]
    parts = re.findall(r"%-?[A-Za-z%]|\s+|[^%\s]+|%", fmt)
    pattern = ""
    for i, part in enumerate(parts):
        letter = part[-1]
        if not part.startswith("%") or part == "%":
            pattern += r"\s+" if part.isspace() else re.escape(part)
        elif letter in _DIGITS:
            touching = any(_is_number(parts, j) for j in (i - 1, i + 1))
            low, high = _DIGITS[letter]
            pattern += rf"\d{{{high if touching and high < 9 else low},{high}}}"
        elif letter in _OTHERS:
            pattern += _OTHERS[letter]
        else:
            raise TablesError(
                f"column {column}: the format {fmt!r} has an unknown part {part!r}; use %Y %m %d %H %M %S"
            )
    has = set(re.findall(r"%-?([A-Za-z])", fmt))
    if not (has & {"Y", "y"} and (("j" in has) or (has & {"m", "b", "B"} and ("d" in has or not needs_day)))):
        raise TablesError(
            f"column {column}: the format {fmt!r} should name year, month and day, such as %d/%m/%Y; "
            "numbers of seconds or milliseconds since 1970 are epoch_s, epoch_ms"
        )
    return pattern


def _is_number(parts: list[str], at: int) -> bool:
    return 0 <= at < len(parts) and parts[at].startswith("%") and parts[at][-1] in _DIGITS
