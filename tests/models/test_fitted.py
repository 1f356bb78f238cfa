"""What every fit carries: errors, draws, and its JSON form."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analysis.models import BgNbdFit, fit_bg_nbd, fit_gamma_gamma
from analysis.models.fitted import covariance_of
from analysis.models.newton import Maximum


@pytest.fixture(scope="module")
def fit(cdnow) -> BgNbdFit:
    return fit_bg_nbd(cdnow["x"], cdnow["t_x"], cdnow["T"])


def at(hessian, at_edge=(False, False)) -> Maximum:
    return Maximum(np.zeros(2), 0.0, np.zeros(2), np.array(hessian), np.array(at_edge), True, "Newton", 1)


def test_covariance_is_the_inverse_of_minus_the_hessian():
    covariance, pinned_down = covariance_of(at([[-4.0, 1.0], [1.0, -2.0]]))
    assert covariance == pytest.approx(np.linalg.inv([[4.0, -1.0], [-1.0, 2.0]]))
    assert pinned_down.all()


def test_a_flat_direction_has_no_part_in_the_covariance():
    """−H = [[2, −2], [−2, 2]] is flat along (1, 1) and 4 along (1, −1): variance 1/4 there, ⅛ each, −⅛
    across."""
    covariance, pinned_down = covariance_of(at([[-2.0, 2.0], [2.0, -2.0]]))
    assert covariance == pytest.approx(np.array([[0.125, -0.125], [-0.125, 0.125]]))
    assert not pinned_down.any()


def test_a_parameter_at_the_edge_is_not_pinned_down():
    _, pinned_down = covariance_of(at([[-4.0, 0.0], [0.0, -2.0]], at_edge=(True, False)))
    assert pinned_down.tolist() == [False, True]


def test_standard_errors_are_the_parameters_times_the_log_errors(fit):
    log_errors = np.sqrt(np.diag(fit.covariance))
    products = np.array(list(fit.params.values())) * log_errors
    assert list(fit.standard_errors.values()) == pytest.approx(products)


def test_json_gives_the_very_same_model_back(fit):
    back = BgNbdFit.from_json(fit.to_json())
    assert back == fit and hash(back) == hash(fit)
    assert back.params == fit.params
    assert (back.covariance == fit.covariance).all()
    assert back.expected_purchases(13, 2, 10, 30) == fit.expected_purchases(13, 2, 10, 30)


def test_json_keeps_what_is_missing_and_is_plain_json():
    nothing = fit_bg_nbd([0, 0], [0, 0], [5, 5], time_unit="day")
    text = nothing.to_json()
    assert json.loads(text, parse_constant=pytest.fail)["status"] == "degenerate"
    back = BgNbdFit.from_json(text)
    assert back == nothing and np.isnan(back.params["r"]) and back.time_unit == "day"


def test_json_of_another_model_or_shape_is_refused(fit):
    stored = json.loads(fit.to_json())
    with pytest.raises(ValueError, match="expected a stored bg_nbd, found model 'other'"):
        BgNbdFit.from_json(json.dumps(stored | {"model": "other"}))
    with pytest.raises(ValueError, match="expected a stored bg_nbd, found model None"):
        BgNbdFit.from_json("[]")
    del stored["params"]
    with pytest.raises(ValueError, match="has the fields"):
        BgNbdFit.from_json(json.dumps(stored))


def test_draws_have_the_covariance_of_the_fit(fit):
    """20,000 draws, seed 1: variances within 3 %, five times their simulation error."""
    draws = fit.draw(20_000, np.random.default_rng(1))
    logs = np.log([list(each.params.values()) for each in draws])
    assert logs.mean(axis=0) == pytest.approx(np.log(list(fit.params.values())), abs=1e-12)
    assert np.cov(logs.T) == pytest.approx(fit.covariance, rel=0.03, abs=0.03 * fit.covariance.max())
    assert all(type(each) is BgNbdFit for each in draws[:3])


def test_fits_of_different_kinds_are_never_equal(fit):
    assert fit != fit_gamma_gamma([], [])
    assert fit != "bg_nbd"
