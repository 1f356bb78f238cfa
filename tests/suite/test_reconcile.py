"""The gate notices every identity that is broken on purpose."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.metrics.measure import measure
from analysis.suite.everything import measure_cohorts
from analysis.suite.reconcile import IDENTITIES, check_rows, reconcile
from analysis.tables.prepared import read_quality

ORDERS = [
    ("a", "2025-05-10", 30.0),
    ("a", "2026-03-10", 100.0),
    ("a", "2026-05-20", 30.0),
    ("b", "2026-03-01", 60.0),
    ("c", "2026-06-15", 40.0),
]


@pytest.fixture(scope="module")
def run(open_orders):
    book = open_orders(ORDERS, "2026Q2")
    return book, measure(book, ["value_band"]), measure_cohorts(book), read_quality(book.prepared)


def broken(identities: pd.DataFrame) -> set[str]:
    return set(identities.loc[~identities["holds"], "identity"])


def with_value(kpis: pd.DataFrame, metric: str, value: float, by: str | None = None) -> pd.DataFrame:
    changed = kpis.copy()
    place = (
        (changed["metric"] == metric) & (changed["variant"] == "default") & (changed["period"] == "2026Q2")
    )
    place &= changed["by"].isna() if by is None else changed["by"] == by
    assert place.any()
    changed.loc[place, "value"] = value
    return changed


def test_an_honest_run_passes_every_identity(run):
    identities = reconcile(*run)
    assert set(identities["identity"]) == set(IDENTITIES)
    assert broken(identities) == set()


@pytest.mark.parametrize(
    ("metric", "value", "by", "expected"),
    [
        ("closing_customers", 99.0, None, {"population", "parts_make_the_whole"}),
        ("revenue", 71.0, None, {"revenue_of_rows", "parts_make_the_whole"}),
        ("revenue", 1.0, "value_band", {"parts_make_the_whole"}),
        ("customer_churn_rate", 0.9, None, {"retention_and_churn"}),
        ("gross_revenue_retention", 1.2, None, {"gross_below_net"}),
    ],
)
def test_a_number_changed_on_purpose_breaks_its_identity(run, metric, value, by, expected):
    book, kpis, cohorts, quality = run
    assert broken(reconcile(book, with_value(kpis, metric, value, by), cohorts, quality)) == expected


def test_a_cohort_larger_than_itself_is_noticed(run):
    book, kpis, cohorts, quality = run
    grown = cohorts.assign(customers=cohorts["customers"] + 1)
    assert broken(reconcile(book, kpis, grown, quality)) == {"cohorts_within_size"}


def test_a_row_that_vanished_is_noticed(run):
    book, kpis, cohorts, quality = run
    lost = quality.assign(rows=quality["rows"].where(quality["stage"] != "kept", quality["rows"] - 1))
    assert broken(reconcile(book, kpis, cohorts, lost)) == {"rows_accounted_for"}


def test_rows_ignored_as_set_are_accounted_for():
    rows = [("read", 5), ("ignored", 2), ("rejected", 1), ("kept", 2)]
    quality = pd.DataFrame([{"table": "tickets", "stage": stage, "rows": count} for stage, count in rows])
    assert [check["holds"] for check in check_rows(quality)] == [True]
    assert [check["holds"] for check in check_rows(quality[quality["stage"] != "ignored"])] == [False]
