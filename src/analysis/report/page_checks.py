"""Is a finished page as it should be: readable by everybody, sound, and closed to the world?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag

PAGE_BYTES_LIMIT = 2_000_000
EXTERNAL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?:ftp|file|javascript|vbscript):", re.IGNORECASE)
FETCHED_BY_STYLE = re.compile(r"url\((?!\s*['\"]?(?:data:|#))[^)]*\)|@import[^;]*", re.IGNORECASE)
FETCHING = (
    "src", "srcset", "href", "xlink:href", "poster", "data", "action", "formaction", "background", "ping",
)  # fmt: skip
FORBIDDEN = (
    "script", "iframe", "frame", "object", "embed", "link", "base", "form", "audio", "video", "noscript",
)  # fmt: skip


def read_page(html: str) -> BeautifulSoup:
    """A finished page, read once for whoever looks into it."""
    return BeautifulSoup(html, "html.parser")


def check_page(
    html: str, *, read: BeautifulSoup | None = None, bytes_limit: int | None = PAGE_BYTES_LIMIT
) -> list[str]:
    """What is wrong with a finished page, one sentence each; an empty list for a page fit to be sent.

    Looks at: language, title, one h1, levels of headings, alternative texts, captions and scopes of tables, summaries
    of fold-outs, ids used twice, links without words or to nowhere on the page, anything that would be fetched or run,
    the content security policy, a stack trace, size. Links between pages are `links.dead_links`' matter.
    `read` is the same page as ``read_page`` gives it, where somebody has read it before.
    """
    page = read or read_page(html)
    tags = page.find_all(True)
    problems = [
        *_check_frame(page, tags),
        *_check_pictures_and_tables(tags),
        *_check_structure(tags),
        *_check_anchors(tags),
        *check_isolation(tags),
    ]
    if "Traceback (most recent call last)" in html:
        problems.append("A stack trace reached the page.")
    return problems + (check_size(html, bytes_limit) if bytes_limit else [])


def check_size(html: str, bytes_limit: int = PAGE_BYTES_LIMIT) -> list[str]:
    """One sentence when a page is heavier than allowed, else none."""
    size = len(html.encode())
    if size <= bytes_limit:
        return []
    return [f"The page has {size / 1e6:.1f} MB; at most {bytes_limit / 1e6:.1f} MB are allowed."]


def _named(tags: Sequence[Tag], *names: str) -> Iterator[Tag]:
    return (tag for tag in tags if tag.name in names)


def _check_frame(page: BeautifulSoup, tags: Sequence[Tag]) -> list[str]:
    root, titles = page.find("html"), list(_named(tags, "h1"))
    policies = [tag.get("content", "") for tag in _equivalents(tags, "content-security-policy")]
    found = {
        "The html element has no lang.": not (isinstance(root, Tag) and root.get("lang", "").strip()),
        "The page has no title element.": not (page.title and page.title.get_text(strip=True)),
        f"The page has {len(titles)} h1 headings; it needs exactly one.": len(titles) != 1,
        "The page has no content security policy with default-src 'none'.": not any(
            "default-src 'none'" in policy for policy in policies
        ),
    }
    return [sentence for sentence, wrong in found.items() if wrong]


def _equivalents(tags: Sequence[Tag], header: str) -> Iterator[Tag]:
    """The meta elements that stand for an HTTP header."""
    return (tag for tag in _named(tags, "meta") if str(tag.get("http-equiv", "")).lower() == header)


def _check_pictures_and_tables(tags: Sequence[Tag]) -> list[str]:
    pictures, drawings = _named(tags, "img"), _named(tags, "svg")
    silent = [place for place, picture in enumerate(pictures, 1) if not picture.get("alt", "").strip()]
    mute = [place for place, drawing in enumerate(drawings, 1) if not _speaks_or_hides(drawing)]
    unscoped = [tag.get_text(" ", strip=True)[:40] for tag in _named(tags, "th") if not tag.get("scope")]
    unnamed = [table for table in _named(tags, "table") if not _words_of(table.find("caption"))]
    return [
        *(f"Picture {place} has no alternative text." for place in silent),
        *(f"Drawing {place} (svg) is neither labelled nor hidden." for place in mute),
        *(f"Table heading “{words}” has no scope." for words in unscoped),
        *("A table has no caption." for _ in unnamed),
    ]


def _speaks_or_hides(drawing: Tag) -> bool:
    return bool(drawing.get("aria-label", "").strip()) or drawing.get("aria-hidden") == "true"


def _words_of(tag: Tag | None) -> str:
    """What a reader sees or hears of an element."""
    if tag is None:
        return ""
    pictures = [picture.get("alt", "") for picture in tag.find_all("img")]
    return "".join([tag.get_text(), tag.get("aria-label", ""), *pictures]).strip()


def _check_structure(tags: Sequence[Tag]) -> list[str]:
    levels = [int(heading.name[1]) for heading in _named(tags, "h1", "h2", "h3", "h4", "h5", "h6")]
    steps = zip([1, *levels], levels, strict=False)
    mute = [fold for fold in _named(tags, "details") if not _words_of(fold.find("summary", recursive=False))]
    wordless = [link for link in _named(tags, "a") if link.get("href") and not _words_of(link)]
    others = [box for box in tags if "wb-languages" in box.get("class", ())]
    unsaid = [link for box in others for link in box.find_all("a") if "lang" not in link.attrs]
    return [
        *(f"A heading h{level} follows one of level {above}." for above, level in steps if level > above + 1),
        *("A fold-out has no summary to open it by." for _ in mute),
        *("A link has no words." for _ in wordless),
        *("A link to another language does not say which." for _ in unsaid),
    ]


def _check_anchors(tags: Sequence[Tag]) -> list[str]:
    names = Counter(tag["id"] for tag in tags if tag.get("id"))
    addresses = (str(link.get("href", "")) for link in _named(tags, "a"))
    targets = {unquote(address[1:]) for address in addresses if address.startswith("#") and address != "#"}
    return [
        *(f"The id “{name}” is used more than once." for name in sorted(names) if names[name] > 1),
        *(f"A link points to “#{name}”, which is not on the page." for name in sorted(targets - set(names))),
    ]


def check_isolation(tags: Sequence[Tag]) -> list[str]:
    """What of these elements would be fetched or run, or lead off the report; one sentence each."""
    problems = [f"The page holds a {tag.name} element." for tag in _named(tags, *FORBIDDEN)]
    for tag in tags:
        problems += [
            f"A {tag.name} element has the script attribute {name}."
            for name in tag.attrs
            if name.startswith("on")
        ]
        problems += [
            _address_problem(tag, name) for name in tag.attrs if name in FETCHING and _leaves(tag, name)
        ]
    styles = [sheet.get_text() for sheet in _named(tags, "style")] + [
        tag["style"] for tag in tags if tag.get("style")
    ]
    fetched = [match for style in styles for match in FETCHED_BY_STYLE.findall(style)]
    return [
        *problems,
        *(f"A style fetches {found[:60]}." for found in fetched),
        *("The page forwards its reader." for _ in _equivalents(tags, "refresh")),
    ]


def _leaves(tag: Tag, name: str) -> bool:
    """True for an address that is fetched or leads off the report; data, anchors, relative links stay."""
    address = str(tag[name]).strip()
    is_link = name == "href" and tag.name == "a"
    return bool(EXTERNAL.match(address)) or not (is_link or address.startswith(("data:", "#")))


def _address_problem(tag: Tag, name: str) -> str:
    return f"The {name} of a {tag.name} element leaves the page: {str(tag[name])[:60]}."
