"""A questionnaire ready to paste, with how many answers it needs and where they go."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.catalogue import label, load_catalogue
from analysis.catalogue.questionnaires import Question, Questionnaire
from analysis.errors import InputError
from analysis.metrics.sample_size import (
    answers_for_gap,
    answers_for_mean,
    answers_for_nps,
    answers_for_share,
    answers_to_tell_means_apart,
    answers_to_tell_shares_apart,
    gap_standard_deviation,
    invitations,
    nps_standard_deviation,
)

POWER = 0.8
CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True)
class Plan:
    """What is wanted of a survey: an interval's half-width, of whom, and how many of them answer.

    Attributes
    ----------
    half_width
        In the unit of the metric, shares in [0, 1], scores in points; the questionnaire's own if not given.
    population
        How many could be asked.
    response_rate
        Share of those asked who answer, in (0, 1].
    """

    half_width: float | None = None
    population: int | None = None
    response_rate: float = 0.2


def survey_text(asked: Questionnaire, plan: Plan, language: str) -> str:
    """The questionnaire, how many answers it needs, and how they come into the company's tables.

    Raises
    ------
    InputError
        When the plan is outside what can be.
    """
    head = [
        _say("title", language, name=asked.name.in_(language)),
        "",
        *(
            _say(part, language, text=getattr(asked, part).in_(language))
            for part in ("asks", "when", "source")
        ),
    ]
    sections = (
        ("questionnaire", [_say("please", language), *_questions(asked, language)]),
        ("size", size_lines(asked, plan, language)),
        ("tables", _table_lines(asked, language)),
    )
    lines = [line for name, body in sections for line in ("", f"## {_say(name, language)}", "", *body)]
    return "\n".join([*head, *lines])


def _questions(asked: Questionnaire, language: str) -> Iterator[str]:
    """The questions numbered through, a scale wherever it differs from that of the question before."""
    number, scale = 0, ""
    for heading, questions in asked.parts():
        if heading:
            yield from ("", heading.in_(language))
            scale = ""
        for question in questions:
            number += 1
            own = _scale(question, language)
            if own != scale:
                yield from ("", own)
            scale = own
            yield f"{number}. {question.wording.in_(language)}"


def _scale(question: Question, language: str) -> str:
    if question.is_open:
        return _say("open", language)
    low, high = question.scale
    lowest, highest = question.anchors.in_(language)
    numbers = " ".join(map(str, range(low, high + 1)))
    return _say("scale", language, low=low, lowest=lowest, high=high, highest=highest, numbers=numbers)


def size_lines(asked: Questionnaire, plan: Plan, language: str) -> list[str]:
    """How many answers give the interval wanted, whom to ask for them, and what change between periods takes."""
    width = asked.interval.half_width if plan.half_width is None else plan.half_width
    _check_unit(asked, width)
    answers = answers_needed(asked, width, plan.population)
    lines = [
        _say(f"size_{asked.interval.of}", language, answers=f"{answers:,}", **_assumed(asked, width, plan))
    ]
    if plan.population is not None:
        lines.append(_say("of_population", language, population=f"{plan.population:,}"))
    lines.append(_invite_line(asked, answers, plan, language))
    change = answers_for_change(asked, width)
    lines.append(
        _say(
            "change",
            language,
            half_width=_width(asked, width, language),
            power=f"{POWER:.0%}",
            answers=f"{change:,}",
        )
    )
    return lines


def answers_needed(asked: Questionnaire, half_width: float, population: int | None = None) -> int:
    """Answers for an interval of this half-width, at what the questionnaire takes for granted."""
    of, common = asked.interval, {"population": population, "confidence_level": CONFIDENCE_LEVEL}
    if of.of == "share":
        return answers_for_share(half_width, share=of.share, **common)
    if of.of == "nps":
        return answers_for_nps(half_width, promoters=of.promoters, detractors=of.detractors, **common)
    if of.of == "mean":
        return answers_for_mean(half_width, of.standard_deviation, **common)
    return answers_for_gap(half_width, of.expectation, of.perception, of.correlation, **common)


def answers_for_change(asked: Questionnaire, change: float) -> int:
    """Answers in each of two periods to tell such a change from chance."""
    if asked.interval.of == "share":
        middle = asked.interval.share
        return answers_to_tell_shares_apart(middle - change / 2, middle + change / 2, power=POWER)
    return answers_to_tell_means_apart(change, _deviation(asked), power=POWER)


def _deviation(asked: Questionnaire) -> float:
    """Standard deviation of one answer, in the unit of the half-width."""
    of = asked.interval
    if of.of == "share":
        return math.sqrt(of.share * (1 - of.share))
    if of.of == "nps":
        return nps_standard_deviation(of.promoters, of.detractors)
    if of.of == "mean":
        return of.standard_deviation
    return gap_standard_deviation(of.expectation, of.perception, of.correlation)


def _invite_line(asked: Questionnaire, answers: int, plan: Plan, language: str) -> str:
    asking = invitations(answers, plan.response_rate)
    words = {"response_rate": f"{plan.response_rate:.0%}", "invitations": f"{asking:,}"}
    if plan.population is None or asking <= plan.population:
        return _say("invite", language, **words)
    half_width = width_reached(asked, plan.response_rate * plan.population, plan.population)
    reached = _width(asked, half_width, language)
    return _say("invite_too_many", language, population=f"{plan.population:,}", reached=reached, **words)


def width_reached(asked: Questionnaire, answers: float, population: int) -> float:
    """Half-width of the interval that so many answers of so many people give: z s √((N − n) / (N − 1) / n)."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + CONFIDENCE_LEVEL) / 2)
    return (
        z * _deviation(asked) * math.sqrt((population - answers) / max(1, population - 1) / max(1.0, answers))
    )


