"""Each recipient gets his letter, in his language, once; and nothing of the environment is left anywhere."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email import policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from analysis.cli import app
from analysis.delivery import mail, outbox
from analysis.delivery.letter import Letter, Picture
from analysis.delivery.mail import Options, send_mail, summary, write_mail
from analysis.delivery.ready_run import ReadyRun, ready_run
from analysis.errors import InputError
from analysis.facts import Book
from analysis.params import MailSettings, Params
from analysis.suite import Results

FROM = {"WORKBOOK_MAIL_FROM": "Reports <reports@house.example>"}
ENVIRONMENT = FROM | {
    "WORKBOOK_MAIL_TO_BOARD": "chair@house.example, deputy@house.example",
    "WORKBOOK_MAIL_TO_BEIJING": "刘伟 <bj@house.example>",
    "WORKBOOK_MAIL_TO_AM01": "am01@house.example", "WORKBOOK_MAIL_TO_AM02": "am02@house.example",
}  # fmt: skip
RECIPIENTS = [{"name": "board"}, {"name": "beijing", "language": "zh"}, {"each": "account_manager"}]
EVERYBODY = ["board", "beijing", "AM01", "AM02"]

# An order every ten days, held in turn by two managers' customers.
DAYS = [date(2024, 1, 1) + timedelta(days=10 * number) for number in range(18)]
TABLES = {
    "orders": "order_id,customer_id,ordered_at,amount\n"
    + "".join(f"o{number},c{number % 12},{day},{20 + number}\n" for number, day in enumerate(DAYS)),
    "customers": "customer_id,customer_name,acquired_on\n"
    + "".join(f"c{n},Customer {n},2023-12-01\n" for n in range(12)),
    "account_managers": "account_manager_id,account_manager_name,team\nAM01,Ann,north\nAM02,刘伟,south\n",
    "assignments": "customer_id,account_manager_id,assigned_from,assigned_until\n"
    + "".join(f"c{n},AM0{n % 2 + 1},2023-12-01,\n" for n in range(12)),
}  # fmt: skip


@pytest.fixture(scope="module")
def company(open_company: Callable[..., Book]) -> Book:
    """A company of two account managers whose 2024Q2 was made whole."""
    book = open_company(TABLES, "2024Q2", company_id="house", data_through=date(2024, 6, 30))
    folder = book.params.root / "reports" / "house" / "2024Q2"
    folder.mkdir(parents=True)
    record = {"status": "whole", "reconciled": True, "run": book.fingerprint, "languages": ["en", "zh"]}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for language in ("en", "zh"):
        (folder / f"report-{language}.html").write_text(f"<h1>{language}</h1>" + "x" * 5000, encoding="utf-8")
    return book


@pytest.fixture(scope="module")
def made(company: Book) -> ReadyRun:
    """The run as it is found when it is to be mailed."""
    return ready_run(company.params, "2024Q2")


def message_of(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


def name_of(content: bytes) -> str:
    """Whom a message is for: the first address's first part."""
    return message_of(content)["To"].addresses[0].username


# --- The letters themselves, over a real connection -----------------------------------------------


