from __future__ import annotations

import re
from typing import Any

import pytest
from markupsafe import Markup

from analysis.report.html import PageLink, page_around
from analysis.report.page_checks import check_page


def finished(**options: Any) -> str:
    header = {"company": "Harbour & Field <Trading>", "period": "2026Q3", "run": "3f2a91c"}
    return page_around(Markup("<h2>A</h2><p>x</p>"), title="T", language="en", header=header, **options)


def test_a_finished_page_passes_and_fetches_nothing():
    page = finished(pages=[PageLink("a", "One", "a.html")], page_id="a")
    assert check_page(page) == []
    assert not re.search(r"https?:|//cdn|<script|mathjax", page, re.IGNORECASE)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('<html lang="en">', "<html>", "no lang"),
        ("</main>", "<h1>Two</h1></main>", "2 h1 headings"),
        ("</main>", '<img src="data:image/png;base64,AA==" alt=" "></main>', "Picture 1 has no alternative"),
        ("</main>", "<table><tr><th>Sum</th></tr></table></main>", "“Sum” has no scope"),
        ("</main>", "<svg></svg></main>", "neither labelled nor hidden"),
        ("</main>", "<h4>Deep</h4></main>", "A heading h4 follows one of level 2"),
        ("</main>", "<table><tr><td>1</td></tr></table></main>", "A table has no caption"),
        ("</main>", "<details><p>x</p></details></main>", "A fold-out has no summary"),
        ("</main>", "<details><p><summary>x</summary></p></details></main>", "A fold-out has no summary"),
        ("</main>", '<a href="#content"> </a></main>', "A link has no words"),
        ("</main>", '<p class="wb-languages"><a href="a.html">中文</a></p></main>', "does not say which"),
        ("</main>", "<script>1</script></main>", "holds a script element"),
        ("</main>", '<p onclick="x()">x</p></main>', "script attribute onclick"),
        ("</main>", '<a href="https://example.org">x</a></main>', "href of a a element leaves"),
        ("</main>", '<a href=" javascript:alert(1)">x</a></main>', "leaves the page"),
        ("</main>", '<img alt="x" src="//example.org/a.png"></main>', "src of a img element leaves"),
        ("</main>", '<img alt="x" src="picture.png"></main>', "src of a img element leaves"),
        ("</main>", '<img alt="x" src="data:," srcset="https://e.org/a 2x"></main>', "srcset of a img"),
        ("</main>", "<p style=\"background:url('https://example.org/a')\">x</p></main>", "style fetches"),
        ("</style>", "@import 'https://example.org/a.css';</style>", "style fetches"),
        ("</style>", "p { background: URL( a.png ) }</style>", "style fetches URL( a.png )"),
        ("</main>", '<p id="content">x</p></main>', "“content” is used more than once"),
        ("</main>", '<a href="#nowhere">x</a></main>', "“#nowhere”, which is not on the page"),
        ("</main>", "<pre>Traceback (most recent call last)</pre></main>", "stack trace"),
        ("default-src 'none'", "default-src *", "content security policy"),
        ("</head>", '<meta http-equiv="Refresh" content="0;url=x"></head>', "forwards its reader"),
        ("</head>", '<link rel="stylesheet" href="a.css"></head>', "holds a link element"),
    ],
)
def test_each_defect_of_a_page_is_found(old, new, problem):
    page = finished()
    assert old in page
    found = check_page(page.replace(old, new, 1))
    assert any(problem in sentence for sentence in found), found


@pytest.mark.parametrize(
    "name", ["iframe", "frame", "object", "embed", "base", "form", "audio", "video", "noscript"]
)
def test_no_element_that_loads_or_sends_something_is_left_in_a_page(name):
    found = check_page(finished().replace("</main>", f"<{name}></{name}></main>"))
    assert f"The page holds a {name} element." in found


@pytest.mark.parametrize("attribute", [
    'poster="a.png"', 'data="a.svg"', 'action="send"', 'formaction="send"', 'background="a.png"', 'ping="/seen"',
    'xlink:href="a.svg#x"', 'href="a.html"',
])  # fmt: skip
def test_no_attribute_that_is_fetched_leads_to_a_file_but_a_links_own(attribute):
    found = check_page(finished().replace("</main>", f"<p {attribute}>x</p></main>"))
    assert any("of a p element leaves the page" in sentence for sentence in found)


@pytest.mark.parametrize("part", [
    '<a href="other.html#place">x</a>', '<a href="#">to the top</a>', '<svg aria-label="Trend"></svg>',
    '<svg aria-hidden="true"><use href="#mark"></use></svg>', '<img alt="Trend" src="data:image/png;base64,AA==">',
    '<a href="a.html"><img alt="Trend" src="data:,"></a>', '<a href="a.html" aria-label="Trend"></a>',
    "<h3>B</h3><h4>C</h4><h5>D</h5><h6>E</h6><h2>F</h2>", "<p style=\"background:url('data:,')\">x</p>",
    '<p style="background:url( data:, ); fill:url(#mark)">x</p>',
])  # fmt: skip
def test_what_a_page_may_hold_is_no_problem(part):
    assert check_page(finished().replace("</main>", f"{part}</main>")) == []


def test_a_language_of_blanks_is_none_and_a_heading_of_the_sixth_level_is_one():
    assert "The html element has no lang." in check_page(finished().replace('lang="en"', 'lang=" "', 1))
    deep = check_page(finished().replace("</main>", "<h6>x</h6></main>"))
    assert deep == ["A heading h6 follows one of level 2."]


def test_a_page_over_budget_is_found():
    page = finished().replace("</main>", f"<p>{'x ' * 1_050_000}</p></main>")
    assert check_page(page) == ["The page has 2.1 MB; at most 2.0 MB are allowed."]
    assert check_page(page, bytes_limit=None) == []
