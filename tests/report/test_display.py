"""Pieces put on a page."""

from __future__ import annotations

import base64

import pandas as pd
import pytest

from analysis.report.display import PHONE_PNG, display_figure, display_html, show_style
from analysis.report.figures.style import figure_style
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html


@pytest.fixture
def published(monkeypatch):
    """What has been put on the page: pairs of data and metadata."""
    seen = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, *, raw, metadata: seen.append((data, metadata))
    )
    return seen


def test_pieces_are_tagged_with_their_language(published):
    display_html(callout("x", "zh"), "zh")
    rows = pd.DataFrame({"name": ["a"]})
    display_html(table_html(rows, [Column("name", "Name")], caption="c", language="en"), "en")
    assert [metadata for _, metadata in published] == [
        {"workbook": {"language": "zh"}},
        {"workbook": {"language": "en"}},
    ]
    assert all(type(data["text/html"]) is str for data, _ in published)


def test_a_figure_is_published_wide_and_narrow_then_closed(published):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with figure_style("en"):
        figure, axes = plt.subplots()
        axes.plot([1, 2])
    display_figure(figure, "en", "A line that rises.", title="It rises", note="Two points.")
    [(data, metadata)] = published
    assert metadata == {
        "workbook": {
            "language": "en",
            "alt": "A line that rises.",
            "title": "It rises",
            "note": "Two points.",
            "message": "",
        }
    }
    widths = [int.from_bytes(base64.b64decode(data[media])[16:20]) for media in ("image/png", PHONE_PNG)]
    assert widths == [1440, 960]
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize(("language", "told"), [("en", "It fell. A line."), ("zh", "It fell。A line.")])
def test_the_message_of_a_figure_leads_its_alternative_text(published, language, told):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with figure_style("en"):
        figure, _ = plt.subplots()
    display_figure(figure, language, "A line.", title="Retention", message="It fell")
    [(_, metadata)] = published
    assert metadata["workbook"]["alt"] == told and metadata["workbook"]["message"] == "It fell"


def test_a_figure_without_alternative_text_is_refused(published):
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="alternative text"):
        display_figure(Figure(), "en", "  ")
    assert published == []


def test_the_style_for_jupyter_is_marked_as_such_and_scoped(published):
    show_style()
    [(data, metadata)] = published
    assert metadata == {"workbook": {"role": "style"}}
    assert "@scope" in data["text/html"] and "@page" not in data["text/html"]
