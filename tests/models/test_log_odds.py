"""Words that mark a group: the formula, phrases, and fair counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from analysis.models.log_odds import (
    compare_uses,
    count_uses,
    drop_repeats,
    find_terms,
    measure_log_odds,
)
from analysis.models.words import read_words


def test_the_log_odds_are_those_worked_out_by_hand():
    # 20 of 100 words against 5 of 100, prior 2 of 10: ln(22/88) − ln(7/103) = −1.386294 + 2.688819 = 1.302525;
    # variance 1/22 + 1/7 = 0.188312, its root 0.433949; z = 3.001562
    log_odds, z = measure_log_odds(20, 5, 100, 100, 2, 10)
    assert (log_odds, z) == pytest.approx((1.302525, 3.001562), abs=2e-6)


def test_equal_use_is_no_difference_and_groups_exchanged_change_the_sign():
    assert measure_log_odds(7, 7, 50, 50, 1, 10)[0] == pytest.approx(0.0)
    one, other = measure_log_odds(9, 2, 50, 80, 1, 10), measure_log_odds(2, 9, 80, 50, 1, 10)
    assert one == pytest.approx(tuple(-each for each in other))


def test_for_many_uses_it_is_the_mean_and_spread_of_the_posterior():
    # the posterior of each share is Beta(y + α, n + α₀ − y − α); log-odds of a beta have digamma mean, trigamma
    # variance
    counts = [(2020, 8080), (520, 9580)]
    mean = np.subtract(*(special.digamma(a) - special.digamma(b) for a, b in counts))
    variance = sum(special.polygamma(1, a) + special.polygamma(1, b) for a, b in counts)
    log_odds, z = measure_log_odds(2000, 500, 10_000, 10_000, 20, 100)
    assert log_odds == pytest.approx(mean, rel=1e-3)
    assert z == pytest.approx(
        mean / variance**0.5, rel=0.08
    )  # the paper leaves out 1/b, here a seventh of 1/a


def test_the_prior_shrinks_rare_words_most():
    rare, common = (measure_log_odds(4 * k, k, 100 * k, 100 * k, 2.5, 100)[0] for k in (1, 100))
    assert 0 < rare < common < np.log(4 / 1) + np.log(99 / 96)


def terms_of(texts: list[str], least: int = 1) -> set[str]:
    return set(find_terms(read_words(texts), np.ones(len(texts)), least).shown)


def test_neighbours_that_stand_together_are_one_phrase():
    assert terms_of(["碎屏险", "买了碎屏险", "碎屏险，退"], least=2) == {"碎屏险"}
    assert terms_of(["gift card lost", "gift card works", "my gift card"]) >= {"gift card"}
    assert not {"gift", "card"} & terms_of(["gift card lost", "gift card works", "my gift card"])


def test_words_that_also_stand_alone_are_not_swallowed():
    # "card" stands with "gift" for 1 of 3 customers
    assert {"gift card", "card"} <= terms_of(["gift card", "card lost", "card blocked"])


def test_phrases_do_not_go_over_a_stop_nor_begin_or_end_with_a_stop_word():
    assert terms_of(["card. gift", "card, gift"]) == {"card", "gift"}
    assert terms_of(["the card is", "the card was"]) == {"card"}


def test_a_negation_opens_a_phrase():
    assert terms_of(["it does not sync", "not sync"]) == {"not sync"}


def test_terms_that_too_few_customers_use_are_left_out():
    assert terms_of(["card", "card", "gift"], least=2) == {"card"}
    assert terms_of([], least=2) == set()
    assert terms_of(["!", "the"], least=1) == set()


def test_every_customer_counts_once_in_a_group():
    words = read_words(["card", "gift", "card gift"])
    terms = find_terms(words, np.ones(3), 1)
    order = np.argsort(terms.shown)
    # customer 0 says card, card, gift in group 0: two thirds of a use and one third; customer 1 says both there
    text, customer, group = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 1, 0], [0, 0, 1]]).T
    uses = count_uses(terms, text, customer, group, 2)[:, order]
    assert terms.shown[order].tolist() == ["card", "gift"]
    np.testing.assert_allclose(uses, [[2 / 3 + 1, 1 / 3 + 1], [1, 0]])


def test_speaking_more_of_one_language_marks_no_group():
    # group 0 speaks Chinese eight times as much as group 1, both in the same proportions within each language
    uses = np.array([[80.0, 40, 10, 20], [10, 5, 20, 40]])
    compared = compare_uses(uses, np.array([True, True, False, False]))
    assert compared["log_odds"].to_numpy() == pytest.approx(0.0, abs=0.05)
    assert (compared["q_value"] > 0.3).all()


@pytest.mark.parametrize("uses", [np.empty((2, 0)), [[3.0], [4]], [[3.0, 4]], [[0.0, 0], [3, 4]]])
def test_without_two_groups_or_two_words_nothing_is_compared(uses):
    uses = np.asarray(uses)
    assert compare_uses(uses, np.zeros(uses.shape[1], dtype=bool)).empty


def test_of_words_of_the_same_customers_the_strongest_stands():
    texts = ["spinning wheel; broken"] * 4 + ["spinning wheel", "lamp"]
    terms = find_terms(read_words(texts), np.ones(6), 1)
    marking = compare_uses(np.array([[9.0] * len(terms.shown), [1.0] * len(terms.shown)]), ~terms.is_han)
    marking = marking[(marking["group"] == 0)]
    order = {"spinning wheel": 0, "broken": 1, "lamp": 2}
    marking = marking.sort_values("term", key=lambda term: [order[terms.shown[each]] for each in term])
    kept = drop_repeats(terms, marking, np.ones(6))
    assert [terms.shown[term] for term in kept["term"]] == [
        "spinning wheel",
        "lamp",
    ]  # broken: 4 of 5 the same
