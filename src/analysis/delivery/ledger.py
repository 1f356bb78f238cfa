"""What was mailed to whom: a file of lines that only grows, so that nobody is sent the same letter twice.

Before a message is handed over, a line says that it is about to be; after the server's answer, another says how it
ended. Where that second line is missing, nobody can know whether the message arrived, and it is not repeated unasked.
The file names recipients by their names in the settings and never holds an address.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from analysis.errors import InputError
from analysis.tables.locks import try_lock

LEDGER_FILE = "mail-ledger.jsonl"
Ending = Literal["sent", "not_sent", "unknown"]
"""How an attempt ended: accepted for at least one address, surely not accepted, or nobody knows."""


class LedgerError(InputError):
    """A ledger that cannot be read, written, or is being written by another process; nothing is sent without it."""


@dataclass(frozen=True)
class LetterKey:
    """One letter to one recipient, whichever run it is made from.

    Attributes
    ----------
    period
        ``2026Q3``; with the last day measured while it is still running (``2026Q3 to 2026-08-15``), as the report of
        the whole period is another letter, not a correction.
    to
        The recipient's name in the settings.
    slice
        ``account_manager: AM01``; empty for the whole company.
    """

    period: str
    to: str
    slice: str
    language: str


@dataclass(frozen=True)
class Attempt:
    """One attempt to hand over a letter, as the ledger has it.

    Attributes
    ----------
    addresses
        How many addresses the recipient had.
    accepted
        The places (from 1) of those that the server took the message for.
    """

    attempt: str
    at: str
    run: str
    message: str
    addresses: int
    accepted: tuple[int, ...]
    ending: Ending


@dataclass(frozen=True)
class Standing:
    """How it stands with a letter: the run it was last sent from, when, and how that ended.

    ``status`` is ``sent``, ``sent_in_part`` (some addresses were refused) or ``unknown``.
    """

    status: Literal["sent", "sent_in_part", "unknown"]
    run: str
    at: str
    message: str


class Ledger:
    """The open ledger of a company, which no other process can write meanwhile."""

    def __init__(self, path: Path, descriptor: int, attempts: Mapping[LetterKey, list[Attempt]]) -> None:
        self.path, self._descriptor = path, descriptor
        self._attempts = dict(attempts)
        self._open: dict[LetterKey, dict[str, Any]] = {}

    def attempts(self, key: LetterKey) -> list[Attempt]:
        """Every attempt to hand over this letter before this process began, oldest first."""
        return self._attempts.get(_folded(key), [])

    def begin(self, key: LetterKey, run: str, message: str, addresses: int) -> None:
        """Write that a letter is about to be handed over; it stands on the disk when this returns.

        Raises
        ------
        LedgerError
            If it cannot be written; the letter must not be handed over then.
        """
        self._open[key] = {"attempt": uuid.uuid4().hex[:12], **asdict(key), "run": run, "message": message,
                           "addresses": addresses}  # fmt: skip
        self._write({"event": "about_to_send", **self._open[key]})

    def end(
        self, key: LetterKey, ending: Ending, accepted: Iterable[int] = (), code: int | None = None
    ) -> None:
        """Write how the attempt ended that ``begin`` began last.

        Raises
        ------
        LedgerError
            If it cannot be written: the attempt then counts as unknown.
        """
        told = {"accepted": list(accepted)} if ending == "sent" else {}
        told |= {} if code is None else {"code": code}
        self._write({"event": ending, **self._open.pop(key), **told})

    def _write(self, record: Mapping[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"at": at, **record}, ensure_ascii=False).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise LedgerError(f"{self.path} cannot be written: {error.strerror}; no more is sent") from None


def standing_of(attempts: Iterable[Attempt]) -> Standing | None:
    """How it stands with a letter after these attempts; None if it was never handed over.

    Attempts that the server refused do not count: after them, all is as before. A message taken for some addresses
    first and for the others later was sent to all of them.
    """
    handed_over = [one for one in attempts if one.ending != "not_sent"]
    if not handed_over:
        return None
    last = handed_over[-1]
    if last.ending == "unknown":
        return Standing("unknown", last.run, last.at, last.message)
    accepted = {place for one in handed_over if one.message == last.message for place in one.accepted}
    status = "sent" if len(accepted) >= last.addresses else "sent_in_part"
    return Standing(status, last.run, last.at, last.message)


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """The ledger, locked for this process as long as it is open; made if there is none.

    A last line without an end was being written when the machine stopped; the message it tells of was not yet handed
    over, or stands as unknown, so that the line goes.

    Raises
    ------
    LedgerError
        If another process has it open, or it cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise LedgerError(f"{path} cannot be opened: {error.strerror}; nothing is sent without it") from None
    try:
        _lock(descriptor, path)
        _sync_folder(path.parent)
        whole = _without_torn_line(path.read_bytes())
        os.ftruncate(descriptor, len(whole))
        yield Ledger(path, descriptor, _attempts_in(whole, path))
    finally:
        os.close(descriptor)  # and with it the lock


def read_ledger(path: Path) -> Mapping[LetterKey, list[Attempt]]:
    """The attempts that a ledger holds, by letter; none where there is no ledger. Nothing is locked or written.

    Raises
    ------
    LedgerError
        If it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}") from None
    return _attempts_in(_without_torn_line(content), path)


def attempts_for(ledger: Mapping[LetterKey, list[Attempt]], key: LetterKey) -> list[Attempt]:
    """The attempts of one letter among those that ``read_ledger`` gives."""
    return ledger.get(_folded(key), [])


def _folded(key: LetterKey) -> LetterKey:
    """The key by which a letter is found: variables know no small letters, so that names do not either."""
    return LetterKey(key.period, key.to.upper(), key.slice, key.language)


def _attempts_in(content: bytes, path: Path) -> dict[LetterKey, list[Attempt]]:
    """The attempts by letter, each with its last line's ending; about to be sent and no more is unknown."""
    found: dict[LetterKey, dict[str, Attempt]] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            key, attempt = _read_line(json.loads(line))
        except (ValueError, KeyError, TypeError):
            raise LedgerError(
                f"{path}, line {number}: cannot be read; nothing is sent until it is mended or taken out, "
                "as it may say who was sent what"
            ) from None
        found.setdefault(key, {})[attempt.attempt] = attempt
    return {key: list(attempts.values()) for key, attempts in found.items()}


def _read_line(told: Mapping[str, Any]) -> tuple[LetterKey, Attempt]:
    key = LetterKey(told["period"], told["to"], told["slice"], told["language"])
    ending: Any = "unknown" if told["event"] == "about_to_send" else told["event"]
    if ending not in ("sent", "not_sent", "unknown"):
        raise ValueError(ending)
    accepted = tuple(int(place) for place in told.get("accepted", ()))
    return _folded(key), Attempt(
        str(told["attempt"]), str(told["at"]), str(told["run"]), str(told["message"]), int(told["addresses"]),
        accepted, ending,
    )  # fmt: skip


def _without_torn_line(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _lock(descriptor: int, path: Path) -> None:
    """Keep other processes out until the descriptor is closed, however this process ends."""
    try:
        is_ours = try_lock(descriptor)
    except OSError as error:
        raise LedgerError(f"{path} cannot be locked: {error.strerror}; nothing is sent without it") from None
    if not is_ours:
        raise LedgerError(
            f"{path} is open in another process that is sending mail; nothing was sent by this one"
        )


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk too."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a system where folders cannot be opened keeps names itself
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
