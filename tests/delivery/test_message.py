"""The message as it is handed over: its parts, its names in Chinese, its size."""

from __future__ import annotations

import email
import random
import re
from dataclasses import replace
from datetime import datetime
from email import policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses
from zoneinfo import ZoneInfo

import pytest

from analysis.delivery.letter import Attachment, Letter, Picture
from analysis.delivery.message import HTML_BYTES, Heading, is_clipped, message_bytes, message_id

TEXT = "净销售额 ¥1.2 亿\n.a dot first\nFrom here\n" + "x" * 2000 + "\n"
HTML = "<!DOCTYPE html><html><p>蓝桥办公</p><img src='cid:trend@w' alt='趋势'><img src='cid:bar@w' alt=''></html>\n"
PNG = bytes(range(256)) * 40
LETTER = Letter(
    "蓝桥办公 客户管理报告 2026Q3：净销售额 ¥1.2 亿，客户留存率 68.7%，未达目标 3 项", TEXT, HTML,
    (Picture("trend@w", PNG, "趋势"), Picture("bar@w", PNG[::-1], "bar")),
    (Attachment("蓝桥办公用品有限责任公司华东大区客户管理季度报告_2026Q3_zh.html", "<p>你好".encode(), "text/html"),
     Attachment("report.xlsx", PNG, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
)  # fmt: skip
HEADING = Heading(
    Address("客户分析, 总部", "reports", "house.example"),
    (Address("刘伟", "liu.wei", "xn--fsqu00a.xn--fiqs8s"), Address("", "b", "c.example")),
    message_id("demo", "2026Q3"), "zh", datetime(2026, 10, 2, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai")),
    (Address("", "desk", "house.example"),),
)  # fmt: skip


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


@pytest.fixture(scope="module")
def content() -> bytes:
    return message_bytes(LETTER, HEADING)


@pytest.fixture(scope="module")
def message(content) -> EmailMessage:
    return read(content)


def structure(part: EmailMessage) -> object:
    inside = [structure(one) for one in part.iter_parts()] if part.is_multipart() else None
    return (part.get_content_type(), inside) if inside else part.get_content_type()


def test_text_html_with_pictures_and_attachments_stand_in_their_places(message):
    sheet = LETTER.attachments[1].media
    assert structure(message) == ("multipart/mixed", [
        ("multipart/alternative", ["text/plain", ("multipart/related", ["text/html", "image/png", "image/png"])]),
        "text/html", sheet,
    ])  # fmt: skip
    assert all(part.defects == [] for part in message.walk())


def test_a_letter_without_pictures_or_attachments_has_no_empty_levels():
    bare = replace(LETTER, pictures=(), attachments=())
    assert structure(read(message_bytes(bare, HEADING))) == (
        "multipart/alternative",
        ["text/plain", "text/html"],
    )


def test_headers_say_who_to_whom_when_and_that_nobody_should_answer_by_machine(message):
    assert message["Subject"] == LETTER.subject
    assert [(one.display_name, one.addr_spec) for one in message["From"].addresses] == [
        ("客户分析, 总部", "reports@house.example")
    ]
    assert [one.addr_spec for one in message["To"].addresses] == [
        "liu.wei@xn--fsqu00a.xn--fiqs8s",
        "b@c.example",
    ]
    assert message["To"].addresses[0].display_name == "刘伟"
    assert message["Reply-To"] == "desk@house.example"
    assert message["Date"].datetime.isoformat() == "2026-10-02T08:30:00+08:00"
    assert message["Content-Language"] == "zh-CN"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@house\.example>", message["Message-ID"])


def test_where_answers_go_to_the_sender_no_header_says_so():
    assert "Reply-To" not in read(message_bytes(LETTER, replace(HEADING, reply_to=())))


@pytest.mark.parametrize(
    "text",
    ["=?utf-8?q?Bonus?= for all", "a =? b ?= c", "c" * 70 + " plain", "c d " * 40 + "e", "留存 " * 30 + "率"],
)
def test_what_looks_like_an_encoded_word_or_is_long_is_read_as_it_was_written(text):
    subject = text.replace("c" * 70, "c")
    one = Address(text, "a", "b.example")
    heading = replace(HEADING, sender=one, to=(one, one), reply_to=(one,))
    content = message_bytes(replace(LETTER, subject=subject), heading)
    assert read(content)["Subject"] == subject
    headers = email.message_from_bytes(content)
    found = getaddresses([headers["From"], headers["To"], headers["Reply-To"]])
    assert [(str(make_header(decode_header(name))), plain) for name, plain in found] == [
        (text, "a@b.example")
    ] * 4
    lines = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 78  # RFC 5322, section 2.1.1: what a line should keep to
    assert max(len(line) for line in lines if b"=?utf-8" in line) <= 76  # RFC 2047, section 2: has to


def test_text_and_html_come_back_whole_in_utf_8(message):
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain.get_content_charset() == html.get_content_charset() == "utf-8"
    assert plain.get_content().replace("\r\n", "\n") == TEXT
    assert html.get_content().replace("\r\n", "\n") == HTML


def test_every_picture_that_the_html_names_is_beside_it(message):
    html = message.get_body(("html",)).get_content()
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    pictures = {part["Content-ID"]: part for part in related.iter_parts() if part["Content-ID"]}
    assert {f"<{cid}>" for cid in re.findall(r"cid:([^'\"]+)", html)} == set(pictures)
    assert pictures["<trend@w>"].get_content() == PNG
    assert all(part.get_content_disposition() == "inline" for part in pictures.values())
    assert related.get_param("type") == "text/html"  # RFC 2387, section 3.1


def test_attachments_keep_their_chinese_names_and_their_bytes(message, content):
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached] == [one.name for one in LETTER.attachments]
    assert attached[1].get_content() == PNG
    assert b"filename*0*=utf-8''" in content  # RFC 2231, section 4.1: in pieces, percent-encoded


def test_the_bytes_are_what_every_server_takes(content):
    lines = content.split(b"\r\n")
    assert content.isascii()
    assert max(map(len, lines)) <= 998  # RFC 5322, section 2.1.1
    assert b"\r" not in b"".join(lines) and b"\n" not in b"".join(lines)
    assert content.endswith(b"\r\n")


def test_the_same_letter_gives_the_same_bytes(content):
    assert message_bytes(LETTER, HEADING) == content


@pytest.mark.parametrize(
    ("letters", "encoding"), [("plain English ", "quoted-printable"), ("中文正文", "base64")]
)
def test_a_text_takes_the_shorter_of_two_encodings(letters, encoding):
    message = read(message_bytes(replace(LETTER, html=letters * 2000), HEADING))
    html = message.get_body(("html",))
    assert html["Content-Transfer-Encoding"] == encoding
    written = len((letters * 2000).encode())
    assert len(html.get_payload()) < 1.40 * written  # base64: 4 for 3 bytes, and a line end for each 76


@pytest.mark.parametrize("seed", range(40))
def test_no_blank_is_lost_or_gained_in_subjects_and_names_of_any_mixture(seed):
    drawn = random.Random(seed)
    words = [
        "a",
        "Q3",
        "2026Q3",
        "蓝桥",
        "：",
        "%",
        "=?",
        "?=",
        "é",
        "“",
        ",",
        ";",
        "<b>",
        '"',
        "\\",
        "Jing Sun",
        "刘 伟",
        "😀",
    ]
    text = " ".join("".join(drawn.choices(words, k=drawn.randint(1, 6))) for _ in range(drawn.randint(1, 24)))
    heading = replace(HEADING, to=(Address(text, "a", "b.example"), Address("", "c", "d.example")))
    content = message_bytes(replace(LETTER, subject=text), heading)
    head = content.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78  # RFC 5322, section 2.1.1
    assert read(content)["Subject"] == text
    # Names are read by the older functions: the newer parser puts blanks between their words (cpython issue 128110).
    found = getaddresses([email.message_from_bytes(content)["To"]])
    assert [(str(make_header(decode_header(name))), plain) for name, plain in found] == [
        (text, "a@b.example"), ("", "c@d.example"),
    ]  # fmt: skip


def test_a_subject_of_several_lines_is_one():
    message = read(message_bytes(replace(LETTER, subject="a\r\nBcc: x@y.example\n b"), HEADING))
    assert message["Subject"] == "a Bcc: x@y.example b" and message["Bcc"] is None


def test_no_boundary_can_stand_inside_a_part():
    held = replace(LETTER, text=f"--=_{HEADING.message}_0\n--=_{HEADING.message}_1--\n" + "a" * 100)
    message = read(message_bytes(held, HEADING))
    assert structure(message) == structure(read(message_bytes(LETTER, HEADING)))
    assert message.get_body(("plain",)).get_content().startswith(f"--=_{HEADING.message}_0")


def test_identities_differ_with_every_part_of_them():
    assert message_id("a", "b") == message_id("a", "b")
    assert len({message_id("a", "b"), message_id("ab", ""), message_id("a", "c"), message_id("b", "a")}) == 4


def test_html_beyond_what_gmail_shows_is_noticed():
    assert not is_clipped(replace(LETTER, html="x" * HTML_BYTES))
    assert is_clipped(replace(LETTER, html="中" * (HTML_BYTES // 3 + 1)))


def test_addresses_do_not_show_when_a_heading_is_printed():
    assert "house.example" not in repr(HEADING) and "liu.wei" not in repr(HEADING)
