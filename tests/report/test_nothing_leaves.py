"""No page of a report fetches anything: seen in the network log of a real browser, which would show it if one did."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.report.editions import BROWSER_FLAGS, BoundPage, find_browser, write_editions
from analysis.report.explanations_shown import Explanation, how_computed
from analysis.report.html import PageLink, page_body
from analysis.report.links import definition_id, to_definition
from analysis.report.tables_shown import Column, table_html

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on this machine"),
]
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
HEADER = {"company": "Harbour & Field", "period": "2026Q3", "run": "3f2a91c"}


class Listener(ThreadingHTTPServer):
    """A server on loopback that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(answer) -> None:
                self.asked.append(answer.path)
                answer.send_response(204)
                answer.end_headers()

            def log_message(answer, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Answer)

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def fetched(pages: list[Path], folder: Path) -> list[str]:
    """What pages, opened beside each other in a browser, ask for, by its network log; its own errands aside."""
    folder.mkdir()
    frame, log = folder / "frame.html", folder / "net.json"
    frame.write_text("".join(f'<iframe src="{page.as_uri()}"></iframe>' for page in pages), encoding="utf-8")
    command = [
        find_browser(), *BROWSER_FLAGS, LOOPBACK_ONLY, f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}", "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.count("<iframe") == len(pages)
    told = json.loads(log.read_text(encoding="utf-8"))
    start = told["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    begun = [
        event["params"]
        for event in told["events"]
        if event["type"] == start and "url" in event.get("params", {})
    ]
    of_pages = [request for request in begun if request.get("initiator") != "not an origin"]
    return [request["url"] for request in of_pages if not request["url"].startswith(("file:", "data:"))]


def _cells() -> list[NotebookNode]:
    rows = pd.DataFrame(
        {"name": ["<b>CSAT</b>"], "href": ["#" + definition_id("csat")], "trend": [[1.0, 2.0]]}
    )
    columns = [Column("name", "Metric", link_from="href"), Column("trend", "Trend", shown_as="sparkline")]
    table = table_html(rows, columns, caption="Figures", language="en")
    fold = how_computed([Explanation("CSAT", sql="select 1", place=definition_id("csat"))], "en")
    about = {"workbook": {"language": "en", "alt": "A dot."}}
    shown = [
        new_output("display_data", {"text/html": str(table + fold + to_definition("csat", "CSAT"))}),
        new_output("display_data", {"image/png": PNG}, metadata=about),
    ]
    return [
        new_markdown_cell("# Title\n\n[Paper](https://example.org/a)"),
        new_code_cell("show()", execution_count=1, outputs=shown),
    ]


@pytest.fixture
def report(tmp_path: Path) -> list[Path]:
    """Every page of a small run, in both editions, and the whole report in one file."""
    pages = []
    for name in ("scorecard", "service"):
        body = page_body(new_notebook(cells=_cells()), language="en")
        pages.append(
            BoundPage(
                name, f"notebooks/{name}.ipynb", {"en": PageLink(name, name, f"{name}.html")}, {"en": body}
            )
        )
    write_editions(tmp_path / "run", pages, {"en": HEADER}, has_pdf=False)
    return sorted((tmp_path / "run").rglob("*.html"))


def test_no_page_of_a_report_asks_for_anything(report, tmp_path):
    assert len(report) == 7  # two pages and an index in two editions, and the one file
    assert fetched(report, tmp_path / "browser") == []


def test_a_page_that_did_fetch_would_be_caught_and_is_held_back_by_its_policy(report, listener, tmp_path):
    page = next(path for path in report if path.name == "service.html").read_text(encoding="utf-8")
    planted = page.replace("</main>", f'<img alt="x" src="{listener.address("planted.png")}"></main>')
    guarded, bare = tmp_path / "guarded.html", tmp_path / "bare.html"
    guarded.write_text(planted, encoding="utf-8")
    bare.write_text(planted.replace("Content-Security-Policy", "X-No-Policy"), encoding="utf-8")

    assert fetched([guarded], tmp_path / "first") == []
    assert listener.asked == []
    assert fetched([bare], tmp_path / "second") == [listener.address("planted.png")]
    assert listener.asked == ["/planted.png"]
