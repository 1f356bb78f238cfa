"""The repository keeps its word: one list of dependencies, one flow of imports, commands that are there."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1]
SOURCE = PROJECT / "src" / "analysis"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
TABLE = PYPROJECT["project"]
FOLDERS = ("src", "tests", "params", "notebooks", "benchmarks", ".ci")


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


NEEDED = requirements(TABLE["dependencies"])
FOR_DEVELOPERS = requirements(TABLE["optional-dependencies"]["dev"])
EXTRAS = requirements(
    [each for extra in ("spark", "speed") for each in TABLE["optional-dependencies"][extra]]
)
LOCKS = {"requirements.lock": NEEDED | FOR_DEVELOPERS, "requirements-extras.lock": EXTRAS}


def own_files() -> list[Path]:
    """The files of the project that people write."""
    inside = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*")]
    found = [*inside, *PROJECT.iterdir(), PROJECT / "data" / "README.md"]
    generated = {"__pycache__", ".ipynb_checkpoints"}
    return [path for path in found if path.is_file() and not generated & set(path.parts)]


def imported(file: Path) -> Iterator[str]:
    """Every module a Python file imports by its full name, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def distributions_of(folder: Path) -> dict[str, str]:
    """The third-party packages a folder's files import, each with a file that does."""
    known = packages_distributions()
    found = {}
    for file in folder.rglob("*.py"):
        for top in {name.partition(".")[0] for name in imported(file)}:
            if top in sys.stdlib_module_names or top == "analysis" or any(folder.rglob(f"{top}.py")):
                continue
            found |= {canonicalize_name(name): f"{file.name}: {top}" for name in known.get(top, [top])[:1]}
    return found


# --- Dependencies ---------------------------------------------------------------------------------


def test_what_the_package_imports_is_among_its_dependencies():
    listed = NEEDED | EXTRAS
    missing = {name: where for name, where in distributions_of(SOURCE).items() if name not in listed}
    assert missing == {}


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_what_tests_and_benchmarks_import_is_among_the_dependencies_or_the_developers(folder):
    listed = NEEDED | FOR_DEVELOPERS | EXTRAS
    missing = {n: where for n, where in distributions_of(PROJECT / folder).items() if n not in listed}
    assert missing == {}


@pytest.mark.parametrize("listed", [NEEDED, FOR_DEVELOPERS], ids=["package", "developers"])
def test_dependencies_stand_in_alphabetical_order_and_once(listed):
    lines = TABLE["dependencies"] if listed is NEEDED else TABLE["optional-dependencies"]["dev"]
    assert list(listed) == sorted(listed)
    assert len(lines) == len(listed)


def locked(lock: str) -> dict[str, list[tuple[str, list[str]]]]:
    """Name → (requirement, its hashes) for everything in a lock; a name may stand for several pythons."""
    text = re.sub(r"^\s*#.*\n?", "", read(lock), flags=re.MULTILINE)
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        name = canonicalize_name(Requirement(requirement).name)
        found.setdefault(name, []).append((requirement, hashes))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_one_exact_version_with_hashes_of_everything(lock):
    for requirement, hashes in (each for pins in locked(lock).values() for each in pins):
        specifier = str(Requirement(requirement).specifier)
        assert re.fullmatch(r"==[^,*]+", specifier), requirement
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_every_dependency_in_a_version_that_is_allowed(lock):
    builds = requirements(PYPROJECT["build-system"]["requires"]) if lock == "requirements.lock" else {}
    pins = locked(lock)
    for name, wanted in (LOCKS[lock] | builds).items():
        assert name in pins, f"{name}: run `make lock`"
        for requirement, _ in pins[name]:
            version = str(Requirement(requirement).specifier).removeprefix("==")
            assert wanted.specifier.contains(version, prereleases=True), (requirement, str(wanted))


