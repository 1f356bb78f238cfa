"""Where a run works and where its report comes to lie: one run at a time, nothing half written, no page made twice.

Beside the report of a period, ``reports/<company>/2026Q3``, a run works in the hidden folder ``.2026Q3.unfinished``::

    report/                what becomes the report, its executed notebooks among it
    made/<page>.json       what a finished page was made of; written last, in one step
    old/                   what is being replaced, only where two folders cannot change places in one step

``.2026Q3.lock`` is held while a run works. It ends with the process however that ends, so whatever lies in the
unfinished folder of a period whose lock can be had is of a run that is dead.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from analysis.catalogue import say_problem
from analysis.errors import InputError, Said
from analysis.params import DELIVERY_SETTINGS, Params, content_hash
from analysis.tables.locks import try_lock
from analysis.tables.store import flush, read_json

RUN_FILE = "run.json"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""A disk that takes nothing more: no page can be made, so the run ends rather than leaving a gap for each."""
_AT_CWD, _EXCHANGE = -100, 2  # of Linux's renameat2


class RunError(InputError):
    """A run that cannot begin or cannot be written; the message says what to do."""


@dataclass(frozen=True)
class PageOrigin:
    """Everything a page is made of: where this is the same, so is the page.

    Attributes
    ----------
    run
        ``Book.fingerprint``: the data, the settings, the period and the code.
    languages
        In which it was drawn.
    notebook
        The sha256 of the notebook it was executed from.
    """

    run: str
    languages: tuple[str, ...]
    notebook: str


@dataclass(frozen=True)
class MadePage:
    """A page that a run before has made: its executed notebook, and how long that took."""

    notebook: Path
    seconds: float


@dataclass(frozen=True)
class RunFolder:
    """The places of one report: ``final`` for a whole one, the others beside it."""

    final: Path

    @property
    def partial(self) -> Path:
        """Where a report with gaps goes."""
        return self.final.with_name(f"{self.final.name}-PARTIAL")

    @property
    def unfinished(self) -> Path:
        """Where a run works."""
        return self.final.with_name(f".{self.final.name}.unfinished")

    @property
    def report(self) -> Path:
        """What is to become the report."""
        return self.unfinished / "report"

    @property
    def notebooks(self) -> Path:
        """The executed notebooks of what is to become the report."""
        return self.report / "notebooks"

    @property
    def made(self) -> Path:
        """The records of finished pages."""
        return self.unfinished / "made"

    @property
    def lock(self) -> Path:
        """The file that a run holds while it works."""
        return self.final.with_name(f".{self.final.name}.lock")


def reports_folder(params: Params, given: Path | None = None) -> Path:
    """Where the reports of a company lie, and the ledger of its mail: ``reports/<company>`` if nothing is given."""
    return (given or params.root / "reports" / params.company_id).resolve()


# --- one run at a time ----------------------------------------------------------------------------


@contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """Hold a report's place against other runs, and put back what a run that was killed had laid aside.

    Raises
    ------
    RunError
        If another run is making this report, or nothing can be written there.
    """
    reports = folder.final.parent
    made = [path for path in (reports, *reports.parents) if not path.exists()]
    with refusals_said(reports):
        reports.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    try:
        put_back(folder)
        yield
    finally:
        with suppress(OSError):  # still held: whoever comes now makes a new one; Windows lets no open file go
            folder.lock.unlink()
        lock.close()
        with suppress(OSError):  # what was made for a report goes again if there is none
            for path in made:
                path.rmdir()


def _locked(folder: RunFolder) -> IO[str]:
    """The lock's file, open and held."""
    while True:
        stream = folder.lock.open("a+", encoding="utf-8")
        if not try_lock(stream.fileno()):
            raise RunError(_busy(folder, stream))
        if _is_still(folder.lock, stream):
            _sign(stream)
            return stream
        stream.close()  # its owner has just removed it


def _sign(stream: IO[str]) -> None:
    """Say in the lock who holds it, for whoever is refused."""
    with suppress(OSError):  # the lock holds without it
        stream.truncate(0)
        stream.write(
            f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M}"
        )
        stream.flush()


