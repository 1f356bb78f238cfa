"""No figure shows a box: every character drawn has an outline of its own in the fonts in use, looked up by another way.

The figures check themselves by the fonts' character maps; here the fonts are asked for each glyph's outline instead,
and that must not be the outline of ``.notdef``, the box.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

import analysis
from analysis.facts import NotMeasured
from analysis.report.figures import style

NOTEBOOKS = sorted((Path(__file__).resolve().parents[3] / "notebooks").glob("*.ipynb"))
COMPANIES = ("shop", "desk", "asked", "leaving", "seller")


def calls() -> list[str]:
    """Every figure of every page, as its notebook asks for it."""
    cells = (cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells)
    return [cell.source for cell in cells if cell.cell_type == "code" and cell.source.startswith("plot_")]


def draw(source: str, results: object, language: str) -> Figure | None:
    """The figure that a call of a notebook draws; None where there is nothing to draw for this company."""
    call = ast.parse(source).body[0].value
    plot = getattr(analysis, call.func.id)
    given = [argument.value for argument in call.args[1:]]
    named = {each.arg: each.value.value for each in call.keywords}
    with style.figure_style(language):
        figure, ax = plt.subplots(layout="none")
        drawn = plot(results, *given, **named, language=language, ax=ax)
    plt.close(figure)
    return None if isinstance(drawn, NotMeasured) else figure


def boxes(figure: Figure, language: str) -> set[str]:
    """Characters of the figure's texts that are drawn as the box of a font, or by no font at all."""
    texts = {text.get_text() for text in figure.findobj(Text) if text.get_visible()}
    signs = {sign for text in texts for sign in text if not sign.isspace()}
    fonts = [font_manager.findfont(family) for family in style.find_families(language)]
    return {sign for sign in signs if not any(has_outline(path, sign) for path in fonts)}


def has_outline(path: str, sign: str) -> bool:
    """Whether a font draws the character as something other than what it draws where it has nothing."""
    font = font_manager.get_font(path)
    box, glyph = outline(font, 0), outline(font, font.get_char_index(ord(sign)))
    return box.shape != glyph.shape or not np.array_equal(box, glyph)


def outline(font: object, index: int) -> np.ndarray:
    font.set_size(12, 72)
    font.load_glyph(index)
    return np.array(font.get_path()[0])


@pytest.fixture(scope="module")
def companies(request) -> list:
    return [request.getfixturevalue(name) for name in COMPANIES]


@pytest.fixture
def careless(monkeypatch) -> Iterator[None]:
    """Figures as if nobody minded missing glyphs."""
    from contextlib import nullcontext

    monkeypatch.setattr(style, "_make_drawable", lambda figure, language: None)
    monkeypatch.setattr(style, "_no_boxes", nullcontext)
    yield


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_figure_of_any_page_shows_a_box(companies, language):
    never_drawn = []
    for source in calls():
        figure = next(filter(None, (draw(source, company, language) for company in companies)), None)
        if figure is None:
            never_drawn.append(source)
            continue
        assert style.figure_png(figure, language)
        assert boxes(figure, language) == set(), source
    assert len(calls()) > 20
    assert never_drawn == [] or len(never_drawn) <= 6, (
        never_drawn
    )  # figures of models: these companies are small


@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_box_drawn_on_purpose_is_found(careless):
    with style.figure_style("zh"):
        figure = Figure()
        figure.subplots().set_xlabel("留 \U00010330")  # a Gothic letter
    assert style.figure_png(figure, "zh")
    assert boxes(figure, "zh") == {"\U00010330"}


def test_the_same_text_is_drawn_without_a_box_where_figures_mind():
    with style.figure_style("zh"):
        figure = Figure()
        figure.subplots().set_xlabel("留 \U00010330")
    assert style.figure_png(figure, "zh")
    assert boxes(figure, "zh") == set()
