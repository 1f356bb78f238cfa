"""What a letter is, and what every letter has: masthead, alerts, targets, attachments, footer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.catalogue import label
from analysis.delivery.letter_html import html_of
from analysis.delivery.letter_parts import (
    Alert,
    Cell,
    Footer,
    Heading,
    Masthead,
    Part,
    Point,
    Points,
    Table,
    plain,
)
from analysis.delivery.letter_text import text_of
from analysis.facts import Book
from analysis.report.findings import Finding
from analysis.report.kpis_shown import comparisons, metric_name, say_period, say_value, short_value
from analysis.report.numbers_shown import MISSING, format_date_range, format_number
from analysis.report.pages.summary import running_line
from analysis.suite import Results

NAME_COLUMNS, FACT_COLUMNS, GROUP_COLUMNS = 48, 64, 40
RUN_DIGITS = 16
MEDIA = {
    "html": "text/html", "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A PNG that the HTML shows as ``<img src="cid:…">``; ``cid`` is without angle brackets."""

    cid: str
    png: bytes = field(repr=False)
    alt: str


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter; ``media`` is its media type, such as ``application/pdf``."""

    name: str
    content: bytes = field(repr=False)
    media: str


@dataclass(frozen=True)
class Letter:
    """A letter before it is MIME: one line of subject, the text and the HTML, each complete in itself."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    pictures: tuple[Picture, ...]
    attachments: tuple[Attachment, ...]


def put_together(
    parts: Iterable[Part], language: str, subject: str, preheader: str, pictures: Sequence[Picture] = (),
    attachments: Sequence[Attachment] = (),
) -> Letter:  # fmt: skip
    """The letter that these parts make."""
    parts, subject = list(parts), plain(subject)
    return Letter(
        subject, text_of(parts, language), html_of(parts, language=language, title=subject, preheader=preheader),
        tuple(pictures), tuple(attachments),
    )  # fmt: skip


def encoded_bytes(content: bytes) -> int:
    """How many bytes a content takes in a message: base64, in lines of 76."""
    return math.ceil(len(content) / 57) * 78


def masthead(book: Book, title: str, language: str, kind: str = "") -> Masthead:
    """Company, title, the days measured and those compared."""
    window = book.window
    if not window.days:
        lines = [label("mail.no_days", language, period=book.period.label)]
    else:
        days = format_date_range(window.start, window.last_day, language)
        bases = [book.baselines[window.label][against] for against in comparisons(book)]
        periods = label("kpis.name_join", language).join(say_period(name, book, language) for name in bases)
        lines = [label("mail.days", language, days=days), label("mail.compared", language, periods=periods)]
    return Masthead(
        plain(book.settings.company, 2 * NAME_COLUMNS), title, (*([kind] if kind else []), *lines)
    )


def alerts(results: Results, findings: Sequence[Finding], language: str) -> list[Part]:
    """That the period is still running, that nothing is measured yet, that figures do not add up."""
    book = results.book
    lines = [label("scorecard.nothing_yet", language)] if book.window.days == 0 else []
    if book.window.is_partial and book.window.days:
        lines.append(running_line(book, language))
    lines += [each.sentence[language] for each in findings if each.verdict == "do_not_use"]
    if not results.is_reconciled and not any(each.verdict == "do_not_use" for each in findings):
        lines.append(label("scorecard.unreconciled", language))
    return [Alert(label("mail.alert_title", language), tuple(lines))] if lines else []


def target_table(book: Book, rows: Sequence[dict[str, Any]], language: str) -> Table:
    """Targets with their figures and verdicts: rows of ``metric, variant, value, target, verdict``.

    A figure that is withheld (``is_withheld``) has a target and no verdict.
    """
    made = []
    for row in rows:
        metric = book.catalogue.metric(row["metric"], row["variant"])
        value, target = (short_value(row[name], metric, book, language) for name in ("value", "target"))
        shown = label("mail.withheld", language) if row.get("is_withheld") else value
        beside = label("mail.with_target", language, value=target)
        verdict = Cell("", row["verdict"]) if row["verdict"] else Cell(MISSING)
        made.append((Cell(plain(metric_name(metric, language), 60)), Cell(shown, remark=beside), verdict))
    headings = tuple(label(f"mail.{name}", language) for name in ("metric", "value", "verdict"))
    return Table(headings, tuple(made), label("mail.targets", language))


def fact_of(book: Book, row: dict[str, Any], language: str) -> str:
    """``retention 59.6%, worse than 2026Q2``, from a row of ``kpi_rows``."""
    metric = book.catalogue.metric(row["metric"], row["variant"])
    name, value = metric_name(metric, language), say_value(row["value"], metric, book, language)
    against = next((each for each in comparisons(book) if row.get(f"{each}_verdict") in _TOLD), None)
    if against is None:
        return label("mail.fact_value", language, name=name, value=value)
    period = say_period(book.baselines[book.window.label][against], book, language)
    verdict = label(f"mail.change_{row[f'{against}_verdict']}", language)
    return label("mail.fact_change", language, name=name, value=value, verdict=verdict, period=period)


_TOLD = ("better", "worse", "higher", "lower")


def attached_parts(lines: Sequence[str], language: str) -> list[Part]:
    """The section that names what is attached; none where nothing was to be."""
    points = Points(tuple(Point(line) for line in lines))
    return [Heading(label("mail.attached", language)), points] if lines else []


def attached_line(attachment: Attachment, what: str, language: str) -> str:
    """``demo_2026Q3_en.html (the whole report in one file, 1.9 MB)``."""
    size = say_size(len(attachment.content), language)
    return label("mail.file", language, name=attachment.name, what=label(f"mail.{what}", language), size=size)


def say_size(count: int, language: str) -> str:
    """``1.9 MB`` or ``85 KB``."""
    if count >= 1_000_000:
        return f"{format_number(count / 1e6, language, decimals=1)} MB"
    return f"{format_number(max(1, round(count / 1e3)), language)} KB"


def footer(book: Book, why: str, language: str, *notes: str) -> Footer:
    """How to read a verdict, who gets this and why, and the run the numbers come from."""
    reading = (label("mail.how_to_read_title", language), label("mail.how_to_read", language))
    run = label("mail.run", language, run=book.fingerprint[:RUN_DIGITS])
    return Footer((*(("", note) for note in notes), reading, ("", why), ("", run)))
