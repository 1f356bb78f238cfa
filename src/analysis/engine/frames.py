"""One way from an engine's result to a frame, so that every engine returns the same types."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def typed_frame(table: pa.Table) -> pd.DataFrame:
    """The result as a frame with one type per kind of column.

    Whole numbers are ``int64`` (``Int64`` where some are missing), decimals and floats are ``float64``, instants
    are ``datetime64[us]`` without zone, dates likewise at midnight, truth values ``bool`` (``boolean`` where some
    are missing) and text ``str``. Engines return sums as decimals and instants in mixed units; nothing after this
    function has to know.

    Raises
    ------
    ValueError
        If two columns share a name: one would be lost.
    """
    if len(set(table.column_names)) < len(table.column_names):
        raise ValueError(f"a query gives two columns the same name: {', '.join(table.column_names)}")
    columns = {field.name: _typed(table.column(i), field.type) for i, field in enumerate(table.schema)}
    return pd.DataFrame(columns)


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pd.Series:
    if pa.types.is_decimal(kind):
        whole = kind.scale == 0
        return _whole(column.cast(pa.int64())) if whole else column.cast(pa.float64()).to_pandas()
    if pa.types.is_integer(kind):
        return _whole(column.cast(pa.int64(), safe=True))
    if pa.types.is_floating(kind):
        return column.cast(pa.float64()).to_pandas()
    if pa.types.is_boolean(kind):
        return (
            column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
            if column.null_count
            else column.to_pandas()
        )
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us")).to_pandas().astype("datetime64[us]")
    if pa.types.is_null(kind):
        return pd.Series([None] * len(column), dtype=object)
    return column.to_pandas().astype("str").where(~column.is_null().to_pandas(), None)


def _whole(column: pa.ChunkedArray) -> pd.Series:
    if column.null_count:
        return column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return column.to_pandas()
