"""A run is whole or absent: what is written, what is kept when something fails, and what is not made twice."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import nbformat
import pandas as pd
import pytest

from analysis.facts import book as book_module
from analysis.params import load_params
from analysis.periods import parse_period, parse_periods
from analysis.report import run as run_module
from analysis.report.kernels import warm_kernels
from analysis.report.run import NotMade, RunError, earlier_seconds, pages_of, run_reports
from analysis.report.run_folder import RunFolder, held

GOOD = """from analysis import measure_suite, open_book
results = measure_suite(open_book(params, period))
from analysis.report.per_language import html_per_language
html_per_language(lambda results, language: f"<p>{language}: {results.kpi('revenue')['value']:.2f}</p>")(results)"""
BROKEN = "raise RuntimeError('the tenth cell is broken')"


@pytest.fixture(scope="module")
def kernels():
    with warm_kernels() as started:
        yield started


@pytest.fixture
def run(small_shop, kernels, monkeypatch):
    """Call it to make the report of the shop's 2026Q1, with the code of its two pages."""
    monkeypatch.setattr(run_module, "find_notebook", lambda page: small_shop.notebook(page.id))

    def called(code=GOOD, second=GOOD, period="2026Q1", **options):
        small_shop.write({"scorecard": code, "retention": second}, **options.pop("settings", {}))
        options = {"params_argument": str(small_shop.params), "kernels": kernels} | options
        [outcome] = run_reports(load_params(small_shop.params), [parse_period(period)], **options)
        if isinstance(outcome, NotMade):
            raise outcome.error
        return outcome

    called.reports = small_shop.reports
    return called


