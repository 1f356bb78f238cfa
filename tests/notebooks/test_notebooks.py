"""The pages' notebooks keep their rules, read off the files, and come out whole through the real renderer."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
from calendar import month_abbr, month_name
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

import analysis
from analysis.catalogue import Page, load_catalogue

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PAGES = load_catalogue().pages.values()
OF_THE_DEMO = {page.id for page in PAGES if page.needs_any and "orders" not in page.needs_any}  # CDNOW has orders alone
LANGUAGES = ("en", "zh")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PARAMETERS = 'period = "2026Q3"\nparams = "params/demo.yml"'
SET_UP = "results = measure_suite(open_book(params, period))"
LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While, ast.If,
    ast.IfExp, ast.Match, ast.Try, ast.TryStar, ast.With, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.BoolOp, ast.BinOp, ast.Compare, ast.NamedExpr, ast.AugAssign, ast.Delete, ast.Raise,
    ast.Assert,
)  # fmt: skip
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
in_each_language = pytest.mark.parametrize("language", LANGUAGES)


def read(page: Page) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / page.notebook, as_version=nbformat.NO_CONVERT)


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def code_cells(page: Page) -> list[NotebookNode]:
    return [cell for cell in read(page).cells if cell.cell_type == "code"]


def calls(page: Page) -> list[NotebookNode]:
    """The cells after the parameters and the set-up."""
    return code_cells(page)[2:]


def texts(page: Page, language: str) -> list[NotebookNode]:
    return [cell for cell in read(page).cells if f"lang-{language}" in tags(cell)]


# --- 1. The order of a page -----------------------------------------------------------------------


@each_page
@in_each_language
def test_a_page_begins_with_its_title_and_the_question_it_answers(page, language):
    first = read(page).cells[LANGUAGES.index(language)]
    assert tags(first) == [f"lang-{language}"]
    assert first.source == f"# {page.title.in_(language)}\n\n{page.question.in_(language)}"


@each_page
def test_then_come_the_parameters_and_one_set_up_cell(page):
    kinds = [cell.cell_type for cell in read(page).cells[:4]]
    assert kinds == ["markdown", "markdown", "code", "code"]
    imports, measuring = ast.parse(code_cells(page)[1].source).body
    assert isinstance(imports, ast.ImportFrom)
    assert (imports.module, imports.level) == ("analysis", 0)
    assert ast.unparse(measuring) == SET_UP


@each_page
def test_the_set_up_imports_what_the_page_uses_and_no_more(page):
    imports = ast.parse(code_cells(page)[1].source).body[0]
    named = [alias.name for alias in imports.names]
    used = [node.id for cell in calls(page) for node in ast.walk(ast.parse(cell.source)) if _is_name(node)]
    assert named == sorted({"measure_suite", "open_book", *used})
    assert not [alias.name for alias in imports.names if alias.asname]


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id != "results"


@each_page
def test_every_text_leads_to_a_call(page):
    kinds = "".join("t" if cell.cell_type == "markdown" else "c" for cell in read(page).cells[2:])
    assert re.fullmatch("cc(c*)(ttc+)+", kinds), kinds  # a text is two cells, one in each language


@each_page
def test_the_definitions_come_last(page):
    last = calls(page)[-1].source
    assert last == f'show_definitions(results, "{page.id}")'
    assert sum("show_definitions" in cell.source for cell in calls(page)) == 1


# --- 2. Parameters --------------------------------------------------------------------------------


@each_page
def test_the_parameters_are_the_same_two_lines_everywhere(page):
    tagged = [cell for cell in read(page).cells if "parameters" in tags(cell)]
    assert [cell.source for cell in tagged] == [PARAMETERS]
    assert tagged == code_cells(page)[:1]


# --- 3. No logic ----------------------------------------------------------------------------------


@each_page
def test_no_cell_holds_logic(page):
    found = [
        f"{cell.id}: {type(node).__name__}"
        for cell in code_cells(page)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, LOGIC)
    ]
    assert found == []


@each_page
def test_every_cell_after_the_set_up_is_one_call_on_the_results(page):
    for cell in calls(page):
        (statement,) = ast.parse(cell.source).body
        call = statement.value
        assert isinstance(statement, ast.Expr), cell.id
        assert isinstance(call, ast.Call), cell.id
        assert isinstance(call.func, ast.Name), cell.id
        assert re.match("show_|plot_", call.func.id), cell.id
        assert ast.unparse(call.args[0]) == "results", cell.id
        given = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
        assert all(isinstance(value, ast.Constant) for value in given), cell.id


@each_page
def test_every_call_is_one_the_workbook_offers_and_can_take(page):
    for cell in calls(page):
        call = ast.parse(cell.source).body[0].value
        offered = getattr(analysis, call.func.id)
        given = [object(), *(value.value for value in call.args[1:])]
        named = {each.arg: each.value.value for each in call.keywords}
        per_language = dict.fromkeys({"language", "ax"} & set(inspect.signature(offered).parameters))
        inspect.signature(offered).bind(*given, **named, **per_language)


# --- 4. Two languages -----------------------------------------------------------------------------


@each_page
def test_every_text_is_in_one_language_and_code_in_none(page):
    for cell in read(page).cells:
        expected = [["lang-en"], ["lang-zh"]] if cell.cell_type == "markdown" else [["parameters"], []]
        assert tags(cell) in expected, cell.id


@each_page
def test_texts_come_in_pairs_english_first_under_one_name(page):
    english, chinese = texts(page, "en"), texts(page, "zh")
    assert [cell.id.removesuffix("-en") for cell in english] == [c.id.removesuffix("-zh") for c in chinese]
    order = [tags(cell)[0] for cell in read(page).cells if cell.cell_type == "markdown"]
    assert order == ["lang-en", "lang-zh"] * len(english)


@each_page
def test_both_texts_of_a_pair_have_the_same_shape(page):
    for english, chinese in zip(texts(page, "en"), texts(page, "zh"), strict=True):
        assert shape(english.source) == shape(chinese.source), english.id


def shape(text: str) -> list[str]:
    """What each block of a text is: a heading of its level, a list of so many items, a paragraph."""
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        heading = re.match("#+(?= )", block)
        items = len(re.findall(r"^(?:[-*]|\d+\.) ", block, re.MULTILINE))
        found.append(heading[0] if heading else f"{items} items" if items else "paragraph")
    return found


@each_page
def test_a_text_is_written_in_the_language_it_says(page):
    assert not [cell.id for cell in texts(page, "en") if CHINESE.search(cell.source)]
    paragraphs = [(c.id, part) for c in texts(page, "zh") for part in c.source.split("\n") if part.strip()]
    assert not [(name, part) for name, part in paragraphs if not CHINESE.search(part)]


@each_page
def test_a_text_is_true_of_any_company_and_period(page):
    prose = "\n".join(cell.source for language in LANGUAGES for cell in texts(page, language))
    assert re.findall(r"CDNOW|\b(?:19|20)\d\d(?:[QH]\d)?\b|[$€¥£]\s?\d", prose) == []


# --- 5. The file ----------------------------------------------------------------------------------


@each_page
def test_a_notebook_is_stored_without_outputs(page):
    for cell in code_cells(page):
        assert (cell.outputs, cell.execution_count) == ([], None), cell.id


@each_page
def test_a_notebook_is_valid_with_stable_ids_and_says_nothing_of_a_machine(page):
    notebook = read(page)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    assert notebook.metadata == {"kernelspec": kernel}
    assert [cell.id for cell in notebook.cells if set(cell.metadata) - {"tags"}] == []
    written = json.loads((NOTEBOOKS / page.notebook).read_text(encoding="utf-8"))  # nbformat mends ids
    names = [cell.get("id", "") for cell in written["cells"]]
    assert [name for name in names if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name)] == []
    assert [name for name, count in Counter(names).items() if count > 1] == []


# --- Through the real renderer --------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """An executed notebook and its finished page in each language."""

    notebook: NotebookNode
    html: dict[str, str]

    def page(self, language: str) -> BeautifulSoup:
        return BeautifulSoup(self.html[language], "html.parser")


@pytest.fixture(scope="session")
def made(cdnow_sample, tmp_path_factory) -> dict[str, Made]:
    """Every page, executed once and rendered in both languages: CDNOW's, and the demo's where CDNOW has no tables."""
    demo = _demo_company(tmp_path_factory.mktemp("demo"))
    alone = [page for page in PAGES if page.id not in OF_THE_DEMO]
    return _made_of(alone, cdnow_sample, "1998Q2", tmp_path_factory.mktemp("executed")) | _made_of(
        [page for page in PAGES if page.id in OF_THE_DEMO], demo, "2026Q2", tmp_path_factory.mktemp("executed")
    )


def _demo_company(root: Path) -> Path:
    from analysis.samples.demo import write_demo

    write_demo(root)
    shutil.copytree(NOTEBOOKS.parent / "params", root / "params", dirs_exist_ok=True)
    return root / "params" / "demo.yml"


def _made_of(pages: list[Page], params: Path, period: str, folder: Path) -> dict[str, Made]:
    from analysis.facts import open_book
    from analysis.report.html import render_page
    from analysis.report.run import page_header
    from analysis.suite import measure_suite

    results = measure_suite(open_book(params, period))
    with ThreadPoolExecutor(2) as pool:
        executed = list(pool.map(lambda page: _execute(page, params, period, folder), pages))
    made = {}
    for page, notebook in zip(pages, executed, strict=True):
        html = {
            language: render_page(notebook, language=language, header=page_header(results, [], language))
            for language in LANGUAGES
        }
        made[page.id] = Made(notebook, html)
    return made


def _execute(page: Page, params: Path, period: str, folder: Path) -> NotebookNode:
    import papermill

    target = folder / page.notebook
    papermill.execute_notebook(
        str(NOTEBOOKS / page.notebook), str(target), parameters={"period": period, "params": str(params)},
        kernel_name="python3", progress_bar=False, log_output=False, stdout_file=None, stderr_file=None,
    )  # fmt: skip
    return nbformat.read(target, as_version=4)


def outputs(made: Made) -> Iterator[tuple[str, Any]]:
    return ((cell.id, output) for cell in made.notebook.cells for output in cell.get("outputs", ()))


@pytest.mark.slow
@each_page
def test_every_cell_runs_and_complains_of_nothing(made, page):
    complaints = [
        (cell, output.get("name", output.output_type), output.get("text", output.get("evalue")))
        for cell, output in outputs(made[page.id])
        if output.output_type in ("error", "stream")
    ]
    assert complaints == []


@pytest.mark.slow
@each_page
def test_every_call_shows_something_in_each_language(made, page):
    executed = [cell for cell in made[page.id].notebook.cells if cell.cell_type == "code"]
    names = {cell.id for cell in calls(page)}
    for cell in (one for one in executed if one.id in names):
        shown = Counter(output.metadata.get("workbook", {}).get("language") for output in cell.outputs)
        assert shown["en"] == shown["zh"] > 0, cell.id


@pytest.mark.slow
@each_page
@in_each_language
def test_a_finished_page_is_fit_to_be_sent(made, page, language):
    from analysis.report.page_checks import check_page

    assert check_page(made[page.id].html[language]) == []


@pytest.mark.slow
@each_page
@in_each_language
def test_a_finished_page_is_in_its_language_and_has_no_code_left_in(made, page, language):
    found = made[page.id].page(language)
    assert found.find("h1").get_text(strip=True) == page.title.in_(language)
    text = found.find("main").get_text(" ")
    assert not re.search(r"Traceback|Warning:|\bnan\b|<Axes|\bNone\b|\{\w+\}|NaT\b", text)
    if language == "en" and page.id in OF_THE_DEMO:  # the demo's customers speak Chinese; the workbook does not
        own = found.find("main").select("h2, h3, caption, figcaption, thead, .wb-prose, summary")
        assert not [words.get_text() for words in own if CHINESE.search(words.get_text())]
    elif language == "en":
        assert not CHINESE.search(text)
    else:
        headings = found.find("main").find_all(re.compile("^h[23]$|^caption$"))
        assert not [h.get_text() for h in headings if not CHINESE.search(h.get_text())]


@pytest.mark.slow
@each_page
def test_both_languages_show_the_same_figures_with_words_of_their_own(made, page):
    english, chinese = (made[page.id].page(language).find_all("img", alt=True) for language in LANGUAGES)
    assert len(english) == len(chinese)
    for one, other in zip(english, chinese, strict=True):
        assert page.id in OF_THE_DEMO or not CHINESE.search(one["alt"])  # the demo's managers have Chinese names
        assert CHINESE.search(other["alt"])
        assert numbers(one["alt"]) == numbers(other["alt"])


@pytest.mark.slow
@each_page
def test_both_languages_show_the_same_numbers_in_every_table(made, page):
    english, chinese = (made[page.id].page(language).find_all("table") for language in LANGUAGES)
    assert len(english) == len(chinese) > 0
    for place, (one, other) in enumerate(zip(english, chinese, strict=True), 1):
        assert [len(row) for row in cells(one)] == [len(row) for row in cells(other)], place
        for row, (ours, theirs) in enumerate(zip(cells(one), cells(other), strict=True), 1):
            found = [list(map(numbers, line)) for line in (ours, theirs)]
            assert found[0] == found[1], f"table {place}, row {row}: {ours} {theirs}"


def cells(table: Tag) -> list[list[str]]:
    return [
        [cell.get_text(" ", strip=True) for cell in row.find_all(["td", "th"])]
        for row in table.find_all("tr")
    ]


def numbers(text: str) -> Counter[float]:
    """Every number in a text; the month of an English date counts as its number."""
    for number in range(1, 13):
        text = re.sub(rf"\b(?:{month_name[number]}|{month_abbr[number]})\b", f" {number} ", text)
    found = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)
    return Counter(float(each.replace(",", "")) for each in found)
