"""Sentences of the scorecard in which metrics lead to their definitions."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from analysis.report.pages.linked_sentences import also_named, nothing_to_list, small, with_markup


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_other_metrics_are_named_once_each_a_link_to_its_definition(shop, language):
    found = BeautifulSoup(
        also_named(shop, ["revenue", "orders", "revenue"], "moved_also", language), "html.parser"
    )
    metrics = shop.book.catalogue.metrics
    assert [(link["href"], link.get_text()) for link in found.select("a")] == [
        (f"#definition-{name}", metrics[name].name.in_(language)) for name in ("revenue", "orders")
    ]
    assert also_named(shop, [], "moved_also", language) == ""


def test_of_what_is_put_into_a_sentence_only_markup_is_markup():
    # "Also: {names}."
    said = with_markup("appraisal.moved_also", "en", names=Markup("<a>A & B</a>"))
    assert said == "Also: <a>A & B</a>."
    assert (
        with_markup("appraisal.moved_also", "en", names="<b> & {names}") == "Also: &lt;b&gt; &amp; {names}."
    )


def test_text_in_a_paragraph_is_escaped():
    for paragraph in (small, nothing_to_list):
        assert "<script>" not in paragraph("<script>") and "&lt;script&gt;" in paragraph("<script>")
