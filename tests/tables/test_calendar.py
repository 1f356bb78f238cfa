"""Business time: what the calendar says of each day, and what facts make of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from analysis.engine import open_engine
from analysis.params import EngineSettings, Settings, load_params
from analysis.tables import TablesError
from analysis.tables.calendar import (
    Exceptions,
    bind_calendar,
    calendar_frame,
    public_exceptions,
)

CDNOW = Path(__file__).parents[2] / "params" / "cdnow.yml"
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-18:00")
HOUR, DAY = 3600.0, 86_400.0


def company(hours: dict[str, str] | None = None, zone: str = "UTC", country: str | None = None) -> Settings:
    changes = {"working_hours": hours or {}, "time_zone": zone, "holidays_country": country}
    return load_params(CDNOW).settings.model_copy(update=changes)


def open_hours(calendar: pd.DataFrame) -> dict[str, float]:
    """Hours open by day, where there are any."""
    hours = (calendar["closes_seconds"] - calendar["opens_seconds"]) / HOUR
    return {f"{day:%m-%d}": hour for day, hour in zip(calendar["day"], hours, strict=True) if hour}


# --- The days ---------------------------------------------------------------------------------------------------


def test_a_week_of_working_hours_adds_up():
    calendar = calendar_frame(company(WEEK), date(2024, 1, 4), date(2024, 1, 9))  # Thursday to Tuesday
    assert calendar["opens_seconds"].tolist() == [9 * HOUR, 9 * HOUR, 0, 0, 9 * HOUR, 9 * HOUR]
    assert calendar["closes_seconds"].tolist() == [18 * HOUR, 18 * HOUR, 0, 0, 18 * HOUR, 18 * HOUR]
    # 9 hours on Thursday and Friday, none at the weekend, 9 on Monday
    assert (calendar["open_seconds_before"] / HOUR).tolist() == [0, 9, 18, 18, 18, 27]


def test_without_working_hours_every_second_counts_whatever_the_holidays():
    own = Exceptions(closed=frozenset({date(2024, 3, 31)}))
    calendar = calendar_frame(
        company(zone="Europe/Berlin", country="DE"), date(2024, 3, 30), date(2024, 4, 1), own
    )
    # 31 March 2024 had 23 hours in Berlin
    assert open_hours(calendar) == {"03-30": 24, "03-31": 23, "04-01": 24}
    assert (calendar["open_seconds_before"] / HOUR).tolist() == [0, 24, 47]


@pytest.mark.parametrize(
    ("day", "starts_at", "opens_after", "hours"),
    [
        (date(2024, 3, 31), datetime(2024, 3, 30, 23), 8 * HOUR, 9),  # an hour is skipped at two
        (date(2024, 10, 27), datetime(2024, 10, 26, 22), 10 * HOUR, 9),  # an hour comes twice
        (date(2024, 7, 1), datetime(2024, 6, 30, 22), 9 * HOUR, 9),
    ],
)
def test_hours_are_the_clocks_and_seconds_are_real(day, starts_at, opens_after, hours):
    everyday = dict.fromkeys((*WEEK, "sat", "sun"), "09:00-18:00")
    [row] = calendar_frame(company(everyday, "Europe/Berlin"), day, day).itertuples()
    assert row.starts_at == starts_at and row.opens_seconds == opens_after
    assert row.closes_seconds - row.opens_seconds == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "starts_at", "hours"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3), 23),  # midnight is skipped
        ("America/Havana", date(2024, 11, 3), datetime(2024, 11, 3, 4), 25),  # midnight comes twice
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10), 0),  # the day is skipped
        ("Asia/Shanghai", date(2024, 1, 1), datetime(2023, 12, 31, 16), 24),
    ],
)
def test_a_day_begins_at_its_first_instant(zone, day, starts_at, hours):
    [row] = calendar_frame(company(zone=zone), day, day).itertuples()
    assert (row.starts_at, row.closes_seconds) == (starts_at, hours * HOUR)


def test_hours_may_last_until_midnight():
    calendar = calendar_frame(company({"mon": "20:00-24:00"}), date(2024, 1, 1), date(2024, 1, 2))
    assert open_hours(calendar) == {"01-01": 4}


# --- Days that are not as their weekday is ------------------------------------------------------------------------


def test_the_companys_own_table_closes_days_and_opens_weekends():
    own = Exceptions(closed=frozenset({date(2024, 1, 5)}), worked=frozenset({date(2024, 1, 7)}))
    hours = {"tue": "08:00-12:00", "fri": "10:00-12:00"}
    calendar = calendar_frame(company(hours), date(2024, 1, 1), date(2024, 1, 9), own)
    # Friday the 5th is closed; Sunday the 7th has the hours of the first working day of the week, Tuesday
    assert open_hours(calendar) == {"01-02": 4, "01-07": 4, "01-09": 4}


def test_public_holidays_of_a_country_and_the_weekends_worked_for_them():
    calendar = calendar_frame(company(WEEK, "Asia/Shanghai", "CN"), date(2025, 9, 26), date(2025, 10, 12))
    # In 2025 National Day and Mid-Autumn Festival closed 1 to 8 October; Sunday 28 September and Saturday 11 October
    # were worked for it (State Council, notice of 12 November 2024).
    worked = ["09-26", "09-28", "09-29", "09-30", "10-09", "10-10", "10-11"]
    assert open_hours(calendar) == dict.fromkeys(worked, 9)


def test_the_companys_own_table_overrules_the_countrys_holidays():
    own = Exceptions(closed=frozenset({date(2025, 9, 28)}), worked=frozenset({date(2025, 10, 1)}))
    calendar = calendar_frame(company(WEEK, "Asia/Shanghai", "CN"), date(2025, 9, 28), date(2025, 10, 2), own)
    assert open_hours(calendar) == dict.fromkeys(["09-29", "09-30", "10-01"], 9)


def test_christmas_is_closed_where_it_is_a_holiday():
    assert date(2024, 12, 25) in public_exceptions("DE", {2024}).closed
    assert date(2024, 12, 25) not in public_exceptions("CN", {2024}).closed
    assert public_exceptions(None, {2024}) == Exceptions()


def test_a_country_without_known_holidays_is_an_error():
    with pytest.raises(TablesError, match="holidays_country: no public holidays are known for 'XX'"):
        calendar_frame(company(WEEK, country="XX"), date(2024, 1, 1), date(2024, 1, 2))


# --- Business seconds between two instants --------------------------------------------------------------------------

BETWEEN = """
select closing.open_seconds_before
    + seconds_open_by(closing.starts_at, closing.opens_seconds, closing.closes_seconds, resolved_at)
    - opening.open_seconds_before
    - seconds_open_by(opening.starts_at, opening.opens_seconds, opening.closes_seconds, opened_at) as seconds
