"""Acquisition and funnel: what moved, what new customers cost and bring, by channel, where the funnel narrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import label
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import WITH_CARE
from analysis.report.kpi_tables import (
    heading_of,
    interval_column,
    kpi_block,
    small_sample_words,
    with_variants,
)
from analysis.report.kpis_shown import (
    chosen,
    comparisons,
    group_name,
    join_sentences,
    metric_name,
    say_interval,
    say_level,
    say_n,
    say_period,
    say_value,
    verdict_shown,
)
from analysis.report.numbers_shown import (
    format_interval,
    format_money,
    format_number,
    format_percent,
    is_missing,
)
from analysis.report.pages.acquisition_rows import (
    AGAIN,
    BLOCKS,
    COST,
    OF_SALES,
    channels,
    channels_that_do_not_last,
    costs_without_rows,
    targets_of_managers,
)
from analysis.report.pages.breakdowns import MOST_GROUPS, breakdown_table, in_words
from analysis.report.pages.changes import changes_told
from analysis.report.pages.funnel_rows import (
    PASSED,
    bottleneck,
    funnel,
    lost_reasons,
    open_by_stage,
    time_in_stage,
)
from analysis.report.per_language import html_per_language
from analysis.report.remarks_shown import callout
from analysis.report.tables_shown import Column, table_html
from analysis.report.verdicts_shown import VERDICTS
from analysis.suite import Results

FAMILIES = ("acquisition", "sales")


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"acquisition_page.{key}", language, **values)


# --- what moved ---------------------------------------------------------------------------------------


@html_per_language
def show_acquisition_changes(results: Results, *, language: str) -> Markup:
    """Where the funnel narrows for sure, then changes beyond chance; without any, how many were tested."""
    rows = funnel(results)
    narrow = None if isinstance(rows, NotMeasured) else bottleneck(rows)
    first, told = [], []
    if narrow is not None:
        words = _stage_words(narrow, results.book, language)
        first.append((_words("narrows", language, stages=len(rows), **words), "worse"))
        told.append(f"{PASSED}.{narrow.stage}")
    return changes_told(results, FAMILIES, first, page="acquisition_page", language=language, told=told)


# --- figures in blocks --------------------------------------------------------------------------------


@html_per_language
def show_acquisition_kpis(results: Results, block: str, *, language: str) -> Markup:
    """The figures of one block under all their definitions, and in one line what is not measured.

    Raises
    ------
    KeyError
        If there is no such block.
    """
    book = results.book
    caption = _words(
        "kpis_caption", language, period=say_period(book.window.label, book, language),
        block=_words(f"block_{block}", language),
    )  # fmt: skip
    note = _block_note(results, block, language)
    return kpi_block(
        results, with_variants(book, BLOCKS[block]), language=language, caption=caption, note=note
    )


def _block_note(results: Results, block: str, language: str) -> str:
    if block == "leads":
        return _words("leads_note", language)
    if block == "cost" and (
        names := [metric_name(metric, language) for metric in costs_without_rows(results)]
    ):
        return _words("costs_note", language, names=label("kpis.name_join", language).join(names))
    return ""


@html_per_language
def show_value_for_cost(results: Results, *, language: str) -> Markup | NotMeasured:
    """What a new customer is expected to bring for each unit of money spent on winning him, in words."""
    book, found = results.book, results.kpi("clv_to_cac", "default")
    if isinstance(found, NotMeasured):
        return in_words(found, book, language)
    metric = book.catalogue.metrics["clv_to_cac"]
    limits = sorted(metric.bands.values())
    band = sum(found["value"] >= limit for limit in limits)
    crossed = [limit for limit in limits if found["low"] < limit <= found["high"]]
    listed = label("kpis.name_join", language).join(format_number(limit, language) for limit in crossed)
    told = [
        _words(
            "worth", language, ratio=say_value(found["value"], metric, book, language),
            interval=_in_brackets(say_interval(found["low"], found["high"], metric, book, language), found, language),
            value=_kpi_words(results, "new_customer_expected_value", "default", language),
            cost=_kpi_words(results, "customer_acquisition_cost", "default", language),
        ),
        _words(f"worth_band_{band}", language),
        _words("worth_crosses", language, limits=listed) if crossed else "",
        _words("worth_is_revenue", language) if book.settings.gross_margin == 1 else "",
        _words("worth_with_care", language, page=book.catalogue.pages["customer_value"].title.in_(language))
        if found["status"] == WITH_CARE else "",
    ]  # fmt: skip
    return callout(join_sentences(told, language), language, title=_words("worth_title", language))


def _in_brackets(interval: str, figure: Mapping[str, Any], language: str) -> str:
    return "" if is_missing(figure["low"]) else _words("in_brackets", language, interval=interval)


def _kpi_words(results: Results, metric: str, variant: str, language: str) -> str:
    book, found = results.book, results.kpi(metric, variant)
    value = None if isinstance(found, NotMeasured) else found["value"]
    return say_value(value, book.catalogue.metric(metric, variant), book, language)


# --- new customers by channel -------------------------------------------------------------------------


@html_per_language
def show_channels_that_do_not_last(results: Results, *, language: str) -> Markup | NotMeasured:
    """Which acquisition channels bring customers who buy again less often than the others' beyond chance."""
    book, rows = results.book, channels(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    tested = int(rows["verdict"].isin(["better", "worse", "no_clear_change"]).sum())
    if not tested:
        name = book.catalogue.dimensions["acquisition_channel"].name.in_(language)
        return callout(label("breakdowns.one_group", language, dimension=name), language)
    worst = channels_that_do_not_last(rows)
    if worst.empty:
        return callout(_words("channels_all_last", language, count=tested), language)
    items = [_channel_words(results, row, tested, language) for row in worst.itertuples()]
    title = _words("channels_title", language)
    return callout("", language, kind="warning", title=title, items=items)


def _channel_words(results: Results, row: Any, tested: int, language: str) -> str:
    book = results.book
    named = {
        "channel": group_name(book, "acquisition_channel", row.channel, language),
        "again": format_percent(row.again, language), "known": format_number(row.known, language),
        "interval": format_interval(row.again_low, row.again_high, "percent", language),
        "others": format_percent(row.others, language), "count": tested, "level": say_level(book, language),
    }  # fmt: skip
    whole = results.kpi(*COST.split("."))
    told = [_words("channel_lasts_not", language, **named)]
    if not isinstance(whole, NotMeasured) and not is_missing(row.cost):
        key = "channel_cheap" if row.cost < whole["value"] else "channel_dear"
        costs = [
            format_money(each, language, currency=book.settings.currency)
            for each in (row.cost, whole["value"])
        ]
        told.append(_words(key, language, cost=costs[0], all=costs[1]))
    return join_sentences(told, language)


@html_per_language
def show_new_customers_by_channel(results: Results, *, language: str) -> Markup | NotMeasured:
    """New customers of each channel: how many, what they brought and cost, and whether its customers buy again."""
    book, rows = results.book, channels(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    if rows.empty:
        name = book.catalogue.dimensions["acquisition_channel"].name.in_(language)
        return callout(label("breakdowns.one_group", language, dimension=name), language)
    return table_html(
        _channels_in_words(rows, book, language), _channel_columns(results, language), language=language,
        phone="cards", currency=book.settings.currency, note=_channel_note(results, rows, language),
        caption=_words("channels_caption", language, period=say_period(book.window.label, book, language)),
    )  # fmt: skip


def _channels_in_words(rows: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    currency = book.settings.currency
    return rows.assign(
        name=[group_name(book, "acquisition_channel", each, language) for each in rows["channel"]],
        before_words=[
            None if is_missing(each) else _words("channels_before", language, count=format_number(each, language))
            for each in rows["before"]
        ],
        first_words=[
            None if is_missing(low) else format_interval(low, high, "money", language, currency=currency)
            for low, high in zip(rows["first_low"], rows["first_high"], strict=True)
        ],
        again_words=[_against_others(row, language) for row in rows.itertuples()],
        known_words=[small_sample_words(n, book, language) for n in rows["known"].fillna(0)],
        cost_reason=_words("channels_no_cost", language),
        no_new=_words("channels_no_new", language),
    )  # fmt: skip


def _against_others(row: Any, language: str) -> str | None:
    """Sign and words where a channel's customers buy again more or less often than others' beyond chance."""
    signs = {"better": VERDICTS["better"][0], "worse": VERDICTS["worse"][0]}
    if row.verdict not in signs:
        return None
    others = format_percent(row.others, language)
    return f"{signs[row.verdict]} {_words(f'channels_{row.verdict}', language, others=others)}"


def _channel_columns(results: Results, language: str) -> list[Column]:
    book = results.book
    headings = {
        key: _words(f"channels_{key}", language) for key in ("new", "first", "cost", "again", "known")
    }
    return [
        Column("name", book.catalogue.dimensions["acquisition_channel"].name.in_(language)),
        Column(
            "new_customers", headings["new"], unit="number", detail_from="before_words", reason_from="no_new"
        ),
        Column(
            "first_value", headings["first"], unit="money", detail_from="first_words", reason_from="no_new"
        ),
        Column("cost", headings["cost"], unit="money", reason_from="cost_reason"),
        Column("again", headings["again"], unit="percent", strong=True, detail_from="again_words"),
        interval_column(book, language, low="again_low", high="again_high", unit="percent"),
        Column("known", headings["known"], unit="number", detail_from="known_words"),
    ]


def _channel_note(results: Results, rows: pd.DataFrame, language: str) -> str:
    book = results.book
    tested = int(rows["verdict"].isin(["better", "worse", "no_clear_change"]).sum())
    notes = [
        _words("channels_note", language, metric=metric_name(book.catalogue.named(AGAIN), language)),
        _words("channels_corrected", language, count=tested) if tested else "",
        _words("channels_first_note", language, level=say_level(book, language)),
        _words("channels_cut", language, shown=MOST_GROUPS) if len(rows) == MOST_GROUPS else "",
    ]
    return join_sentences(notes, language)


# --- the funnel ---------------------------------------------------------------------------------------


@html_per_language
def show_bottleneck(results: Results, *, language: str) -> Markup | NotMeasured:
    """The stage that lies lowest against its own history, how sure that is, and what to do about it."""
    book, rows = results.book, funnel(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    narrow = bottleneck(rows)
    if narrow is None:
        return callout(join_sentences(_no_bottleneck(rows, book, language), language), language)
    words = _stage_words(narrow, book, language)
    return callout(
        _words("bottleneck", language, stages=len(rows), **words), language, kind="warning",
        title=_words("bottleneck_title", language, stage=group_name(book, "stage", narrow.stage, language)),
        items=_what_to_do(results, rows, narrow, language),
    )  # fmt: skip


def _stage_words(row: Any, book: Book, language: str) -> dict[str, Any]:
    """A stage's figure and its history in words."""
    limits = {name: format_percent(getattr(row, name), language) for name in ("lowest", "highest")}
    return {
        "stage": group_name(book, "stage", row.stage, language),
        "n": say_n(row.n, language), "value": format_percent(row.value, language),
        "interval": format_interval(row.low, row.high, "percent", language), "level": say_level(book, language),
        "usual": format_percent(row.usual, language),
        "before": _words("before_1" if row.windows == 1 else "before_more", language, windows=int(row.windows)),
        "range": _words("range", language, **limits) if row.windows > 1 else "",
        "period": say_period(book.window.label, book, language),
    }  # fmt: skip


def _no_bottleneck(rows: pd.DataFrame, book: Book, language: str) -> list[str]:
    """That no stage is lower than usual for sure, and which lets fewest through."""
    tested = int(rows["verdict"].isin(["better", "worse", "no_clear_change"]).sum())
    fewest = next(rows.sort_values("value", kind="stable").itertuples())
    words = _stage_words(fewest, book, language)
    if not tested:
        return [_words("no_history", language), _words("fewest", language, **words)]
    return [_words("no_bottleneck", language, stages=tested), _words("fewest_usual", language, **words)]


def _what_to_do(results: Results, rows: pd.DataFrame, narrow: Any, language: str) -> list[str]:
    missed = format_number(round((narrow.usual - narrow.value) * narrow.n), language)
    told = [_words("missed", language, missed=missed, usual=format_percent(narrow.usual, language))]
    open_now = open_by_stage(results)
    if not isinstance(open_now, NotMeasured):
        here = open_now[(open_now["stage"] == narrow.stage) & (open_now["opportunities"] > 0)]
        told += [_open_words(row, results.book, language) for row in here.itertuples()]
    others = rows[(rows["verdict"] == "worse") & (rows["stage"] != narrow.stage)]["stage"]
    if len(others):
        names = [group_name(results.book, "stage", stage, language) for stage in others]
        told.append(_words("also_narrow", language, stages=label("kpis.name_join", language).join(names)))
    return told


def _open_words(row: Any, book: Book, language: str) -> str:
    count = format_number(row.opportunities, language)
    if is_missing(row.value):
        return _words("begin_with", language, count=count)
    worth = format_money(row.value, language, currency=book.settings.currency)
    return _words("begin_with_worth", language, count=count, value=worth)


@html_per_language
def show_time_in_stage(results: Results, *, language: str) -> Markup | NotMeasured:
    """How long opportunities stood in each stage: mean, median and nine in ten, against the stage's own history."""
    book, rows = results.book, time_in_stage(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    named = rows.assign(
        name=[group_name(book, "stage", stage, language) for stage in rows["stage"]],
        verdict_key=[verdict_shown(row) for row in rows.to_dict("records")],
        n_detail=[small_sample_words(n, book, language) for n in rows["n"]],
    )
    columns = [
        Column("name", book.catalogue.dimensions["stage"].name.in_(language)),
        Column(
            "value", _words("days_mean", language), unit="number", decimals=1, strong=True, verdict_from="verdict_key"
        ),
        interval_column(book, language, unit="number", decimals=1),
        Column("usual", _words("days_usual", language), unit="number", decimals=1),
        Column("lowest", _words("days_range", language), unit="number", decimals=1, high="highest"),
        Column("median", _words("days_median", language), unit="number", decimals=1),
        Column("p90", _words("days_p90", language), unit="number", decimals=1),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
    ]  # fmt: skip
    return table_html(
        named, columns, language=language, phone="cards",
        caption=_words("days_caption", language, period=say_period(book.window.label, book, language)),
        note=_words("days_note", language, windows=int(rows["windows"].max()), stages=len(rows)),
    )  # fmt: skip


# --- lost reasons -------------------------------------------------------------------------------------


@html_per_language
def show_lost_reasons(results: Results, *, language: str) -> Markup | NotMeasured:
    """Why opportunities were lost: how many, their part of all lost, the value lost, and what changed."""
    book, rows = results.book, lost_reasons(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    if not rows["reason"].any():
        return NotMeasured(
            _words("lost_unstated", language, lost=format_number(rows["lost"].sum(), language))
        )
    shown = [
        each for each in comparisons(book) if f"{each}_share" in rows and rows[f"{each}_share"].notna().any()
    ]
    return table_html(
        _reasons_in_words(rows, shown, book, language), _reason_columns(rows, shown, book, language),
        language=language, phone="cards", currency=book.settings.currency,
        caption=_words("lost_caption", language, period=say_period(book.window.label, book, language)),
        note=_words("lost_note", language, lost=format_number(rows["lost"].sum(), language), count=len(rows)),
    )  # fmt: skip


def _reason_columns(rows: pd.DataFrame, shown: Sequence[str], book: Book, language: str) -> list[Column]:
    value = Column("value", _words("lost_value", language), unit="money", decimals=0)
    return [
        Column("name", book.catalogue.dimensions["lost_reason"].name.in_(language)),
        Column("lost", _words("lost_count", language), unit="number", strong=True),
        Column("share", _words("lost_share", language), unit="percent"),
        interval_column(book, language, unit="percent"),
        Column("cumulative", _words("lost_sum", language), unit="percent"),
        *([value] if rows["value"].notna().any() else []),
        *(
            Column(f"{each}_change", heading_of(each, book, language), unit="points",
                   verdict_from=f"{each}_key", signed=True)
            for each in shown
        ),
    ]  # fmt: skip


def _reasons_in_words(rows: pd.DataFrame, shown: Sequence[str], book: Book, language: str) -> pd.DataFrame:
    named = rows.assign(name=[group_name(book, "lost_reason", reason, language) for reason in rows["reason"]])
    for each in shown:
        difference = rows["share"] - rows[f"{each}_share"]
        pairs = zip(rows[f"{each}_verdict"], difference, strict=True)
        named[f"{each}_change"] = difference
        named[f"{each}_key"] = [verdict_shown({"verdict": verdict, "difference": d}) for verdict, d in pairs]
    return named


# --- sales by channel, product, account manager -------------------------------------------------------


@html_per_language
def show_sales_by_channel(results: Results, *, language: str) -> Markup | NotMeasured:
    """Win rate and conversion of each acquisition channel with intervals, and changes with corrected verdicts."""
    return _sales_by(results, "acquisition_channel", language)


@html_per_language
def show_sales_by_product(results: Results, *, language: str) -> Markup | NotMeasured:
    """The same of each product."""
    return _sales_by(results, "product", language)


@html_per_language
def show_sales_by_account_manager(results: Results, *, language: str) -> Markup | NotMeasured:
    """The same of each account manager."""
    return _sales_by(results, "account_manager", language)


def _sales_by(results: Results, dimension: str, language: str) -> Markup | NotMeasured:
    period = say_period(results.book.window.label, results.book, language)
    return breakdown_table(
        results, dimension, OF_SALES, language, table="opportunities",
        caption=_words(f"by_{dimension}_caption", language, period=period),
        note=_words(f"by_{dimension}_note", language),
    )  # fmt: skip


# --- what is open, and targets ------------------------------------------------------------------------


@html_per_language
def show_open_by_stage(results: Results, *, language: str) -> Markup | NotMeasured:
    """Opportunities open at the period's end by stage: how many, their value, and what of it is to be expected."""
    book, rows = results.book, open_by_stage(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    named = rows.assign(
        name=[group_name(book, "stage", stage, language) for stage in rows["stage"]], is_total=False
    )
    total = {"name": label("report.total", language), "is_total": True, "win_rate": None}
    sums = rows[["opportunities", "before", "value", "weighted"]].sum(min_count=1)
    named = pd.concat([named, pd.DataFrame([{**total, **sums}])], ignore_index=True)
    previous = say_period(book.baselines[book.window.label]["previous"], book, language)
    before = Column("before", _words("open_before", language, period=previous), unit="number")
    value = Column("value", _words("open_value", language), unit="money", decimals=0)
    weighted = Column("weighted", _words("open_weighted", language), unit="money", decimals=0)
    has_value = rows["value"].notna().any()
    columns = [
        Column("name", book.catalogue.dimensions["stage"].name.in_(language)),
        Column("opportunities", _words("open_count", language), unit="number", strong=True),
        *([before] if rows["before"].notna().any() else []),
        *([value] if has_value else []),
        Column("win_rate", _words("open_rate", language), unit="percent"),
        *([weighted] if has_value else []),
    ]  # fmt: skip
    return table_html(
        named, columns, language=language, phone="cards", currency=book.settings.currency, strong_from="is_total",
        caption=_words("open_caption", language, period=say_period(book.window.label, book, language)),
        note=_words("open_note" if has_value else "open_no_value", language),
    )  # fmt: skip


@html_per_language
def show_targets_by_account_manager(results: Results, *, language: str) -> Markup | NotMeasured:
    """What each account manager reached of his sales target, least first."""
    book, rows = results.book, targets_of_managers(results)
    if isinstance(rows, NotMeasured):
        return in_words(rows, book, language)
    if rows.empty:
        return callout(_words("no_targets", language), language)
    named = rows.assign(
        name=[group_name(book, "account_manager", each, language) for each in rows["account_manager"]],
        of=[metric_name(chosen(book, book.catalogue.metrics[each]), language) for each in rows["metric"]],
    )
    columns = [
        Column("name", book.catalogue.dimensions["account_manager"].name.in_(language)),
        Column("attainment", _words("target_share", language), unit="percent", strong=True),
        Column("reached", _words("target_reached", language), unit="money", decimals=0),
        Column("target", _words("target_set", language), unit="money", decimals=0),
    ]
    return table_html(
        named, columns, language=language, phone="cards", currency=book.settings.currency, group_by="of",
        caption=_words("target_caption", language, period=say_period(book.window.label, book, language)),
        note=_words("target_note", language),
    )  # fmt: skip
