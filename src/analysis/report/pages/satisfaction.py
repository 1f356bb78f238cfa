"""Satisfaction: what can be trusted, scores by question, group and touchpoint, themes, complaints, public voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import NOT_STATED
from analysis.report.figures.retention import MOST_GROUPS
from analysis.report.kpi_tables import kpi_table, not_measured_line, small_sample_words
from analysis.report.kpis_shown import (
    chosen,
    group_name,
    join_sentences,
    kpi_rows,
    measured,
    metric_name,
    say_level,
    say_n,
    say_period,
    say_reason,
    unit_of,
)
from analysis.report.pages.satisfaction_rows import (
    FAMILY,
    LEAST_MENTIONS,
    MOST_THEMES,
    SCORE_GROUPS,
    complaint_topics,
    doubtful_groups,
    doubtful_scores,
    findings_of_family,
    group_scores,
    index_items,
    is_doubtful,
    item_metrics,
    item_name,
    journey_question,
    journey_rows,
    manager_names,
    mention_platforms,
    metric_of,
    quality_dimensions,
    quality_name,
    read_periods,
    scores_of,
    small_groups,
    survey_gate,
    term_rows,
    theme_rows,
    variants_of,
    was_anything_tested,
    why_no_groups,
)
from analysis.report.per_language import html_per_language
from analysis.report.tables_shown import (
    Column,
    callout,
    finding_list,
    format_interval,
    format_number,
    is_missing,
    table_html,
)
from analysis.suite import Results

SECTIONS = {
    "csat": "satisfaction", "acsi_style": "satisfaction", "servqual_gap": "satisfaction", "nps": "recommendation",
    "ces": "effort", "survey_response_rate": "surveys", "survey_coverage": "surveys", "complaint_rate": "voice",
    "complaint_severity": "voice", "social_sentiment": "voice",
}  # fmt: skip
APART = {"nps": "transactional", "ces": "v1"}
"""Variants that answer another question, and so stand in the overview beside the run's own."""
MOST_TOPICS = 10


def _words(key: str, language: str, **values: Any) -> str:
    return label(f"satisfaction_page.{key}", language, **values)


def _period(results: Results, language: str) -> str:
    return say_period(results.book.window.label, results.book, language)


def _listed(names: Sequence[str], language: str) -> str:
    return label("kpis.name_join", language).join(names)


def absent_table(book: Book, *tables: str, language: str) -> NotMeasured | None:
    """Why nothing is shown: the first of these tables that the company does not supply, in words."""
    absent = next((name for name in tables if name in book.absent), None)
    return NotMeasured(say_reason(f"table_absent|{absent}", book, language)) if absent else None


def nothing_there(reason: str, book: Book, language: str) -> NotMeasured:
    """A reason of the frame in words, with what it names called by its name."""
    return NotMeasured(say_reason(reason, book, language))


# --- what moved, what can be trusted ------------------------------------------------------------------


@html_per_language
def show_satisfaction_changes(results: Results, *, language: str) -> Markup:
    """What of satisfaction changed beyond chance, or that nothing did."""
    findings = findings_of_family(results)
    if findings:
        return finding_list([(finding.in_full(language), finding.verdict) for finding in findings], language)
    key = "nothing_moved" if was_anything_tested(results) else "nothing_tested"
    return callout(_words(key, language), language)


@html_per_language
def show_survey_trust(results: Results, *, language: str) -> Markup | NotMeasured:
    """What each survey rests on and what to mind, then whose answers are not to be taken at face value."""
    book, gate = results.book, survey_gate(results)
    if gate.empty:
        return absent_table(book, "answers", "questions", language=language) or nothing_there(
            "no_rows", book, language
        )
    company = gate[gate["by"].isna()]
    table = table_html(
        gate_rows(company, language), _gate_columns(language), language=language, phone="cards",
        caption=_words("gate_caption", language, period=_period(results, language)),
        note=_words("gate_note", language),
    )  # fmt: skip
    return _doubts(results, gate, language) + table


def gate_rows(company: pd.DataFrame, language: str) -> pd.DataFrame:
    """The company's rows of the gate as they are shown: names and warnings in words, reasons for what is missing."""
    from analysis.suite.survey_gate import say_warnings

    nothing = label("satisfaction.nothing_to_warn", language)
    kinds = [
        None if is_missing(kind) else label(f"satisfaction.kind_{kind}", language) for kind in company["kind"]
    ]
    return company.assign(
        survey=[label(f"satisfaction.construct_{name}", language) for name in company["construct"]],
        kind_name=kinds,
        asked=company["asked"].where(company["asked"] > 0),
        asked_reason=_words("no_surveys", language),
        share_reason=_words("no_orders", language),
        response_reason=_words("no_deadline_over", language),
        alpha_reason=_words("one_item", language),
        mind=[
            join_sentences(say_warnings(each, language), language) or nothing for each in company["warnings"]
        ],
    )


