"""Verdicts and the words of their rules."""

from __future__ import annotations

from string import Formatter

import pytest

from analysis.models.badge import RULES, Badge, judged, worst_of


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_both_languages_with_the_same_blanks(code):
    english, chinese = RULES[code]
    assert blanks(english) == blanks(chinese)
    assert english.isascii() or "{" in english
    assert not chinese.replace("{message}", "").isascii() or chinese == "{message}"


def test_a_rule_is_filled_in():
    badge = judged("with_care", "holdout_total_off", error=-0.121)
    assert "missed by −12.1%" in badge.rule and "−12.1%" in badge.rule_zh  # minus signs, no hyphens


def test_the_least_trusting_verdict_wins_and_the_first_among_equals():
    good, care, other = (
        Badge("trusted", "a", "", ""),
        Badge("with_care", "b", "", ""),
        Badge("with_care", "c", "", ""),
    )
    assert worst_of(good, care, other) is care
    assert worst_of(good) is good
