"""Settings are typed, complete and frozen, and whatever is wrong with a file is said in one message."""

from __future__ import annotations

import errno
import os
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from analysis.cli import app
from analysis.errors import InputError
from analysis.params import EngineSettings, Params, ParamsError, Settings, content_hash, load_params

PARAMS = Path(__file__).resolve().parents[1] / "params"
BASE = PARAMS / "base.yml"
ORDERS = "tables: {orders: {file: orders.csv, columns: {ordered_at: date, amount: money}}}\n"
GOOD = "company: Test\n" + ORDERS


def load(root: Path, text: str, name: str = "params/company.yml") -> Params:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_params(path)


def problems(root: Path, text: str) -> list[str]:
    """The lines of the message a file is refused with."""
    with pytest.raises(ParamsError) as raised:
        load(root, text)
    first, *listed = str(raised.value).splitlines()
    assert first == "company.yml cannot be used:"
    return [line.removeprefix("  - ") for line in listed]


# --- Mail -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ("{recipients: [{name: board}, {name: board}]}", "mail.recipients: 'board' is named more than once"),
        ("{recipients: [{language: zh}]}", "mail.recipients.0: give a `name`"),
        ("{recipients: [{name: am, each: account_manager, slice: {account_team: North}}]}", "either `slice` or `each`"),
        ("{server: {host: a, password: secret}}", "mail.server.password: there is no such setting"),
        ("{server: {host: a, security: ssl}}", "mail.server.security: should be 'starttls', 'tls' or 'none'"),
        ("{atach: [pdf]}", "mail.atach: there is no such setting; did you mean 'attach'?"),
        ("{recipients: [{name: a@b.c}]}", "mail.recipients.0.name"),
    ],
)  # fmt: skip
def test_mail_settings_that_cannot_be_meant_are_said(tmp_path, mail, said):
    assert any(said in line for line in problems(tmp_path, f"company: Test\nmail: {mail}\n"))


def test_what_is_delivered_to_whom_changes_no_number(tmp_path):
    plain = load(tmp_path, GOOD).fingerprint
    mailed = load(
        tmp_path, GOOD + "mail: {recipients: [{name: board}]}\npdf: false\nanalyst_edition: false\n"
    )
    assert mailed.settings.mail.attach == ("report", "excel") and mailed.fingerprint == plain
    assert load(tmp_path, GOOD + "small_sample: 31\n").fingerprint != plain


# --- Names of values ----------------------------------------------------------------------------------


def test_values_have_names_in_one_language_or_both(tmp_path):
    text = "value_names: {stage: {won: {en: Won, zh: 赢单}, 1: Lead}, region: {no: {zh: 挪威}, 2024-01-31: Then}}\n"
    names = load(tmp_path, GOOD + text).settings.value_names
    # a code, a country and a day are words of the data; one name alone is that of both languages
    assert names == {
        "stage": {"won": {"en": "Won", "zh": "赢单"}, "1": {"en": "Lead", "zh": "Lead"}},
        "region": {"no": {"zh": "挪威"}, "2024-01-31": {"en": "Then", "zh": "Then"}},
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("{regoin: {n: North}}", "value_names.regoin: there is no such dimension; did you mean 'region'?"),
        ("{region: {n: {de: Nord}}}", "value_names.region.n: there is no language 'de'; known: en, zh"),
        ("{region: {n: {cn: 北}}}", "value_names.region.n: there is no language 'cn'"),
        ("{region: {n: {en: 3}}}", "value_names.region.n: the name in en should be text"),
        ("{region: {n: {zh: ' '}}}", "value_names.region.n: the name in zh should be text"),
        ("{region: {n: 3}}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: {n: }}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: {n: {}}}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: North}", "value_names.region: should hold `name: value` lines; found 'North'"),
        ("[region]", "value_names: should hold `name: value` lines; found ['region']"),
    ],
)
def test_names_that_cannot_be_meant_are_said_with_their_key(tmp_path, names, said):
    assert any(line.startswith(said) for line in problems(tmp_path, f"company: Test\nvalue_names: {names}\n"))