def names(folder):
    """What lies in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    """Every file of a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_whole_run_holds_pages_numbers_record_and_evidence(run):
    made = run()
    assert made.is_whole
    assert made.folder == run.reports / "2026Q1"
    for language in ("en", "zh"):
        text = (made.folder / language / "01_scorecard.html").read_text(encoding="utf-8")
        assert f"<p>{language}: 10.00</p>" in text
        assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in text or f'lang="{language}' in text
        assert (made.folder / f"report-{language}.html").stat().st_size > 1000
    record = json.loads((made.folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "whole" and record["reconciled"]
    assert record["rows"] == {"orders.kept": 4, "orders.note": 0, "orders.read": 4} | {
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
    assert not [path.name for path in run.reports.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_a_page_that_fails_leaves_a_partial_report_beside_the_whole_one(run):
    whole = run()
    before = (whole.folder / "run.json").read_bytes()
    made = run(second=BROKEN)
    assert not made.is_whole
    assert made.folder == run.reports / "2026Q1-PARTIAL"
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
def test_a_broken_identity_marks_every_page_in_both_languages(run, tmp_path, monkeypatch):
    (tmp_path / "leads.csv").write_text("no,day\n1,2026-01-07\n2,2026-02-07\n")
    orders = {"customer_id": "who", "ordered_at": "day", "amount": "money"}
    leads = {"opportunity_id": "no", "created_at": "day"}
    tables = {
        "orders": {"file": "orders.csv", "columns": orders},
        "opportunities": {"file": "leads.csv", "columns": leads},
    }
    honest = book_module.fact_text
    twice = "select * from ({0}) as once union all select * from ({0}) as again"
    monkeypatch.setattr(
        book_module,
        "fact_text",
        lambda name: twice.format(honest(name)) if name == "opportunities" else honest(name),
    )
    made = run(settings={"tables": tables})
    assert made.is_whole and not made.is_reconciled
    for language, mark, words in (
        ("en", "UNRECONCILED", "leads and what became of them: table Opportunities"),
        ("zh", "未核对", "线索及其结果："),
    ):
        for page in ("01_scorecard.html", "03_retention.html"):
            text = (made.folder / language / page).read_text(encoding="utf-8")
            assert mark in text and words in text
    assert not json.loads((made.folder / "run.json").read_text(encoding="utf-8"))["reconciled"]


@pytest.mark.slow
def test_a_run_again_replaces_the_run_before(run):
    run()
    made = run(code=GOOD.replace(":.2f", ":.1f"))
    assert "<p>en: 10.0</p>" in (made.folder / "en" / "01_scorecard.html").read_text(encoding="utf-8")
    assert names(run.reports) == ["2026Q1"]


@pytest.mark.slow
def test_one_language_only_draws_and_renders_that_one(run):
    made = run(languages=["zh"], pages=["scorecard"])
    assert made.folder.name == "2026Q1-pages"  # not the whole report, so not in its place
    assert (made.folder / "zh").is_dir() and not (made.folder / "en").exists()
    executed = (made.folder / "notebooks" / "01_scorecard.ipynb").read_text(encoding="utf-8")
    assert "zh: 10.00" in executed and "en: 10.00" not in executed
    assert "WORKBOOK_LANGUAGES" not in os.environ


# --- resumed --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pages_that_failed_are_tried_again_and_no_others_and_a_whole_report_is_kept(run, tmp_path):
    count = f"open({str(tmp_path / 'made')!r}, 'a').write('{{}} ')\n"
    good, late = count.format("scorecard") + GOOD, count.format("retention")
    late += f"assert open({str(tmp_path / 'ready')!r}).read() == 'yes'\n" + GOOD
    (tmp_path / "ready").write_text("no")
    made = run(good, late)
    assert made.folder.name == "2026Q1-PARTIAL" and made.pages[1].error.startswith("AssertionError")

    (tmp_path / "ready").write_text("yes")
    again = run(good, late, resume=True)
    assert again.is_whole and [one.is_taken_over for one in again.pages] == [True, False]
    assert again.made_anew_for == ()  # there was no whole one
    assert sorted((tmp_path / "made").read_text().split()) == ["retention", "retention", "scorecard"]
    assert "<p>zh: 10.00</p>" in (again.folder / "zh" / "01_scorecard.html").read_text(encoding="utf-8")
    assert names(run.reports) == ["2026Q1"]  # the one with gaps has gone
    before = contents(again.folder)

    kept = run(good, late, resume=True)
    assert kept.is_kept and kept.is_whole and kept.is_reconciled and kept.index == again.index
    assert contents(kept.folder) == before
    assert names(run.reports) == ["2026Q1"]

    changed = run(good, late + "\nprint(1)", resume=True)  # another notebook: its page, and no other
    assert not changed.is_kept and [one.is_taken_over for one in changed.pages] == [True, False]
    assert changed.made_anew_for == ("  - pages: retention",)
    (tmp_path / "orders.csv").write_text("who,day,money\na,2026-01-05,7\n")
    other = run(good, late + "\nprint(1)", resume=True)  # other data: every page
    assert not any(one.is_taken_over for one in other.pages)
    assert other.made_anew_for == ("  - data: orders.csv (changed)",)
    assert "<p>en: 7.00</p>" in (other.folder / "en" / "01_scorecard.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_another_language_or_edition_is_made_and_not_taken_for_what_is_there(run):
    first = run("1", "1", languages=["en"])
    assert run("1", "1", languages=["en"], resume=True).is_kept
    both = run("1", "1", languages=["en", "zh"], resume=True)
    assert not both.is_kept and not any(one.is_taken_over for one in both.pages)
    assert both.made_anew_for == ("  - languages: zh",)
    assert (first.folder / "zh" / "index.html").is_file()
    without = run("1", "1", languages=["en", "zh"], resume=True, settings={"analyst_edition": False})
    assert not without.is_kept and all(one.is_taken_over for one in without.pages)  # only set anew
    assert without.made_anew_for == ("  - settings: analyst_edition (true → false)",)
    assert not (first.folder / "analyst").exists()


@pytest.mark.slow
def test_a_period_that_cannot_be_made_does_not_lose_the_others(run, small_shop, kernels):
    small_shop.write({"scorecard": "1"})
    wanted = parse_periods("2020Q1,2026Q1,2026Q2")
    with held(RunFolder(small_shop.reports / "2026Q1")):
        outcomes = list(
            run_reports(
                load_params(small_shop.params),
                wanted,
                params_argument=str(small_shop.params),
                kernels=kernels,
            )
        )
    assert [one.period.label for one in outcomes] == ["2020Q1", "2026Q1", "2026Q2"]
    assert [isinstance(one, NotMade) for one in outcomes] == [True, True, False]
    assert str(outcomes[0].error) == "2020Q1 has no data: they begin on 2026-01-05; check the period"
    assert f"2026Q1 is being made by another run (process {os.getpid()} on " in str(outcomes[1].error)
    assert outcomes[2].is_whole and names(small_shop.reports) == ["2026Q2"]


# --- a disk that takes no more --------------------------------------------------------------------


def nothing_executed(monkeypatch):
    monkeypatch.setattr(run_module, "execute", lambda *_: [])


def test_rendering_that_fails_leaves_nothing_behind(run, monkeypatch):
    def refuse(*_, **__):
        raise RunError("not fit to be sent")

    nothing_executed(monkeypatch)
    monkeypatch.setattr(run_module, "_render", refuse)
    with pytest.raises(RunError, match="not fit to be sent"):
        run()
    assert not run.reports.exists()


@pytest.mark.parametrize("step", ["_render", "_write_numbers", "put_in_place"])
def test_a_full_disk_is_said_and_the_report_before_stays(run, monkeypatch, step):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere/kpis.parquet")

    (run.reports / "2026Q1").mkdir(parents=True)
    (run.reports / "2026Q1" / "run.json").write_text("the last good one")
    nothing_executed(monkeypatch)
    monkeypatch.setattr(run_module, "_render", lambda *_: {})
    monkeypatch.setattr(run_module, step, full)
    with pytest.raises(RunError, match=r"^somewhere/kpis.parquet: No space left on device\. The report"):
        run()
    assert {str(name): held for name, held in contents(run.reports).items()} == {
        "2026Q1/run.json": b"the last good one"
    }


@pytest.mark.slow
def test_on_a_disk_that_is_really_full_pages_that_are_finished_are_kept_for_later(run, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if not hasattr(os, "geteuid") or os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        first = disk / "shop" / ".2026Q1.unfinished" / "made" / "scorecard.json"
        wait = f"import os, time\nwhile not os.path.exists({str(first)!r}):\n    time.sleep(0.05)\n"
        with pytest.raises(RunError, match="No space left on device"):
            run(second=wait + "print('x' * 1_000_000)", reports=disk / "shop")
        assert names(disk / "shop") == [".2026Q1.unfinished"]
        assert names(disk / "shop" / ".2026Q1.unfinished" / "made") == ["scorecard.json"]
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        made = run(reports=disk / "shop", resume=True)
        assert [one.is_taken_over for one in made.pages] == [True, False]
        assert names(disk / "shop") == ["2026Q1"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_measured(run, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "measure_suite", None)  # would fail if called
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"file/reports: Not a directory\. The report cannot be written"):
        run(reports=tmp_path / "file" / "reports")


# --- before anything starts -----------------------------------------------------------------------


def test_a_page_without_its_notebook_is_said_before_anything_starts():
    from analysis.catalogue import Page, Text

    words = Text(en="x", zh="x")
    with pytest.raises(RunError, match="99_none.ipynb"):
        run_module.find_notebook(Page(id="none", notebook="99_none.ipynb", title=words, question=words))


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
    desk = [line for line in params.read_text().splitlines() if "orders" not in line]
    params.write_text("\n".join(desk))  # a service desk alone has nobody to keep and no purchase to value
    assert pages_of(load_params(params)) == ["scorecard", "service", "data_quality"]
