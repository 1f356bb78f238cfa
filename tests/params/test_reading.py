"""A file of settings is read as it is written, or refused with the reason."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from analysis.params import ParamsError, load_params
from reading_settings import load


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("company: [Test\n", "company.yml is not readable YAML: .*line 1"),
        ("company: Test\n\tcurrency: EUR\n", "company.yml is not readable YAML: .*line 2"),
        ("- company\n", "company.yml should hold `setting: value` lines, found a list"),
        ("company\n", "company.yml should hold `setting: value` lines, found a str"),
        ("company: A\ncurrency: EUR\ncompany: B\n", "'company' is written twice in line 3"),
        (
            "company: A\nvariants: {revenue: gross, revenue: default}\n",
            "'revenue' is written twice in line 2",
        ),
        (f"random_seed: {'9' * 5000}\n", "company.yml is not readable YAML"),
        ("", "company: should not be empty"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path, text, said):
    with pytest.raises(ParamsError, match=said):
        load(tmp_path, text)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    (tmp_path / "x.yml").write_text("company: X\n")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ParamsError, match=r"x.yml cannot be read: Permission denied; let this user read it"):
        load_params(tmp_path / "x.yml")


def test_a_file_that_is_not_utf8_is_refused_with_the_place(tmp_path):
    path = tmp_path / "company.yml"
    path.write_bytes("company: 公司\n".encode("gbk"))  # nine bytes, then B9, which begins nothing in UTF-8
    with pytest.raises(ParamsError, match="company.yml is not readable YAML: 'utf-8' .* in position 9"):
        load_params(path)


def test_words_and_codes_that_look_like_truth_values_or_octal_numbers_stay_words(tmp_path):
    column = "{column: country, values: {NO: Norway, 01: shop, on: online, 7: seven}}"
    text = f"tables: {{orders: {{file: a, columns: {{ordered_at: d, amount: m, channel: {column}}}}}}}\n"
    values = load(tmp_path, "company: Test\n" + text).settings.tables["orders"].columns["channel"].values
    assert values == {"NO": "Norway", "01": "shop", "on": "online", "7": "seven"}
