"""A company's file over the base file: typed, frozen, with a fingerprint of all that a number depends on."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from pydantic import ValidationError

from analysis.params import ParamsError, load_params
from reading_settings import BASE, GOOD, ORDERS, PARAMS, load


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


@pytest.mark.parametrize("file", sorted(set(PARAMS.glob("*.yml")) - {BASE}), ids=lambda file: file.stem)
def test_every_params_file_of_the_workbook_can_be_used(file):
    assert load_params(file).settings.company


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


def test_reports_go_to_the_company_id_or_the_name_of_the_file(tmp_path):
    assert load(tmp_path, GOOD).company_id == "company"
    assert load(tmp_path, GOOD + "company_id: acme-2\n").company_id == "acme-2"
    assert load(tmp_path, GOOD + "company_id: 某公司\n").company_id == "某公司"
