"""A company to begin with: commented settings, a file to fill in for each table, and what their columns mean.

The files hold their header alone. An example row stands only in ``columns.txt``, which nothing reads, so that no
invented row can come into a report.
"""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.catalogue import TableContract, label, listed, load_catalogue, say_problem
from analysis.errors import InputError, in_language, joined
from analysis.params import BASE_FILE, PRESETS_FOLDER, is_folder_name
from analysis.tables.sources import SAMPLES
from analysis.tables.strange_files import StrangeFile, recognise_file
from analysis.tables.suggesting import Suggestion, settings_lines
from analysis.tables.templates import template_columns, template_csv, writing_words

__all__ = ["BegunCompany", "say_next", "begin_company"]

READY = ("orders",)
ON_DEMAND = (
    "customers", "costs", "targets", "contracts", "opportunities", "stage_entries", "tickets", "contacts",
    "questions", "surveys", "answers", "account_managers", "assignments",
)  # fmt: skip
COLUMNS_FILE = "columns.txt"
LONGEST_NAME_BYTES = 100  # file systems take 255, and the name is one part of several
_STARTS_WITH = {
    "en": {"currency": "EUR", "time_zone": "UTC"},
    "zh": {"currency": "CNY", "time_zone": "Asia/Shanghai"},
}
_COMMENT_AT, _COMMENT_OF_COLUMN_AT = 31, 48  # the first as in params/base.yml
_LINE_WIDTH = 118
_MOST_FILES_NAMED = 3
_WHERE_TO_FILL_IN = "…"


@dataclass(frozen=True)
class BegunCompany:
    """Where a new company's files lie, and which of the files given could be recognised."""

    params: Path
    folder: Path
    recognised: tuple[Suggestion, ...] = ()
    unknown: tuple[StrangeFile, ...] = ()

    @property
    def orders(self) -> Path:
        """The file to fill in first."""
        return self.folder / "orders.csv"

    @property
    def columns(self) -> Path:
        """What the columns mean."""
        return self.folder / COLUMNS_FILE


def begin_company(name: str, root: Path, language: str, files: Sequence[Path] = ()) -> BegunCompany:
    """Settings and empty tables of a company: ``params/<name>.yml`` and ``data/<name>/`` below ``root``.

    Files that are given are read as they are: their tables are mapped to the columns that look like ours, and
    have no empty file.

    ``params/base.yml`` is not copied: where there is none beside the settings, the workbook's own is read, and a
    copy would lack the settings of later versions.

    Parameters
    ----------
    name
        The name of one folder: letters, digits, ``-`` and ``_``.
    language
        Of the comments: ``en`` or ``zh``.
    files
        The company's own exports.

    Raises
    ------
    InputError
        If the name cannot be one, one of the files is there already, or they cannot be written; if a file given is
        not there, none can be read, or two look like the same table and are written in different ways. Nothing is
        written then.
    """
    check_name(name)
    given, unknown = _recognise_all(files, root)
    made = BegunCompany(
        root / "params" / f"{name}.yml", root / "data" / name, tuple(given.values()), tuple(unknown)
    )
    ready, on_demand = _ready(given), _on_demand(given)
    texts = {
        made.params: settings_text(name, language, given, unknown),
        made.columns: columns_text(language, (*ready, *on_demand)),
        **{
            made.folder / f"{table}.csv": header_csv(table)
            for table in (*ready, *on_demand)
            if table not in given
        },
    }
    _check_none_is_there(texts)
    _write_all(texts)
    return made


def _ready(given: Mapping[str, Suggestion]) -> tuple[str, ...]:
    """The tables that are read from the beginning: those given, else orders."""
    return tuple(given) or READY


def _on_demand(given: Mapping[str, Suggestion]) -> tuple[str, ...]:
    return tuple(table for table in (*READY, *ON_DEMAND) if table not in _ready(given))


