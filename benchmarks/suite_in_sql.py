"""The suite by hand, in DuckDB's SQL: one row per customer and per quarter of his, then a grouping per kind of row.

Quarters are numbered from 0. Every statement that groups gives a metric's value under its name, and beside it the
number of rows it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    Ask = Callable[[str, str], pd.DataFrame]

ACTIVE_DAYS, FREQUENT_ORDERS, ANSWER_DAYS = 180, 3, 30
FIRST_YEAR, QUARTERS = 2023, range(8)
CUT = "date '2025-01-01'"  # the first day of which nothing is known


def measured_in_sql(path: Path, compared: tuple[str, ...]) -> pd.DataFrame:
    """One row for each metric, period and segment (missing: the company): ``n`` and ``value``."""
    import duckdb
    import pandas as pd

    connection = duckdb.connect()
    connection.execute(f"create macro quarter_of(day) as (year(day) - {FIRST_YEAR}) * 4 + quarter(day) - 1")
    for statement in (PURCHASES, CUSTOMERS, TICKETS, SURVEYS, ANSWERS, INDICES):
        connection.execute(statement.format(path=path))
    connection.execute(f"create temp view customer_quarters as {CUSTOMER_QUARTERS}")

    def ask(statement: str, keys: str) -> pd.DataFrame:
        return connection.sql(statement.format(path=path, keys=keys)).df()

    numbers = tuple(int(label[-1]) - 1 + 4 * (int(label[:4]) - FIRST_YEAR) for label in compared)
    parts = [part for rows, columns in GROUPED for part in grouped(ask, rows, columns, numbers)]
    connection.close()
    return pd.concat(parts, ignore_index=True)


def grouped(ask: Ask, rows: str, columns: list[str], numbers: tuple[int, ...]) -> list[pd.DataFrame]:
    """The company in every quarter, and the segments in those that are compared, which have these numbers."""
    if "segment" not in rows:
        of_segments = f"select f.*, c.segment from ({rows}) f left join customers c using (customer_id)"
    else:
        of_segments = rows
    ways = (
        (rows, "period", "null", "period between 0 and 7"),
        (of_segments, "period, segment", "coalesce(segment, 'not_stated')", f"period in {numbers}"),
    )
    listed = ", ".join(columns)
    return [
        long(
            ask(
                f"select period, {segment} as segment, {listed} from ({each}) where {where} group by {{keys}}",
                keys,
            )
        )
        for each, keys, segment, where in ways
    ]


def long(wide: pd.DataFrame) -> pd.DataFrame:
    """A row for each metric, where each had its own columns."""
    import pandas as pd

    period = wide["period"].map(lambda number: f"{FIRST_YEAR + number // 4}Q{number % 4 + 1}")
    keys = {"period": period, "segment": wide["segment"]}
    names = [name for name in wide if f"{name}: n" in wide]
    parts = ({"metric": name, **keys, "n": wide[f"{name}: n"], "value": wide[name]} for name in names)
    return pd.concat([pd.DataFrame(part) for part in parts])


# --- What stands in a select ----------------------------------------------------------------------


def said(name: str, value: str, n: str) -> str:
    return f'{value} as "{name}", {n} as "{name}: n"'


def counted(name: str, where: str) -> str:
    count = f"count(*) filter (where {where})"
    return said(name, count, count)


def total(name: str, x: str, where: str = "true") -> str:
    return said(name, f"sum({x}) filter (where {where})", f"count({x}) filter (where {where})")


def mean(name: str, x: str, where: str = "true", times: int = 1) -> str:
    """The mean of a number; of a condition, the share of rows on which it holds."""
    return said(
        name, f"{times} * avg(({x})::double) filter (where {where})", f"count({x}) filter (where {where})"
    )


def ratio(name: str, x: str, y: str, where: str) -> str:
    value = f"sum({x}) filter (where {where}) / nullif(sum({y}) filter (where {where}), 0)"
    return said(name, value, f"count(*) filter (where {where})")


def times_of(name: str, seconds: str) -> list[str]:
    """Mean, median and ninety per cent of a duration; without opening hours the clock on the wall says the same."""
    n = f"count({seconds})"
    return [
        said(name, f"avg({seconds})", n),
        said(f"{name}.elapsed", f"avg({seconds})", n),
        said(f"{name}.median", f"quantile_cont({seconds}, 0.5)", n),
        said(f"{name}.p90", f"quantile_cont({seconds}, 0.9)", n),
    ]


# --- Customers: what each did in each quarter ------------------------------------------------------


def first_day(quarter: int) -> str:
    return f"date '{FIRST_YEAR + quarter // 4}-{quarter % 4 * 3 + 1:02}-01'"


def over(what: str, first: int, last: int) -> str:
    """A customer's revenue or orders from one quarter to another, those before the data left out."""
    return " + ".join(f"{what}_{q}" for q in range(max(0, first), last + 1)) or "0"


