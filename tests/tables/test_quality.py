"""Counts that add up, words for every rule, and cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from analysis.catalogue import read_yaml
from analysis.tables import TablesError
from analysis.tables.exchange import NO_RATE
from analysis.tables.prepared import read_quality, write_rejected_csv
from analysis.tables.quality import (
    LEFT_OUT,
    MALFORMED,
    NOTES,
    check_counts,
    neutralised,
    quality_row,
    rule_words,
)

SOURCES = Path(__file__).parents[2] / "src" / "analysis" / "tables"


def test_the_quality_frame_has_one_row_per_stage_and_rule_with_amounts_and_first_row(company):
    text = "id,customer,date,amount\n1,x,2024-01-01,5\n2,x,bad,7\n3,x,2024-01-01,bad\n"
    text += "4,,2024-01-01,9\n5,x,worse,1.5\n"
    quality = read_quality(company.prepare_orders(text))
    assert quality.columns.tolist() == ["table", "stage", "rule", "rows", "amount", "first_row"]
    found = [
        tuple(None if cell != cell else cell for cell in row[1:5]) for row in quality.itertuples(index=False)
    ]
    assert [str(row) for row in found] == [
        str(row)
        for row in [
            ("read", None, 5, 22.5),  # 5 + 7 + 9 + 1.5: an unreadable amount is no amount
            ("rejected", "ordered_at.unreadable", 2, 8.5),
            ("rejected", "amount.unreadable", 1, None),
            ("kept", None, 2, 14.0),
            ("excluded_from_histories", "anonymous", 1, 9.0),
        ]
    ]
    assert quality["first_row"].tolist()[1:3] == [2, 3] and quality["first_row"].isna().tolist()[0]


def test_counts_that_do_not_add_up_are_an_internal_error():
    rows = [
        quality_row("t", "read", None, 5),
        quality_row("t", "rejected", "x", 1),
        quality_row("t", "kept", None, 3),
    ]
    with pytest.raises(TablesError, match="internal error: 5 rows read, 3 kept, 1 rejected and 0 ignored"):
        check_counts(rows, "t")
    check_counts([*rows[:2], quality_row("t", "kept", None, 4)], "t")
    check_counts([*rows, quality_row("t", "ignored", "t.ignored", 1)], "t")


def test_every_rule_that_can_be_broken_has_words_in_both_languages():
    others = ("suggesting.py",)  # it yields questions
    files = [path for path in SOURCES.glob("*.py") if path.name not in others]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    rules = set(re.findall(r'Rule\(f"\{name\}\.([a-z_]+)"', code)) | set(
        re.findall(r'yield "([a-z_]+)"', code)
    )
    rules |= {NO_RATE}
    keys = (SOURCES / "keys.py").read_text(encoding="utf-8")
    rules |= set(re.findall(r"(?:\{table\}|order_id)\.([a-z_]+)'", keys)) | {MALFORMED}
    assert {"missing", "unreadable", "ambiguous", "impossible", "several_customers", "duplicate_key"} <= rules
    assert rules | set(NOTES) | set(LEFT_OUT) == set(read_yaml("labels/quality.yml"))
    for rule in (*rules, *LEFT_OUT):
        english, chinese = rule_words(f"amount.{rule}", "en"), rule_words(f"amount.{rule}", "zh")
        assert "{" not in english + chinese and re.search("[\u4e00-\u9fff]", chinese)
    assert rule_words("amount.missing", "en").startswith("amount is empty")
    assert rule_words("my_exclusion", "zh") == "my_exclusion"  # the settings' own names speak for themselves


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0"],
)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(cell):
    assert neutralised(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["x", "1", "a=b", "", "客户"])
def test_other_cells_stay_as_they_are(cell):
    assert neutralised(cell) == cell


def test_rejected_rows_are_written_for_people_with_the_meaning_in_both_languages(company, tmp_path):
    text = "id,customer,date,amount\n1,x,2024-01-01,=1+1\n2,客户,bad,5\n3\n"
    path = write_rejected_csv(company.prepare_orders(text), tmp_path / "rejected.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # so that spreadsheets see UTF-8
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["rule"] for row in rows] == [
        "amount.unreadable",
        "ordered_at.unreadable",
        "orders.malformed_line",
    ]
    assert rows[0]["found"] == "'=1+1" and rows[0]["source_row"] == "1"
    assert "客户" in rows[1]["row"] and rows[1]["meaning_zh"].startswith("ordered_at")
    assert rows[2]["column"] == "" and rows[2]["meaning_en"].startswith("The line has more or fewer fields")
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []  # nothing left aside
