"""The frozen records in which tables, metrics, dimensions and pages are declared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT = "default"

Kind = Literal[
    "total", "count", "share", "mean", "ratio", "net_share", "quantile", "concentration", "derived",
    "modelled",
]  # fmt: skip
Unit = Literal["share", "money", "count", "number", "days", "seconds", "score"]
_BOUNDS_OF_KINDS = {"share": (0.0, 1.0), "net_share": (-100.0, 100.0), "count": (0.0, None)}


class Record(BaseModel):
    """A declaration: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Record):
    """The same words in both languages."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """The words in one language."""
        return getattr(self, language)


class Column(Record):
    """One column of a table's contract."""

    type: Literal["text", "instant", "date", "money", "number", "integer", "boolean"]
    meaning: Text
    required: bool = False  # the column must be mapped, and every row must fill it
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    default: Any = None  # stands in a column that is not mapped
    may_lie_ahead: bool = False  # a future day is no typing error, such as when a contract ends
    may_be_month: bool = False  # a month without a day means its first, as costs are booked
    first_day_after: bool = False  # the first on which something no longer runs; others may name the last


class Example(Record):
    """A worked example of a definition: what goes in, what comes out, and where it is printed."""

    given: dict[str, float]
    gives: float
    note: Text | None = None


class TableContract(Record):
    """What a table must hold: one row for what, its key, its columns."""

    id: str
    name: Text
    row: Text
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    given_as: dict[str, dict[str, Column]] = Field(default_factory=dict)  # other grains it is built from
    amount: str | None = None  # the column whose sum the data-quality page shows
    added: dict[str, str] = Field(default_factory=dict)  # columns that checking adds, with their SQL types

    def columns_given_as(self, form: str | None) -> dict[str, Column]:
        """The columns a source of this form may map."""
        return self.given_as.get(form, self.columns) if form else self.columns


