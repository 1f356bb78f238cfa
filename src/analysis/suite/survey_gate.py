"""The survey gate: whether the answers of a period can carry what is said with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.catalogue import label
from analysis.facts import Book
from analysis.suite.reliability import cronbach_alpha, item_rest_correlations

SCALES = {
    "csat": ((1, 5), (1, 7), (1, 10), (0, 100)), "csat_items": ((1, 5), (1, 7), (1, 10), (0, 100)),
    "nps": ((0, 10),), "ces": ((1, 7),), "ces_v1": ((1, 5),), "acsi": ((1, 10),),
}  # fmt: skip
"""The scales on which each construct's answers are read; a construct that is not here is read on any."""

GROUPINGS = ("account_manager", "team")
SEVERAL_ITEMS = ("csat_items", "acsi", "servqual_expectation", "servqual_perception")

LOWEST_ALPHA = 0.7
"""Below this alpha, questions hardly measure one thing: Nunnally (1978), Psychometric Theory, p. 245."""
LOWEST_RESPONSE = 0.1
"""Below this share of answers, those who answer are a small part that chose itself."""
MOST_HAND_PICKED = 0.05
"""Above this share of answers from customers somebody chose, the figure is no longer one of the customers."""
FEW_ASKED, CHANCE = 0.5, 0.05
"""A group looks hand-picked if it asked less than this part of what the others did of their customers, and both
its response and its scores are higher than theirs by one-sided tests at this level."""

SUSPICIOUS_ONES = 7
"""So many answers of 1 without a 0 are less than 1 % likely on a scale that has a 0."""

GATE_COLUMNS = [
    "kind", "construct", "by", "group", "customers_held", "asked", "asked_share", "response_rate",
    "answers", "mean_share", "hand_picked", "last_answered_on", "age_days", "outside_scale", "alpha", "warnings",
]  # fmt: skip

_CONSTRUCT = "case when {0}.construct = 'csat' and not {1} then 'csat_items' else {0}.construct end"
_OVERALL = "(q.item is null or q.item = 'overall')"
_HELD_AT = """
  left join holdings m on m.customer_id = {0}.customer_id and {0}.{1} >= m.held_from and {0}.{1} < m.held_until"""

_ANSWERS = f"""
select a.survey_id, a.question_id, a.respondent_id, a.answered_at, a.kind, a.item, a.team,
  {_CONSTRUCT.format("a", "a.is_overall")} as construct, m.account_manager_id as account_manager, a.score,
  a.is_promoter, a.scale_min = 0 and a.scale_max = 10 as is_on_ten,
  case when a.construct = 'ces_v1' then 1 - a.score_share else a.score_share end as score_share,
  coalesce(trim(a.chosen_by), '') not in ('', 'system') as is_hand_picked
from answers a {_HELD_AT.format("a", "answered_on")}
where a.score is not null and a.construct not in ('comment', 'other')
  and a.answered_on >= $starts_on and a.answered_on < $ends_on
"""

_SENT = f"""
select s.survey_id, s.customer_id, s.ticket_id, s.kind, s.team, m.account_manager_id as account_manager,
  s.is_answered, s.is_answered_in_time
from surveys s {_HELD_AT.format("s", "sent_on")}
where s.sent_on >= $starts_on and s.sent_on < $ends_on
"""

_LAST = f"""
select a.kind, {_CONSTRUCT.format("a", "a.is_overall")} as construct, m.account_manager_id as account_manager,
  a.team, max(a.answered_on) as last_answered_on
from answers a {_HELD_AT.format("a", "answered_on")}
where a.score is not null and a.construct not in ('comment', 'other') and a.answered_on < $ends_on
group by 1, 2, 3, 4
"""

