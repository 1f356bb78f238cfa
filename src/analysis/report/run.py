"""One run: every page of a period executed and rendered into a folder that is whole or absent.

The folder is written aside and renamed when whole. A run in which a page failed is kept beside as PARTIAL and
never replaces a whole one.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup

from analysis.catalogue import Page, label, load_catalogue
from analysis.errors import InputError
from analysis.facts import Book, open_book
from analysis.params import Params, code_hash
from analysis.periods import Period, Window
from analysis.report.editions import index_page, single_file
from analysis.report.html import PageBody, PageLink, check_page, has_gaps, page_body, page_of, read_page
from analysis.report.kernels import WarmKernels, warm_kernels
from analysis.report.pages.definitions import pages_of
from analysis.report.per_language import LANGUAGES_VARIABLE
from analysis.report.progress import Progress, Teller, seconds_left, tell_nobody
from analysis.suite import Results, measure_suite
from analysis.tables.prepared import write_rejected_csv

RUN_FILE = "run.json"
SECONDS_BETWEEN_LOOKS = 0.5
WORKERS = max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Pages at a time, as many as there are cores; each has a kernel of its own."""
_EXPORTER = threading.Lock()  # nbconvert's exporter is one, and pages are made in several threads


class RunError(InputError):
    """A run that cannot begin; the message says what to do."""


@dataclass(frozen=True)
class PageRun:
    """How one page fared: ``whole``, or ``failed`` with the error's last line; and what it says, by language."""

    page: Page
    notebook: Path
    status: str
    error: str = ""
    seconds: float = 0.0
    bodies: Mapping[str, PageBody] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Run:
    """A finished run: where it is, and how each page fared."""

    folder: Path
    index: Path
    pages: tuple[PageRun, ...]
    results: Results

    @property
    def is_whole(self) -> bool:
        """Whether every page could be made."""
        return all(page.status == "whole" for page in self.pages)


def run_report(
    params: Params,
    period: Period,
    *,
    params_argument: str,
    pages: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    out: Path | None = None,
    progress: Teller = tell_nobody,
    kernels: WarmKernels | None = None,
    measured: Future[Results] | None = None,
) -> Run:
    """Execute and render the pages of a period into ``reports/<company>/<period>/``.

    Parameters
    ----------
    params_argument
        The params file as the notebooks are to be given it.
    pages, languages
        Those of the settings if not given, pages without any of their tables left out.
    out
        Folder for the company's reports; ``reports/<company>`` below the project if not given.
    progress
        Told where the run stands, at each step and every half second while pages are made.
    kernels
        Those of a batch of reports, made by ``warm_kernels()``; the run has its own if not given.
    measured
        The results, where somebody else measures them; see ``run_reports``.

    Raises
    ------
    ParamsError, PeriodError, TablesError, MissingFont, RunError
        Before any page is begun and before anything is written.
    """
    from analysis.report.figures.style import check_fonts

    languages = tuple(languages or params.settings.languages)
    chosen = [load_catalogue().pages[name] for name in pages or pages_of(params)]
    notebooks = {page.id: find_notebook(page) for page in chosen}
    folder = (out or params.root / "reports" / params.company_id).resolve() / period.label
    # Kernels warm up while the suite is measured.
    with nullcontext(kernels) if kernels else warm_kernels() as kernels:
        check_fonts(languages)
        clock = _Clock(
            f"{params.settings.company} {period.label}", len(chosen), earlier_seconds(folder), progress
        )
        clock.says("measuring")
        results = measured.result() if measured else _measure(params, period)
        with _written_aside(folder) as aside:
            clock.says("pages")
            jobs = [_Job(page, notebooks[page.id], aside / "notebooks" / page.notebook) for page in chosen]
            given = {"period": period.label, "params": params_argument}
            made = _execute(jobs, given, languages, kernels, clock)
            clock.says("putting together")
            _render(made, aside, results, languages)
            _write_numbers(aside, results)
            _write_evidence(aside, results)
            _write_record(aside, results, made, languages, kernels, clock.seconds())
            final = _final_folder(folder, made, pages)
            _put_in_place(aside, final)
    first = final / languages[0] / "index.html"
    return Run(final, first, tuple(made), results)


