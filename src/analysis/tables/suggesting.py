"""A mapping to start from: what of a file looks like which of our columns, and how it is written.

It is only ever suggested, in settings to be looked through or in the message that says why a file cannot be read as
the settings have it. What may be meant otherwise is asked, not decided: each suggestion has its questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from analysis.catalogue import label, listed, load_catalogue, say_problem
from analysis.catalogue.records import Column
from analysis.errors import InputError, Said, joined
from analysis.params import Params, TableSource
from analysis.tables.beginnings import Beginning, Sample, read_beginning, totals_condition
from analysis.tables.cells import (
    can_be,
    currencies_of,
    date_formats,
    has_days_only,
    month_formats,
    number_marks,
    plain,
    points_are_thousands,
    unit_of,
)
from analysis.tables.headings import SURE, header_words, is_inverted, likeness_to, match_columns
from analysis.tables.known_words import map_words
from analysis.tables.last_days import name_last_days
from analysis.tables.quoting import quoted
from analysis.tables.reading import FALSE_WORDS, SYMBOLS, TRUE_WORDS

MUCH = 3  # columns that look like ours make a file one of our tables; fewer, where it has no more
READ_WITHOUT = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S")
MANY_EMPTY = 0.2  # share of rows without a customer from which it is asked about
NUMBERED = (
    "contracts",
    "opportunities",
    "tickets",
    "contacts",
)  # whose rows can be numbered, where nothing does
WORDS_SHOWN = 8
CANCELLED = (
    "cancelled", "canceled", "void", "voided", "storniert", "annulé", "annulée", "annulee", "annule", "cancelado",
    "cancelada", "anulado", "annullato", "geannuleerd", "已取消", "取消", "已作废", "作废", "交易取消",
)  # fmt: skip

_OF_A_LINE = ("order_id", "customer_id", "ordered_at", "amount")  # of a row that may be one line of an order

BEGINS = {"ends_on": "starts_on", "assigned_until": "assigned_from"}  # what ends, and when it began
_MAY_DIFFER = {"file", "ignore_when", "cancelled_when"}  # from one file of a table to another

Question = tuple[str, dict[str, str | tuple[str, ...]]]  # the key of its words, and what stands in them


@dataclass(frozen=True)
class Suggestion:
    """Settings that may read a file as a table, and what they leave open.

    Attributes
    ----------
    values
        The settings of the table, as a params file has them.
    lacking
        Our columns that must be there and that nothing in the file looks like.
    doubtful
        Columns of the file of whose days no one tells whether the day or the month comes first.
    currencies
        Whose signs stand beside amounts: for each sign, the currencies that have it.
    unused
        Columns of the file that are not among the values.
    questions
        What else is to be looked at.
    """

    table: str
    values: dict[str, Any]
    lacking: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    currencies: tuple[tuple[str, ...], ...] = ()
    unused: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()

    def joined_with(self, other: Suggestion) -> Suggestion:
        """Both files as one table: of two months, say.

        Raises
        ------
        InputError
            If they are not written in the same way.
        """
        files = [*_files_of(self), *_files_of(other)]
        values = self.values | other.values | {"file": files} | _either_condition(self.values, other.values)
        if any(
            values[key] != one.values[key] for one in (self, other) for key in set(one.values) - _MAY_DIFFER
        ):
            both = joined(say_problem("and"), files)
            raise InputError(say_problem("written_differently", files=both, table=self.table))
        questions = [one for one in self.questions if one[0] != "several_files"]
        said = ("several_files", {"files": tuple(files)})
        return replace(self, values=values, questions=(*questions, said))

    def asked(self, language: str) -> list[str]:
        """The questions in words."""
        join = label("begin_company.join", language)
        return [
            label(
                f"suggesting.{key}",
                language,
                **{k: v if isinstance(v, str) else join.join(v) for k, v in words.items()},
            )
            for key, words in self.questions
        ]

    def notes(self, currency: str) -> list[Said]:
        """What to look at, in sentences; ``currency`` is the company's."""
        notes = [say_problem("still_lacking", names=listed(self.lacking))] if self.lacking else []
        notes += [say_problem("day_or_month", name=name) for name in self.doubtful]
        if others := [codes[0] for codes in self.currencies if currency not in codes]:
            signs = joined(say_problem("and"), others)
            notes.append(say_problem("other_currency", signs=signs, currency=currency))
        return notes