class Metric(Record):
    """One metric, under one variant: what is counted, over what, and how it is said."""

    id: str
    family: str
    name: Text
    meaning: Text
    kind: Kind
    unit: Unit
    better: Literal["up", "down", "neither"]
    fact: str | None = None
    at: str | None = None
    where: str | None = None
    of: str | None = None
    per: str | None = None
    top: float | None = None
    quantile: float | None = None
    value: str | None = None
    last_per: tuple[str, ...] = ()  # of rows alike in these columns, only the last by `at` in a window counts
    each: str | None = None  # one metric for every value of this column, with the id `<id>.<value>`
    groups: dict[str, Text] = Field(default_factory=dict)  # those values, where the data are not to say
    in_order_of: str | None = None  # with `each`: values come by this column's lowest value, else by name
    one_of: tuple[str, str] | None = None  # such a metric's column and value, set when it is made
    sampled: bool | None = None
    independent: bool = True  # derived: whether the operands' errors are unrelated
    looks_back_to: Literal["previous", "year_ago"] | None = None  # not measured where data begin later
    needs: tuple[str, ...] = ()
    needs_any: tuple[str, ...] = ()  # at least one of these tables
    additive: bool = False  # groups of a dimension without overlap sum to the whole
    # What no figure lies beyond; SQL says it of a row.
    bounds: tuple[float | str | None, float | str | None] | None = None
    shown: bool = True
    note: Text | None = None
    example: Example | None = None
    misprint: Text | None = None  # what a source document prints in place of it, and why that is not it
    bands: dict[str, float] = Field(default_factory=dict)
    seed_document: str | None = None
    variant: str = DEFAULT
    variant_name: Text | None = None
    variants: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_complete(self) -> Metric:
        wanted = {
            "total": ("fact", "of"), "count": ("fact",), "share": ("fact", "of"), "mean": ("fact", "of"),
            "ratio": ("fact", "of", "per"), "net_share": ("fact", "of"),
            "quantile": ("fact", "of", "quantile"), "concentration": ("fact", "of", "top"),
            "derived": ("value",), "modelled": (),
        }[self.kind]  # fmt: skip
        missing = [field for field in wanted if getattr(self, field) is None]
        if missing:
            raise ValueError(f"metric {self.id}: kind {self.kind} needs {', '.join(missing)}")
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise ValueError(f"metric {self.id}: quantile {self.quantile} is not between 0 and 1")
        if self.last_per and self.at is None:
            raise ValueError(f"metric {self.id}: last_per needs `at`, the time by which a row is the last")
        return self

    @property
    def is_sampled(self) -> bool:
        """Whether chance is in the number: an interval is due, and a change can be noise."""
        if self.sampled is not None:
            return self.sampled
        return self.kind in ("share", "mean", "ratio", "net_share", "quantile", "modelled")

    @property
    def numeric_bounds(self) -> tuple[float, float]:
        """The lowest and the highest value there can be, as far as they are the same for every company."""
        given = self.bounds or _BOUNDS_OF_KINDS.get(self.kind, (None, None))
        low, high = (bound if isinstance(bound, float) else None for bound in given)
        return -math.inf if low is None else low, math.inf if high is None else high

    def under(self, variant: str) -> Metric:
        """The metric under one of its variants (口径)."""
        if variant == self.variant:
            return self
        if variant == DEFAULT or variant not in self.variants:
            raise KeyError(variant)
        fields = self.model_dump() | self.variants[variant] | {"variant": variant}
        return Metric(**fields)

    def all_variants(self) -> list[Metric]:
        """The default definition first, then every variant."""
        return [self, *(self.under(variant) for variant in self.variants)]

    def for_each(self, names: Mapping[str, Text]) -> list[Metric]:
        """The metrics this record stands for: one for every value of its column ``each``.

        Parameters
        ----------
        names
            What each value is called, in the order wanted.
        """
        return [self._for_value(value, name) for value, name in names.items()]

    @property
    def where_of_all(self) -> str | None:
        """The condition on rows, without that on the value this metric is about."""
        if self.one_of is None:
            return self.where
        where = self.where.removesuffix(_equals(*self.one_of)).removesuffix(" and ")
        return where or None

    def _for_value(self, value: str, name: Text) -> Metric:
        def narrowed(where: str | None) -> str:
            return (f"({where}) and " if where else "") + _equals(self.each, value)

        variants = {
            variant: fields | ({"where": narrowed(fields["where"])} if "where" in fields else {})
            for variant, fields in self.variants.items()
        }
        own = {
            "id": f"{self.id}.{value}",
            "name": {"en": f"{self.name.en}: {name.en}", "zh": f"{self.name.zh}：{name.zh}"},
            "meaning": {"en": f"{self.meaning.en}; only {name.en}", "zh": f"{self.meaning.zh}；仅限{name.zh}"},
            "where": narrowed(self.where), "variants": variants, "one_of": (self.each, value),
            "each": None, "groups": {},
        }  # fmt: skip
        return Metric(**self.model_dump() | own)


def _equals(column: str | None, value: str) -> str:
    return f"{column} = '" + value.replace("'", "''") + "'"


class Dimension(Record):
    """A way to break numbers down: a column that facts carry."""

    id: str
    name: Text
    meaning: Text
    of: Literal["customer", "row"] = "customer"  # of the customer: reaches every fact that names one
    facts: tuple[str, ...] = ()  # the facts that carry the column themselves
    needs: tuple[str, ...] = ()
    overlapping: bool = (
        False  # a customer can be in several groups: what he did is then told apart only by own columns
    )
    groups: dict[str, Text] = Field(default_factory=dict)  # in the order they are shown
    same_groups_as: str | None = None  # another dimension, whose names a company need not give twice
    column: str | None = None  # what facts call it, where that is not its id
    changes_hands: bool = (
        False  # a customer's for a time only: what he did is looked up by the day, in `holdings`
    )
    told_in: str | None = None  # the fact that says it of each window's customers, if not customer_periods
    named_by: tuple[str, str, str] | None = (
        None  # table, key and name column in which groups have their names
    )

    @property
    def column_name(self) -> str:
        """The column of the facts that holds it."""
        return self.column or self.id

    @property
    def is_trait(self) -> bool:
        """Whether a customer has one value of it in a window, which customer_periods holds."""
        return self.of == "customer" and self.told_in is None


class Page(Record):
    """One page of the report: a notebook and what it answers."""

    id: str
    notebook: str
    folder: str | None = (
        None  # where a company's own page has its notebook; the workbook's are beside each other
    )
    title: Text
    question: Text
    metrics: tuple[str, ...] = ()
    needs_any: tuple[str, ...] = ()  # a company that has none of these tables gets no such page
