"""A letter as HTML."""

from __future__ import annotations

from analysis.delivery.letter_html import html_of
from analysis.delivery.letter_parts import Cell, Heading, Point, Points, Table


def test_every_text_is_escaped_where_it_stands():
    table = Table(("<k3>",), ((Cell("<k4>", remark="<k5>"),),), "<k6>")
    parts = [Heading("<k0>"), Points((Point("<k1>", "worse", "<k2>"),)), table]
    html = html_of(parts, language="en", title="<k7>", preheader="<k8>")
    for place in range(9):
        assert f"<k{place}>" not in html and f"&lt;k{place}&gt;" in html
