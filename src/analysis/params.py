"""The settings of a run: typed, frozen, and checked against the catalogue in one message.

A company's file (``params/cdnow.yml``) overrides ``params/base.yml``, where every setting stands once with
its reason. Everything that is wrong with a file is said at once, with the nearest right name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from analysis.catalogue import DEFAULT, Catalogue, Page, Text, load_catalogue, nearest
from analysis.errors import InputError

BASE_FILE = "base.yml"
DELIVERY_SETTINGS = {"analyst_edition", "pdf", "mail", "smallest_cell", "own_pages", "page_timeout_minutes"}
"""Settings of what is made of the numbers and who gets it; they change no number."""
NAMES_OF_VALUES = "value_names"
"""The setting that says what values of the data are called. It changes no number either, but every page that says one:
``Params.fingerprint`` leaves it out, so that what was measured is not measured again, ``Book.fingerprint`` has it, so
that a report, its letters and its rows in the mart under other names are another run."""
NAMED_TOO = ("question_dimension",)  # columns whose values are shown, beside the dimensions
NUMBER_TYPES = ("money", "number", "integer")
PRESETS_FOLDER = "sources"  # beside the base file: how the exports of systems in wide use are written


class ParamsError(InputError):
    """What is wrong with a params file, all of it, one line each."""


def _several(value: Any) -> Any:
    """One word, or a list of words, as a tuple; anything else is left for the type to refuse."""
    return (value,) if isinstance(value, str) else _listed(value)


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _column_or_several(value: Any) -> Any:
    """As ``_several``; what is neither is refused as no text, since most columns are one word."""
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"should be text; found {value!r}")
    return _several(value)


def _not_empty(value: Any) -> Any:
    if not value:
        raise ValueError("should not be empty")
    return value


OneOrSeveral = BeforeValidator(_several)
List = BeforeValidator(_listed)
NotEmpty = AfterValidator(_not_empty)
Mark = Annotated[str, StringConstraints(min_length=1, max_length=1)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Setting(BaseModel):
    """Frozen; an unknown key is an error, and text never passes for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ColumnSource(Setting):
    """Where a column of the contract comes from in the user's own table, and how it is written there.

    ``column`` names the user's column, or several whose texts are joined by a space (a day and a time);
    ``constant`` gives one value for every row, ``row_number`` the row's place in the file, as a key where there
    is none. ``format`` is a strptime format (or several, tried in turn), ``values`` maps the user's words to
    others, ``missing`` lists words that mean nothing in this column, beside the table's own; ``multiply_by`` turns
    numbers in another unit into ours (0.01 for cents, 10000 for 万元). ``only_with`` names
    another of our columns: where that one is empty, this one is too (a deal's closing date is only a plan until it
    has an outcome).
    """

    column: Annotated[tuple[str, ...], BeforeValidator(_column_or_several), NotEmpty] | None = None
    constant: str | int | float | None = None
    row_number: bool = False
    format: Annotated[tuple[str, ...], OneOrSeveral] = ()
    values: dict[str, str] = Field(default_factory=dict)
    missing: Annotated[tuple[str, ...], OneOrSeveral] = ()
    multiply_by: float | None = Field(default=None, gt=0)
    only_with: str | None = None

    @field_validator("constant", mode="before")
    @classmethod
    def _dates_are_written_out(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value


class Unpivot(Setting):
    """Columns of a wide table that become rows: their name goes to one new column, their value to another.

    ``columns`` are names or patterns (``sq*_1``) of the user's columns; ``name_to`` and ``value_to`` name two
    columns that the table has in their place.
    """

    columns: Annotated[tuple[str, ...], OneOrSeveral, NotEmpty]
    name_to: str
    value_to: str

    @model_validator(mode="after")
    def _names_differ(self) -> Unpivot:
        if self.name_to == self.value_to:
            raise ValueError(f"name_to and value_to are both {self.name_to!r}: one column cannot hold both")
        return self


class InOrderOf(Setting):
    """The user's column that says which of several rows is the last, and how it is written there."""

    column: str
    format: Annotated[tuple[str, ...], OneOrSeveral] = ()


class TableSource(Setting):
    """One table as the user has it: the file, how it is written, and which column means what.

    ``like`` names the export of a system in wide use (``zoho_crm.en/deals``) whose preset says the rest; what is
    said here beside it wins. By the time a table is checked, it holds both.
    ``rows`` are the rows themselves, in place of a file; where they need no translation, ``columns`` may be
    left out. ``lines_above_header`` are passed over: a title, the day of the export. Rows that meet
    ``ignore_when`` are passed over; of those left, ``keep_last_per`` keeps the last one for each value of these
    columns, by ``in_order_of``, else by their order in the file; what is then left is turned by ``unpivot``.
    """

    like: str | None = None
    file: Annotated[tuple[str, ...], OneOrSeveral, NotEmpty] = ()
    rows: Annotated[tuple[dict[str, str | int | float | bool | None], ...], List, NotEmpty] = ()
    columns: dict[str, ColumnSource]
    given_as: str | None = None
    format: Literal["csv", "parquet", "excel"] | None = None
    sheet: str | None = None
    separator: Mark | None = None
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Mark | None = None
    time_zone: str | None = None
    missing: Annotated[tuple[str, ...], OneOrSeveral] = ("",)
    lines_above_header: int = Field(default=0, ge=0, le=1000)
    ignore_when: str | None = None
    keep_last_per: Annotated[tuple[str, ...], OneOrSeveral] = ()
    in_order_of: InOrderOf | None = None
    unpivot: Unpivot | None = None
    cancelled_when: str | None = None
    drop_repeated_rows: bool = False

    @model_validator(mode="before")
    @classmethod
    def _rows_may_have_our_names(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "rows" not in value or "columns" in value:
            return value
        return value | {"columns": _names_in(value["rows"])}

    @field_validator("rows", mode="before")
    @classmethod
    def _cells_are_plain(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple(_plain_row(number, row) for number, row in enumerate(value, start=1))

    @field_validator("columns", mode="before")
    @classmethod
    def _names_or_details(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: own if isinstance(own, dict) else {"column": own} for key, own in value.items()}

    @field_validator("in_order_of", mode="before")
    @classmethod
    def _name_or_details(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        return value if value is None else _known_zone(value)

    @model_validator(mode="after")
    def _marks_differ(self) -> TableSource:
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: a number could not be read")
        return self

    @model_validator(mode="after")
    def _order_is_of_something(self) -> TableSource:
        if self.in_order_of and not self.keep_last_per:
            raise ValueError("in_order_of says which row is the last: keep_last_per says for each of what")
        return self


def _names_in(rows: Any) -> dict[str, str]:
    """The columns that rows name, each for ours of the same name."""
    named = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list | tuple) else []
    return {str(name): str(name) for row in named for name in row}


def _plain_row(number: int, row: Any) -> dict[str, Any]:
    """A row of the settings with dates written out."""
    if not isinstance(row, dict):
        raise ValueError(f"row {number} should hold `column: value` pairs, such as {{day: 2026-10-01}}")
    for name, cell in row.items():
        if not isinstance(cell, str | int | float | date | None):
            raise ValueError(f"row {number}: {name} should be one text, number or date; found {cell!r}")
    return {str(name): str(cell) if isinstance(cell, date) else cell for name, cell in row.items()}


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


class MailServer(Setting):
    """The server that mail is handed to. User and password come from the environment, never from here."""

    host: Annotated[str, NotEmpty]
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    timeout_seconds: float = Field(default=30, gt=0, le=600)


class Recipient(Setting):
    """Who gets the report, under a name; the address comes from the environment variable of that name.

    ``slice`` gives him one group of a dimension instead of the whole company; ``each`` stands for one recipient
    for every group, named like it.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] | None = None
    language: Literal["en", "zh"] | None = None
    slice: dict[Literal["account_manager", "account_team"], str] | None = None
    each: Literal["account_manager", "account_team"] | None = None

    @model_validator(mode="after")
    def _is_one_or_each(self) -> Recipient:
        if self.each and (self.slice or self.name):
            raise ValueError(
                "give either `slice` or `each`; `each` needs no `name`, as groups have their own"
            )
        if not self.each and self.name is None:
            raise ValueError("give a `name`: WORKBOOK_MAIL_TO_<NAME> holds the address")
        return self


class MailSettings(Setting):
    """Who is mailed what, and through which server."""

    server: MailServer | None = None
    recipients: Annotated[tuple[Recipient, ...], List] = ()
    attach: Annotated[tuple[Literal["report", "pdf", "excel"], ...], List] = ("report", "excel")
    link: str | None = None

    @field_validator("recipients")
    @classmethod
    def _each_name_once(cls, value: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
        names = [one.name.upper() for one in value if one.name]
        twice = [one.name for one in value if one.name and names.count(one.name.upper()) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is named more than once")
        return value


class OwnTheme(Setting):
    """Words of comments that make a theme of the company's own, or are added to one of the catalogue's."""

    name: dict[Literal["en", "zh"], str] = Field(default_factory=dict)
    words: dict[Literal["en", "zh"], Annotated[tuple[str, ...], List]]


def _in_both_languages(value: Any) -> Any:
    """One text for both languages; where only one language is given, the other has its words too."""
    if isinstance(value, str):
        return {"en": value, "zh": value}
    given = [text for text in value.values() if text] if isinstance(value, dict) else []
    return dict.fromkeys(("en", "zh"), given[0]) | value if len(given) == 1 else value


Words = Annotated[dict[Literal["en", "zh"], str], BeforeValidator(_in_both_languages), NotEmpty]


def _name_of_value(value: Any) -> Any:
    """One name for both languages, or a name for each or for one of them; a name is one line and not empty."""
    names = {"en": value, "zh": value} if isinstance(value, str) else value
    if not isinstance(names, dict) or not names:
        raise ValueError("should be a name, or one for each language, such as {en: Proposal, zh: 方案报价}")
    for language, name in names.items():
        if language not in (known := ("en", "zh")):
            raise ValueError(f"there is no language {language!r}{nearest(str(language), known)}")
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"the name in {language} should be text")
    return names


NameOfValue = Annotated[dict[Literal["en", "zh"], str], BeforeValidator(_name_of_value)]


def _values_are_words(value: Any) -> Any:
    """Values of the data as the words they are: a code that YAML reads as a number, a year, a day."""
    return {str(key): name for key, name in value.items()} if isinstance(value, dict) else value


NamesOfValues = Annotated[dict[str, NameOfValue], BeforeValidator(_values_are_words)]


class OwnPage(Setting):
    """A page of the company's own: where its notebook lies below the project, what it is called and answers.

    ``title`` and ``question`` are one text, or one for each language.
    """

    notebook: Annotated[str, StringConstraints(pattern=r"\.ipynb$")]
    title: Words
    question: Words = Field(default_factory=lambda: {"en": "", "zh": ""})

    @property
    def id(self) -> str:
        """What the page is called on the command line: its notebook's name."""
        return Path(self.notebook).stem


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
            raise ValueError("should be an ISO code of three capital letters, such as EUR")
        return value

    @field_validator("working_hours", mode="after")
    @classmethod
    def _hours_open_before_they_close(cls, value: dict[str, str]) -> dict[str, str]:
        for day, hours in value.items():
            found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)", hours)
            if not found or hours[:5] >= hours[6:]:
                raise ValueError(f"{day}: should be written as 09:00-18:00, the opening before the closing")
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
            raise ValueError(f"{twice[0]!r} is named more than once")
        return value

    @field_validator("data_through", "first_possible_date", mode="before")
    @classmethod
    def _is_date(cls, value: Any) -> Any:
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        raise ValueError("should be a date that exists, written as 2026-09-30 without quotation marks")

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return _known_zone(value)


class Params(BaseModel):
    """The settings of one company, and where its files are."""

    model_config = ConfigDict(frozen=True)

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

    @property
    def fingerprint(self) -> str:
        """A hash of every setting that a number may depend on."""
        without = DELIVERY_SETTINGS | {NAMES_OF_VALUES}
        return content_hash(self.settings.model_dump(mode="json", exclude=without))

    @property
    def pages(self) -> dict[str, Page]:
        """Every page that can be made: the workbook's, then the company's own."""
        return load_catalogue().pages | {one.id: self._page_of(one) for one in self.settings.own_pages}

    def _page_of(self, own: OwnPage) -> Page:
        file = self.resolve(own.notebook)
        return Page(
            id=own.id, notebook=file.name, folder=str(file.parent), title=Text(**own.title),
            question=Text(**own.question),
        )  # fmt: skip

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
    base = _base_file(file)
    values, problems = _with_presets(_merge(_read(base), own, overrides or {}), base)
    problems += _unknown_keys(values)
    try:
        settings = Settings.model_validate(_without_unknown(values))
    except ValidationError as error:
        problems += [_in_words(one) for one in error.errors()]
    problems += _against_catalogue(values, load_catalogue())
    if problems:
        listed = "\n".join(f"  - {line}" for line in dict.fromkeys(problems))
        raise ParamsError(f"{file.name} cannot be used:\n{listed}")
    return Params(settings=settings, path=file, root=_root(file))


def is_folder_name(name: str) -> bool:
    """Whether a name can be that of a company's folder: one folder, hidden nowhere, on any system."""
    return re.fullmatch(r"[^\W_][\w .-]*(?<![ .])", name) is not None


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
    folders = (Path.cwd(), *Path.cwd().parents)
    for candidate in [path] if path.is_absolute() else [folder / path for folder in folders]:
        if candidate.is_file():
            return candidate.resolve()
    here = sorted(found for found in Path.cwd().glob("params/*.yml") if found.name != BASE_FILE)
    known = nearest(str(path), [found.relative_to(Path.cwd()).as_posix() for found in here])
    raise ParamsError(
        f"there is no params file {str(path)!r}{known or ': give the path of a file such as params/cdnow.yml'}; "
        "`workbook new mycompany` begins one of your own"
    )


def _base_file(file: Path) -> Path:
    """``base.yml`` beside the file, else the workbook's own."""
    beside = file.with_name(BASE_FILE)
    return beside if beside.is_file() else own_files() / "params" / BASE_FILE


def own_files() -> Path:
    """The folder of the workbook's own ``params/`` and ``notebooks/``: the checkout, or in a wheel its copy of them."""
    package = Path(__file__).resolve().parent
    copied = package / "_project"
    return copied if copied.is_dir() else package.parents[1]


def _root(file: Path) -> Path:
    """The folder that relative paths start from: above ``params/``, else the file's own."""
    return file.parent.parent if file.parent.name == "params" else file.parent


def _read(file: Path) -> dict[str, Any]:
    try:
        values = yaml.load(file.read_text(encoding="utf-8-sig"), _Loader)
    except OSError as error:
        raise ParamsError(f"{file} cannot be read: {error.strerror}; let this user read it") from None
    except UnicodeDecodeError as error:
        raise ParamsError(
            f"{file.name} is not readable YAML: {error}; save it as UTF-8 in your editor"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).replace('"<unicode string>", ', "").split())
        advice = "each level stands two spaces further in than the one above; a colon is followed by a space"
        raise ParamsError(f"{file.name} is not readable YAML: {said}; {advice}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ParamsError(f"{file.name} should hold `setting: value` lines, found a {type(values).__name__}")
    return values


class _Loader(yaml.SafeLoader):
    """YAML in which no setting is written twice, and what only looks like a date or a number stays text.

    ``no``, ``on`` and ``01`` are words and codes of a company's data, as in YAML 1.2; 31 June is no date.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node."""
        written = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in written:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is written twice", key.start_mark
                )
            written.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)

    def construct_date(self, node: yaml.ScalarNode) -> Any:
        """The date or instant of a node."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_TAG = "tag:yaml.org,2002:"
_NARROWER = {
    _TAG + "bool": ("true|True|false|False", "tTfF"),
    _TAG + "int": ("[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _NARROWER]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, (_pattern, _firsts) in _NARROWER.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"^({_pattern})$"), list(_firsts))
_Loader.add_constructor(_TAG + "timestamp", _Loader.construct_date)


def _merge(*layers: dict[str, Any]) -> dict[str, Any]:
    """Later layers win; the settings of ``engine`` and ``mail`` are merged one by one."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = key in ("engine", "mail") and isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


