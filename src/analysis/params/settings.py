"""Every setting of a run, with its type and what it may be."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from analysis.catalogue import say_problem
from analysis.params.fields import List, NotEmpty, OneOrSeveral, Setting, Weekday, known_zone
from analysis.params.mailing import MailSettings
from analysis.params.own_words import NamesOfValues, OwnPage, OwnTheme
from analysis.params.table_sources import TableSource

DELIVERY_SETTINGS = {"analyst_edition", "pdf", "mail", "smallest_cell", "own_pages", "page_timeout_minutes"}
"""Settings of what is made of the numbers and who gets it; they change no number."""
NAMES_OF_VALUES = "value_names"
"""The setting that says what values of the data are called. It changes no number either, but every page that says one:
``Params.fingerprint`` leaves it out, so that what was measured is not measured again, ``Book.fingerprint`` has it, so
that a report, its letters and its rows in the mart under other names are another run."""


class Exclusion(Setting):
    """Rows that stay in the table but out of revenue, of customer histories, or of both."""

    where: str
    out_of: Annotated[tuple[Literal["revenue", "histories"], ...], OneOrSeveral, NotEmpty] = (
        "revenue", "histories",
    )  # fmt: skip
    reason: str = ""


class EngineSettings(Setting):
    """Which engine runs the SQL, and how much of the machine it may take.

    ``master`` is Spark's, such as ``local[2]`` or ``spark://host:7077``; DuckDB has none.
    """

    kind: Literal["duckdb", "spark"]
    master: str | None
    threads: int | None = Field(ge=1)
    memory_limit: str | None


class Settings(Setting):
    """Every setting of a run. What each means and why it has its value stands in ``params/base.yml``."""

    company: Annotated[str, StringConstraints(strip_whitespace=True), NotEmpty]
    company_id: str | None
    currency: str
    languages: Annotated[tuple[Literal["en", "zh"], ...], List, NotEmpty]
    time_zone: str
    fiscal_year_start_month: int = Field(ge=1, le=12)
    data_through: date | None
    settle_days: int = Field(ge=0, le=366)
    max_rejected_share: float = Field(ge=0, le=1)
    first_possible_date: date | None

    activity_window_days: int = Field(ge=1, le=3660)
    frequent_orders: int = Field(ge=2)
    new_customers_by: Literal["acquired_on", "first_order"]
    customer_base: Literal["orders", "contracts", "either"]
    renewal_grace_days: int = Field(ge=0, le=366)
    lead_conversion_days: int = Field(ge=1, le=3660)
    stage_conversion_days: int = Field(ge=1, le=3660)
    survey_answer_days: int = Field(ge=1, le=366)
    survey_minimum_answers: int = Field(ge=1)
    survey_maximum_age_days: int = Field(ge=1, le=3660)
    first_contact_days: int = Field(ge=1, le=366)
    self_service_days: int = Field(ge=1, le=366)
    service_level_seconds: int = Field(ge=1, le=86_400)
    working_hours: dict[Weekday, str]
    holidays_country: str | None
    comment_themes: dict[str, OwnTheme]
    comment_words_ignored: Annotated[tuple[str, ...], List]

    gross_margin: float = Field(gt=0, le=1)
    discount_rate_per_year: float = Field(ge=0, lt=10)
    horizon_quarters: int = Field(ge=1, le=40)
    lifetime_cap_years: float = Field(gt=0, allow_inf_nan=False)
    model: Literal["bg_nbd", "mbg_nbd", "auto"]
    at_risk_p_alive: float = Field(gt=0, lt=1)
    at_risk_value_share: float = Field(gt=0, le=1)
    model_draws: int = Field(ge=20, le=10_000)
    random_seed: int = Field(ge=0)

    confidence_level: float = Field(gt=0.5, lt=1)
    sparkline_periods: int = Field(ge=2, le=40)
    small_sample: int = Field(ge=1)
    value_names: dict[str, NamesOfValues]
    dimensions: Annotated[tuple[str, ...], List]
    variants: dict[str, str]
    headline_metrics: Annotated[tuple[str, ...], List]
    pages: Annotated[tuple[str, ...], List, NotEmpty]
    own_pages: Annotated[tuple[OwnPage, ...], List]
    exclusions: dict[str, Exclusion]
    engine: EngineSettings
    page_timeout_minutes: float = Field(gt=0, le=10_000)
    analyst_edition: bool
    pdf: bool
    mail: MailSettings
    smallest_cell: int = Field(ge=1)
    tables: dict[str, TableSource]

    @field_validator("company_id")
    @classmethod
    def _is_a_folder_name(cls, value: str | None) -> str | None:
        if value is not None and not is_folder_name(value):
            raise ValueError("should be the name of one folder: letters, digits, - and _")
        return value

    @field_validator("currency")
    @classmethod
    def _is_a_currency_code(cls, value: str) -> str:
        if not re.fullmatch("[A-Z]{3}", value):
            raise ValueError(say_problem("should_be_a_currency"))
        return value

    @field_validator("working_hours", mode="after")
    @classmethod
    def _hours_open_before_they_close(cls, value: dict[str, str]) -> dict[str, str]:
        for day, hours in value.items():
            found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)", hours)
            if not found or hours[:5] >= hours[6:]:
                raise ValueError(say_problem("should_be_hours", day=day))
        return value

    @field_validator("holidays_country")
    @classmethod
    def _is_a_country_code(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("[A-Z]{2}", value):
            raise ValueError("should be an ISO code of two capital letters, such as CN")
        return value

    @field_validator("languages", "dimensions", "headline_metrics", "pages")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for name in value if value.count(name) > 1]
        if twice:
            raise ValueError(say_problem("named_twice", name=twice[0]))
        return value

    @field_validator("data_through", "first_possible_date", mode="before")
    @classmethod
    def _is_date(cls, value: Any) -> Any:
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        raise ValueError(say_problem("should_be_a_day"))

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return known_zone(value)


def is_folder_name(name: str) -> bool:
    """Whether a name can be that of a company's folder: one folder, hidden nowhere, on any system."""
    return re.fullmatch(r"[^\W_][\w .-]*(?<![ .])", name) is not None
