"""A run that may be mailed: whole, adding up, and made from the data, settings and code that are there now."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from analysis.facts import open_book
from analysis.params import Params
from analysis.periods import parse_period
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
        raise NotReady(f"the report of {asked.label} is not whole, and is not sent; make it again: {make}")
    if record.get("reconciled") is not True:
        raise NotReady(
            f"the figures of {asked.label} do not add up (UNRECONCILED), and are not sent; {folder} says which"
        )
    book = open_book(params, asked)
    if record.get("run") != book.fingerprint:
        raise NotReady(
            f"the report of {asked.label} was made from other data, settings or code than are there now, and is not "
            f"sent; make it again: {make}"
        )
    if book.window.is_partial and not allow_running:
        raise NotReady(
            f"{asked.label} is still running (data until {book.window.last_day}), and its report is not sent; "
            "--allow-running sends it"
        )
    results = measure_suite(book)
    if not results.is_reconciled:
        raise NotReady(f"the figures of {asked.label} do not add up (UNRECONCILED), and are not sent")
    return ReadyRun(results, folder, record, text)


def _read_record(folder: Path, make: str) -> tuple[str, Mapping[str, Any]]:
    try:
        text = (folder / RUN_FILE).read_text(encoding="utf-8")
        record = json.loads(text)
    except FileNotFoundError:
        partial = folder.with_name(f"{folder.name}-PARTIAL")
        there = f" but one that is PARTIAL ({partial}) and is not sent" if partial.exists() else ""
        raise NotReady(
            f"there is no report of {folder.name} in {folder.parent}{there}; make it: {make}, or name the folder that "
            "has it with --reports"
        ) from None
    except (OSError, ValueError):
        raise NotReady(f"{folder / RUN_FILE} cannot be read; make the report again: {make}") from None
    if not isinstance(record, dict):
        raise NotReady(f"{folder / RUN_FILE} cannot be read; make the report again: {make}")
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
        raise NotReady(f"{run.folder} was made anew meanwhile; nothing was sent, ask again")


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
