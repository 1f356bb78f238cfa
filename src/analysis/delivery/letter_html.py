"""A letter as HTML that mail programs show alike: tables, styles on the elements, nothing fetched, nothing that runs.

Pictures are those that come with the letter (``cid:``). Every text is escaped. Widths are fluid up to 600 pixels; what
stands in two columns has room on a telephone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

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
from analysis.delivery.letter_text import verdict_words
from analysis.report.figures.style import INKS, PALETTE
from analysis.report.verdicts_shown import VERDICTS

WIDTH = 600
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
FONT = (
    "-apple-system,'Segoe UI',Helvetica,Arial,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
)
TONES = {
    "good": (PALETTE["better"], "#e6f3ef"), "bad": (PALETTE["worse"], "#f8ebe7"), "care": ("#7a4f0c", "#fbf1e0"),
    "quiet": (INKS["soft"], INKS["hair"]),
}  # fmt: skip
"""Ink and ground of a verdict."""

SPACES = "\u2007\u034f" * 60  # so that no mail program shows what comes next beside the preheader


def html_of(parts: Iterable[Part], *, language: str, title: str, preheader: str) -> str:
    """The whole letter as one HTML document; ``preheader`` is what inboxes show beside the subject."""
    rows = Markup("").join(_row(part, language) for part in parts)
    return str(_document(rows, language, plain(title), plain(preheader, 120)))


def _document(rows: Markup, language: str, title: str, preheader: str) -> Markup:
    return Markup(
        '<!DOCTYPE html>\n<html lang="{lang}" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light">\n<meta name="supported-color-schemes" content="light">\n'
        '<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">\n'
        "<title>{title}</title>\n</head>\n"
        '<body style="margin:0;padding:0;background:{wash};-webkit-text-size-adjust:100%">\n'
        '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;'
        'color:{wash}" aria-hidden="true">{preheader}{spaces}</div>\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="{wash}" '
        'style="background:{wash}"><tr><td align="center" style="padding:12px 6px">\n'
        '<!--[if mso]><table role="presentation" width="{width}" cellpadding="0" cellspacing="0"><tr><td><![endif]-->\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="{paper}" '
        'lang="{lang}" style="max-width:{width}px;background:{paper};border:1px solid {line};color:{ink};'
        'font-family:{font};font-size:15px;line-height:1.5">\n{rows}</table>\n'
        "<!--[if mso]></td></tr></table><![endif]-->\n</td></tr></table>\n</body>\n</html>\n"
    ).format(
        lang=LANGUAGES[language], title=title, preheader=preheader, spaces=SPACES, rows=rows, width=WIDTH,
        font=Markup(FONT), **INKS,
    )  # fmt: skip


def _row(part: Part, language: str) -> Markup:
    if isinstance(part, Masthead):
        return _masthead(part)
    if isinstance(part, Alert):
        return _alert(part)
    if isinstance(part, Heading):
        return _heading(part)
    if isinstance(part, Paragraph):
        return _paragraph(part)
    if isinstance(part, Tiles):
        return _tiles(part, language)
    if isinstance(part, Points):
        return _points(part, language)
    if isinstance(part, Table):
        return _table(part, language)
    if isinstance(part, Chart):
        return _chart(part)
    if isinstance(part, Button):
        return _button(part)
    return _footer(part)


def _in_row(content: Markup, padding: str = "0 16px 12px", more: str = "") -> Markup:
    return Markup('<tr><td style="padding:{}{}">{}</td></tr>\n').format(padding, more, content)


def _masthead(part: Masthead) -> Markup:
    lines = Markup("<br>").join(escape(plain(line)) for line in part.lines)
    return Markup(
        '<tr><td bgcolor="{main}" style="padding:20px 16px;background:{main};color:#ffffff">'
        '<div style="font-size:13px;line-height:1.4;color:#dbe4ef">{company}</div>'
        '<h1 style="margin:2px 0 6px;font-size:23px;line-height:1.25;font-weight:700;color:#ffffff">{title}</h1>'
        '<div style="font-size:13px;line-height:1.5;color:#dbe4ef">{lines}</div></td></tr>\n'
        '<tr><td style="padding:0 0 16px;font-size:1px;line-height:1px">&nbsp;</td></tr>\n'
    ).format(main=PALETTE["main"], company=plain(part.company), title=plain(part.title), lines=lines)


def _alert(part: Alert) -> Markup:
    ink, ground = TONES["care"]
    lines = Markup("").join(
        Markup('<p style="margin:4px 0 0">{}</p>').format(plain(line)) for line in part.lines
    )
    box = Markup(
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td bgcolor="{ground}" style="padding:10px 14px;background:{ground};border-left:4px solid {ink};'
        'font-size:14px">'
        '<strong style="color:{ink}">! {title}</strong>{lines}</td></tr></table>'
    ).format(ground=ground, ink=ink, title=plain(part.title), lines=lines)
    return _in_row(box, "0 16px 16px")


def _heading(part: Heading) -> Markup:
    size, padding = (17, "14px 16px 8px") if part.level == 2 else (15, "8px 16px 4px")
    return _in_row(
        Markup('<h{n} style="margin:0;font-size:{size}px;line-height:1.3;color:{main}">{text}</h{n}>').format(
            n=part.level, size=size, main=PALETTE["main"], text=plain(part.text)
        ),
        padding,
    )


def _paragraph(part: Paragraph) -> Markup:
    size, ink = {"lead": (17, INKS["ink"]), "plain": (15, INKS["ink"]), "small": (13, INKS["soft"])}[
        part.size
    ]
    return _in_row(
        Markup('<p style="margin:0;font-size:{}px;line-height:1.5;color:{}">{}</p>').format(
            size, ink, plain(part.text)
        )
    )


def _verdict(verdict: str, language: str) -> Markup:
    """A verdict as sign and words; the colour only repeats what they say."""
    if not verdict:
        return Markup("")
    ink, ground = TONES[VERDICTS[verdict][1]]
    return Markup(
        '<span style="display:inline-block;padding:0 7px;border-radius:9px;background:{};color:{};font-size:12px;'
        'line-height:19px;font-weight:600;white-space:nowrap">{}</span>'
    ).format(ground, ink, verdict_words(verdict, language))


def _tiles(part: Tiles, language: str) -> Markup:
    """Two beside each other, which a telephone has room for."""
    pairs = [part.tiles[place : place + 2] for place in range(0, len(part.tiles), 2)]
    gap = Markup('<tr><td colspan="3" style="height:10px;font-size:1px;line-height:10px">&nbsp;</td></tr>')
    rows = gap.join(_pair(pair, language) for pair in pairs)
    return _in_row(
        Markup(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
            'style="table-layout:fixed">{}</table>'
        ).format(rows)
    )


def _pair(pair: Sequence[Tile], language: str) -> Markup:
    gap = Markup('<td width="10" style="width:10px;font-size:1px">&nbsp;</td>')
    return Markup("<tr>{}</tr>").format(
        gap.join(
            [*(_tile(tile, language) for tile in pair), *([Markup("<td></td>")] if len(pair) == 1 else [])]
        )
    )


def _tile(tile: Tile, language: str) -> Markup:
    changes = Markup("").join(
        Markup('<div style="margin-top:5px;font-size:12px;line-height:1.45;color:{}">{} {}</div>').format(
            INKS["soft"], _verdict(verdict, language), plain(words)
        )
        for words, verdict in tile.changes
    )
    note = Markup('<div style="font-size:12px;line-height:1.4;color:{}">{}</div>').format(
        INKS["soft"], plain(tile.note)
    )
    return Markup(
        '<td valign="top" width="50%" bgcolor="{wash}" style="padding:10px;background:{wash};'
        'border-top:3px solid {main}"><div style="font-size:13px;line-height:1.35;color:{soft}">{name}</div>'
        '<div style="font-size:22px;line-height:1.3;font-weight:700;color:{ink}">{value}</div>{note}{changes}</td>'
    ).format(
        main=PALETTE["main"], name=plain(tile.name, 60), value=plain(tile.value),
        note=note if tile.note else Markup(""), changes=changes, **INKS,
    )  # fmt: skip


def _points(part: Points, language: str) -> Markup:
    rows = Markup("").join(_point(point, language) for point in part.points)
    return _in_row(
        Markup(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">{}</table>'
        ).format(rows),
        "0 16px 4px",
    )


def _point(point: Point, language: str) -> Markup:
    mark = TONES[VERDICTS[point.verdict][1]][0] if point.verdict else PALETTE["main"]
    badge = Markup("{} ").format(_verdict(point.verdict, language)) if point.verdict else Markup("")
    detail = Markup('<div style="font-size:13px;line-height:1.45;color:{}">{}</div>').format(
        INKS["soft"], plain(point.detail)
    )
    return Markup(
        '<tr><td style="padding:1px 0 1px 12px;border-left:3px solid {};font-size:15px;line-height:1.45">'
        "{}{}{}</td></tr>"
        '<tr><td style="height:10px;font-size:1px;line-height:10px">&nbsp;</td></tr>'
    ).format(mark, plain(point.text), Markup(" ") + badge, detail if point.detail else Markup(""))


def _table(part: Table, language: str) -> Markup:
    heads = Markup("").join(
        Markup(
            '<th scope="col" align="{align}" style="padding:6px {right} 6px {left};border-bottom:2px solid {main};'
            'text-align:{align};font-size:12px;line-height:1.3;font-weight:600;color:{soft};vertical-align:bottom">{text}</th>'
        ).format(
            main=PALETTE["main"], soft=INKS["soft"], text=plain(text), **_place(number, len(part.headings))
        )
        for number, text in enumerate(part.headings)
    )
    rows = Markup("").join(_table_row(row, language) for row in part.rows)
    table = Markup(
        '<table width="100%" cellpadding="0" cellspacing="0" border="0" aria-label="{}" '
        'style="border-collapse:collapse"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(plain(part.caption), heads, rows)
    return _in_row(table)


def _place(number: int, count: int) -> dict[str, str]:
    """Where a column's texts stand: the first to the left, numbers to the right."""
    return {
        "align": "left" if number == 0 else "right", "left": "0" if number == 0 else "6px",
        "right": "0" if number == count - 1 else "6px",
    }  # fmt: skip


