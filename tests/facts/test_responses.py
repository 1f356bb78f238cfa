"""One index per questionnaire: ACSI-style from complete answers, SERVQUAL from pairs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

ACSI = """question_id,construct,scale_min,scale_max,weight,reversed
q1,acsi,1,10,,false
q2,acsi,1,10,,false
q3,acsi,1,10,,false
"""
SERVQUAL = """question_id,construct,item,dimension,scale_min,scale_max,weight
e1,servqual_expectation,clean,tangibles,1,7,
p1,servqual_perception,clean,tangibles,1,7,0.25
e2,servqual_expectation,modern,tangibles,1,7,
p2,servqual_perception,modern,tangibles,1,7,0.25
e3,servqual_expectation,promise,reliability,1,7,
p3,servqual_perception,promise,reliability,1,7,0.75
"""


@pytest.fixture
def responses(open_company):
    """The fact, by survey, for {survey: {question: score}}; customers are given by the survey's name."""

    def asked(questions: str, scores: dict[str, dict[str, float]]) -> pd.DataFrame:
        lines = [
            f"{survey},{question},{survey[0]},2026-05-0{number},{score}"
            for number, (survey, given) in enumerate(scores.items(), 1)
            for question, score in given.items()
        ]
        answers = "\n".join(["survey_id,question_id,customer_id,answered_at,score", *lines]) + "\n"
        book = open_company({"answers": answers, "questions": questions}, "2026Q2")
        return book.ask("select * from responses").set_index("survey_id").sort_index()

    return asked


def all_three(q1: float, q2: float, q3: float) -> dict[str, float]:
    return {"q1": q1, "q2": q2, "q3": q3}


def test_the_index_runs_from_all_ones_to_all_tens(responses):
    found = responses(ACSI, {"a": all_three(10, 10, 10), "b": all_three(1, 1, 1), "c": all_three(7, 8, 6)})
    # c: 100 · (6 + 7 + 5) / (3 · 9) = 66.67
    assert found["acsi_score"].tolist() == pytest.approx([100.0, 0.0, 1800 / 27])
    assert found["construct"].unique().tolist() == ["acsi"]
    assert found["servqual_gap"].isna().all()


def test_only_complete_answers_have_an_index(responses):
    found = responses(ACSI, {"a": all_three(10, 10, 10), "b": {"q1": 10, "q2": 10}, "c": all_three(9, 9, 11)})
    assert found["is_complete"].to_dict() == {"a": True, "b": False, "c": False}  # c: 11 is off the scale
    assert found["acsi_score"].isna().tolist() == [False, True, True]


def test_weights_are_scaled_to_one_and_count_only_if_every_question_has_one(responses):
    scores = {"a": all_three(10, 1, 1)}
    weighted = ACSI.replace("10,,", "10,2,", 1).replace("10,,", "10,1,")
    assert responses(weighted, scores)["acsi_score"].tolist() == pytest.approx([50.0])  # 2 / (2 + 1 + 1)
    some = ACSI.replace("10,,", "10,2,", 1)
    assert responses(some, scores)["acsi_score"].tolist() == pytest.approx([100 / 3])


def test_a_reversed_item_is_turned_before_the_index(responses):
    turned = ACSI.replace("q3,acsi,1,10,,false", "q3,acsi,1,10,,true")
    assert responses(turned, {"a": all_three(10, 10, 1)})["acsi_score"].tolist() == [100.0]


def test_two_wordings_of_an_item_are_one_item(responses):
    two = """question_id,construct,item,scale_min,scale_max
en,acsi,ideal,1,10
zh,acsi,ideal,1,10
q,acsi,overall,1,10
"""
    found = responses(two, {"a": {"en": 10, "q": 10}, "b": {"zh": 1, "q": 1}})
    assert found["acsi_score"].tolist() == [100.0, 0.0]


PAIRED = {
    "e1": 6,
    "p1": 5,
    "e2": 7,
    "p2": 4,
    "e3": 5,
    "p3": 6,
}  # gaps −1 and −3 (tangibles), +1 (reliability)


