"""The Book: one company's checked tables and facts for one period, open for questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.catalogue import Catalogue, Dimension, Metric, TableContract, Text, load_catalogue
from analysis.engine import Engine, open_engine
from analysis.errors import InputError
from analysis.facts.compile import (
    BY_WINDOW,
    DAYS_OF_TABLES,
    FACTS,
    KEPT,
    PER_WINDOW,
    days_of,
    fact_text,
    with_settings,
)
from analysis.facts.stretches import Stretches, find_stretches, over_windows, with_every_stretch
from analysis.params import Params, Settings, code_hash, content_hash, load_params
from analysis.periods import (
    MONTHS_IN,
    Period,
    Window,
    comparison_windows,
    instant,
    measured_window,
    parse_period,
    whole,
)
from analysis.tables.calendar import CALENDAR, bind_calendar
from analysis.tables.prepared import Prepared, prepare

_SQL_TYPES = {
    "text": "varchar", "instant": "timestamp", "date": "date", "money": "double", "number": "double",
    "integer": "bigint", "boolean": "boolean",
}  # fmt: skip

# Below so many days with rows, a silence at the end says nothing about whether the data are complete.
_DAYS_TO_JUDGE = 30

# A column that takes more values than this is no list of things to measure one by one.
_MOST_VALUES = 100


@dataclass(frozen=True)
class NotMeasured:
    """Why a thing is not measured, in place of the thing."""

    reason: str


@dataclass(frozen=True)
class Coverage:
    """The days the data cover: from the first day with a row up to, not including, ``end``.

    ``silence_days`` is the longest stretch without rows that is usual for the company: a period counts as
    covered when no more than that is missing at its edge.
    """

    start: date | None
    end: date | None
    silence_days: int

    @property
    def last_day(self) -> date | None:
        """The last day the data cover."""
        return self.end - timedelta(days=1) if self.end else None

    def begins_inside(self, window: Window) -> bool:
        """Whether the data begin only after the window has begun."""
        return self.start is not None and self.start > window.start + timedelta(days=self.silence_days)

    def includes(self, window: Window) -> bool:
        """Whether the data reach back to the window's beginning."""
        return not (self.is_before(window) or self.begins_inside(window))

    def is_before(self, window: Window) -> bool:
        """Whether the data begin after the whole window."""
        return self.start is not None and self.start >= window.end

    def is_after(self, window: Window) -> bool:
        """Whether the data ended before the window, longer ago than they are ever silent."""
        return self.end is not None and self.end + timedelta(days=self.silence_days) <= window.start