def _recognise_all(files: Sequence[Path], root: Path) -> tuple[dict[str, Suggestion], list[StrangeFile]]:
    """The files by the table each looks like, and those that look like none."""
    found: dict[str, Suggestion] = {}
    unknown = []
    for path in files:
        if not path.is_file():
            raise InputError(say_problem("no_export", path=path))
        looked_at = recognise_file(path, _as_named(path, root))
        if isinstance(looked_at, StrangeFile):
            unknown.append(looked_at)
            continue
        for suggested in looked_at:
            first = found.get(suggested.table)
            found[suggested.table] = first.joined_with(suggested) if first else suggested
    if unknown and not found and all(file.problem for file in unknown):
        why = [say_problem("file_is", file=file.file, what=file.problem) for file in unknown]
        raise InputError(joined("\n", [*why, say_problem("nothing_written")]))
    return found, unknown


def _as_named(path: Path, root: Path) -> str:
    """A file as the settings name it: below the project if it lies there."""
    whole, project = path.resolve(), root.resolve()
    return whole.relative_to(project).as_posix() if whole.is_relative_to(project) else str(whole)


def say_next(made: BegunCompany, program: str, language: str) -> str:
    """What was written, and the command to type next; ``program`` is how the workbook is called."""
    if made.recognised or made.unknown:
        return _say_recognised(made, program, language)
    files = {"params": made.params, "folder": made.folder, "columns": made.columns, "orders": made.orders}
    command = _check_command(made, program, language)
    return "\n".join(
        [_words("written", language, **files), "", _words("next", language, **files), f"  {command}"]
    )


def _check_command(made: BegunCompany, program: str, language: str) -> str:
    spoken = [] if language == "en" else ["--language", language]
    return shlex.join([program, "check", "--params", str(made.params), *spoken])


def _say_recognised(made: BegunCompany, program: str, language: str) -> str:
    """Which table each file was taken for, what is left open, and the command to type next."""
    lines = [_words("written_given", language, params=made.params, columns=made.columns), ""]
    for one in made.recognised:
        lines += _recognised_lines(one, language)
    for file in made.unknown:
        lines += _unknown_lines(file, made.params, language)
    lines += _currency_lines(made.recognised, language)
    command = _check_command(made, program, language)
    following = _words("next_given" if made.recognised else "next_unknown", language, params=made.params)
    return "\n".join([*lines, "", following, f"  {command}"])


def _recognised_lines(one: Suggestion, language: str) -> list[str]:
    join = _words("join", language)
    named, columns = load_catalogue().tables[one.table].name.in_(language), one.values.get("columns", {})
    mapped = join.join(f"{ours} ← {theirs}" for ours, value in columns.items() if (theirs := _theirs(value)))
    open_points = {
        "mapped": mapped,
        **{key: join.join(getattr(one, key)) for key in ("unused", "lacking", "doubtful")},
    }
    said = [_words(key, language, names=names) for key, names in open_points.items() if names]
    files = one.values.get("file", _words("made_up", language))
    file = files if isinstance(files, str) else join.join(files)
    return [
        _words("recognised", language, file=file, table=one.table, name=named),
        *(
            f"  {line}"
            for line in [*said, *(_words("look", language, what=what) for what in one.asked(language))]
        ),
    ]


def _theirs(value: Any) -> str | None:
    """The column of theirs that the settings of one of ours name, if they name one."""
    return value.get("column") if isinstance(value, dict) else value


def _unknown_lines(file: StrangeFile, params: Path, language: str) -> list[str]:
    if file.problem:
        why = in_language(file.problem, language)
        return [_words("unreadable", language, file=file.file, why=why)]
    shown = [
        _words("heading_seen", language, column=column, example=example) for column, example in file.columns
    ]
    return [_words("unknown", language, file=file.file, params=params), *(f"  {line}" for line in shown)]


