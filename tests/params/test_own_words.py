"""Values of the data have names in one language or both; names change no number."""

from __future__ import annotations

import pytest

from reading_settings import GOOD, load, problems


def test_values_have_names_in_one_language_or_both(tmp_path):
    text = "value_names: {stage: {won: {en: Won, zh: 赢单}, 1: Lead}, region: {no: {zh: 挪威}, 2024-01-31: Then}}\n"
    names = load(tmp_path, GOOD + text).settings.value_names
    # a code, a country and a day are words of the data; one name alone is that of both languages
    assert names == {
        "stage": {"won": {"en": "Won", "zh": "赢单"}, "1": {"en": "Lead", "zh": "Lead"}},
        "region": {"no": {"zh": "挪威"}, "2024-01-31": {"en": "Then", "zh": "Then"}},
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("{regoin: {n: North}}", "value_names.regoin: there is no such dimension; did you mean 'region'?"),
        ("{region: {n: {de: Nord}}}", "value_names.region.n: there is no language 'de'; known: en, zh"),
        ("{region: {n: {cn: 北}}}", "value_names.region.n: there is no language 'cn'"),
        ("{region: {n: {en: 3}}}", "value_names.region.n: the name in en should be text"),
        ("{region: {n: {zh: ' '}}}", "value_names.region.n: the name in zh should be text"),
        ("{region: {n: 3}}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: {n: }}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: {n: {}}}", "value_names.region.n: should be a name, or one for each language"),
        ("{region: North}", "value_names.region: should hold `name: value` lines; found 'North'"),
        ("[region]", "value_names: should hold `name: value` lines; found ['region']"),
    ],
)
def test_names_that_cannot_be_meant_are_said_with_their_key(tmp_path, names, said):
    assert any(line.startswith(said) for line in problems(tmp_path, f"company: Test\nvalue_names: {names}\n"))


def test_columns_that_are_shown_and_no_dimension_have_names_too(tmp_path):
    text = "value_names: {question_dimension: {tangibles: {zh: 环境与设施}}}\n"
    assert (
        load(tmp_path, GOOD + text).settings.value_names["question_dimension"]["tangibles"]["zh"]
        == "环境与设施"
    )


def test_names_change_no_number(tmp_path):
    named = load(tmp_path, GOOD + "value_names: {stage: {won: {zh: 赢单}}}\n")
    assert named.fingerprint == load(tmp_path, GOOD).fingerprint
