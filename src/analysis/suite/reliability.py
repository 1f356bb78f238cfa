"""How well questions hang together: Cronbach's alpha, and questions that run against the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd


def cronbach_alpha(scores: pd.DataFrame, standardised: bool = False) -> float:
    """Cronbach's alpha of questions meant to measure one thing; missing where it cannot be told.

    Parameters
    ----------
    scores
        One row per respondent, one column per question; respondents who left one out do not count.
    standardised
        From correlations instead of covariances, as if every question had the same variance.

    Returns
    -------
    float
        At most 1; missing with fewer than two questions or three respondents, or where no answer differs.

    Notes
    -----
    α = k/(k − 1) · (1 − Σ variances of the items / variance of their sum): Cronbach (1951), Psychometrika 16,
    297–334, eq. 2. Standardised: k·r̄ / (1 + (k − 1)·r̄) with the mean correlation r̄ of the items.
    """
    complete = scores.dropna().to_numpy(float)
    respondents, items = complete.shape
    if items < 2 or respondents < 3:
        return float("nan")
    varies = complete.std(axis=0) > 0
    if standardised:
        return _from_mean_correlation(np.corrcoef(complete, rowvar=False)) if varies.all() else float("nan")
    of_sum = complete.sum(axis=1).var(ddof=1)
    if of_sum == 0:
        return float("nan")
    return float(items / (items - 1) * (1 - complete.var(axis=0, ddof=1).sum() / of_sum))


def item_rest_correlations(scores: pd.DataFrame) -> pd.Series:
    """Correlation of each question with the sum of the others; missing where nothing varies.

    Below zero, a question runs against the rest: most often one that is reversed and not marked so.
    """
    complete = scores.dropna()
    rest = complete.sum(axis=1)
    return pd.Series(
        {name: _correlation(complete[name], rest - complete[name]) for name in complete.columns}, dtype=float
    )


def _from_mean_correlation(correlations: np.ndarray) -> float:
    items = len(correlations)
    mean = (correlations.sum() - items) / (items * (items - 1))
    return float(items * mean / (1 + (items - 1) * mean))


def _correlation(left: pd.Series, right: pd.Series) -> float:
    if len(left) < 3 or left.std() == 0 or right.std() == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])
