"""Where settings are found, and where the files are that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.params import ParamsError, load_params
from reading_settings import BASE, GOOD, load


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


def test_a_base_file_beside_the_companys_own_is_the_one_that_counts(tmp_path):
    beside = BASE.read_text(encoding="utf-8").replace("gross_margin: 1.0 ", "gross_margin: 0.25 ")
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "base.yml").write_text(beside, encoding="utf-8")
    assert load(tmp_path, GOOD).settings.gross_margin == 0.25


@pytest.mark.parametrize("missing", ["params/nowhere.yml", "/nowhere/company.yml", "."])
def test_a_missing_file_is_an_error_that_says_what_to_give(tmp_path, monkeypatch, missing):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"there is no params file '.*' ?: give the path of a file such as"):
        load_params(missing)
