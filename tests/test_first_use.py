"""What the README and the guides tell a newcomer to type is done as it stands there; what they quote is said."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook
from typer.main import get_command
from typer.testing import CliRunner

from analysis.catalogue import Metric
from analysis.cli import app
from analysis.params import Settings, load_params

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
GUIDES = sorted((PROJECT / "docs").glob("*.md"))
DOCUMENTS = [README, PROJECT / "CONTRIBUTING.md", PROJECT / "data" / "README.md", *GUIDES]
OWN_DATA = {"en": PROJECT / "docs" / "own-data.md", "zh": PROJECT / "docs" / "own-data.zh.md"}
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: Path, kind: str | None = None, below: str = "") -> list[str]:
    """The fenced blocks of a document, of one kind, below a heading."""
    text = document.read_text(encoding="utf-8")
    found = FENCE.findall(text[text.index(below) :] if below else text)
    return [body for name, body in found if kind is None or name == kind]


def commands_in(text: str) -> list[str]:
    """The lines of a block that call the workbook, without what is said beside them."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    calls = re.compile(r"^\s*(?:\$ )?(?:[\w./-]*/)?workbook\s")
    return [re.sub(r"\s{2,}#.*|\s+>\s.*", "", line).strip() for line in lines if calls.match(line)]


# --- Commands -------------------------------------------------------------------------------------------------


def named_in(document: Path) -> Iterator[list[str]]:
    """The words of every call of the workbook in a document: typed in a block, or named in a sentence or a table."""
    text = document.read_text(encoding="utf-8")
    for line in (line for body in blocks(document) for line in commands_in(body)):
        yield shlex.split(line)[1:]
    prose = FENCE.sub("", text)
    for span in re.findall(r"`(?:\.venv/bin/)?workbook ([^`]+)`", prose):
        yield re.sub(r"[\[\]]", " ", span.replace("\\|", "|")).replace("…", " ").split()


@each_document
def test_every_command_and_option_named_is_there(document):
    known = get_command(app).commands
    for words in named_in(document):
        name, *rest = words
        if not re.fullmatch("[a-z]+", name):
            continue  # a placeholder, such as COMMAND
        assert name in known, words
        options = {text for one in known[name].params for text in (*one.opts, *one.secondary_opts)}
        given = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert given <= options | {"--help"}, words


@each_document
def test_every_command_that_is_typed_out_is_understood(document):
    known = get_command(app).commands
    for body in blocks(document):
        for words in (shlex.split(line)[1:] for line in commands_in(body)):
            if any(re.fullmatch(r"[A-Z_]{3,}|\$.*|.*…", word) for word in words):
                continue  # to be filled in
            known[words[0]].make_context(words[0], words[1:])  # refuses what it does not know


@each_document
def test_every_file_linked_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    assert [link for link in links if not (document.parent / link).exists()] == []
    anchors = {name.lower().replace(" ", "-") for name in re.findall(r"^#+ (.+)", text, re.MULTILINE)}
    assert [a for a in re.findall(r"\]\(#([^)]+)\)", text) if a not in anchors] == []


def test_the_index_lists_every_guide():
    text = (PROJECT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in GUIDES if path.name != "README.md" and f"({path.name})" not in text] == []


