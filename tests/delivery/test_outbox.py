"""What becomes of messages that are handed to servers of every kind: good, strict, slow, broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from analysis.delivery import outbox
from analysis.delivery.addresses import Login
from analysis.delivery.outbox import Outcome, Parcel, Refusal, Wait, send_parcels
from analysis.errors import InputError
from analysis.params import MailServer

SENDER = "sender@house.example"
TEXT = b"Subject: report\r\n\r\nfirst\r\n.begins with a dot\r\n..\r\nlast\r\n"
LOGIN = Login("reports-user", "correct horse")


class Notes:
    """A witness that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def begins(self, parcel: Parcel) -> None:
        self.told.append((parcel.name, "begins"))

    def ends(self, parcel: Parcel, ending: str, places: Sequence[int], code: int | None) -> None:
        self.told.append((parcel.name, ending, list(places), code))


class Sent:
    """How a sending went: outcomes, what the witness noted, the waits, what was told meanwhile."""

    def __init__(
        self, parcels: Sequence[Parcel], port: int, *, security: str = "none", login: Login | None = None,
        host: str = "localhost", timeout_seconds: float = 5, witness: Any = None,
    ) -> None:  # fmt: skip
        server = MailServer(host=host, port=port, security=security, timeout_seconds=timeout_seconds)
        self.notes, self.waits, self.said = witness or Notes(), [], []
        self.outcomes: list[Outcome] = send_parcels(
            parcels, server, login, self.notes, tell=self.said.append, sleep=self.waits.append
        )

    @property
    def statuses(self) -> list[str]:
        return [one.status for one in self.outcomes]


def parcel(name: str, *to: str, content: bytes = TEXT) -> Parcel:
    return Parcel(name, SENDER, to or (f"{name}@there.example",), content)


def obedient(
    lines: Any, say: Callable[[str], None], *, until: bytes = b"", greeting: str = "220 here"
) -> None:
    """Say yes to everything up to a command; the message, where it comes so far, is read to its end."""
    say(greeting)
    for line in lines:
        if until and line.upper().startswith(until):
            return
        if line.upper().startswith(b"DATA"):
            say("354 go on")
            while next(lines) != b".\r\n":
                pass
        say("250 ok")


# --- A good server --------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_message_arrives_byte_for_byte_over_tls_after_a_login(security, serve_mail, trusted):
    box = serve_mail(security, login=(LOGIN.user, LOGIN.password))
    sent = Sent([parcel("board")], box.port, security=security, login=LOGIN)
    assert sent.outcomes == [Outcome("sent")]
    assert box.contents == [TEXT]
    assert (box.taken[0].mail_from, box.taken[0].rcpt_tos) == (SENDER, ["board@there.example"])
    assert box.logins == [(LOGIN.user, LOGIN.password)]
    if security == "starttls":
        assert box.taken[0].session.ssl is not None and "MAIL in clear" not in box.commands
    assert sent.notes.told == [("board", "begins"), ("board", "sent", [1], 250)]
    assert sent.waits == [] and sent.said == []


def test_one_connection_carries_all_messages_and_each_sees_only_its_own_addresses(serve_mail):
    box = serve_mail("none")
    sent = Sent([parcel("a"), parcel("b", "b1@x.example", "b2@x.example")], box.port)
    assert sent.statuses == ["sent", "sent"]
    assert [one.rcpt_tos for one in box.taken] == [["a@there.example"], ["b1@x.example", "b2@x.example"]]
    assert box.commands.count("EHLO") == 1


def test_a_message_of_many_chunks_arrives_whole(serve_mail):
    box = serve_mail("none")
    content = (
        b"Subject: x\r\n\r\n" + b".dots at every line's beginning, where chunks may part them\r\n" * 20_000
    )
    assert len(content) > 10 * outbox.CHUNK_BYTES
    assert Sent([parcel("a", content=content)], box.port).statuses == ["sent"]
    assert box.contents == [content]


# --- What must not be sent to ---------------------------------------------------------------------


def test_nothing_is_said_in_the_clear_where_starttls_is_not_offered(serve_mail):
    box = serve_mail("none")
    sent = Sent([parcel("a"), parcel("b")], box.port, security="starttls", login=LOGIN)
    assert sent.statuses == ["refused", "refused"]
    assert sent.outcomes[0].reason == "localhost does not offer STARTTLS, and nothing is sent in the clear"
    assert box.commands == ["EHLO"] and box.logins == [] and sent.notes.told == []