def _table_row(row: Sequence[Cell], language: str) -> Markup:
    cells = Markup("").join(_cell(cell, number, len(row), language) for number, cell in enumerate(row))
    return Markup("<tr>{}</tr>").format(cells)


def _cell(cell: Cell, number: int, count: int, language: str) -> Markup:
    element, look = ('th scope="row"', "font-weight:600") if number == 0 else ("td", "white-space:nowrap")
    content = escape(plain(cell.text))
    if cell.verdict:
        content += Markup("<br>" if cell.text else "") + _verdict(cell.verdict, language)
    if cell.remark:
        content += Markup('<br><span style="font-size:12px;font-weight:400;color:{}">{}</span>').format(
            INKS["soft"], plain(cell.remark)
        )
    return Markup(
        '<{element} align="{align}" style="padding:7px {right} 7px {left};border-bottom:1px solid {hair};'
        'text-align:{align};font-size:14px;line-height:1.35;{look};vertical-align:top">{content}</{end}>'
    ).format(
        element=Markup(element), end=Markup(element.split()[0]), hair=INKS["hair"], look=look, content=content,
        **_place(number, count),
    )  # fmt: skip


def _chart(part: Chart) -> Markup:
    return _in_row(
        Markup(
            '<img src="cid:{cid}" alt="{alt}" width="{width}" height="{height}" border="0" style="display:block;'
            'width:100%;max-width:{width}px;height:auto;border:0;font-size:13px;line-height:1.5;color:{soft}">'
        ).format(
            cid=part.cid,
            alt=plain(part.alt),
            width=part.width,
            height=part.height,
            soft=INKS["soft"],
        )  # fmt: skip
    )


def _button(part: Button) -> Markup:
    return _in_row(
        Markup(
            '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td bgcolor="{main}" '
            'style="background:{main};border-radius:4px"><a href="{address}" style="display:inline-block;'
            'padding:11px 20px;font-size:15px;font-weight:600;color:#ffffff;text-decoration:none">{text}</a>'
            "</td></tr></table>"
            '<div style="margin-top:6px;font-size:12px;line-height:1.4;color:{soft};word-break:break-all">'
            "{address}</div>"
        ).format(main=PALETTE["main"], soft=INKS["soft"], address=part.address, text=plain(part.text))
    )


def _footer(part: Footer) -> Markup:
    notes = Markup("").join(
        Markup('<p style="margin:0 0 8px">{}{}</p>').format(
            Markup("<strong>{}</strong> ").format(plain(title)) if title else "", plain(text)
        )
        for title, text in part.notes
    )
    return Markup(
        '<tr><td bgcolor="{wash}" style="padding:14px 16px 8px;background:{wash};border-top:1px solid {line};'
        'font-size:12px;line-height:1.5;color:{soft}">{notes}</td></tr>\n'
    ).format(notes=notes, **INKS)
