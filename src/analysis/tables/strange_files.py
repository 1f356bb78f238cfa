"""What a newcomer's file is: tables of ours, or a strange file with what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.catalogue import say_problem
from analysis.errors import InputError, Said, in_language
from analysis.params import TableSource
from analysis.tables.beginnings import Beginning, Sample, read_beginning
from analysis.tables.cells import currencies_of, date_formats, is_number
from analysis.tables.suggesting import READ_WITHOUT, Suggestion, how_written, recognise
from analysis.tables.wide_surveys import recognise_wide_survey

MOST_COLUMNS_SHOWN = 20
_LONGEST_EXAMPLE = 40


@dataclass(frozen=True)
class StrangeFile:
    """A file that looks like none of our tables.

    Attributes
    ----------
    problem
        Why it cannot be read at all, if so.
    columns
        Its headings, each with an example of what stands below.
    values
        Settings of orders as far as its cells tell them, to be filled in by somebody who can read the headings.
    """

    file: str
    problem: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


def recognise_file(path: Path, file: str) -> tuple[Suggestion, ...] | StrangeFile:
    """The tables of ours a file holds, with settings that may read them; else what can be said of it.

    Parameters
    ----------
    file
        The path as the settings are to have it.
    """
    try:
        beginning = read_beginning(path, TableSource(file=(file,), columns={}))
    except (OSError, ValueError) as error:
        return StrangeFile(file, problem=_without_name(path.name, error))
    if found := recognise(path, file, beginning):
        return (found,)
    return recognise_wide_survey(beginning, file) or _strange(beginning, file)


def _without_name(name: str, error: Exception) -> Said:
    """What is wrong with a file, without its name, which is said already."""
    text = error.text if isinstance(error, InputError) else str(error)
    heads = {"en": f"{name}: ", "zh": f"{name}："}
    return Said(*(in_language(text, language).removeprefix(head) for language, head in heads.items()))


def _strange(beginning: Beginning, file: str) -> StrangeFile:
    sample = beginning.as_is()
    if sample is None:
        return StrangeFile(file, problem=say_problem("no_line"))
    if sum(map(bool, sample.columns)) < 2:
        return StrangeFile(file, problem=say_problem("not_split"))
    seen = [(column, _example(sample, column)) for column in dict.fromkeys(sample.columns) if column]
    return StrangeFile(file, columns=tuple(seen[:MOST_COLUMNS_SHOWN]), values=_values(sample, file))


def _example(sample: Sample, column: str) -> str:
    first = " ".join(next(iter(sample.cells(column)), "").split())
    return first if len(first) <= _LONGEST_EXAMPLE else f"{first[:_LONGEST_EXAMPLE]}…"


def _values(sample: Sample, file: str) -> dict[str, Any]:
    """How the file is written, and the one column of days, the one of money, where there is but one."""
    columns = [column for column in dict.fromkeys(sample.columns) if column]
    days = [column for column in columns if date_formats(sample.cells(column))]
    money = [column for column in columns if column not in days and _is_money(sample.cells(column))]
    mapped = {
        **({"ordered_at": _day_column(days[0], sample)} if len(days) == 1 else {}),
        **({"amount": money[0]} if len(money) == 1 else {}),
    }
    numbers = [cell for column in money for cell in sample.cells(column)]
    return {"file": file} | how_written(sample, numbers) | {"columns": mapped}


def _day_column(column: str, sample: Sample) -> Any:
    form = date_formats(sample.cells(column))[0]
    return column if form in READ_WITHOUT else {"column": column, "format": form}


def _is_money(cells: list[str]) -> bool:
    """Whether these are numbers written as money is: with a sign of it, or with a mark between the digits."""
    numbers = [cell for cell in cells if is_number(cell)]
    is_marked = any(currencies_of(cell) or any(mark in cell for mark in ".,") for cell in numbers)
    return len(numbers) > 0.9 * len(cells) and is_marked
