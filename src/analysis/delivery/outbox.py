"""Messages handed to a mail server, and what became of each: accepted, refused, or nobody knows.

What cannot be known is kept apart: once the content is on its way, a connection that ends may have ended before or
after the server took the message, so that such a message is never repeated here. What is refused for now (a code of 400
to 499, a server that cannot be reached) is tried again a few times; what is refused for good is not, and stops nobody
else's letter.
"""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from analysis.delivery.addresses import Login
from analysis.delivery.mail_server import Censor, Failure, Line, lost
from analysis.errors import InputError
from analysis.params import MailServer

WAITS_SECONDS = (2.0, 10.0, 30.0)
"""Before each further try of what was refused for now; a server that wants longer is met by the next run."""
LONGEST_SECONDS = 600.0  # after so long no further try begins, however slowly a server says no
CHUNK_BYTES = 65_536  # each has the time limit for itself: a large message may take its time on a slow line

Ending = Literal["sent", "not_sent", "unknown"]


@dataclass(frozen=True)
class Parcel:
    """A finished message and where it goes.

    Attributes
    ----------
    name
        The recipient's name in the settings, by which alone he is spoken of.
    sender, to
        Plain addresses, for the envelope.
    content
        The message with CRLF line ends, ASCII only.
    """

    name: str
    sender: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """One address that the server refused, by its place (from 1) among the recipient's."""

    place: int
    code: int
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of a parcel.

    ``sent`` to every address, ``sent_in_part`` (``refusals`` says to which not), ``refused`` (surely to none), or
    ``unknown``. ``code`` is the server's, None where it gave none.
    """

    status: Literal["sent", "sent_in_part", "refused", "unknown"]
    reason: str = ""
    code: int | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Wait:
    """A wait before letters that were refused for now are tried again, and why the first of them was."""

    letters: int
    reason: str
    seconds: float


class Witness(Protocol):
    """Is told of each parcel just before its content is handed over, and how that ended."""

    def begins(self, parcel: Parcel) -> None:
        """From now on the server may take the message."""

    def ends(self, parcel: Parcel, ending: Ending, places: Sequence[int], code: int | None) -> None:
        """The server took the message for the addresses at these places, or did not, or nobody knows."""


def send_parcels(
    parcels: Sequence[Parcel],
    server: MailServer,
    login: Login | None,
    witness: Witness,
    *,
    tell: Callable[[Wait], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """What became of each parcel, in their order.

    Parameters
    ----------
    witness
        Told around each handing over. An InputError that it raises ends the sending; what is left counts as refused.
    tell
        Told when there is a wait before what was refused for now is tried again.
    """
    said = Censor([one for parcel in parcels for one in (parcel.sender, *parcel.to)], login)
    tasks = [_Task(parcel, set(range(1, len(parcel.to) + 1))) for parcel in parcels]
    line = Line(server, login, said)
    try:
        _go_rounds(tasks, line, witness, tell, sleep)
    except InputError as error:
        for task in tasks:
            if task.is_open:
                task.failure = Failure(str(error), is_final=True)
    finally:
        line.drop()
    return [task.outcome() for task in tasks]


@dataclass
class _Task:
    """A parcel, the places of the addresses it is still to reach, and what was said so far."""

    parcel: Parcel
    pending: set[int]
    accepted: set[int] = field(default_factory=set)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    failure: Failure | None = None
    is_unknown: bool = False

    @property
    def is_open(self) -> bool:
        """Whether another try may help."""
        return bool(self.pending) and not self.is_unknown and not (self.failure and self.failure.is_final)

    @property
    def obstacle(self) -> Failure:
        """What stood in its way the last time."""
        refused = [Failure(one.reason, one.code) for one in self.refusals.values()]
        return next((one for one in (self.failure, *refused) if one), Failure("not sent"))

    def outcome(self) -> Outcome:
        """What became of it in the end."""
        refusals = tuple(self.refusals[place] for place in sorted(self.refusals))
        if self.accepted and not (self.pending or refusals or self.is_unknown):
            return Outcome("sent")
        status = "unknown" if self.is_unknown else "sent_in_part" if self.accepted else "refused"
        return Outcome(status, self.obstacle.words, self.obstacle.code, refusals)


def _go_rounds(
    tasks: Sequence[_Task],
    line: Line,
    witness: Witness,
    tell: Callable[[Wait], None],
    sleep: Callable[[float], None],
) -> None:
    """Every task tried, and those that were put off again after each wait."""
    began = time.monotonic()
    for wait in (0.0, *WAITS_SECONDS):
        left = [task for task in tasks if task.is_open]
        if not left or time.monotonic() - began > LONGEST_SECONDS:
            break
        if wait:
            line.close()
            tell(Wait(len(left), _in_full(left[0].obstacle), wait))
            sleep(wait)
        _go_round(left, line, witness)
    line.close()


def _go_round(tasks: Sequence[_Task], line: Line, witness: Witness) -> None:
    """Each task tried once; where no connection comes about, none of those left is tried."""
    for number, task in enumerate(tasks):
        try:
            if _breaks_off(
                task, line, witness
            ):  # the server took others before: so many a connection and no more
                _breaks_off(task, line, witness)
        except _NoLine as error:
            for other in tasks[number:]:
                other.failure = error.failure
            return


class _NoLine(Exception):
    """No connection came about."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


