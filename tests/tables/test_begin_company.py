"""A new company's files can be used at once, hold no invented row, and never replace anything."""

from __future__ import annotations

import csv
import io
import re
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
    spoken = {"en": [], "zh": ["--language", "zh"]}[language]
    assert (program, words) == ("workbook", ["check", "--params", "params/mycompany.yml", *spoken])
    settings = load_params("params/mycompany.yml").settings
    assert (settings.company, list(settings.tables)) == ("mycompany", ["orders"])
    out = call(*words).stdout
    assert "data/mycompany/orders.csv" in out
    first_page = {"en": "01 Scorecard: made from orders (no rows yet)", "zh": "01 记分卡"}[language]
    assert first_page in out


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
    assert "nothing is overwritten" in call("new", "mycompany", code=2).stderr
    assert "不会覆盖任何内容" in call("new", "mycompany", "--language", "zh", code=2).stderr
    assert files_below(folder) == before


def test_a_file_where_a_folder_should_be_is_said_and_what_was_written_is_taken_back(folder):
    (folder / "data").write_text("a file", encoding="utf-8")
    assert "cannot be written" in call("new", "mycompany", code=2).stderr
    assert files_below(folder) == {"data": b"a file"}


def test_another_root_stands_in_the_command(folder):
    said = call("new", "我的公司", "--root", "some where", "--language", "zh").stdout
    words = shlex.split(said.splitlines()[-1])[1:]
    assert words == ["check", "--params", "some where/params/我的公司.yml", "--language", "zh"]
    assert "data/我的公司/orders.csv" in call(*words).stdout


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
    assert "orders.csv: its headings are not among those known" in said  # no day, so it cannot be orders
    assert "  Colour: red\n" in said  # what they are, each with what it begins with
    assert "not used: Colour" in said and "look at the format: Date" in said


def test_a_file_that_is_not_there_and_two_of_one_kind_written_differently_are_refused(folder):
    assert "there is no file exports/none.csv" in call("new", "mycompany", "exports/none.csv", code=2).stderr
    (folder / "sales_1.csv").write_text(SALES, encoding="utf-8")
    (folder / "sales_2.csv").write_text(SALES.replace("Total", "Revenue"), encoding="utf-8")
    said = call("new", "mycompany", "sales_1.csv", "sales_2.csv", code=2).stderr
    assert "both look like the table orders" in said and "file: [a.csv, b.csv]" in said
    assert not (folder / "params").exists()


def test_what_may_be_meant_otherwise_is_asked_on_the_screen_and_above_the_table(folder):
    (folder / "sales.csv").write_text(
        "Order ID,Customer,Order Date,Total,Net amount\n1,ann,2026-04-17,$9,$8\n", encoding="utf-8"
    )
    said = call("new", "mycompany", "sales.csv").stdout
    asked = "amount is taken from 'Total'; it could also be: Net amount"
    assert f"  look: {asked}\n" in said
    assert f"  # {asked}\n  orders:" in Path("params/mycompany.yml").read_text(encoding="utf-8")
    assert "amount ← Total" in said
    assert "currency is set to USD, after the sign beside the amounts (it may mean USD or" in said


def test_contracts_alone_make_the_customers(folder):
    text = "Contract No,Account No,Start Date,End Date,Annual Value\nC1,ann,2025-04-17,2026-04-17,900\n"
    (folder / "contracts.csv").write_text(text, encoding="utf-8")
    call("new", "mycompany", "contracts.csv")
    settings = load_params("params/mycompany.yml").settings
    assert settings.customer_base == "contracts" and set(settings.tables) == {"contracts"}


def test_a_survey_with_a_column_for_each_question_is_read_as_answers_and_questions(folder):
    text = "id,Company,Date,Would you recommend us?\n1,Acme,2026-04-17,9\n2,Bolt,2026-04-18,3\n"
    (folder / "export.csv").write_text(text, encoding="utf-8")
    call("new", "mycompany", "export.csv")
    kept = (
        read_quality(prepare(load_params("params/mycompany.yml"))).query("stage == 'kept'").set_index("table")
    )
    assert kept["rows"].to_dict() == {"answers": 2, "questions": 1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_block_of_an_unknown_file_reads_it_once_it_is_filled_in(folder, language):
    text = "注文番号,顧客番号,注文日,金額\n1,C1,2026/04/17,￥1200\n2,C2,2026/04/18,￥900\n"
    (folder / "sales.csv").write_bytes(text.encode("cp932"))
    said = call("new", "mycompany", "sales.csv", "--language", language).stdout
    assert "顧客番号" in said and "C1" in said and "params/mycompany.yml" in said.splitlines()[-2]
    params = Path("params/mycompany.yml")
    settings = params.read_text(encoding="utf-8")
    block = settings[settings.index("#   orders:\n#     file: sales.csv") :].split("\n\n")[0]
    filled = re.sub(r"^# ", "", block, flags=re.MULTILINE)
    for name, column in (("order_id", "注文番号"), ("customer_id", "顧客番号")):
        filled = re.sub(rf"{name}: …", f"{name}: {column}", filled)
    begins, ends = settings.index("\ntables:\n"), settings.index("\n# sales.csv")
    params.write_text(f"{settings[:begins]}\ntables:\n{filled}\n{settings[ends:]}", encoding="utf-8")
    params.write_text(
        re.sub("currency: [A-Z]+", "currency: JPY", params.read_text(encoding="utf-8"), count=1)
    )
    kept = read_quality(prepare(load_params(params))).set_index("stage").loc["kept"]
    assert (kept["rows"], kept["amount"]) == (2, 2100)


def test_where_no_file_can_be_read_the_reasons_are_said_and_nothing_is_written(folder):
    (folder / "empty.csv").write_text("", encoding="utf-8")
    (folder / "page.xlsx").write_text("<html></html>", encoding="utf-8")
    said = call("new", "mycompany", "empty.csv", "page.xlsx", code=2).stderr
    assert "empty.csv: is empty" in said and "save it as .xlsx" in said and "nothing is written" in said
    assert not (folder / "params").exists()


def test_a_file_that_cannot_be_read_beside_others_is_named_and_left_out(folder):
    (folder / "empty.csv").write_text("", encoding="utf-8")
    (folder / "sales.csv").write_text(SALES, encoding="utf-8")
    said = call("new", "mycompany", "empty.csv", "sales.csv").stdout
    assert "empty.csv: left out: is empty" in said and "sales.csv: read as orders" in said


def test_check_names_the_command_that_comes_next(folder):
    call("new", "mycompany", *exported(folder))
    out = call("check", "--params", "params/mycompany.yml").stdout
    program, *words = shlex.split(out.splitlines()[-1])
    assert words[:4] == ["run", "--params", "params/mycompany.yml", "--period"]
