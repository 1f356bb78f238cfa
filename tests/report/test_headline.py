"""What stands on the cover of a company that does not supply every table."""

from __future__ import annotations

import pytest

from analysis.params import load_params
from analysis.report.headline import headline_metrics

COLUMNS = {
    "orders": {"customer_id": "c", "ordered_at": "d", "amount": "a"},
    "tickets": {"ticket_id": "t", "opened_at": "o"},
    "answers": {"survey_id": "s", "question_id": "q"},
    "questions": {"question_id": "q", "construct": "c", "scale_min": "l", "scale_max": "h"},
    "contracts": {"contract_id": "k", "customer_id": "c", "starts_on": "s"},
    "opportunities": {"opportunity_id": "o", "created_at": "c"},
}
OWN = ["revenue", "customer_retention_rate", "average_order_value", "customer_equity"]


@pytest.mark.parametrize(
    ("tables", "base", "expected"),
    [
        ("orders", "orders", OWN),
        ("orders tickets answers questions opportunities", "orders", OWN),  # nothing needs to stand in
        ("answers questions tickets", "orders", ["nps", "first_response_time", "sla_attainment", "csat"]),
        ("opportunities", "orders", ["win_rate", "won_value", "lead_conversion_rate"]),
        ("contracts", "contracts", ["customer_retention_rate", "renewal_rate"]),
        ("contracts tickets", "contracts",
         ["customer_retention_rate", "renewal_rate", "first_response_time", "sla_attainment"]),
    ],
)  # fmt: skip
def test_what_the_tables_do_not_hold_gives_way_to_what_they_do(settings_of, tables, base, expected):
    assert list(headline_metrics(settings_of(tables, base))) == expected


def test_where_nothing_can_stand_in_the_settings_own_stay_with_their_reason(settings_of):
    assert list(headline_metrics(settings_of("", "orders"))) == OWN


@pytest.fixture
def settings_of(tmp_path):
    def settings(tables: str, base: str):
        import yaml

        named = {name: {"file": "x.csv", "columns": COLUMNS[name]} for name in tables.split()}
        path = tmp_path / "c.yml"
        path.write_text(yaml.safe_dump({"company": "C", "customer_base": base, "tables": named}))
        return load_params(path).settings

    return settings
