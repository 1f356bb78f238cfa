"""The report's own words."""

from __future__ import annotations

import re

from analysis.catalogue import read_yaml


def test_every_label_has_both_languages_with_the_same_blanks():
    for key, texts in read_yaml("labels/report.yml").items():
        assert set(texts) == {"en", "zh"}, key
        assert all(text.strip() for text in texts.values()), key
        blanks = [set(re.findall(r"\{(\w+)\}", text)) for text in texts.values()]
        assert blanks[0] == blanks[1], key
