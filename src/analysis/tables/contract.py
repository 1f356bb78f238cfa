"""A table's contract as SQL: text → typed columns, and the first rule each row breaks.

Every rule has an id ``<column>.<what>`` (``amount.unreadable``). A row that breaks several is counted under
the first, in the order of the contract's columns and, within one, in the order missing, unreadable,
ambiguous, impossible, other, not_allowed, too_small, too_large.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from analysis.catalogue.records import Column, TableContract
from analysis.params import ColumnSource, Settings, TableSource
from analysis.tables.exchange import has_rates
from analysis.tables.quoting import quoted
from analysis.tables.reading import Moment, local_day_of, number_sql, read_moment, truth_sql
from analysis.tables.texts import SPACES, present, stripped

CONTRACT_VERSION = 4  # raise it when the same file would give other rows
LARGEST = sys.float_info.max  # a float beyond it is infinite


@dataclass(frozen=True)
class Rule:
    """A condition that rejects a row, the column it is about, and the text to show."""

    id: str
    column: str
    condition: str
    found: str


# What a column's text goes through, layer upon layer, so that nothing is worked out twice for a row.
LAYERS = ("stripped", "texts", "shapes", "times", "moments", "values")


@dataclass(frozen=True)
class Typed:
    """One contract column as SQL: the columns each layer adds, the last being the table's, and its rules."""

    layers: dict[str, dict[str, str]]
    rules: tuple[Rule, ...] = ()


def output_columns(columns: dict[str, Column]) -> Iterator[tuple[str, str]]:
    """The columns of a checked table with their SQL types: an instant brings its local date along."""
    kinds = {"text": "text", "instant": "timestamp", "date": "date", "money": "double", "number": "double",
             "integer": "bigint", "boolean": "boolean"}  # fmt: skip
    for name, column in columns.items():
        yield name, kinds[column.type]
        if column.type == "instant":
            yield local_day_of(name), "date"


def read_sql(
    contract: TableContract,
    source: TableSource,
    settings: Settings,
    raw_columns: dict[str, str],
    is_typed: bool,
    is_marked: bool,
) -> str:
    """SQL that reads the view ``raw`` into typed columns with ``_rule``, ``_column`` and ``_found``.

    These three are NULL where a row breaks no rule of its columns.

    Parameters
    ----------
    raw_columns
        The user's column names and the columns of ``raw`` that hold them.
    is_typed
        Whether the file holds dates as dates (Excel, Parquet): these read as ISO, whatever format texts have.
    is_marked
        Whether ``_mark`` and ``_second_mark`` are wanted: equal in rows that are the same in every column.
    """
    typed = [
        _typed(name, column, name in contract.key, source, settings, raw_columns, is_typed)
        for name, column in contract.columns_given_as(source.given_as).items()
    ]
    layers = [_layer(layer, before, typed) for before, layer in pairwise(("raw", *LAYERS))]
    rules = [rule for one in typed for rule in one.rules]
    names = ", ".join(f'"{name}"' for one in typed for name in one.layers["values"])
    marks = f", {_marks(raw_columns)}" if is_marked else ""
    return f"""
with {", ".join(layers)},
ruled as (select *, {_first(rules)} as _rule from "values")
select _position, _file, _row{marks}, {names}, _rule,
  {_of_rule(rules, "column")} as _column, {_of_rule(rules, "found")} as _found
from ruled"""


def _marks(raw_columns: dict[str, str]) -> str:
    """Two hashes of 64 bits over the whole row, forwards and backwards."""
    forwards = ", ".join(raw_columns.values()) or "'0'"
    backwards = ", ".join(reversed(raw_columns.values())) or "'0'"
    return f"hash({forwards}) as _mark, hash('again', {backwards}) as _second_mark"


def _layer(layer: str, before: str, typed: list[Typed]) -> str:
    columns = [f'{sql} as "{name}"' for one in typed for name, sql in one.layers.get(layer, {}).items()]
    listed = ",\n    ".join(["*", *columns])
    return f'"{layer}" as (\n  select {listed}\n  from "{before}")'


def _first(rules: list[Rule]) -> str:
    cases = " ".join(f"when {rule.condition} then {quoted(rule.id)}" for rule in rules)
    return f"case {cases} end" if cases else "cast(null as text)"


def _of_rule(rules: list[Rule], what: str) -> str:
    shown = {rule.id: quoted(rule.column) if what == "column" else rule.found for rule in rules}
    cases = " ".join(f"when {quoted(rule)} then {sql}" for rule, sql in shown.items())
    return f"case _rule {cases} end" if cases else "cast(null as text)"