def _currency_lines(recognised: Sequence[Suggestion], language: str) -> list[str]:
    """What the signs beside the amounts say of the currency."""
    signs = {codes for one in recognised for codes in one.currencies}
    if len(signs) > 1 and all(one.table != "rates" for one in recognised):
        codes = _words("join", language).join(sorted({codes[0] for codes in signs}))
        return [_words("several_currencies", language, codes=codes)]
    return [
        _words(
            "currency_by_sign",
            language,
            code=_currency(signs, language),
            others=_words("or", language).join(codes),
        )
        for codes in signs
        if len(codes) > 1
    ]


def _currency(signs: Collection[tuple[str, ...]], language: str) -> str:
    """The currency that the signs beside the amounts say; the usual one, where they say none, or several."""
    usual = _STARTS_WITH[language]["currency"]
    if len(signs) != 1:
        return usual
    [codes] = signs
    return usual if usual in codes else codes[0]


def check_name(name: str) -> None:
    """Refuses what cannot name a company's folder, with the nearest name that can.

    Raises
    ------
    InputError
        With what a name may hold, and the nearest that can be one.
    """
    if not is_folder_name(name) or name.endswith((".yml", ".yaml")):
        near = re.sub(r"[^\w.-]+", "-", re.sub(r"\.ya?ml$", "", name)).strip("-_. ")
        hint = say_problem("did_you_mean", name=near) if is_folder_name(near) else ""
        raise InputError(say_problem("not_a_folder_name", name=name, hint=hint))
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise InputError(say_problem("name_too_long", name=name[:20], most=LONGEST_NAME_BYTES))
    if name.casefold() in (Path(BASE_FILE).stem, PRESETS_FOLDER, *SAMPLES):
        raise InputError(say_problem("name_taken", name=name, other=f"{name}-mine"))


def _check_none_is_there(paths: Iterable[Path]) -> None:
    there = [str(path) for path in paths if os.path.lexists(path)]
    left = len(there) - _MOST_FILES_NAMED
    if there:
        more = say_problem("and_more", count=left) if left > 0 else ""
        raise InputError(say_problem("there_already", names=listed(there[:_MOST_FILES_NAMED]), more=more))


def _write_all(texts: dict[Path, str]) -> None:
    """Writes every file, or takes back those written."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # with its mark, a spreadsheet shows Chinese as Chinese
            with path.open("x", encoding="utf-8-sig" if path.suffix != ".yml" else "utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise InputError(
            say_problem("cannot_be_written", path=error.filename, error=error.strerror)
        ) from None


def header_csv(table: str) -> str:
    """The header of a table's file, and no row."""
    return template_csv(table).splitlines(keepends=True)[0]


def columns_text(language: str, tables: Sequence[str] = (*READY, *ON_DEMAND)) -> str:
    """What every column of every file means, with an example row for each table."""
    parts = [_words("columns_heading", language), "", writing_words(language)]
    for table in tables:
        parts += ["", f"--- {table}.csv ---", "", *template_columns(table, language), ""]
        parts += [_words("example", language), *(f"  {line}" for line in template_csv(table).splitlines())]
    return "\n".join(parts) + "\n"


# --- The settings -----------------------------------------------------------------------------------------------


def settings_text(
    name: str,
    language: str,
    given: Mapping[str, Suggestion] | None = None,
    unknown: Sequence[StrangeFile] = (),
) -> str:
    """The settings with a comment for each, the tables given or else that of orders, and the others commented out."""
    given = given or {}
    base = {
        "company": f'"{name}"',
        "languages": "[en, zh]",
        "gross_margin": "1.0",
        "activity_window_days": "180",
    }
    signs = {codes for one in given.values() for codes in one.currencies}
    start = _STARTS_WITH[language] | {"currency": _currency(signs, language)}
    order = ("company", "currency", "languages", "time_zone", "gross_margin", "activity_window_days")
    lines = _comment(_words("heading", language, name=name))
    lines += [_commented(f"{key}: {(base | start)[key]}", _words(key, language)) for key in order]
    if "contracts" in given and "orders" not in given:
        lines.append(_commented("customer_base: contracts", _words("customer_base", language)))
    lines += ["", *_comment(_words("tables_ready", language))]
    lines += [*_comment(_words("tables_why", language, columns=f"data/{name}/{COLUMNS_FILE}")), "tables:"]
    for table in _ready(given):
        lines += _block(table, name, language, given.get(table))
    for file in unknown:
        lines += _strange_block(file, language)
    if "orders" in _ready(given):
        lines += ["", *_comment(_words("no_orders", language))]
    lines += ["", *_comment(_words("tables_more", language))]
    for table in _on_demand(given):
        lines += ["", *(f"# {line}" for line in _block(table, name, language))]
    return "\n".join(lines) + "\n"


