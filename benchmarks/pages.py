"""Five quarters of reports, all pages in both languages: notebooks executed, HTML rendered."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from measuring import Call, Sizes, Task, Way, times_faster

PROJECT = Path(__file__).resolve().parents[1]
PARAMS = "params/cdnow.yml"
QUARTERS = ("1997Q2", "1997Q3", "1997Q4", "1998Q1", "1998Q2")
PAGES = 4  # of each quarter
LANGUAGES = ("en", "zh")


def write_project(path: Path, _: int) -> None:
    """A project folder with the CDNOW sample and its settings, nothing prepared and nothing measured."""
    from analysis.samples.cdnow import write_cdnow

    path.mkdir()
    write_cdnow(path)
    shutil.copytree(PROJECT / "params", path / "params")


def fresh(way: Callable[[Path, int], Iterable[str]]) -> Callable[[Path], Call]:
    """A call in a copy of the project of its own; it answers what the pages hold that were made."""

    def prepare(path: Path) -> Call:
        import papermill  # noqa: F401

        import analysis.report.run  # noqa: F401  what everybody has imported before the clock starts

        quarters = int(path.name.rpartition("-")[2]) // PAGES
        folder = Path(tempfile.mkdtemp(prefix="project-", dir=path.parent))
        shutil.copytree(path, folder, dirs_exist_ok=True)
        os.chdir(folder)
        return lambda: _counted(way(folder, quarters))

    return prepare


def _counted(pages: Iterable[str]) -> dict[str, float]:
    made = list(pages)
    return {
        "pages": float(len(made)),
        "tables": float(sum(page.count("<table") for page in made)),
        "figures": float(sum(page.count("<img") for page in made)),
    }


def ours(folder: Path, quarters: int) -> list[str]:
    """The workbook: measured once, kernels forked from one process."""
    from analysis.params import load_params
    from analysis.periods import parse_period
    from analysis.report.run import run_reports

    settings = load_params(PARAMS, {"analyst_edition": False, "pdf": False})  # the others make neither
    periods = [parse_period(quarter, 1) for quarter in QUARTERS[:quarters]]
    runs = list(run_reports(settings, periods, params_argument=PARAMS, languages=LANGUAGES))
    return [
        (run.folder / language / f"{Path(one.page.notebook).stem}.html").read_text(encoding="utf-8")
        for run in runs
        for one in run.pages
        for language in LANGUAGES
    ]


def plain(folder: Path, quarters: int) -> list[str]:
    """Papermill with a plain kernel for each page, then nbconvert for each language, one by one."""
    import nbformat
    import papermill

    pages = []
    for quarter in QUARTERS[:quarters]:
        for source in notebooks():
            target = folder / f"{quarter}-{source.name}"
            papermill.execute_notebook(
                str(source), str(target), {"period": quarter, "params": PARAMS}, kernel_name="python3",
                progress_bar=False,
            )  # fmt: skip
            pages += rendered(nbformat.read(target, as_version=4), quarter)
    return pages


def own_work(_: Path, quarters: int) -> list[str]:
    """The pages' cells in one process that has imported everything, and the rendering: what no batch can save."""
    shell = _warm_shell()
    return [
        page
        for quarter in QUARTERS[:quarters]
        for source in notebooks()
        for page in _in(shell, source, quarter)
    ]


def _warm_shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def _in(shell: Any, source: Path, quarter: str) -> list[str]:
    import nbformat
    from IPython.utils.capture import capture_output
    from nbformat.v4 import new_output

    notebook = nbformat.read(source, as_version=4)
    shell.reset(new_session=True)
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        is_parameters = "parameters" in cell.metadata.get("tags", ())
        code = f"period = {quarter!r}\nparams = {PARAMS!r}" if is_parameters else cell.source
        with capture_output() as captured:
            shell.run_cell(code).raise_error()
        cell.execution_count = number
        cell.outputs = [
            new_output("display_data", shown.data, metadata=shown.metadata) for shown in captured.outputs
        ]
    return rendered(notebook, quarter)


def measuring(_: Path, quarters: int) -> list[str]:
    """The measuring alone, which is part of every way."""
    from analysis import measure_suite, open_book

    for quarter in QUARTERS[:quarters]:
        measure_suite(open_book(PARAMS, quarter))
    return []


def notebooks() -> list[Path]:
    """The pages of a report on orders alone."""
    from analysis.params import load_params
    from analysis.report.pages.definitions import pages_of

    params = load_params(PARAMS)
    return [PROJECT / "notebooks" / params.pages[name].notebook for name in pages_of(params)]


def rendered(notebook: Any, quarter: str) -> list[str]:
    """A page in each language, by nbconvert with the workbook's template."""
    from analysis.report.html import render_page

    header = {"company": "CDNOW", "period": quarter, "run": "0"}
    return [render_page(notebook, language=language, header=header) for language in LANGUAGES]


def warm(way: Callable[[Path, int], Iterable[str]]) -> Callable[[Path], Call]:
    """The same, in a process that has imported all that pages use."""

    def prepare(path: Path) -> Call:
        from analysis.report.kernel_server import import_everything, rehearse

        import_everything()
        rehearse()
        os.environ["MPLBACKEND"] = "agg"
        return fresh(way)(path)

    return prepare


SIZES = Sizes(small=(PAGES,), default=(PAGES * len(QUARTERS),))
OURS, PLAIN = "workbook", "papermill + nbconvert"

TASKS = (
    Task(
        "quarterly reports, all pages",
        {
            OURS: Way(fresh(ours), with_children=True),
            PLAIN: Way(fresh(plain), with_children=True),
            "the pages' own work, one process": Way(warm(own_work)),
        },
        write=write_project,
        sizes=SIZES,
        floors=(times_faster(OURS, PLAIN, PAGES * len(QUARTERS), 5.0),),
    ),
    Task("measuring them, part of each way", {OURS: Way(warm(measuring))}, write=write_project, sizes=SIZES),
)
