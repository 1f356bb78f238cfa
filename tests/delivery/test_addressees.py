"""Who gets which letter."""

from __future__ import annotations

import pytest

from analysis.delivery.addressees import (
    Addressee,
    AddresseeError,
    addresses_or_nowhere,
    choose,
    find_addressees,
    read_everybody,
)
from analysis.delivery.addresses import AddressError
from analysis.delivery.slices import Slice
from analysis.params import Recipient

GROUPS = {"account_manager": ["AM01", "AM02"], "account_team": ["Key accounts", "华东", "华北"]}
AM01, AM02 = (Addressee(name, "en", Slice("account_manager", name), True) for name in ("AM01", "AM02"))
BOARD = Addressee("board", "zh", None)


def found(*recipients: dict, groups: dict = GROUPS) -> list[Addressee]:
    return find_addressees([Recipient(**one) for one in recipients], "en", groups.__getitem__)


def test_each_stands_for_every_group_and_others_for_themselves_in_the_order_of_the_settings():
    assert found({"name": "board", "language": "zh"}, {"each": "account_manager"}) == [BOARD, AM01, AM02]


def test_a_slice_may_go_to_somebody_who_is_named():
    one = found({"name": "chief", "slice": {"account_team": "Key accounts"}})
    assert one == [Addressee("chief", "en", Slice("account_team", "Key accounts"))]
    assert one[0].about == "account_team: Key accounts" and one[0].variable == "WORKBOOK_MAIL_TO_CHIEF"


def test_the_same_groups_in_two_languages_get_two_letters_at_one_address():
    both = found({"each": "account_manager", "language": "en"}, {"each": "account_manager", "language": "zh"})
    letters = [(one.name, one.language) for one in both]
    assert letters == [("AM01", "en"), ("AM02", "en"), ("AM01", "zh"), ("AM02", "zh")]
    assert len({one.variable for one in both}) == 2


@pytest.mark.parametrize(
    ("recipients", "groups", "said"),
    [
        ([{"each": "account_team"}], ["Key accounts", "Key-accounts"], "Key accounts .* account_team Key-accounts"),
        ([{"each": "account_team"}], ["华东", "华北"], "both get their address from WORKBOOK_MAIL_TO___"),
        ([{"each": "account_team"}], ["a", "A"], "WORKBOOK_MAIL_TO_A"),
        ([{"name": "am01"}, {"each": "account_manager"}], [], "recipient am01 .* account_manager AM01"),
        ([{"name": "AM01", "slice": {"account_manager": "AM01"}}, {"each": "account_manager"}], [], "MAIL_TO_AM01"),
        ([{"each": "account_manager"}, {"each": "account_team"}], ["AM01"], "manager AM01 .* account_team AM01"),
    ],
)  # fmt: skip
def test_two_who_would_get_each_others_mail_are_refused(recipients, groups, said):
    with pytest.raises(AddresseeError, match=said):
        found(*recipients, groups=GROUPS | {"account_team": groups})


def test_the_same_letter_twice_is_refused():
    with pytest.raises(AddresseeError, match=r"account_manager AM01 \(en\) would get the same letter twice"):
        found({"each": "account_manager"}, {"each": "account_manager", "language": "en"})


def test_nobody_is_refused():
    with pytest.raises(AddresseeError, match="names nobody"):
        found()


def test_names_choose_without_regard_to_small_and_capital_letters():
    everybody = [BOARD, AM01, AM02]
    assert choose(everybody, ["Board", "am02"], "--to") == [BOARD, AM02]
    assert choose(everybody, [], "--to") == everybody
    with pytest.raises(
        AddresseeError, match=r"--to bord: nobody of that name gets mail; did you mean 'board'\?"
    ):
        choose(everybody, ["board", "bord"], "--to")


ENVIRONMENT = {"WORKBOOK_MAIL_FROM": "r@b.example", "WORKBOOK_MAIL_TO_BOARD": "x@b.example; y@b.example"}


def test_everything_that_is_missing_or_wrong_is_said_at_once_and_no_value_with_it():
    environment = {
        "WORKBOOK_MAIL_TO_BOARD": "secret", "WORKBOOK_MAIL_TO_AM02": "a@b.example", "WORKBOOK_SMTP_USER": "secret",
    }  # fmt: skip
    with pytest.raises(AddressError) as raised:
        read_everybody(environment, [BOARD, AM01, AM02], problems=["mail.server is not set in demo.yml"])
    lines = str(raised.value).splitlines()
    assert lines[0] == "no mail is sent:"
    assert lines[1:] == [
        "  - mail.server is not set in demo.yml",
        "  - WORKBOOK_MAIL_FROM is not set in the environment",
        "  - WORKBOOK_MAIL_TO_AM01 is not set in the environment (account_manager: AM01; --skip-missing leaves out "
        "groups without one)",
        "  - WORKBOOK_SMTP_PASSWORD is not set in the environment",
        "  - WORKBOOK_MAIL_TO_BOARD: is no address; expected name@example.com, or Name <name@example.com>",
    ]


def test_groups_without_an_address_may_be_left_out_but_nobody_who_is_named():
    sender, addresses = read_everybody(ENVIRONMENT, [BOARD, AM01], skip_missing=True)
    assert sender.address.addr_spec == "r@b.example"
    assert {one.name: len(to) for one, to in addresses.items()} == {"board": 2}
    with pytest.raises(AddressError, match="WORKBOOK_MAIL_TO_BOARD is not set"):
        read_everybody({"WORKBOOK_MAIL_FROM": "r@b.example"}, [BOARD, AM01], skip_missing=True)


def test_a_rehearsal_makes_up_addresses_that_lead_nowhere_and_looks_at_no_password():
    environment = {
        "WORKBOOK_MAIL_TO_BOARD": "x@b.example", "WORKBOOK_SMTP_USER": "only the user", "WORKBOOK_MAIL_TO_AM01": " ",
    }  # fmt: skip
    sender, addresses = addresses_or_nowhere(environment, [BOARD, AM01])
    assert sender.address.addr_spec == "workbook@example.invalid" and sender.login is None
    assert [to[0].addr_spec for to in addresses.values()] == ["x@b.example", "am01@example.invalid"]


def test_a_rehearsal_refuses_what_is_no_address():
    with pytest.raises(AddressError, match="WORKBOOK_MAIL_TO_BOARD"):
        addresses_or_nowhere({"WORKBOOK_MAIL_TO_BOARD": "x"}, [BOARD])


def test_a_name_is_printed_without_control_characters():
    assert Addressee("a\x1b[2Jb", "en", None).shown == "a?[2Jb (en)"
