"""The letters as they are mailed: what they say in both languages, how large they are, what cannot be smuggled in."""

from __future__ import annotations

import base64
import io
import quopri
import re
import struct
from collections.abc import Sequence
from datetime import date, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from analysis.delivery import company_letter as letter_module
from analysis.delivery.company_letter import company_letter, report_address
from analysis.delivery.letter import Letter, encoded_bytes
from analysis.delivery.letter_text import COLUMNS
from analysis.delivery.message import Heading as MailHeading
from analysis.delivery.message import message_bytes, message_id
from analysis.delivery.slice_figures import slice_figures
from analysis.delivery.slice_letters import slice_letter
from analysis.delivery.slices import Slice
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.errors import InputError
from analysis.report.pages.summary import moved_count
from analysis.report.terminal_words import screen_width
from analysis.suite import Results, measure_suite

MOST_HTML_BYTES = 80_000
HOSTILE = [
    '<script>alert("x")</script>', '=HYPERLINK("http://x")', "' onload='x", "林🙂\u200fبالعربي\u202egnp.exe",
    "a\r\nBcc: x@y", "long " + "very " * 400, "\u2028next\u2029", "&amp;&#x3c;", "+1+1", "\u200e@SUM(A1)",
]  # fmt: skip
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "body",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "td",
    "th",
    "h1",
    "h2",
    "h3",
    "p",
    "span",
    "strong",
    "img",
    "br",
}
UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\\x00]")
in_each_language = pytest.mark.parametrize("language", ["en", "zh"])
pytestmark = pytest.mark.filterwarnings("ignore:Sparkline Group extension")


def orders() -> str:
    """Ten customers for each of four managers; in 2024Q2 nine of A's order, five of B's, two of C's, eight of D's."""
    rows, number = ["order_id,customer_id,ordered_at,amount"], 0
    for manager, kept in (("A", 9), ("B", 5), ("C", 2), ("D", 8)):
        for place in range(10):
            for day in ["2023-11-15", "2024-02-15", *(["2024-05-15"] if place < kept else [])]:
                number += 1
                rows.append(f"o{number},{manager}{place},{day},{100 + place}")
    return "\n".join(rows)


def tables(names: Sequence[str]) -> dict[str, str]:
    customers = [f"{one}{place}" for one in "ABCD" for place in range(10)]

    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    named = [f"{one},{quoted(names[4 + place % len(names[4:])])}" for place, one in enumerate(customers)]
    people = zip("ABCD", names, ["n", "<b>s", "<b>s", "n"], strict=False)
    managers = [f"{one},{quoted(name)},{quoted(team)}" for one, name, team in people]
    return {
        "orders": orders(),
        "customers": "\n".join(["customer_id,customer_name", *named]),
        "assignments": "\n".join(["customer_id,account_manager_id,assigned_from,assigned_until",
                                  *(f"{one},{one[0]},2023-01-01," for one in customers)]),
        "account_managers": "\n".join(["account_manager_id,account_manager_name,team", *managers]),
        "targets": "metric,period,dimension,group_name,target\ncustomer_retention_rate,,,,0.99\n"
                   "customer_retention_rate,,account_manager,A,0.5\n",
        "contracts": "\n".join(["contract_id,customer_id,starts_on,due_on,yearly_value",
                                *(f"k{one},{one},2023-08-01,2024-08-01,{50}" for one in customers)]),
    }  # fmt: skip


SETTINGS = {"activity_window_days": 91, "model_draws": 20, "sparkline_periods": 3, "dimensions": [], "settle_days": 0,
            "data_through": date(2024, 6, 30)}  # fmt: skip


