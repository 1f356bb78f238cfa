"""Many rows of one kind as equally long columns, and chance that is the same wherever it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = dict[str, NDArray]
"""Columns by name, equally long."""


def count(rows: Rows) -> int:
    """How many rows there are."""
    return len(next(iter(rows.values())))


def take(rows: Rows, which: ArrayLike) -> Rows:
    """These rows only, by mask or by place."""
    return {name: column[which] for name, column in rows.items()}


def stack(*parts: Rows) -> Rows:
    """The rows of all parts, which have the same columns."""
    return {name: np.ma.concatenate([part[name] for part in parts]) if _is_masked(name, parts)
            else np.concatenate([part[name] for part in parts]) for name in parts[0]}  # fmt: skip


def _is_masked(name: str, parts: Sequence[Rows]) -> bool:
    return any(np.ma.isMaskedArray(part[name]) for part in parts)


def ordered(rows: Rows, *by: str) -> Rows:
    """The rows in order of these columns, the first first; equal ones stay as they were."""
    return take(rows, np.lexsort([rows[name] for name in reversed(by)]))


def numbered(prefix: str, n: int, digits: int) -> NDArray[np.str_]:
    """``C000001``, ``C000002`` and so on."""
    return np.array([f"{prefix}{i:0{digits}d}" for i in range(1, n + 1)], dtype=f"U{len(prefix) + digits}")


def hidden_where(values: ArrayLike, is_hidden: ArrayLike) -> np.ma.MaskedArray:
    """The values, those that nobody wrote down left empty."""
    return np.ma.array(values, mask=is_hidden)


def chance(seed: int, what: str) -> np.random.Generator:
    """Random draws for one purpose: one table may change without moving the others."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(what.encode())])))


def pick(draws: np.random.Generator, shares: dict[str, float], n: int) -> NDArray[np.str_]:
    """One of the names for each of ``n`` rows, each as often as its share says."""
    return np.array(list(shares))[places(draws, list(shares.values()), n)]


def places(draws: np.random.Generator, weights: ArrayLike, n: int) -> NDArray[np.int64]:
    """A place in ``weights`` for each of ``n`` rows, each in proportion to its weight."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.searchsorted(edges, draws.random(n) * edges[-1], side="right").clip(max=len(edges) - 1)
