"""The command line: what it prints, and how it refuses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis.cli import app
from analysis.metrics.frame import KPI_COLUMNS


@pytest.fixture(scope="module")
def workbook(cdnow):
    def called(*arguments: object, params=cdnow, code: int = 0):
        words = [str(word) for word in arguments]
        if params is not None:
            words += ["--params", str(params)]
        outcome = CliRunner().invoke(app, words)
        assert outcome.exit_code == code, outcome.output
        return outcome

    return called


def test_kpis_as_json_are_records_with_the_frames_keys(workbook):
    records = json.loads(workbook("kpis", "--period", "1997Q4", "--format", "json").stdout)
    assert all(list(record) == KPI_COLUMNS for record in records)
    revenue = [r for r in records if r["metric"] == "revenue" and r["variant"] == "default"]
    assert len(revenue) == 1
    assert revenue[0]["by"] is None and revenue[0]["group"] is None
    assert revenue[0]["value"] == pytest.approx(300806.76)  # the file's own sum of October to December 1997
    assert {record["period"] for record in records} == {"1997Q4"}


def test_kpis_by_a_dimension_give_the_company_first_and_the_groups_after(workbook):
    out = workbook(
        "kpis", "--period", "1997Q4", "--by", "value_band", "--metric", "revenue", "--format", "csv"
    ).stdout
    rows = [row for row in csv.DictReader(io.StringIO(out)) if row["variant"] == "default"]
    assert rows[0]["group"] == ""
    assert {row["group"] for row in rows[1:]} == {"high", "middle", "low"}
    assert sum(float(row["value"]) for row in rows[1:]) == pytest.approx(float(rows[0]["value"]))


def test_kpis_as_a_table_name_the_company_and_its_days(workbook):
    out = workbook("kpis", "--period", "1997Q4", "--metric", "customer_retention_rate").stdout
    assert out.startswith("CDNOW 1997Q4: 1 Oct 1997 – 31 Dec 1997")
    assert "68.7%" in out and "67.6–69.7%" in out and "7,249" in out


def test_variants_stand_side_by_side_and_the_runs_own_is_marked(workbook):
    out = workbook("variants", "--period", "1997Q4", "--metric", "customer_retention_rate").stdout
    lines = [line.split() for line in out.splitlines()[2:]]
    assert lines[0] == ["metric", "definition", "value", "interval", "n"]
    assert [line[0] for line in lines[1:]] == ["customer_retention_rate", ".as_printed", ".active_again"]
    assert lines[1][1] == "*" and "*" not in lines[2] + lines[3]
    assert "68.7%" in lines[1] and "67.6–69.7%" in lines[1] and "7,249" in lines[1]


def test_variants_as_records_are_those_of_the_frame_with_the_choice(workbook):
    records = json.loads(workbook("variants", "--period", "1997Q4", "--format", "json").stdout)
    assert all(list(record) == [*KPI_COLUMNS, "is_chosen"] for record in records)
    by_metric = {}
    for record in records:
        by_metric.setdefault(record["metric"], []).append(record)
    assert all(len(rows) > 1 and sum(row["is_chosen"] for row in rows) == 1 for rows in by_metric.values())
    assert {"customer_retention_rate", "revenue", "formula_clv"} <= set(by_metric)
    out = workbook("variants", "--period", "1997Q4", "--metric", "revenue", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["variant"], row["is_chosen"]) for row in rows] == [("default", "True"), ("gross", "False")]


def test_the_definition_that_the_settings_choose_is_the_one_marked(workbook, tmp_path):
    (tmp_path / "orders.csv").write_text("who,day,money\na,2026-01-05,5\na,2026-01-06,-1\n")
    columns = "{customer_id: who, ordered_at: day, amount: money}"
    tables = f"tables:\n  orders: {{file: orders.csv, columns: {columns}}}\n"
    (tmp_path / "x.yml").write_text(f"company: X\nvariants: {{revenue: gross}}\n{tables}")
    out = workbook(
        "variants", "--period", "2026Q1", "--metric", "revenue", "--format", "csv", params=tmp_path / "x.yml"
    ).stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    chosen = {row["variant"]: (float(row["value"]), row["is_chosen"]) for row in rows}
    assert chosen == {"default": (4.0, "False"), "gross": (5.0, "True")}


def test_customers_come_one_row_each(workbook, tmp_path):
    out = workbook("customers", "--period", "1997Q4", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 23570
    assert rows[0]["customer_id"] == "00001"
    target = tmp_path / "customers.parquet"
    workbook("customers", "--period", "1997Q4", "--format", "parquet", "--out", target)
    kept = pd.read_parquet(target)
    assert len(kept) == 23570
    assert kept["predicted_clv"].sum() == pytest.approx(
        sum(float(row["predicted_clv"]) for row in rows), rel=1e-9
    )


def test_explain_shows_definition_settings_counts_sql_and_rows(workbook):
    out = workbook(
        "explain", "customer_retention_rate", "--period", "1997Q4", "--by", "value_band", "--group", "high"
    ).stdout
    for part in ("variant default", "n = 5,217", "numerator = 3,838", "activity_window_days = 180", "SELECT",
                 "One row for each customer and window", "first rows of customer_periods"):  # fmt: skip
        assert part in out


def test_explain_of_a_derived_metric_shows_its_operands(workbook):
    out = workbook("explain", "revenue_growth.previous_period", "--period", "1997Q4").stdout
    assert "revenue / revenue.previous - 1" in out
    assert "operand   revenue.previous = 292395.3" in out


def test_explain_gives_the_worked_example_and_what_a_source_document_prints(workbook):
    out = workbook("explain", "crm_roi", "--period", "1997Q4").stdout
    assert "prints 2.5" in out
    assert "example   Benefits gained $300,000, Cost of all kinds $50,000 → 500.0%" in out
    assert "算例" not in out
    assert (
        "（上期）"
        in workbook(
            "explain", "customer_acquisition_cost.lagged", "--period", "1997Q4", "--language", "zh"
        ).stdout
    )


def test_customers_as_parquet_can_be_redirected(workbook):
    outcome = workbook("customers", "--period", "1997Q4", "--format", "parquet")
    assert len(pd.read_parquet(io.BytesIO(outcome.stdout_bytes))) == 23570


def test_a_company_without_customers_gives_the_heading_alone(workbook, tmp_path):
    (tmp_path / "orders.csv").write_text("who,day,money\n")
    columns = "{customer_id: who, ordered_at: day, amount: money}"
    tables = f"tables:\n  orders: {{file: orders.csv, columns: {columns}}}\n"
    (tmp_path / "x.yml").write_text(f"company: X\n{tables}")
    out = workbook("customers", "--period", "2026Q1", params=tmp_path / "x.yml").stdout
    assert out.startswith("customer_id,first_order_on,last_order_on,repeat_orders")
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize("metric", ["customer_equity", "top_decile_share", "formula_clv", "marketing_cost"])
def test_every_kind_of_metric_can_be_explained(workbook, metric):
    assert metric in workbook("explain", metric, "--period", "1997Q4").stdout


def test_the_sql_of_an_explanation_gives_the_number_it_explains(cdnow):
    from analysis.facts import open_book
    from analysis.report.explained import explain_metric
    from analysis.suite import measure_suite

    results = measure_suite(open_book(cdnow, "1997Q4"))
    for name in ("revenue", "customer_retention_rate", "purchase_frequency", "top_decile_share"):
        explained = explain_metric(results, results.book.catalogue.metric(name), "value_band", "high")
        row = results.book.engine.run(explained.sql).iloc[0]
        numerator = row["sum_x"] if "sum_x" in row else row["sum_x_0"]
        assert numerator == pytest.approx(explained.estimate["numerator"], rel=1e-12), name
        assert len(explained.source_rows) == 5


def test_check_says_what_was_read_and_what_is_missing(workbook):
    out = workbook("check").stdout
    assert "69,659" in out
    assert "Orders from 1 Jan 1997 to 30 Jun 1998" in out
    assert "at most 200 days" in out
    assert "\n  costs: customer_acquisition_cost, " in out


def test_metrics_lists_the_catalogue_in_both_languages(workbook):
    assert "Customer retention rate" in workbook("metrics", params=None).stdout
    assert "客户保留率" in workbook("metrics", "--language", "zh", params=None).stdout


def test_sample_writes_the_cdnow_orders(workbook, tmp_path):
    workbook("sample", "cdnow", "--root", tmp_path, params=None)
    assert len((tmp_path / "data" / "cdnow" / "orders.csv").read_text().splitlines()) == 69660


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kpis", "--period", "1997Q9"), "1997Q9"),
        (("kpis", "--period", "1997Q4", "--metric", "revenu"), "did you mean 'revenue'?"),
        (("variants", "--period", "1997Q4", "--metric", "revenu"), "did you mean 'revenue'?"),
        (("kpis", "--period", "1997Q4", "--by", "value_bands"), "did you mean 'value_band'?"),
        (("kpis", "--period", "1997Q4", "--by", "region"), "table customers is not supplied"),
        (("explain", "revenue.gros", "--period", "1997Q4"), "did you mean 'gross'?"),
        (
            ("explain", "revenue", "--period", "1997Q4", "--by", "value_band", "--group", "hig"),
            "did you mean 'high'?",
        ),
        (("explain", "revenue", "--period", "1997Q4", "--group", "high"), "--by"),
        (("run", "--period", "1997Q4", "--pages", "retenton"), "did you mean 'retention'?"),
        (("run", "--period", "1997Q4..1997Q1"), "ends before it starts"),
    ],
)
def test_what_cannot_be_understood_ends_with_2_and_the_nearest_right_name(workbook, words, said):
    outcome = workbook(*words, code=2)
    assert said in outcome.stderr
    assert "Traceback" not in outcome.output


def test_a_params_file_with_mistakes_ends_with_2_before_anything_is_written(workbook, tmp_path):
    (tmp_path / "x.yml").write_text("company: X\nactivity_windw_days: 3\ngross_margin: 7\n")
    outcome = workbook("run", "--period", "2026Q1", params=tmp_path / "x.yml", code=2)
    assert "did you mean 'activity_window_days'?" in outcome.stderr
    assert "gross_margin" in outcome.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.yml"]


SHOP = "company: X\ntables:\n  orders: {file: o.csv, columns: {customer_id: who, ordered_at: day, amount: money}}\n"
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def called(*words, folder, out=subprocess.PIPE, **environment):
    """A process of its own, as streams and their encodings are the process's."""
    command = [sys.executable, "-m", "analysis.cli", *words]
    return subprocess.run(
        command,
        stdout=out,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_machine_without_a_language_speaks_all_and_one_that_is_to_speak_ascii_says_what_it_cannot(tmp_path):
    (tmp_path / "o.csv").write_text("who,day,money\na,2026-01-05,5\n")
    (tmp_path / "x.yml").write_text(SHOP)
    asked = ("check", "--params", "x.yml")
    plain = called(*asked, folder=tmp_path, **PLAIN)
    assert plain.returncode == 0 and "x.yml): the settings can be used." in plain.stdout.decode(), (
        plain.stderr
    )
    chinese = called(*asked, "--language", "zh", folder=tmp_path, PYTHONIOENCODING="ascii", **PLAIN)
    assert chinese.returncode == 2
    assert re.fullmatch(
        rb"the output's encoding, ascii, lacks '\\uff08.*': set PYTHONUTF8=1 and run this again\n",
        chinese.stderr,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_a_full_disk_behind_the_output_is_said_without_a_trace(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = called("metrics", folder=tmp_path, out=full)
    assert done.returncode == 2
    assert done.stderr == b"the output: No space left on device; mend that and run this again\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_what_is_done_is_not_undone_by_an_output_that_nobody_reads():
    code = "from analysis import cli; cli._give('x'); cli._say('蓝'); cli._give('y')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=full, check=False)
    assert done.returncode == 0


def test_a_file_that_is_not_there_ends_with_2_and_says_which(workbook, tmp_path):
    orders = "{file: nowhere.csv, columns: {ordered_at: d, amount: a}}"
    (tmp_path / "x.yml").write_text(f"company: X\ntables:\n  orders: {orders}\n")
    outcome = workbook("run", "--period", "2026Q1", params=tmp_path / "x.yml", code=2)
    assert "nowhere.csv" in outcome.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("period", ["1996Q3", "1998Q3"])
def test_a_period_outside_the_data_is_said_not_guessed(workbook, period):
    records = json.loads(workbook("kpis", "--period", period, "--format", "json").stdout)
    assert {record["status"] for record in records} == {"not_measured"}
    assert all(record["value"] is None and record["reason"] for record in records)


def test_hostile_names_are_neutralised_where_people_open_the_file(workbook, tmp_path):
    (tmp_path / "orders.csv").write_text(
        "who,day,money\n\"=cmd|' /C calc'!A0\",2026-01-05,5\n<script>,2026-01-06,6\n"
    )
    columns = "{customer_id: who, ordered_at: day, amount: money}"
    (tmp_path / "x.yml").write_text(
        f"company: X\ntables:\n  orders: {{file: orders.csv, columns: {columns}}}\n"
    )
    out = workbook("customers", "--period", "2026Q1", params=tmp_path / "x.yml").stdout
    ids = [row["customer_id"] for row in csv.DictReader(io.StringIO(out))]
    assert ids == ["<script>", "'=cmd|' /C calc'!A0"] or ids == ["'=cmd|' /C calc'!A0", "<script>"]
