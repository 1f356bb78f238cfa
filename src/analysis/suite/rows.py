"""The rows of the KPI frame that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.catalogue import DEFAULT, UnknownName, nearest, say_problem
from analysis.errors import InputError
from analysis.metrics.frame import NOT_MEASURED
from analysis.metrics.gaps import not_measured_rows
from analysis.suite.results import Results


def rows_of_period(results: Results, by: str | None = None, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """The period's rows of the KPI frame in the catalogue's order: company level first, then a dimension's groups.

    Parameters
    ----------
    by
        A dimension; also one the run does not have among its own. A metric whose rows it does not reach has one
        row without a group that says so (``not_measured_by``).
    metrics
        Metric ids, or ``id.variant``; all if none is given. A bare id gives all its variants, the default first.

    Raises
    ------
    UnknownName
        If there is no such metric, variant or dimension.
    InputError
        If the dimension's table is not supplied, or no table that is supplied has such a column.
    """
    catalogue = results.book.catalogue
    asked = [catalogue.named(name) for name in metrics]
    rows = results.kpis if by is None else _with_dimension(results, by)
    rows = rows[(rows["period"] == results.book.window.label) & (rows["by"].isna() | (rows["by"] == by))]
    if asked:
        keys = pd.MultiIndex.from_frame(rows[["metric", "variant"]])
        wanted = {(m.id, m.variant) for m, name in zip(asked, metrics, strict=True) if name != m.id}
        bare = {m.id for m, name in zip(asked, metrics, strict=True) if name == m.id}
        rows = rows[keys.isin(list(wanted)) | rows["metric"].isin(bare)]
    return _in_catalogue_order(results, rows)


def rows_of_variants(results: Results, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """The period's company-level rows of every metric that has several definitions, each under all of them.

    Parameters
    ----------
    metrics
        Metric ids; all that have several definitions if none is given. One that has a single one gives its row.

    Returns
    -------
    DataFrame
        The columns of the KPI frame, then ``is_chosen``: whether this run uses that definition.

    Raises
    ------
    UnknownName
        If there is no such metric.
    """
    catalogue, chosen = results.book.catalogue, results.book.settings.variants
    asked = [catalogue.metric(name) for name in metrics] or [
        m for m in catalogue.metrics.values() if m.variants
    ]
    rows = rows_of_period(results)
    rows = rows[rows["metric"].isin([metric.id for metric in asked])].reset_index(drop=True)
    used = [chosen.get(metric, DEFAULT) for metric in rows["metric"]]
    return rows.assign(is_chosen=rows["variant"] == pd.Series(used, rows.index, dtype="str"))


def rows_with_groups(results: Results) -> pd.DataFrame:
    """The period's rows at company level, then the groups of each of the run's own dimensions in turn."""
    parts = [rows_of_period(results)]
    for dimension in results.book.settings.dimensions:
        rows = rows_of_period(results, dimension)
        parts.append(rows[rows["group"].notna()])
    return pd.concat(parts, ignore_index=True)


def check_group(rows: pd.DataFrame, by: str | None, group: str | None) -> None:
    """Nothing, if the rows hold that group of that dimension.

    Raises
    ------
    InputError
        Naming the nearest group there is.
    """
    if group is None:
        return
    if by is None:
        raise InputError("a group needs its dimension: add --by")
    groups = sorted(rows.loc[rows["by"] == by, "group"].dropna().unique())
    if group not in groups:
        raise UnknownName(say_problem("no_group", by=by, name=group, hint=nearest(group, groups)))


def _with_dimension(results: Results, by: str) -> pd.DataFrame:
    book = results.book
    if by not in book.catalogue.dimensions:
        hint = nearest(by, book.catalogue.dimensions)
        raise UnknownName(say_problem("no_dimension", name=by, hint=hint))
    missing = set(book.catalogue.dimensions[by].needs) & set(book.absent)
    lacking = f"nothing can be broken down by {by}: table {', '.join(sorted(missing))} is not supplied"
    if missing and not book.catalogue.dimensions[by].facts:
        raise InputError(lacking)
    if by in set(results.kpis["by"].dropna()):
        return pd.concat([results.kpis, _not_reached(results, results.kpis, by)], ignore_index=True)
    from analysis.suite.everything import kpis_by  # heavy, and only needed for a dimension not in the run

    groups = kpis_by(book, by)
    groups = groups[groups["by"] == by]
    if groups.empty:
        raise InputError(
            lacking if missing else f"nothing can be broken down by {by}: no table that is supplied says it"
        )
    whole = pd.concat([results.kpis, groups], ignore_index=True)
    return pd.concat([whole, _not_reached(results, whole, by)], ignore_index=True)


def _not_reached(results: Results, kpis: pd.DataFrame, by: str) -> pd.DataFrame:
    """A row for each metric that is measured in the period and in no group of the dimension."""
    rows = kpis[kpis["period"] == results.book.window.label]
    company = rows[rows["by"].isna() & (rows["status"] != NOT_MEASURED)]
    reached = set(zip(*(rows.loc[rows["by"] == by, name] for name in ("metric", "variant")), strict=True))
    keys = zip(company["metric"], company["variant"], strict=True)
    left_out = [results.book.catalogue.metric(*key) for key in keys if key not in reached]
    reasons = [f"not_measured_by|{by}"] * len(left_out)
    return not_measured_rows(left_out, [results.book.window], reasons).assign(by=by)


def _in_catalogue_order(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    records = results.book.catalogue.metrics.values()
    order = {(m.id, m.variant): place for place, m in enumerate(m for r in records for m in r.all_variants())}
    place = [order[key] for key in zip(rows["metric"], rows["variant"], strict=True)]
    keyed = rows.assign(_place=place, _group=rows["group"].fillna(""))
    return keyed.sort_values(["_place", "_group"], kind="stable").drop(columns=["_place", "_group"])