@pytest.fixture(scope="module")
def results(open_company) -> Results:
    names = ["Ada & Söhne", "刘伟", "Bob", "Eve", "Office & Co", "河湾纺织"]
    called = {"company": "Lanqiao 蓝桥办公", "company_id": "lanqiao"}
    return measure_suite(open_company(tables(names), "2024Q2", **called, **SETTINGS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "lanqiao" / "2024Q2"
    path.mkdir(parents=True)
    for language in ("en", "zh"):
        (path / f"report-{language}.html").write_text(f"<html lang={language}>")
    (path / "report-en.pdf").write_bytes(b"%PDF-1.7")
    return path


@pytest.fixture(scope="module")
def letters(results, folder) -> dict[tuple[str, str], Letter]:
    """The company's letter, a manager's and a team's, in both languages."""
    return {
        **{("company", each): company_letter(results, folder, language=each, attach=("report", "excel"), link=None)
           for each in ("en", "zh")},
        **{(by, each): slice_letter(results, Slice(by, group), language=each)
           for by, group in ((MANAGER, "A"), (TEAM, "<b>s")) for each in ("en", "zh")},
    }  # fmt: skip


KINDS = ("company", MANAGER, TEAM)


class Page(HTMLParser):
    """The elements of a letter, and whether they are closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def mailed(letter: Letter, language: str = "en") -> bytes:
    """The letter as the bytes that a server is handed."""
    sender = Address("", "reports", "house.example")
    at = datetime(2024, 7, 2, 8, tzinfo=ZoneInfo("UTC"))
    return message_bytes(letter, MailHeading(sender, (sender,), message_id("a"), language, at))


# --- what every letter is -----------------------------------------------------------------------------


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_fetches_nothing_runs_nothing_and_needs_no_style_sheet(letters, kind, language):
    page = Page(letters[kind, language].html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"style", "link", "script", "svg", "iframe", "form", "base", "object", "video"}
    given = [item for _, attributes in page.tags for item in attributes.items()]
    assert all(value.startswith("cid:") for name, value in given if name in ("src", "href", "background"))
    assert not re.search(r"url\(|@import|data:|https?:|javascript:| on\w+=", letters[kind, language].html)


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_says_its_language_and_every_table_of_numbers_its_headings(letters, kind, language):
    page = Page(letters[kind, language].html)
    assert page.tags[0] == ("html", {"lang": {"en": "en", "zh": "zh-Hans"}[language], "dir": "ltr"})
    tables = [given for tag, given in page.tags if tag == "table"]
    assert all(given.get("role") == "presentation" or given.get("aria-label") for given in tables)
    heads = [given["scope"] for tag, given in page.tags if tag == "th"]
    assert {"col", "row"} == set(heads)
    assert sum(tag == "h1" for tag, _ in page.tags) == 1


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_is_fluid_up_to_600_pixels(letters, kind, language):
    for tag, given in Page(letters[kind, language].html).tags:
        if tag == "table" and "max-width:600px" in (given.get("style") or ""):
            assert given["width"] == "100%"
        width = given.get("width") or "1"
        assert width.endswith("%") or int(width) <= 568
    assert "max-width:600px" in letters[kind, language].html
    assert not re.search(r"(?<!-)width:(?!100%|10px)", letters[kind, language].html)


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_html_is_under_80_kb_raw_and_as_it_is_encoded(letters, kind, language):
    html = letters[kind, language].html.encode()
    assert len(html) < MOST_HTML_BYTES
    [part] = [part for part in message_from_bytes(mailed(letters[kind, language], language)).walk()
              if part.get_content_type() == "text/html" and not part.get_filename()]  # fmt: skip
    assert len(part.get_payload()) < MOST_HTML_BYTES
    assert (
        len(quopri.encodestring(html)) < 1.4 * MOST_HTML_BYTES
        and len(base64.encodebytes(html)) < MOST_HTML_BYTES
    )


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_the_text_is_complete_in_itself(letters, kind, language):
    letter, numbers = letters[kind, language], re.compile(r"\d[\d,.]*%|[€¥]\s?\d[\d,.]*\d")
    in_html, in_text = (set(numbers.findall(text)) for text in (Page(letter.html).text, letter.text))
    assert len(in_html) > 5 and in_html <= in_text
    assert "<" not in re.sub(r"<b>s", "", letter.text)
    assert not re.search(r"HTML (version|part)|see html", letter.text, re.IGNORECASE)


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_the_text_are_no_wider_than_76_columns(letters, kind, language):
    assert max(map(screen_width, letters[kind, language].text.splitlines())) <= COLUMNS


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_say_the_same_numbers(letters, kind):
    def shares(language: str) -> list[str]:
        return sorted(re.findall(r"[−+]?\d[\d,.]*%", letters[kind, language].text))

    def pictured(text: str) -> list[str]:
        return [
            part for part in text if not part.startswith("95")
        ]  # the level of intervals is said where room is

    assert len(shares("en")) > 4
    assert set(pictured(shares("en"))) == set(pictured(shares("zh")))


@in_each_language
@pytest.mark.parametrize("kind", KINDS)
def test_no_words_of_the_other_language_and_none_unfilled(letters, kind, language):
    letter = letters[kind, language]
    assert not re.search(r"\{\w*\}", letter.text + Page(letter.html).text)
    if language == "en":
        said = re.sub("蓝桥办公|刘伟|河湾纺织", "", letter.text)
        assert not re.search(r"[\u4e00-\u9fff]", said)
    else:
        for words in ("against", "withheld", "Metric", "company", "How to read", "Attached", "better"):
            assert words not in letter.text


def test_every_letter_ends_with_how_to_read_it_why_one_gets_it_and_the_run(letters, results):
    for letter in (letters["company", "en"], letters[MANAGER, "en"]):
        for said in (Page(letter.html).text, " ".join(letter.text.split())):
            assert "How to read a verdict" in said and "You receive this because" in said
            assert results.book.fingerprint[:16] in said


# --- the company's letter -------------------------------------------------------------------------------


def test_the_subject_has_company_period_and_one_fact(letters):
    # 24 of 40 customers stayed, after all 40 in the quarter before.
    fact = "Customer retention rate 60.0%, worse than 2024Q1"
    assert letters["company", "en"].subject == f"Lanqiao 蓝桥办公, 2024Q2: {fact}"
    assert letters["company", "zh"].subject == "Lanqiao 蓝桥办公 2024Q2：客户保留率60.0%，较2024Q1变差"


def test_the_letter_tells_what_moved_what_was_missed_and_what_to_do(letters):
    said = letters["company", "en"].text
    order = [
        said.index(heading)
        for heading in ("What moved beyond chance", "Targets missed", "What to do", "Attached")
    ]
    assert order == sorted(order)
    assert re.search(r"Customer retention rate +60\.0% \(target 99\.0%\) +✗ miss", said)
    assert "1 Apr 2024 – 30 Jun 2024" in said


def test_the_letter_says_how_many_moved_though_it_tells_only_the_first(letters, results):
    for language in ("en", "zh"):
        counted = moved_count(results, language)
        assert counted
        # the text is wrapped to lines
        assert "".join(counted.split()) in "".join(letters["company", language].text.split())


def test_remarks_of_a_table_stand_in_the_brackets_of_the_language(letters):
    assert "（目标99.0%）" in letters["company", "zh"].text and "(目标" not in letters["company", "zh"].text


def test_tiles_have_the_headline_figures_as_the_run_has_them(letters, results):
    # A: 100 … 108 each, B: 100 … 104, C: 100 and 101, D: 100 … 107.
    revenue = sum(range(100, 109)) + sum(range(100, 105)) + 201 + sum(range(100, 108))
    assert results.kpi("revenue")["value"] == revenue == 2475
    assert "€2,475" in Page(letters["company", "en"].html).text


@in_each_language
def test_pictures_are_sharp_small_and_told_in_words(letters, language):
    letter = letters["company", language]
    images = {given["src"]: given for tag, given in Page(letter.html).tags if tag == "img"}
    assert 1 <= len(letter.pictures) <= 2
    assert set(images) == {f"cid:{picture.cid}" for picture in letter.pictures}
    for picture in letter.pictures:
        assert picture.png.startswith(b"\x89PNG") and len(picture.png) < 60_000
        wide, high = struct.unpack(">II", picture.png[16:24])
        shown = images[f"cid:{picture.cid}"]
        assert (wide, high) == (2 * int(shown["width"]), 2 * int(shown["height"]))
        assert shown["alt"] == picture.alt and "2024Q2" in picture.alt
        assert picture.alt in " ".join(letter.text.replace("\n", "" if language == "zh" else " ").split())
        assert not set("<>\r\n ") & set(picture.cid)


def test_the_report_and_the_workbook_are_attached_and_named(letters, folder):
    attached = {each.name: each for each in letters["company", "en"].attachments}
    assert list(attached) == ["lanqiao_2024Q2_en.html", "lanqiao_2024Q2_en.xlsx"]
    assert attached["lanqiao_2024Q2_en.html"].content == (folder / "report-en.html").read_bytes()
    assert (
        openpyxl.load_workbook(io.BytesIO(attached["lanqiao_2024Q2_en.xlsx"].content)).sheetnames[0]
        == "Scorecard"
    )
    assert all(name in letters["company", "en"].text for name in attached)
    message = message_from_bytes(mailed(letters["company", "en"]), policy=default)
    assert [part.get_filename() for part in message.iter_attachments()] == list(attached)


def test_a_pdf_is_attached_where_the_run_has_one_and_missed_where_not(results, folder):
    english, chinese = (
        company_letter(results, folder, language=each, attach=("pdf",), link=None) for each in ("en", "zh")
    )
    assert [(each.name, each.media) for each in english.attachments] == [
        ("lanqiao_2024Q2_en.pdf", "application/pdf")
    ]
    assert chinese.attachments == () and "未附 lanqiao_2024Q2_zh.pdf" in chinese.text


def test_with_a_link_nothing_is_attached(results, folder):
    letter = company_letter(
        results, folder, language="zh", attach=("report",), link="https://r.example/a b/?x=1&y="
    )
    assert letter.attachments == ()
    address = "https://r.example/a b/?x=1&y=/lanqiao/2024Q2/zh/index.html"
    assert [given["href"] for tag, given in Page(letter.html).tags if tag == "a"] == [address]
    assert f"<{address}>" in letter.text


def test_an_address_is_joined_of_its_parts_and_must_be_of_the_web():
    assert (
        report_address("https://r.example/", "a b", "2024Q2", "en")
        == "https://r.example/a%20b/2024Q2/en/index.html"
    )
    for link in ("javascript:alert(1)", "file:///etc", "r.example"):
        with pytest.raises(InputError, match="no web address"):
            report_address(link, "a", "2024Q2", "en")


def test_what_would_make_the_message_too_large_stays_behind_and_is_named(results, folder, monkeypatch):
    monkeypatch.setattr(letter_module, "MOST_BYTES", 600_000)
    (folder / "report-en.pdf").write_bytes(b"%PDF" + bytes(300_000))
    letter = company_letter(results, folder, language="en", attach=("pdf", "report"), link=None)
    assert [each.name for each in letter.attachments] == ["lanqiao_2024Q2_en.html"]
    said = " ".join(letter.text.split())
    assert "lanqiao_2024Q2_en.pdf is not attached: it has 300 KB" in said and "reports/lanqiao/2024Q2" in said
    assert len(mailed(letter)) < 600_000
    monkeypatch.setattr(letter_module, "MOST_BYTES", 10_000_000)
    (folder / "report-en.pdf").write_bytes(b"%PDF" + bytes(6_000_000))
    letter = company_letter(results, folder, language="en", attach=("pdf", "report"), link=None)
    assert len(letter.attachments) == 2 and 8_000_000 < len(mailed(letter)) < 10_000_000
    (folder / "report-en.pdf").write_bytes(b"%PDF-1.7")


def test_encoded_bytes_are_those_of_base64_in_lines():
    for count in (0, 1, 57, 58, 5700):
        lines = base64.encodebytes(bytes(count)).replace(b"\n", b"\r\n")
        assert len(lines) <= encoded_bytes(bytes(count)) <= len(lines) + 78


# --- a slice's letter -----------------------------------------------------------------------------------


@in_each_language
def test_a_slices_letter_has_his_own_workbook_and_no_report(letters, results, language):
    letter = letters[MANAGER, language]
    assert [each.name for each in letter.attachments] == [f"lanqiao_2024Q2_A_{language}.xlsx"]
    assert letter.pictures == () and "<a " not in letter.html and len(mailed(letter)) < 150_000
    book = openpyxl.load_workbook(io.BytesIO(letter.attachments[0].content))
    assert len(book.sheetnames) == 2
    with pytest.raises(InputError, match="links no report"):
        slice_letter(results, Slice(MANAGER, "A"), language="en", link="https://x")


def test_a_slices_letter_and_workbook_hold_nothing_of_other_managers(results):
    letter = slice_letter(results, Slice(MANAGER, "A"), language="en")
    cells = [cell.value for sheet in openpyxl.load_workbook(io.BytesIO(letter.attachments[0].content))
             for row in sheet.iter_rows() for cell in row]  # fmt: skip
    told = letter.text + letter.html + " ".join(map(str, cells))
    assert "Ada" in told
    assert not re.search(r"刘伟|Bob|Eve|\b[BCD]\d\b", told)


def test_a_withheld_figure_stands_nowhere_in_letter_or_workbook(results):
    """C has two orders: his revenue is withheld, and his team's, which with B's would tell it."""
    for wanted in (Slice(MANAGER, "C"), Slice(TEAM, "<b>s")):
        assert slice_figures(results, wanted).set_index("metric").loc["revenue", "is_withheld"]
    for wanted in (Slice(MANAGER, "C"), Slice(TEAM, "<b>s")):
        letter = slice_letter(results, wanted, language="en")
        cells = [cell.value for sheet in openpyxl.load_workbook(io.BytesIO(letter.attachments[0].content))
                 for row in sheet.iter_rows() for cell in row]  # fmt: skip
        assert "withheld" in letter.text and "withheld" in cells
        assert not {201, 100.5, 711} & set(cells)  # C's, C's by order, the team's
        assert not re.search(r"€201|€100\.50|€711", letter.text + letter.html)


def test_a_workbook_leaves_out_last_orders_that_would_tell_a_withheld_figure_and_says_so(results):
    for group, is_left_out in (("C", True), ("A", False)):
        content = slice_letter(results, Slice(MANAGER, group), language="en").attachments[0].content
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[-1]
        cells = [cell.value for row in sheet.iter_rows() for cell in row]
        assert (
            any("predicted value and churn score are left out" in str(cell) for cell in cells) == is_left_out
        )
        # 15 May 2024 is when those bought who did in the quarter: nine of A's ten, two of C's.
        assert cells.count(datetime(2024, 5, 15)) == (0 if is_left_out else 9)


def test_a_slices_subject_names_the_group(letters):
    assert letters[MANAGER, "en"].subject.startswith("Lanqiao 蓝桥办公, 2024Q2, Ada & Söhne: ")


def test_a_manager_is_told_which_contracts_fall_due_and_how_many_more(results):
    said = " ".join(slice_letter(results, Slice(TEAM, "<b>s"), language="en").text.split())
    assert (
        "Contracts due by 30 Sep 2024, not renewed yet: 20" in said
        and "10 more in the attached workbook" in said
    )


# --- hostile and strange data -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(open_company) -> Results:
    company = 'Evil\r\nBcc: all@example.org\u202e<img src=x onerror=1>"' + "長" * 300
    return measure_suite(
        open_company(
            tables([*HOSTILE[:4], *HOSTILE]), "2024Q2", company=company, company_id="evil", **SETTINGS
        )
    )


@in_each_language
def test_hostile_names_stay_texts(hostile, folder, language):
    company = company_letter(hostile, folder, language=language, attach=(), link=None)
    for letter in (
        company,
        *(slice_letter(hostile, Slice(MANAGER, one), language=language) for one in "ABC"),
    ):
        page = Page(letter.html)
        assert {tag for tag, _ in page.tags} <= TAGS
        assert all(not key.startswith("on") for _, given in page.tags for key in given)
        assert not UNSEEN.search(letter.html + letter.text + letter.subject)
        assert len(letter.html.encode()) < MOST_HTML_BYTES
        assert max(map(screen_width, letter.text.splitlines())) <= COLUMNS
        message = message_from_bytes(mailed(letter, language), policy=default)
        assert message["Bcc"] is None and len(message["Subject"].splitlines()) == 1
        assert screen_width(message["Subject"]) < 200


def test_hostile_names_are_no_formulas_in_a_workbook(hostile):
    for one in "ABC":
        content = slice_letter(hostile, Slice(MANAGER, one), language="en").attachments[0].content
        sheets = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row]
        assert all(cell.data_type != "f" for cell in cells)
        texts = [cell.value for cell in cells if isinstance(cell.value, str)]
        assert any("HYPERLINK" in text for text in texts)
        assert not [text for text in texts if text[:1] in "=+-@\t"]


def test_an_empty_quarter_is_a_letter_that_says_so(open_company, folder):
    results = measure_suite(open_company(tables("abcde"), "2024Q3", company="Lanqiao", **SETTINGS))
    for language, said in (
        ("en", "The data cover no day of 2024Q3 yet."),
        ("zh", "数据尚未覆盖2024Q3任何一天。"),
    ):
        company = company_letter(results, folder, language=language, attach=(), link=None)
        own = slice_letter(results, Slice(MANAGER, "A"), language=language)
        for letter in (company, own):
            assert said in letter.text and letter.pictures == ()
            assert "2024Q3" in letter.subject and len(Page(letter.html).text) > 300


def test_a_company_of_orders_alone_has_its_letter(open_company, folder):
    results = measure_suite(open_company({"orders": orders()}, "2024Q2", company="Lanqiao", **SETTINGS))
    letter = company_letter(results, folder, language="en", attach=(), link=None)
    assert "60.0%" in letter.text and "Targets missed" not in letter.text


@in_each_language
def test_a_slices_letter_and_workbook_call_groups_by_the_names_of_the_settings(results, with_names, language):
    names = {"account_manager": {"A": {"en": "Ada L.", "zh": "艾达"}, "C": {"zh": "<i>赵"}},
             "account_team": {"<b>s": {"en": "South", "zh": "南组"}}}  # fmt: skip
    own = with_names(results, **names)
    letter, plain = (slice_letter(each, Slice(MANAGER, "A"), language=language) for each in (own, results))
    name = {"en": "Ada L.", "zh": "艾达"}[language]
    assert name in letter.subject and name in letter.text and name in letter.html
    numbers = [re.findall(r"\d[\d.,]*", each.text.partition(run.book.fingerprint[:16])[0])
               for each, run in ((letter, own), (plain, results))]  # fmt: skip
    assert numbers[0] == numbers[1] and len(numbers[0]) > 20
    team = slice_letter(own, Slice(TEAM, "<b>s"), language=language)
    cells = {cell.value for sheet in openpyxl.load_workbook(io.BytesIO(team.attachments[0].content))
             for row in sheet.iter_rows() for cell in row}  # fmt: skip
    assert {"en": "South", "zh": "南组"}[language] in team.subject
    assert ({"en": "Bob", "zh": "<i>赵"}[language]) in cells and "<i>" not in team.html
