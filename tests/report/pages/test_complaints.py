"""Complaints and public mentions, as they are shown."""

from __future__ import annotations

from analysis.facts import NotMeasured
from analysis.report.pages.complaints import show_mentions
from analysis.suite import Results
from reading_pages import text


def test_a_figure_that_is_not_measured_gives_its_own_reason(asked):
    kpis = asked.kpis.assign(status="not_measured", reason="after_data|2024-01-01", value=float("nan"))
    blind = Results(asked.book, {**asked.frames, "kpis": kpis})
    assert isinstance(blind.kpi("social_sentiment"), NotMeasured)
    assert "data end on" in text(show_mentions(blind, language="en"))
