"""A wheel works by itself: settings, presets and notebooks are in it, and are found from an empty folder."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analysis.catalogue import load_catalogue
from analysis.params import own_files

PROJECT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from hatchling.build import build_{kind}; print(build_{kind}(sys.argv[1]))"
NOT_PART = ("data", "reports", ".venv", ".git", ".prepared", "benchmarks", "tests")
pytestmark = pytest.mark.slow


def copy_of_project(folder: Path) -> Path:
    """The project as a checkout has it, and beside it what a company may have put there."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_PART, "__pycache__", ".*_cache"))
    shutil.copyfile(PROJECT / ".gitignore", folder / ".gitignore")
    (folder / "params" / "mycompany.yml").write_text("company: Secret\n")
    checkpoints = folder / "notebooks" / ".ipynb_checkpoints"
    checkpoints.mkdir(exist_ok=True)
    (checkpoints / "01_scorecard-checkpoint.ipynb").write_text("{}")
    (folder / "notebooks" / "mine.ipynb").write_text("{}")
    return folder


def built(project: Path, kind: str, into: Path) -> Path:
    """The file that hatchling builds, without a network."""
    into.mkdir()
    code = [sys.executable, "-c", BUILD.format(kind=kind), str(into)]
    done = subprocess.run(code, cwd=project, capture_output=True, text=True, check=True)
    return into / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_project(tmp_path_factory.mktemp("checkout") / "project")


@pytest.fixture(scope="module")
def installed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as a Python has them among its packages."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(built(project, "wheel", folder / "dist")) as wheel:
        wheel.extractall(folder / "packages")
    return folder / "packages"


def workbook(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line of the installed package, in a folder that knows nothing of the project."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    call = [sys.executable, "-m", "analysis.cli", *words]
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def fill_in(orders: Path) -> None:
    """Three orders under the heading that is there."""
    given = zip("123", "aab", ("2024-01-10", "2024-04-10", "2024-05-20"), (30, 40, 25), strict=True)
    with orders.open(newline="", encoding="utf-8-sig") as file:
        heading = next(csv.reader(file))
    with orders.open("a", newline="", encoding="utf-8") as file:
        names = ("order_id", "customer_id", "ordered_at", "amount")
        csv.DictWriter(file, heading).writerows(dict(zip(names, order, strict=True)) for order in given)


def test_the_wheel_holds_the_workbooks_own_files_and_nobody_elses(installed):
    own = installed / "analysis" / "_project"
    found = {path.relative_to(own).as_posix() for path in own.rglob("*") if path.is_file()}
    settings = {f"params/{name}.yml" for name in ("base", "cdnow", "demo")}
    presets = {f"params/sources/{path.name}" for path in (PROJECT / "params" / "sources").glob("*.yml")}
    notebooks = {f"notebooks/{path.name}" for path in (PROJECT / "notebooks").glob("[0-9]*.ipynb")}
    assert found == settings | presets | notebooks
    assert {f"notebooks/{page.notebook}" for page in load_catalogue().pages.values()} <= notebooks
    tops = {path.name.partition("-")[0] for path in installed.iterdir()}
    assert tops == {"analysis", "customer_workbook"}


def test_the_wheel_holds_every_file_of_the_package(installed):
    def files(package: Path) -> set[str]:
        found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if not {"__pycache__", "_project"} & set(path.parts)}

    assert files(installed / "analysis") == files(PROJECT / "src" / "analysis")


def test_a_checkouts_own_files_are_those_of_the_project():
    assert own_files() == PROJECT


def test_a_company_is_begun_checked_and_reported_from_an_empty_folder(installed, tmp_path):
    begun = workbook(installed, tmp_path, "new", "mycompany")
    assert begun.returncode == 0, begun.stderr
    fill_in(tmp_path / "data" / "mycompany" / "orders.csv")
    params = "params/mycompany.yml"
    checked = workbook(installed, tmp_path, "check", "--params", params)
    assert checked.returncode == 0 and "orders" in checked.stdout, checked.stderr
    words = ["--params", params, "--period", "2024Q2", "--language", "en"]
    made = workbook(installed, tmp_path, "run", *words, "--pages", "data_quality")
    assert made.returncode == 0, made.stderr
    assert Path(made.stdout.split()[-1]).is_relative_to(tmp_path / "reports" / "mycompany")
    assert Path(made.stdout.split()[-1]).is_file()


def test_a_sample_comes_with_its_settings_and_keeps_those_that_are_there(installed, tmp_path):
    assert workbook(installed, tmp_path, "sample", "cdnow").returncode == 0
    assert workbook(installed, tmp_path, "check", "--params", "params/cdnow.yml").returncode == 0
    (tmp_path / "params" / "cdnow.yml").write_text("company: Mine\n")
    assert workbook(installed, tmp_path, "sample", "cdnow").returncode == 0
    assert (tmp_path / "params" / "cdnow.yml").read_text() == "company: Mine\n"


def test_presets_of_exports_are_found(installed, tmp_path):
    params = tmp_path / "params" / "x.yml"
    params.parent.mkdir()
    params.write_text(
        "company: X\ncurrency: EUR\ntables:\n  orders: {like: zoho_crm.en/nothing, file: o.csv}\n"
    )
    said = workbook(installed, tmp_path, "check", "--params", "params/x.yml").stderr
    assert "zoho_crm.en has no export 'nothing'" in said


def test_an_installation_for_development_leads_to_the_checkout(project, tmp_path):
    with zipfile.ZipFile(built(project, "editable", tmp_path / "dist")) as wheel:
        paths = [wheel.read(name).decode().strip() for name in wheel.namelist() if name.endswith(".pth")]
        assert not [name for name in wheel.namelist() if name.startswith("analysis/")]
    assert paths == [str(project / "src")]
