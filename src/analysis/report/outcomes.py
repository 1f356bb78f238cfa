"""How a batch of reports ended: in words for its operator, and as an exit code for what runs after it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from analysis.errors import InputError, in_language
from analysis.report.run import NotMade, Run
from analysis.report.terminal_words import say_in_terminal, screen_width

EXIT_WHOLE, EXIT_NOT_FIT, EXIT_NOT_MADE = 0, 1, 2
Outcome = Run | NotMade


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """2 where a period has no report, else 1 where one is not fit to be sent, else 0.

    Not fit to be sent is a report with gaps, or one in which figures do not add up.
    """
    if any(isinstance(one, NotMade) for one in outcomes):
        return EXIT_NOT_MADE
    return EXIT_WHOLE if all(one.is_whole and one.is_reconciled for one in outcomes) else EXIT_NOT_FIT


def remembered(outcome: Outcome) -> Outcome:
    """What the end of a batch needs to know of a period: all but the numbers and the pages' contents."""
    if isinstance(outcome, NotMade):
        return outcome
    pages = tuple(replace(one, bodies={}) for one in outcome.pages)
    return replace(outcome, results=None, pages=pages)


def outcome_lines(outcome: Outcome, earlier: Sequence[Outcome] = (), language: str = "en") -> list[str]:
    """What is to be said of a period as soon as it is done, when the earlier ones have been said."""
    say = partial(say_in_terminal, language=language)
    if isinstance(outcome, NotMade):
        said = [str(one.error) for one in earlier if isinstance(one, NotMade)]
        return _why_not_made(outcome, str(outcome.error) in said, language)
    failed = [
        say("page_failed", page=one.page.id, error=one.error, notebook=one.notebook)
        for one in outcome.pages
        if one.status != "whole"
    ]
    broken = [] if outcome.is_reconciled else [say("unreconciled")]
    return [*failed, *broken, *_anew_lines(outcome, language), _heading(outcome, language)]


def _anew_lines(run: Run, language: str) -> list[str]:
    """Why a report that was to be kept was made anew."""
    if not run.made_anew_for:
        return []
    reasons = [in_language(one, language) for one in run.made_anew_for]
    return [say_in_terminal("made_anew", language, label=run.folder.name), *reasons]


def _heading(run: Run, language: str) -> str:
    say, name = partial(say_in_terminal, language=language), run.folder.name
    if run.is_kept:
        return say("kept_whole", label=name)
    report = say("report_whole" if run.is_whole else "report_partial")
    taken = sum(one.is_taken_over for one in run.pages)
    return say("kept_pages", label=name, taken=taken, of=len(run.pages), report=report) if taken else report


def _why_not_made(outcome: NotMade, is_said: bool, language: str) -> list[str]:
    name = outcome.period.label
    if is_said:
        return [say_in_terminal("not_made_again", language, label=name)]
    if isinstance(outcome.error, InputError):
        return [outcome.error.in_(language)]
    told = "".join(traceback.format_exception(outcome.error)).rstrip()
    return [told, say_in_terminal("not_made_fault", language, label=name)]


def summary_lines(outcomes: Sequence[Outcome], language: str = "en") -> list[str]:
    """A line for each period of a batch: how it ended, how long it took, where its report is or why there is none."""
    rows = [
        (one.period.label, _status(one, language), _seconds(one, language), _place(one, language))
        for one in outcomes
    ]
    widths = [max(screen_width(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*_filled(row, widths), row[-1]]) for row in rows]


def _filled(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The first three words of a row as wide as their columns; seconds stand to the right."""
    period, status, seconds = (
        (word, " " * (width - screen_width(word))) for word, width in zip(row, widths, strict=False)
    )
    return ["".join(period), "".join(status), "".join(reversed(seconds))]


def _status(one: Outcome, language: str) -> str:
    say = partial(say_in_terminal, language=language)
    if isinstance(one, NotMade):
        return say("status_not_made")
    status = say(f"status_{'kept' if one.is_kept else 'whole' if one.is_whole else 'partial'}")
    return status if one.is_reconciled else say("status_unreconciled", status=status)


def _seconds(one: Outcome, language: str) -> str:
    if isinstance(one, NotMade) or one.is_kept:
        return ""
    return say_in_terminal("seconds_taken", language, count=f"{one.seconds:.0f}")


def _place(one: Outcome, language: str) -> str:
    if isinstance(one, NotMade):
        told = one.error.in_(language) if isinstance(one.error, InputError) else str(one.error)
        return (told.strip() or type(one.error).__name__).splitlines()[0]
    return str(one.index)