def test_columns_that_are_shown_and_no_dimension_have_names_too(tmp_path):
    text = "value_names: {question_dimension: {tangibles: {zh: 环境与设施}}}\n"
    assert (
        load(tmp_path, GOOD + text).settings.value_names["question_dimension"]["tangibles"]["zh"]
        == "环境与设施"
    )


def test_names_change_no_number(tmp_path):
    named = load(tmp_path, GOOD + "value_names: {stage: {won: {zh: 赢单}}}\n")
    assert named.fingerprint == load(tmp_path, GOOD).fingerprint


# --- The defaults ---------------------------------------------------------------------------------


def test_what_a_company_does_not_say_is_as_in_the_base_file(tmp_path):
    base = yaml.safe_load(BASE.read_text(encoding="utf-8"))
    settings = load(tmp_path, "company: Test\n").settings.model_dump()
    assert settings == as_tuples(base) | {"company": "Test"}


def as_tuples(value):
    """Lists as tuples, however deep."""
    if isinstance(value, dict):
        return {key: as_tuples(each) for key, each in value.items()}
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def test_what_a_company_says_replaces_the_base_and_engine_settings_one_by_one(tmp_path):
    settings = load(tmp_path, GOOD + "gross_margin: 0.3\nengine: {threads: 2}\n").settings
    assert (settings.gross_margin, settings.engine.threads) == (0.3, 2)
    assert settings.engine.kind == "duckdb"
    assert settings.tables["orders"].columns["amount"].column == ("money",)


def test_overrides_replace_the_file_and_are_checked_like_it(tmp_path):
    path = load(tmp_path, GOOD + "gross_margin: 0.3\n").path
    assert load_params(path, {"gross_margin": 0.5}).settings.gross_margin == 0.5
    with pytest.raises(ParamsError, match="gross_margin: should be a number; found 'half'"):
        load_params(path, {"gross_margin": "half"})


def test_every_setting_stands_in_the_base_file_and_nothing_else_does():
    base = yaml.safe_load(BASE.read_text(encoding="utf-8"))
    assert set(base) == set(Settings.model_fields)
    assert set(base["engine"]) == set(EngineSettings.model_fields)
    assert not [name for name, field in Settings.model_fields.items() if not field.is_required()]


def test_every_setting_of_the_base_file_has_its_reason_beside_it():
    lines = BASE.read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if re.match(r"\w+:", line)]
    assert len(settings) == len(Settings.model_fields)
    assert not [line for line in settings if len(line.partition("# ")[2].split()) < 3]


def test_a_base_file_beside_the_companys_own_is_the_one_that_counts(tmp_path):
    beside = BASE.read_text(encoding="utf-8").replace("gross_margin: 1.0 ", "gross_margin: 0.25 ")
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "base.yml").write_text(beside, encoding="utf-8")
    assert load(tmp_path, GOOD).settings.gross_margin == 0.25


@pytest.mark.parametrize("file", sorted(set(PARAMS.glob("*.yml")) - {BASE}), ids=lambda file: file.stem)
def test_every_params_file_of_the_workbook_can_be_used(file):
    assert load_params(file).settings.company


# --- Presets --------------------------------------------------------------------------------------

DEALS = "tables: {opportunities: {like: zoho_crm.en/deals, file: deals.csv%s}}\n"


def columns_of(root: Path, own: str = ""):
    return load(root, "company: Test\n" + DEALS % own).settings.tables["opportunities"].columns


def test_a_table_like_an_export_has_its_columns_formats_and_words(tmp_path):
    table = load(tmp_path, "company: Test\n" + DEALS % "").settings.tables["opportunities"]
    assert (table.file, table.thousands) == (("deals.csv",), ",")
    assert table.columns["value"].column == ("Amount",)
    assert table.columns["outcome"].values["Closed Won"] == "won"
    assert "%Y-%m-%d %H:%M" in table.columns["created_at"].format
    assert table.columns["closed_at"].only_with == "outcome"


