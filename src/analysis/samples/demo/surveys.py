"""Questionnaires sent by rule, who answers, and what they answer.

Answers follow a latent satisfaction, standard normal across customers at large: goodwill of the customer, his last
case's resolution time, the moment. A question turns it into a score so that its shares come out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .comments import NEGATIVE, POSITIVE, draw_comments, draw_themes
from .contacts import JOURNEY
from .people import manager_ids, manager_on
from .questions import COMMENT, RELATIONSHIP, SERVQUAL, TRANSACTIONAL, Question
from .rows import Rows, chance, count, hidden_where, numbered, pick, stack, take
from .truth import Truth

ASKED_SHARE, SERVQUAL_SHARE, ASKED_AFTER_CASE = 0.55, 0.12, 0.55
ACTIVE_DAYS = 120
GOODWILL, MOMENT = 0.75, 0.66
"""Weights of goodwill and moment; with the rest of 0 the variance is 1."""
QUESTION_NOISE = 0.45
CASE_REMEMBERED_DAYS = 90
COMMENT_SHARE = {"relationship": 0.45, "transactional": 0.35, "servqual": 0.0}
SKIPPED_SHARE = 0.02
CHANNELS = {"email": 0.5, "wechat": 0.35, "phone": 0.15}
QUESTIONS = {"relationship": RELATIONSHIP, "transactional": TRANSACTIONAL, "servqual": SERVQUAL}


def draw_surveys(customers: Rows, orders: Rows, tickets: Rows, spans: Rows, truth: Truth) -> Rows:
    """One row for each questionnaire sent, in order of sending, with ``latent`` satisfaction of who was asked."""
    draws = chance(truth.seed, "surveys")
    parts = [_of_quarter(quarter, customers, orders, spans, truth, draws) for quarter in clock.quarters()]
    parts += [_after_cases(tickets, truth, draws), _hand_picked(customers, orders, spans, truth, draws)]
    rows = stack(*parts)
    rows = take(rows, np.lexsort([rows["owner"], rows["form"], rows["sent"]]))
    rows["survey_id"] = numbered("S", count(rows), 6)
    rows["latent"] = _latent(rows, customers, tickets, spans, truth, draws)
    rows["answered"] = _answered(rows, truth, draws)
    rows["channel"] = np.where(rows["ticket"] >= 0, "app", pick(draws, CHANNELS, count(rows)))
    return rows


def _rows_of(
    owner: NDArray, sent: NDArray, form: str, ticket: NDArray | None = None, chosen_by: str = ""
) -> Rows:
    n = len(owner)
    ticket = np.full(n, -1) if ticket is None else ticket
    return {"owner": owner, "sent": sent, "form": np.full(n, form, dtype="U13"), "ticket": ticket,
            "chosen_by": np.full(n, chosen_by, dtype="U6")}  # fmt: skip


def _of_quarter(
    quarter: str, customers: Rows, orders: Rows, spans: Rows, truth: Truth, draws: np.random.Generator
) -> Rows:
    """In the middle of a quarter more than half of the active customers are asked, a few with the long questionnaire.

    In the quarter of the planted story the manager has his customers left out.
    """
    first, _ = clock.span_of(quarter)
    active = np.zeros(count(customers), dtype=bool)
    recent = (orders["day"] < first + 40) & (orders["day"] >= first + 40 - ACTIVE_DAYS)
    active[orders["owner"][recent]] = True
    if quarter == truth.hand_picked.quarter:
        active &= ~_held_by_story(customers, spans, first + 40, truth)
    u, day = draws.random(len(active)), first + 40 + draws.integers(14, size=len(active))
    sent = day * clock.DAY + draws.integers(10 * 3600, 17 * 3600, size=len(active))
    asked = np.flatnonzero(active & (u < ASKED_SHARE))
    long = np.flatnonzero(active & (u > 1 - SERVQUAL_SHARE))
    return stack(_rows_of(asked, sent[asked], "relationship"), _rows_of(long, sent[long], "servqual"))


def _held_by_story(customers: Rows, spans: Rows, day: int, truth: Truth) -> NDArray[np.bool_]:
    place = np.flatnonzero(manager_ids() == truth.hand_picked.account_manager_id)[0]
    return manager_on(spans, count(customers), day) == place


def _after_cases(tickets: Rows, truth: Truth, draws: np.random.Generator) -> Rows:
    """An hour after a case is resolved, more than half of the customers are asked about it."""
    n = count(tickets)
    asked = np.flatnonzero((draws.random(n) < ASKED_AFTER_CASE) & (tickets["resolved"] + 3600 < clock.END))
    return _rows_of(tickets["owner"][asked], tickets["resolved"][asked] + 3600, "transactional", asked)


def _hand_picked(
    customers: Rows, orders: Rows, spans: Rows, truth: Truth, draws: np.random.Generator
) -> Rows:
    """Nine of the manager's best-disposed active customers, asked because he chose them."""
    story, (first, _) = truth.hand_picked, clock.span_of(truth.hand_picked.quarter)
    held = _held_by_story(customers, spans, first + 40, truth)
    active = np.zeros(len(held), dtype=bool)
    active[orders["owner"][(orders["day"] < first + 40) & (orders["day"] >= first + 40 - ACTIVE_DAYS)]] = True
    own = np.flatnonzero(held & active)
    best = np.sort(own[np.argsort(-customers["goodwill"][own], kind="stable")[: story.answers]])
    sent = (first + 60 + draws.integers(8, size=len(best))) * clock.DAY + 11 * 3600
    return _rows_of(best, sent, "relationship", chosen_by=story.account_manager_id)


