"""A questionnaire's rows pass the contract, and answers to them give the metric it is meant for."""

from __future__ import annotations

import csv
import io

import pytest

from analysis.catalogue import load_catalogue
from analysis.catalogue.questionnaires import load_questionnaires, questionnaire
from analysis.metrics.measure import measure
from analysis.tables import TablesError
from analysis.tables.question_rows import questions_csv, write_questions

LANGUAGES = ("en", "zh")
ALL = load_questionnaires()

# Scores of three customers by what a question measures, and what follows from them.
SCORES = {
    "csat": (5, 4, 3), "nps": (10, 9, 3), "ces": (7, 5, 4), "acsi": (10, 10, 1),
    "servqual_expectation": (7, 6, 6), "servqual_perception": (5, 5, 6),
}  # fmt: skip
GIVES = {
    "csat": 2 / 3,  # 5 and 4 are satisfied
    "nps": 100 * (2 - 1) / 3,  # two promoters, one detractor
    "nps_transactional": 100 * (2 - 1) / 3,
    "ces": 2 / 3,  # 7 and 5 found it easy
    "acsi": (100 + 100 + 0) / 3,  # (score − 1) / 9
    "servqual": (-2 - 1 + 0) / 3,
}


def answered(name: str) -> dict[str, str]:
    """The tables of a company whose three customers were asked, and answered, every question."""
    asked = questionnaire(name)
    answers = [
        f"s{number},{question.id},{'' if question.is_open else SCORES[question.measures][number]}"
        + (f",reason {number}" if question.is_open else ",")
        for number in range(3)
        for question in asked.all_questions()
    ]
    surveys = [f"s{n},c{n},2026-04-10,2026-04-12,{asked.kind}" for n in range(3)]
    return {
        "questions": questions_csv(asked, "zh"),
        "surveys": "\n".join(["survey_id,customer_id,sent_at,answered_at,kind", *surveys]),
        "answers": "\n".join(["survey_id,question_id,score,comment", *answers]),
    }


@pytest.mark.parametrize("name", ALL)
def test_the_rows_pass_the_contract_and_answers_to_them_give_the_metric(open_company, name):
    book = open_company(answered(name), "2026Q2")
    kept = book.ask("select * from source_questions")
    assert len(kept) == len(ALL[name].all_questions())
    metric = load_catalogue().named(ALL[name].metric)
    figures = measure(book, metrics=[metric])
    [figure] = figures[figures["period"] == "2026Q2"].to_dict("records")
    assert (figure["value"], figure["n"]) == (pytest.approx(GIVES[name]), 3)
    assert len(book.ask("select * from answers where comment is not null")) == 3


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_row_has_the_contracts_columns_and_the_words_of_one_language(name, language):
    rows = list(csv.DictReader(io.StringIO(questions_csv(ALL[name], language))))
    assert list(rows[0]) == list(load_catalogue().tables["questions"].columns)
    assert [row["wording"] for row in rows] == [q.wording.in_(language) for q in ALL[name].all_questions()]


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path = tmp_path / "new" / "questions.csv"
    assert write_questions(ALL["nps"], "zh", path) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbfquestion_id")  # a spreadsheet reads it as UTF-8
    with pytest.raises(TablesError, match="is there already"):
        write_questions(ALL["csat"], "zh", path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3
