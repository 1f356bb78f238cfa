"""A table as a file to fill in: the header, one example row, and the rules its rows must keep.

All of it is read off the contract, so that a template never asks for anything else than what is checked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from analysis.catalogue import TableContract, label, load_catalogue, nearest, read_yaml
from analysis.catalogue.records import Column
from analysis.tables import TablesError

_BY_TYPE = {"text": "words", "number": "1", "integer": "1", "money": "1250.00", "boolean": "true",
            "date": "2024-03-05", "instant": "2024-03-05 09:30:00"}  # fmt: skip


def template_csv(table: str, form: str | None = None) -> str:
    """A CSV of the table's columns with one example row, which keeps every rule of the contract.

    Parameters
    ----------
    table
        A table the workbook knows, such as ``orders``.
    form
        Another form it may be given in, such as ``lines``.

    Raises
    ------
    TablesError
        With the nearest right name, if there is no such table or form.
    """
    columns = _contract(table, form).columns_given_as(form)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerow(_example(table, name, column) for name, column in columns.items())
    return text.getvalue()


def template_rules(table: str, language: str, form: str | None = None, file: str | None = None) -> str:
    """What a row is, its key, every column's rules in words, and the settings that read the file.

    Raises
    ------
    TablesError
        As ``template_csv`` does.
    """
    columns = _contract(table, form).columns_given_as(form)
    lines = template_columns(table, language, form)
    lines += ["", writing_words(language), "", _words("settings", language)]
    lines += _settings(table, form, list(columns), file or f"{table}.csv")
    return "\n".join(lines) + "\n"


def template_columns(table: str, language: str, form: str | None = None) -> list[str]:
    """What a row is, its key, and every column's rules in words; one string for each line.

    Raises
    ------
    TablesError
        As ``template_csv`` does.
    """
    contract = _contract(table, form)
    row = _words("line_row", language) if form else contract.row.in_(language)
    lines = [
        _words("table", language, table=table, name=contract.name.in_(language), row=row),
        _key_words(contract, form, language),
        "",
        _words("columns", language),
    ]
    for name, column in contract.columns_given_as(form).items():
        rules = _words("between", language).join(_rules(name, column, contract.key, language))
        lines += [f"  {name}: {rules}", f"      {column.meaning.in_(language)}"]
    return lines


def writing_words(language: str) -> str:
    """How days, times and numbers are written where the settings say nothing else."""
    return _words("writing", language)


def write_template(table: str, language: str, path: Path, form: str | None = None) -> Path:
    """Writes the CSV, and its rules to ``<file>.rules.txt`` beside it; returns where the rules are."""
    text, rules = template_csv(table, form), template_rules(table, language, form, path.as_posix())
    beside = path.with_name(f"{path.name}.rules.txt")
    path.write_text(text, encoding="utf-8-sig")  # with its mark, a spreadsheet shows Chinese as Chinese
    beside.write_text(rules, encoding="utf-8")
    return beside


def _contract(table: str, form: str | None) -> TableContract:
    known = load_catalogue().tables
    if table not in known:
        raise TablesError(
            f"there is no table {table!r}{nearest(table, known) or '; known: ' + ', '.join(known)}"
        )
    if form is not None and form not in known[table].given_as:
        forms = known[table].given_as
        hint = nearest(form, forms) if forms else "; it has only one form"
        raise TablesError(f"table {table} cannot be given as {form!r}{hint}")
    return known[table]


# --- The example row --------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _examples() -> dict[str, str]:
    return read_yaml("examples.yml")


def _example(table: str, name: str, column: Column) -> str:
    """A plausible cell: the one declared for the column, else its first allowed word, else one of its type."""
    examples = _examples()
    if f"{table}.{name}" in examples:
        return examples[f"{table}.{name}"]
    if column.allowed:
        return column.allowed[0]
    if column.default is not None:
        return str(column.default).lower() if column.type == "boolean" else str(column.default)
    return examples.get(name, _BY_TYPE[column.type])


# --- The rules --------------------------------------------------------------------------------------------------


def _words(key: str, language: str, **values: object) -> str:
    return label(f"templates.{key}", language, **values)


def _key_words(contract: TableContract, form: str | None, language: str) -> str:
    if not contract.key:
        return _words("no_key", language)
    return _words("of_orders" if form else "key", language, columns=", ".join(contract.key))


def _rules(name: str, column: Column, key: tuple[str, ...], language: str) -> Iterator[str]:
    """The rules of one column, in words."""
    yield _words("required" if column.required else "optional", language)
    yield _words(column.type, language)
    if name.endswith("_seconds"):
        yield _words("seconds", language)
    if column.type in ("date", "instant"):
        yield _words("may_lie_ahead" if column.may_lie_ahead else "not_ahead", language)
    if name == "currency" and name not in key:
        yield _words("company_currency", language)
    if column.allowed:
        yield _words("allowed", language, words=", ".join(column.allowed))
    if column.minimum is not None:
        yield _words("minimum", language, value=f"{column.minimum:g}")
    if column.maximum is not None:
        yield _words("maximum", language, value=f"{column.maximum:g}")
    if column.default is not None:
        yield _words("default", language, value=str(column.default).lower())


def _settings(table: str, form: str | None, columns: list[str], file: str) -> Iterator[str]:
    """The lines of the settings that read a file with these very columns."""
    yield "tables:"
    yield f"  {table}:"
    yield f"    file: {file}"
    if form:
        yield f"    given_as: {form}"
    yield "    columns:"
    for name in columns:
        yield f"      {name}: {name}"
