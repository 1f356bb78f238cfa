"""What holds for every model of spend."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import fit_gamma_gamma, fit_mean_spend

EVERY = pytest.mark.parametrize("fit_one", [fit_gamma_gamma, fit_mean_spend])


@EVERY
def test_one_time_buyers_are_expected_to_spend_the_population_mean(fit_one, repeaters):
    fit = fit_one(repeaters["x"], repeaters["mean_spend"])
    assert fit.expected_spend([0, 0], [np.nan, 500.0]) == pytest.approx([fit.population_mean] * 2)


@EVERY
def test_scalars_give_floats_and_arrays_broadcast(fit_one, repeaters):
    fit = fit_one(repeaters["x"], repeaters["mean_spend"])
    assert isinstance(fit.expected_spend(2, 30.0), float)
    assert fit.expected_spend([[1], [2]], [20.0, 30.0, 40.0]).shape == (2, 3)


@EVERY
@pytest.mark.parametrize(("x", "spend"), [(-1, 5.0), (2, -5.0), (2, np.inf), (np.nan, 5.0)])
def test_what_cannot_be_is_refused(fit_one, x, spend, repeaters):
    with pytest.raises(ValueError, match="must be"):
        fit_one(repeaters["x"], repeaters["mean_spend"]).expected_spend(x, spend)
