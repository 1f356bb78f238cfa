"""The service page: what moved, figures in blocks, teams, repeat contacts, and whose clock runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.catalogue import load_catalogue
from analysis.facts import NotMeasured
from analysis.report.pages.breakdowns import figures_by, group_rows
from analysis.report.pages.service import (
    say_hours,
    show_repeat_contacts,
    show_self_help_by_topic,
    show_service_by_channel,
    show_service_by_team,
    show_service_changes,
    show_service_hours,
    show_service_kpis,
    team_changes,
)
from analysis.report.pages.service_rows import BLOCKS, OF_TEAMS, block_metrics
from analysis.suite import Results
from reading_pages import in_each_language, read

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def book_with(book, **settings):
    """The Book as if the company had set this."""
    changed = book.params.model_copy(update={"settings": book.settings.model_copy(update=settings)})
    return replace(book, params=changed)


def quiet(desk):
    """The figures of teams as if no change were beyond chance."""
    figures, changes = figures_by(desk, "team", OF_TEAMS)
    return figures, changes.assign(verdict="no_clear_change")


# --- what moved -----------------------------------------------------------------------------------


@in_each_language
def test_a_team_that_slowed_down_stands_first_with_its_numbers_and_the_verdict(desk, language):
    [(sentence, verdict)] = team_changes(desk, language)
    assert verdict == "worse"
    assert sentence.startswith(SCRIPT)
    # mean of 4, 8, 12, 16 hours after 1, 2, 3, 4 hours
    ten, before = {"en": ("10 h ", "2 h 30 min"), "zh": ("10小时（", "2小时30分")}[language]
    assert ten in sentence and before in sentence and "+300.0%" in sentence
    first = read(show_service_changes(desk, language=language)).select_one("ol.wb-findings > li")
    assert first.p.get_text() == sentence


@in_each_language
def test_where_nothing_moved_for_sure_the_page_says_so(desk, language):
    changes = desk.changes.assign(verdict=desk.changes["verdict"].replace("worse", "no_clear_change"))
    calm = Results(desk.book, {**desk.frames, "changes": changes})
    calm.remembered["figures_by", "team", *OF_TEAMS] = quiet(desk)
    text = read(show_service_changes(calm, language=language)).get_text()
    assert {"en": "None changed beyond chance", "zh": "均无超出随机波动的变化"}[language] in text


@in_each_language
def test_without_an_earlier_period_that_is_what_is_said(desk, language):
    nothing = Results(desk.book, {**desk.frames, "changes": desk.changes.head(0)})
    nothing.remembered["figures_by", "team", *OF_TEAMS] = quiet(desk)
    text = read(show_service_changes(nothing, language=language)).get_text()
    assert {"en": "no earlier period", "zh": "没有可与本期"}[language] in text


@in_each_language
def test_where_all_is_counted_in_full_nobody_says_there_is_no_earlier_period(desk, language):
    counted = Results(desk.book, {**desk.frames, "changes": desk.changes.assign(verdict="size_only")})
    counted.remembered["figures_by", "team", *OF_TEAMS] = quiet(desk)
    text = read(show_service_changes(counted, language=language)).get_text()
    assert {"en": "can be tested against chance", "zh": "无法检验其变化"}[language] in text
    assert {"en": "no earlier period", "zh": "没有可与本期"}[language] not in text


# --- figures in blocks ----------------------------------------------------------------------------


def test_every_metric_of_service_that_is_shown_stands_in_exactly_one_block():
    listed = [name for names in BLOCKS.values() for name in names]
    shown = {metric.id for metric in load_catalogue().families["service"] if metric.shown}
    assert sorted(listed) == sorted({*shown, "inbound_contacts"})


def test_times_by_the_clock_are_a_row_of_their_own_only_where_working_hours_are_set(desk):
    def variants(book):
        return [m.variant for m in block_metrics(book, "speed") if m.id == "resolution_time"]

    assert variants(desk.book) == ["default", "median", "p90"]
    hours = {"mon": "09:00-18:00"}
    assert variants(book_with(desk.book, working_hours=hours)) == ["default", "median", "p90", "elapsed"]


def test_the_run_s_own_definition_of_the_service_level_comes_first(desk):
    book = book_with(desk.book, variants={"service_level": "of_offered"})
    named = [m.variant for m in block_metrics(book, "reachability") if m.id == "service_level"]
    assert named[:2] == ["of_offered", "default"]


@in_each_language
def test_times_are_written_for_people_and_the_median_stands_beside_the_mean(desk, language):
    page = read(show_service_kpis(desk, "speed", language=language))
    rows = {
        row.th.get_text(" ", strip=True): row.select_one(".wb-key").get_text()
        for row in page.select("tbody tr")
    }
    name = {"en": "Resolution time", "zh": "解决时间"}[language]
    median = {"en": "median", "zh": "中位数"}[language]
    # 81 tickets: 40 of 1–4 h, 40 of 4–16 h, one of 192 h; mean (100 + 400 + 192) h / 81 = 8 h 32.6 min; the 41st is 4 h
    assert rows[name] == {"en": "8 h 33 min", "zh": "8小时33分"}[language]
    assert rows[f"{name} {median}"] == {"en": "4 h", "zh": "4小时"}[language]


@in_each_language
def test_a_block_of_which_nothing_is_measured_says_why(desk, language):
    page = read(show_service_kpis(desk, "cost", language=language))
    assert not page.select("table")
    assert {"en": "table Costs is not supplied", "zh": "未提供数据表“成本”"}[language] in page.get_text()


def test_there_is_no_block_of_another_name(desk):
    with pytest.raises(KeyError):
        show_service_kpis(desk, "manners", language="en")


# --- by team, channel, topic ----------------------------------------------------------------------


def test_teams_come_worst_first_with_a_verdict_each(desk):
    rows = group_rows(desk, "team", OF_TEAMS, "en")
    times = rows[rows["metric_name"] == "Resolution time"]
    assert times["group_name"].tolist() == [SCRIPT, "North"]
    assert times["value"].tolist() == [36000.0, 9000.0]
    assert times["previous_verdict"].tolist() == ["worse", "no_clear_change"]
    solved = rows[
        rows["metric_name"] == "First-contact resolution"
    ]  # where more is better, the least comes first
    assert solved["value"].is_monotonic_increasing


@in_each_language
def test_the_table_of_teams_does_no_harm_and_says_for_how_many_teams_it_is_corrected(desk, language):
    html = show_service_by_team(desk, language=language)
    assert "<script" not in html and "&lt;script&gt;" in html
    below = read(html).select_one(".wb-below").get_text()
    assert {"en": "corrected for the 2 groups", "zh": "按所比较的2个分组校正"}[language] in below


@in_each_language
def test_each_channel_is_told_apart(desk, language):
    text = read(show_service_by_channel(desk, language=language)).get_text(" ")
    # by telephone 26 on Mondays and 28 on Tuesdays of 80 in time; of 13 by email none
    assert "67.5%" in text and "0.0%" in text


@in_each_language
def test_what_readers_solve_alone_is_told_by_topic(desk, language):
    page = read(show_self_help_by_topic(desk, language=language))
    heads = [head.get_text() for head in page.select("tbody tr:not(.wb-section) th")]
    assert heads == ["bill", FORMULA] * 2
    # "bill": 36 of c9 without a contact, 12 of c1 two days before his next
    assert page.select("tbody tr:not(.wb-section)")[0].select_one(".wb-key").get_text() == "75.0%"


@in_each_language
def test_without_the_table_there_is_a_reason_in_the_language(shop, language):
    for show in (
        show_service_by_team,
        show_service_by_channel,
        show_self_help_by_topic,
        show_repeat_contacts,
    ):
        text = read(show(shop, language=language)).get_text()
        assert {"en": "is not supplied", "zh": "未提供数据表"}[language] in text
        assert language == "en" or "help_sessions" not in text


# --- repeat contacts ------------------------------------------------------------------------------


@in_each_language
def test_repeat_contacts_are_listed_most_first_with_the_topic_s_rate(desk, language):
    page = read(show_repeat_contacts(desk, language=language))
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]
    # 27 of 28 and 25 of 65 (see the test of the rows); 27 of all 52 are 51.9 %
    assert [row[:5] for row in rows] == [
        [FORMULA, "27", "51.9%", "51.9%", "96.4%"], ["bill", "25", "48.1%", "100.0%", "38.5%"],
    ]  # fmt: skip
    assert "55.9%" in page.select_one(".wb-below").get_text()  # 52 of 93


# --- whose clock runs -----------------------------------------------------------------------------


@in_each_language
def test_the_page_says_whether_working_hours_or_the_clock_are_counted(desk, language):
    always = read(show_service_hours(desk, language=language)).get_text()
    assert {"en": "round the clock", "zh": "自然时间"}[language] in always
    book = book_with(desk.book, working_hours={"mon": "09:00-18:00"}, holidays_country="CN")
    text = read(show_service_hours(Results(book, desk.frames), language=language)).get_text()
    assert "09:00–18:00" in text and "CN" in text
    assert "Asia/Shanghai" in text


@pytest.mark.parametrize(
    ("hours", "english", "chinese"),
    [
        (["mon", "tue", "wed", "thu", "fri"], "Mon–Fri 09:00–18:00", "周一至周五09:00–18:00"),
        (["mon", "wed"], "Mon 09:00–18:00, Wed 09:00–18:00", "周一09:00–18:00、周三09:00–18:00"),
        (["sun"], "Sun 09:00–18:00", "周日09:00–18:00"),
    ],
)
def test_opening_hours_are_put_together_where_days_follow_each_other(hours, english, chinese):
    given = dict.fromkeys(hours, "09:00-18:00")
    assert (say_hours(given, "en"), say_hours(given, "zh")) == (english, chinese)


def test_a_day_with_other_hours_stands_apart():
    given = {"fri": "09:00-18:00", "sat": "10:00-16:00"}
    assert say_hours(given, "en") == "Fri 09:00–18:00, Sat 10:00–16:00"


def test_nothing_is_claimed_of_a_company_that_has_sold_and_served_nobody(no_orders):
    for block in BLOCKS:
        assert not read(show_service_kpis(no_orders, block, language="en")).select("table")
    assert team_changes(no_orders, "en") == []
    assert isinstance(no_orders.kpi("resolution_time"), NotMeasured)
