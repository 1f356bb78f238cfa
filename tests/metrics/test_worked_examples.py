"""Every worked example that stands in a definition comes out of the definition's own formula."""

from __future__ import annotations

import re

import pytest

from analysis.catalogue import Metric, load_catalogue
from analysis.metrics.estimates import Estimate, evaluate

RECORDS = load_catalogue().metrics.values()
WITH_EXAMPLE = [metric for record in RECORDS for metric in record.all_variants() if metric.example]


def worked_out(metric: Metric) -> float:
    """The formula of a derived metric; of a ratio, the sums of its columns taken for the columns."""
    formula = metric.value or re.sub(r"cast\((\w+) as int\)", r"\1", f"({metric.of}) / ({metric.per})")
    return evaluate(formula, {name: Estimate(value) for name, value in metric.example.given.items()}).value


@pytest.mark.parametrize("metric", WITH_EXAMPLE, ids=lambda metric: f"{metric.id}.{metric.variant}")
def test_an_example_comes_out_of_its_formula(metric):
    assert worked_out(metric) == pytest.approx(metric.example.gives, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "gives"),
    [
        ("customer_acquisition_cost", 125),  # (100,000 + 25,000) / 1,000
        ("clv_to_cac.cac_to_clv", 0.25),  # 125 / 500
        (
            "customer_retention_rate.as_printed",
            1.05,
        ),  # (1,150 − 100) / 1,000: customers who return take it above 1
        ("customer_growth_rate", 0.2),  # (120 − 100) / 100, printed as churn
        ("crm_roi", 5.0),  # (200,000 + 10 % · 1,000 · 1,000 − 50,000) / 50,000, where the text prints 2.5
    ],
)
def test_the_source_documents_examples_are_among_them(name, gives):
    assert worked_out(load_catalogue().named(name)) == pytest.approx(gives)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crm_roi", "2.5"), ("customer_growth_rate", "churn"), ("customer_retention_rate", "(start − new)"),
        ("first_response_time", "FCR"),
    ],
)  # fmt: skip
def test_what_is_printed_in_place_of_a_definition_is_told_of_it(name, words):
    assert words in load_catalogue().named(name).misprint.en
