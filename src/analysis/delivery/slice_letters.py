"""The letter to an account manager or a team: their figures beside the company's, their targets, their customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.catalogue import Metric, label
from analysis.delivery.letter import (
    FACT_COLUMNS,
    GROUP_COLUMNS,
    NAME_COLUMNS,
    Letter,
    alerts,
    attached_line,
    attached_parts,
    fact_of,
    footer,
    masthead,
    put_together,
    target_table,
)
from analysis.delivery.letter_parts import (
    Cell,
    Heading,
    Paragraph,
    Part,
    Point,
    Points,
    Table,
    Tile,
    Tiles,
    plain,
)
from analysis.delivery.slice_customers import DAYS_AHEAD, handed_over, slice_customers
from analysis.delivery.slice_figures import slice_figures, slice_managers
from analysis.delivery.slice_workbook import change_of, metric_of, slice_workbook, withheld_note
from analysis.delivery.slices import Slice
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.errors import InputError
from analysis.report.kpis_shown import (
    AGAINST,
    comparisons,
    group_name,
    join_sentences,
    metric_name,
    say_change,
    say_n,
    say_period,
    short_value,
    verdict_shown,
)
from analysis.report.numbers_shown import MISSING, format_date, format_money, is_missing
from analysis.suite import Results

TILES = ("revenue", "customer_retention_rate", "average_order_value", "nps")
MANAGERS_SHOWN = ("revenue", "customer_retention_rate", "complaint_rate")
"""What a team's table of managers shows; the workbook shows the rest."""

MOST_CUSTOMERS = 10
CUSTOMER_COLUMNS = 44


def slice_letter(results: Results, wanted: Slice, *, language: str, link: None = None) -> Letter:
    """The letter about one group, which neither attaches nor links the company's report.

    Raises
    ------
    SliceError
        If there is no such group, or the company does not supply what tells its groups.
    """
    if link is not None:
        raise InputError("a slice's letter links no report: that one tells everybody's figures")
    figures, customers = slice_figures(results, wanted), slice_customers(results, wanted)
    fact = _fact(results, figures, language)
    workbook = slice_workbook(results, wanted, figures, customers, language)
    book, of = results.book, _of(wanted)
    company, group = plain(book.settings.company, NAME_COLUMNS), _name(results, wanted, language)
    title = label(
        f"mail.title_{of}", language, group=group, period=say_period(book.window.label, book, language)
    )
    line = attached_line(workbook, "file_slice_team" if of == "team" else "file_slice", language)
    why = label("mail.why_slice", language, group=group, company=company)
    parts = [
        masthead(book, title, language, label(f"mail.kind_{of}", language)),
        *alerts(results, [], language),
        *([Paragraph(label("mail.lead_slice", language, fact=fact), "lead")] if book.window.days else []),
        *_figures(results, wanted, figures, language),
        *_targets(results, wanted, figures, language),
        *_managers(results, wanted, language),
        *_customers(results, wanted, customers, language),
        *attached_parts([line], language),
        footer(book, why, language),
    ]
    subject = label(
        "mail.subject_slice", language, company=company, period=book.period.label, group=group,
        fact=plain(fact, FACT_COLUMNS),
    )  # fmt: skip
    return put_together(parts, language, subject, fact, attachments=[workbook])


def _of(wanted: Slice) -> str:
    return "team" if wanted.dimension == TEAM else "manager"


def _name(results: Results, wanted: Slice, language: str) -> str:
    return plain(group_name(results.book, wanted.dimension, wanted.group, language), GROUP_COLUMNS)


# --- figures --------------------------------------------------------------------------------------------


def _figures(results: Results, wanted: Slice, figures: pd.DataFrame, language: str) -> list[Part]:
    """Tiles of the first figures, all of them in a table, and what is said of those withheld."""
    if figures.empty:
        return []
    rows, name = figures.to_dict("records"), "figures_team" if wanted.dimension == TEAM else "figures_own"
    shown = [row for row in rows if row["metric"] in TILES and not is_missing(row["value"])]
    tiles = tuple(
        _tile(results, row, language) for row in sorted(shown, key=lambda row: TILES.index(row["metric"]))
    )
    table = _figure_table(results, wanted, rows, label(f"mail.{name}", language), language)
    return [
        *([Tiles(tiles)] if tiles else []), Heading(label(f"mail.{name}", language)), table,
        *_withheld_part(results, figures, language),
    ]  # fmt: skip


