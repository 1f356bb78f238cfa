"""The themes that are looked for, and a company's own."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.errors import InputError
from analysis.models.lexicon import find_themes, read_themes
from analysis.models.words import read_words, stem

THEMES = read_themes()
IDS = [theme.id for theme in THEMES]


def themes_of(text: str, themes=THEMES) -> set[str]:
    found = find_themes(read_words([text]), themes)[0]
    return {theme.id for theme, is_found in zip(themes, found, strict=True) if is_found}


def test_every_theme_has_a_name_and_words_in_both_languages():
    assert len(set(IDS)) == len(IDS) >= 10
    for theme in THEMES:
        assert theme.name.en and re.search("[\u4e00-\u9fff]", theme.name.zh), theme.id
        chinese = [word for word in theme.words if re.search("[\u4e00-\u9fff]", word)]
        assert len(chinese) >= 5 and len(theme.words) - len(chinese) >= 5, theme.id


def test_every_word_tells_its_theme_alone_and_within_a_sentence():
    pairs = [(column, word) for column, theme in enumerate(THEMES) for word in theme.words]
    for sentence in ("{}", "yesterday {} again", "昨天，{}。"):
        found = find_themes(read_words([sentence.format(word) for _, word in pairs]), THEMES)
        missed = [word for row, (column, word) in enumerate(pairs) if not found[row, column]]
        assert missed == []


@pytest.mark.parametrize(
    ("text", "themes"),
    [
        ("Deliveries were DELAYED, prices rose", {"delivery", "price"}),
        ("物流太慢，價格貴了", {"delivery", "price"}),
        ("贵公司的同事", set()),  # 贵 here is a courtesy
        ("easy-to-use app", {"ease_of_use"}),
        ("Easy. To use it daily", set()),  # the phrase does not go over a stop
        ("priceless", set()),
        ("app总是闪退，客服态度很差", {"reliability", "staff_attitude"}),
        ("快 递 很慢", set()),
        ("!!!", set()),
        ("", set()),
    ],
)
def test_a_comment_has_the_themes_whose_words_it_says(text, themes):
    assert themes_of(text) == themes


def says(text: str, word: str) -> bool:
    """Whether a text of small letters and blanks says a word."""
    if re.search("[\u4e00-\u9fff]", word):
        return word in text.replace(" ", "")
    stretches = [
        [stem(each) for each in part.split()] for part in re.split("[^a-z ]", text.replace("-", " "))
    ]
    looked_for = [stem(each) for each in word.split()]
    return any(
        stretch[start : start + len(looked_for)] == looked_for
        for stretch in stretches
        for start in range(len(stretch))
    )


def test_what_is_found_at_once_is_what_a_plain_loop_finds():
    generator = np.random.default_rng(7)
    pieces = [word for theme in THEMES for word in theme.words] + ["the", ",", "cat", "!"]
    texts = [" ".join(generator.choice(pieces, generator.integers(0, 6))) for _ in range(300)]
    found = find_themes(read_words(texts), THEMES)
    plainly = [[any(says(text, word) for word in theme.words) for theme in THEMES] for text in texts]
    assert found.any() and not found.all()
    np.testing.assert_array_equal(found, plainly)


def test_a_company_adds_words_and_themes():
    own = {
        "price": {"words": {"en": ["surcharge"], "zh": ["附加费"]}},
        "mascot": {"name": {"en": "Mascot", "zh": "吉祥物"}, "words": {"zh": ["吉祥物"]}},
    }
    themes = read_themes(own)
    assert [theme.id for theme in themes] == [*IDS, "mascot"]
    assert themes_of("surcharges", themes) == themes_of("附加費太多", themes) == {"price"}
    assert themes_of("吉祥物可爱", themes) == {"mascot"}
    assert themes_of("surcharges") == set()


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"deliverry": {"words": {"en": ["van"]}}}, "needs a name in en and zh; did you mean 'delivery'"),
        ({"price": {"words": {"fr": ["cher"]}}}, "languages are en and zh; found 'fr'"),
        ({"price": {"words": {"zh": ["贵"]}}}, "'贵' is one character"),
        ({"price": {"words": {"en": ["€"]}}}, "'€' has no word"),
    ],
)
def test_a_company_is_told_what_is_wrong_with_its_themes(own, said):
    with pytest.raises(InputError, match=said):
        read_themes(own)


def test_no_comments_and_no_themes_find_nothing():
    assert find_themes(read_words([]), THEMES).shape == (0, len(THEMES))
    assert find_themes(read_words(["late"]), ()).shape == (1, 0)