def _latent(
    rows: Rows, customers: Rows, tickets: Rows, spans: Rows, truth: Truth, draws: np.random.Generator
) -> NDArray[np.float64]:
    """Satisfaction of who was asked, at that moment; hand-picked customers are delighted."""
    moment = draws.standard_normal(count(rows))
    slowness = _slowness(rows, tickets)
    latent = (
        GOODWILL * customers["goodwill"][rows["owner"]] + MOMENT * moment + truth.resolution_effect * slowness
    )
    for quarter in clock.quarters():
        held = _held_by_story(customers, spans, clock.span_of(quarter)[0] + 40, truth)
        latent += truth.hand_picked.latent_effect * (held[rows["owner"]] & clock.is_in(quarter, rows["sent"]))
    return np.where(rows["chosen_by"] == "", latent, 1.3)


def _slowness(rows: Rows, tickets: Rows) -> NDArray[np.float64]:
    """Of the case asked about, or of the last one resolved in the ninety days before; 0 where there is none."""
    order = np.lexsort([tickets["resolved"], tickets["owner"]])
    key = tickets["owner"][order] * (10 * clock.END) + tickets["resolved"][order]
    last = np.searchsorted(key, rows["owner"] * (10 * clock.END) + rows["sent"]) - 1
    case = order[last.clip(0)]
    is_recent = (last >= 0) & (tickets["owner"][case] == rows["owner"])
    is_recent &= rows["sent"] - tickets["resolved"][case] < CASE_REMEMBERED_DAYS * clock.DAY
    case, is_recent = np.where(rows["ticket"] >= 0, rows["ticket"], case), is_recent | (rows["ticket"] >= 0)
    return np.where(is_recent, tickets["slowness"][case], 0.0)


def _answered(rows: Rows, truth: Truth, draws: np.random.Generator) -> NDArray[np.int64]:
    """When the questionnaire came back, −1 where it has not; whoever was chosen answers."""
    n = count(rows)
    chances = {
        "relationship": truth.relationship_response,
        "transactional": truth.transactional_response,
        "servqual": 0.3,
    }
    chance_to_answer = np.array([chances[form] for form in rows["form"].tolist()])
    delay = np.round(draws.exponential(3.5 * clock.DAY, n)).astype(np.int64) + 300
    is_chosen = rows["chosen_by"] != ""
    delay = np.where(is_chosen, delay % (5 * clock.DAY) + 300, delay)
    at = rows["sent"] + delay
    comes = (draws.random(n) < chance_to_answer) | is_chosen
    return np.where(comes & (at < clock.END), at, -1)