from source_tickets as tickets
left join calendar_days as opening on opening.day = tickets.opened_on
left join calendar_days as closing on closing.day = tickets.resolved_on
order by ticket_id
"""


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.slow)])
def engine_settings(request) -> EngineSettings:
    return (
        load_params(CDNOW).settings.engine if request.param == "duckdb" else request.getfixturevalue("spark")
    )


@pytest.fixture
def business_seconds(engine_settings) -> Callable[..., list[float | None]]:
    """Business seconds between pairs of local times, with the company's own holidays."""

    def measured(
        settings: Settings, spans: list[tuple[str, str | None]], holidays: str = ""
    ) -> list[float | None]:
        engine = open_engine(engine_settings)
        zone = ZoneInfo(settings.time_zone)
        tickets = [_ticket(number, *span, zone) for number, span in enumerate(spans)]
        engine.create_table("source_tickets", " union all ".join(tickets))
        engine.create_table(
            "source_contacts",
            "select cast(null as date) as started_on, cast(null as double) as wait_seconds where false",
        )
        engine.create_table(
            "source_holidays", holidays or "select date '1900-01-01' as day, false as is_working_day"
        )
        bind_calendar(engine, settings)
        found = [row[0] for row in engine.rows(BETWEEN)]
        engine.close()
        return found

    return measured


def _ticket(number: int, opened: str, resolved: str | None, zone: ZoneInfo) -> str:
    columns = [f"{number} as ticket_id"]
    for name, text in (("opened", opened), ("resolved", resolved)):
        at = on = "null"
        if text:
            local = datetime.fromisoformat(text).replace(tzinfo=zone)
            at, on = f"'{local.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S}'", f"'{local.date()}'"
        columns += [f"cast({at} as timestamp) as {name}_at", f"cast({on} as date) as {name}_on"]
    nothing = ", ".join(f"cast(null as date) as {name}_on" for name in ("first_replied", "first_solution"))
    return f"select {', '.join(columns)}, {nothing}"


