"""Everything a run measures, worked out: metrics, models, derived metrics, changes, reconciliation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT, Metric
from analysis.facts import Book
from analysis.facts.compile import FACTS, fact_text
from analysis.metrics.compare import compare
from analysis.metrics.derived import evaluate_frame
from analysis.metrics.formulas import operands
from analysis.metrics.frame import KPI_COLUMNS
from analysis.metrics.gaps import outside_coverage
from analysis.metrics.measure import measure
from analysis.metrics.scans import reaches
from analysis.periods import MONTHS_IN
from analysis.suite import customer_value, validation
from analysis.suite.reconcile import reconcile
from analysis.suite.targets import TARGETS_OF, target_rows
from analysis.tables.prepared import read_quality

# Below so many months of data, cohorts are calendar months; above, calendar quarters.
_MONTHS_FOR_QUARTERLY_COHORTS = 30


def kpis_by(book: Book, dimension: str, metrics: Iterable[Metric] | None = None) -> pd.DataFrame:
    """The measured and derived KPI frame broken down by a dimension the run does not have among its own.

    Parameters
    ----------
    metrics
        Which metrics, each under its variant; all of them if not given.
    """
    if metrics is None:
        return _with_derived(book, _with_targets(book, measure(book, [dimension]), [dimension]))
    wanted = {(metric.id, metric.variant): metric for metric in metrics}
    kpis = measure(book, [dimension], _measured_behind(book, wanted.values()))
    if any(metric.kind == "derived" for metric in wanted.values()):
        kpis = _with_derived(book, _with_targets(book, kpis, [dimension]))
    is_wanted = [key in wanted for key in zip(kpis["metric"], kpis["variant"], strict=True)]
    return kpis[is_wanted].reset_index(drop=True)


def _measured_behind(book: Book, metrics: Iterable[Metric]) -> list[Metric]:
    """The metrics among these that are counted, and those the derived ones are worked out from, each once."""
    records = [m for record in book.catalogue.metrics.values() for m in record.all_variants()]
    by_name = {m.id if m.variant == DEFAULT else f"{m.id}.{m.variant}": m for m in records}
    seen: dict[tuple[str, str], Metric] = {}
    left = list(metrics)
    while left:
        metric = left.pop()
        if (metric.id, metric.variant) in seen:
            continue
        seen[metric.id, metric.variant] = metric
        if metric.kind == "derived":
            used = operands(metric.value, by_name, list(book.setting_values)).metrics
            left += [by_name[operand.metric] for operand in used]
    return [metric for metric in seen.values() if metric.kind not in ("derived", "modelled")]


def measure_everything(book: Book) -> dict[str, pd.DataFrame]:
    """Every frame of the results, by name (see ``Results``)."""
    dimensions = [name for name in book.settings.dimensions if _applies(book, name)]
    models = _fit_all(book)
    measured = measure(book, dimensions)
    found = pd.concat([measured, models["kpis"]], ignore_index=True)
    kpis = _in_order(book, _with_derived(book, _with_targets(book, found, dimensions)))
    cohorts = measure_cohorts(book)
    return {
        "kpis": kpis,
        "changes": find_changes(book, kpis),
        "cohorts": cohorts,
        "identities": reconcile(book, kpis, cohorts, read_quality(book.prepared)),
        **{
            name: models[name]
            for name in ("customers", "fits", "bridge", "calibration", "tracking", "holdout")
        },
    }


def _in_order(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    """Company level first, then each dimension; metrics as in the catalogue, windows in time, groups by name.

    Engines return groups as they come, in another order each time; a run's files are to be the same.
    """
    metrics = [(m.id, m.variant) for record in book.catalogue.metrics.values() for m in record.all_variants()]
    dimensions, windows = list(book.settings.dimensions), [window.label for window in book.windows]
    places = {
        "by": kpis["by"].map({name: place for place, name in enumerate(dimensions)}).fillna(-1),
        "metric": pd.MultiIndex.from_tuples(metrics).get_indexer(kpis.set_index(["metric", "variant"]).index),
        "period": kpis["period"].map({label: place for place, label in enumerate(windows)}),
        "group": kpis["group"].fillna(""),
    }
    order = pd.DataFrame(places).reset_index(drop=True).sort_values(list(places), kind="stable").index
    return kpis.iloc[order].reset_index(drop=True)


def _applies(book: Book, dimension: str) -> bool:
    return any(reaches(book, book.catalogue.dimensions[dimension], fact) for fact in FACTS)


def _fit_all(book: Book) -> dict[str, Any]:
    fits = {w.label: customer_value.fit_models(book, w.last_day) for w in book.windows if w.days > 0}
    chosen = validation.choose_model(book, fits)
    fits = {label: replace(each, chosen=chosen) if each else None for label, each in fits.items()}
    values = {
        window.label: _value(book, fits[window.label], window)
        for window in book.windows
        if fits.get(window.label) is not None
    }
    now = fits.get(book.window.label)
    customers = (
        customer_value.customer_values(book, now, values[book.window.label][DEFAULT])
        if now
        else customer_value.no_customer_values()
    )
    return {
        "customers": customers,
        "kpis": customer_value.modelled_kpis(book, fits, values, customers),
        "fits": customer_value.fits_frame(now),
        "bridge": customer_value.equity_bridge(book, fits),
        **validation.validate(book, fits),
    }


def _value(book: Book, fits: customer_value.Fits, window: Any) -> dict[str, Any]:
    """Values under the run's model and under MBG/NBD; fewer draws behind the intervals of earlier windows."""
    draws = book.settings.model_draws if window == book.window else min(50, book.settings.model_draws)
    return {
        DEFAULT: customer_value.value_histories(book, fits, window, n_draws=draws),
        "mbg_nbd": customer_value.value_histories(
            book, fits, window, model="mbg_nbd", n_draws=min(50, draws)
        ),
    }


