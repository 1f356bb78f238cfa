"""What is fast, against what: every measurement in a process of its own, rivals in the same run.

    python benchmarks/run.py            the table in benchmarks/README.md
    python benchmarks/run.py --small    the same on little data, once each

A worker loads its inputs, then times one call; answers of rivals are compared, because a fast wrong number
would win every race.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

FULL = {"customers": [100_000, 1_000_000], "orders": [1_000_000]}, 3  # rows, and processes for each call
FEW = {"customers": [10_000], "orders": [50_000]}, 1
LAST_DAY = "2024-12-31"
OBSERVED_DAYS = 731
WEEKS_PER_LIFETIMES_MONTH = 4.345
HORIZON_WEEKS = 12 * WEEKS_PER_LIFETIMES_MONTH
REPEATED_BELOW_SECONDS = 5.0
SEED = 20260930

Call = Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """One call: how long it took, the most memory its process held, and what it answered."""

    seconds: float
    megabytes: float
    answer: float


# --- Inputs ---------------------------------------------------------------------------------------


def write_customers(path: Path, customers: int) -> None:
    """Histories and mean spends drawn from BG/NBD and Gamma-Gamma with the parameters published for CDNOW.

    Purchase times are rounded up to whole days, as in any company's data.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    days = rng.integers(1, OBSERVED_DAYS, customers).astype(float)
    rate = rng.gamma(0.243, 1 / 4.414, customers) / 7
    leaves = rng.beta(0.793, 2.426, customers)
    x, t_x, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    there = np.arange(customers)
    while len(there):
        now[there] = np.ceil(now[there] + rng.exponential(1, len(there)) / np.maximum(rate[there], 1e-12))
        there = there[now[there] <= days[there]]
        x[there] += 1
        t_x[there] = now[there]
        there = there[rng.random(len(there)) >= leaves[there]]
    scale = rng.gamma(3.74, 1 / 15.44, customers)
    spend = np.where(x > 0, rng.gamma(6.25 * np.maximum(x, 1), 1 / scale) / np.maximum(x, 1), 0.0)
    np.savez(path, x=x, t_x=t_x / 7, T=days / 7, spend=spend.round(2))


