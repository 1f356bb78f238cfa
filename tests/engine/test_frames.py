"""Whatever an engine returns, one kind of column has one type in the frame."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis.engine.frames import typed_frame

NOON = datetime(2024, 2, 29, 12, 0, 0, 123000)


def column(values: list, kind: pa.DataType) -> pd.Series:
    """The values as one column of a typed frame."""
    return typed_frame(pa.table({"x": pa.array(values, kind)}))["x"]


@pytest.mark.parametrize(
    ("kind", "present", "expected", "with_missing"),
    [
        (pa.int8(), [-128, 127], "int64", "Int64"),
        (pa.int32(), [-1, 1], "int64", "Int64"),
        (pa.int64(), [-(2**63), 2**63 - 1], "int64", "Int64"),
        (pa.uint8(), [0, 255], "int64", "Int64"),
        (pa.uint64(), [0, 2**63 - 1], "int64", "Int64"),
        (pa.decimal128(38, 0), [Decimal(-7), Decimal(2**63 - 1)], "int64", "Int64"),
        (pa.decimal128(10, 0), [Decimal(3)], "int64", "Int64"),
        (pa.decimal128(18, 2), [Decimal("1.25"), Decimal("-0.10")], "float64", "float64"),
        (pa.decimal128(38, 10), [Decimal("0.1")], "float64", "float64"),
        (pa.float32(), [0.5, -2.0], "float64", "float64"),
        (pa.float64(), [0.1, float("inf")], "float64", "float64"),
        (pa.bool_(), [True, False], "bool", "boolean"),
        (pa.string(), ["a", ""], "str", "str"),
        (pa.large_string(), ["a", "甲"], "str", "str"),
        (pa.date32(), [date(2024, 2, 29), date(1, 1, 1)], "datetime64[us]", "datetime64[us]"),
        (pa.timestamp("s"), [NOON.replace(microsecond=0)], "datetime64[us]", "datetime64[us]"),
        (pa.timestamp("ms"), [NOON], "datetime64[us]", "datetime64[us]"),
        (pa.timestamp("us"), [NOON.replace(microsecond=123456)], "datetime64[us]", "datetime64[us]"),
        (pa.timestamp("ns"), [NOON.replace(microsecond=123456)], "datetime64[us]", "datetime64[us]"),
    ],
    ids=str,
)
class TestEveryKind:
    def test_the_values_are_unchanged_in_the_kinds_one_type(self, kind, present, expected, with_missing):
        found = column(present, kind)
        assert found.dtype == expected
        assert [_plain(value) for value in found] == [_plain(value) for value in present]

    def test_a_missing_value_stays_missing_and_the_others_exact(self, kind, present, expected, with_missing):
        found = column([None, *present], kind)
        assert found.dtype == with_missing
        assert found.isna().tolist() == [True] + [False] * len(present)
        assert [_plain(value) for value in found[1:]] == [_plain(value) for value in present]

    def test_a_column_of_nothing_but_missing_values_has_the_type_too(
        self, kind, present, expected, with_missing
    ):
        found = column([None, None], kind)
        assert found.dtype == with_missing
        assert found.isna().all()

    def test_an_empty_result_has_the_type_too(self, kind, present, expected, with_missing):
        found = column([], kind)
        assert (found.dtype, len(found)) == (np.dtype(expected) if expected != "str" else "str", 0)


def _plain(value: object) -> object:
    """A value as Python's own: numbers as int or float, days as their midnight."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return pd.Timestamp(value).to_pydatetime(warn=False)
    return value.item() if isinstance(value, np.generic) else value


def test_a_column_without_any_type_is_missing_throughout():
    assert column([None, None], pa.null()).tolist() == [None, None]


def test_zoned_instants_are_told_in_utc_without_zone():
    # 12:00 in Shanghai is 04:00 UTC; Arrow holds the UTC instant beside the zone.
    at = datetime(2024, 2, 29, 4, 0)
    assert column([at], pa.timestamp("us", "Asia/Shanghai")).tolist() == [pd.Timestamp(at)]


def test_words_of_a_fixed_list_are_text():
    words = pa.array(["a", None, "a"]).dictionary_encode()
    found = typed_frame(pa.table({"x": words}))["x"]
    assert found.dtype == "str"
    assert found.tolist()[::2] == ["a", "a"]
    assert pd.isna(found[1])


def test_a_result_in_several_pieces_is_one_frame_in_order():
    pieces = pa.chunked_array([[1, 2], [], [None, 4]], pa.int64())
    frame = typed_frame(pa.table({"x": pieces}))
    assert frame.index.tolist() == [0, 1, 2, 3]
    assert frame["x"].fillna(0).tolist() == [1, 2, 0, 4]


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (2**64 - 1, pa.uint64(), "not in range"),
        (Decimal(2**63), pa.decimal128(38, 0), "out of bounds"),
        (np.datetime64("2024-02-29T12:00:00.123456789"), pa.timestamp("ns"), "would lose data"),
    ],
)
def test_what_the_type_cannot_hold_is_an_error_and_never_another_number(value, kind, said):
    with pytest.raises(pa.ArrowInvalid, match=said):
        column([value], kind)


def test_two_columns_of_one_name_are_an_error_not_a_loss():
    with pytest.raises(ValueError, match="the same name"):
        typed_frame(pa.table([[1], [2]], names=["a", "a"]))
