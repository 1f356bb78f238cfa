"""The groups that stand out in what moved or missed its target."""

from __future__ import annotations

from bs4 import BeautifulSoup

from analysis.report.pages import why
from analysis.report.pages.why import show_why
from analysis.report.stories import find_stories, unexplained
from reading_pages import in_each_language

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


@in_each_language
def test_a_story_names_its_group_and_each_figure_leads_to_its_definition(desk, retell, language):
    results = retell(desk, "resolution_time", verdict="worse", value=30755.6, base_value=9000.0)
    [story] = find_stories(results)  # the team whose name is hostile
    page = BeautifulSoup(show_why(results, language=language), "html.parser")
    [shown] = page.select(".wb-story")
    assert story.group in shown.select_one(".wb-story-title").get_text()
    assert not page.select("script")
    first = shown.select_one(".wb-story-name a")
    assert first["href"] == f"#definition-{story.drivers[0].question.metric}"
    assert shown.select_one(".wb-story-values").get_text(strip=True)


@in_each_language
def test_figures_in_which_nobody_stands_out_are_named_below(shop, retell, language):
    results = retell(shop, "repeat_purchase_rate", verdict="better", value=0.6, base_value=0.5)
    names = unexplained(results)
    page = BeautifulSoup(show_why(results, language=language), "html.parser")
    links = [link["href"] for link in page.select(".wb-small a")]
    assert names and links[-len(names) :] == [f"#definition-{name}" for name in names]


def test_a_reason_that_one_group_gives_more_often_is_told_with_both_shares(leaving, monkeypatch):
    monkeypatch.setattr(why, "ask_why", lambda _: ["anything"])
    story = (
        BeautifulSoup(show_why(leaving, language="en"), "html.parser").select(".wb-story")[-1].get_text(" ")
    )
    # of the 20 of one region who said why 18 gave a reason that none of the 24 of the other gave
    assert story.startswith(f"Region  {SCRIPT}") and FORMULA in story
    assert "90% of the 20" in story and "0% elsewhere" in story
