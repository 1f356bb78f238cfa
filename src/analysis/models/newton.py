"""The maximum of a log-likelihood with few parameters: Newton's method, guarded.

The parameters are logarithms, so a box around them keeps the model away from overflow, and a maximum at the
edge of the box says that the data do not determine that parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Evaluation = tuple[float, Floats, Floats]
"""Log-likelihood, gradient and Hessian at one point."""

MOST_STEPS = 80
MOST_HALVINGS = 40
LONGEST_STEP = 3.0
LEAST_SHARE_OF_GAIN = 1e-4
HIGHER = 1e-9
"""Relative difference of two log-likelihoods that is no rounding error."""
STEP_OFF_A_SADDLE = 0.1
SMALLEST_CURVATURE = 0.1
"""Less than this, of the log-likelihood of all data along any direction, is a ridge."""

OTHER_METHODS = {
    "L-BFGS-B": {"maxiter": 4000, "ftol": 1e-13, "gtol": 1e-8},
    "Nelder-Mead": {"maxiter": 4000, "maxfev": 8000, "xatol": 1e-8, "fatol": 1e-10},
}


@dataclass(frozen=True)
class Maximum:
    """Where the climb ended, and whether that is a maximum."""

    theta: Floats
    value: float
    gradient: Floats
    hessian: Floats
    at_edge: NDArray[np.bool_]
    converged: bool
    method: str
    n_evaluations: int


def maximise(
    evaluate: Callable[[Floats], Evaluation], starts: Sequence[Floats], lower: Floats, upper: Floats
) -> Maximum:
    """The highest maximum that Newton's method reaches from the starts, or else a general optimiser.

    The optimiser is asked where no climb settles, and where one that did not settle stands higher than all
    that did.

    Parameters
    ----------
    evaluate : gives log-likelihood, gradient and Hessian at ``theta``.
    starts : points to climb from; the highest end wins.
    lower, upper : the box that ``theta`` stays in.
    """
    climbs = [climb(evaluate, start, lower, upper) for start in starts]
    n_evaluations = sum(each.n_evaluations for each in climbs)
    best = max(climbs, key=lambda each: (each.converged, finite_or_lowest(each.value)))
    highest = max(climbs, key=lambda each: finite_or_lowest(each.value))
    if not best.converged or highest.value > best.value + HIGHER * max(1.0, abs(best.value)):
        other = fall_back(evaluate, highest.theta, lower, upper)
        n_evaluations += other.n_evaluations
        best = max(other, best, key=lambda each: (each.converged, finite_or_lowest(each.value)))
    return replace(best, n_evaluations=n_evaluations)


def maximise_in_stages(
    evaluate_sample: Callable[[Floats], Evaluation] | None,
    evaluate: Callable[[Floats], Evaluation],
    starts: Sequence[Floats],
    lower: Floats,
    upper: Floats,
) -> Maximum:
    """The maximum on all data, climbed from where a sample of them has its own.

    Where the sample leads nowhere in particular, or to a doubtful maximum, the first start is climbed from
    as well; without a sample all starts are.
    """
    if evaluate_sample is None:
        return maximise(evaluate, starts, lower, upper)
    sampled = maximise(evaluate_sample, starts, lower, upper)
    best = climb(evaluate, sampled.theta, lower, upper)
    if is_doubtful(sampled) or is_doubtful(best):
        best = maximise(evaluate, [best.theta, starts[0]], lower, upper)
    return best


def is_doubtful(maximum: Maximum) -> bool:
    """Whether another start might do better: not settled, at an edge, or on a ridge."""
    if not maximum.converged or maximum.at_edge.any():
        return True
    return bool(np.linalg.eigvalsh(-maximum.hessian)[0] < SMALLEST_CURVATURE)


def climb(evaluate: Callable[[Floats], Evaluation], start: Floats, lower: Floats, upper: Floats) -> Maximum:
    """Newton's method with a line search from one start, kept in the box.

    It ends when another full step would raise the log-likelihood by less than its rounding error: a
    billionth, or 1e-14 of its size. Directions in which the function bends upwards are climbed too (the
    curvature's sign is dropped), and a point that is level but bends upwards is stepped off: a saddle is left
    and not kept.
    """
    theta = np.clip(start, lower, upper)
    here, n_evaluations = evaluate(theta), 1
    converged = False
    for _ in range(MOST_STEPS):
        if not is_finite(here):
            break
        at_edge = pressed_against(theta, here[1], lower, upper)
        step = ascent_step(here[1], here[2], ~at_edge)
        gain = float(step @ here[1])
        converged = gain < least_gain(here[0])
        if converged:
            step = step_off_a_saddle(here[2], ~at_edge)
            if step @ (here[2] @ step) < 2 * least_gain(here[0]):
                break
        next_theta, here, looked_at = search_line(evaluate, theta, here, step, lower, upper)
        n_evaluations += looked_at
        if next_theta is None:
            break
        theta, converged = next_theta, False
    at_edge = pressed_against(theta, here[1], lower, upper)
    return Maximum(theta, *here, at_edge, converged, "Newton", n_evaluations)


def ascent_step(gradient: Floats, hessian: Floats, free: NDArray[np.bool_]) -> Floats:
    """Newton's step over the free parameters, uphill in every direction and of bounded length."""
    step = np.zeros_like(gradient)
    if not free.any():
        return step
    curvature, directions = np.linalg.eigh(-hessian[np.ix_(free, free)])
    slopes = directions.T @ gradient[free]
    flattest = max(1e-12 * np.abs(curvature).max(), 1e-6 * np.abs(slopes).max(), 1e-300)
    step[free] = directions @ (slopes / np.maximum(np.abs(curvature), flattest))
    return step * min(1.0, LONGEST_STEP / max(float(np.linalg.norm(step)), 1e-300))


def step_off_a_saddle(hessian: Floats, free: NDArray[np.bool_]) -> Floats:
    """A short step along the direction that bends upwards most; none where all bend downwards."""
    step = np.zeros(len(free))
    if free.any():
        curvature, directions = np.linalg.eigh(hessian[np.ix_(free, free)])
        if curvature[-1] > 1e-6 * np.abs(curvature).max():
            step[free] = STEP_OFF_A_SADDLE * directions[:, -1]
    return step


def search_line(
    evaluate: Callable[[Floats], Evaluation],
    theta: Floats,
    here: Evaluation,
    step: Floats,
    lower: Floats,
    upper: Floats,
) -> tuple[Floats | None, Evaluation, int]:
    """The first of the step, its half, its quarter … that raises the value enough.

    Gives the point (None where no part of the step does), its evaluation, and how many were looked at.
    """
    slack = 1e-13 * abs(here[0])
    for halvings in range(MOST_HALVINGS):
        there_theta = np.clip(theta + step * 0.5**halvings, lower, upper)
        there = evaluate(there_theta)
        least = LEAST_SHARE_OF_GAIN * float((there_theta - theta) @ here[1])
        if is_finite(there) and there[0] >= here[0] + least - slack:
            return there_theta, there, halvings + 1
    return None, here, MOST_HALVINGS


def pressed_against(theta: Floats, gradient: Floats, lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    """Parameters at an edge of the box with the slope pointing out of it."""
    return ((theta <= lower) & (gradient <= 0)) | ((theta >= upper) & (gradient >= 0))


def least_gain(value: float) -> float:
    """A rise of the log-likelihood too small to tell from rounding."""
    return max(1e-9, 1e-14 * abs(value))


def is_finite(evaluation: Evaluation) -> bool:
    """Whether value, gradient and Hessian are all numbers."""
    return all(np.isfinite(part).all() for part in evaluation)


def finite_or_lowest(value: float) -> float:
    """The value, or −∞ for what is no number."""
    return value if np.isfinite(value) else -np.inf


def fall_back(
    evaluate: Callable[[Floats], Evaluation], theta: Floats, lower: Floats, upper: Floats
) -> Maximum:
    """The maximum by L-BFGS-B, or failing that by Nelder and Mead's simplex.

    From its end Newton's method is tried again. Where that does not settle either, the end itself counts as a
    maximum when the slope there is small against the value (1e-6), edges aside.
    """
    from scipy.optimize import minimize

    n_evaluations = 0
    box = list(zip(lower, upper, strict=True))
    for method, options in OTHER_METHODS.items():
        slope_too = method == "L-BFGS-B"
        found = minimize(
            depth,
            theta,
            args=(evaluate, slope_too),
            method=method,
            bounds=box,
            jac=slope_too,
            options=options,
        )
        if np.isfinite(found.x).all() and found.fun <= depth(theta, evaluate, False):
            theta = np.clip(found.x, lower, upper)
        polished = climb(evaluate, theta, lower, upper)
        n_evaluations += found.nfev + polished.n_evaluations
        end = polished if polished.converged else settled_at(evaluate, theta, lower, upper)
        if end.converged:
            break
    return replace(end, method=method, n_evaluations=n_evaluations)


def settled_at(
    evaluate: Callable[[Floats], Evaluation], theta: Floats, lower: Floats, upper: Floats
) -> Maximum:
    """This point, and whether it is level enough to be a maximum."""
    here = evaluate(theta)
    at_edge = pressed_against(theta, here[1], lower, upper)
    slope = np.abs(np.where(at_edge, 0.0, here[1])).max()
    is_level = bool(np.isfinite(here[0]) and slope <= 1e-6 * max(1.0, abs(here[0])))
    return Maximum(theta, *here, at_edge, is_level, "", 1)


def depth(point: Floats, evaluate: Callable[[Floats], Evaluation], slope_too: bool):
    """Minus the value, with minus the gradient where wanted; a deep wall where the value is not finite."""
    value, gradient, _ = evaluate(point)
    if not np.isfinite(value):
        value, gradient = -1e300, np.zeros_like(gradient)
    return (-value, -gradient) if slope_too else -value
