"""Settings held against the catalogue: names it does not know, columns that are required and not mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.catalogue import DEFAULT, Catalogue, nearest, say_problem
from analysis.catalogue.records import Column
from analysis.params.reading import mapping_in
from analysis.params.settings import NAMES_OF_VALUES
from analysis.params.table_sources import ORIGINS, names_in

NAMED_TOO = ("question_dimension",)  # columns whose values are shown, beside the dimensions
NUMBER_TYPES = ("money", "number", "integer")


def catalogue_problems(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Names in the settings that the catalogue does not know, and required columns that are not mapped.

    Looks at the values as written, so that these are said together with the wrong types.
    """
    problems = [*_variant_problems(values, catalogue), *_unknown_names(values, catalogue)]
    problems += _own_page_problems(values, catalogue)
    for name, source in mapping_in(values, "tables").items():
        problems += _table_problems(name, source, catalogue)
    return problems


def _variant_problems(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Definitions chosen for metrics that there are not, or of a name that the metric does not have."""
    problems = []
    for metric_id, variant in mapping_in(values, "variants").items():
        where = f"variants.{metric_id}"
        if metric_id not in catalogue.metrics:
            hint = nearest(metric_id, catalogue.metrics)
            problems.append(say_problem("no_such_metric", where=where, hint=hint))
        elif variant not in (known := (DEFAULT, *catalogue.metrics[metric_id].variants)):
            hint = nearest(variant, known)
            problems.append(say_problem("no_such_variant", where=where, name=variant, hint=hint))
    return problems


def _unknown_names(values: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Metrics, dimensions and pages that there are not."""
    known_by_setting = {
        "headline_metrics": catalogue.metrics,
        "dimensions": catalogue.dimensions,
        "pages": [*catalogue.pages, *_own_page_ids(values)],
    }
    problems = [
        say_problem("no_such_name", where=key, name=name, hint=nearest(name, known))
        for key, known in known_by_setting.items()
        for name in _names(values.get(key))
        if name not in known
    ]
    named = (*catalogue.dimensions, *NAMED_TOO)
    return problems + [
        say_problem("no_such_dimension", where=f"{NAMES_OF_VALUES}.{name}", hint=nearest(name, named))
        for name in mapping_in(values, NAMES_OF_VALUES)
        if name not in named
    ]


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
        return [say_problem("no_such_table", where=where, hint=nearest(name, catalogue.tables))]
    if not isinstance(source, dict):
        return []  # its type is refused already
    problems = []
    if ("file" in source) == ("rows" in source):
        problems = [
            say_problem("file_or_rows", where=where)
            if "file" in source
            else say_problem("is_missing", where=f"{where}.file")
        ]
    contract, form = catalogue.tables[name], source.get("given_as")
    if isinstance(form, str) and form not in contract.given_as:
        hint = nearest(form, contract.given_as)
        return [*problems, say_problem("no_such_form", where=where, name=form, hint=hint)]
    mapped = mapping_in(source, "columns")
    if "rows" in source and "columns" not in source:
        mapped = names_in(source["rows"])
    problems += _column_problems(name, mapped, contract.columns_given_as(str(form)))
    return [*problems, *_origin_problems(where, mapped), *_only_with_problems(where, mapped)]


def _column_problems(name: str, mapped: dict[str, Any], columns: dict[str, Column]) -> list[str]:
    """Columns that the table does not have, that it needs, and that are multiplied and hold no numbers."""
    where = f"tables.{name}"
    problems = [
        say_problem(
            "no_such_column", where=f"{where}.columns.{column}", table=name, hint=nearest(column, columns)
        )
        for column in mapped
        if column not in columns
    ]
    problems += [
        say_problem("not_mapped", where=f"{where}.columns.{column}")
        for column, rule in columns.items()
        if rule.required and column not in mapped
    ]
    problems += [
        say_problem("no_numbers", where=f"{where}.columns.{column}", column=column)
        for column, given in mapped.items()
        if _is_set(given, "multiply_by") and column in columns and columns[column].type not in NUMBER_TYPES
    ]
    problems += [
        say_problem("no_end", where=f"{where}.columns.{column}", column=column)
        for column, given in mapped.items()
        if _is_set(given, "last_day") and column in columns and not columns[column].first_day_after
    ]
    return problems


def _origin_problems(where: str, mapped: dict[str, Any]) -> list[str]:
    """Columns whose values have no origin, or more than one."""
    problems = []
    for column, given in mapped.items():
        origins = [key for key in ORIGINS if _is_set(given, key)]
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
