"""Sample data sets, written as raw files the way any user would have them."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.params import own_files


def write_settings(sample: str, root: Path) -> Path:
    """The settings of a sample below ``root``, put there unless the project has them already."""
    path = root / "params" / f"{sample}.yml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(own_files() / "params" / path.name, path)
    return path
