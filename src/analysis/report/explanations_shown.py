"""How numbers came to be: a fold-out below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup, escape

from analysis.report.numbers_shown import format_number
from analysis.report.tables_shown import Column, table_html
from analysis.report.words import label


@dataclass(frozen=True)
class Explanation:
    """How one number came to be, its texts ready in the page's language.

    Attributes
    ----------
    name, meaning, formula, variant : str
    filters : sequence of str
        Conditions and settings, as `name = value`.
    counts : mapping of str to int
        What each number of rows is of.
    sql : str
    source_rows : DataFrame, optional
        First rows of the fact; shown as they stand.
    example : str
        The definition worked out on small numbers.
    place : str
        The id under which links find it.
    """

    name: str
    meaning: str = ""
    formula: str = ""
    variant: str = ""
    filters: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    sql: str = ""
    source_rows: pd.DataFrame | None = None
    example: str = ""
    place: str = ""


def how_computed(
    explanations: Sequence[Explanation], language: str, *, see_also: Sequence[Markup] = ()
) -> Markup:
    """A fold-out on how numbers were computed: formula, variant, filters, row counts, SQL, source rows.

    It opens by itself for a reader who follows a link to the place of an explanation.

    Parameters
    ----------
    see_also : sequence of Markup
        Links to where else the numbers stand.
    """
    points = Markup("").join(Markup("<li>{}</li>").format(link) for link in see_also)
    return Markup('<details class="wb-fold"><summary>{}</summary>{}{}</details>').format(
        label("how_computed", language),
        Markup('<ul class="wb-see-also" aria-label="{}">{}</ul>').format(label("see_also", language), points)
        if see_also
        else "",
        Markup("").join(_explained(each, language) for each in explanations),
    )


def _explained(explanation: Explanation, language: str) -> Markup:
    colon = "：" if language == "zh" else ": "
    counts = [f"{what}{colon}{format_number(count, language)}" for what, count in explanation.counts.items()]
    entries = {
        "meaning": escape(explanation.meaning),
        "formula": _code(explanation.formula),
        "variant": escape(explanation.variant),
        "filters": Markup("<br>").join(_code(condition) for condition in explanation.filters),
        "counts": Markup("<br>").join(counts),
        "example": escape(explanation.example),
        "sql": Markup("<pre><code>{}</code></pre>").format(explanation.sql.strip())
        if explanation.sql.strip()
        else "",
    }
    pairs = (
        Markup("<dt>{}</dt><dd>{}</dd>").format(label(key, language), text)
        for key, text in entries.items()
        if text
    )
    place = Markup(' id="{}"').format(explanation.place) if explanation.place else Markup("")
    return Markup(
        '<div class="wb-explained"{}><p class="wb-explained-name">{}</p><dl>{}</dl>{}</div>'
    ).format(place, explanation.name, Markup("").join(pairs), _source_rows(explanation.source_rows, language))


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text) if text else Markup("")


def _source_rows(rows: pd.DataFrame | None, language: str) -> Markup:
    if rows is None:
        return Markup("")
    columns = [Column(str(name), str(name)) for name in rows.columns]
    return table_html(
        rows.rename(columns=str), columns, caption=label("source_rows", language), language=language
    )
