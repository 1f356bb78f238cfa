"""Quality of service by dimension, and the items of the satisfaction index, with the intervals of a mean."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.catalogue import label
from analysis.facts import Book
from analysis.metrics.frame import BOUNDS, NOT_STATED, SUMS
from analysis.suite import Results


def quality_dimensions(results: Results) -> pd.DataFrame:
    """SERVQUAL by dimension: what was expected, what was perceived, the gap with its interval, the worst first.

    A respondent counts with the items of the dimension that he answered both ways; his last answer of the period.

    Returns
    -------
    DataFrame
        ``dimension, expectation, perception, value`` (perception − expectation), ``low, high, n, items``.
    """
    book = results.book
    pairs = book.ask(_PAIRS, period=book.window.label)
    if pairs.empty:
        return pd.DataFrame(
            columns=["dimension", "expectation", "perception", "value", "low", "high", "n", "items"]
        )
    rows = pairs.assign(
        expectation=pairs["expectations"] / pairs["n"], perception=pairs["perceptions"] / pairs["n"]
    )
    return _means(rows, ["dimension", "items", "expectation", "perception"], book)


def _means(rows: pd.DataFrame, keys: list[str], book: Book) -> pd.DataFrame:
    """The mean of each row's sums with its interval, beside the keys; the lowest first, then by the first key."""
    from analysis.metrics.intervals import summarise

    sums = rows.assign(kind="mean", sampled=True, sum_y=np.nan, sum_yy=np.nan, sum_xy=np.nan)
    found = summarise(sums[[*keys, "kind", "sampled", "n", *SUMS, *BOUNDS]], book.settings.confidence_level)
    return found.sort_values(["value", keys[0]], ignore_index=True)


def _placed(condition: str) -> str:
    """The period's answers that meet a condition, each respondent's last to a question first (``from_last = 1``)."""
    return f"""
with placed as (
  select a.*, coalesce(a.item, a.question_id) as asked_item,
    row_number() over (partition by a.respondent_id, a.question_id order by a.answered_at desc, a.survey_id desc)
      as from_last
  from answers a
  join windows w on a.answered_on >= w.starts_on and a.answered_on < w.ends_on
  where w.period = $period and {condition}
)"""


_PAIRS = f"""{_placed("a.construct in ('servqual_expectation', 'servqual_perception') and a.score is not null")},
both_ways as (
  select respondent_id, survey_id, asked_item,
    max(case when construct = 'servqual_perception' then question_dimension end) as dimension,
    avg(case when construct = 'servqual_perception' then score end) as perception,
    avg(case when construct = 'servqual_expectation' then score end) as expectation,
    max(scale_max) - min(scale_min) as widest
  from placed where from_last = 1
  group by respondent_id, survey_id, asked_item
),
by_respondent as (
  select respondent_id, survey_id, coalesce(dimension, 'not_stated') as dimension, count(*) as items,
    avg(perception) as perception, avg(expectation) as expectation, max(widest) as widest
  from both_ways where perception is not null and expectation is not null
  group by respondent_id, survey_id, coalesce(dimension, 'not_stated')
)
select dimension, count(*) as n, max(items) as items, sum(perception) as perceptions, sum(expectation) as expectations,
  sum(perception - expectation) as sum_x, sum((perception - expectation) * (perception - expectation)) as sum_xx,
  -max(widest) as least, max(widest) as most
from by_respondent group by dimension
"""


def quality_name(name: str, book: Book, language: str, kind: str = "dimension") -> str:
    """What a dimension of quality (``kind="index"``: an item of the index) is called by the settings, else usually."""
    if name == NOT_STATED:
        return label("kpis.not_stated", language)
    if own := book.names_of("item" if kind == "index" else "question_dimension", language).get(name):
        return own
    try:
        return label(f"satisfaction_page.{kind}_{name}", language)
    except KeyError:
        return str(name).replace("_", " ")


def index_items(results: Results) -> pd.DataFrame:
    """The items of the index: ``item, value`` (0 to 100), ``low, high, n, mean, weight`` (of a sum of 1)."""
    book = results.book
    rows = book.ask(_INDEX_ITEMS, period=book.window.label)
    if rows.empty:
        return pd.DataFrame(columns=["item", "value", "low", "high", "n", "mean", "weight"])
    weights = (
        rows["weight"] if rows["weight"].notna().all() and rows["weight"].sum() > 0 else rows["n"] * 0 + 1.0
    )
    return _means(rows.assign(weight=weights / weights.sum()), ["item", "mean", "weight"], book)


_INDEX_ITEMS = f"""{_placed("a.construct = 'acsi' and a.score_share is not null")}
select p.asked_item as item, max(q.weight) as weight, count(*) as n, avg(p.score) as mean,
  sum(100 * p.score_share) as sum_x, sum(10000 * p.score_share * p.score_share) as sum_xx, 0 as least, 100 as most
from placed p join source_questions q on q.question_id = p.question_id
where p.from_last = 1
group by p.asked_item
"""
