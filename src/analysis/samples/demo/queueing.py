"""How long a caller waits, and whether he gives up: a queue of Erlang's kind."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray


def chance_to_wait(offered_load: float, servers: int) -> float:
    """Erlang C: the chance that all servers are busy when a call comes in.

    ``offered_load`` is calls per second × seconds per call; below ``servers``.
    """
    top = offered_load**servers / factorial(servers) * servers / (servers - offered_load)
    return top / (sum(offered_load**k / factorial(k) for k in range(servers)) + top)


def draw_waits(
    draws: np.random.Generator, offered_load: NDArray[np.float64], servers: int, handling_seconds: float,
    patience_seconds: float,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:  # fmt: skip
    """Seconds until answered or given up, and which callers gave up.

    Whoever must wait waits exponentially, ``handling_seconds / (servers − offered_load)`` on average; patience is
    exponential. A call that finds somebody free rings for two to eight seconds.
    """
    n = len(offered_load)
    loads, place = np.unique(offered_load, return_inverse=True)
    must_wait = draws.random(n) < np.array([chance_to_wait(load, servers) for load in loads])[place]
    wait = draws.exponential(handling_seconds / (servers - offered_load), n)
    patience = draws.exponential(patience_seconds, n)
    ringing = draws.integers(2, 9, size=n)
    gives_up = must_wait & (patience < wait)
    seconds = np.where(must_wait, ringing + np.minimum(wait, patience), ringing)
    return np.round(seconds).astype(np.int64), gives_up
