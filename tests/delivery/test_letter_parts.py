"""What a letter is made of."""

from __future__ import annotations

from analysis.delivery.letter_parts import plain
from analysis.report.terminal_words import screen_width


def test_a_text_is_cut_by_its_width_and_keeps_no_unseen_signs():
    assert plain("a\r\nb\u202ec\u200b d") == "a b c d"
    assert plain("長" * 30, 11) == "長長長長長…" and screen_width("長長長長長…") == 11
    assert plain("short", 11) == "short"
