"""One run: every page of a period executed and rendered into a folder that is whole or absent.

The folder is written aside and renamed when whole. A run in which a page failed is kept beside as PARTIAL and
never replaces a whole one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from analysis.catalogue import Page, label
from analysis.errors import InputError
from analysis.facts import Book, open_book
from analysis.params import Params, code_hash
from analysis.periods import Period, Window
from analysis.report.editions import index_page, single_file
from analysis.report.html import PageLink, check_page, has_gaps, render_page
from analysis.report.per_language import LANGUAGES_VARIABLE
from analysis.suite import Results, measure_suite
from analysis.tables.prepared import write_rejected_csv

RUN_FILE = "run.json"
WORKERS = 2  # pages at a time; each has a kernel of its own, so more only helps on more cores


class RunError(InputError):
    """A run that cannot begin; the message says what to do."""


@dataclass(frozen=True)
class PageRun:
    """How one page fared: ``whole``, or ``failed`` with the error's last line."""

    page: Page
    notebook: Path
    status: str
    error: str = ""


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
    progress: Callable[[str], None] = lambda _: None,
) -> Run:
    """Execute and render the pages of a period into ``reports/<company>/<period>/``.

    Parameters
    ----------
    params_argument
        The params file as the notebooks are to be given it.
    pages, languages
        Those of the settings if not given.
    out
        Folder for the company's reports; ``reports/<company>`` below the project if not given.
    progress
        Told one line at each step.

    Raises
    ------
    ParamsError, PeriodError, TablesError, MissingFont, RunError
        Before any kernel starts and before anything is written.
    """
    from analysis.report.figures.style import check_fonts

    languages = tuple(languages or params.settings.languages)
    check_fonts(languages)
    book = open_book(params, period)
    chosen = [book.catalogue.pages[name] for name in (pages or params.settings.pages)]
    notebooks = {page.id: find_notebook(page) for page in chosen}
    progress(f"{params.settings.company} {period.label}: measuring")
    results = measure_suite(book)
    folder = (out or params.root / "reports" / params.company_id).resolve() / period.label
    with _written_aside(folder) as aside:
        made = _execute(chosen, notebooks, aside / "notebooks", params_argument, period, languages, progress)
        progress("rendering")
        _render(made, aside, results, languages)
        _write_numbers(aside, results)
        _write_evidence(aside, results)
        _write_record(aside, results, made, languages)
        final = _final_folder(folder, made, pages)
        _put_in_place(aside, final)
    first = final / languages[0] / "index.html"
    return Run(final, first, tuple(made), results)


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


def _execute(
    pages: Sequence[Page],
    notebooks: dict[str, Path],
    folder: Path,
    params_argument: str,
    period: Period,
    languages: Sequence[str],
    progress: Callable[[str], None],
) -> list[PageRun]:
    """Every page through papermill, a few at a time; a page that fails does not stop the others."""
    folder.mkdir(parents=True)
    parameters = {"period": period.label, "params": params_argument}
    done: dict[str, PageRun] = {}
    with _languages_in_environment(languages), ThreadPoolExecutor(WORKERS) as pool:
        waiting = {
            pool.submit(_execute_page, page, notebooks[page.id], folder / page.notebook, parameters): page
            for page in pages
        }
        for future in as_completed(waiting):
            page = waiting[future]
            done[page.id] = future.result()
            progress(f"page {len(done)} of {len(pages)}: {page.id} {done[page.id].status}")
    return [done[page.id] for page in pages]


def _execute_page(page: Page, source: Path, target: Path, parameters: dict[str, str]) -> PageRun:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        papermill.execute_notebook(
            str(source), str(target), parameters=parameters, kernel_name="python3", progress_bar=False,
            log_output=False, extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )  # fmt: skip
    except PapermillExecutionError as error:
        return PageRun(page, target, "failed", f"{error.ename}: {error.evalue}".splitlines()[0])
    except Exception as error:  # a dead kernel, a full disk: the page fails, the others go on
        if not target.is_file():
            shutil.copy(source, target)
        return PageRun(page, target, "failed", f"{type(error).__name__}: {error}".splitlines()[0])
    status = "failed" if has_gaps(nbformat.read(target, as_version=4)) else "whole"
    return PageRun(page, target, status)


@contextmanager
def _languages_in_environment(languages: Sequence[str]) -> Iterator[None]:
    before = os.environ.get(LANGUAGES_VARIABLE)
    os.environ[LANGUAGES_VARIABLE] = ",".join(languages)
    try:
        yield
    finally:
        if before is None:
            del os.environ[LANGUAGES_VARIABLE]
        else:
            os.environ[LANGUAGES_VARIABLE] = before


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
            notebook = nbformat.read(one.notebook, as_version=4)
            html = render_page(
                notebook, language=language, header={**header, "title": link.title, "languages": others}, pages=links,
                page_id=one.page.id,
            )  # fmt: skip
            _check(html, f"{language}/{link.href}")
            (target / link.href).write_text(html, encoding="utf-8")
            pages[one.page.id] = html
        others = {other: f"../{other}/index.html" for other in languages if other != language}
        index = index_page(links, language=language, header={**header, "languages": others})
        (target / "index.html").write_text(index, encoding="utf-8")
        whole = single_file(pages, language=language, header=header, links=links)
        (folder / f"report-{language}.html").write_text(whole, encoding="utf-8")


def _check(html: str, name: str) -> None:
    if problems := check_page(html):
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
        broken = results.identities[~results.identities["holds"]]
        items["unreconciled"] = [f"{row.identity}: {row.subject}" for row in broken.head(10).itertuples()]
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


def _write_record(folder: Path, results: Results, made: Sequence[PageRun], languages: Sequence[str]) -> None:
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
        "pages": {one.page.id: {"status": one.status, "error": one.error} for one in made},
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
