"""The connection to a mail server: encrypted and logged in first; and what servers say, made fit to be repeated."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address

from analysis.delivery.addresses import PASSWORD, USER, Login
from analysis.errors import InputError
from analysis.params import MailServer

REASON_CHARACTERS = 160


class MailServerError(InputError):
    """A server that must not be sent to as it is set; nothing has been sent."""


class Failure(Exception):
    """Why a message, or every message, could not be handed over, in words fit to be shown.

    Attributes
    ----------
    code
        The server's, None where it gave none.
    is_final
        Whether another try would end the same.
    is_of_line
        Whether the connection is of no more use, or none came about.
    """

    def __init__(
        self, words: str, code: int | None = None, *, is_final: bool = False, is_of_line: bool = False
    ) -> None:
        super().__init__(words)
        self.words, self.code, self.is_final, self.is_of_line = words, code, is_final, is_of_line


def check_server(server: MailServer, login: Login | None, *, allow_plain: bool = False) -> None:
    """Refuse what would show the report or the password to whoever listens.

    Raises
    ------
    MailServerError
        For ``security: none`` with a login, or to another machine without ``allow_plain``.
    """
    if server.security != "none":
        return
    if login is not None:
        raise MailServerError(
            f"mail.server.security is none, and {USER} and {PASSWORD} are set: a password is not sent in the clear; "
            "set security to starttls or tls, or take the two out of the environment"
        )
    if not (allow_plain or _is_loopback(server.host)):
        raise MailServerError(
            f"mail.server.security is none: on its way to {server.host} the report could be read by all; set security "
            "to starttls or tls, or add --allow-plain if that way is safe"
        )


class Censor:
    """Says what a server said, without the addresses, names and passwords that servers like to repeat."""

    def __init__(self, addresses: Iterable[str], login: Login | None) -> None:
        words = {part for address in addresses for part in (address, *address.split("@")) if part}
        secrets = {login.user, login.password} if login else set()
        longest_first = sorted({*words, *secrets}, key=len, reverse=True)
        patterns = [re.escape(one) if one in secrets else _whole_word(one) for one in longest_first]
        self._hidden = re.compile("|".join([r"[^\s<>,;:]+@[^\s<>,;:]+", *patterns]), re.IGNORECASE)

    def words(self, text: bytes | str) -> str:
        """A reply as one line without control characters and without what is hidden."""
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        line = " ".join("".join(one if one.isprintable() else " " for one in plain).split())
        shown = self._hidden.sub("…", line)
        return shown if len(shown) <= REASON_CHARACTERS else f"{shown[: REASON_CHARACTERS - 1]}…"

    def failure(self, code: int, text: bytes | str, *, is_of_line: bool = False) -> Failure:
        """A refusal in the server's words; codes from 400 to 499 are for now, others for good."""
        hint = f" (does it want {USER} and {PASSWORD}?)" if code == 530 else ""
        is_final = not 400 <= code < 500
        return Failure(
            f"{self.words(text)}{hint}", code, is_final=is_final, is_of_line=is_of_line or code == 421
        )


class Line:
    """The connection, opened when it is needed; ``carried`` counts the messages it took."""

    def __init__(self, server: MailServer, login: Login | None, said: Censor) -> None:
        self.server, self.login, self.said = server, login, said
        self.smtp: smtplib.SMTP | None = None
        self.carried = 0

    def open(self) -> smtplib.SMTP:
        """The open connection, encrypted as the settings want it, logged in where there is a login.

        Raises
        ------
        Failure
            If none comes about.
        """
        if self.smtp is None:
            self.carried = 0
            try:
                self.smtp = self._connected()
            except Exception as error:
                raise self._in_words(error) from None
        return self.smtp

    def reset(self) -> None:
        """Forget a message that was begun; where that fails, the connection is given up."""
        try:
            if self.smtp is not None and self.smtp.rset()[0] == 250:
                return
        except (smtplib.SMTPException, OSError):
            pass
        self.drop()

    def close(self) -> None:
        """Say goodbye; what the server says to that is of no matter, nor whether it does."""
        if self.smtp is not None and self.smtp.sock is not None:
            self.smtp.sock.settimeout(min(2.0, self.server.timeout_seconds))
            with suppress(smtplib.SMTPException, OSError):
                self.smtp.quit()
        self.drop()

    def drop(self) -> None:
        """End the connection without a word: in the midst of a message, a word would be part of it."""
        if self.smtp is not None:
            self.smtp.close()
            self.smtp = None

    def _connected(self) -> smtplib.SMTP:
        server, context = self.server, ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                self._encrypt(smtp, context)
            if self.login is not None:
                self._log_in(smtp, self.login)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _encrypt(self, smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
        if not smtp.has_extn("starttls"):
            raise _of_line(f"{self.server.host} does not offer STARTTLS, and nothing is sent in the clear")
        smtp.starttls(context=context)
        smtp.ehlo()  # what was offered in the clear may have been forged

    def _log_in(self, smtp: smtplib.SMTP, login: Login) -> None:
        if not smtp.has_extn("auth"):
            raise _of_line(
                f"{self.server.host}:{self.server.port} takes no login; take {USER} and {PASSWORD} out of the "
                "environment, or give the port for submission"
            )
        try:
            smtp.login(login.user, login.password)
        except smtplib.SMTPAuthenticationError as error:
            refused = self.said.failure(error.smtp_code, error.smtp_error, is_of_line=True)
            refused.words = f"{self.server.host} refused the login: {refused.words}"
            raise refused from None

    def _in_words(self, error: Exception) -> Exception:
        """What kept a connection from coming about."""
        where = f"{self.server.host}:{self.server.port}"
        if isinstance(error, Failure):
            return error
        if isinstance(error, smtplib.SMTPResponseException):
            return self.said.failure(error.smtp_code, error.smtp_error, is_of_line=True)
        if isinstance(error, ssl.SSLCertVerificationError):
            return _of_line(f"the certificate of {self.server.host} is not trusted: {error.verify_message}")
        if isinstance(error, smtplib.SMTPServerDisconnected | ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return _of_line(f"{where} {_how_it_ended(error)}", is_final=False)
        if isinstance(error, ssl.SSLError):
            return _of_line(
                f"{where} speaks no TLS that is safe; is mail.server.security right for the port?"
            )
        if isinstance(error, smtplib.SMTPException):
            return _of_line(f"{where} knows none of the ways of logging in: CRAM-MD5, PLAIN, LOGIN")
        if isinstance(error, TimeoutError):
            return _of_line(f"{where} gave no answer in time", is_final=False)
        if isinstance(error, OSError):
            return _of_line(
                f"{where} cannot be reached: {error.strerror or 'no reason known'}", is_final=False
            )
        return error


def lost(error: Exception) -> Failure:
    """The failure of a connection that ended, or fell silent, while a message was being announced."""
    return _of_line(f"the server {_how_it_ended(error)}", is_final=False)


def _of_line(words: str, *, is_final: bool = True) -> Failure:
    return Failure(words, is_final=is_final, is_of_line=True)


def _how_it_ended(error: Exception) -> str:
    is_silent = isinstance(error, TimeoutError) or "timed out" in str(error)
    return "gave no answer in time" if is_silent else "closed the connection"


def _whole_word(text: str) -> str:
    return rf"(?<!\w){re.escape(text)}(?!\w)"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