def _gate_columns(language: str) -> list[Column]:
    def words(name: str) -> str:
        return label(f"satisfaction.{name}", language)

    return [
        Column("survey", words("survey"), detail_from="kind_name"),
        Column("asked", words("asked"), unit="number", reason_from="asked_reason"),
        Column("asked_share", words("asked_share"), unit="percent", decimals=0, reason_from="share_reason"),
        Column(
            "response_rate", words("response_rate"), unit="percent", decimals=0, reason_from="response_reason"
        ),
        Column("answers", words("answers"), unit="number", strong=True),
        Column("last_answered_on", words("last_answered_on"), unit="date"),
        Column("alpha", words("alpha"), unit="number", decimals=2, reason_from="alpha_reason"),
        Column("mind", words("warnings")),
    ]


def _doubts(results: Results, gate: pd.DataFrame, language: str) -> Markup:
    """A warning of the groups whose answers are doubtful, with those that are merely few."""
    doubts, few = doubt_lines(gate, language), few_line(results, gate, language)
    if not doubts:
        return callout(few, language) if few else Markup("")
    text = join_sentences([_words("doubts_lead", language)], language)
    title = _words("doubts_title", language)
    return callout(text, language, kind="warning", title=title, items=[*doubts, *([few] if few else [])])


def doubt_lines(gate: pd.DataFrame, language: str) -> list[str]:
    """One sentence for each account manager or team whose answers are doubtful, with the reasons."""
    return [_doubt_line(row, language) for row in doubtful_groups(gate).itertuples()]


def _doubt_line(row: Any, language: str) -> str:
    from analysis.suite.survey_gate import say_warnings

    by = _words(f"by_{row.by}", language)
    constructs = [label(f"satisfaction.construct_{name}", language) for name in row.constructs]
    return _words(
        "doubt",
        language,
        by=by[:1].upper() + by[1:],
        group=_called(row),
        constructs=_listed(constructs, language),
        warnings=join_sentences(say_warnings(row.warnings, language), language),
    )


def _called(row: Any) -> str:
    return str(row.group) if row.group_name == row.group else f"{row.group_name} ({row.group})"


def few_line(results: Results, gate: pd.DataFrame, language: str) -> str:
    """Which account managers and teams have too few answers, with how many; empty for none."""
    few = small_groups(gate)
    if few.empty:
        return ""
    names = [
        _words("few_of", language, name=r.group_name, answers=format_number(r.answers, language))
        for r in few.itertuples()
    ]
    return _words(
        "few", language, limit=results.book.settings.survey_minimum_answers, names=_listed(names, language)
    )


# --- figures ------------------------------------------------------------------------------------------


@html_per_language
def show_satisfaction_kpis(results: Results, *, language: str) -> Markup:
    """The figures of satisfaction under the run's own definitions, by what they are about."""
    caption = _words("kpis_caption", language, period=_period(results, language))
    return figures_table(results, overview_metrics(results), caption, language, sections=section_of)


def overview_metrics(results: Results) -> list[Metric]:
    """The family under the run's own variants, section by section; variants on another question beside them."""
    book, found = results.book, []
    for metric in book.catalogue.families[FAMILY]:
        if not metric.shown or metric.id.startswith("csat."):
            continue
        own, apart = chosen(book, metric), APART.get(metric.id)
        found.append(own)
        if apart in metric.variants and apart != own.variant:
            found.append(metric.under(apart))
    order = list(dict.fromkeys((*SECTIONS.values(), "other")))
    return sorted(found, key=lambda metric: order.index(section_of(metric)))


def section_of(metric: Metric) -> str:
    """Under which heading of the overview a metric stands."""
    return SECTIONS.get(metric.id, "other")