# --- Presets --------------------------------------------------------------------------------------------------


def _with_presets(values: dict[str, Any], base: Path) -> tuple[dict[str, Any], list[str]]:
    """The values with every table that is ``like`` an export filled in, and what is wrong with those names."""
    own, problems = _mapping(values, "tables"), []
    filled: dict[str, Any] = {}
    for name, source in own.items():
        like = _mapping(own, name).get("like")
        try:
            filled[name] = _like(source, _preset(like, name, base)) if isinstance(like, str) else source
        except ParamsError as error:  # what its columns are is then not known, and not asked
            problems.append(f"tables.{name}.like: {error}")
    return (values | {"tables": filled} if own else values), problems


def _preset(like: str, table: str, base: Path) -> dict[str, Any]:
    """The settings of a table that ``system.language/export`` stands for."""
    found = re.fullmatch(r"(\w+)\.(\w+)/(\w+)", like)
    if not found:
        raise ParamsError(f"{like!r} should be written as system.language/export, such as zoho_crm.en/deals")
    system, language, export = found.groups()
    files = _preset_files(base)
    if system not in files:
        raise ParamsError(f"there is no preset {system!r}{nearest(system, files)}")
    known = _read(files[system])
    if language not in known:
        raise ParamsError(f"{system} has no headers in {language!r}{nearest(language, known)}")
    exports = _mapping(known, language)
    if export not in exports:
        raise ParamsError(f"{system}.{language} has no export {export!r}{nearest(export, exports)}")
    preset = {**_mapping(exports, export)}
    if (fills := preset.pop("table", None)) != table:
        raise ParamsError(f"{like} fills the table {fills}, not {table}")
    return preset


