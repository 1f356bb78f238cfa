"""Frames kept in a folder that is whole or absent."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

import pandas as pd

from analysis.tables import TablesError
from analysis.tables.store import remove_abandoned, settle

_INDEX = "frames.json"


def write_frames(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Keep frames as Parquet in a folder, written aside and renamed; what is there already and whole stays.

    Raises
    ------
    TablesError
        If the place cannot be written to.
    """
    aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    try:
        aside.mkdir(parents=True)
        remove_abandoned(folder.parent)
        for name, frame in frames.items():
            frame.to_parquet(aside / f"{name}.parquet", index=False)
        (aside / _INDEX).write_text(json.dumps(list(frames)), encoding="utf-8")
        settle(aside, folder, lambda place: read_frames(place) is not None)
    except OSError as error:
        raise TablesError(f"{folder.parent}: the results cannot be kept there ({error})") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def read_frames(folder: Path) -> dict[str, pd.DataFrame] | None:
    """The frames kept in a folder; none where nothing whole is there."""
    try:
        names = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        return {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    except (OSError, ValueError):
        return None
