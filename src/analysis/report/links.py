"""Links among the pages of a report: from a figure to its definition, its page, its row in the scorecard.

A part of a page does not know which other pages the run holds, so it links to a place by name alone:
``#definition-csat``. ``resolve`` finds the page that has the place when the pages are put together, and takes
a link off where no page has it; its text stays. ``dead_links`` is the proof that none is left.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from html import unescape
from urllib.parse import quote, unquote

from markupsafe import Markup

SCORECARD, ALL_DEFINITIONS = "scorecard", "data_quality"
TOP = "content"
"""The id every page's main part has."""

_LINK = re.compile(r"<a\b(?P<attributes>[^>]*)>(?P<text>.*?)</a>", re.DOTALL)
_ATTRIBUTE = re.compile(r'\s([a-z-]+)="([^"]*)"')
_ID = re.compile(r'<[a-z][a-z0-9]*\b[^>]*?\sid="([^"]*)"')


# --- names of places, and links to them -----------------------------------------------------------


def definition_id(metric_id: str) -> str:
    """The id of the place on a page where a metric is defined: ``definition-nps``, different for each metric.

    Letters, digits and underscores stay, a dot becomes a hyphen, anything else its number between tildes: what a
    metric is named after may come from data.
    """
    return f"definition-{_safe(metric_id)}"


def figure_id(metric_id: str) -> str:
    """The id of a metric's row in the scorecard's table."""
    return f"figure-{_safe(metric_id)}"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", lambda found: f"~{ord(found[0]):x}~", name).replace(".", "-")


def definition_href(metric_id: str) -> str:
    """The address of a metric's definition, to be resolved when the page is put together."""
    return f"#{definition_id(metric_id)}"


def to_definition(metric_id: str, text: str) -> Markup:
    """A metric's name as a link to its definition; the text is escaped unless it is markup."""
    return Markup('<a class="wb-kpi" href="{}">{}</a>').format(definition_href(metric_id), text)


def to_page(page_id: str, text: str, place: str = TOP, *, or_nothing: bool = False) -> Markup:
    """A link to a page of the run, or to a place on it; only the text where the run does not hold that.

    Parameters
    ----------
    or_nothing
        Leave out the text too, and the whole link on that very page: a mere pointer says nothing then.
    """
    pointer = Markup(' data-or="nothing"') if or_nothing else ""
    return Markup('<a href="#{}" data-page="{}"{}>{}</a>').format(place, page_id, pointer, text)


# --- when the pages are put together --------------------------------------------------------------


def resolve(
    body: str, page_id: str, ids_by_page: Mapping[str, Collection[str]], addresses: Mapping[str, str]
) -> Markup:
    """A page's body with every link leading to a place that the run holds, or taken off.

    A place on the page itself comes first, then the first page that has it, those that gather from others
    (all definitions, the scorecard) last. ``data-page`` asks for one page and no other. A link to a file that is
    no page of the run is taken off too.

    Parameters
    ----------
    body
        Finished markup, as a parser has written it: attributes in double quotes.
    ids_by_page
        The ids on every page of the run, in order.
    addresses
        The relative address of every page.
    """
    pages_by_address = {address: page for page, address in addresses.items()}

    def led(link: re.Match[str]) -> str:
        given = {name: unescape(text) for name, text in _ATTRIBUTE.findall(link["attributes"])}
        if "href" not in given:
            return link[0]
        page, _, place = given["href"].partition("#")
        wanted = given.get("data-page") or (pages_by_address.get(unquote(page), "?") if page else None)
        target = _find(unquote(place) or TOP, page_id, wanted, ids_by_page)
        if given.get("data-or") == "nothing" and target in (None, (page_id, TOP)):
            return ""
        if target is None:
            return link["text"]
        return f"<a{_attributes(given, _address(*target, page_id, addresses))}>{link['text']}</a>"

    return Markup(_LINK.sub(led, body))


def _find(
    place: str, page_id: str, wanted: str | None, ids_by_page: Mapping[str, Collection[str]]
) -> tuple[str, str] | None:
    """The page that has the place, and the place; None where the run does not hold it."""
    if wanted is not None:
        has_it = wanted in ids_by_page and (place == TOP or place in ids_by_page[wanted])
        return (wanted, place) if has_it else None
    gathering = (ALL_DEFINITIONS, SCORECARD)
    order = [page_id, *(page for page in ids_by_page if page not in gathering), *gathering]
    found = next((page for page in order if place in ids_by_page.get(page, ())), None)
    return None if found is None else (found, place)


def _address(page: str, place: str, page_id: str, addresses: Mapping[str, str]) -> str:
    if page == page_id:
        return f"#{quote(place, safe='')}"
    address = quote(addresses[page])
    return address if place == TOP else f"{address}#{quote(place, safe='')}"


def _attributes(given: Mapping[str, str], address: str) -> str:
    kept = {name: text for name, text in given.items() if name not in ("data-page", "data-or")} | {
        "href": address
    }
    return "".join(Markup(' {}="{}"').format(name, text) for name, text in kept.items())


# --- the proof ------------------------------------------------------------------------------------


def ids_in(html: str) -> set[str]:
    """Every id of a finished page."""
    return {unescape(name) for name in _ID.findall(html)}


def links_in(html: str) -> Iterator[str]:
    """The address of every link of a finished page, in order."""
    for link in _LINK.finditer(html):
        yield from (unescape(text) for name, text in _ATTRIBUTE.findall(link["attributes"]) if name == "href")


def dead_links(pages: Mapping[str, str], files: Collection[str] = ()) -> list[str]:
    """Links of a run's pages that lead to no page or to no place on one; one sentence each.

    Parameters
    ----------
    pages
        Finished HTML by its path in the run's folder: ``en/05_service.html``.
    files
        Paths of what else the folder holds.
    """
    ids = dict.fromkeys(files, frozenset()) | {path: ids_in(html) for path, html in pages.items()}
    found = [(path, address) for path, html in pages.items() for address in dict.fromkeys(links_in(html))]
    return [
        f"{path}: a link points to “{address}”, which the run does not hold."
        for path, address in found
        if not _leads_somewhere(path, address, ids)
    ]


def _leads_somewhere(path: str, address: str, ids: Mapping[str, Collection[str]]) -> bool:
    file, _, place = address.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(file))) if file else path
    return target in ids and (not place or unquote(place) in ids[target])
