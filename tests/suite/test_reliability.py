"""Cronbach's alpha: by hand, by a second formula, and as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.suite.reliability import cronbach_alpha, item_rest_correlations

MOBI = Path(__file__).resolve().parents[3] / "shared" / "data" / "satisfaction" / "mobi.csv"

# Tenenhaus, Esposito Vinzi, Chatelin and Lauro (2005), PLS path modeling, Computational Statistics & Data
# Analysis 48, check of unidimensionality: standardised alpha of the mobile phone data, by prefix of the questions.
PUBLISHED = {
    "IMAG": 0.7228, "CUEX": 0.4519, "PERQ": 0.8770, "PERV": 0.8236, "CUSA": 0.7792, "CUSL": 0.4724,
}  # fmt: skip


@pytest.fixture(scope="module")
def mobi() -> pd.DataFrame:
    if not MOBI.is_file():
        pytest.skip("the mobile phone survey is not there: ../shared/data/satisfaction/mobi.csv")
    return pd.read_csv(MOBI)


def by_mean_covariance(scores: pd.DataFrame) -> float:
    """k·c̄ / (v̄ + (k − 1)·c̄), with the mean covariance c̄ and the mean variance v̄ of the items."""
    covariances, items = scores.cov().to_numpy(), scores.shape[1]
    variance = np.diag(covariances).mean()
    covariance = (covariances.sum() - np.trace(covariances)) / (items * (items - 1))
    return items * covariance / (variance + (items - 1) * covariance)


def questions(mobi: pd.DataFrame, prefix: str) -> pd.DataFrame:
    return mobi[[name for name in mobi if name.startswith(prefix)]]


def test_alpha_worked_out_by_hand():
    # variances 1 and 3; the sums 3, 4, 8 have variance 7: 2 · (1 − 4 / 7)
    assert cronbach_alpha(pd.DataFrame({"a": [1, 2, 3], "b": [2, 2, 5]})) == pytest.approx(6 / 7)


def test_questions_that_agree_have_alpha_one_and_unrelated_ones_nought():
    assert cronbach_alpha(pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "c": [4, 5, 6]})) == pytest.approx(
        1.0
    )
    crossed = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2]})  # covariance 0
    assert cronbach_alpha(crossed) == pytest.approx(0.0)


def test_standardised_alpha_of_two_questions_is_that_of_spearman_and_brown():
    scores = pd.DataFrame({"a": [1, 2, 3, 4], "b": [10, 30, 20, 40]})  # correlation 0.8
    assert cronbach_alpha(scores, standardised=True) == pytest.approx(2 * 0.8 / (1 + 0.8))


def test_a_respondent_who_left_one_out_does_not_count():
    scores = pd.DataFrame({"a": [1, 2, 3, 5], "b": [2, 2, 5, None]})
    assert cronbach_alpha(scores) == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    "scores",
    [
        pd.DataFrame({"a": [1, 2, 3]}),
        pd.DataFrame({"a": [1, 2], "b": [1, 2]}),
        pd.DataFrame({"a": [3, 3, 3], "b": [3, 3, 3]}),
        pd.DataFrame({"a": [], "b": []}),
    ],
    ids=["one question", "two respondents", "nobody differs", "nobody"],
)
def test_alpha_is_missing_where_it_cannot_be_told(scores):
    assert np.isnan(cronbach_alpha(scores))
    assert np.isnan(cronbach_alpha(scores, standardised=True))


@pytest.mark.parametrize("prefix", PUBLISHED)
def test_standardised_alpha_is_the_published_one(mobi, prefix):
    assert cronbach_alpha(questions(mobi, prefix), standardised=True) == pytest.approx(
        PUBLISHED[prefix], abs=5e-5
    )


@pytest.mark.parametrize("prefix", PUBLISHED)
def test_two_formulas_of_alpha_agree(mobi, prefix):
    scores = questions(mobi, prefix)
    assert cronbach_alpha(scores) == pytest.approx(by_mean_covariance(scores), rel=1e-12)


def test_a_question_that_runs_against_the_rest_is_found():
    scores = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [1, 3, 2, 5, 4], "c": [5, 4, 3, 2, 1]})
    found = item_rest_correlations(scores)
    assert found["c"] < 0 < cronbach_alpha(scores.assign(c=6 - scores["c"]))
    assert (item_rest_correlations(scores.assign(c=6 - scores["c"])) > 0).all()


def test_turning_a_question_of_the_mobile_phone_survey_is_noticed(mobi):
    quality = questions(mobi, "PERQ")
    assert (item_rest_correlations(quality) > 0.3).all()
    turned = item_rest_correlations(quality.assign(PERQ4=11 - quality["PERQ4"]))
    assert set(turned.index[turned < 0]) == {"PERQ4"}