# What was given in the period, counted or not, by question; the days are the answer's own, else the questionnaire's.
_GIVEN = f"""
select a.question_id, q.question_id is null as is_unknown, coalesce(s.kind, 'relationship') as kind,
  {_CONSTRUCT.format("q", _OVERALL)} as construct,
  count(*) as given,
  count(case when a.score < q.scale_min or a.score > q.scale_max then 1 end) as outside_scale
from source_answers a
left join source_questions q on q.question_id = a.question_id
left join source_surveys s on s.survey_id = a.survey_id
where a.score is not null and coalesce(a.answered_on, s.answered_on) >= $starts_on
  and coalesce(a.answered_on, s.answered_on) < $ends_on
group by 1, 2, 3, 4
"""

_UNDATED = """
select count(*) as undated
from source_answers a
left join source_surveys s on s.survey_id = a.survey_id
where a.score is not null and coalesce(a.answered_on, s.answered_on) is null
"""

_HELD = """
select m.account_manager_id as account_manager, m.customer_id
from holdings m
where m.held_from < $ends_on and m.held_until >= $ends_on
"""

_QUESTIONS = f"""
select q.question_id, {_CONSTRUCT.format("q", _OVERALL)} as construct, q.item, q.scale_min, q.scale_max, q.weight
from source_questions q
"""


@dataclass(frozen=True)
class _Period:
    """What the gate reads of a run: frames of the period's answers and questionnaires."""

    book: Book
    answers: pd.DataFrame  # in their order, so that a respondent's last is the last row
    sent: pd.DataFrame
    last: pd.DataFrame
    given: pd.DataFrame
    questions: pd.DataFrame
    held: pd.DataFrame  # account_manager, customer_id: who holds whom at the period's end
    closing_customers: int | None  # active at the end; None where there are no orders to tell
    tickets: pd.Series  # of the period, by team


def find_survey_warnings(book: Book) -> pd.DataFrame:
    """What each survey of the period rests on, and every reason to doubt it.

    Returns
    -------
    DataFrame
        One row per ``kind`` of survey and ``construct`` (``csat_items`` are the single aspects, ``unknown`` the
        questions nobody declared), for the company (``by`` missing), each account manager and each team:
        ``customers_held`` (customers active at the end; a team's tickets), ``asked`` questionnaires of the kind and
        ``asked_share`` of the customers (tickets) held, ``response_rate`` within the time allowed, ``answers``
        (respondents), ``mean_share`` (mean score, 0 to 1, more is better), ``hand_picked`` (share of answers),
        ``last_answered_on``, ``age_days`` at the period's end, ``outside_scale`` (answers that do not count),
        ``alpha`` (Cronbach's, of several items) and ``warnings``: words of ``labels/satisfaction.yml`` with their
        values, as ``word|value|value;word…``, empty where there is nothing to warn of. No rows where answers or
        questions are not supplied.

        Which constructs a questionnaire asked is known only once it is answered, so ``asked`` and
        ``response_rate`` are those of the kind.
    """
    if {"answers", "questions"} & set(book.absent):
        return pd.DataFrame(columns=GATE_COLUMNS)
    period = _read(book)
    rows = [*_company_rows(period), *(row for by in GROUPINGS for row in _group_rows(period, by))]
    return pd.DataFrame([*rows, *_unknown_rows(period)], columns=GATE_COLUMNS)


def say_warnings(warnings: str, language: str) -> list[str]:
    """The sentences of a row's ``warnings`` in a language."""
    return [_say(language, *warning.split("|")) for warning in warnings.split(";") if warning]


def find_hand_picked(sent: pd.DataFrame, held: pd.Series) -> pd.DataFrame:
    """Which groups look as if only customers sure to praise them had been asked.

    A group looks so if all three hold, each against all other groups together: it asked less than half as many
    of its customers (``FEW_ASKED``); a larger part of those answered (Fisher's exact test, one-sided, at
    ``CHANCE``); and they gave higher scores (Mann–Whitney, one-sided, at ``CHANCE``). Without any hand-picking
    the three are unrelated, so that fewer than one group in 400 is named wrongly.

    Parameters
    ----------
    sent
        One row per questionnaire sent: ``group``, ``is_answered``, ``score_share`` (missing where not answered).
    held
        For each group, the customers (tickets) it could have asked.

    Returns
    -------
    DataFrame
        One row per group: ``asked_share, other_asked_share, response, other_response, score, other_score,
        looks_hand_picked``; by group.
    """
    sent = sent[sent["group"].notna()]
    columns = (
        sent["group"].to_numpy(object),
        sent["is_answered"].to_numpy(bool),
        sent["score_share"].to_numpy(float),
    )
    found = {group: _against_others(*columns, held, group) for group in held.index[held > 0]}
    return pd.DataFrame.from_dict(found, orient="index", columns=_COMPARISONS)


