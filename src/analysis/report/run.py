"""One run: every page of a period executed and rendered into a folder that is whole or absent.

The folder is written aside and put in place when whole. A run in which a page failed is kept beside as PARTIAL and
never replaces a whole one.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from analysis.catalogue import Page, label, say_problem
from analysis.facts import Book, open_book
from analysis.facts.reach import check_reach
from analysis.params import Params, code_hash, own_files
from analysis.periods import Period, Window
from analysis.report.editions import BoundPage, write_editions
from analysis.report.execution import Clock, Job, PageRun, execute, origin_of
from analysis.report.html import PageError, PageLink
from analysis.report.kernels import WarmKernels, warm_kernels
from analysis.report.pages.definitions import pages_of
from analysis.report.progress import Teller, tell_nobody
from analysis.report.run_changes import why_made_anew
from analysis.report.run_folder import (
    RUN_FILE,
    PageOrigin,
    ReportOrigin,
    RunError,
    RunFolder,
    held,
    keeping_finished_pages,
    made_with,
    put_in_place,
    refusals_said,
    remove_partial,
    reports_folder,
    sha256,
    take_over,
    whole_record,
)
from analysis.suite import Results, measure_suite
from analysis.tables.prepared import write_rejected_csv
from analysis.tables.store import read_json


@dataclass(frozen=True)
class Run:
    """A finished run: where it is, and how each page fared.

    ``is_kept`` says that the report was there already and was left as it is; then no results were needed.
    ``made_anew_for`` says why one that was asked to be kept was not, a line for each reason.
    """

    period: Period
    folder: Path
    index: Path
    pages: tuple[PageRun, ...]
    results: Results | None
    is_reconciled: bool
    seconds: float = 0.0
    is_kept: bool = False
    made_anew_for: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every page could be made."""
        return all(page.status == "whole" for page in self.pages)


@dataclass(frozen=True)
class NotMade:
    """A period without a report, and why."""

    period: Period
    error: Exception


@dataclass(frozen=True)
class _Plan:
    """What a run is to make, and where."""

    params: Params
    period: Period
    params_argument: str
    pages: tuple[Page, ...]
    notebooks: Mapping[str, Path]
    languages: tuple[str, ...]
    folder: RunFolder
    resume: bool
    progress: Teller

    @property
    def index(self) -> str:
        """The first page to read, within the report."""
        return f"{self.languages[0]}/index.html"


def run_reports(
    params: Params,
    periods: Sequence[Period],
    *,
    params_argument: str,
    pages: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    reports: Path | None = None,
    resume: bool = False,
    progress: Teller = tell_nobody,
    kernels: WarmKernels | None = None,
) -> Iterator[Run | NotMade]:
    """The reports of several periods in turn; while the pages of one are made, the next is measured already.

    A period that cannot be made is told as ``NotMade``, with what was raised (``ParamsError``, ``TablesError``,
    ``RunError``, also where the disk takes no more), and the others go on.

    Parameters
    ----------
    params_argument
        The params file as the notebooks are to be given it.
    pages, languages
        Those of the settings if not given, pages without any of their tables left out.
    reports
        Folder for the company's reports; ``reports/<company>`` below the project if not given.
    resume
        Leave a whole report of the same data, settings, code and notebooks as it is, and take over what a run
        that was interrupted, or left gaps, has finished of them.
    progress
        Told where the run stands, at each step and every half second while pages are made.
    kernels
        Those that ``warm_kernels()`` has made; the batch has its own if not given.

    Raises
    ------
    MissingFont, RunError
        What is wrong with every period, such as a missing notebook; before anything is written.
    """
    from analysis.report.figures.style import check_fonts

    languages = tuple(languages or params.settings.languages)
    chosen = tuple(params.pages[name] for name in pages or pages_of(params))
    notebooks = {page.id: find_notebook(page) for page in chosen}
    place = reports_folder(params, reports)
    suffix = "-pages" if pages else ""  # not the whole report, so not in its place
    plans = [
        _Plan(
            params, period, params_argument, chosen, notebooks, languages,
            RunFolder(place / f"{period.label}{suffix}"), resume, progress,
        )
        for period in periods
    ]  # fmt: skip
    # Kernels warm up while the suite is measured.
    with nullcontext(kernels) if kernels else warm_kernels(at_once=not resume) as kernels:
        check_fonts(languages)
        yield from _in_turn(plans, kernels)


