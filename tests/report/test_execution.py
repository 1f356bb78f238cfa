"""Pages being executed: what becomes of those that raise, die, hang or show what nobody has described."""

from __future__ import annotations

import json

import nbformat
import pytest

from analysis.params import load_params
from analysis.periods import parse_period
from analysis.report import run as run_module
from analysis.report.run import run_reports
from analysis.report.words import label

BEFORE = "print('before')\n"
PICTURE = (
    "import base64\nfrom IPython.display import Image, display\n"
    "display(Image(base64.b64decode("
    "'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')))"
)
PAGES = {
    "scorecard": "1",
    "retention": BEFORE + "import os; os._exit(3)",
    "customer_value": BEFORE + "import time; time.sleep(600)",
    "data_quality": PICTURE,
}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory, shop_in):
    """A report in which one page is whole, the second's kernel dies, the third hangs, the fourth is not fit."""
    shop = shop_in(tmp_path_factory.mktemp("shop"))
    shop.write(PAGES, page_timeout_minutes=0.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "find_notebook", lambda page: shop.notebook(page.id))
        [report] = run_reports(
            load_params(shop.params), [parse_period("2026Q1")], params_argument=str(shop.params)
        )
    return report


def page_of(made, name):
    return next(one for one in made.pages if one.page.id == name)


def executed(made, name):
    return nbformat.read(page_of(made, name).notebook, as_version=4)


def html(made, name, language="en"):
    stem = page_of(made, name).notebook.stem
    return (made.folder / language / f"{stem}.html").read_text(encoding="utf-8")


def last_cell(made, name):
    """The last cell of an executed page that has outputs."""
    return [cell for cell in executed(made, name).cells if cell.get("outputs")][-1]


def gap(made, name, language="en"):
    """What a reader is told where the page stopped: the cell's number, which a kernel that dies may not have told."""
    cells, stopped = executed(made, name).cells, last_cell(made, name)
    number = f"[{stopped.execution_count}]" if stopped.execution_count else f"#{cells.index(stopped) + 1}"
    return label("gap_text", language, cell=number)


def test_the_other_pages_are_whole(made):
    assert {one.page.id: one.status for one in made.pages} == {
        "scorecard": "whole", "retention": "failed", "customer_value": "failed", "data_quality": "failed",
    }  # fmt: skip
    assert made.folder.name == "2026Q1-PARTIAL"


def test_a_page_whose_kernel_dies_keeps_what_was_there_and_has_a_gap_where_it_stopped(made):
    assert page_of(made, "retention").error == "DeadKernelError: Kernel died"
    error = last_cell(made, "retention").outputs[-1]
    assert (error.ename, error.evalue) == ("DeadKernelError", "Kernel died")
    assert gap(made, "retention") in html(made, "retention")


def test_a_page_that_hangs_is_ended_after_its_time_and_its_notebook_says_so(made):
    said = "the page takes longer than 0.2 min (setting page_timeout_minutes)"
    assert page_of(made, "customer_value").error == f"PageTimeout: {said}"
    assert 12 <= page_of(made, "customer_value").seconds < 300  # the cell would take ten minutes
    outputs = last_cell(made, "customer_value").outputs
    assert outputs[0].text == "before\n" and outputs[-1].evalue == said
    assert gap(made, "customer_value") in html(made, "customer_value")
    assert gap(made, "customer_value", "zh") in html(made, "customer_value", "zh")


def test_a_picture_that_nobody_has_described_fails_its_page_with_advice(made):
    assert "figure without alternative text: give it one" in page_of(made, "data_quality").error
    assert "<img" not in html(made, "data_quality")


def test_the_record_says_how_each_page_fared_and_only_what_is_whole_can_be_taken_over(made):
    record = json.loads((made.folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "partial"
    assert record["pages"]["customer_value"]["error"].startswith("PageTimeout")
    assert not list(made.folder.parent.glob(".*"))
