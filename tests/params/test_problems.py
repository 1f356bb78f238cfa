"""Everything that is wrong with a file is said in one message, by its place, with the nearest right name."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from analysis.cli import app
from analysis.errors import InputError
from analysis.params import load_params
from reading_settings import GOOD, problems

MANY_MISTAKES = """
company: 12
activity_window_day: 90
settle_days: -1
gross_margin: 30%
time_zone: Europe/Belin
model: bgnbd
dimensions: [value_bnad, cohort]
headline_metrics: [revenu]
pages: [scorecards]
variants: {customer_retention_rate: as_printd, custmer_churn_rate: default}
engine: {thread: 2}
exclusions: {tests: {wher: amount > 1}}
tables:
  order: {file: a.csv, columns: {}}
  orders:
    file: a.csv
    seperator: ;
    columns: {orderd_at: date, amount: {colum: money}}
"""


def test_everything_wrong_with_a_file_is_in_one_message_with_the_nearest_right_names(tmp_path):
    assert sorted(problems(tmp_path, MANY_MISTAKES)) == sorted(
        [
            "activity_window_day: there is no such setting; did you mean 'activity_window_days'?",
            "company: should be text; found 12",
            "settle_days: should be greater than or equal to 0; found -1",
            "gross_margin: should be a number; found '30%'",
            "time_zone: there is no time zone 'Europe/Belin'; did you mean 'Europe/Berlin'?",
            "model: should be 'bg_nbd', 'mbg_nbd' or 'auto'; found 'bgnbd'; did you mean 'bg_nbd'?",
            "dimensions: there is no 'value_bnad'; did you mean 'value_band'?",
            "headline_metrics: there is no 'revenu'; did you mean 'revenue'?",
            "pages: there is no 'scorecards'; did you mean 'scorecard'?",
            "variants.customer_retention_rate: there is no variant 'as_printd'; did you mean 'as_printed'?",
            "variants.custmer_churn_rate: there is no such metric; did you mean 'customer_churn_rate'?",
            "engine.thread: there is no such setting; did you mean 'threads'?",
            "exclusions.tests.where: is missing",
            "exclusions.tests.wher: there is no such setting; did you mean 'where'?",
            "tables.order: there is no such table; did you mean 'orders'?",
            "tables.orders.seperator: there is no such setting; did you mean 'separator'?",
            "tables.orders.columns.orderd_at: table orders has no such column; did you mean 'ordered_at'?",
            "tables.orders.columns.ordered_at: is required and not mapped",
            "tables.orders.columns.amount.colum: there is no such setting; did you mean 'column'?",
            "tables.orders.columns.amount: give either `column` or `constant`",
        ]
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("activity_window_days: true", "should be a whole number; found True"),
        ("activity_window_days: 180.0", "should be a whole number; found 180.0"),
        ("activity_window_days: '180'", "should be a whole number; found '180'"),
        ("activity_window_days: 0", "should be greater than or equal to 1; found 0"),
        ("small_sample: yes", "should be a whole number; found 'yes'"),
        ("fiscal_year_start_month: 13", "should be less than or equal to 12; found 13"),
        ("gross_margin: true", "should be a number; found True"),
        ("gross_margin: 0", "should be greater than 0; found 0"),
        ("gross_margin: .nan", "should be less than or equal to 1; found nan"),
        ("confidence_level: 95", "should be less than 1; found 95"),
        ("confidence_level: 1", "should be less than 1; found 1"),
        ("discount_rate_per_year: .nan", "should be less than 10; found nan"),
        ("lifetime_cap_years: .inf", "should be a finite number; found inf"),
        ("max_rejected_share: 5", "should be less than or equal to 1; found 5"),
        ("company_id: 12", "should be text; found 12"),
        (
            "company_id: ../../elsewhere",
            "should be the name of one folder: letters, digits, - and _; found '../../elsewhere'",
        ),
        ("company_id: ''", "should be the name of one folder: letters, digits, - and _; found ''"),
        ("currency: euro", "should be an ISO code of three capital letters, such as EUR; found 'euro'"),
        ("time_zone: null", "should be text; found None"),
        ("time_zone: localtime", "there is no time zone 'localtime'"),
        ("languages: en", "should be a list, such as [a, b]; found 'en'"),
        ("languages: []", "should not be empty; found []"),
        ("languages: [en, en]", "'en' is named more than once; found ['en', 'en']"),
        ("dimensions: [cohort, cohort]", "'cohort' is named more than once; found ['cohort', 'cohort']"),
        ("dimensions: cohort", "should be a list, such as [a, b]; found 'cohort'"),
        ("dimensions: null", "should be a list, such as [a, b]; found None"),
        ("pages: []", "should not be empty; found []"),
        ("variants: [revenue]", "should hold `name: value` lines; found ['revenue']"),
        ("exclusions: null", "should hold `name: value` lines; found None"),
        ("engine: duckdb", "should hold `name: value` lines; found 'duckdb'"),
        ("tables: [orders]", "should hold `name: value` lines; found ['orders']"),
        (
            "data_through: 1998-06-31",
            "should be a date that exists, written as 2026-09-30 without quotation marks; found '1998-06-31'",
        ),
        (
            "data_through: '1998-06-30'",
            "should be a date that exists, written as 2026-09-30 without quotation marks; found '1998-06-30'",
        ),
        (
            "data_through: 1998-06-30 10:00:00",
            "should be a date that exists, written as 2026-09-30 without quotation marks;"
            " found 1998-06-30 10:00:00",
        ),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_was_expected(tmp_path, setting, said):
    name = setting.partition(":")[0]
    text = (GOOD if name != "tables" else "company: Test\n") + setting + "\n"
    assert problems(tmp_path, text) == [f"{name}: {said}"]


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--period", "2024Q1"],
        ["kpis", "--period", "2024Q1"],
        ["customers", "--period", "2024Q1"],
        ["explain", "revenue", "--period", "2024Q1"],
        ["check"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_ends_with_2_and_the_whole_message_before_anything_is_written(tmp_path, command):
    path = tmp_path / "params" / "company.yml"
    path.parent.mkdir()
    path.write_text(MANY_MISTAKES, encoding="utf-8")
    ended = CliRunner().invoke(app, [*command, "--params", str(path)])
    with pytest.raises(InputError) as raised:
        load_params(path)
    assert ended.exit_code == 2
    assert (ended.stdout, ended.stderr) == ("", f"{raised.value}\n")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
