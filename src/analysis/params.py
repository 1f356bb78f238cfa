"""The settings of a run: typed, frozen, and checked against the catalogue in one message.

A company's file (``params/cdnow.yml``) overrides ``params/base.yml``, where every setting stands once with its
reason. Everything that is wrong with a file is said at once, with the nearest right name.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from analysis.catalogue import DEFAULT, Catalogue, load_catalogue, nearest
from analysis.errors import InputError

BASE_FILE = "base.yml"


class ParamsError(InputError):
    """What is wrong with a params file, all of it, one line each."""


class Setting(BaseModel):
    """Frozen; an unknown key is an error, and text never passes for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ColumnSource(Setting):
    """Where a column of the contract comes from in the user's own table, and how it is written there.

    ``column`` names the user's column, or ``constant`` gives one value for every row. ``format`` is a strptime
    format (or several, tried in turn), ``values`` maps the user's words to others.
    """

    column: str | None = None
    constant: str | int | float | None = None
    format: tuple[str, ...] = ()
    values: dict[str, str] = Field(default_factory=dict)

    @field_validator("format", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value)

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value


class TableSource(Setting):
    """One table as the user has it: the file, how it is written, and which column means what."""

    file: tuple[str, ...]
    columns: dict[str, ColumnSource]
    given_as: str | None = None
    format: Literal["csv", "parquet", "excel"] | None = None
    sheet: str | None = None
    separator: str | None = None
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: str | None = None
    time_zone: str | None = None
    missing: tuple[str, ...] = ("",)
    cancelled_when: str | None = None
    drop_repeated_rows: bool = False

    @field_validator("file", "missing", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value or ())

    @field_validator("columns", mode="before")
    @classmethod
    def _names_or_details(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {"column": own} if isinstance(own, str) else own for key, own in value.items()}

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        return value if value is None else _known_zone(value)


class Exclusion(Setting):
    """Rows that stay in the table but out of revenue, of customer histories, or of both."""

    where: str
    out_of: tuple[Literal["revenue", "histories"], ...] = ("revenue", "histories")
    reason: str = ""

    @field_validator("out_of", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value)


class EngineSettings(Setting):
    """Which engine runs the SQL, and how much of the machine it may take."""

    kind: Literal["duckdb"]
    threads: int | None = Field(ge=1)
    memory_limit: str | None


