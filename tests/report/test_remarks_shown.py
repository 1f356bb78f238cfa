"""Findings and remarks."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from analysis.report.remarks_shown import callout


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def words(markup: str) -> str:
    return soup(markup).get_text(" ", strip=True)


@pytest.mark.parametrize(
    ("kind", "word"), [("unreconciled", "未核对"), ("partial", "不完整"), ("warning", "注意")]
)
def test_callouts_stand_under_their_word(kind, word):
    assert words(callout("一二三", "zh", kind=kind)) == f"{word} 一二三"


def test_an_unknown_callout_is_refused():
    with pytest.raises(ValueError, match="shout"):
        callout("x", "en", kind="shout")
