"""What is wrong is said in both languages, and the operator hears it in his own."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.catalogue import listed, nearest, read_yaml, say_problem
from analysis.cli import MESSAGES_VARIABLE, app
from analysis.errors import InputError, Said, in_language, joined

CHINESE = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b(the|is|are|there|should|no|not|of|cannot|found|must|to|say)\b")


# --- A text in both languages -----------------------------------------------------------------------------------


def test_a_text_in_both_languages_is_its_english_to_whoever_knows_nothing_of_that():
    said = Said("no file", "没有文件")
    assert said == "no file" and f"{said}!" == "no file!" and type(str(said)) is str
    assert (in_language(said, "en"), in_language(said, "zh")) == ("no file", "没有文件")
    assert in_language("a.csv", "zh") == "a.csv"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])
def test_it_keeps_both_where_it_is_copied_or_sent(again):
    assert again(Said("a", "甲")).chinese == "甲"


def test_texts_are_joined_in_each_language_whatever_they_have():
    assert joined(Said(" and ", " 和 "), ["a", Said("file", "文件")]).chinese == "a 和 文件"
    assert listed(["a", "b"], is_quoted=True) == "'a', 'b'" and listed(["a", "b"], True).chinese == "“a”、“b”"


def test_an_error_speaks_both_languages_as_far_as_it_can():
    assert InputError(Said("a", "甲")).in_("zh") == "甲" and str(InputError(Said("a", "甲"))) == "a"
    assert InputError("a").in_("zh") == "a" and InputError().in_("zh") == ""


def test_what_is_filled_in_is_filled_in_by_each_language():
    said = say_problem("no_setting", where="pges", hint=nearest("pges", ["pages"]))
    assert said == "pges: there is no such setting; did you mean 'pages'?"
    assert said.chinese == "pges：没有这个设置，是否应为“pages”？"


PROBLEMS = read_yaml("labels/errors.yml")


def asked() -> set[str]:
    """The problems that the code names, as texts anywhere in it: some are chosen from a table."""
    found = set()
    for file in Path(str(files("analysis"))).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say_problem":
                found |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)}
    return {one for one in found if isinstance(one, str)}


def test_every_problem_that_is_named_is_declared():
    whole = {one for one in asked() if not one.endswith("_")}
    assert len(whole) > 60 and whole - set(PROBLEMS) == set()


def test_every_problem_that_is_declared_is_named():
    code = "\n".join(file.read_text(encoding="utf-8") for file in Path(str(files("analysis"))).rglob("*.py"))
    heads = [one for one in asked() if one.endswith("_")]
    unused = {key for key in PROBLEMS if not re.search(rf'"{key}"', code)}
    assert {key for key in unused if not key.startswith(tuple(heads))} == set()


# --- The commonest, as an operator sees them --------------------------------------------------------------------

ORDERS = "id,customer,day,amount\n1,a,2026-01-05,5\n2,b,2026-02-05,7\n3,a,2026-03-05,9\n"
SETTINGS = """company: X
tables:
  orders: {file: o.csv, columns: {order_id: id, customer_id: customer, ordered_at: day, amount: amount}}
"""


@pytest.fixture
def said(tmp_path, monkeypatch):
    """What a command says on standard error when it refuses, for files and settings given."""
    monkeypatch.delenv(MESSAGES_VARIABLE, raising=False)

    def called(*words: str, settings: str = SETTINGS, orders: str | bytes | None = ORDERS) -> str:
        (tmp_path / "o.csv").unlink(missing_ok=True)
        if orders is not None:
            (tmp_path / "o.csv").write_bytes(orders if isinstance(orders, bytes) else orders.encode())
        (tmp_path / "x.yml").write_text(settings, encoding="utf-8")
        outcome = CliRunner().invoke(app, [*words, "--params", str(tmp_path / "x.yml")])
        assert outcome.exit_code == 2, outcome.output
        assert "Traceback" not in outcome.output
        return outcome.stderr

    return called


OF_COSTS = """company: X
tables:
  costs: {file: o.csv, columns: {spent_on: spent_on, kind: kind, amount: amount}}
