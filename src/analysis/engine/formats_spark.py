"""A text read by a strptime format, as Spark SQL: the parts by a pattern, put together as an ISO text.

Spark's own formats differ in two-digit years, in letters' case and in how strict they are.
"""

from __future__ import annotations

import re

from sqlglot import exp, parse_one

from analysis.engine import EngineError

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _one_of(words: tuple[str, ...], letters: int | None = None) -> str:
    return "|".join(word[:letters] for word in words)


# What stands for a directive. Without a group of its own, it is not needed for the instant.
_SHAPES = {
    "Y": r"([0-9]{4})", "y": "([0-9]{2})", "m": "([0-9]{1,2})", "d": "([0-9]{1,2})", "H": "([0-9]{1,2})",
    "I": "([0-9]{1,2})", "M": "([0-9]{1,2})", "S": "([0-9]{1,2})", "j": "([0-9]{1,3})", "f": "([0-9]{1,6})",
    "g": "([0-9]{1,3})", "p": "([AaPp][Mm])", "z": "([+-][0-9]{2}(?::?[0-9]{2})?)",
    "b": f"({_one_of(_MONTHS, 3)})", "B": f"({_one_of(_MONTHS)})", "a": f"(?:{_one_of(_WEEKDAYS, 3)})",
    "A": f"(?:{_one_of(_WEEKDAYS)})", "%": "%",
}  # fmt: skip


def by_format(text: exp.Expression, directives: str) -> exp.Expression:
    """The text as an instant without zone, NULL where it does not follow the format or names no instant.

    With ``%z``, the instant in UTC.

    Raises
    ------
    EngineError
        If the format has a directive that is not known here.
    """
    pattern, names = _pattern(directives)
    given = text.sql(dialect="spark")
    part = {name: f"regexp_extract({given}, {_literal(pattern)}, {i})" for i, name in enumerate(names, 1)}
    day = _day(part)
    hour, minute, second = f"lpad({_hour(part)}, 2, '0')", _two("M", part), _two("S", part)
    time = f"{hour}, ':', {minute}, ':', {second}, '.', {_fraction(part)}"
    local = f"try_cast(concat({day}, ' ', {time}) as timestamp_ntz)"
    return parse_one(f"at_offset({local}, {part['z']})" if "z" in part else local, dialect="spark")


def _pattern(directives: str) -> tuple[str, list[str]]:
    """The pattern of a whole text and the directives its groups stand for."""
    pattern, names = r"(?id)\A", []
    for piece in re.findall(r"%-?[A-Za-z%]|\s+|[^%\s]+", directives):
        letter = piece[-1]
        if not piece.startswith("%"):
            pattern += r"\s+" if piece.isspace() else re.sub(r"([^\w])", r"\\\1", piece, flags=re.ASCII)
        elif letter in _SHAPES:
            pattern += _SHAPES[letter]
            names += [letter] if _SHAPES[letter].startswith("([") or letter in "bB" else []
        else:
            raise EngineError(f"the format {directives!r} has a part that Spark cannot read: {piece}")
    return pattern + r"\z", names


def _day(part: dict[str, str]) -> str:
    year = part.get("Y") or _full_year(part["y"])
    if "j" in part:
        of_year = f"cast(nullif({part['j']}, '') as int)"
        first = f"try_cast(concat({year}, '-01-01') as date)"
        return (
            f"cast(case when {of_year} between 1 and 366 then date_add({first}, {of_year} - 1) end as string)"
        )
    named = part.get("B") or part.get("b")
    month = _number_of_month(named) if named else f"lpad({part['m']}, 2, '0')"
    day = f"lpad({part['d']}, 2, '0')" if "d" in part else "'01'"  # a month without a day is its first
    return f"concat({year}, '-', {month}, '-', {day})"


def _full_year(two: str) -> str:
    """69 to 99 are of the last century."""
    return f"concat(case when {two} >= '69' then '19' else '20' end, {two})"


def _number_of_month(name: str) -> str:
    cases = " ".join(f"when '{month[:3]}' then '{i:02d}'" for i, month in enumerate(_MONTHS, 1))
    return f"case lower(left({name}, 3)) {cases} end"


def _hour(part: dict[str, str]) -> str:
    if "I" not in part:
        return part.get("H", "'0'")
    hour = f"cast(nullif({part['I']}, '') as int)"
    of_half = f"case when {hour} between 1 and 12 then {hour} % 12 end"
    afternoon = f" + case when lower({part['p']}) = 'pm' then 12 else 0 end" if "p" in part else ""
    return f"cast({of_half}{afternoon} as string)"


def _two(name: str, part: dict[str, str]) -> str:
    return f"lpad({part[name]}, 2, '0')" if name in part else "'00'"


def _fraction(part: dict[str, str]) -> str:
    if "f" in part:
        return f"rpad({part['f']}, 6, '0')"
    return f"rpad({part['g']}, 3, '0')" if "g" in part else "'0'"


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="spark")