def test_the_gap_is_the_mean_over_dimensions_and_that_over_items_another(responses):
    [row] = responses(SERVQUAL, {"a": PAIRED}).to_dict("records")
    assert row["servqual_gap"] == pytest.approx((-2 + 1) / 2)
    assert row["servqual_gap_items"] == pytest.approx((-1 - 3 + 1) / 3)
    assert row["servqual_gap_weighted"] == pytest.approx((-2 * 0.25 + 1 * 0.75) / (0.25 + 0.75))
    assert row["servperf"] == pytest.approx((5 + 4 + 6) / 3)
    assert row["is_complete"] and pd.isna(row["acsi_score"])


def test_a_gap_takes_the_items_asked_and_answered_both_ways(responses):
    some = {"e1": 6, "p1": 5, "p2": 4, "e3": 5}  # `modern` was not expected, `promise` not perceived
    [row] = responses(SERVQUAL, {"a": some}).to_dict("records")
    assert (row["servqual_gap"], row["servqual_gap_items"], row["servqual_gap_weighted"]) == (-1, -1, -1)
    assert row["servperf"] == 4.5  # both perceptions count
    assert not row["is_complete"]


def test_perceptions_alone_have_no_gap(responses):
    [row] = responses(SERVQUAL, {"a": {"p1": 3, "p2": 4, "p3": 5}}).to_dict("records")
    assert pd.isna(row["servqual_gap"]) and pd.isna(row["servqual_gap_weighted"])
    assert row["servperf"] == 4


def test_a_questionnaire_with_both_indices_has_a_row_for_each(responses):
    both = ACSI + "p,servqual_perception,1,7,,false\n"
    found = responses(both, {"a": all_three(10, 10, 10) | {"p": 7}})
    assert sorted(found["construct"]) == ["acsi", "servqual"]


def test_nobody_answered_and_there_are_no_rows(responses):
    assert responses(ACSI, {}).empty


# --- Published data -------------------------------------------------------------------------------

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def long(wide: pd.DataFrame) -> str:
    """Answers of one row per respondent as one row per answer."""
    rows = (
        wide.rename_axis("survey_id")
        .reset_index()
        .melt("survey_id", var_name="question_id", value_name="score")
    )
    return rows.assign(answered_at="2026-05-01").to_csv(index=False)


def read(path: str) -> pd.DataFrame:
    if not (SHARED / path).is_file():
        pytest.skip(f"the published survey is not there: ../shared/data/{path}")
    return pd.read_csv(SHARED / path)


def test_the_mobile_phone_survey_has_the_index_of_its_means(open_company):
    scores = read("satisfaction/mobi.csv")[["CUSA1", "CUSA2", "CUSA3"]]
    questions = "question_id,construct,scale_min,scale_max\n" + "".join(
        f"{name},acsi,1,10\n" for name in scores
    )
    book = open_company({"questions": questions, "answers": long(scores)}, "2026Q2")
    found = book.ask("select count(*) as n, avg(acsi_score) as index from responses").iloc[0]
    assert found["n"] == 250
    assert found["index"] == pytest.approx(
        100 * (scores.mean().mean() - 1) / 9
    )  # of means: the index is linear


def test_the_kiosk_survey_has_the_gap_of_its_means(open_company):
    kiosk = read("servqual/kiosk_clean.csv")
    ways = {"1": "expectation", "2": "perception"}
    pairs = [(name, *name.split("_")) for name in kiosk if name.startswith("sq")]
    questions = "question_id,construct,item,scale_min,scale_max\n" + "".join(
        f"{name},servqual_{ways[way]},{item},1,7\n" for name, item, way in pairs
    )
    answers = long(kiosk[[name for name, _, _ in pairs]])
    book = open_company({"questions": questions, "answers": answers}, "2026Q2")
    found = book.ask(
        "select avg(servqual_gap_items) as gap, avg(servperf) as perception from responses"
    ).iloc[0]
    assert found["gap"] == pytest.approx(4.838702749 - 5.998067010, abs=1e-8)  # −1.159
    assert found["perception"] == pytest.approx(4.838702749, abs=1e-8)
