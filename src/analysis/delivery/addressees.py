"""Who gets which letter, and where: the recipients of the settings, one for every group where they ask for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address

from analysis.catalogue import nearest
from analysis.delivery.addresses import (
    FROM,
    REPLY_TO,
    TO,
    AddressError,
    Sender,
    missing_variables,
    read_addresses,
    read_sender,
    variable_of,
)
from analysis.delivery.slices import Slice
from analysis.errors import InputError
from analysis.params import Recipient

NOWHERE = "example.invalid"  # RFC 2606: no mail ever arrives there


class AddresseeError(InputError):
    """Recipients that are not there, or cannot be told apart."""


@dataclass(frozen=True)
class Addressee:
    """One letter's recipient: his name, and what he is to read in which language.

    Attributes
    ----------
    name
        The recipient's name in the settings, or the group's where he stands for ``each``.
    slice
        The group the letter is about; None for the whole company.
    is_of_each
        Whether he is one of many, and may be left out where nobody has given his address.
    """

    name: str
    language: str
    slice: Slice | None
    is_of_each: bool = False

    @property
    def variable(self) -> str:
        """The variable that holds his addresses."""
        return variable_of(self.name)

    @property
    def about(self) -> str:
        """What the letter is about: ``account_manager: AM01``; empty for the whole company."""
        return f"{self.slice.dimension}: {self.slice.group}" if self.slice else ""

    @property
    def shown(self) -> str:
        """His name as it can be printed, and the language."""
        plain = "".join(one if one.isprintable() else "?" for one in self.name)
        return f"{plain} ({self.language})"


def find_addressees(
    recipients: Sequence[Recipient], language: str, groups_of: Callable[[str], Sequence[str]]
) -> list[Addressee]:
    """Every letter's recipient, in the order of the settings.

    Parameters
    ----------
    language
        Of recipients who have none of their own.
    groups_of
        The groups of a dimension that a letter can be written about.

    Raises
    ------
    AddresseeError
        If there is none, or two different ones would share the variable that holds their addresses.
    """
    found = [one for recipient in recipients for one in _of(recipient, language, groups_of)]
    if not found:
        raise AddresseeError("mail.recipients names nobody: docs/mail.md says how to name who gets what")
    _check_variables(found)
    return found


def choose(addressees: Sequence[Addressee], names: Collection[str], option: str) -> list[Addressee]:
    """Those with these names, small and capital letters being the same; all where no name is given.

    Raises
    ------
    AddresseeError
        If a name is nobody's.
    """
    known = {one.name.upper(): one.name for one in addressees}
    for name in names:
        if name.upper() not in known:
            raise AddresseeError(
                f"{option} {name}: nobody of that name gets mail{nearest(name, known.values())}"
            )
    wanted = {name.upper() for name in names}
    return [one for one in addressees if not wanted or one.name.upper() in wanted]


def read_everybody(
    environment: Mapping[str, str],
    addressees: Sequence[Addressee],
    *,
    skip_missing: bool = False,
    problems: Sequence[str] = (),
) -> tuple[Sender, dict[Addressee, tuple[Address, ...]]]:
    """The sender, and the addresses of everybody who has any.

    Parameters
    ----------
    skip_missing
        Whether those of ``each`` without an address are left out.
    problems
        What is wrong already, to be said with the rest.

    Raises
    ------
    AddressError
        All that is missing or cannot be used, a line for each; values are not quoted.
    """
    missing = missing_variables(environment, [FROM, *(one.variable for one in addressees)])
    skipped = {one.variable for one in addressees if one.is_of_each} if skip_missing else set()
    said = [*problems, *(_say_missing(name, addressees) for name in missing if name not in skipped)]
    found: dict[Addressee, tuple[Address, ...]] = {}
    sender = None
    for one in addressees:
        if one.variable not in missing:
            try:
                found[one] = read_addresses(environment[one.variable], one.variable)
            except AddressError as error:
                said.append(str(error))
    try:
        sender = None if FROM in missing else read_sender(environment)
    except AddressError as error:
        said.append(str(error))
    if said or sender is None:
        raise AddressError("\n".join(["no mail is sent:", *(f"  - {line}" for line in dict.fromkeys(said))]))
    return sender, found


def addresses_or_nowhere(
    environment: Mapping[str, str], addressees: Sequence[Addressee]
) -> tuple[Sender, dict[Addressee, tuple[Address, ...]]]:
    """As ``read_everybody``, with addresses that lead nowhere where there are none; nothing is asked of a login."""
    made_up = {
        one.variable: f"{one.variable.removeprefix(TO).lower()[:64]}@{NOWHERE}" for one in addressees
    } | {FROM: f"workbook@{NOWHERE}"}
    given = {name: environment[name] for name in (*made_up, REPLY_TO) if environment.get(name, "").strip()}
    return read_everybody(made_up | given, addressees)


def _of(
    recipient: Recipient, language: str, groups_of: Callable[[str], Sequence[str]]
) -> Iterator[Addressee]:
    language = recipient.language or language
    if recipient.each:
        for group in groups_of(recipient.each):
            yield Addressee(group, language, Slice(recipient.each, group), is_of_each=True)
        return
    of_slice = [Slice(dimension, group) for dimension, group in (recipient.slice or {}).items()]
    if len(of_slice) > 1:
        raise AddresseeError(f"mail.recipients: {recipient.name} has two slices; give one")
    yield Addressee(str(recipient.name), language, of_slice[0] if of_slice else None)


def _check_variables(addressees: Sequence[Addressee]) -> None:
    """Refuse two recipients who would get each other's mail, and one who would get the same letter twice."""
    first: dict[str, Addressee] = {}
    for one in addressees:
        other = first.setdefault(one.variable, one)
        if (one.name, one.is_of_each, _dimension(one)) != (other.name, other.is_of_each, _dimension(other)):
            raise AddresseeError(
                f"{_in_full(other)} and {_in_full(one)} would both get their address from {one.variable}: give them "
                "names of their own, such as `{name: east, slice: {account_team: 华东}}`, in place of `each`"
            )
    twice = [one for number, one in enumerate(addressees) if one in addressees[:number]]
    if twice:
        raise AddresseeError(f"mail.recipients: {_in_full(twice[0])} would get the same letter twice")


def _dimension(one: Addressee) -> str | None:
    return one.slice.dimension if one.slice and one.is_of_each else None


def _in_full(one: Addressee) -> str:
    return f"{_dimension(one) or 'recipient'} {one.shown}"


def _say_missing(variable: str, addressees: Sequence[Addressee]) -> str:
    one = next((one for one in addressees if one.variable == variable), None)
    hint = f" ({one.about}; --skip-missing leaves out groups without one)" if one and one.is_of_each else ""
    return f"{variable} is not set in the environment{hint}"
