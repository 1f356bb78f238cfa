"""A run's folder: held by one run at a time, changed in one step, repaired after a run that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.report import run_folder as module
from analysis.report.run_folder import (
    PageOrigin,
    RunError,
    RunFolder,
    held,
    keeping_finished_pages,
    put_in_place,
    record_page,
    take_over,
)

ORIGIN = PageOrigin("run", ("en", "zh"), "notebook")
WANTED = {"a": ("a.ipynb", ORIGIN), "b": ("b.ipynb", ORIGIN)}


@pytest.fixture
def folder(tmp_path):
    """A report in its place that is to be replaced."""
    place = RunFolder(tmp_path / "reports" / "2026Q1")
    write(place.final, "old")
    return place


def write(report, text):
    (report / "en").mkdir(parents=True)
    (report / "run.json").write_text(json.dumps({"is": text}))
    (report / "en" / "index.html").write_text(text)


def contents(folder):
    """Every file of a folder with its text."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


OLD = {"run.json": '{"is": "old"}', "en/index.html": "old"}
NEW = {"run.json": '{"is": "new"}', "en/index.html": "new"}


def finish(folder, page, text="executed", origin=ORIGIN):
    """A finished page in the unfinished folder."""
    folder.notebooks.mkdir(parents=True, exist_ok=True)
    folder.made.mkdir(exist_ok=True)
    (folder.notebooks / f"{page}.ipynb").write_text(text)
    record_page(folder, page, folder.notebooks / f"{page}.ipynb", origin, 2.5)


# --- into place -----------------------------------------------------------------------------------


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_report_takes_the_place_of_the_one_before_and_nothing_else_is_left(
    folder, monkeypatch, can_exchange
):
    if not can_exchange:
        monkeypatch.setattr(module, "_exchanged", lambda *_: False)
    write(folder.partial, "with gaps")
    write(folder.report, "new")
    put_in_place(folder, folder.final)
    assert contents(folder.final.parent) == {f"2026Q1/{name}": text for name, text in NEW.items()}
    assert [path.name for path in folder.final.parent.iterdir()] == ["2026Q1"]