def _is_still(path: Path, stream: IO[str]) -> bool:
    """Whether a path still leads to the file that was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _busy(folder: RunFolder, stream: IO[str]) -> Said:
    with stream:
        stream.seek(0)
        who = stream.read().strip() or say_problem("another_process")
    return say_problem("another_run", report=folder.final.name, who=who)


@contextmanager
def refusals_said(place: Path) -> Iterator[None]:
    """A disk that refuses is said in words: where, why, and that nothing is lost."""
    try:
        yield
    except OSError as error:
        where, advice = error.filename or place, say_problem(_ADVICE.get(error.errno or 0, "mend_that"))
        refusal = error.strerror or error
        raise RunError(say_problem("disk_refuses", where=where, error=refusal, advice=advice)) from error


_ADVICE = {
    **dict.fromkeys([errno.ENOSPC, errno.EDQUOT], "free_room"),
    **dict.fromkeys([errno.EACCES, errno.EPERM], "let_write"),
    **dict.fromkeys([errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.ENOLCK], "other_place"),
}
"""What there is to do about a disk that refuses."""


# --- what earlier runs have made ------------------------------------------------------------------


def take_over(
    folder: RunFolder, wanted: Mapping[str, tuple[str, PageOrigin]], resume: bool
) -> dict[str, MadePage]:
    """Make the unfinished folder ready; with ``resume``, finished pages of the same origin are put there.

    Pages are taken from a run that was interrupted, else from the report with gaps, else from the whole one. All
    else in the unfinished folder is removed.

    Parameters
    ----------
    wanted
        For each page the name of its notebook and its origin.
    """
    found = {}
    if resume:
        found = {
            page: made
            for page, (name, origin) in wanted.items()
            if (made := _made(folder, page, name, origin))
        }
    else:
        shutil.rmtree(folder.unfinished, ignore_errors=True)
    folder.notebooks.mkdir(parents=True, exist_ok=True)
    folder.made.mkdir(exist_ok=True)
    taken = {page: _brought(folder, page, made, wanted[page][1]) for page, made in found.items()}
    _keep_only(folder, taken)
    return taken


def _made(folder: RunFolder, page: str, name: str, origin: PageOrigin) -> MadePage | None:
    """A finished page of this origin, its executed notebook being what it was when the page was finished."""
    of_runs = [(place, read_json(place / RUN_FILE)) for place in (folder.partial, folder.final)]
    places = [
        (folder.report, read_json(folder.made / f"{page}.json")),
        *((place, _record_in(run, page)) for place, run in of_runs),
    ]
    for place, record in places:
        executed = place / "notebooks" / name
        if (
            _origin_in(record) == origin
            and record.get("status") == "whole"
            and _is(executed, record.get("executed"))
        ):
            return MadePage(executed, float(record["seconds"]))
    return None


def _record_in(run: Mapping[str, Any], page: str) -> dict[str, Any]:
    """The record of a page in that of its run."""
    pages = run.get("pages")
    own = pages.get(page) if isinstance(pages, dict) else None
    return {"run": run.get("run"), "languages": run.get("languages"), **own} if isinstance(own, dict) else {}


def _origin_in(record: Mapping[str, Any]) -> PageOrigin | None:
    try:
        return PageOrigin(record["run"], tuple(record["languages"]), record["notebook"])
    except (KeyError, TypeError):
        return None


def _is(file: Path, digest: Any) -> bool:
    """Whether a file is there and has this sha256."""
    try:
        return sha256(file) == digest
    except OSError:
        return False


def _brought(folder: RunFolder, page: str, made: MadePage, origin: PageOrigin) -> MadePage:
    """A finished page with its notebook and its record in the unfinished folder."""
    here = folder.notebooks / made.notebook.name
    if made.notebook != here:
        shutil.copy(made.notebook, here)
        record_page(folder, page, here, origin, made.seconds)
    return MadePage(here, made.seconds)


def _keep_only(folder: RunFolder, taken: Mapping[str, MadePage]) -> None:
    """Remove from the unfinished folder all but these pages."""
    kept = {folder.report, folder.notebooks, folder.made}
    kept |= {made.notebook for made in taken.values()} | {folder.made / f"{page}.json" for page in taken}
    for place in (folder.unfinished, folder.report, folder.notebooks, folder.made):
        for path in set(place.iterdir()) - kept:
            remove(path)


def record_page(folder: RunFolder, page: str, executed: Path, origin: PageOrigin, seconds: float) -> None:
    """Say that a page is finished, and of what; in one step, once its notebook is safe on the disk."""
    record = {**asdict(origin), "status": "whole", "seconds": seconds, "executed": sha256(executed)}
    flush(executed)
    aside = folder.made / f".{page}.json"
    aside.write_text(json.dumps(record), encoding="utf-8")
    flush(aside)
    aside.replace(folder.made / f"{page}.json")


def sha256(file: Path) -> str:
    """The sha256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- reports that need not be made again ----------------------------------------------------------


