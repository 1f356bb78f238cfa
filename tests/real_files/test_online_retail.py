"""A real shop's invoice lines, read through settings alone: what is published of the file comes out or is explained.

Published totals stand as numbers, with where they were published; the rest is counted in the raw file by other means.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.facts import open_book
from analysis.metrics.measure import measure
from analysis.params import load_params
from analysis.tables.prepared import prepare, read_quality, read_rejected

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
FILE = SHARED / "online_retail" / "online_retail.parquet"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FILE.is_file(), reason="online_retail.parquet is not in ../shared/data/online_retail"
    ),
]


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    (folder / "shared").symlink_to(SHARED.parent)
    (folder / "project").mkdir()
    return load_params(HERE / "online_retail.yml").model_copy(update={"root": folder / "project"})


@pytest.fixture(scope="module")
def prepared(params):
    return prepare(params)


@pytest.fixture(scope="module")
def quality(prepared) -> pd.DataFrame:
    """Rows and amount by table, stage and rule."""
    rows = read_quality(prepared)
    by_rule = rows.assign(rule=rows["rule"].fillna("")).set_index(["table", "stage", "rule"])
    return by_rule[["rows", "amount"]].sort_index()


@pytest.fixture(scope="module")
def orders(prepared) -> pd.DataFrame:
    return pd.read_parquet(prepared.tables["orders"])


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """The raw lines, with what they come to."""
    raw = pd.read_parquet(FILE)
    return raw.assign(amount=raw["Quantity"] * raw["UnitPrice"])


def test_every_row_and_every_pound_is_accounted_for(quality):
    orders = quality.loc["orders"]
    assert orders.loc[("read", ""), "rows"] == 541_909
    assert round(orders.loc[("read", ""), "amount"], 2) == 9_747_747.93
    assert orders.loc[("rejected", "unit_price.too_small")].tolist() == [2, pytest.approx(-22_124.12)]
    assert orders.loc[("kept", ""), "rows"] == 541_907
    assert orders.loc[("kept", ""), "amount"] == pytest.approx(9_747_747.934 + 22_124.12)


def test_the_two_negative_prices_are_the_bad_debt_that_is_rejected_and_the_third_is_excluded(
    prepared, quality
):
    rejected = read_rejected(prepared)
    assert rejected["found"].tolist() == ["-11062.06", "-11062.06"]
    assert rejected["source_row"].tolist() == [299_984, 299_985]
    assert quality.loc[("orders", "excluded_from_revenue", "bad_debt")].tolist() == [1, 11_062.06]


def test_what_does_not_count_as_revenue_or_in_histories_is_shown_by_its_rule(quality, lines):
    kept = lines[lines["UnitPrice"] >= 0]
    free = kept["UnitPrice"] == 0
    fees = kept["StockCode"].isin(["AMAZONFEE", "BANK CHARGES", "CRUK", "S"]) & ~free
    carriage = kept["StockCode"].isin(["POST", "DOT", "C2"]) & ~free
    anonymous = kept["CustomerID"].isna() & ~free & ~fees & ~carriage & ~kept["InvoiceNo"].str.startswith("A")
    assert free.sum() == 2_515  # published
    expected = {"nothing_charged": free, "fees": fees, "carriage": carriage, "anonymous": anonymous}
    for rule, rows in expected.items():
        shown = quality.loc[("orders", "excluded_from_histories", rule)]
        assert shown.tolist() == [rows.sum(), pytest.approx(kept.loc[rows, "amount"].sum(), abs=1e-6)]
    out = quality.loc[("orders", "excluded_from_revenue")]
    assert set(out.index) == {"nothing_charged", "fees", "bad_debt"}
    # 34 fees of a marketplace, 37 bank charges, 16 donations, 63 samples
    assert out.loc["fees"].tolist() == [
        34 + 37 + 16 + 63,
        pytest.approx(-221_520.50 - 7_175.639 - 7_933.43 - 3_049.39),
    ]
    assert kept["CustomerID"].isna().sum() + 2 == 135_080  # the rejected ones name nobody either


def test_repeated_rows_are_noted_and_kept(quality):
    assert quality.loc[("orders", "note", "repeated_rows_kept"), "rows"] == 5_268


def test_customers_and_products_are_told_from_the_lines(prepared, quality):
    customers = quality.loc["customers"]["rows"]
    assert customers[("ignored", "customers.ignored")] == 135_080  # rows without customer
    assert customers[("kept", "")] == 4_372
    assert quality.loc[("products", "kept", ""), "rows"] == 4_070
    products = pd.read_parquet(prepared.tables["products"]).set_index("product_id")
    assert products.loc["85123A", "product_name"] == "CREAM HANGING HEART T-LIGHT HOLDER"  # as last called
    assert {"POST", "D", "M", "BANK CHARGES"} <= set(products.index)


def test_invoices_are_orders_with_their_returns(orders, lines):
    assert len(orders) == 25_900 - 2  # two invoices consist of a rejected line
    assert orders["customer_id"].nunique() == 4_372
    assert orders["channel"].nunique() == 38
    cancelled = orders[orders["order_id"].str.startswith("C")]
    assert cancelled["lines"].sum() == 9_288
    assert len(cancelled) == lines.loc[lines["InvoiceNo"].str.startswith("C"), "InvoiceNo"].nunique()
    assert cancelled["amount"].sum() == pytest.approx(-896_812.49)
    assert cancelled["is_return"].all()
    others = orders.loc[orders["is_return"] & ~orders["order_id"].str.startswith("C")]
    assert others.empty  # negative quantities elsewhere cost nothing
    assert orders["net_amount"].sum() == pytest.approx(9_769_872.054 - 11_062.06 + 239_678.959)


def test_times_are_the_shops_own_in_winter_and_in_summer(orders):
    times = orders.set_index("order_id")["ordered_at"]
    assert times["536365"] == pd.Timestamp("2010-12-01 08:26")  # Greenwich
    assert times["A563185"] == pd.Timestamp("2011-08-12 13:50")  # written 14:50
    # 43 invoices carry two minutes: the earlier one counts
    assert orders["ordered_on"].min() == date(2010, 12, 1) and orders["ordered_on"].max() == date(2011, 12, 9)


def test_revenue_by_quarter_and_the_last_one_is_partial(params, lines):
    book = open_book(params, "2011Q4")
    assert (book.coverage.start, book.coverage.last_day) == (date(2010, 12, 1), date(2011, 12, 9))
    assert book.window.is_partial and book.window.days == 70  # 1 October to 9 December
    assert book.baselines["2011Q4"]["previous"] == "2011Q3[1-70d]"  # compared with as many days
    kpis = measure(book, (), [book.catalogue.metric("revenue")]).set_index("period")
    sold = lines[~lines["StockCode"].isin(["AMAZONFEE", "BANK CHARGES", "CRUK", "S", "B"])]
    quarter = sold["InvoiceDate"].dt.to_period("Q").astype(str)
    for period, expected in sold.groupby(quarter)["amount"].sum().items():
        if period != "2010Q4":
            assert kpis.loc[period, "value"] == pytest.approx(expected)
    seventy_days = sold["InvoiceDate"].between("2011-07-01", "2011-09-09", inclusive="left")
    assert kpis.loc["2011Q3[1-70d]", "value"] == pytest.approx(sold.loc[seventy_days, "amount"].sum())
    assert kpis.loc["2010Q4", "status"] == "not_measured"  # the data begin in its last month
