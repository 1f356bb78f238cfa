"""The pages of a run executed, a few at a time: each in a kernel of its own, within a time of its own."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from analysis.catalogue import Page
from analysis.report.html import PageBody, PageError, gap_body, has_gaps, page_body
from analysis.report.kernels import WarmKernels
from analysis.report.per_language import LANGUAGES_VARIABLE
from analysis.report.progress import Progress, Teller, seconds_left
from analysis.report.run_folder import NO_ROOM, MadePage, PageOrigin, RunFolder, record_page, sha256

SECONDS_BETWEEN_LOOKS = 0.5
WORKERS = max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Pages at a time, as many as there are cores; each has a kernel of its own."""
ENGINE = "workbook"  # papermill's name for `KeepingEngine`
STEPS = ("measuring", "pages", "putting together")
_EXPORTER = threading.Lock()  # nbconvert's exporter is one, and pages are made in several threads


@dataclass(frozen=True)
class PageRun:
    """How one page fared: ``whole``, or ``failed`` with the error's last line; and what it says, by language.

    ``seconds`` is what executing it took, in this run or, where ``is_taken_over``, in the one it comes from.
    """

    page: Page
    notebook: Path
    status: str
    error: str = ""
    seconds: float = 0.0
    bodies: Mapping[str, PageBody] = field(default_factory=dict, repr=False)
    origin: PageOrigin | None = field(default=None, repr=False)
    is_taken_over: bool = False


@dataclass(frozen=True)
class Job:
    """A page to be made: from which notebook, into which, and what it is made of."""

    page: Page
    source: Path
    target: Path
    origin: PageOrigin


def origin_of(source: Path, run: str, languages: Sequence[str]) -> PageOrigin:
    """What the page of this notebook is made of in a run."""
    return PageOrigin(run, tuple(languages), sha256(source))


class Clock:
    """What a run has done so far and how long that took; tells those who wait for it."""

    def __init__(self, report: str, of: int, earlier: Mapping[str, float], tell: Teller) -> None:
        self.report, self.of, self.earlier, self.tell = report, of, earlier, tell
        self.began: dict[str, float] = {}
        self.taken_over: dict[str, str] = {}

    def says(self, step: str, words: str = "") -> None:
        """A step has begun; it is told in its own words or in these."""
        self.began.setdefault(step, time.monotonic())
        if step != "pages":
            left = self.earlier.get(step)
            if step == "measuring" and left is not None:
                left += self.earlier.get("pages", 0.0) + self.earlier.get("putting together", 0.0)
            self.tell(Progress(self.report, words or step, self.of, seconds_left=None if words else left))

    def takes_over(self, pages: Sequence[str], others: Sequence[str]) -> None:
        """These pages need not be made, the others do."""
        self.taken_over = dict.fromkeys(pages, "whole")
        if pages:
            self.pages_said({}, {}, others, is_news=True)

    def pages_said(
        self, done: Mapping[str, PageRun], running: Mapping[str, float], waiting: Sequence[str], is_news: bool
    ) -> None:
        """Some pages are done, some are being made, some wait."""
        expected = {**self.earlier, **{page: one.seconds for page, one in done.items()}}
        steps = {step: expected.pop(step, 0.0) for step in STEPS}
        left = seconds_left(expected, running, waiting, WORKERS)
        left = None if left is None else left + steps["putting together"]
        statuses = self.taken_over | {page: one.status for page, one in done.items()}
        kept = len(self.taken_over)
        self.tell(Progress(self.report, "pages", self.of, statuses, running, left, is_news, kept))

    def seconds(self) -> dict[str, float]:
        """How long each step took; the last one until now."""
        times = [*self.began.values(), time.monotonic()]
        spans = zip(self.began, times, times[1:], strict=False)
        return {step: round(end - start, 2) for step, start, end in spans}


def execute(
    jobs: Sequence[Job],
    parameters: Mapping[str, str],
    kernels: WarmKernels,
    clock: Clock,
    folder: RunFolder,
    page_seconds: float,
    taken: Mapping[str, MadePage],
) -> list[PageRun]:
    """Every page made, a few at a time, the longest first; a page that fails does not stop the others.

    Parameters
    ----------
    page_seconds
        How long a page may take; then it fails.
    taken
        Pages that a run before has executed; they are only set.

    Raises
    ------
    OSError
        If the disk takes nothing more.
    """
    started: dict[str, float] = {}

    def make(job: Job) -> PageRun:
        if (made := taken.get(job.page.id)) is not None:
            return _set_again(job, made)
        started[job.page.id] = time.monotonic()
        return _execute_page(job, dict(parameters), kernels, folder, page_seconds)

    pool = ThreadPoolExecutor(WORKERS)
    order = sorted(jobs, key=lambda job: (job.page.id not in taken, -clock.earlier.get(job.page.id, 0.0)))
    try:
        futures = {pool.submit(make, job): job.page.id for job in order}
        done = _await(futures, started, clock)
    except BaseException as error:
        if not isinstance(error, Exception):  # interrupted: pages being made end with their kernels
            kernels.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [done[job.page.id] for job in jobs]


