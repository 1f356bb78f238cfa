"""What an operator is told at the end of a batch, and what the next command is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.errors import InputError, Said
from analysis.periods import parse_period
from analysis.report.execution import PageRun
from analysis.report.outcomes import exit_code, outcome_lines, remembered, summary_lines
from analysis.report.run import NotMade, Run


def page(name, status="whole", error="", taken=False):
    notebook = Path(f"shop/2026Q1/notebooks/{name}.ipynb")
    return SimpleNamespace(
        page=SimpleNamespace(id=name), status=status, error=error, notebook=notebook, is_taken_over=taken
    )


def run(label, *pages, folder="", is_reconciled=True, is_kept=False, seconds=31.6):
    place = Path("shop") / (folder or label)
    period = parse_period(label)
    made = pages or (page("a"),)
    return Run(period, place, place / "en/index.html", made, None, is_reconciled, seconds, is_kept)


WHOLE = run("2026Q1")
KEPT = run("2026Q2", is_kept=True)
PARTIAL = run(
    "2026Q3", page("a"), page("b", "failed", "KeyError: 'x'"), folder="2026Q3-PARTIAL", seconds=112.0
)
UNRECONCILED = run("2026Q4", is_reconciled=False)
NOT_MADE = NotMade(parse_period("2025Q4"), InputError("2025Q4 has no data\ncheck the period"))


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([WHOLE, KEPT], 0),
        ([WHOLE, PARTIAL], 1),
        ([WHOLE, UNRECONCILED], 1),
        ([run("2026Q2", is_kept=True, is_reconciled=False)], 1),
        ([NOT_MADE, WHOLE], 2),
        ([PARTIAL, NOT_MADE], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_period(outcomes, code):
    assert exit_code(outcomes) == code


def test_each_period_has_its_line_with_how_it_ended_and_where_it_is():
    assert summary_lines([WHOLE, KEPT, PARTIAL, UNRECONCILED, NOT_MADE]) == [
        f"2026Q1  whole                 32 s  {Path('shop/2026Q1/en/index.html')}",
        f"2026Q2  kept                        {Path('shop/2026Q2/en/index.html')}",
        f"2026Q3  PARTIAL              112 s  {Path('shop/2026Q3-PARTIAL/en/index.html')}",
        f"2026Q4  whole, UNRECONCILED   32 s  {Path('shop/2026Q4/en/index.html')}",
        "2025Q4  not made                    2025Q4 has no data",
    ]


def test_the_same_is_said_in_chinese_in_columns_that_stand_below_each_other():
    assert summary_lines([WHOLE, KEPT, PARTIAL, UNRECONCILED, NOT_MADE], "zh") == [
        f"2026Q1  完整{' ' * 26}   32秒  {Path('shop/2026Q1/en/index.html')}",
        f"2026Q2  沿用{' ' * 26}         {Path('shop/2026Q2/en/index.html')}",
        f"2026Q3  不完整（PARTIAL）{' ' * 13}  112秒  {Path('shop/2026Q3-PARTIAL/en/index.html')}",
        f"2026Q4  完整，对不上账（UNRECONCILED）   32秒  {Path('shop/2026Q4/en/index.html')}",
        f"2025Q4  未生成{' ' * 24}         2025Q4 has no data",
    ]
    failed, heading = outcome_lines(PARTIAL, language="zh")
    assert failed == f"页面 b 失败：KeyError: 'x'（错误详情见 {PARTIAL.pages[1].notebook}）"
    assert heading == "不完整的报告（PARTIAL），与完整的报告并存："
    resumed = run("2026Q1", page("a", taken=True), page("b"))
    assert outcome_lines(resumed, language="zh") == ["2026Q1：共2页，其中1页此前已完成，予以沿用。报告："]
    again = NotMade(parse_period("2026Q1"), InputError("2025Q4 has no data\ncheck the period"))
    assert outcome_lines(again, [NOT_MADE], "zh") == ["2026Q1：未生成，原因同上"]


def test_a_page_that_failed_is_named_with_its_error_and_where_the_trace_is():
    failed, heading = outcome_lines(PARTIAL)
    assert failed == f"page b failed: KeyError: 'x' (traceback in {PARTIAL.pages[1].notebook})"
    assert heading == "PARTIAL report, kept beside any whole one:"


def test_what_was_kept_is_said():
    assert outcome_lines(KEPT) == ["2026Q2: already whole, kept:"]
    resumed = run("2026Q1", page("a", taken=True), page("b"))
    assert outcome_lines(resumed) == ["2026Q1: 1 of 2 pages were finished before and kept. Report:"]
    assert outcome_lines(UNRECONCILED)[0].startswith("UNRECONCILED: ")


def test_why_a_report_was_made_anew_stands_before_where_it_is():
    reason = Said("  - data: orders.csv (changed)", "  - 数据：orders.csv（内容有变）")
    anew = replace(WHOLE, made_anew_for=(reason,))
    assert outcome_lines(anew) == ["2026Q1: made anew, as not everything is as it was:", reason, "Report:"]
    assert outcome_lines(anew, language="zh") == [
        "2026Q1：已重新生成，因为以下内容与当时不同：", "  - 数据：orders.csv（内容有变）", "报告：",
    ]  # fmt: skip


def test_why_a_period_was_not_made_is_said_in_the_operators_language():
    error = InputError(Said("2025Q4 has no data\ncheck", "2025Q4 没有数据\n请核对"))
    refused = NotMade(parse_period("2025Q4"), error)
    assert outcome_lines(refused) == ["2025Q4 has no data\ncheck"]
    assert outcome_lines(refused, language="zh") == ["2025Q4 没有数据\n请核对"]
    assert summary_lines([refused], "zh")[0].endswith("2025Q4 没有数据")


def test_bad_input_is_said_in_its_own_words_and_a_fault_of_ours_with_its_trace():
    assert outcome_lines(NOT_MADE) == ["2025Q4 has no data\ncheck the period"]
    trace, said = outcome_lines(NotMade(parse_period("2025Q4"), ZeroDivisionError("x")))
    assert "ZeroDivisionError: x" in trace
    assert said == "2025Q4: not made, for a fault of the workbook's own (above)"


def test_the_same_reason_is_said_once():
    again = NotMade(parse_period("2026Q1"), InputError("2025Q4 has no data\ncheck the period"))
    assert outcome_lines(again, [WHOLE, NOT_MADE]) == ["2026Q1: not made, for the same reason"]


def test_what_is_remembered_of_a_period_holds_no_numbers_and_ends_the_same():
    made = PageRun(None, Path("a.ipynb"), "whole", bodies={"en": "much"})
    whole = Run(parse_period("2026Q1"), Path("f"), Path("f/i"), (made,), "results", True, 2.0)
    light = remembered(whole)
    assert light.results is None and light.pages[0].bodies == {}
    assert summary_lines([light]) == summary_lines([whole]) and exit_code([light]) == 0
    assert remembered(NOT_MADE) is NOT_MADE
