"""What the service page shows beside the KPI frame: teams, the queue by hour, repeat contacts, the backlog."""

from __future__ import annotations

import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.periods import Window
from analysis.report.kpi_tables import with_variants
from analysis.report.kpis_shown import chosen, comparisons
from analysis.report.numbers_shown import format_number, format_percent
from analysis.report.pages.breakdowns import figures_by, missing_from
from analysis.suite import Results

BLOCKS = {
    "speed": (
        "first_response_time", "response_time", "first_solution_time", "resolution_time", "turnaround_time",
    ),
    "quality": (
        "first_contact_resolution", "reopen_rate", "transfers_per_ticket", "sla_attainment",
        "return_contact_rate",
    ),
    "reachability": ("response_rate", "service_level", "abandonment_rate"),
    "load": (
        "inbound_contacts", "contacts_per_agent", "contacts_per_customer", "handling_time", "occupancy",
    ),
    "self_service": (
        "automation_rate", "bot_containment_rate", "self_service_rate", "knowledge_base_use_rate",
        "knowledge_base_helpful_rate",
    ),
    "cost": ("service_cost", "cost_per_contact", "unit_contribution"),
}  # fmt: skip
"""The metrics of each table of figures, in the order shown."""

TIMED = "resolution_time"
"""The time by which periods and teams are drawn."""

OF_TEAMS = (TIMED, "first_response_time", "first_contact_resolution", "sla_attainment", "reopen_rate")
OF_CHANNELS = ("service_level", "abandonment_rate", "response_time")
OF_TOPICS = ("self_service_rate", "knowledge_base_helpful_rate")
AGE_LIMITS_DAYS = (0, 1, 3, 7, 14, 30)
"""Where each band of the backlog's ages begins; the last one is open."""


# --- figures ------------------------------------------------------------------------------------------


def block_metrics(book: Book, block: str) -> list[Metric]:
    """The metrics of a block, each under the run's variant first, then under the others.

    ``elapsed`` is left out where no working hours are set, since it then says the same as the default.

    Raises
    ------
    KeyError
        If there is no such block.
    """
    listed = with_variants(book, BLOCKS[block])
    always_open = not book.settings.working_hours
    return [metric for metric in listed if not (always_open and metric.variant == "elapsed")]


# --- teams --------------------------------------------------------------------------------------------


def teams_that_moved(results: Results) -> pd.DataFrame:
    """The changes of teams in time to resolve that are better or worse than in the previous window for sure.

    The worst come first; the frame of changes with ``low, high, n`` of the figure.
    """
    figures, changes = figures_by(results, "team", OF_TEAMS)
    rows = changes[(changes["metric"] == TIMED) & (changes["against"] == "previous")]
    rows = rows[rows["verdict"].isin(["better", "worse"])]
    sizes = figures[["metric", "variant", "period", "group", "low", "high", "n"]]
    rows = rows.merge(sizes, on=["metric", "variant", "period", "group"], how="left")
    return rows.sort_values(["verdict", "value"], ascending=False, ignore_index=True)


# --- the queue by hour --------------------------------------------------------------------------------

_QUEUE_SQL = """
select coalesce(channel, '') as channel, started_on, hour(utc_to_local(started_at, $time_zone)) as hour,
  sum(case when is_offered then 1 else 0 end) as offered,
  sum(case when is_offered and is_abandoned then 1 else 0 end) as abandoned,
  {counted}
from contacts
where started_on >= $first_day and started_on < $end_day
group by 1, 2, 3
"""


