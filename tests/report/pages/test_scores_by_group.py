"""Scores by team, account manager and group of customers, as they are shown."""

from __future__ import annotations

import pandas as pd

from analysis.report.pages.scores_by_group import (
    score_rows,
    show_satisfaction_by_account_manager,
    show_satisfaction_by_team,
)
from analysis.report.pages.scores_by_group_rows import group_scores
from reading_pages import in_each_language, text


def test_who_chose_his_customers_is_marked_and_his_verdict_is_not_told(asked):
    rows = score_rows(asked, "account_manager", "en").set_index("group")
    assert rows.loc["m2", "csat.default_mark"] == "use_with_care"
    assert "not to be taken at face value" in rows.loc["m2", "detail"]
    changes = group_scores(asked)[1]
    changes = changes[(changes["by"] == "account_manager") & (changes["against"] == "previous")]
    csat = changes[(changes["metric"] == "csat") & (changes["variant"] == "default")]
    # 5 of 5 to 0 of 5 is beyond chance (Fisher: 2 / 252); 35 of 35 to 30 of 35 is not (p = 0.054)
    assert csat.set_index("group")["verdict"].to_dict() == {"m1": "no_clear_change", "m2": "worse"}
    assert pd.isna(rows.loc["m1", "csat.default_mark"])


@in_each_language
def test_every_score_has_its_n_and_small_samples_are_marked_in_words(asked, language, cells):
    row = cells(show_satisfaction_by_team(asked, language=language), "North")
    assert all("n\xa0=\xa0" in cell or "n = " in cell for cell in row)
    words = {"en": "small sample", "zh": "样本较少"}[language]
    assert all(words in cell for cell in row)


@in_each_language
def test_without_assignments_the_reason_stands_in_words(no_orders, asked, language):
    absent = text(show_satisfaction_by_account_manager(no_orders, language=language))
    table = asked.book.catalogue.tables["answers"].name.in_(language)
    assert table in absent
