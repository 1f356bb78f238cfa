"""What the satisfaction page shows beyond the KPI frame: by group, by dimension of quality, by touchpoint, by theme.

Each frame is asked of the facts under the same rules as the metric it belongs to, and its intervals come from the
same rule of the metric's kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.catalogue import Metric, label
from analysis.facts import Book, NotMeasured
from analysis.metrics.frame import KPI_COLUMNS, NOT_STATED
from analysis.periods import Window
from analysis.report.findings import Finding, find_changes_with_care, find_sure_changes
from analysis.report.kpis_shown import chosen, trend_windows
from analysis.suite import Results

if TYPE_CHECKING:
    from analysis.models.comments import ReadComments

FAMILY = "satisfaction"
KEYS = {
    "answers": ("survey_id", "question_id"), "responses": ("survey_id", "construct"),
    "contacts": ("contact_id",), "mentions": ("mention_id",),
}  # fmt: skip
SHOWN_BY_GROUP = ("csat", "csat_items", "nps", "ces", "ces_v1", "acsi")
SCORE_GROUPS = ("low", "middle", "high")
MOST_THEMES, LEAST_MENTIONS = 6, 3
MOST_TERMS = 8


# --- the family ---------------------------------------------------------------------------------------


def metric_of(results: Results, name: str) -> Metric | None:
    """A metric under the run's own variant; None where the run knows none of this name."""
    metric = results.book.catalogue.metrics.get(name)
    return None if metric is None else chosen(results.book, metric)


def variants_of(results: Results, *names: str) -> list[Metric]:
    """Each metric under the run's own variant, then under its others."""
    found = []
    for own in filter(None, (metric_of(results, name) for name in names)):
        others = results.book.catalogue.metrics[own.id].all_variants()
        found += [own, *(other for other in others if other.variant != own.variant)]
    return found


def item_metrics(results: Results) -> list[Metric]:
    """Satisfaction with each single aspect that was asked."""
    metrics = results.book.catalogue.families[FAMILY]
    return [chosen(results.book, metric) for metric in metrics if metric.id.startswith("csat.")]


def item_name(metric: Metric, book: Book, language: str) -> str:
    """What an aspect is called: by the catalogue, else by the company's own word for it."""
    item = metric.id.partition(".")[2]
    dimension = book.catalogue.dimensions["item"]
    return dimension.group_name(item, language) if item in dimension.groups else item.replace("_", " ")


def findings_of_family(results: Results) -> list[Finding]:
    """What of satisfaction changed beyond chance, most important first, and what did so with a caution."""
    family = {metric.id for metric in results.book.catalogue.families[FAMILY]}
    found = [*find_sure_changes(results), *find_changes_with_care(results)]
    return [finding for finding in found if finding.metric in family]


def was_anything_tested(results: Results) -> bool:
    """Whether any change of satisfaction could be tested at all."""
    family = {metric.id for metric in results.book.catalogue.families[FAMILY]}
    changes = results.company_changes
    return bool((changes["metric"].isin(family) & changes["p_value"].notna()).any())


# --- the survey gate ----------------------------------------------------------------------------------


def survey_gate(results: Results) -> pd.DataFrame:
    """What each survey of the period rests on, and the reasons to doubt it (see ``find_survey_warnings``)."""
    from analysis.suite.survey_gate import find_survey_warnings

    return results.remember("survey_gate", lambda: find_survey_warnings(results.book))


def doubtful_groups(gate: pd.DataFrame) -> pd.DataFrame:
    """One row for each account manager or team and kind of survey whose answers are doubtful for more than few.

    Returns
    -------
    DataFrame
        ``by, group, group_name, kind, constructs`` (tuple: those concerned) and ``warnings`` (of the first of
        them, without that of few answers).
    """
    rows = gate[gate["by"].notna() & gate["construct"].isin(SHOWN_BY_GROUP)].copy()
    rows["warnings"] = [_but_few(warnings) for warnings in rows["warnings"]]
    rows = rows[rows["warnings"] != ""]
    keys = ["by", "group", "group_name", "kind"]
    return rows.groupby(keys, sort=False, as_index=False).agg(
        constructs=("construct", tuple), warnings=("warnings", "first")
    )


