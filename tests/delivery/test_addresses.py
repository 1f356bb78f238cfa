"""Addresses and passwords come from the environment, and are never said again."""

from __future__ import annotations

import pytest

from analysis.delivery.addresses import (
    AddressError,
    missing_variables,
    read_addresses,
    read_sender,
    variable_of,
)

VARIABLE = "WORKBOOK_MAIL_TO_BOARD"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a@b.example", ["a@b.example"]),
        (" a@b.example , c@d.example;e@f.example; ", ["a@b.example", "c@d.example", "e@f.example"]),
        ("刘伟 <liu.wei@b.example>", ["liu.wei@b.example"]),
        ('"Li, Wei" <a@b.example>; c@d.example', ["a@b.example", "c@d.example"]),
        ("<a@b.example>", ["a@b.example"]),
        ("a@localhost", ["a@localhost"]),
        (
            "a@例子.中国",
            ["a@xn--fsqu00a.xn--fiqs8s"],
        ),  # the A-label of 例子 as registered with IANA's test domains
        ("a@Bücher.example", ["a@xn--bcher-kva.example"]),  # RFC 3492's own example
        ("a@b.example, a@B.EXAMPLE", ["a@b.example"]),  # the same mailbox once
        ("a@b.example, A@b.example", ["a@b.example", "A@b.example"]),  # before the @ only the host knows
        ("a+b_c.d@e-f.example\n", ["a+b_c.d@e-f.example"]),
    ],
)
def test_addresses_are_read_as_people_write_them(text, plain):
    assert [one.addr_spec for one in read_addresses(text, VARIABLE)] == plain


def test_names_stay_with_their_addresses():
    found = read_addresses('刘伟 <a@b.example>, "Li, Wei" <c@d.example>', VARIABLE)
    assert [one.display_name for one in found] == ["刘伟", "Li, Wei"]


@pytest.mark.parametrize(
    "text",
    [
        "nobody", "@b.example", "secret.name@", "secret.name@@b.example", "secret name@b.example",
        "x secret.name@b.example", "secret.name@b..example", "secret..name@b.example", ".secret@b.example",
        "secret.name@-b.example", "secret.name@[127.0.0.1]", '"secret name"@b.example', "用户secret@b.example",
        "s" * 65 + "@b.example",
        "secret.name@" + ".".join(["b" * 60] * 5), "A <secret.name@b.example> <c@d.example>",
        "secret.name@b.example (boss)", "secret.name@faß.example", "secret.name@b\u200d.example",
        "secret.name@ｅxample.example", "", " ; ,",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_quoted(text):
    with pytest.raises(AddressError) as raised:
        read_addresses(text, VARIABLE)
    assert str(raised.value).startswith(VARIABLE)
    assert "secret" not in str(raised.value) and "example.example" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("text", ["a@b.example\r\nBcc: c@d.example", "a@b.example\n,c@d.example", "N\x00 <a@b.example>",
                                  "N\u2028 <a@b.example>", "a@b.example\x85, c@d.example"])  # fmt: skip
def test_line_breaks_and_control_characters_are_refused(text):
    with pytest.raises(AddressError, match="line break or another control character"):
        read_addresses(text, VARIABLE)


def test_the_one_of_several_that_is_wrong_is_told_by_its_place():
    with pytest.raises(AddressError, match="^WORKBOOK_MAIL_TO_BOARD, address 2: is no address"):
        read_addresses("a@b.example; Wei Li; c@d.example", VARIABLE)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("board", "BOARD"),
        ("AM01", "AM01"),
        ("Key accounts", "KEY_ACCOUNTS"),
        ("a-b.c", "A_B_C"),
        ("华东", "__"),
    ],
)
def test_a_variable_is_named_after_its_recipient(name, variable):
    assert variable_of(name) == f"WORKBOOK_MAIL_TO_{variable}"


SENDER = {"WORKBOOK_MAIL_FROM": "客户分析 <reports@b.example>"}


def test_a_sender_without_login_is_enough():
    sender = read_sender(SENDER)
    assert (sender.address.addr_spec, sender.reply_to, sender.login) == ("reports@b.example", (), None)


def test_answers_may_go_elsewhere_and_a_login_is_user_and_password():
    sender = read_sender(SENDER | {
        "WORKBOOK_MAIL_REPLY_TO": "desk@b.example", "WORKBOOK_SMTP_USER": "u", "WORKBOOK_SMTP_PASSWORD": " p ",
    })  # fmt: skip
    assert sender.reply_to[0].addr_spec == "desk@b.example"
    assert (sender.login.user, sender.login.password) == ("u", " p ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"WORKBOOK_MAIL_FROM": "a@b.example, c@d.example"}, "WORKBOOK_MAIL_FROM: should be one address; found 2"),
        ({"WORKBOOK_SMTP_USER": "u"}, "WORKBOOK_SMTP_PASSWORD is not set"),
        ({"WORKBOOK_SMTP_PASSWORD": "p4ssw0rd"}, "WORKBOOK_SMTP_USER is not set"),
        ({"WORKBOOK_SMTP_USER": "u", "WORKBOOK_SMTP_PASSWORD": "pässw0rd"}, "SMTP_PASSWORD: only plain ASCII"),
        ({"WORKBOOK_SMTP_USER": "u", "WORKBOOK_SMTP_PASSWORD": "p\nssw0rd"}, "SMTP_PASSWORD: only plain ASCII"),
    ],
)  # fmt: skip
def test_a_sender_that_cannot_send_is_refused(given, said):
    with pytest.raises(AddressError, match=said) as raised:
        read_sender(SENDER | given)
    assert "ssw0rd" not in str(raised.value)


def test_missing_variables_are_all_named_user_and_password_only_where_one_is_there():
    wanted = ["WORKBOOK_MAIL_FROM", VARIABLE, VARIABLE]
    assert missing_variables({VARIABLE: "  "}, wanted) == ["WORKBOOK_MAIL_FROM", VARIABLE]
    given = {**SENDER, VARIABLE: "a@b", "WORKBOOK_SMTP_USER": "u"}
    assert missing_variables(given, wanted) == ["WORKBOOK_SMTP_PASSWORD"]


def test_no_address_shows_when_a_sender_is_printed():
    assert "b.example" not in repr(read_sender(SENDER))
