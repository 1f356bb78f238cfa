"""Every target of the period with its verdict."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from analysis.report.pages import targets
from analysis.report.pages.targets import bullet, show_targets
from reading_pages import read, text


def test_every_target_stands_with_verdict_picture_and_probability_in_words(shop, judged, monkeypatch):
    unknown = pd.DataFrame([{"metric": "<b>", "variant": "default", "target": 1.0, "verdict": "not_compared",
                             "reason": "metric_unknown"}])  # fmt: skip
    monkeypatch.setattr(targets, "judge_targets", lambda _: pd.concat([judged, unknown]))
    page = read(str(show_targets(shop, language="en")))
    rows = [
        [cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in page.select("tbody tr")
    ]
    assert rows[0][3:] == ["70.0%", "✗ miss", "under 1% practically ruled out"]
    assert rows[1][3:] == ["€400.00", "✓ hit", "counted in full"]
    assert rows[2][3:] == ["60.0%", "○ undetermined", "66% open"]
    assert rows[3][0] == "<b>" and "there is no such metric" in page.select_one(".wb-below").get_text()
    assert len(page.select("svg.wb-bullet")) == 3
    assert not page.select("tbody b")


def test_a_bullet_draws_value_target_and_interval_in_their_order():
    row = SimpleNamespace(value=0.6, low=0.5, high=0.66, target=0.7, verdict="miss")
    drawing = read(str(bullet(row, "en")))
    ends, target = drawing.select_one(".wb-bullet-range"), drawing.select_one(".wb-bullet-target")
    places = [float(ends["x1"]), float(drawing.circle["cx"]), float(ends["x2"]), float(target["x1"])]
    assert places == sorted(places)
    exact = read(
        str(bullet(SimpleNamespace(value=1.0, low=float("nan"), high=None, target=1.0, verdict="hit"), "en"))
    )
    assert exact.circle["cx"] == exact.select_one(".wb-bullet-target")["x1"]


def test_a_company_without_targets_is_told_where_they_stand(shop):
    assert "Targets stand in the table “Targets”" in text(show_targets(shop, language="en"))
