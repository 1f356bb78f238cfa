"""What comments are about."""

from __future__ import annotations

from analysis.report.pages.comments_rows import theme_rows


def test_low_scores_speak_of_deliveries_in_both_languages(asked):
    rows = theme_rows(asked)
    first = rows.iloc[0]
    assert (first["group"], first["theme"]) == ("low", "delivery")
    # all 17 comments with low scores: 8 English, 8 Chinese, one hostile
    assert (first["mentions"], first["comments"], first["share"]) == (17, 17, 1.0)
    assert first["is_over_represented"]
    assert set(rows.loc[rows["group"] == "high", "theme"]) == {"staff_attitude"}
