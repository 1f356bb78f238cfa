"""A new company's files can be used at once, hold no invented row, and never replace anything."""

from __future__ import annotations

import csv
import io
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.catalogue import load_catalogue
from analysis.cli import app
from analysis.params import load_params
from analysis.tables.begin_company import ON_DEMAND, READY, check_name, columns_text, settings_text
from analysis.tables.prepared import prepare, read_quality
from analysis.tables.templates import template_csv

TABLES = load_catalogue().tables
LANGUAGES = ("en", "zh")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str, code: int = 0):
    outcome = CliRunner().invoke(app, list(words))
    assert outcome.exit_code == code, outcome.output
    assert "Traceback" not in outcome.output
    return outcome


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".prepared" not in path.parts
    }


def with_block(text: str, *tables: str) -> str:
    """The settings as they are once somebody has taken the mark off each line of these tables' blocks."""
    lines, is_inside = [], False
    for line in text.splitlines():
        opens = line.startswith("#   ") and line[4] != " "
        is_inside = (line.split(":")[0][4:] in tables) if opens else (is_inside and line.startswith("#  "))
        lines.append(line[2:] if is_inside else line)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_written_can_be_checked_by_the_very_command_that_is_printed(folder, language):
    said = call("new", "mycompany", "--language", language).stdout
    program, *words = shlex.split(said.splitlines()[-1])
    assert (program, words) == ("workbook", ["check", "--params", "params/mycompany.yml"])
    settings = load_params("params/mycompany.yml").settings
    assert (settings.company, list(settings.tables)) == ("mycompany", ["orders"])
    out = call(*words).stdout
    assert "no table has a row: fill in data/mycompany/orders.csv" in out
    assert "01 Scorecard: made from orders (no rows yet)" in out


def test_the_files_hold_their_header_and_no_invented_row(folder):
    call("new", "mycompany")
    for table in (*READY, *ON_DEMAND):
        text = (folder / "data" / "mycompany" / f"{table}.csv").read_text(encoding="utf-8-sig")
        assert list(csv.reader(io.StringIO(text))) == [list(TABLES[table].columns)]
    assert sorted(path.name for path in (folder / "data" / "mycompany").iterdir()) == sorted(
        ["columns.txt", *(f"{table}.csv" for table in (*READY, *ON_DEMAND))]
    )
    assert not (folder / "params" / "base.yml").exists()  # a copy would lack the settings of later versions


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", ON_DEMAND)
def test_each_table_can_be_read_once_the_marks_are_taken_off(folder, table, language):
    call("new", "mycompany", "-l", language)
    file = folder / "params" / "mycompany.yml"
    file.write_text(with_block(file.read_text(encoding="utf-8"), table), encoding="utf-8")
    source = load_params(file).settings.tables[table]
    assert source.file == (f"data/mycompany/{table}.csv",)
    assert {name: one.column for name, one in source.columns.items()} == {
        name: (name,) for name in TABLES[table].columns
    }


