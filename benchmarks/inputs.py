"""Generated inputs: the same rows every time, written in blocks, so that fifty million are no trouble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEED = 20260930
LAST_DAY = "2024-12-31"
OBSERVED_DAYS = 731
ROWS_AT_ONCE = 1_000_000
ORDERS_PER_CUSTOMER = 5
SHARE_OF_RETURNS, SHARE_ANONYMOUS = 0.03, 0.01
CHANNELS = ("web", "shop", "phone", "partner")
CATEGORIES = ("books", "food", "garden", "kitchen", "office", "sport", "tools", "toys")


def blocks(rows: int) -> Iterator[tuple[int, int, Any]]:
    """The rows in blocks: where each begins, how many it holds, and its own source of random numbers."""
    import numpy as np

    starts = range(0, rows, ROWS_AT_ONCE)
    for start, seed in zip(starts, np.random.SeedSequence(SEED).spawn(len(starts)), strict=True):
        yield start, min(ROWS_AT_ONCE, rows - start), np.random.default_rng(seed)


def write_customers(path: Path, rows: int) -> None:
    """Histories and mean spends drawn from BG/NBD and Gamma-Gamma with the parameters published for CDNOW.

    One row per customer, in weeks; purchase times are rounded up to whole days, as in any company's data.
    """
    import numpy as np

    parts = [drawn_customers(rng, n) for _, n, rng in blocks(rows)]
    with path.open("wb") as file:
        np.savez(file, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def drawn_customers(rng: Any, n: int) -> dict[str, Any]:
    import numpy as np

    days = rng.integers(1, OBSERVED_DAYS, n).astype(float)
    rate = np.maximum(rng.gamma(0.243, 1 / 4.414, n) / 7, 1e-12)
    leaves = rng.beta(0.793, 2.426, n)
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    there = np.arange(n)
    while len(there):
        now[there] = np.ceil(now[there] + rng.exponential(1, len(there)) / rate[there])
        there = there[now[there] <= days[there]]
        x[there] += 1
        t_x[there] = now[there]
        there = there[rng.random(len(there)) >= leaves[there]]
    scale = rng.gamma(3.74, 1 / 15.44, n)
    spend = np.where(x > 0, rng.gamma(6.25 * np.maximum(x, 1), 1 / scale) / np.maximum(x, 1), 0.0)
    return {"x": x, "t_x": t_x / 7, "T": days / 7, "spend": spend.round(2)}


def load_customers(path: Path) -> dict[str, Any]:
    """Arrays x, t_x, T (weeks) and spend, one entry per customer."""
    import numpy as np

    with np.load(path) as arrays:
        return dict(arrays)


def write_orders(path: Path, rows: int) -> None:
    """Checked orders with all the columns of ``source_orders``, by time: two years, few customers with many.

    3 % are returns, 1 % have no customer; a fifth as many customers as orders.
    """
    import pyarrow.parquet as parquet

    writer = None
    for start, n, rng in blocks(rows):
        block = drawn_orders(rng, start, n, rows)
        writer = writer or parquet.ParquetWriter(path, block.schema)
        writer.write_table(block)
    writer.close()


def drawn_orders(rng: Any, start: int, n: int, rows: int) -> Any:
    """One block of orders, as an Arrow table."""
    import numpy as np
    import pyarrow as pa

    end = (np.datetime64(LAST_DAY, "D") + 1).astype("datetime64[s]").astype(np.int64)
    second = end + ((np.arange(start, start + n) / rows - 1) * OBSERVED_DAYS * 86_400).astype(np.int64)
    is_return = rng.random(n) < SHARE_OF_RETURNS
    is_anonymous = rng.random(n) < SHARE_ANONYMOUS
    amount = (rng.gamma(2, 20, n) * np.where(is_return, -0.2, 1)).round(2)
    customers = max(1, rows // ORDERS_PER_CUSTOMER)
    number = (customers * rng.random(n) ** 2).astype(np.int64)  # the k-th customer's orders fall as 1/√k
    return pa.table(
        {
            "order_id": named("o", np.arange(start, start + n)),
            "customer_id": named("c", number, is_missing=is_anonymous),
            "ordered_at": pa.array(second * 1_000_000, pa.timestamp("us")),
            "ordered_on": pa.array((second // 86_400).astype(np.int32), pa.date32()),
            "amount": amount,
            "net_amount": amount,
            "history_amount": pa.array(amount, mask=is_anonymous),
            "is_return": is_return,
            "lines": np.ones(n, dtype=np.int64),
            "status": pa.nulls(n, pa.string()),
            "channel": chosen(CHANNELS, rng, n),
            "category": chosen(CATEGORIES, rng, n),
            "source_file": pa.repeat("orders.csv", n),
            "source_row": np.arange(start + 2, start + n + 2),
            "excluded_by": pa.nulls(n, pa.string()),
        }
    )


def named(letter: str, numbers: Any, is_missing: Any = None) -> Any:
    """The numbers as texts with a letter before them."""
    import pyarrow as pa
    import pyarrow.compute as compute

    texts = compute.cast(pa.array(numbers, mask=is_missing), pa.string())
    return compute.binary_join_element_wise(letter, texts, "")


def chosen(words: tuple[str, ...], rng: Any, n: int) -> Any:
    """Words at random, as texts."""
    import pyarrow as pa

    codes = pa.array(rng.integers(0, len(words), n).astype("int32"))
    return pa.DictionaryArray.from_arrays(codes, pa.array(words)).cast(pa.string())
