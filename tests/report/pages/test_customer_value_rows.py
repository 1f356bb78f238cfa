"""Trust, doubt, the bridge, forecasts, ways to value and models, from the frames to what is shown."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.catalogue.records import Metric
from analysis.facts import NotMeasured
from analysis.models.stored import MODELS
from analysis.report.pages.customer_value_rows import (
    WAYS_TO_VALUE,
    bridge_bars,
    curve_points,
    fit_rows,
    holdout_rows,
    latest_error,
    model_name,
    page_verdict,
    parameter_rows,
    predictive_interval,
    trust_rows,
    value_curve,
    valued_customers,
    way_rows,
    worst_verdict,
)
from analysis.suite import Results
from analysis.suite.customer_value import FIT_COLUMNS
from analysis.suite.validation import HOLDOUT_COLUMNS
from reading_pages import in_each_language, replaced


def with_model(results: Results, model: str) -> Results:
    settings = results.book.settings.model_copy(update={"model": model})
    book = replace(results.book, params=results.book.params.model_copy(update={"settings": settings}))
    return Results(book, results.frames)


def forecasts(*rows: dict) -> pd.DataFrame:
    """Forecasts, one row each; what is not given is a forecast of 100 that came true."""
    usual = {
        "period": "2024Q3", "model": "bg_nbd", "forecast_total": 100.0, "low": 90.0, "high": 110.0,
        "actual_total": 100.0, "is_inside": True, "relative_error": 0.0, "relative_error_last_quarter": 0.1,
        "relative_error_own_rate": 0.2, "root_mean_squared_error": 0.5,
        "root_mean_squared_error_last_quarter": 0.6, "root_mean_squared_error_own_rate": 0.7, "gini": 0.6,
        "top_decile_lift": 3.0, "verdict": "trusted", "rule_en": "It came true.", "rule_zh": "预测应验。",
    }  # fmt: skip
    return pd.DataFrame([usual | row for row in rows], columns=HOLDOUT_COLUMNS)


def fits(**verdicts: str) -> pd.DataFrame:
    """The four rows of fits, each trusted unless told otherwise."""
    models = {"bg_nbd": "bg_nbd", "mbg_nbd": "mbg_nbd", "spend": "gamma_gamma", "independence": "spearman"}
    rows = [
        (
            role,
            model,
            "{}",
            role == "bg_nbd",
            verdicts.get(role, "trusted"),
            f"Rule of {role}.",
            f"{role}的规则。",
        )
        for role, model in models.items()
    ]
    return pd.DataFrame(rows, columns=FIT_COLUMNS)


# --- which model, how far to trust ---------------------------------------------------------------------


def test_the_model_that_values_customers_is_the_one_the_run_chose(shop):
    told = fits().assign(is_chosen=lambda rows: rows["role"] == "mbg_nbd")
    assert replaced(with_model(shop, "auto"), fits=told).chosen_model == "mbg_nbd"


def test_without_fits_the_setting_names_the_model(shop):
    assert replaced(with_model(shop, "mbg_nbd"), fits=fits().head(0)).chosen_model == "mbg_nbd"
    assert replaced(with_model(shop, "auto"), fits=fits().head(0)).chosen_model == "bg_nbd"


@in_each_language
def test_trust_rests_on_fit_forecasts_spend_and_independence(shop, language):
    told = forecasts({"is_inside": False}, {"period": "2024Q4", "verdict": "with_care"})
    rows = trust_rows(replaced(shop, fits=fits(independence="do_not_use"), holdout=told), language)
    assert rows["verdict"].tolist() == ["trusted", "use_with_care", "trusted", "do_not_use"]
    rule = {"en": "Rule of spend.", "zh": "spend的规则。"}[language]
    assert rows["rule"].tolist()[2] == rule
    assert worst_verdict(rows["verdict"]) == "do_not_use"


def test_the_record_counts_the_periods_whose_total_lay_inside(shop):
    told = forecasts({"is_inside": False}, {}, {"period": "2024Q4", "low": None, "is_inside": False})
    found = trust_rows(replaced(shop, fits=fits(), holdout=told), "en").set_index("check").iloc[1]["of"]
    assert "1 of 2 periods" in found  # the third had no forecast


def test_without_forecasts_the_check_of_forecasts_is_not_made(shop):
    rows = trust_rows(replaced(shop, fits=fits(), holdout=forecasts()), "en")
    assert len(rows) == 3


def test_without_fits_there_is_nothing_to_trust(shop):
    assert trust_rows(replaced(shop, fits=fits().head(0)), "en").empty


def test_with_care_has_a_badge_of_its_own_name():
    assert [page_verdict(v) for v in ("trusted", "with_care", "do_not_use")] == [
        "trusted", "use_with_care", "do_not_use",
    ]  # fmt: skip


@in_each_language
def test_every_model_has_a_name_and_every_parameter_a_meaning(language):
    from analysis.catalogue import label

    for model in (model for model in MODELS.values()):
        assert model_name(model.model, language)
        for name in model.param_names:
            assert label(f"customer_value.param_{model.model}_{name}", language)
            assert label(f"customer_value.symbol_{name}", language)


# --- doubt ---------------------------------------------------------------------------------------------


def test_parameter_doubt_and_chance_add_up_as_variances():
    customers = pd.DataFrame({"clv_noise_sd": [3.0, 4.0]})
    low, high, share = predictive_interval({"value": 100.0, "standard_error": 12.0}, customers)
    # variances 12² = 144 and 3² + 4² = 25: standard deviation 13, of whose square chance is 25/169
    assert (low, high) == pytest.approx((100 - 1.959964 * 13, 100 + 1.959964 * 13), rel=1e-6)
    assert share == pytest.approx(25 / 169)


def test_the_predictive_interval_ends_at_zero():
    customers = pd.DataFrame({"clv_noise_sd": [1.0]})
    assert predictive_interval({"value": 1.0, "standard_error": 9.0}, customers)[0] == 0.0


def test_without_a_variance_of_spend_there_is_no_predictive_interval():
    customers = pd.DataFrame({"clv_noise_sd": [3.0, float("inf")]})
    found = predictive_interval({"value": 100.0, "standard_error": 12.0}, customers)
    assert all(value != value for value in found)


def test_the_latest_error_is_that_of_the_model_in_use(shop):
    last = {"period": "2024Q4", "relative_error": -0.2}
    told = forecasts({"relative_error": 0.1}, last, {"model": "mbg_nbd"})
    assert latest_error(replaced(shop, holdout=told))["relative_error"] == -0.2
    assert latest_error(replaced(shop, holdout=forecasts())) is None


# --- value curve ---------------------------------------------------------------------------------------


def test_the_curve_adds_up_values_best_first():
    curve = value_curve(pd.Series([10.0, 60.0, 30.0]))
    assert curve["share_of_value"].tolist() == pytest.approx([0.0, 0.6, 0.9, 1.0])
    assert curve["share_of_customers"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    curve = value_curve(pd.Series(range(1, 10_001)))
    assert len(curve) <= 501
    assert curve["customers"].iloc[[0, -1]].tolist() == [0, 10_000]


def test_points_of_the_curve_take_whole_customers():
    points = curve_points(pd.Series([1.0] * 9 + [11.0]))
    # best 10 % = 1 customer with 11 of 20; 20 % = 2 with 12; 50 % = 5 with 15
    assert points["customers"].tolist() == [1, 2, 5]
    assert points["share_of_value"].tolist() == pytest.approx([0.55, 0.6, 0.75])


def test_a_single_customer_is_one_point():
    points = curve_points(pd.Series([5.0]))
    assert points[["customers", "share_of_value"]].to_numpy().tolist() == [[1.0, 1.0]]


# --- bridge --------------------------------------------------------------------------------------------


def bridge(**amounts: float) -> pd.DataFrame:
    return pd.DataFrame({"step": list(amounts), "amount": list(amounts.values()), "customers": 10})


def test_every_bar_begins_where_the_one_before_ended():
    bars, small = bridge_bars(bridge(opening=100.0, new_customers=30.0, stayed_silent=-50.0, closing=80.0))
    assert bars["starts"].tolist() == [0.0, 100.0, 130.0, 0.0]
    assert bars["ends"].tolist() == [100.0, 130.0, 80.0, 80.0]
    assert small.empty


def test_steps_of_zero_are_left_out_and_tiny_ones_are_only_mentioned():
    steps = bridge(opening=1000.0, settings=0.0, horizon=0.5, bought=99.5, closing=1100.0)
    bars, small = bridge_bars(steps)
    assert bars["step"].tolist() == ["opening", "bought", "closing"]
    assert small.to_dict("records") == [{"step": "horizon", "amount": 0.5}]
    assert bars["starts"].tolist()[1] == 1000.5  # the tiny step is in the sum all the same


# --- holdout -------------------------------------------------------------------------------------------


def test_the_latest_period_and_the_model_in_use_stand_first(shop):
    told = forecasts({}, {"model": "mbg_nbd"}, {"period": "2024Q4"}, {"period": "2024Q4", "model": "mbg_nbd"})
    chosen = fits().assign(is_chosen=lambda rows: rows["role"] == "mbg_nbd")
    rows = holdout_rows(replaced(shop, fits=chosen, holdout=told), "en")
    assert list(zip(rows["period"], rows["name"], strict=True)) == [
        ("2024Q4", "MBG/NBD"), ("2024Q4", "BG/NBD"), ("2024Q3", "MBG/NBD"), ("2024Q3", "BG/NBD"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "interval", "inside", "each"),
    [("en", "90–110", "inside the interval", "0.500 each"), ("zh", "90–110", "在区间内", "单客0.500")],
)
def test_a_forecast_is_told_with_interval_and_error_for_one_customer(shop, language, interval, inside, each):
    row = holdout_rows(replaced(shop, holdout=forecasts({})), language).iloc[0]
    assert row[["interval", "inside", "per_customer"]].tolist() == [interval, inside, each]


def test_where_nothing_was_forecast_nothing_lies_outside(shop):
    told = forecasts({"forecast_total": None, "low": None, "high": None, "is_inside": False})
    assert holdout_rows(replaced(shop, holdout=told), "en")["inside"].isna().all()


# --- ways to value, models -----------------------------------------------------------------------------


@in_each_language
def test_every_way_to_value_is_told_under_every_definition(shop, language):
    rows = way_rows(shop, language)
    metrics: list[Metric] = [load_catalogue().metrics[name] for name in WAYS_TO_VALUE]
    expected = [(m.id, v.variant) for m in metrics for v in m.all_variants()]
    assert list(zip(rows["metric"], rows["variant"], strict=True)) == expected
    assert rows["meaning"].str.len().min() > 0


def test_a_way_shows_the_frame_s_figure_or_the_reason_why_there_is_none(shop):
    rows = way_rows(shop, "en").set_index(["metric", "variant"])
    own = shop.kpi("historical_clv", "default")
    assert rows.loc[("historical_clv", "default"), ["value", "n"]].tolist() == [own["value"], own["n"]]
    absent = rows.loc[("formula_clv", "default")]
    assert pd.isna(absent["value"])
    assert absent["reason"]


@in_each_language
def test_models_that_stand_in_for_others_say_so(shop, language):
    rows = fit_rows(shop, language)
    assert len(rows) == 3
    assert rows["models"].str.contains("BG/NBD").any()


def test_parameters_are_those_of_the_fits(shop):
    rows = parameter_rows(shop, "en")
    estimates = [value for fit in shop.fit_by_role.values() for value in fit.params.values()]
    assert rows["estimate"].tolist() == pytest.approx(estimates, nan_ok=True)


def test_customers_without_a_value_come_with_a_reason(shop):
    kpis = shop.kpis.copy()
    own = (kpis["metric"] == "customer_equity") & (kpis["period"] == "2024Q4") & kpis["by"].isna()
    kpis.loc[own, ["value", "status", "reason"]] = [None, "not_measured", "model_degenerate"]
    assert valued_customers(replaced(shop, kpis=kpis)) == NotMeasured("model_degenerate")