def lately(quarter: int) -> str:
    """The days of the activity window before a quarter begins."""
    return f"ordered_on >= {first_day(quarter)} - {ACTIVE_DAYS} and ordered_on < {first_day(quarter)}"


_REVENUE = [f"coalesce(sum(net_amount) filter (where period = {q}), 0) as revenue_{q}" for q in QUARTERS]
_ORDERS = [f"count(*) filter (where bought and period = {q}) as orders_{q}" for q in QUARTERS]
_ACTIVE = [f"count(*) filter (where bought and {lately(q)}) as active_{q}" for q in range(9)]

PURCHASES = f"""
create temp table purchases as
select customer_id, min(ordered_on) filter (where bought) as first_order_on, min(ordered_on) as first_row_on,
  {", ".join([*_REVENUE, *_ORDERS, *_ACTIVE])}
from (
  select customer_id, ordered_on, quarter_of(ordered_on) as period, net_amount,
    history_amount is not null and not is_return as bought
  from read_parquet('{{path}}/orders.parquet') where customer_id is not null
)
group by customer_id"""

CUSTOMERS = """
create temp table customers as
select customer_id, segment, least(acquired_on, first_order_on) as first_seen_on, p.* exclude (customer_id)
from purchases p full join read_parquet('{path}/customers.parquet') c using (customer_id)"""

CUSTOMER_QUARTERS = " union all ".join(
    f"""
select {q} as period, customer_id, segment,
  {first_day(q + 1)} - first_seen_on as days_as_customer, coalesce(days_as_customer > 0, false) as is_known,
  coalesce(first_seen_on < {first_day(q)}, false) as was_known, is_known and not was_known as is_new,
  coalesce(active_{q} > 0, false) as is_opening, coalesce(active_{q + 1} > 0, false) as is_closing,
  {f"coalesce(active_{q - 3} > 0, false)" if q >= 4 else "null::boolean"} as was_active_year_ago,
  is_closing and not is_opening and not is_new as is_returned, is_opening and not is_closing as is_lost,
  coalesce(active_{q + 1}, 0) as orders_lately, coalesce(orders_{q}, 0) as orders, orders > 0 as is_buyer,
  coalesce(revenue_{q}, 0) as revenue, {f"coalesce(revenue_{q - 1}, 0)" if q >= 1 else "null::double"} as previous,
  {f"coalesce(revenue_{q - 4}, 0)" if q >= 4 else "null::double"} as year_ago,
  {over("orders", q - 3, q)} as year_orders, {over("revenue", q - 3, q)} as year_revenue,
  {over("revenue", q - 4, q - 1)} as year_before,
  {over("orders", 0, q)} as orders_to_date, coalesce({over("revenue", 0, q)}, 0) as to_date
from customers where first_row_on < {first_day(q + 1)} or first_seen_on < {first_day(q + 1)}"""
    for q in QUARTERS
)

