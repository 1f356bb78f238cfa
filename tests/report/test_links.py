from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from analysis.catalogue import load_catalogue
from analysis.report import links

ADDRESSES = {
    "scorecard": "01_a.html",
    "service": "05_b.html",
    "value": "06 c.html",
    "data_quality": "10_d.html",
}
CSAT, NPS, CES, GONE = (links.definition_id(name) for name in ("csat", "nps", "ces", "gone"))
IDS = {
    "scorecard": {CSAT, NPS, links.figure_id("csat")}, "service": {CSAT, "speed"}, "value": {"speed"},
    "data_quality": {CSAT, NPS, CES},
}  # fmt: skip


def resolved(body: str, page: str = "value") -> str:
    # "seen" stands on a page of the company's own, the last one, and where all are gathered.
    seen = links.definition_id("seen")
    ids = {**IDS, "data_quality": IDS["data_quality"] | {seen}, "own": {seen}}
    return str(links.resolve(body, page, ids, ADDRESSES | {"own": "12_e.html"}))


# --- names ----------------------------------------------------------------------------------------


def test_a_definition_has_a_readable_id():
    assert links.definition_id("stage_conversion_rate.offer") == "definition-stage_conversion_rate-offer"
    assert links.definition_id("csat.物流") == "definition-csat-~7269~~6d41~"


def test_ids_differ_for_every_metric_and_are_plain_whatever_a_metric_is_named_after():
    named_after_data = [
        "m.a b",
        "m.a.b",
        "m.a-b",
        "m.a~b",
        "m.<script>",
        'm."',
        "m.a_b",
        "m.A_b",
        "m.a~20~b",
        "m.=1",
    ]
    names = [*load_catalogue().metrics, *named_after_data]
    ids = [links.definition_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert all(re.fullmatch(r"definition-[A-Za-z0-9_~-]+", name) for name in ids)


# --- resolving ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "page", "leads_to"),
    [
        ("csat", "scorecard", f"#{CSAT}"),  # the page's own definition
        ("csat", "value", f"05_b.html#{CSAT}"),  # the page of its family, not those that gather from others
        ("nps", "value", f"10_d.html#{NPS}"),  # every definition before the scorecard's few
        ("ces", "scorecard", f"10_d.html#{CES}"),
        # a later page all the same before the one with every definition
        ("seen", "value", "12_e.html#definition-seen"),
    ],
)
def test_a_figure_leads_to_the_nearest_definition(metric, page, leads_to):
    link = BeautifulSoup(resolved(links.to_definition(metric, "A <b>"), page), "html.parser").a
    assert (link["href"], link["class"], link.get_text()) == (leads_to, ["wb-kpi"], "A <b>")


def test_what_no_page_defines_is_not_a_link_but_keeps_its_words():
    assert resolved(f"<th>{links.to_definition('gone', 'Gone <i>')}</th>") == "<th>Gone &lt;i&gt;</th>"


def test_a_link_to_one_page_goes_there_or_nowhere():
    to_row = links.to_page("scorecard", "row", links.figure_id("csat"))
    assert resolved(to_row) == '<a href="01_a.html#figure-csat">row</a>'
    assert resolved(links.to_page("scorecard", "row", links.figure_id("nps"))) == "row"
    assert resolved(links.to_page("service", "Service")) == '<a href="05_b.html">Service</a>'
    assert resolved(links.to_page("acquisition", "Winning")) == "Winning"
    # The page's own definition is not asked for where another page's is.
    assert (
        resolved(links.to_page("data_quality", "all", CSAT), "service")
        == f'<a href="10_d.html#{CSAT}">all</a>'
    )
    assert resolved(links.to_page("value", "top"), "value") == '<a href="#content">top</a>'


def test_a_pointer_with_nowhere_to_point_leaves_nothing():
    def pointer(page: str, place: str = links.TOP) -> str:
        return resolved(links.to_page(page, "there", place, or_nothing=True), "service")

    assert pointer("acquisition") == pointer("value", "gone") == ""
    assert pointer("service") == ""  # the reader is there
    assert pointer("service", "speed") == '<a href="#speed">there</a>'
    assert pointer("value") == '<a href="06%20c.html">there</a>'


def test_addresses_in_prose_lead_to_pages_of_the_run_or_are_taken_off():
    assert resolved('<a href="05_b.html">x</a>') == '<a href="05_b.html">x</a>'
    assert resolved('<a href="05_b.html#speed">x</a>') == '<a href="05_b.html#speed">x</a>'
    assert resolved('<a href="06%20c.html#speed">x</a>', "service") == '<a href="06%20c.html#speed">x</a>'
    assert resolved('<a href="05_b.html#gone">x</a> <a href="../docs/y.md"><b>y</b></a>') == "x <b>y</b>"
    assert resolved("<a name='no address'>x</a>") == "<a name='no address'>x</a>"


# --- the proof ------------------------------------------------------------------------------------


def test_dead_links_are_named():
    pages = {
        "en/a.html": '<h2 id="x">X</h2><a href="#x">1</a><a href="b%20c.html#y">2</a><a href="../zh/a.html">3</a>',
        "en/b c.html": '<p class="k" id="y">Y</p><a href="a.html#z">4</a><a href="#nowhere">5</a>',
        "zh/a.html": '<a class="wb-kpi" href="b%20c.html">6</a><a href="https://example.org/">7</a>',
    }
    assert links.dead_links(pages) == [
        "en/b c.html: a link points to “a.html#z”, which the run does not hold.",
        "en/b c.html: a link points to “#nowhere”, which the run does not hold.",
        "zh/a.html: a link points to “b%20c.html”, which the run does not hold.",
        "zh/a.html: a link points to “https://example.org/”, which the run does not hold.",
    ]


def test_a_link_to_a_file_of_the_run_is_alive_and_to_a_place_in_it_is_not():
    pages = {
        "en/a.html": '<a href="../workbook.xlsx">1</a><a href="../workbook.xlsx#x">2</a><a href="b.csv">3</a>'
    }
    assert links.dead_links(pages, ["workbook.xlsx", "b.csv"]) == [
        f"en/a.html: a link points to “{address}”, which the run does not hold."
        for address in ("../workbook.xlsx#x", "b.csv")
    ]


def test_resolving_leaves_no_dead_link():
    bodies = {
        page: "".join(
            [*(f'<p id="{name}">.</p>' for name in sorted(IDS[page])),
             *(links.to_definition(name, name) for name in ("csat", "nps", "ces", "gone")),
             *(links.to_page(other, other, place) for other in [*ADDRESSES, "none"] for place in ("content", "speed"))]
        )
        for page in ADDRESSES
    }  # fmt: skip
    pages = {
        ADDRESSES[page]: f'<main id="content">{resolved(body, page)}</main>' for page, body in bodies.items()
    }
    assert links.dead_links(pages) == []
    unresolved = {ADDRESSES[page]: f'<main id="content">{body}</main>' for page, body in bodies.items()}
    assert len(links.dead_links(unresolved)) > 10  # so that the proof can fail