_COMPARISONS = [
    "asked_share", "other_asked_share", "response", "other_response", "score", "other_score", "looks_hand_picked",
]  # fmt: skip


def _against_others(
    groups: np.ndarray, is_answered: np.ndarray, scores: np.ndarray, held: pd.Series, group: str
) -> dict[str, Any]:
    is_own, has_score = groups == group, ~np.isnan(scores)
    own, other = is_answered[is_own], is_answered[~is_own]
    own_scores, other_scores = scores[is_own & has_score], scores[~is_own & has_score]
    asked = _divided(len(own), held[group]), _divided(len(other), held.sum() - held[group])
    looks_so = (
        len(own_scores) > 0
        and len(other_scores) > 0
        and asked[0] < FEW_ASKED * asked[1]
        and _chance_of_response(own, other) < CHANCE
        and stats.mannwhitneyu(own_scores, other_scores, alternative="greater").pvalue < CHANCE
    )
    responses = _divided(own.sum(), len(own)), _divided(other.sum(), len(other))
    means = _divided(own_scores.sum(), len(own_scores)), _divided(other_scores.sum(), len(other_scores))
    return dict(zip(_COMPARISONS, (*asked, *responses, *means, bool(looks_so)), strict=True))


def _divided(above: float, below: float) -> float:
    return float(above / below) if below else np.nan


def _chance_of_response(own: np.ndarray, other: np.ndarray) -> float:
    """Fisher's exact test: the chance of as many answers or more, were the group like the others."""
    answered, all_answered = int(own.sum()), int(own.sum() + other.sum())
    return float(stats.hypergeom.sf(answered - 1, len(own) + len(other), all_answered, len(own)))


# --- What the gate reads ------------------------------------------------------------------------------------------


def _read(book: Book) -> _Period:
    bounds = {"starts_on": book.window.start, "ends_on": book.window.end}
    closing = _closing(book)
    return _Period(
        book=book,
        answers=book.ask(_ANSWERS, **bounds).sort_values(["answered_at", "survey_id"], kind="stable"),
        sent=_marked(book.ask(_SENT, **bounds), closing),
        last=book.ask(_LAST, ends_on=book.window.end),
        given=book.ask(_GIVEN, **bounds),
        questions=book.ask(_QUESTIONS),
        held=_marked(book.ask(_HELD, **bounds), closing),
        closing_customers=None if closing is None else len(closing),
        tickets=_tickets(book),
    )


def _closing(book: Book) -> set[str] | None:
    if "orders" in book.absent:
        return None
    sql = "select customer_id from customer_periods where period = $label and is_closing"
    return set(book.ask(sql, label=book.window.label)["customer_id"])


def _marked(rows: pd.DataFrame, closing: set[str] | None) -> pd.DataFrame:
    """The rows with ``is_closing``: whether their customer is active at the end; all, where no orders tell."""
    return rows.assign(is_closing=True if closing is None else rows["customer_id"].isin(closing))


def _tickets(book: Book) -> pd.Series:
    sql = """
select coalesce(g.team, t.team) as team, count(*) as tickets
from source_tickets t left join source_agents g on g.agent_id = t.agent_id
where t.opened_on >= $starts_on and t.opened_on < $ends_on and coalesce(g.team, t.team) is not null
group by 1
"""
    rows = book.ask(sql, starts_on=book.window.start, ends_on=book.window.end)
    return rows.set_index("team")["tickets"].astype(int)