OF_CUSTOMERS = [
    counted("new_customers", "is_new"),
    mean("new_customer_first_value", "revenue", "is_new"),
    ratio("new_customer_margin_per_month", "revenue", "days_as_customer / 30.4375", "is_new"),  # at a margin of 1
    counted("opening_customers", "is_opening"),
    counted("closing_customers", "is_closing"),
    counted("returned_customers", "is_returned"),
    counted("lost_customers", "is_lost"),
    counted("came_and_went_customers", "is_new and not is_opening and not is_closing"),
    mean("customer_retention_rate", "is_closing", "is_opening"),
    ratio(
        "customer_retention_rate.as_printed", "is_closing::int - is_new::int", "is_opening::int",
        "is_opening or is_closing or is_new",
    ),
    mean("customer_retention_rate.active_again", "is_buyer", "is_opening"),
    mean("customer_churn_rate", "is_lost", "is_opening"),
    mean("customer_churn_rate.lost_over_all", "is_lost", "is_opening or is_closing or is_new"),
    ratio(
        "customer_churn_rate.lost_over_average", "is_lost::int", "(is_opening::int + is_closing::int) / 2",
        "is_opening or is_closing",
    ),
    total("churned_value", "year_before", "is_lost"),
    ratio(
        "customer_growth_rate", "is_closing::int - is_opening::int", "is_opening::int", "is_opening or is_closing"
    ),
    ratio("net_revenue_retention", "revenue", "year_ago", "year_ago > 0"),
    ratio("net_revenue_retention.previous_period", "revenue", "previous", "previous > 0"),
    ratio("gross_revenue_retention", "least(revenue, year_ago)", "year_ago", "year_ago > 0"),
    ratio("gross_revenue_retention.previous_period", "least(revenue, previous)", "previous", "previous > 0"),
    mean("winback_rate", "is_returned", "was_known and not is_opening"),
    mean("yearly_churn_rate", "not is_closing", "was_active_year_ago"),
    mean("revenue_per_customer", "revenue", "is_buyer"),
    mean("historical_clv", "to_date", "is_known"),
    mean("historical_clv.revenue_only", "to_date", "is_known"),
    ratio("average_order_value_of_year", "year_revenue", "year_orders", "year_orders >= 1"),
    mean("orders_per_customer_year", "year_orders", "year_orders >= 1"),
    mean("repeat_purchase_rate", "orders_lately >= 2", "is_closing"),
    mean("repeat_purchase_rate.lifetime", "orders_to_date >= 2", "orders_to_date >= 1"),
    mean("repeat_purchase_rate.in_period", "orders >= 2", "is_buyer"),
    mean("purchase_frequency", "orders", "is_buyer"),
    ratio(
        "expansion_share", "case when year_ago > 0 then greatest(0, revenue - year_ago) else 0 end", "revenue",
        "year_ago is not null and (revenue <> 0 or year_ago > 0)",
    ),
    counted("buyers", "is_buyer"),
]  # fmt: skip

BUYERS_OF_THE_YEAR = """
select period, segment, year_revenue, row_number() over (partition by {keys} order by year_revenue desc) as place,
  ceil(0.1 * count(*) over (partition by {keys})) as top_places
from customer_quarters where year_orders >= 1"""
BEST_TENTH = said(
    "top_decile_share",
    "sum(year_revenue) filter (where place <= top_places) / nullif(sum(year_revenue), 0)",
    "count(*)",
)

CLOSING_CUSTOMERS = """
select q.period, q.segment, q.orders_lately, a.customer_id is not null as was_asked, s.is_satisfied
from (select period, customer_id, segment, orders_lately from customer_quarters where is_closing) q
left join (select distinct period, customer_id from surveys) a using (period, customer_id)
left join (select period, customer_id, is_satisfied from answers where question_id = 'CSAT' and is_last) s
  using (period, customer_id)"""
_FREQUENT = f"orders_lately >= {FREQUENT_ORDERS}"
_SATISFIED = "coalesce(is_satisfied, false)"
OF_CLOSING_CUSTOMERS = [
    mean("survey_coverage", "was_asked"),
    mean("csat.over_all_customers", _SATISFIED),
    mean("loyalty_index", f"{_FREQUENT} or {_SATISFIED}"),
    mean("loyalty_index.as_printed", f"({_FREQUENT})::int + {_SATISFIED}::int"),
    mean("loyalty_index.surveyed_only", f"{_FREQUENT} or {_SATISFIED}", "is_satisfied is not null"),
]

# --- Orders ---------------------------------------------------------------------------------------

ORDERS = (
    "select quarter_of(ordered_on) as period, customer_id, net_amount, is_return "
    "from read_parquet('{path}/orders.parquet')"
)
OF_ORDERS = [
    total("revenue", "net_amount"),
    total("revenue.gross", "net_amount", "not is_return"),
    counted("orders", "net_amount is not null and not is_return"),
    ratio("average_order_value", "net_amount", "(not is_return)::int", "net_amount is not null"),
]
CATEGORIES_BOUGHT = """
select quarter_of(ordered_on) as period, customer_id, count(distinct category) as categories
from read_parquet('{path}/orders.parquet')
where history_amount is not null and not is_return and customer_id is not null and category is not null
group by all"""