def test_what_the_company_says_wins_column_by_column(tmp_path):
    own = """, thousands: ".", decimal: ",", columns: {
      value: Deal value, outcome: {column: Phase, values: {Signed: won, Closed Lost: ""}},
      created_at: {format: "%m/%d/%Y"}, acquisition_channel: {constant: Fair}, lost_reason: null,
      product_id: Product}"""
    columns = columns_of(tmp_path, own)
    assert columns["value"].column == ("Deal value",)
    assert columns["outcome"].column == ("Phase",)
    words = columns["outcome"].values
    assert (words["Signed"], words["Closed Lost"], words["Closed Won"]) == ("won", "", "won")
    assert (columns["created_at"].column, columns["created_at"].format) == (("Created Time",), ("%m/%d/%Y",))
    assert (columns["acquisition_channel"].column, columns["acquisition_channel"].constant) == (None, "Fair")
    assert "lost_reason" not in columns and columns["product_id"].column == ("Product",)
    assert columns["stage"].column == ("Stage",)  # what is not said stays


@pytest.mark.parametrize(
    ("like", "said"),
    [
        ("hubspot.en/deals", "there is no preset 'hubspot'; known: fxiaoke, zoho_crm"),
        ("zoho_crn.en/deals", "there is no preset 'zoho_crn'; did you mean 'zoho_crm'?"),
        ("zoho_crm.cn/deals", "zoho_crm has no headers in 'cn'; known: en, zh"),
        ("zoho_crm.en/deal", "zoho_crm.en has no export 'deal'; did you mean 'deals'?"),
        ("zoho_crm.en/cases", "zoho_crm.en/cases fills the table tickets, not opportunities"),
        ("zoho_crm", "'zoho_crm' should be written as system.language/export, such as zoho_crm.en/deals"),
    ],
)
def test_a_preset_that_does_not_exist_is_answered_with_the_nearest_name(tmp_path, like, said):
    found = problems(
        tmp_path, f"company: Test\ntables: {{opportunities: {{like: {like}, file: deals.csv}}}}\n"
    )
    assert found == [f"tables.opportunities.like: {said}"]


def test_what_is_wrong_beside_a_preset_is_said_as_elsewhere(tmp_path):
    own = ", colums: {}, columns: {outcom: Phase, stage: {colum: Phase}, closed_at: {only_with: stag}}"
    assert set(problems(tmp_path, "company: Test\n" + DEALS % own)) == {
        "tables.opportunities.colums: there is no such setting; did you mean 'columns'?",
        "tables.opportunities.columns.stage.colum: there is no such setting; did you mean 'column'?",
        "tables.opportunities.columns.outcom: table opportunities has no such column; did you mean 'outcome'?",
        "tables.opportunities.columns.closed_at.only_with: 'stag' is no other mapped column; did you mean 'stage'?",
    }
    own = ", columns: {opportunity_id: null}"
    assert problems(tmp_path, "company: Test\n" + DEALS % own) == [
        "tables.opportunities.columns.opportunity_id: is required and not mapped"
    ]


@pytest.mark.parametrize("columns", ["[a, b]", "{outcome: {values: [won]}}", "{outcome: 3}"])
def test_columns_of_the_wrong_kind_beside_a_preset_are_refused(tmp_path, columns):
    assert problems(tmp_path, "company: Test\n" + DEALS % f", columns: {columns}")


def test_a_column_depends_on_a_mapped_one_that_depends_on_none_itself(tmp_path):
    for other in ("closed_at", "lost_reason", "nothing"):
        own = f", columns: {{closed_at: {{only_with: {other}}}, lost_reason: {{only_with: outcome}}}}"
        [said] = problems(tmp_path, "company: Test\n" + DEALS % own)
        assert said.startswith(
            f"tables.opportunities.columns.closed_at.only_with: {other!r} is no other mapped"
        )


def test_the_fingerprint_follows_the_preset_beside_the_base_file(tmp_path):
    preset = tmp_path / "params" / "sources" / "zoho_crm.yml"
    preset.parent.mkdir(parents=True)
    own = (PARAMS / "sources" / "zoho_crm.yml").read_text(encoding="utf-8")
    (tmp_path / "params" / "base.yml").write_text(BASE.read_text(encoding="utf-8"), encoding="utf-8")
    found = []
    for text in (own, own.replace("Closed Lost to", "Lost to"), own + "# a word more\n"):
        preset.write_text(text, encoding="utf-8")
        found.append(load(tmp_path, "company: Test\n" + DEALS % "").fingerprint)
    assert found[0] != found[1] and found[0] == found[2]