@pytest.fixture
def of_company(company: Book, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Give the company these settings of mail; the path of its params. What was sent before is forgotten."""
    path = company.params.path
    before = path.read_text(encoding="utf-8")
    for name in list(os.environ):
        if name.startswith("WORKBOOK_"):
            monkeypatch.delenv(name)

    def given(environment: Mapping[str, str] = ENVIRONMENT, **settings: Any) -> Path:
        values = yaml.safe_load(before) | {"mail": settings}
        path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return path

    yield given
    path.write_text(before, encoding="utf-8")
    with suppress(FileNotFoundError):
        (path.parents[1] / "reports" / "house" / "mail-ledger.jsonl").unlink()


def workbook(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def server_of(box: Any, **settings: Any) -> dict[str, Any]:
    return {"host": box.host, "port": box.port, "security": "none", "timeout_seconds": 5.0} | settings


@pytest.mark.slow
def test_everybody_gets_his_letter_over_starttls_and_a_second_run_sends_to_nobody(
    serve_mail, trusted, of_company
):
    box = serve_mail("starttls", login=("robot", "open sesame"))
    login = {"WORKBOOK_SMTP_USER": "robot", "WORKBOOK_SMTP_PASSWORD": "open sesame"}
    params = of_company(
        ENVIRONMENT | login, server=server_of(box, security="starttls"), recipients=RECIPIENTS
    )
    outcome = workbook("mail", "2024Q2", "--params", params)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines() == [
        "board (en): sent", "beijing (zh): sent", "AM01 (en): sent", "AM02 (en): sent", "4 sent",
    ]  # fmt: skip
    assert [one.rcpt_tos for one in box.taken] == [
        ["chair@house.example", "deputy@house.example"], ["bj@house.example"], ["am01@house.example"],
        ["am02@house.example"],
    ]  # fmt: skip
    for content in box.contents:
        check_message(content)
    board, beijing, am01, _ = map(message_of, box.contents)
    assert (board["Content-Language"], beijing["Content-Language"]) == ("en", "zh-CN")
    assert [part.get_filename() for part in beijing.iter_attachments()] == [
        "house_2024Q2_zh.html",
        "house_2024Q2_zh.xlsx",
    ]
    assert "house_2024Q2_en.html" not in am01.as_string()  # a slice never carries the company's report

    again = workbook("mail", "2024Q2", "--params", params)
    assert again.exit_code == 0 and len(box.taken) == 4
    assert again.stdout.splitlines()[-1] == "4 already sent"
    assert "board (en): already sent: from run " in again.stdout


def check_message(content: bytes) -> None:
    """What holds of every letter as it was received."""
    message = message_of(content)
    assert all(part.defects == [] for part in message.walk())
    assert content.isascii() and max(map(len, content.split(b"\r\n"))) <= 998
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain.get_content_charset() == html.get_content_charset() == "utf-8"
    text = html.get_content()
    assert len(text.encode()) < 80_000 and len(html.as_bytes()) < 102 * 1024
    shown = {f"<{cid}>" for cid in re.findall(r"""["']cid:([^"']+)""", text)}
    assert shown == {part["Content-ID"] for part in message.walk() if part["Content-ID"]}
    said = unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL))
    figures, written = (set(re.findall(r"\d+(?:[.,]\d+)*%?", one)) for one in (said, plain.get_content()))
    assert len(figures) > 3 and figures - written == set()


@pytest.mark.slow
def test_a_rehearsal_writes_files_that_mail_programs_open_and_needs_no_address(of_company, company):
    params = of_company({}, recipients=RECIPIENTS)
    folder = company.params.root / "reports" / "house" / "2024Q2-mail"
    folder.mkdir(exist_ok=True)
    (folder / "gone-en.eml").write_text("of an earlier rehearsal")
    outcome = workbook("mail", "2024Q2", "--params", params, "--dry-run")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-1] == "4 written"
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {"board-en.eml", "beijing-zh.eml", "AM01-en.eml", "AM02-en.eml"}
    for content in files.values():
        check_message(content)
    assert message_of(files["AM01-en.eml"])["To"] == "am01@example.invalid"
    assert message_of(files["AM01-en.eml"])["From"] == "workbook@example.invalid"
    assert not (folder.parent / "mail-ledger.jsonl").exists()


# --- Who gets what, with letters of our own -------------------------------------------------------


