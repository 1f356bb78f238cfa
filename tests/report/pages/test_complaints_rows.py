"""Complaints by topic, mentions by platform."""

from __future__ import annotations

import pytest

from analysis.report.pages.complaints_rows import complaint_topics, mention_platforms

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def test_complaints_are_told_by_topic_with_the_rate_of_each(asked):
    topics = complaint_topics(asked).set_index("topic")
    assert topics["complaints"].to_dict() == {"courier": 8}
    assert topics.loc["courier", "value"] == pytest.approx(8 / 30)


def test_mentions_are_counted_by_platform_and_tone(asked):
    rows = mention_platforms(asked).set_index("platform")
    assert rows.loc["weibo", ["positive", "neutral", "negative", "n"]].tolist() == [3, 0, 1, 4]
    assert rows.loc["weibo", "value"] == pytest.approx(50.0)  # 100 · (3 − 1) / 4
    assert rows.loc[SCRIPT, "neutral"] == 1
