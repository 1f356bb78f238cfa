"""Fits as lifetimes fitters, without what importing lifetimes does to the process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from analysis.models import fit_bg_nbd, fit_gamma_gamma, fit_mbg_nbd


def run_alone(code: str) -> str:
    """What a fresh interpreter complains about when it runs this."""
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=paths).stderr


@pytest.fixture(scope="module")
def fits(cdnow, repeaters):
    histories = cdnow["x"], cdnow["t_x"], cdnow["T"]
    return (
        fit_bg_nbd(*histories),
        fit_mbg_nbd(*histories),
        fit_gamma_gamma(repeaters["x"], repeaters["mean_spend"]),
    )


def test_each_fit_becomes_its_fitter_with_its_parameters(fits, lifetimes):
    kinds = (lifetimes.BetaGeoFitter, lifetimes.ModifiedBetaGeoFitter, lifetimes.GammaGammaFitter)
    for fit, kind in zip(fits, kinds, strict=True):
        fitter = fit.as_lifetimes()
        assert type(fitter) is kind
        assert fitter.params_.to_dict() == fit.params
        assert fitter.standard_errors_.to_dict() == pytest.approx(fit.standard_errors)
        assert np.sqrt(np.diag(fitter.variance_matrix_)) == pytest.approx(list(fit.standard_errors.values()))
        assert list(fitter.summary.index) == list(fit.params)


def test_lifetimes_can_value_customers_with_them(fits, cdnow):
    """Its customer_lifetime_value takes both fitters; with no discount and one month of 30 days it is a
    product."""
    purchases, _, spend = fits
    some = cdnow[cdnow["x"] > 0].head(20)
    columns = some["x"], some["t_x"] * 7, some["T"] * 7
    in_days = fit_bg_nbd(cdnow["x"], cdnow["t_x"] * 7, cdnow["T"] * 7, time_unit="day")
    values = spend.as_lifetimes().customer_lifetime_value(
        in_days.as_lifetimes(), *columns, some["mean_spend"], time=1, discount_rate=0, freq="D"
    )
    expected = in_days.expected_purchases(30, *columns) * spend.expected_spend(some["x"], some["mean_spend"])
    assert values.to_numpy() == pytest.approx(expected, rel=1e-9)


def test_histories_can_be_handed_along(fits, cdnow):
    fitter = fits[0].as_lifetimes(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert len(fitter.data) == 2357 and fitter.data["frequency"].sum() == cdnow["x"].sum()
    assert len(fitter.generate_new_data(size=2357)) == 2357


@pytest.mark.slow
def test_importing_lifetimes_leaves_the_process_as_it_was():
    code = """
import warnings
warnings.simplefilter("error")
from analysis.models.bg_nbd import BgNbdFit
import pandas as pd
before = list(warnings.filters)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    option = pd.get_option("mode.chained_assignment")
fit = BgNbdFit.degenerate("no_customers", 0, {})
fit.as_lifetimes()
assert warnings.filters == before, warnings.filters
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert pd.get_option("mode.chained_assignment") == option
import sys
assert "lifetimes" in sys.modules
"""
    assert run_alone(code) == ""


@pytest.mark.slow
def test_models_do_not_import_lifetimes_on_their_own():
    code = "import sys, analysis.models; assert not {'lifetimes', 'matplotlib'} & set(sys.modules)"
    assert run_alone(code) == ""
