"""From one quarter's equity to the next: the steps sum to the change, and each holds what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.models import EquityInputs, equity_bridge, fit_bg_nbd, fit_gamma_gamma, value_customers
from analysis.models.bridge import STEPS


def inputs_from(histories, quarter_lengths) -> EquityInputs:
    spenders = histories[(histories["x"] > 0) & (histories["mean_spend"] > 0)]
    return EquityInputs(
        customer_id=histories.index,
        x=histories["x"],
        t_x=histories["t_x"],
        T=histories["T"],
        mean_spend=histories["mean_spend"],
        purchase_fit=fit_bg_nbd(histories["x"], histories["t_x"], histories["T"]),
        spend_fit=fit_gamma_gamma(spenders["x"], spenders["mean_spend"]),
        quarter_lengths=np.array(quarter_lengths) / 7,
        gross_margin=0.4,
    )


@pytest.fixture(scope="module")
def quarters(histories_at):
    """CDNOW at the ends of 1997Q1 and 1997Q2; all customers came in Q1, the last third of them is taken as
    new in Q2."""
    last = histories_at("1997-03-31")
    return (
        inputs_from(last.iloc[: len(last) * 2 // 3], [91, 92, 92, 90]),
        inputs_from(histories_at("1997-06-30"), [92, 92, 90, 91]),
    )


@pytest.fixture(scope="module")
def found(quarters):
    return equity_bridge(*quarters)


def equity(inputs: EquityInputs) -> float:
    return value_customers(
        inputs.purchase_fit,
        inputs.spend_fit,
        inputs.x,
        inputs.t_x,
        inputs.T,
        inputs.mean_spend,
        quarter_lengths=inputs.quarter_lengths,
        gross_margin=inputs.gross_margin,
        discount_rate_per_year=inputs.discount_rate_per_year,
        n_draws=2,
    ).total.total


def test_ends_are_the_equities_and_steps_sum_to_the_change(quarters, found):
    assert found.opening == pytest.approx(equity(quarters[0]), rel=1e-12)
    assert found.closing == pytest.approx(equity(quarters[1]), rel=1e-12)
    assert tuple(found.steps) == STEPS
    assert sum(found.steps.values()) == pytest.approx(found.change, abs=1e-9 * found.closing)


def test_steps_have_the_signs_they_must(found):
    """Buying raises value and silence lowers it; newcomers bring some; nobody went missing; settings
    stayed."""
    assert found.steps["bought"] > 0 > found.steps["stayed_silent"]
    assert found.steps["new_customers"] > 0
    assert found.steps["no_longer_known"] == found.steps["settings"] == 0
    assert (
        found.customers["new_customers"] + found.customers["bought"] + found.customers["stayed_silent"]
        == 2357
    )


def test_nothing_changed_is_no_change(quarters):
    found = equity_bridge(quarters[0], quarters[0])
    assert list(found.steps.values()) == pytest.approx([0] * len(STEPS), abs=1e-9 * found.opening)


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ("settings", {"gross_margin": 0.5}),
        ("settings", {"discount_rate_per_year": 0.2}),
        ("horizon", {"quarter_lengths": [20.0, 13.0]}),
    ],
)
def test_one_thing_changed_is_one_step(quarters, step, change):
    this = replace(quarters[0], **change)
    found = equity_bridge(quarters[0], this)
    assert found.steps[step] == pytest.approx(equity(this) - equity(quarters[0]), rel=1e-9)
    rest = [amount for name, amount in found.steps.items() if name != step]
    assert rest == pytest.approx([0] * len(rest), abs=1e-9 * found.opening)


def test_refitted_parameters_are_one_step(quarters):
    this = replace(quarters[0], purchase_fit=quarters[1].purchase_fit, spend_fit=quarters[1].spend_fit)
    found = equity_bridge(quarters[0], this)
    assert found.steps["parameters"] == pytest.approx(found.change, rel=1e-9)


def test_a_new_mean_spend_is_the_spend_step(quarters):
    last = quarters[0]
    found = equity_bridge(last, replace(last, mean_spend=last.mean_spend * 2))
    assert found.steps["spend"] == pytest.approx(found.change, rel=1e-9)
    assert found.customers["spend"] == int((np.asarray(last.x) > 0).sum())


def test_customers_gone_from_the_data_are_named_apart(quarters):
    last = quarters[0]
    kept = slice(10, None)
    columns = {name: getattr(last, name)[kept] for name in ("customer_id", "x", "t_x", "T", "mean_spend")}
    found = equity_bridge(last, replace(last, **columns))
    assert found.customers["no_longer_known"] == 10
    assert found.steps["no_longer_known"] == pytest.approx(found.change, rel=1e-9)


def test_order_of_customers_does_not_matter(quarters, found):
    last, this = quarters
    order = np.random.default_rng(71).permutation(len(this.customer_id))
    columns = {
        name: np.asarray(getattr(this, name))[order]
        for name in ("customer_id", "x", "t_x", "T", "mean_spend")
    }
    assert equity_bridge(last, replace(this, **columns)).steps == pytest.approx(found.steps, rel=1e-9)


def test_ids_twice_and_other_time_units_are_refused(quarters):
    last, this = quarters
    twice = np.asarray(last.customer_id).copy()
    twice[1] = twice[0]
    with pytest.raises(ValueError, match="stands more than once"):
        equity_bridge(replace(last, customer_id=twice), this)
    in_days = replace(last, purchase_fit=replace(last.purchase_fit, time_unit="day"))
    with pytest.raises(ValueError, match="time units differ: day then, week now"):
        equity_bridge(in_days, this)
