"""What the service page counts itself: the queue by hour, repeat contacts, the backlog, teams and gaps."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from analysis.facts import NotMeasured, open_book
from analysis.metrics.intervals import wilson_interval
from analysis.report.pages.breakdowns import figures_by
from analysis.report.pages.service_rows import (
    AGE_LIMITS_DAYS,
    OF_TEAMS,
    band_key,
    open_by_age,
    queue_by_hour,
    queued_channels,
    repeats_by_topic,
    teams_that_moved,
)
from analysis.suite import Results

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


# --- the queue ------------------------------------------------------------------------------------


def test_the_queue_is_counted_by_local_hour_and_weekday(desk):
    rows = queue_by_hour(desk).set_index(["weekday", "hour"])
    # 13 Mondays with 4 calls after half past nine in Shanghai (01:30 UTC); 14 Tuesdays with one after 14 and 15 each
    assert rows["offered"].to_dict() == {(0, 9): 52, (1, 14): 14, (1, 15): 14}
    assert rows["offered_per_day"].to_dict() == {(0, 9): 4.0, (1, 14): 1.0, (1, 15): 1.0}


def test_one_of_four_gives_up_on_mondays_and_two_are_answered_in_time(desk):
    monday = queue_by_hour(desk).set_index(["weekday", "hour"]).loc[(0, 9)]
    assert (monday["abandonment_rate"], monday["service_level"]) == (0.25, 0.5)


def test_the_rates_follow_the_definition_the_run_has_chosen(desk):
    settings = desk.book.settings.model_copy(update={"variants": {"service_level": "answered_only"}})
    book = replace(desk.book, params=desk.book.params.model_copy(update={"settings": settings}))
    rows = queue_by_hour(Results(book, desk.frames)).set_index(["weekday", "hour"])
    assert rows.loc[(0, 9), "service_level"] == pytest.approx(26 / 39)  # of the 39 answered


def test_email_is_no_queue_because_nobody_gives_up_there(desk):
    assert queue_by_hour(desk).attrs["channels"] == ["phone"]


def test_where_nobody_gives_up_anywhere_every_channel_counts():
    rows = pd.DataFrame({"channel": ["b", "a", "a"], "abandoned": [0, 0, 0]})
    assert queued_channels(rows) == ["a", "b"]
    assert queued_channels(rows.assign(abandoned=[1, 0, 0])) == ["b"]


# --- repeat contacts ------------------------------------------------------------------------------


def test_a_contact_within_seven_days_of_one_about_the_same_topic_is_a_repeat(desk):
    rows = repeats_by_topic(desk).set_index("topic")
    # Tuesdays: 14 an hour after the other, and 13 six days and 23 hours after the last. c1: 13 Mondays five days after
    # a Wednesday, 12 Wednesdays two days after a Monday. c2, c3, c4 call every seven days exactly: no repeats.
    assert rows["repeats"].to_dict() == {FORMULA: 27, "bill": 25}
    assert rows["contacts"].to_dict() == {FORMULA: 28, "bill": 13 * 4 + 13}


def test_topics_come_most_repeats_first_with_their_running_total_and_interval(desk):
    rows = repeats_by_topic(desk)
    assert rows["topic"].tolist() == [FORMULA, "bill"]
    assert rows["cumulative"].tolist() == pytest.approx([27 / 52, 1.0])
    low, high = wilson_interval(25, 65)
    assert rows[["low", "high"]].iloc[1].tolist() == pytest.approx([float(low), float(high)])


# --- the backlog ----------------------------------------------------------------------------------


def test_tickets_open_at_the_end_stand_in_the_band_of_their_age(desk):
    rows = open_by_age(desk)
    own = rows[rows["against"] == "own"].set_index("from_days")
    # opened on 31, 29 and 24 December, and 15 October (due five days later)
    assert own["tickets"].to_dict() == {0: 1, 1: 1, 3: 0, 7: 1, 14: 0, 30: 1}
    assert own["overdue"].to_dict() == {0: 0, 1: 0, 3: 0, 7: 0, 14: 0, 30: 1}


def test_what_was_open_a_period_ago_is_counted_as_it_was_then(desk):
    before = open_by_age(desk).query("against == 'previous'").set_index("from_days")
    # opened on 25 September, due on the 28th, resolved on 3 October
    assert before["tickets"].to_dict() == {0: 0, 1: 0, 3: 1, 7: 0, 14: 0, 30: 0}
    assert before["overdue"].sum() == 1


def test_no_backlog_is_told_of_a_time_before_the_tickets_begin(desk):
    assert set(open_by_age(desk)["against"]) == {"own", "previous"}


def test_every_band_has_a_name():
    assert [band_key(day) for day in AGE_LIMITS_DAYS] == ["0_1", "1_3", "3_7", "7_14", "14_30", "30"]


# --- teams ----------------------------------------------------------------------------------------


def test_only_the_team_that_moved_for_sure_is_said_to_have_moved(desk):
    rows = teams_that_moved(desk)
    assert rows["group"].tolist() == [SCRIPT]
    assert rows[["value", "base_value", "n"]].iloc[0].tolist() == [36000.0, 9000.0, 40]


# --- gaps -----------------------------------------------------------------------------------------


def test_without_contacts_there_is_neither_queue_nor_repeat(shop):
    assert queue_by_hour(shop) == repeats_by_topic(shop) == NotMeasured("table_absent|contacts")
    assert open_by_age(shop) == NotMeasured("table_absent|tickets")


# --- on another engine ----------------------------------------------------------------------------


@pytest.mark.slow
def test_rows_are_the_same_on_spark(desk, spark):
    settings = desk.book.settings.model_copy(update={"engine": spark})
    book = open_book(desk.book.params.model_copy(update={"settings": settings}), "2024Q4")
    on_spark = Results(book, desk.frames)
    for read in (queue_by_hour, repeats_by_topic, open_by_age):
        pd.testing.assert_frame_equal(read(on_spark), read(desk), check_dtype=False, rtol=1e-9)
    figures = [
        figures_by(results, "team", OF_TEAMS)[0].reset_index(drop=True) for results in (on_spark, desk)
    ]
    keys = ["metric", "period", "group"]
    ordered = [each.sort_values(keys, ignore_index=True) for each in figures]
    pd.testing.assert_frame_equal(*ordered, check_dtype=False, rtol=1e-9)
