"""Settings, files, absent tables and definitions: everything that changes numbers is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from analysis.catalogue import load_catalogue
from analysis.params import Settings
from analysis.report.pages.settings_rows import (
    HASH_DIGITS,
    SETTINGS_LEFT_OUT,
    SETTINGS_SHOWN,
    absent_rows,
    example_rows,
    input_rows,
    setting_rows,
    setting_value,
    variant_rows,
)
from analysis.suite import Results
from reading_pages import in_each_language


def test_every_setting_is_either_shown_or_left_out_on_purpose():
    shown = [key for keys in SETTINGS_SHOWN.values() for key in keys]
    assert sorted([*shown, *SETTINGS_LEFT_OUT]) == sorted(Settings.model_fields)


@in_each_language
def test_every_setting_has_a_name_a_value_and_a_reason(shop, language):
    rows = setting_rows(shop.book, language).set_index("key")
    assert rows[["name", "value", "meaning"]].map(len).min().min() > 0
    assert rows.loc["activity_window_days", "value"] == "60"
    assert rows.loc["confidence_level", "value"] == "95%"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("data_through", None, "not set: found from the data"),
        ("data_through", date(2024, 12, 31), "31 Dec 2024"),
        ("discount_rate_per_year", 0.125, "12.5%"),
        ("lifetime_cap_years", 10.0, "10"),
        ("model", "mbg_nbd", "MBG/NBD"),
        ("dimensions", ("value_band", "cohort"), "Value band, Quarter first seen"),
        ("exclusions", {}, "none"),
        ("variants", {"revenue": "gross"}, "Revenue: before returns"),
    ],
)
def test_a_setting_is_written_as_a_reader_writes_it(shop, key, value, words):
    assert setting_value(key, value, shop.book, "en") == words


def test_an_exclusion_is_told_with_its_condition_and_what_it_is_out_of(open_orders):
    tests = {"tests": {"where": "amount = 9", "out_of": "revenue"}}
    book = open_orders([("a", "2024-10-05", 9)], "2024Q4", exclusions=tests)
    told = setting_value("exclusions", book.settings.exclusions, book, "en")
    assert told == "tests (where amount = 9; out of revenue)"


def test_files_are_listed_with_rows_and_the_beginning_of_their_hash(shop):
    rows = input_rows(shop.book)
    inputs = shop.book.prepared.inputs
    assert rows["rows"].tolist() == [about["rows"] for about in inputs.values()]
    assert rows["hash"].tolist() == [about["sha256"][:HASH_DIGITS] for about in inputs.values()]


@in_each_language
def test_an_absent_table_is_told_with_what_it_would_add(shop, language):
    rows = absent_rows(shop.book, language).set_index("table")
    tables = {name: table.name.in_(language) for name, table in load_catalogue().tables.items()}
    assert not {tables["orders"], tables["customers"]} & set(rows.index)  # these are given
    assert tables["rates"] not in rows.index  # nothing asks for it yet
    cac = load_catalogue().metrics["customer_acquisition_cost"].name.in_(language)
    assert cac in rows.loc[tables["costs"], "metrics"]


def test_an_absent_table_s_breakdowns_are_told(open_orders):
    book = open_orders([("a", "2024-10-05", 9)], "2024Q4")
    rows = absent_rows(book, "en").set_index("table")
    assert rows.loc["Customers", "breakdowns"] == "Segment, Industry, Region, Acquisition channel"
    assert pd.isna(rows.loc["Costs", "breakdowns"])


def test_a_metric_s_definitions_stand_side_by_side_with_the_frame_s_values(shop):
    rows, _ = variant_rows(shop, "en")
    [retention] = rows[rows["metric"] == "Customer retention rate"].to_dict("records")
    assert retention["value"] == shop.kpi("customer_retention_rate")["value"]
    assert retention["name"] is None  # the default definition
    # 6 of 9 stayed and bought again; 12 at the end of whom 4 are new, and 1 new who went: (12 − 5) / 9
    assert retention["others"] == "(end − new) / start, as printed: 77.8%; bought again in the period: 66.7%"
    assert rows["metric"].is_unique
    assert list(rows["family"]) == sorted(rows["family"], key=list(dict.fromkeys(rows["family"])).index)


def test_the_definition_the_settings_choose_comes_first_and_the_default_among_the_others(shop):
    settings = shop.book.settings.model_copy(update={"variants": {"revenue": "gross"}})
    params = shop.book.params.model_copy(update={"settings": settings})
    rows, _ = variant_rows(Results(replace(shop.book, params=params), shop.frames), "en")
    [revenue] = rows[rows["metric"] == "Revenue"].to_dict("records")
    assert revenue["name"] == "before returns"
    assert revenue["others"] == "default definition: €402.00"


def test_metrics_without_any_value_are_named_with_the_reason_instead(shop):
    rows, absent = variant_rows(shop, "en")
    assert "Customer acquisition cost (CAC)" not in set(rows["metric"])
    assert [line for line in absent if "Customer acquisition cost (CAC)" in line and "Costs" in line]


@in_each_language
def test_examples_and_misprints_are_listed_with_what_goes_in_and_comes_out(shop, language):
    rows = example_rows(shop.book, language)
    metrics = load_catalogue().metrics
    roi = rows[rows["metric"] == metrics["crm_roi"].name.in_(language)]
    assert len(roi) == 1  # not again for each definition that takes it over
    assert roi["example"].item().endswith("→ 500.0%") and "2.5" in roi["printed"].item()
    [printed] = rows[rows["metric"] == metrics["customer_retention_rate"].name.in_(language)][
        "example"
    ].dropna()
    assert printed.endswith("→ 105.0%")
    assert metrics["closing_customers"].name.in_(language) + " 1,150" in printed
    fcr = rows[rows["metric"] == metrics["first_response_time"].name.in_(language)]
    assert pd.isna(fcr["example"].item()) and "FCR" in fcr["printed"].item()
