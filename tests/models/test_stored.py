"""Any stored model is read back as what it was."""

from __future__ import annotations

import pytest

from analysis.models import (
    fit_bg_nbd,
    fit_cohort_mean,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_mean_spend,
    fit_pareto_nbd,
    from_json,
)
from analysis.models.stored import MODELS


def test_every_model_comes_back_as_it_was(cdnow, repeaters):
    histories, spends = (cdnow["x"], cdnow["t_x"], cdnow["T"]), (repeaters["x"], repeaters["mean_spend"])
    fits = [fit_one(*histories) for fit_one in (fit_bg_nbd, fit_mbg_nbd, fit_cohort_mean, fit_pareto_nbd)]
    fits += [fit_one(*spends) for fit_one in (fit_gamma_gamma, fit_mean_spend)]
    assert {fit.model for fit in fits} == set(MODELS)
    assert [from_json(fit.to_json()) for fit in fits] == fits
    assert [type(from_json(fit.to_json())) for fit in fits] == [type(fit) for fit in fits]


@pytest.mark.parametrize("text", ['{"model": "bgbb"}', "{}", "3"])
def test_an_unknown_model_is_refused(text):
    with pytest.raises(ValueError, match="expected a stored model"):
        from_json(text)
