"""Where the time of ``workbook kpis`` goes: the command as it is, its steps under a stopwatch; told as JSON.

python kpis_split.py STARTED --params PARAMS --period PERIOD, with the time (of the clock) at which it was started.
"""

from __future__ import annotations

import builtins
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

# The functions that are a step, by the module from which they are called.
STEPS: dict[str, dict[str, str]] = {
    "analysis.facts.book": {"prepare": "prepare"},
    "analysis.suite.everything": {
        "measure": "measure", "_fit_all": "models", "_with_derived": "compare", "find_changes": "compare",
        "measure_cohorts": "compare", "reconcile": "compare",
    },
    "analysis.report.terminal": {"kpi_table": "print"},
}  # fmt: skip


class Stopwatch:
    """Seconds by step; while one step runs inside another, only the inner one's time runs."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.running, self.since = ["other"], time.perf_counter()

    def look(self) -> None:
        now = time.perf_counter()
        self.seconds[self.running[-1]] += now - self.since
        self.since = now

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.look()
        self.running.append(name)
        try:
            yield
        finally:
            self.look()
            self.running.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def inside(*given: Any, **named: Any) -> Any:
            with self.step(name):
                return function(*given, **named)

        return inside


def watch_imports(watch: Stopwatch) -> None:
    """Time every import of what is not loaded yet, and the steps of a module once it is."""
    real, waiting = builtins.__import__, dict(STEPS)

    def importing(name: str, *given: Any, **named: Any) -> ModuleType:
        if name in sys.modules:
            return arrived(real(name, *given, **named))
        with watch.step("import"):
            return arrived(real(name, *given, **named))

    def arrived(module: ModuleType) -> ModuleType:
        for name in [name for name in waiting if is_loaded(name)]:
            loaded = sys.modules[name]
            for function, step in waiting.pop(name).items():
                setattr(loaded, function, watch.timed(step, getattr(loaded, function)))
        return module

    builtins.__import__ = importing


def is_loaded(name: str) -> bool:
    """Whether a module has been run to its end."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def main(started: str, *words: str) -> None:
    watch = Stopwatch()
    watch.seconds["import"] = time.time() - float(started)  # the interpreter's own start
    watch_imports(watch)
    from analysis.cli import app

    with redirect_stdout(StringIO()):
        app(["kpis", *words], standalone_mode=False)
    watch.look()
    steps = ("import", "prepare", "measure", "models", "compare", "print", "other")
    print(json.dumps({name: watch.seconds[name] for name in steps}))


if __name__ == "__main__":
    main(*sys.argv[1:])