@dataclass(frozen=True)
class Book:
    """Settings, engine and facts of one run; what notebooks and the command line ask.

    Attributes
    ----------
    params, period
        The company's settings and the period asked for.
    window
        What of the period is measured: all of it, or its first days while it is still running.
    windows
        Every window that is measured, oldest first, ``window`` among them.
    baselines
        For each window's label, the labels of the windows it is compared with (``previous``, ``year_ago``).
    """

    params: Params
    period: Period
    prepared: Prepared
    coverage: Coverage
    window: Window
    windows: tuple[Window, ...]
    baselines: Mapping[str, Mapping[str, str]]

    @property
    def settings(self) -> Settings:
        """The company's settings."""
        return self.params.settings

    @cached_property
    def catalogue(self) -> Catalogue:
        """Every metric, table and dimension declared, with a metric for every value found where a record asks so."""
        declared = load_catalogue()
        wanted = [record for record in declared.for_several if not set(record.needs) & set(self.absent)]
        if not wanted:
            return declared
        return declared.with_values(
            {(record.id, record.each): self._named_values_of(record) for record in wanted}
        )

    @property
    def absent(self) -> tuple[str, ...]:
        """The tables of the catalogue that the company does not supply."""
        return tuple(name for name in load_catalogue().tables if name not in self.prepared.tables)

    @property
    def cut(self) -> date:
        """The first day nothing of which is known in this run: the window's end plus the settling days."""
        return self.window.end + timedelta(days=self.settings.settle_days)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything a reader sees: what the numbers depend on, and what values of the data are called."""
        return content_hash([self.fingerprint_of_numbers, self.settings.value_names])

    @cached_property
    def fingerprint_of_numbers(self) -> str:
        """A hash of everything the numbers depend on: the data, the settings, the period and the code."""
        windows = [(w.label, str(w.start), str(w.end)) for w in self.windows]
        return content_hash([self.prepared.content_hash, self.params.fingerprint, windows, code_hash()])

    @cached_property
    def setting_values(self) -> dict[str, Any]:
        """The settings that SQL and derived metrics may name, and ``known_until``, the first day not known."""
        values = self.settings.model_dump() | {"known_until": self.cut}
        return {key: value for key, value in values.items() if isinstance(value, str | int | float | date)}

    @cached_property
    def engine(self) -> Engine:
        """This process's own engine, with every table and fact (opened when first asked)."""
        tables = (f"source_{name}" for name in load_catalogue().tables)
        self._open([*tables, *FACTS])
        return self._engine

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self.settings.engine)

    @cached_property
    def _opened(self) -> set[str]:
        """The tables and facts that the engine has so far: opening all takes longer than most questions."""
        return set()

    def _open(self, names: Iterable[str]) -> None:
        """Make the tables and facts that are named, and what they are made of."""
        for name in names:
            if name not in self._opened:
                self._opened.add(name)
                self._make(name)

    def _make(self, name: str) -> None:
        if name == CALENDAR:
            self._open(["source_holidays", *(f"source_{table}" for table in DAYS_OF_TABLES)])
            return bind_calendar(self._engine, self.settings)
        if name not in FACTS:
            return self._bind_table(name.partition("_")[2])
        text = fact_text(name)
        self._open(_named_in(text))
        if name == "customer_stretches":
            sql = with_every_stretch(text, self._stretches)
        elif name in PER_WINDOW:
            windows = [self.setting_values | bounds for bounds in self._all_bounds]
            sql = over_windows(text, windows, self._stretches)
        else:
            sql = self.compile(text)
        (self._engine.create_table if name in KEPT else self._engine.create_view)(name, sql)

    @cached_property
    def _all_bounds(self) -> list[dict[str, Any]]:
        return [self._bounds(window) for window in self.windows]

    @cached_property
    def _stretches(self) -> Stretches:
        first_day = None if "orders" in self.absent else self.coverage.start
        base = self.settings.customer_base
        return find_stretches(map(fact_text, BY_WINDOW), self._all_bounds, first_day, self.cut, base)

    def ask(self, sql: str, **values: Any) -> pd.DataFrame:
        """The result of a query on the facts; ``$name`` stands for a setting or a value given here."""
        self._open(_named_in(sql))
        return self._engine.run(self.compile(sql, **values))

    @contextmanager
    def holding(self, name: str, sql: str) -> Iterator[str]:
        """The result of a query as a table of that name, in memory while it is asked for."""
        self._open(_named_in(sql))
        self._engine.create_table(name, self.compile(sql))
        try:
            yield name
        finally:
            self._engine.drop(name)

    def columns_of(self, fact: str) -> list[str]:
        """The names of a fact's columns."""
        self._open([fact])
        return list(self._engine.columns(f"select * from {fact}"))

    def coverage_of(self, fact: str) -> Coverage:
        """The days that a fact's own rows cover; the company's where its table is not supplied or bears no days."""
        if fact not in self._coverages:
            self._coverages[fact] = self._find_coverage_of(fact)
        return self._coverages[fact]

    @cached_property
    def _coverages(self) -> dict[str, Coverage]:
        return {}

    def _find_coverage_of(self, fact: str) -> Coverage:
        found = days_of(fact)
        if found is None or found[0] == "orders" or found[0] in self.absent:
            return self.coverage
        row = self.ask(_coverage_sql([f"select {found[2]} as day from {found[1]}"])).iloc[0]
        return _coverage_in(row, self.settings)

    def _named_values_of(self, record: Metric) -> dict[str, Text]:
        """The values that a record's column takes, and what each is called: as in the data where nobody says it."""
        called = {language: self.names_of(record.each, language) for language in ("en", "zh")}
        return {
            value: Text(**{language: names.get(value, value) for language, names in called.items()})
            for value in self._values_of(record)
        }

    def _values_of(self, record: Metric) -> list[str]:
        """The values that a record's column takes on the rows that belong to it, in order."""
        sql = (
            f"select cast({record.each} as varchar) as found, min({record.in_order_of or 0}) as place "
            f"from {record.fact} where ({record.where or 'true'}) and {record.each} is not null group by 1"
        )
        values = list(self.ask(sql).sort_values(["place", "found"])["found"])
        if len(values) > _MOST_VALUES:
            raise InputError(
                f"{record.id}: column {record.each} takes {len(values):,} values, such as {values[0]!r}; "
                f"at most {_MOST_VALUES} are measured one by one"
            )
        return values

    def names_of(self, dimension: str, language: str) -> dict[str, str]:
        """What the groups of a dimension are called in a language, those that have a name; every name bears one group.

        The settings say it first (``value_names``), then the company's own table of such things, then the
        catalogue. Several of one name bear their number or word in the data too.
        """
        if (dimension, language) not in self._names:
            self._names[dimension, language] = self._find_names_of(dimension, language)
        return self._names[dimension, language]

    @cached_property
    def _names(self) -> dict[tuple[str, str], dict[str, str]]:
        return {}

    def _find_names_of(self, dimension: str, language: str) -> dict[str, str]:
        record, given = load_catalogue().dimensions.get(dimension), self.settings.value_names
        in_table = self._names_in_table(record) if record else {}
        names = {group: name.in_(language) for group, name in record.groups.items()} if record else {}
        names |= {group: name for group, name in in_table.items() if name}
        groups = {*in_table}  # another's number is no name of one's own either
        for own in (given.get(record.same_groups_as, {}) if record else {}, given.get(dimension, {})):
            names |= {group: in_one_line(name[language]) for group, name in own.items() if language in name}
            groups |= {*own}
        borne = Counter([*names.values(), *groups])
        return {
            group: name if borne[name] == 1 or group == name else f"{name} ({group})"
            for group, name in names.items()
            if name
        }

    def _names_in_table(self, dimension: Dimension) -> dict[str, str]:
        """The groups in the company's own table of such things, with the names they have there; empty for none."""
        if dimension.named_by is None or dimension.named_by[0] in self.absent:
            return {}
        table, key, name = dimension.named_by
        rows = self.ask(
            f"select cast({key} as varchar) as id, coalesce(cast({name} as varchar), '') as name from source_{table}"
        )
        return {row.id: in_one_line(row.name) for row in rows.dropna().itertuples(index=False)}

    def histories(self, until: date) -> pd.DataFrame:
        """One row for each customer who had bought by ``until``: his purchase history, in days."""
        return self.ask(fact_text("histories"), histories_until=until)

    def compile(self, sql: str, **values: Any) -> str:
        """A statement with every ``$name`` filled in."""
        return with_settings(sql, self.setting_values | values) if "$" in sql else sql

    def compile_pretty(self, sql: str) -> str:
        """The same, laid out for a reader."""
        return with_settings(sql, self.setting_values, pretty=True)

    def instants(self, window: Window) -> tuple[Any, Any]:
        """The UTC instants, without zone, at which a window starts and ends."""
        zone = self.settings.time_zone
        return instant(window.start, zone), instant(window.end, zone)

    def _bind_table(self, name: str) -> None:
        contract = load_catalogue().tables[name]
        if name in self.prepared.tables:
            self._engine.view_parquet(f"checked_{name}", self.prepared.tables[name])
            known = _known_by(contract)
            sql = f"select * from checked_{name}" + (f" where {known} < date '{self.cut}'" if known else "")
        else:
            sql = _empty_table(contract)
        self._engine.create_view(f"source_{name}", sql)

    def _bounds(self, window: Window) -> dict[str, Any]:
        active = timedelta(days=self.settings.activity_window_days)
        earlier = comparison_windows(window)
        year_before_start, year_before_end = _a_year_before(window.start), _a_year_before(window.end)
        bounds = {
            "starts_on": window.start,
            "ends_on": window.end,
            "opening_from": window.start - active,
            "closing_from": window.end - active,
            "previous_starts_on": earlier["previous"].start,
            "previous_ends_on": earlier["previous"].end,
            "year_ago_starts_on": earlier["year_ago"].start,
            "year_ago_ends_on": earlier["year_ago"].end,
            "year_before_start_on": year_before_start,
            "year_before_end_on": year_before_end,
            "year_ago_active_from": year_before_end - active,
            "covers_previous": self.coverage.includes(earlier["previous"]),
            "covers_year_ago": self.coverage.includes(earlier["year_ago"]),
        }
        return {"period": window.label} | bounds