def test_a_report_with_gaps_comes_beside_the_whole_one(folder):
    write(folder.report, "new")
    put_in_place(folder, folder.partial)
    assert contents(folder.final) == OLD and contents(folder.partial) == NEW
    assert not folder.unfinished.exists()


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_rename_that_fails_leaves_the_old_report(folder, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(module, "_exchanged", lambda *_: False)
    monkeypatch.setattr(module, "flush_all", lambda _: None)
    folder.unfinished.mkdir()
    with pytest.raises(OSError):
        put_in_place(folder, folder.final)  # there is no new one
    assert contents(folder.final) == OLD


KILLED_WHILE = """
import sys, time
from pathlib import Path
from analysis.report import run_folder as module

def stop():
    Path(sys.argv[2]).touch()
    time.sleep(600)

def then_stop(call):
    def called(*arguments, **options):
        result = call(*arguments, **options)
        stop()
        return result
    return called

folder = module.RunFolder(Path(sys.argv[1]))
moment = sys.argv[3]
if moment == "before":
    module.flush_all = lambda _: stop()
elif moment == "exchanged":
    module._exchanged = then_stop(module._exchanged)
else:
    module._exchanged = lambda *_: False
    Path.rename = then_stop(Path.rename)
with module.held(folder), module.keeping_finished_pages(folder):
    module.put_in_place(folder, folder.final)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not killed so here")
@pytest.mark.parametrize(
    ("moment", "left"),
    [("before", OLD), ("exchanged", NEW), ("between two renames", None)],
)
def test_whenever_a_run_is_killed_the_next_one_finds_a_whole_report(folder, tmp_path, moment, left):
    write(folder.report, "new")
    arguments = [str(folder.final), str(tmp_path / "now"), moment]
    running = subprocess.Popen([sys.executable, "-c", KILLED_WHILE, *arguments])
    wait_for((tmp_path / "now").exists, running)
    running.kill()
    running.wait()
    if left is None:
        assert not folder.final.exists()  # the moment that only a system without an exchange has
    else:
        assert contents(folder.final) == left
    with held(folder):  # as the next run does
        assert contents(folder.final) == (left or OLD)
        take_over(folder, WANTED, resume=False)
        write_into(folder.report, "newest")
        put_in_place(folder, folder.final)
    assert contents(folder.final)["en/index.html"] == "newest"
    assert [path.name for path in folder.final.parent.iterdir()] == ["2026Q1"]


def write_into(report, text):
    (report / "notebooks").rmdir()
    (report / "en").mkdir()
    (report / "en" / "index.html").write_text(text)


def wait_for(there, running, seconds=60):
    end = time.monotonic() + seconds
    while not there():
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def test_an_interruption_between_two_renames_puts_the_old_report_back(folder, monkeypatch):
    rename = Path.rename

    def interrupted(path, target):
        rename(path, target)
        if path == folder.final:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", interrupted)
    write(folder.report, "new")
    with pytest.raises(KeyboardInterrupt), keeping_finished_pages(folder):
        put_in_place(folder, folder.final)
    assert contents(folder.final.parent) == {f"2026Q1/{name}": text for name, text in OLD.items()}


# --- one at a time --------------------------------------------------------------------------------


def test_a_second_run_of_the_same_report_is_refused_and_told_by_whom(folder):
    with held(folder), pytest.raises(RunError) as refused, held(folder):
        pass
    assert str(refused.value).startswith(f"2026Q1 is being made by another run (process {os.getpid()} on ")
    assert not folder.lock.exists()


def test_other_reports_of_the_company_are_not_held(folder):
    with held(folder), held(RunFolder(folder.final.with_name("2026Q2"))):
        assert folder.lock.exists()


def test_a_lock_that_a_dead_run_has_left_holds_nobody(folder):
    folder.lock.write_text("process 1 on nowhere, since long ago")
    with held(folder):
        assert folder.lock.read_text().startswith(f"process {os.getpid()} on ")
    assert not folder.lock.exists()


def test_folders_made_for_a_report_that_is_not_made_go_again(tmp_path):
    with held(RunFolder(tmp_path / "reports" / "shop" / "2026Q1")):
        assert (tmp_path / "reports" / "shop").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "reports").write_text("a file")
    with (
        pytest.raises(RunError, match=r"reports: .*\. The report cannot be written; the one before"),
        held(RunFolder(tmp_path / "reports" / "2026Q1")),
    ):
        pass


# --- what is taken over ---------------------------------------------------------------------------


def test_finished_pages_are_taken_over_and_all_else_is_removed(folder):
    finish(folder, "a")
    (folder.notebooks / "b.ipynb").write_text("half")
    (folder.report / "en").mkdir()
    (folder.unfinished / "stale").mkdir()
    taken = take_over(folder, WANTED, resume=True)
    assert {page: (made.notebook, made.seconds) for page, made in taken.items()} == {
        "a": (folder.notebooks / "a.ipynb", 2.5)
    }
    assert sorted(contents(folder.unfinished)) == ["made/a.json", "report/notebooks/a.ipynb"]
    assert sorted(path.name for path in folder.unfinished.iterdir()) == ["made", "report"]


def test_without_resume_nothing_is_taken_over(folder):
    finish(folder, "a")
    assert take_over(folder, WANTED, resume=False) == {}
    assert contents(folder.unfinished) == {}


@pytest.mark.parametrize(
    "other",
    [PageOrigin("other", ("en", "zh"), "notebook"), PageOrigin("run", ("en",), "notebook"),
     PageOrigin("run", ("en", "zh"), "other")],
    ids=["data, settings or code", "languages", "notebook"],
)  # fmt: skip
def test_a_page_of_another_origin_is_not_taken_over(folder, other):
    finish(folder, "a", origin=other)
    assert take_over(folder, WANTED, resume=True) == {}


def test_a_notebook_that_is_not_what_it_was_when_finished_is_not_taken_over(folder):
    finish(folder, "a")
    (folder.notebooks / "a.ipynb").write_text("")  # as a power cut may leave it
    finish(folder, "b")
    (folder.made / "b.json").write_text('{"status": "who')
    assert take_over(folder, WANTED, resume=True) == {}


@pytest.mark.parametrize("place", ["partial", "final"])
def test_pages_are_taken_over_from_a_finished_report_too_and_it_stays(folder, place):
    report = getattr(folder, place)
    (report / "notebooks").mkdir(parents=True)
    pages = {}
    for page, status in {"a": "whole", "b": "failed"}.items():
        (notebook := report / "notebooks" / f"{page}.ipynb").write_text(page)
        contents_of = {"notebook": "notebook", "executed": module.sha256(notebook)}
        pages[page] = {"status": status, "error": "", "seconds": 2, **contents_of}
    (report / "run.json").write_text(json.dumps({"run": "run", "languages": ["en", "zh"], "pages": pages}))
    before = contents(report)
    taken = take_over(folder, WANTED, resume=True)
    assert list(taken) == ["a"] and taken["a"].notebook.read_text() == "a"
    assert taken["a"].notebook.parent == folder.notebooks
    assert contents(report) == before
    (report / "notebooks" / "a.ipynb").unlink()
    assert list(take_over(folder, WANTED, resume=True)) == ["a"]  # it is in the unfinished folder now


def test_a_run_that_ends_early_leaves_its_finished_pages_and_nothing_else(folder):
    with pytest.raises(SystemExit), keeping_finished_pages(folder):
        finish(folder, "a")
        (folder.notebooks / "b.ipynb").write_text("half")
        (folder.report / "en").mkdir()
        sys.exit(143)
    assert sorted(contents(folder.unfinished)) == ["made/a.json", "report/notebooks/a.ipynb"]
    assert contents(folder.final) == OLD
    with pytest.raises(SystemExit), keeping_finished_pages(folder):
        take_over(folder, WANTED, resume=False)
        sys.exit(143)
    assert not folder.unfinished.exists()