# --- Rows ---------------------------------------------------------------------------------------------------------


def _company_rows(period: _Period) -> Iterator[dict[str, Any]]:
    """A row for every kind and construct that was ever answered, or that the period's answers missed."""
    given = period.given[~period.given["is_unknown"]]
    keys = pd.concat([period.last[["kind", "construct"]], given[["kind", "construct"]]]).drop_duplicates()
    keys = keys[~keys["construct"].isin(["comment", "other"])].sort_values(["kind", "construct"])
    for kind, construct in keys.itertuples(index=False):
        answers, last = (_of(rows, kind, construct) for rows in (period.answers, period.last))
        row = _row(period, kind, construct, answers, period.sent[period.sent["kind"] == kind], last)
        row |= _coverage_of_company(period, kind)
        row["alpha"], about_items = _reliability(period, construct, answers)
        asked = _of(given, kind, construct)
        row["outside_scale"] = int(asked["outside_scale"].sum())
        row["warnings"] = _joined(
            [
                *_of_questions(period, construct, asked),
                *(_of_scale(answers) if construct == "nps" else ()),
                *_of_answers(period, row),
                *about_items,
            ]
        )
        yield row


def _group_rows(period: _Period, by: str) -> Iterator[dict[str, Any]]:
    """A row for every group, kind and construct that the period's answers hold."""
    held = _held(period, by)
    sent_of = {kind: _split(sent, by) for kind, sent in period.sent.groupby("kind")}
    for (kind, construct), answers in period.answers.groupby(["kind", "construct"], sort=True):
        sent = period.sent[period.sent["kind"] == kind]
        is_asked_of_held = kind == _KIND_ASKED[by]
        compared = _compared(by, sent, answers, held) if is_asked_of_held else None
        last, answers_of = _of(period.last, kind, construct), _split(answers, by)
        for group in sorted({*answers_of, *(held.index if is_asked_of_held else ())}):
            own = sent_of.get(kind, {}).get(group, sent.head(0))
            given = answers_of.get(group, answers.head(0))
            row = _row(period, kind, construct, given, own, last[last[by] == group])
            row |= {"by": by, "group": group}
            if is_asked_of_held:
                row |= _coverage_of_group(by, own, int(held.get(group, 0)))
            judged = compared.loc[group] if compared is not None and group in compared.index else None
            row["warnings"] = _joined([*_of_answers(period, row), *_of_choice(judged)])
            yield row


def _split(rows: pd.DataFrame, by: str) -> dict[str, pd.DataFrame]:
    """The rows of each group, in the order they stand in."""
    return dict(iter(rows.groupby(by, sort=False)))


# An account manager's customers are asked about the relationship, a team's tickets after the contact.
_KIND_ASKED = {"account_manager": "relationship", "team": "transactional"}


def _row(
    period: _Period, kind: str, construct: str, answers: pd.DataFrame, sent: pd.DataFrame, last: pd.DataFrame
) -> dict[str, Any]:
    """What can be counted for the company and for a group alike; each respondent's last answer to a question."""
    counted = answers.drop_duplicates(["respondent_id", "question_id"], keep="last")
    last_on = last["last_answered_on"].max() if len(last) else pd.NaT
    end = pd.Timestamp(period.book.window.end - timedelta(days=1))
    in_time = sent["is_answered_in_time"].dropna()
    return {
        "kind": kind, "construct": construct, "by": None, "group": None,
        "asked": len(sent), "response_rate": in_time.astype(float).mean() if len(in_time) else np.nan,
        "answers": counted["respondent_id"].nunique(), "mean_share": counted["score_share"].mean(),
        "hand_picked": counted["is_hand_picked"].astype(float).mean() if len(counted) else np.nan,
        "last_answered_on": last_on, "age_days": (end - pd.Timestamp(last_on)).days if pd.notna(last_on) else np.nan,
        "customers_held": np.nan, "asked_share": np.nan, "outside_scale": np.nan, "alpha": np.nan,
    }  # fmt: skip


