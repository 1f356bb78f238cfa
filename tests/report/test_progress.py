"""How far a run is, and how long it will still take."""

from __future__ import annotations

import io
import os
import shutil
from datetime import datetime

import pytest

from analysis.report.progress import Progress, ProgressLines, progress_words, seconds_left


def test_time_left_is_that_of_the_busiest_worker():
    # two workers: a has 6 s to go, b 2 s. c (5 s) follows b: until 7 s. d (4 s) follows a: until 10 s.
    expected = {"a": 10.0, "b": 4.0, "c": 5.0, "d": 4.0}
    assert seconds_left(expected, {"a": 4.0, "b": 2.0}, ["c", "d"], 2) == 10.0


def test_a_page_longer_than_expected_counts_as_just_ending():
    assert seconds_left({"a": 3.0}, {"a": 5.0}, [], 2) == 0.0


def test_an_unknown_page_is_taken_to_be_as_long_as_the_known_ones_on_average():
    # known 2 s and 4 s: c is taken to last 3 s
    assert seconds_left({"a": 2.0, "b": 4.0}, {}, ["c"], 1) == 3.0


def test_before_anything_is_known_no_time_is_given():
    assert seconds_left({}, {"a": 1.0}, ["b"], 2) is None
    assert (
        progress_words(Progress("Shop 2026Q1", "pages", 2, {}, {"a": 1.0}))
        == "Shop 2026Q1: 0 of 2 pages, now a"
    )


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (12.4, "12 s"), (89, "89 s"), (150, "2 min")])
def test_words_name_pages_and_time(seconds, words):
    progress = Progress("Shop 2026Q1", "pages", 3, {"a": "whole"}, {"b": 1.0, "c": 0.5}, seconds)
    assert progress_words(progress) == f"Shop 2026Q1: 1 of 3 pages, now b and c, about {words} left"
    assert progress_words(Progress("Shop 2026Q1", "measuring", 3)) == "Shop 2026Q1: measuring"


def test_the_same_is_told_in_chinese():
    progress = Progress("Shop 2026Q1", "pages", 4, {"a": "whole"}, {"b": 1.0, "c": 0.5}, 150, True, 1)
    said = "Shop 2026Q1：共4页，已完成1页（其中沿用1页），正在生成 b、c，约剩2分钟"
    assert progress_words(progress, "zh") == said
    assert (
        progress_words(Progress("Shop", "putting together", 4, seconds_left=3.2), "zh")
        == "Shop：正在汇编，约剩3秒"
    )


class ClosedStream(io.StringIO):
    def write(self, _):
        raise BrokenPipeError


def test_a_log_that_nobody_takes_any_more_ends_no_run():
    tell = ProgressLines(ClosedStream())
    tell(Progress("Shop", "measuring", 2))
    tell.finish()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_a_line_for_each_thing_that_happens_and_none_for_time_passing():
    stream = io.StringIO()
    tell = ProgressLines(stream, now=lambda: datetime(2026, 10, 2, 6, 0, 1))
    tell(Progress("Shop", "pages", 2, {}, {"a": 0.5}, 9.0))
    tell(Progress("Shop", "pages", 2, {}, {"a": 1.0}, 8.5, is_news=False))
    tell(Progress("Shop", "pages", 2, {"a": "failed"}, {"b": 1.0}, 3.0))
    tell.finish()
    assert stream.getvalue().splitlines() == [
        "2026-10-02 06:00:01 Shop: 0 of 2 pages, now a, about 9 s left",
        "2026-10-02 06:00:01 Shop: 1 of 2 pages, now b, about 3 s left; failed: a",
    ]
    assert all(character.isprintable() or character == "\n" for character in stream.getvalue())


def test_a_terminal_that_can_draw_nothing_gets_plain_lines_too(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    ProgressLines(stream)(Progress("Shop", "measuring", 2))
    assert stream.getvalue().endswith(" Shop: measuring\n") and "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_drawn_again_and_cleared_at_the_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    tell = ProgressLines(stream)
    tell(Progress("Shop", "pages", 2, {"a": "whole"}, {"b": 1.0}, 30.0))
    tell(Progress("Shop", "pages", 2, {"a": "whole", "b": "whole"}, {}, 0.0, is_news=False))
    first, second = stream.getvalue().split("\r")[1:]
    assert first == "[██████████··········] Shop: 1 of 2 pages, now b, about 30 s left"
    assert second.rstrip() == "[████████████████████] Shop: 2 of 2 pages, about 1 s left"
    assert len(second) == len(first)  # nothing of the longer line stays
    tell.finish()
    assert "\n" not in stream.getvalue() and stream.getvalue().endswith("\r")
    assert stream.getvalue().split("\r")[-2].strip() == ""


def test_a_line_never_fills_a_narrow_terminal_and_chinese_takes_two_columns(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 24)))
    stream = Terminal()
    tell = ProgressLines(stream)
    tell(Progress("蓝桥办公 2026Q3", "pages", 2, {}, {"scorecard": 1.0}, 30.0))
    # 22 columns of bar, a space, 4 characters of 2 columns each, " 2026Q" and the sign: 38; the next would make 39
    assert stream.getvalue() == "\r[····················] 蓝桥办公 2026Q3…"
    tell.finish()
    assert stream.getvalue().split("\r")[-2] == " " * 39


def test_pages_that_an_earlier_run_has_made_are_said():
    progress = Progress("Shop 2026Q1", "pages", 3, {"a": "whole", "b": "whole"}, {"c": 1.0}, None, True, 2)
    assert progress_words(progress) == "Shop 2026Q1: 2 of 3 pages (2 kept), now c"