def write_orders(path: Path, orders: int) -> None:
    """Checked orders as the facts read them: a few returns, a few without a customer, two years long."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(SEED)
    day = pd.Timestamp(LAST_DAY) - pd.to_timedelta(rng.integers(0, OBSERVED_DAYS, orders), unit="D")
    is_return = rng.random(orders) < 0.03
    amount = (rng.gamma(2, 20, orders) * np.where(is_return, -0.2, 1)).round(2)
    customer = np.char.add("c", rng.zipf(1.3, orders).clip(max=orders // 3).astype(str))
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series(customer).where(rng.random(orders) > 0.01),
            "ordered_on": day.date,
            "history_amount": amount,
            "is_return": is_return,
        }
    )
    frame.to_parquet(path, index=False)


def load_customers(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path) as arrays:
        return dict(arrays)


# --- The calls: each loads its inputs and gives back what is to be timed --------------------------


def fit_with_analysis(path: Path) -> Call:
    from analysis import fit_bg_nbd

    data = load_customers(path)

    def call() -> float:
        fit = fit_bg_nbd(data["x"], data["t_x"], data["T"])
        assert all(math.isfinite(error) for error in fit.standard_errors.values())
        return fit.log_likelihood

    return call


def fit_with_lifetimes(path: Path) -> Call:
    from lifetimes import BetaGeoFitter

    data = load_customers(path)

    def call() -> float:
        fit = BetaGeoFitter().fit(data["x"], data["t_x"], data["T"])
        assert fit.standard_errors_.notna().all()
        in_its_own_time_unit = -fit._negative_log_likelihood_ * len(data["x"])
        return in_its_own_time_unit + float(data["x"].sum()) * math.log(fit._scale)

    return call


def fits_of(data: dict[str, Any]) -> tuple[Any, Any]:
    """The models both sides value customers with."""
    from analysis import fit_bg_nbd, fit_gamma_gamma

    bought_again = data["spend"] > 0
    return fit_bg_nbd(data["x"], data["t_x"], data["T"]), fit_gamma_gamma(
        data["x"][bought_again], data["spend"][bought_again]
    )


def value_with_analysis(path: Path) -> Call:
    from analysis.models import value_customers

    data = load_customers(path)
    purchases, spend = fits_of(data)
    quarters = [HORIZON_WEEKS / 4] * 4

    def call() -> float:
        values = value_customers(
            purchases, spend, data["x"], data["t_x"], data["T"], data["spend"], quarter_lengths=quarters,
            gross_margin=1.0, discount_rate_per_year=0.0, n_draws=200, seed=SEED,
        )  # fmt: skip
        assert values.total.low < values.total.total < values.total.high
        return values.total.total

    return call


def value_with_lifetimes(path: Path) -> Call:
    import pandas as pd

    data = load_customers(path)
    purchases, spend = (fit.as_lifetimes() for fit in fits_of(data))
    frame = pd.DataFrame(data)

    def call() -> float:
        values = spend.customer_lifetime_value(
            purchases,
            frame["x"],
            frame["t_x"],
            frame["T"],
            frame["spend"],
            time=12,
            discount_rate=0,
            freq="W",
        )
        return float(values.sum())

    return call


def histories_with_analysis(path: Path) -> Call:
    from datetime import date

    from analysis.engine.duckdb import DuckDBEngine
    from analysis.facts.compile import fact_text, with_settings

    def call() -> float:
        engine = DuckDBEngine()
        engine.view_parquet("source_orders", path)
        engine.create_view("purchase_days", fact_text("purchase_days"))
        until = {"histories_until": date.fromisoformat(LAST_DAY)}
        histories = engine.run(with_settings(fact_text("histories"), until))
        return float(histories["repeat_orders"].sum())

    return call


def histories_with_pandas(path: Path) -> Call:
    import pandas as pd

    def call() -> float:
        orders = pd.read_parquet(path)
        orders["ordered_on"] = pd.to_datetime(orders["ordered_on"])
        kept = orders[orders["customer_id"].notna()]
        days = kept.groupby(["customer_id", "ordered_on"], as_index=False).agg(
            amount=("history_amount", "sum"), returns=("is_return", "sum")
        )
        amount = days["amount"].round(6)
        days = days[(amount > 0) | ((amount == 0) & (days["returns"] == 0))]
        by_customer = days.groupby("customer_id")
        histories = by_customer["ordered_on"].agg(["min", "max", "count"])
        histories["days_first_to_last"] = (histories["max"] - histories["min"]).dt.days
        histories["days_observed"] = (pd.Timestamp(LAST_DAY) - histories["min"]).dt.days
        first = by_customer["amount"].first()
        repeats = histories["count"] - 1
        histories["mean_repeat_spend"] = (by_customer["amount"].sum() - first) / repeats.where(repeats > 0)
        return float(repeats.sum())

    return call


HAND_WRITTEN = """
with days as (
  select customer_id, ordered_on, round(sum(history_amount), 6) as amount, count_if(is_return) as returns
  from read_parquet('{path}') where customer_id is not null group by all
)
select customer_id, min(ordered_on) as first_on, max(ordered_on) as last_on, count(*) - 1 as repeats,
  max(ordered_on) - min(ordered_on) as days_first_to_last,
  date '{last_day}' - min(ordered_on) as days_observed,
  (sum(amount) - arg_min(amount, ordered_on)) / nullif(count(*) - 1, 0) as mean_repeat_spend
