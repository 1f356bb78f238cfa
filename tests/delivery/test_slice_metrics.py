"""Which metrics letters to groups show, and which tell on each other."""

from __future__ import annotations

from analysis.delivery.slice_metrics import families, slice_metrics
from analysis.delivery.suppression import MANAGER, TEAM


def test_metrics_of_the_same_rows_are_one_family_and_others_are_not(sliced):
    book = sliced.book
    names = [
        "customer_retention_rate", "customer_churn_rate", "lost_customers", "opening_customers", "revenue",
        "average_order_value", "orders", "buyers", "sales_target_attainment", "renewal_rate", "nps", "csat",
    ]  # fmt: skip
    metrics = [book.catalogue.metrics[name] for name in names]
    family = {name: found for (name, _), found in families(book, metrics).items()}
    assert {family[name] for name in names[:4]} == {"customer_retention_rate"}
    assert {family[name] for name in names[4:9]} == {"revenue"}
    assert [family[name] for name in names[9:]] == names[9:]


def test_a_count_of_all_rows_is_what_the_number_of_rows_of_another_metric_tells(sliced):
    book = sliced.book
    names = [
        "open_opportunities",
        "pipeline_value",
        "new_leads",
        "sla_attainment",
        "first_contact_resolution",
    ]
    family = {
        name: found
        for (name, _), found in families(book, [book.catalogue.metrics[name] for name in names]).items()
    }
    assert family["pipeline_value"] == family["open_opportunities"]
    assert (
        len(set(family.values())) == 4
    )  # leads count at another moment, and what is due is not what is opened


def test_a_metric_with_a_target_for_teams_is_shown_to_teams_alone(sliced):
    shown = {by: [metric.id for metric in slice_metrics(sliced, by)] for by in (MANAGER, TEAM)}
    assert "orders" in shown[TEAM] and "orders" not in shown[MANAGER]
    assert "customer_churn_rate" in shown[MANAGER] and "customer_churn_rate" not in shown[TEAM]
    assert shown[MANAGER][:2] == shown[TEAM][:2] == ["revenue", "average_order_value"]
