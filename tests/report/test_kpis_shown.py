"""How figures and their changes are said."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.facts.book import Coverage
from analysis.periods import first_days, parse_period, whole
from analysis.report.kpis_shown import (
    base_change,
    change_shown,
    compact_money,
    gaps_in_comparison,
    group_name,
    has_short_history,
    kpi_rows,
    metric_name,
    misleading_windows,
    not_measured_list,
    root_reason,
    say_change_interval,
    say_level,
    say_money_short,
    say_period,
    say_reason,
    short_value,
    some,
    trend,
    verdict_shown,
)
from analysis.suite import Results

METRICS = load_catalogue().metrics
RETENTION, REVENUE = METRICS["customer_retention_rate"], METRICS["revenue"]


def change(**fields):
    return {"difference": 0.0, "relative_change": None, "verdict": "size_only", **fields}


def test_a_share_changes_by_points_and_money_by_percent_of_what_it_was():
    assert change_shown(change(difference=0.02, relative_change=0.04), RETENTION) == (0.02, "points")
    assert change_shown(change(difference=50, relative_change=0.25), REVENUE) == (0.25, "percent")


def test_a_change_without_a_base_or_beyond_three_hundred_percent_is_said_in_its_own_unit():
    assert change_shown(change(difference=977, relative_change=float("nan")), REVENUE) == (977, "money")
    assert change_shown(change(difference=1553, relative_change=13.05), REVENUE) == (1553, "money")


def test_the_interval_of_a_relative_change_is_relative_too(shop):
    # 50 on 200, between 20 and 80: +25 %, between +10 % and +40 %
    told = change(difference=50, relative_change=0.25, difference_low=20, difference_high=80, base_value=200)
    assert say_change_interval(told, REVENUE, shop.book, "en") == "+10.0% to +40.0%"
    assert say_change_interval(told, REVENUE, shop.book, "zh") == "+10.0%至+40.0%"
    # of 80 more on 20 (+400 %) in money, as the change itself
    large = told | {"difference": 80, "relative_change": 4.0, "difference_low": 60, "base_value": 20}
    assert (
        say_change_interval(large | {"difference_high": 90}, REVENUE, shop.book, "en") == "+€60.00 to +€90.00"
    )
    # what is never below 0 cannot fall by more than all of it; revenue can, where more is given back than bought
    lower = told | {
        "difference": -150,
        "relative_change": -0.75,
        "difference_low": -260,
        "difference_high": -40,
    }
    assert say_change_interval(lower, METRICS["transfers_per_ticket"], shop.book, "en") == "−100.0% to −20.0%"
    assert say_change_interval(lower, REVENUE, shop.book, "en") == "−130.0% to −20.0%"
    for missing in ("difference_low", "difference_high"):
        assert say_change_interval(told | {missing: float("nan")}, REVENUE, shop.book, "en") == ""


@pytest.mark.parametrize(
    ("verdict", "difference", "badge"),
    [
        ("better", -1, "better"), ("worse", 1, "worse"), ("no_clear_change", 1, "no_clear_change"),
        ("size_only", 1, "higher"), ("size_only", -1, "lower"), ("size_only", 0, "unchanged"),
        ("changed", -1, "lower"), ("not_comparable", float("nan"), "not_compared"),
    ],
)  # fmt: skip
def test_only_a_tested_change_is_called_better_or_worse(verdict, difference, badge):
    assert verdict_shown(change(verdict=verdict, difference=difference)) == badge


def test_a_rate_on_a_third_more_or_fewer_rows_is_marked_and_a_sum_is_not():
    assert base_change(60, 100, RETENTION) == pytest.approx(-0.4)
    assert base_change(70, 100, RETENTION) is None
    assert base_change(100, 0, RETENTION) is None
    assert base_change(60, 100, METRICS["customer_equity"]) is None
    assert base_change(60, 100, REVENUE) is None


def test_the_reason_behind_a_reason_is_found():
    assert (
        root_reason("of|customer_acquisition_cost|of|marketing_cost|table_absent|costs")
        == "table_absent|costs"
    )
    assert root_reason("of|1997Q2|no_rows") == "no_rows"
    assert root_reason("table_absent|costs;no_rows") == "table_absent|costs"


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (0, "€0", "€0"), (999, "€999", "€999"), (9_996, "€10.0k", "€1.0万"), (301_234, "€301k", "€30.1万"),
        (-1_250_000, "−€1.2m", "−€125万"), (123_456_789, "€123m", "€1.2亿"), (999_960, "€1.0m", "€100万"),
    ],
)  # fmt: skip
def test_amounts_in_charts_are_short(amount, english, chinese):
    assert say_money_short(amount, "en", "EUR") == english
    assert say_money_short(amount, "zh", "EUR") == chinese


def book_of(start, **fields):
    coverage = Coverage(date.fromisoformat(start), None, 3)
    return SimpleNamespace(coverage=coverage, settings=SimpleNamespace(activity_window_days=60), **fields)


def test_retention_needs_an_activity_window_of_data_before_the_start_repeat_purchase_before_the_end():
    # The window is April to June: retention looks back to 1 February, repeat purchase to 2 May.
    window, repeat = whole(parse_period("2024Q2")), METRICS["repeat_purchase_rate"]
    assert has_short_history(book_of("2024-02-10"), window, RETENTION)
    assert not has_short_history(book_of("2024-02-10"), window, repeat)
    assert has_short_history(book_of("2024-05-20"), window, repeat)
    assert not has_short_history(book_of("2024-02-10"), window, REVENUE)


def test_data_that_begin_a_usual_silence_late_are_not_late():
    window = whole(parse_period("2024Q2"))
    # Three days of silence are usual for this company: its data should begin by 1 + 3 = 4 February.
    assert not has_short_history(book_of("2024-02-04"), window, RETENTION)
    assert has_short_history(book_of("2024-02-05"), window, RETENTION)


def test_a_running_period_and_the_first_days_of_an_earlier_one_are_called_so():
    this, before = parse_period("2024Q2"), parse_period("2024Q1")
    windows = (first_days(before, 20), whole(before), first_days(this, 20))
    book = SimpleNamespace(windows=windows, window=windows[2])
    assert say_period(windows[0].label, book, "en") == "first 20 days of 2024Q1"
    assert say_period(windows[0].label, book, "zh") == "2024Q1前20天"
    assert say_period("2024Q1", book, "en") == "2024Q1"
    assert say_period(windows[2].label, book, "zh") == "2024Q2（前20天）"


def test_the_variant_stands_beside_the_name_unless_it_is_the_default():
    assert metric_name(RETENTION, "en") == "Customer retention rate"
    assert metric_name(RETENTION.under("active_again"), "zh") == "客户保留率（本期再次购买）"


def test_a_row_holds_the_figure_its_changes_and_its_trend(shop):
    row = kpi_rows(shop, [REVENUE]).iloc[0]
    # 2024Q4: 6·30 + 2·25 + 4·40 + 12 = 402; 2024Q3: 6·20 + 3·15 = 165
    assert (row["value"], row["n"], row["unit"]) == (402, 13, "money")
    assert row["previous_change"] == pytest.approx(402 / 165 - 1)
    assert (row["previous_unit"], row["previous_verdict"]) == ("percent", "higher")
    assert row["trend"] == [0, 165, 402]  # 2024Q2 had no order
    assert pd.isna(row["year_ago_change"])


def test_a_trend_keeps_its_gaps_and_begins_with_the_first_measured_period(shop):
    # One customer was active on 1 April and lapsed, none on 1 July, nine on 1 October of whom six stayed.
    assert trend(shop, RETENTION) == pytest.approx([0, float("nan"), 6 / 9], nan_ok=True)
    kpis = shop.kpis.assign(value=shop.kpis["value"].mask(shop.kpis["period"] == "2024Q2"))
    assert trend(Results(shop.book, {**shop.frames, "kpis": kpis}), RETENTION) == pytest.approx([6 / 9])
    assert trend(shop, METRICS["customer_acquisition_cost"]) == []


@pytest.mark.parametrize(("metric", "shown"), [
    ("revenue", [1.0, 2.0]), ("orders", [1.0, 2.0]), ("customer_retention_rate", [1.0, 2.0, 3.0]),
])  # fmt: skip
def test_a_running_periods_sums_would_look_like_a_fall_and_are_left_out(metric, shown):
    windows = [
        whole(parse_period("2023Q4")),
        whole(parse_period("2024Q1")),
        first_days(parse_period("2024Q2"), 20),
    ]
    earlier = first_days(parse_period("2024Q1"), 20)  # what the running period is compared with, and no trend
    book = SimpleNamespace(
        windows=[windows[0], earlier, *windows[1:]],
        window=windows[2],
        settings=SimpleNamespace(sparkline_periods=3),
    )
    figures = {(metric, "default", window.label): {"value": place} for place, window in enumerate(windows, 1)}
    figures[metric, "default", earlier.label] = {"value": 9}
    assert trend(SimpleNamespace(book=book, company_figures=figures), METRICS[metric]) == shown


def test_where_room_is_narrow_only_large_amounts_of_money_are_shortened(shop):
    assert short_value(7_808_386, REVENUE, shop.book, "en") == "€7.81m"
    assert short_value(float("nan"), REVENUE, shop.book, "en") == "–"
    assert short_value(7_808_386, METRICS["orders"], shop.book, "en") == "7,808,386"
    assert short_value(0.5, RETENTION, shop.book, "en") == "50.0%"


def test_of_many_names_the_first_are_given_and_how_many_more_there_are():
    assert some(["a", "b", "c"], 3, "en") == some(["a", "b", "c"], None, "en") == "a, b, c"
    shortened = some(["a", "b", "c", "d"], 1, "en")
    assert shortened.startswith("a") and "b" not in shortened and "3" in shortened
    assert "等4项" in some(["a", "b", "c", "d"], 1, "zh")


def test_what_is_not_measured_is_gathered_by_reason(shop):
    rows = kpi_rows(shop, [METRICS[name] for name in ("clv_to_cac", "customer_acquisition_cost", "revenue")])
    [told] = [each for each in not_measured_list(shop, rows, "en") if "Costs" in each]
    assert "Customer acquisition cost (CAC)" in told
    assert told.endswith("(table Costs is not supplied)")
    [short] = not_measured_list(shop, rows.assign(reason="no_rows"), "zh", most_names=1)
    assert "等2项" in short


def test_a_window_before_the_data_is_named_once_with_its_reason(shop):
    [gap] = gaps_in_comparison(shop, "en")
    assert gap == "No comparison with 2023Q4: the data begin only on 10 Jan 2024."


def test_only_windows_whose_retention_is_measured_are_called_misleading(shop):
    assert misleading_windows(shop, [RETENTION]) == []


def test_the_level_of_intervals_has_no_needless_decimals():
    def at(level):
        return say_level(SimpleNamespace(settings=SimpleNamespace(confidence_level=level)), "en")

    assert (at(0.95), at(0.999)) == ("95%", "99.9%")


def test_a_group_has_its_name_from_the_catalogue_or_the_companys_own_table(open_company):
    orders = "order_id,customer_id,ordered_at,amount\n1,a,2026-05-01,1\n"
    managers = "account_manager_id,account_manager_name\na1,<b>Li & Co</b>\n"
    book = open_company({"orders": orders, "account_managers": managers}, "2026Q2")
    assert group_name(book, "value_band", "high", "zh") == "高价值"
    assert group_name(book, "account_manager", "a1", "en") == "<b>Li & Co</b>"  # text: the table escapes it
    assert group_name(book, "account_manager", "a9", "en") == "a9"
    assert group_name(book, "account_manager", "not_stated", "en") == "not stated"
    assert [group_name(book, "stage", none, "zh") for none in ("", None, float("nan"))] == ["未注明"] * 3


def test_the_settings_name_what_the_data_hold_and_metrics_that_stand_for_a_value(seller, with_names):
    own = with_names(seller, stage={"lead": {"en": "Lead", "zh": "线索"}}, region={"n": {"zh": "北区"}})
    book = own.book
    assert [group_name(book, "stage", "lead", each) for each in ("en", "zh")] == ["Lead", "线索"]
    assert group_name(book, "region", "n", "en") == "n"  # no name in English: as in the data
    metric = book.catalogue.metrics["stage_conversion_rate.lead"]
    assert (metric.name.en, metric.name.zh) == ("Stage conversion: Lead", "阶段转化率：线索")
    assert "仅限线索" in metric.meaning.zh and "lead" in metric.where
    assert own.kpi("stage_conversion_rate.lead").equals(seller.kpi("stage_conversion_rate.lead"))


def test_a_group_that_a_reason_names_is_called_by_its_name_where_all_dimensions_agree(seller, with_names):
    def said(**names):
        return say_reason("of|revenue|group_absent|30;group_absent|x", with_names(seller, **names).book, "en")

    assert said() == "Revenue: no figure for group 30; no figure for group x"
    assert said(region={"30": {"en": "North"}}) == "Revenue: no figure for group North; no figure for group x"
    both = {"region": {"30": {"en": "North"}}, "topic": {"30": {"en": "Bills"}}}
    assert said(**both) == said()
    # nothing else in a reason is a group, be it called like one
    assert say_reason(
        "few_rows|30", with_names(seller, region={"30": {"en": "North"}}).book, "en"
    ) == say_reason("few_rows|30", seller.book, "en")


@pytest.mark.parametrize(("value", "english", "chinese"), [
    (99_999.4, "€99,999", "€99,999"), (301_234.0, "€301k", "€30.1万"), (7_808_386.0, "€7.81m", "€780.8万"),
    (84_600_000.0, "€84.6m", "€8,460万"), (999_999.0, "€1.00m", "€100.0万"), (-8_462_808.0, "−€8.46m", "−€846.3万"),
    (1_234_000_000.0, "€1.23bn", "€12.3亿"),
])  # fmt: skip
def test_large_amounts_are_given_in_few_signs(value, english, chinese):
    assert (compact_money(value, "en", "EUR"), compact_money(value, "zh", "EUR")) == (english, chinese)