def queue_by_hour(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each weekday and local hour in which somebody waited: what came in, and how it went.

    Only channels in which somebody gave up waiting in the period: by email, nobody stands in a queue. Where
    nobody gave up at all, every channel counts.

    Returns
    -------
    DataFrame or NotMeasured
        ``weekday`` (0 is Monday), ``hour``, ``offered``, ``offered_per_day`` (over the days of that weekday in
        the window), and for the two rates, each under the run's variant, ``…_hits``, ``…_base`` and the rate
        itself: ``abandonment_rate``, ``service_level``.
    """
    return results.remember("queue_by_hour", lambda: _queue_by_hour(results))


def _queue_by_hour(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "contacts")
    if missing:
        return missing
    rates = [chosen(book, book.catalogue.metrics[name]) for name in ("abandonment_rate", "service_level")]
    counted = ",\n  ".join(column for rate in rates for column in _rate_columns(rate))
    rows = book.ask(_QUEUE_SQL.format(counted=counted), first_day=book.window.start, end_day=book.window.end)
    rows = rows[rows["offered"] > 0]
    live = queued_channels(rows)
    rows = rows[rows["channel"].isin(live)]
    if rows.empty:
        return NotMeasured("no_rows")
    rows = rows.assign(weekday=pd.to_datetime(rows["started_on"]).dt.day_of_week)
    sums = rows.groupby(["weekday", "hour"]).sum(numeric_only=True).reset_index()
    days = pd.date_range(book.window.start, book.window.last_day).day_of_week.value_counts()
    sums["offered_per_day"] = sums["offered"] / sums["weekday"].map(days)
    for rate in rates:
        base = sums[f"{rate.id}_base"]
        sums[rate.id] = sums[f"{rate.id}_hits"] / base.where(base > 0)
    sums.attrs["channels"] = [name for name in live if name]
    return sums


def _rate_columns(rate: Metric) -> list[str]:
    of_whom = f"({rate.where or 'true'}) and ({rate.of}) is not null"
    return [
        f"sum(case when {of_whom} then 1 else 0 end) as {rate.id}_base",
        f"sum(case when {of_whom} and ({rate.of}) then 1 else 0 end) as {rate.id}_hits",
    ]


def queued_channels(rows: pd.DataFrame) -> list[str]:
    """The channels in which somebody gave up waiting, by name; all of them where nobody did."""
    abandoned = rows.groupby("channel")["abandoned"].sum()
    queued = abandoned[abandoned > 0] if abandoned.any() else abandoned
    return sorted(queued.index)


# --- repeat contacts ----------------------------------------------------------------------------------

_REPEATS_SQL = """
with placed as (
  select
    coalesce(topic, '') as topic,
    started_at,
    started_on,
    lag(started_at) over (partition by customer_id, coalesce(topic, '') order by started_at, contact_id)
      as earlier_at
  from contacts
  where is_inbound and customer_id is not null
)
select
  topic,
  count(*) as contacts,
  sum(case when seconds_between(earlier_at, started_at) < 86400 * $first_contact_days then 1 else 0 end)
    as repeats
from placed
where started_on >= $first_day and started_on < $end_day
group by topic
"""


def repeats_by_topic(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each topic, most repeat contacts first.

    A contact is a repeat where its customer had made one about the same topic within the days in which a case
    counts as solved in the first contact.

    Returns
    -------
    DataFrame or NotMeasured
        ``topic`` (empty where none is stated), ``contacts`` (inbound, of known customers), ``repeats``, ``rate, low,
        high`` (Wilson), ``share`` of all repeats, and ``cumulative`` from the first topic on.
    """
    return results.remember("repeats_by_topic", lambda: _repeats_by_topic(results))


def _repeats_by_topic(results: Results) -> pd.DataFrame | NotMeasured:
    from analysis.metrics.intervals import wilson_interval

    book = results.book
    missing = missing_from(book, "contacts")
    if missing:
        return missing
    rows = book.ask(_REPEATS_SQL, first_day=book.window.start, end_day=book.window.end)
    if rows.empty:
        return NotMeasured("no_rows")
    rows = rows.sort_values(
        ["repeats", "contacts", "topic"], ascending=[False, False, True], ignore_index=True
    )
    low, high = wilson_interval(rows["repeats"], rows["contacts"], book.settings.confidence_level)
    share = rows["repeats"] / rows["repeats"].sum() if rows["repeats"].any() else 0.0
    rows = rows.assign(rate=rows["repeats"] / rows["contacts"], low=low, high=high, share=share)
    return rows.assign(cumulative=rows["share"].cumsum())


def repeats_note(results: Results, rows: pd.DataFrame, language: str) -> str:
    """What a repeat is, and how many of all contacts are."""
    repeats, contacts = int(rows["repeats"].sum()), int(rows["contacts"].sum())
    return label(
        "service_page.repeats_note", language, days=results.book.settings.first_contact_days,
        repeats=format_number(repeats, language), contacts=format_number(contacts, language),
        rate=format_percent(repeats / contacts, language),
    )  # fmt: skip


# --- the backlog --------------------------------------------------------------------------------------

_OPEN_SQL = """
select
  days_between(opened_on, $end_day) as age_days,
  count(*) as tickets,
  sum(case when due_on < $end_day then 1 else 0 end) as overdue
from tickets
where opened_on < $end_day and (resolved_on is null or resolved_on >= $end_day)
group by 1
"""


def open_by_age(results: Results) -> pd.DataFrame | NotMeasured:
    """One row for each band of ages and each window: the tickets open at the window's end.

    Returns
    -------
    DataFrame or NotMeasured
        ``against`` (``own``, and ``previous`` and ``year_ago`` where tickets are known that far back), ``period,
        from_days`` (the band begins there), ``tickets, overdue`` (due by then).
    """
    return results.remember("open_by_age", lambda: _open_by_age(results))


def _open_by_age(results: Results) -> pd.DataFrame | NotMeasured:
    book = results.book
    missing = missing_from(book, "tickets")
    if missing:
        return missing
    windows = {"own": book.window}
    for against in comparisons(book):
        label = book.baselines[book.window.label][against]
        window = next((each for each in book.windows if each.label == label), None)
        if window and book.coverage_of("tickets").includes(window):
            windows[against] = window
    parts = [
        _open_at(book, window).assign(against=key, period=window.label) for key, window in windows.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _open_at(book: Book, window: Window) -> pd.DataFrame:
    rows = book.ask(_OPEN_SQL, end_day=window.end)
    # The day a ticket is opened on counts as its first: it is less than a day old at the day's end.
    limits = [*AGE_LIMITS_DAYS, float("inf")]
    band = pd.cut(rows["age_days"].astype(float), limits, labels=list(AGE_LIMITS_DAYS))
    sums = rows.groupby(band, observed=False)[["tickets", "overdue"]].sum()
    return (
        sums.rename_axis("from_days")
        .reset_index()
        .astype(dict.fromkeys(["from_days", "tickets", "overdue"], int))
    )


def band_key(from_days: int) -> str:
    """The name under which a band's words are kept: ``0_1``, ``30``."""
    place = AGE_LIMITS_DAYS.index(from_days)
    return "_".join(map(str, AGE_LIMITS_DAYS[place : place + 2]))
