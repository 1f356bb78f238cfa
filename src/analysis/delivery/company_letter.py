"""The letter about the whole company: headline figures, what moved, targets missed, what to do, the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from analysis.appraisal.drivers import Driver
from analysis.appraisal.targets import judge_targets
from analysis.catalogue import label
from analysis.delivery.letter import (
    FACT_COLUMNS,
    GROUP_COLUMNS,
    MEDIA,
    NAME_COLUMNS,
    Attachment,
    Letter,
    Picture,
    alerts,
    attached_line,
    attached_parts,
    encoded_bytes,
    fact_of,
    footer,
    masthead,
    put_together,
    say_size,
    target_table,
)
from analysis.delivery.letter_parts import (
    Button,
    Chart,
    Heading,
    Paragraph,
    Part,
    Point,
    Points,
    Tile,
    Tiles,
    plain,
)
from analysis.errors import InputError
from analysis.facts import Book, NotMeasured
from analysis.report.figures.style import SCREEN_DPI, SHARPNESS
from analysis.report.findings import Finding, find_all
from analysis.report.kpis_shown import chosen, join_sentences, kpi_rows, measured, metric_name, say_period
from analysis.report.next_steps import find_next_steps
from analysis.report.pages.summary import lead_sentence, moved_count
from analysis.report.pages.tiles import headline_shown, headline_tile
from analysis.report.stories import find_stories, say_driver, story_title
from analysis.suite import Results

PICTURE_PIXELS = 520
"""How wide a chart is at most, in CSS pixels; it has twice as many of its own."""

MOST_BYTES = 10_000_000
"""A message larger than this is refused by many a server; attachments that would make it so stay behind."""

MOST_TARGETS, MOST_TILES, MOST_STORIES, MOST_LINES, MOST_CHARTS = 8, 6, 3, 2, 2
_ROOM_FOR_WORDS = 250_000  # both texts as they are encoded, and the headers


def company_letter(
    results: Results, folder: Path, *, language: str, attach: Sequence[str], link: str | None
) -> Letter:
    """The letter about the whole company: headline figures, what moved, targets missed, what to do, the report.

    Parameters
    ----------
    folder
        The run's folder, which holds the files to attach.
    attach
        Of ``report, pdf, excel``. What would make the message larger than ``MOST_BYTES`` stays behind, and the letter
        says so; nothing is attached where ``link`` is given.
    link
        Address under which the folder of the reports is published; ``company/period/language/index.html`` is added.

    Raises
    ------
    InputError
        If the link is no web address.
    """
    findings, pictures = find_all(results), _pictures(results, language)
    fact, lead = _fact(results, findings, language), lead_sentence(results, language)
    counts = moved_count(results, language)  # more may have moved than the letter has room to tell
    opening = [
        masthead(
            results.book, label("mail.title", language, period=_period(results.book, language)), language
        ),
        *alerts(results, findings, language),
        *([Paragraph(lead, "lead")] if results.book.window.days else []),
        *([Paragraph(counts)] if counts else []),
        *_tiles(results, language),
        *_moved(findings, language),
        *_targets(results, language),
        *_why(results, language),
        *_to_do(results, language),
        *_charts(pictures, language),
    ]
    room = MOST_BYTES - _ROOM_FOR_WORDS - sum(encoded_bytes(picture.png) for picture, _ in pictures)
    attachments, where = _report(results, folder, language, () if link else attach, link, room)
    why = label("mail.why", language, company=plain(results.book.settings.company, NAME_COLUMNS))
    parts = [*opening, *where, *_with_care(findings, language), footer(results.book, why, language)]
    subject = label(
        "mail.subject", language, company=plain(results.book.settings.company, NAME_COLUMNS),
        period=results.book.period.label, fact=plain(fact, FACT_COLUMNS),
    )  # fmt: skip
    return put_together(parts, language, subject, lead, [picture for picture, _ in pictures], attachments)


# --- opening --------------------------------------------------------------------------------------------


def _period(book: Book, language: str) -> str:
    return say_period(book.window.label, book, language) if book.window.days else book.period.label


def _tiles(results: Results, language: str) -> list[Part]:
    """The settings' headline figures, each with its changes; none where nothing is measured."""
    if results.book.window.days == 0:
        return []
    tiles = [headline_tile(results, metric, language) for metric in headline_shown(results)[:MOST_TILES]]
    return [Tiles(tuple(_mailed_tile(tile) for tile in tiles))] if tiles else []


