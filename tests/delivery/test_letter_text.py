"""A letter as plain text."""

from __future__ import annotations

from analysis.delivery.letter_parts import Cell, Table
from analysis.delivery.letter_text import text_of, wrapped
from analysis.report.terminal_words import screen_width


def test_chinese_breaks_anywhere_but_not_before_a_closing_mark():
    lines = wrapped("客户留存率变差，" * 12, columns=20)
    assert max(map(screen_width, lines)) <= 20 and "".join(lines) == "客户留存率变差，" * 12
    assert all(line[0] not in "，。）" for line in lines)
    assert wrapped("one two three", "* ", columns=9) == ["* one two", "  three"]
    assert wrapped("") == [""]


def test_a_table_too_wide_stands_cell_below_cell():
    rows = ((Cell("Customer retention rate", remark="n = 1,855"), Cell("59.6%", verdict="worse")),)
    narrow = text_of([Table(("Metric", "Value"), rows, "c")], "en")
    assert narrow.splitlines()[0] == "Metric" + 39 * " " + "Value"
    assert narrow.splitlines()[2] == "Customer retention rate (n = 1,855)  59.6% ▼ worse"
    wide = text_of([Table(("Metric", "Value " * 12), rows, "c")], "zh")
    assert wide.splitlines()[1].startswith("    Value Value") and "59.6% ▼ 变差" in wide
