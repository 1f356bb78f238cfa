"""The beginning of a file as it is: where its header stands, how it is written, whether a total ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import InputError
from analysis.params import TableSource
from analysis.tables.beginnings import SAMPLE_BYTES, Sample, read_beginning, totals_condition


def begun(folder: Path, content: str | bytes):
    file = folder / "file.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_beginning(file, TableSource(file=("file.csv",), columns={}))


def test_the_header_is_found_below_a_title_and_by_the_separator_that_splits_it(tmp_path):
    sample = begun(tmp_path, "Sales, all of them\n\nBelegnr;Kunde;Betrag\n1;ann;9\n").as_table("orders", None)
    assert sample.columns == ("Belegnr", "Kunde", "Betrag") and sample.lines_above == 2
    assert sample.cells("Kunde") == ["ann"]


def test_headings_that_nobody_knows_are_found_by_their_width(tmp_path):
    sample = begun(tmp_path, "Title\na;b;c\n1;2;3\n4;5;6\n").as_is()
    assert sample.columns == ("a", "b", "c") and sample.rows == (("1", "2", "3"), ("4", "5", "6"))


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_character_cut_at_the_end_of_the_sample_changes_no_encoding(tmp_path, shift):
    head = "客户,金额\n" + "x" * shift
    content = head + "甲" * SAMPLE_BYTES  # three bytes each: one of the shifts cuts it in each place
    assert begun(tmp_path, content).encoding == "utf-8"


def test_the_last_line_of_a_long_file_is_seen_and_that_of_a_short_one_once(tmp_path):
    rows = "".join(f"{number},2026-04-17,9\n" for number in range(40_000))
    long = begun(tmp_path, f"Order,Date,Total\n{rows}Total,,360000\n").as_table("orders", None)
    assert long.rows[-1] == ("Total", "", "360000")
    assert len(begun(tmp_path, "Order,Date,Total\n1,2026-04-17,9\n").as_table("orders", None).rows) == 1


def test_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(InputError, match="no table of text"):
        begun(tmp_path, bytes(range(256)) * 40)


@pytest.mark.parametrize(
    ("last", "condition"),
    [
        (("Total", "", "9", ""), "\"no\" = 'Total'"),
        (("Total général", "", "", "9"), "\"no\" = 'Total général'"),
        (("合计", "", "9", ""), "\"no\" = '合计'"),
        (("3", "Total Energies", "9", "ok"), None),  # a customer
        (("", "Total Energies", "9", "ok"), None),  # one of whose cells is empty
        (("3", "ann", "9", "ok"), None),
    ],
)
def test_a_total_lacks_what_every_other_row_has(last, condition):
    rows = (("1", "ann", "9", "ok"), ("2", "bob", "9", "ok"), last)
    assert totals_condition(Sample(("no", "who", "sum", "state"), rows)) == condition
