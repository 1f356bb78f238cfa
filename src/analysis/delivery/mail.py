"""A whole run mailed to those who are to read it: each his letter, in his language, once.

Nothing is sent from a run that is not whole, does not add up, or was made from other data, settings or code than are
there now. Everything that can be wrong before a server is reached is found before one is reached.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from functools import partial
from pathlib import Path
from typing import Any, Literal

from analysis.catalogue import label, say_problem
from analysis.delivery.addressees import (
    Addressee,
    AddresseeError,
    addresses_or_nowhere,
    choose,
    find_addressees,
    read_everybody,
)
from analysis.delivery.addresses import Sender
from analysis.delivery.company_letter import company_letter
from analysis.delivery.ledger import (
    LEDGER_FILE,
    Attempt,
    Ledger,
    LetterKey,
    attempts_for,
    open_ledger,
    read_ledger,
    standing_of,
)
from analysis.delivery.letter import Letter
from analysis.delivery.mail_server import check_server
from analysis.delivery.message import Heading, is_clipped, message_bytes, message_id
from analysis.delivery.outbox import Ending, Outcome, Parcel, Refusal, Wait, send_parcels
from analysis.delivery.ready_run import ReadyRun, check_unchanged, ready_run
from analysis.delivery.slice_letters import slice_letter
from analysis.delivery.slices import groups_of
from analysis.errors import InputError
from analysis.params import MailSettings, Params
from analysis.report.run_folder import reports_folder
from analysis.report.terminal_words import say_in_terminal

RUN_DIGITS = 8

Status = Literal[
    "sent", "already_sent", "written", "no_address", "sent_in_part", "held_back", "refused", "unknown"
]
DONE: frozenset[Status] = frozenset({"sent", "already_sent", "written", "no_address"})


class MailError(InputError):
    """Letters that cannot be put together or written; the message says why."""


@dataclass(frozen=True)
class Delivery:
    """What became of one letter. ``status`` is one word, ``words`` the rest of the sentence."""

    addressee: Addressee
    status: Status
    words: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nobody has to look after it."""
        return self.status in DONE


def summary(deliveries: Sequence[Delivery], language: str = "en") -> str:
    """A line for each letter, and how many fared how; recipients are named, addresses are not."""
    say = partial(say_in_terminal, language=language)
    lines = [
        say("letter_ended").join(filter(None, [one.addressee.shown, say(f"mail_{one.status}"), one.words]))
        for one in deliveries
    ]
    counts = Counter(one.status for one in deliveries)
    counted = [say("counted", count=count, status=say(f"mail_{status}")) for status, count in counts.items()]
    return "\n".join([*lines, say("list_join").join(counted)])


@dataclass(frozen=True)
class Options:
    """How mail is asked for.

    Attributes
    ----------
    only, again
        Names of recipients: those who are to get mail at all, and those who are to get what they had already.
    allow_running
        Whether a period that is still running may be mailed.
    skip_missing
        Whether recipients of ``each`` without an address are left out.
    allow_plain
        Whether a server on another machine may be sent to without encryption.
    reports
        Folder of the company's reports; ``reports/<company>`` below the project if not given.
    language
        In which it is told what became of the letters; they themselves are in their readers' languages.
    """

    only: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    allow_running: bool = False
    skip_missing: bool = False
    allow_plain: bool = False
    reports: Path | None = None
    language: str = "en"


def send_mail(
    params: Params,
    period: str,
    environment: Mapping[str, str],
    options: Options,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Delivery]:
    """What became of each recipient's letter, in the order of the settings.

    Parameters
    ----------
    environment
        Where addresses, user and password are looked for.
    tell
        Told when there is a wait.

    Raises
    ------
    InputError
        Whatever is wrong before a server is reached; nothing has been sent then.
    """
    settings = params.settings.mail
    run = ready_run(params, period, allow_running=options.allow_running, reports=options.reports)
    addressees = _chosen(run, settings, options)
    server = settings.server
    sender, addresses = read_everybody(
        environment, addressees, skip_missing=options.skip_missing,
        problems=[] if server else [f"mail.server is not set in {params.path.name}"],
    )  # fmt: skip
    assert server is not None  # else said above
    check_server(server, sender.login, allow_plain=options.allow_plain)
    with open_ledger(run.folder.parent / LEDGER_FILE) as ledger:
        elsewhere = _told_elsewhere(run)
        known = {
            one: [*attempts_for(elsewhere, _key(run, one)), *ledger.attempts(_key(run, one))]
            for one in addresses
        }
        held = {one: _held_back(run, one, known[one], options) for one in addresses}
        letters = _letters(run, [one for one in addresses if held[one] is None], settings)
        parcels = {
            one: _parcel(run, one, letter, known[one], sender, addresses[one])
            for one, letter in letters.items()
        }
        check_unchanged(run)
        witness = _Bookkeeper(ledger, run, {parcel: (one, id_) for one, (parcel, id_) in parcels.items()})
        outcomes = send_parcels(
            [parcel for parcel, _ in parcels.values()], server, sender.login, witness,
            tell=lambda wait: tell(_say_wait(wait, options.language)),
        )  # fmt: skip
    ended = {
        one: _ended(one, told, len(addresses[one]), options.language)
        for one, told in zip(parcels, outcomes, strict=True)
    }
    not_set = partial(say_in_terminal, "not_set", options.language)
    nowhere = {one: Delivery(one, "no_address", not_set(variable=one.variable)) for one in addressees}
    return [ended.get(one) or held.get(one) or nowhere[one] for one in addressees]


