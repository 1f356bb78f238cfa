"""The glossary names every metric and term in both languages, and the files in docs are what it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.catalogue import load_catalogue
from analysis.catalogue.terms import load_terms
from analysis.cli import app
from analysis.report.glossary import formula_in_names, glossary_text, with_settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
FILES = {"en": "glossary.md", "zh": "glossary.zh.md"}
in_each_language = pytest.mark.parametrize("language", FILES)


@in_each_language
def test_the_file_in_docs_is_what_the_catalogue_says_now(language):
    told = f"write it anew: workbook glossary --language {language} > docs/{FILES[language]}"
    assert (DOCS / FILES[language]).read_text(encoding="utf-8") == glossary_text(language), told


@in_each_language
def test_every_metric_stands_in_it_once_with_its_names_and_meaning(language):
    text = glossary_text(language)
    for record in load_catalogue().records:
        assert text.count(f"\n`{record.id}` · ") == (2 if record.id == "csat" else 1), (
            record.id
        )  # csat: also by item
        assert (
            f"### {record.name.in_(language)} · {record.name.in_({'en': 'zh', 'zh': 'en'}[language])}\n"
            in text
        )
        assert with_settings(record.meaning.in_(language), language) in text


@in_each_language
def test_every_term_stands_in_it_with_the_other_languages_word(language):
    text = glossary_text(language)
    for term in (each for section in load_terms() for each in section.terms):
        assert re.search(rf"\*\*{re.escape(term.in_(language))}\*\*", text)
        assert term.means.in_(language) in text


@in_each_language
def test_nothing_is_left_to_be_filled_in(language):
    assert re.findall(r"\$\w+|\{\w+\}|None|\bnan\b", glossary_text(language)) == []


def test_both_languages_have_the_same_shape():
    shapes = [re.findall(r"^(#+ |- |`\w+`)", glossary_text(language), re.MULTILINE) for language in FILES]
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 300


def test_a_formula_is_said_in_the_names_of_its_metrics():
    cac = load_catalogue().metrics["customer_acquisition_cost"]
    assert formula_in_names(cac, "en") == "(Marketing cost + Sales cost + Service cost) ÷ New customers"
    assert formula_in_names(cac.under("lagged"), "zh").startswith("(营销成本（上期） + 销售成本（上期）")
    assert "`gross_margin`" in formula_in_names(load_catalogue().metrics["formula_clv"], "en")
    assert formula_in_names(load_catalogue().metrics["revenue"], "en") == ""


def test_a_setting_is_named_in_code_where_the_report_has_its_value():
    assert with_settings("last $settle_days days", "en") == "last `settle_days` days"
    assert with_settings("（$customer_base）", "zh").startswith("（此前 `activity_window_days` 天内有购买")


def test_the_command_prints_it():
    ran = CliRunner().invoke(app, ["glossary", "--language", "zh"])
    assert (ran.exit_code, ran.stdout) == (0, glossary_text("zh"))
