"""Words of comments: English and Chinese, mixed, traditional and hostile."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from analysis.models.words import (
    BREAK,
    MOST_CHARACTERS,
    languages_spoken,
    measure_languages,
    read_words,
    stem,
)


def said(text: str) -> list[str]:
    """The words of one text as shown, breaks between them."""
    words = read_words([text])
    return [words.shown[word] if word >= 0 else BREAK for word in words.word]


@pytest.mark.parametrize(
    ("forms", "root"),
    [
        ("delay delays delayed delaying", "delay"),
        ("delivery deliveries", "delivery"),
        ("deliver delivers delivered delivering", "deliver"),
        ("ship ships shipped shipping", "ship"),
        ("call calls called calling", "call"),
        ("price prices priced pricing", "pric"),
        ("reply replies replied replying", "reply"),
        ("crash crashes crashed crashing", "crash"),
        ("box boxes boxed", "box"),
        ("fee fees", "fee"),
    ],
)
def test_all_forms_of_a_word_are_one(forms, root):
    assert {stem(form) for form in forms.split()} == {root}


@pytest.mark.parametrize("word", ["status", "process", "need", "speed", "string", "bus", "was", "quality"])
def test_what_only_looks_like_an_ending_stays(word):
    assert stem(word) == word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Wi-Fi doesn't work!", ["the", "wi", "fi", "does", "not", "work", "|"]),
        ("I can't; they won't, we cannot", ["i", "not", "|", "they", "not", "|", "we", "not"]),
        ("customer's customers' café", ["customer", "customer", "cafe"]),
        ("物流太慢，客服态度差", ["物流", "太慢", "|", "客服", "态度", "差"]),
        ("送貨太慢 服務態度差", ["送货", "太慢", "|", "服务态度", "差"]),
        ("app很难用", ["app", "很", "难", "用"]),
        ("ＡＰＰ　ｏｋ", ["app", "ok"]),
        ("mail me@x.org or https://x.org/a?b now", ["mail", "|", "or", "|", "now"]),
        ("<b>late</b>&nbsp;<br/>again &lt;3", ["|", "late", "|", "|", "again", "|"]),
        ("de\u200blive\u00adry", ["delivery"]),
        ("one\ntwo", ["one", "|", "two"]),
    ],
)
def test_words_are_read_in_order_with_breaks_between_stretches(text, words):
    assert said(text) == words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("very slow delivery", "en"),
        ("物流太慢了", "zh"),
        ("app 又 crash 了 please fix it", "mixed"),  # 2 characters, 5 words
        ("the app said 慢", "mixed"),  # 1 of 4
        ("the app of my bank said 慢", "en"),  # 1 of 7
        ("!!! ... 😀👍 12345", "none"),
        ("Доставка опоздала", "none"),
        ("配送が遅いです", "none"),
        ("優の良品很好吃", "zh"),
        ("배송이 늦어요", "none"),
        ("", "none"),
    ],
)
def test_the_language_follows_from_the_share_of_chinese(text, language):
    assert measure_languages(read_words([text])).tolist() == [language]


def test_languages_spoken_are_told_text_by_text():
    english, chinese = languages_spoken(read_words(["late", "慢了", "app 闪退", "!"]))
    assert english.tolist() == [True, False, True, False]
    assert chinese.tolist() == [False, True, True, False]


def test_the_commonest_form_is_shown_and_the_first_of_the_alphabet_among_equals():
    assert read_words(["delays delays delayed"]).shown == ["delays"]
    assert read_words(["delays delayed"]).shown == ["delayed"]


def test_stop_words_and_ignored_words_tell_nothing_and_negations_are_known():
    words = read_words(["the Acme app is not 方便 的"], ignored=["ACME"])
    told = dict(zip(words.shown, zip(words.is_stop, words.is_negation, strict=True), strict=True))
    assert told["the"] == told["acme"] == told["的"] == (True, False)
    assert told["not"] == (True, True)
    assert told["app"] == told["方便"] == (False, False)


HOSTILE = [
    "<script>alert(1)</script>", "<" * 9000, "&" * 9000, "@" * 9000, "a" * 100_000, "慢" * 100_000, "\x00\x01\x7f",
    "\ud800 lone", "'" * 500, "\u202eevil", "\n\r\n\u2028", "|||", "ﷺ" * 100, "e\u0301" * 3000, "𠀀𠀁", "😀" * 5000,
]  # fmt: skip


def test_hostile_texts_are_read_and_leave_their_neighbours_alone():
    texts = [text for each in HOSTILE for text in (each, "slow delivery")]
    words = read_words(texts)
    assert words.n_texts == len(texts)
    for position in range(1, len(texts), 2):
        mine = words.word[words.text == position]
        assert [words.shown[word] for word in mine] == ["slow", "delivery"]


def test_of_a_long_text_the_beginning_is_read():
    words = read_words(["slow " * (MOST_CHARACTERS // 5) + "unread"])
    assert words.shown == ["slow"]
    assert np.sum(words.word >= 0) == MOST_CHARACTERS // 5


def test_no_texts_have_no_words():
    words = read_words([])
    assert (words.n_texts, len(words.word), words.stems) == (0, 0, [])


def test_texts_read_together_are_as_read_alone(monkeypatch):
    texts = ["late delivery", "物流太慢", "", "app 闪退", "價格貴 but ok"]
    alone = [said(text) for text in texts]
    monkeypatch.setattr("analysis.models.words.TEXTS_AT_ONCE", 2)
    together = read_words(texts)
    shown = [*together.shown, BREAK]
    assert [[shown[word] for word in together.word[together.text == row]] for row in range(5)] == alone


def run(code: str, folder) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )


def test_chinese_is_cut_without_a_word_a_warning_or_a_file(tmp_path):
    code = "import opencc, rjieba; opencc.OpenCC('t2s').convert('慢'); rjieba.Jieba().cut('物流太慢', False)"
    done = run(code, tmp_path)
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("", "", [])


def test_what_cuts_chinese_is_loaded_for_chinese_only():
    code = """
import sys
from analysis.models.themes import read_words
read_words(["slow delivery"])
print({"rjieba", "opencc"} & set(sys.modules))
read_words(["物流"])
print({"rjieba", "opencc"} <= set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "True"]
