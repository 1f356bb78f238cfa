"""What the company wants and what others reach: targets, benchmarks, measures, holidays, exchange rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import clock
from .people import PORTFOLIOS, manager_ids
from .rows import Rows, chance, count, hidden_where, numbered, ordered, stack
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
MILESTONES = ("Courier contract renegotiated", "New case routing live", "App reorder button released",
              "Account plans written")  # fmt: skip
MEASURES_PER_MANAGER, DONE_IN_TIME_SHARE, DONE_LATE_SHARE = 4, 0.74, 0.16
FOR_ONE_CUSTOMER_SHARE = 0.4
RATES = {"USD": (7.10, 0.08), "EUR": (7.65, 0.12), "HKD": (0.91, 0.01)}


def targets_table() -> Rows:
    """``targets.csv``: the company's for every period, the managers' own for their customers."""
    rows = [(metric, "default", "", "", "", *numbers) for metric, *numbers in TARGETS]
    by_metric = {metric: numbers for metric, *numbers in TARGETS}
    rows += [(metric, "default", "2026Q3", "account_manager", manager, *by_metric[metric])
             for metric in MANAGER_TARGETS for manager in manager_ids().tolist()]  # fmt: skip
    columns = ("metric", "variant", "period", "dimension", "group", "target", "floor", "stretch", "weight")
    return {name: np.array(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}


def benchmarks_table() -> Rows:
    """``benchmarks.csv``."""
    columns = zip(("metric", "variant", "value", "source"), zip(*BENCHMARKS, strict=True), strict=True)
    return {name: np.array(values) for name, values in columns}


def actions_table(spans: Rows, customers: Rows, truth: Truth) -> Rows:
    """``actions.csv``: each manager's measures of a quarter, some for one customer, and the company's milestones."""
    draws = chance(truth.seed, "actions")
    rows = ordered(
        stack(*(_of_quarter(quarter, draws) for quarter in clock.quarters())), "planned", "manager", "title"
    )
    n = count(rows)
    u, late = draws.random(n), draws.integers(1, 30, size=n)
    early = draws.integers(0, 25, size=n)
    done = np.where(
        u < DONE_IN_TIME_SHARE, np.maximum(rows["planned"] + 1, rows["due"] - early), rows["due"] + late
    )
    owner = _for_whom(rows["manager"], spans, draws)
    is_undone = (u > DONE_IN_TIME_SHARE + DONE_LATE_SHARE) | (done >= clock.DAYS)
    return {
        "action_no": numbered("AC", n, 4),
        "kind": np.where(rows["manager"] == "", "milestone", "action"),
        "title": rows["title"],
        "manager_id": rows["manager"],
        "customer_no": hidden_where(customers["customer_id"][owner], owner < 0),
        "metric": rows["metric"],
        "planned": clock.dates(rows["planned"]),
        "due": clock.dates(rows["due"]),
        "done": hidden_where(clock.dates(done), is_undone),
    }


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