def open_book(params: str | Path | Params, period: str | Period) -> Book:
    """The Book of a company for a period: its tables checked and ready, its facts open for questions.

    Parameters
    ----------
    params
        A params file, or its loaded settings.
    period
        A label such as ``1997Q4``.

    Raises
    ------
    ParamsError, PeriodError, TablesError
        If the settings, the period or the company's files cannot be used; each says what to do.
    """
    loaded = params if isinstance(params, Params) else load_params(params)
    if not isinstance(period, Period):
        period = parse_period(period, loaded.settings.fiscal_year_start_month)
    return book_of(loaded, prepare(loaded), period)


def book_of(params: Params, prepared: Prepared, period: Period) -> Book:
    """The Book of a company's checked tables for a period."""
    coverage = find_coverage(params.settings, prepared)
    window = _window(period, coverage)
    windows, baselines = _windows_of_run(window, coverage, params.settings.sparkline_periods)
    return Book(params, period, prepared, coverage, window, windows, baselines)


def find_coverage(settings: Settings, prepared: Prepared) -> Coverage:
    """The days the company's orders cover; those of everything else that is dated, where it supplies no orders.

    Contracts say nothing of the days between their beginnings: where they make customers, and there are no orders, the
    data begin with the first of them, and their end is found from what else is dated, if anything is.

    The end is the setting ``data_through``; without it, the last day with an order. A silence at the end no
    longer than the longest seen before, or than a tenth of a quarter, is taken as usual.
    """
    dated = [name for name in DAYS_OF_TABLES if name in prepared.tables]
    dated = ["orders"] if "orders" in dated else dated
    by_contracts = (
        settings.customer_base != "orders" and "contracts" in prepared.tables and dated != ["orders"]
    )
    if not (dated or by_contracts):
        return Coverage(None, _after(settings.data_through), 0)
    engine = open_engine(settings.engine)
    for name in [*dated, *(["contracts"] if by_contracts else [])]:
        engine.view_parquet(f"checked_{name}", prepared.tables[name])
    days = [f"select {DAYS_OF_TABLES[name]} as day from checked_{name}" for name in dated]
    row = engine.run(_coverage_sql(days or ["select cast(null as date) as day"])).iloc[0]
    found = _coverage_in(row, settings)
    if by_contracts:
        first = engine.run("select min(starts_on) as day from checked_contracts")["day"].iloc[0]
        found = replace(found, start=min((day for day in (found.start, _day(first)) if day), default=None))
    engine.close()
    return found


