"""The guide to schedules: what it says to type can be typed, and what it says to install can be installed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main
import yaml

from analysis.cli import app
from analysis.report.outcomes import EXIT_NOT_FIT, EXIT_NOT_MADE, EXIT_WHOLE

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "schedule.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def blocks(kind):
    """The fenced blocks of a kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


[SCRIPT] = blocks("sh")
SERVICE, TIMER = blocks("ini")
[WORKFLOW] = blocks("yaml")


# --- commands -------------------------------------------------------------------------------------


def commands():
    """Every workbook command of the guide, without what the shell does around it."""
    plain = (SCRIPT + "\n".join(blocks(""))).replace('"$period"', "2026Q3")
    return re.findall(r"(?:^|/| )workbook ((?:run|mail) [^#&\n]+)", plain, re.MULTILINE)


def test_every_command_is_understood():
    assert {line.split()[0] for line in commands()} == {"run", "mail"}
    known = typer.main.get_command(app)
    for line in commands():
        name, *words = shlex.split(line)
        with known.commands[name].make_context(name, words) as context:
            assert context.params["params"] == "params/demo.yml"


def test_the_exit_codes_are_those_of_the_program():
    told = re.findall(r"^\| (\d[\d, ]*) \|", TEXT, re.MULTILINE)
    assert told == [
        str(EXIT_WHOLE),
        str(EXIT_NOT_FIT),
        str(EXIT_NOT_MADE),
        f"{128 + 1}, {128 + 2}, {128 + 15}",
    ]


# --- the script -----------------------------------------------------------------------------------


@pytest.fixture
def quarterly(tmp_path):
    """The script at a day, with a workbook that only tells what it was asked, and ends as told."""
    (tmp_path / "tools").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)

    def write(path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def called(day, code=0):
        year, month, _ = day.split("-")
        write(tmp_path / "tools" / "date", f'[ "$1" = +%Y ] && echo {year} || echo {month}')
        write(tmp_path / ".venv" / "bin" / "workbook", f'echo "$@"; exit {code}')
        write(tmp_path / "quarterly.sh", SCRIPT)
        path = f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "WORKBOOK_FOLDER": str(tmp_path)}
        done = subprocess.run(
            ["sh", str(tmp_path / "quarterly.sh")],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()

    return called


@pytest.mark.parametrize(
    ("day", "period"),
    [("2026-10-02", "2026Q3"), ("2027-01-08", "2026Q4"), ("2026-09-30", "2026Q2"), ("2026-04-01", "2026Q1")],
)
def test_the_script_makes_and_mails_the_quarter_that_ended_last(quarterly, day, period):
    code, told = quarterly(day)
    assert code == 0
    assert told == [
        f"run --params params/demo.yml --period {period} --resume",
        f"mail {period} --params params/demo.yml",
    ]


@pytest.mark.parametrize("code", [1, 2])
def test_the_script_mails_nothing_that_is_not_fit_and_ends_as_the_run_did(quarterly, code):
    ended, told = quarterly("2026-10-02", code)
    assert ended == code and len(told) == 1


# --- what starts it -------------------------------------------------------------------------------


def test_the_cron_line_has_five_fields_within_their_ranges_and_its_command():
    [block] = blocks("cron")
    zone, line = block.splitlines()
    assert zone.startswith("CRON_TZ=")
    minute, hour, day, month, weekday, command = line.split(maxsplit=5)
    for written, lowest, highest in ((minute, 0, 59), (hour, 0, 23), (day, 1, 31), (month, 1, 12)):
        numbers = [int(number) for number in re.findall(r"\d+", written)]
        assert numbers and all(lowest <= number <= highest for number in numbers)
    assert weekday == "*"
    assert (
        "/srv/workbook/quarterly.sh >> " in command and "%" not in command
    )  # cron takes that for a new line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here to say so")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path):
    service = SERVICE.replace("/srv/workbook/quarterly.sh", "/bin/true").replace("User=workbook\n", "")
    (tmp_path / "workbook.service").write_text(service)
    (tmp_path / "workbook.timer").write_text(TIMER)
    units = [str(tmp_path / name) for name in ("workbook.service", "workbook.timer")]
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert [line for line in checked.stderr.splitlines() if "workbook" in line] == []
    when = re.search("OnCalendar=(.*)", TIMER)[1]
    asked = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=2", when], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr


def test_the_workflow_is_pinned_has_no_secret_in_it_and_may_write_nothing():
    workflow = yaml.safe_load(WORKFLOW)
    [job] = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each) for each in used)
    [given] = [step["env"] for step in job["steps"] if "env" in step]
    secrets = {name: value for name, value in given.items() if name != "WORKBOOK_FOLDER"}
    assert secrets == {name: f"${{{{ secrets.{name} }}}}" for name in secrets}
    assert "WORKBOOK_SMTP_PASSWORD" in secrets
    [minute, *_] = workflow[True]["schedule"][0]["cron"].split()  # YAML 1.1 takes `on` for true
    assert minute == "30"
    assert job["timeout-minutes"] <= 360  # as long as a hosted machine may take
