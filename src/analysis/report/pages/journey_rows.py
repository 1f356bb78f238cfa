"""What happened at each stage and touchpoint, and where it is worse than at the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.catalogue import Metric
from analysis.report.pages.satisfaction_rows import counted_sql
from analysis.suite import Results


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
