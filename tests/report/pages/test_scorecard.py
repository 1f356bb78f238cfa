"""The scorecard: its status lines, tiles, findings and table."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.catalogue import FAMILIES, load_catalogue
from analysis.periods import first_days
from analysis.report.kpis_shown import compact_money
from analysis.report.pages import scorecard
from analysis.report.pages.scorecard import (
    bullet,
    count_sentences,
    headline_tile,
    lead_sentence,
    running_line,
    scorecard_rows,
    show_cautions,
    show_headline,
    show_moved,
    show_next_steps,
    show_scorecard,
    show_summary,
    show_targets,
    show_why,
    status_lines,
)
from analysis.suite import Results, measure_suite

METRICS = load_catalogue().metrics
in_each_language = pytest.mark.parametrize("language", ["en", "zh"])


def read(html):
    return BeautifulSoup(html, "html.parser")


def replaced(results, **frames):
    return Results(results.book, {**results.frames, **frames})


# --- status ---------------------------------------------------------------------------------------


def test_the_days_measured_and_compared_are_printed(shop):
    lines = status_lines(shop, "en")
    assert lines[0] == "Measured: 2024Q4, 1 Oct 2024 – 31 Dec 2024."
    assert lines[1] == "Compared with 2024Q3 (1 Jul 2024 – 30 Sep 2024)."
    assert lines[2] == "No comparison with 2023Q4: the data begin only on 10 Jan 2024."


def test_values_without_a_margin_are_said_to_be_revenue(shop):
    assert any("revenue basis" in line for line in status_lines(shop, "en"))
    assert any("收入口径" in line for line in status_lines(shop, "zh"))


def test_a_running_period_says_how_much_of_it_is_measured(shop):
    period = shop.book.period
    book = SimpleNamespace(window=first_days(period, 50), period=period)
    assert "50 of its 92 days" in running_line(book, "en")
    assert "92天中的50天" in running_line(book, "zh")


@in_each_language
def test_what_does_not_add_up_is_shown_with_both_sides(shop, language):
    assert not read(show_summary(shop, language=language)).select(".wb-is-unreconciled")
    identities = shop.identities.assign(holds=shop.identities["identity"] != "population")
    warning = read(show_summary(replaced(shop, identities=identities), language=language)).select_one(
        ".wb-is-unreconciled"
    )
    assert "2024Q4" in warning.get_text() and "12" in warning.get_text()


# --- tiles ----------------------------------------------------------------------------------------


def test_a_tile_gives_value_interval_n_change_and_trend(shop):
    tile = headline_tile(shop, METRICS["customer_retention_rate"], "en")
    assert (tile.value, tile.interval) == ("66.7%", "95%: 35.4–87.9% · n\u00a0=\u00a09")
    assert tile.changes == []  # nobody was active at the start of 2024Q3
    assert tile.show(tile.trend[-1]) == "66.7%"


def test_a_figure_counted_in_full_has_no_interval_and_no_verdict(shop):
    tile = headline_tile(shop, METRICS["revenue"], "en")
    assert (tile.value, tile.interval) == ("€402.00", "counted in full · n\u00a0=\u00a013")
    assert tile.changes == [("+143.6% against 2024Q3", "higher")]  # 402 / 165 − 1


def test_a_change_measured_on_other_customers_says_so(shop, retell):
    results = retell(
        shop, "customer_retention_rate", verdict="better", value=0.7, base_value=0.3, n=500, base_n=1000
    )
    tile = headline_tile(results, METRICS["customer_retention_rate"], "en")
    assert tile.changes == [("+40.0 pp against 2024Q3 (n\u00a0−50%)", "better")]
    assert "who is counted" in show_headline(results, language="en")


def test_a_tile_that_is_not_measured_gives_the_reason(shop):
    tile = headline_tile(shop, METRICS["customer_acquisition_cost"], "en")
    assert (tile.value, list(tile.changes), list(tile.trend)) == ("–", [], [])
    assert "table Costs is not supplied" in tile.interval


@in_each_language
def test_every_headline_metric_has_a_tile(shop, language):
    tiles = read(show_headline(shop, language=language)).select(".wb-tile-name")
    wanted = [METRICS[name].name.in_(language) for name in shop.book.settings.headline_metrics]
    assert [tile.get_text() for tile in tiles] == wanted


# --- findings and table ---------------------------------------------------------------------------


def test_every_metric_shown_has_a_row_under_its_family(shop):
    rows = scorecard_rows(shop)
    assert set(rows["metric"]) == {metric.id for metric in METRICS.values() if metric.shown}
    assert rows["family"].drop_duplicates().tolist() == list(FAMILIES)


@in_each_language
def test_what_is_measured_is_in_the_table_and_the_rest_in_one_line_below(shop, language):
    page = read(show_scorecard(shop, language=language))
    heads = [head.get_text(" ", strip=True) for head in page.select("tbody th[scope=row]")]
    absent = METRICS["customer_acquisition_cost"].name.in_(language)
    assert METRICS["revenue"].name.in_(language) in heads
    assert absent not in heads
    assert absent in page.select(".wb-below")[-1].get_text()


def test_a_comparison_no_metric_has_is_left_out_and_explained(shop):
    page = read(show_scorecard(shop, language="en"))
    heads = [head.get_text() for head in page.select("thead th")]
    assert heads == ["Metric", "Value", "95% interval", "n", "Against 2024Q3", "Trend"]
    assert "No comparison with 2023Q4: the data begin only on 10 Jan 2024." in page.get_text()


@in_each_language
def test_without_any_figure_the_scorecard_says_so(shop, language):
    kpis = shop.kpis.assign(value=float("nan"), status="not_measured", reason="no_rows")
    page = read(show_scorecard(replaced(shop, kpis=kpis), language=language))
    assert not page.select("table")
    assert page.select_one(".wb-callout").get_text(strip=True)


# --- the headline, what moved, targets, why, what to do -------------------------------------------

SHOWN = (show_summary, show_headline, show_moved, show_targets, show_why, show_next_steps, show_cautions)
RISE = {"verdict": "better", "value": 0.60, "base_value": 0.50}


def text(html):
    return read(str(html)).get_text(" ", strip=True)


def test_the_headline_says_what_moved_most_importantly_and_how_many_did(shop, retell):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    assert lead_sentence(results, "en") == "Repeat purchase rate rose to 60.0% from 50.0%."
    assert lead_sentence(results, "zh") == "重复购买率由50.0%升至60.0%。"
    counted = count_sentences(results, "en")[0]
    assert re.match(r"1 of \d+ metrics moved further than chance allows: 1 for the better\.", counted)


def test_the_headline_says_whether_what_moved_reached_its_target(shop, retell, monkeypatch):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    monkeypatch.setattr(scorecard, "judge_targets", lambda _: JUDGED)
    assert lead_sentence(results, "en").endswith("from 50.0% and missed its target of 70.0%.")
    assert count_sentences(results, "en")[1] == "Of 3 targets: 1 missed, 1 hit, 1 too close to call."
    assert count_sentences(results, "zh")[1] == "3项目标中：1项未达标、1项达标、1项尚难判断。"


def test_without_a_sure_change_the_headline_does_not_claim_one(shop, no_orders):
    quiet = shop.changes.assign(
        verdict=shop.changes["verdict"].mask(shop.changes["difference"].notna(), "no_clear_change")
    )
    assert lead_sentence(replaced(shop, changes=quiet), "en") == "Nothing moved beyond chance."
    assert "nothing" in lead_sentence(no_orders, "en").lower()


@in_each_language
def test_what_moved_stands_with_from_where_to_where_and_a_link_to_its_definition(shop, retell, language):
    page = read(show_moved(retell(shop, "repeat_purchase_rate", **RISE), language=language))
    [line] = page.select(".wb-moved-good li")
    assert line.select_one(".wb-moved-change").get_text().startswith("+10.0")
    assert "50.0%" in line.select_one(".wb-moved-values").get_text()
    assert line.select_one("a.wb-kpi")["href"] == "#definition-repeat_purchase_rate"
    assert not page.select(".wb-moved-bad")


JUDGED = pd.DataFrame(
    [
        {"metric": "repeat_purchase_rate", "value": 0.6, "low": 0.5, "high": 0.66, "target": 0.7, "verdict": "miss",
         "probability": 0.004, "method": "score"},
        {"metric": "revenue", "value": 402.0, "target": 400.0, "verdict": "hit", "method": "exact"},
        {"metric": "customer_retention_rate", "value": 0.667, "low": 0.354, "high": 0.879, "target": 0.6,
         "verdict": "undetermined", "probability": 0.66, "method": "score"},
        {"metric": "<b>", "target": 1.0, "verdict": "not_compared", "reason": "metric_unknown"},
    ]
).assign(variant="default", by=None, group=None)  # fmt: skip
JUDGED = JUDGED[JUDGED["verdict"] != "not_compared"]


def test_every_target_stands_with_verdict_picture_and_probability_in_words(shop, monkeypatch):
    unknown = pd.DataFrame([{"metric": "<b>", "variant": "default", "target": 1.0, "verdict": "not_compared",
                             "reason": "metric_unknown"}])  # fmt: skip
    monkeypatch.setattr(scorecard, "judge_targets", lambda _: pd.concat([JUDGED, unknown]))
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


@pytest.mark.parametrize(("value", "english", "chinese"), [
    (99_999.4, "€99,999", "€99,999"), (301_234.0, "€301k", "€30.1万"), (7_808_386.0, "€7.81m", "€780.8万"),
    (84_600_000.0, "€84.6m", "€8,460万"), (999_999.0, "€1.00m", "€100.0万"), (-8_462_808.0, "−€8.46m", "−€846.3万"),
    (1_234_000_000.0, "€1.23bn", "€12.3亿"),
])  # fmt: skip
def test_large_amounts_are_given_in_few_signs(value, english, chinese):
    assert (compact_money(value, "en", "EUR"), compact_money(value, "zh", "EUR")) == (english, chinese)


@pytest.mark.parametrize("show", SHOWN)
@in_each_language
def test_every_part_says_something_whatever_the_company_has(
    shop, no_orders, one_order, seller, show, language
):
    for results in (shop, no_orders, one_order, seller):
        assert text(show(results, language=language))


def test_a_company_without_targets_is_told_where_they_stand(shop):
    assert "Targets stand in the table “Targets”" in text(show_targets(shop, language="en"))


@pytest.fixture(scope="module")
def one_order(open_orders):
    book = open_orders(
        [("a", "2024-11-01", 20)],
        "2024Q4",
        model_draws=20,
        sparkline_periods=2,
        data_through=date(2024, 12, 31),
    )
    return measure_suite(book)


@pytest.fixture(scope="module")
def running(open_orders):
    orders = [
        (f"c{n % 30}", f"{date(2024, 1, 1) + timedelta(days=n)}", 20) for n in range(320)
    ]  # until 15 November
    book = open_orders(orders, "2024Q4", model_draws=20, sparkline_periods=3, data_through=date(2024, 11, 15))
    return measure_suite(book)


@in_each_language
def test_a_running_period_says_so_first_and_is_judged_on_the_days_it_has(running, language):
    page = read(show_summary(running, language=language))
    assert page.select_one(".wb-callout.wb-is-partial")
    assert page.select_one(".wb-lead-first").get_text(strip=True)
    for show in SHOWN:
        assert text(show(running, language=language))


def test_both_languages_show_the_same_numbers(shop, retell, monkeypatch):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    monkeypatch.setattr(scorecard, "judge_targets", lambda _: JUDGED)
    for show in (show_summary, show_targets):
        found = [
            sorted(re.findall(r"\d[\d,.]*%", text(show(results, language=each)))) for each in ("en", "zh")
        ]
        assert found[0] == found[1]