@dataclass
class Post:
    """A server, a run ready to be sent to it, and how it is mailed."""

    box: Any
    params: Params
    environment: dict[str, str]
    run: ReadyRun

    def send(self, *, environment: Mapping[str, str] | None = None, **options: Any) -> dict[str, str]:
        """What became of everybody, by name."""
        self.deliveries = send_mail(
            self.params,
            "2024Q2",
            self.environment if environment is None else environment,
            Options(**options),
        )
        return {one.addressee.name: one.status for one in self.deliveries}

    def words(self, name: str) -> str:
        return next(one.words for one in self.deliveries if one.addressee.name == name)

    @property
    def ledger(self) -> Path:
        return self.run.folder.parent / "mail-ledger.jsonl"

    @property
    def got(self) -> list[str]:
        """Who got something, in order."""
        return [name_of(content) for content in self.box.contents]


class Remade(ReadyRun):
    """The same run, made anew from other data."""

    @property
    def id(self) -> str:
        return "another0123456789"


@pytest.fixture
def post(
    serve_mail: Callable, company: Book, made: ReadyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Post]:
    """A run that is mailed to a server without encryption, with short letters."""
    folder = tmp_path / "house" / "2024Q2"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(made.record_text)

    def letter(about: str, language: str) -> Letter:
        picture = Picture("chart@report", b"PNG" + about.encode(), "a chart")
        html = f"<p>{about}</p><img src='cid:chart@report'>"
        return Letter(f"Report {about} {language}", f"text about {about}\n", html, (picture,), ())

    monkeypatch.setattr(
        mail, "company_letter", lambda results, folder, *, language, attach, link: letter("company", language)
    )
    monkeypatch.setattr(
        mail, "slice_letter", lambda results, chosen, *, language: letter(chosen.group, language)
    )
    monkeypatch.setattr(outbox, "WAITS_SECONDS", ())

    def opened(recipients: list[dict] = RECIPIENTS, server: dict | None = None, **serving: Any) -> Post:
        box = serve_mail(serving.pop("security", "none"), **serving)
        values = {"server": server_of(box, **(server or {})), "recipients": recipients}
        settings = company.settings.model_copy(update={"mail": MailSettings.model_validate(values)})
        made_here = Post(box, company.params.model_copy(update={"settings": settings}), dict(ENVIRONMENT),
                         replace(made, folder=folder))  # fmt: skip
        monkeypatch.setattr(mail, "ready_run", lambda params, period, **_: made_here.run)
        return made_here

    return opened


def test_a_letter_that_goes_to_several_is_written_once_and_each_gets_his_own_message(post, monkeypatch):
    written = []
    ours = post([{"name": "board"}, {"name": "beijing"}])
    before = mail.company_letter
    monkeypatch.setattr(
        mail, "company_letter", lambda *given, **named: written.append(1) or before(*given, **named)
    )
    assert ours.send() == {"board": "sent", "beijing": "sent"}
    assert len(written) == 1
    first, second = map(message_of, ours.box.contents)
    assert "bj@house" not in first.as_string() and "chair@house" not in second.as_string()
    assert first["Message-ID"] != second["Message-ID"]


def test_only_who_is_named_gets_mail_and_needs_an_address(post):
    ours = post()
    environment = FROM | {"WORKBOOK_MAIL_TO_AM02": "am02@house.example"}
    assert ours.send(environment=environment, only=("am02",)) == {"AM02": "sent"}
    assert ours.got == ["am02"]
    assert ours.send() == {"board": "sent", "beijing": "sent", "AM01": "sent", "AM02": "already_sent"}


def test_what_is_missing_is_said_all_at_once_before_anything_is_sent(post):
    ours = post()
    with pytest.raises(InputError) as raised:
        ours.send(environment={"WORKBOOK_MAIL_TO_AM01": "am01@house.example"})
    missing = ["MAIL_FROM", "MAIL_TO_BOARD", "MAIL_TO_BEIJING", "MAIL_TO_AM02"]
    assert re.findall(r"WORKBOOK_(\w+) is not set", str(raised.value)) == missing
    assert ours.box.commands == [] and not ours.ledger.exists()


def test_groups_without_an_address_may_be_left_out(post):
    ours = post()
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.endswith("AM01")}
    got = ours.send(environment=environment, skip_missing=True)
    assert got == {"board": "sent", "beijing": "sent", "AM01": "no_address", "AM02": "sent"}
    assert "AM01 (en): left out: WORKBOOK_MAIL_TO_AM01 is not set" in summary(ours.deliveries)
    assert all(one.is_done for one in ours.deliveries)


