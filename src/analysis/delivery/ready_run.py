"""A run that may be mailed: whole, adding up, and made from the data, settings and code that are there now."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.catalogue import say_problem
from analysis.errors import InputError, joined
from analysis.facts import open_book
from analysis.params import Params
from analysis.periods import parse_period
from analysis.report.run_changes import what_changed
from analysis.report.run_folder import RUN_FILE, reports_folder
from analysis.suite import Results, measure_suite


class NotReady(InputError):
    """A run that is not sent; the message says why and what to do."""


@dataclass(frozen=True)
class ReadyRun:
    """A run that may be sent: its results, its folder, and its record as it was read."""

    results: Results
    folder: Path
    record: Mapping[str, Any]
    record_text: str = field(repr=False)

    @property
    def id(self) -> str:
        """The run's fingerprint."""
        return self.results.book.fingerprint

    @property
    def period(self) -> str:
        """The period, with the last day measured while it is still running: then it is another report every day."""
        book = self.results.book
        until = f" to {book.window.last_day:%Y-%m-%d}" if book.window.is_partial else ""
        return f"{book.period.label}{until}"


def ready_run(
    params: Params, period: str, *, allow_running: bool = False, reports: Path | None = None
) -> ReadyRun:
    """The run of a period, if it may be sent.

    Parameters
    ----------
    reports
        Folder of the company's reports; ``reports/<company>`` below the project if not given.

    Raises
    ------
    NotReady
        If there is none, or it is partial, unreconciled, of other data, settings or code than are there now, or of a
        period still running where that is not allowed.
    """
    asked = parse_period(period, params.settings.fiscal_year_start_month)
    folder = reports_folder(params, reports) / asked.label
    make = f"workbook run --params {shlex.quote(str(_near(params.path)))} --period {asked.label}"
    if reports:
        make += f" --reports {shlex.quote(str(reports))}"
    text, record = _read_record(folder, make)
    if record.get("status") != "whole":
        raise NotReady(say_problem("not_whole", period=asked.label, make=make))
    if record.get("reconciled") is not True:
        raise NotReady(say_problem("not_adding_up", period=asked.label, folder=folder))
    book = open_book(params, asked)
    if record.get("run") != book.fingerprint:
        what = joined("\n", what_changed(record, book))
        raise NotReady(say_problem("made_from_other", period=asked.label, what=what, make=make))
    if book.window.is_partial and not allow_running:
        raise NotReady(say_problem("still_running", period=asked.label, day=book.window.last_day))
    results = measure_suite(book)
    if not results.is_reconciled:
        raise NotReady(say_problem("adds_up_no_more", period=asked.label))
    return ReadyRun(results, folder, record, text)


def _read_record(folder: Path, make: str) -> tuple[str, Mapping[str, Any]]:
    try:
        text = (folder / RUN_FILE).read_text(encoding="utf-8")
        record = json.loads(text)
    except FileNotFoundError:
        partial = folder.with_name(f"{folder.name}-PARTIAL")
        there = say_problem("only_partial", folder=partial) if partial.exists() else ""
        told = {"period": folder.name, "folder": folder.parent, "there": there, "make": make}
        raise NotReady(say_problem("no_report", **told)) from None
    except (OSError, ValueError):
        raise NotReady(say_problem("record_unreadable", file=folder / RUN_FILE, make=make)) from None
    if not isinstance(record, dict):
        raise NotReady(say_problem("record_unreadable", file=folder / RUN_FILE, make=make))
    return text, record


def check_unchanged(run: ReadyRun) -> None:
    """Refuse letters that may hold two runs, as the report was made anew while they were written.

    Raises
    ------
    NotReady
        If it was, or is being made.
    """
    try:
        is_same = (run.folder / RUN_FILE).read_text(encoding="utf-8") == run.record_text
    except OSError:
        is_same = False
    if not is_same:
        raise NotReady(say_problem("made_meanwhile", folder=run.folder))


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
