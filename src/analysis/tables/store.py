"""Files under their content: hashes that are remembered, and folders that are whole or absent."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from analysis.catalogue import listed, say_problem
from analysis.params import Params
from analysis.tables import TablesError
from analysis.tables.locks import wait_for_lock
from analysis.tables.sources import name_of

HASHES_FILE = ".hashes.json"
Stamps = dict[Path, list[int]]  # size and time of change (ns) of every file
ABANDONED_SECONDS = 86_400  # nothing takes so long to be written: whoever began it is dead
_IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
_ASIDE = re.compile(r"(\.?[0-9a-f]{16}|\.hashes\.json)\.[0-9a-f]{32}(\.broken)?")
SETTLED_NS = 2_000_000_000  # a file written just now may change again within its time stamp: hash it anew


def stamps(files: dict[str, list[Path]]) -> Stamps:
    """Size and time of change of every file."""
    stats = {path: path.stat() for paths in files.values() for path in paths}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}


def hash_files(stamps: Stamps, store: Path) -> dict[Path, str]:
    """The hash of each file's content, read anew only where its stamp is not the one of last time."""
    known = read_json(store / HASHES_FILE)
    return {path: _known_hash(known.get(str(path)), stamp) or _sha256(path) for path, stamp in stamps.items()}


def _known_hash(entry: Any, stamp: list[int]) -> str | None:
    return entry[2] if isinstance(entry, list) and entry[:2] == stamp else None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TablesError(say_problem("file_unreadable", path=path, error=error.strerror)) from None


def check_unchanged(params: Params, before: Stamps, after: Stamps) -> None:
    """Raise ``TablesError`` where a file changed while it was read."""
    changed = [name_of(params, path) for path in before if before[path] != after[path]]
    if changed:
        raise TablesError(say_problem("changed_while_read", files=listed(changed)))


def remember_hashes(stamps: Stamps, hashes: dict[Path, str], store: Path) -> None:
    """Keeps the hashes of files that have not changed for a while: the next run need not read them."""
    known = read_json(store / HASHES_FILE)
    settled = {
        str(path): [*stamp, hashes[path]]
        for path, stamp in stamps.items()
        if time.time_ns() - stamp[1] > SETTLED_NS
    }
    if any(known.get(path) != entry for path, entry in settled.items()):
        with contextlib.suppress(OSError):  # only a short cut
            _write_aside(store / HASHES_FILE, json.dumps(known | settled, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where there is none or it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write_aside(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def publish(made: Path, folder: Path, is_whole: Callable[[Path], bool]) -> None:
    """Copies a finished folder beside its place and renames it; whoever comes second uses the first one's.

    Raises
    ------
    TablesError
        If the place cannot be written to.
    """
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder.parent)
        shutil.copytree(made, aside)
        settle(aside, folder, is_whole)
    except OSError as error:
        raise TablesError(f"{folder.parent}: the checked tables cannot be written there ({error})") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def settle(aside: Path, folder: Path, is_whole: Callable[[Path], bool]) -> None:
    """Renames a finished folder into its place, unless another process was first with the same content.

    What lies there and is not whole makes way, one process at a time: what another has just put there stays.
    """
    if _renamed(aside, folder) or is_whole(folder):
        return
    with _one_at_a_time(folder.parent):
        while not (is_whole(folder) or _renamed(aside, folder)):
            broken = aside.with_name(f"{aside.name}.broken")
            folder.rename(broken)
            shutil.rmtree(broken, ignore_errors=True)


def _renamed(aside: Path, folder: Path) -> bool:
    """Whether a folder could be renamed; False where its new place is taken."""
    try:
        aside.rename(folder)
    except OSError as error:
        if error.errno not in _IN_THE_WAY:
            raise
        return False
    return True


@contextlib.contextmanager
def _one_at_a_time(store: Path) -> Iterator[None]:
    """Wait until no other process is in such a block; the lock is on the folder itself and ends with its process."""
    if os.name == "nt":  # where folders cannot be opened; renames alone keep each whole
        yield
        return
    handle = os.open(store, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network disks lock no folders
            wait_for_lock(handle)
        yield
    finally:
        os.close(handle)


def remove_abandoned(store: Path) -> None:
    """Remove what was written aside by processes that died before it was in its place."""
    latest = time.time() - ABANDONED_SECONDS
    for path in store.iterdir():
        with contextlib.suppress(OSError):
            if _ASIDE.fullmatch(path.name) and path.stat().st_mtime < latest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, safe on the disk."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
