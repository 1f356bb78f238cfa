"""Questionnaires ready to be sent, from ``questionnaires.yml``: questions, scales, when to ask, whom to cite."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, model_validator

from analysis.catalogue import UnknownName, nearest, read_yaml
from analysis.catalogue.records import Record, Text

Scale = tuple[int, int]
COMMENT_SCALE: Scale = (0, 1)  # words have no scale, but the table of questions wants one


class Anchors(Record):
    """What the lowest and the highest answer of a scale mean."""

    en: tuple[str, str]
    zh: tuple[str, str]

    def in_(self, language: str) -> tuple[str, str]:
        """The two in one language."""
        return getattr(self, language)


class Question(Record):
    """One question: what it measures, its scale, and how it is put."""

    id: str
    measures: str
    wording: Text
    item: str | None = None
    dimension: str | None = None
    scale: Scale | None = None
    anchors: Anchors | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is answered in words."""
        return self.measures == "comment"


class Asked(Record):
    """One of the two times that items are asked: its heading, and what its sentences begin with."""

    lead: Text
    heading: Text


class Item(Record):
    """One item of SERVQUAL, without its lead."""

    id: str
    dimension: str
    item: str
    wording: Text


class Pairs(Record):
    """Items asked twice, as expectation and as perception."""

    expectation: Asked
    perception: Asked
    items: tuple[Item, ...]


class OfShare(Record):
    """A share in [0, 1]."""

    of: Literal["share"]
    half_width: float
    share: float


class OfNps(Record):
    """A net promoter score, in points."""

    of: Literal["nps"]
    half_width: float
    promoters: float
    detractors: float


class OfMean(Record):
    """A mean, in points."""

    of: Literal["mean"]
    half_width: float
    standard_deviation: float


class OfGap(Record):
    """A gap, in points of the scale."""

    of: Literal["gap"]
    half_width: float
    expectation: float
    perception: float
    correlation: float


Interval = Annotated[OfShare | OfNps | OfMean | OfGap, Field(discriminator="of")]


class Questionnaire(Record):
    """A questionnaire: what it asks, of whom and when, and what its answers are to estimate."""

    id: str
    name: Text
    asks: Text
    kind: Literal["relationship", "transactional"]
    when: Text
    source: Text
    metric: str
    interval: Interval
    scale: Scale
    anchors: Anchors
    questions: tuple[Question, ...]
    pairs: Pairs | None = None

    @model_validator(mode="after")
    def _asks_for_reasons(self) -> Questionnaire:
        if not any(question.is_open for question in self.questions):
            raise ValueError(f"questionnaire {self.id} asks nobody for reasons")
        return self

    def parts(self) -> list[tuple[Text | None, list[Question]]]:
        """The questions in the order they are asked, under the heading of their part, if it has one."""
        if self.pairs is None:
            return [(None, [self._on_scale(question) for question in self.questions])]
        twice = [(asked.heading, self._asked(side, asked)) for side, asked in _sides(self.pairs)]
        return [*twice, (None, [self._on_scale(question) for question in self.questions])]

    def all_questions(self) -> list[Question]:
        """Every question, those of pairs on both sides, each with its scale."""
        return [question for _, questions in self.parts() for question in questions]

    def _on_scale(self, question: Question) -> Question:
        if question.is_open:
            return question.model_copy(update={"scale": COMMENT_SCALE})
        given = {"scale": question.scale or self.scale, "anchors": question.anchors or self.anchors}
        return question.model_copy(update=given)

    def _asked(self, side: str, asked: Asked) -> list[Question]:
        return [
            Question(
                id=f"S{side[0].upper()}_{item.id}", measures=f"servqual_{side}", item=item.item,
                dimension=item.dimension, scale=self.scale, anchors=self.anchors,
                wording=Text(en=f"{asked.lead.en} {item.wording.en}.", zh=f"{asked.lead.zh}{item.wording.zh}。"),
            )
            for item in (self.pairs.items if self.pairs else ())
        ]  # fmt: skip


def _sides(pairs: Pairs) -> list[tuple[str, Asked]]:
    return [("expectation", pairs.expectation), ("perception", pairs.perception)]


@lru_cache(maxsize=1)
def load_questionnaires() -> dict[str, Questionnaire]:
    """Every questionnaire, by name."""
    records = (Questionnaire(**record) for record in read_yaml("questionnaires.yml"))
    return {record.id: record for record in records}


def questionnaire(name: str) -> Questionnaire:
    """The questionnaire of this name.

    Raises
    ------
    UnknownName
        With the nearest right name, if there is none.
    """
    known = load_questionnaires()
    if name not in known:
        raise UnknownName(f"there is no questionnaire {name!r}{nearest(name, known)}")
    return known[name]
