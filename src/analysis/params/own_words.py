"""What a company adds in words of its own: names of values, themes of comments, pages; in one language or both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from analysis.catalogue import nearest
from analysis.params.fields import List, NotEmpty, Setting


def _in_both_languages(value: Any) -> Any:
    """One text for both languages; where only one language is given, the other has its words too."""
    if isinstance(value, str):
        return {"en": value, "zh": value}
    given = [text for text in value.values() if text] if isinstance(value, dict) else []
    return dict.fromkeys(("en", "zh"), given[0]) | value if len(given) == 1 else value


Words = Annotated[dict[Literal["en", "zh"], str], BeforeValidator(_in_both_languages), NotEmpty]


def _name_of_value(value: Any) -> Any:
    """One name for both languages, or a name for each or for one of them; a name is one line and not empty."""
    names = {"en": value, "zh": value} if isinstance(value, str) else value
    if not isinstance(names, dict) or not names:
        raise ValueError("should be a name, or one for each language, such as {en: Proposal, zh: 方案报价}")
    for language, name in names.items():
        if language not in (known := ("en", "zh")):
            raise ValueError(f"there is no language {language!r}{nearest(str(language), known)}")
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"the name in {language} should be text")
    return names


NameOfValue = Annotated[dict[Literal["en", "zh"], str], BeforeValidator(_name_of_value)]


def _values_are_words(value: Any) -> Any:
    """Values of the data as the words they are: a code that YAML reads as a number, a year, a day."""
    return {str(key): name for key, name in value.items()} if isinstance(value, dict) else value


NamesOfValues = Annotated[dict[str, NameOfValue], BeforeValidator(_values_are_words)]


class OwnTheme(Setting):
    """Words of comments that make a theme of the company's own, or are added to one of the catalogue's."""

    name: dict[Literal["en", "zh"], str] = Field(default_factory=dict)
    words: dict[Literal["en", "zh"], Annotated[tuple[str, ...], List]]


class OwnPage(Setting):
    """A page of the company's own: where its notebook lies below the project, what it is called and answers.

    ``title`` and ``question`` are one text, or one for each language.
    """

    notebook: Annotated[str, StringConstraints(pattern=r"\.ipynb$")]
    title: Words
    question: Words = Field(default_factory=lambda: {"en": "", "zh": ""})

    @property
    def id(self) -> str:
        """What the page is called on the command line: its notebook's name."""
        return Path(self.notebook).stem
