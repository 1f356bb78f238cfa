"""The words of the terminal, and the room they take."""

from __future__ import annotations

from analysis.report.terminal_words import say_in_terminal, screen_width


def test_chinese_characters_take_two_columns():
    assert screen_width("报告 2026Q3：好") == 2 * 2 + 1 + 6 + 2 + 2  # the full-width colon takes two as well


def test_the_same_words_come_in_each_language():
    assert say_in_terminal("table_absent", "en", tables="orders", lost="x").count("orders") == 1
    assert say_in_terminal("table_absent", "zh", tables="orders", lost="x").count("orders") == 1