def figures_table(
    results: Results, metrics: Sequence[Metric], caption: str, language: str, sections: Any = None
) -> Markup:
    """KPI rows of these metrics in a table, and in one line what of them is not measured and why."""
    rows = kpi_rows(results, metrics)
    present = measured(rows)
    if present.empty:
        table: Any = callout(label("kpis.nothing_measured", language), language)
    elif sections is None:
        table = kpi_table(results, present, language=language, caption=caption)
    else:
        by_key = {(metric.id, metric.variant): metric for metric in metrics}
        keys = zip(present["metric"], present["variant"], strict=True)
        names = [_words(f"section_{sections(by_key[key])}", language) for key in keys]
        table = kpi_table(
            results, present.assign(section=names), language=language, caption=caption, group_by="section"
        )
    return Markup(table) + not_measured_line(results, rows, language)


@html_per_language
def show_satisfaction_items(results: Results, *, language: str) -> Markup:
    """Satisfaction on the whole under every definition, then each aspect, with changes."""
    whole, items = variants_of(results, "csat"), item_metrics(results)
    caption = _words("items_caption", language, period=_period(results, language))
    rows = kpi_rows(results, [*whole, *items])
    present = measured(rows)
    if present.empty:
        return callout(label("kpis.nothing_measured", language), language) + not_measured_line(
            results, rows, language
        )
    names = ["whole" if name == "csat" else "items" for name in present["metric"]]
    present = present.assign(section=[_words(f"items_section_{name}", language) for name in names])
    table = kpi_table(results, present, language=language, caption=caption, group_by="section")
    return Markup(table) + not_measured_line(results, rows, language)


@html_per_language
def show_recommendation(results: Results, *, language: str) -> Markup:
    """The net promoter score under every definition; after a contact stands apart."""
    caption = _words("nps_caption", language, period=_period(results, language))
    return figures_table(results, variants_of(results, "nps"), caption, language)


@html_per_language
def show_effort(results: Results, *, language: str) -> Markup:
    """Effort under every definition; the two versions of the question are never pooled."""
    caption = _words("effort_caption", language, period=_period(results, language))
    return figures_table(results, variants_of(results, "ces"), caption, language)


# --- quality of service -------------------------------------------------------------------------------


@html_per_language
def show_service_quality(results: Results, *, language: str) -> Markup | NotMeasured:
    """SERVQUAL by dimension: expected, perceived, the gap with its interval, largest shortfall first."""
    rows = quality_dimensions(results)
    if rows.empty:
        return _why_not(results, "servqual_gap", language)
    rows = quality_shown(rows, results, language)
    return table_html(
        rows, _quality_columns(results, language), language=language, phone="cards",
        caption=_words("quality_caption", language, period=_period(results, language)),
        note=_words("quality_table_note", language),
    )  # fmt: skip


def quality_shown(rows: pd.DataFrame, results: Results, language: str) -> pd.DataFrame:
    """The dimensions with their names, what the gap says in words, and small samples marked."""
    return rows.assign(
        name=[quality_name(name, language) for name in rows["dimension"]],
        reading=[
            _words(_reading(row, results.book.settings.small_sample), language) for row in rows.itertuples()
        ],
        n_detail=_small_marks(rows["n"], results.book, language),
    )


def _reading(row: Any, small_sample: int) -> str:
    if row.n < small_sample or is_missing(row.low):
        return "too_few_to_say"
    if row.high < 0:
        return "short_of"
    return "above" if row.low > 0 else "as_expected"


def _small_marks(sizes: pd.Series, book: Book, language: str) -> list[str | None]:
    return [small_sample_words(n, book, language) for n in sizes]


def _quality_columns(results: Results, language: str) -> list[Column]:
    return [
        Column("name", _words("quality_dimension", language)),
        Column("expectation", _words("expectation", language), unit="number", decimals=2),
        Column("perception", _words("perception", language), unit="number", decimals=2),
        Column("value", _words("gap", language), unit="number", decimals=2, signed=True, strong=True),
        _interval_column(results, language, unit="number", decimals=2),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        Column("reading", _words("against_expectation", language)),
    ]


def _interval_column(results: Results, language: str, unit: str, **options: Any) -> Column:
    heading = label("kpis.interval", language, level=say_level(results.book, language))
    return Column("low", heading, unit=unit, high="high", **options)


def _why_not(results: Results, metric: str, language: str) -> NotMeasured:
    """Why a metric has no figure, in words."""
    figure = results.kpi(metric)
    reason = figure.reason if isinstance(figure, NotMeasured) else "no_rows"
    return nothing_there(str(reason), results.book, language)


