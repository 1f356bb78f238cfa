"""What the company wants and what others reach: targets, benchmarks, measures, holidays, exchange rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .people import PORTFOLIOS, manager_ids, manager_on
from .rows import Rows, chance, count, hidden_where, numbered, ordered, pick, stack, take
from .truth import Truth

TARGETS = (  # metric, target, floor, stretch, weight
    ("customer_retention_rate", 0.68, 0.60, 0.72, 20.0),
    ("revenue_growth", 0.10, 0.00, 0.20, 15.0),
    ("nps", 30.0, 10.0, 45.0, 15.0),
    ("csat", 0.72, 0.60, 0.80, 10.0),
    ("first_contact_resolution", 0.70, 0.55, 0.80, 10.0),
    ("sla_attainment", 0.88, 0.75, 0.95, 10.0),
    ("renewal_rate", 0.82, 0.70, 0.90, 10.0),
    ("lead_conversion_rate", 0.10, 0.06, 0.13, 10.0),
)
MANAGER_TARGETS = ("nps", "customer_retention_rate")
PLANNED_QUARTERS = [quarter for quarter in clock.quarters() if quarter >= "2025Q1"] + ["2026Q4"]
REVENUE_GROWTH_WANTED, WON_VALUE_GROWTH_WANTED, MANAGER_GROWTH_WANTED = 1.08, 1.10, 1.02
"""What is to be sold: as much as a year before, times this; by managers, as much as a quarter before."""
ILLUSTRATIVE = "illustrative, in the range of what is published"
BENCHMARKS = (
    ("csat", "default", 0.75, f"Published satisfaction surveys of business suppliers, 2024 ({ILLUSTRATIVE})"),
    ("nps", "default", 35.0, f"Published NPS comparisons, B2B distribution, 2024 ({ILLUSTRATIVE})"),
    ("acsi_style", "default", 77.0, f"ACSI national score, United States, 2024 ({ILLUSTRATIVE})"),
    ("service_level", "default", 0.80, "Call-centre custom of 80 % within 20 seconds"),
    ("first_contact_resolution", "default", 0.70, f"Call-centre benchmark reports, 2023 ({ILLUSTRATIVE})"),
    ("abandonment_rate", "default", 0.05, f"Call-centre benchmark reports, 2023 ({ILLUSTRATIVE})"),
    (
        "survey_response_rate",
        "default",
        0.30,
        f"Published response rates of e-mail surveys, 2023 ({ILLUSTRATIVE})",
    ),
    ("win_rate", "default", 0.20, f"Published sales benchmarks, 2024 ({ILLUSTRATIVE})"),
)
MEASURES = (
    ("Call customers at risk", "customer_retention_rate"),
    ("Review open cases with the service team", "resolution_time"),
    ("Visit the ten largest customers", "nps"), ("Offer an upkeep contract", "renewal_rate"),
    ("Win back silent customers", "winback_rate"), ("Shorten the quotation", "lead_conversion_rate"),
)  # fmt: skip
WIN_BACK = "Win back silent customers"
MEASURE_OF = {
    "Call customers at risk": "call", "Review open cases with the service team": "service",
    "Visit the ten largest customers": "visit", "Offer an upkeep contract": "offer",
}  # fmt: skip
WIN_BACK_MEASURES = {"offer": 0.4, "visit": 0.2, "call": 0.4}
SILENT_DAYS, WIN_BACK_SHARE = (90, 270), 0.4
"""Managers try to win back this share of their customers who fell silent lately; it changes nothing."""
MILESTONES = ("Courier contract renegotiated", "New case routing live", "App reorder button released",
              "Account plans written")  # fmt: skip
MEASURES_PER_MANAGER, DONE_IN_TIME_SHARE, DONE_LATE_SHARE = 4, 0.74, 0.16
FOR_ONE_CUSTOMER_SHARE = 0.4
RATES = {"USD": (7.10, 0.08), "EUR": (7.65, 0.12), "HKD": (0.91, 0.01)}


def targets_table(customers: Rows, orders: Rows, opportunities: Rows, spans: Rows) -> Rows:
    """``targets.csv``: the company's for every period, what is to be sold by quarter, the managers' own."""
    rows = [(metric, "default", "", "", "", *numbers) for metric, *numbers in TARGETS]
    by_metric = {metric: numbers for metric, *numbers in TARGETS}
    rows += [(metric, "default", "2026Q3", "account_manager", manager, *by_metric[metric])
             for metric in MANAGER_TARGETS for manager in manager_ids().tolist()]  # fmt: skip
    rows += _sales_targets(customers, orders, opportunities, spans)
    columns = ("metric", "variant", "period", "dimension", "group", "target", "floor", "stretch", "weight")
    table = {name: np.array(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}
    return table | {"weight": hidden_where(table["weight"], table["weight"] == 0)}


def _sales_targets(customers: Rows, orders: Rows, opportunities: Rows, spans: Rows) -> list[tuple]:
    """Revenue and won value of each planned quarter; revenue of each manager's customers in the last one."""
    won = take(opportunities, opportunities["is_won"])
    rows = []
    for quarter in PLANNED_QUARTERS:
        year_ago = f"{int(quarter[:4]) - 1}{quarter[4:]}"
        sold = orders["amount"][clock.is_in(year_ago, orders["second"])].sum() * REVENUE_GROWTH_WANTED
        closed = won["value"][clock.is_in(year_ago, won["closed"])].sum() * WON_VALUE_GROWTH_WANTED
        rows.append(("revenue", "default", quarter, "", "", *_around(sold, -4)))
        rows.append(("won_value", "default", quarter, "", "", *_around(closed, -3)))
    holder = manager_on(spans, count(customers), clock.span_of("2026Q3")[0])[orders["owner"]]
    before = (holder >= 0) & clock.is_in("2026Q2", orders["second"])
    sold = np.bincount(holder[before], orders["amount"][before], len(manager_ids())) * MANAGER_GROWTH_WANTED
    rows += [("revenue", "default", "2026Q3", "account_manager", manager, *_around(amount, -3))
             for manager, amount in zip(manager_ids().tolist(), sold.tolist(), strict=True)]  # fmt: skip
    return rows


