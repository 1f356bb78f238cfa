"""What a source leaves out or turns before its rows are checked: counted, never silent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analysis.tables import TablesError
from analysis.tables.prepared import Prepared, prepare, read_quality, read_rejected

TICKETS = {"ticket_id": "no", "opened_at": "opened", "priority": "p", "resolved_at": "done"}
EVENTS = """no,opened,p,done,step,changed
T1,2024-01-01,low,,1,01/01/2024 09:00
T2,2024-01-02,low,,1,02/01/2024 09:00
T1,2024-01-01,high,2024-01-03,10,03/01/2024 09:00
T2,2024-01-02,mid,,2,1/2/2024 08:00
T1,2024-01-01,mid,,9,02/01/2024 10:00
,2024-01-05,low,,1,05/01/2024 09:00
,2024-01-06,low,,2,06/01/2024 09:00
"""
WIDE = "who,q1,q2,q3,note\nann,5,4,,x\nbob,?,3,2,y\n"
ANSWERS = {
    "file": "wide.csv",
    "unpivot": {"columns": "q*", "name_to": "question", "value_to": "answer"},
    "columns": {"survey_id": "who", "question_id": "question", "score": "answer"},
}


def tickets(company, text: str = EVENTS, **source: Any) -> Prepared:
    company.write("tickets.csv", text)
    return prepare(company.params({"tickets": {"file": "tickets.csv", "columns": TICKETS} | source}))


def answers(company, text: str = WIDE, **source: Any) -> Prepared:
    company.write("wide.csv", text)
    return prepare(company.params({"answers": ANSWERS | source}))


# --- Rows passed over -----------------------------------------------------------------------------------------


def test_rows_that_meet_the_condition_are_ignored_counted_and_no_rejections(company, rows, counted):
    prepared = tickets(company, ignore_when="p = 'low' and \"done\" is null")
    # of the seven rows, four are low and open: 1, 2, 6 and 7; rows 4 and 5 repeat no key, row 5 repeats row 3's
    assert counted(prepared, "ignored", "tickets") == {"tickets.ignored": 4}
    assert rows(prepared, "ticket_id, priority", "tickets") == [("T1", "high"), ("T2", "mid")]
    assert counted(prepared, "rejected", "tickets") == {"tickets.duplicate_key": 1}
    assert counted(prepared, "read", "tickets") == {None: 7}


def test_a_condition_sees_texts_without_spaces_around_them_and_nothing_where_a_cell_is_empty(
    company, counted
):
    text = "no,opened,p,done\n1,2024-01-01, low\u00a0,\n2,2024-01-01,,\n3,2024-01-01,low x,\n"
    assert counted(tickets(company, text, ignore_when="p = 'low'"), "ignored", "tickets") == {
        "tickets.ignored": 1
    }
    assert counted(tickets(company, text, ignore_when="p is null"), "ignored", "tickets") == {
        "tickets.ignored": 1
    }


def test_a_condition_that_cannot_be_answered_ignores_nothing(company, counted):
    text = "no,opened,p,done\n1,2024-01-01,,\n2,2024-01-01,x,\n"
    assert counted(tickets(company, text, ignore_when="p <> 'x'"), "ignored", "tickets") == {
        "tickets.ignored": 0
    }


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("priority = 'low'", "columns: no, opened, p, done, step, changed"),  # our name, not theirs
        ("p", "it gives varchar, not true or false"),
        ("true; drop table given", "it is more than one condition"),
        ("p = 'low", "is not a condition over the columns of the file"),
        ("cast(p as double) > 1", r"cannot be worked out .*try_cast\(column as double\)"),
    ],
)
def test_a_condition_that_makes_no_sense_is_said_with_the_columns_there_are(company, condition, said):
    with pytest.raises(TablesError, match=rf"(?s)tables\.tickets\.ignore_when: .*{said}"):
        tickets(company, ignore_when=condition)


def test_columns_that_differ_only_in_case_cannot_be_named_and_do_no_harm(company, counted):
    text = "no,opened,p,done,ID,id\n1,2024-01-01,low,,a,b\n"
    assert counted(tickets(company, text, ignore_when="p = 'low'"), "kept", "tickets") == {None: 0}
    with pytest.raises(TablesError, match="columns: no, opened, p, done$"):
        tickets(company, text, ignore_when="id = 'b'")


def test_ignored_rows_do_not_hide_that_too_many_of_the_others_are_rejected(company):
    lines = "".join(f"x{i},2024-01-01,low,\n" for i in range(98))
    company.write("tickets.csv", "no,opened,p,done\n" + lines + "a,bad,high,\nb,2024-01-01,high,\n")
    source = {"file": "tickets.csv", "columns": TICKETS, "ignore_when": "p = 'low'"}
    with pytest.raises(TablesError, match=r"1 of 2 rows \(50.0%\) break the contract"):  # not 1 of 100
        prepare(company.params({"tickets": source}, max_rejected_share=0.05))


# --- The last row of each key ---------------------------------------------------------------------------------


def test_the_last_row_of_each_key_in_the_order_of_the_file(company, rows, counted):
    prepared = tickets(company, keep_last_per="no")
    # T1 stands in rows 1, 3, 5 and T2 in rows 2, 4; the rows without a number are the contract's to reject
    assert rows(prepared, "ticket_id, priority, source_row", "tickets") == [
        ("T1", "mid", 5),
        ("T2", "mid", 4),
    ]
    assert counted(prepared, "ignored", "tickets") == {"tickets.not_last": 3}
    assert counted(prepared, "rejected", "tickets") == {"ticket_id.missing": 2}


def test_the_last_row_by_a_number_by_an_instant_and_by_a_text(company, rows):
    by_number = tickets(company, keep_last_per="no", in_order_of="step")  # 10 comes after 9, not before
    assert rows(by_number, "ticket_id, source_row", "tickets") == [("T1", 3), ("T2", 4)]
    changed = {"column": "changed", "format": "%d/%m/%Y %H:%M"}  # 1 February comes after 2 January
    by_instant = tickets(company, keep_last_per="no", in_order_of=changed)
    assert rows(by_instant, "ticket_id, source_row", "tickets") == [("T1", 3), ("T2", 4)]
    by_text = tickets(company, keep_last_per=["no"], in_order_of="p")  # high < low < mid
    assert rows(by_text, "ticket_id, source_row", "tickets") == [("T1", 5), ("T2", 4)]


def test_a_key_of_several_columns(company, counted):
    # T1 with low, high and mid, T2 with low and mid, and twice nobody: every pair but nobody's is there once
    assert counted(tickets(company, keep_last_per=["no", "p"]), "ignored", "tickets") == {
        "tickets.not_last": 0
    }


def test_what_is_ignored_is_not_the_last(company, rows):
    prepared = tickets(company, ignore_when="p = 'mid'", keep_last_per="no")
    assert rows(prepared, "ticket_id, priority", "tickets") == [("T1", "high"), ("T2", "low")]


def test_rows_whose_place_cannot_be_read_count_as_the_earliest_and_are_noted(company, rows, counted):
    text = "no,opened,p,done,changed\nT,2024-01-01,a,,2024-01-02\nT,2024-01-01,b,,soon\nT,2024-01-01,c,,\n"
    source = {"keep_last_per": "no", "in_order_of": {"column": "changed", "format": "%Y-%m-%d"}}
    prepared = tickets(company, text, **source)
    assert rows(prepared, "priority", "tickets") == [("a",)]
    assert counted(prepared, "note", "tickets") == {"order_unreadable": 1}
    quality = read_quality(prepared)
    assert quality.loc[quality["rule"] == "order_unreadable", "first_row"].tolist() == [2]


def test_an_order_that_no_row_states_is_an_error(company):
    source = {"keep_last_per": "no", "in_order_of": {"column": "step", "format": "%d/%m/%Y"}}
    with pytest.raises(TablesError, match=r"tickets.in_order_of: no row of column 'step' is as .*found '1'"):
        tickets(company, **source)


def test_keys_and_orders_that_are_no_columns_are_named(company):
    with pytest.raises(TablesError, match=r"(?s)no column 'numer'.*no column 'stap'; did you mean 'step'"):
        tickets(company, keep_last_per="numer", in_order_of="stap")


# --- Wide made long -------------------------------------------------------------------------------------------


def test_columns_become_rows_in_the_order_of_the_file_and_empty_cells_none(company, rows, counted):
    prepared = answers(company, missing="?")
    # ann answered q1 and q2, bob q2 and q3; two cells of the six hold nothing
    assert rows(prepared, "survey_id, question_id, score, source_row", "answers") == [
        ("ann", "q1", 5.0, 1), ("ann", "q2", 4.0, 1), ("bob", "q2", 3.0, 2), ("bob", "q3", 2.0, 2),
    ]  # fmt: skip
    assert counted(prepared, "read", "answers") == {None: 6}
    assert counted(prepared, "ignored", "answers") == {"answers.empty_cell": 2}
    assert counted(prepared, "note", "answers") == {"unpivoted": 2}  # rows of the file


def test_a_cell_that_breaks_the_contract_is_rejected_alone_with_its_whole_row_shown(company, counted):
    prepared = answers(company)
    assert counted(prepared, "rejected", "answers") == {"score.unreadable": 1}  # bob's ? to q1
    [row] = [json.loads(row) for row in read_rejected(prepared)["row"]]
    assert row == {
        "who": "bob", "q1": "?", "q2": "3", "q3": "2", "note": "y", "question": "q1", "answer": "?",
    }  # fmt: skip


def test_words_that_are_missing_in_the_value_leave_its_cell_out(company, counted):
    columns = ANSWERS["columns"] | {"score": {"column": "answer", "missing": ["?", "2"]}}
    assert counted(answers(company, columns=columns), "ignored", "answers") == {"answers.empty_cell": 3}


def test_names_of_columns_are_translated_like_any_text(company, rows):
    columns = ANSWERS["columns"] | {"question_id": {"column": "question", "values": {"q1": "overall"}}}
    unpivot = ANSWERS["unpivot"] | {"columns": ["q3", "q1"]}  # in the order of the file all the same
    prepared = answers(company, columns=columns, unpivot=unpivot, missing="?")
    found = rows(prepared, "survey_id, question_id", "answers")
    assert found == [("ann", "overall"), ("bob", "q3")]


def test_files_whose_columns_stand_in_another_order_are_turned_alike(company, rows):
    company.write("more.csv", "q2,q1,who\n1,2,cy\n")
    prepared = answers(company, missing="?", file=["wide.csv", "more.csv"])
    assert rows(prepared, "survey_id, question_id, score", "answers")[-2:] == [
        ("cy", "q1", 2.0),
        ("cy", "q2", 1.0),
    ]


@pytest.mark.parametrize(
    ("unpivot", "said"),
    [
        (
            {"columns": "frage*"},
            r"no column is called 'frage\*' \(tables.answers.unpivot.columns\); columns found",
        ),
        (
            {"columns": ["q1", "no"]},
            r"(?s)at tables.answers.unpivot are .*no column 'no'; did you mean 'note'",
        ),
        (
            {"value_to": "note"},
            "there is a column 'note' already; choose another name at tables.answers.unpivot",
        ),
    ],
)
def test_columns_to_turn_that_are_not_there_or_there_already_are_said(company, unpivot, said):
    with pytest.raises(TablesError, match=said):
        answers(company, unpivot=ANSWERS["unpivot"] | unpivot, columns=ANSWERS["columns"] | {"score": "q1"})


def test_a_malformed_line_is_one_row_read_and_rejected(company, counted):
    prepared = answers(company, WIDE + "cy,1\n", missing="?")
    assert counted(prepared, "read", "answers") == {None: 7}
    assert counted(prepared, "rejected", "answers") == {"answers.malformed_line": 1}