@html_per_language
def show_satisfaction_index(results: Results, *, language: str) -> Markup:
    """The indices under every definition, and the items that the satisfaction index is made of."""
    period = _period(results, language)
    caption = _words("index_caption", language, period=period)
    table = figures_table(results, variants_of(results, "acsi_style", "servqual_gap"), caption, language)
    rows = index_items(results)
    if rows.empty:
        return table
    rows = rows.assign(
        name=[quality_name(name, language, "index") for name in rows["item"]],
        n_detail=_small_marks(rows["n"], results.book, language),
    )
    columns = [
        Column("name", _words("index_item", language)),
        Column("value", _words("index_score", language), unit="number", decimals=1, strong=True),
        _interval_column(results, language, unit="number", decimals=1),
        Column("n", label("kpis.n", language), unit="number", detail_from="n_detail"),
        Column("mean", _words("index_mean", language), unit="number", decimals=2),
        Column("weight", _words("index_weight", language), unit="percent", decimals=0),
    ]
    caption = _words("index_items_caption", language, period=period)
    return table + table_html(rows, columns, caption=caption, language=language, phone="cards")


# --- by group -----------------------------------------------------------------------------------------


@html_per_language
def show_satisfaction_by_team(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every team of the tickets they are about."""
    return _one_grouping(results, "team", language)


@html_per_language
def show_satisfaction_by_account_manager(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every account manager's customers, doubtful ones marked."""
    return _one_grouping(results, "account_manager", language)


def _one_grouping(results: Results, by: str, language: str) -> Markup | NotMeasured:
    book = results.book
    rows = score_rows(results, by, language)
    if rows.empty:
        return nothing_there(why_no_groups(book, by), book, language)
    notes = [_table_note(results, language), _words("team_note", language) if by == "team" else ""]
    return table_html(
        rows, _score_columns(results, [by], language), language=language, phone="cards",
        caption=_words(f"{by}_caption", language, period=_period(results, language)),
        note=join_sentences(notes, language),
    )  # fmt: skip


@html_per_language
def show_satisfaction_by_customer_group(results: Results, *, language: str) -> Markup | NotMeasured:
    """The scores of every group of customers: by segment, and by each of the run's own dimensions."""
    book = results.book
    dimensions = customer_dimensions(results)
    parts = {by: score_rows(results, by, language) for by in dimensions}
    parts = {by: rows for by, rows in parts.items() if len(rows) > 1}
    if not parts:
        return nothing_there(why_no_groups(book, "customer"), book, language)
    catalogue = book.catalogue.dimensions
    cut = [by for by in parts if len(parts[by]) > MOST_GROUPS and not catalogue[by].groups]
    shown = [
        (rows.tail(MOST_GROUPS) if by in cut else rows).assign(section=catalogue[by].name.in_(language))
        for by, rows in parts.items()
    ]
    newest = [
        _words("groups_newest", language, dimension=catalogue[by].name.in_(language), count=MOST_GROUPS)
        for by in cut
    ]
    rows = pd.concat(shown, ignore_index=True)
    return table_html(
        rows, _score_columns(results, list(parts), language), language=language, phone="cards", group_by="section",
        caption=_words("customers_caption", language, period=_period(results, language)),
        note=join_sentences([_table_note(results, language), *newest], language),
    )  # fmt: skip


def customer_dimensions(results: Results) -> list[str]:
    """The dimensions that say what a customer is: the segment, and those of the run."""
    catalogue = results.book.catalogue.dimensions
    own = [name for name in results.book.settings.dimensions if catalogue[name].of == "customer"]
    return list(dict.fromkeys(["segment", *own]))


def _score_metrics(results: Results, groupings: Sequence[str]) -> list[Metric]:
    """The scores measured in any of these groupings, in the order they are shown."""
    found = pd.concat([scores_of(results, by) for by in groupings])
    keys = dict.fromkeys(zip(found["metric"], found["variant"], strict=True))
    order = list(results.book.catalogue.metrics)
    return sorted((results.book.catalogue.metric(*key) for key in keys), key=lambda m: order.index(m.id))


def score_rows(results: Results, by: str, language: str) -> pd.DataFrame:
    """One row for each group with all its scores: value, interval and n in words, what to mark.

    Returns
    -------
    DataFrame
        ``group, name, detail``; for each score (``metric.variant``) ``<score>``, ``<score>_detail``,
        ``<score>_mark`` (a key of the badges) and ``<score>_reason``. By name, groups that are declared in their
        order, those not stated last.
    """
    book, scores = results.book, scores_of(results, by)
    if scores.empty:
        return pd.DataFrame()
    doubts, verdicts = doubtful_scores(results, by), _verdicts(results, by)
    doubtful = {group for group, _, _ in doubts}
    names = manager_names(book) if by == "account_manager" else {}
    metrics = _score_metrics(results, [by])
    figures = {(row.metric, row.variant, row.group): row for row in scores.itertuples()}
    groups = _in_order(book, by, list(dict.fromkeys(scores["group"])))
    rows = []
    for group in groups:
        row = {"group": group, **_group_cells(book, by, group, names, group in doubtful, language)}
        for metric in metrics:
            figure = figures.get((metric.id, metric.variant, group))
            verdict = verdicts.get((metric.id, metric.variant, group))
            row |= _score_cells(
                results, metric, figure, verdict, is_doubtful(doubts, group, metric), language
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _in_order(book: Book, by: str, groups: Sequence[str]) -> list[str]:
    dimension = book.catalogue.dimensions.get(by)
    declared = list(dimension.groups) if dimension else []

    def place(group: str) -> tuple[bool, int, str]:
        return group == NOT_STATED, declared.index(group) if group in declared else len(declared), group

    return sorted(groups, key=place)


def _group_cells(
    book: Book, by: str, group: str, names: Mapping[str, str], doubted: bool, language: str
) -> dict[str, Any]:
    mark = _words("looks_doubtful", language) if doubted else None
    if by == "account_manager":
        if group == NOT_STATED:
            return {"name": _words("unassigned", language), "detail": None}
        own = names.get(group)
        return {
            "name": own or group,
            "detail": " ".join(filter(None, [group if own else None, mark])) or None,
        }
    return {"name": group_name(book, by, group, language), "detail": mark}


def _score_cells(
    results: Results, metric: Metric, figure: Any, verdict: str | None, doubted: bool, language: str
) -> dict[str, Any]:
    key = f"{metric.id}.{metric.variant}"
    if figure is None:
        return {
            key: None,
            f"{key}_detail": None,
            f"{key}_mark": None,
            f"{key}_reason": _words("no_score_here", language),
        }
    n, book = say_n(figure.n, language), results.book
    interval = "" if is_missing(figure.low) else say_score_interval(figure, metric, language)
    detail = _words("interval_and_n", language, interval=interval, n=n) if interval else n
    mark = verdict if verdict in ("better", "worse") else None
    if figure.n < book.settings.small_sample:
        mark = "small_sample"
    if doubted:
        mark = "use_with_care"
    return {key: figure.value, f"{key}_detail": detail, f"{key}_mark": mark, f"{key}_reason": None}


def say_score_interval(figure: Any, metric: Metric, language: str) -> str:
    """The interval of a score with one decimal, as the score itself has."""
    return format_interval(figure.low, figure.high, unit_of(metric), language, decimals=1)


def _verdicts(results: Results, by: str) -> dict[tuple[str, str, str], str]:
    changes = group_scores(results)[1]
    own = changes[(changes["by"] == by) & (changes["against"] == "previous")]
    return {(row.metric, row.variant, row.group): row.verdict for row in own.itertuples()}


def _score_columns(results: Results, groupings: Sequence[str], language: str) -> list[Column]:
    def named(metric: Metric) -> str:
        if metric.id.startswith("csat."):
            return _words("satisfied_with", language, item=item_name(metric, results.book, language))
        return metric_name(metric, language)

    scores = [(f"{metric.id}.{metric.variant}", metric) for metric in _score_metrics(results, groupings)]
    return [
        Column("name", _words("group", language), detail_from="detail"),
        *(
            Column(
                key, named(metric), unit=unit_of(metric), verdict_from=f"{key}_mark", detail_from=f"{key}_detail",
                reason_from=f"{key}_reason", decimals=1,
            )
            for key, metric in scores
        ),
    ]  # fmt: skip


def _table_note(results: Results, language: str) -> str:
    book = results.book
    values = {"level": say_level(book, language), "least": book.settings.small_sample}
    changes = group_scores(results)[1]
    if not changes.loc[changes["against"] == "previous", "difference"].notna().any():
        return _words("group_table_note_no_base", language, **values)
    base = say_period(book.baselines[book.window.label]["previous"], book, language)
    return _words("group_table_note", language, base=base, **values)


# --- comments -----------------------------------------------------------------------------------------


@html_per_language
def show_themes(results: Results, *, language: str) -> Markup:
    """What comments are about by score group, with the change since the previous period and customers' words."""
    now, _ = read_periods(results)
    if now.comments.empty:
        return callout(label("themes.no_comments", language), language)
    read, rows = (
        Markup('<div class="wb-prose"><p>{}</p></div>').format(read_line(results, language)),
        theme_rows(results),
    )
    if rows.empty:
        return read + callout(_words("no_theme", language, least=LEAST_MENTIONS), language)
    caption = _words("themes_caption", language, period=_period(results, language))
    note = _words("theme_note", language, most=MOST_THEMES, least=LEAST_MENTIONS)
    scored = now.comments["score_group"].notna().any()
    table = table_html(
        theme_shown(results, rows, language), _theme_columns(results, language), caption=caption, language=language,
        phone="cards", group_by="section",
        note=join_sentences([note, "" if scored else label("themes.no_scores", language)], language),
    )  # fmt: skip
    return read + table


def read_line(results: Results, language: str) -> str:
    """How many comments were read, in which languages and from where."""
    comments = read_periods(results)[0].comments
    return _words(
        "read",
        language,
        comments=format_number(len(comments), language),
        customers=format_number(comments["customer_id"].nunique(), language),
        languages=_counted(comments["language"], "language", language),
        sources=_counted(comments["source"], "source", language),
    )


def _counted(values: pd.Series, prefix: str, language: str) -> str:
    """How many comments have each value, most first: ``Chinese 244, English 177``."""
    counts = values.value_counts().items()
    names = [
        (label(f"themes.{prefix}_{name}", language), format_number(count, language)) for name, count in counts
    ]
    return _listed([_words("read_part", language, name=name, count=count) for name, count in names], language)


def theme_shown(results: Results, rows: pd.DataFrame, language: str) -> pd.DataFrame:
    """The themes in words: section with its size, what marks them, change with its reason, two examples."""
    names = {theme.id: theme.name.in_(language) for theme in read_periods(results)[0].themes}
    examples = [[_words("quote", language, text=text) for text in of_both(each)] for each in rows["examples"]]
    return rows.assign(
        section=[_score_group(row, language) for row in rows.itertuples()],
        name=[names[theme] for theme in rows["theme"]],
        mark=[_theme_mark(row, language) for row in rows.itertuples()],
        interval=[say_share_interval(row.low, row.high, language) for row in rows.itertuples()],
        difference_reason=[_theme_reason(row.reason, results, language) for row in rows.itertuples()],
        change_reason=[_theme_reason(reason, results, language) for reason in rows["change_reason"]],
        example=[each[0] if each else None for each in examples],
        example_2=[each[1] if len(each) > 1 else None for each in examples],
    )  # fmt: skip


def _score_group(row: Any, language: str) -> str:
    group, n = _words(f"score_group_{row.group}", language), format_number(row.comments, language)
    return _words("score_group_of", language, group=group, n=n)


def of_both(examples: Sequence[str]) -> list[str]:
    """Two of the examples: the best, and with it the best in the other language where there is one."""
    is_chinese = [any("\u4e00" <= sign <= "\u9fff" for sign in text) for text in examples]
    other = [text for text, chinese in zip(examples, is_chinese, strict=True) if chinese != is_chinese[0]]
    return list(dict.fromkeys([*examples[:1], *other, *examples[1:]]))[:2]


def say_share_interval(low: Any, high: Any, language: str) -> str | None:
    """An interval of a share in words; None where there is none."""
    return None if is_missing(low) else format_interval(low, high, "percent", language, decimals=0)


def _theme_mark(row: Any, language: str) -> str | None:
    marks = [
        _words("said_more", language) if row.is_over_represented else None,
        _words("few_comments", language) if row.status == "with_care" else None,
    ]
    return " ".join(filter(None, marks)) or None


def _theme_reason(reason: Any, results: Results, language: str) -> str | None:
    """A reason of the themes' frames in words."""
    if is_missing(reason) or not reason:
        return None
    code, *values = str(reason).split("|")
    if code == "few_comments":
        return label(
            "themes.few_comments", language, n=values[0], least=results.book.settings.survey_minimum_answers
        )
    if code in ("no_others", "no_comments_now", "no_comments_before"):
        return label(f"themes.{code}", language)
    return say_reason(reason, results.book, language)


def _theme_columns(results: Results, language: str) -> list[Column]:
    book = results.book
    before = say_period(book.baselines[book.window.label]["previous"], book, language)
    return [
        Column("name", _words("theme", language), detail_from="mark"),
        Column("mentions", _words("mentions", language), unit="number"),
        Column(
            "share", _words("theme_share", language), unit="percent", decimals=0, detail_from="interval", strong=True,
        ),
        Column(
            "difference", _words("theme_others", language), unit="points", decimals=0, signed=True,
            reason_from="difference_reason",
        ),
        Column(
            "change", _words("theme_change", language, period=before), unit="points", decimals=0, signed=True,
            verdict_from="change_verdict", reason_from="change_reason",
        ),
        Column("example", _words("theme_examples", language), detail_from="example_2"),
    ]  # fmt: skip


@html_per_language
def show_marking_words(results: Results, *, language: str) -> Markup:
    """The words that mark each score group against the others, in English and in Chinese comments."""
    now, _ = read_periods(results)
    if now.comments.empty:
        return callout(label("themes.no_comments", language), language)
    if not now.comments["score_group"].notna().any():
        return callout(label("themes.no_scores", language), language)
    found = term_rows(results)
    if found.empty:
        return callout(label("themes.no_terms", language), language)
    columns = [
        Column("name", _words("terms_group", language)),
        Column("en", _words("terms_en", language)),
        Column("zh", _words("terms_zh", language)),
    ]
    return table_html(
        words_shown(found, language), columns, language=language, phone="cards", note=_words("terms_note", language),
        caption=_words("terms_caption", language, period=_period(results, language)),
    )  # fmt: skip


def words_shown(found: pd.DataFrame, language: str) -> pd.DataFrame:
    """One row for each score group with its words in each language, each with the customers who used it."""
    told = {(row.group, row.language): row.terms for row in found.itertuples()}
    nothing = _words("no_term", language)

    def listed(group: str, of: str) -> str:
        terms = told.get((group, of), ())
        return (
            _listed([_words("term", language, term=term, count=count) for term, count, _ in terms], language)
            or nothing
        )

    rows = [
        {
            "name": _words(f"score_group_{group}", language),
            "en": listed(group, "en"),
            "zh": listed(group, "zh"),
        }
        for group in SCORE_GROUPS
    ]
    return pd.DataFrame(rows)


# --- the journey --------------------------------------------------------------------------------------


@html_per_language
def show_journey(results: Results, *, language: str) -> Markup | NotMeasured:
    """Stages and touchpoints: contacts, tickets, satisfaction, repeats; those clearly worse than the rest first."""
    book, rows = results.book, journey_rows(results)
    if rows.empty:
        absent = {"contacts", "tickets", "answers"} <= set(book.absent)
        reason = "table_absent|contacts" if absent else _words("journey_nothing", language)
        return nothing_there(reason, book, language)
    return table_html(
        journey_shown(rows, book, language), _journey_columns(results, language), language=language, phone="cards",
        caption=_words("journey_caption", language, period=_period(results, language)),
        note=join_sentences(
            [worst_line(rows, book, language), _words("journey_note", language, days=book.settings.first_contact_days)],
            language,
        ),
    )  # fmt: skip


def journey_shown(rows: pd.DataFrame, book: Book, language: str) -> pd.DataFrame:
    """The touchpoints with names, marks and the reasons for what is missing."""
    small = rows["is_small"] & rows["csat"].notna()
    records = rows.to_dict("records")
    return rows.assign(
        stage_name=[group_name(book, "journey_stage", name, language) for name in rows["stage"]],
        touchpoint_name=[group_name(book, "touchpoint", name, language) for name in rows["touchpoint"]],
        csat_mark=["small_sample" if is_few else None for is_few in small],
        reading=[_reading_of(row, language) for row in rows.itertuples()],
        csat_detail=[_interval_and_n(row, "csat", language) for row in records],
        repeat_detail=[_interval_and_n(row, "repeat", language) for row in records],
        csat_reason=_words("journey_no_csat", language),
        repeat_reason=_words("journey_no_contacts", language),
    )


def _interval_and_n(row: Mapping[str, Any], name: str, language: str) -> str | None:
    if is_missing(row[name]):
        return None
    interval = say_share_interval(row[f"{name}_low"], row[f"{name}_high"], language)
    return _words("interval_and_n", language, interval=interval, n=say_n(row[f"{name}_n"], language))


def _reading_of(row: Any, language: str) -> str:
    """What sets a touchpoint apart from the others, in words; that nothing does; or that nobody could tell."""
    verdicts = {"csat": row.csat_verdict, "repeat": row.repeat_verdict}
    told = [
        _words(f"{name}_{verdict}", language)
        for name, verdict in verdicts.items()
        if verdict in ("better", "worse")
    ]
    if told:
        return _listed(told, language)
    return _words("not_apart" if "no_clear_change" in verdicts.values() else "cannot_tell", language)


def worst_line(rows: pd.DataFrame, book: Book, language: str) -> str:
    """Which touchpoints are worse than the others beyond chance and in what; or that none is."""
    worse = rows[rows["worse"] > 0]
    if worse.empty:
        return _words("none_clearly_worse", language)
    names = [_cell_name(row, book, language) for row in worse.to_dict("records")]
    return _words("some_clearly_worse", language, names=_listed(names, language))


def _cell_name(row: Mapping[str, Any], book: Book, language: str) -> str:
    worse = [name for name in ("csat", "repeat") if row[f"{name}_verdict"] == "worse"]
    return _words(
        "cell",
        language,
        stage=group_name(book, "journey_stage", row["stage"], language),
        touchpoint=group_name(book, "touchpoint", row["touchpoint"], language),
        what=_listed([_words(f"worse_{name}", language) for name in worse], language),
    )


def _journey_columns(results: Results, language: str) -> list[Column]:
    metric = journey_question(results)
    satisfied = _words("satisfied", language)
    if metric is not None and metric.id != "csat":
        satisfied = _words("satisfied_with", language, item=item_name(metric, results.book, language))
    return [
        Column("touchpoint_name", _words("touchpoint", language), detail_from="stage_name"),
        Column("contacts", _words("contacts", language), unit="number"),
        Column("tickets", _words("tickets", language), unit="number"),
        Column(
            "csat", satisfied, unit="percent", verdict_from="csat_mark", detail_from="csat_detail",
            reason_from="csat_reason", strong=True,
        ),
        Column(
            "repeat", _words("repeats", language), unit="percent", detail_from="repeat_detail",
            reason_from="repeat_reason",
        ),
        Column("reading", _words("against_others", language)),
    ]  # fmt: skip


# --- complaints, mentions -----------------------------------------------------------------------------


@html_per_language
def show_complaints(results: Results, *, language: str) -> Markup:
    """Complaints under every definition, how severe they are, and what they are about."""
    caption = _words("complaints_caption", language, period=_period(results, language))
    metrics = variants_of(results, "complaint_rate", "complaint_severity")
    table = figures_table(results, metrics, caption, language)
    if isinstance(results.kpi("complaint_rate"), NotMeasured):
        return table
    topics = complaint_topics(results)
    return table + (
        _topics(results, topics, language)
        if len(topics)
        else callout(_words("no_complaints", language), language)
    )


def _topics(results: Results, topics: pd.DataFrame, language: str) -> Markup:
    shown = topics.head(MOST_TOPICS)
    is_cut = len(shown) < len(topics)
    cut = _words("topics_cut", language, count=len(shown), all=len(topics)) if is_cut else ""
    shown = shown.assign(name=[group_name(results.book, "topic", name, language) for name in shown["topic"]])
    columns = [
        Column("name", _words("topic", language)),
        Column("complaints", _words("complaints", language), unit="number", strong=True),
        Column("part", _words("complaints_part", language), unit="percent"),
        Column("value", _words("complaints_rate", language), unit="percent"),
        _interval_column(results, language, unit="percent"),
    ]
    return table_html(
        shown, columns, language=language, phone="cards",
        caption=_words("topics_caption", language, period=_period(results, language)),
        note=join_sentences([_words("topics_note", language), cut], language),
    )  # fmt: skip


@html_per_language
def show_mentions(results: Results, *, language: str) -> Markup | NotMeasured:
    """What is said in public, by platform: how much, in which tone, with its interval."""
    if metric_of(results, "social_sentiment") is None or isinstance(
        results.kpi("social_sentiment"), NotMeasured
    ):
        return _why_not(results, "social_sentiment", language)
    rows = mention_platforms(results)
    rows = rows.assign(
        name=[group_name(results.book, "platform", name, language) for name in rows["platform"]],
        n_detail=_small_marks(rows["n"], results.book, language),
    )
    columns = [
        Column("name", _words("platform", language)),
        Column("n", _words("all_mentions", language), unit="number", detail_from="n_detail"),
        *(
            Column(tone, _words(tone, language), unit="number")
            for tone in ("positive", "neutral", "negative")
        ),
        Column("value", _words("tone", language), unit="number", decimals=1, signed=True, strong=True),
        _interval_column(results, language, unit="number", decimals=1),
    ]
    return table_html(
        rows, columns, language=language, phone="cards", note=_words("mentions_note", language),
        caption=_words("mentions_caption", language, period=_period(results, language)),
    )  # fmt: skip
