"""What is said outside questionnaires: on social media, in interviews, in focus groups, in reviews."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .comments import NEGATIVE, POSITIVE, draw_comments, draw_themes
from .contacts import JOURNEY
from .rows import Rows, chance, count, hidden_where, numbered, ordered, pick, stack
from .truth import Truth

PLATFORMS = {"Weibo": 0.40, "Xiaohongshu": 0.30, "Zhihu": 0.12, "LinkedIn": 0.10, "Douyin": 0.08}
TONES = {"positive": 0.46, "neutral": 0.32, "negative": 0.22}
MENTIONS_PER_DAY = 1.5
NEUTRAL = (
    "路过办公室看到他们家的送货车。",
    "Comparing office suppliers, anyone tried Lanqiao?",
    "求推荐办公用品供应商，蓝桥怎么样？",
    "Lanqiao has opened a new warehouse in Wuhan.",
    "今天参加了蓝桥的产品发布会。",
    "Does anyone know the service hours of Lanqiao?",
)
INTERVIEWS_PER_QUARTER, GROUPS_PER_QUARTER, GROUP_SIZE, REVIEWS_PER_QUARTER = 30, 2, 8, 60
STAR_SHARES = {POSITIVE: (0, 0, 0.1, 0.4, 0.5), NEGATIVE: (0.35, 0.4, 0.25, 0, 0)}


def mentions_table(customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """``mentions.csv``; one in five is known to be a customer's."""
    draws = chance(truth.seed, "mentions")
    n = int(MENTIONS_PER_DAY * clock.DAYS)
    second = np.sort(draws.integers(clock.END, size=n))
    tone = pick(draws, TONES, n)
    asked = np.where(tone == "neutral", POSITIVE, tone)
    said = draw_comments(draws, asked, draw_themes(draws, asked))["comment"]
    said = np.where(tone == "neutral", np.array(NEUTRAL)[draws.integers(len(NEUTRAL), size=n)], said)
    owner = someone(orders, second, draws)
    return {
        "mention_id": numbered("M", n, 5),
        "published": clock.instants(second),
        "platform": pick(draws, PLATFORMS, n),
        "customer_no": hidden_where(customers["customer_id"][owner], (draws.random(n) > 0.2) | (owner < 0)),
        "tone": tone,
        "text": said,
    }


def someone(orders: Rows, seconds: NDArray[np.int64], draws: np.random.Generator) -> NDArray[np.int64]:
    """For each instant a customer who had ordered not long before; −1 before the first order."""
    by_time = np.argsort(orders["second"], kind="stable")
    place = np.searchsorted(orders["second"][by_time], seconds) - 1
    back = np.floor(draws.random(len(seconds)) * np.minimum(place + 1, 2500)).astype(np.int64)
    return np.where(place >= 0, orders["owner"][by_time[(place - back).clip(0)]], -1)


def draw_feedback(customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """One row for each statement; in the planted region complaints are about what the story plants."""
    draws = chance(truth.seed, "feedback")
    rows = ordered(stack(*(_of_quarter(quarter, draws) for quarter in clock.quarters())), "second", "source")
    n = count(rows)
    rows["owner"] = someone(orders, rows["second"], draws)
    tones = np.where(draws.random(n) < 0.58, POSITIVE, NEGATIVE)
    region = customers["region"][rows["owner"]]
    led = {"delivery": (tones == NEGATIVE) & (region == truth.churn_reason.region)}
    rows |= draw_comments(draws, tones, draw_themes(draws, tones, led))
    rows["stars"] = np.where(
        tones == POSITIVE, *(1 + _stars(tone, n, draws) for tone in (POSITIVE, NEGATIVE))
    )
    rows["topic"] = pick(draws, dict.fromkeys(JOURNEY, 1.0), n)
    return rows | {"feedback_id": numbered("F", n, 5)}


def _stars(tone: str, n: int, draws: np.random.Generator) -> NDArray[np.int64]:
    return draws.choice(5, size=n, p=STAR_SHARES[tone])


def _of_quarter(quarter: str, draws: np.random.Generator) -> Rows:
    """Interviews and reviews through the quarter, two focus groups of an afternoon each."""
    first, after = clock.span_of(quarter)
    first = max(first, 20)
    spread = INTERVIEWS_PER_QUARTER + REVIEWS_PER_QUARTER
    seconds = draws.integers(first, after, size=spread) * clock.DAY + draws.integers(
        9 * 3600, 21 * 3600, size=spread
    )
    groups = np.repeat(
        draws.integers(first, after, size=GROUPS_PER_QUARTER) * clock.DAY + 14 * 3600, GROUP_SIZE
    )
    groups = groups + 300 * np.tile(np.arange(GROUP_SIZE), GROUPS_PER_QUARTER)
    sizes = (INTERVIEWS_PER_QUARTER, REVIEWS_PER_QUARTER, len(groups))
    return {
        "second": np.concatenate([seconds, groups]),
        "source": np.repeat(["interview", "review", "focus_group"], sizes),
    }


def feedback_table(rows: Rows, customers: Rows) -> Rows:
    """``feedback.csv``; only reviews have stars, members of focus groups are not named."""
    journey = np.array([JOURNEY[topic] for topic in rows["topic"].tolist()])
    is_review = rows["source"] == "review"
    return {
        "feedback_id": rows["feedback_id"],
        "given": clock.instants(rows["second"]),
        "source": rows["source"],
        "customer_no": hidden_where(customers["customer_id"][rows["owner"]], rows["source"] == "focus_group"),
        "text": rows["comment"],
        "stars": hidden_where(rows["stars"], ~is_review),
        "of": hidden_where(np.full(count(rows), 5), ~is_review),
        "journey_stage": journey[:, 0],
        "touchpoint": journey[:, 1],
    }