def test_business_seconds_leave_out_nights_weekends_and_holidays(business_seconds):
    spans = [
        ("2024-01-05 17:30", "2024-01-08 09:30"),  # Friday to Monday: half an hour and half an hour
        ("2024-01-05 10:00", "2024-01-05 10:00:30"),
        ("2024-01-05 19:00", "2024-01-06 12:00"),  # nobody is there
        ("2024-01-06 08:00", "2024-01-08 20:00"),  # the whole of Monday
        ("2024-01-05 17:00", "2024-01-10 10:00"),  # one hour, Monday, not Tuesday the 9th, one hour
        ("2024-01-05 17:00", None),
    ]
    holidays = "select date '2024-01-09' as day, cast(null as boolean) as is_working_day"
    found = business_seconds(company(WEEK), spans, holidays)
    assert found == [HOUR, 30, 0, 9 * HOUR, 11 * HOUR, None]


def test_a_day_that_is_worked_by_the_table_counts(business_seconds):
    spans = [("2024-01-05 17:30", "2024-01-08 09:30")]
    holidays = "select date '2024-01-06' as day, true as is_working_day"
    assert business_seconds(company(WEEK), spans, holidays) == [10 * HOUR]


def test_without_working_hours_business_seconds_are_elapsed_seconds(business_seconds):
    zone = "Europe/Berlin"
    spans = [
        ("2024-03-30 12:00", "2024-03-31 12:00"),  # 23 hours
        ("2024-10-26 12:00", "2024-10-28 12:00"),  # 49 hours
        ("2023-12-31 23:59:59", "2024-03-01 00:00:01"),  # 31 + 29 days and two seconds
    ]
    found = business_seconds(company(zone=zone), spans)
    assert found == [23 * HOUR, 49 * HOUR, 60 * DAY + 2]


def test_business_seconds_are_those_counted_one_by_one(business_seconds):
    """Every minute of a fortnight around a change of the clock, counted by the local time it shows."""
    zone = ZoneInfo("America/New_York")
    hours = {"mon": "08:30-17:00", "wed": "00:00-24:00", "sat": "22:00-24:00", "sun": "01:00-04:00"}
    start = datetime(2024, 3, 5, 13, 37, tzinfo=zone)
    ends = [start + timedelta(hours=hours) for hours in (0.5, 20, 77, 109, 126, 200, 300)]
    found = business_seconds(
        company(hours, "America/New_York"), [(f"{start:%F %T}", f"{end:%F %T}") for end in ends]
    )
    assert found == [_counted(start, end, hours) for end in ends]


def _counted(start: datetime, end: datetime, hours: dict[str, str]) -> float:
    """Minutes between two instants at which the clock on the wall shows an opening hour, in seconds."""
    utc = ZoneInfo("UTC")
    at, until, minutes = start.astimezone(utc), end.astimezone(utc), 0
    while at < until:
        local = at.astimezone(start.tzinfo)
        opens, closes = hours.get(f"{local:%a}".lower(), "24:00-24:00").split("-")
        minutes += opens <= f"{local:%H:%M}" < closes
        at += timedelta(minutes=1)
    return minutes * 60.0


def test_the_calendar_covers_a_company_without_tickets(engine_settings):
    engine = open_engine(engine_settings)
    days = ", ".join(
        f"cast(null as date) as {name}_on"
        for name in ("opened", "first_replied", "first_solution", "resolved")
    )
    engine.create_view("source_tickets", f"select {days} where false")
    engine.create_view(
        "source_contacts", "select date '2024-02-28' as started_on, cast(90000 as double) as wait_seconds"
    )
    engine.create_view(
        "source_holidays", "select cast(null as date) as day, true as is_working_day where false"
    )
    bind_calendar(engine, company())
    assert engine.columns("select * from calendar_days") == {
        "day": "date", "starts_at": "timestamp", "opens_seconds": "double", "closes_seconds": "double",
        "open_seconds_before": "double",
    }  # fmt: skip
    [(first, last)] = engine.rows("select min(day), max(day) from calendar_days")
    engine.close()
    assert (first, last) == (
        date(2024, 2, 28),
        date(2024, 3, 1),
    )  # answered 25 hours later: the day after at most
