"""Every setting stands in the base file, with its reason; none has a default elsewhere."""

from __future__ import annotations

import re

import yaml

from analysis.params import EngineSettings, Settings
from reading_settings import BASE


def test_every_setting_stands_in_the_base_file_and_nothing_else_does():
    base = yaml.safe_load(BASE.read_text(encoding="utf-8"))
    assert set(base) == set(Settings.model_fields)
    assert set(base["engine"]) == set(EngineSettings.model_fields)
    assert not [name for name, field in Settings.model_fields.items() if not field.is_required()]


def test_every_setting_of_the_base_file_has_its_reason_beside_it():
    lines = BASE.read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if re.match(r"\w+:", line)]
    assert len(settings) == len(Settings.model_fields)
    assert not [line for line in settings if len(line.partition("# ")[2].split()) < 3]