def write_mail(
    params: Params, period: str, environment: Mapping[str, str], options: Options, out: Path | None = None
) -> list[Delivery]:
    """The letters as ``.eml`` files, in place of being sent; no server is reached, no ledger written.

    Recipients and sender without an address get one that leads nowhere.

    Parameters
    ----------
    out
        The folder; ``reports/<company>/<period>-mail`` if not given, which then holds nothing older.

    Raises
    ------
    InputError
        As ``send_mail``, but for what is missing in the environment.
    """
    settings = params.settings.mail
    run = ready_run(params, period, allow_running=options.allow_running, reports=options.reports)
    addressees = _chosen(run, settings, options)
    sender, addresses = addresses_or_nowhere(environment, addressees)
    ledgers = (_told_elsewhere(run), read_ledger(run.folder.parent / LEDGER_FILE))
    known = {
        one: [attempt for ledger in ledgers for attempt in attempts_for(ledger, _key(run, one))]
        for one in addressees
    }
    letters = _letters(run, addressees, settings)
    written = {
        one: _parcel(run, one, letter, known[one], sender, addresses[one])[0]
        for one, letter in letters.items()
    }
    folder = out or run.folder.with_name(f"{run.folder.name}-mail")
    paths = _write_files(folder, {_file_name(one): parcel.content for one, parcel in written.items()})
    if out is None:
        for older in set(folder.glob("*.eml")) - set(paths.values()):
            older.unlink()
    deliveries = []
    for one, parcel in written.items():
        held = _held_back(run, one, known[one], options)
        say, size = partial(say_in_terminal, language=options.language), f"{len(parcel.content) / 1000:,.0f}"
        clipped = say("clipped") if is_clipped(letters[one]) else ""
        words = say("file_of", path=paths[_file_name(one)], size=size, clipped=clipped)
        deliveries.append(Delivery(one, "written", words + (say("also", words=held.words) if held else "")))
    return deliveries


# --- Who -----------------------------------------------------------------------------------------


def _chosen(run: ReadyRun, settings: MailSettings, options: Options) -> list[Addressee]:
    language = run.results.book.settings.languages[0]
    everybody = find_addressees(settings.recipients, language, partial(groups_of, run.results))
    chosen = choose(everybody, options.only, "--to")
    choose(chosen, options.again, "--again")
    _check_window(run, chosen)
    editions = run.record.get("languages") or []
    for one in chosen:
        if one.slice is None and one.language not in editions:
            raise AddresseeError(
                f"{one.shown} is to get an edition that the report of {run.period} does not have; make it again with "
                "--language both"
            )
    return chosen


def _check_window(run: ReadyRun, chosen: Sequence[Addressee]) -> None:
    """Refuse letters to groups of a period still running: two of them would tell together what lies between."""
    groups = [one for one in chosen if one.slice is not None]
    if groups and run.results.book.window.is_partial:
        raise AddresseeError(say_problem("group_of_running", who=groups[0].shown, period=run.period))


# --- Letters and messages -------------------------------------------------------------------------


def _letters(
    run: ReadyRun, addressees: Sequence[Addressee], settings: MailSettings
) -> dict[Addressee, Letter]:
    """Everybody's letter; one that goes to several is written once."""
    written: dict[Any, Letter] = {}
    for one in addressees:
        if (one.slice, one.language) not in written:
            written[one.slice, one.language] = _letter(run, one, settings)
    return {one: written[one.slice, one.language] for one in addressees}


def _letter(run: ReadyRun, one: Addressee, settings: MailSettings) -> Letter:
    if one.slice is not None:
        return slice_letter(run.results, one.slice, language=one.language)
    try:
        return company_letter(
            run.results, run.folder, language=one.language, attach=settings.attach, link=settings.link
        )
    except OSError as error:
        raise MailError(
            f"what goes with the letter to {one.shown} cannot be read: {error.strerror}"
        ) from None


def _parcel(
    run: ReadyRun,
    one: Addressee,
    letter: Letter,
    attempts: Sequence[Attempt],
    sender: Sender,
    to: tuple[Address, ...],
) -> tuple[Parcel, str]:
    """The finished message with its envelope, and its identity."""
    if _is_correction(run, attempts):
        letter = replace(letter, subject=label("message.corrected", one.language, subject=letter.subject))
    identity = _identity(run, one, attempts)
    at = datetime.now(run.results.book.params.zone).replace(microsecond=0)
    heading = Heading(sender.address, to, identity, one.language, at, sender.reply_to)
    content = message_bytes(letter, heading)
    return Parcel(
        one.shown, sender.address.addr_spec, tuple(each.addr_spec for each in to), content
    ), identity


