"""The Book: one company's checked tables and facts for one period, open for questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.catalogue import Catalogue, TableContract, load_catalogue
from analysis.engine import Engine, open_engine
from analysis.facts.compile import BY_WINDOW, FACTS, fact_text, with_settings
from analysis.facts.stretches import find_stretches, over_windows, with_every_stretch
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
from analysis.tables.prepared import Prepared, prepare

_SQL_TYPES = {
    "text": "varchar", "instant": "timestamp", "date": "date", "money": "double", "number": "double",
    "integer": "bigint", "boolean": "boolean",
}  # fmt: skip

# Below so many days with orders, a silence at the end says nothing about whether the data are complete.
_ORDER_DAYS_TO_JUDGE = 30


@dataclass(frozen=True)
class NotMeasured:
    """Why a thing is not measured, in place of the thing."""

    reason: str


@dataclass(frozen=True)
class Coverage:
    """The days the data cover: from the first day with an order up to, not including, ``end``.

    ``silence_days`` is the longest stretch without orders that is usual for the company: a period counts as
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

    @property
    def catalogue(self) -> Catalogue:
        """Every metric, table and dimension declared."""
        return load_catalogue()

    @property
    def absent(self) -> tuple[str, ...]:
        """The tables of the catalogue that the company does not supply."""
        return tuple(name for name in self.catalogue.tables if name not in self.prepared.tables)

    @property
    def cut(self) -> date:
        """The first day nothing of which is known in this run: the window's end plus the settling days."""
        return self.window.end + timedelta(days=self.settings.settle_days)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything the numbers depend on: the data, the settings, the period and the code."""
        windows = [(w.label, str(w.start), str(w.end)) for w in self.windows]
        return content_hash([self.prepared.content_hash, self.params.fingerprint, windows, code_hash()])

    @cached_property
    def setting_values(self) -> dict[str, Any]:
        """The settings that SQL and derived metrics may name."""
        values = self.settings.model_dump()
        return {key: value for key, value in values.items() if isinstance(value, str | int | float | date)}

    @cached_property
    def _engine_without_windows(self) -> Engine:
        """This process's own engine, with every table, and every fact that is not by window, as a view."""
        engine = open_engine(self.settings.engine)
        for name, contract in self.catalogue.tables.items():
            self._bind_table(engine, name, contract)
        for name in FACTS:
            if name not in BY_WINDOW:
                engine.create_view(name, self.compile(fact_text(name)))
        return engine

    @cached_property
    def engine(self) -> Engine:
        """This process's own engine, with every table and fact (opened when first asked)."""
        windows = [self._bounds(window) for window in self.windows]
        texts = {name: fact_text(name) for name in BY_WINDOW}
        stretches = find_stretches(texts.values(), windows, self.coverage.start, self.cut)
        engine = self._engine_without_windows
        engine.create_table("customer_stretches", with_every_stretch(texts["customer_stretches"], stretches))
        engine.create_view(
            "year_before_buyers", over_windows(texts["year_before_buyers"], windows, stretches)
        )
        engine.create_table("value_cutoffs", texts["value_cutoffs"])
        engine.create_view("customer_periods", over_windows(texts["customer_periods"], windows, stretches))
        return engine

    def ask(self, sql: str, **values: Any) -> pd.DataFrame:
        """The result of a query on the facts; ``$name`` stands for a setting or a value given here."""
        by_window = any(name in sql for name in BY_WINDOW)
        engine = self.engine if by_window else self._engine_without_windows  # many questions need no windows
        return engine.run(self.compile(sql, **values))

    def histories(self, until: date) -> pd.DataFrame:
        """One row for each customer who had bought by ``until``: his purchase history, in days."""
        return self.ask(fact_text("histories"), histories_until=until)

    def compile(self, sql: str, **values: Any) -> str:
        """A statement with every ``$name`` filled in."""
        return with_settings(sql, self.setting_values | values)

    def compile_pretty(self, sql: str) -> str:
        """The same, laid out for a reader."""
        return with_settings(sql, self.setting_values, pretty=True)

    def instants(self, window: Window) -> tuple[Any, Any]:
        """The UTC instants, without zone, at which a window starts and ends."""
        zone = self.settings.time_zone
        return instant(window.start, zone), instant(window.end, zone)

    def _bind_table(self, engine: Engine, name: str, contract: TableContract) -> None:
        if name in self.prepared.tables:
            engine.view_parquet(f"checked_{name}", self.prepared.tables[name])
            known = _known_by(contract)
            sql = f"select * from checked_{name}" + (f" where {known} < date '{self.cut}'" if known else "")
        else:
            sql = _empty_table(contract)
        engine.create_view(f"source_{name}", sql)

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
    """The days the company's orders cover.

    The end is the setting ``data_through``; without it, the last day with an order. A silence at the end no
    longer than the longest seen before, or than a tenth of a quarter, is taken as usual.
    """
    if "orders" not in prepared.tables:
        return Coverage(None, _after(settings.data_through), 0)
    engine = open_engine(settings.engine)
    engine.view_parquet("checked_orders", prepared.tables["orders"])
    row = engine.run(_COVERAGE).iloc[0]
    engine.close()
    if pd.isna(row["first_day"]):
        return Coverage(None, _after(settings.data_through), 0)
    usual = max(int(row["longest_gap"] or 0) if pd.notna(row["longest_gap"]) else 0, 9)
    known_end = settings.data_through is not None or row["order_days"] >= _ORDER_DAYS_TO_JUDGE
    end = _after(settings.data_through) or _after(row["last_day"].date())
    return Coverage(row["first_day"].date(), end if known_end else None, usual)


_COVERAGE = """
with days as (select distinct ordered_on from checked_orders),
gaps as (select ordered_on, days_between(lag(ordered_on) over (order by ordered_on), ordered_on) as gap from days)
select min(ordered_on) as first_day, max(ordered_on) as last_day, max(gap) - 1 as longest_gap, count(*) as order_days
from gaps
"""


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


def _known_by(contract: TableContract) -> str | None:
    """The column that says when a row became known."""
    for name, column in contract.columns.items():
        if column.required and column.type in ("instant", "date"):
            return f"{name.removesuffix('_at')}_on" if column.type == "instant" else name
    return None


def _empty_table(contract: TableContract) -> str:
    """A table of no rows with the contract's columns, so that facts on it still compile."""
    types = {name: _SQL_TYPES[column.type] for name, column in contract.columns.items()} | contract.added
    return (
        "select "
        + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in types.items())
        + " where false"
    )


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _after(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None
