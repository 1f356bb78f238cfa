"""Measure every metric in one scan per fact and time column.

A CASE puts each row into its window, grouping sets give the company and every dimension at once, and the scan
returns the six sums from which ``intervals`` makes value and interval. Shares of the top part need ranks and
take a second shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.catalogue import Catalogue, Metric
from analysis.facts import Book
from analysis.facts.compile import KEYS_OF_FACTS, OF_CUSTOMERS_BY_WINDOW, WIDE
from analysis.metrics.frame import BOUNDS, KEYS, KPI_COLUMNS, SUMS
from analysis.metrics.gaps import absent_rows, missing_tables, outside_coverage, words_of
from analysis.metrics.scan_sql import ordered_sql, ranked_sql, scan_sql
from analysis.metrics.scans import RANKED, Holder, Scan, day_of, holder_of, overlaps, plan
from analysis.periods import Window


def measure(
    book: Book, dimensions: Sequence[str] = (), metrics: Iterable[Metric] | None = None
) -> pd.DataFrame:
    """The KPI frame of everything that is counted, for every window of the run.

    Parameters
    ----------
    book
        The company's facts.
    dimensions
        Dimensions to break down by, besides the company as a whole. Groups are given for the period itself and
        the windows it is compared with.
    metrics
        Which metrics, each under its variant; all measured ones under all variants if not given.

    Returns
    -------
    DataFrame
        One row per metric, variant, period and group (``by`` and ``group`` missing at company level):
        ``value, low, high, standard_error, n, numerator, denominator, status, reason``.
    """
    from analysis.metrics.intervals import summarise  # brings scipy, which compiling SQL does not need

    wanted = list(metrics) if metrics is not None else measured_metrics(book.catalogue)
    present = [metric for metric in wanted if not missing_tables(book, metric)]
    sums = [frame for frame in _run_all(book, plan(book, present, dimensions)) if len(frame)]
    level = book.settings.confidence_level
    frames = [summarise(pd.concat(sums, ignore_index=True), level)] if sums else []
    frames.append(absent_rows(book, [metric for metric in wanted if metric not in present]))
    return outside_coverage(book, pd.concat(frames, ignore_index=True)[KPI_COLUMNS])


def measured_metrics(catalogue: Catalogue) -> list[Metric]:
    """Every metric, under every variant, that is worked out from a fact."""
    resolved = [metric for record in catalogue.metrics.values() for metric in record.all_variants()]
    return [metric for metric in resolved if metric.kind not in ("derived", "modelled")]


def _run_all(book: Book, scans: Sequence[Scan]) -> Iterator[pd.DataFrame]:
    """The sums of every scan; what several of them read of a fact is put together once, and forgotten after them."""
    by_fact: dict[str, list[Scan]] = {}
    for scan in scans:
        by_fact.setdefault(scan.fact, []).append(scan)
    with ExitStack() as kept:
        known = {
            holder.relation: kept.enter_context(book.holding(f"held_{holder.relation}", sql))
            for holder, sql in _shared_lookups(book, scans).items()
        }
        for fact, its in by_fact.items():
            with ExitStack() as own:
                held = dict(known)
                if fact in WIDE and sum(_readings(book, scan) for scan in its) > 1:
                    held[fact] = own.enter_context(book.holding(f"held_{fact}", _columns_used(book, its)))
                yield from (_run(book, replace(scan, held=held)) for scan in its)


def _readings(book: Book, scan: Scan) -> int:
    """How often a scan reads its fact."""
    if scan.metrics[0].kind in RANKED:
        return len({_value_of(metric) for metric in scan.metrics})
    has_groups = bool(scan.dimensions) and any(w.label in _compared(book) for w in scan.windows)
    return scan.with_company + has_groups


def _shared_lookups(book: Book, scans: Sequence[Scan]) -> dict[Holder, str]:
    """The statements that look up, once for all scans, what dimensions borrow of customers in the windows compared."""
    columns: dict[Holder, list[str]] = {}
    for scan in scans:
        for dimension in scan.dimensions:
            holder = holder_of(dimension, scan.fact, scan.at)
            if (
                holder.relation != scan.fact
                and holder.also_by != "day"
                and not overlaps(dimension, scan.fact)
            ):
                columns.setdefault(holder, []).append(dimension.column_name)
    labels = ", ".join(f"'{label}'" for label in sorted(_compared(book)))
    # Customers are put together from all orders; what is kept for their windows has the same traits.
    is_kept = any(scan.fact in OF_CUSTOMERS_BY_WINDOW for scan in scans)
    source = {"customers": "customer_stretches"} if is_kept else {}
    return {
        holder: f"select {', '.join(dict.fromkeys([*holder.keys, *names]))} "
        f"from {source.get(holder.relation, holder.relation)}"
        + (f" where period in ({labels})" if holder.also_by else "")
        for holder, names in columns.items()
        if len(names) > len(set(names))  # more than one scan asks
    }


def _columns_used(book: Book, scans: Sequence[Scan]) -> str:
    """The statement for those columns of a fact that its scans name, so that holding it takes little memory."""
    fact, words = scans[0].fact, {"customer_id", *KEYS_OF_FACTS.get(scans[0].fact, ())}
    words |= set(getattr(book.catalogue.tables.get(fact), "key", ()))
    for scan in scans:
        words |= {str(scan.at), day_of(scan.at), *(each.column_name for each in scan.dimensions)}
        for metric in scan.metrics:
            words |= {*words_of(metric), *metric.last_per, *(metric.one_of or ())}
    return f"select {', '.join(name for name in book.columns_of(fact) if name in words)} from {fact}"


def _value_of(metric: Metric) -> tuple[str | None, ...]:
    """What metrics of ranks have in common that can be read off the same order."""
    return metric.of, metric.where, *metric.last_per


def _run(book: Book, scan: Scan) -> pd.DataFrame:
    """The sums of every metric of a scan: the company's for all windows, groups' for those that are compared."""
    compared = tuple(window for window in scan.windows if window.label in _compared(book))
    scan = scan if scan.with_company else replace(scan, windows=compared)
    if not scan.windows:
        return pd.DataFrame()
    if scan.metrics[0].kind == "concentration":
        one_each = [replace(scan, metrics=(metric,)) for metric in scan.metrics]
        return pd.concat([_ranked(book, one, compared) for one in one_each], ignore_index=True)
    if scan.metrics[0].kind == "quantile":
        alike: dict[tuple[str | None, ...], list[Metric]] = {}
        for metric in scan.metrics:
            alike.setdefault(_value_of(metric), []).append(metric)
        of_one_value = [replace(scan, metrics=tuple(metrics)) for metrics in alike.values()]
        return pd.concat([_ordered(book, one, compared) for one in of_one_value], ignore_index=True)
    company, groups = _company_and_groups(book, scan, compared)
    parts = [_every_window(company, scan)] if scan.with_company else []
    parts += [_of_dimension(groups, dimension.id) for dimension in scan.dimensions if len(groups)]
    sums = _by_metric(pd.concat(parts, ignore_index=True), scan.metrics)
    return sums[sums["by"].isna() | (sums["n"] > 0)]


def _company_and_groups(
    book: Book, scan: Scan, compared: Sequence[Window]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sums of a scan side by side: the company's in every window, and groups' in those that are compared.

    Facts by window are put together from several others: they are read once for both. Where rows borrow what their
    customers were, only those of the windows compared do.
    """
    wants_groups = bool(scan.dimensions and compared)
    if scan.with_company and wants_groups and scan.at is None:
        sums = book.ask(scan_sql(book, scan, compared))
        is_company = sums[[f"without_{each.id}" for each in scan.dimensions]].eq(1).all(axis=1)
        is_compared = sums["period"].isin([window.label for window in compared])
        return sums[is_company], sums[~is_company & is_compared]
    company = book.ask(scan_sql(book, replace(scan, dimensions=()))) if scan.with_company else pd.DataFrame()
    of_groups = replace(scan, windows=tuple(compared), with_company=False)
    return company, book.ask(scan_sql(book, of_groups)) if wants_groups else pd.DataFrame()