def _in_turn(plans: Sequence[_Plan], kernels: WarmKernels) -> Iterator[Run | NotMade]:
    pool = ThreadPoolExecutor(1)
    ahead: dict[Period, Future[tuple[Book, Results | None]]] = {}
    try:
        for plan, following in zip(plans, [*plans[1:], None], strict=True):
            if following is not None:
                for each in (plan, following):
                    if each.period not in ahead:
                        ahead[each.period] = pool.submit(_open_and_measure, each, kernels)
            yield _run_or_why_not(plan, kernels, ahead.pop(plan.period, None))
    finally:
        pool.shutdown(cancel_futures=True)  # interrupted: what has not been begun is not


def _run_or_why_not(plan: _Plan, *given: Any) -> Run | NotMade:
    try:
        return _run(plan, *given)
    except Exception as error:  # the other periods go on
        return NotMade(plan.period, error)


def _open_and_measure(plan: _Plan, kernels: WarmKernels) -> tuple[Book, Results | None]:
    """The Book of a period and its results; no results where its report need not be made."""
    book = _opened(plan)
    if plan.resume and _whole_record(plan, book):
        return book, None
    kernels.begin()
    return book, measure_suite(book)


def _opened(plan: _Plan) -> Book:
    """The Book of a period of which the data say something."""
    book = open_book(plan.params, plan.period)
    check_reach(book)
    return book


def _run(plan: _Plan, kernels: WarmKernels, ahead: Future[tuple[Book, Results | None]] | None = None) -> Run:
    """The report of one period made, or left as it is."""
    began = time.monotonic()
    name = f"{plan.params.settings.company} {plan.folder.final.name}"
    earlier = earlier_seconds(plan.folder.final) or earlier_seconds(plan.folder.partial)
    clock = Clock(name, len(plan.pages), earlier, plan.progress)
    with held(plan.folder):
        clock.says("measuring", "looking" if plan.resume else "")
        book, results = ahead.result() if ahead else (_opened(plan), None)
        if plan.resume and (record := _whole_record(plan, book)):
            remove_partial(plan.folder)
            return _kept(plan, record)
        reasons = _why_anew(plan, book) if plan.resume else ()
        results = results or _measured(book, kernels, clock, plan.resume)
        with refusals_said(plan.folder.final.parent), keeping_finished_pages(plan.folder):
            made = _make_pages(plan, book, kernels, clock)
            clock.says("putting together")
            final = _put_together(plan, results, made, kernels, clock)
    made = [replace(one, notebook=final / "notebooks" / one.notebook.name) for one in made]
    seconds = time.monotonic() - began
    return Run(
        plan.period, final, final / plan.index, tuple(made), results, results.is_reconciled, seconds,
        made_anew_for=reasons,
    )  # fmt: skip


def _measured(book: Book, kernels: WarmKernels, clock: Clock, resume: bool) -> Results:
    kernels.begin()
    if resume:
        clock.says("measuring")
    return measure_suite(book)


def _put_together(
    plan: _Plan, results: Results, made: Sequence[PageRun], kernels: WarmKernels, clock: Clock
) -> Path:
    """Everything of a report but its notebooks written, and the report put in its place, which is returned."""
    report = plan.folder.report
    editions = _render(made, report, results, plan.languages)
    _write_numbers(report, results)
    _write_evidence(report, results)
    _write_record(report, results, made, plan.languages, kernels, clock.seconds(), editions)
    is_whole = all(one.status == "whole" for one in made)
    final = plan.folder.final if is_whole else plan.folder.partial
    put_in_place(plan.folder, final)
    return final


def _make_pages(plan: _Plan, book: Book, kernels: WarmKernels, clock: Clock) -> list[PageRun]:
    origins = _origins(plan, book)
    wanted = {page.id: (page.notebook, origins[page.id]) for page in plan.pages}
    taken = take_over(plan.folder, wanted, plan.resume)
    clock.says("pages")
    clock.takes_over(list(taken), [page.id for page in plan.pages if page.id not in taken])
    jobs = [
        Job(page, plan.notebooks[page.id], plan.folder.notebooks / page.notebook, origins[page.id])
        for page in plan.pages
    ]
    given = {"period": plan.period.label, "params": plan.params_argument}
    page_seconds = 60 * plan.params.settings.page_timeout_minutes
    return execute(jobs, given, kernels, clock, plan.folder, page_seconds, taken)


