"""DuckDB as the engine: what only it has."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.engine import open_engine
from analysis.engine.duckdb import DuckDBEngine
from analysis.params import EngineSettings


@pytest.mark.parametrize(
    ("sql", "dtype", "expected"),
    [
        ("select max(x) as x from (values ('a'::enum('a', 'b')), ('b')) v(x)", "str", "b"),
        (
            "select timestamp_s '2024-02-29 23:59:59' as x",
            "datetime64[us]",
            pd.Timestamp("2024-02-29 23:59:59"),
        ),
    ],
)
def test_its_own_types_come_in_the_type_of_their_kind(sql, dtype, expected):
    found = DuckDBEngine().run(sql)["x"]
    assert (found.dtype, found.iloc[0]) == (dtype, expected)


def test_the_settings_limit_threads_and_memory():
    limited = open_engine(EngineSettings(kind="duckdb", master=None, threads=1, memory_limit="256MiB"))
    found = limited.run(
        "select current_setting('threads') as threads, current_setting('memory_limit') as memory"
    )
    assert found.iloc[0].tolist() == [1, "256.0 MiB"]