def _unknown_rows(period: _Period) -> Iterator[dict[str, Any]]:
    """A row for answers that belong to no question declared, and for answers without a day."""
    unknown = period.given[period.given["is_unknown"]]
    undated = int(period.book.ask(_UNDATED)["undated"].iloc[0])
    warnings = []
    if len(unknown):
        warnings.append(
            _warning("unknown_question", int(unknown["given"].sum()), _list(unknown["question_id"]))
        )
    if undated:
        warnings.append(_warning("undated", undated))
    if warnings:
        yield {"construct": "unknown", "answers": 0, "warnings": _joined(warnings)}


def _reliability(period: _Period, construct: str, answers: pd.DataFrame) -> tuple[float, list[str]]:
    """Alpha over the questionnaires that answered every item, and what it warns of."""
    items = answers["item"].fillna(answers["question_id"])
    if construct not in SEVERAL_ITEMS or items.nunique() < 2:
        return np.nan, []
    scores = answers.assign(item=items).pivot_table(index="survey_id", columns="item", values="score")
    if len(scores.dropna()) < period.book.settings.survey_minimum_answers:
        return np.nan, []
    alpha, against = cronbach_alpha(scores), item_rest_correlations(scores)
    warnings = [_warning("low_alpha", f"{alpha:.2f}", LOWEST_ALPHA)] if alpha < LOWEST_ALPHA else []
    if (against < 0).any():
        warnings.append(_warning("runs_against", _list(against.index[against < 0])))
    return alpha, warnings


def _held(period: _Period, by: str) -> pd.Series:
    """How many customers (tickets) each group could have asked."""
    if by == "team":
        return period.tickets
    return period.held[period.held["is_closing"]].groupby("account_manager")["customer_id"].nunique()


def _coverage_of_company(period: _Period, kind: str) -> dict[str, Any]:
    if not period.closing_customers:
        return {}
    asked = period.sent.loc[
        period.sent["is_closing"] & (period.sent["kind"] == kind), "customer_id"
    ].nunique()
    return {"customers_held": period.closing_customers, "asked_share": asked / period.closing_customers}


def _coverage_of_group(by: str, sent: pd.DataFrame, held: int) -> dict[str, Any]:
    asked = sent["ticket_id"] if by == "team" else sent.loc[sent["is_closing"], "customer_id"]
    return {"customers_held": held, "asked_share": asked.nunique() / held if held else np.nan}


def _compared(by: str, sent: pd.DataFrame, answers: pd.DataFrame, held: pd.Series) -> pd.DataFrame:
    """Each group against all others, by whom they could have asked."""
    scores = answers.groupby("survey_id")["score_share"].mean()
    sent = sent if by == "team" else sent[sent["is_closing"]]
    return find_hand_picked(sent.assign(group=sent[by], score_share=sent["survey_id"].map(scores)), held)


# --- Warnings -----------------------------------------------------------------------------------------------------


def _of_questions(period: _Period, construct: str, given: pd.DataFrame) -> Iterator[str]:
    """Warnings about the questions themselves and the answers off their scale."""
    asked = period.questions[period.questions["construct"] == construct]
    asked = asked[asked["question_id"].isin(given["question_id"])] if len(given) else asked
    if construct in SCALES:
        scales = pd.Series(
            list(zip(asked["scale_min"], asked["scale_max"], strict=True)), asked.index, dtype=object
        )
        strange = asked[~scales.isin(SCALES[construct])]
        if len(strange):
            yield _warning("scale_unknown", _list(strange["question_id"]))
    if outside := int(given["outside_scale"].sum()):
        yield _warning("outside_scale", outside, int(given["given"].sum()))
    if construct == "csat_items" and not (period.questions["construct"] == "csat").any():
        yield _warning("no_overall")
    if construct == "servqual_perception" and len(unpaired := _unpaired(period.questions)):
        yield _warning("unpaired", _list(unpaired))
    if construct in ("acsi", "servqual_perception") and 0 < asked["weight"].notna().sum() < len(asked):
        yield _warning("some_weights")


