"""The headline metrics a company can have: those of the settings, others in place of what its tables do not hold."""

from __future__ import annotations

from analysis.catalogue import load_catalogue
from analysis.params import Settings

# In place of a headline metric whose tables are not supplied; one a page first, the most telling of it.
STANDING_IN = (
    "customer_retention_rate", "renewal_rate", "nps", "win_rate", "won_value", "first_response_time", "sla_attainment",
    "csat", "resolution_time", "lead_conversion_rate", "service_level", "response_time",
)  # fmt: skip


def headline_metrics(settings: Settings) -> tuple[str, ...]:
    """The metrics on the cover: as the settings name them, as far as the company supplies what they need.

    In place of each of the others stands one that it can have; where nothing can stand in, the settings' own, with
    the reason why it is missing.
    """
    lacking = {name for name in (*settings.headline_metrics, *STANDING_IN) if _lacks_tables(name, settings)}
    stand_ins = [name for name in STANDING_IN if name not in {*lacking, *settings.headline_metrics}]
    places = len(settings.headline_metrics)
    found = [name for name in settings.headline_metrics if name not in lacking]
    found += stand_ins[: places - len(found)]
    missing = [name for name in settings.headline_metrics if name in lacking]
    return tuple(found or missing)


def _lacks_tables(name: str, settings: Settings) -> bool:
    from analysis.metrics.gaps import tables_lacking  # heavy

    catalogue = load_catalogue()
    metric = catalogue.metrics[name]
    absent = set(catalogue.tables) - set(settings.tables)
    is_of_orders = metric.kind == "modelled" and "orders" in absent
    return is_of_orders or bool(tables_lacking(metric, absent, settings.customer_base))
