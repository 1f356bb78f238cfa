"""Where mail goes and who sends it: addresses and passwords, read from the environment and from nowhere else.

What is read here is never said again: no message of an error quotes a value, only the variable that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr

from analysis.errors import InputError

FROM = "WORKBOOK_MAIL_FROM"
REPLY_TO = "WORKBOOK_MAIL_REPLY_TO"
TO = "WORKBOOK_MAIL_TO_"
USER = "WORKBOOK_SMTP_USER"
PASSWORD = "WORKBOOK_SMTP_PASSWORD"

# RFC 5321: 64 octets before the @, 255 behind it. Quoted local parts and addresses of machines are left out: a report
# has no business there.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}$){_ATOM}(\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SEPARATOR = re.compile(r"""[,;](?=(?:[^"]*"[^"]*")*[^"]*$)""")  # none inside quotation marks


class AddressError(InputError):
    """Addresses or passwords that are missing or cannot be used; names the variables, never what they hold."""


@dataclass(frozen=True)
class Login:
    """User and password at the mail server."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Sender:
    """Who sends: the address it comes from, where answers go if elsewhere, and the login if there is one."""

    address: Address = field(repr=False)
    reply_to: tuple[Address, ...] = field(default=(), repr=False)
    login: Login | None = None


def variable_of(name: str) -> str:
    """The variable that holds a recipient's addresses: ``Key accounts`` → ``WORKBOOK_MAIL_TO_KEY_ACCOUNTS``.

    What cannot stand in a variable's name becomes ``_``, so that two names may come to share one.
    """
    return TO + re.sub(r"[^A-Z0-9_]", "_", name.upper())


def read_addresses(text: str, variable: str) -> tuple[Address, ...]:
    """The addresses written in a variable, each once, in their order.

    Parameters
    ----------
    text
        One or several, by comma or semicolon, each alone or as ``Name <address>``; a name with a comma in it stands in
        quotation marks. A domain in other letters is turned into its ASCII form (IDNA).
    variable
        Where they stand, for the message.

    Raises
    ------
    AddressError
        If one is no address, or the text holds a line break or another control character.
    """
    if _CONTROL.search(text.strip()):
        raise AddressError(f"{variable}: holds a line break or another control character")
    parts = [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
    if not parts:
        raise AddressError(f"{variable}: holds no address")
    found: dict[str, Address] = {}
    for number, part in enumerate(parts, start=1):
        where = variable if len(parts) == 1 else f"{variable}, address {number}"
        one = _read_address(part, where)
        found.setdefault(f"{one.username}@{one.domain.lower()}", one)
    return tuple(found.values())


def read_sender(environment: Mapping[str, str]) -> Sender:
    """Who sends and how he logs in.

    Raises
    ------
    AddressError
        If ``WORKBOOK_MAIL_FROM`` is not one address, user and password are not both there or both absent, or cannot be
        sent to a server.
    """
    senders = read_addresses(environment.get(FROM, ""), FROM)
    if len(senders) > 1:
        raise AddressError(f"{FROM}: should be one address; found {len(senders)}")
    reply_to = environment.get(REPLY_TO, "").strip()
    return Sender(
        senders[0], read_addresses(reply_to, REPLY_TO) if reply_to else (), _read_login(environment)
    )


def missing_variables(environment: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """Those of the variables wanted that are absent or empty, user and password being wanted together or not at all."""
    missing = [name for name in dict.fromkeys(wanted) if not environment.get(name, "").strip()]
    given = [name for name in (USER, PASSWORD) if environment.get(name)]
    return missing + [name for name in (USER, PASSWORD) if len(given) == 1 and name not in given]


def _read_address(text: str, where: str) -> Address:
    """One address with its name; ``where`` is said where it is none."""
    name, plain = parseaddr(text)
    local, at, domain = plain.rpartition("@")
    is_whole = at and (text == plain or (text.endswith(f"<{plain}>") and text.count("<") == 1))
    if not is_whole or not _LOCAL.fullmatch(local):
        raise AddressError(f"{where}: is no address; expected name@example.com, or Name <name@example.com>")
    return Address(display_name=name, username=local, domain=_ascii_domain(domain, where))


def _ascii_domain(domain: str, where: str) -> str:
    """A domain in the letters that mail servers know.

    Python knows the rules of 2003, under which ``ß`` is ``ss``: where they change what was written, another domain
    could be meant today, and the report would go to strangers.
    """
    plain = domain if domain.isascii() else _idna(domain.lower())
    if not _DOMAIN.fullmatch(plain):
        hint = "" if domain.isascii() else "; write its ASCII form, which begins with xn--"
        raise AddressError(f"{where}: what stands behind the @ is no domain{hint}")
    return plain


def _idna(domain: str) -> str:
    """The ASCII form of a domain in small letters; empty where it says something else than the domain."""
    try:
        plain = domain.encode("idna")
        return plain.decode("ascii") if plain.decode("idna") == domain else ""
    except UnicodeError:
        return ""


def _read_login(environment: Mapping[str, str]) -> Login | None:
    user, password = environment.get(USER, ""), environment.get(PASSWORD, "")
    if bool(user) != bool(password):
        raise AddressError(f"{USER if password else PASSWORD} is not set, but the other one of the two is")
    for variable, value in ((USER, user), (PASSWORD, password)):
        if not value.isascii() or _CONTROL.search(value):
            raise AddressError(f"{variable}: only plain ASCII characters can be sent to a mail server")
    return Login(user, password) if user else None