class Settings(Setting):
    """Every setting of a run. What each means and why it has its value stands in ``params/base.yml``."""

    company: str = Field(min_length=1)
    company_id: str | None
    currency: str
    languages: tuple[Literal["en", "zh"], ...] = Field(min_length=1)
    time_zone: str
    fiscal_year_start_month: int = Field(ge=1, le=12)
    data_through: Any
    settle_days: int = Field(ge=0, le=366)
    max_rejected_share: float = Field(ge=0, le=1)
    first_possible_date: Any

    activity_window_days: int = Field(ge=1, le=3660)
    frequent_orders: int = Field(ge=2)
    new_customers_by: Literal["acquired_on", "first_order"]
    gross_margin: float = Field(gt=0, le=1)
    discount_rate_per_year: float = Field(ge=0, lt=10)
    horizon_quarters: int = Field(ge=1, le=40)
    lifetime_cap_years: float = Field(gt=0)
    model: Literal["bg_nbd", "mbg_nbd", "auto"]
    at_risk_p_alive: float = Field(gt=0, lt=1)
    at_risk_value_share: float = Field(gt=0, le=1)
    model_draws: int = Field(ge=20, le=10_000)
    random_seed: int = Field(ge=0)

    confidence_level: float = Field(gt=0.5, lt=1)
    sparkline_periods: int = Field(ge=2, le=40)
    small_sample: int = Field(ge=1)
    dimensions: tuple[str, ...]
    variants: dict[str, str]
    headline_metrics: tuple[str, ...]
    pages: tuple[str, ...]
    exclusions: dict[str, Exclusion]
    engine: EngineSettings
    tables: dict[str, TableSource]

    @field_validator("languages", "dimensions", "headline_metrics", "pages", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("gross_margin", "discount_rate_per_year", "max_rejected_share", "lifetime_cap_years",
                     mode="before")  # fmt: skip
    @classmethod
    def _whole_numbers_are_numbers(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("data_through", "first_possible_date")
    @classmethod
    def _is_date(cls, value: Any) -> Any:
        from datetime import date, datetime

        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        raise ValueError("should be a date such as 2026-09-30")

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return _known_zone(value)


class Params(BaseModel):
    """The settings of one company, and where its files are."""

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    settings: Settings
    path: Path
    root: Path

    @property
    def company_id(self) -> str:
        """The folder name of the company's reports: ``company_id``, or the params file's name."""
        return self.settings.company_id or self.path.stem

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.settings.time_zone)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of every effective setting."""
        return content_hash(self.settings.model_dump(mode="json"))

    def resolve(self, file: str) -> Path:
        """Where a file named in the params lies: as given if absolute, else below the project."""
        return (self.root / file).resolve()


def load_params(path: str | Path, overrides: dict[str, Any] | None = None) -> Params:
    """The checked settings of a params file.

    Parameters
    ----------
    path
        The company's file. A relative path is looked for below the working folder and its parents, so that a
        notebook opened in ``notebooks/`` finds ``params/cdnow.yml``.
    overrides
        Settings that replace the file's (command-line options).

    Raises
    ------
    ParamsError
        One line for everything that is wrong, with the nearest right name.
    """
    file = _find(Path(path))
    own = _read(file)
    values = _merge(_read(_base_file(file)), own, overrides or {})
    problems = _unknown_keys(values)
    try:
        settings = Settings.model_validate(_without_unknown(values))
    except ValidationError as error:
        problems += [_in_words(one) for one in error.errors()]
    problems += _against_catalogue(values, load_catalogue())
    if problems:
        listed = "\n".join(f"  - {line}" for line in dict.fromkeys(problems))
        raise ParamsError(f"{file.name} cannot be used:\n{listed}")
    return Params(settings=settings, path=file, root=_root(file))


def content_hash(value: Any) -> str:
    """A short hash of plain values."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A short hash of the workbook's own code, SQL and declarations: results of other code are not reused."""
    package = Path(__file__).parent
    files = sorted(file for file in package.rglob("*") if file.suffix in (".py", ".sql", ".yml"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(package)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _find(path: Path) -> Path:
    if path.is_absolute():
        candidates = [path]
    else:
        candidates = [folder / path for folder in (Path.cwd(), *Path.cwd().parents)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise ParamsError(f"there is no params file {str(path)!r}: give the path of a file such as params/cdnow.yml")


def _base_file(file: Path) -> Path:
    """``base.yml`` beside the file, else the workbook's own."""
    beside = file.with_name(BASE_FILE)
    return beside if beside.is_file() else Path(__file__).resolve().parents[2] / "params" / BASE_FILE


def _root(file: Path) -> Path:
    """The folder that relative paths start from: above ``params/``, else the file's own."""
    return file.parent.parent if file.parent.name == "params" else file.parent


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{file.name} is not readable YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ParamsError(f"{file.name} should hold `setting: value` lines, found a {type(values).__name__}")
    return values


def _merge(*layers: dict[str, Any]) -> dict[str, Any]:
    """Later layers win; the settings of ``engine`` are merged one by one."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = key == "engine" and isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


def _unknown_keys(values: dict[str, Any]) -> list[str]:
    known = Settings.model_fields
    return [f"{key}: there is no such setting{nearest(key, known)}" for key in values if key not in known]


def _without_unknown(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key in Settings.model_fields}


_KEYS_AT = {"tables": TableSource, "columns": ColumnSource, "exclusions": Exclusion, "engine": EngineSettings}


def _in_words(error: dict[str, Any]) -> str:
    """One validation error as `where: what is wrong, what was found`."""
    location = [str(part) for part in error["loc"]]
    where = ".".join(location)
    if error["type"] == "extra_forbidden":
        model = next((m for part, m in reversed(_KEYS_AT.items()) if part in location[:-1]), Settings)
        return f"{where}: there is no such setting{nearest(location[-1], model.model_fields)}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    found = error.get("input")
    message = error["msg"].removeprefix("Value error, ")
    options = error.get("ctx", {}).get("expected")
    hint = nearest(str(found), [o.strip("' ") for o in options.replace(" or ", ",").split(",")]) if options else ""
    return f"{where}: {message[0].lower() + message[1:]}; found {found!r}{hint}"


def _against_catalogue(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Names in the settings that the catalogue does not know, and required columns that are not mapped.

    Looks at the values as written, so that these are said together with the wrong types.
    """
    problems: list[str] = []
    for metric_id, variant in _mapping(values, "variants").items():
        if metric_id not in catalogue.metrics:
            problems.append(f"variants.{metric_id}: there is no such metric{nearest(metric_id, catalogue.metrics)}")
        elif variant not in (known := (DEFAULT, *catalogue.metrics[metric_id].variants)):
            problems.append(f"variants.{metric_id}: there is no variant {variant!r}{nearest(variant, known)}")
    for key, known in (
        ("headline_metrics", catalogue.metrics),
        ("dimensions", catalogue.dimensions),
        ("pages", catalogue.pages),
    ):
        names = values.get(key)
        problems += [
            f"{key}: there is no {name!r}{nearest(name, known)}"
            for name in (names if isinstance(names, list | tuple) else ())
            if name not in known
        ]
    for name, source in _mapping(values, "tables").items():
        problems += _table_problems(name, source, catalogue)
    return problems


def _table_problems(name: str, source: Any, catalogue: Catalogue) -> list[str]:
    where = f"tables.{name}"
    if name not in catalogue.tables:
        return [f"{where}: there is no such table{nearest(name, catalogue.tables)}"]
    contract, form = catalogue.tables[name], source.get("given_as") if isinstance(source, dict) else None
    if form is not None and form not in contract.given_as:
        return [f"{where}.given_as: {form!r} is unknown{nearest(form, contract.given_as)}"]
    columns, mapped = contract.columns_given_as(form), _mapping(source, "columns")
    problems = [
        f"{where}.columns.{column}: table {name} has no such column{nearest(column, columns)}"
        for column in mapped
        if column not in columns
    ]
    problems += [
        f"{where}.columns.{column}: is required and not mapped"
        for column, rule in columns.items()
        if rule.required and column not in mapped
    ]
    problems += [
        f"{where}.columns.{column}: give either `column` or `constant`"
        for column, given in mapped.items()
        if isinstance(given, dict) and (given.get("column") is None) == (given.get("constant") is None)
    ]
    return problems


def _mapping(values: Any, key: str) -> dict[str, Any]:
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"there is no time zone {name!r}{nearest(name, available_timezones())}")
    return name