def test_a_base_file_of_the_companys_own_leaves_the_workbooks_presets_in_reach(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "base.yml").write_text(BASE.read_text(encoding="utf-8"), encoding="utf-8")
    assert columns_of(tmp_path)["value"].column == ("Amount",)


# --- Where files are ------------------------------------------------------------------------------


@pytest.mark.parametrize("working_folder", [".", "notebooks", "notebooks/deeper"])
def test_a_relative_file_is_found_from_the_project_and_from_inside_it(tmp_path, monkeypatch, working_folder):
    written = load(tmp_path, GOOD)
    (tmp_path / working_folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / working_folder)
    found = load_params("params/company.yml")
    assert (found.path, found.root) == (written.path, tmp_path.resolve())


def test_the_nearest_file_of_that_name_is_taken(tmp_path, monkeypatch):
    load(tmp_path, GOOD)
    load(tmp_path / "other", GOOD.replace("Test", "Other"))
    monkeypatch.chdir(tmp_path / "other")
    assert load_params("params/company.yml").settings.company == "Other"


def test_the_project_is_above_params_and_else_the_files_own_folder(tmp_path):
    assert load(tmp_path, GOOD).root == tmp_path
    assert load(tmp_path, GOOD, "elsewhere/company.yml").root == tmp_path / "elsewhere"


def test_a_file_of_the_company_lies_below_the_project_unless_its_path_is_absolute(tmp_path):
    params = load(tmp_path, GOOD)
    assert params.resolve("data/orders.csv") == tmp_path / "data" / "orders.csv"
    assert params.resolve("/data/orders.csv") == Path("/data/orders.csv")


def test_reports_go_to_the_company_id_or_the_name_of_the_file(tmp_path):
    assert load(tmp_path, GOOD).company_id == "company"
    assert load(tmp_path, GOOD + "company_id: acme-2\n").company_id == "acme-2"
    assert load(tmp_path, GOOD + "company_id: 某公司\n").company_id == "某公司"


