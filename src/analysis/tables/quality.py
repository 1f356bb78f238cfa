"""What was read, rejected, kept and excluded, by rule and in words; and rejected rows for people.

*Ignored* rows are left out as the settings say, before anything is checked. *Rejected* rows break the contract and
are not in the table. *Excluded* rows are in the table and stay out of
revenue or of customer histories. Each excluded row is counted once, under the first rule that applies, so
that kept − excluded from revenue = revenue.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analysis.catalogue import label
from analysis.engine import Engine
from analysis.tables import TablesError
from analysis.tables.staging import MalformedLine

STAGES = ("read", "ignored", "rejected", "kept", "excluded_from_revenue", "excluded_from_histories", "note")
# Full-width signs too: a spreadsheet set to Chinese or Japanese may take them for the others.
_HOSTILE = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
MALFORMED = "malformed_line"
LEFT_OUT = ("ignored", "not_last", "empty_cell")  # rules of rows that are ignored
NOTES = (
    "key_not_given", "repeated_rows_kept", "empty_table", "unpivoted", "order_unreadable", "anonymous", "cancelled",
    "converted",
)  # fmt: skip


def quality_row(
    table: str,
    stage: str,
    rule: str | None,
    rows: int,
    amount: float | None = None,
    first_row: int | None = None,
) -> dict[str, Any]:
    """One row of the quality frame."""
    return {
        "table": table,
        "stage": stage,
        "rule": rule,
        "rows": rows,
        "amount": amount,
        "first_row": first_row,
    }


def count_checked(
    engine: Engine,
    table: str,
    amount: str | None,
    malformed: list[MalformedLine],
    left_out: Sequence[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Rows read, ignored and rejected by rule, and kept: of ``judged_<table>``, of the lines that could not be split,
    and of what was left out before (of which no amount is known).
    """
    summed = f"fsum({amount})" if amount else "cast(null as double)"
    by_rule = engine.rows(f"select _rule, count(*), {summed}, min(_row) from judged_{table} group by _rule")
    count, amounts = sum(row[1] for row in by_rule), [row[2] for row in by_rule if row[2] is not None]
    rejected = [quality_row(table, "rejected", *row) for row in by_rule if row[0] is not None]
    if malformed:
        first = malformed[0].row
        rejected.append(quality_row(table, "rejected", f"{table}.{MALFORMED}", len(malformed), None, first))
    kept = next((row for row in by_rule if row[0] is None), (None, 0, None, None))
    count += len(malformed) + sum(row["rows"] for row in left_out)
    rows = [
        quality_row(table, "read", None, count, math.fsum(amounts) if amounts else None),
        *left_out,
        *sorted(rejected, key=lambda row: (-row["rows"], row["rule"])),
        quality_row(table, "kept", None, kept[1], kept[2]),
    ]
    check_counts(rows, table)
    return rows


def check_counts(rows: Iterable[dict[str, Any]], table: str) -> None:
    """Rows read = rows kept + rows rejected + rows ignored.

    Raises
    ------
    TablesError
        If not: an error of the workbook itself.
    """
    by_stage = {stage: sum(row["rows"] for row in rows if row["stage"] == stage) for stage in STAGES}
    if by_stage["read"] != by_stage["kept"] + by_stage["rejected"] + by_stage["ignored"]:
        raise TablesError(
            f"table {table}: internal error: {by_stage['read']} rows read, {by_stage['kept']} kept, "
            f"{by_stage['rejected']} rejected and {by_stage['ignored']} ignored do not add up"
        )


def count_excluded(engine: Engine) -> list[dict[str, Any]]:
    """Kept orders (or lines) out of revenue and out of histories, by the first rule that takes them out."""
    found = []
    for stage, column in (
        ("excluded_from_revenue", "_revenue_rule"),
        ("excluded_from_histories", "_history_rule"),
    ):
        rows = engine.rows(
            f"select {column}, count(*) as excluded, fsum(_amount), min(_row) from flagged "
            f"where {column} is not null group by {column} order by excluded desc, {column}"
        )
        found += [quality_row("orders", stage, *row) for row in rows]
    return found


def rule_words(rule: str, language: str) -> str:
    """What a rule of the quality frame says, in a reader's words.

    ``rule`` is ``<column>.<what>``, ``<table>.malformed_line`` or the name of a note; an exclusion that the
    settings name has no words here and is returned as it is.
    """
    column, dot, what = rule.rpartition(".")
    if not dot and rule not in NOTES:
        return rule
    return label(f"quality.{what}", language, column=column)


def neutralised(cell: str | None) -> str:
    """A cell that a spreadsheet would run as a formula, made harmless with a leading apostrophe."""
    text = cell or ""
    return f"'{text}" if text.startswith(_HOSTILE) else text


def write_csv(rows: Iterable[Iterable[Any]], header: Iterable[str], path: Path) -> Path:
    """A CSV file for people: byte-order mark, hostile cells neutralised; written aside and renamed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in rows:
            writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
    aside.replace(path)
    return path