def _but_few(warnings: Any) -> str:
    return ";".join(one for one in str(warnings or "").split(";") if one and not one.startswith("too_few"))


def doubtful_scores(results: Results, by: str) -> set[tuple[str, str, str]]:
    """Group, kind of survey and construct of answers from customers somebody chose, or that look so."""
    gate = survey_gate(results)
    if gate.empty:
        return set()
    told = gate["warnings"].astype(str).str.contains("hand_picked", regex=False)
    rows = gate[(gate["by"] == by) & told]
    return set(zip(rows["group"], rows["kind"], rows["construct"], strict=True))


def is_doubtful(doubts: set[tuple[str, str, str]], group: str, metric: Metric) -> bool:
    """Whether a group's score rests on such answers."""
    construct = _CONSTRUCTS.get(metric.id, "csat_items" if metric.id.startswith("csat.") else None)
    if (metric.id, metric.variant) == ("ces", "v1"):
        construct = "ces_v1"
    kinds = ("relationship", "transactional")
    if metric.id == "nps":
        kinds = ("transactional" if metric.variant == "transactional" else "relationship",)
    return any((group, kind, construct) in doubts for kind in kinds)


_CONSTRUCTS = {"csat": "csat", "nps": "nps", "ces": "ces", "acsi_style": "acsi"}


def small_groups(gate: pd.DataFrame) -> pd.DataFrame:
    """One row for each account manager or team with too few answers: ``by, group_name, answers``, the most it has."""
    rows = gate[gate["by"].notna()]
    most = rows.groupby(["by", "group", "group_name"], sort=False, as_index=False)["answers"].max()
    few = rows["warnings"].map(lambda warnings: "too_few" in str(warnings))
    always = few.groupby([rows["by"], rows["group"]]).all()
    return most[[bool(always[by, group]) for by, group in zip(most["by"], most["group"], strict=True)]]


# --- counted under the rules of a metric --------------------------------------------------------------


def counted_sql(metric: Metric, columns: str, windows: Sequence[Window], group: str = "null") -> str:
    """The rows that a metric counts in each window, of several answers of one respondent the last."""
    on = metric.at.removesuffix("_at") + "_on"
    keys = KEYS[metric.fact]
    labels = ", ".join(f"'{window.label}'" for window in windows)
    within = ", ".join(["period", *(metric.last_per or keys)])
    order = ", ".join(f"{name} desc" for name in (metric.at, *keys, "grp"))
    return f"""
  select period, grp, {columns}
  from (
    select *, row_number() over (partition by {within} order by {order}) as from_last
    from (
      select f.*, w.period, {group} as grp
      from {metric.fact} f
      join windows w on f.{on} >= w.starts_on and f.{on} < w.ends_on
      where w.period in ({labels})
    ) placed
    where {metric.where or "true"}
  ) numbered
  where from_last = 1"""


def estimates_by(
    book: Book, metric: Metric, group: str, windows: Sequence[Window], *, by: str
) -> pd.DataFrame:
    """Rows as of the KPI frame for a metric (share, mean or net share) in each group of an expression.

    Parameters
    ----------
    group
        SQL over the fact's columns (``f``).
    by
        What the frame calls the grouping.
    """
    from analysis.metrics.intervals import summarise

    counted = counted_sql(metric, f"cast({metric.of} as double) as x", windows, group)
    sums = book.ask(
        "select period, grp, count(x) as n, sum(x) as sum_x, sum(x * x) as sum_xx "
        f"from ({counted}) counted group by period, grp"
    )
    sums = sums.rename(columns={"grp": "group"}).assign(
        metric=metric.id, variant=metric.variant, by=by, kind=metric.kind, sampled=metric.is_sampled,
        sum_y=np.nan, sum_yy=np.nan, sum_xy=np.nan,
    )  # fmt: skip
    sums["group"] = sums["group"].fillna(NOT_STATED).astype(str)
    return summarise(sums[sums["n"] > 0], book.settings.confidence_level)[KPI_COLUMNS]


