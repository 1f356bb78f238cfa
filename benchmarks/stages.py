"""The stages: files of this folder, each with its TASKS; read when asked for."""

from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from measuring import Task

FOLDER = Path(__file__).resolve().parent
STAGES = ("fits", "values", "histories", "metrics", "suite", "pages", "imports", "kpis")


def file_of(stage: str) -> Path:
    """The file of a stage: of this folder, or anyone's."""
    return Path(stage).resolve() if stage.endswith(".py") else FOLDER / f"{stage}.py"


def tasks_of(stage: str) -> tuple[Task, ...]:
    """The tasks of a stage; none where it has no file."""
    path = file_of(stage)
    if not path.exists():
        return ()
    if path.stem not in sys.modules:
        spec = spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem].TASKS


def task_of(stage: str, name: str) -> Task:
    return next(task for task in tasks_of(stage) if task.name == name)


def fingerprint(stage: str) -> str:
    """A hash of whatever could change what is measured: the package, the inputs, the measuring, the stage.

    To a stage belong the files of its folder whose names begin with its own.
    """
    package = Path(find_spec("analysis").origin).parent
    files = [path for path in package.rglob("*") if path.suffix in {".py", ".sql", ".yml"}]
    digest = hashlib.sha256()
    shared = (FOLDER / f"{name}.py" for name in ("measuring", "inputs", "passes"))
    own = file_of(stage).parent.glob(f"{file_of(stage).stem}*.py")
    for path in sorted([*files, *shared, *own]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
