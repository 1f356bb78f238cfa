"""What to take from the period: what changed for sure, what is large though counted in full, what could not
be measured, what to do next.

A change is called sure only by the verdict of the frame of changes. Where a rate is measured on other
customers than before, or a model behind it is to be used with care, the finding says so and does not count
as sure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.report.headline import headline_metrics
from analysis.report.kpis_shown import (
    AGAINST,
    OTHER_BASE,
    chosen,
    comparisons,
    gaps_in_comparison,
    has_short_history,
    join_sentences,
    metric_name,
    not_measured_list,
    root_reason,
    say_change,
    say_change_interval,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_value,
    shown_metrics,
    some,
    verdict_shown,
)
from analysis.report.numbers_shown import format_date, format_number, format_percent
from analysis.suite import Results

MOST_FINDINGS = 8
MOST_SURE, MOST_WITH_CARE, MOST_LARGE = 3, 2, 2
MOST_TABLES = 4
TABLE_ABSENT = "table_absent|"
LARGE_CHANGE = 0.10
"""From this relative change on, an exact figure is worth a line although no test can judge it."""

SURE_VERDICTS = ("better", "worse", "changed")
LANGUAGES = ("en", "zh")

# Sums to date only ever grow, so their rise is no news; a window's opening customers are the last one's
# closing ones; customers lost and returned are what churn and win-back rate count, and those have a test.
_NO_NEWS = ("historical_clv", "opening_customers", "lost_customers", "returned_customers")


@dataclass(frozen=True)
class Finding:
    """One short sentence for the cover, in both languages, and a line of what it rests on.

    Attributes
    ----------
    metric
        Id of the metric it is about; None where it is about several or none.
    certainty
        ``sure`` (beyond chance), ``with_care`` (beyond chance, but of other customers or by a doubtful
        model), ``size`` (exact, without a test), ``quiet`` (nothing beyond chance), ``not_measured``,
        ``next`` (to do).
    verdict
        The badge beside it, one of ``verdicts_shown.VERDICTS``; empty for what is to be done.
    detail
        The second line, by language: interval, n, the other comparison, what speaks against it; empty for none.
    page
        The page where more of it stands; empty for none.
    """

    metric: str | None
    sentence: dict[str, str]
    certainty: str
    verdict: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    page: str = ""

    def in_full(self, language: str) -> str:
        """The sentence with its second line after it, where there is room for one line only."""
        return join_sentences([self.sentence[language], self.detail.get(language, "")], language)


def find_all(results: Results) -> list[Finding]:
    """The findings of a run in order, at most eight: warnings and gaps always, changes as room allows."""
    sure, cautious = find_sure_changes(results), find_changes_with_care(results)
    from analysis.report.next_steps import find_next_steps  # which looks through all of the report's findings

    ends = [*find_model_cautions(results), *find_not_measured(results), *find_next_steps(results)[:1]]
    begins = find_unreconciled(results)
    shown = [*sure[:MOST_SURE], *cautious[:MOST_WITH_CARE]] or find_nothing_sure(results)
    room = MOST_FINDINGS - len(begins) - len(ends)
    changes = [*shown, *find_large_changes(results)[:MOST_LARGE]]
    return [*begins, *_cut(changes, room), *ends]


def _cut(changes: Sequence[Finding], room: int) -> list[Finding]:
    """As many changes as there is room for; the second of those to be read with care goes first."""
    kept = list(changes)
    cautious = [each for each in kept if each.certainty == "with_care"]
    if len(kept) > room and len(cautious) > 1:
        kept.remove(cautious[-1])
    return kept[:room]


# --- changes --------------------------------------------------------------------------------------


def changes_to_judge(results: Results) -> pd.DataFrame:
    """One row for each metric and earlier window it can be compared with, under the run's own variants.

    Returns
    -------
    DataFrame
        The frame of changes with ``low, high, n, base_n``, ``kind, is_headline, has_target``, and what makes a sure
        change doubtful: ``is_other_base``, ``is_short_history``, ``is_doubtful_model``.
    """
    return results.remember("changes_to_judge", lambda: _changes_to_judge(results))


def _changes_to_judge(results: Results) -> pd.DataFrame:
    book = results.book
    records = {metric.id: metric for metric in shown_metrics(book)}
    changes = results.company_changes
    wanted = [
        row.metric in records and records[row.metric].variant == row.variant for row in changes.itertuples()
    ]
    rows = changes[pd.Series(wanted, changes.index, dtype=bool) & changes["difference"].notna()]
    rows = rows[rows["against"].isin(comparisons(book))]
    rows = _with_sizes(rows, results.company_kpis)
    metrics = [records[name] for name in rows["metric"]]
    is_sum = pd.Series([metric.additive for metric in metrics], rows.index, dtype=bool)
    headline = headline_metrics(book.settings)
    doubtful, windows = bool(doubtful_models(results)), {window.label: window for window in book.windows}
    return rows.assign(
        kind=[metric.kind for metric in metrics],
        is_headline=[name in headline for name in rows["metric"]],
        has_target=rows["metric"].isin(metrics_with_target(results)),
        is_doubtful_model=[
            metric.kind == "modelled" and (doubtful or status == "with_care")
            for metric, status in zip(metrics, rows["status"], strict=True)
        ],
        is_short_history=[
            base in windows and has_short_history(book, windows[base], metric)
            for metric, base in zip(metrics, rows["base_period"], strict=True)
        ],
        is_other_base=((rows["n"] / rows["base_n"] - 1).abs() > OTHER_BASE) & ~is_sum,
    )


def metrics_with_target(results: Results) -> set[str]:
    """The metrics for which the company has set a target of its own for the period."""
    from analysis.appraisal.targets import judge_targets  # brings scipy

    judged = judge_targets(results)
    return set() if isinstance(judged, NotMeasured) else set(judged["metric"])


def _with_sizes(changes: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    figures = kpis[["metric", "variant", "period", "low", "high", "n", "status"]]
    bases = figures.rename(columns={"period": "base_period", "n": "base_n"}).drop(
        columns=["low", "high", "status"]
    )
    rows = changes.merge(figures, on=["metric", "variant", "period"], how="left")
    return rows.merge(bases, on=["metric", "variant", "base_period"], how="left")


def find_sure_changes(results: Results) -> list[Finding]:
    """Changes beyond chance of rates measured on much the same customers, the most important first."""
    rows = changes_to_judge(results)
    return [_change_finding(results, row, rows, "sure") for row in sure_changes(results)]


def find_changes_with_care(results: Results) -> list[Finding]:
    """Changes beyond chance that may be of who is counted, or of a model to be used with care."""
    rows = changes_to_judge(results)
    sure, doubtful = _is_sure(rows), _is_doubtful(rows)
    told = set(rows.loc[sure & ~doubtful, "metric"])
    cautious = rows[sure & doubtful & ~rows["metric"].isin(told)]
    return [_change_finding(results, row, rows, "with_care") for row in _by_importance(cautious)]


def _is_sure(rows: pd.DataFrame) -> pd.Series:
    return rows["verdict"].isin(SURE_VERDICTS) & ~rows["metric"].isin(_NO_NEWS)


def _is_doubtful(rows: pd.DataFrame) -> pd.Series:
    return rows["is_other_base"] | rows["is_short_history"] | rows["is_doubtful_model"]


def _by_importance(rows: pd.DataFrame) -> list[Any]:
    """One row per metric: headline metrics first, then those with a target, then the largest change; twins once.

    Of two comparisons the one with the previous window is told.
    """
    ordered = rows.assign(
        size=(rows["difference"] / rows["base_value"]).abs(), is_later=rows["against"] != AGAINST[0]
    ).sort_values(["is_later"], kind="stable").drop_duplicates("metric")  # fmt: skip
    ordered = ordered.sort_values(
        ["is_headline", "has_target", "size", "metric"], ascending=[False, False, False, True], kind="stable"
    )
    kept: list[Any] = []
    for row in ordered.itertuples():
        if not any(_says_the_same(row, other) for other in kept):
            kept.append(row)
    return kept


def _says_the_same(row: Any, other: Any) -> bool:
    """Two names for one change: churn is 1 − retention, a total is a mean times a count that stayed."""
    if row.against != other.against:
        return False
    same_difference = abs(abs(row.difference) - abs(other.difference)) <= 1e-9 * abs(row.difference)
    same_ratio = abs(row.value * other.base_value - other.value * row.base_value) <= 1e-9 * abs(
        row.value * other.base_value
    )
    return same_difference or same_ratio


def _change_finding(results: Results, row: Any, rows: pd.DataFrame, certainty: str) -> Finding:
    metric = chosen(results.book, results.book.catalogue.metrics[row.metric])
    sentence = {each: change_sentence(row, metric, results.book, each) for each in LANGUAGES}
    detail = {each: _change_detail(results, row, rows, metric, each) for each in LANGUAGES}
    verdict = verdict_shown(row._asdict()) if certainty == "sure" else "use_with_care"
    return Finding(row.metric, sentence, certainty, verdict, detail)


def change_sentence(row: Any, metric: Metric, book: Book, language: str) -> str:
    """From what to what a figure moved: ``Retention fell to 59.6% from 69.1% in 2026Q2: −9.5 pp.``"""
    return label(
        "findings.rose" if row.difference > 0 else "findings.fell", language,
        name=metric_name(metric, language), value=say_value(row.value, metric, book, language),
        base_value=say_value(row.base_value, metric, book, language),
        base_period=say_period(row.base_period, book, language),
        change=say_change(row._asdict(), metric, book, language),
    )  # fmt: skip


def _change_detail(results: Results, row: Any, rows: pd.DataFrame, metric: Metric, language: str) -> str:
    book, change = results.book, row._asdict()
    limits = say_change_interval(change, metric, book, language)
    key = "findings.change_detail" if limits else "findings.figure_detail"
    first = label(
        key, language, level=say_level(book, language), n=say_n(row.n, language),
        interval=limits or say_interval(row.low, row.high, metric, book, language),
    )  # fmt: skip
    parts = [first, _other_comparison(row, rows, metric, book, language), _doubt(row, book, language)]
    return join_sentences(parts, language)


def _other_comparison(row: Any, rows: pd.DataFrame, metric: Metric, book: Book, language: str) -> str:
    """What the other comparison says, where it has a test and nothing speaks against it."""
    others = rows[(rows["metric"] == row.metric) & (rows["against"] != row.against)]
    others = others[~(others["is_other_base"] | others["is_short_history"])]
    if others.empty or others.iloc[0]["verdict"] not in (*SURE_VERDICTS, "no_clear_change"):
        return ""
    other = others.iloc[0]
    same_way = other["verdict"] in SURE_VERDICTS and (other["difference"] > 0) == (row.difference > 0)
    if same_way:
        key = "findings.also_sure"
    else:
        key = "findings.other_way" if other["verdict"] in SURE_VERDICTS else "findings.not_sure"
    period = say_period(other["base_period"], book, language)
    return label(key, language, period=period, change=say_change(other, metric, book, language))


def _doubt(row: Any, book: Book, language: str) -> str:
    if row.is_short_history:
        start = format_date(book.coverage.start, language)
        days, period = book.settings.activity_window_days, say_period(row.base_period, book, language)
        return label("findings.short_history", language, period=period, start=start, days=days)
    if row.is_other_base:
        change = format_percent(row.n / row.base_n - 1, language, decimals=0, signed=True)
        sizes = {"base_n": format_number(row.base_n, language), "n": format_number(row.n, language)}
        return label("findings.other_base", language, n_change=change, **sizes)
    return label("findings.by_model", language) if row.is_doubtful_model else ""


def find_nothing_sure(results: Results) -> list[Finding]:
    """That no change is beyond chance, where that is so and there were changes to test."""
    rows = changes_to_judge(results)
    tested = rows["verdict"].isin((*SURE_VERDICTS, "no_clear_change")) & ~rows["metric"].isin(_NO_NEWS)
    tested = rows[tested]
    if tested.empty:
        return []
    periods = {
        language: label("kpis.name_join", language).join(
            say_period(name, results.book, language) for name in tested["base_period"].unique()
        )
        for language in LANGUAGES
    }
    count = tested["metric"].nunique()
    sentence = {
        each: label("findings.nothing_sure", each, periods=periods[each], count=count) for each in LANGUAGES
    }
    return [Finding(None, sentence, "quiet", "no_clear_change")]


def sure_changes(results: Results, among: Collection[str] | None = None) -> list[Any]:
    """The rows of ``changes_to_judge`` that ``find_sure_changes`` tells, in its order; or of some metrics alone."""
    rows = changes_to_judge(results)
    rows = rows[_is_sure(rows) & ~_is_doubtful(rows)]
    return _by_importance(rows if among is None else rows[rows["metric"].isin(among)])


def count_tested(results: Results) -> int:
    """How many metrics have a change that was tested against chance."""
    rows = changes_to_judge(results)
    tested = rows["verdict"].isin((*SURE_VERDICTS, "no_clear_change")) & ~rows["metric"].isin(_NO_NEWS)
    return int(rows.loc[tested, "metric"].nunique())


def find_large_changes(results: Results) -> list[Finding]:
    """Exact figures that moved by a tenth or more: headline metrics first, then the largest."""
    return [_size_finding(results, row) for row in large_changes(results)]


def large_changes(results: Results) -> list[Any]:
    """The rows of ``changes_to_judge`` that ``find_large_changes`` tells, in its order."""
    rows = changes_to_judge(results)
    exact = (
        rows["verdict"].eq("size_only")
        & rows["kind"].isin(["total", "count"])
        & ~rows["metric"].isin(_NO_NEWS)
    )
    large = rows[exact & (rows["relative_change"].abs() >= LARGE_CHANGE)]
    return _by_importance(large)


def _size_finding(results: Results, row: Any) -> Finding:
    book, change = results.book, row._asdict()
    metric = chosen(book, book.catalogue.metrics[row.metric])
    sentence = {
        language: label(
            "findings.size", language, name=metric_name(metric, language),
            value=say_value(row.value, metric, book, language),
            change=say_change(change, metric, book, language),
            base_period=say_period(row.base_period, book, language),
        )
        for language in LANGUAGES
    }  # fmt: skip
    detail = {
        language: label(
            "findings.size_detail", language, n=say_n(row.n, language),
            base_value=say_value(row.base_value, metric, book, language),
        )
        for language in LANGUAGES
    }  # fmt: skip
    return Finding(row.metric, sentence, "size", verdict_shown(change), detail)


# --- models, gaps, next steps ---------------------------------------------------------------------


def doubtful_models(results: Results) -> list[dict[str, str]]:
    """The verdicts on the models in use that are short of trusted: their rule by language, each once."""
    fits, used = results.fits, {results.chosen_model, "mbg_nbd", "spend", "independence"}
    judged = [row for row in fits.itertuples() if row.role in used]
    forecasts = results.holdout
    forecasts = forecasts[forecasts["model"] == results.chosen_model]
    judged += list(forecasts.tail(1).itertuples())
    rules = {row.rule_en: row.rule_zh for row in judged if row.verdict in ("with_care", "do_not_use")}
    return [{"en": english, "zh": chinese} for english, chinese in rules.items()]


def find_model_cautions(results: Results) -> list[Finding]:
    """What the models behind the values are short of, in one finding; none where all can be trusted."""
    rules = doubtful_models(results)
    modelled = [m for m in results.book.catalogue.metrics.values() if m.kind == "modelled" and m.shown]
    measured = [m for m in modelled if not isinstance(results.kpi(m.id), NotMeasured)]
    if not rules or not measured:
        return []
    count = len(measured)
    sentence = {each: label("findings.model", each, count=count) for each in LANGUAGES}
    detail = {
        language: label(
            "findings.model_detail", language, rules=join_sentences([rule[language] for rule in rules], language),
            names=label("kpis.name_join", language).join(m.name.in_(language) for m in measured),
        )
        for language in LANGUAGES
    }  # fmt: skip
    return [Finding(None, sentence, "with_care", "use_with_care", detail, "customer_value")]


def find_not_measured(results: Results) -> list[Finding]:
    """Which metrics have no figure and why, and which comparison cannot be made, in one finding."""
    shown = shown_figures(results)
    count, every = int(shown["value"].isna().sum()), len(shown)
    sentence, detail = {}, {}
    for language in LANGUAGES:
        tables = absent_tables(shown)
        told = [_need_tables(results, tables, language)] if len(tables) > 1 else []
        others = shown[~shown["reason"].map(root_reason).str.startswith(TABLE_ABSENT)] if told else shown
        told += not_measured_list(results, others, language, most_names=3)
        gaps = gaps_in_comparison(results, language)
        first = [label("findings.not_measured", language, count=count, all=every)] if count else gaps
        listed = label("kpis.list_join", language).join(told)
        why = [label("findings.not_measured_why", language, list=listed), *gaps] if count else []
        sentence[language] = join_sentences(first, language)
        detail[language] = join_sentences(why, language)
    if not sentence["en"]:
        return []
    return [Finding(None, sentence, "not_measured", "not_measured", detail, "data_quality" if count else "")]


def absent_tables(shown: pd.DataFrame) -> pd.Series:
    """How many metrics have no figure for want of each table, the table most are in want of first."""
    roots = shown.loc[shown["value"].isna(), "reason"].map(root_reason)
    return roots[roots.str.startswith(TABLE_ABSENT)].str.removeprefix(TABLE_ABSENT).value_counts()


def _need_tables(results: Results, tables: pd.Series, language: str) -> str:
    """Several tables are not supplied: how many metrics wait for them, and for which most."""
    names = [results.book.catalogue.tables[name].name.in_(language) for name in tables.index]
    return label(
        "findings.need_tables", language, count=int(tables.sum()), tables=some(names, MOST_TABLES, language),
        page=results.book.catalogue.pages["data_quality"].title.in_(language),
    )  # fmt: skip


def shown_figures(results: Results) -> pd.DataFrame:
    """The period's company-level figures of every metric shown, under the run's own variants."""
    book = results.book
    wanted = {metric.id: metric.variant for metric in shown_metrics(book)}
    rows = results.company_kpis
    rows = rows[rows["period"] == book.window.label]
    return rows[rows["variant"] == rows["metric"].map(wanted)]


def overdue_customers(customers: pd.DataFrame) -> pd.DataFrame:
    """Valuable customers at risk who can still be kept: active, with repeat purchases; most valuable first.

    One purchase says too little about a customer's rhythm to call him overdue.
    """
    if customers.empty:
        return customers
    at_risk = customers[customers["is_at_risk"] & customers["is_closing"] & ~customers["is_one_time_buyer"]]
    return at_risk.sort_values(["predicted_clv", "customer_id"], ascending=[False, True])


def find_unreconciled(results: Results) -> list[Finding]:
    """That the figures do not add up, where they do not."""
    if results.is_reconciled:
        return []
    broken = results.identities.loc[~results.identities["holds"], "identity"].unique()
    listed = {
        each: label("kpis.name_join", each).join(label(f"findings.identity_{name}", each) for name in broken)
        for each in LANGUAGES
    }
    sentence = {each: label("findings.unreconciled", each, list=listed[each]) for each in LANGUAGES}
    return [Finding(None, sentence, "with_care", "do_not_use")]