def _block(table: str, name: str, language: str, given: Suggestion | None = None) -> Iterator[str]:
    """The settings that read a table's file, with what each column means."""
    if given:
        yield from _block_given(given, language)
        return
    contract: TableContract = load_catalogue().tables[table]
    what = _words("table", language, name=contract.name.in_(language), row=contract.row.in_(language))
    yield _commented(f"  {table}:", what, _COMMENT_OF_COLUMN_AT)
    yield f"    file: data/{name}/{table}.csv"
    if table == "orders":
        yield _commented(
            "    # cancelled_when: status = 'cancelled'", _words("cancelled", language), _COMMENT_OF_COLUMN_AT
        )
    yield "    columns:"
    for column, rule in contract.columns.items():
        meaning = rule.meaning.in_(language)
        said = _words("column_required", language, meaning=meaning) if rule.required else meaning
        yield _commented(f"      {column}: {column}", said, _COMMENT_OF_COLUMN_AT)


def _block_given(given: Suggestion, language: str) -> Iterator[str]:
    """The settings that may read a file that is there, with what each column of ours means."""
    contract = load_catalogue().tables[given.table]
    what = _words("table", language, name=contract.name.in_(language), row=contract.row.in_(language))
    head, *lines = settings_lines(given.table, given.values)
    columns = contract.columns_given_as(given.values.get("given_as"))
    yield from (
        f"  # {line}" for what in given.asked(language) for line in textwrap.wrap(what, _LINE_WIDTH - 4)
    )
    yield _commented(head, what, _COMMENT_OF_COLUMN_AT)
    for line in lines:
        rule = columns.get(line.strip().partition(":")[0]) if line.startswith("      ") else None
        yield _commented(line, rule.meaning.in_(language), _COMMENT_OF_COLUMN_AT) if rule else line
    for column in given.lacking:
        said = _words("column_required", language, meaning=columns[column].meaning.in_(language))
        yield _commented(f"      # {column}:", said, _COMMENT_OF_COLUMN_AT)


def _strange_block(file: StrangeFile, language: str) -> list[str]:
    """A block for a file that looks like no table of ours: its headings, and the lines of orders to be filled in."""
    if file.problem:
        return []
    lines = [_words("strange", language, file=file.file)]
    lines += [
        _words("heading_seen", language, column=column, example=example) for column, example in file.columns
    ]
    block = settings_lines("orders", file.values)
    columns = load_catalogue().tables["orders"].columns
    known = file.values["columns"]
    asked = [
        f"      {name}: {_WHERE_TO_FILL_IN}  # {columns[name].meaning.in_(language)}"
        for name in ("order_id", "customer_id", "ordered_at", "amount")
        if name not in known
    ]
    return [
        "",
        *(line for text in lines for line in _comment(text)),
        *(f"# {line}" for line in [*block, *asked]),
    ]


def _commented(line: str, comment: str, at: int = _COMMENT_AT) -> str:
    return f"{line:{at}}# {comment}" if len(line) < at else f"{line}  # {comment}"


def _comment(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, _LINE_WIDTH - 2)]


def _words(key: str, language: str, **values: object) -> str:
    return label(f"begin_company.{key}", language, **values)
