"""What starting costs: importing the package, and commands that have little or nothing to work out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measuring import Answer, Call, Floor, Measured, Sizes, Task, Way

HEAVY = {
    "IPython", "bs4", "duckdb", "ipykernel", "jinja2", "jupyter_client", "lifetimes", "matplotlib", "nbconvert",
    "nbformat", "numba", "numpy", "pandas", "papermill", "polars", "pyarrow", "pyspark", "rich", "scipy", "seaborn",
    "sqlglot", "statsmodels",
}  # fmt: skip
CDNOW = ("--params", "params/cdnow.yml", "--period", "1997Q4")


def heavy_after(statement: str, folder: Path | None = None) -> dict[str, float]:
    """How many heavy packages a fresh process has imported when it has done this."""
    count = f"print(len({HEAVY!r} & {{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
    code = f"import sys\ntry:\n    {statement}\nfinally:\n    {count}"
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return {"heavy packages": float(ran.stderr.splitlines()[-1])}


def importing(statement: str) -> Callable[[Path], Call]:
    """A call that runs an import statement in a process that has not imported anything yet."""

    def prepare(_: Path) -> Call:
        counted = heavy_after(statement)

        def call() -> Answer:
            exec(statement, {})
            return counted

        return call

    return prepare


def workbook(*words: str) -> Callable[[Path], Call]:
    """A call of the command line, from starting the process to its end."""

    def prepare(_: Path) -> Call:
        counted = heavy_after(f"from analysis.cli import app; app({list(words)!r}, standalone_mode=False)")
        return running("-m", "analysis.cli", *words, answer=counted)

    return prepare


def python(statement: str) -> Callable[[Path], Call]:
    """The same of Python with one statement."""
    return lambda _: running("-c", statement, answer={"heavy packages": 0.0})


def running(*words: str, answer: Answer, folder: Path | None = None) -> Call:
    def call() -> Answer:
        subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        return answer

    return call


# --- A company whose results are read back, or worked out -----------------------------------------


def write_cdnow_company(path: Path, _: int) -> None:
    """A project folder with the CDNOW sample, its settings and its results."""
    from analysis.samples.cdnow import write_cdnow

    path.mkdir()
    write_cdnow(path)
    project = Path(__file__).resolve().parents[1]
    shutil.copytree(project / "params", path / "params")
    kpis_of(path)()


def kpis_of(folder: Path) -> Call:
    return running("-m", "analysis.cli", "kpis", *CDNOW, answer=0.0, folder=folder)


def kpis_at_first(path: Path) -> Call:
    """In a folder without results: the file is read and checked, everything is measured and fitted."""
    bare = path.with_name(f"{path.name}-bare")
    shutil.rmtree(bare, ignore_errors=True)
    shutil.copytree(path, bare, ignore=shutil.ignore_patterns(".prepared"))
    return kpis_of(bare)


def nothing_heavy(way: str) -> Floor:
    """None of the heavy packages is imported."""

    def reached(measured: Mapping[str, Measured]) -> float:
        return measured[way].answer["heavy packages"]

    return Floor("no heavy package imported (pandas, matplotlib, scipy, …)", 0, reached, at_most=0)


def command(*words: str, rival: str) -> Task:
    """A command beside the Python statement that it cannot be faster than."""
    name = f"workbook {' '.join(words)}"
    ways = {
        name: Way(workbook(*words), with_children=True),
        f"python -c '{rival}'": Way(python(rival), with_children=True, is_compared=False),
    }
    return Task(name, ways, floors=(nothing_heavy(name),))


TASKS = (
    Task(
        "import analysis",
        {
            "import analysis": Way(importing("import analysis")),
            "what measuring needs": Way(
                importing("from analysis import measure_suite, open_book"), is_compared=False
            ),
            "import pandas": Way(importing("import pandas"), is_compared=False),
            "import lifetimes": Way(importing("import lifetimes"), is_compared=False),
        },
        floors=(nothing_heavy("import analysis"),),
    ),
    command("--help", rival="pass"),
    command("metrics", rival="import typer, pydantic, yaml"),
    Task(
        "workbook kpis of CDNOW",
        {
            "read back": Way(kpis_of, with_children=True),
            "worked out": Way(kpis_at_first, with_children=True),
            "python -c 'import pandas, duckdb'": Way(
                python("import pandas, duckdb"), with_children=True, is_compared=False
            ),
        },
        write=write_cdnow_company,
        sizes=Sizes(small=(69_659,), default=(69_659,)),
    ),
)