# --- Tickets --------------------------------------------------------------------------------------

TICKETS = f"""
create temp table tickets as
select *,
  case when reply_seconds >= 0 then reply_seconds end as reply,
  case when solution_seconds >= 0 then solution_seconds end as solution,
  case when resolved_seconds >= 0 then resolved_seconds end as turnaround,
  case when coalesce(waiting_seconds, 0) <= turnaround then turnaround - coalesce(waiting_seconds, 0) end as resolution
from (
  select customer_id, opened_on, is_complaint, severity, reopened_count, reassigned_count, waiting_seconds,
    case when first_replied_on < {CUT} then first_replied_on end as replied_on,
    case when first_solution_on < {CUT} then first_solution_on end as solution_on,
    case when t.resolved_on < {CUT} then t.resolved_on end as solved_on,
    case when first_replied_on < {CUT} then epoch(first_replied_at) - epoch(opened_at) end as reply_seconds,
    case when first_solution_on < {CUT} then epoch(first_solution_at) - epoch(opened_at) end as solution_seconds,
    case when t.resolved_on < {CUT} then epoch(resolved_at) - epoch(opened_at) end as resolved_seconds,
    coalesce(due_on, solved_on, opened_on) as judged_on,
    case
      when is_within_sla is not null then is_within_sla
      when solved_on is not null then resolved_at <= due_at
      when due_on < {CUT} then false
    end as is_in_time
  from read_parquet('{{path}}/tickets.parquet') t
)"""


def tickets_by(day: str, columns: str) -> str:
    return f"select quarter_of({day}) as period, customer_id, {columns} from tickets where {day} is not null"


# --- Questionnaires -------------------------------------------------------------------------------

SURVEYS = f"""
create temp table surveys as
select survey_id, customer_id, coalesce(customer_id, survey_id) as respondent, kind, quarter_of(sent_on) as period,
  answered_at, answered_on,
  case
    when sent_on + {ANSWER_DAYS} >= {CUT} or answered_at < sent_at and answered_on < {CUT} then null
    else coalesce(answered_at - sent_at <= interval {ANSWER_DAYS} days and answered_on < {CUT}, false)
  end as is_answered_in_time
from read_parquet('{{path}}/surveys.parquet')"""

ANSWERS = f"""
create temp table answers as
select *, (turned - scale_min) / (scale_max - scale_min) as share_of_scale,
  case scale_max when 5 then turned >= 4 when 7 then turned >= 6 when 10 then turned >= 9 end as is_satisfied,
  row_number() over (partition by period, respondent, question_id order by answered_at desc, survey_id desc) = 1
    as is_last
from (
  select quarter_of(s.answered_on) as period, s.customer_id, s.respondent, s.kind, s.answered_at, a.survey_id,
    q.* exclude (source_file, source_row),
    case when reversed and construct <> 'ces_v1' then scale_min + scale_max - score else score end as turned
  from read_parquet('{{path}}/answers.parquet') a
  join read_parquet('{{path}}/questions.parquet') q using (question_id)
  join surveys s using (survey_id)
  where score between scale_min and scale_max and s.answered_on < {CUT}
)"""

_OVERALL = "question_id = 'CSAT'"
OF_ANSWERS = [
    mean("csat", "is_satisfied", f"{_OVERALL} and is_last"),
    mean("csat.mean_score", "1 + 4 * share_of_scale", f"{_OVERALL} and is_last"),
    mean("csat.top_box", "turned = scale_max", f"{_OVERALL} and is_last"),
    mean("csat.all_answers", "is_satisfied", _OVERALL),
    *(
        mean(f"csat.{item}{variant}", x, f"construct = 'csat' and item = '{item}' and is_last")
        for item in ("product_quality", "response_speed", "value", "problem_solving")
        for variant, x in (("", "is_satisfied"), (".mean_score", "1 + 4 * share_of_scale"))
    ),
    *(
        mean(f"nps{variant}", "(turned >= 9)::int - (turned <= 6)::int", f"construct = 'nps' and {where}", times)
        for variant, where, times in (
            ("", "kind = 'relationship' and is_last", 100), (".all_answers", "kind = 'relationship'", 100),
            (".fraction", "kind = 'relationship' and is_last", 1),
            (".transactional", "kind = 'transactional' and is_last", 100),
        )
    ),
    mean("ces", "turned >= 5", "construct = 'ces' and is_last"),
    mean("ces.mean_score", "turned", "construct = 'ces' and is_last"),
    mean("ces.strict", "turned >= 6", "construct = 'ces' and is_last"),
    mean("ces.all_answers", "turned >= 5", "construct = 'ces'"),
    mean("ces.v1", "turned <= 2", "construct = 'ces_v1' and is_last"),
    mean("loyalty_index.survey_mean", "share_of_scale", "construct = 'loyalty' and is_last"),
]  # fmt: skip