def run_reports(
    params: Params, periods: Sequence[Period], *, kernels: WarmKernels | None = None, **options: Any
) -> Iterator[Run]:
    """The reports of several periods in turn; while the pages of one are made, the next is measured already.

    Takes what ``run_report`` takes and raises what it raises, each when the period's turn has come.
    """
    with nullcontext(kernels) if kernels else warm_kernels() as kernels, ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(_measure, params, period) for period in periods[:1] if len(periods) > 1]
        for period, following in zip(periods, [*periods[1:], None], strict=True):
            measured = ahead.pop() if ahead else None
            if following is not None:
                ahead.append(pool.submit(_measure, params, following))
            yield run_report(params, period, kernels=kernels, measured=measured, **options)


def _measure(params: Params, period: Period) -> Results:
    return measure_suite(open_book(params, period))


def earlier_seconds(folder: Path) -> dict[str, float]:
    """How long each page, and each step of a run, took the last time; empty where there was none."""
    try:
        record = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        pages = {page: float(told["seconds"]) for page, told in record["pages"].items()}
        return pages | {step: float(taken) for step, taken in record["seconds"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def find_notebook(page: Page) -> Path:
    """The notebook of a page.

    Raises
    ------
    RunError
        If it is not there.
    """
    path = Path(__file__).resolve().parents[3] / "notebooks" / page.notebook
    if not path.is_file():
        raise RunError(f"the notebook of page {page.id} is missing: {path}")
    return path


@dataclass(frozen=True)
class _Job:
    """A page to be made: from which notebook, into which."""

    page: Page
    source: Path
    target: Path


class _Clock:
    """What a run has done so far and how long that took; tells those who wait for it."""

    def __init__(self, report: str, of: int, earlier: Mapping[str, float], tell: Teller) -> None:
        self.report, self.of, self.earlier, self.tell = report, of, earlier, tell
        self.began: dict[str, float] = {}

    def says(self, step: str) -> None:
        """A step has begun."""
        self.began[step] = time.monotonic()
        if step != "pages":
            left = self.earlier.get(step)
            if step == "measuring" and left is not None:
                left += self.earlier.get("pages", 0.0) + self.earlier.get("putting together", 0.0)
            self.tell(Progress(self.report, step, self.of, seconds_left=left))

    def pages_said(
        self, done: Mapping[str, PageRun], running: Mapping[str, float], waiting: Sequence[str], is_news: bool
    ) -> None:
        """Some pages are done, some are being made, some wait."""
        expected = {**self.earlier, **{page: one.seconds for page, one in done.items()}}
        steps = {step: expected.pop(step, 0.0) for step in ("measuring", "pages", "putting together")}
        left = seconds_left(expected, running, waiting, WORKERS)
        left = None if left is None else left + steps["putting together"]
        statuses = {page: one.status for page, one in done.items()}
        self.tell(Progress(self.report, "pages", self.of, statuses, running, left, is_news))

    def seconds(self) -> dict[str, float]:
        """How long each step took; the last one until now."""
        times = [*self.began.values(), time.monotonic()]
        spans = zip(self.began, times, times[1:], strict=False)
        return {step: round(end - start, 2) for step, start, end in spans}


def _execute(
    jobs: Sequence[_Job],
    parameters: Mapping[str, str],
    languages: Sequence[str],
    kernels: WarmKernels,
    clock: _Clock,
) -> list[PageRun]:
    """Every page executed, a few at a time, the longest first; a page that fails does not stop the others."""
    for job in jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    started: dict[str, float] = {}

    def make(job: _Job) -> PageRun:
        started[job.page.id] = time.monotonic()
        return _execute_page(job, dict(parameters), languages, kernels)

    pool = ThreadPoolExecutor(WORKERS)
    order = sorted(jobs, key=lambda job: -clock.earlier.get(job.page.id, 0.0))
    futures = {pool.submit(make, job): job.page.id for job in order}
    try:
        done = _await(futures, started, clock)
    except BaseException as error:
        if not isinstance(error, Exception):  # interrupted: pages being made end with their kernels
            kernels.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [done[job.page.id] for job in jobs]


def _await(
    futures: Mapping[Future[PageRun], str], started: Mapping[str, float], clock: _Clock
) -> dict[str, PageRun]:
    """Every page once it is done, told as it goes."""
    done: dict[str, PageRun] = {}
    while waiting_for := [future for future, page in futures.items() if page not in done]:
        ended, _ = wait(waiting_for, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
        done |= {futures[future]: future.result() for future in ended}
        now, left = time.monotonic(), [page for page in futures.values() if page not in done]
        running = {page: now - started[page] for page in left if page in started}
        clock.pages_said(done, running, [page for page in left if page not in running], bool(ended))
    return done


def _execute_page(
    job: _Job, parameters: dict[str, str], languages: Sequence[str], kernels: WarmKernels
) -> PageRun:
    """One page executed by papermill and set in every language."""
    began = time.monotonic()
    status, error = _run_notebook(job, parameters, languages, kernels)
    notebook = nbformat.read(job.target, as_version=4)
    if has_gaps(notebook):
        status = "failed"
    with _EXPORTER:
        bodies = {language: page_body(notebook, language=language) for language in languages}
    return PageRun(job.page, job.target, status, error, round(time.monotonic() - began, 2), bodies)


def _run_notebook(
    job: _Job, parameters: dict[str, str], languages: Sequence[str], kernels: WarmKernels
) -> tuple[str, str]:
    """Status and error of a notebook that papermill has executed into its target."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    environment = {LANGUAGES_VARIABLE: ",".join(languages)}
    try:
        papermill.execute_notebook(
            str(job.source), str(job.target), parameters=parameters, kernel_name="python3", progress_bar=False,
            log_output=False, extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            kernel_manager_class=kernels.manager_class(environment),
            request_save_on_cell_execute=False,  # whole at the end, not again and again as it grows
        )  # fmt: skip
    except PapermillExecutionError as error:
        return "failed", f"{error.ename}: {error.evalue}".splitlines()[0]
    except Exception as error:  # a dead kernel, a full disk: the page fails, the others go on
        if not job.target.is_file():
            shutil.copy(job.source, job.target)
        return "failed", f"{type(error).__name__}: {error}".splitlines()[0]
    return "whole", ""


def _render(made: Sequence[PageRun], folder: Path, results: Results, languages: Sequence[str]) -> None:
    """HTML per language: a page each, the index, and everything in one file."""
    for language in languages:
        target = folder / language
        target.mkdir()
        header = page_header(results, made, language)
        links = [_link(one, language) for one in made]
        pages = {}
        for one, link in zip(made, links, strict=True):
            others = {other: f"../{other}/{link.href}" for other in languages if other != language}
            html = page_of(
                one.bodies[language], language=language, pages=links, page_id=one.page.id,
                header={**header, "title": link.title, "languages": others},
            )  # fmt: skip
            pages[one.page.id] = read_page(html)
            _check(html, pages[one.page.id], f"{language}/{link.href}")
            (target / link.href).write_text(html, encoding="utf-8")
        others = {other: f"../{other}/index.html" for other in languages if other != language}
        index = index_page(links, language=language, header={**header, "languages": others})
        (target / "index.html").write_text(index, encoding="utf-8")
        whole = single_file(pages, language=language, header=header, links=links)
        (folder / f"report-{language}.html").write_text(whole, encoding="utf-8")


def _check(html: str, read: BeautifulSoup, name: str) -> None:
    if problems := check_page(html, read=read):
        raise RunError(f"{name} is not fit to be sent: " + "; ".join(problems))


def _link(one: PageRun, language: str) -> PageLink:
    page = one.page
    return PageLink(
        page.id,
        page.title.in_(language),
        f"{Path(page.notebook).stem}.html",
        one.status,
        page.question.in_(language),
    )


def page_header(results: Results, made: Sequence[PageRun], language: str) -> dict[str, Any]:
    """What stands at the head of every page: company, period, days measured and compared, run, warnings."""
    book = results.book
    items: dict[str, list[str]] = {}
    if failed := [one.page.title.in_(language) for one in made if one.status != "whole"]:
        items["partial"] = failed
    if not results.is_reconciled:
        items["unreconciled"] = _broken(results, language)
    return {
        "company": book.settings.company,
        "period": period_words(book, language),
        "data_window": (book.window.start, book.window.last_day),
        "compared_with": compared_words(book, language),
        "made_on": datetime.now(book.params.zone).date(),
        "run": book.fingerprint[:8],
        "status": list(items),
        "status_items": items,
    }


def _broken(results: Results, language: str) -> list[str]:
    """The first checks that do not hold: what, and of what."""
    from analysis.report.identities_shown import say_subjects

    broken = results.identities[~results.identities["holds"]].head(10)
    names = [label(f"findings.identity_{name}", language) for name in broken["identity"]]
    colon = "：" if language == "zh" else ": "
    told = zip(names, say_subjects(broken, results.book, language), strict=True)
    return [f"{name}{colon}{subject}" for name, subject in told]


def period_words(book: Book, language: str) -> str:
    """The period's name, saying so if it is still running."""
    running = label("run.so_far", language, days=book.window.days) if book.window.is_partial else ""
    return f"{book.period.label}{running}"


def compared_words(book: Book, language: str) -> str:
    """The windows the period is compared with, with their days."""
    from analysis.report.tables_shown import format_date_range

    by_label: dict[str, Window] = {window.label: window for window in book.windows}
    shown = [by_label[name] for name in book.baselines[book.window.label].values() if name in by_label]
    covered = [window for window in shown if book.coverage.includes(window)]
    colon, comma = ("：", "；") if language == "zh" else (": ", "; ")
    ranges = [f"{w.period.label}{colon}{format_date_range(w.start, w.last_day, language)}" for w in covered]
    return comma.join(ranges) or label("run.nothing_earlier", language)


def _write_numbers(folder: Path, results: Results) -> None:
    """The KPI frame, the changes, the customer values and the rejected rows, for machines and for people."""
    for name in ("kpis", "changes", "customers"):
        results.frames[name].to_parquet(folder / f"{name}.parquet", index=False)
    results.kpis.to_csv(folder / "kpis.csv", index=False)
    write_rejected_csv(results.book.prepared, folder / "rejected.csv")


def _write_evidence(folder: Path, results: Results) -> None:
    """What is needed to measure again: declarations, fact SQL, and the hash of the tables they ran on."""
    evidence, package = folder / "evidence", Path(__file__).resolve().parents[1]
    shutil.copytree(
        package / "catalogue", evidence / "catalogue", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    (evidence / "facts").mkdir()
    for file in sorted((package / "facts").glob("*.sql")):
        shutil.copy(file, evidence / "facts")
    tables = {name: path.name for name, path in results.book.prepared.tables.items()}
    record = {
        "prepared_hash": results.book.prepared.content_hash,
        "tables": tables,
        "inputs": results.book.prepared.inputs,
    }
    (evidence / "tables.json").write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")


def _write_record(
    folder: Path,
    results: Results,
    made: Sequence[PageRun],
    languages: Sequence[str],
    kernels: WarmKernels,
    seconds: Mapping[str, float],
) -> None:
    from importlib.metadata import version

    book = results.book
    rows = results.quality.groupby(["table", "stage"])["rows"].sum()
    record = {
        "company": book.settings.company,
        "period": book.period.label,
        "window": {
            "start": book.window.start,
            "last_day": book.window.last_day,
            "is_partial": book.window.is_partial,
        },
        "compared_with": {
            against: {"label": w.label, "start": w.start, "last_day": w.last_day}
            for against, name in book.baselines[book.window.label].items()
            for w in book.windows
            if w.label == name
        },
        "run": book.fingerprint,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "workbook": {"version": version("customer-workbook"), "code": code_hash()},
        "languages": list(languages),
        "inputs": book.prepared.inputs,
        "rows": {f"{table}.{stage}": int(count) for (table, stage), count in rows.items()},
        "pages": {
            one.page.id: {"status": one.status, "error": one.error, "seconds": one.seconds} for one in made
        },
        "seconds": dict(seconds),
        "kernels": f"plain: {kernels.why_plain}" if kernels.why_plain else "warm",
        "status": "whole" if all(one.status == "whole" for one in made) else "partial",
        "reconciled": results.is_reconciled,
        "settings": book.settings.model_dump(mode="json"),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")


def _final_folder(folder: Path, made: Sequence[PageRun], pages: Sequence[str] | None) -> Path:
    """Where a run goes: a whole one to the period's folder, others beside it under a name that says what they are."""
    if any(one.status != "whole" for one in made):
        return folder.with_name(f"{folder.name}-PARTIAL")
    return folder.with_name(f"{folder.name}-pages") if pages else folder


@contextmanager
def _written_aside(folder: Path) -> Iterator[Path]:
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    aside.mkdir(parents=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, final: Path) -> None:
    """Rename the finished folder into place; the one it replaces goes only when the new one stands."""
    old = final.with_name(f".{final.name}.old.{uuid.uuid4().hex[:8]}")
    if final.exists():
        final.rename(old)
    try:
        aside.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)