def test_an_edition_that_was_not_made_is_not_sent(post):
    ours = post()
    ours.run = replace(ours.run, record={**ours.run.record, "languages": ["en"]})
    with pytest.raises(InputError, match=r"beijing \(zh\) is to get an edition .* --language both"):
        ours.send()
    assert ours.send(only=("board", "AM01")) == {"board": "sent", "AM01": "sent"}


def test_a_report_made_anew_while_letters_are_written_is_not_sent(post, monkeypatch):
    ours = post()
    before = mail.slice_letter

    def meanwhile(*given: Any, **named: Any) -> Letter:
        (ours.run.folder / "run.json").write_text("{}")
        return before(*given, **named)

    monkeypatch.setattr(mail, "slice_letter", meanwhile)
    with pytest.raises(InputError, match="made anew meanwhile; nothing was sent"):
        ours.send()
    assert ours.box.commands == [] and ours.ledger.read_bytes() == b""


def test_a_server_without_encryption_elsewhere_or_with_a_login_is_not_reached(post):
    ours = post()
    login = {"WORKBOOK_SMTP_USER": "robot", "WORKBOOK_SMTP_PASSWORD": "open sesame"}
    with pytest.raises(InputError, match="not sent in the clear"):
        ours.send(environment=ENVIRONMENT | login)
    elsewhere = post(server={"host": "mail.example.com"})
    with pytest.raises(InputError, match="--allow-plain"):
        elsewhere.send()
    assert ours.box.commands == elsewhere.box.commands == []


# --- Once -----------------------------------------------------------------------------------------


def test_a_remade_report_is_sent_as_a_correction_and_only_to_whom_it_is_asked_for(post):
    ours = post()
    ours.send()
    ours.run = Remade(**vars(ours.run))
    assert set(ours.send().values()) == {"held_back"} and len(ours.box.taken) == 4
    run = ours.run.results.book.fingerprint[:8]
    said = (
        rf"2024Q2 was already sent to board from run {run}, \S+; add --again board to send the corrected one"
    )
    assert re.fullmatch(said, ours.words("board"))
    assert not any(one.is_done for one in ours.deliveries)
    assert ours.send(again=("board", "Beijing")) == {
        "board": "sent", "beijing": "sent", "AM01": "held_back", "AM02": "held_back",
    }  # fmt: skip
    assert [message_of(content)["Subject"] for content in ours.box.contents[4:]] == [
        "Corrected: Report company en", "更正：Report company zh",
    ]  # fmt: skip
    assert ours.send(only=("board",)) == {"board": "already_sent"}


def test_what_is_asked_for_again_is_a_message_of_its_own(post):
    ours = post([{"name": "board"}])
    ours.send()
    assert ours.send(again=("board",)) == {"board": "sent"}
    first, second = map(message_of, ours.box.contents)
    assert first["Message-ID"] != second["Message-ID"] and first["Subject"] == second["Subject"]


def test_a_period_still_running_is_another_letter_every_day_and_no_correction(post):
    class Running(Remade):
        period = "2024Q2 to 2024-05-31"

    ours = post([{"name": "board"}])
    whole, ours.run = ours.run, Running(**vars(ours.run))
    assert ours.send() == {"board": "sent"} and ours.send() == {"board": "already_sent"}
    ours.run = whole
    assert ours.send() == {"board": "sent"}
    assert [message_of(content)["Subject"] for content in ours.box.contents] == ["Report company en"] * 2