def _ranked(book: Book, scan: Scan, compared: Sequence[Window]) -> pd.DataFrame:
    found = book.ask(ranked_sql(book, scan, scan.metrics[0], compared)).rename(
        columns={
            "by_dimension": "by",
            "group_name": "group",
            "n": "n_0",
            "sum_x": "sum_x_0",
            "sum_y": "sum_y_0",
        }
    )
    company = found["by"].isna()
    whole = _every_window(found[company].drop(columns=["by", "group"]), scan) if scan.with_company else []
    parts = [_by_metric(rows, scan.metrics) for rows in (whole, found[~company]) if len(rows)]
    return pd.concat(parts, ignore_index=True)


def _ordered(book: Book, scan: Scan, compared: Sequence[Window]) -> pd.DataFrame:
    """The values at the ranks that make each quantile and its interval: a row for every window and group."""
    found = book.ask(ordered_sql(book, scan, compared))
    found = found.rename(columns={"by_dimension": "by", "group_name": "group"})
    keys = ["period", "by", "group"]
    found["row"] = found.groupby(keys, dropna=False, sort=False).ngroup()
    groups = found.drop_duplicates("row")[[*keys, "n", "row"]]
    labels = [window.label for window in scan.windows] if scan.with_company else []
    company = groups[groups["by"].isna()].set_index("period").reindex(labels).reset_index(names="period")
    rows = pd.concat([company, groups[groups["by"].notna()]], ignore_index=True)
    rows = rows.fillna({"n": 0, "row": -1}).astype({"n": "int64", "row": "int64"})
    step = int(rows["n"].max()) + 1 if len(rows) else 1  # a place of a row is one number: row × step + place
    places = pd.Series(found["x"].to_numpy(float), found["row"] * step + found["place"])
    measured = [_at_ranks(book, rows, places, step, metric) for metric in scan.metrics]
    return pd.concat(measured, ignore_index=True).drop(columns="row")