# --- by group -----------------------------------------------------------------------------------------


def score_metrics(results: Results) -> list[Metric]:
    """The scores that groups are held against: satisfaction (else the index), recommendation of each kind, effort."""
    metrics = results.book.catalogue.metrics
    wanted: list[tuple[str, str | None]] = [
        ("csat", None),
        ("nps", None),
        ("nps", "transactional"),
        ("ces", None),
    ]
    if isinstance(results.kpi("csat"), NotMeasured):
        wanted.append(("acsi_style", None))
    if isinstance(results.kpi("ces"), NotMeasured):
        wanted.append(("ces", "v1"))
    found = [
        metric_of(results, name) if variant is None else metrics[name].under(variant)
        for name, variant in wanted
        if name in metrics
    ]
    return list({(metric.id, metric.variant): metric for metric in found}.values())


def group_scores(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores of every group of the period, and their changes.

    Returns
    -------
    kpis, changes
        Rows as of the frames of the results, for the run's own dimensions of customers (which stand there
        already), and for ``segment``, ``team`` and ``account_manager``.
    """
    return results.remember("group_scores", lambda: _group_scores(results))


def _group_scores(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    book, metrics = results.book, score_metrics(results)
    own = {name for name in book.settings.dimensions if book.catalogue.dimensions[name].of == "customer"}
    wanted = pd.MultiIndex.from_tuples([(metric.id, metric.variant) for metric in metrics])
    kept = [
        frame[frame["by"].isin(own) & frame.set_index(["metric", "variant"]).index.isin(wanted)]
        for frame in (results.kpis, results.changes)
    ]
    if {"answers", "questions"} & set(book.absent):
        return kept[0], kept[1]
    from analysis.suite.everything import find_changes

    asked = _asked_scores(results, metrics, sorted({"account_manager", "segment"} - own))
    kpis = pd.concat([kept[0], asked], ignore_index=True)
    changes = pd.concat([kept[1], find_changes(book, asked)], ignore_index=True) if len(asked) else kept[1]
    return kpis[kpis["period"] == book.window.label].reset_index(drop=True), changes


def _asked_scores(results: Results, metrics: Sequence[Metric], dimensions: Sequence[str]) -> pd.DataFrame:
    """Scores by what the run does not break down by itself."""
    from analysis.metrics.measure import measure

    book = results.book
    of_team = [*metrics, *item_metrics(results)]
    kpis = measure(book, ["team", *dimensions], of_team)
    is_wanted = kpis["by"].eq("team") | (
        kpis["by"].isin(dimensions) & kpis["metric"].isin([metric.id for metric in metrics])
    )
    return kpis[is_wanted].reset_index(drop=True)


def scores_of(results: Results, by: str) -> pd.DataFrame:
    """The period's rows of one grouping that say something: of scores with a group that is named.

    Answers that are about no ticket have no team and are left out there; what was said right after a contact is
    about the team more than about the customers, so recommendation of that kind is the team's alone where there is
    the other kind.
    """
    kpis = group_scores(results)[0]
    rows = kpis[(kpis["by"] == by) & kpis["value"].notna()]
    if by == "team":
        rows = rows[rows["group"] != NOT_STATED]
    elif ((rows["metric"] == "nps") & (rows["variant"] != "transactional")).any():
        rows = rows[(rows["metric"] != "nps") | (rows["variant"] != "transactional")]
    named = rows.loc[rows["group"] != NOT_STATED].groupby(["metric", "variant"]).size()
    return rows[rows.set_index(["metric", "variant"]).index.isin(named.index)]


def why_no_groups(book: Book, by: str) -> str:
    """The reason why nothing is broken down by a grouping."""
    needed = {
        "team": ("answers", "questions", "tickets"),
        "account_manager": ("answers", "questions", "assignments"),
    }
    absent = next((name for name in needed.get(by, ("answers", "questions")) if name in book.absent), None)
    return f"table_absent|{absent}" if absent else "no_rows"


def manager_names(book: Book) -> dict[str, str]:
    """The account managers' names by their ids, where there are names."""
    rows = book.ask("select account_manager_id, account_manager_name from source_account_managers")
    named = rows.dropna()
    return dict(zip(named["account_manager_id"], named["account_manager_name"], strict=True))


