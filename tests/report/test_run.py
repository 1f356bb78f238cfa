"""A run is whole or absent: what is written, and what is kept when something fails."""

from __future__ import annotations

import json
import os

import nbformat
import pandas as pd
import pytest

from analysis.facts import book as book_module
from analysis.params import load_params
from analysis.periods import parse_period
from analysis.report import run as run_module
from analysis.report.run import RunError, earlier_seconds, pages_of, run_report

GOOD = """from analysis import measure_suite, open_book
results = measure_suite(open_book(params, period))
from analysis.report.per_language import html_per_language
html_per_language(lambda results, language: f"<p>{language}: {results.kpi('revenue')['value']:.2f}</p>")(results)"""
BROKEN = "raise RuntimeError('the tenth cell is broken')"


def notebook(folder, name, code):
    cells = [
        nbformat.v4.new_markdown_cell("# Page\n\nA question?", metadata={"tags": ["lang-en"]}),
        nbformat.v4.new_markdown_cell("# 页面\n\n问题？", metadata={"tags": ["lang-zh"]}),
        nbformat.v4.new_code_cell('period = ""\nparams = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(code),
    ]
    path = folder / name
    spec = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), path)
    return path


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A company of three orders whose pages are two small notebooks; call it to run, with the pages' code."""
    (tmp_path / "orders.csv").write_text(
        "who,day,money\na,2026-01-05,5\n<script>,2026-01-06,6\nb,2026-03-31,-1\n"
    )
    columns = {"customer_id": "who", "ordered_at": "day", "amount": "money"}
    params = tmp_path / "shop.yml"
    tables = {"orders": {"file": "orders.csv", "columns": columns}}
    params.write_text(json.dumps({"company": "Shop", "pages": ["scorecard", "retention"], "tables": tables}))

    def called(code=GOOD, second=GOOD, **options):
        found = {
            "scorecard": notebook(tmp_path, "a.ipynb", code),
            "retention": notebook(tmp_path, "b.ipynb", second),
        }
        monkeypatch.setattr(run_module, "find_notebook", lambda page: found[page.id])
        loaded = load_params(params)
        return run_report(loaded, parse_period("2026Q1"), params_argument=str(params), **options)

    called.reports = tmp_path / "reports" / "shop"
    return called


