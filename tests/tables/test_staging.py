"""Rows as text with their numbers: every line of a file is either a row or listed as malformed."""

from __future__ import annotations

import csv
import io
import random

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from analysis.params import TableSource
from analysis.tables import TablesError
from analysis.tables.sources import open_source
from analysis.tables.staging import _numbered, stage_file

SOURCE = TableSource(file=("f.csv",), columns={"x": "a"})


def staged(tmp_path, text: str):
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode())
    one = stage_file(open_source(path, "f.csv", "t", SOURCE), SOURCE, tmp_path, 0)
    with duckdb.connect() as connection:
        return one, connection.execute(f"select * from read_parquet('{one.path}')").fetchall()


def as_csv_module(text: str) -> tuple[list[tuple], list[int]]:
    """The file by Python's own reader: rows of the right width, numbered, and the numbers of the others."""
    records = [record for record in csv.reader(io.StringIO(text, newline="")) if record]
    numbered = list(enumerate(records))[1:]
    width = len(records[0])
    return (
        [(number, *record) for number, record in numbered if len(record) == width],
        [number for number, record in numbered if len(record) != width],
    )


AWKWARD = {
    "quoted line breaks": 'a,b\n1,"x\ny"\n2,"x\r\n\r\ny"\n3,z\n',
    "quotes in quotes": 'a,b\n1,"say ""hi"""\n2,""""\n3,""\n',
    "a quote inside a plain value": 'a,b\n1,5" disk\n2,6"\n3,x"y"z\n',
    "text after a closing quote": 'a,b\n1,"x"y\n2,z\n',
    "too few and too many fields": 'a,b\n1,x\n2\n3,x,y\n4,x,y,z\n\n5,"p\nq"\n6\n7,x\n',
    "windows line ends": "a,b\r\n1,x\r\n2\r\n3,y\r\n",
    "old line ends": "a,b\r1,x\r2,y",
    "no line end at the end": "a,b\n1,x\n2,y",
    "a malformed line at the end": "a,b\n1,x\n2",
    "empty values": 'a,b\n,\n"",""\n1,\n,2\n',
    "blank lines": "a,b\n\n\n1,x\n\n2,y\n\n",
    "separators in quotes": 'a,b\n1,"x,y,z"\n2,"x;y"\n',
    "only a header": "a,b\n",
    "a header with a line break": '"a","b\nc"\n1,x\n2,y\n',
    "one column": "a\nx\ny\n",
}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD.keys())
def test_awkward_files_are_split_as_pythons_own_reader_splits_them(tmp_path, text):
    rows, malformed = as_csv_module(text)
    one, found = staged(tmp_path, text)
    assert [tuple("" if cell is None else cell for cell in row) for row in found] == rows
    assert [line.row for line in one.malformed] == malformed
    assert one.rows == len(rows) and one.last_row == len(rows) + len(malformed)


def test_random_files_are_split_as_pythons_own_reader_splits_them(tmp_path):
    chance = random.Random(11)
    cells = ["", "x", '"q,r"', '"l\nm"', '"a""b"', "é客", "1.5", '5"']
    for _ in range(60):
        lines = [
            ",".join(chance.choice(cells) for _ in range(chance.choice([3, 3, 3, 3, 2, 4])))
            for _ in range(30)
        ]
        text = "a,b,c\n" + "\n".join(line or "x" for line in lines) + "\n"
        rows, malformed = as_csv_module(text)
        one, found = staged(tmp_path, text)
        assert found == rows
        assert [line.row for line in one.malformed] == malformed


def test_row_numbers_stay_right_over_many_blocks_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.tables.staging.BLOCK_BYTES", 256)
    text = "a,b\n" + "".join(f"{i}\n" if i % 7 == 0 else f'{i},"p\n{i}"\n' for i in range(1, 2_000))
    rows, malformed = as_csv_module(text)
    one, found = staged(tmp_path, text)
    assert found == rows and [line.row for line in one.malformed] == malformed


def test_lines_malformed_in_a_block_read_ahead_do_not_shift_the_numbers():
    batch = pa.record_batch([pa.array(["h", "x"])], names=["c0"])
    later = pa.record_batch([pa.array(["y", "z"])], names=["c0"])
    malformed = [type("Line", (), {"row": row})() for row in (1, 3, 5)]  # known before the first batch comes
    numbers = [one.column(0).to_pylist() for one in _numbered([batch, later], malformed)]
    assert np.concatenate(numbers).tolist() == [2, 4, 6]


@pytest.mark.parametrize("text", ['a,b\n1,x\n2,"open\n3,y\n4,z\n', 'a,b\n1,x\n"open,2\n3,y\n'])
def test_a_quotation_mark_never_closed_is_an_error_that_names_the_row(tmp_path, text):
    with pytest.raises(TablesError, match="row 2 opens a quotation mark that is never closed"):
        staged(tmp_path, text)


@pytest.mark.parametrize("ending", ["", "\n", " \n", "\n\n"])
def test_a_last_value_with_a_line_break_in_closed_quotes_is_no_error(tmp_path, ending):
    assert staged(tmp_path, f'a,b\n1,"x\ny"{ending}')[1][0][2].strip() == "x\ny"


def test_a_malformed_last_line_with_a_line_break_in_closed_quotes_is_only_malformed(tmp_path):
    one, found = staged(tmp_path, 'a,b\n1,x\n"p\nq",2,3\n')
    assert found == [(1, "1", "x")] and [line.row for line in one.malformed] == [2]