def test_all_tables_are_read_together_and_example_rows_put_into_them_pass(folder):
    call("new", "mycompany")
    file = folder / "params" / "mycompany.yml"
    file.write_text(with_block(file.read_text(encoding="utf-8"), *ON_DEMAND), encoding="utf-8")
    params = load_params(file)
    assert set(params.settings.tables) == {*READY, *ON_DEMAND}
    quality = read_quality(prepare(params))
    assert quality[quality["stage"] == "kept"]["rows"].tolist() == [0] * len(params.settings.tables)
    for table in params.settings.tables:  # under the very header that was written
        example = template_csv(table).splitlines(keepends=True)[1]
        with (folder / "data" / "mycompany" / f"{table}.csv").open("a", encoding="utf-8") as target:
            target.write(example)
    quality = read_quality(prepare(params))
    assert quality[quality["stage"] == "kept"]["rows"].tolist() == [1] * len(params.settings.tables)
    assert "rejected" not in set(quality["stage"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_is_explained_in_the_language_beside_its_line_and_in_the_text(language):
    settings, columns = settings_text("mycompany", language), columns_text(language)
    for table in (*READY, *ON_DEMAND):
        contract = TABLES[table]
        assert contract.name.in_(language) in settings
        assert template_csv(table).splitlines()[1] in columns
        for name, column in contract.columns.items():
            meaning = column.meaning.in_(language)
            mark = {"en": "required; ", "zh": "必填；"}[language] if column.required else ""
            assert any(
                line.lstrip("# ").startswith(f"{name}: {name} ") and line.endswith(f"# {mark}{meaning}")
                for line in settings.splitlines()
            ), name
            assert meaning in columns


@pytest.mark.parametrize(
    "there", ["params/mycompany.yml", "data/mycompany/orders.csv", "data/mycompany/columns.txt"]
)
def test_a_file_that_is_there_is_named_and_nothing_is_written(folder, there):
    (folder / there).parent.mkdir(parents=True)
    (folder / there).write_text("mine", encoding="utf-8")
    assert there in call("new", "mycompany", code=2).stderr
    assert files_below(folder) == {there: b"mine"}


def test_a_second_company_of_that_name_is_refused_and_the_first_is_left(folder):
    call("new", "mycompany")
    before = files_below(folder)
    assert "nothing is overwritten" in call("new", "mycompany", "--language", "zh", code=2).stderr
    assert files_below(folder) == before


def test_a_file_where_a_folder_should_be_is_said_and_what_was_written_is_taken_back(folder):
    (folder / "data").write_text("a file", encoding="utf-8")
    assert "cannot be written" in call("new", "mycompany", code=2).stderr
    assert files_below(folder) == {"data": b"a file"}


def test_another_root_stands_in_the_command(folder):
    said = call("new", "我的公司", "--root", "some where", "--language", "zh").stdout
    words = shlex.split(said.splitlines()[-1])[1:]
    assert words == ["check", "--params", "some where/params/我的公司.yml"]
    assert "fill in data/我的公司/orders.csv" in call(*words).stdout


@pytest.mark.parametrize("name", ["mycompany", "我的公司", "Acme-2", "no", "2024", "a b", "a.b"])
def test_a_name_of_one_folder_is_the_companys(folder, name):
    call("new", name)
    params = load_params(f"params/{name}.yml")
    assert (params.company_id, params.settings.company) == (name, name)
    assert list(prepare(params).tables) == ["orders"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my/company", "did you mean 'my-company'?"),
        ("../mycompany", "did you mean 'mycompany'?"),
        ("mycompany.yml", "did you mean 'mycompany'?"),
        ("A&B: Co.", "did you mean 'A-B-Co'?"),
        (".hidden", "did you mean 'hidden'?"),
        ("base", "did you mean 'base-mine'?"),
        ("Demo", "did you mean 'Demo-mine'?"),
        ("", "such as mycompany"),
        ("/", "such as mycompany"),
        ("x" * 300, "at most 100 bytes"),
    ],
)
def test_a_name_that_cannot_be_a_folders_is_refused_with_one_that_can(folder, name, said):
    assert said in call("new", name, code=2).stderr
    assert list(folder.iterdir()) == []
    if "mean" in said:
        check_name(said.split("'")[1])


# --- From the company's own files -------------------------------------------------------------------------------

SALES = (
    'Sales export\n\nOrder ID,Customer No,Order Date,Total\n1,ann,04/17/2026,"$1,120.00"\n2,bob,05/18/2026,$75.50\n'
    'Total,,,"$1,195.50"\n'
)
CASES = "工单编号,客户编号,创建时间,解决时间,优先级\nT1,ann,2026-05-01 10:00,2026-05-02 11:00,高\n"


def exported(folder: Path) -> list[str]:
    """Exports of two systems, and a file that is nothing of ours."""
    (folder / "exports").mkdir()
    (folder / "exports" / "sales 2026.csv").write_text(SALES, encoding="utf-8")
    (folder / "exports" / "cases.csv").write_bytes(CASES.encode("gb18030"))
    (folder / "exports" / "notes.csv").write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    return [f"exports/{name}.csv" for name in ("sales 2026", "cases", "notes")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_given_are_mapped_and_read_without_a_change(folder, language):
    said = call("new", "mycompany", *exported(folder), "--language", language).stdout
    assert "exports/sales 2026.csv" in said and "exports/notes.csv" in said
    params = load_params("params/mycompany.yml")
    assert set(params.settings.tables) == {"orders", "tickets"}
    assert params.settings.currency == "USD"  # the sign of every amount
    kept = read_quality(prepare(params)).query("stage == 'kept'").set_index("table")
    assert kept["rows"].to_dict() == {"orders": 2, "tickets": 1}
    assert kept.loc["orders", "amount"] == 1195.5
    assert not (folder / "data" / "mycompany" / "orders.csv").exists()  # it lies where it was
    assert (folder / "data" / "mycompany" / "answers.csv").exists()


def test_what_is_left_open_is_said(folder):
    (folder / "orders.csv").write_text("Order,Colour,Total\n1,red,9\n", encoding="utf-8")
    (folder / "sales.csv").write_text("Order,Date,Total,Colour\n1,03/04/2026,9,red\n", encoding="utf-8")
    said = call("new", "mycompany", "orders.csv", "sales.csv").stdout
    assert "orders.csv: looks like no table of ours" in said  # no day, so it cannot be orders
    assert "not used: Colour" in said and "look at the format: Date" in said


def test_a_file_that_is_not_there_and_two_of_one_kind_are_refused(folder):
    assert "there is no file exports/none.csv" in call("new", "mycompany", "exports/none.csv", code=2).stderr
    for name in ("sales_1.csv", "sales_2.csv"):
        (folder / name).write_text(SALES, encoding="utf-8")
    said = call("new", "mycompany", "sales_1.csv", "sales_2.csv", code=2).stderr
    assert "both look like the table orders" in said and "file: [a.csv, b.csv]" in said
    assert not (folder / "params").exists()


def test_check_names_the_command_that_comes_next(folder):
    call("new", "mycompany", *exported(folder))
    out = call("check", "--params", "params/mycompany.yml").stdout
    program, *words = shlex.split(out.splitlines()[-1])
    assert words[:4] == ["run", "--params", "params/mycompany.yml", "--period"]
