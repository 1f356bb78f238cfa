"""``workbook kpis`` on the demo company, from the start of the process to its end, and where the time goes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from measuring import Call, Task, Way

WORDS = ("--params", "params/demo.yml", "--period", "2026Q3")
SPLIT = Path(__file__).with_name("kpis_split.py")
PROJECT = Path(__file__).resolve().parents[1]
Make = Callable[[Path, Path], None]


def write_demo_company(path: Path, _: int) -> None:
    """A project folder with the demo company, its settings and its results."""
    from analysis.samples.demo import write_demo

    path.mkdir()
    write_demo(path)
    shutil.copytree(PROJECT / "params", path / "params")
    kpis_in(path)


def kpis_in(folder: Path) -> str:
    command = [sys.executable, "-m", "analysis.cli", "kpis", *WORDS]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def nothing_prepared(path: Path, copy: Path) -> None:
    shutil.copytree(path, copy, ignore=shutil.ignore_patterns(".prepared"))


def without_results(path: Path, copy: Path) -> None:
    shutil.copytree(path, copy, ignore=shutil.ignore_patterns("results"))


def with_results(path: Path, copy: Path) -> None:
    shutil.copytree(path, copy)


def fresh(make: Make, path: Path) -> Path:
    """A copy of the company in the state in which the command is to find it."""
    copy = path.with_name(f"{path.name}-{make.__name__}")
    shutil.rmtree(copy, ignore_errors=True)
    make(path, copy)
    return copy


def command_in(make: Make) -> Way:
    """The command in a company in that state; beside it the seconds of its steps, taken in a run of their own."""

    def prepare(path: Path) -> Call:
        copy = fresh(make, path)

        def call() -> dict[str, float]:
            printed = kpis_in(copy)
            digest = hashlib.sha256(printed.encode()).hexdigest()
            return {"lines": len(printed.splitlines()), "digest": int(digest[:12], 16)}

        return call

    def split(path: Path) -> Mapping[str, float]:
        command = [sys.executable, SPLIT, str(time.time()), *WORDS]
        ran = subprocess.run(command, cwd=fresh(make, path), stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(ran.stdout.splitlines()[-1])

    return Way(prepare, with_children=True, beside=split)


TASKS = (
    Task(
        "workbook kpis of the demo",
        {
            "third time: results kept": command_in(with_results),
            "second time: tables prepared": command_in(without_results),
            "first time: nothing prepared": command_in(nothing_prepared),
        },
        write=write_demo_company,
    ),
)