# Of each questionnaire its ACSI-style index, where all three items were answered, and its SERVQUAL gaps.
INDICES = """
create temp table indices as
with pairs as (
  select survey_id, dimension, item, max(turned) filter (where construct = 'servqual_perception') as perception,
    max(turned) filter (where construct = 'servqual_expectation') as expectation, max(weight) as weight
  from answers where construct in ('servqual_perception', 'servqual_expectation') group by all
), dimensions as (
  select survey_id, avg(perception - expectation) as gap, sum(perception - expectation) as gaps,
    count(perception - expectation) as paired,
    avg(weight) filter (where perception - expectation is not null) as weight,
    sum(perception) as perceptions, count(perception) as perceived
  from pairs group by survey_id, dimension
), servqual as (
  select survey_id, avg(gap) as gap, sum(gaps) / nullif(sum(paired), 0) as gap_of_items,
    sum(gap * weight) / sum(weight) filter (where gap is not null) as weighted_gap,
    sum(perceptions) / nullif(sum(perceived), 0) as perception
  from dimensions group by survey_id
), acsi as (
  select survey_id, 100 * avg(share_of_scale) as acsi from answers
  where construct = 'acsi' group by survey_id having count(*) = 3
)
select *, row_number() over (partition by period, respondent, acsi is null order by place) = 1 as is_last_acsi,
  row_number() over (partition by period, respondent, gap is null order by place) = 1 as is_last_gap,
  row_number() over (partition by period, respondent, perception is null order by place) = 1 as is_last_perception
from (
  select quarter_of(s.answered_on) as period, s.customer_id, respondent, gap, gap_of_items, weighted_gap, perception,
    acsi, row_number() over (order by answered_at desc, survey_id desc) as place
  from servqual full join acsi using (survey_id) join surveys s using (survey_id)
)"""

OF_INDICES = [
    mean("acsi_style", "acsi", "is_last_acsi"),
    mean("acsi_style.all_answers", "acsi"),
    mean("servqual_gap", "gap", "is_last_gap"),
    mean("servqual_gap.items", "gap_of_items", "is_last_gap"),
    mean("servqual_gap.weighted", "weighted_gap", "is_last_gap"),
    mean("servqual_gap.servperf", "perception", "is_last_perception"),
]

# The rows of each kind, and what is asked of them.
GROUPED: list[tuple[str, list[str]]] = [
    ("select * from customer_quarters", OF_CUSTOMERS),
    (BUYERS_OF_THE_YEAR, [BEST_TENTH]),
    (CLOSING_CUSTOMERS, OF_CLOSING_CUSTOMERS),
    (ORDERS, OF_ORDERS),
    (CATEGORIES_BOUGHT, [mean("cross_sell_rate", "categories >= 2")]),
    (tickets_by("replied_on", "reply"), times_of("first_response_time", "reply")),
    (tickets_by("solution_on", "solution"), times_of("first_solution_time", "solution")),
    (
        tickets_by("solved_on", "turnaround, resolution, reopened_count"),
        [
            *times_of("resolution_time", "resolution"),
            *times_of("turnaround_time", "turnaround"),
            mean("reopen_rate", "reopened_count > 0"),
        ],
    ),
    (
        tickets_by("opened_on", "severity, is_complaint, reassigned_count"),
        [mean("complaint_severity", "severity", "is_complaint"), mean("transfers_per_ticket", "reassigned_count")],
    ),
    (tickets_by("judged_on", "is_in_time"), [mean("sla_attainment", "is_in_time")]),
    ("select * from surveys", [mean("survey_response_rate", "is_answered_in_time")]),
    ("select * from answers", OF_ANSWERS),
    ("select * from indices", OF_INDICES),
]  # fmt: skip