# --- recommendation -----------------------------------------------------------------------------------


def nps_parts(results: Results, variant: str) -> pd.DataFrame:
    """One row for each period with answers, oldest first: the score as measured, and the three groups it is made of.

    Returns
    -------
    DataFrame
        ``period, value, low, high, n``, and the shares ``promoters, passives, detractors`` of ``n``.
    """
    book, windows = results.book, trend_windows(results.book)
    kpis = results.company_kpis
    kpis = kpis[(kpis["metric"] == "nps") & (kpis["variant"] == variant) & kpis["value"].notna()]
    shown = [window for window in windows if window.label in set(kpis["period"])]
    if not shown:
        return pd.DataFrame(
            columns=["period", "value", "low", "high", "n", "promoters", "passives", "detractors"]
        )
    metric = book.catalogue.metrics["nps"].under(variant)
    counted = counted_sql(metric, "is_promoter, is_detractor", shown)
    parts = book.ask(f"""
select period, count(*) as answers, count(case when is_promoter then 1 end) as promoters,
  count(case when is_detractor then 1 end) as detractors
from ({counted}) counted group by period""").set_index("period")
    rows = kpis.set_index("period").loc[[window.label for window in shown], ["value", "low", "high", "n"]]
    shares = parts[["promoters", "detractors"]].div(parts["answers"], axis=0)
    shares["passives"] = 1 - shares.sum(axis=1)
    return rows.join(shares).rename_axis("period").reset_index()


# --- several items --------------------------------------------------------------------------------------


def quality_dimensions(results: Results) -> pd.DataFrame:
    """SERVQUAL by dimension: what was expected, what was perceived, the gap with its interval, the worst first.

    A respondent counts with the items of the dimension that he answered both ways; his last answer of the period.

    Returns
    -------
    DataFrame
        ``dimension, expectation, perception, value`` (perception − expectation), ``low, high, n, items``.
    """
    from analysis.metrics.intervals import summarise

    book = results.book
    pairs = book.ask(_PAIRS, period=book.window.label)
    if pairs.empty:
        return pd.DataFrame(
            columns=["dimension", "expectation", "perception", "value", "low", "high", "n", "items"]
        )
    sums = pairs.assign(
        kind="mean", sampled=True, sum_y=np.nan, sum_yy=np.nan, sum_xy=np.nan,
        expectation=pairs["expectations"] / pairs["n"], perception=pairs["perceptions"] / pairs["n"],
    )  # fmt: skip
    keys = ["dimension", "items", "expectation", "perception"]
    found = summarise(sums[[*keys, "kind", "sampled", "n", *_SUMS]], book.settings.confidence_level)
    return found.sort_values(["value", "dimension"], ignore_index=True)


