"""Files under their content: hashes that are remembered, and folders that are whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.params import Params
from analysis.tables import TablesError
from analysis.tables.sources import name_of

HASHES_FILE = ".hashes.json"
Stamps = dict[Path, list[int]]  # size and time of change (ns) of every file
SETTLED_NS = 2_000_000_000  # a file written just now may change again within its time stamp: hash it anew


def stamps(files: dict[str, list[Path]]) -> Stamps:
    """Size and time of change of every file."""
    stats = {path: path.stat() for paths in files.values() for path in paths}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}


def hash_files(stamps: Stamps, store: Path) -> dict[Path, str]:
    known = read_json(store / HASHES_FILE)
    return {path: _known_hash(known.get(str(path)), stamp) or _sha256(path) for path, stamp in stamps.items()}


def _known_hash(entry: Any, stamp: list[int]) -> str | None:
    return entry[2] if isinstance(entry, list) and entry[:2] == stamp else None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TablesError(f"{path}: cannot be read ({error.strerror})") from None


def check_unchanged(params: Params, before: Stamps, after: Stamps) -> None:
    changed = [name_of(params, path) for path in before if before[path] != after[path]]
    if changed:
        raise TablesError(
            f"{', '.join(changed)}: changed while it was being read; run again when it is complete"
        )


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
        shutil.copytree(made, aside)
        _rename(aside, folder, is_whole)
    except OSError as error:
        raise TablesError(f"{folder.parent}: the checked tables cannot be written there ({error})") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _rename(aside: Path, folder: Path, is_whole: Callable[[Path], bool]) -> None:
    try:
        aside.rename(folder)
    except OSError:
        if is_whole(folder):
            return
        broken = aside.with_name(f"{aside.name}.broken")
        folder.rename(broken)
        aside.rename(folder)
        shutil.rmtree(broken, ignore_errors=True)
