"""Comments as they are read: which count, and which are shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.models.comments import customer_positions, read_comments, shown_text


def frame(texts: list[object], **columns: object) -> pd.DataFrame:
    defaults = {"score_group": "satisfied", "source": "survey", "day": None, "customer_id": None}
    return pd.DataFrame({"text": pd.Series(texts, dtype=object)} | defaults | columns)


def test_blank_and_missing_comments_are_left_out_and_unreadable_ones_stay_unread():
    read = read_comments(frame(["late", None, "", " \n", np.nan, 7, "!!!", "慢了"]))
    assert read.comments["text"].tolist() == ["late", "!!!", "慢了"]
    assert read.comments["language"].tolist() == ["en", "none", "zh"]
    assert read.readable["text"].tolist() == ["late", "慢了"]


def test_equal_texts_are_read_once():
    read = read_comments(frame(["late", "slow", "late"]))
    assert read.texts.tolist() == ["late", "slow"]
    assert read.comments["text_position"].tolist() == [0, 1, 0]


def test_comments_of_unknown_customers_are_of_different_ones():
    positions = customer_positions(frame(["a", "b", "c", "d"], customer_id=["x", None, "x", None]))
    assert positions[0] == positions[2]
    assert len(set(positions)) == 3


def test_the_frame_given_stays_as_it_was():
    comments = frame(["late"])
    read_comments(comments)
    assert list(comments.columns) == ["text", "score_group", "source", "day", "customer_id"]


def test_long_comments_are_cut_and_say_so():
    assert shown_text("word " * 30) == ("word " * 30).strip()
    assert len(shown_text("word " * 300)) <= 200
    assert shown_text("word " * 300).endswith("…")


def test_markup_stays_as_written_for_whoever_shows_it_to_escape():
    assert shown_text("<b>5 < 6</b>\n\n&amp;") == "<b>5 < 6</b> &amp;"


def test_short_numbers_stay_and_long_ones_do_not():
    assert shown_text("waited 45 minutes, order 20260930-11, tel +86 138 0013 8000") == (
        "waited 45 minutes, order […], tel […]"
    )
