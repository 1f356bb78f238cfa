"""A letter as plain text, complete in itself and at most 76 columns wide where words allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analysis.catalogue import label
from analysis.delivery.letter_parts import (
    Alert,
    Button,
    Cell,
    Chart,
    Footer,
    Heading,
    Masthead,
    Paragraph,
    Part,
    Point,
    Points,
    Table,
    Tile,
    Tiles,
    plain,
)
from analysis.report.terminal_words import screen_width
from analysis.report.verdicts_shown import VERDICTS

COLUMNS = 76
_CLOSING = "，。；：、！？）》】”’％%…）"
_OPENING = "（《【“‘"
# A run without spaces of narrow characters, or one wide character with the marks that must stay with it.
_PIECE = re.compile(
    rf"\s+|[{_OPENING}]*[^\s\u2e80-\uffef\U0001f000-\U0003ffff]+[{_CLOSING}]*|[{_OPENING}]*.[{_CLOSING}]*"
)


def text_of(parts: Iterable[Part], language: str) -> str:
    """The whole letter as text, lines ended by a newline."""
    blocks = ["\n".join(_lines(part, language)) for part in parts]
    return "\n\n".join(block for block in blocks if block) + "\n"


def wrapped(text: str, first: str = "", then: str | None = None, columns: int = COLUMNS) -> list[str]:
    """Lines of at most so many columns, begun with ``first``, further ones with ``then``.

    Chinese breaks between any two characters, but never before a closing mark or after an opening one.
    """
    then = " " * screen_width(first) if then is None else then
    lines, line, is_empty = [], first, True
    for piece in _PIECE.findall(plain(text)):
        if is_empty and piece.isspace():
            continue
        if not is_empty and screen_width((line + piece).rstrip()) > columns:
            lines.append(line.rstrip())
            line, is_empty = then, True
            if piece.isspace():
                continue
        line, is_empty = line + piece, False
    return [*lines, line.rstrip()]


def verdict_words(verdict: str, language: str) -> str:
    """A verdict as sign and words: ``▲ better``."""
    return f"{VERDICTS[verdict][0]} {label(f'report.verdict_{verdict}', language)}" if verdict else ""


def _lines(part: Part, language: str) -> list[str]:
    if isinstance(part, Masthead):
        return _masthead(part)
    if isinstance(part, Heading):
        return _heading(part)
    if isinstance(part, Alert):
        return ["!" * 3 + " " + part.title, *(line for each in part.lines for line in wrapped(each, "    "))]
    if isinstance(part, Paragraph):
        return wrapped(part.text)
    if isinstance(part, Tiles):
        return [line for tile in part.tiles for line in _tile(tile, language)]
    if isinstance(part, Points):
        return [line for point in part.points for line in _point(point, language)]
    if isinstance(part, Table):
        return _table(part, language)
    if isinstance(part, Chart):
        return wrapped(label("mail.picture", language, alt=part.alt))
    if isinstance(part, Button):
        return [part.text, f"<{part.address}>"]
    return _footer(part, language)


def _masthead(part: Masthead) -> list[str]:
    rule = "=" * min(COLUMNS, max(screen_width(plain(part.title)), screen_width(plain(part.company))))
    lines = [line for each in part.lines for line in wrapped(each)]
    return [*wrapped(part.company), *wrapped(part.title), rule, *lines]


def _heading(part: Heading) -> list[str]:
    lines = wrapped(part.text)
    return [*lines, ("-" if part.level == 2 else "·") * min(COLUMNS, max(map(screen_width, lines)))]


def _tile(tile: Tile, language: str) -> Iterator[str]:
    yield from wrapped(f"{tile.name}  {tile.value}", "", "  ")
    if tile.note:
        yield from wrapped(tile.note, "    ")
    for words, verdict in tile.changes:
        yield from wrapped(f"{verdict_words(verdict, language)}  {words}".strip(), "    ")


def _point(point: Point, language: str) -> list[str]:
    said = f"[{verdict_words(point.verdict, language)}] " if point.verdict else ""
    return wrapped(said + point.text, "* ") + (wrapped(point.detail, "  ") if point.detail else [])


def _table(table: Table, language: str) -> list[str]:
    """Columns side by side where they fit, else a line for each cell."""
    rows = [[_cell(cell, language) for cell in row] for row in table.rows]
    texts = [[plain(heading) for heading in table.headings], *rows]
    widths = [max(screen_width(row[column]) for row in texts) for column in range(len(table.headings))]
    if sum(widths) + 2 * (len(widths) - 1) <= COLUMNS:
        rule = ["-" * width for width in widths]
        return [_side_by_side(row, widths) for row in [texts[0], rule, *rows]]
    return [line for row in rows for line in _one_below_another(row, texts[0], language)]


def _cell(cell: Cell, language: str) -> str:
    parts = [plain(cell.text), verdict_words(cell.verdict, language)]
    said = " ".join(part for part in parts if part)
    return (
        label("mail.beside", language, text=said, remark=plain(cell.remark)).strip() if cell.remark else said
    )


def _side_by_side(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    cells = [first[0] + " " * (first[1] - screen_width(first[0]))]
    return "  ".join(
        [*cells, *(" " * (width - screen_width(text)) + text for text, width in others)]
    ).rstrip()


def _one_below_another(row: Sequence[str], headings: Sequence[str], language: str) -> Iterator[str]:
    colon = "：" if language == "zh" else ": "
    yield from wrapped(row[0])
    for text, heading in zip(row[1:], headings[1:], strict=True):
        if text:
            yield from wrapped(f"{heading}{colon}{text}", "    ")


def _footer(part: Footer, language: str) -> list[str]:
    colon, lines = "：" if language == "zh" else ": ", ["-" * COLUMNS]
    for title, text in part.notes:
        lines += wrapped(f"{title}{colon}{text}" if title else text)
    return lines