@dataclass(frozen=True)
class ReportOrigin:
    """Everything a whole report is made of: its pages in their order, and how they are set and in which editions."""

    pages: Mapping[str, PageOrigin]
    made_with: Mapping[str, Any] = field(default_factory=dict)


SETTINGS_OF_EDITIONS = DELIVERY_SETTINGS - {"mail", "page_timeout_minutes"}


def made_with(params: Params) -> dict[str, Any]:
    """What a report depends on beside its pages: the settings of its editions, the template."""
    settings = params.settings.model_dump(mode="json", include=SETTINGS_OF_EDITIONS)
    template = sorted(path for path in (Path(__file__).parent / "template").rglob("*") if path.is_file())
    return {"settings": content_hash(settings), "template": content_hash([sha256(path) for path in template])}


def whole_record(folder: RunFolder, origin: ReportOrigin, index: str) -> dict[str, Any] | None:
    """The record of a whole report of this origin that is in its place, if there is one."""
    record = read_json(folder.final / RUN_FILE)
    pages = record.get("pages")
    if not isinstance(pages, dict) or not (folder.final / index).is_file():
        return None
    same = {page: _origin_in(_record_in(record, page)) for page in pages} == dict(origin.pages)
    in_order = list(pages) == list(origin.pages)
    is_same = same and in_order and record.get("made_with") == dict(origin.made_with)
    return record if is_same and record.get("status") == "whole" else None


# --- into place -----------------------------------------------------------------------------------


@contextmanager
def keeping_finished_pages(folder: RunFolder) -> Iterator[None]:
    """Leave, when a run ends before its report is in place, the pages it has finished and nothing else."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            _leave_finished_pages(folder)
        raise


def _leave_finished_pages(folder: RunFolder) -> None:
    put_back(folder)
    records = {path.stem: read_json(path) for path in folder.made.glob("[!.]*.json")}
    by_hash = {sha256(path): path for path in folder.notebooks.glob("*.ipynb")}
    finished = {
        page: MadePage(by_hash[record["executed"]], 0.0)
        for page, record in records.items()
        if record.get("executed") in by_hash
    }
    if finished:
        _keep_only(folder, finished)
    else:
        remove(folder.unfinished)


def put_in_place(folder: RunFolder, final: Path) -> None:
    """Put the finished report where it belongs; readers see the one before or this one, never neither.

    What it replaces is removed, and so is a report with gaps where a whole one stands now.
    """
    flush_all(folder.report)
    if not final.exists():
        folder.report.rename(final)
    elif not _exchanged(folder.report, final):
        _replaced(folder, final)
    flush(final.parent)
    if final == folder.final:
        remove_partial(folder)
    remove(folder.unfinished)


def remove_partial(folder: RunFolder) -> None:
    """Remove a report with gaps, all at once."""
    if folder.partial.exists():
        folder.unfinished.mkdir(exist_ok=True)
        stale = folder.unfinished / "stale"
        remove(stale)
        folder.partial.rename(stale)
    remove(folder.unfinished)


def _replaced(folder: RunFolder, final: Path) -> None:
    """In two steps; `put_back` mends what is left when the process ends between them."""
    old = folder.unfinished / "old" / final.name
    old.parent.mkdir(exist_ok=True)
    remove(old)
    final.rename(old)
    try:
        folder.report.rename(final)
    except BaseException:
        old.rename(final)
        raise


def put_back(folder: RunFolder) -> None:
    """Put a report back that was laid aside for another one which never came."""
    for old in (folder.unfinished / "old").glob("*"):
        if not (place := folder.final.with_name(old.name)).exists():
            old.rename(place)


def _exchanged(one: Path, other: Path) -> bool:
    """Two folders have changed places in one step; False where the system cannot do that."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if exchange is None:
        return False
    return exchange(_AT_CWD, os.fsencode(one), _AT_CWD, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0


def flush_all(folder: Path) -> None:
    """Have a folder and all in it safe on the disk: no power cut is to leave empty files in place of a report."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
