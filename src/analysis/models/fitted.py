"""What every fitted model carries: parameters, their errors, whether to trust them, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .messages import worded
from .newton import Maximum

Floats = NDArray[np.float64]

LARGEST_SPREAD = 3.0
"""A direction of the log-parameters with a larger standard deviation than this is not determined by the data:
its 95 % interval would span a factor of e^12."""

DAYS_PER_YEAR = 365.25
TIME_UNITS_PER_YEAR = {
    "day": DAYS_PER_YEAR,
    "week": DAYS_PER_YEAR / 7,
    "month": 12.0,
    "quarter": 4.0,
    "year": 1.0,
}
DAYS_PER_TIME_UNIT = {unit: DAYS_PER_YEAR / number for unit, number in TIME_UNITS_PER_YEAR.items()}


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model as fitted; two are equal when they would be stored alike.

    Attributes
    ----------
    params, standard_errors : by parameter name; NaN where the model could not be fitted or the data do not
        determine it.
    covariance : of the logarithms of the parameters, in the order of ``params``.
    log_likelihood : of the whole sample, not its mean.
    n_customers : sum of the weights.
    status : ``converged``; ``fallback``, a maximum found another way or at the edge of what the data
        determine; or ``degenerate``.
    message, message_zh : why, in plain words.
    gradient_norm : of the log-likelihood per customer at the maximum, in log-parameters.
    condition_number : of the information matrix in log-parameters.
    """

    params: dict[str, float]
    standard_errors: dict[str, float]
    covariance: Floats
    log_likelihood: float
    n_customers: float
    status: str
    message: str
    message_zh: str
    gradient_norm: float
    condition_number: float

    model: ClassVar[str]
    param_names: ClassVar[tuple[str, ...]]

    @classmethod
    def degenerate(cls, code: str, n_customers: float, values: dict[str, Any], **more: Any) -> Self:
        """The model not fitted: NaN parameters, and the reason (a code of ``messages``)."""
        unknown = dict.fromkeys(cls.param_names, np.nan)
        covariance = np.full((len(unknown), len(unknown)), np.nan)
        return cls(
            unknown,
            dict(unknown),
            covariance,
            np.nan,
            n_customers,
            "degenerate",
            *worded(code, **values),
            np.nan,
            np.nan,
            **more,
        )

    @classmethod
    def at_maximum(cls, maximum: Maximum, n_customers: float, **more: Any) -> Self:
        """The model at the maximum of its likelihood; degenerate where none was found."""
        if not maximum.converged:
            return cls.degenerate("no_maximum", n_customers, {}, **more)
        covariance, pinned_down = covariance_of(maximum)
        params = dict(zip(cls.param_names, np.exp(maximum.theta).tolist(), strict=True))
        spread = np.where(pinned_down, np.sqrt(np.diag(covariance)), np.nan)
        errors = {name: value * float(s) for (name, value), s in zip(params.items(), spread, strict=True)}
        code, values = verdict_on(maximum, cls.param_names, pinned_down)
        return cls(
            params,
            errors,
            covariance,
            float(maximum.value),
            n_customers,
            "converged" if code == "converged" else "fallback",
            *worded(code, **values),
            float(np.linalg.norm(np.where(maximum.at_edge, 0, maximum.gradient)) / n_customers),
            condition_number(maximum.hessian),
            **more,
        )

    @property
    def is_usable(self) -> bool:
        """Whether the parameters are numbers."""
        return self.status != "degenerate"

    def with_log_params(self, theta: Floats) -> Self:
        """The same model with other parameters, given as logarithms."""
        return replace(self, params=dict(zip(self.param_names, np.exp(theta).tolist(), strict=True)))

    def draw(self, n_draws: int, rng: np.random.Generator) -> tuple[Self, ...]:
        """The model with parameters drawn from the normal distribution of their logarithms.

        Draws come in mirrored pairs, so that their centre is the fit. Directions that the data do not
        determine stay where the fit has them; along them predictions hardly change.
        """
        with np.errstate(divide="ignore"):  # a parameter of 0 stays 0
            theta = np.log(list(self.params.values()))
        half = rng.standard_normal(((n_draws + 1) // 2, len(theta))) @ square_root(self.covariance)
        return tuple(self.with_log_params(theta + step) for step in np.concatenate([half, -half])[:n_draws])

    def to_json(self) -> str:
        """The model as JSON text; ``from_json`` gives the very same numbers back."""
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        stored["covariance"] = self.covariance.tolist()
        return json.dumps({"model": self.model} | as_storable(stored), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model from its JSON text.

        Raises
        ------
        ValueError
            Where the text holds another model, or lacks or adds a field.
        """
        stored = json.loads(text)
        name = stored.get("model") if isinstance(stored, dict) else None
        if name != cls.model:
            raise ValueError(f"expected a stored {cls.model}, found model {name!r}")
        expected = {each.name for each in fields(cls)} | {"model"}
        if expected != set(stored):
            raise ValueError(
                f"a stored {cls.model} has the fields {sorted(expected)}, found {sorted(stored)}"
            )
        return cls(**{each.name: as_loaded(each.name, stored[each.name]) for each in fields(cls)})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())


def covariance_of(maximum: Maximum) -> tuple[Floats, NDArray[np.bool_]]:
    """Covariance of the log-parameters, and which of them the data determine.

    Directions with a spread beyond ``LARGEST_SPREAD`` have no part in the covariance; a parameter that lies
    in one of them, or at the edge, is not determined.
    """
    curvature, directions = np.linalg.eigh(-maximum.hessian)
    flat = curvature < LARGEST_SPREAD**-2
    kept = directions[:, ~flat]
    moved = (directions[:, flat] ** 2).sum(axis=1)
    return (kept / curvature[~flat]) @ kept.T, ~maximum.at_edge & (moved < 0.01)


def verdict_on(
    maximum: Maximum, names: tuple[str, ...], pinned_down: NDArray[np.bool_]
) -> tuple[str, dict[str, Any]]:
    """The message that fits this maximum, and its blanks."""
    if not pinned_down.all():
        return "not_pinned_down", {"names": ", ".join(np.array(names)[~pinned_down])}
    if maximum.method != "Newton":
        return "other_method", {"method": maximum.method}
    return "converged", {"evaluations": maximum.n_evaluations}


def condition_number(hessian: Floats) -> float:
    """How much more curved a log-likelihood is one way than another at its maximum; infinite where it is no maximum."""
    curvature = np.linalg.eigvalsh(-hessian)
    return float(curvature[-1] / curvature[0]) if curvature[0] > 0 else float("inf")


def square_root(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is the covariance, singular ones included."""
    variances, directions = np.linalg.eigh(covariance)
    return (directions * np.sqrt(np.maximum(variances, 0))).T


def as_storable(value: Any) -> Any:
    """The value with numbers that JSON does not know (NaN, infinity) as words."""
    if isinstance(value, dict):
        return {key: as_storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_storable(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else str(float(value))
    return value


def as_loaded(name: str, value: Any) -> Any:
    """A stored field as the model holds it."""
    if name == "covariance":
        return np.array([[float(each) for each in row] for row in value])
    if isinstance(value, dict):
        return {key: float(each) for key, each in value.items()}
    return float(value) if value in ("nan", "inf", "-inf") else value


def check_time_unit(time_unit: str) -> str:
    """The time unit, known to be one."""
    if time_unit not in TIME_UNITS_PER_YEAR:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(TIME_UNITS_PER_YEAR)}")
    return time_unit


def like_the_input(values: Floats, shape: tuple[int, ...]) -> Floats | float:
    """The values in the shape of what was asked: a float for scalars."""
    return float(values[0]) if shape == () else values.reshape(shape)


def flattened(*values: ArrayLike) -> tuple[list[Floats], tuple[int, ...]]:
    """The values broadcast against one another and laid flat, and the shape they had."""
    arrays = np.broadcast_arrays(*[np.asarray(each, dtype=np.float64) for each in values])
    return [np.ravel(each) for each in arrays], arrays[0].shape