def _of_scale(answers: pd.DataFrame) -> Iterator[str]:
    """Warnings of questions of recommendation that were asked on another scale than is said, or may have been.

    Whoever would not recommend at all says 0 at least as often as 1: so many 1 and no 0 come by chance with 0.5^ones.
    """
    on_ten = answers[answers["is_on_ten"].astype(bool)]
    refused = on_ten.loc[on_ten["is_promoter"].isna(), "question_id"].unique()
    if len(refused):
        yield _warning("asked_otherwise", _list(refused))
    for question, scores in on_ten.groupby("question_id")["score"]:
        ones = int((scores == 1).sum())
        if question not in refused and ones >= SUSPICIOUS_ONES and not (scores == 0).any():
            yield _warning("no_zero", question, ones)


def _unpaired(questions: pd.DataFrame) -> list[str]:
    """The items of SERVQUAL that were asked only one way."""
    ways = [set(questions.loc[questions["construct"] == f"servqual_{way}", "item"].dropna())
            for way in ("perception", "expectation")]  # fmt: skip
    return sorted(ways[0] ^ ways[1])


def _of_answers(period: _Period, row: dict[str, Any]) -> Iterator[str]:
    """Warnings about how many answered, when, and who chose them."""
    settings = period.book.settings
    if row["by"] and row["customers_held"] > 0 and not row["asked"] and "surveys" not in period.book.absent:
        yield _warning("nobody_asked", row["customers_held"])
    if row["answers"] < settings.survey_minimum_answers:
        yield _warning("too_few", row["answers"], settings.survey_minimum_answers)
    if row["age_days"] > settings.survey_maximum_age_days:
        yield _warning("too_old", int(row["age_days"]), settings.survey_maximum_age_days)
    if row["asked"] >= settings.survey_minimum_answers and row["response_rate"] < LOWEST_RESPONSE:
        yield _warning("low_response", _percent(row["response_rate"]))
    if row["hand_picked"] > MOST_HAND_PICKED:
        yield _warning("hand_picked", _percent(row["hand_picked"]))


def _of_choice(judged: pd.Series | None) -> Iterator[str]:
    if judged is not None and judged["looks_hand_picked"]:
        names = [name for name in _COMPARISONS if name != "looks_hand_picked"]
        yield _warning("looks_hand_picked", *(_percent(judged[name]) for name in names))


_BLANKS = {
    "scale_unknown": ("questions",), "outside_scale": ("count", "given"), "no_overall": (), "unpaired": ("items",),
    "some_weights": (), "too_few": ("count", "limit"), "too_old": ("days", "limit"), "low_response": ("share",),
    "nobody_asked": ("held",), "hand_picked": ("share",), "low_alpha": ("alpha", "limit"),
    "asked_otherwise": ("questions",), "no_zero": ("questions", "ones"),
    "runs_against": ("items",), "unknown_question": ("count", "questions"), "undated": ("count",),
    "looks_hand_picked": (
        "asked_share", "other_asked_share", "response", "other_response", "score", "other_score",
    ),
}  # fmt: skip


def _say(language: str, word: str, *values: str) -> str:
    return label(f"satisfaction.{word}", language, **dict(zip(_BLANKS[word], values, strict=True)))


def _warning(word: str, *values: Any) -> str:
    return "|".join([word, *(str(value).replace("|", " ").replace(";", " ") for value in values)])


def _joined(warnings: Iterable[str]) -> str:
    return ";".join(warnings)


def _percent(share: float) -> str:
    """A share without decimals, in which nearly all is not 100% and hardly any not 0%."""
    percent = 100 * share
    return "<1%" if 0 < percent <= 0.5 else ">99%" if 99.5 <= percent < 100 else f"{percent:.0f}%"


def _list(names: Iterable[Any], most: int = 5) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def _of(rows: pd.DataFrame, kind: str, construct: str) -> pd.DataFrame:
    return rows[(rows["kind"] == kind) & (rows["construct"] == construct)]