def _key(run: ReadyRun, one: Addressee) -> LetterKey:
    return LetterKey(run.period, one.name, one.about, one.language)


def _told_elsewhere(run: ReadyRun) -> Mapping[LetterKey, list[Attempt]]:
    """What the ledger in the project's own folder says, where the reports lie in another: nobody is sent to twice."""
    own = reports_folder(run.results.book.params)
    return {} if own == run.folder.parent else read_ledger(own / LEDGER_FILE)


def _is_correction(run: ReadyRun, attempts: Sequence[Attempt]) -> bool:
    """Whether another run's letter of the same period was, or may have been, received."""
    return any(each.run != run.id and each.ending != "not_sent" for each in attempts)


def _identity(run: ReadyRun, one: Addressee, attempts: Sequence[Attempt]) -> str:
    """The message's identity: the same as before where that may not have arrived everywhere, a new one where it has.

    Mail systems show a message once however often it comes; one that is asked for again is to be seen again.
    """
    key = _key(run, one)
    parts = (run.results.book.params.company_id, key.period, key.to.upper(), key.slice, key.language, run.id)
    identities = (message_id(*parts, str(number)) for number in itertools.count())
    return next(
        each
        for each in identities
        if getattr(standing_of(a for a in attempts if a.message == each), "status", "") != "sent"
    )


def _held_back(
    run: ReadyRun, one: Addressee, attempts: Sequence[Attempt], options: Options
) -> Delivery | None:
    """Why a letter is not sent: it was already, or may have been. None where it is to be sent."""
    standing = standing_of(attempts)
    if standing is None or one.name.upper() in {name.upper() for name in options.again}:
        return None
    say, who = partial(say_in_terminal, language=options.language), shlex.quote(one.name)
    from_run = say("from_run", run=standing.run[:RUN_DIGITS], at=standing.at)
    if standing.status == "unknown":
        return Delivery(one, "unknown", say("may_have_arrived", from_run=from_run, who=who))
    if standing.run != run.id:
        words = say("other_was_sent", period=run.period, name=one.name, from_run=from_run, who=who)
        return Delivery(one, "held_back", words)
    if standing.status == "sent_in_part":
        return Delivery(one, "sent_in_part", say("not_to_all", from_run=from_run, who=who))
    return Delivery(one, "already_sent", from_run)


# --- What became of them --------------------------------------------------------------------------


class _Bookkeeper:
    """Writes what the outbox does into the ledger."""

    def __init__(
        self, ledger: Ledger, run: ReadyRun, parcels: Mapping[Parcel, tuple[Addressee, str]]
    ) -> None:
        self.ledger, self.run, self.parcels = ledger, run, parcels

    def begins(self, parcel: Parcel) -> None:
        """A message is about to be handed over."""
        one, identity = self.parcels[parcel]
        self.ledger.begin(_key(self.run, one), self.run.id, identity, len(parcel.to))

    def ends(self, parcel: Parcel, ending: Ending, places: Sequence[int], code: int | None) -> None:
        """The server has answered, or has not."""
        one, _ = self.parcels[parcel]
        self.ledger.end(_key(self.run, one), ending, places, code)


def _ended(one: Addressee, told: Outcome, addresses: int, language: str) -> Delivery:
    """The outcome in words."""
    say, who = partial(say_in_terminal, language=language), shlex.quote(one.name)
    reason = told.reason if told.code is None else f"{told.code} {told.reason}"
    refused = say("also", words="").join(_say_refusal(each, language) for each in told.refusals)
    if told.status == "sent":
        return Delivery(one, "sent")
    if told.status == "unknown":
        return Delivery(one, "unknown", say("look_whether", reason=reason, who=who))
    if told.status == "sent_in_part":
        reached = addresses - len(told.refusals)
        words = say("reached_some", reached=reached, of=addresses, reason=refused or reason, who=who)
        return Delivery(one, "sent_in_part", words)
    all_refused = addresses > 1 and len(told.refusals) == addresses
    return Delivery(one, "refused", refused if all_refused else reason)


def _say_refusal(refused: Refusal, language: str) -> str:
    return say_in_terminal(
        "refused_address", language, place=refused.place, code=refused.code, reason=refused.reason
    )


def _say_wait(wait: Wait, language: str) -> str:
    return say_in_terminal(
        "again_later", language, count=wait.letters, reason=wait.reason, wait=f"{wait.seconds:g}"
    )


def _file_name(one: Addressee) -> str:
    plain = re.sub(r"[^\w.-]", "_", one.name)
    return f"{plain}-{one.language}.eml"


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> dict[str, Path]:
    """Files written in a folder, each aside and renamed; their paths by name."""
    written = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            aside = folder / f".{name}.{os.getpid()}"
            try:
                aside.write_bytes(content)
                written[name] = aside.replace(folder / name)
            finally:
                with suppress(OSError):
                    aside.unlink()
    except OSError as error:
        raise MailError(f"{folder} cannot be written: {error.strerror}; name another with --out") from None
    return written