def _mailed_tile(tile: Any) -> Tile:
    return Tile(tile.name, tile.value, tile.interval, tuple(tile.changes))


# --- what moved, what to do -----------------------------------------------------------------------------


def _of(findings: Sequence[Finding], *certainties: str) -> list[Finding]:
    return [each for each in findings if each.certainty in certainties and each.verdict != "do_not_use"]


def _section(key: str, findings: Sequence[Finding], language: str, level: int = 2) -> list[Part]:
    points = tuple(
        Point(each.sentence[language], each.verdict, each.detail.get(language, "")) for each in findings
    )
    return [Heading(label(f"mail.{key}", language), level), Points(points)] if points else []


def _moved(findings: Sequence[Finding], language: str) -> list[Part]:
    sure = _section("moved", _of(findings, "sure", "quiet"), language)
    return [*sure, *_section("large", _of(findings, "size"), language, level=3 if sure else 2)]


def _why(results: Results, language: str) -> list[Part]:
    """The groups that stand out in what moved or missed its target."""
    points = []
    for story in find_stories(results)[:MOST_STORIES] if results.book.window.days else ():
        group, dimension = story_title(story, results.book, language)
        told = [_driver_line(driver, results.book, language) for driver in story.drivers[:MOST_LINES]]
        title = label("mail.story", language, dimension=dimension, group=plain(group, GROUP_COLUMNS))
        points.append(Point(title, detail=join_sentences(told, language)))
    return [Heading(label("mail.why_title", language)), Points(tuple(points))] if points else []


def _driver_line(driver: Driver, book: Book, language: str) -> str:
    """A figure the group makes a difference in: what it did, what the others did, what part of the whole that makes."""
    metric = book.catalogue.metric(driver.question.metric, driver.question.variant)
    values, share = say_driver(driver, book, language)
    return label("mail.driver", language, name=metric_name(metric, language), values=values, share=share)


def _to_do(results: Results, language: str) -> list[Part]:
    return _section("next", find_next_steps(results), language) if results.book.window.days else []


def _with_care(findings: Sequence[Finding], language: str) -> list[Part]:
    cautions = [each for each in findings if each.certainty not in ("sure", "quiet", "size", "next")]
    return _section("with_care", [each for each in cautions if each.verdict != "do_not_use"], language)


def _targets(results: Results, language: str) -> list[Part]:
    """The targets missed as a table, and how many there are of each verdict."""
    judged = judge_targets(results)
    if isinstance(judged, NotMeasured):
        return []
    judged = judged[judged["by"].isna() & judged["verdict"].isin(["hit", "miss", "undetermined"])]
    if judged.empty:
        return []
    counts = {
        verdict: int(judged["verdict"].eq(verdict).sum()) for verdict in ("hit", "miss", "undetermined")
    }
    count = label("mail.targets_count", language, all=len(judged), **counts)
    missed = judged[judged["verdict"] == "miss"]
    table = target_table(results.book, missed.head(MOST_TARGETS).to_dict("records"), language)
    more = len(missed) - MOST_TARGETS
    told = [count, *([label("mail.targets_more", language, count=more)] if more > 0 else [])]
    return [
        Heading(label("mail.targets", language)), *([table] if len(missed) else []),
        Paragraph(join_sentences(told, language), "small"),
    ]  # fmt: skip


def _fact(results: Results, findings: Sequence[Finding], language: str) -> str:
    """One fact for the subject: the most important sure change, else a headline figure with its direction."""
    book, sure = results.book, [each.metric for each in _of(findings, "sure") if each.metric]
    metrics = [chosen(book, book.catalogue.metrics[name]) for name in sure if name in book.catalogue.metrics]
    rows = measured(kpi_rows(results, [*metrics, *headline_shown(results)]))
    if rows.empty or book.window.days == 0:
        return label("mail.fact_nothing", language)
    return fact_of(book, rows.iloc[0].to_dict(), language)


# --- charts ---------------------------------------------------------------------------------------------


