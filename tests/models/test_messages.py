"""Messages exist in both languages."""

from __future__ import annotations

from string import Formatter

import pytest

from analysis.models.messages import MESSAGES, worded


@pytest.mark.parametrize("code", MESSAGES)
def test_every_message_has_both_languages_with_the_same_blanks(code):
    blanks = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in MESSAGES[code]]
    assert blanks[0] == blanks[1]
    assert not MESSAGES[code][1].isascii()


def test_a_message_is_filled_in():
    assert worded("too_few_repeaters", repeaters=3.0, least=10) == (
        "Too few repeat customers (3); the model needs at least 10.",
        "仅有3位重复购买客户，少于模型所需的10位。",
    )