def _typed(
    name: str, column: Column, is_key: bool, source: TableSource, settings: Settings,
    raw_columns: dict[str, str], is_typed: bool,
) -> Typed:  # fmt: skip
    given = source.columns.get(name)
    if given is None:
        return _not_mapped(name, column)
    text = f'"{name}:text"'
    layers = {
        "stripped": {f"{name}:own": _own_text(given, source, raw_columns)},
        "texts": {f"{name}:text": _text_of(name, given, source)},
    }
    rules = [Rule(f"{name}.missing", name, f"{text} is null", "''")] if column.required or is_key else []
    if column.type in ("instant", "date"):
        moment = read_moment(name, column, given, source, settings, is_typed)
        layers |= moment.layers
        if given.last_day:
            layers["values"] |= {name: f"add_days({layers['values'][name]}, 1)"}
        rules += [
            Rule(f"{name}.{what}", name, sql, text) for what, sql in _moment_rules(moment, column, settings)
        ]
    else:
        layers["values"] = {name: _value_sql(column, text, given, source, settings)}
        rules += _value_rules(name, column, text)
        if name == "currency" and not is_key and not has_rates(settings):  # a key is what the row is about
            is_other = f'upper("{name}") <> {quoted(settings.currency.upper())}'
            rules.append(Rule(f"{name}.other", name, is_other, text))
    return Typed(layers, (*rules, *_limits(name, column, text)))


def _not_mapped(name: str, column: Column) -> Typed:
    default = "null" if column.default is None else quoted(str(column.default))
    kinds = output_columns({name: column})
    return Typed({"values": {one: f"cast({default} as {kind})" for one, kind in kinds}})


def _own_text(given: ColumnSource, source: TableSource, raw_columns: dict[str, str]) -> str:
    """The user's text without the spaces around it; those of several columns are joined by a space."""
    if given.row_number:
        return "cast(_given as text)"
    if given.column is None:
        is_number = not isinstance(given.constant, str)
        return quoted(str(given.constant).replace(".", source.decimal) if is_number else given.constant)
    texts = [stripped(raw_columns[name.strip()]) for name in given.column]
    if len(texts) == 1:
        return texts[0]
    return f"concat_ws(' ', {', '.join(present(text, _missing_words(given, source)) for text in texts)})"


def _text_of(name: str, given: ColumnSource, source: TableSource) -> str:
    """The text that counts; empty where the column it only stands with is."""
    text = _our_text(f'"{name}:own"', given, source)
    if given.only_with is None:
        return text
    other = _our_text(f'"{given.only_with}:own"', source.columns[given.only_with], source)
    return f"case when {other} is not null then {text} end"


def _our_text(own: str, given: ColumnSource, source: TableSource) -> str:
    """The text after the user's ``values``; a missing word is NULL."""
    text = own
    if given.values:
        pairs = [(quoted(theirs.strip(SPACES)), quoted(ours)) for theirs, ours in given.values.items()]
        text = f"case {own} {' '.join(f'when {theirs} then {ours}' for theirs, ours in pairs)} else {own} end"
    return present(text, _missing_words(given, source))


def _missing_words(given: ColumnSource, source: TableSource) -> tuple[str, ...]:
    return (*source.missing, *given.missing)


def _value_sql(
    column: Column, text: str, given: ColumnSource, source: TableSource, settings: Settings
) -> str:
    if column.type == "text":
        return text
    if column.type == "boolean":
        return truth_sql(text)
    currency = settings.currency if column.type == "money" else None
    value = _in_our_unit(number_sql(text, source.decimal, source.thousands, currency), given.multiply_by)
    if column.type == "integer":
        return f"case when {value} = floor({value}) then try_cast({value} as bigint) end"
    return value


def _in_our_unit(value: str, multiply_by: float | None) -> str:
    """A number in another unit; cents are divided by 100, as 0.01 is no binary fraction."""
    if multiply_by is None:
        return value
    parts = round(1 / multiply_by)
    is_part = parts > 1 and abs(parts * multiply_by - 1) < 1e-9
    return f"({value}) / {float(parts)!r}" if is_part else f"({value}) * {multiply_by!r}"


def _value_rules(name: str, column: Column, text: str) -> Iterator[Rule]:
    if column.type != "text":
        is_read = f'"{name}" is not null'
        if column.type != "boolean":
            is_read += f' and "{name}" between {-LARGEST!r} and {LARGEST!r}'
        yield Rule(f"{name}.unreadable", name, f"{text} is not null and not ({is_read})", text)


def _moment_rules(moment: Moment, column: Column, settings: Settings) -> Iterator[tuple[str, str]]:
    yield "ambiguous", moment.is_ambiguous
    yield "impossible", f"{moment.day} is null and {moment.has_shape}"
    yield "unreadable", f"{moment.day} is null and {moment.is_given}"
    first = settings.first_possible_date or date.min
    too_late = "" if column.may_lie_ahead else f" or {moment.day} > date '{_today(settings)}'"
    yield "impossible", f"{moment.day} < date '{first}'{too_late}"


def _today(settings: Settings) -> date:
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo(settings.time_zone)).date()


def _limits(name: str, column: Column, text: str) -> Iterator[Rule]:
    if column.allowed is not None:
        allowed = ", ".join(quoted(word) for word in column.allowed)
        yield Rule(f"{name}.not_allowed", name, f'"{name}" not in ({allowed})', text)
    if column.minimum is not None:
        yield Rule(f"{name}.too_small", name, f'"{name}" < {column.minimum!r}', text)
    if column.maximum is not None:
        yield Rule(f"{name}.too_large", name, f'"{name}" > {column.maximum!r}', text)