def _at_ranks(book: Book, rows: pd.DataFrame, places: pd.Series, step: int, metric: Metric) -> pd.DataFrame:
    """The rows of one quantile: keys, ``kind``, ``n``, no sums, and what stands at its ranks."""
    from analysis.metrics.intervals import quantile_ranks

    ranks = quantile_ranks(rows["n"], metric.quantile, book.settings.confidence_level)
    values = {}
    for name in ("low", "lower", "upper", "high"):
        rank = getattr(ranks, name)
        values[f"x_{name}"] = places.reindex(rows["row"].to_numpy() * step + rank).to_numpy()
        if (np.isnan(values[f"x_{name}"]) & (rank > 0)).any():
            raise ValueError(
                f"{metric.id}.{metric.variant}: a rank of the quantile was not among the rows asked for"
            )
    return rows.assign(
        metric=metric.id, variant=metric.variant, kind=metric.kind, sampled=metric.is_sampled, q=metric.quantile,
        **dict.fromkeys(SUMS, np.nan), **values,
    )  # fmt: skip


def _of_dimension(groups: pd.DataFrame, dimension: str) -> pd.DataFrame:
    rows = groups[groups[f"without_{dimension}"] == 0]
    return rows.assign(by=dimension, group=rows[dimension])


def _every_window(sums: pd.DataFrame, scan: Scan) -> pd.DataFrame:
    """A row for every window, also for those in which nothing happened."""
    filled = sums.set_index("period").reindex([window.label for window in scan.windows])
    counts = [f"n_{number}" for number in range(len(scan.metrics))]
    filled[counts] = filled[counts].fillna(0)
    return filled.reset_index(names="period").assign(by=None, group=None)


def _by_metric(wide: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Sums side by side as rows, one for each metric and row: keys, ``kind``, ``sampled``, ``n`` and the sums."""
    rows, none = len(wide), np.full(len(wide), np.nan)
    wide_sums = {
        name: column.to_numpy(float, na_value=np.nan)
        for name, column in wide.items()
        if re.fullmatch(r"(n|sum_[xy]+|least|most)_\d+", str(name))
    }
    said = {
        "metric": [metric.id for metric in metrics], "variant": [metric.variant for metric in metrics],
        "kind": [metric.kind for metric in metrics], "sampled": [metric.is_sampled for metric in metrics],
    }  # fmt: skip
    columns = {name: np.repeat(np.asarray(values, object), rows) for name, values in said.items()}
    columns |= {
        name: np.tile(wide[name].to_numpy(object), len(metrics)) for name in ("period", "by", "group")
    }
    for name in ("n", *SUMS):
        parts = [wide_sums.get(f"{name}_{number}", none) for number in range(len(metrics))]
        columns[name] = np.concatenate(parts)
    for side, name in enumerate(BOUNDS):
        parts = [
            wide_sums.get(f"{name}_{number}", np.full(rows, metric.numeric_bounds[side]))
            for number, metric in enumerate(metrics)
        ]
        columns[name] = np.concatenate(parts)
    types = dict.fromkeys((*KEYS, "kind"), "str") | {"sampled": bool}
    return pd.DataFrame(columns).astype(types)[[*KEYS, "kind", "sampled", "n", *SUMS, *BOUNDS]]


def _compared(book: Book) -> set[str]:
    """The windows for which groups are given."""
    return {book.window.label, *book.baselines[book.window.label].values()}
