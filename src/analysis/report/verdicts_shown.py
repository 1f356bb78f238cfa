"""Verdicts as sign and words: every colour comes with both."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from analysis.report.numbers_shown import MISSING
from analysis.report.words import label

VERDICTS: Mapping[str, tuple[str, str]] = {
    "better": ("▲", "good"), "worse": ("▼", "bad"), "no_clear_change": ("●", "quiet"),
    "hit": ("✓", "good"), "miss": ("✗", "bad"), "undetermined": ("○", "quiet"),
    "higher": ("↑", "quiet"), "lower": ("↓", "quiet"), "unchanged": ("=", "quiet"),
    "not_compared": (MISSING, "quiet"), "not_measured": (MISSING, "quiet"),
    "trusted": ("✓", "good"), "use_with_care": ("!", "care"), "do_not_use": ("✗", "bad"),
    "small_sample": ("!", "care"),
}  # fmt: skip
"""Sign and tone of every verdict; its words are the labels `verdict_…`."""


def verdict_badge(verdict: str, language: str) -> Markup:
    """A verdict as sign and words, such as ``▲ better``; the colour only repeats what they say.

    Raises
    ------
    ValueError
        When the verdict is none of `VERDICTS`.
    """
    if verdict not in VERDICTS:
        raise ValueError(f"Unknown verdict {verdict!r}; known are {', '.join(VERDICTS)}.")
    sign, tone = VERDICTS[verdict]
    return badge(label(f"verdict_{verdict}", language), tone=tone, sign=sign)


def badge(text: str, *, tone: str = "quiet", sign: str = "") -> Markup:
    """A short remark with a sign before it, in one of the tones good, bad, care, quiet."""
    mark = Markup('<span aria-hidden="true">{}</span> ').format(sign) if sign else ""
    return Markup('<span class="wb-badge wb-{}">{}{}</span>').format(tone, mark, text)
