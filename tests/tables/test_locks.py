"""An open file is one process's own until that ends, with the locks of either kind of system."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from analysis.tables import locks

TRIES = """
import sys
from analysis.tables.locks import try_lock
with open(sys.argv[1], "a") as stream:
    print(try_lock(stream.fileno()))
"""


def test_another_process_has_it_only_once_it_is_closed(tmp_path):
    def another():
        done = subprocess.run(
            [sys.executable, "-c", TRIES, tmp_path / "lock"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    with (tmp_path / "lock").open("a") as stream:
        assert locks.try_lock(stream.fileno())
        assert another() == "False"
    assert another() == "True"


@pytest.fixture
def windows(monkeypatch):
    """Locks as Windows has them: of bytes, by where the file stands; what another has is a refusal."""
    held = set()

    def locking(descriptor, mode, count):
        byte = os.lseek(descriptor, 0, os.SEEK_CUR)
        if (os.fstat(descriptor).st_ino, byte) in held:
            raise PermissionError(errno.EACCES, "Permission denied")
        held.add((os.fstat(descriptor).st_ino, byte))

    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2), raising=False)
    return held


def test_where_bytes_are_locked_the_file_can_still_be_read_and_a_second_holder_is_kept_out(tmp_path, windows):
    path = tmp_path / "lock"
    path.write_text("process 1")
    with path.open("a+") as one, path.open("a+") as other:
        assert locks.try_lock(one.fileno()) and not locks.try_lock(other.fileno())
        [(_, byte)] = windows
        assert byte > len(path.read_text())  # nobody could read a byte that is locked
        one.write(", and more")
    assert path.read_text() == "process 1, and more"


def test_who_waits_has_it_as_soon_as_it_is_free(tmp_path, windows, monkeypatch):
    (tmp_path / "lock").touch()
    with (tmp_path / "lock").open("a") as one, (tmp_path / "lock").open("a") as other:
        locks.try_lock(one.fileno())
        monkeypatch.setattr(locks.time, "sleep", lambda _: windows.clear())
        locks.wait_for_lock(other.fileno())
        assert len(windows) == 1


def test_a_disk_without_locks_is_not_taken_for_one_that_is_held(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with (tmp_path / "lock").open("a") as stream, pytest.raises(OSError, match="No locks available"):
        locks.try_lock(stream.fileno())
