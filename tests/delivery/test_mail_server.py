"""Which servers may be sent to, and what is repeated of what they say."""

from __future__ import annotations

import pytest

from analysis.delivery.addresses import Login
from analysis.delivery.mail_server import REASON_CHARACTERS, Censor, MailServerError, check_server
from analysis.params import MailServer

LOGIN = Login("reports-user", "s3cret.phrase")


def server(host: str, security: str) -> MailServer:
    return MailServer(host=host, port=25, security=security)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_a_server_on_this_machine_needs_no_encryption(host):
    check_server(server(host, "none"), None)


@pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.5", "localhost.example.com", "::2"])
def test_another_machine_without_encryption_takes_leave(host):
    with pytest.raises(MailServerError, match=r"could be read by all.*--allow-plain"):
        check_server(server(host, "none"), None)
    check_server(server(host, "none"), None, allow_plain=True)


@pytest.mark.parametrize("host", ["localhost", "mail.example.com"])
def test_a_password_never_goes_in_the_clear_whatever_is_allowed(host):
    with pytest.raises(MailServerError, match="not sent in the clear") as raised:
        check_server(server(host, "none"), LOGIN, allow_plain=True)
    assert LOGIN.user not in str(raised.value) and LOGIN.password not in str(raised.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_server_may_be_anywhere(security):
    check_server(server("mail.example.com", security), LOGIN)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("5.1.1 <li.wei@house.example>: unknown", "5.1.1 <…>: unknown"),
        ("mailbox LI.WEI is full", "mailbox … is full"),
        ("relaying for house.example denied", "relaying for … denied"),
        ("li.weird is another word", "li.weird is another word"),
        ("bad login reports-user/S3CRET.phrase", "bad login …/…"),
        ("xs3cret.phrasex", "x…x"),  # a password is hidden inside words too
        ("postmaster@elsewhere.example says no", "… says no"),
        (b"caf\xe9 \xe4\xbd\xa0\xe5\xa5\xbd", "caf\ufffd 你好"),
        ("two\r\nlines \x1b[2J and\ttabs", "two lines [2J and tabs"),
    ],
)
def test_what_a_server_says_is_repeated_without_what_it_must_not_tell(said, shown):
    assert Censor(["li.wei@house.example"], LOGIN).words(said) == shown


def test_a_long_speech_is_cut():
    shown = Censor([], None).words("no " * 1000)
    assert len(shown) == REASON_CHARACTERS and shown.endswith("…")


@pytest.mark.parametrize(
    ("code", "is_final"), [(421, False), (450, False), (499, False), (500, True), (550, True), (-1, True)]
)
def test_codes_from_400_to_499_are_for_now(code, is_final):
    assert Censor([], None).failure(code, "no").is_final is is_final


def test_neither_a_login_nor_an_error_shows_the_password_when_it_is_printed():
    assert "s3cret" not in repr(LOGIN) and "reports-user" not in repr(LOGIN)
