"""The first lines of the scorecard."""

from __future__ import annotations

import re
from types import SimpleNamespace

from analysis.periods import first_days
from analysis.report.pages import summary
from analysis.report.pages.summary import (
    count_sentences,
    lead_sentence,
    running_line,
    show_summary,
    status_lines,
)
from analysis.suite import measure_suite
from reading_pages import in_each_language, read, replaced

# --- status ---------------------------------------------------------------------------------------


def test_the_days_measured_and_compared_are_printed(shop):
    lines = status_lines(shop, "en")
    assert lines[0] == "Measured: 2024Q4, 1 Oct 2024 – 31 Dec 2024."
    assert lines[1] == "Compared with 2024Q3 (1 Jul 2024 – 30 Sep 2024)."
    assert lines[2] == "No comparison with 2023Q4: the data begin only on 10 Jan 2024."


def test_values_without_a_margin_are_said_to_be_revenue(shop):
    assert any("revenue basis" in line for line in status_lines(shop, "en"))
    assert any("收入口径" in line for line in status_lines(shop, "zh"))


def test_where_nothing_is_sold_nobody_says_that_values_are_revenue(shop, monkeypatch):
    for name, nothing in (("gaps_in_comparison", []), ("misleading_windows", []), ("short_history_note", "")):
        monkeypatch.setattr(summary, name, lambda *_, nothing=nothing: nothing)
    monkeypatch.setattr(summary, "shown_metrics", lambda _: [])
    settings = shop.book.settings
    assert settings.gross_margin == 1
    for tables, said in ((settings.tables, 1), ({}, 0)):
        book = SimpleNamespace(
            window=shop.book.window, settings=settings.model_copy(update={"tables": tables})
        )
        assert len(summary.notes_on_figures(SimpleNamespace(book=book), "en")) == said


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


RISE = {"verdict": "better", "value": 0.60, "base_value": 0.50}


# --- the headline, what moved, targets, why, what to do -------------------------------------------


def test_the_headline_says_what_moved_most_importantly_and_how_many_did(shop, retell):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    assert lead_sentence(results, "en") == "Repeat purchase rate rose to 60.0% from 50.0%."
    assert lead_sentence(results, "zh") == "重复购买率由50.0%升至60.0%。"
    counted = count_sentences(results, "en")[0]
    assert re.match(r"1 of \d+ metrics moved beyond chance: 1 for the better\.", counted)


def test_the_headline_says_whether_what_moved_reached_its_target(shop, retell, judged, monkeypatch):
    results = retell(shop, "repeat_purchase_rate", **RISE)
    monkeypatch.setattr(summary, "judge_targets", lambda _: judged)
    assert lead_sentence(results, "en").endswith("from 50.0% and missed its target of 70.0%.")
    assert count_sentences(results, "en")[1] == "Of 3 targets: 1 missed, 1 hit, 1 too close to call."
    assert count_sentences(results, "zh")[1] == "3项目标中：1项未达标、1项达标、1项尚难判断。"


def test_a_quarter_without_a_sale_is_not_called_one_in_which_nothing_moved(open_orders):
    # three customers in the first quarter, nobody in the second: revenue has no test, and fell to nothing
    orders = [
        ("a", "2024-01-05", 100),
        ("b", "2024-02-01", 50),
        ("a", "2024-03-01", 50),
        ("a", "2024-08-01", 70),
    ]
    results = measure_suite(open_orders(orders, "2024Q2", model_draws=20, sparkline_periods=2))
    assert lead_sentence(results, "en") == "Revenue: €0.00, −100.0% against 2024Q1."
    assert lead_sentence(results, "zh") == "销售额为€0.00，较2024Q1变化−100.0%。"


def test_without_a_sure_change_the_headline_does_not_claim_one(shop, no_orders):
    quiet = shop.changes.assign(
        verdict=shop.changes["verdict"].mask(shop.changes["difference"].notna(), "no_clear_change")
    )
    assert lead_sentence(replaced(shop, changes=quiet), "en") == "Nothing moved beyond chance."
    assert "nothing" in lead_sentence(no_orders, "en").lower()
