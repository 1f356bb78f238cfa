"""The report on paper: what of its pages can be printed, and a browser that prints it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup

from analysis.report.html import LEGEND, PageLink, page_around
from analysis.report.verdicts_shown import verdict_badge
from analysis.report.words import label

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-pdf-header-footer", "--generate-pdf-document-outline", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a browser asks its maker for news: ours finds nobody
)  # fmt: skip
PRINT_SECONDS = 180


# --- what is printed ------------------------------------------------------------------------------


def paper_file(
    parts: Mapping[str, Tag], *, language: str, header: Mapping[str, Any], links: Sequence[PageLink] = ()
) -> str:
    """The whole report for the printer: a cover with the list of pages, then each page on a sheet of its own.

    What can only be unfolded on a screen is left out; definitions stay, and links to them lead there.

    Parameters
    ----------
    parts
        Every page as a section, as ``editions.bind`` gives it; changed.
    """
    for part in parts.values():
        _flatten(part)
    entries = Markup("").join(_entry(link) for link in links if link.page_id in parts)
    cover = Markup('<ol class="wb-index wb-cover-contents">{}</ol>{}').format(entries, _legend(language))
    body = cover + Markup("").join(Markup(str(part)) for part in parts.values())
    title = header.get("title") or label("report_title", language)
    return page_around(body, title=title, language=language, header=header, layout="paper")


def _entry(link: PageLink) -> Markup:
    return Markup(
        '<li><p class="wb-index-title"><a href="#{}">{}</a></p><p class="wb-index-summary">{}</p></li>'
    ).format(link.page_id, link.title, link.summary)


def _legend(language: str) -> Markup:
    signs = Markup(" ").join(
        Markup('<span class="wb-legend-item">{}</span>').format(verdict_badge(verdict, language))
        for verdict in LEGEND
    )
    return Markup('<p class="wb-legend"><strong>{}</strong>{}<br>{}</p>').format(
        label("legend", language), signs, label("legend_noise", language)
    )


def _flatten(part: Tag) -> None:
    """Chapters opened, other fold-outs out but the places they had; one rendition of each figure."""
    for fold in part.select("details.wb-fold"):
        if "wb-chapter" in fold["class"]:
            fold.name, fold.summary.name = "div", "p"
        elif fold.parent is not None:
            _keep_places(fold)
            fold.decompose()
    for narrow in part.select("picture > source"):
        narrow.decompose()


def _keep_places(fold: Tag) -> None:
    soup = BeautifulSoup("", "html.parser")
    for place in fold.find_all(id=True):
        fold.parent.insert(0, soup.new_tag("span", id=place["id"], attrs={"class": "wb-place"}))


# --- the printer ----------------------------------------------------------------------------------


def find_browser() -> str | None:
    """Path of a Chromium or Chrome on this machine, if there is one."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


class Printer:
    """Prints pages in the background, each by a browser of its own; a browser that is not needed any more is ended.

    Used as ``with Printer() as printer: …``; where that is left by an error, nothing is waited for.
    """

    def __init__(self, timeout_seconds: float = PRINT_SECONDS) -> None:
        self.timeout_seconds = timeout_seconds
        self._pool = ThreadPoolExecutor(2)
        self._running: set[subprocess.Popen[str]] = set()
        self._is_stopped = False
        self._lock = threading.Lock()

    def __enter__(self) -> Printer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with self._lock:
                self._is_stopped = True
                for browser in self._running:
                    _end(browser)
        self._pool.shutdown(cancel_futures=kind is not None)

    def submit(self, html: str, pdf_path: Path) -> Future[dict[str, Any]]:
        """Begin to print a page; the future tells as ``print_html`` does."""
        return self._pool.submit(self.print_html, html, pdf_path)

    def print_html(self, html: str, pdf_path: Path) -> dict[str, Any]:
        """Print a page: ``{"made": True, "seconds": …, "bytes": …}``, or ``{"made": False, "reason": …}``.

        The PDF is put in place only when whole. An absent or failing browser raises nothing: the PDF is an extra, and
        the reason is for the record.
        """
        began = time.monotonic()
        try:
            reason = _reason_against(html) or self._print_aside(html, pdf_path)
        except OSError as error:
            reason = f"The PDF could not be written: {error}"
        if reason:
            return {"made": False, "reason": reason}
        seconds = round(time.monotonic() - began, 2)
        return {"made": True, "seconds": seconds, "bytes": pdf_path.stat().st_size}

    def _print_aside(self, html: str, pdf_path: Path) -> str:
        """Print a page into place; an empty text when the PDF is there, else what went wrong."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            page, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
            page.write_text(html, encoding="utf-8")
            reason = self._print_page(page, made, Path(folder) / "profile")
            if not reason:
                shutil.move(made, pdf_path)
        return reason

    def _print_page(self, page: Path, made: Path, profile: Path) -> str:
        """Run the browser; an empty text when it has printed, else what went wrong."""
        command = [
            str(find_browser()), *BROWSER_FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={made}", page.as_uri(),
        ]  # fmt: skip
        try:
            browser = self._start(command)
        except OSError as error:
            return f"The browser could not be started: {error}"
        try:
            complaint = browser.communicate(timeout=self.timeout_seconds)[1]
        except subprocess.TimeoutExpired:
            _end(browser)
            return f"The browser had not printed the page after {self.timeout_seconds:g} seconds."
        finally:
            with self._lock:
                self._running.discard(browser)
        if made.is_file() and made.stat().st_size:
            return ""
        return f"The browser printed nothing (exit code {browser.returncode}): {complaint.strip()[-300:]}"

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        """A browser that is ended with the printer, whenever that is: it and its children are a group of their own."""
        with self._lock:
            if self._is_stopped:
                raise OSError("the run has been stopped")
            browser = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                start_new_session=True,
            )  # fmt: skip
            self._running.add(browser)
            return browser


def _end(browser: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()


def _reason_against(html: str) -> str:
    if find_browser() is None:
        return f"No browser to print with was found; install one of {', '.join(BROWSERS)}."
    language = re.search(r'<html[^>]*\blang="(\w+)', html[:500])
    if language and language[1] == "zh" and not _has_chinese_font():
        return "No system font holds Chinese, so the PDF would show boxes; on Debian install fonts-noto-cjk."
    return ""


def _has_chinese_font() -> bool:
    """Whether the system's fonts hold Chinese; taken as given where there is no fontconfig to ask."""
    lister = shutil.which("fc-list")
    if lister is None:
        return True
    asked = subprocess.run([lister, ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip())
