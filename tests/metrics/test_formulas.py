"""A formula names metrics and settings, is plain arithmetic, and nothing else."""

from __future__ import annotations

import pytest

from analysis.metrics.formulas import ExpressionError, operands

KNOWN = [
    "revenue", "new_customers", "marketing_cost", "stage_conversion_rate", "stage_conversion_rate.proposal",
]  # fmt: skip


def test_operands_are_named_once_in_reading_order():
    found = operands("(revenue - marketing_cost) / revenue * gross_margin", KNOWN, ["gross_margin"])
    assert [operand.metric for operand in found.metrics] == ["revenue", "marketing_cost"]
    assert found.settings == ("gross_margin",)


def test_a_dotted_id_wins_over_a_period():
    found = operands("stage_conversion_rate.proposal / stage_conversion_rate.proposal.year_ago", KNOWN)
    assert [tuple(operand) for operand in found.metrics] == [
        ("stage_conversion_rate.proposal", "stage_conversion_rate.proposal", None),
        ("stage_conversion_rate.proposal.year_ago", "stage_conversion_rate.proposal", "year_ago"),
    ]
    assert operands("revenue.previous", KNOWN).metrics[0] == ("revenue.previous", "revenue", "previous")


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("new_custommers + 1", "'new_custommers'; did you mean 'new_customers'"),
        ("revenu.previous", "'revenu'; did you mean 'revenue'"),
        ("gros_margin * revenue", "did you mean 'gross_margin'"),
        ("gross_margin.previous", "'gross_margin' is a setting and has no .previous"),
        ("revenue.previous.previous", "no metric or setting 'revenue.previous'"),
    ],
)
def test_an_unknown_name_gets_its_nearest(expression, told):
    with pytest.raises(ExpressionError, match=told.replace(".", r"\.")):
        operands(expression, KNOWN, ["gross_margin"])


def test_a_name_that_is_both_metric_and_setting_is_refused():
    with pytest.raises(ExpressionError, match="both a metric and a setting"):
        operands("revenue", KNOWN, ["revenue"])


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').getcwd()", "revenue.__class__()", "(lambda: 1)()", "[revenue][0]", "'text'", "True",
        "1j", "revenue ** 2", "revenue // 2", "revenue % 2", "revenue if revenue else 1", "revenue < 2",
        "not revenue", "+revenue", "f'{revenue}'", "abs(revenue, 1)", "min(revenue)", "max(revenue, key=abs)",
        "min(*revenue)", "sum(revenue, 1)", "(x := 1)", "revenue; revenue", "revenue +", "", "1e999",
        "9" * 400, "-" * 900 + "revenue", "1+" * 600 + "1", "(revenue + 1).previous", "revenue\0",
    ],
)  # fmt: skip
def test_anything_but_arithmetic_is_refused(expression):
    with pytest.raises(ExpressionError):
        operands(expression, KNOWN)