def _around(target: float, digits: int) -> tuple[float, float, float, float]:
    """A target, the floor and stretch a tenth below and above, and no weight in any score."""
    return (*(float(np.round(target * factor, digits)) for factor in (1.0, 0.9, 1.1)), 0.0)


def benchmarks_table() -> Rows:
    """``benchmarks.csv``."""
    columns = zip(("metric", "variant", "value", "source"), zip(*BENCHMARKS, strict=True), strict=True)
    return {name: np.array(values) for name, values in columns}


def actions_table(spans: Rows, customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """``actions.csv``: each manager's measures of a quarter, some for one customer; milestones; and win-back."""
    rows = stack(_planned(spans, truth), _win_back(spans, customers, orders, truth))
    n, owner = count(rows), rows["owner"]
    return {
        "action_no": numbered("AC", n, 4),
        "kind": np.where(rows["manager"] == "", "milestone", "action"),
        "title": rows["title"],
        "measure": rows["measure"],
        "manager_id": rows["manager"],
        "customer_no": hidden_where(customers["customer_id"][owner], owner < 0),
        "metric": rows["metric"],
        "planned": clock.dates(rows["planned"]),
        "due": clock.dates(rows["due"]),
        "done": hidden_where(clock.dates(rows["done"]), rows["is_undone"]),
    }


def _planned(spans: Rows, truth: Truth) -> Rows:
    """Each manager's measures and the company's milestones, in order of the day they were planned."""
    draws = chance(truth.seed, "actions")
    rows = ordered(
        stack(*(_of_quarter(quarter, draws) for quarter in clock.quarters())), "planned", "manager", "title"
    )
    rows |= _carried_out(rows, draws)
    rows["owner"] = _for_whom(rows["manager"], spans, draws)
    tried = pick(chance(truth.seed, "measures"), WIN_BACK_MEASURES, count(rows))
    usual = np.array([MEASURE_OF.get(title, "") for title in rows["title"].tolist()])
    return rows | {"measure": np.where(rows["title"] == WIN_BACK, tried, usual)}


def _carried_out(rows: Rows, draws: np.random.Generator) -> Rows:
    """The day each measure was done, most of them in time, and which were not done at all."""
    n = count(rows)
    u, late = draws.random(n), draws.integers(1, 30, size=n)
    early = draws.integers(0, 25, size=n)
    done = np.where(
        u < DONE_IN_TIME_SHARE, np.maximum(rows["planned"] + 1, rows["due"] - early), rows["due"] + late
    )
    return {"done": done, "is_undone": (u > DONE_IN_TIME_SHARE + DONE_LATE_SHARE) | (done >= clock.DAYS)}


def _win_back(spans: Rows, customers: Rows, orders: Rows, truth: Truth) -> Rows:
    """Offers, visits and calls to some of the managers' customers who fell silent lately."""
    draws = chance(truth.seed, "win back")
    parts = []
    for quarter in clock.quarters()[1:]:
        first, after = clock.span_of(quarter)
        manager = manager_on(spans, count(customers), first)
        silent = first - _last_days(orders, count(customers), first)
        is_lately = (silent > SILENT_DAYS[0]) & (silent <= SILENT_DAYS[1]) & (manager >= 0)
        owner = np.flatnonzero(is_lately & (draws.random(count(customers)) < WIN_BACK_SHARE))
        n = len(owner)
        parts.append({"manager": manager_ids()[manager[owner]], "owner": owner,
                      "planned": first + draws.integers(0, 10, size=n),
                      "due": after - 1 - draws.integers(20, 60, size=n)})  # fmt: skip
    rows = ordered(stack(*parts), "planned", "manager", "owner")
    n = count(rows)
    rows |= {"title": np.full(n, WIN_BACK), "metric": np.full(n, "winback_rate")}
    return rows | _carried_out(rows, draws) | {"measure": pick(draws, WIN_BACK_MEASURES, n)}


def _last_days(orders: Rows, n_customers: int, day: int) -> NDArray[np.int64]:
    """The day of each customer's last order before ``day``; long before all of them where there is none."""
    last = np.full(n_customers, -clock.DAYS)
    earlier = orders["day"] < day
    np.maximum.at(last, orders["owner"][earlier], orders["day"][earlier])
    return last


def _for_whom(manager: NDArray[np.str_], spans: Rows, draws: np.random.Generator) -> NDArray[np.int64]:
    """A customer the manager has or had, for four of ten of his measures; −1 for the others."""
    owner = np.full(len(manager), -1)
    chosen = draws.random(len(manager)) < FOR_ONE_CUSTOMER_SHARE
    for place, name in enumerate(manager_ids().tolist()):
        rows, own = np.flatnonzero(chosen & (manager == name)), spans["owner"][spans["manager"] == place]
        owner[rows] = own[draws.integers(len(own), size=len(rows))]
    return owner


def _of_quarter(quarter: str, draws: np.random.Generator) -> Rows:
    first, after = clock.span_of(quarter)
    managers = np.repeat(manager_ids(), MEASURES_PER_MANAGER)
    which = draws.integers(len(MEASURES), size=len(PORTFOLIOS) * MEASURES_PER_MANAGER)
    measures = np.array(MEASURES)[which]
    n = len(managers) + len(MILESTONES)
    none = np.full(len(MILESTONES), "")
    return {
        "manager": np.concatenate([managers, none]),
        "title": np.concatenate([measures[:, 0], np.array(MILESTONES)]),
        "metric": np.concatenate([measures[:, 1], none]),
        "planned": first + draws.integers(0, 10, size=n),
        "due": after - 1 - draws.integers(0, 45, size=n),
    }


def holidays_table() -> Rows:
    """``holidays.csv``."""
    days, worked, names = zip(*clock.holidays(), strict=True)
    return {"date": np.array(days), "worked": np.array(worked), "name": np.array(names)}


def rates_table(truth: Truth) -> Rows:
    """``rates.csv``: the house rate of each currency, set anew each quarter."""
    draws = chance(truth.seed, "rates")
    first_days = clock.dates([clock.span_of(quarter)[0] for quarter in clock.quarters()])
    n = len(first_days)
    values = [np.round(usual + draws.uniform(-spread, spread, n), 2) for usual, spread in RATES.values()]
    return {"currency": np.repeat(list(RATES), n), "valid_from": np.tile(first_days, len(RATES)),
            "rate": np.concatenate(values)}  # fmt: skip