from days where amount > 0 or (amount = 0 and returns = 0) group by customer_id
"""


def histories_with_duckdb(path: Path) -> Call:
    import duckdb
    import pandas  # noqa: F401  the result becomes a frame; loading pandas is not what is timed

    def call() -> float:
        histories = duckdb.sql(HAND_WRITTEN.format(path=path, last_day=LAST_DAY)).df()
        return float(histories["repeats"].sum())

    return call


def importing(statement: str) -> Callable[[Path], Call]:
    """A call that runs an import statement in a process that has not imported anything yet."""

    def prepared(_: Path) -> Call:
        def call() -> float:
            exec(statement, {})
            return 0.0

        return call

    return prepared


@dataclass(frozen=True)
class Task:
    """What is done, on which input, by us and by whom else; the first is ours."""

    name: str
    reads: str | None
    ways: dict[str, Callable[[Path], Call]]
    tolerance: float = 1e-9


TASKS = (
    Task(
        "BG/NBD fit with standard errors",
        "customers",
        {"analysis": fit_with_analysis, "lifetimes": fit_with_lifetimes},
        tolerance=1e-6,
    ),
    Task(
        "Value of every customer over a year",
        "customers",
        {"analysis, with intervals": value_with_analysis, "lifetimes, without": value_with_lifetimes},
        tolerance=1e-6,
    ),
    Task(
        "Orders to purchase histories",
        "orders",
        {
            "analysis": histories_with_analysis,
            "pandas groupby": histories_with_pandas,
            "DuckDB by hand": histories_with_duckdb,
        },
    ),
    Task(
        "Import",
        None,
        {
            "analysis, to measure": importing("from analysis import measure_suite, open_book"),
            "analysis alone": importing("import analysis"),
            "lifetimes": importing("import lifetimes"),
        },
    ),
)
WRITERS = {"customers": write_customers, "orders": write_orders}


# --- Measuring ------------------------------------------------------------------------------------


def measure_here(task: str, way: str, path: Path) -> Measured:
    """The measurement itself, in a process that does nothing else."""
    warnings.simplefilter("ignore")
    call = next(each for each in TASKS if each.name == task).ways[way](path)
    start = time.perf_counter()
    answer = call()
    seconds = time.perf_counter() - start
    unit = 1024 if sys.platform != "darwin" else 1024**2
    return Measured(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, answer)


def in_own_process(*arguments: object) -> str:
    """What this script prints when called so. A child inherits the peak of its parent, which stays small."""
    ran = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed:\n{ran.stderr}")
    return ran.stdout


def measure(task: Task, way: str, path: Path, repeats: int) -> Measured:
    """The median of several processes, or the one where it takes long."""
    found: list[Measured] = []
    while len(found) < repeats and not (found and found[0].seconds >= REPEATED_BELOW_SECONDS):
        said = in_own_process("--worker", task.name, way, path)
        found.append(Measured(**json.loads(said.splitlines()[-1])))
    return Measured(
        median(one.seconds for one in found), median(one.megabytes for one in found), found[0].answer
    )


def compare(task: Task, size: int | None, path: Path, repeats: int) -> Iterator[list[str]]:
    """One row of the table for each way, ours first."""
    measured = {way: measure(task, way, path, repeats) for way in task.ways}
    ours = next(iter(measured.values()))
    for way, found in measured.items():
        if not math.isclose(found.answer, ours.answer, rel_tol=task.tolerance):
            raise SystemExit(f"{task.name}: {way} answers {found.answer!r}, we answer {ours.answer!r}")
        yield [
            task.name,
            f"{size:,}" if size else "",
            way,
            f"{found.seconds:.3f}",
            f"{found.megabytes:,.0f}",
            f"{found.seconds / ours.seconds:.2f}",
        ]


def all_rows(sizes: dict[str, list[int]], repeats: int, folder: Path) -> Iterator[list[str]]:
    for task in TASKS:
        for size in sizes[task.reads] if task.reads else [None]:
            path = folder / f"{task.reads}-{size}.{'npz' if task.reads == 'customers' else 'parquet'}"
            if task.reads and not path.exists():
                in_own_process("--write", task.reads, path, size)
            yield from compare(task, size, path, repeats)


HEADER = ["task", "rows", "with", "seconds", "peak MB", "× ours"]
WIDTHS = [36, 10, 26, 9, 9, 8]


def line(values: list[str]) -> str:
    """One row of the table, numbers to the right."""
    is_number = [False, True, False, True, True, True]
    padded = zip(values, WIDTHS, is_number, strict=True)
    return "| " + " | ".join(text.rjust(w) if right else text.ljust(w) for text, w, right in padded) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory against named rivals.")
    parser.add_argument("--small", action="store_true", help="little data, for a quick trial")
    parser.add_argument("--worker", nargs=3, metavar=("TASK", "WITH", "INPUT"), help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, metavar=("KIND", "FILE", "ROWS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        kind, path, rows = given.write
        WRITERS[kind](Path(path), int(rows))
        return
    if given.worker:
        task, way, path = given.worker
        print(json.dumps(vars(measure_here(task, way, Path(path)))))
        return
    print(line(HEADER))
    print("|" + "|".join("-" * (width + 2) for width in WIDTHS) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for row in all_rows(*(FEW if given.small else FULL), Path(folder)):
            print(line(row), flush=True)


if __name__ == "__main__":
    main()
