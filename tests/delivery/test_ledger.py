"""The ledger keeps what was sent to whom, through crashes and beside other processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.delivery import ledger as ledger_module
from analysis.delivery.ledger import (
    Attempt,
    LedgerError,
    LetterKey,
    Standing,
    attempts_for,
    open_ledger,
    read_ledger,
    standing_of,
)

BOARD = LetterKey("2026Q3", "board", "", "en")
AM01 = LetterKey("2026Q3", "AM01", "account_manager: AM01", "zh")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "demo" / "mail-ledger.jsonl"


def attempt(
    ending: str, run: str = "run1", message: str = "m1", addresses: int = 1, accepted: tuple = (1,)
) -> Attempt:
    return Attempt("a", "2026-10-02", run, message, addresses, accepted if ending == "sent" else (), ending)


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def status(path: Path, key: LetterKey) -> str | None:
    standing = standing_of(attempts_for(read_ledger(path), key))
    return standing and standing.status


def test_what_is_begun_and_ended_stands_in_two_lines_that_name_nobodys_address(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 2)
        ledger.end(BOARD, "sent", [1, 2], 250)
    begun, ended = lines_of(path)
    assert begun["event"] == "about_to_send" and ended["event"] == "sent"
    shared = {
        "period": "2026Q3", "to": "board", "slice": "", "language": "en", "run": "run1", "message": "m1",
        "addresses": 2,
    }  # fmt: skip
    assert {name: begun[name] for name in shared} == {name: ended[name] for name in shared} == shared
    assert begun["attempt"] == ended["attempt"]
    assert (ended["accepted"], ended["code"]) == ([1, 2], 250)
    assert set(ended) == {*shared, "at", "event", "attempt", "accepted", "code"}


def test_it_is_on_the_disk_before_a_letter_is_handed_over(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    with open_ledger(path) as ledger:
        synced.clear()
        ledger.begin(BOARD, "run1", "m1", 1)
        assert synced == [path.stat().st_size] and path.read_bytes().endswith(b"\n")


def test_the_name_of_a_new_ledger_is_on_the_disk_too_and_no_folder_stays_open(path, monkeypatch):
    synced, at_first = [], len(list(Path("/dev/fd").iterdir()))
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor)))
    with open_ledger(path):
        assert [(one.st_ino, one.st_dev) for one in synced] == [
            (path.parent.stat().st_ino, path.parent.stat().st_dev)
        ]
    assert len(list(Path("/dev/fd").iterdir())) == at_first


def test_a_letter_is_known_again_whatever_the_letters_of_its_name(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
        ledger.end(BOARD, "sent", [1])
    with open_ledger(path) as ledger:
        assert standing_of(ledger.attempts(LetterKey("2026Q3", "BOARD", "", "en"))).status == "sent"
        others = [AM01, *(LetterKey(*key) for key in [
            ("2026Q4", "board", "", "en"), ("2026Q3", "board2", "", "en"), ("2026Q3", "board", "account_team: a", "en"),
            ("2026Q3", "board", "", "zh"),
        ])]  # fmt: skip
        assert [ledger.attempts(key) for key in others] == [[]] * 5


@pytest.mark.parametrize(
    ("attempts", "standing"),
    [
        ([], None),
        ([attempt("not_sent")], None),
        ([attempt("sent")], ("sent", "run1")),
        ([attempt("sent"), attempt("not_sent", "run2")], ("sent", "run1")),  # a refused correction changes nothing
        ([attempt("unknown")], ("unknown", "run1")),
        ([attempt("unknown"), attempt("sent")], ("sent", "run1")),
        ([attempt("sent"), attempt("unknown", "run2", "m2")], ("unknown", "run2")),
        ([attempt("sent"), attempt("sent", "run2", "m2")], ("sent", "run2")),
        ([attempt("sent", addresses=2)], ("sent_in_part", "run1")),
        ([attempt("sent", addresses=2), attempt("sent", addresses=2, accepted=(2,))], ("sent", "run1")),
        # The second address took another message only.
        ([attempt("sent", addresses=2), attempt("sent", "run1", "m2", 2, (2,))], ("sent_in_part", "run1")),
    ],
)  # fmt: skip
def test_how_it_stands_with_a_letter_follows_from_all_attempts(attempts, standing):
    found = standing_of(attempts)
    assert (found and (found.status, found.run)) == standing


def test_an_attempt_without_an_end_is_unknown(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
    at = lines_of(path)[0]["at"]
    assert standing_of(attempts_for(read_ledger(path), BOARD)) == Standing("unknown", "run1", at, "m1")


def test_a_line_that_was_being_written_when_the_machine_stopped_is_taken_out(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at": "2026-10-02T08:00:00+00:00", "event": "se')
    assert status(path, BOARD) == "unknown"
    with open_ledger(path) as ledger:
        assert path.read_bytes() == whole
        ledger.begin(AM01, "run1", "m2", 1)
    assert [line["to"] for line in lines_of(path)] == ["board", "AM01"]


def test_what_surely_did_not_arrive_is_read_back_as_never_handed_over(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
        ledger.end(BOARD, "not_sent")
    assert set(lines_of(path)[1]).isdisjoint({"accepted", "code"})  # nobody took it, and no server answered
    assert [one.ending for one in attempts_for(read_ledger(path), BOARD)] == ["not_sent"]
    assert status(path, BOARD) is None


def test_names_can_be_read_by_whoever_opens_the_file_and_blank_lines_do_no_harm(path):
    finance = LetterKey("2026Q3", "财务", "", "zh")
    with open_ledger(path) as ledger:
        for key in (finance, BOARD):
            ledger.begin(key, "run1", "m1", 1)
            ledger.end(key, "sent", [1])
    assert '"to": "财务"' in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("\n", "\n \n\n"), encoding="utf-8")
    assert (status(path, finance), status(path, BOARD)) == ("sent", "sent")


def test_an_ending_that_nobody_knows_stops_everything_though_the_line_is_whole(path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
    path.write_text(path.read_text().replace("about_to_send", "paid"))
    with pytest.raises(LedgerError, match="line 1: cannot be read"):
        read_ledger(path)


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"event": "sent"}', '{"event": "paid", "to": "board"}'])
def test_a_whole_line_that_cannot_be_read_stops_everything(line, path):
    with open_ledger(path) as ledger:
        ledger.begin(BOARD, "run1", "m1", 1)
    path.write_text(path.read_text() + line + "\n\n")
    with pytest.raises(LedgerError, match=r"line 2: cannot be read; nothing is sent until"):
        read_ledger(path)
    with pytest.raises(LedgerError, match="line 2"), open_ledger(path):
        pass


def test_a_full_disk_is_told_before_a_letter_is_handed_over(path, monkeypatch):
    def full(descriptor: int, line: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_ledger(path) as ledger:
        monkeypatch.setattr(ledger_module.os, "write", full)
        with pytest.raises(LedgerError, match="No space left on device; no more is sent"):
            ledger.begin(BOARD, "run1", "m1", 1)
    assert path.read_bytes() == b""


def test_a_ledger_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "mail-ledger.jsonl").mkdir()
    with (
        pytest.raises(LedgerError, match="nothing is sent without it"),
        open_ledger(tmp_path / "mail-ledger.jsonl"),
    ):
        pass


def test_without_a_ledger_nothing_was_sent(path):
    assert read_ledger(path) == {} and not path.exists()


# --- Other processes ------------------------------------------------------------------------------

HOLDS = """
import sys, time
from pathlib import Path
from analysis.delivery.ledger import LetterKey, open_ledger
with open_ledger(Path(sys.argv[1])) as ledger:
    ledger.begin(LetterKey("2026Q3", "board", "", "en"), "run1", "m1", 1)
    print("holding", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(path):
    """Another process in the midst of sending."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_kept_out_as_long_as_the_first_sends(path, holder):
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="open in another process that is sending mail"), open_ledger(path):
        pass
    assert path.read_bytes() == before
    assert status(path, BOARD) == "unknown"  # reading, as a rehearsal does, waits for nobody


def test_a_process_that_is_killed_leaves_the_ledger_free_and_its_letter_unknown(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with open_ledger(path) as ledger:
        assert standing_of(ledger.attempts(BOARD)).status == "unknown"