def test_groups_get_no_letter_of_a_period_still_running_as_the_next_would_tell_what_came_between(post):
    ours = post()
    of = ours.run.results
    window = replace(of.book.window, end=of.book.window.end - timedelta(days=30))
    ours.run = replace(ours.run, results=Results(replace(of.book, window=window), of.frames))
    with pytest.raises(
        InputError, match=r"^AM01 \(en\) .* 2024Q2 to 2024-05-31, which is still running.* --to"
    ):
        ours.send()
    assert ours.got == []
    assert ours.send(only=("board", "beijing")) == {"board": "sent", "beijing": "sent"}


def test_who_was_refused_gets_his_letter_in_the_next_run_and_the_others_nothing(post):
    ours = post(answers={"am01@house.example": ["550 no such user", "250 ok"]})
    assert ours.send() == {"board": "sent", "beijing": "sent", "AM01": "refused", "AM02": "sent"}
    assert ours.words("AM01") == "550 no such user"
    assert summary(ours.deliveries).splitlines()[-1] == "3 sent, 1 refused"
    assert ours.send() == dict.fromkeys(EVERYBODY, "already_sent") | {"AM01": "sent"}
    assert ours.got == ["chair", "bj", "am02", "am01"]


def test_an_address_refused_among_several_is_told_and_the_letter_not_repeated_unasked(post):
    ours = post([{"name": "board"}], answers={"deputy@house.example": ["550 gone", "250 ok"]})
    assert ours.send() == {"board": "sent_in_part"}
    assert ours.words("board") == "to 1 of 2 addresses: address 2: 550 gone; mend and add --again board"
    assert ours.send() == {"board": "sent_in_part"} and len(ours.box.taken) == 1
    assert ours.send(again=("board",)) == {"board": "sent"}
    first, second = map(message_of, ours.box.contents)
    assert first["Message-ID"] == second["Message-ID"]  # the first address may take them for one
    assert ours.send() == {"board": "already_sent"}


def test_a_letter_of_which_nobody_knows_is_repeated_only_when_asked_for_and_under_its_own_identity(post):
    ours = post([{"name": "board"}], server={"timeout_seconds": 0.5}, answers={"DATA": [3.0, "250 taken"]})
    assert ours.send() == {"board": "unknown"}
    assert "while the message was being taken; look whether it arrived, and add --again board" in ours.words(
        "board"
    )
    assert ours.send() == {"board": "unknown"} and len(ours.box.offered) == 1
    assert "an earlier message may have arrived" in ours.words("board")
    assert ours.send(again=("board",)) == {"board": "sent"}
    offered = [message_of(envelope.original_content)["Message-ID"] for envelope in ours.box.offered]
    assert len(offered) == 2 and len(set(offered)) == 1


def test_names_are_kept_in_the_ledger_and_addresses_are_not(post):
    ours = post()
    ours.send()
    kept = ours.ledger.read_text(encoding="utf-8")
    assert {json.loads(line)["to"] for line in kept.splitlines()} == set(EVERYBODY)
    assert "@" not in kept and "house.example" not in kept and "chair" not in kept and "刘伟" not in kept


def test_a_rehearsal_says_who_would_not_be_sent_to_and_changes_nothing(post, tmp_path):
    ours = post()
    ours.send(only=("board",))
    before = ours.ledger.read_bytes()
    told = write_mail(ours.params, "2024Q2", ours.environment, Options(), tmp_path / "out")
    assert [one.status for one in told] == ["written"] * 4
    assert "; from run " in told[0].words and "run" not in told[1].words
    assert ours.ledger.read_bytes() == before and len(ours.box.taken) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "AM01-en.eml", "AM02-en.eml", "beijing-zh.eml", "board-en.eml",
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_is_told(post, tmp_path):
    ours = post()
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="out cannot be written: .*name another with --out"):
        write_mail(ours.params, "2024Q2", ours.environment, Options(), tmp_path / "out")


# --- The command line, and what it leaves behind --------------------------------------------------


