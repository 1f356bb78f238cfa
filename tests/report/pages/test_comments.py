"""What customers say in their own words, as it is shown."""

from __future__ import annotations

import pandas as pd

from analysis.report.pages.comments import of_both, show_themes, words_shown
from reading_pages import in_each_language, text


@in_each_language
def test_examples_are_in_both_languages_and_harmless(asked, language):
    html = str(show_themes(asked, language=language))
    assert "the delivery was late" in html or "&lt;script&gt;" in html
    assert "物流太慢" in html
    assert "<script" not in html


def test_of_examples_the_best_and_one_in_the_other_language_are_shown():
    assert of_both(("slow", "late", "太慢")) == ["slow", "太慢"]
    assert of_both(("slow", "late")) == ["slow", "late"]
    assert of_both(()) == []


def test_a_theme_without_comments_before_says_why_there_is_no_change(asked):
    html = show_themes(asked, language="en")
    assert "no comments in the period before" in text(html)  # low scores had none in 2024Q1


def test_marking_words_stand_under_their_language_with_their_customers():
    found = pd.DataFrame(
        {
            "group": ["low", "low"], "language": ["en", "zh"],
            "terms": [(("late", 12, "delivery"), ("gate", 3, None)), (("太慢", 5, None),)],
        }
    )  # fmt: skip
    rows = words_shown(found, "en")
    assert rows.loc[0, ["en", "zh"]].tolist() == ["late (12), gate (3)", "太慢 (5)"]
    assert rows.loc[1, "en"] == "none beyond chance"