def _await(
    futures: Mapping[Future[PageRun], str], started: Mapping[str, float], clock: Clock
) -> dict[str, PageRun]:
    """Every page once it is done, told as it goes."""
    done: dict[str, PageRun] = {}
    while waiting_for := [future for future, page in futures.items() if page not in done]:
        ended, _ = wait(waiting_for, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
        done |= {futures[future]: future.result() for future in ended}
        now, left = (
            time.monotonic(),
            [page for page in futures.values() if page not in done | clock.taken_over],
        )
        running = {page: now - started[page] for page in left if page in started}
        is_news = any(futures[future] not in clock.taken_over for future in ended)
        clock.pages_said(done, running, [page for page in left if page not in running], is_news)
    return done


def _execute_page(
    job: Job, parameters: dict[str, str], kernels: WarmKernels, folder: RunFolder, page_seconds: float
) -> PageRun:
    """One page executed by papermill and set in every language."""
    began = time.monotonic()
    error = _run_notebook(job, parameters, kernels, page_seconds)
    notebook = nbformat.read(job.target, as_version=4)
    bodies, unfit = _bodies(job, notebook)
    error = error or unfit
    status = "failed" if error or has_gaps(notebook) else "whole"
    seconds = round(time.monotonic() - began, 2)
    if status == "whole":
        record_page(folder, job.page.id, job.target, job.origin, seconds)
    return PageRun(job.page, job.target, status, error, seconds, bodies, job.origin)


def _set_again(job: Job, made: MadePage) -> PageRun:
    """A page that was executed before, set in every language."""
    bodies, unfit = _bodies(job, nbformat.read(made.notebook, as_version=4))
    status = "failed" if unfit else "whole"
    return PageRun(job.page, job.target, status, unfit, made.seconds, bodies, job.origin, is_taken_over=True)


# --- executing ------------------------------------------------------------------------------------


class KeepingEngine(NBClientEngine):
    """Papermill's own engine, but for what becomes of a page whose kernel dies or that takes too long.

    Such an error is written into the cell at which it happened, as one that the cell itself raises is: so the
    notebook keeps what was there before, shows where it stopped, and its page has a gap there.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Execute every cell, up to the first that fails."""
        limit = options.pop("page_seconds")
        options["timeout_func"] = _until(limit)
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        except TimeoutError:
            _write_error(nb_man.nb, "PageTimeout", f"the page takes longer than {_minutes(limit)}")
        except Exception as error:  # a dead kernel, or one that did not start
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            _write_error(nb_man.nb, type(error).__name__, " ".join(str(error).split()))


def _until(limit: float) -> Callable[[NotebookNode], int]:
    """What is left of a page's time, in seconds, as its cells begin; it starts with the first of them."""
    ends: list[float] = []

    def left(_: NotebookNode) -> int:
        ends.append(time.monotonic() + limit)
        return max(1, math.ceil(ends[0] - time.monotonic()))

    return left


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} min (setting page_timeout_minutes)"


def _write_error(notebook: NotebookNode, name: str, said: str) -> None:
    """Give the cell that was being executed an error as its last output."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begun = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    error = nbformat.v4.new_output("error", ename=name, evalue=said, traceback=[f"{name}: {said}"])
    [*_, at] = begun or cells[:1] or [nbformat.v4.new_code_cell()]
    if at not in notebook.cells:
        notebook.cells.append(at)
    kept = [
        output for output in at.outputs if output.output_type != "error"
    ]  # that of being ended is no news
    at.outputs = [*kept, error]


def _run_notebook(job: Job, parameters: dict[str, str], kernels: WarmKernels, page_seconds: float) -> str:
    """Execute a notebook into its target; what went wrong, or nothing."""
    import papermill

    papermill_engines.register(ENGINE, KeepingEngine)
    environment = {LANGUAGES_VARIABLE: ",".join(job.origin.languages)}
    try:
        papermill.execute_notebook(
            str(job.source), str(job.target), parameters=parameters, kernel_name="python3", progress_bar=False,
            log_output=False, extra_arguments=["--IPKernelApp.log_level=CRITICAL"], engine_name=ENGINE,
            kernel_manager_class=kernels.manager_class(environment), page_seconds=page_seconds,
            request_save_on_cell_execute=False,  # whole at the end, not again and again as it grows
        )  # fmt: skip
    except PapermillExecutionError as error:
        return _one_line(error.ename, error.evalue)
    except Exception as error:  # a notebook that cannot be read: the page fails, the others go on
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        said = _one_line(type(error).__name__, error)
        _write_gap(job.target, type(error).__name__, said.partition(": ")[2])
        return said
    return ""


def _one_line(name: str, said: Any) -> str:
    return f"{name}: {said}".strip().splitlines()[0]


def _write_gap(target: Path, name: str, said: str) -> None:
    """A notebook that holds nothing but an error."""
    notebook = nbformat.v4.new_notebook()
    _write_error(notebook, name, said)
    nbformat.write(notebook, target)


# --- setting --------------------------------------------------------------------------------------


def _bodies(job: Job, notebook: NotebookNode) -> tuple[dict[str, PageBody], str]:
    """What a page says in every language, and why it is not fit to be shown, if it is not; then it is all gap."""
    languages = job.origin.languages
    try:
        with _EXPORTER:
            return {language: page_body(notebook, language=language) for language in languages}, ""
    except PageError as unfit:  # such as a figure nobody has described: this page fails, not the report
        title = job.page.title
        return {language: gap_body(title.in_(language), language) for language in languages}, str(unfit)