@pytest.mark.slow
def test_a_whole_run_holds_pages_numbers_record_and_evidence(shop):
    made = shop()
    assert made.is_whole
    assert made.folder == shop.reports / "2026Q1"
    for language in ("en", "zh"):
        text = (made.folder / language / "01_scorecard.html").read_text(encoding="utf-8")
        assert f"<p>{language}: 10.00</p>" in text
        assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in text or f'lang="{language}' in text
        assert (made.folder / f"report-{language}.html").stat().st_size > 1000
    record = json.loads((made.folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "whole" and record["reconciled"]
    assert record["rows"] == {"orders.kept": 3, "orders.note": 0, "orders.read": 3} | {
        key: value
        for key, value in record["rows"].items()
        if key not in ("orders.kept", "orders.note", "orders.read")
    }
    page = record["pages"]["scorecard"]
    assert (page["status"], page["error"]) == ("whole", "")
    assert 0 < page["seconds"] <= record["seconds"]["pages"]
    assert set(record["seconds"]) == {"measuring", "pages", "putting together"}
    assert earlier_seconds(made.folder) == {
        **{name: one["seconds"] for name, one in record["pages"].items()},
        **record["seconds"],
    }
    assert (made.folder / "evidence" / "facts" / "customer_periods.sql").is_file()
    kpis = pd.read_parquet(made.folder / "kpis.parquet")
    assert (
        kpis.query("metric == 'revenue' and period == '2026Q1' and variant == 'default'")["value"].iloc[0]
        == 10.0
    )
    assert not [path.name for path in shop.reports.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_a_page_that_fails_leaves_a_partial_report_beside_the_whole_one(shop):
    whole = shop()
    before = (whole.folder / "run.json").read_bytes()
    made = shop(second=BROKEN)
    assert not made.is_whole
    assert made.folder == shop.reports / "2026Q1-PARTIAL"
    assert (whole.folder / "run.json").read_bytes() == before
    [good, failed] = made.pages
    assert (good.status, failed.status) == ("whole", "failed")
    assert "the tenth cell is broken" in failed.error
    text = (made.folder / "en" / "01_scorecard.html").read_text(encoding="utf-8")
    assert "PARTIAL" in text
    assert "Traceback" not in (made.folder / "en" / "03_retention.html").read_text(encoding="utf-8")
    executed = nbformat.read(made.folder / "notebooks" / "03_retention.ipynb", as_version=4)
    assert any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", []))


@pytest.mark.slow
def test_a_broken_identity_marks_every_page_in_both_languages(shop, tmp_path, monkeypatch):
    (tmp_path / "leads.csv").write_text("no,day\n1,2026-01-07\n2,2026-02-07\n")
    params = json.loads((tmp_path / "shop.yml").read_text())
    columns = {"opportunity_id": "no", "created_at": "day"}
    params["tables"]["opportunities"] = {"file": "leads.csv", "columns": columns}
    (tmp_path / "shop.yml").write_text(json.dumps(params))
    honest = book_module.fact_text
    twice = "select * from ({0}) as once union all select * from ({0}) as again"
    monkeypatch.setattr(
        book_module,
        "fact_text",
        lambda name: twice.format(honest(name)) if name == "opportunities" else honest(name),
    )
    made = shop()
    assert made.is_whole and not made.results.is_reconciled
    for language, mark, words in (
        ("en", "UNRECONCILED", "leads and what became of them: table Opportunities"),
        ("zh", "未核对", "线索及其结果："),
    ):
        for page in ("01_scorecard.html", "03_retention.html"):
            text = (made.folder / language / page).read_text(encoding="utf-8")
            assert mark in text and words in text
    assert not json.loads((made.folder / "run.json").read_text(encoding="utf-8"))["reconciled"]


@pytest.mark.slow
def test_a_run_again_replaces_the_run_before(shop):
    shop()
    made = shop(code=GOOD.replace(":.2f", ":.1f"))
    assert "<p>en: 10.0</p>" in (made.folder / "en" / "01_scorecard.html").read_text(encoding="utf-8")
    assert [path.name for path in shop.reports.iterdir()] == ["2026Q1"]


@pytest.mark.slow
def test_one_language_only_draws_and_renders_that_one(shop):
    made = shop(languages=["zh"], pages=["scorecard"])
    assert made.folder.name == "2026Q1-pages"  # not the whole report, so not in its place
    assert (made.folder / "zh").is_dir() and not (made.folder / "en").exists()
    executed = (made.folder / "notebooks" / "01_scorecard.ipynb").read_text(encoding="utf-8")
    assert "zh: 10.00" in executed and "en: 10.00" not in executed
    assert "WORKBOOK_LANGUAGES" not in os.environ


def test_rendering_that_fails_leaves_nothing_behind(shop, monkeypatch):
    def refuse(*_, **__):
        raise RunError("not fit to be sent")

    monkeypatch.setattr(run_module, "_execute", lambda *_: [])
    monkeypatch.setattr(run_module, "_render", refuse)
    with pytest.raises(RunError):
        shop()
    assert list(shop.reports.iterdir()) == []


def test_a_rename_that_fails_puts_the_old_report_back(tmp_path, monkeypatch):
    final, aside = tmp_path / "2026Q1", tmp_path / "missing"
    final.mkdir()
    (final / "run.json").write_text("old")
    with pytest.raises(OSError):
        run_module._put_in_place(aside, final)
    assert (final / "run.json").read_text() == "old"


def test_a_page_without_its_notebook_is_said_before_anything_starts(shop):
    from analysis.catalogue import Page, Text

    words = Text(en="x", zh="x")
    with pytest.raises(RunError, match="99_none.ipynb"):
        run_module.__dict__["find_notebook"](
            Page(id="none", notebook="99_none.ipynb", title=words, question=words)
        )


def test_a_page_none_of_whose_tables_is_supplied_is_left_out(tmp_path):
    params = tmp_path / "shop.yml"
    params.write_text(
        "company: Shop\ntables:\n"
        "  orders: {file: o.csv, columns: {customer_id: who, ordered_at: day, amount: money}}\n"
        "  contacts: {file: c.csv, columns: {contact_id: id, started_at: day, outcome: end}}\n"
    )
    assert pages_of(load_params(params)) == [
        "scorecard", "retention", "service", "customer_value", "data_quality",
    ]  # fmt: skip
