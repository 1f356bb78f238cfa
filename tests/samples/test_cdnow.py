"""CDNOW as the literature counts it."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from analysis.params import load_params
from analysis.samples.cdnow import write_cdnow
from analysis.tables.prepared import prepare, read_quality

PARAMS = Path(__file__).parents[2] / "params" / "cdnow.yml"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_cdnow(folder)
    (folder / "params").mkdir()
    (folder / "params" / "cdnow.yml").write_text(PARAMS.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def test_the_file_looks_like_a_shops_export(root):
    lines = (root / "data" / "cdnow" / "orders.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["customer,date,cds,amount", "00001,19970101,1,11.77", "00002,19970112,1,12.00"]
    assert len(lines) == 69_659 + 1


def test_writing_again_leaves_the_file_alone_and_a_damaged_one_is_renewed(root):
    path = root / "data" / "cdnow" / "orders.csv"
    written = path.stat().st_mtime_ns
    assert write_cdnow(root) == path and path.stat().st_mtime_ns == written
    whole = path.read_text(encoding="utf-8")
    path.write_text("damaged", encoding="utf-8")
    write_cdnow(root)
    assert path.read_text(encoding="utf-8") == whole
    assert [one.name for one in path.parent.iterdir()] == ["orders.csv"]


def test_the_sample_has_the_orders_of_every_tenth_customer(tmp_path):
    lines = write_cdnow(tmp_path, sample=True).read_text(encoding="utf-8").splitlines()
    # 2,357 customers and 6,919 orders, as published with the data
    assert len(lines) == 6_919 + 1 and len({line.split(",")[0] for line in lines[1:]}) == 2_357
    assert lines[1] == "00004,19970101,2,29.33"


def test_the_package_that_carries_the_data_is_not_imported(root):
    if "lifetimes" in sys.modules:
        pytest.skip("another test has imported it")
    write_cdnow(root)
    assert "lifetimes" not in sys.modules


def test_prepared_orders_have_the_published_counts(root):
    prepared = prepare(load_params(root / "params" / "cdnow.yml"))
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(*), count(distinct customer_id), min(ordered_on), max(ordered_on), "
            f"sum(net_amount), sum(is_return::int), sum((amount = 0)::int) from '{prepared.tables['orders']}'"
        ).fetchone()
        first_seen = connection.execute(
            f"select max(first) from (select min(ordered_on) as first from '{prepared.tables['orders']}' "
            "group by customer_id)"
        ).fetchone()[0]
    assert found[:4] == (69_659, 23_570, date(1997, 1, 1), date(1998, 6, 30))
    assert first_seen == date(1997, 3, 25)  # everybody first bought in the first quarter of 1997
    assert found[4] == pytest.approx(2_500_315.63, abs=0.005)
    assert found[5] == 0 and found[6] == 80  # no returns; 80 orders of nothing
    quality = read_quality(prepared)
    assert quality.loc[quality["stage"] == "rejected", "rows"].sum() == 0