def test_a_server_that_drops_starttls_from_its_offer_is_not_believed(play_mail_server):
    heard = []

    def strips(lines, say, number):
        say("220 here")
        for line in lines:
            heard.append(line)
            say("250 ok")

    sent = Sent([parcel("a")], play_mail_server(strips), security="starttls", login=LOGIN)
    assert sent.statuses == ["refused"]
    assert [line.split()[0].lower() for line in heard] == [b"ehlo"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_host_is_not_accepted(security, serve_mail, trusted):
    box = serve_mail(security, login=(LOGIN.user, LOGIN.password), certificate_for="elsewhere.example")
    sent = Sent([parcel("a")], box.port, security=security, login=LOGIN)
    assert sent.statuses == ["refused"]
    assert sent.outcomes[0].reason.startswith(
        "the certificate of localhost is not trusted: Hostname mismatch"
    )
    assert box.logins == [] and box.offered == [] and sent.waits == []


def test_a_certificate_of_an_unknown_authority_is_not_accepted(serve_mail):
    box = serve_mail("starttls", login=(LOGIN.user, LOGIN.password))
    sent = Sent([parcel("a")], box.port, security="starttls", login=LOGIN)
    assert "is not trusted: unable to get local issuer certificate" in sent.outcomes[0].reason
    assert box.logins == []


def test_a_login_that_is_refused_is_not_tried_again_and_not_repeated_in_the_reason(serve_mail, trusted):
    box = serve_mail("starttls", login=(LOGIN.user, "another password"))
    sent = Sent([parcel("a"), parcel("b")], box.port, security="starttls", login=LOGIN)
    assert [(one.status, one.code) for one in sent.outcomes] == [("refused", 535)] * 2
    assert sent.outcomes[0].reason.startswith("localhost refused the login: ")
    assert LOGIN.password not in sent.outcomes[0].reason and sent.waits == [] and box.offered == []


def test_a_server_that_wants_a_login_where_none_is_given_says_which_variables_hold_it(serve_mail, trusted):
    box = serve_mail("starttls", login=(LOGIN.user, LOGIN.password))
    told = Sent([parcel("a")], box.port, security="starttls").outcomes[0]
    assert (told.status, told.code) == ("refused", 530)
    assert told.reason.endswith("(does it want WORKBOOK_SMTP_USER and WORKBOOK_SMTP_PASSWORD?)")


def test_a_port_without_tls_is_told_from_one_with_it(serve_mail):
    told = Sent([parcel("a")], serve_mail("none").port, security="tls").outcomes[0]
    assert told.status == "refused" and "is mail.server.security right for the port?" in told.reason


# --- Refused for good -----------------------------------------------------------------------------


def test_one_refused_recipient_stops_nobody_else(serve_mail):
    box = serve_mail("none", answers={"b@there.example": ["550 5.1.1 no such user"]})
    sent = Sent([parcel("a"), parcel("b"), parcel("c")], box.port)
    assert sent.statuses == ["sent", "refused", "sent"]
    assert sent.outcomes[1] == Outcome(
        "refused", "5.1.1 no such user", 550, (Refusal(1, 550, "5.1.1 no such user"),)
    )
    assert sent.waits == [] and ("b", "begins") not in sent.notes.told


def test_a_message_refused_after_its_content_is_surely_not_sent(serve_mail):
    box = serve_mail("none", answers={"DATA": ["554 5.7.1 looks like spam", "250 taken"]})
    sent = Sent([parcel("a"), parcel("b")], box.port)
    assert sent.outcomes == [Outcome("refused", "5.7.1 looks like spam", 554), Outcome("sent")]
    assert sent.notes.told[:2] == [("a", "begins"), ("a", "not_sent", [1], 554)]
    assert sent.waits == []


def test_one_of_several_addresses_refused_leaves_the_others_theirs(serve_mail):
    box = serve_mail("none", answers={"two@x.example": ["550 gone"]})
    sent = Sent([parcel("a", "one@x.example", "two@x.example", "three@x.example")], box.port)
    assert sent.outcomes == [Outcome("sent_in_part", "gone", 550, (Refusal(2, 550, "gone"),))]
    assert box.taken[0].rcpt_tos == ["one@x.example", "three@x.example"]
    assert sent.notes.told[-1] == ("a", "sent", [1, 3], 250)


def test_a_message_larger_than_the_server_takes_is_not_begun(serve_mail):
    box = serve_mail("none", size=2_000_000)
    large = parcel("a", content=b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * 1_500_000)
    sent = Sent([large, parcel("b")], box.port)
    assert sent.statuses == ["refused", "sent"]
    assert (
        "the message has 3.0 MB, and the server takes 2.0 MB at most" in sent.outcomes[0].reason
    )  # 3,000,084 bytes
    assert len(box.offered) == 1


# --- Refused for now ------------------------------------------------------------------------------


def test_a_greylisted_address_is_tried_again_after_a_wait_and_the_others_are_not(serve_mail):
    box = serve_mail("none", answers={"b@there.example": ["451 4.7.1 come back later", "250 ok"]})
    sent = Sent([parcel("a"), parcel("b"), parcel("c")], box.port)
    assert sent.statuses == ["sent", "sent", "sent"]
    assert [one.rcpt_tos[0][0] for one in box.taken] == ["a", "c", "b"]
    assert sent.waits == [2.0]
    assert sent.said == [Wait(1, "451 4.7.1 come back later", 2.0)]


def test_a_message_put_off_after_its_content_is_noted_as_not_sent_before_it_goes_again(serve_mail):
    box = serve_mail("none", answers={"DATA": ["451 busy", "250 taken"]})
    sent = Sent([parcel("a")], box.port)
    assert sent.statuses == ["sent"] and len(box.taken) == 1
    assert [note[1] for note in sent.notes.told] == ["begins", "not_sent", "begins", "sent"]


def test_who_is_put_off_each_time_is_given_up_after_four_tries(serve_mail):
    box = serve_mail("none", answers={"a@there.example": ["451 later"]})
    sent = Sent([parcel("a")], box.port)
    assert (sent.outcomes[0].status, sent.outcomes[0].code) == ("refused", 451)
    assert sent.waits == [2.0, 10.0, 30.0]
    assert box.commands.count("MAIL") == 4 and box.offered == []


def test_of_several_addresses_only_the_one_put_off_is_tried_again(serve_mail):
    box = serve_mail("none", answers={"two@x.example": ["450 later", "250 ok"]})
    sent = Sent([parcel("a", "one@x.example", "two@x.example")], box.port)
    assert sent.outcomes == [Outcome("sent")]
    assert [one.rcpt_tos for one in box.taken] == [["one@x.example"], ["two@x.example"]]
    assert [note[2] for note in sent.notes.told if note[1] == "sent"] == [[1], [2]]


def test_a_server_that_takes_one_message_a_connection_gets_a_connection_for_each(play_mail_server):
    taken = []

    def closes_after_one(lines, say, number):
        say("220 here")
        for line in lines:
            if line.upper().startswith(b"MAIL") and number in taken:
                say("421 one message is enough")
                return
            if line.upper().startswith(b"DATA"):
                say("354 go on")
                while next(lines) != b".\r\n":
                    pass
                taken.append(number)
            say("250 ok")

    sent = Sent([parcel("a"), parcel("b"), parcel("c")], play_mail_server(closes_after_one))
    assert sent.statuses == ["sent"] * 3
    assert taken == [1, 2, 3] and sent.waits == []


def test_a_server_that_is_not_there_is_asked_four_times_for_all_together(free_port):
    sent = Sent([parcel("a"), parcel("b")], free_port)
    assert [one.status for one in sent.outcomes] == ["refused", "refused"]
    assert sent.outcomes[0].reason == f"localhost:{free_port} cannot be reached: Connection refused"
    assert len(sent.waits) == 3 and sent.said[0] == Wait(2, sent.outcomes[0].reason, 2.0)


def test_a_connection_that_always_breaks_for_one_recipient_breaks_for_nobody_else(play_mail_server):
    def hangs_up_on_b(lines, say, number):
        obedient(lines, say, until=b"RCPT TO:<B@")

    sent = Sent([parcel("a"), parcel("b"), parcel("c")], play_mail_server(hangs_up_on_b))
    assert sent.statuses == ["sent", "refused", "sent"]
    assert sent.outcomes[1].reason == "the server closed the connection"
    assert ("b", "begins") not in sent.notes.told


# --- Nobody knows ---------------------------------------------------------------------------------


def test_a_server_silent_after_the_content_leaves_the_message_unknown_and_it_is_not_repeated(serve_mail):
    box = serve_mail("none", answers={"DATA": [8.0, "250 taken"]})
    sent = Sent([parcel("a"), parcel("b")], box.port, timeout_seconds=0.5)
    assert sent.statuses == ["unknown", "sent"]
    assert "silent too long, while the message was being taken" in sent.outcomes[0].reason
    assert sent.notes.told == [
        ("a", "begins"), ("a", "unknown", [1], None), ("b", "begins"), ("b", "sent", [1], 250),
    ]  # fmt: skip
    assert len(box.offered) == 2 and sent.waits == []


@pytest.mark.parametrize("size", [1_000, 5_000_000])
def test_a_connection_closed_in_the_midst_of_the_content_leaves_it_unknown(size, play_mail_server):
    connections = []

    def drops_half_way(lines, say, number):
        connections.append(number)
        say("220 here")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                say("354 go on")
                lines.read(500)
                return
            say("250 ok")

    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * (size // 18)
    sent = Sent([parcel("a", content=content)], play_mail_server(drops_half_way))
    assert sent.statuses == ["unknown"]
    assert sent.notes.told == [("a", "begins"), ("a", "unknown", [1], None)]
    assert connections == [1] and sent.waits == []


def test_a_connection_closed_after_the_last_dot_leaves_the_message_unknown(play_mail_server):
    def says_no_more(lines, say, number):
        say("220 here")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                say("354 go on")
                while next(lines) != b".\r\n":
                    pass
                return
            say("250 ok")

    assert Sent([parcel("a")], play_mail_server(says_no_more)).statuses == ["unknown"]


@pytest.mark.parametrize("answer", ["199 well", "333 maybe", "99", "it is done"])
def test_an_answer_that_the_standard_does_not_know_leaves_the_message_unknown(answer, play_mail_server):
    def mumbles(lines, say, number):
        say("220 here")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                say("354 go on")
                while next(lines) != b".\r\n":
                    pass
                say(answer)
            else:
                say("250 ok")

    assert Sent([parcel("a")], play_mail_server(mumbles)).statuses == ["unknown"]


def test_a_connection_closed_before_the_content_is_surely_not_sent_and_tried_again(play_mail_server):
    def hangs_up_at_data_once(lines, say, number):
        obedient(lines, say, until=b"DATA" if number == 1 else b"")

    sent = Sent([parcel("a")], play_mail_server(hangs_up_at_data_once))
    assert sent.statuses == ["sent"] and sent.waits == [2.0]
    assert [note[1] for note in sent.notes.told] == ["begins", "not_sent", "begins", "sent"]


# --- What is said, and the witness ----------------------------------------------------------------


def test_what_a_server_says_is_shown_without_addresses_and_in_one_plain_line(serve_mail):
    answer = "550 <Li.Wei@There.example>: \x1b[31mno li.wei here, mailed by sender@house.example at other@place.example"
    box = serve_mail("none", answers={"li.wei@there.example": [answer]})
    told = Sent([parcel("a", "li.wei@there.example")], box.port).outcomes[0]
    assert told.reason == "<…>: [31mno … here, mailed by … at …"


def test_a_witness_that_cannot_write_stops_everything_before_the_content(serve_mail):
    class Full(Notes):
        def begins(self, parcel: Parcel) -> None:
            raise InputError("the disk is full")

    box = serve_mail("none")
    sent = Sent([parcel("a"), parcel("b")], box.port, witness=Full())
    assert sent.outcomes == [Outcome("refused", "the disk is full")] * 2
    assert box.offered == []


def test_a_witness_that_cannot_write_the_end_stops_the_rest_but_the_sent_stays_sent(serve_mail):
    class FullLater(Notes):
        def ends(self, *told: Any) -> None:
            raise InputError("the disk is full")

    box = serve_mail("none")
    assert Sent([parcel("a"), parcel("b")], box.port, witness=FullLater()).statuses == ["sent", "refused"]
    assert len(box.taken) == 1


def test_who_interrupts_in_the_midst_gets_no_further_word_to_the_server(play_mail_server):
    heard = []

    class Interrupts(Notes):
        def begins(self, parcel: Parcel) -> None:
            raise KeyboardInterrupt

    def listens(lines, say, number):
        say("220 here")
        for line in lines:
            heard.append(line.split()[0].upper())
            say("250 ok")

    with pytest.raises(KeyboardInterrupt):
        Sent([parcel("a")], play_mail_server(listens), witness=Interrupts())
    assert heard == [b"EHLO", b"MAIL", b"RCPT"]


def test_no_try_begins_after_the_longest_time(serve_mail, monkeypatch):
    monkeypatch.setattr(outbox, "LONGEST_SECONDS", -1.0)
    box = serve_mail("none")
    sent = Sent([parcel("a")], box.port)
    assert sent.outcomes == [Outcome("refused", "not sent")] and box.commands == []


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
