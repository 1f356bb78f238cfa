"""How many answers a survey needs: for an interval as narrow as wanted, or to tell two periods apart.

All formulas are large-sample ones with the normal quantile ``z``; below about 30 answers they promise a little too
much. ``population`` is the number of people who could be asked: an answer given by one of few says more, by the
finite population correction of Cochran (1977), Sampling Techniques, sec. 4.2.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

from analysis.errors import InputError

Method = Literal["wald", "wilson"]


def answers_for_share(
    half_width: float,
    *,
    share: float = 0.5,
    confidence_level: float = 0.95,
    population: int | None = None,
    method: Method = "wald",
) -> int:
    """Answers after which the interval of a share reaches no further than the half-width to either side.

    Parameters
    ----------
    half_width
        In (0, 0.5): 0.05 is ±5 percentage points.
    share
        What the share is expected to be; ½ asks for most answers, so it is safe where nothing is known.
    method
        ``"wald"``: n = z² p(1 − p) / h² (Cochran 1977, eq. 4.2), as textbooks have it. ``"wilson"``: the n whose
        score interval, which the report shows, has that half-width; fewer at one half, more near 0 and 1.

    Raises
    ------
    InputError
        When an argument lies outside its range.
    """
    _check("half_width", half_width, 0, 0.5)
    _check("share", share, 0, 1)
    z = _z(confidence_level)
    variance = share * (1 - share)
    wanted = _wilson(half_width, variance, z) if method == "wilson" else z**2 * variance / half_width**2
    return _answers(wanted, population)


def answers_for_mean(
    half_width: float,
    standard_deviation: float,
    *,
    confidence_level: float = 0.95,
    population: int | None = None,
) -> int:
    """Answers after which the interval of a mean reaches no further than the half-width to either side.

    n = (z s / h)² (Cochran 1977, eq. 4.6), half-width and standard deviation in the unit of the answers.

    Raises
    ------
    InputError
        When an argument lies outside its range.
    """
    _check("half_width", half_width, 0, math.inf)
    _check("standard_deviation", standard_deviation, 0, math.inf)
    return _answers((_z(confidence_level) * standard_deviation / half_width) ** 2, population)


def answers_for_nps(
    half_width: float,
    *,
    promoters: float = 0.5,
    detractors: float = 0.5,
    confidence_level: float = 0.95,
    population: int | None = None,
) -> int:
    """Answers after which the interval of a net promoter score reaches no further than the half-width, in points.

    Parameters
    ----------
    half_width
        In (0, 100): 5 is ±5 points on the scale from −100 to 100.
    promoters, detractors
        The shares expected. One half each has the largest variance there is, so it is safe where nothing is known.

    Raises
    ------
    InputError
        When an argument lies outside its range, or the shares add up to more than 1.
    """
    _check("half_width", half_width, 0, 100)
    deviation = nps_standard_deviation(promoters, detractors)
    return answers_for_mean(half_width, deviation, confidence_level=confidence_level, population=population)


def nps_standard_deviation(promoters: float, detractors: float) -> float:
    """Standard deviation, in points, of one answer: +100 of a promoter, −100 of a detractor, 0 of a passive.

    100 √(p + d − (p − d)²), at most 100.
    """
    for name, part in (("promoters", promoters), ("detractors", detractors)):
        _check(name, part, 0, 1, closed=True)
    if promoters + detractors > 1:
        raise InputError(f"promoters {promoters} and detractors {detractors} add up to more than 1")
    return 100 * math.sqrt(promoters + detractors - (promoters - detractors) ** 2)


def gap_standard_deviation(expectation: float, perception: float, correlation: float = 0.0) -> float:
    """Standard deviation of a gap, perception less expectation, from those of both and their correlation.

    √(sₑ² + sₚ² − 2 ρ sₑ sₚ): without a correlation the largest of those that are not negative, so it is safe.
    """
    _check("correlation", correlation, -1, 1, closed=True)
    return math.sqrt(expectation**2 + perception**2 - 2 * correlation * expectation * perception)


def answers_for_gap(
    half_width: float,
    expectation: float,
    perception: float,
    correlation: float = 0.0,
    *,
    confidence_level: float = 0.95,
    population: int | None = None,
) -> int:
    """Answers to both questions of a SERVQUAL pair after which the gap's interval is as narrow as wanted.

    Parameters
    ----------
    half_width
        In points of the scale.
    expectation, perception
        Standard deviations of the two, in points of the scale.
    correlation
        Of the two answers of one respondent, in [−1, 1].

    Raises
    ------
    InputError
        When an argument lies outside its range.
    """
    deviation = gap_standard_deviation(expectation, perception, correlation)
    return answers_for_mean(half_width, deviation, confidence_level=confidence_level, population=population)


def answers_to_tell_shares_apart(
    share: float, other_share: float, *, power: float = 0.8, confidence_level: float = 0.95
) -> int:
    """Answers in each of two periods after which a difference of these shares is found with this power.

    Two-sided test of two independent shares (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and
    Proportions, sec. 4.2, without continuity correction):
    n = (z₁₋α/₂ √(2 p̄ q̄) + z_power √(p₁q₁ + p₂q₂))² / (p₁ − p₂)².

    Raises
    ------
    InputError
        When an argument lies outside its range, or the shares are equal.
    """
    for value in (share, other_share):
        _check("share", value, 0, 1)
    _check("power", power, 0.5, 1)
    if share == other_share:
        raise InputError("two equal shares cannot be told apart by any number of answers")
    mean = (share + other_share) / 2
    if_equal = math.sqrt(2 * mean * (1 - mean))
    if_different = math.sqrt(share * (1 - share) + other_share * (1 - other_share))
    sum_of_both = _z(confidence_level) * if_equal + NormalDist().inv_cdf(power) * if_different
    return _answers((sum_of_both / (share - other_share)) ** 2, None)


def answers_to_tell_means_apart(
    difference: float, standard_deviation: float, *, power: float = 0.8, confidence_level: float = 0.95
) -> int:
    """Answers in each of two periods after which a difference of means is found with this power.

    n = 2 ((z₁₋α/₂ + z_power) s / d)², both in the unit of the answers; a net promoter score is a mean of
    ±100 and 0 (`nps_standard_deviation`).

    Raises
    ------
    InputError
        When an argument lies outside its range.
    """
    _check("difference", abs(difference), 0, math.inf)
    _check("standard_deviation", standard_deviation, 0, math.inf)
    _check("power", power, 0.5, 1)
    quantiles = _z(confidence_level) + NormalDist().inv_cdf(power)
    return _answers(2 * (quantiles * standard_deviation / difference) ** 2, None)


def invitations(answers: int, response_rate: float) -> int:
    """How many to ask for so many answers, when this share of those asked answers.

    Raises
    ------
    InputError
        When the response rate is not in (0, 1].
    """
    if not 0 < response_rate <= 1:
        raise InputError(f"response_rate {response_rate} is not above 0 and at most 1")
    return _up(answers / response_rate)


def _wilson(half_width: float, variance: float, z: float) -> float:
    """The n at which z √(pq/n + z²/4n²) / (1 + z²/n) is the half-width h.

    Squared and multiplied by n²(1 + z²/n)² it is quadratic in n: h²n² + z²(2h² − pq) n + z⁴(h² − ¼) = 0.
    """
    linear, constant = z**2 * (2 * half_width**2 - variance), z**4 * (half_width**2 - 0.25)
    return (-linear + math.sqrt(linear**2 - 4 * half_width**2 * constant)) / (2 * half_width**2)


def _answers(wanted: float, population: int | None) -> int:
    """Whole answers, corrected for a finite population: n / (1 + (n − 1) / N)."""
    if population is None:
        return max(1, _up(wanted))
    if population < 1:
        raise InputError(f"population {population} is not at least 1")
    return max(1, min(population, _up(wanted / (1 + (wanted - 1) / population))))


def _up(value: float) -> int:
    """The next whole number; what is whole but for rounding errors stays."""
    return math.ceil(round(value, 9))


def _z(confidence_level: float) -> float:
    _check("confidence_level", confidence_level, 0, 1)
    return NormalDist().inv_cdf((1 + confidence_level) / 2)


def _check(name: str, value: float, low: float, high: float, *, closed: bool = False) -> None:
    inside = low <= value <= high if closed else low < value < high
    if not inside:
        between = f"from {low:g} to {high:g}" if closed else f"above {low:g}" + (
            "" if math.isinf(high) else f" and below {high:g}"
        )  # fmt: skip
        raise InputError(f"{name} {value:g} is not {between}")
