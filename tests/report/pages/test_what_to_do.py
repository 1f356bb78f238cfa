"""What to do, and what is to be read with care."""

from __future__ import annotations

from bs4 import BeautifulSoup

from analysis.report.findings import find_changes_with_care
from analysis.report.links import to_page
from analysis.report.next_steps import find_next_steps
from analysis.report.pages.what_to_do import MOST_CAUTIONS, show_cautions, show_next_steps
from reading_pages import in_each_language


@in_each_language
def test_each_step_stands_with_what_it_rests_on_and_leads_to_its_page(seller, language):
    steps = find_next_steps(seller)
    shown = BeautifulSoup(show_next_steps(seller, language=language), "html.parser").select("li")
    assert [each.select_one(".wb-step").get_text() for each in shown] == [s.sentence[language] for s in steps]
    pages = seller.book.catalogue.pages
    for item, step in zip(shown, steps, strict=True):
        rest = item.select_one(".wb-small")
        assert step.detail.get(language, "") in rest.get_text()
        link = to_page(step.page, f"{pages[step.page].title.in_(language)} →")
        assert str(rest.a) == str(BeautifulSoup(link, "html.parser").a)


def test_where_nothing_suggests_itself_there_is_a_sentence_and_no_list(shop, monkeypatch):
    monkeypatch.setattr("analysis.report.pages.what_to_do.find_next_steps", lambda _: [])
    page = BeautifulSoup(show_next_steps(shop, language="en"), "html.parser")
    assert page.select_one(".wb-nothing").get_text().startswith("No step suggests itself")
    assert not page.select("ol, ul")


@in_each_language
def test_cautions_come_with_their_verdict_and_few_of_them_are_changes(shop, retell, language):
    results = retell(
        shop, "repeat_purchase_rate", verdict="better", value=0.6, base_value=0.5, n=300, base_n=1000
    )
    [doubtful] = [each for each in find_changes_with_care(results) if each.metric == "repeat_purchase_rate"]
    told = BeautifulSoup(show_cautions(results, language=language), "html.parser").select("li")
    sentences = [each.select_one(".wb-caution").get_text() for each in told]
    assert doubtful.sentence[language] in sentences
    assert told[sentences.index(doubtful.sentence[language])].select_one(".wb-badge")
    changes = {each.sentence[language] for each in find_changes_with_care(results)}
    assert len(changes.intersection(sentences)) <= MOST_CAUTIONS
