"""The gate notices every identity that is broken on purpose."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.facts import book as book_module
from analysis.facts.book import book_of
from analysis.metrics.measure import measure
from analysis.suite.everything import measure_cohorts
from analysis.suite.reconcile import (
    IDENTITIES,
    check_answered,
    check_funnel,
    check_holders,
    check_leads,
    check_rows,
    reconcile,
)
from analysis.tables.prepared import read_quality

# a is kept, b is lost in 2026Q2 by his own choice, c comes in it. m1 hands a over to m2 in May.
TABLES = {
    "orders": """order_id,customer_id,ordered_at,amount
1,a,2025-05-10,30
2,a,2026-03-10,100
3,a,2026-05-20,30
4,b,2025-11-01,60
5,c,2026-06-15,40""",
    "exits": "customer_id,exited_on,kind,reason\nb,2026-04-20,voluntary,price",
    "account_managers": "account_manager_id,account_manager_name\nm1,Ann\nm2,Bo",
    "assignments": """customer_id,account_manager_id,assigned_from,assigned_until
a,m1,2025-01-01,2026-04-30
a,m2,2026-05-01,
b,m1,2025-01-01,
c,m2,2026-06-01,""",
    "opportunities": """opportunity_id,created_at,closed_at,outcome,stage,value
x,2026-04-02,2026-06-01,won,offer,50
y,2026-04-03,2026-05-01,lost,meeting,20
z,2026-05-04,,,lead,30""",
    "stage_entries": """opportunity_id,stage,stage_number,entered_at
x,lead,1,2026-04-02
x,meeting,2,2026-04-10
x,offer,3,2026-05-02
y,lead,1,2026-04-03
y,meeting,2,2026-04-20
z,lead,1,2026-05-04""",
    "surveys": "survey_id,customer_id,sent_at,answered_at\ns1,a,2026-05-02,2026-05-03\ns2,b,2026-05-02,",
}


@pytest.fixture(scope="module")
def company(open_company):
    return open_company(TABLES, "2026Q2")


@pytest.fixture(scope="module")
def run(company):
    kpis = measure(company, ["value_band", "account_manager"])
    return company, kpis, measure_cohorts(company), read_quality(company.prepared)


@pytest.fixture
def with_fact(company, monkeypatch):
    """The company's Book with one fact made of other rows: ``with_fact("pipeline", "select … from ({fact})")``."""

    def opened(name: str, sql: str):
        honest = book_module.fact_text

        def changed(asked: str) -> str:
            return sql.format(fact=honest(asked)) if asked == name else honest(asked)

        monkeypatch.setattr(book_module, "fact_text", changed)
        return book_of(company.params, company.prepared, company.period)

    return opened


TWICE = "select * from ({fact}) as once union all select * from ({fact}) as again"


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
        ("revenue", 1.0, "account_manager", {"parts_make_the_whole"}),
        ("customer_churn_rate", 0.9, None, {"retention_and_churn", "churn_by_kind"}),
        ("voluntary_churn_rate", 0.9, None, {"churn_by_kind"}),
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


def test_two_holders_of_one_customer_are_noticed(with_fact):
    assert all(check["holds"] for check in check_holders(with_fact("customer_holders", "{fact}")))
    checks = list(check_holders(with_fact("customer_holders", TWICE)))
    assert checks and not any(check["holds"] for check in checks)


def test_a_funnel_that_widens_is_noticed(with_fact):
    # honestly 3 leads, 3 reach the first stage, 2 (x and y) the meeting, 1 the offer
    honest = list(check_funnel(with_fact("stage_entries", "{fact}")))
    assert [(check["stage"], check["left"], check["right"]) for check in honest] == [
        ("lead", 3.0, 3.0), ("meeting", 2.0, 3.0), ("offer", 1.0, 2.0),
    ]  # fmt: skip
    assert all(check["holds"] for check in honest)
    # only z's entry of the first stage is left: 1 there, 2 at the meeting
    only_z = "select * from ({fact}) as entered where stage <> 'lead' or opportunity_id = 'z'"
    checks = {check["stage"]: check["holds"] for check in check_funnel(with_fact("stage_entries", only_z))}
    assert checks == {"lead": True, "meeting": False, "offer": True}


def test_a_lead_counted_twice_is_noticed(with_fact):
    assert [check["holds"] for check in check_leads(with_fact("opportunities", "{fact}"))] == [True]
    [check] = check_leads(with_fact("opportunities", TWICE))
    assert (check["left"], check["right"], check["holds"]) == (6.0, 3.0, False)


def test_more_answers_than_questionnaires_are_noticed(with_fact):
    thrice = TWICE + " union all select * from ({fact}) as more"
    [honest] = check_answered(with_fact("surveys", "{fact}"))
    assert (honest["left"], honest["right"], honest["holds"]) == (1.0, 2.0, True)
    [check] = check_answered(with_fact("surveys", thrice))
    assert (check["left"], check["right"], check["holds"]) == (3.0, 2.0, False)


def test_without_the_tables_nothing_is_asked(open_orders):
    book = open_orders([("a", "2026-05-20", 30.0)], "2026Q2")
    for check in (check_holders, check_funnel, check_leads, check_answered):
        assert list(check(book)) == []


@pytest.mark.slow
def test_spark_is_asked_the_same_and_answers_the_same(open_company, company, spark):
    other = open_company(TABLES, "2026Q2", engine=spark.model_dump())
    for check in (check_holders, check_funnel, check_leads, check_answered):
        assert list(check(other)) == list(check(company))


def test_every_check_names_what_it_is_asked_of(run):
    identities = reconcile(*run)
    told = identities[["metric", "period", "by", "cohort", "stage", "table"]].notna().any(axis=1)
    assert told.all()


def test_rows_ignored_as_set_are_accounted_for():
    rows = [("read", 5), ("ignored", 2), ("rejected", 1), ("kept", 2)]
    quality = pd.DataFrame([{"table": "tickets", "stage": stage, "rows": count} for stage, count in rows])
    assert [check["holds"] for check in check_rows(quality)] == [True]
    assert [check["holds"] for check in check_rows(quality[quality["stage"] != "ignored"])] == [False]