def test_the_command_ends_with_2_where_nothing_could_be_sent(of_company, serve_mail):
    params = of_company({}, recipients=RECIPIENTS)
    outcome = workbook("mail", "2024Q2", "--params", params)
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("no mail is sent:\n  - mail.server is not set in company.yml\n")
    for words in (["2024Q1"], ["2024Q2", "--to", "nobody"], ["2024Q2", "--out", "x"], ["2024Q9"]):
        refused = workbook("mail", *words, "--params", params)
        assert refused.exit_code == 2 and refused.stdout == "", words


def test_the_command_ends_with_1_where_somebody_was_not_sent_to(of_company, serve_mail, monkeypatch):
    box = serve_mail("none", answers={"am01@house.example": ["550 no such user"]})
    params = of_company(server=server_of(box), recipients=RECIPIENTS)
    outcome = workbook("mail", "2024Q2", "--params", params, "--to", "AM01", "--to", "AM02")
    assert outcome.exit_code == 1
    assert outcome.stdout.splitlines() == [
        "AM01 (en): refused: 550 no such user",
        "AM02 (en): sent",
        "1 refused, 1 sent",
    ]


def test_a_report_made_elsewhere_is_mailed_from_there_and_to_nobody_who_has_it(
    of_company, company, serve_mail, tmp_path
):
    box = serve_mail("none")
    params = of_company(server=server_of(box), recipients=[{"name": "board"}, {"name": "beijing"}])
    own = company.params.root / "reports" / "house"
    shutil.copytree(own / "2024Q2", tmp_path / "2024Q2")
    first = workbook("mail", "2024Q2", "--params", params, "--to", "board")
    assert (first.exit_code, first.stdout) == (0, "board (en): sent\n1 sent\n")
    second = workbook("mail", "2024Q2", "--params", params, "--reports", tmp_path)
    assert second.exit_code == 0, second.output
    assert second.stdout.startswith("board (en): already sent: from run ")
    assert second.stdout.endswith("\nbeijing (en): sent\n1 already sent, 1 sent\n")
    assert "beijing" in (tmp_path / "mail-ledger.jsonl").read_text() and len(box.taken) == 2


def test_what_became_of_letters_is_told_in_chinese_with_the_same_numbers(of_company, serve_mail):
    box = serve_mail("none", answers={"deputy@house.example": ["550 no such user"]})
    params = of_company(server=server_of(box), recipients=[{"name": "board"}, {"name": "beijing"}])
    outcome = workbook("mail", "2024Q2", "--params", params, "--language", "zh")
    assert outcome.exit_code == 1
    assert outcome.stdout.splitlines() == [
        "board (en)：部分送达：共2个地址，送达1个：第2个地址：550 no such user；请更正后加 --again board",
        "beijing (en)：已发送",
        "部分送达1封、已发送1封",
    ]
    again = workbook("mail", "2024Q2", "--params", params, "--language", "zh").stdout.splitlines()
    assert re.fullmatch(
        r"board \(en\)：部分送达：此前已发送，但部分地址未送达（运行 \w{8}，.*）；请更正地址后加 --again board",
        again[0],
    )
    assert re.fullmatch(r"beijing \(en\)：此前已发送：运行 \w{8}，.*", again[1])


MAILS = """
import sys
from analysis.cli import app
from analysis.delivery import mail
from analysis.delivery.letter import Letter
mail.company_letter = mail.slice_letter = lambda *given, **named: Letter("Report", "text", "<p>text</p>", (), ())
app(["mail", "2024Q2", "--params", sys.argv[1]])
"""


@pytest.mark.slow
def test_two_processes_at_once_send_every_letter_once(of_company, serve_mail):
    box = serve_mail("none")
    params = of_company(server=server_of(box), recipients=RECIPIENTS)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MAILS, str(params)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(map(name_of, box.contents)) == ["am01", "am02", "bj", "chair"]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 2]), said  # the later one found all sent, or the ledger taken


