"""Only a whole run that adds up, of what is there now, is ready to be mailed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis.delivery import ready_run as ready_run_module
from analysis.delivery.ready_run import NotReady, check_unchanged, ready_run
from analysis.facts import Book
from analysis.params import load_params

# Every ten days from the first of April on: ten orders in 2024Q2, the last on the 30th of June, worth 10 each.
ORDERS = [("abc"[day % 3], date(2024, 4, 1) + timedelta(days=10 * day), 10) for day in range(16)]


@pytest.fixture(scope="module")
def opened(open_orders: Callable[..., Book]) -> Callable[[str], Book]:
    return lambda period: open_orders(ORDERS, period, data_through=date(2024, 8, 31))


@pytest.fixture(scope="module")
def book(opened: Callable[[str], Book]) -> Book:
    return opened("2024Q2")


@pytest.fixture
def made(book: Book) -> Callable[..., Path]:
    """Write a run folder as `workbook run` leaves it, but for what is given."""
    shutil.rmtree(book.params.root / "reports", ignore_errors=True)

    def written(of: Book = book, folder: str = "", **record: Any) -> Path:
        path = of.params.root / "reports" / of.params.company_id / (folder or of.period.label)
        path.mkdir(parents=True)
        told = {
            "status": "whole",
            "reconciled": True,
            "run": of.fingerprint,
            "languages": ["en", "zh"],
        } | record
        (path / "run.json").write_text(json.dumps(told), encoding="utf-8")
        return path

    return written


def test_a_whole_run_is_ready_with_its_results(book, made):
    folder = made()
    run = ready_run(book.params, "2024Q2")
    assert (run.folder, run.period, run.id) == (folder, "2024Q2", book.fingerprint)
    assert run.results.kpi("revenue")["value"] == 100
    check_unchanged(run)


def test_a_run_that_was_never_made_says_how_it_is(book):
    said = (
        r"^there is no report of 2024Q1 in .*reports/company; make it: workbook run --params .*company.yml "
        r"--period 2024Q1, or name the folder that has it with --reports$"
    )
    with pytest.raises(NotReady, match=said):
        ready_run(book.params, "2024Q1")


def test_a_run_in_another_folder_is_found_there_and_made_there(book, made, tmp_path):
    shutil.copytree(made(), tmp_path / "2024Q2")
    assert ready_run(book.params, "2024Q2", reports=tmp_path).folder == tmp_path / "2024Q2"
    with pytest.raises(
        NotReady, match=f"in {tmp_path}; make it: .* --period 2024Q1 --reports {tmp_path}, or"
    ):
        ready_run(book.params, "2024Q1", reports=tmp_path)


def test_a_partial_run_beside_is_not_sent(book, made):
    made(folder="2024Q2-PARTIAL", status="partial")
    with pytest.raises(
        NotReady, match="no report of 2024Q2 in .* but one that is PARTIAL .* and is not sent"
    ):
        ready_run(book.params, "2024Q2")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"status": "partial"}, "is not whole"),
        ({"status": None}, "is not whole"),
        ({"reconciled": False}, "do not add up"),
        ({"reconciled": None}, "do not add up"),
        ({"reconciled": "true"}, "do not add up"),
        (
            {"run": "0123456789abcdef"},
            r"(?s)made from other data, settings or code than are there now.*run.json does not say\nmake it again",
        ),
        ({"run": None}, "made from other data"),
    ],
)
def test_a_run_that_is_not_in_order_is_not_sent(record, said, book, made):
    made(**record)
    with pytest.raises(NotReady, match=said):
        ready_run(book.params, "2024Q2")


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_record_that_cannot_be_read_is_not_believed(text, book, made):
    (made() / "run.json").write_text(text)
    with pytest.raises(NotReady, match="run.json cannot be read; make the report again"):
        ready_run(book.params, "2024Q2")


def test_data_that_changed_since_make_the_run_stale(opened, made):
    book = opened("2024Q2")
    made(book)
    orders = book.params.root / "orders.csv"
    orders.write_text(orders.read_text() + "o99,a,2024-06-01,1\n")
    with pytest.raises(NotReady, match="made from other data"):
        ready_run(book.params, "2024Q2")


def test_what_is_not_as_it_was_is_named_in_both_languages(opened, made):
    book = opened("2024Q2")
    made(book, inputs=book.prepared.inputs, settings=book.settings.model_dump(mode="json"))
    orders = book.params.root / "orders.csv"
    orders.write_text(orders.read_text() + "o99,a,2024-06-01,1\n")
    path = book.params.path
    path.write_text(path.read_text() + "gross_margin: 0.5\n")
    with pytest.raises(NotReady) as refused:
        ready_run(load_params(path), "2024Q2")
    english, chinese = (refused.value.in_(language).splitlines() for language in ("en", "zh"))
    assert english[1:3] == ["  - data: orders.csv (changed)", "  - settings: gross_margin (1.0 → 0.5)"]
    assert chinese[1:3] == ["  - 数据：orders.csv（内容有变）", "  - 设置：gross_margin（1.0 → 0.5）"]
    assert english[3].removeprefix("make it again: ") == chinese[3].removeprefix("请重新生成：")


def test_other_names_of_values_make_the_run_stale(book, made):
    made()
    settings = book.settings.model_copy(update={"value_names": {"region": {"n": {"zh": "北区"}}}})
    with pytest.raises(NotReady, match="made from other data, settings"):
        ready_run(book.params.model_copy(update={"settings": settings}), "2024Q2")


def test_settings_of_numbers_make_the_run_stale_and_those_of_mail_do_not(opened, made):
    book = opened("2024Q2")
    made(book)
    path = book.params.path
    text = path.read_text()
    path.write_text(text + "mail: {attach: []}\n")
    assert ready_run(load_params(path), "2024Q2").id == book.fingerprint
    path.write_text(text + "gross_margin: 0.5\n")
    with pytest.raises(NotReady, match="made from other data, settings"):
        ready_run(load_params(path), "2024Q2")


def test_other_code_makes_the_run_stale(book, made, monkeypatch):
    made()
    monkeypatch.setattr("analysis.facts.book.code_hash", lambda: "another")
    with pytest.raises(NotReady, match="or code than are there now"):
        ready_run(book.params, "2024Q2")


def test_results_that_do_not_add_up_now_are_not_sent_whatever_the_record_says(book, made, monkeypatch):
    made()

    def broken(of: Book) -> Any:
        results = measure(of)
        return replace(
            results, frames=results.frames | {"identities": results.identities.assign(holds=False)}
        )

    measure = ready_run_module.measure_suite
    monkeypatch.setattr(ready_run_module, "measure_suite", broken)
    with pytest.raises(NotReady, match="do not add up"):
        ready_run(book.params, "2024Q2")


def test_a_period_still_running_takes_leave_and_is_named_with_its_last_day(opened, made):
    running = opened("2024Q3")
    made(running)
    with pytest.raises(NotReady, match=r"2024Q3 is still running \(data until 2024-08-31\).*--allow-running"):
        ready_run(running.params, "2024Q3")
    assert ready_run(running.params, "2024Q3", allow_running=True).period == "2024Q3 to 2024-08-31"


def test_a_run_made_anew_meanwhile_is_noticed(book, made):
    folder = made()
    run = ready_run(book.params, "2024Q2")
    (folder / "run.json").write_text((folder / "run.json").read_text() + " ")
    with pytest.raises(NotReady, match="made anew meanwhile"):
        check_unchanged(run)
    (folder / "run.json").unlink()
    with pytest.raises(NotReady, match="made anew meanwhile"):
        check_unchanged(run)
