"""A letter as the bytes of a mail: text, HTML with its pictures, attachments (RFC 5322, 2045, 2231, 2387)."""

from __future__ import annotations

import hashlib
import quopri
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime, quote

from analysis.delivery.letter import Letter, Picture

HTML_BYTES = 102 * 1024
"""Gmail hides what comes after so many bytes of a message's HTML."""
LINE = 76
_POLICY = SMTP.clone(cte_type="7bit")  # ASCII alone, which every server takes as it is
_LANGUAGES = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True)
class Heading:
    """Who writes to whom, when, and under which identity.

    Attributes
    ----------
    message
        What stands before the @ of the Message-ID: the same for the same letter of the same run to the same recipient,
        so that a repeated delivery can be recognised.
    """

    sender: Address = field(repr=False)
    to: tuple[Address, ...] = field(repr=False)
    message: str
    language: str
    at: datetime
    reply_to: tuple[Address, ...] = field(default=(), repr=False)


def message_bytes(letter: Letter, heading: Heading) -> bytes:
    """The message as it is handed to a server: CRLF, ASCII only, no line longer than 998.

    ``multipart/mixed`` with the attachments holds ``multipart/alternative`` of text and ``multipart/related``, in which
    the HTML finds its pictures by Content-ID. Levels that would hold one part alone are left out. But for the date, the
    same letter gives the same bytes.
    """
    message = EmailMessage(policy=_POLICY)
    _set_text(message, letter.text, "plain")
    message.add_alternative("", subtype="html")
    html = message.get_payload()[1]
    _set_text(html, letter.html, "html")
    for picture in letter.pictures:
        _add_picture(html, picture)
    for attachment in letter.attachments:
        main, _, sub = attachment.media.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub or "octet-stream", filename=attachment.name
        )
    _set_boundaries(message, heading.message)
    headers = "".join(f"{name}: {value}\r\n" for name, value in _headers(letter, heading))
    return headers.encode("ascii") + message.as_bytes()


def is_clipped(letter: Letter) -> bool:
    """Whether Gmail would hide the end of the letter."""
    return len(letter.html.encode()) > HTML_BYTES


def message_id(*parts: str) -> str:
    """What stands before the @ of a Message-ID, from all that makes the letter this one."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _headers(letter: Letter, heading: Heading) -> Iterator[tuple[str, str]]:
    """The headers about the whole message, folded.

    They are written here: EmailMessage folds them so that blanks between encoded words get lost (cpython issues 92081
    and 144156), and "Jing Sun" arrives as "JingSun".
    """
    yield "Subject", _words(" ".join(letter.subject.split()), "Subject")
    yield "From", _addresses((heading.sender,))
    yield "To", _addresses(heading.to)
    if heading.reply_to:
        yield "Reply-To", _addresses(heading.reply_to)
    yield "Date", format_datetime(heading.at)
    yield "Message-ID", f"<{heading.message}@{heading.sender.domain}>"
    yield "Content-Language", _LANGUAGES[heading.language]
    yield "Auto-Submitted", "auto-generated"  # RFC 3834: no answer from whoever is out of office


def _words(text: str, header: str = "") -> str:
    """A text as words that a header can hold (RFC 2047): as it is where it is plain, else all of it encoded."""
    charset = None if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, maxlinelen=LINE, header_name=header).encode(linesep="\r\n")


def _addresses(addresses: Sequence[Address]) -> str:
    return ",\r\n ".join(_address(one) for one in addresses)


def _address(one: Address) -> str:
    name = one.display_name
    if not name:
        return one.addr_spec
    longest = "Reply-To"  # the first name stands on its header's line, whichever that is
    if name.isascii() and "=?" not in name and len(name) < LINE - len(longest) - 4:
        return f'"{quote(name)}"\r\n <{one.addr_spec}>'
    words = Header(name, "utf-8", maxlinelen=LINE - 1, header_name=longest).encode(linesep="\r\n")
    return f"{words}\r\n <{one.addr_spec}>"


def _set_text(part: MIMEPart, text: str, subtype: str) -> None:
    """A text as base64 or quoted-printable, whichever is shorter: in the latter a Chinese character is nine bytes."""
    written = text.encode()
    in_hex = len(quopri.encodestring(written))
    encoding = "quoted-printable" if in_hex <= len(written) * 4 / 3 else "base64"
    part.set_content(text, subtype=subtype, charset="utf-8", cte=encoding)


def _add_picture(html: MIMEPart, picture: Picture) -> None:
    name = f"{picture.cid.partition('@')[0]}.png"
    html.add_related(picture.png, "image", "png", cid=f"<{picture.cid}>", disposition="inline", filename=name)
    html.set_param("type", "text/html")


def _set_boundaries(message: EmailMessage, seed: str) -> None:
    """Boundaries that no part can hold, as neither encoding writes ``=_``, and that are the same each time."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{seed}_{number}")
        if number:
            del part["MIME-Version"]  # the message's own speaks for its parts