@pytest.mark.slow
def test_a_process_killed_while_a_message_is_taken_leaves_it_unknown_and_nobody_gets_it_twice(
    of_company, serve_mail
):
    box = serve_mail("none", answers={"DATA": [20.0]})
    params = of_company(server=server_of(box, timeout_seconds=30.0), recipients=[{"name": "board"}])
    process = subprocess.Popen(
        [sys.executable, "-c", MAILS, str(params)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not box.offered and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert len(box.offered) == 1
    box.answers["DATA"] = ["250 taken"]
    outcome = workbook("mail", "2024Q2", "--params", params)
    assert outcome.exit_code == 1 and len(box.offered) == 1
    assert "board (en): unknown: an earlier message may have arrived" in outcome.stdout


SECRETS = {
    "WORKBOOK_MAIL_FROM": "Zed Sender <zq-sender@zq-house.example>",
    "WORKBOOK_MAIL_REPLY_TO": "zq-desk@zq-house.example", "WORKBOOK_MAIL_TO_BOARD": "zq-chair@zq-there.example",
    "WORKBOOK_MAIL_TO_NORTH": "zq-one@zq-there.example; zq-two@zq-there.example",
    "WORKBOOK_SMTP_USER": "zq-robot", "WORKBOOK_SMTP_PASSWORD": "zq-open-sesame",
}  # fmt: skip


@pytest.mark.slow
def test_nothing_that_is_written_or_said_holds_a_secret_of_the_environment(
    of_company, serve_mail, trusted, company, tmp_path
):
    """All files and output of a run, a rehearsal and mailings of every ending; messages hold addresses, no password."""
    good = serve_mail("starttls", login=("zq-robot", "zq-open-sesame"), answers={
        "zq-chair@zq-there.example": ["550 <zq-chair@zq-there.example> is unknown to zq-robot, zq-open-sesame"],
        "zq-two@zq-there.example": ["550 zq-two@zq-there.example left"], "DATA": ["250 taken", 3.0],
    })  # fmt: skip
    forgetful = serve_mail("starttls", login=("zq-robot", "another"))
    forged = serve_mail("starttls", certificate_for="elsewhere.example")
    recipients = [{"name": "board"}, {"name": "north", "slice": {"account_team": "north"}}]
    said, codes = [], []

    def ask(server: Any, *words: object) -> None:
        settings = {"server": server_of(server, security="starttls", timeout_seconds=1.0)} if server else {}
        params = of_company(SECRETS, recipients=recipients, attach=["report"], **settings)
        done = subprocess.run(
            [sys.executable, "-m", "analysis.cli", *map(str, words), "--params", str(params)],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        said.append(done.stdout + done.stderr)
        codes.append(done.returncode)

    ask(good, "run", "--period", "2024Q2", "--pages", "10", "--out", tmp_path / "reports")
    ask(good, "mail", "2024Q2", "--dry-run")
    for server in (None, forgetful, forged, good, good):
        ask(server, "mail", "2024Q2")
    ask(good, "mail", "2024Q2", "--again", "north")
    assert codes == [0, 0, 2, 1, 1, 1, 1, 1], said
    assert ["north (en): sent in part" in text for text in said[5:7]] == [True, True]
    assert "north (en): unknown" in said[7]

    told = [line for text in said for line in text.splitlines() if "zq-" in line.lower() or "Zed" in line]
    assert told == []
    files = [path for root in (company.params.root, tmp_path) for path in root.rglob("*") if path.is_file()]
    messages = {path.name: path.read_bytes() for path in files if path.suffix == ".eml"}
    assert set(messages) == {"board-en.eml", "north-en.eml"}
    assert all(b"@zq-there.example" in message for message in messages.values())
    hidden = [form for secret in ("zq-robot", "zq-open-sesame") for form in (secret, base64_of(secret))]
    assert [secret for secret in hidden for message in messages.values() if secret.encode() in message] == []
    searched = [path for path in files if path.suffix != ".eml"]
    assert {"mail-ledger.jsonl", "run.json", "10_data_quality.html"} <= {path.name for path in searched}
    assert [path for path in searched if b"zq-" in path.read_bytes().lower()] == []


def base64_of(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode().rstrip("=")
