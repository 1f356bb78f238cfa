"""The business calendar: when the company is open on each day, so that facts can tell business time.

**Business seconds** from one instant to a later one are the clock at the later one less the clock at the
earlier one, where the clock says how long the company has been open since the calendar began. A fact joins the
calendar twice, by the local day that every instant has beside it, and never converts a zone::

    select tickets.*, closing.open_seconds_before
        + seconds_open_by(closing.starts_at, closing.opens_seconds, closing.closes_seconds, resolved_at)
        - opening.open_seconds_before
        - seconds_open_by(opening.starts_at, opening.opens_seconds, opening.closes_seconds, opened_at)
        as resolution_seconds
    from source_tickets as tickets
    left join calendar_days as opening on opening.day = tickets.opened_on
    left join calendar_days as closing on closing.day = tickets.resolved_on

``seconds_open_by`` is a function of ours (``engine/macros_*.sql``): how long the company is open on a day until
an instant of that day; NULL where there is none. Without working hours the company is always open, and business
seconds are elapsed seconds.

**Changes of the clock.** Everything counts real seconds from the instant at which the local day begins, so a
day of 23 hours that opens at nine opens 8 hours after it began.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from analysis.catalogue import nearest
from analysis.engine import Engine
from analysis.tables import TablesError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.params import Settings

CALENDAR = "calendar_days"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "00:00-24:00"
_UTC = ZoneInfo("UTC")

# The tables whose instants are told in business time, and the local days these fall on. A contact is answered so
# many seconds after it began; nobody waits longer than a year.
_ANSWERED_BY = "add_days(started_on, cast(floor(least(wait_seconds, 31622400) / 86400) as bigint) + 1)"
_DAYS = {
    "tickets": ("opened_on", "first_replied_on", "first_solution_on", "resolved_on"),
    "contacts": ("started_on", _ANSWERED_BY),
}


@dataclass(frozen=True)
class Exceptions:
    """Days that are not as their weekday is: closed ones, and worked ones such as make-up Saturdays."""

    closed: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def overruled_by(self, own: Exceptions) -> Exceptions:
        """These, but where the other ones say something of a day, that counts."""
        return Exceptions((self.closed - own.worked) | own.closed, (self.worked - own.closed) | own.worked)


NO_EXCEPTIONS = Exceptions()


def bind_calendar(engine: Engine, settings: Settings) -> None:
    """Makes the view ``calendar_days`` over all days of ``source_tickets`` and ``source_contacts``.

    One row for each local day: ``day``; ``starts_at``, the instant (UTC) at which it begins; ``opens_seconds``
    and ``closes_seconds``, counted from ``starts_at`` and equal on a day that is closed; ``open_seconds_before``,
    how long the company was open from the first day of the calendar to the beginning of this one.

    Raises
    ------
    TablesError
        If there are no public holidays known for the country of the settings.
    """
    first, last = _days_of_data(engine)
    own = _own_exceptions(engine.rows("select day, is_working_day from source_holidays"))
    engine.view_frame("calendar_rows", calendar_frame(settings, first, last, own))
    engine.create_view(CALENDAR, _CALENDAR_SQL)


_CALENDAR_SQL = """
select cast(day as date) as day, cast(starts_at as timestamp) as starts_at, opens_seconds, closes_seconds,
  open_seconds_before
from calendar_rows"""


def calendar_frame(
    settings: Settings, first: date, last: date, own: Exceptions = NO_EXCEPTIONS
) -> pd.DataFrame:
    """The business calendar from the first day to the last, as ``bind_calendar`` describes it.

    Parameters
    ----------
    own
        What the company's own table of holidays says; it overrules the country's public holidays.
    """
    import pandas as pd

    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    hours = settings.working_hours
    if hours:
        public = public_exceptions(settings.holidays_country, {day.year for day in days})
        exceptions = public.overruled_by(own)
    else:
        exceptions = NO_EXCEPTIONS
    zone = ZoneInfo(settings.time_zone)
    rows = [_calendar_row(day, _hours_of(day, hours, exceptions), zone) for day in days]
    calendar = pd.DataFrame(rows, columns=["day", "starts_at", "opens_seconds", "closes_seconds"])
    open_seconds = calendar["closes_seconds"] - calendar["opens_seconds"]
    return calendar.assign(
        day=pd.to_datetime(calendar["day"]), open_seconds_before=open_seconds.cumsum() - open_seconds
    )


def public_exceptions(country: str | None, years: Collection[int]) -> Exceptions:
    """The public holidays of a country, and the weekends its people work to make up for them.

    Raises
    ------
    TablesError
        If no holidays are known for the country.
    """
    if country is None:
        return NO_EXCEPTIONS
    import holidays

    known = holidays.list_supported_countries()
    if country not in known:
        raise TablesError(
            f"holidays_country: no public holidays are known for {country!r}{nearest(country, known)}"
        )
    public = holidays.country_holidays(country, years=sorted(years))
    return Exceptions(frozenset(public), frozenset(public.weekend_workdays))


def _own_exceptions(rows: Iterable[tuple[date, bool | None]]) -> Exceptions:
    listed = [(_as_day(day), bool(is_working_day)) for day, is_working_day in rows]
    worked = frozenset(day for day, is_working_day in listed if is_working_day)
    return Exceptions(frozenset(day for day, _ in listed) - worked, worked)


def _days_of_data(engine: Engine) -> tuple[date, date]:
    """The first and the last day that any instant to be told in business time falls on."""
    ends = [
        f"select min({day}) as first, max({day}) as last from source_{table}"
        for table, days in _DAYS.items()
        for day in days
    ]
    [(first, last)] = engine.rows(f"select min(first), max(last) from ({' union all '.join(ends)})")
    today = date.today()
    return (today, today) if first is None else (_as_day(first), _as_day(last))


def _as_day(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day


def _hours_of(day: date, hours: Mapping[str, str], exceptions: Exceptions) -> str | None:
    """The opening hours of a day; None where it is closed.

    A weekend day that is worked has the hours of its weekday, else those of the first working day of the week.
    """
    if not hours:
        return ALWAYS
    own = hours.get(WEEKDAYS[day.weekday()])
    if day in exceptions.worked:
        return own or next(hours[weekday] for weekday in WEEKDAYS if weekday in hours)
    return None if day in exceptions.closed else own


def _calendar_row(day: date, hours: str | None, zone: ZoneInfo) -> tuple[date, datetime, float, float]:
    starts_at = _instant(day, "00:00", zone)
    opens, closes = (hours or "00:00-00:00").split("-")
    seconds = ((_instant(day, at, zone) - starts_at).total_seconds() for at in (opens, closes))
    return day, starts_at, *seconds


def _instant(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The instant (UTC, without zone) of a local time.

    Of a time that occurs twice the earlier one, so that a day begins at its first instant; a time that is skipped
    moves ahead by the gap.
    """
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(clock), zone)
    return local.astimezone(_UTC).replace(tzinfo=None)
