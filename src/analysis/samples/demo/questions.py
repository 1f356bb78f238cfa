"""The questionnaires: what is asked, on which scale, and how likely each answer is."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .rows import Rows, hidden_where

LIKERT5 = (0.04, 0.07, 0.17, 0.43, 0.29)
"""CSAT: 72 of 100 are satisfied."""
LIKERT7 = (0.02, 0.04, 0.07, 0.14, 0.23, 0.30, 0.20)
TEN = (0.01, 0.01, 0.02, 0.03, 0.06, 0.10, 0.18, 0.26, 0.20, 0.13)
EXPECTED7 = (0.005, 0.005, 0.02, 0.06, 0.20, 0.38, 0.33)
RECOMMEND = (0.02, 0.01, 0.01, 0.02, 0.02, 0.05, 0.06, 0.14, 0.20, 0.22, 0.25)
"""NPS: 47 promoters, 19 detractors of 100."""


@dataclass(frozen=True)
class Question:
    """One question, and how often each answer of its scale is given by customers at large."""

    id: str
    construct: str
    lowest: int
    shares: tuple[float, ...]
    wording: str
    item: str = ""
    dimension: str = ""
    reversed: bool = False
    weight: float = np.nan
    shift: float = 0.0

    def score(self, latent: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answer of a standard normal latent satisfaction; a reversed question answers the other way round."""
        latent = -latent if self.reversed else latent
        steps = np.cumsum(self.shares[:-1])
        edges = np.array([NormalDist().inv_cdf(step) for step in steps])
        return self.lowest + np.searchsorted(edges, latent + self.shift)


def _items() -> list[Question]:
    named = {
        "product_quality": ("How satisfied are you with the quality of our products?", 0.10),
        "service_attitude": ("How satisfied are you with the attitude of our staff?", 0.20),
        "response_speed": ("How satisfied are you with the speed of our responses?", -0.10),
        "problem_solving": ("How satisfied are you with the way we solve problems?", -0.05),
        "ease_of_use": ("How satisfied are you with the ease of using our products?", 0.05),
        "convenience": ("How satisfied are you with how convenient ordering is?", 0.12),
        "value": ("How satisfied are you with the value for money?", -0.25),
    }
    return [
        Question(f"CS_{item}", "csat", 1, LIKERT5, wording, item, shift=shift)
        for item, (wording, shift) in named.items()
    ]


RELATIONSHIP = (
    Question("NPS", "nps", 0, RECOMMEND, "How likely are you to recommend us to a friend or colleague?"),
    Question("CSAT", "csat", 1, LIKERT5, "Overall, how satisfied are you with us?", "overall"),
    *_items(),
    Question("ACSI_sat", "acsi", 1, TEN, "Overall satisfaction, 1 to 10", "overall_satisfaction"),
    Question(
        "ACSI_exp", "acsi", 1, TEN, "How far do we meet your expectations?", "expectations_met", shift=-0.1
    ),
    Question(
        "ACSI_ideal", "acsi", 1, TEN, "How close are we to an ideal supplier?", "close_to_ideal", shift=-0.25
    ),
    Question("LOY_buy", "loyalty", 1, LIKERT5, "I will order from here again", "buy_again", shift=0.2),
    Question(
        "LOY_switch", "loyalty", 1, LIKERT5, "I am thinking of changing supplier", "switch", reversed=True
    ),
)
TRANSACTIONAL = (
    Question("T_CES", "ces", 1, LIKERT7, "The company made it easy for me to handle my issue"),
    Question("T_CSAT", "csat", 1, LIKERT5, "How satisfied are you with how this case was handled?", "problem_solving"),
    Question("T_attitude", "csat", 1, LIKERT5, "And with the attitude of the person you spoke to?",
             "service_attitude", shift=0.2),
    Question("T_NPS", "nps", 0, RECOMMEND, "After this contact, how likely are you to recommend us?"),
    Question("T_effort", "ces_v1", 1, LIKERT5[::-1], "How much effort did you have to put in?", reversed=True),
)  # fmt: skip
COMMENT = Question("WHY", "comment", 0, (1.0,), "What is the most important reason for your score?")

SERVQUAL_DIMENSIONS = {
    "tangibles": 0.15,
    "reliability": 0.30,
    "responsiveness": 0.25,
    "assurance": 0.15,
    "empathy": 0.15,
}
SERVQUAL_SHIFT = {
    "tangibles": 0.25,
    "reliability": -0.30,
    "responsiveness": -0.45,
    "assurance": 0.0,
    "empathy": -0.1,
}
SERVQUAL_ITEMS = {
    "tangibles": ("modern equipment", "clear documents"), "reliability": ("keeps promises", "right first time"),
    "responsiveness": ("prompt service", "willing to help"), "assurance": ("competent staff", "polite staff"),
    "empathy": ("personal attention", "convenient hours"),
}  # fmt: skip


def _servqual() -> tuple[Question, ...]:
    found = []
    for dimension, items in SERVQUAL_ITEMS.items():
        for number, item in enumerate(items, start=1):
            code, weight = f"{dimension[:3].upper()}{number}", SERVQUAL_DIMENSIONS[dimension]
            same = {"item": item.replace(" ", "_"), "dimension": dimension, "weight": weight}
            found.append(
                Question(
                    f"SE_{code}",
                    "servqual_expectation",
                    1,
                    EXPECTED7,
                    f"An excellent supplier: {item}",
                    **same,
                )
            )
            found.append(Question(f"SP_{code}", "servqual_perception", 1, LIKERT7, f"This company: {item}",
                                  **same, shift=SERVQUAL_SHIFT[dimension] + 0.35))  # fmt: skip
    return tuple(found)


SERVQUAL = _servqual()


def questions_table() -> Rows:
    """``questions.csv``."""
    asked = [*RELATIONSHIP, *TRANSACTIONAL, *SERVQUAL, COMMENT]
    weights = np.array([one.weight for one in asked])
    return {
        "question": np.array([one.id for one in asked]),
        "construct": np.array([one.construct for one in asked]),
        "item": np.array([one.item for one in asked]),
        "dimension": np.array([one.dimension for one in asked]),
        "lowest": np.array([one.lowest for one in asked]),
        "highest": np.array([one.lowest + max(len(one.shares) - 1, 1) for one in asked]),
        "reversed": np.array([one.reversed for one in asked]),
        "weight": hidden_where(weights, np.isnan(weights)),
        "wording": np.array([one.wording for one in asked]),
    }
