"""Verdicts as sign and words."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from analysis.report.verdicts_shown import VERDICTS, verdict_badge
from analysis.report.words import LANGUAGES


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_a_sign_and_a_word(verdict, language):
    sign, text = words(verdict_badge(verdict, language)).split(" ", 1)
    assert sign == VERDICTS[verdict][0]
    assert re.search(r"[a-z]" if language == "en" else r"[一-鿿]", text)


def test_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="splendid"):
        verdict_badge("splendid", "en")