# --- One message ----------------------------------------------------------------------------------

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
    ("source", "said"),
    [
        ("a.csv", ["orders: should hold `name: value` lines; found 'a.csv'"]),
        ("null", ["orders: should hold `name: value` lines; found None"]),
        (
            "{file: a.csv}",
            [
                "orders.columns: is missing",
                "orders.columns.ordered_at: is required and not mapped",
                "orders.columns.amount: is required and not mapped",
            ],
        ),
        ("{columns: {ordered_at: d, amount: m}}", ["orders.file: is missing"]),
        (
            "{file: 1, columns: {ordered_at: d, amount: m}}",
            ["orders.file: should be a list, such as [a, b]; found 1"],
        ),
        ("{file: [], columns: {ordered_at: d, amount: m}}", ["orders.file: should not be empty"]),
        (
            "{file: a, columns: {ordered_at: null, amount: m}}",
            ["orders.columns.ordered_at: give either `column` or `constant`"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, constant: 1}, amount: m}}",
            ["orders.columns.ordered_at: give either `column` or `constant`"],
        ),
        (
            "{file: a, columns: {ordered_at: d, amount: 3}}",
            ["orders.columns.amount.column: should be text; found 3"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, format: 1}, amount: m}}",
            ["orders.columns.ordered_at.format: should be a list, such as [a, b]; found 1"],
        ),
        (
            "{file: a, given_as: line, columns: {ordered_at: d, amount: m}}",
            ["orders.given_as: 'line' is unknown; did you mean 'lines'?"],
        ),
        (
            "{file: a, given_as: [lines], columns: {ordered_at: d, amount: m}}",
            ["orders.given_as: should be text; found ['lines']"],
        ),
        (
            "{file: a, given_as: lines, columns: {order_id: i, ordered_at: d, quantity: n}}",
            ["orders.columns.unit_price: is required and not mapped"],
        ),
        (
            "{file: a, time_zone: Asia/Shangai, columns: {ordered_at: d, amount: m}}",
            ["orders.time_zone: there is no time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?"],
        ),
        (
            "{file: a, decimal: ';', columns: {ordered_at: d, amount: m}}",
            ["orders.decimal: should be '.' or ','; found ';'"],
        ),
        (
            "{file: a, decimal: ',', thousands: ',', columns: {ordered_at: d, amount: m}}",
            ["orders: decimal and thousands are both ',': a number could not be read"],
        ),
        (
            "{file: a, columns: {ordered_at: {column: [d, 5]}, amount: {column: []}}}",
            [
                "orders.columns.ordered_at.column.1: should be text; found 5",
                "orders.columns.amount.column: should not be empty",
            ],
        ),
        (
            "{file: a, columns: {ordered_at: {column: d, row_number: true}, amount: {row_number: false}}}",
            [
                "orders.columns.ordered_at: give either `column` or `constant`, not column and row_number together",
                "orders.columns.amount: give either `column` or `constant`",
            ],
        ),
        (
            "{file: a, rows: [{ordered_at: 2024-01-01, amount: 5}], columns: {ordered_at: d, amount: m}}",
            ["orders: give either `file` or `rows`"],
        ),
        ("{rows: [{ordered_at: 2024-01-01}]}", ["orders.columns.amount: is required and not mapped"]),
        (
            "{rows: [{orderd_at: 2024-01-01, amount: 5}]}",
            [
                "orders.columns.orderd_at: table orders has no such column; did you mean 'ordered_at'?",
                "orders.columns.ordered_at: is required and not mapped",
            ],
        ),
        ("{rows: [], columns: {ordered_at: d, amount: m}}", ["orders.rows: should not be empty"]),
        (
            "{rows: [{d: 2024-01-01, m: 5}, [d, m]], columns: {ordered_at: d, amount: m}}",
            ["orders.rows: row 2 should hold `column: value` pairs, such as {day: 2026-10-01}"],
        ),
        (
            "{rows: [{d: 2024-01-01, m: [5, 6]}], columns: {ordered_at: d, amount: m}}",
            ["orders.rows: row 1: m should be one text, number or date; found [5, 6]"],
        ),
        (
            "{file: a, unpivot: {colums: q*, name_to: q, value_to: q}, columns: {ordered_at: d, amount: m}}",
            [
                "orders.unpivot.colums: there is no such setting; did you mean 'columns'?",
                "orders.unpivot.columns: is missing",
            ],
        ),
        (
            "{file: a, unpivot: {columns: q*, name_to: q, value_to: q}, columns: {ordered_at: d, amount: m}}",
            ["orders.unpivot: name_to and value_to are both 'q': one column cannot hold both"],
        ),
        (
            "{file: a, in_order_of: d, columns: {ordered_at: d, amount: m}}",
            ["orders: in_order_of says which row is the last: keep_last_per says for each of what"],
        ),
        (
            "{file: a, keep_last_per: n, in_order_of: {colum: d}, columns: {ordered_at: d, amount: m}}",
            [
                "orders.in_order_of.colum: there is no such setting; did you mean 'column'?",
                "orders.in_order_of.column: is missing",
            ],
        ),
        (
            "{file: a, drop_repeated_rows: 1, columns: {ordered_at: d, amount: m}}",
            ["orders.drop_repeated_rows: should be true or false; found 1"],
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_named_by_its_place(tmp_path, source, said):
    found = problems(tmp_path, f"company: Test\ntables: {{orders: {source}}}\n")
    assert sorted(found) == sorted(f"tables.{line}" for line in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("company: [Test\n", "company.yml is not readable YAML: .*line 1"),
        ("company: Test\n\tcurrency: EUR\n", "company.yml is not readable YAML: .*line 2"),
        ("- company\n", "company.yml should hold `setting: value` lines, found a list"),
        ("company\n", "company.yml should hold `setting: value` lines, found a str"),
        ("company: A\ncurrency: EUR\ncompany: B\n", "'company' is written twice in line 3"),
        (
            "company: A\nvariants: {revenue: gross, revenue: default}\n",
            "'revenue' is written twice in line 2",
        ),
        (f"random_seed: {'9' * 5000}\n", "company.yml is not readable YAML"),
        ("", "company: should not be empty"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path, text, said):
    with pytest.raises(ParamsError, match=said):
        load(tmp_path, text)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    (tmp_path / "x.yml").write_text("company: X\n")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ParamsError, match=r"x.yml cannot be read: Permission denied; let this user read it"):
        load_params(tmp_path / "x.yml")


def test_a_file_that_is_not_utf8_is_refused_with_the_place(tmp_path):
    path = tmp_path / "company.yml"
    path.write_bytes("company: 公司\n".encode("gbk"))  # nine bytes, then B9, which begins nothing in UTF-8
    with pytest.raises(ParamsError, match="company.yml is not readable YAML: 'utf-8' .* in position 9"):
        load_params(path)


@pytest.mark.parametrize("missing", ["params/nowhere.yml", "/nowhere/company.yml", "."])
def test_a_missing_file_is_an_error_that_says_what_to_give(tmp_path, monkeypatch, missing):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"there is no params file '.*' ?: give the path of a file such as"):
        load_params(missing)


