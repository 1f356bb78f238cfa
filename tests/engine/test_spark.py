"""Spark as the engine: its settings, what is missing said in words, one Java for all engines of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from analysis.engine import EngineError, open_engine
from analysis.engine import spark as module
from analysis.errors import InputError
from analysis.params import EngineSettings


def settings(**given) -> EngineSettings:
    return EngineSettings(**{"kind": "spark", "master": None, "threads": None, "memory_limit": None} | given)


def test_the_engines_floor_imports_no_engine():
    code = "import sys, analysis.engine; print({'pyspark', 'py4j', 'duckdb', 'sqlglot'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs a master"),
        ({"master": "local[2]", "threads": 2}, "both given"),
        ({"master": "local[1]", "memory_limit": "much"}, "not an amount of memory"),
        ({"master": "local[1]", "memory_limit": "80%"}, "not an amount of memory"),
    ],
)
def test_settings_that_cannot_be_used_are_named(given, said):
    with pytest.raises(InputError, match=said):
        open_engine(settings(**given))


def test_threads_alone_are_a_local_master():
    assert module._master(settings(threads=3)) == "local[3]"


@pytest.mark.parametrize(
    ("limit", "mebibytes"),
    [("2GB", 1907), ("512MiB", 512), ("1.5 GiB", 1536), ("1T", 953674)],  # 2·10⁹ / 2²⁰ = 1907.3
)
def test_an_amount_of_memory_is_told_in_mebibytes(limit, mebibytes):
    assert module._mebibytes(limit) == mebibytes


@pytest.fixture
def not_running(monkeypatch):
    monkeypatch.setattr(module, "_running", {})


def test_without_pyspark_the_error_says_how_to_install_it(not_running, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="make extras"):
        open_engine(settings(master="local[1]"))


def test_without_java_the_error_says_so(not_running, monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="Java 17"):
        open_engine(settings(master="local[1]"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found. Verify it.\nSearch path: [a]. "
            "SQLSTATE: 42P01",
            "The table or view `x` cannot be found. Verify it.",
        ),
        (
            "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (line 1)\n\n== SQL ==\n",
            "Syntax error at or near 'selec'.",
        ),
        (
            "An error occurred while calling o1.x. : a.B: Exception thrown\n\tat a.b\nCaused by: java.lang.E: "
            "Too big\n\tat c",
            "Too big",
        ),
        ("Plain words", "Plain words"),
    ],
)  # fmt: skip
def test_an_error_is_cut_to_what_is_wrong(text, said):
    assert module._said(text) == said


# --- With Spark ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_master_in_one_process_is_refused(spark):
    open_engine(spark).close()
    with pytest.raises(InputError, match="already runs Spark"):
        open_engine(settings(master="local[1]"))


@pytest.mark.slow
def test_every_engine_of_a_process_shares_one_java(spark):
    first, second = open_engine(spark), open_engine(spark)
    assert first._open.sparkContext is second._open.sparkContext
    first.close()
    assert second.rows("select 1 as x") == [(1,)]


@pytest.mark.slow
def test_an_interval_is_refused_in_words(spark):
    engine = open_engine(spark)
    with pytest.raises(EngineError, match="days_between"):
        engine.run("select d - date '2024-01-01' as x from (select date '2024-02-01' as d)")


@pytest.mark.slow
def test_a_table_is_worked_out_once_and_let_go(spark):
    engine = open_engine(spark)
    engine.create_table("once", "select random() as x from range(10) t(i)")
    assert engine.rows("select sum(x) from once") == engine.rows("select sum(x) from once")
    rows = module._kept_rows(engine._tables["once"])
    assert rows.getStorageLevel().useMemory()
    engine.close()
    assert not rows.getStorageLevel().useMemory()


@pytest.mark.slow
def test_nothing_is_printed_and_nothing_is_left_behind(spark, tmp_path):
    code = (
        "import tempfile; from analysis.engine import open_engine, EngineError\n"
        "from analysis.params import EngineSettings\n"
        "engine = open_engine(EngineSettings(kind='spark', master='local[2]', threads=None, memory_limit='1GB'))\n"
        "engine.create_table('t', 'select i from range(1000) t(i)')\n"
        "try: engine.run('select cast(i as date) from t')\n"
        "except EngineError: pass\n"
        "try: engine.run('''select cast(x as integer) from (values ('a'), ('b')) v(x)''')\n"
        "except EngineError: pass\n"
        "print(engine.rows('select count(*) from t'))\n"
    )
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    environment = dict(__import__("os").environ) | {"TMPDIR": str(temporary)}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=work, env=environment
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("[(1000,)]\n", "", 0)
    assert list(work.iterdir()) == []
    assert [path.name for path in temporary.iterdir() if path.name.startswith("workbook")] == []
