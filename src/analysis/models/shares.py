"""Shares of comments: limits, comparisons, and what several comments of one customer are worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

EXPECTED_COUNT = 5
"""Where fewer comments than this are expected in a cell of the comparison, the test is Fisher's exact one."""


def wilson_limits(mentions: ArrayLike, n: ArrayLike, confidence_level: float) -> tuple[Floats, Floats]:
    """Wilson's score limits of a share (1927, JASA 22, 209–212); not a number of nothing."""
    mentions, n = np.asarray(mentions, float), np.asarray(n, float)
    z = stats.norm.isf((1 - confidence_level) / 2)
    with np.errstate(all="ignore"):
        middle = (mentions + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(mentions * (n - mentions) / n + z**2 / 4)
    empty = ~(n > 0)
    low = np.where(empty, np.nan, np.where(mentions <= 0, 0.0, middle - half))
    return low, np.where(empty, np.nan, np.where(mentions >= n, 1.0, middle + half))


def compare_shares(
    mentions: Floats, n: Floats, mentions_2: Floats, n_2: Floats, confidence_level: float
) -> pd.DataFrame:
    """Two independent shares compared: difference with limits, z and two-sided p.

    Not a number of nothing; z and p not either where all or none are mentions: there is nothing to test.

    Newcombe (1998), method 10, for the limits; the pooled test of two shares for z and p; Fisher's exact test
    (of the counts rounded) for p where a cell expects fewer than 5.
    """
    with np.errstate(all="ignore"):
        share, share_2 = mentions / n, mentions_2 / n_2
        pooled = (mentions + mentions_2) / (n + n_2)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_2))
        z = np.where(error > 0, (share - share_2) / error, np.nan)
        z = np.where((n > 0) & (n_2 > 0), z, np.nan)
        expected = np.minimum(n, n_2) * np.minimum(pooled, 1 - pooled)
    low, high = wilson_limits(mentions, n, confidence_level)
    low_2, high_2 = wilson_limits(mentions_2, n_2, confidence_level)
    p_value = 2 * stats.norm.sf(np.abs(z))
    for row in np.flatnonzero((expected < EXPECTED_COUNT) & ~np.isnan(z)):
        p_value[row] = _exact_p_value(mentions[row], n[row], mentions_2[row], n_2[row])
    return pd.DataFrame(
        {
            "difference": share - share_2,
            "difference_low": share - share_2 - np.hypot(share - low, high_2 - share_2),
            "difference_high": share - share_2 + np.hypot(high - share, share_2 - low_2),
            "z": z,
            "p_value": p_value,
        }
    )


def _exact_p_value(mentions: float, n: float, mentions_2: float, n_2: float) -> float:
    counts = np.rint([[mentions, n - mentions], [mentions_2, n_2 - mentions_2]]).astype(int)
    return float(stats.fisher_exact(counts).pvalue)


def design_effects(mentions: Floats, comments: Floats) -> Floats:
    """By how much comments of the same customers overstate how much is known, one per theme; 1 or more.

    Parameters
    ----------
    mentions : customers × themes, comments of each customer with the theme.
    comments : comments of each customer.

    Returns
    -------
    Variance of the share between customers over that of as many independent comments (Rao & Scott 1992): exactly
    1 where every customer has one comment. Comments per customer where it cannot be estimated: of one customer,
    or of a theme in none or all of the comments.
    """
    m, n = np.float64(len(comments)), comments.sum()
    if m == 0:
        return np.ones(mentions.shape[1])
    share = mentions.sum(axis=0) / n
    off = ((mentions - np.outer(comments, share)) ** 2).sum(axis=0)
    with np.errstate(all="ignore"):
        effect = (m / (m - 1) * off / n**2) / (share * (1 - share) / (n - 1))
    known = (m > 1) & (share > 0) & (share < 1)
    return np.maximum(np.where(known, effect, n / m), 1.0)


def with_q_values(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with Benjamini–Hochberg q-values over those that were tested."""
    tested = rows["p_value"].notna().to_numpy()
    q_values = np.full(len(rows), np.nan)
    if tested.any():
        q_values[tested] = stats.false_discovery_control(rows["p_value"][tested])
    return rows.assign(q_value=q_values)
