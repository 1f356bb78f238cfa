"""The batch as its operator meets it: real processes, ended at any moment, several at once, run again."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from analysis.cli import app
from analysis.report import run as run_module
from analysis.report.run_folder import RunFolder, held

needs_signals = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL") or sys.platform == "darwin", reason="processes are not ended so here"
)
# The command line with the shop's notebooks; with a second argument, a process that stops for ever at that step.
# Whoever runs the tests may ignore signals (nohup, a shell's background), and a process inherits that.
WORKBOOK = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
from analysis.report import run as run_module
folder, stops_at = Path(sys.argv[1]), sys.argv[2]
run_module.find_notebook = lambda page: folder / f"{page.id}.ipynb"
if stops_at:
    def stop(*_, **__):
        (folder / "stopped").touch()
        time.sleep(600)
    setattr(run_module, stops_at, stop)
from analysis.cli import app
app(sys.argv[3:])
"""
SECONDS = 180  # for what takes five on a quiet machine


@pytest.fixture
def batch(small_shop, tmp_path):
    """The shop with a whole report of 2026Q1, and two pages of which the second waits for the file `go` in 2026Q1."""
    begun = Batch(small_shop, tmp_path)
    yield begun
    begun.end()


class Batch:
    def __init__(self, shop, folder):
        self.reports, self.folder, self.shop = shop.reports, folder, shop
        self.unfinished = shop.reports / ".2026Q1.unfinished"
        self.go, self.begun = folder / "go", folder / "begun"
        self.temporary = Path(tempfile.mkdtemp(prefix="wb-"))  # a short path: sockets have their names in it
        told = f"open({str(self.begun)!r}, 'a').write('{{}} ' + period + '\\n')\n"
        wait = f"while period == '2026Q1' and not os.path.exists({str(self.go)!r}):\n    time.sleep(0.05)"
        shop.write(
            {
                "scorecard": told.format("scorecard"),
                "retention": "import os, time\n" + told.format("retention") + wait,
            },
            languages=["en"],
            analyst_edition=False,
        )
        (self.reports / "2026Q1" / "en").mkdir(parents=True)
        (self.reports / "2026Q1" / "run.json").write_text('{"status": "whole"}')
        (self.reports / "2026Q1" / "en" / "index.html").write_text("the last good report")
        self.good = contents(self.reports / "2026Q1")
        self.running = []

    def start(self, *words, stops_at=""):
        """A process of its own, with a folder for temporary files that says what it leaves."""
        command = [
            sys.executable,
            "-c",
            WORKBOOK,
            str(self.folder),
            stops_at,
            "run",
            "-f",
            str(self.shop.params),
        ]
        process = subprocess.Popen(
            [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(self.temporary)},
        )  # fmt: skip
        self.running.append(process)
        return process

    def pages_begun(self):
        return sorted(self.begun.read_text().splitlines()) if self.begun.exists() else []

    def is_in_second_page(self):
        return (
            "retention 2026Q1" in self.pages_begun()
            and (self.unfinished / "made" / "scorecard.json").exists()
        )

    def nothing_runs(self):
        """Whether no process and no file is left of the runs that have ended."""
        named = [one for one in processes() if any(str(self.temporary) in word for word in one)]
        return not named and not list(self.temporary.glob("workbook-*"))

    def end(self):
        for process in self.running:
            process.kill()
            process.communicate()
        shutil.rmtree(self.temporary, ignore_errors=True)


def processes():
    """The command lines of all processes but those of shells and of this one."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid():
                yield process.cmdline()


def contents(folder):
    """Every file of a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def until(there, *running):
    """Wait until something is there; the processes that bring it about must not have ended."""
    end = time.monotonic() + SECONDS
    while not there():
        ended = [one.communicate()[1] for one in running if one.poll() is not None]
        assert not ended, ended
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(process):
    """Exit code, and what was said on both streams."""
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


# --- ended at any moment --------------------------------------------------------------------------


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [("SIGINT", 130), ("SIGHUP", 129), ("SIGTERM", 143), ("SIGKILL", -9)]
)
def test_a_run_that_is_ended_loses_nothing_and_is_resumed_where_it_stopped(batch, number, code):
    run = batch.start("-p", "2026Q1")
    until(batch.is_in_second_page, run)
    run.send_signal(getattr(signal, number))
    assert ended(run)[0] == code
    until(batch.nothing_runs)
    assert contents(batch.reports / "2026Q1") == batch.good
    assert names(batch.unfinished / "made") == ["scorecard.json"]
    if number in ("SIGINT", "SIGHUP"):
        return  # the next run is that after SIGTERM

    batch.go.touch()
    code, out, err = ended(batch.start("-p", "2026Q1", "--resume"))
    assert code == 0, err
    assert "1 of 2 pages were finished before and kept" in err and "1 of 2 pages (1 kept)" in err
    assert out.split() == [str(batch.reports / "2026Q1" / "en" / "index.html")]
    assert batch.pages_begun() == ["retention 2026Q1", "retention 2026Q1", "scorecard 2026Q1"]
    assert names(batch.reports) == ["2026Q1"]
    assert batch.nothing_runs()


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize("step", ["measure_suite", "_render", "put_in_place"])
def test_a_run_that_is_killed_at_another_step_leaves_the_report_and_the_next_run_begins_anew(batch, step):
    batch.go.touch()
    run = batch.start("-p", "2026Q1", stops_at=step)
    until((batch.folder / "stopped").exists, run)
    run.kill()
    run.communicate()
    until(batch.nothing_runs)
    assert contents(batch.reports / "2026Q1") == batch.good
    left = {".2026Q1.lock", "2026Q1"} | (set() if step == "measure_suite" else {".2026Q1.unfinished"})
    assert set(names(batch.reports)) == left

    if step == "put_in_place":  # the whole of the next run once; the lock alone for the others
        code, _, err = ended(batch.start("-p", "2026Q1"))
        assert code == 0 and "kept" not in err
        assert names(batch.reports) == ["2026Q1"]
        assert batch.pages_begun().count("scorecard 2026Q1") == 2
    else:
        with held(RunFolder(batch.reports / "2026Q1")):
            pass


