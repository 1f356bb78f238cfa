"""Who is mailed what is checked before anything is sent, and changes no number."""

from __future__ import annotations

import pytest

from reading_settings import GOOD, load, problems


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ("{recipients: [{name: board}, {name: board}]}", "mail.recipients: 'board' is named more than once"),
        ("{recipients: [{language: zh}]}", "mail.recipients.0: give a `name`"),
        ("{recipients: [{name: am, each: account_manager, slice: {account_team: North}}]}", "either `slice` or `each`"),
        ("{server: {host: a, password: secret}}", "mail.server.password: there is no such setting"),
        ("{server: {host: a, security: ssl}}", "mail.server.security: should be 'starttls', 'tls' or 'none'"),
        ("{atach: [pdf]}", "mail.atach: there is no such setting; did you mean 'attach'?"),
        ("{recipients: [{name: a@b.c}]}", "mail.recipients.0.name"),
    ],
)  # fmt: skip
def test_mail_settings_that_cannot_be_meant_are_said(tmp_path, mail, said):
    assert any(said in line for line in problems(tmp_path, f"company: Test\nmail: {mail}\n"))


def test_what_is_delivered_to_whom_changes_no_number(tmp_path):
    plain = load(tmp_path, GOOD).fingerprint
    mailed = load(
        tmp_path, GOOD + "mail: {recipients: [{name: board}]}\npdf: false\nanalyst_edition: false\n"
    )
    assert mailed.settings.mail.attach == ("report", "excel") and mailed.fingerprint == plain
    assert load(tmp_path, GOOD + "small_sample: 31\n").fingerprint != plain