def _check_unit(asked: Questionnaire, width: float) -> None:
    """A half-width of 0.05 is meant for shares, one of 5 for points."""
    if asked.interval.of == "nps" and 0 < width < 1:
        raise InputError(
            f"half_width {width:g}: that of an NPS is in points, such as {asked.interval.half_width:g}"
        )
    if asked.interval.of == "share" and width >= 0.5:
        raise InputError(
            f"half_width {width:g}: that of a share is a share, such as {asked.interval.half_width:g}"
        )


def _assumed(asked: Questionnaire, width: float, plan: Plan) -> dict[str, str]:
    """What the sentence on the sample size says besides it: the interval, and what is taken for granted."""
    of = asked.interval
    if of.of == "share":
        wilson = answers_for_share(width, share=of.share, population=plan.population, method="wilson")
        return {"half_width": f"{100 * width:.3g}", "share": f"{of.share:.0%}", "wilson": f"{wilson:,}",
                "level": f"{CONFIDENCE_LEVEL:.0%}"}  # fmt: skip
    given = {name: value for name, value in of.model_dump().items() if name not in ("of", "half_width")}
    as_percent = of.of == "nps"
    words = {name: f"{value:.0%}" if as_percent else f"{value:g}" for name, value in given.items()}
    return {"half_width": f"{width:g}", "level": f"{CONFIDENCE_LEVEL:.0%}", **words}


def _width(asked: Questionnaire, width: float, language: str) -> str:
    """A half-width as it is said: ``5 percentage points`` of a share, ``8.2 points``."""
    if asked.interval.of == "share":
        return _say("percentage_points", language, points=f"{100 * width:.3g}")
    return _say("points", language, points=f"{width:.3g}")


def _table_lines(asked: Questionnaire, language: str) -> list[str]:
    questions = asked.all_questions()
    metric = load_catalogue().named(asked.metric)
    variant = f" ({metric.variant_name.in_(language)})" if metric.variant_name else ""
    return [
        f"- {_say('table_questions', language, first=questions[0].id, last=questions[-1].id)}",
        f"- {_say('table_surveys', language, kind=asked.kind)}",
        f"- {_say('table_answers', language)}",
        "",
        _say("gives", language, metric=metric.name.in_(language) + variant),
    ]


def _say(key: str, language: str, **values: object) -> str:
    return label(f"surveys.{key}", language, **values)
