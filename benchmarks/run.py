"""What is fast, against what: measures, compares the answers, and writes the tables of the documents.

A run that is broken off goes on where it was; one that went through is kept in latest.json, beside this file,
until the next.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from documents import DOCUMENTS, blocks, filled
from measuring import Differs, Measured, Task, measure_together, write_input
from results import Comparison, Results, read_results, results_to_go_on
from stages import FOLDER, STAGES, file_of, fingerprint, tasks_of

PUBLISHED = FOLDER / "results.json"
LATEST = {"small": "latest-small.json", "default": "latest.json", "large": "latest-large.json"}
STARTED = time.monotonic()


def measure(results: Results, stages: tuple[str, ...], save_to: Path) -> list[str]:
    """Everything the results do not hold yet, saved comparison by comparison; gives back what went wrong."""
    troubles = []
    with tempfile.TemporaryDirectory() as folder:
        for stage, task, rows in still_to_measure(results, stages):
            try:
                path = input_of(stage, task, rows, Path(folder))
                ways = measure_together(stage, task, rows, path, results.extent, say)
            except Differs as difference:
                troubles.append(f"answers differ: {difference}")
                say(troubles[-1])
                continue
            troubles += failures(task, ways)
            results.add(stage, Comparison(task.name, rows, ways))
            results.save(save_to)
    results.finished = not troubles
    results.save(save_to)
    return troubles


def still_to_measure(results: Results, stages: tuple[str, ...]) -> Iterator[tuple[str, Task, int]]:
    """Each task at each size, those left out that a broken-off run has measured."""
    for stage in stages:
        if tasks := tasks_of(stage):
            results.begin(stage, fingerprint(stage))
        else:
            say(f"{stage}: there is no {file_of(stage).name}")
        for task in tasks:
            for rows in task.sizes.of(results.extent):
                if results.has(stage, task.name, rows):
                    say(f"{stage}: {task.name}, {rows:,} rows: measured before")
                else:
                    yield stage, task, rows


def input_of(stage: str, task: Task, rows: int, folder: Path) -> Path:
    """Where the task's input is; tasks with the same writer share it."""
    if task.write is None:
        return folder / "nothing"
    path = folder / f"{task.write.__module__}-{task.write.__name__}-{rows}"
    if not path.exists():
        say(f"{stage}: {task.write.__name__}, {rows:,} rows")
        write_input(stage, task, rows, path)
    return path


def failures(task: Task, ways: Mapping[str, Measured]) -> Iterator[str]:
    for name, found in ways.items():
        if found.failed and not task.ways[name].may_fail:
            yield f"did not finish: {task.name}, {name}: {found.failed}"


def say(line: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


def tables(results: Results, stages: tuple[str, ...]) -> str:
    """All that results say about these stages, to be read in a terminal."""
    pieces = blocks(results, {stage: tasks_of(stage) for stage in stages})
    return "\n\n".join(piece for piece in pieces.values() if piece)


def fill_documents(results: Results, documents: tuple[Path, ...] = DOCUMENTS) -> Iterator[Path]:
    """Put the results' tables between their marks; gives back the documents that changed."""
    pieces = blocks(results, {stage: tasks_of(stage) for stage in STAGES})
    for path in documents:
        before = path.read_text(encoding="utf-8")
        if (after := filled(before, pieces)) != before:
            path.write_text(after, encoding="utf-8")
            yield path


def parser() -> argparse.ArgumentParser:
    asked = argparse.ArgumentParser(description="Speed and memory against named rivals.")
    extent = asked.add_mutually_exclusive_group()
    extent.add_argument(
        "--small", dest="extent", action="store_const", const="small", help="little data, once"
    )
    extent.add_argument(
        "--large", dest="extent", action="store_const", const="large", help="the longest, too"
    )
    asked.add_argument(
        "--stage", action="append", help=f"only this: {', '.join(STAGES)}, or a file with TASKS"
    )
    asked.add_argument("--fresh", action="store_true", help="forget what a broken-off run has measured")
    asked.add_argument("--results", type=Path, help="file to keep the results in")
    asked.add_argument("--table", action="store_true", help="print the published tables; measure nothing")
    asked.add_argument(
        "--publish", action="store_true", help="publish what was measured last; measure nothing"
    )
    return asked


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    extent = given.extent or "default"
    latest = given.results or FOLDER / LATEST[extent]
    stages = tuple(given.stage or STAGES)
    if given.table or given.publish:
        return show_published(latest if given.publish else None)
    results = results_to_go_on(None if given.fresh else read_results(latest), extent, stages)
    troubles = measure(results, stages, latest)
    print(tables(results, stages))
    for trouble in troubles:
        say(trouble)
    return 1 if troubles else 0


def show_published(latest: Path | None) -> int:
    """Print the published tables; where newer results are given, publish these first."""
    results = read_results(latest or PUBLISHED)
    if results is None or not results.finished:
        print(f"{latest or PUBLISHED} holds no run that went through", file=sys.stderr)
        return 1
    if latest:
        results.save(PUBLISHED)
        print(*fill_documents(results), PUBLISHED, sep="\n", file=sys.stderr)
    print(tables(results, STAGES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
