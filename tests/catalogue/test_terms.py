"""Terms are whole, and say what is not to be used for the same thing."""

from __future__ import annotations

from analysis.catalogue.terms import avoided_words, load_terms

TERMS = [term for section in load_terms() for term in section.terms]


def test_the_words_a_reader_must_know_are_explained():
    english = {term.en for term in TERMS}
    assert {
        "interval",
        "beyond chance",
        "cohort",
        "chance of still being a customer",
        "customer equity",
    } <= english
    assert len(TERMS) > 50


def test_a_word_is_explained_in_a_sentence_of_its_language():
    assert [term.en for term in TERMS if not term.means.en.endswith(".")] == []
    assert [term.zh for term in TERMS if not term.means.zh.endswith("。")] == []


def test_an_avoided_word_is_found_unless_it_stands_in_a_longer_one_that_is_right():
    assert avoided_words("中立者占三成", "zh") == [("中立者", "推荐者、被动者、贬损者")]
    assert avoided_words("态度中立者占三成", "zh") == []
    assert avoided_words("Statistically significant", "en") == [
        ("statistically significant", "beyond chance")
    ]