def _day(value: Any) -> date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def _coverage_sql(days: Sequence[str]) -> str:
    """One row: the first and the last day with a row, the longest silence between, how many days there are."""
    return f"""
with days as (select distinct day from ({" union all ".join(days)}) dated where day is not null),
gaps as (select day, days_between(lag(day) over (order by day), day) as gap from days)
select min(day) as first_day, max(day) as last_day, max(gap) - 1 as longest_gap, count(*) as day_count
from gaps
"""


def _coverage_in(row: pd.Series, settings: Settings) -> Coverage:
    if pd.isna(row["first_day"]):
        return Coverage(None, _after(settings.data_through), 0)
    usual = max(int(row["longest_gap"] or 0) if pd.notna(row["longest_gap"]) else 0, 9)
    known_end = settings.data_through is not None or row["day_count"] >= _DAYS_TO_JUDGE
    end = _after(settings.data_through) or _after(row["last_day"].date())
    return Coverage(row["first_day"].date(), end if known_end else None, usual)


def _window(period: Period, coverage: Coverage) -> Window:
    """What of a period is measured, given today and where the data end."""
    today = date.today()
    if today < period.end:
        return measured_window(period, min(coverage.end or today, today))
    missing_days = (period.end - coverage.end).days if coverage.end else 0
    return whole(period) if missing_days <= coverage.silence_days else measured_window(period, coverage.end)


def _windows_of_run(
    window: Window, coverage: Coverage, trend_periods: int
) -> tuple[tuple[Window, ...], dict[str, dict[str, str]]]:
    """Every window to measure, and which is compared with which."""
    period = window.period
    reach = trend_periods - 1 + 12 // MONTHS_IN[period.kind]
    trend = [whole(period.shifted(-steps)) for steps in range(reach, 0, -1)]
    baselines = {w.label: {k: v.label for k, v in comparison_windows(w).items()} for w in trend}
    earlier = comparison_windows(window)
    baselines[window.label] = {name: other.label for name, other in earlier.items()}
    kept = [w for w in trend if not coverage.is_before(w) or w in earlier.values()]
    like_for_like = [w for w in earlier.values() if w not in kept]
    return tuple(dict.fromkeys([*sorted(like_for_like), *kept, window])), baselines


def in_one_line(text: str) -> str:
    """A text of the data as one line, without signs that nobody sees."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _known_by(contract: TableContract) -> str | None:
    """The column that says when a row became known."""
    for name, column in contract.columns.items():
        if column.required and column.type in ("instant", "date"):
            return f"{name.removesuffix('_at')}_on" if column.type == "instant" else name
    return None


def _empty_table(contract: TableContract) -> str:
    """A table of no rows with the contract's columns, so that facts on it still compile."""
    types = {name: _SQL_TYPES[column.type] for name, column in contract.columns.items()}
    instants = [name for name, column in contract.columns.items() if column.type == "instant"]
    types |= {f"{name.removesuffix('_at')}_on": "date" for name in instants} | contract.added
    return (
        "select "
        + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in types.items())
        + " where false"
    )


def _named_in(sql: str) -> list[str]:
    """The tables and facts that a statement reads, those in its comments left out."""
    read = re.findall(r"\b(?:from|join)\s+(\w+)", re.sub(r"--.*", "", sql), re.IGNORECASE)
    return [name for name in dict.fromkeys(read) if _is_ours(name)]


def _is_ours(name: str) -> bool:
    stage, _, table = name.partition("_")
    is_table = stage in ("source", "checked") and table in load_catalogue().tables
    return is_table or name in FACTS or name == CALENDAR


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _after(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None
