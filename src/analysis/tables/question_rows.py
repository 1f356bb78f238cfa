"""A questionnaire's questions as rows of our table ``questions``."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from analysis.catalogue import load_catalogue
from analysis.catalogue.questionnaires import Question, Questionnaire
from analysis.tables import TablesError


def questions_csv(asked: Questionnaire, language: str) -> str:
    """The questions as CSV under the contract's own column names, one row for each question, worded in one language."""
    columns = list(load_catalogue().tables["questions"].columns)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(_row(question, language) for question in asked.all_questions())
    return text.getvalue()


def write_questions(asked: Questionnaire, language: str, path: Path) -> int:
    """Write the questions to a new file; how many there are.

    Raises
    ------
    TablesError
        When the file is there already: it may hold the company's own questions.
    """
    if path.exists():
        raise TablesError(f"{path} is there already and may hold questions of yours: give another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(questions_csv(asked, language), encoding="utf-8-sig")  # a spreadsheet then reads Chinese
    return len(asked.all_questions())


def _row(question: Question, language: str) -> dict[str, object]:
    low, high = question.scale
    return {
        "question_id": question.id, "construct": question.measures, "item": question.item or "",
        "dimension": question.dimension or "", "scale_min": low, "scale_max": high, "reversed": "false",
        "weight": "", "wording": question.wording.in_(language),
    }  # fmt: skip
