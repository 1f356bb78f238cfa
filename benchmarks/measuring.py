"""What is measured and how: every call in a process of its own, rivals in turn, their answers compared."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median

Answer = float | Mapping[str, float]
Call = Callable[[], Answer]
Writer = Callable[[Path, int], None]

MOST_REPEATS = 5
LONG_SECONDS, MIDDLING_SECONDS = 5.0, 1.0
SECONDS_BETWEEN_LOOKS = 0.1
WORKER = Path(__file__).with_name("worker.py")


class Differs(Exception):
    """Two ways of doing the same thing do not answer the same."""


@dataclass(frozen=True)
class Warmed:
    """A call that was made once before, on other data: what that first time cost, compilation included."""

    call: Call
    cold_seconds: float


@dataclass(frozen=True)
class Way:
    """One way of doing a task.

    ``prepare`` loads the input and gives back the call to be timed. Beyond ``at_most`` rows the way is not
    run, or beyond ``at_most_if_large`` in a run that takes its time; below ``at_least`` only in a trial.
    ``is_compared``: it answers the same question as the others. ``with_children``: it starts processes, whose
    memory counts too. ``needs``: a package without which it is left out. ``may_fail``: not to finish is a
    result (out of memory, say). ``beside`` tells, when the clock has stopped, what else is worth knowing of it.
    """

    prepare: Callable[[Path], Call | Warmed]
    at_most: float = math.inf
    at_most_if_large: float = math.inf
    at_least: float = 0
    is_compared: bool = True
    with_children: bool = False
    needs: str | None = None
    may_fail: bool = False
    beside: Callable[[Path], Mapping[str, float]] | None = None

    def is_run_at(self, rows: int, extent: str) -> bool:
        is_there = self.needs is None or find_spec(self.needs) is not None
        most = self.at_most_if_large if extent == "large" else self.at_most
        return is_there and rows <= most and (extent == "small" or rows >= self.at_least)


@dataclass(frozen=True)
class Sizes:
    """Rows of the inputs in a quick trial, in the run whose table is published, and in the long one."""

    small: tuple[int, ...]
    default: tuple[int, ...]
    large: tuple[int, ...] = ()

    def of(self, extent: str) -> tuple[int, ...]:
        return {"small": self.small, "default": self.default, "large": self.large or self.default}[extent]


@dataclass(frozen=True)
class Measured:
    """A call measured several times: each time's seconds, the most memory held (MB), what was answered.

    ``beside``: what else was told of it, by name.
    """

    seconds: list[float]
    megabytes: float
    answer: dict[str, float]
    cold_seconds: float | None = None
    failed: str | None = None
    beside: dict[str, float] = field(default_factory=dict)

    @property
    def typical_seconds(self) -> float:
        return median(self.seconds) if self.seconds else math.nan

    @classmethod
    def over(cls, times: list[Measured]) -> Measured:
        """The same call measured several times, put together."""
        cold = [each.cold_seconds for each in times if each.cold_seconds is not None]
        all_told = [each.beside for each in times if each.beside]
        return cls(
            seconds=[seconds for each in times for seconds in each.seconds],
            megabytes=max(each.megabytes for each in times),
            answer=times[0].answer,
            cold_seconds=median(cold) if cold else None,
            failed=next((each.failed for each in times if each.failed), None),
            beside={name: median(told[name] for told in all_told) for name in times[0].beside},
        )


@dataclass(frozen=True)
class Floor:
    """What a task must reach: a number worked out from its ways, at some number of rows."""

    says: str
    rows: int
    reached: Callable[[Mapping[str, Measured]], float]
    at_least: float = -math.inf
    at_most: float = math.inf

    def is_met_by(self, reached: float) -> bool:
        return self.at_least <= reached <= self.at_most


def times_faster(ours: str, rival: str, rows: int, at_least: float) -> Floor:
    """The rival takes at least so many times as long as ours."""

    def reached(measured: Mapping[str, Measured]) -> float:
        return measured[rival].typical_seconds / measured[ours].typical_seconds

    return Floor(f"{ours}: {rival} takes at least {at_least:g}× as long", rows, reached, at_least=at_least)


def no_slower(ours: str, rival: str, rows: int, at_most: float) -> Floor:
    """Ours takes at most so many times as long as the rival."""

    def reached(measured: Mapping[str, Measured]) -> float:
        return measured[ours].typical_seconds / measured[rival].typical_seconds

    return Floor(f"{ours}: at most {at_most:g}× the time of {rival}", rows, reached, at_most=at_most)


@dataclass(frozen=True)
class Task:
    """What is done, on which input, by us and by whom else. The first way is ours.

    ``write`` makes the input of so many rows at the path it is given (a file or a folder); a task without
    one has no rows, and its ways get a path at which nothing is. ``tolerance`` is relative, for every part
    of the answer or by its name.
    """

    name: str
    ways: Mapping[str, Way]
    write: Writer | None = None
    sizes: Sizes = Sizes((0,), (0,))
    tolerance: float | Mapping[str, float] = 1e-9
    floors: tuple[Floor, ...] = field(default=())

    def tolerance_of(self, part: str) -> float:
        return self.tolerance if isinstance(self.tolerance, float) else self.tolerance[part]


# --- In the process of the call -------------------------------------------------------------------


def measure_here(way: Way, path: Path) -> Measured:
    """The measurement itself, in a process that does nothing else."""
    warnings.simplefilter("ignore")
    call, cold_seconds = way.prepare(path), None
    if isinstance(call, Warmed):
        call, cold_seconds = call.call, call.cold_seconds
    start = time.perf_counter()
    answer = call()
    seconds = time.perf_counter() - start
    parts = answer if isinstance(answer, Mapping) else {"": answer}
    peak = max(own_peak_megabytes(), largest_child_megabytes() if way.with_children else 0.0)
    numbers = {name: float(value) for name, value in parts.items()}
    beside = dict(way.beside(path)) if way.beside else {}
    return Measured([seconds], peak, numbers, cold_seconds, beside=beside)


def own_peak_megabytes() -> float:
    """The most memory this process ever held, its children not included.

    Where the system tells it for this program alone: what getrusage says begins with the parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text().splitlines())
        return next(float(words[1]) for words in lines if words[0] == "VmHWM:") / 1024
    return peak_as_told_of(resource.RUSAGE_SELF)


