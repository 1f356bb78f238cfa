"""A survey tool's export, with a column for each question, as the tables of answers and questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from analysis.catalogue import load_catalogue
from analysis.params import TableSource
from analysis.tables.beginnings import Beginning, Sample
from analysis.tables.cells import is_number, plain
from analysis.tables.headings import SURE, likeness_to, match_columns
from analysis.tables.suggesting import Suggestion, mapped_column, questions_about

ABOUT = {  # what the heading of a question says it measures
    "nps": r"\bnps\b|recommend|empfehlen|recommand|推荐",
    "ces": r"\bces\b|effort|\beas(y|ily|e)\b|费力|省力|容易|便捷",
    "csat": r"\bcsat\b|satisf|zufrieden|满意",
}
AS_A_WHOLE = r"\boverall\b|\bgeneral\b|as a whole|insgesamt|gesamt|ensemble|globale|总体|整体|总的"
WITH_ITEMS = ("csat",)  # of the others a questionnaire has one question; a second is about something else
SCALES = {"nps": ((1, 5), (0, 10)), "ces": ((1, 7), (1, 5)), "csat": ((1, 5), (1, 7), (1, 10), (0, 10))}
SAID_IN_HEADING = r"(?<!\d)([01])\s*(?:-|–|—|~|～|to|bis|à|a|至|到)\s*(5|7|10|100)(?!\d)"
OF_A_RESPONDENT = ("survey_id", "customer_id", "answered_at")
NPS_SCALE = (0, 10)
_MOST_NUMBERS = 0.95  # of a question's answers must be whole numbers of its scale


def recognise_wide_survey(beginning: Beginning, file: str) -> tuple[Suggestion, ...]:
    """The answers and the questions of a file whose headings ask; none where no column is a question.

    A column is one if its heading names a construct and its cells are whole numbers of its scale.
    """
    sample = beginning.as_is()
    questions = dict(_questions(sample, Path(file).stem)) if sample else {}
    if sample is None or not questions:
        return ()
    others = [column for column in dict.fromkeys(sample.columns) if column not in questions]
    wanted = (
        (*OF_A_RESPONDENT, "comment") if len(questions) == 1 else OF_A_RESPONDENT
    )  # of several, of which?
    found = match_columns(others, "answers", wanted)
    if "answered_at" not in found:
        return ()  # a survey without days is in no quarter
    return (_answers(file, sample, found, questions), _asked(questions))


def _questions(sample: Sample, name: str) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """The columns that are questions, with the construct and the ends of the scale.

    A column headed "Score" is the question that the file's name tells.
    """
    seen = set()
    for column in dict.fromkeys(sample.columns):
        heading = plain(column.replace("(", " ").replace(")", " "))
        if likeness_to("answers", "score", column) >= SURE:
            heading = plain(name)
        named = [construct for construct, words in ABOUT.items() if re.search(words, heading)]
        scale = _scale(column, sample.cells(column), named[0]) if named and column else None
        if scale:
            is_another = named[0] in seen and named[0] not in WITH_ITEMS
            seen.add(named[0])
            yield column, ("other" if is_another else named[0], *scale)


def _scale(heading: str, cells: list[str], construct: str) -> tuple[int, int] | None:
    """The scale that the heading says, else the usual one of a construct; None where it does not hold all the cells.

    Recommendation is asked on 0–10; where nobody answered beyond 1–5, it most likely was not.
    """
    numbers = [float(cell) for cell in cells if is_number(cell) and re.fullmatch(r"\d+([.]0+)?", cell)]
    if not numbers or len(numbers) < _MOST_NUMBERS * len(cells):
        return None
    said = [(int(low), int(high)) for low, high in re.findall(SAID_IN_HEADING, heading, re.IGNORECASE)]
    return next(
        (one for one in said or SCALES[construct] if one[0] <= min(numbers) and max(numbers) <= one[1]), None
    )


def _answers(
    file: str, sample: Sample, found: dict[str, str], questions: dict[str, tuple[str, int, int]]
) -> Suggestion:
    source = TableSource(file=(file,), columns={})
    written = {"encoding": sample.encoding, "lines_above_header": sample.lines_above}
    usual = {"encoding": "utf-8", "lines_above_header": 0}
    ours = load_catalogue().tables["answers"].columns
    columns = {name: mapped_column("answers", name, found[name], sample, ours[name]) for name in found}
    values = {
        "file": file,
        **{key: value for key, value in written.items() if value != usual[key]},
        "unpivot": {"columns": list(questions), "name_to": "question", "value_to": "answer"},
        "columns": {"survey_id": {"row_number": True}}
        | columns
        | {"question_id": "question", "score": "answer"},
    }
    used = {*questions, *found.values()}
    return Suggestion(
        "answers",
        values,
        unused=tuple(column for column in sample.columns if column and column not in used),
        questions=tuple(questions_about("answers", source, sample, found)),
    )


def _overall(questions: Mapping[str, tuple[str, int, int]]) -> str | None:
    """The question on satisfaction as a whole: the only one, or the only one that says so; None where none does."""
    asked = [column for column, (construct, _, _) in questions.items() if construct in WITH_ITEMS]
    named = [column for column in asked if re.search(AS_A_WHOLE, plain(column))]
    return next((ones[0] for ones in (asked, named) if len(ones) == 1), None)


def _asked(questions: dict[str, tuple[str, int, int]]) -> Suggestion:
    overall = _overall(questions)
    rows = [
        {"question_id": column, "construct": construct, "scale_min": low, "scale_max": high}
        | ({"item": column} if construct in WITH_ITEMS and column != overall else {})
        for column, (construct, low, high) in questions.items()
    ]
    scales = tuple(
        (
            "scale_of_nps" if construct == "nps" and (low, high) != NPS_SCALE else "scale",
            {"column": column, "construct": construct, "low": str(low), "high": str(high)},
        )
        for column, (construct, low, high) in questions.items()
    )
    return Suggestion("questions", {"rows": rows}, questions=scales)