"""

REFUSED = {
    "no file": ({"orders": None}, ["没有文件", "o.csv", "tables.orders.file"]),
    "no settings": ({"words": ["check", "--params", "none.yml"]}, ["没有设置文件“none.yml”"]),
    "misspelt setting": (
        {"settings": SETTINGS + "gros_margin: 1\n"},
        ["gros_margin：没有这个设置，是否应为“gross_margin”"],
    ),
    "wrong type": ({"settings": SETTINGS + "settle_days: soon\n"}, ["settle_days：应为整数；现为 'soon'"]),
    "too small": ({"settings": SETTINGS + "settle_days: -1\n"}, ["settle_days：应不小于0；现为 -1"]),
    "no such word": (
        {"settings": SETTINGS + "model: bgnbd\n"},
        ["model：应为 'bg_nbd', 'mbg_nbd' 或 'auto'", "是否应为“bg_nbd”"],
    ),
    "no such day": (
        {"settings": SETTINGS + "data_through: 2026-06-31\n"},
        ["data_through：应为存在的日期", "2026-06-31"],
    ),
    "written twice": ({"settings": SETTINGS + "company: Y\n"}, ["“company”写了两次"]),
    "no YAML": ({"settings": "company: [X\n"}, ["不是可读的 YAML", "冒号后要有空格"]),
    "negative money": (
        {"orders": "spent_on,kind,amount\n2026-01-05,marketing,-5\n", "settings": OF_COSTS},
        ["数据表 costs：共1行，其中1行（100.0%）不合要求", "amount.too_small", "o.csv 第1行"],
    ),
    "empty file": ({"orders": ""}, ["o.csv：文件为空；第一行应为列名"]),
    "unknown column": (
        {"settings": SETTINGS.replace("amount: amount", "amount: amuont")},
        [
            "tables.orders.columns 中写明的列在文件中不存在",
            "没有列“amuont”，是否应为“amount”",
            "可先用下面这段替换",
        ],
    ),
    "column not mapped": (
        {"settings": SETTINGS.replace(", amount: amount", "")},
        ["tables.orders.columns.amount：必填"],
    ),
    "another table's column": (
        {"settings": SETTINGS.replace("order_id: id", "order_no: id")},
        ["数据表 orders 没有这一列"],
    ),
    "same heading": ({"orders": ORDERS.replace("customer", "id")}, ["有多列同名：“id”"]),
    "other encoding": (
        {"orders": ORDERS.replace("a,", "客户,").encode("gbk")},
        ["无法按 utf-8 读取", "gb18030", "另存为 UTF-8"],
    ),
    "no such encoding": (
        {"settings": SETTINGS.replace("file: o.csv", "file: o.csv, encoding: utf9")},
        ["没有名为“utf9”的编码"],
    ),
    "quote left open": ({"orders": ORDERS.replace("3,a", '3,"a')}, ["有未闭合的引号"]),
    "before the data": (
        {"words": ["run", "--period", "2020Q1"]},
        ["2020Q1 没有数据：数据自 2026-01-05 开始"],
    ),
    "no rows": (
        {"words": ["run", "--period", "2026Q1"], "orders": "id,customer,day,amount\n"},
        ["2026Q1 没有数据：各数据表都没有可用的行"],
    ),
    "no such period": ({"words": ["run", "--period", "2026Q5"]}, ["期间“2026Q5”不存在：季度的编号为1至4"]),
    "no period": ({"words": ["run"]}, ["请指明期间"]),
    "no such page": (
        {"words": ["run", "--period", "2026Q1", "--pages", "retenton"]},
        ["没有名为“retenton”的页面，是否应为“retention”"],
    ),
    "no such metric": (
        {"words": ["kpis", "--period", "2026Q1", "--metric", "revenu"]},
        ["没有名为“revenu”的指标"],
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_the_commonest_mistakes_are_said_in_chinese_to_whoever_wants_it(said, monkeypatch, mistake):
    given, parts = REFUSED[mistake]
    words, files_given = given.get("words", ["check"]), {k: v for k, v in given.items() if k != "words"}
    if "--params" in words:
        outcome = CliRunner().invoke(app, words, env={MESSAGES_VARIABLE: "zh"})
        assert outcome.exit_code == 2
        chinese, english = outcome.stderr, CliRunner().invoke(app, words).stderr
    else:
        english = said(*words, **files_given)
        monkeypatch.setenv(MESSAGES_VARIABLE, "zh")
        chinese = said(*words, **files_given)
    assert [part for part in parts if part not in chinese] == []
    ours = re.sub(r"while parsing.*?column \d+|expected .*?column \d+|/\S+", "", chinese, flags=re.S)
    assert [line for line in ours.splitlines() if ENGLISH.search(line)] == []
    assert ENGLISH.search(english) and not CHINESE.search(english.replace("客户", ""))


# --- The operator's language ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "variable", "is_chinese"),
    [
        ([], "", False),
        ([], "zh", True),
        (["--language", "zh"], "", True),  # as ever: the edition's language is also spoken here
        (["--language", "zh"], "en", False),
        (["--language", "both"], "", False),
        (["--language", "both", "--messages", "zh"], "", True),
        (["--language", "zh", "--messages", "en"], "zh", False),
        (["--language", "en"], "zh", True),
    ],
)
def test_a_run_speaks_the_operators_language_whatever_the_editions(
    said, monkeypatch, words, variable, is_chinese
):
    monkeypatch.setenv(MESSAGES_VARIABLE, variable)
    assert bool(CHINESE.search(said("run", "--period", "2020Q1", *words))) == is_chinese


@pytest.mark.parametrize(
    ("words", "variable", "is_chinese"),
    [
        ([], "zh", True),
        (["--language", "en"], "zh", False),
        (["--language", "zh"], "", True),
        ([], "", False),
    ],
)
def test_what_is_printed_is_in_the_language_asked_for_else_the_operators(
    said, monkeypatch, words, variable, is_chinese
):
    monkeypatch.setenv(MESSAGES_VARIABLE, variable)
    assert bool(CHINESE.search(said("check", *words, orders=None))) == is_chinese


def test_a_company_begun_by_a_chinese_operator_may_have_english_comments(tmp_path, monkeypatch):
    monkeypatch.setenv(MESSAGES_VARIABLE, "zh")
    outcome = CliRunner().invoke(app, ["new", "acme", "--root", str(tmp_path), "--language", "en"])
    assert outcome.exit_code == 0 and CHINESE.search(outcome.stdout)
    assert "the name on the cover" in (tmp_path / "params" / "acme.yml").read_text(encoding="utf-8")


def test_a_language_that_there_is_not_is_refused(said, monkeypatch):
    monkeypatch.setenv(MESSAGES_VARIABLE, "fr")
    assert "WORKBOOK_MESSAGES should be en or zh; found 'fr'" in " ".join(
        re.sub("[│╭╮╰╯─]", " ", said("check")).split()
    )
