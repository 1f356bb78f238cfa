"""The notebook to begin with: no page of the report, in both languages; every cell of it runs on the demo company."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from analysis.catalogue import load_catalogue

PROJECT = Path(__file__).resolve().parents[2]
FILE = PROJECT / "notebooks" / "00_start.ipynb"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(FILE, as_version=nbformat.NO_CONVERT)


def tags(cell) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def test_it_is_no_page_of_the_report_and_every_other_notebook_is():
    pages = {page.notebook for page in load_catalogue().pages.values()}
    assert {file.name for file in FILE.parent.glob("*.ipynb")} - pages == {FILE.name}


def test_its_texts_come_in_pairs_english_first_under_one_name(notebook):
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert [tags(cell) for cell in texts] == [["lang-en"], ["lang-zh"]] * (len(texts) // 2)
    names = [cell.id.removesuffix("-en").removesuffix("-zh") for cell in texts]
    assert names[::2] == names[1::2]
    for english, chinese in zip(texts[::2], texts[1::2], strict=True):
        assert not CHINESE.search(english.source), english.id
        assert CHINESE.search(chinese.source), chinese.id
        shapes = [
            re.findall(r"^(?:#+|-|\d+\.)(?= )", text.source, re.MULTILINE) for text in (english, chinese)
        ]
        assert shapes[0] == shapes[1], english.id


def test_it_begins_with_the_parameters_of_every_page(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].source == 'period = "2026Q3"\nparams = "params/demo.yml"'
    assert [tags(cell) for cell in code] == [["parameters"], *([[]] * (len(code) - 1))]


def test_it_is_stored_without_outputs_and_with_ids_that_stay(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}
    }
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        assert (cell.outputs, cell.execution_count) == ([], None), cell.id
    names = [cell.get("id", "") for cell in json.loads(FILE.read_text(encoding="utf-8"))["cells"]]
    assert [name for name in names if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name)] == []
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_file_it_links_to_is_there(notebook):
    links = [link for cell in notebook.cells for link in re.findall(r"\]\(([^)]+)\)", cell.source)]
    assert links and [link for link in links if not (FILE.parent / link).exists()] == []


@pytest.mark.slow
def test_every_cell_runs_from_the_folder_it_lies_in_and_shows_something(tmp_path, notebook):
    from nbclient import NotebookClient

    from analysis.samples.demo import write_demo

    write_demo(tmp_path)
    shutil.copytree(PROJECT / "params", tmp_path / "params", dirs_exist_ok=True)
    (tmp_path / "notebooks").mkdir()
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path / "notebooks")}},
    )
    client.execute()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code" and cell.id != "parameters"):
        assert cell.outputs, cell.id
        assert not [
            one.text for one in cell.outputs if one.output_type == "stream" and one.name == "stderr"
        ], cell.id
    shown = {
        cell.id: "".join(one.get("text", "") for one in cell.get("outputs", [])) for cell in notebook.cells
    }
    assert "every identity holds: True" in shown["suite"]
    days = {int(d): int(n) for d, n in re.findall(r"(\d+) days: (\d+)", shown["overrides"])}
    assert 0 < days[90] < days[180]  # a longer window takes more customers for active
