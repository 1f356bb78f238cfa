"""Orders in other currencies turned into the company's own, by the rate that held on their day."""

from __future__ import annotations

from pathlib import Path

from analysis.catalogue import load_catalogue
from analysis.engine import Engine
from analysis.params import Settings, TableSource
from analysis.tables.quality import quality_row
from analysis.tables.quoting import quoted

RATES = "rates"
NO_RATE = "no_rate"


def has_rates(settings: Settings) -> bool:
    """Whether money in other currencies can be converted; without rates it is rejected."""
    return RATES in settings.tables


def convert_orders(
    engine: Engine, source: TableSource, settings: Settings, rates: Path
) -> list[dict[str, object]]:
    """Makes ``read_orders`` of ``unpriced_orders``: money times the rate of its day; a note of how many rows.

    A rate holds from its day until the next one of its currency. A row in another currency of whose day no rate is
    known breaks the rule ``currency.no_rate``.

    Parameters
    ----------
    rates
        The checked table of rates.
    """
    engine.view_parquet("checked_rates", rates)
    engine.create_view("rate_spans", _SPANS_SQL)
    columns = load_catalogue().tables["orders"].columns_given_as(source.given_as)
    money = [name for name, column in columns.items() if column.type == "money" and name in source.columns]
    own = quoted(settings.currency.upper())
    is_foreign = f"upper(coalesce(given.currency, {own})) <> {own}"
    lacks_rate = f"given._rule is null and {is_foreign} and span.rate is null"
    changed = {
        name: f"case when {is_foreign} then given.{name} * span.rate else given.{name} end" for name in money
    }
    changed |= {
        "_rule": f"case when {lacks_rate} then {quoted(f'currency.{NO_RATE}')} else given._rule end",
        "_column": f"case when {lacks_rate} then 'currency' else given._column end",
        "_found": f"case when {lacks_rate} then given.currency else given._found end",
    }
    names = engine.columns("select * from unpriced_orders")
    listed = ", ".join(f'{changed.get(name, f"""given."{name}" """)} as "{name}"' for name in names)
    engine.create_table(
        "read_orders",
        f"""
select {listed} from unpriced_orders as given left join rate_spans as span
  on upper(given.currency) = span.currency and given.ordered_on >= span.valid_from
  and given.ordered_on < span.valid_until""",
    )
    [(count, first)] = engine.rows(
        f"select count(*), min(_row) from read_orders as given where _rule is null and {is_foreign}"
    )
    for name in ("unpriced_orders", "rate_spans", "checked_rates"):
        engine.drop(name)
    return [quality_row("orders", "note", "converted", count, None, first)] if count else []


_SPANS_SQL = """
select currency, valid_from, rate,
  coalesce(lead(valid_from) over (partition by currency order by valid_from), date '9999-12-31') as valid_until
from (
  select upper(currency) as currency, valid_from, min(rate) as rate
  from checked_rates where rate > 0 group by 1, 2
)"""