def test_what_both_locks_hold_has_one_version():
    always, extras = locked("requirements.lock"), locked("requirements-extras.lock")
    both = always.keys() & extras.keys()
    assert "numpy" in both
    assert {name: sorted(pin for pin, _ in extras[name]) for name in both} == {
        name: sorted(pin for pin, _ in always[name]) for name in both
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock):
    address = (
        r"://|--(?:extra-)?index|--find-links|--trusted-host|\bfile:|[\w-]+\.(?:org|com|io|net|dev|cn)\b"
    )
    assert re.findall(address, read(lock)) == []


def test_the_conda_environment_installs_the_package_and_nothing_beside_it():
    environment = yaml.safe_load(read("environment.yml"))
    python, pip, own = environment["dependencies"]
    assert environment["name"] == TABLE["name"]
    assert (python, pip) == (f"python{TABLE['requires-python']}", "pip")
    assert own == {"pip": ["-e .[dev]"]}


def test_one_python_is_the_oldest_everywhere():
    floor = next(iter(SpecifierSet(TABLE["requires-python"]))).version
    major, minor = floor.split(".")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{major}{minor}"
    assert f"< ({major}, {minor})" in read("Makefile")
    assert f"--python-version {floor} " in read("Makefile")
    assert floor in read("README.md")


# --- Imports --------------------------------------------------------------------------------------


def test_imports_go_down_only():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 kept, 0 broken" in ran.stdout


def test_every_part_of_the_package_has_its_floor():
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]
    floors = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    parts = [
        path.stem
        for path in SOURCE.iterdir()
        if (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
    ]
    assert sorted(floors) == sorted(parts)
    assert contract["exhaustive"] is True


def test_every_floor_but_the_engines_is_held_to_knowing_none():
    layers, forbidden = PYPROJECT["tool"]["importlinter"]["contracts"]
    floors = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    held = {name.removeprefix("analysis.") for name in forbidden["source_modules"]}
    assert held == floors - {"engine", "errors"}
    assert {"duckdb", "pyspark"} <= set(forbidden["forbidden_modules"])


def test_nothing_inside_imports_the_name_table_for_notebooks():
    assert [file.name for file in SOURCE.rglob("*.py") if "analysis" in imported(file)] == []


def test_no_file_has_a_name_that_says_nothing():
    nothing = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
    vague = [path.name for path in SOURCE.rglob("*") if path.stem in nothing]
    vague += [path.name for path in SOURCE.rglob("*") if re.search(r"^new_|_v\d$", path.stem)]
    assert vague == []


# --- What is written ------------------------------------------------------------------------------


def test_no_file_names_a_place_of_one_machine():
    someones = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w")
    found = [
        f"{path.relative_to(PROJECT)}: {match[0]}"
        for path in own_files()
        for match in someones.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


def test_the_package_names_no_temporary_folder_of_its_own():
    temporary = re.compile(r"(?<!\w)/(?:var/)?tmp\b")
    texts = [path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path.name for path in texts if temporary.search(path.read_text(encoding="utf-8"))] == []


def test_the_readme_gives_the_two_commands_at_once_the_report_first():
    beginning = "\n".join(read("README.md").splitlines()[:60])
    assert "make report" in beginning
    assert beginning.index("make report") < beginning.index("make test")


def test_continuous_integration_runs_what_the_readme_says():
    script = PROJECT / ".ci" / "run"
    commands = re.findall(r"^make [\w-]+", read(".ci/run"), re.MULTILINE)
    assert commands.index("make test") < commands.index("make report")
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("name", [".ci/run", *sorted(path.name for path in PROJECT.glob("*.md"))])
def test_every_make_command_named_is_there(name):
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|\$ )make ([a-z][\w-]*)", read(name), re.MULTILINE))
    assert {"setup", "report", "test", "bench"} <= targets
    assert named <= targets


@pytest.mark.parametrize(
    "file", [*PROJECT.glob("*.md"), *PROJECT.glob("*/README.md")], ids=lambda file: file.name
)
def test_every_file_a_document_links_to_is_there(file):
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", file.read_text(encoding="utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []
