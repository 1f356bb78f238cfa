"""A company to begin with: commented settings, a file to fill in for each table, and what their columns mean.

The files hold their header alone. An example row stands only in ``columns.txt``, which nothing reads, so that no
invented row can come into a report.
"""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.catalogue import TableContract, label, load_catalogue
from analysis.errors import InputError
from analysis.params import BASE_FILE, PRESETS_FOLDER, is_folder_name
from analysis.tables.sources import SAMPLES
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


@dataclass(frozen=True)
class BegunCompany:
    """Where a new company's files lie."""

    params: Path
    folder: Path

    @property
    def orders(self) -> Path:
        """The file to fill in first."""
        return self.folder / "orders.csv"

    @property
    def columns(self) -> Path:
        """What the columns mean."""
        return self.folder / COLUMNS_FILE


def begin_company(name: str, root: Path, language: str) -> BegunCompany:
    """Settings and empty tables of a company: ``params/<name>.yml`` and ``data/<name>/`` below ``root``.

    ``params/base.yml`` is not copied: where there is none beside the settings, the workbook's own is read, and a
    copy would lack the settings of later versions.

    Parameters
    ----------
    name
        The name of one folder: letters, digits, ``-`` and ``_``.
    language
        Of the comments: ``en`` or ``zh``.

    Raises
    ------
    InputError
        If the name cannot be one, one of the files is there already, or they cannot be written. Nothing is
        written then.
    """
    check_name(name)
    made = BegunCompany(root / "params" / f"{name}.yml", root / "data" / name)
    texts = {
        made.params: settings_text(name, language),
        made.columns: columns_text(language),
        **{made.folder / f"{table}.csv": header_csv(table) for table in (*READY, *ON_DEMAND)},
    }
    _check_none_is_there(texts)
    _write_all(texts)
    return made


def say_next(made: BegunCompany, program: str, language: str) -> str:
    """What was written, and the command to type next; ``program`` is how the workbook is called."""
    files = {"params": made.params, "folder": made.folder, "columns": made.columns, "orders": made.orders}
    command = shlex.join([program, "check", "--params", str(made.params)])
    return "\n".join(
        [_words("written", language, **files), "", _words("next", language, **files), f"  {command}"]
    )


def check_name(name: str) -> None:
    """Refuses what cannot name a company's folder, with the nearest name that can.

    Raises
    ------
    InputError
        With what a name may hold, and the nearest that can be one.
    """
    if not is_folder_name(name) or name.endswith((".yml", ".yaml")):
        near = re.sub(r"[^\w.-]+", "-", re.sub(r"\.ya?ml$", "", name)).strip("-_. ")
        hint = f"; did you mean {near!r}?" if is_folder_name(near) else ""
        raise InputError(
            f"{name!r} cannot be the name of a company's folder: letters, digits, - and _, such as mycompany{hint}"
        )
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise InputError(
            f"{name[:20]!r}… is too long for the name of a folder: at most {LONGEST_NAME_BYTES} bytes"
        )
    if name.casefold() in (Path(BASE_FILE).stem, PRESETS_FOLDER, *SAMPLES):
        raise InputError(f"{name!r} is a name of the workbook's own; did you mean {f'{name}-mine'!r}?")


def _check_none_is_there(paths: Iterable[Path]) -> None:
    there = [str(path) for path in paths if os.path.lexists(path)]
    more = f" and {len(there) - _MOST_FILES_NAMED} more" if len(there) > _MOST_FILES_NAMED else ""
    if there:
        raise InputError(
            f"there already: {', '.join(there[:_MOST_FILES_NAMED])}{more}; nothing is overwritten: "
            "choose another name, or move what is there away"
        )


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
        raise InputError(f"{error.filename}: cannot be written: {error.strerror}") from None


def header_csv(table: str) -> str:
    """The header of a table's file, and no row."""
    return template_csv(table).splitlines(keepends=True)[0]


def columns_text(language: str) -> str:
    """What every column of every file means, with an example row for each table."""
    parts = [_words("columns_heading", language), "", writing_words(language)]
    for table in (*READY, *ON_DEMAND):
        parts += ["", f"--- {table}.csv ---", "", *template_columns(table, language), ""]
        parts += [_words("example", language), *(f"  {line}" for line in template_csv(table).splitlines())]
    return "\n".join(parts) + "\n"


# --- The settings -----------------------------------------------------------------------------------------------


def settings_text(name: str, language: str) -> str:
    """The settings with a comment for each, the table of orders, and the other tables commented out."""
    base = {
        "company": f'"{name}"',
        "languages": "[en, zh]",
        "gross_margin": "1.0",
        "activity_window_days": "180",
    }
    start = _STARTS_WITH[language]
    order = ("company", "currency", "languages", "time_zone", "gross_margin", "activity_window_days")
    lines = _comment(_words("heading", language, name=name))
    lines += [_commented(f"{key}: {(base | start)[key]}", _words(key, language)) for key in order]
    lines += ["", *_comment(_words("tables_ready", language))]
    lines += [*_comment(_words("tables_why", language, columns=f"data/{name}/{COLUMNS_FILE}")), "tables:"]
    for table in READY:
        lines += _block(table, name, language)
    lines += ["", *_comment(_words("no_orders", language)), *_comment(_words("tables_more", language))]
    for table in ON_DEMAND:
        lines += ["", *(f"# {line}" for line in _block(table, name, language))]
    return "\n".join(lines) + "\n"


def _block(table: str, name: str, language: str) -> Iterator[str]:
    """The settings that read a table's file, with what each column means."""
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


def _commented(line: str, comment: str, at: int = _COMMENT_AT) -> str:
    return f"{line:{at}}# {comment}" if len(line) < at else f"{line}  # {comment}"


def _comment(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, _LINE_WIDTH - 2)]


def _words(key: str, language: str, **values: object) -> str:
    return label(f"begin_company.{key}", language, **values)
