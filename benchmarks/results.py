"""What was measured, when, on which machine, with which versions and which code; kept as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from measuring import Measured

PACKAGES = (
    "duckdb",
    "lifetimes",
    "matplotlib",
    "nbconvert",
    "numba",
    "numpy",
    "pandas",
    "papermill",
    "polars",
    "pyarrow",
    "scipy",
)


@dataclass(frozen=True)
class Comparison:
    """The ways of one task at one number of rows, measured in turn; ours first."""

    task: str
    rows: int
    ways: dict[str, Measured]


@dataclass
class StageResults:
    """What one stage gave. ``code`` changes with whatever could change what is measured."""

    code: str
    date: str
    machine: str
    versions: dict[str, str]
    comparisons: list[Comparison] = field(default_factory=list)


@dataclass
class Results:
    """All stages; ``finished`` when the run went through, so that the next one begins anew."""

    extent: str
    finished: bool = False
    stages: dict[str, StageResults] = field(default_factory=dict)

    def begin(self, stage: str, code: str) -> None:
        """Keep what the stage gave with the same code, here; otherwise start it anew."""
        fresh = StageResults(code, datetime.now(UTC).date().isoformat(), machine(), versions())
        kept = self.stages.get(stage)
        if kept is None or (kept.code, kept.machine, kept.versions) != (code, fresh.machine, fresh.versions):
            self.stages[stage] = fresh

    def has(self, stage: str, task: str, rows: int) -> bool:
        """Whether all ways of this comparison came to an end."""
        kept = (each for each in self.stages[stage].comparisons if (each.task, each.rows) == (task, rows))
        return any(not any(way.failed for way in each.ways.values()) for each in kept)

    def add(self, stage: str, comparison: Comparison) -> None:
        """Put the comparison in, in place of an earlier one of the same task and size."""
        named = (comparison.task, comparison.rows)
        others = [each for each in self.stages[stage].comparisons if (each.task, each.rows) != named]
        self.stages[stage].comparisons = [*others, comparison]

    def comparisons(self) -> Iterator[tuple[str, Comparison]]:
        for stage, found in self.stages.items():
            for comparison in found.comparisons:
                yield stage, comparison

    def about(self, stages: Iterable[str]) -> Results:
        """The results of these stages, in this order."""
        return replace(self, stages={name: self.stages[name] for name in stages if name in self.stages})

    def save(self, path: Path) -> None:
        """Written aside and renamed, so that a run broken off leaves what it had."""
        aside = path.with_suffix(".aside")
        aside.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        aside.replace(path)


def read_results(path: Path) -> Results | None:
    """The results in a file; None where there is none."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    stages = {name: stage_from(found) for name, found in stored["stages"].items()}
    return Results(stored["extent"], stored["finished"], stages)


def stage_from(stored: Mapping[str, Any]) -> StageResults:
    comparisons = [
        Comparison(each["task"], each["rows"], {way: Measured(**got) for way, got in each["ways"].items()})
        for each in stored["comparisons"]
    ]
    return StageResults(**{**stored, "comparisons": comparisons})


def results_to_go_on(found: Results | None, extent: str, stages: tuple[str, ...]) -> Results:
    """Where a run begins: at what a broken-off run left, else at nothing of the stages it is about."""
    if found is None or found.extent != extent:
        return Results(extent)
    if found.finished:
        return Results(extent, stages={n: each for n, each in found.stages.items() if n not in stages})
    return found


def machine() -> str:
    """Cores, processor, memory and system, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{cores} cores of {processor()}, {memory:.0f} GB, {platform.system()}"


def processor() -> str:
    """The processor's name, as the system gives it."""
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """Python and the packages that take part, as installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
