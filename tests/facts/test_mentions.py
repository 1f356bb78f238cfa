"""Public statements and their tone."""

from __future__ import annotations


def test_tone_is_one_nought_or_minus_one(open_company):
    mentions = """mention_id,published_at,sentiment,platform,comment
1,2026-05-01,positive,weibo,很好
2,2026-05-02,neutral,weibo,
3,2026-05-03,negative,forum,slow
4,2026-07-01,negative,forum,not known yet
"""
    rows = open_company({"mentions": mentions}, "2026Q2").ask("select * from mentions order by mention_id")
    assert rows["tone"].tolist() == [1, 0, -1]
    assert rows["comment"].isna().tolist() == [False, True, False]
    assert [str(day.date()) for day in rows["published_on"]] == ["2026-05-01", "2026-05-02", "2026-05-03"]


def test_a_tone_that_is_no_tone_is_rejected_not_taken_for_neutral(open_company):
    lines = [f"{number},2026-05-01,positive" for number in range(30)]
    mentions = "\n".join(["mention_id,published_at,sentiment", *lines, "x,2026-05-01,angry"]) + "\n"
    assert len(open_company({"mentions": mentions}, "2026Q2").ask("select * from mentions")) == 30
