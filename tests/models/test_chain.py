"""The stated chain BG/NBD → MBG/NBD → mean rate, and Gamma-Gamma → mean spend."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import chain, fit_purchases, fit_spend
from analysis.models.bg_nbd import BgNbdFit


def test_the_wanted_model_is_trusted_where_it_fits(cdnow, repeaters):
    histories = cdnow["x"], cdnow["t_x"], cdnow["T"]
    for model in ("bg_nbd", "mbg_nbd"):
        fit, badge = fit_purchases(*histories, model=model)
        assert (fit.model, badge.verdict) == (model, "trusted")
    fit, badge = fit_spend(repeaters["x"], repeaters["mean_spend"])
    assert (fit.model, badge.verdict) == ("gamma_gamma", "trusted")


def test_mbg_nbd_stands_in_where_bg_nbd_does_not_fit(cdnow, monkeypatch):
    def refuse(x, t_x, T, weights, *, time_unit):
        return BgNbdFit.degenerate("no_maximum", len(x), {}, time_unit=time_unit)

    monkeypatch.setitem(chain.PURCHASE_CHAINS, "bg_nbd", (refuse, chain.fit_mbg_nbd))
    fit, badge = fit_purchases(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert (fit.model, badge.verdict) == ("mbg_nbd", "with_care")
    assert badge.rule.startswith("MBG/NBD stands in for BG/NBD. No maximum")
    assert badge.rule_zh.startswith("以“MBG/NBD”代替“BG/NBD”。")


def test_few_customers_get_a_mean_rate_that_is_hardly_known():
    """3 purchases: the rate's error is at least 1/√3 = 58 % of it, more than a third."""
    fit, badge = fit_purchases([1, 2, 0], [5, 8, 0], [10, 10, 20])
    assert (fit.model, badge.verdict) == ("cohort_mean", "do_not_use")
    assert "Too few repeat customers (2)" in badge.rule
    assert "The mean purchase rate stands in for BG/NBD" in badge.rule and "平均购买率" in badge.rule_zh


def test_customers_all_alike_get_a_mean_rate_with_care():
    """100 customers with 2 purchases each: the rate's error is 1/√200 = 7 % of it."""
    fit, badge = fit_purchases([2] * 100, [5] * 100, [20] * 100)
    assert (fit.model, badge.verdict) == ("cohort_mean", "with_care")
    assert fit.expected_purchases(10, 2, 5, 20) == pytest.approx(1.0)


@pytest.mark.parametrize("histories", [([], [], []), ([0] * 9, [0] * 9, [5] * 9)])
def test_where_nobody_repeats_there_is_no_model(histories):
    fit, badge = fit_purchases(*histories)
    assert (fit.status, badge.verdict, badge.code) == ("degenerate", "do_not_use", "no_model")
    assert np.isnan(fit.expected_purchases(13, 0, 0, 5))


def test_parameters_not_pinned_down_are_used_with_care(simulate):
    people = simulate(3_000, seed=14, r=1.0, alpha=5.0, a=1e-9, b=1e3)
    fit, badge = fit_purchases(people.x, people.t_x, people.T)
    assert (fit.model, badge.verdict) == ("bg_nbd", "with_care")
    assert badge.rule == fit.message and badge.rule_zh == fit.message_zh


def test_constant_spend_is_its_mean():
    fit, badge = fit_spend([1, 2] * 50, [9.99] * 100)
    assert (fit.model, badge.verdict) == ("mean_spend", "with_care")
    assert fit.expected_spend(0, np.nan) == pytest.approx(9.99)


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="model is 'pareto'; it must be one of bg_nbd, mbg_nbd"):
        fit_purchases([1], [1], [2], model="pareto")