_SUMS = ("sum_x", "sum_y", "sum_xx", "sum_yy", "sum_xy")
_PAIRS = """
with placed as (
  select a.*, coalesce(a.item, a.question_id) as asked_item,
    row_number() over (partition by a.respondent_id, a.question_id order by a.answered_at desc, a.survey_id desc)
      as from_last
  from answers a
  join windows w on a.answered_on >= w.starts_on and a.answered_on < w.ends_on
  where w.period = $period and a.construct in ('servqual_expectation', 'servqual_perception') and a.score is not null
),
both_ways as (
  select respondent_id, survey_id, asked_item,
    max(case when construct = 'servqual_perception' then question_dimension end) as dimension,
    avg(case when construct = 'servqual_perception' then score end) as perception,
    avg(case when construct = 'servqual_expectation' then score end) as expectation
  from placed where from_last = 1
  group by respondent_id, survey_id, asked_item
),
by_respondent as (
  select respondent_id, survey_id, coalesce(dimension, 'not_stated') as dimension, count(*) as items,
    avg(perception) as perception, avg(expectation) as expectation
  from both_ways where perception is not null and expectation is not null
  group by respondent_id, survey_id, coalesce(dimension, 'not_stated')
)
select dimension, count(*) as n, max(items) as items, sum(perception) as perceptions, sum(expectation) as expectations,
  sum(perception - expectation) as sum_x, sum((perception - expectation) * (perception - expectation)) as sum_xx
from by_respondent group by dimension
"""


def quality_name(name: str, language: str, kind: str = "dimension") -> str:
    """The usual name of a dimension of quality (``kind="index"``: of an item of the index), else its own."""
    if name == NOT_STATED:
        return label("kpis.not_stated", language)
    try:
        return label(f"satisfaction_page.{kind}_{name}", language)
    except KeyError:
        return str(name).replace("_", " ")


def index_items(results: Results) -> pd.DataFrame:
    """The items of the index: ``item, value`` (0 to 100), ``low, high, n, mean, weight`` (of a sum of 1)."""
    from analysis.metrics.intervals import summarise

    book = results.book
    rows = book.ask(_INDEX_ITEMS, period=book.window.label)
    if rows.empty:
        return pd.DataFrame(columns=["item", "value", "low", "high", "n", "mean", "weight"])
    weights = (
        rows["weight"] if rows["weight"].notna().all() and rows["weight"].sum() > 0 else rows["n"] * 0 + 1.0
    )
    sums = rows.assign(
        kind="mean", sampled=True, sum_y=np.nan, sum_yy=np.nan, sum_xy=np.nan, weight=weights / weights.sum()
    )
    found = summarise(
        sums[["item", "mean", "weight", "kind", "sampled", "n", *_SUMS]], book.settings.confidence_level
    )
    return found.sort_values(["value", "item"], ignore_index=True)


_INDEX_ITEMS = """
with placed as (
  select a.*, coalesce(a.item, a.question_id) as asked_item,
    row_number() over (partition by a.respondent_id, a.question_id order by a.answered_at desc, a.survey_id desc)
      as from_last
  from answers a
  join windows w on a.answered_on >= w.starts_on and a.answered_on < w.ends_on
  where w.period = $period and a.construct = 'acsi' and a.score_share is not null
)
select p.asked_item as item, max(q.weight) as weight, count(*) as n, avg(p.score) as mean,
  sum(100 * p.score_share) as sum_x, sum(10000 * p.score_share * p.score_share) as sum_xx
from placed p join source_questions q on q.question_id = p.question_id
where p.from_last = 1
group by p.asked_item
"""


# --- comments -------------------------------------------------------------------------------------------


def read_periods(results: Results) -> tuple[ReadComments, ReadComments | None]:
    """The comments of the period, and of the previous one where the run measures it, read once."""
    return results.remember("comments", lambda: _read_periods(results.book))


def _read_periods(book: Book) -> tuple[ReadComments, ReadComments | None]:
    before = book.baselines[book.window.label]["previous"]
    window = next((each for each in book.windows if each.label == before), None)
    return _read(book, book.window), _read(book, window) if window else None


def _read(book: Book, window: Window) -> ReadComments:
    from analysis.models.comments import read_comments
    from analysis.models.lexicon import read_themes

    settings = book.settings
    own = {name: theme.model_dump(exclude_defaults=True) for name, theme in settings.comment_themes.items()}
    rows = book.ask(
        "select comment as text, score_group, source, given_on as day, customer_id from feedback "
        "where given_on >= $starts_on and given_on < $ends_on order by given_at, feedback_id",
        starts_on=window.start, ends_on=window.end,
    )  # fmt: skip
    return read_comments(rows, read_themes(own), settings.comment_words_ignored)


