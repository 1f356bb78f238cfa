"""Themes of comments: planted ones are found in both languages, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.catalogue import label, load_catalogue
from analysis.models.comments import LEFT_OUT
from analysis.models.themes import (
    find_terms,
    measure_sources,
    measure_theme_changes,
    measure_themes,
    read_comments,
    read_themes,
)

TALK = {
    "en": [
        "we met on monday at the office", "my colleague wrote it down", "it was a sunny afternoon", "reading a novel",
        "lunch with the team", "the garden behind the house", "nothing special to report", "the train to town",
    ],
    "zh": [
        "周一在办公室见面", "和同事聊了聊", "天气不错", "中午一起吃饭",
        "周末去公园散步", "没什么特别的", "看了一本小说", "坐火车进城",
    ],
}  # fmt: skip
SAID = {
    "delivery": {"en": "the parcels came by courier", "zh": "快递放在门口"},
    "price": {"en": "overpriced", "zh": "价格偏高"},
    "staff_attitude": {"en": "she was so polite", "zh": "说话很有礼貌"},
    None: {"en": "the loyalty badge vanished", "zh": "碎屏险没到账"},  # in no theme's words
}
SHARES = {
    "promoters": {"delivery": 0.10, "price": 0.05, "staff_attitude": 0.30, None: 0.02},
    "passives": {"delivery": 0.15, "price": 0.15, "staff_attitude": 0.15, None: 0.03},
    "detractors": {"delivery": 0.40, "price": 0.15, "staff_attitude": 0.10, None: 0.15},
}


def comment(generator: np.random.Generator, language: str, shares: dict[str | None, float]) -> str:
    """A comment with each theme at its share, somewhere within talk about nothing."""
    pieces = list(generator.choice(TALK[language], generator.integers(1, 4), replace=False))
    for theme, share in shares.items():
        if generator.random() < share:
            pieces.insert(generator.integers(len(pieces) + 1), SAID[theme][language])
    return (". " if language == "en" else "，").join(pieces)


def simulate(n: int, seed: int, shares=SHARES, languages=("en", "zh")) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    group = generator.choice(list(shares), n, p=[0.5, 0.3, 0.2])
    language = generator.choice(languages, n)
    text = [comment(generator, each, shares[mine]) for each, mine in zip(language, group, strict=True)]
    return frame(text, group, customer_id=[f"c{row}" for row in range(n)], spoken=language)


def frame(text, score_group, **columns) -> pd.DataFrame:
    defaults = {"source": "survey", "day": pd.Timestamp("2026-07-01"), "customer_id": None}
    return pd.DataFrame(
        {"text": pd.Series(list(text), dtype=object), "score_group": score_group} | defaults | columns
    )


@pytest.fixture(scope="module")
def planted():
    return read_comments(simulate(6_000, seed=20260930))


# --- planted themes -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_planted_themes_have_their_shares_within_their_intervals(planted, language):
    comments = planted.comments
    mine = comments if language == "both" else comments[comments["spoken"] == language]
    # 12 intervals hold at once in 98.8 % of samples at this level
    themes = measure_themes(read_comments(mine), confidence_level=0.999).set_index(["group", "theme"])
    for group, shares in SHARES.items():
        for theme in ("delivery", "price", "staff_attitude"):
            row = themes.loc[(group, theme)]
            assert row["low"] <= shares[theme] <= row["high"]
            assert row["high"] - row["low"] < 0.2


def test_planted_differences_are_marked_and_nothing_else(planted):
    themes = measure_themes(planted)
    marked = themes[themes["is_over_represented"]]
    assert {("detractors", "delivery"), ("promoters", "staff_attitude")} <= set(
        zip(marked["group"], marked["theme"], strict=True)
    )
    assert set(marked["theme"]) <= {"delivery", "staff_attitude", "price"}
    assert ("promoters", "price") not in set(zip(marked["group"], marked["theme"], strict=True))


def test_comments_are_counted_as_the_truth_has_them(planted):
    comments, themes = planted.comments, measure_themes(planted).set_index(["group", "theme"])
    for group, of_group in comments.groupby("score_group"):
        truly = of_group["text"].str.contains("courier|快递").sum()
        row = themes.loc[(group, "delivery")]
        assert (row["mentions"], row["comments"]) == (truly, len(of_group))
        assert row["share"] == pytest.approx(truly / len(of_group))
    everyone = themes[themes.index.get_level_values(0).isna()]
    assert (everyone["comments"] == len(comments)).all()
    assert everyone["z"].isna().all()


def test_planted_words_in_no_theme_are_found_in_both_languages(planted):
    terms = find_terms(planted)
    unknown = terms[terms["theme"].isna() & (terms["group"] == "detractors")].set_index("language")
    assert "badge" in unknown.loc["en", "term"]
    assert unknown.loc["zh", "term"].startswith("碎屏险")
    for language in ("en", "zh"):
        row = unknown.loc[language]
        assert row["low"] <= SHARES["detractors"][None] <= row["high"]
        assert row["log_odds"] > 1
    known = terms[(terms["theme"] == "delivery")]
    assert set(known["group"]) == {"detractors"} and set(known["language"]) == {"en", "zh"}
    assert set(terms[terms["group"] == "promoters"]["theme"]) == {"staff_attitude"}
    assert set(terms[terms["group"] == "passives"]["theme"]) <= {"price"}  # 15 % against 8 % of the others


def test_a_run_repeated_gives_the_same_frames(planted):
    again = read_comments(simulate(6_000, seed=20260930))
    pd.testing.assert_frame_equal(measure_themes(planted), measure_themes(again))
    pd.testing.assert_frame_equal(find_terms(planted), find_terms(again))


def test_the_order_of_comments_does_not_matter(planted):
    turned = read_comments(simulate(6_000, seed=20260930)[::-1])
    pd.testing.assert_frame_equal(measure_themes(planted), measure_themes(turned))
    terms, again = find_terms(planted), find_terms(turned)
    pd.testing.assert_frame_equal(terms, again, check_exact=False, rtol=1e-9)


# --- nothing where nothing is ---------------------------------------------------------------------


def shuffled_rates(read, replicates: int, seed: int) -> tuple[float, float]:
    """How often anything is marked, among themes and among words, if score groups are dealt to customers."""
    generator = np.random.default_rng(seed)
    customer, people = pd.factorize(read.comments["customer_id"])
    wrong = np.zeros(2)
    for _ in range(replicates):
        dealt = generator.choice(["promoters", "passives", "detractors"], len(people), p=[0.5, 0.3, 0.2])[
            customer
        ]
        one = replace(read, comments=read.comments.assign(score_group=dealt))
        wrong += [measure_themes(one)["q_value"].min() <= 0.05, len(find_terms(one)) > 0]
    return tuple(wrong / replicates)


@pytest.mark.slow
def test_in_shuffled_comments_next_to_nothing_is_marked():
    same = dict.fromkeys(SHARES, SHARES["passives"])
    themes, terms = shuffled_rates(read_comments(simulate(600, 3, same)), replicates=200, seed=4)
    # any false mark in at most 5 % of samples, plus three standard errors of 200 replicates
    assert themes <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert terms <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


@pytest.mark.slow
def test_customers_who_repeat_themselves_mark_nothing_either():
    same = dict.fromkeys(SHARES, SHARES["passives"])
    once = simulate(150, 5, same)
    repeated = pd.concat([once] * 5, ignore_index=True)  # 150 customers say the same thing five times
    themes, terms = shuffled_rates(read_comments(repeated), replicates=200, seed=6)
    assert themes <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert terms <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


# --- change ---------------------------------------------------------------------------------------


def some(themed: int, n: int, group: str = "satisfied") -> pd.DataFrame:
    return frame(["late delivery"] * themed + ["a sunny day"] * (n - themed), [group] * n)


def test_a_change_is_worked_out_against_the_period_before():
    # Newcombe (1998), table II, method 10: 56/70 − 48/80 = 0.2, 0.0524 to 0.3339
    changes = measure_theme_changes(read_comments(some(56, 70)), read_comments(some(48, 80)))
    delivery = changes[changes["theme"] == "delivery"].set_index("group").loc["satisfied"]
    assert tuple(delivery[["mentions", "comments", "mentions_before", "comments_before"]]) == (56, 70, 48, 80)
    assert tuple(delivery[["difference", "difference_low", "difference_high"]]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    assert delivery["is_changed"] and delivery["status"] == "measured"
    assert not changes[changes["theme"] == "price"]["is_changed"].any()


def test_a_planted_change_is_found_in_its_theme_and_group_only():
    worse = SHARES | {"passives": SHARES["passives"] | {"price": 0.35}}
    changes = measure_theme_changes(
        read_comments(simulate(4_000, 8, worse)), read_comments(simulate(4_000, 9))
    )
    changed = changes[changes["is_changed"]]
    assert set(changed["theme"]) == {"price"}
    assert set(changed["group"].dropna()) == {"passives"}
    row = changed.set_index("group").loc["passives"]
    assert row["difference_low"] <= 0.20 <= row["difference_high"]


def test_a_period_without_comments_is_said_not_measured():
    nothing = read_comments(some(0, 0))
    changes = measure_theme_changes(read_comments(some(9, 40)), nothing)
    assert set(changes["reason"]) == {"no_comments_before"} and set(changes["status"]) == {"not_measured"}
    assert changes["difference"].isna().all() and not changes["is_changed"].any()
    assert set(measure_theme_changes(nothing, read_comments(some(9, 40)))["reason"]) == {"no_comments_now"}
    assert measure_theme_changes(nothing, nothing).empty


def test_periods_read_for_different_themes_cannot_be_compared():
    with pytest.raises(ValueError, match="same themes"):
        measure_theme_changes(read_comments(some(1, 2)), read_comments(some(1, 2), read_themes()[:3]))


# --- few, none, hostile ---------------------------------------------------------------------------


def test_no_comments_give_no_rows():
    for comments in (
        some(0, 0),
        frame([None, "", "  ", np.nan], ["satisfied"] * 4),
        frame(["!!!"], ["satisfied"]),
    ):
        read = read_comments(comments)
        assert measure_themes(read).empty and find_terms(read).empty
        assert {"theme", "group", "q_value", "examples"} <= set(measure_themes(read).columns)


def test_few_comments_are_shown_with_care_and_tested_exactly():
    themes = measure_themes(read_comments(pd.concat([some(3, 3), some(0, 3, "unsatisfied")])))
    row = themes[(themes["theme"] == "delivery") & (themes["group"] == "satisfied")].iloc[0]
    assert (row["status"], row["reason"]) == ("with_care", "few_comments|3")
    assert row["p_value"] == pytest.approx(0.1)  # 2 of the 20 ways to choose 3 of 6
    assert not row["is_over_represented"]


def test_one_group_alone_has_no_others():
    themes = measure_themes(read_comments(some(9, 40)))
    mine = themes[themes["group"] == "satisfied"]
    assert set(mine["reason"]) == {"no_others"} and mine["p_value"].isna().all()
    assert find_terms(read_comments(some(9, 40))).empty


def test_comments_without_a_score_count_among_all_only():
    comments = pd.concat([some(9, 40), some(5, 10).assign(score_group=None)])
    themes = measure_themes(read_comments(comments))
    delivery = themes[themes["theme"] == "delivery"]
    assert dict(zip(delivery["group"].fillna("all"), delivery["comments"], strict=True)) == {
        "all": 50,
        "satisfied": 40,
    }


def test_groups_may_be_sources():
    comments = pd.concat([some(30, 40), some(5, 40).assign(source="interview")])
    themes = measure_themes(read_comments(comments), by="source")
    marked = themes[themes["is_over_represented"]]
    assert list(zip(marked["theme"], marked["group"], strict=True)) == [("delivery", "survey")]


def test_comments_in_both_languages_and_traditional_characters_have_their_themes():
    texts = ["app 又閃退了, so rude", "送貨太慢", "価格", "<b>Delivery</b> late"]
    themes = measure_themes(read_comments(frame(texts, ["detractors"] * 4)))
    mentions = themes[themes["group"].isna()].set_index("theme")["mentions"]
    found = mentions[mentions > 0].to_dict()
    assert found == {"delivery": 2, "staff_attitude": 1, "reliability": 1}


HOSTILE = [
    "<script>alert('delivery')</script>", "\ud800 late delivery", "delivery \x00\u202e" + "x" * 50_000, "😀" * 300,
    "delivery " * 2_000, "{name} %s {{ delivery }} ${x}", "=cmd|' /C delivery'!A0", "'; drop table --  快递",
]  # fmt: skip


def test_hostile_comments_are_counted_and_shown_short_and_encodable():
    read = read_comments(frame(HOSTILE * 5, ["detractors", "promoters"] * (len(HOSTILE) * 5 // 2)))
    themes = measure_themes(read)
    delivery = themes[(themes["theme"] == "delivery") & themes["group"].isna()].iloc[0]
    assert delivery["mentions"] == 5 * sum("delivery" in text or "快递" in text for text in HOSTILE)
    shown = [example for examples in themes["examples"] for example in examples]
    assert shown
    for example in shown:
        assert len(example) <= 200
        example.encode()
        assert not set(example) & {"\x00", "\u202e", "\n"}
    assert len(find_terms(read)) <= 40


def test_examples_say_the_theme_are_different_and_leave_out_addresses_and_numbers():
    texts = [
        "delivery: write to a.b@c.org or 138 0013 8000, see https://x.org/?a=1 now",
        "delivery",
        "delivery",
        "sun",
    ]
    themes = measure_themes(read_comments(frame(texts, ["detractors"] * 4)))
    examples = themes[(themes["theme"] == "delivery") & themes["group"].isna()]["examples"].item()
    assert examples == (f"delivery: write to {LEFT_OUT} or {LEFT_OUT}, see {LEFT_OUT} now", "delivery")


def test_a_loud_customer_widens_the_interval():
    loud = some(20, 40).assign(customer_id=["loud"] * 20 + [f"c{row}" for row in range(20)])
    plain = some(20, 40)
    one, other = (measure_themes(read_comments(each)) for each in (loud, plain))
    width = [(each["high"] - each["low"])[each["theme"] == "delivery"].iloc[0] for each in (one, other)]
    assert width[0] > 1.5 * width[1]


def test_sources_and_languages_are_counted():
    comments = frame(
        ["late", "慢了", "!", "x" * 6_000],
        ["a"] * 4,
        source=["survey", "survey", "contact", "survey"],
        customer_id=[1, 2, 3, 1],
    )
    rows = measure_sources(read_comments(comments)).to_dict("split")["data"]
    assert rows == [["contact", "none", 1, 1, 0], ["survey", "en", 2, 1, 1], ["survey", "zh", 1, 1, 0]]


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="missing: customer_id"):
        read_comments(some(1, 2).drop(columns="customer_id"))


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_a_frame_says_in_a_code_has_words(language):
    sources = load_catalogue().tables["feedback"].columns["source"].allowed
    keys = [f"source_{name}" for name in sources]
    keys += [f"language_{name}" for name in ("en", "zh", "mixed", "none")]
    keys += ["no_others", "no_comments_before", "no_comments_now", "no_comments"]
    assert all(label(f"themes.{key}", language) for key in keys)
    assert "7" in label("themes.few_comments", language, n=7, least=30)
