"""The report's own words, and texts given in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.catalogue import label as declared_label

LANGUAGES = ("en", "zh")
Text = str | Mapping[str, str]


def label(key: str, language: str, **values: object) -> str:
    """The page's own word for a key in a language, with `{…}` filled in.

    Raises
    ------
    KeyError
        When the key is not in `catalogue/labels/report.yml`.
    """
    return declared_label(f"report.{key}", language, **values)


def in_language(text: Text, language: str) -> str:
    """A text as it is, or the language's own where it is given as ``{"en": …, "zh": …}``."""
    return text if isinstance(text, str) else text[language]