def surveys_table(rows: Rows, customers: Rows, tickets: Rows) -> Rows:
    """``surveys.csv``."""
    is_case = rows["ticket"] >= 0
    journey = np.array([JOURNEY[topic] for topic in tickets["topic"].tolist()])[rows["ticket"]]
    return {
        "survey_id": rows["survey_id"],
        "customer_no": customers["customer_id"][rows["owner"]],
        "sent": clock.instants(rows["sent"]),
        "returned": hidden_where(clock.instants(rows["answered"]), rows["answered"] < 0),
        "kind": np.where(is_case, "transactional", "relationship"),
        "sent_by": rows["channel"],
        "journey_stage": hidden_where(journey[:, 0], ~is_case),
        "touchpoint": hidden_where(journey[:, 1], ~is_case),
        "ticket_no": hidden_where(tickets["ticket_id"][rows["ticket"]], ~is_case),
        "chosen_by": np.where(rows["chosen_by"] == "", "system", rows["chosen_by"]),
    }


# --- Answers ------------------------------------------------------------------------------------------------


def draw_answers(surveys: Rows, customers: Rows, tickets: Rows, truth: Truth) -> Rows:
    """One row for each answer: ``survey`` (its place), ``question``, ``score``, ``comment`` and what it is about."""
    draws = chance(truth.seed, "answers")
    answered = np.flatnonzero(surveys["answered"] >= 0)
    parts = [
        _scores(answered[surveys["form"][answered] == form], question, surveys, draws)
        for form, questions in QUESTIONS.items() for question in questions
    ]  # fmt: skip
    rows = stack(*parts, _comments(answered, surveys, customers, tickets, truth, draws))
    return take(rows, np.lexsort([rows["question"], rows["survey"]]))


def _scores(survey: NDArray, question: Question, surveys: Rows, draws: np.random.Generator) -> Rows:
    """Scores of one question; now and then one is skipped, by nobody who was chosen.

    What is expected hardly depends on what was experienced.
    """
    is_kept = (draws.random(len(survey)) >= SKIPPED_SHARE) | (surveys["chosen_by"][survey] != "")
    survey = survey[is_kept]
    own = QUESTION_NOISE * draws.standard_normal(len(survey))
    follows = 0.2 if question.construct == "servqual_expectation" else 1.0
    latent = (follows * surveys["latent"][survey] + own) / np.sqrt(follows**2 + QUESTION_NOISE**2)
    none = np.full(len(survey), "", dtype="U1")
    return {"survey": survey, "question": np.full(len(survey), question.id), "has_score": np.full(len(survey), True),
            "score": question.score(latent), "comment": none, "theme": none, "second_theme": none, "language": none,
            "tone": none}  # fmt: skip


def _comments(
    answered: NDArray, surveys: Rows, customers: Rows, tickets: Rows, truth: Truth, draws: np.random.Generator
) -> Rows:
    """Reasons in words: the unhappier, the surer a negative one; the stories show in their themes."""
    share = np.array([COMMENT_SHARE[form] for form in surveys["form"][answered].tolist()])
    survey = answered[draws.random(len(answered)) < share]
    latent = surveys["latent"][survey] + 0.3 * draws.standard_normal(len(survey))
    tones = np.where(latent > -0.35, POSITIVE, NEGATIVE)
    region = customers["region"][surveys["owner"][survey]]
    is_negative = tones == NEGATIVE
    led = {
        "delivery": is_negative & (region == truth.churn_reason.region),
        "response_speed": is_negative
        & tickets["slowed"][surveys["ticket"][survey]]
        & (surveys["ticket"][survey] >= 0),
    }
    said = draw_comments(draws, tones, draw_themes(draws, tones, led))
    n = len(survey)
    return {"survey": survey, "question": np.full(n, COMMENT.id), "has_score": np.full(n, False),
            "score": np.zeros(n, dtype=np.int64), **said}  # fmt: skip


def answers_table(rows: Rows, surveys: Rows) -> Rows:
    """``answers.csv``."""
    return {
        "survey_id": surveys["survey_id"][rows["survey"]],
        "question": rows["question"],
        "score": hidden_where(rows["score"], ~rows["has_score"]),
        "comment": rows["comment"],
    }
