"""What is called sure, what is only called large, and in which order."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.report.findings import (
    MOST_FINDINGS,
    Finding,
    _cut,
    _says_the_same,
    doubtful_models,
    find_all,
    find_changes_with_care,
    find_large_changes,
    find_model_cautions,
    find_not_measured,
    find_nothing_sure,
    find_sure_changes,
    find_unreconciled,
    overdue_customers,
)
from analysis.suite import Results
from reading_pages import replaced

QUIET_FRAMES = ("fits", "holdout")


@pytest.fixture
def quiet(shop):
    """The shop with no change judged, no model doubted."""
    changes = shop.changes.assign(
        verdict=shop.changes["verdict"].mask(shop.changes["difference"].notna(), "no_clear_change")
    )
    fits = shop.fits.assign(verdict="trusted")
    holdout = shop.holdout.assign(verdict="trusted")
    kpis = shop.kpis.assign(status=shop.kpis["status"].replace("with_care", "measured"))
    return replaced(shop, changes=changes, fits=fits, holdout=holdout, kpis=kpis)


RISE = {"verdict": "better", "value": 0.60, "base_value": 0.50}


def test_a_sure_change_names_the_figure_its_interval_n_and_what_it_was(quiet, retell):
    results = retell(quiet, "repeat_purchase_rate", **RISE, n=1200)
    [found] = find_sure_changes(results)
    assert (found.metric, found.certainty, found.verdict) == ("repeat_purchase_rate", "sure", "better")
    # the interval of the figure is 0.9 to 1.1 times it, of the change 0.8 to 1.2 times it
    assert found.sentence["en"] == "Repeat purchase rate rose to 60.0% from 50.0% in 2024Q3: +10.0 pp."
    assert found.detail["en"] == "95% interval of the change +8.0 pp to +12.0 pp, n\u00a0=\u00a01,200."
    assert found.sentence["zh"] == "重复购买率由2024Q3的50.0%升至60.0%，变化+10.0个百分点。"
    assert found.in_full("en") == f"{found.sentence['en']} {found.detail['en']}"


def test_no_change_within_the_noise_is_told(quiet, retell):
    results = retell(quiet, "repeat_purchase_rate", **RISE | {"verdict": "no_clear_change"})
    assert find_sure_changes(results) == []
    [only] = find_nothing_sure(results)
    assert only.verdict == "no_clear_change"
    assert "2024Q3" in only.sentence["en"]


def test_headline_metrics_come_first_then_the_largest_relative_change(quiet, retell):
    results = retell(quiet, "repeat_purchase_rate", **RISE)
    results = retell(results, "purchase_frequency", verdict="worse", value=1.0, base_value=2.0)
    results = retell(
        results, "average_order_value", verdict="worse", value=98.0, base_value=100.0
    )  # headline
    assert [each.metric for each in find_sure_changes(results)] == [
        "average_order_value", "purchase_frequency", "repeat_purchase_rate",
    ]  # fmt: skip


def test_two_names_for_one_change_are_told_once(quiet, retell):
    results = retell(quiet, "customer_retention_rate", verdict="better", value=0.7, base_value=0.6)
    results = retell(results, "customer_churn_rate", verdict="better", value=0.3, base_value=0.4)
    assert [each.metric for each in find_sure_changes(results)] == ["customer_retention_rate"]


def test_a_metric_with_a_target_comes_before_one_that_moved_further(quiet, retell, monkeypatch):
    from analysis.report import findings

    results = retell(quiet, "repeat_purchase_rate", **RISE)
    results = retell(results, "purchase_frequency", verdict="worse", value=1.0, base_value=2.0)
    monkeypatch.setattr(findings, "metrics_with_target", lambda _: {"repeat_purchase_rate"})
    told = [each.metric for each in find_sure_changes(Results(results.book, results.frames))]
    assert told == ["repeat_purchase_rate", "purchase_frequency"]


def test_the_other_comparison_is_told_when_it_has_a_verdict(quiet, retell):
    rise = retell(quiet, "repeat_purchase_rate", **RISE)
    ago = {"value": 0.60, "against": "year_ago", "period": "2024Q2"}
    cases = {
        "no_clear_change": (0.59, "no clear change"),
        "better": (0.40, "Against 2024Q2 it is beyond chance, too"),
        "worse": (0.70, "the other way"),
    }
    for verdict, (base_value, words) in cases.items():
        results = retell(rise, "repeat_purchase_rate", verdict=verdict, base_value=base_value, **ago)
        [found] = find_sure_changes(results)
        assert words in found.detail["en"]
        assert "2024Q2" in found.detail["zh"]


def test_sums_to_date_are_no_news(quiet, retell):
    results = retell(quiet, "historical_clv", verdict="better", value=90.0, base_value=60.0)
    assert find_sure_changes(results) == []


def test_a_rate_measured_on_other_customers_is_not_sure_and_says_why(quiet, retell):
    results = retell(quiet, "repeat_purchase_rate", **RISE, n=600, base_n=1000)
    assert find_sure_changes(results) == []
    [found] = find_changes_with_care(results)
    assert (found.certainty, found.verdict) == ("with_care", "use_with_care")
    assert "n went from 1,000 to 600 (−40%)" in found.detail["en"]
    assert "统计基数由1,000变为600（−40%）" in found.detail["zh"]


def test_a_third_fewer_customers_is_where_the_warning_begins(quiet, retell):
    assert find_sure_changes(retell(quiet, "repeat_purchase_rate", **RISE, n=667, base_n=1000))
    assert find_changes_with_care(retell(quiet, "repeat_purchase_rate", **RISE, n=666, base_n=1000))


def test_a_change_of_a_doubtful_model_is_to_be_read_with_care(quiet, retell):
    results = retell(quiet, "predicted_clv", verdict="worse", value=30.0, base_value=40.0)
    assert [each.metric for each in find_sure_changes(results)] == ["predicted_clv"]
    fits = results.fits.assign(
        verdict=results.fits["verdict"].mask(results.fits["role"] == "spend", "with_care")
    )
    doubted = replaced(results, fits=fits)
    assert find_sure_changes(doubted) == []
    assert "to be used with care" in find_changes_with_care(doubted)[0].detail["en"]


def test_the_caution_on_models_repeats_the_rule_that_gave_it(quiet):
    rules = {"verdict": "with_care", "rule_en": "It missed by a fifth.", "rule_zh": "偏差两成。"}
    fits = quiet.fits.assign(**rules)
    results = replaced(quiet, fits=fits)
    assert doubtful_models(quiet) == []
    assert doubtful_models(results) == [{"en": "It missed by a fifth.", "zh": "偏差两成。"}]
    [found] = find_model_cautions(results)
    assert found.detail["en"].startswith("It missed by a fifth.")
    assert found.detail["zh"].startswith("偏差两成。")
    assert found.page == "customer_value"


def test_an_exact_figure_is_called_large_from_a_tenth_on_and_gets_no_verdict(quiet, retell):
    just = retell(quiet, "revenue", verdict="size_only", value=110.0, base_value=100.0, n=7)
    [found] = find_large_changes(just)
    assert (found.metric, found.certainty, found.verdict) == ("revenue", "size", "higher")
    assert found.sentence["en"] == "Revenue: €110.00, +10.0% against 2024Q3."
    assert "It was €100.00" in found.detail["en"] and "n\u00a0=\u00a07" in found.detail["en"]
    assert (
        find_large_changes(retell(quiet, "revenue", verdict="size_only", value=109.0, base_value=100.0)) == []
    )


def test_what_is_not_measured_is_counted_and_explained(shop):
    [found] = find_not_measured(shop)
    assert re.fullmatch(r"\d+ of \d+ metrics could not be measured\.", found.sentence["en"])
    waiting = [row for row in shop.company_kpis.itertuples() if "table_absent|" in str(row.reason)]
    shown = {m.id for m in shop.book.catalogue.metrics.values() if m.shown}
    count = len({row.metric for row in waiting if row.metric in shown and row.variant == "default"})
    assert f"{count} need tables that are not supplied (Contacts, Opportunities, " in found.detail["en"]
    assert "No comparison with 2023Q4" in found.detail["en"]
    assert f"{count}项需要尚未提供的数据表" in found.detail["zh"]


def test_one_table_that_is_missing_is_named_with_what_waits_for_it(shop):
    alone = shop.kpis["reason"].str.contains("table_absent", na=False) & shop.kpis["metric"].ne(
        "service_cost"
    )
    [found] = find_not_measured(replaced(shop, kpis=shop.kpis[~alone]))
    assert "Service cost (table Costs is not supplied)" in found.detail["en"]
    assert "未提供数据表" in found.detail["zh"]


def customers(**columns):
    rows = {
        "customer_id": ["a", "b", "c", "d"], "predicted_clv": [10.0, 30.0, 20.0, 40.0], "is_at_risk": True,
        "is_closing": True, "is_one_time_buyer": False,
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def change_of(certainty, name="x"):
    return Finding(name, {"en": name, "zh": name}, certainty)


@pytest.mark.parametrize(("room", "kept"), [
    (5, "s1 s2 c1 c2 z"), (4, "s1 s2 c1 z"), (3, "s1 s2 c1"), (0, ""),  # the second to be read with care goes first
])  # fmt: skip
def test_where_room_is_short_the_second_caution_goes_first_and_then_the_last(room, kept):
    changes = [change_of("sure", "s1"), change_of("sure", "s2"), change_of("with_care", "c1"),
               change_of("with_care", "c2"), change_of("size", "z")]  # fmt: skip
    assert [each.metric for each in _cut(changes, room)] == kept.split()
    one = [change_of("with_care", "c1"), change_of("size", "z"), change_of("size", "y")]
    assert [each.metric for each in _cut(one, 2)] == ["c1", "z"]


def moved(value, base_value, against="previous"):
    return SimpleNamespace(value=value, base_value=base_value, difference=value - base_value, against=against)


@pytest.mark.parametrize(("one", "other", "same"), [
    (moved(0.6, 0.5), moved(0.4, 0.5), True),  # a rate and one minus it
    (moved(300.0, 200.0), moved(3.0, 2.0), True),  # a total and its mean, of as many as before
    (moved(300.0, 200.0), moved(3.0, 2.001), False), (moved(0.6, 0.5), moved(0.4, 0.501), False),
    (moved(0.6, 0.5), moved(0.4, 0.5, "year_ago"), False),  # another window is another change
])  # fmt: skip
def test_a_change_has_two_names_where_difference_or_ratio_is_the_same_to_the_last_digit(one, other, same):
    assert (_says_the_same(one, other), _says_the_same(other, one)) == (same, same)


def test_nobody_is_overdue_where_there_is_nobody():
    assert overdue_customers(pd.DataFrame()).empty


def test_whom_to_talk_to_is_at_risk_active_and_has_bought_more_than_once():
    found = overdue_customers(
        customers(is_closing=[True, True, True, False], is_one_time_buyer=[False, True, False, False])
    )
    assert found["customer_id"].tolist() == ["c", "a"]  # b bought once, d is gone; by value


def test_figures_that_do_not_add_up_are_said_first(shop):
    assert find_unreconciled(shop) == []
    broken = shop.identities.assign(holds=shop.identities["identity"] != "population")
    found = find_all(replaced(shop, identities=broken))
    assert "do not add up (customers at the start and the end)" in found[0].sentence["en"]
    assert "期初与期末客户数" in found[0].sentence["zh"]


def test_there_are_never_more_than_eight_and_they_come_in_their_order(quiet, retell):
    results = quiet
    for metric in (
        "repeat_purchase_rate",
        "purchase_frequency",
        "average_order_value",
        "revenue_per_customer",
    ):
        value = {"repeat_purchase_rate": 0.5, "purchase_frequency": 3.0, "average_order_value": 20.0}.get(
            metric, 9.0
        )
        results = retell(results, metric, verdict="worse", value=value, base_value=1.1 * value + 0.01)
    for metric in ("winback_rate", "at_risk_share", "customer_retention_rate"):
        base = {"winback_rate": 0.2, "at_risk_share": 0.4}.get(metric, 0.7)
        results = retell(results, metric, verdict="worse", value=0.1, base_value=base, n=10)
    for metric in ("revenue", "orders", "buyers"):
        results = retell(results, metric, verdict="size_only", value=10.0, base_value=30.0)
    results = replaced(
        results,
        customers=customers(),
        fits=results.fits.assign(verdict="with_care", rule_en="A rule.", rule_zh="规则。"),
    )
    found = find_all(results)
    assert len(found) == MOST_FINDINGS
    assert [each.certainty for each in found] == [
        "sure", "sure", "sure", "with_care", "size", "with_care", "not_measured", "next",
    ]  # fmt: skip


def test_every_finding_is_said_in_both_languages(shop):
    for found in find_all(shop):
        assert found.sentence["en"].strip()
        assert re.search(r"[\u4e00-\u9fff]", found.sentence["zh"])
        assert not re.search(r"[\u4e00-\u9fff]", found.sentence["en"])