def _either_condition(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, str]:
    """The conditions on rows of either file: what one says beside what the other says."""
    both = {
        key: [one[key] for one in (first, second) if key in one] for key in ("ignore_when", "cancelled_when")
    }
    return {key: " or ".join(dict.fromkeys(said)) for key, said in both.items() if said}


def _files_of(one: Suggestion) -> list[str]:
    named = one.values.get("file", [])
    return [named] if isinstance(named, str) else list(named)


def with_suggestion(message: str, path: Path, table: str, source: TableSource, params: Params) -> Said | str:
    """A message about a file, and below it settings that may read the file, if they say anything new."""
    found = suggest_source(path, table, source)
    if found is None:
        return message
    notes = found.notes(params.settings.currency)
    if not notes and _is_said(found.values, source):
        return message
    head = say_problem("start_from", table=table, params=params.path.name)
    lines = settings_lines(table, found.values)
    asked = map(Said, found.asked("en"), found.asked("zh"))
    said = [*notes, *asked]
    return joined("\n", [message, "", head, "", *lines, *(["", *said] if said else []), ""])


def suggest_source(path: Path, table: str, source: TableSource) -> Suggestion | None:
    """Settings that may read a file as a table; None where nothing in it looks familiar.

    What the settings map to a column that is in the file stays so.
    """
    try:
        sample = read_beginning(path, source).as_table(table, source.given_as)
    except (OSError, ValueError, InputError):
        return None
    if sample is None or source.unpivot:
        return None
    found = _mapped_already(sample, source)
    return _suggestion(table, source, sample, found) if found or _matched(sample, table, source) else None


def recognise(path: Path, file: str, beginning: Beginning | None = None) -> Suggestion | None:
    """Which of our tables a file is, and settings that may read it; None where it looks like none.

    The file's name decides, where it says which and the columns allow it; else the table most of whose columns
    look alike.

    Parameters
    ----------
    file
        The path as the settings are to have it.
    """
    begun = beginning or read_beginning(path, TableSource(file=(file,), columns={}))
    known = load_catalogue().tables
    named = [table for table in known if _is_named_after(path, table)]
    for tables in filter(None, (named, known)):
        found = max(_tables_like(begun, file, tables), key=lambda one: one[0], default=None)
        if found:
            _, table, source, sample = found
            return _suggestion(table, source, sample, {})
    return None


def _tables_like(
    beginning: Beginning, file: str, tables: Iterable[str]
) -> Iterator[tuple[float, str, TableSource, Sample]]:
    """The tables of whose columns a file has all that are required, and that make up much of it; with how much."""
    for table in tables:
        contract = load_catalogue().tables[table]
        for form in (None, *contract.given_as):
            source = TableSource(file=(file,), columns={}, given_as=form)
            sample = beginning.as_table(table, form)
            found = _matched(sample, table, source) if sample else {}
            if sample and _is_much(found, sample) and not _lacking(table, form, found):
                alike = sum(likeness_to(table, name, theirs) for name, theirs in found.items())
                yield alike, table, source, sample


def _is_much(found: Mapping[str, str], sample: Sample) -> bool:
    return len(found) >= min(MUCH, sum(map(bool, sample.columns)))


def _is_named_after(path: Path, table: str) -> bool:
    """Whether a file's name says which table it is."""
    words = plain(path.stem)
    known = [plain(word) for word in (table, *header_words()["files"].get(table, []))]
    return any(f" {word} " in f" {words} " or (word in words and not word.isascii()) for word in known)


# --- Which column is which ------------------------------------------------------------------------------------


def _columns(table: str, source: TableSource) -> Mapping[str, Column]:
    return load_catalogue().tables[table].columns_given_as(source.given_as)


def _mapped_already(sample: Sample, source: TableSource) -> dict[str, str]:
    given = {name: one.column for name, one in source.columns.items() if one.column and len(one.column) == 1}
    return {name: theirs for name, (theirs,) in given.items() if theirs in sample.columns}