def _origins(plan: _Plan, book: Book) -> dict[str, PageOrigin]:
    """What each page is made of."""
    return {
        page.id: origin_of(plan.notebooks[page.id], book.fingerprint, plan.languages) for page in plan.pages
    }


def _whole_record(plan: _Plan, book: Book) -> dict[str, Any] | None:
    """The record of the report in its place, if it is whole and making it again would give the same."""
    return whole_record(plan.folder, _origin(plan, book), plan.index)


def _origin(plan: _Plan, book: Book) -> ReportOrigin:
    """What the whole report is made of."""
    return ReportOrigin(_origins(plan, book), made_with(plan.params))


def _why_anew(plan: _Plan, book: Book) -> tuple[str, ...]:
    """Why the whole report that is in its place is not kept; nothing where there is none."""
    record = read_json(plan.folder.final / RUN_FILE)
    return tuple(why_made_anew(record, book, _origin(plan, book))) if record.get("status") == "whole" else ()


def _kept(plan: _Plan, record: Mapping[str, Any]) -> Run:
    folder = plan.folder.final
    pages = [
        PageRun(page, folder / "notebooks" / page.notebook, "whole", is_taken_over=True)
        for page in plan.pages
    ]
    is_reconciled = bool(record.get("reconciled"))
    return Run(plan.period, folder, folder / plan.index, tuple(pages), None, is_reconciled, is_kept=True)


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
        If it is not there, or is a company's own and would not be of the period asked for.
    """
    own = Path(page.folder) if page.folder else None
    path = (own or own_files() / "notebooks") / page.notebook
    if not path.is_file():
        raise RunError(say_problem("notebook_missing", page=page.id, path=path))
    if own:
        _check_own_notebook(path)
    return path


def _check_own_notebook(path: Path) -> None:
    """Refuses a notebook that papermill could not give its period: what it says itself would win."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (ValueError, KeyError, AttributeError) as error:  # nbformat's own are ValueErrors
        raise RunError(f"{path} is no notebook that can be read: {error}") from None
    if not any("parameters" in cell.metadata.get("tags", ()) for cell in cells):
        raise RunError(
            f"{path}: no cell has the tag parameters, so the page would not be of the period asked for; give the "
            "cell with `period = …` and `params = …` that tag, as in notebooks/01_scorecard.ipynb"
        )


def _render(
    made: Sequence[PageRun], folder: Path, results: Results, languages: Sequence[str]
) -> dict[str, Any]:
    """Every edition of the run's pages, in every language; what is to be recorded of them."""
    pages = [
        BoundPage(
            one.page.id, f"notebooks/{one.page.notebook}", {language: _link(one, language) for language in languages},
            one.bodies,
        )
        for one in made
    ]  # fmt: skip
    headers = {language: page_header(results, made, language) for language in languages}
    settings = results.book.settings
    try:
        return write_editions(
            folder, pages, headers, has_analyst_edition=settings.analyst_edition, has_pdf=settings.pdf
        )
    except PageError as error:
        raise RunError(str(error)) from error


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
    from analysis.report.numbers_shown import format_date_range

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
    editions: Mapping[str, Any],
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
        "pages": {one.page.id: _page_record(one) for one in made},
        **editions,
        "seconds": dict(seconds),
        "kernels": f"plain: {kernels.why_plain}" if kernels.why_plain else "warm",
        "status": "whole" if all(one.status == "whole" for one in made) else "partial",
        "reconciled": results.is_reconciled,
        "made_with": made_with(book.params),
        "settings": book.settings.model_dump(mode="json"),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")


def _page_record(one: PageRun) -> dict[str, Any]:
    """How a page fared, and by which contents a later run knows that it need not be made again."""
    contents = {"notebook": one.origin.notebook, "executed": sha256(one.notebook)} if one.origin else {}
    return {"status": one.status, "error": one.error, "seconds": one.seconds, **contents}
