"""Pages of a company's own: named in its settings, found in its folder, and refused where they would mislead."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from analysis.params import ParamsError, load_params
from analysis.report.pages.definitions import pages_of
from analysis.report.run import RunError, find_notebook


def company(root: Path, **settings):
    (root / "params").mkdir(parents=True, exist_ok=True)
    orders = {"file": "o.csv", "columns": {"ordered_at": "day", "amount": "sum"}}
    values = {"company": "T", "currency": "EUR", "tables": {"orders": orders}} | settings
    (root / "params" / "company.yml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return load_params(root / "params" / "company.yml")


REGIONS = {"notebook": "notebooks/own/regions.ipynb", "title": {"en": "Regions", "zh": "地区"}}


def test_own_pages_come_last_unless_the_settings_place_them(tmp_path):
    assert pages_of(company(tmp_path, own_pages=[REGIONS]))[-1] == "regions"
    placed = company(tmp_path, own_pages=[REGIONS], pages=["scorecard", "regions", "retention"])
    assert pages_of(placed) == ["scorecard", "regions", "retention"]


def test_one_text_or_one_language_stands_for_both(tmp_path):
    given = [
        {"notebook": "a.ipynb", "title": "A"},
        {"notebook": "b.ipynb", "title": {"zh": "乙"}, "question": "Why?"},
    ]
    pages = company(tmp_path, own_pages=given).pages
    assert (pages["a"].title.en, pages["a"].title.zh, pages["a"].question.en) == ("A", "A", "")
    assert (pages["b"].title.en, pages["b"].title.zh, pages["b"].question.zh) == ("乙", "乙", "Why?")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ([{"notebook": "x/03_retention.ipynb", "title": "R"}], "'03_retention' is the name of another page"),
        ([{"notebook": "x/retention.ipynb", "title": "R"}], "'retention' is the name of another page"),
        ([REGIONS, REGIONS | {"notebook": "regions.ipynb"}], "'regions' is the name of another page"),
        ([{"notebook": "regions.py", "title": "R"}], "own_pages.0.notebook"),
        ([{"notebook": "regions.ipynb"}], "own_pages.0.title: is missing"),
        ([REGIONS | {"titel": "R"}], "own_pages.0.titel: there is no such setting; did you mean 'title'?"),
    ],
)
def test_what_cannot_be_a_page_is_refused(tmp_path, own, said):
    with pytest.raises(ParamsError) as refused:
        company(tmp_path, own_pages=own)
    assert said in str(refused.value)


def test_its_notebook_is_found_below_the_project(tmp_path):
    params = company(tmp_path, own_pages=[REGIONS])
    file = tmp_path / "notebooks" / "own" / "regions.ipynb"
    with pytest.raises(RunError, match="regions is missing"):
        find_notebook(params.pages["regions"])
    file.parent.mkdir(parents=True)
    cell = new_code_cell("period = '2026Q3'", metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), file)
    assert find_notebook(params.pages["regions"]) == file


def test_a_notebook_that_would_be_of_another_period_is_refused(tmp_path):
    params = company(tmp_path, own_pages=[REGIONS])
    file = tmp_path / "notebooks" / "own" / "regions.ipynb"
    file.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=[new_code_cell("period = '2026Q3'")]), file)
    with pytest.raises(RunError, match="no cell has the tag parameters"):
        find_notebook(params.pages["regions"])
    file.write_text("no notebook", encoding="utf-8")
    with pytest.raises(RunError, match="is no notebook that can be read"):
        find_notebook(params.pages["regions"])


def test_what_pages_there_are_changes_no_number(tmp_path):
    assert company(tmp_path).fingerprint == company(tmp_path, own_pages=[REGIONS]).fingerprint
