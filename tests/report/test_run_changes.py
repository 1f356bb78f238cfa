"""Why a report is another one now: which files, settings, code, days; in the operator's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import pytest

from analysis.errors import in_language
from analysis.facts import Book, open_book
from analysis.params import code_hash, load_params
from analysis.report import run_changes
from analysis.report.run_changes import what_changed, why_made_anew
from analysis.report.run_folder import PageOrigin, ReportOrigin

ORDERS = [("abc"[day % 3], date(2024, 4, 1) + timedelta(days=10 * day), 10) for day in range(16)]
CODE = {"version": version("customer-workbook"), "code": code_hash()}


@pytest.fixture(scope="module")
def book(open_orders: Callable[..., Book]) -> Book:
    return open_orders(ORDERS, "2024Q2", data_through=date(2024, 8, 31))


def record_of(book: Book, **others: Any) -> dict[str, Any]:
    """What run.json says of a report made from this."""
    return {
        "run": book.fingerprint,
        "inputs": book.prepared.inputs,
        "settings": book.settings.model_dump(mode="json"),
        "workbook": CODE,
        "window": {"start": str(book.window.start), "last_day": str(book.window.last_day)},
        "languages": ["en", "zh"],
    } | others


def with_settings(book: Book, **settings: Any) -> Book:
    changed = book.settings.model_copy(update=settings)
    return replace(book, params=book.params.model_copy(update={"settings": changed}))


UNKNOWN = ["  - which of them cannot be told: run.json does not say"]


def test_of_what_is_as_it_was_nothing_can_be_told(book):
    assert what_changed(record_of(book), book) == UNKNOWN
    assert what_changed({}, book) == UNKNOWN
    assert what_changed({"inputs": None, "settings": 3, "workbook": [], "window": "x"}, book) == UNKNOWN


def test_a_file_is_named_that_changed_came_or_went(book):
    inputs = {"orders.csv": {"sha256": "0" * 64, "rows": 16}, "old.csv": {"sha256": "1" * 64, "rows": 2}}
    [line] = what_changed(record_of(book, inputs=inputs), book)
    assert line == "  - data: orders.csv (changed), old.csv (no longer read)"
    assert line.chinese == "  - 数据：orders.csv（内容有变）、old.csv（不再读取）"
    assert what_changed(record_of(book, inputs={}), book) == ["  - data: orders.csv (not read then)"]


def test_the_same_content_counted_otherwise_is_no_change(book):
    [(name, told)] = book.prepared.inputs.items()
    assert what_changed(record_of(book, inputs={name: told | {"rows": -1}}), book) == UNKNOWN


def test_a_file_that_truly_changed_is_named(open_orders):
    book = open_orders(ORDERS, "2024Q2")
    record = record_of(book)
    orders = book.params.root / "orders.csv"
    orders.write_text(orders.read_text() + "o99,a,2024-06-01,1\n")
    again = open_book(book.params, "2024Q2")
    assert what_changed(record, again) == ["  - data: orders.csv (changed)"]


def test_a_setting_is_named_with_its_values_where_they_are_short_and_plain(book):
    now = with_settings(book, gross_margin=0.35, data_through=None, holidays_country="CN")
    [line] = what_changed(record_of(book), now)
    assert line == "  - settings: data_through, gross_margin (1.0 → 0.35), holidays_country"


def test_a_setting_within_another_is_named_by_its_way_there(book):
    engine = book.settings.engine.model_copy(update={"threads": 2, "master": "spark://user:secret@host"})
    [line] = what_changed(record_of(book), with_settings(book, engine=engine))
    assert line == "  - settings: engine.master, engine.threads"
    assert "secret" not in line + line.chinese
    renamed = with_settings(book, value_names={"region": {"n": {"zh": "北区", "en": "North"}}})
    assert what_changed(record_of(book), renamed) == [
        "  - settings: value_names.region.n.en, value_names.region.n.zh"
    ]


def test_settings_of_mail_and_editions_make_no_other_run(book):
    assert what_changed(record_of(book), with_settings(book, smallest_cell=7, pdf=False)) == UNKNOWN


def test_no_more_than_six_are_named(book):
    settings = book.settings.model_dump(mode="json")
    others = {name: value + 1 for name, value in settings.items() if name.endswith("_days")}
    assert len(others) > run_changes.NAMES_SHOWN
    [line] = what_changed(record_of(book, settings=settings | others), book)
    left = len(others) - 6
    assert line.count("→") == 6 and line.endswith(f" and {left} more")
    assert line.chinese.endswith(f"等，另有{left}个")


def test_other_code_is_told_by_version_and_hash(book):
    made_by = {"version": "0.0.9", "code": "0123456789abcdef"}
    [line] = what_changed(record_of(book, workbook=made_by), book)
    assert line == f"  - code: it was 0.0.9 (01234567), it is {CODE['version']} ({CODE['code'][:8]})"


def test_a_period_that_went_on_is_told_by_its_last_day(book):
    [line] = what_changed(record_of(book, window={"last_day": "2024-05-31"}), book)
    assert line == "  - days: it ended on 2024-05-31, it would end on 2024-06-30"


def test_all_kinds_are_told_each_on_its_line_in_both_languages(book):
    record = record_of(
        book, inputs={}, workbook={"version": "1", "code": "x"}, window={"last_day": "2024-05-31"}
    )
    lines = what_changed(record, with_settings(book, gross_margin=0.5))
    assert [line.split(":")[0] for line in lines] == ["  - data", "  - settings", "  - code", "  - days"]
    chinese = [in_language(line, "zh").split("：")[0] for line in lines]
    assert chinese == ["  - 数据", "  - 设置", "  - 程序", "  - 日期"]


# --- A report that was to be kept -------------------------------------------------------------------------------


def origin_of(
    book: Book, languages: tuple[str, ...] = ("en", "zh"), notebook: str = "n", template: str = "t"
):
    return ReportOrigin(
        {"scorecard": PageOrigin(book.fingerprint, languages, notebook)}, {"template": template}
    )


@pytest.fixture(scope="module")
def whole(book) -> dict[str, Any]:
    return record_of(book, pages={"scorecard": {"notebook": "n"}}, made_with={"template": "t"})


def test_of_a_report_that_is_as_it_was_nothing_is_told(book, whole):
    assert why_made_anew(whole, book, origin_of(book)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"languages": ("en",)}, "  - languages: zh"),
        ({"notebook": "m"}, "  - pages: scorecard"),
        ({"template": "u"}, "  - the template of its pages"),
    ],
)
def test_its_languages_notebooks_and_template_are_told(book, whole, change, said):
    assert why_made_anew(whole, book, origin_of(book, **change)) == [said]


def test_its_editions_are_told_by_their_settings(book, whole):
    now = with_settings(book, analyst_edition=not book.settings.analyst_edition, mail=None)
    [line] = why_made_anew(whole, now, origin_of(book))
    assert line.startswith("  - settings: analyst_edition (")


def test_another_run_is_told_as_for_mail(book, whole):
    now = with_settings(book, gross_margin=0.5)
    assert why_made_anew(whole, now, origin_of(now)) == ["  - settings: gross_margin (1.0 → 0.5)"]


def test_settings_that_load_the_same_are_the_same(book):
    assert what_changed(record_of(book), replace(book, params=load_params(book.params.path))) == UNKNOWN


def test_of_a_record_that_tells_nothing_nothing_is_told_as_changed(book):
    assert why_made_anew({"status": "whole"}, book, origin_of(book)) == UNKNOWN
