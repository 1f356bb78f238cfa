"""Frames are kept whole or not at all, whoever keeps them at the same time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.tables import TablesError
from analysis.tables.stored_frames import read_frames, write_frames

FRAMES = {"a": pd.DataFrame({"x": [1, 2], "y": ["p", None]}), "b": pd.DataFrame({"z": [0.5]})}
# Many times: the folder is broken by somebody, all put theirs there, and what is read is whole or absent.
TOGETHER = """
import sys, shutil
from pathlib import Path
import pandas as pd
from analysis.tables.stored_frames import read_frames, write_frames
folder, me = Path(sys.argv[1]), int(sys.argv[2])
frames = {"a": pd.DataFrame({"x": range(1000)}), "b": pd.DataFrame({"z": [0.5]})}
for turn in range(60):
    if turn % 4 == me:
        (folder / "frames.json").unlink(missing_ok=True)
    write_frames(folder, frames)
    read = read_frames(folder)
    assert read is None or (len(read["a"]) == 1000 and list(read) == ["a", "b"])
"""


def test_frames_come_back_as_they_were(tmp_path):
    write_frames(tmp_path / "kept", FRAMES)
    read = read_frames(tmp_path / "kept")
    assert list(read) == ["a", "b"]
    for name, frame in FRAMES.items():
        pd.testing.assert_frame_equal(read[name], frame)


def test_what_is_there_and_whole_stays(tmp_path):
    write_frames(tmp_path / "kept", FRAMES)
    first = (tmp_path / "kept" / "a.parquet").stat().st_ino
    write_frames(tmp_path / "kept", FRAMES)
    assert (tmp_path / "kept" / "a.parquet").stat().st_ino == first
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("broken", ["a.parquet", "frames.json"])
def test_what_is_there_and_not_whole_is_not_read_and_makes_way(tmp_path, broken):
    write_frames(tmp_path / "kept", FRAMES)
    (tmp_path / "kept" / broken).write_bytes(b"")  # as a power cut may leave it
    assert read_frames(tmp_path / "kept") is None
    write_frames(tmp_path / "kept", FRAMES)
    assert list(read_frames(tmp_path / "kept")) == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(TablesError, match=r"the results cannot be kept there \(.*No space left on device\)"):
        write_frames(tmp_path / "results" / "kept", FRAMES)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.slow
def test_processes_that_keep_the_same_at_once_do_not_harm_each_other(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", TOGETHER, str(tmp_path / "kept")]
    running = [
        subprocess.Popen([*command, str(number)], env=environment, text=True, stderr=subprocess.PIPE)
        for number in range(3)
    ]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 3, said
    write_frames(tmp_path / "kept", FRAMES)
    assert read_frames(tmp_path / "kept") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
