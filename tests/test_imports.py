"""Nothing heavy is imported before it is needed: asked of a fresh process each time."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMAND_LINE = {"annotated_doc", "click", "colorama", "shellingham", "typer", "typing_extensions"}
CHECKED_RECORDS = {
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "yaml",
}
NOT_TO_MEASURE = {
    "bs4",
    "great_tables",
    "IPython",
    "ipykernel",
    "jinja2",
    "jupyter_client",
    "lifetimes",
    "matplotlib",
    "mistune",
    "nbconvert",
    "nbformat",
    "numba",
    "papermill",
    "PIL",
    "polars",
    "pyspark",
    "rich",
    "seaborn",
    "statsmodels",
    "tornado",
    "zmq",
}


def imported_by(statements: str) -> set[str]:
    """Third-party packages that a fresh process imports for this, beyond what any process imports."""
    code = f"""
import contextlib, io, sys
before = set(sys.modules)
with contextlib.redirect_stdout(io.StringIO()):
    {statements}
tops = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(tops - sys.stdlib_module_names - {{"analysis", "__mp_main__"}}))
"""
    found = output_of(code).stdout.split()
    return {name for name in found if not name.startswith(("_", "cython_runtime"))}


def output_of(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def called(*words: object) -> str:
    return f"from analysis.cli import app; app({[str(word) for word in words]!r}, standalone_mode=False)"


def test_importing_the_package_imports_nothing_else():
    assert imported_by("import analysis") == set()


@pytest.mark.parametrize("module", ["periods", "errors", "engine"])
def test_what_declares_no_records_imports_nothing_else(module):
    assert imported_by(f"import analysis.{module}") == set()


@pytest.mark.parametrize("module", ["catalogue", "params"])
def test_declarations_and_settings_import_what_checks_them(module):
    assert imported_by(f"import analysis.{module}") <= CHECKED_RECORDS


def test_the_command_line_and_its_help_import_what_parses_it():
    assert imported_by("import analysis.cli") <= COMMAND_LINE
    assert imported_by(called("--help")) <= COMMAND_LINE


def test_listing_the_metrics_imports_no_more_than_declarations_do():
    assert imported_by(called("metrics")) <= COMMAND_LINE | CHECKED_RECORDS


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "customers", "explain"])
def test_measuring_imports_nothing_that_draws_renders_or_runs_notebooks(command, cdnow):
    assert imported_by(measuring(command, cdnow)) & NOT_TO_MEASURE == set()


@pytest.mark.slow
def test_results_that_are_read_back_import_neither_models_nor_what_compiles_sql(cdnow):
    imported_by(measuring("kpis", cdnow))
    assert imported_by(measuring("kpis", cdnow)) & (NOT_TO_MEASURE | {"scipy", "sqlglot"}) == set()


@pytest.mark.slow
def test_working_out_a_period_imports_no_notebooks(cdnow):
    code = f"""
import sys
from analysis.facts import open_book
from analysis.suite.everything import measure_everything
measure_everything(open_book({str(cdnow)!r}, "1997Q4"))
print(*sys.modules)
"""
    modules = set(output_of(code).stdout.split())
    assert {"scipy", "analysis.models"} <= modules
    assert modules & NOT_TO_MEASURE == set()


def measuring(command: str, params: object) -> str:
    asked = {"explain": ["revenue"]}.get(command, [])
    period = [] if command == "check" else ["--period", "1997Q4"]
    return called(command, *asked, "--params", params, *period)
