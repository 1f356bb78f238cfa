"""The words of the report, one for each thing in each language, from ``terms.yml``."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field

from analysis.catalogue import read_yaml
from analysis.catalogue.records import Record, Text


class Term(Record):
    """A word in both languages, what is meant by it, and words that are not to be used for the same thing.

    Attributes
    ----------
    avoided
        By language, words used elsewhere for it.
    but
        By language, longer words in which an avoided one may stand.
    """

    en: str
    zh: str
    means: Text
    avoided: dict[str, tuple[str, ...]] = Field(default_factory=dict, alias="not")
    but: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def in_(self, language: str) -> str:
        """The word in one language."""
        return getattr(self, language)


class Section(Record):
    """Terms on one matter."""

    section: Text
    terms: tuple[Term, ...]


@lru_cache(maxsize=1)
def load_terms() -> tuple[Section, ...]:
    """Every section of terms, in the order of the file."""
    return tuple(Section(**section) for section in read_yaml("terms.yml"))


def avoided_words(text: str, language: str) -> list[tuple[str, str]]:
    """Words of a text that are not the report's own for their thing, each with the one that is."""
    found = []
    for term in (term for section in load_terms() for term in section.terms):
        rest = text
        for longer in term.but.get(language, ()):
            rest = rest.replace(longer, "")
        words = term.avoided.get(language, ())
        found += [(word, term.in_(language)) for word in words if word.lower() in rest.lower()]
    return found