def _pictures(results: Results, language: str) -> list[tuple[Picture, int]]:
    """The first headline metrics over time, one chart each, with how high it is in CSS pixels."""
    from analysis.report.figures.scorecard import trend_panels

    panels = trend_panels(results)[:MOST_CHARTS] if results.book.window.days else []
    return [_draw(results, panel, number, language) for number, panel in enumerate(panels, 1)]


def _draw(results: Results, panel: Any, number: int, language: str) -> tuple[Picture, int]:
    """One metric's chart as a picture in the letter's width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from analysis.report.figures.letter import HEIGHT_INCHES, alternative_text, plot_trend
    from analysis.report.figures.style import figure_png, figure_style

    with figure_style(language):
        figure = Figure(figsize=(PICTURE_PIXELS / SCREEN_DPI, HEIGHT_INCHES), layout="none")
        FigureCanvasAgg(figure)
        plot_trend(results, panel, language=language, ax=figure.subplots())
        png = figure_png(figure, language, width_pixels=PICTURE_PIXELS)
    alt = plain(alternative_text(results, panel, language))
    return Picture(f"chart{number}.{language}@report", png, alt), round(_pixels_high(png) / SHARPNESS)


def _pixels_high(png: bytes) -> int:
    """The height that a PNG's header gives."""
    return int.from_bytes(png[20:24], "big")


def _charts(pictures: Sequence[tuple[Picture, int]], language: str) -> list[Part]:
    charts = [Chart(picture.cid, picture.alt, PICTURE_PIXELS, height) for picture, height in pictures]
    return [Heading(label("mail.charts", language)), *charts] if charts else []


# --- the report: linked, or attached --------------------------------------------------------------------


def report_address(link: str, company_id: str, period: str, language: str) -> str:
    """Where a published report begins.

    Raises
    ------
    InputError
        If the link is no web address.
    """
    if not link.lower().startswith(("https://", "http://")):
        raise InputError(f"mail: link {link!r} is no web address; it should begin with https://")
    folders = [quote(part, safe="") for part in (company_id, period, language)]
    return "/".join([link.rstrip("/"), *folders, "index.html"])


def _report(
    results: Results, folder: Path, language: str, attach: Sequence[str], link: str | None, room: int
) -> tuple[list[Attachment], list[Part]]:
    """The attachments there is room for, and what the letter says of the report."""
    company = results.book.params.company_id
    if link is not None:
        address = report_address(link, company, folder.name, language)
        return [], [
            Heading(label("mail.report_where", language)),
            Button(label("mail.link", language), address),
        ]
    kept, lines = [], []
    for wanted in dict.fromkeys(attach):
        found = _file(results, folder, language, wanted)
        if isinstance(found, str):
            lines.append(label("mail.not_there", language, name=found))
        elif encoded_bytes(found.content) > room:
            lines.append(_left_behind(found, results, folder, wanted, language))
        else:
            room -= encoded_bytes(found.content)
            kept.append(found)
            lines.append(attached_line(found, f"file_{wanted}", language))
    return kept, attached_parts(lines, language)


def _left_behind(found: Attachment, results: Results, folder: Path, wanted: str, language: str) -> str:
    # Names of folders above the reports' own say nothing to a reader.
    place = f"reports/{results.book.params.company_id}/{folder.name}"
    where = label("mail.where_excel" if wanted == "excel" else "mail.where_folder", language, folder=place)
    return label(
        "mail.too_large", language, name=found.name, size=say_size(len(found.content), language),
        most=say_size(MOST_BYTES, language), where=where,
    )  # fmt: skip


def _file(results: Results, folder: Path, language: str, wanted: str) -> Attachment | str:
    """The file as it is attached; its name alone where the run has not made it."""
    ending = {"report": "html", "pdf": "pdf", "excel": "xlsx"}[wanted]
    name = f"{results.book.params.company_id}_{results.book.period.label}_{language}.{ending}"
    if wanted == "excel":
        return Attachment(name, _excel(results, language), MEDIA["xlsx"])
    path = folder / f"report-{language}.{ending}"
    return Attachment(name, path.read_bytes(), MEDIA[ending]) if path.is_file() else name


def _excel(results: Results, language: str) -> bytes:
    from analysis.delivery.excel import write_sheets
    from analysis.delivery.sheets import mailed_sheets

    with TemporaryDirectory() as folder:
        sheets = mailed_sheets(results, language)
        return write_sheets(results.book, sheets, Path(folder) / "report.xlsx", language).read_bytes()