def _tile(results: Results, row: Mapping[str, Any], language: str) -> Tile:
    book, metric = results.book, metric_of(results, row)
    beside = label(
        "mail.tile_company", language, value=short_value(row["company_value"], metric, book, language)
    )
    note = "" if is_missing(row["company_value"]) else beside
    changes = []
    for against in comparisons(book):
        if change := change_of(row, against):
            period = say_period(book.baselines[book.window.label][against], book, language)
            said = say_change(change, metric, book, language)
            words = label("scorecard.tile_change", language, change=said, period=period)
            changes.append((words, verdict_shown(change)))
    return Tile(
        metric_name(metric, language), short_value(row["value"], metric, book, language), note, tuple(changes)
    )


def _figure_table(
    results: Results, wanted: Slice, rows: Sequence[Mapping[str, Any]], caption: str, language: str
) -> Table:
    """Metric with n, own figure with the company's below it, change with its verdict: three columns, for telephones."""
    book = results.book
    against = comparisons(book)[0]
    period = say_period(book.baselines[book.window.label][against], book, language)
    own = "team" if wanted.dimension == TEAM else "own"
    headings = [label(f"mail.{name}", language) for name in ("metric", own)]
    cells = tuple(_figure_row(results, row, against, language) for row in rows)
    return Table((*headings, label("mail.change", language, period=period)), cells, caption)


def _figure_row(results: Results, row: Mapping[str, Any], against: str, language: str) -> tuple[Cell, ...]:
    book, metric = results.book, metric_of(results, row)
    change = change_of(row, against)
    said = (
        Cell(say_change(change, metric, book, language), verdict_shown(change)) if change else Cell(MISSING)
    )
    n = "" if is_missing(row["n"]) else say_n(row["n"], language)
    return (
        Cell(plain(metric_name(metric, language), 60), remark=n),
        _own_cell(results, row, metric, language),
        said,
    )


def _own_cell(results: Results, row: Mapping[str, Any], metric: Metric, language: str) -> Cell:
    """The group's own figure, and the company's beside it."""
    company = short_value(row["company_value"], metric, results.book, language)
    beside = "" if is_missing(row["company_value"]) else label("mail.tile_company", language, value=company)
    return Cell(_own_text(results, row, metric, language), remark=beside)


def _own_text(results: Results, row: Mapping[str, Any], metric: Metric, language: str) -> str:
    if row["is_withheld"]:
        return label("mail.withheld", language)
    return short_value(row["value"], metric, results.book, language)


def _withheld_part(results: Results, figures: pd.DataFrame, language: str) -> list[Part]:
    note = withheld_note(results, figures, language)
    return [Paragraph(note, size="small")] if note else []


def _targets(results: Results, wanted: Slice, figures: pd.DataFrame, language: str) -> list[Part]:
    """The group's own targets, those missed first; of a figure withheld there is no verdict."""
    own = figures[figures["target"].notna()]
    if own.empty:
        return []
    order = {"miss": 0, "undetermined": 1, "hit": 2}
    own = own.assign(verdict=own["target_verdict"]).sort_values(
        "target_verdict", key=lambda found: found.map(order).fillna(3), kind="stable"
    )
    rows = own.to_dict("records")
    name = "targets_team" if wanted.dimension == TEAM else "targets_own"
    return [Heading(label(f"mail.{name}", language)), target_table(results.book, rows, language)]


def _fact(results: Results, figures: pd.DataFrame, language: str) -> str:
    """One fact for the subject: a sure change, retention's before revenue's, else the first figure there is."""
    shown = [row for row in figures.to_dict("records") if not is_missing(row["value"])]
    rows = [_as_kpi_row(row) for row in shown]
    sure = [row for row in rows if row["previous_verdict"] in ("better", "worse")]
    chosen = sorted(sure, key=lambda row: row["metric"] != "customer_retention_rate") or rows
    return fact_of(results.book, chosen[0], language) if chosen else label("mail.fact_nothing", language)


def _as_kpi_row(row: Mapping[str, Any]) -> dict[str, Any]:
    changes = {against: change_of(row, against) for against in AGAINST}
    return {
        **row,
        **{f"{name}_verdict": verdict_shown(each) if each else None for name, each in changes.items()},
    }


# --- managers of a team ---------------------------------------------------------------------------------


def _managers(results: Results, wanted: Slice, language: str) -> list[Part]:
    """A row for each manager of the team, as far as his figures may be shown."""
    managers = slice_managers(results, wanted)
    managers = managers[managers["metric"].isin(MANAGERS_SHOWN)]
    if managers.empty:
        return []
    metrics = [name for name in MANAGERS_SHOWN if managers["metric"].eq(name).any()]
    names = {
        row.metric: metric_name(metric_of(results, row._asdict()), language) for row in managers.itertuples()
    }
    rows = []
    for group, own in managers.groupby("group", sort=True):
        cells = {row["metric"]: _manager_cell(results, row, language) for row in own.to_dict("records")}
        name = plain(group_name(results.book, MANAGER, str(group), language), GROUP_COLUMNS)
        rows.append((Cell(name), *(cells.get(metric, Cell(MISSING)) for metric in metrics)))
    headings = (label("mail.manager", language), *(plain(names[metric], 60) for metric in metrics))
    title = label("mail.managers", language)
    table = Table(headings, tuple(rows), title)
    return [Heading(title), table, *_withheld_part(results, managers, language)]