def _preset_files(base: Path) -> dict[str, Path]:
    """The presets by name: those beside the base file, and the workbook's own."""
    folders = (own_files() / "params" / PRESETS_FOLDER, base.parent / PRESETS_FOLDER)
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yml"))}


def _like(own: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    """A table as the preset has it, but for what the company says itself; ``column: null`` leaves one out."""
    given = own.get("columns") or {}
    if not isinstance(given, dict):
        return preset | own  # its type is refused later
    columns = preset["columns"] | {
        name: _column_like(one, preset["columns"].get(name)) for name, one in given.items()
    }
    return preset | own | {"columns": {name: one for name, one in columns.items() if one is not None}}


def _column_like(own: Any, preset: Any) -> Any:
    """A column as the preset has it, but for what the company says; words that ``values`` maps are added to."""
    if own is None or preset is None:
        return own
    own, preset = (one if isinstance(one, dict) else {"column": one} for one in (own, preset))
    if any(key in own for key in _ORIGINS):
        preset = {key: value for key, value in preset.items() if key not in _ORIGINS}
    if isinstance(own.get("values"), dict):
        own = own | {"values": _mapping(preset, "values") | own["values"]}
    return preset | own


_ORIGINS = ("column", "constant", "row_number")


def _unknown_keys(values: dict[str, Any]) -> list[str]:
    known = Settings.model_fields
    return [f"{key}: there is no such setting{nearest(key, known)}" for key in values if key not in known]


def _without_unknown(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key in Settings.model_fields}


# Where pydantic speaks of types, say what a reader would write.
_EXPECTED = {
    "string_type": "should be text",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "tuple_type": "should be a list, such as [a, b]",
    "dict_type": "should hold `name: value` lines",
    "model_type": "should hold `name: value` lines",
    "model_attributes_type": "should hold `name: value` lines",
}


def _in_words(error: dict[str, Any]) -> str:
    """One validation error as `where: what is wrong, what was found`."""
    location = [str(part) for part in error["loc"]]
    where, found, kind = ".".join(location), error.get("input"), error["type"]
    if kind == "extra_forbidden":
        return f"{where}: there is no such setting{nearest(location[-1], _model_at(location).model_fields)}"
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "value_error" and location[0] in ("tables", "time_zone"):
        return f"{where}: {error['ctx']['error']}"  # these say what was found themselves
    shown = str(found) if isinstance(found, date) else repr(found)
    said = error["ctx"]["error"] if kind == "value_error" else error["msg"].replace("Input should", "should")
    return f"{where}: {_EXPECTED.get(kind, said)}; found {shown}{_meant(found, error.get('ctx', {}))}"


def _model_at(location: list[str]) -> type[Setting]:
    """The settings that may stand where this one does."""
    if location[0] == "own_pages":
        return OwnPage
    inside = {"unpivot": Unpivot, "in_order_of": InOrderOf}
    of_table = TableSource if len(location) <= 3 else inside.get(location[2], ColumnSource)
    of_mail = (
        {"server": MailServer, "recipients": Recipient}.get(location[1], MailSettings)
        if len(location) > 2
        else MailSettings
    )
    found = {"engine": EngineSettings, "exclusions": Exclusion, "mail": of_mail, "tables": of_table}
    return found.get(location[0], Settings)


def _meant(found: Any, context: dict[str, Any]) -> str:
    """`; did you mean …?` where one of the words allowed is near."""
    words = re.findall(r"'(\w+)'", str(context.get("expected", "")))
    hint = nearest(str(found), words)
    return hint if "did you mean" in hint else ""


def _against_catalogue(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Names in the settings that the catalogue does not know, and required columns that are not mapped.

    Looks at the values as written, so that these are said together with the wrong types.
    """
    problems: list[str] = []
    for metric_id, variant in _mapping(values, "variants").items():
        if metric_id not in catalogue.metrics:
            problems.append(
                f"variants.{metric_id}: there is no such metric{nearest(metric_id, catalogue.metrics)}"
            )
        elif variant not in (known := (DEFAULT, *catalogue.metrics[metric_id].variants)):
            problems.append(f"variants.{metric_id}: there is no variant {variant!r}{nearest(variant, known)}")
    for key, known in (
        ("headline_metrics", catalogue.metrics),
        ("dimensions", catalogue.dimensions),
        ("pages", [*catalogue.pages, *_own_page_ids(values)]),
    ):
        problems += [
            f"{key}: there is no {name!r}{nearest(name, known)}"
            for name in _names(values.get(key))
            if name not in known
        ]
    problems += [
        f"{NAMES_OF_VALUES}.{name}: there is no such dimension{nearest(name, known)}"
        for known in [(*catalogue.dimensions, *NAMED_TOO)]
        for name in _mapping(values, NAMES_OF_VALUES)
        if name not in known
    ]
    problems += _own_page_problems(values, catalogue)
    for name, source in _mapping(values, "tables").items():
        problems += _table_problems(name, source, catalogue)
    return problems


def _own_page_ids(values: dict[str, Any]) -> list[str]:
    """The pages of the company's own, by the names of their notebooks."""
    given = values.get("own_pages")
    pages = [one for one in given if isinstance(one, dict)] if isinstance(given, list | tuple) else []
    return [Path(one["notebook"]).stem for one in pages if isinstance(one.get("notebook"), str)]


def _own_page_problems(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Pages that would be written over another's file."""
    own = _own_page_ids(values)
    taken = {*catalogue.pages, *(Path(page.notebook).stem for page in catalogue.pages.values())}
    return [
        f"own_pages: {name!r} is the name of another page; give the notebook a name of its own, such as my_{name}"
        for place, name in enumerate(own)
        if name in taken or name in own[:place]
    ]


def _table_problems(name: str, source: Any, catalogue: Catalogue) -> list[str]:
    where = f"tables.{name}"
    if name not in catalogue.tables:
        return [f"{where}: there is no such table{nearest(name, catalogue.tables)}"]
    if not isinstance(source, dict):
        return []  # its type is refused already
    problems = []
    if ("file" in source) == ("rows" in source):
        problems = [
            f"{where}: give either `file` or `rows`" if "file" in source else f"{where}.file: is missing"
        ]
    contract, form = catalogue.tables[name], source.get("given_as")
    if isinstance(form, str) and form not in contract.given_as:
        return [*problems, f"{where}.given_as: {form!r} is unknown{nearest(form, contract.given_as)}"]
    columns, mapped = contract.columns_given_as(str(form)), _mapping(source, "columns")
    if "rows" in source and "columns" not in source:
        mapped = _names_in(source["rows"])
    problems += [
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
        f"{where}.columns.{column}.multiply_by: {column} holds no numbers"
        for column, given in mapped.items()
        if _is_set(given, "multiply_by") and column in columns and columns[column].type not in NUMBER_TYPES
    ]
    return [*problems, *_origin_problems(where, mapped), *_only_with_problems(where, mapped)]


def _origin_problems(where: str, mapped: dict[str, Any]) -> list[str]:
    """Columns whose values have no origin, or more than one."""
    problems = []
    for column, given in mapped.items():
        origins = [key for key in _ORIGINS if _is_set(given, key)]
        if given is None or (isinstance(given, dict) and len(origins) != 1):
            several = f", not {' and '.join(origins)} together" if "row_number" in origins else ""
            problems.append(f"{where}.columns.{column}: give either `column` or `constant`{several}")
    return problems


def _only_with_problems(where: str, mapped: dict[str, Any]) -> list[str]:
    """Columns that depend on one that is not mapped, or that depends on another itself."""
    depend = {name: given["only_with"] for name, given in mapped.items() if _is_set(given, "only_with")}
    return [
        f"{where}.columns.{name}.only_with: {other!r} is no other mapped column{nearest(str(other), known)}"
        for name, other in depend.items()
        if other not in (known := [one for one in mapped if one != name and one not in depend])
    ]


def _is_set(given: Any, key: str) -> bool:
    return isinstance(given, dict) and given.get(key) not in (None, False)


def _names(value: Any) -> list[str]:
    """The names a list setting holds; what is no text is refused by its type."""
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple) else []


def _mapping(values: Any, key: str) -> dict[str, Any]:
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _known_zone(name: str) -> str:
    zones = available_timezones() - {"localtime"}  # the machine's own: another machine, other quarters
    if name not in zones:
        raise ValueError(f"there is no time zone {name!r}{nearest(name, zones)}")
    return name
