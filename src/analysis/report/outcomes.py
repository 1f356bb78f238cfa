"""How a batch of reports ended: in words for its operator, and as an exit code for what runs after it."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace

from analysis.errors import InputError
from analysis.report.run import NotMade, Run

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


def outcome_lines(outcome: Outcome, earlier: Sequence[Outcome] = ()) -> list[str]:
    """What is to be said of a period as soon as it is done, when the earlier ones have been said."""
    if isinstance(outcome, NotMade):
        said = [str(one.error) for one in earlier if isinstance(one, NotMade)]
        return _why_not_made(outcome, is_said=str(outcome.error) in said)
    failed = [
        f"page {one.page.id} failed: {one.error} (traceback in {one.notebook})"
        for one in outcome.pages
        if one.status != "whole"
    ]
    broken = (
        [] if outcome.is_reconciled else ["UNRECONCILED: some figures do not add up; the report says which"]
    )
    return [*failed, *broken, _heading(outcome)]


def _heading(run: Run) -> str:
    label = run.folder.name
    if run.is_kept:
        return f"{label}: already whole, kept:"
    taken = sum(one.is_taken_over for one in run.pages)
    words = f"{label}: {taken} of {len(run.pages)} pages were finished before and kept. " if taken else ""
    return f"{words}{'Report:' if run.is_whole else 'PARTIAL report, kept beside any whole one:'}"


def _why_not_made(outcome: NotMade, is_said: bool) -> list[str]:
    if is_said:
        return [f"{outcome.period.label}: not made, for the same reason"]
    if isinstance(outcome.error, InputError):
        return [str(outcome.error)]
    told = "".join(traceback.format_exception(outcome.error)).rstrip()
    return [told, f"{outcome.period.label}: not made, for a fault of the workbook's own (above)"]


def summary_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each period of a batch: how it ended, how long it took, where its report is or why there is none."""
    rows = [(_label(one), _status(one), _seconds(one), _place(one)) for one in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{label:{widths[0]}}  {status:{widths[1]}}  {seconds:>{widths[2]}}  {place}"
        for label, status, seconds, place in rows
    ]


def _label(one: Outcome) -> str:
    return one.period.label


def _status(one: Outcome) -> str:
    if isinstance(one, NotMade):
        return "not made"
    status = "kept" if one.is_kept else "whole" if one.is_whole else "PARTIAL"
    return status if one.is_reconciled else f"{status}, UNRECONCILED"


def _seconds(one: Outcome) -> str:
    return "" if isinstance(one, NotMade) or one.is_kept else f"{one.seconds:.0f} s"


def _place(one: Outcome) -> str:
    if isinstance(one, NotMade):
        return (str(one.error).strip() or type(one.error).__name__).splitlines()[0]
    return str(one.index)
