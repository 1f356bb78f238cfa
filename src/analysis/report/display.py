"""Pieces of markup and figures put on a page, each for the edition in its language."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from analysis.catalogue import label
from analysis.report.figures.style import CONTENT_WIDTH_PIXELS, INKS, PALETTE, PHONE_WIDTH_PIXELS, figure_pngs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


STYLED_IN_JUPYTER = ".jp-RenderedHTML, .output_html"
PHONE_PNG = "application/vnd.workbook.phone+png"
"""Media type of a figure's narrow rendition; Jupyter, which does not know it, shows the wide one."""


@cache
def stylesheet() -> str:
    """The one style sheet of all pages."""
    return (files("analysis") / "report" / "template" / "page.css").read_text(encoding="utf-8")


def show_style() -> None:
    """Give tables, tiles and callouts their style in an open notebook; pages have their own."""
    from IPython.display import display

    colours = " ".join(f"--{name}: {colour};" for name, colour in {**PALETTE, **INKS}.items())
    on_screen = stylesheet().partition("/* Paper */")[0]
    css = f"<style>:root {{ {colours} }} @scope ({STYLED_IN_JUPYTER}) {{ {on_screen} }}</style>"
    display({"text/html": css}, raw=True, metadata={"workbook": {"role": "style"}})


def display_html(html: str, language: str) -> None:
    """Put a piece of markup on the page, for the edition in one language."""
    from IPython.display import display

    display({"text/html": str(html)}, raw=True, metadata={"workbook": {"language": language}})


def display_figure(
    figure: Figure, language: str, alt: str, *, title: str = "", note: str = "", message: str = ""
) -> None:
    """Put a figure on the page, wide and again drawn narrow for phones, and close it.

    Parameters
    ----------
    alt : str
        What the figure shows, in words, for those who do not see it.
    title, note : str
        Set in type above and below the figure; a figure's title does not belong inside it.
    message : str
        What to take from it, set above the title, which then only says what is drawn. It leads the alternative text.

    Raises
    ------
    ValueError
        When the alternative text is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in a sentence what it shows.")
    wide, narrow = figure_pngs(figure, language, [CONTENT_WIDTH_PIXELS, PHONE_WIDTH_PIXELS])
    plt.close(figure)
    data = {"image/png": base64.b64encode(wide).decode(), PHONE_PNG: base64.b64encode(narrow).decode()}
    shown = label("charts.alt", language, message=message, shown=alt.strip()) if message else alt.strip()
    about = {"language": language, "alt": shown, "title": title, "note": note, "message": message}
    display(data, raw=True, metadata={"workbook": about})