def _breaks_off(task: _Task, line: Line, witness: Witness) -> bool:
    """Try a task once; whether that failed with a connection that had carried others, so that a new one may do."""
    try:
        smtp = line.open()
    except Failure as failure:
        raise _NoLine(failure) from None
    task.failure = _try(task, smtp, line.said, witness)
    if task.failure is None:
        line.carried += 1
        return False
    if not task.failure.is_of_line:
        line.reset()
        return False
    carried = line.carried
    line.drop()
    return bool(carried) and task.is_open


def _try(task: _Task, smtp: smtplib.SMTP, said: Censor, witness: Witness) -> Failure | None:
    """One transaction; what stood in its way."""
    try:
        _transact(task, smtp, said, witness)
    except Failure as failure:
        return failure
    except smtplib.SMTPResponseException as error:
        return said.failure(error.smtp_code, error.smtp_error, is_of_line=True)
    except OSError as error:  # of which every SMTPException is one
        return lost(error)
    return None


def _in_full(failure: Failure) -> str:
    return failure.words if failure.code is None else f"{failure.code} {failure.words}"


# --- One message ----------------------------------------------------------------------------------


def _transact(task: _Task, smtp: smtplib.SMTP, said: Censor, witness: Witness) -> None:
    """MAIL, RCPT for each address, DATA (RFC 5321, section 3.3)."""
    code, text = smtp.mail(task.parcel.sender, _size_option(smtp, task.parcel))
    if not 200 <= code < 300:
        raise said.failure(code, text)
    taken = _name_addresses(task, smtp, said)
    if not taken:
        first = task.obstacle
        raise Failure(first.words, first.code, is_final=not task.pending)
    witness.begins(task.parcel)
    ending, code, text = _hand_over(smtp, task.parcel.content)
    task.is_unknown = ending == "unknown"
    if ending == "sent":
        task.accepted |= taken
        task.pending -= taken
    elif code is None:
        task.failure = Failure(said.words(text), is_of_line=True)
    else:
        task.failure = said.failure(code, text)
    witness.ends(task.parcel, ending, sorted(taken), code)
    if task.failure:
        raise task.failure


def _size_option(smtp: smtplib.SMTP, parcel: Parcel) -> list[str]:
    """The size of a message as a server that asks for it is told (RFC 1870); one that is too large is not begun."""
    if not smtp.has_extn("size"):
        return []
    size, most = len(parcel.content), smtp.esmtp_features["size"].strip()
    if most.isdigit() and 0 < int(most) < size:
        raise Failure(
            f"the message has {size / 1e6:.1f} MB, and the server takes {int(most) / 1e6:.1f} MB at most; attach less, "
            "or give mail.link",
            is_final=True,
        )
    return [f"size={size}"]


def _name_addresses(task: _Task, smtp: smtplib.SMTP, said: Censor) -> set[int]:
    """The places that the server takes the message for; the others are refused, those for good not pending any more."""
    taken = set()
    task.failure = None
    for place in sorted(task.pending):
        code, text = smtp.rcpt(task.parcel.to[place - 1])
        task.refusals.pop(place, None)
        if 200 <= code < 300:
            taken.add(place)
            continue
        refused = said.failure(code, text)
        if refused.is_of_line:
            raise refused
        task.refusals[place] = Refusal(place, code, refused.words)
        if refused.is_final:
            task.pending.discard(place)
    return taken


def _hand_over(smtp: smtplib.SMTP, content: bytes) -> tuple[Ending, int | None, bytes]:
    """How handing over the content ended, and the server's last word; no code where it gave none."""
    try:
        code, text = smtp.docmd("DATA")
    except OSError:
        return "not_sent", None, b"the connection ended, or was silent too long, before the content was sent"
    if code != 354:
        return "not_sent", code if code >= 400 else 554, text
    try:
        code, text = _send_content(smtp, content)
    except OSError:
        return (
            "unknown",
            None,
            b"the connection ended, or was silent too long, while the message was being taken",
        )
    known: dict[int, Ending] = {2: "sent", 4: "not_sent", 5: "not_sent"}
    return known.get(code // 100, "unknown"), code, text  # codes of other kinds are no answer to DATA


def _send_content(smtp: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    """The content with its dots doubled, the single dot at its end, and what the server says then."""
    body = re.sub(rb"(?m)^\.", b"..", content)
    body += b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
    for start in range(0, len(body), CHUNK_BYTES):
        smtp.send(body[start : start + CHUNK_BYTES])
    return smtp.getreply()
