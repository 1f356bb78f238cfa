"""Checked rows → orders: what counts as revenue, what counts in customer histories, and lines put together.

**Cancelled.** The sign of an amount is kept as given. A cancelled order (or line) with a negative amount is
the return that took a sale back. With a positive amount it is a sale called off: it stays in the table and
counts neither as revenue nor in histories, under the rule ``cancelled``.

**Lines.** One order per order id, mixed ones (some lines negative) included: its amount is the sum of
quantity × unit price, its instant the earliest line's. A line that a rule excludes takes its money out of the
order; an order is excluded when all its lines are. Status, channel and category are the lines' own where they
agree, else empty.
"""

from __future__ import annotations

from analysis.catalogue import load_catalogue
from analysis.engine import Engine
from analysis.params import Settings, TableSource
from analysis.tables import TablesError
from analysis.tables.conditions import check_condition, truth_of
from analysis.tables.contract import output_columns
from analysis.tables.quoting import identifier, quoted

CANCELLED, ANONYMOUS = "cancelled", "anonymous"
LINE_AMOUNT = "quantity * unit_price"


def create_flagged(engine: Engine, source: TableSource, settings: Settings) -> None:
    """Table ``flagged``: the kept rows of ``judged_orders``, what each is excluded from, and by which rule.

    ``_revenue_rule`` and ``_history_rule`` name the first rule that takes the row's money out (NULL: it
    counts); ``_excluded_by`` names every rule of the settings that applies.

    Raises
    ------
    TablesError
        If a condition cannot be understood.
    """
    _check_names(settings)
    engine.create_view("kept_orders", _kept_orders_sql(source))
    conditions = {name: exclusion.where for name, exclusion in settings.exclusions.items()}
    where = {name: f"exclusions.{name}.where" for name in conditions}
    if source.cancelled_when:
        conditions[CANCELLED], where[CANCELLED] = source.cancelled_when, "tables.orders.cancelled_when"
    columns = [name for name in engine.columns("select * from kept_orders") if not name.startswith("_")]
    for name, condition in conditions.items():
        check_condition(engine, condition, where[name], "kept_orders", columns, "the orders")
    engine.create_table("flagged", _flagged_sql(conditions, settings))


def _kept_orders_sql(source: TableSource) -> str:
    """The kept rows with ``amount`` and ``order_id`` filled, and what only the workbook uses."""
    columns = load_catalogue().tables["orders"].columns_given_as(source.given_as)
    own = {name: f'"{name}"' for name, _ in output_columns(columns)}
    if source.given_as == "lines":
        own |= {"amount": LINE_AMOUNT}
    else:
        own |= {"order_id": "coalesce(order_id, 'row-' || cast(_position as text))"}
    listed = ", ".join(f'{sql} as "{name}"' for name, sql in own.items())
    return (
        f"select _position, _file, _row, {listed}, {own['amount']} as _amount "
        "from judged_orders where _rule is null"
    )


def _flagged_sql(conditions: dict[str, str], settings: Settings) -> str:
    is_true = {name: truth_of(condition) for name, condition in conditions.items()}
    cancelled = is_true.pop(CANCELLED, "false")
    columns = [f"{cancelled} as _cancelled"]
    columns += [f"{sql} as {_flag(name)}" for name, sql in is_true.items()]
    called_off = "_cancelled and _amount > 0"

    def first_rule(out_of: str, *more: tuple[str, str]) -> str:
        named = [(_flag(n), n) for n, rule in settings.exclusions.items() if out_of in rule.out_of]
        cases = [(called_off, CANCELLED), *named, *more]
        return "case " + " ".join(f"when {sql} then {quoted(name)}" for sql, name in cases) + " end"

    every = [(called_off, CANCELLED), *((_flag(name), name) for name in is_true)]
    listed = ", ".join(f"case when {sql} then {quoted(name)} end" for sql, name in every)
    return f"""
select *, {first_rule("revenue")} as _revenue_rule,
  {first_rule("histories", ("customer_id is null", ANONYMOUS))} as _history_rule,
  nullif(concat_ws(', ', {listed}), '') as _excluded_by
from (select *, {", ".join(columns)} from kept_orders)"""


def _flag(name: str) -> str:
    """The column that says whether an exclusion applies."""
    return identifier(f"_is {name}")


def _check_names(settings: Settings) -> None:
    for name in settings.exclusions:
        if name in (CANCELLED, ANONYMOUS):
            raise TablesError(f"exclusions.{name}: this name is the workbook's own; choose another")


ORDER_COLUMNS = """order_id, customer_id, ordered_at, ordered_on, amount, net_amount, history_amount,
  is_return, lines, status, channel, category, source_file, source_row, excluded_by"""


def orders_sql(source: TableSource) -> str:
    """SQL for the checked orders, one row per order or return, by time and order id.

    ``net_amount`` is NULL where the whole order is out of revenue, ``history_amount`` where it is out of
    histories or anonymous; ``is_return``: the amount is negative, or the order is cancelled and not positive.
    """
    rows = _LINES_SQL if source.given_as == "lines" else _ORDERS_SQL
    return f"select {ORDER_COLUMNS} from ({rows}) order by ordered_at, order_id"


_ORDERS_SQL = """
select order_id, customer_id, ordered_at, ordered_on, amount,
  case when _revenue_rule is null then amount end as net_amount,
  case when _history_rule is null then amount end as history_amount,
  amount < 0 or (_cancelled and amount <= 0) as is_return, cast(1 as bigint) as lines,
  status, channel, category, _file as source_file, _row as source_row, _excluded_by as excluded_by
from flagged"""

# Sums are rounded to a millionth of the currency: 0.1 + 0.2 - 0.3 is no return.
_LINES_SQL = """
select order_id, customer_id, ordered_at, ordered_on, round(amount, 6) as amount,
  round(net_amount, 6) as net_amount,
  case when customer_id is not null then round(history_amount, 6) end as history_amount,
  round(amount, 6) < 0 or (cancelled and round(amount, 6) <= 0) as is_return, lines,
  status, channel, category, source_file, source_row,
  case when net_amount is null or history_amount is null then nullif(excluded_by, '') end as excluded_by
from (
  select order_id, min(customer_id) as customer_id, min(ordered_at) as ordered_at,
    arg_min(ordered_on, ordered_at) as ordered_on, fsum(_amount) as amount,
    fsum(_amount) filter (where _revenue_rule is null) as net_amount,
    fsum(_amount) filter (where coalesce(_history_rule, 'anonymous') = 'anonymous') as history_amount,
    bool_or(_cancelled) as cancelled, count(*) as lines,
    case when min(status) = max(status) then min(status) end as status,
    case when min(channel) = max(channel) then min(channel) end as channel,
    case when min(category) = max(category) then min(category) end as category,
    arg_min(_file, _position) as source_file, arg_min(_row, _position) as source_row,
    coalesce(string_agg(distinct _excluded_by, ', ' order by _excluded_by), '') as excluded_by
  from flagged group by order_id
)"""
