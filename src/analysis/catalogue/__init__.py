"""What the workbook knows: tables, metrics, dimensions, pages and words, declared in YAML beside this file.

A new metric is one record in ``metrics/<family>.yml``; its name in both languages, its definition on the
page, its variants and its tests come from it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from analysis.catalogue.records import DEFAULT, Dimension, Metric, Page, TableContract, Text
from analysis.errors import InputError, Said, in_language

__all__ = [
    "DEFAULT", "Catalogue", "Dimension", "Metric", "Page", "TableContract", "Text", "UnknownName", "label",
    "listed", "load_catalogue", "nearest", "read_yaml", "say_problem",
]  # fmt: skip

FAMILIES = ("acquisition", "retention", "loyalty", "satisfaction", "service", "sales", "value", "outcomes")

# The C loader reads the same YAML about ten times faster.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownName(InputError):
    """A name the catalogue does not hold; the message gives the nearest it does."""


@dataclass(frozen=True)
class Catalogue:
    """Every declaration, by id and in the order of the files.

    Attributes
    ----------
    records
        The metrics as declared, those among them that stand for several (``each``); ``metrics`` holds what they
        stand for, once the values are known.
    """

    tables: dict[str, TableContract]
    metrics: dict[str, Metric]
    dimensions: dict[str, Dimension]
    pages: dict[str, Page]
    records: tuple[Metric, ...] = ()

    @cached_property
    def families(self) -> dict[str, list[Metric]]:
        """The metrics of each family, default definitions."""
        return {name: [m for m in self.metrics.values() if m.family == name] for name in FAMILIES}

    @property
    def for_several(self) -> tuple[Metric, ...]:
        """The records that stand for one metric per value of a column, where the data are to say which."""
        return tuple(record for record in self.records if record.each and not record.groups)

    def with_values(self, values: Mapping[tuple[str, str], Mapping[str, Text]]) -> Catalogue:
        """This catalogue with a metric for every value that a record with ``each`` takes.

        Parameters
        ----------
        values
            For each record's id and column, what each value is called, in the order wanted.
        """
        metrics = [
            metric
            for record in self.records
            for metric in _stood_for(record, values.get((record.id, record.each), {}))
        ]
        return replace(self, metrics=_by_id(metrics))

    def named(self, name: str) -> Metric:
        """The metric that ``id`` or ``id.variant`` names, where the id may hold dots itself.

        Raises
        ------
        UnknownName
            With the nearest right name, if there is no such metric or variant.
        """
        if name in self.metrics:
            return self.metrics[name]
        head, _, variant = name.rpartition(".")
        return self.metric(head, variant) if head in self.metrics else self.metric(*name.split(".", 1))

    def metric(self, metric_id: str, variant: str = DEFAULT) -> Metric:
        """One metric under one variant.

        Raises
        ------
        UnknownName
            With the nearest right name, if there is no such metric or variant.
        """
        if metric_id not in self.metrics:
            raise UnknownName(say_problem("no_metric", name=metric_id, hint=nearest(metric_id, self.metrics)))
        metric = self.metrics[metric_id]
        known = (DEFAULT, *metric.variants)
        if variant not in known:
            hint = nearest(variant, known)
            raise UnknownName(say_problem("no_variant", metric=metric_id, name=variant, hint=hint))
        return metric.under(variant)


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Every table, metric, dimension and page the workbook knows."""
    records = tuple(
        Metric(family=family, **record)
        for family in FAMILIES
        for record in read_yaml(f"metrics/{family}.yml")
    )
    dimensions = _by_id(Dimension(**record) for record in read_yaml("dimensions.yml"))
    return Catalogue(
        tables={record["id"]: TableContract(**record) for record in _read_folder("tables")},
        metrics=_by_id(metric for record in records for metric in _stood_for(record, {})),
        dimensions=dimensions,
        pages=_by_id(Page(**record) for record in read_yaml("pages.yml")),
        records=records,
    )


def _stood_for(record: Metric, values: Mapping[str, Text]) -> list[Metric]:
    """The metrics of a record: itself, or one for every value of its column, declared or else found."""
    return [record] if record.each is None else record.for_each(record.groups or values)


@lru_cache(maxsize=16)
def _labels(name: str) -> dict[str, Text]:
    """The words of one file; none if there is no such file."""
    if not files("analysis.catalogue").joinpath(f"labels/{name}.yml").is_file():
        return {}
    return {key: Text(**words) for key, words in read_yaml(f"labels/{name}.yml").items()}


def label(key: str, language: str, **values: Any) -> str:
    """The words for ``file.key`` of ``labels/`` in a language, with ``{values}`` filled in.

    Raises
    ------
    KeyError
        If no such words are declared.
    """
    name, _, word = key.partition(".")
    words = _labels(name)
    if word not in words:
        raise KeyError(key)
    return words[word].in_(language).format(**values)


def say_problem(key: str, **values: Any) -> Said:
    """What is wrong and what to do, in both languages: the words for ``key`` of ``labels/errors.yml``.

    A value that is itself said in both languages is filled in as each of them has it.
    """
    return Said(*(_problem_in(language, key, values) for language in ("en", "zh")))


def _problem_in(language: str, key: str, values: Mapping[str, Any]) -> str:
    filled = {
        k: in_language(value, language) if isinstance(value, str) else value for k, value in values.items()
    }
    return label(f"errors.{key}", language, **filled)


def read_yaml(path: str) -> Any:
    """What a YAML file of the catalogue holds."""
    return yaml.load(files("analysis.catalogue").joinpath(path).read_text(encoding="utf-8"), _Loader)


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest known name, or the known names where none is near."""
    known = [str(word) for word in known]
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return say_problem("did_you_mean", name=close[0])
    return say_problem("known", names=listed(known)) if known and len(known) <= 12 else ""


def listed(names: Iterable[str], is_quoted: bool = False) -> Said:
    """Names with commas between, as each language has them; quoted, if they are not ours."""
    shown = list(names)
    forms = {"en": "{!r}", "zh": "“{}”"} if is_quoted else {"en": "{}", "zh": "{}"}
    marks = {"en": ", ", "zh": "、"}
    return Said(
        *(
            marks[language].join(form.format(in_language(name, language)) for name in shown)
            for language, form in forms.items()
        )
    )


def _read_folder(folder: str) -> list[dict[str, Any]]:
    names = sorted(entry.name for entry in files("analysis.catalogue").joinpath(folder).iterdir())
    return [read_yaml(f"{folder}/{name}") for name in names if name.endswith(".yml")]


def _by_id(records: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in records:
        if record.id in found:
            raise ValueError(f"two records share the id {record.id!r}")
        found[record.id] = record
    return found