@pytest.mark.parametrize("name", ["own-data", "own-page", "own-metric", "spark"])
def test_a_guide_begins_with_what_it_says_in_chinese(name):
    text = (PROJECT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(r"^\*\*摘要\*\*：", "\n".join(text.splitlines()[:4]), re.MULTILINE)


# --- Settings -------------------------------------------------------------------------------------------------


@each_document
def test_every_block_of_settings_can_be_used(document, tmp_path):
    for number, body in enumerate(blocks(document, "yaml")):
        found = yaml.safe_load(body)
        if isinstance(found, list):
            assert [Metric(family="loyalty", **record).id for record in found]
        elif set(found) & set(Settings.model_fields) and found != OF_THE_METRIC_TO_COME:
            file = tmp_path / "params" / f"block{number}.yml"
            file.parent.mkdir(exist_ok=True)
            missing = "".join(f"{line}\n" for key, line in _GIVEN.items() if key not in found)
            file.write_text(missing + body, encoding="utf-8")
            assert set(found) <= set(load_params(file).settings.model_dump())


OF_THE_METRIC_TO_COME = {"variants": {"large_order_share": "very_large"}}
_GIVEN = {"company": "company: Test", "currency": "currency: EUR"}


def test_a_metric_may_be_measured_by_the_variant_of_the_guide_once_it_is_there():
    record = yaml.safe_load(blocks(PROJECT / "docs" / "own-metric.md", "yaml")[0])[0]
    [chosen] = [yaml.safe_load(b)["variants"] for b in blocks(PROJECT / "docs" / "own-metric.md", "yaml")[1:]]
    assert chosen == {record["id"]: "very_large"} == OF_THE_METRIC_TO_COME["variants"]
    assert Metric(family="loyalty", **record).under("very_large").of == "net_amount >= 200"


# --- Errors, as they are quoted -------------------------------------------------------------------------------

HEADER = "order_id,customer_id,ordered_at,amount,status,currency,channel,category\n"
GOOD = HEADER + "1,ann,2026-04-02,120.00,,,,\n2,bob,2026-04-17,75.50,,,,\n"
CHECK = ["check", "--params", "params/mycompany.yml"]
EARLY = ["run", "--params", "params/mycompany.yml", "--period", "2024Q1"]

ERRORS = {  # what is quoted: the file of orders (None: taken away), what is changed in the settings, what is typed
    "put the file there, or name the right one at tables.orders.file": (None, (), CHECK),
    "columns named at tables.orders.columns are not in the file": ("no,who,day,sum\n1,a,2026-04-02,9\n", (), CHECK),
    "cannot be read as utf-8; the file looks like gb18030 or cp1252": (
        "订单编号,客户,日期,金额\n1,甲,2026-04-02,9\n".encode("gbk"), (), CHECK,
    ),
    "ordered_at does not read as the number or date it should be": (GOOD.replace("2026-04-", "04/"), (), CHECK),
    "amount does not read as the number or date it should be": (
        GOOD.replace("120.00", '"1.120,00"').replace("75.50", '"75,50"'), (), CHECK,
    ),
    "currency is not the company's own, so its money cannot be added up": (
        GOOD.replace(",,,,\n", ",,USD,,\n"), (), CHECK,
    ),
    "The key of this row of orders was there before, with other content": (GOOD.replace("\n2,", "\n1,"), (), CHECK),
    "more than one column is called": (GOOD.replace("channel", "status"), (), CHECK),
    "opens a quotation mark that is never closed": (GOOD.replace("75.50", '"75.50'), (), CHECK),
    "there is no such setting; did you mean 'currency'?": (GOOD, ("currency: EUR", "curency: EUR"), CHECK),
    "is not readable YAML": (GOOD, ("    file: data", "   file: data"), CHECK),
    "has no data: they begin on": (GOOD, (), EARLY),
}  # fmt: skip


def quoted(language: str) -> list[str]:
    """The messages in the first column of the table of errors; of one in several parts, the last."""
    heading = {"en": "## Errors, and their cure", "zh": "## 常见错误与处理"}[language]
    text = OWN_DATA[language].read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text[text.index(heading) :], re.MULTILINE)
    return [re.findall("`([^`]+)`", row)[-1] for row in rows]


def test_both_languages_list_the_same_errors():
    assert quoted("en") == quoted("zh") == list(ERRORS)


@pytest.mark.parametrize("message", ERRORS)
def test_an_error_says_what_the_guide_quotes(message, tmp_path, monkeypatch):
    orders, changed, words = ERRORS[message]
    monkeypatch.chdir(tmp_path)
    call("new", "mycompany")
    file, params = Path("data/mycompany/orders.csv"), Path("params/mycompany.yml")
    if orders is None:
        file.unlink()
    else:
        file.write_bytes(orders if isinstance(orders, bytes) else orders.encode())
    if changed:
        params.write_text(params.read_text(encoding="utf-8").replace(*changed), encoding="utf-8")
    assert message in call(*words, code=2)


def call(*words: str, code: int = 0) -> str:
    outcome = CliRunner().invoke(app, list(words))
    assert outcome.exit_code == code, outcome.output
    assert "Traceback" not in outcome.output
    return outcome.output


# --- The five minutes, as they are written --------------------------------------------------------------------


