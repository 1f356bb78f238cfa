"""What a letter is made of, before it is HTML or text: the same parts in the same order become both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.facts.book import in_one_line
from analysis.report.terminal_words import screen_width


@dataclass(frozen=True)
class Masthead:
    """Whose letter it is: the company, the title, and lines below it."""

    company: str
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alert:
    """What must be known before reading on."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Heading:
    """What comes next; ``level`` 3 is below a section's own."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few; ``size`` is ``lead`` for what comes first, ``small`` for notes."""

    text: str
    size: Literal["lead", "plain", "small"] = "plain"


@dataclass(frozen=True)
class Tile:
    """One number of the top, with what it is beside it and its changes, each with a verdict."""

    name: str
    value: str
    note: str = ""
    changes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tiles:
    """The numbers a letter opens with."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Point:
    """A sentence with its verdict or none, and what it rests on in small type."""

    text: str
    verdict: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Points:
    """Sentences one below another."""

    points: tuple[Point, ...]


@dataclass(frozen=True)
class Cell:
    """What stands in one cell: a text, a verdict below it, a remark in small type."""

    text: str
    verdict: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under headings; the first column names the row, all others hold numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str


@dataclass(frozen=True)
class Chart:
    """A picture by its Content-ID, with what it shows in words and how large it is, in CSS pixels."""

    cid: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Button:
    """Where the report is."""

    text: str
    address: str


@dataclass(frozen=True)
class Footer:
    """The small print: each with a title or none."""

    notes: tuple[tuple[str, str], ...]


Part = Masthead | Alert | Heading | Paragraph | Tiles | Points | Table | Chart | Button | Footer


def plain(text: object, most: int | None = None) -> str:
    """A text of the data as one line without signs that nobody sees, cut where it is wider than so many columns."""
    line = in_one_line(str(text))
    if most is None or screen_width(line) <= most:
        return line
    kept, width = [], 0
    for sign in line:
        width += screen_width(sign)
        if width > most - 1:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + "…"
