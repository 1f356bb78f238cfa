"""Where settings lie: the company's file, the base file and the presets beside it or the workbook's own."""

from __future__ import annotations

from pathlib import Path

from analysis.catalogue import nearest, say_problem
from analysis.params.problems import ParamsError

BASE_FILE = "base.yml"
PRESETS_FOLDER = "sources"  # beside the base file: how the exports of systems in wide use are written


def find_params_file(path: Path) -> Path:
    """The company's file: as given if absolute, else the nearest below the working folder and its parents.

    Raises
    ------
    ParamsError
        With the nearest name there is, if it is nowhere.
    """
    folders = (Path.cwd(), *Path.cwd().parents)
    for candidate in [path] if path.is_absolute() else [folder / path for folder in folders]:
        if candidate.is_file():
            return candidate.resolve()
    here = sorted(found for found in Path.cwd().glob("params/*.yml") if found.name != BASE_FILE)
    known = nearest(str(path), [found.relative_to(Path.cwd()).as_posix() for found in here])
    raise ParamsError(
        say_problem("no_params_file", path=str(path), hint=known or say_problem("give_the_path"))
    )


def base_file_of(file: Path) -> Path:
    """``base.yml`` beside the file, else the workbook's own."""
    beside = file.with_name(BASE_FILE)
    return beside if beside.is_file() else own_files() / "params" / BASE_FILE


def preset_files(base: Path) -> dict[str, Path]:
    """The presets by name: those beside the base file, and the workbook's own."""
    folders = (own_files() / "params" / PRESETS_FOLDER, base.parent / PRESETS_FOLDER)
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yml"))}


def own_files() -> Path:
    """The folder of the workbook's own ``params/`` and ``notebooks/``: the checkout, or in a wheel its copy of them."""
    package = Path(__file__).resolve().parents[1]
    copied = package / "_project"
    return copied if copied.is_dir() else package.parents[1]


def root_of(file: Path) -> Path:
    """The folder that relative paths start from: above ``params/``, else the file's own."""
    return file.parent.parent if file.parent.name == "params" else file.parent
