"""A template asks for just what the contract checks, and its example row is one that passes."""

from __future__ import annotations

import csv
import io
from datetime import date

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from analysis.catalogue import load_catalogue, read_yaml
from analysis.cli import app
from analysis.tables.prepared import prepare, read_quality
from analysis.tables.templates import template_csv, template_rules, write_template

TABLES = load_catalogue().tables
FORMS = [(table, form) for table, contract in TABLES.items() for form in (None, *contract.given_as)]
IDS = [f"{table}-{form}" if form else table for table, form in FORMS]


def settings_in(rules: str) -> dict:
    """The settings a person would copy out of the rules."""
    return yaml.safe_load(rules[rules.index("\ntables:") :])["tables"]


def prepared_from_templates(company, forms: list[tuple[str, str | None]]):
    """The tables prepared from their templates, by the settings that stand in the rules."""
    tables = {}
    for table, form in forms:
        company.write(f"{table}.csv", template_csv(table, form))
        tables |= settings_in(template_rules(table, "en", form))
    return prepare(company.params(tables, currency="EUR"))


@pytest.mark.parametrize("form", [None, "lines"])
def test_the_example_rows_pass_the_contract_by_the_settings_that_stand_in_the_rules(company, form):
    forms = [one for one in FORMS if one[1] == form]
    prepared = prepared_from_templates(company, forms)
    quality = read_quality(prepared)
    assert "rejected" not in set(quality["stage"])
    counted = quality[quality["stage"].isin(["read", "kept"])].set_index(["table", "stage"])["rows"]
    assert counted.to_dict() == {(table, stage): 1 for table, _ in forms for stage in ("read", "kept")}
    for table, _ in forms:
        [kept] = pd.read_parquet(prepared.tables[table]).to_dict("records")
        header, cells = csv.reader(io.StringIO(template_csv(table, form)))
        assert header == list(TABLES[table].columns_given_as(form))
        if table != "orders":  # which keep neither the currency nor what a line holds
            unread = [name for name, cell in zip(header, cells, strict=True) if cell and pd.isna(kept[name])]
            assert unread == []


@pytest.mark.parametrize(("table", "form"), FORMS, ids=IDS)
def test_both_languages_hold_the_same_rules(table, form):
    english, chinese = (template_rules(table, language, form) for language in ("en", "zh"))
    assert len(english.splitlines()) == len(chinese.splitlines())
    assert settings_in(english) == settings_in(chinese)
    for name, column in TABLES[table].columns_given_as(form).items():
        said = [
            next(line for line in text.splitlines() if line.startswith(f"  {name}: "))
            for text in (english, chinese)
        ]
        assert said[0].count("; ") == said[1].count("；")
        assert ("required" in said[0], "必填" in said[1]) == (column.required, column.required)
        for word in column.allowed or ():
            assert word in said[0] and word in said[1]
        assert column.meaning.en in english and column.meaning.zh in chinese


def test_a_rule_is_said_as_it_is_checked():
    lines = template_rules("tickets", "en").splitlines()
    assert "  severity: optional; number; at least 1; at most 5" in lines
    assert "  due_at: optional; date and time; may lie ahead" in lines
    assert "  waiting_seconds: optional; number; in seconds; at least 0" in lines
    assert (
        "  handled_by: optional; text; one of agent, bot, workflow, self; agent where the column is left out"
        in lines
    )
    assert "Key: ticket_id. A row whose key was there before is rejected." in lines


def test_every_cell_of_an_example_is_declared_allowed_or_a_default_and_no_example_is_left_over():
    examples = read_yaml("examples.yml")
    wanted = {
        (table, name): column
        for table, form in FORMS
        for name, column in TABLES[table].columns_given_as(form).items()
    }
    unknown = [key for key in examples if key not in {n for _, n in wanted} | {f"{t}.{n}" for t, n in wanted}]
    assert unknown == []
    texts = [
        key for key, column in wanted.items()
        if column.type in ("text", "instant", "date") and not column.allowed and column.default is None
    ]  # fmt: skip
    assert [key for key in texts if key[1] not in examples and ".".join(key) not in examples] == []


def test_no_example_lies_ahead_of_the_day_the_format_was_written():
    for table, form in FORMS:
        header, cells = csv.reader(io.StringIO(template_csv(table, form)))
        columns = TABLES[table].columns_given_as(form)
        for name, cell in zip(header, cells, strict=True):
            if columns[name].type in ("date", "instant") and not columns[name].may_lie_ahead:
                assert cell[:10] <= date(2025, 6, 30).isoformat()


# --- The command ----------------------------------------------------------------------------------------------------


def call(*words: str, code: int = 0):
    outcome = CliRunner().invoke(app, ["template", *words])
    assert outcome.exit_code == code, outcome.output
    return outcome


def test_what_is_redirected_is_a_clean_csv_and_the_rules_go_beside_it():
    outcome = call("orders")
    assert outcome.stdout == template_csv("orders")
    assert outcome.stderr.strip() == template_rules("orders", "en").strip()
    assert call("orders", "--given-as", "lines", "-l", "zh").stderr.startswith(
        "orders：订单。每行是订单的一行明细。"
    )


def test_a_file_gets_its_rules_beside_it(tmp_path):
    path = tmp_path / "mine.csv"
    assert call("exits", "--out", str(path)).stdout == ""
    assert path.read_text(encoding="utf-8-sig") == template_csv("exits")
    rules = (tmp_path / "mine.csv.rules.txt").read_text(encoding="utf-8")
    assert settings_in(rules)["exits"]["file"] == path.as_posix()


def test_a_written_template_is_read_back(company):
    write_template("customers", "zh", company.root / "customers.csv")
    tables = settings_in(template_rules("customers", "zh"))
    [row] = pd.read_parquet(prepare(company.params(tables)).tables["customers"]).to_dict("records")
    assert (row["customer_id"], row["customer_name"]) == ("C1001", "Acme, Ltd")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("order",), "there is no table 'order'; did you mean 'orders'?"),
        (("xyz",), "there is no table 'xyz'; known: account_managers, actions,"),
        (("orders", "--given-as", "line"), "table orders cannot be given as 'line'; did you mean 'lines'?"),
        (("agents", "--given-as", "lines"), "table agents cannot be given as 'lines'; it has only one form"),
    ],
)
def test_an_unknown_table_or_form_ends_with_2_and_the_nearest_name(tmp_path, words, said):
    outcome = call(*words, "--out", str(tmp_path / "x.csv"), code=2)
    assert said in outcome.stderr and list(tmp_path.iterdir()) == []