# --- What is written is what is read --------------------------------------------------------------


def test_words_and_codes_that_look_like_truth_values_or_octal_numbers_stay_words(tmp_path):
    column = "{column: country, values: {NO: Norway, 01: shop, on: online, 7: seven}}"
    text = f"tables: {{orders: {{file: a, columns: {{ordered_at: d, amount: m, channel: {column}}}}}}}\n"
    values = load(tmp_path, "company: Test\n" + text).settings.tables["orders"].columns["channel"].values
    assert values == {"NO": "Norway", "01": "shop", "on": "online", "7": "seven"}


def test_a_date_may_be_the_same_for_every_row(tmp_path):
    text = "tables: {orders: {file: a, columns: {ordered_at: {constant: 2024-02-29}, amount: m}}}\n"
    column = load(tmp_path, "company: Test\n" + text).settings.tables["orders"].columns["ordered_at"]
    assert column.constant == "2024-02-29"


def test_one_word_may_stand_for_a_list_of_one_where_files_and_formats_are_named(tmp_path):
    columns = "{ordered_at: {column: d, format: '%d'}, amount: m}"
    text = f"company: Test\ntables: {{orders: {{file: a, missing: '-', columns: {columns}}}}}\n"
    source = load(tmp_path, text).settings.tables["orders"]
    assert (source.file, source.missing, source.columns["ordered_at"].format) == (("a",), ("-",), ("%d",))


def test_a_whole_number_is_a_number(tmp_path):
    margin = load(tmp_path, GOOD + "gross_margin: 1\n").settings.gross_margin
    assert isinstance(margin, float)
    assert margin == 1.0


def test_a_date_is_read_as_a_date(tmp_path):
    assert load(tmp_path, GOOD + "data_through: 1998-06-30\n").settings.data_through == date(1998, 6, 30)


def test_settings_cannot_be_changed(tmp_path):
    params = load(tmp_path, GOOD)
    for owner, name in (
        (params, "path"),
        (params.settings, "gross_margin"),
        (params.settings.engine, "threads"),
        (params.settings.tables["orders"], "encoding"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(owner, name, "other")


def test_the_fingerprint_follows_every_setting_and_nothing_else(tmp_path):
    plain = load(tmp_path, GOOD).fingerprint
    assert load(tmp_path, "# a remark\n" + ORDERS + "company: Test\n", "other.yml").fingerprint == plain
    others = ["settle_days: 1", "exclusions: {tests: {where: amount > 1}}", "data_through: 2024-01-01"]
    assert len({plain, *(load(tmp_path, f"{GOOD}{other}\n").fingerprint for other in others)}) == 4


def test_a_content_hash_does_not_depend_on_the_order_of_keys():
    assert content_hash({"a": 1, "b": [date(2024, 1, 1)]}) == content_hash({"b": [date(2024, 1, 1)], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})


# --- On the command line --------------------------------------------------------------------------


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
