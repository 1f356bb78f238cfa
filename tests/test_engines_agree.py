"""Spark and DuckDB give the same tables, facts and KPI frames, for CDNOW and for a company with every awkward case."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.facts import Book, open_book
from analysis.metrics.frame import KEYS
from analysis.metrics.measure import measure
from analysis.params import EngineSettings
from analysis.suite.everything import measure_cohorts
from analysis.tables.prepared import read_quality, read_rejected

pytestmark = pytest.mark.slow

FRAMES: dict[str, Callable[[Book], pd.DataFrame]] = {
    "checked orders": lambda book: _table(book, "orders"),
    "checked customers": lambda book: _table(book, "customers"),
    "checked costs": lambda book: _table(book, "costs"),
    "quality": lambda book: read_quality(book.prepared),
    "rejected": lambda book: read_rejected(book.prepared),
    "coverage": lambda book: pd.DataFrame([vars(book.coverage)]),
    "customers": lambda book: book.ask("select * from customers order by customer_id"),
    "customer periods": lambda book: book.ask("select * from customer_periods order by period, customer_id"),
    "histories": lambda book: book.histories(book.window.last_day),
    "cohorts": measure_cohorts,
    "kpis": lambda book: measure(book, _dimensions(book)),
}


def _table(book: Book, name: str) -> pd.DataFrame:
    path = book.prepared.tables.get(name)
    return pd.DataFrame() if path is None else pd.read_parquet(path)


def _dimensions(book: Book) -> list[str]:
    return [
        name for name, each in book.catalogue.dimensions.items() if not set(each.needs) & set(book.absent)
    ]


def _same(on_spark: pd.DataFrame, on_duckdb: pd.DataFrame, name: str) -> None:
    """Counts, words, days and types exactly; other numbers to a thousand-millionth of what is added up."""
    assert list(on_spark.columns) == list(on_duckdb.columns), name
    assert on_spark.dtypes.astype(str).to_dict() == on_duckdb.dtypes.astype(str).to_dict(), name
    if name == "kpis":
        on_spark, on_duckdb = (frame.sort_values(KEYS, ignore_index=True) for frame in (on_spark, on_duckdb))
    floats = [column for column in on_duckdb if on_duckdb[column].dtype == "float64"]
    pd.testing.assert_frame_equal(on_spark.drop(columns=floats), on_duckdb.drop(columns=floats), obj=name)
    for column in floats:
        where = f"{name}: {column}"
        np.testing.assert_allclose(on_spark[column], on_duckdb[column], rtol=1e-9, atol=1e-9, err_msg=where)


def _books(params: Path, period: str, spark: EngineSettings) -> tuple[Book, Book]:
    """The company on DuckDB and on Spark, each with tables it has prepared itself."""
    root = params.parent.parent
    other = root.with_name(f"{root.name}_on_spark")
    shutil.copytree(root, other, ignore=shutil.ignore_patterns(".prepared"))
    on_spark = other / "params" / params.name
    engine = yaml.safe_dump({"engine": spark.model_dump()})
    on_spark.write_text(f"{params.read_text(encoding='utf-8')}\n{engine}", encoding="utf-8")
    return open_book(params, period), open_book(on_spark, period)


# --- CDNOW -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cdnow_books(cdnow, spark) -> tuple[Book, Book]:
    return _books(cdnow, "1997Q4", spark)


@pytest.mark.parametrize(
    "name", [name for name in FRAMES if name not in ("checked customers", "checked costs")]
)
def test_cdnow_is_the_same_on_both(cdnow_books, name):
    on_duckdb, on_spark = (FRAMES[name](book) for book in cdnow_books)
    assert len(on_duckdb) or name == "rejected"
    _same(on_spark, on_duckdb, name)


# --- Every awkward case ----------------------------------------------------------------------------------------

HOSTILE = ["O'Brien", 'the "best"', "back\\slash", "😀 emoji", "two\nlines", "=cmd|' /C'!A0", "$1 \\1 %_", "<b>x</b>",
           "007", "7", "Ärger & Söhne", "甲乙丙", "null", "None", "a;b", "  spaced  "]  # fmt: skip
WORDS = [None, "web", "shop", "O'Neil's", "café", "门店"]


def _orders(seed: int) -> list[list[Any]]:
    """Orders as lines: id, customer, local time, quantity, price, status, channel, category."""
    chance = random.Random(seed)
    customers = HOSTILE + [f"c{n:03d}" for n in range(120)]
    first, last = datetime(2022, 1, 1), datetime(2024, 11, 20)
    rows: list[list[Any]] = []

    def order(
        customer: str | None, moment: datetime, *lines: tuple[float, str], status: str | None = None
    ) -> None:
        number = f"{len(rows):06d}"
        for quantity, price in lines:
            words = [status, chance.choice(WORDS), chance.choice(WORDS)]
            rows.append([number, customer, moment.strftime("%Y-%m-%d %H:%M:%S"), quantity, price, *words])

    for _ in range(900):
        moment = first + timedelta(seconds=chance.randrange(int((last - first).total_seconds())))
        customer = chance.choice(customers[:-15]) if chance.random() > 0.08 else None
        lines = [(chance.choice([1, 1, 2, 3, -1, 0]), chance.choice(["10", "9.99", "0", "0.1", "0.30", "1234.5"]))
                 for _ in range(chance.randint(1, 3))]  # fmt: skip
        order(customer, moment, *lines, status=chance.choice([None, "paid", "cancelled", "test"]))
    # Exactly at the edges of quarters, in local time, and a second on either side.
    for year in (2022, 2023, 2024):
        for month in (1, 4, 7, 10):
            for customer, second in (("c001", 0), ("c002", -1), ("c003", 1)):
                order(customer, datetime(year, month, 1) + timedelta(seconds=second), (1, "20"))
    # Around both changes of the clock: the hour that is skipped, the hour that is repeated, the midnights.
    for day in (datetime(2023, 3, 26), datetime(2023, 10, 29), datetime(2024, 3, 31), datetime(2024, 10, 27)):
        for minutes in (-1, 0, 1, 119, 120, 150, 180, 181, 1439, 1440):
            order(f"c{minutes % 7:03d}", day + timedelta(minutes=minutes), (1, "5.5"))
    # Ties in value, at the thirds and at the middle; amounts that take each other back, though not in binary.
    for n in range(20, 50):
        order(f"c{n:03d}", datetime(2024, 2, 10, 12), (1, "100"))
        order(f"c{n:03d}", datetime(2023, 8, 10, 12), (1, "50"))
    for n in range(50, 56):
        order(f"c{n:03d}", datetime(2024, 5, 10, 12), (1, "0.1"), (1, "0.2"), (-1, "0.3"))
        order(f"c{n:03d}", datetime(2024, 5, 10, 18), (2, "30"))
        order(f"c{n:03d}", datetime(2024, 5, 10, 23, 59, 59), (-2, "30"))
    return rows


def _write(path: Path, header: str, rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)


def _write_awkward(root: Path, zone: str) -> Path:
    chance = random.Random(7)
    rows = _orders(11)
    rows += [["bad1", "c001", "2024-02-30 10:00:00", 1, "5", None, None, None],
             ["bad2", "c001", "2024-02-20 10:00:00", 1, "five", None, None, None],
             ["bad3", "c001", "1900-01-01 10:00:00", 1, "5", None, None, None],
             ["bad4", "c001", "2024-02-20T10:00:00+05:30", 1, "€ 1.5", None, None, None],
             rows[3], rows[3]]  # fmt: skip
    _write(root / "orders.csv", "id,customer,when,quantity,price,status,channel,category", rows)
    customers = [[name, f"{name} & Co", *_traits(chance)] for name in HOSTILE]
    customers += [[f"c{n:03d}", None if n % 5 == 0 else f"Name {n}", *_traits(chance)] for n in range(150)]
    _write(root / "customers.csv", "id,name,since,segment,industry,region,channel", customers)
    costs = [
        [date(2022, 1, 1) + timedelta(days=9 * n), chance.choice(["marketing", "sales", "service"]),
         chance.choice(["0", "99.95", "1e3"]), chance.choice(WORDS)] for n in range(110)
    ]  # fmt: skip
    _write(root / "costs.csv", "day,kind,amount,channel", costs)
    orders = {
        "file": "orders.csv", "given_as": "lines", "cancelled_when": "status = 'cancelled'", "drop_repeated_rows": True,
        "columns": {"order_id": "id", "customer_id": "customer", "ordered_at": "when", "quantity": "quantity",
                    "unit_price": "price", "status": "status", "channel": "channel", "category": "category"},
    }  # fmt: skip
    tables = {
        "orders": orders,
        "customers": {"file": "customers.csv", "columns": {
            "customer_id": "id", "customer_name": "name", "acquired_on": {"column": "since", "format": "%d/%m/%Y"},
            "segment": "segment", "industry": "industry", "region": "region", "acquisition_channel": "channel"}},
        "costs": {"file": "costs.csv", "columns": {
            "spent_on": "day", "kind": "kind", "amount": "amount", "acquisition_channel": "channel"}},
    }  # fmt: skip
    exclusions = {
        "test orders": {
            "where": "status = 'test' or customer_id like 'c00%9'",
            "out_of": ["revenue", "histories"],
        },
        "the café": {"where": "channel = 'café' and quantity > 2", "out_of": ["histories"]},
    }
    params = {"company": "Awkward", "tables": tables, "time_zone": zone, "exclusions": exclusions,
              "max_rejected_share": 0.2, "settle_days": 1, "activity_window_days": 90,
              "sparkline_periods": 4}  # fmt: skip
    path = root / "params" / "company.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(params, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _traits(chance: random.Random) -> list[Any]:
    since = date(2021, 12, 1) + timedelta(days=chance.randrange(1000))
    return [
        None if chance.random() < 0.3 else since.strftime("%d/%m/%Y"),
        *(chance.choice(WORDS) for _ in range(4)),
    ]


PARIS, NEW_YORK = "Europe/Paris", "America/New_York"
# What does not depend on where midnight falls is compared once.
TIMES_MATTER = ["checked orders", "quality", "rejected", "coverage", "histories", "kpis"]


@pytest.fixture(scope="module")
def awkward_books(spark, tmp_path_factory) -> Callable[[str], tuple[Book, Book]]:
    """The awkward company in a time zone, prepared once however many tests look at it."""

    # The data end on 20 November: the fourth quarter is partial, and is compared with the first days of others.
    @cache
    def books(zone: str) -> tuple[Book, Book]:
        return _books(_write_awkward(tmp_path_factory.mktemp("awkward"), zone), "2024Q4", spark)

    return books


@pytest.mark.parametrize(
    ("zone", "name"), [*((PARIS, name) for name in FRAMES), *((NEW_YORK, name) for name in TIMES_MATTER)]
)
def test_an_awkward_company_is_the_same_on_both(awkward_books, zone, name):
    on_duckdb, on_spark = (FRAMES[name](book) for book in awkward_books(zone))
    assert len(on_duckdb)
    _same(on_spark, on_duckdb, name)


def test_the_awkward_company_has_the_awkward_cases(awkward_books):
    book = awkward_books(PARIS)[0]
    orders, kpis = _table(book, "orders"), measure(book)
    assert book.window.is_partial
    assert orders["is_return"].any() and (orders["amount"] == 0).any() and orders["customer_id"].isna().any()
    assert orders["excluded_by"].notna().any() and (orders["lines"] > 1).any()
    assert set(HOSTILE[:5]) <= set(orders["customer_id"].dropna())
    assert {"007", "7"} <= set(_table(book, "customers")["customer_id"])
    assert len(read_rejected(book.prepared)) >= 5
    assert kpis["status"].nunique() > 1