# --- several at once ------------------------------------------------------------------------------


@needs_signals
@pytest.mark.slow
def test_the_same_period_is_refused_while_it_is_made_and_another_is_not(batch):
    first = batch.start("-p", "2026Q1")
    until(batch.is_in_second_page, first)
    same, other = batch.start("-p", "2026Q1", "--resume"), batch.start("-p", "2026Q2")
    code, out, err = ended(same)
    assert (code, out) == (2, "")
    assert re.search(
        rf"2026Q1 is being made by another run \(process {first.pid} on .*\); nothing was done", err
    )
    assert ended(other)[0] == 0
    assert contents(batch.reports / "2026Q1") == batch.good  # the first is still at it
    batch.go.touch()
    assert ended(first)[0] == 0
    assert names(batch.reports) == ["2026Q1", "2026Q2"]
    assert contents(batch.reports / "2026Q1") != batch.good
    assert batch.nothing_runs()


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def workbook(batch, monkeypatch):
    monkeypatch.setattr(run_module, "find_notebook", lambda page: batch.shop.notebook(page.id))
    batch.go.touch()

    def called(*words):
        return CliRunner().invoke(app, ["run", "-f", str(batch.shop.params), *words])

    return called


@pytest.mark.slow
def test_a_batch_says_of_each_period_how_it_ended_and_ends_with_the_worst(workbook, batch):
    done = workbook("--periods", "2026Q2..2026Q2")
    assert done.exit_code == 0, done.output
    done = workbook("--periods", "2020Q1,2026Q1..2026Q2", "--resume")
    assert done.exit_code == 2
    index = [str(batch.reports / label / "en" / "index.html") for label in ("2026Q1", "2026Q2")]
    assert done.stdout.split() == index
    assert "2026Q2: already whole, kept:" in done.stderr
    *_, none, made, kept = done.stderr.splitlines()
    assert re.fullmatch(
        r"2020Q1  not made +2020Q1 has no data: they begin on 2026-01-05; check the period", none
    )
    assert re.fullmatch(rf"2026Q1  whole +\d+ s  {re.escape(index[0])}", made)
    assert re.fullmatch(rf"2026Q2  kept +{re.escape(index[1])}", kept)
    begun = batch.pages_begun()
    assert begun == ["retention 2026Q1", "retention 2026Q2", "scorecard 2026Q1", "scorecard 2026Q2"]
    log = [line for line in done.stderr.splitlines() if "pages" in line]
    assert log and all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Shop 2026Q1: ", line) for line in log)
    assert all(character.isprintable() or character == "\n" for character in done.stderr)


@pytest.mark.slow
def test_a_report_goes_where_it_is_asked_for_and_its_operator_is_spoken_to_in_chinese(workbook, tmp_path):
    done = workbook("--periods", "2020Q1,2026Q2", "--reports", str(tmp_path / "share"), "--language", "zh")
    index = tmp_path / "share" / "2026Q2" / "zh" / "index.html"
    assert (done.exit_code, done.stdout) == (2, f"{index}\n") and index.is_file()
    why = "2020Q1 没有数据：数据自 2026-01-05 开始；请核对期间"
    *log, heading, none, made = done.stderr.splitlines()
    assert why in log and heading == "报告："
    assert re.fullmatch(f"2020Q1  未生成 +{why}", none)
    assert re.fullmatch(rf"2026Q2  完整  +\d+秒  {re.escape(str(index))}", made)
    # Two pages that end between two looks are told together, so only the last count is sure to be told.
    assert any("Shop 2026Q2：共2页，已完成2页" in line for line in log)


@pytest.mark.slow
def test_a_report_with_gaps_ends_with_1(workbook, batch):
    batch.shop.write_notebook("retention", "raise RuntimeError('broken')")
    done = workbook("--period", "2026Q1")
    assert done.exit_code == 1
    assert "page retention failed: RuntimeError: broken (traceback in " in done.stderr
    assert "PARTIAL report, kept beside any whole one:" in done.stderr
    assert names(batch.reports) == ["2026Q1", "2026Q1-PARTIAL"]
    assert contents(batch.reports / "2026Q1") == batch.good


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say which period: --period 2026Q3, or --periods 2025Q1..2026Q3"),
        (
            ["-p", "2026Q1", "--periods", "2026Q2"],
            "--period and --periods are the same option: give one of them",
        ),
        (["--periods", "2026Q2..2026Q1"], "ends before it starts"),
    ],
)
def test_a_command_that_does_not_say_which_periods_is_refused(workbook, words, said):
    done = workbook(*words)
    assert done.exit_code == 2 and said in done.stderr and done.stdout == ""


def test_the_help_says_what_exit_codes_mean():
    said = " ".join(CliRunner().invoke(app, ["run", "--help"]).output.split())
    for words in (
        "--periods",
        "--resume",
        "0 when every report is whole",
        "1 when one has gaps",
        "2 when one could",
    ):
        assert words in said