def _matched(
    sample: Sample, table: str, source: TableSource, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Our columns with theirs, as far as headings and cells go together; those that are known stay.

    What must be there goes first where it would find nothing: a file of companies may have names and no numbers.
    """
    known = known or {}
    columns = _columns(table, source)
    fits = _fitting(table, sample, columns)
    free = [theirs for theirs in dict.fromkeys(sample.columns) if theirs not in known.values()]
    names = [name for name in columns if name not in known]
    found = dict(known) | match_columns(free, table, names, fits)
    if _lacking(table, source.given_as, found):
        required = [name for name in names if columns[name].required]
        first = dict(known) | match_columns(free, table, required, fits)
        rest = [theirs for theirs in free if theirs not in first.values()]
        found = first | match_columns(rest, table, [name for name in names if name not in first], fits)
    return {name: found[name] for name in columns if name in found}


def _fitting(table: str, sample: Sample, columns: Mapping[str, Column]) -> Callable[[str, str], bool]:
    """Whether a column's cells go with ours; one that must be there and is named so is taken as it is, for the
    check to say what is wrong with it."""

    def fits(name: str, theirs: str) -> bool:
        is_named = columns[name].required and likeness_to(table, name, theirs) >= SURE
        cells = sample.cells(theirs)
        return is_named or can_be(cells, columns[name]) or bool(_words_of(table, name, cells))

    return fits


def _lacking(table: str, form: str | None, found: Iterable[str]) -> tuple[str, ...]:
    """Our columns that must be there and have none of theirs; rows of some tables can do with their own number."""
    contract = load_catalogue().tables[table]
    can_be_numbered = contract.key if table in NUMBERED else ()
    return tuple(
        name
        for name, column in contract.columns_given_as(form).items()
        if column.required and name not in found and name not in can_be_numbered
    )


# --- Put together ---------------------------------------------------------------------------------------------


def _suggestion(table: str, source: TableSource, sample: Sample, known: Mapping[str, str]) -> Suggestion:
    found = _matched(sample, table, source, known)
    columns = _columns(table, source)
    lines = _as_lines(table, source, sample, found)
    return Suggestion(
        table,
        _values(table, source, sample, found) | (lines or {}),
        _lacking(table, source.given_as, found),
        tuple(theirs for theirs in found.values() if len(date_formats(sample.cells(theirs))) > 1),
        tuple(sorted(_currencies(sample, columns, found))),
        tuple(column for column in sample.columns if column and column not in found.values()),
        tuple(_questions(table, source, sample, found, is_lines=lines is not None)),
    )


def _values(table: str, source: TableSource, sample: Sample, found: Mapping[str, str]) -> dict[str, Any]:
    columns = _columns(table, source)
    said = {
        "file": source.file[0] if len(source.file) == 1 else list(source.file),
        **how_written(sample, _numbers(sample, columns, found), source.given_as),
    }
    if cancelled := _cancelled_condition(table, sample, found):
        said["cancelled_when"] = cancelled
    mapped = {name: mapped_column(table, name, found[name], sample, columns[name]) for name in found}
    for name in mapped:
        if _names_last_days(table, name, sample, found):
            mapped[name] = _as_mapping(mapped[name]) | {"last_day": True}
    if words := _outcomes_by_stage(table, sample, found):
        mapped["outcome"] = {"column": found["stage"], "values": words}
    if table == "opportunities" and {"outcome", "closed_at"} <= set(mapped):
        mapped["closed_at"] = _as_mapping(mapped["closed_at"]) | {"only_with": "outcome"}  # else it is a plan
    numbered = {
        name: {"row_number": True}
        for name in load_catalogue().tables[table].key
        if table in NUMBERED and name not in found
    }
    return said | {"columns": numbered | mapped}


def how_written(sample: Sample, numbers: list[str], form: str | None = None) -> dict[str, Any]:
    """The settings that say how a file is written and which rows are totals, as far as they are not the usual."""
    decimal, thousands = number_marks(numbers)
    written = {
        "encoding": sample.encoding,
        "lines_above_header": sample.lines_above,
        "given_as": form,
        "decimal": decimal,
        "thousands": thousands,
        "ignore_when": totals_condition(sample),
    }
    usual = {"encoding": "utf-8", "lines_above_header": 0, "decimal": "."}
    return {key: value for key, value in written.items() if value not in (None, usual.get(key))}


def _numbers(sample: Sample, columns: Mapping[str, Column], found: Mapping[str, str]) -> list[str]:
    return [
        cell
        for name, theirs in found.items()
        if columns[name].type in ("money", "number")
        for cell in sample.cells(theirs)
    ]


def _currencies(
    sample: Sample, columns: Mapping[str, Column], found: Mapping[str, str]
) -> set[tuple[str, ...]]:
    """What currencies amounts are in: by a column that says it, else by the signs beside them."""
    if "currency" in found:
        return {(cell.upper(),) for cell in sample.cells(found["currency"]) if cell.upper() in SYMBOLS}
    money = [cell for name in found if columns[name].type == "money" for cell in sample.cells(found[name])]
    return {codes for cell in money if (codes := currencies_of(cell))}


def _is_said(values: Mapping[str, Any], source: TableSource) -> bool:
    """Whether the settings say all of this already."""
    meant = TableSource.model_validate(dict(values))
    return all(getattr(meant, key) == getattr(source, key) for key in values)


def mapped_column(table: str, name: str, theirs: str, sample: Sample, column: Column) -> Any:
    """One column as it is mapped: with the format of its days, the unit of its money, the sense of its words."""
    cells, more = sample.cells(theirs), {}
    if column.type in ("instant", "date"):
        formats = date_formats(cells) or (month_formats(cells) if column.may_be_month else [])
        more = {"format": formats[0]} if formats and formats[0] not in READ_WITHOUT else {}
    elif column.type == "money" and (unit := unit_of(theirs)):
        more = {"multiply_by": unit}
    elif column.type == "boolean" and is_inverted(table, name, theirs):
        contrary = dict.fromkeys(TRUE_WORDS, "no") | dict.fromkeys(FALSE_WORDS, "yes")
        more = {"values": {cell: contrary[cell.casefold()] for cell in sorted(set(cells))}}
    elif words := _words_of(table, name, cells):
        more = {"values": {theirs: ours for theirs, ours in words.items() if ours or not column.required}}
    return {"column": theirs} | more if more else theirs


def _words_of(table: str, name: str, cells: Sequence[str]) -> dict[str, str]:
    """Their words for ours, in a column that is the table's own, whatever it is given as."""
    return map_words(table, name, cells) if name in load_catalogue().tables[table].columns else {}


def _outcomes_by_stage(table: str, sample: Sample, found: Mapping[str, str]) -> dict[str, str]:
    """How opportunities ended, where their last stage says it and no column of its own."""
    if table != "opportunities" or "outcome" in found or "stage" not in found:
        return {}
    return map_words(table, "outcome", sample.cells(found["stage"]))


def _as_mapping(mapped: Any) -> dict[str, Any]:
    return mapped if isinstance(mapped, dict) else {"column": mapped}


def _names_last_days(table: str, name: str, sample: Sample, found: Mapping[str, str]) -> bool | None:
    """Whether a column of first days after something names the last ones; None where nothing shows it."""
    columns, begins = load_catalogue().tables[table].columns, BEGINS.get(name)
    if name not in columns or not columns[name].first_day_after:
        return False
    if begins not in found:
        return None
    places = [sample.columns.index(found[one]) for one in (begins, name)]
    spans = [[row[at].strip() for at in places] for row in sample.rows if len(row) > max(places)]
    return name_last_days([first for first, _ in spans], [last for _, last in spans])


def _as_lines(
    table: str, source: TableSource, sample: Sample, found: Mapping[str, str]
) -> dict[str, Any] | None:
    """Settings of orders of which every row is a line: a number comes again, with another amount."""
    if table != "orders" or source.given_as or not set(_OF_A_LINE) <= set(found):
        return None
    if not _amounts_differ_within_an_order(sample, found):
        return None
    columns = _values(table, source, sample, found)["columns"]
    amount = columns.pop("amount")
    return {"given_as": "lines", "columns": columns | {"quantity": {"constant": 1}, "unit_price": amount}}


def _amounts_differ_within_an_order(sample: Sample, found: Mapping[str, str]) -> bool:
    number, *same, amount = (sample.columns.index(found[name]) for name in _OF_A_LINE)
    orders: dict[tuple[str, ...], set[str]] = {}
    for row in sample.rows:
        if len(row) > max(number, amount, *same) and row[number]:
            orders.setdefault((row[number], *(row[at] for at in same)), set()).add(row[amount])
    several = sum(len(amounts) > 1 for amounts in orders.values())
    return several > len(orders) * 0.02


def _cancelled_condition(table: str, sample: Sample, found: Mapping[str, str]) -> str | None:
    if table != "orders":
        return None
    called_off = sorted({word for word in _words(sample, found.get("status")) if plain(word) in CANCELLED})
    return " or ".join(f"status = {quoted(word)}" for word in called_off) or None


def _words(sample: Sample, theirs: str | None) -> list[str]:
    """The words of a column that has few; none of one that has many."""
    words = list(dict.fromkeys(sample.cells(theirs))) if theirs else []
    return words if len(words) <= max(WORDS_SHOWN, len(sample.rows) // 20) else []


# --- What is to be looked at ----------------------------------------------------------------------------------


def _questions(
    table: str, source: TableSource, sample: Sample, found: Mapping[str, str], *, is_lines: bool
) -> Iterator[Question]:
    columns = _columns(table, source)
    yield from questions_about(table, source, sample, found)
    if words := _outcomes_by_stage(table, sample, found):
        yield from _about_words("outcome", found["stage"], words, is_required=False)
    if is_lines:
        yield "lines", {"column": found["order_id"]}
    if table == "orders":
        yield from _about_orders(sample, found)
    if table in NUMBERED and not set(load_catalogue().tables[table].key) <= set(found):
        yield "numbered", {"names": ", ".join(load_catalogue().tables[table].key)}
    twice = sorted({column for column in sample.columns if column and sample.columns.count(column) > 1})
    if twice:
        yield "twice", {"names": tuple(twice)}
    if points_are_thousands(numbers := _numbers(sample, columns, found)):
        yield "points", {"example": next(cell for cell in numbers if "." in cell)}


def questions_about(
    table: str, source: TableSource, sample: Sample, found: Mapping[str, str]
) -> Iterator[Question]:
    """What is to be looked at of each column that is mapped."""
    for name, theirs in found.items():
        yield from _about_column(table, name, theirs, sample, _columns(table, source), found)


def _about_column(
    table: str,
    name: str,
    theirs: str,
    sample: Sample,
    columns: Mapping[str, Column],
    found: Mapping[str, str],
) -> Iterator[Question]:
    words = {"name": name, "column": theirs}
    cells = sample.cells(theirs)
    alike = likeness_to(table, name, theirs)
    if alike < SURE:
        yield "guessed", words | {"example": cells[0] if cells else ""}
    fits = _fitting(table, sample, columns)
    free = [other for other in dict.fromkeys(sample.columns) if other and other not in found.values()]
    rivals = [
        other for other in free if likeness_to(table, name, other) >= min(alike, SURE) and fits(name, other)
    ]
    if rivals:
        yield "rivals", words | {"others": tuple(rivals)}
    if columns[name].type == "money" and (unit := unit_of(theirs)):
        yield "unit", words | {"unit": f"{unit:,}"}
    if columns[name].type == "instant" and table in ("tickets", "contacts") and has_days_only(cells):
        yield "days_only", words
    if known := _words_of(table, name, cells):
        yield from _about_words(name, theirs, known, is_required=columns[name].required)
    names_last_days = _names_last_days(table, name, sample, found)
    if names_last_days is not False:
        yield "last_day" if names_last_days else "first_day_after", words
    if name == "customer_id" and len(cells) < (1 - MANY_EMPTY) * len(sample.rows):
        yield "many_empty", words | {"share": f"{1 - len(cells) / len(sample.rows):.0%}"}


def _about_words(
    name: str, theirs: str, words: Mapping[str, str], *, is_required: bool
) -> Iterator[Question]:
    said = {"name": name, "column": theirs}
    yield "words", said | {"pairs": tuple(f"{word} → {ours}" for word, ours in words.items() if ours)}
    left = tuple(word for word, ours in words.items() if not ours)[:WORDS_SHOWN]
    if left:
        yield "words_unknown" if is_required else "words_left", said | {"words": left}


def _about_orders(sample: Sample, found: Mapping[str, str]) -> Iterator[Question]:
    """Which orders were called off: what the status says, or a column that is not mapped."""
    words = _words(sample, found.get("status"))
    if words:
        left = [word for word in words if plain(word) not in CANCELLED]
        key = "status_some" if len(left) < len(words) else "status_none"
        yield key, {"column": found["status"], "words": tuple(left[:WORDS_SHOWN])}
    for theirs in dict.fromkeys(sample.columns):
        if theirs and theirs not in found.values():
            called_off = [word for word in _words(sample, theirs) if plain(word) in CANCELLED]
            if called_off:
                yield "status_elsewhere", {"column": theirs, "words": tuple(called_off)}


# --- As lines of settings -------------------------------------------------------------------------------------


def settings_lines(table: str, values: Mapping[str, Any]) -> list[str]:
    """A table's settings as lines of a params file."""
    lines = [f"  {table}:"]
    for key, value in values.items():
        if key == "columns":
            lines += ["    columns:", *(f"      {name}: {_scalar(one)}" for name, one in value.items())]
        elif key == "rows":
            lines += ["    rows:", *(f"      - {_scalar(row)}" for row in value)]
        else:
            lines.append(f"    {key}: {_scalar(value)}")
    return lines


def _scalar(value: Any) -> str:
    """A value as YAML writes it on one line."""
    written = yaml.safe_dump(
        [value], allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False
    )
    return written.strip()[1:-1]