def theme_rows(results: Results) -> pd.DataFrame:
    """The themes of each score group, lowest scores first, marked ones first; with their change.

    Returns
    -------
    DataFrame
        Columns of ``measure_themes``, and ``change, change_verdict, change_reason`` against the previous period.
        Where no comment bears a score, all comments are one group. At most six themes of a group, each said by
        three or more.
    """
    return results.remember("theme_rows", lambda: _theme_rows(results))


def _theme_rows(results: Results) -> pd.DataFrame:
    from analysis.models.themes import measure_theme_changes, measure_themes

    now, before = read_periods(results)
    options = {
        "confidence_level": results.book.settings.confidence_level,
        "least_comments": results.book.settings.survey_minimum_answers,
    }
    rows = measure_themes(now, **options).assign(
        change=np.nan, change_verdict=None, change_reason="no_earlier_period"
    )
    if rows.empty:
        return rows
    if before is not None:
        rows = _with_changes(rows, measure_theme_changes(now, before, **options))
    scored = rows["group"].notna().any()
    rows = rows[rows["group"].notna() if scored else rows["group"].isna()]
    rows = rows.assign(group=rows["group"].fillna("all"))
    rows = rows[rows["mentions"] >= LEAST_MENTIONS]
    order = {name: place for place, name in enumerate((*SCORE_GROUPS, "all"))}
    rows = rows.assign(place=rows["group"].map(order)).sort_values(
        ["place", "is_over_represented", "share", "theme"],
        ascending=[True, False, False, True],
        kind="stable",
    )
    return rows.groupby("place", sort=True).head(MOST_THEMES).drop(columns="place").reset_index(drop=True)