def typed(folder: Path, line: str, source: Path = PROJECT / "src") -> str:
    """A line of a document typed in a folder, the environment's workbook in place of `.venv/bin/workbook`."""
    program = f"{shlex.quote(sys.executable)} -m analysis.cli"
    command = re.sub(r"^(?:\.venv/bin/)?workbook", lambda _: program, line)
    assert command != line, line
    environment = os.environ | {"PYTHONPATH": str(source), "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> tuple[Path, list[str]]:
    """A folder in which the README's five minutes were done to the letter, and what each command said."""
    folder = tmp_path_factory.mktemp("newcomer")
    sales, commands = blocks(README, "", below="## Your own data")[:2]
    (folder / "exports").mkdir()
    (folder / "exports" / "sales.csv").write_text(sales, encoding="utf-8")
    return folder, [typed(folder, line) for line in commands_in(commands)]


@pytest.mark.slow
def test_five_minutes_lead_from_own_files_to_a_report(begun):
    folder, (begins, checked, made) = begun
    assert "exports/sales.csv: read as orders (Orders)" in begins and "customer_id ← Customer" in begins
    assert checked.splitlines()[-1].endswith("run --params params/mycompany.yml --period 2026Q3")
    report = folder / "reports" / "mycompany" / "2026Q3"
    assert str(report / "en" / "index.html") in made.splitlines()
    kpis = pd.read_csv(report / "kpis.csv").query("period == '2026Q3' and variant == 'default' and by.isna()")
    found = kpis.set_index("metric")["value"]
    assert (
        found["revenue"] == 60 + 35 + 110
    )  # one of the quarter's four orders was called off; the total is none
    assert found["orders"] == 3
    assert load_params(folder / "params" / "mycompany.yml").settings.currency == "USD"


@pytest.mark.slow
def test_a_page_of_ones_own_is_made_as_its_guide_says(begun):
    folder = begun[0]
    guide = PROJECT / "docs" / "own-page.md"
    parameters, *cells = blocks(guide, "python")
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook = new_notebook(cells=[first, *map(new_code_cell, cells)], metadata={"kernelspec": kernel})
    settings = blocks(guide, "yaml")[0]
    file = folder / yaml.safe_load(settings)["own_pages"][0]["notebook"]
    file.parent.mkdir(parents=True)
    nbformat.write(notebook, file)
    with (folder / "params" / "mycompany.yml").open("a", encoding="utf-8") as params:
        params.write("\n" + settings)
    assert "a page of your own" in typed(folder, ".venv/bin/workbook check --params params/mycompany.yml")
    for line in commands_in("\n".join(blocks(guide, ""))):
        typed(folder, line)
    made = folder / "reports" / "mycompany" / "2026Q3-pages"
    for language, title in (("en", "Regions"), ("zh", "地区")):
        page = BeautifulSoup((made / language / "regions.html").read_text(encoding="utf-8"), "html.parser")
        assert title in page.find("title").get_text()
        assert "205" in page.find("main").get_text()  # the quarter's revenue: not that of the demo company
        assert page.find("main").find("img", alt=True)
    english = (made / "en" / "regions.html").read_text(encoding="utf-8")
    assert "Customers by their chance of still being one." in english


@pytest.mark.slow
def test_a_metric_of_ones_own_is_added_as_its_guide_says(begun, tmp_path):
    guide = PROJECT / "docs" / "own-metric.md"
    for name in ("src", "notebooks", "params"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params/mycompany.yml", "exports/sales.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(begun[0] / name, tmp_path / name)
    record, target = (
        blocks(guide, "yaml")[0],
        re.search(r"`(src/\S+\.yml)`", guide.read_text(encoding="utf-8")),
    )
    with (tmp_path / target[1]).open("a", encoding="utf-8") as family:
        family.write(record)
    said = [typed(tmp_path, line, tmp_path / "src") for line in commands_in("\n".join(blocks(guide, "")))]
    kpis, by_band, explained, _ = said
    assert re.search(r"^large_order_share +33\.3% .* 3$", kpis, re.MULTILINE)  # 110 of 60, 35 and 110
    assert re.search(r"^ +\.very_large +0\.0% ", kpis, re.MULTILINE)
    assert "value_band" in by_band or "large_order_share" in by_band
    assert "net_amount >= 100" in explained
    page = tmp_path / "reports" / "mycompany" / "2026Q3-pages" / "{}" / "03_retention.html"
    for language, name in (("en", "Share of large orders"), ("zh", "大额订单占比")):
        assert name in Path(str(page).format(language)).read_text(encoding="utf-8")
    _test_it(tmp_path, blocks(guide, "python")[0])


def _test_it(folder: Path, line: str) -> None:
    """The guide's last step: the line goes into the test's list, and the test passes."""
    for name in ("tests/conftest.py", "tests/metrics/test_measure.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    test = folder / "tests" / "metrics" / "test_measure.py"
    text, place = test.read_text(encoding="utf-8"), '        ("revenue", "default",'
    test.write_text(text.replace(place, line + place, 1), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*words, "-k", "large_order_share", str(test)], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
    )  # fmt: skip
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