def _with_derived(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    derived = _derived_metrics(book)
    windows = {
        w.label: (b.get("previous"), b.get("year_ago"))
        for w in book.windows
        if (b := book.baselines.get(w.label)) is not None
    }
    settings = {
        k: float(v)
        for k, v in book.setting_values.items()
        if isinstance(v, int | float) and not isinstance(v, bool)
    }
    additive = [metric.id for metric in book.catalogue.metrics.values() if metric.additive]
    whole = evaluate_frame(
        kpis, derived, windows, settings, additive=additive, known_metric_ids=list(book.catalogue.metrics)
    )
    return outside_coverage(book, whole)[KPI_COLUMNS]


def _with_targets(book: Book, kpis: pd.DataFrame, dimensions: Sequence[str]) -> pd.DataFrame:
    """The frame with the rows of targets: what models say of metrics without a model is left out."""
    others = kpis[~kpis["metric"].isin(list(TARGETS_OF))]
    return pd.concat([others, target_rows(book, dimensions)], ignore_index=True)


def _derived_metrics(book: Book) -> list[Metric]:
    return [
        metric
        for record in book.catalogue.metrics.values()
        for metric in record.all_variants()
        if metric.kind == "derived"
    ]


def find_changes(book: Book, kpis: pd.DataFrame) -> pd.DataFrame:
    """Every figure of the period against the previous and the year-ago window, with a verdict honest about noise."""
    days = {window.label: window.days for window in book.windows}
    pairs = [
        (book.window.label, base, against, book.window.days, days[base])
        for against, base in book.baselines[book.window.label].items()
        if base in days
    ]
    records = [metric for record in book.catalogue.metrics.values() for metric in record.all_variants()]
    frame = pd.DataFrame(pairs, columns=["period", "base_period", "against", "days", "base_days"])
    return compare(kpis, frame, records, 1 - book.settings.confidence_level, book.settings.variants)


def measure_cohorts(book: Book) -> pd.DataFrame:
    """One row for each cohort and step since: ``cohort, starts_on, steps_since, customers, size, share, net_revenue``.

    Cohorts are the customers who first bought in the same calendar month (quarter, once the data are long).
    """
    start, end = book.coverage.start, book.window.end
    months = (
        3
        if start and (end.year - start.year) * 12 + end.month - start.month > _MONTHS_FOR_QUARTERLY_COHORTS
        else 1
    )
    rows = book.ask(fact_text("cohort_activity"), cohort_months=months).sort_values(
        ["cohort_index", "steps_since"]
    )
    size = rows[rows["steps_since"] == 0].set_index("cohort_index")["customers"]
    rows = rows.assign(size=rows["cohort_index"].map(size), months=months)
    first_month = rows["cohort_index"] * months
    rows["cohort"] = [_cohort_label(int(index), months) for index in rows["cohort_index"]]
    rows["starts_on"] = pd.to_datetime([f"{m // 12:04d}-{m % 12 + 1:02d}-01" for m in first_month])
    rows["share"] = rows["customers"] / rows["size"]
    columns = ["cohort", "starts_on", "months", "steps_since", "customers", "size", "share", "net_revenue"]
    return rows[columns].reset_index(drop=True)


def _cohort_label(index: int, months: int) -> str:
    year, part = divmod(index, 12 // months)
    return f"{year:04d}-{part + 1:02d}" if months == MONTHS_IN["month"] else f"{year:04d}Q{part + 1}"