def _with_changes(rows: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    found = {(row.theme, str(row.group)): row for row in changes.itertuples()}
    told = [found[row.theme, str(row.group)] for row in rows.itertuples()]
    return rows.assign(
        change=[row.difference for row in told],
        change_verdict=[_theme_verdict(row) for row in told],
        change_reason=[row.reason for row in told],
    )


def _theme_verdict(change: Any) -> str:
    if pd.isna(change.difference):
        return "not_compared"
    if not change.is_changed:
        return "no_clear_change"
    return "higher" if change.difference > 0 else "lower"


def term_rows(results: Results) -> pd.DataFrame:
    """The words that mark each score group: ``group, language, terms`` (pairs of a word and its customers)."""
    return results.remember("term_rows", lambda: _term_rows(results))


def _term_rows(results: Results) -> pd.DataFrame:
    from analysis.models.themes import find_terms

    level = results.book.settings.confidence_level
    terms = find_terms(read_periods(results)[0], confidence_level=level, most=MOST_TERMS)
    pairs = [(r.group, r.language, (r.term, r.customers_using, r.theme)) for r in terms.itertuples()]
    listed = pd.DataFrame(pairs, columns=["group", "language", "terms"])
    return listed.groupby(["group", "language"], as_index=False).agg(tuple)


# --- the journey ----------------------------------------------------------------------------------------


def journey_question(results: Results) -> Metric | None:
    """The question on satisfaction that most answers of the period about a touchpoint are to: the overall one if asked.

    Only answers about a touchpoint are the metric's: a customer's later answer on the relationship does not stand for
    the one he gave after a contact.
    """
    if {"answers", "questions"} & set(results.book.absent):
        return None
    rows = results.book.ask(
        "select a.item, count(*) as answers from answers a "
        "join windows w on a.answered_on >= w.starts_on and a.answered_on < w.ends_on "
        "where w.period = $period and a.construct = 'csat' and a.is_satisfied is not null "
        "and coalesce(a.journey_stage, a.touchpoint) is not null group by a.item",
        period=results.book.window.label,
    )
    rows = rows.assign(is_whole=rows["item"] == "overall")
    rows = rows.sort_values(["is_whole", "answers", "item"], ascending=[False, False, True])
    names = ["csat" if item == "overall" else f"csat.{item}" for item in rows["item"]]
    metrics = results.book.catalogue.metrics
    found = next((metrics[name] for name in names if name in metrics), None)
    about = " and coalesce(journey_stage, touchpoint) is not null"
    return None if found is None else found.model_copy(update={"where": f"({found.where}){about}"})


def journey_rows(results: Results) -> pd.DataFrame:
    """One row for each stage and touchpoint that something happened at, those clearly worse than the rest first.

    Returns
    -------
    DataFrame
        ``stage, touchpoint, contacts, tickets``; ``csat, csat_low, csat_high, csat_n``; ``repeat, repeat_low,
        repeat_high, repeat_n`` (share of inbound contacts before which the same customer had made contact at the
        same touchpoint within ``first_contact_days``); for both ``…_verdict`` against all other touchpoints
        together, and ``worse``, how many of the two are worse.
    """
    return results.remember("journey_rows", lambda: _journey_rows(results))


def _journey_rows(results: Results) -> pd.DataFrame:
    book, window = results.book, results.book.window
    bounds = {"starts_on": window.start, "ends_on": window.end}
    rows = book.ask(_VOLUMES, **bounds).set_index(["stage", "touchpoint"])
    for name, frame in (("repeat", book.ask(_REPEATS, **bounds)), ("csat", _journey_csat(results))):
        rows = rows.join(_judged(frame, name, results), how="outer")
    rows[["contacts", "tickets"]] = rows[["contacts", "tickets"]].fillna(0)
    rows["worse"] = rows[["csat_verdict", "repeat_verdict"]].eq("worse").sum(axis=1)
    is_small = ~(rows["csat_n"] >= book.settings.small_sample)
    rows = rows.assign(is_small=is_small).reset_index()
    return rows.sort_values(
        ["worse", "is_small", "csat", "repeat", "stage", "touchpoint"],
        ascending=[False, True, True, False, True, True], ignore_index=True,
    )  # fmt: skip


def _journey_csat(results: Results) -> pd.DataFrame:
    metric = journey_question(results)
    if metric is None:
        return pd.DataFrame(columns=["stage", "touchpoint", "n", "sum_x"])
    columns = "journey_stage as stage, touchpoint, cast(is_satisfied as double) as x"
    counted = counted_sql(metric, columns, [results.book.window])
    return results.book.ask(
        "select coalesce(stage, 'not_stated') as stage, coalesce(touchpoint, 'not_stated') as touchpoint, "
        f"count(x) as n, sum(x) as sum_x from ({counted}) counted "
        "group by coalesce(stage, 'not_stated'), coalesce(touchpoint, 'not_stated')"
    )


def _judged(counts: pd.DataFrame, name: str, results: Results) -> pd.DataFrame:
    """Shares with intervals, and for each whether it differs from that of all other rows together beyond chance."""
    from analysis.metrics.compare import adjust_p_values, share_p_value
    from analysis.metrics.intervals import summarise

    book = results.book
    columns = [f"{name}{end}" for end in ("", "_low", "_high", "_n", "_verdict")]
    counts = counts[counts["n"] > 0].set_index(["stage", "touchpoint"])
    if counts.empty:
        return pd.DataFrame(columns=columns, index=counts.index)
    sums = counts.assign(
        kind="share", sampled=True, sum_y=np.nan, sum_xx=counts["sum_x"], sum_yy=np.nan, sum_xy=np.nan
    )
    found = summarise(sums, book.settings.confidence_level)
    others = counts[["n", "sum_x"]].sum() - counts[["n", "sum_x"]]
    with np.errstate(all="ignore"):
        difference = found["value"] - others["sum_x"] / others["n"]
        p_values = pd.Series(np.nan, counts.index)
        asked = others["n"] > 0
        sides = (frame.loc[asked, name].to_numpy() for frame in (counts, others) for name in ("sum_x", "n"))
        p_values[asked] = share_p_value(*sides)
    is_sure = adjust_p_values(p_values) < 1 - book.settings.confidence_level
    is_better = difference > 0 if name == "csat" else difference < 0
    verdict = np.select(
        [p_values.isna(), ~is_sure, is_better], ["not_compared", "no_clear_change", "better"], "worse"
    )
    frame = found[["value", "low", "high", "n"]].assign(verdict=verdict)
    return frame.set_axis(columns, axis=1)


_VOLUMES = """
select stage, touchpoint, sum(contacts) as contacts, sum(tickets) as tickets
from (
  select coalesce(journey_stage, 'not_stated') as stage, coalesce(touchpoint, 'not_stated') as touchpoint,
    1 as contacts, 0 as tickets
  from contacts where is_inbound and started_on >= $starts_on and started_on < $ends_on
    and coalesce(journey_stage, touchpoint) is not null
  union all
  select coalesce(journey_stage, 'not_stated'), coalesce(touchpoint, 'not_stated'), 0, 1
  from tickets where opened_on >= $starts_on and opened_on < $ends_on
    and coalesce(journey_stage, touchpoint) is not null
) happened
group by stage, touchpoint
"""
_REPEATS = """
select stage, touchpoint, count(*) as n,
  count(case when seconds_between(before_at, started_at) < 86400 * $first_contact_days then 1 end) as sum_x
from (
  select coalesce(journey_stage, 'not_stated') as stage, coalesce(touchpoint, 'not_stated') as touchpoint,
    started_on, started_at,
    lag(started_at) over (
      partition by customer_id, coalesce(journey_stage, 'not_stated'), coalesce(touchpoint, 'not_stated')
      order by started_at, contact_id
    ) as before_at
  from contacts
  where is_inbound and customer_id is not null and coalesce(journey_stage, touchpoint) is not null
    and started_on < $ends_on and started_on >= add_days($starts_on, -$first_contact_days)
) followed
where started_on >= $starts_on
group by stage, touchpoint
"""


# --- complaints and mentions ----------------------------------------------------------------------------


def complaint_topics(results: Results) -> pd.DataFrame:
    """Complaints by topic, most first: ``topic, complaints, part`` of all, ``value, low, high, n`` of its contacts."""
    book, metric = results.book, results.book.catalogue.metrics["complaint_rate"]
    rows = estimates_by(book, metric, "f.topic", [book.window], by="topic")
    rows = rows[rows["numerator"] > 0].rename(columns={"group": "topic", "numerator": "complaints"})
    rows = rows.assign(part=rows["complaints"] / rows["complaints"].sum())
    return rows.sort_values(["complaints", "topic"], ascending=[False, True], ignore_index=True)


def mention_platforms(results: Results) -> pd.DataFrame:
    """Public mentions by platform, most first: ``platform, n, positive, neutral, negative, value, low, high``."""
    book, metric = results.book, results.book.catalogue.metrics["social_sentiment"]
    rows = estimates_by(book, metric, "f.platform", [book.window], by="platform")
    tones = book.ask(
        "select coalesce(platform, 'not_stated') as platform, tone, count(*) as mentions from mentions "
        "where published_on >= $starts_on and published_on < $ends_on group by coalesce(platform, 'not_stated'), tone",
        starts_on=book.window.start, ends_on=book.window.end,
    ).pivot_table(index="platform", columns="tone", values="mentions", aggfunc="sum")  # fmt: skip
    tones = tones.reindex(columns=[1, 0, -1]).fillna(0).set_axis(["positive", "neutral", "negative"], axis=1)
    rows = rows.rename(columns={"group": "platform"}).join(tones, on="platform")
    return rows.sort_values(["n", "platform"], ascending=[False, True], ignore_index=True)