def _manager_cell(results: Results, row: Mapping[str, Any], language: str) -> Cell:
    n = "" if is_missing(row["n"]) else say_n(row["n"], language)
    return Cell(_own_text(results, row, metric_of(results, row), language), remark=n)


# --- customers ------------------------------------------------------------------------------------------


def _customers(results: Results, wanted: Slice, customers: pd.DataFrame, language: str) -> list[Part]:
    """Whom to call: valuable customers overdue, contracts due, complaints open; ten of each at most."""
    book, of = results.book, _of(wanted)
    if not book.window.days:
        return []
    taken, given = handed_over(results, wanted)
    day = format_date(book.window.last_day, language)
    handed = label(
        "mail.handed_team" if of == "team" else "mail.handed_own", language, taken=taken, given=given
    )
    notes = [label("mail.held_note", language, day=day), handed]
    lists = [part for show in (_overdue, _due, _open) for part in show(results, wanted, customers, language)]
    return [
        Heading(label("mail.customers_team" if of == "team" else "mail.customers", language)),
        *(lists or [Points((Point(label("mail.nothing_to_do", language)),))]),
        Paragraph(join_sentences(notes, language), size="small"),
    ]  # fmt: skip


def _overdue(results: Results, wanted: Slice, customers: pd.DataFrame, language: str) -> list[Part]:
    settings, rows = results.book.settings, customers[customers["is_overdue"]]
    headings = [
        label("mail.customer", language), label("mail.last_order", language),
        label("mail.expected", language, quarters=settings.horizon_quarters),
    ]  # fmt: skip
    cells = [
        (_who(results, wanted, row, language), Cell(format_date(row["last_order_on"], language)),
         Cell(format_money(row["predicted_clv"], language, currency=settings.currency)))
        for row in rows.to_dict("records")
    ]  # fmt: skip
    note = [Paragraph(label("mail.overdue_note", language), size="small")]
    return _listed(label("mail.overdue", language, count=len(rows)), headings, cells, note, language)


def _due(results: Results, wanted: Slice, customers: pd.DataFrame, language: str) -> list[Part]:
    book, rows = results.book, customers[customers["contract_due_on"].notna()]
    rows = rows.sort_values("contract_due_on", kind="stable")
    until = format_date(book.window.end + pd.Timedelta(days=DAYS_AHEAD - 1), language)
    headings = [label(f"mail.{name}", language) for name in ("customer", "due_on", "yearly_value")]
    cells = [
        (_who(results, wanted, row, language), Cell(format_date(row["contract_due_on"], language)),
         Cell(format_money(row["contract_value"], language, currency=book.settings.currency)))
        for row in rows.to_dict("records")
    ]  # fmt: skip
    return _listed(label("mail.due", language, day=until, count=len(rows)), headings, cells, [], language)


def _open(results: Results, wanted: Slice, customers: pd.DataFrame, language: str) -> list[Part]:
    rows = customers[customers["open_complaints"] > 0]
    headings = [label(f"mail.{name}", language) for name in ("customer", "complaints")]
    cells = [
        (_who(results, wanted, row, language), Cell(f"{row['open_complaints']:,}"))
        for row in rows.to_dict("records")
    ]
    return _listed(label("mail.open", language, count=len(rows)), headings, cells, [], language)


def _who(results: Results, wanted: Slice, row: Mapping[str, Any], language: str) -> Cell:
    """A customer by name, with his number, and for a team with his manager."""
    number = "" if row["customer_name"] == row["customer_id"] else plain(row["customer_id"], CUSTOMER_COLUMNS)
    is_of_team = wanted.dimension == TEAM
    manager = group_name(results.book, MANAGER, row["account_manager"], language) if is_of_team else ""
    remark = " · ".join(part for part in (number, plain(manager, GROUP_COLUMNS)) if part)
    return Cell(plain(row["customer_name"], CUSTOMER_COLUMNS), remark=remark)


def _listed(
    title: str,
    headings: Sequence[str],
    cells: Sequence[tuple[Cell, ...]],
    notes: Sequence[Part],
    language: str,
) -> list[Part]:
    """The first of a list under its title, and how many more the workbook has; nothing of an empty list."""
    if not cells:
        return []
    more = len(cells) - MOST_CUSTOMERS
    rest = [Paragraph(label("mail.more", language, count=more), size="small")] if more > 0 else []
    return [Heading(title, 3), *notes, Table(tuple(headings), tuple(cells[:MOST_CUSTOMERS]), title), *rest]