def largest_child_megabytes() -> float:
    """The most that any one child held, of those that have ended."""
    return peak_as_told_of(resource.RUSAGE_CHILDREN)


def peak_as_told_of(whom: int) -> float:
    return resource.getrusage(whom).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


# --- In the process that asks ---------------------------------------------------------------------


def measure_once(stage: str, task: Task, way: str, path: Path) -> Measured:
    """One measurement in a new process; one that dies is told, with its last words."""
    command = [sys.executable, WORKER, "measure", stage, task.name, way, path]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        Watched(process.pid, task.ways[way].with_children) as watched,
    ):
        said, complained = process.communicate()
    if process.returncode:
        return Measured([], 0.0, {}, failed=last_words(process.returncode, complained))
    found = Measured(**json.loads(said.splitlines()[-1]))
    return replace(found, megabytes=max(found.megabytes, watched.peak))


def last_words(code: int, complained: str) -> str:
    if code < 0:
        return f"killed by signal {-code}"
    return next((line for line in reversed(complained.splitlines()) if line.strip()), f"exit code {code}")


class Watched:
    """While inside, looks at the memory of a process and its children together; ``peak`` is the most (MB)."""

    def __init__(self, pid: int, is_wanted: bool) -> None:
        self.pid, self.peak, self.over = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.look) if is_wanted else None

    def look(self) -> None:
        while not self.over.wait(SECONDS_BETWEEN_LOOKS):
            self.peak = max(self.peak, sum(map(proportional_megabytes, family_of(self.pid))))

    def __enter__(self) -> Watched:
        if self.thread:
            self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.thread:
            self.thread.join()


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it; the process alone where the system does not tell."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def proportional_megabytes(pid: int) -> float:
    """Memory of a process, with what it shares divided among those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0.0


def write_input(stage: str, task: Task, rows: int, path: Path) -> None:
    """Write a task's input, in a process of its own: this one stays small."""
    command = [sys.executable, WORKER, "write", stage, task.name, str(rows), path]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"the input of {task.name} was not written:\n{ran.stderr}")


def wanted_repeats(seconds: float, extent: str) -> int:
    """How often a call is measured: short ones more often, long ones once."""
    if extent == "small" or seconds >= LONG_SECONDS:
        return 1
    return 3 if seconds >= MIDDLING_SECONDS else MOST_REPEATS


def measure_together(
    stage: str, task: Task, rows: int, path: Path, extent: str, say: Callable[[str], None] = print
) -> dict[str, Measured]:
    """Every way of a task on the same input, in turn, as often as each is wanted.

    Raises
    ------
    Differs
        As soon as a way answers otherwise than the first.
    """
    ways = [name for name, way in task.ways.items() if way.is_run_at(rows, extent)]
    times: dict[str, list[Measured]] = {name: [] for name in ways}
    for turn in range(MOST_REPEATS):
        for name in ways:
            if turn and (times[name][0].failed or turn >= wanted_repeats(times[name][0].seconds[0], extent)):
                continue
            times[name].append(measure_once(stage, task, name, path))
            size = f", {rows:,} rows" if rows else ""
            say(f"{stage}: {task.name}{size}, {name}: {heard(times[name][-1])}")
            check_answers(task, {each: found[0] for each, found in times.items() if found})
    return {name: Measured.over(found) for name, found in times.items()}


def heard(once: Measured) -> str:
    return once.failed or f"{once.seconds[0]:.3f} s, {once.megabytes:,.0f} MB"


def check_answers(task: Task, found: Mapping[str, Measured]) -> None:
    """Raise unless all who answer the same question say the same."""
    compared = [name for name in found if task.ways[name].is_compared and not found[name].failed]
    for name in compared[1:]:
        for part, ours, theirs in pairs(found[compared[0]].answer, found[name].answer):
            if not math.isclose(ours, theirs, rel_tol=task.tolerance_of(part)):
                raise Differs(
                    f"{task.name}: {name} answers {part} {theirs!r}, {compared[0]} answers {ours!r}"
                )


def pairs(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """The parts of two answers side by side; a part that one of them lacks is no number."""
    for part in dict.fromkeys([*ours, *theirs]):
        yield part, ours.get(part, math.nan), theirs.get(part, math.nan)
