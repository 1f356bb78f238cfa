"""The tables that results give, and the documents they stand in: never typed by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median

from measuring import Floor, Measured, Task
from results import Results

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENTS = (PROJECT / "benchmarks" / "README.md", PROJECT / "README.md")

MEASURED_HEADER = ("stage", "rows", "with", "seconds", "peak MB", "× ours")
FLOORS_HEADER = ("stage", "floor", "rows", "reached", "met")
TasksOf = Mapping[str, tuple[Task, ...]]


def blocks(results: Results, tasks: TasksOf) -> dict[str, str]:
    """Every piece of text about these stages that a document may hold, by the name it has between its marks."""
    results = results.about(tasks)
    return {
        "measured": table(MEASURED_HEADER, measured_rows(results), to_the_right={1, 3, 4, 5}),
        "floors": table(FLOORS_HEADER, floor_rows(results, tasks), to_the_right={2, 3}),
        "first calls": "\n".join(first_calls(results)),
        "machine": "\n".join(machines(results)),
        **{f"beside {stage}": told_beside(results.about([stage])) for stage in results.stages},
    }


def filled(text: str, pieces: Mapping[str, str]) -> str:
    """The document with the pieces between their marks, ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    for name, piece in pieces.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = between.sub(lambda found, piece=piece: f"{found[1]}{piece}\n{found[2]}", text)
    return text


# --- Rows -----------------------------------------------------------------------------------------


def measured_rows(results: Results) -> Iterator[tuple[str, ...]]:
    """One row for each way of each task at each size."""
    for _, comparison in results.comparisons():
        ours = next(iter(comparison.ways.values())).typical_seconds
        for way, found in comparison.ways.items():
            start = (comparison.task, rows_shown(comparison.rows), way)
            if found.failed:
                yield (*start, "did not finish", "", "")
            else:
                times = short(found.typical_seconds / ours)
                yield (*start, seconds_shown(found), f"{found.megabytes:,.0f}", times)


def floor_rows(results: Results, tasks: TasksOf) -> Iterator[tuple[str, ...]]:
    """One row for each floor of each task, those that were not measured included."""
    found = {(stage, each.task, each.rows): each.ways for stage, each in results.comparisons()}
    for stage, its_tasks in tasks.items():
        for task in its_tasks:
            for floor in task.floors:
                reached = reached_by(floor, found.get((stage, task.name, floor.rows), {}))
                met = "" if math.isnan(reached) else "yes" if floor.is_met_by(reached) else "no"
                shown = "not measured" if math.isnan(reached) else short(reached)
                yield task.name, floor.says, rows_shown(floor.rows), shown, met


def reached_by(floor: Floor, ways: Mapping[str, Measured]) -> float:
    """What was reached; no number where a way of it was not measured."""
    try:
        return floor.reached(ways)
    except KeyError:
        return math.nan


def first_calls(results: Results) -> Iterator[str]:
    """What a process pays once for a way, where it was measured apart."""
    cold: dict[str, list[float]] = {}
    for _, comparison in results.comparisons():
        for way, found in comparison.ways.items():
            if found.cold_seconds is not None:
                cold.setdefault(f"{comparison.task}, {way}", []).append(found.cold_seconds)
    for name, seconds in cold.items():
        yield f"- {name}: {short(median(seconds))} s"


def told_beside(results: Results) -> str:
    """What the ways of a stage told beside time and memory, a column for each thing; nothing where none did."""
    compared = [each for _, each in results.comparisons()]
    ways = [(each, way, found.beside) for each in compared for way, found in each.ways.items()]
    names = list(dict.fromkeys(name for *_, told in ways for name in told))
    rows = [
        (rows_shown(each.rows), way, *(short(told[name]) if name in told else "" for name in names))
        for each, way, told in ways
        if told
    ]
    return table(("rows", "with", *names), rows, {0, *range(2, len(names) + 2)}) if names else ""


def machines(results: Results) -> Iterator[str]:
    """Where, when and with what; once for all stages that have it in common."""
    together: dict[tuple[str, ...], list[str]] = {}
    for stage, found in results.stages.items():
        versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
        together.setdefault((found.date, found.machine, versions), []).append(stage)
    for (date, machine, versions), stages in together.items():
        yield f"- {', '.join(stages)}: {date}, {machine}; {versions}."


# --- Text -----------------------------------------------------------------------------------------


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], to_the_right: set[int]) -> str:
    """A table that reads well as it is and in Markdown."""
    rows = [header, *rows]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(header))]
    lines = [
        "| " + " | ".join(aligned(text, widths[i], i in to_the_right) for i, text in enumerate(row)) + " |"
        for row in rows
    ]
    rule = ["-" * (width - 1) + (":" if i in to_the_right else "-") for i, width in enumerate(widths)]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def aligned(text: str, width: int, to_the_right: bool) -> str:
    return text.rjust(width) if to_the_right else text.ljust(width)


def seconds_shown(found: Measured) -> str:
    """The median, and the least and the most where it was measured more than once."""
    typical = short(found.typical_seconds)
    if len(found.seconds) == 1:
        return typical
    return f"{typical} ({short(min(found.seconds))}–{short(max(found.seconds))})"


def rows_shown(rows: int) -> str:
    return f"{rows:,}" if rows else ""


def short(number: float) -> str:
    """Three digits that matter."""
    if math.isnan(number):
        return "–"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{float(f'{number:.3g}'):g}"
