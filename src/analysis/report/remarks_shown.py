"""Findings, and remarks set apart from the prose."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from analysis.report.verdicts_shown import verdict_badge
from analysis.report.words import label


def finding_list(findings: Sequence[tuple[str, str]], language: str) -> Markup:
    """Findings as a numbered list, each a sentence with its verdict beside it.

    Parameters
    ----------
    findings : sequence of (sentence, verdict)
        The most important first; verdicts as in `VERDICTS`.
    """
    line = Markup("<li><p>{}</p>{}</li>")
    lines = Markup("").join(
        line.format(sentence, verdict_badge(verdict, language)) for sentence, verdict in findings
    )
    return Markup('<ol class="wb-findings">{}</ol>').format(lines)


CALLOUTS = ("note", "warning", "partial", "unreconciled", "gap")


def callout(
    text: str, language: str, *, kind: str = "note", title: str | None = None, items: Sequence[str] = ()
) -> Markup:
    """A remark set apart from the prose under its own word: note, warning, PARTIAL, UNRECONCILED, or a gap.

    Parameters
    ----------
    text : str
        Plain text, escaped; an empty line starts a new paragraph.
    items : sequence of str
        Points listed below the text.
    """
    if kind not in CALLOUTS:
        raise ValueError(f"Unknown kind of callout {kind!r}; known are {', '.join(CALLOUTS)}.")
    paragraphs = Markup("").join(
        Markup("<p>{}</p>").format(part) for part in text.split("\n\n") if part.strip()
    )
    points = Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
    return Markup(
        '<div class="wb-callout wb-is-{}" role="note"><p class="wb-callout-title">{}</p>{}{}</div>'
    ).format(
        kind,
        title or label(kind, language),
        paragraphs,
        Markup("<ul>{}</ul>").format(points) if items else "",
    )
