"""Answers needed, by textbook numbers, identities, and by drawing the samples asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.errors import InputError
from analysis.metrics.intervals import wilson_interval
from analysis.metrics.sample_size import (
    answers_for_gap,
    answers_for_mean,
    answers_for_nps,
    answers_for_share,
    answers_to_tell_means_apart,
    answers_to_tell_shares_apart,
    gap_standard_deviation,
    invitations,
    nps_standard_deviation,
)

SEED = 20260930


# --- Numbers of textbooks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("half_width", "level", "answers"),
    [
        (0.05, 0.95, 385),  # 1.96² × 0.25 / 0.05² = 384.16
        (0.03, 0.95, 1068),  # 1.96² × 0.25 / 0.03² = 1067.1
        (0.10, 0.95, 97),  # 96.04
        (0.05, 0.99, 664),  # 2.5758² × 0.25 / 0.05² = 663.5
        (0.05, 0.90, 271),  # 1.6449² × 0.25 / 0.05² = 270.6
    ],
)
def test_a_share_needs_what_textbooks_say(half_width, level, answers):
    assert answers_for_share(half_width, confidence_level=level) == answers


@pytest.mark.parametrize(
    ("population", "answers"),
    [
        (1000, 278),  # 384.15 / (1 + 383.15 / 1000) = 277.7; Krejcie and Morgan (1970), table 1
        (500, 218),  # 217.3; the table rounds to 217
        (10_000, 370),  # 370.0
        (100_000_000, 385),
        (10, 10),  # 9.8: nearly all of them
        (1, 1),
    ],
)
def test_few_people_need_fewer_answers(population, answers):
    assert answers_for_share(0.05, population=population) == answers


def test_a_mean_needs_the_square_of_deviation_over_half_width():
    # (1.96 × 15 / 5)² = 34.57; (1.96 × 1.2 / 0.1)² = 553.2
    assert answers_for_mean(5, 15) == 35
    assert answers_for_mean(0.1, 1.2) == 554
    # 553.19 / (1 + 552.19 / 800) = 327.3
    assert answers_for_mean(0.1, 1.2, population=800) == 328


def test_a_net_promoter_score_needs_four_times_a_shares_answers_at_worst():
    assert nps_standard_deviation(0.5, 0.5) == 100
    assert answers_for_nps(5) == 1537  # 1.96² × 100² / 5² = 1536.6
    # Promoters 0.5, detractors 0.2: 0.7 − 0.3² = 0.61; 1.96² × 6100 / 25 = 937.3
    assert answers_for_nps(5, promoters=0.5, detractors=0.2) == 938
    assert nps_standard_deviation(1, 0) == 0


def test_a_gap_needs_fewer_answers_the_more_both_sides_go_together():
    # √(1.2² + 1.5² − 2 × 0.5 × 1.2 × 1.5) = √1.89; 1.96² × 1.89 / 0.2² = 181.5
    assert gap_standard_deviation(1.2, 1.5, 0.5) == pytest.approx(math.sqrt(1.89))
    assert answers_for_gap(0.2, 1.2, 1.5, 0.5) == 182
    assert answers_for_gap(0.2, 1.2, 1.5) == 355  # 1.96² × 3.69 / 0.04 = 354.4
    assert gap_standard_deviation(1.3, 1.3, 1) == pytest.approx(0)


def test_two_shares_need_what_tables_say():
    # Fleiss, Levin and Paik: (1.96 √(2 × 0.55 × 0.45) + 0.8416 √(0.25 + 0.24))² / 0.1² = 387.3
    assert answers_to_tell_shares_apart(0.5, 0.6) == 388
    # (1.96 √(2 × 0.775 × 0.225) + 1.2816 √(0.1875 + 0.16))² / 0.05² = 1463.7
    assert answers_to_tell_shares_apart(0.75, 0.8, power=0.9) == 1464
    assert answers_to_tell_shares_apart(0.6, 0.5) == answers_to_tell_shares_apart(0.5, 0.6)


def test_two_means_need_what_cohen_says():
    # Half a deviation, power 0.8: 2 × (1.96 + 0.8416)² / 0.25 = 62.8; Cohen (1988), by the t test, has 64.
    assert answers_to_tell_means_apart(0.5, 1) == 63
    assert answers_to_tell_means_apart(-0.5, 1) == 63
    assert answers_to_tell_means_apart(10, 100) == 1570  # ten points of NPS at worst: 1569.8


def test_who_must_be_asked_follows_from_who_answers():
    assert invitations(385, 0.2) == 1925
    assert invitations(385, 0.3) == 1284  # 1283.3
    assert invitations(70, 0.7) == 100  # not 101, though 70 / 0.7 is 100.00000000000001
    assert invitations(5, 1) == 5


# --- Identities -------------------------------------------------------------------------------------


@pytest.mark.parametrize("half_width", [0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_the_interval_the_report_shows_is_as_narrow_as_wanted_and_with_one_answer_less_it_is_not(
    half_width, share
):
    def half(n: int) -> float:
        low, high = wilson_interval(share * n, n)
        return float(high - low) / 2

    n = answers_for_share(half_width, share=share, method="wilson")
    assert half(n) <= half_width + 1e-9
    assert half(n - 1) > half_width


def test_both_methods_differ_by_z_squared_at_one_half_and_cross_towards_the_ends():
    # At p = ½ Wilson's n is z²(1/4h² − 1), so 3.84 fewer; at p = 0.01 Wald promises what no report keeps.
    assert answers_for_share(0.05) - answers_for_share(0.05, method="wilson") == 4
    assert answers_for_share(0.02, share=0.01, method="wilson") > answers_for_share(0.02, share=0.01)


def test_a_share_is_a_mean_of_zeros_and_ones_and_a_score_one_of_three_values():
    assert answers_for_share(0.04, share=0.3) == answers_for_mean(0.04, math.sqrt(0.3 * 0.7))
    # Without passives, p = 1 − d, a net promoter score is 200 p − 100.
    assert answers_for_nps(8, promoters=0.7, detractors=0.3) == answers_for_share(0.04, share=0.3)


def test_half_the_width_takes_four_times_the_answers():
    assert answers_for_share(0.025) == pytest.approx(4 * answers_for_share(0.05), abs=4)


# --- A second method: draw the samples --------------------------------------------------------------


def reached(estimates: np.ndarray, truth: float, half_width: float) -> float:
    return float(np.mean(np.abs(estimates - truth) <= half_width + 1e-12))


def test_samples_of_that_size_lie_within_the_half_width_as_often_as_said():
    random = np.random.default_rng(SEED)
    shares = random.binomial(n := answers_for_share(0.05, share=0.4), 0.4, 20_000) / n
    assert reached(shares, 0.4, 0.05) == pytest.approx(0.95, abs=0.01)  # 20,000 draws: ± 0.003
    few = answers_for_share(0.05, share=0.4, population=1000)
    shares = random.hypergeometric(400, 600, few, 20_000) / few  # without putting anybody back
    assert reached(shares, 0.4, 0.05) == pytest.approx(0.95, abs=0.015)


def test_scores_and_gaps_of_that_size_lie_within_the_half_width_as_often_as_said():
    random = np.random.default_rng(SEED)
    n = answers_for_nps(8, promoters=0.5, detractors=0.2)
    promoters, _, detractors = random.multinomial(n, [0.5, 0.3, 0.2], 20_000).T
    assert reached(100 * (promoters - detractors) / n, 30, 8) == pytest.approx(0.95, abs=0.01)
    n = answers_for_gap(0.2, 1.2, 1.5, 0.5)
    covariance = [[1.2**2, 0.5 * 1.2 * 1.5], [0.5 * 1.2 * 1.5, 1.5**2]]
    pairs = random.multivariate_normal([6, 5.4], covariance, (5_000, n))
    assert reached((pairs[:, :, 1] - pairs[:, :, 0]).mean(axis=1), -0.6, 0.2) == pytest.approx(
        0.95, abs=0.012
    )


def test_a_difference_between_two_periods_is_found_as_often_as_said():
    random = np.random.default_rng(SEED)
    n = answers_to_tell_shares_apart(0.6, 0.7)
    before, now = random.binomial(n, 0.6, 20_000) / n, random.binomial(n, 0.7, 20_000) / n
    pooled = (before + now) / 2
    found = np.abs(now - before) / np.sqrt(2 * pooled * (1 - pooled) / n) > 1.959964
    assert found.mean() == pytest.approx(0.8, abs=0.015)


# --- What cannot be ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: answers_for_share(0), "half_width 0 is not above 0 and below 0.5"),
        (lambda: answers_for_share(5), "half_width 5 is not"),
        (lambda: answers_for_share(0.05, share=1), "share 1 is not"),
        (lambda: answers_for_share(0.05, confidence_level=95), "confidence_level 95 is not"),
        (lambda: answers_for_share(0.05, population=0), "population 0 is not at least 1"),
        (lambda: answers_for_mean(-1, 1), "half_width -1 is not above 0"),
        (lambda: answers_for_nps(5, promoters=0.7, detractors=0.4), "add up to more than 1"),
        (lambda: answers_to_tell_shares_apart(0.5, 0.5), "cannot be told apart"),
        (lambda: invitations(100, 0), "response_rate 0 is not"),
        (lambda: gap_standard_deviation(1, 1, 2), "correlation 2 is not from -1 to 1"),
    ],
)
def test_what_cannot_be_is_said(ask, said):
    with pytest.raises(InputError, match=said):
        ask()
