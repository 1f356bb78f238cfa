"""Fitted models as fitters of the lifetimes package, for code that takes those.

Importing lifetimes silences every FutureWarning of the process, changes a pandas option and warns under
current pandas; all three are put back.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .histories import Histories

if TYPE_CHECKING:
    from .fitted import FittedModel

PANDAS_OPTION = "mode.chained_assignment"


@contextmanager
def contained() -> Iterator[None]:
    """Warnings raised, warning filters set and the pandas option changed inside end with the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = pd.get_option(PANDAS_OPTION)
        try:
            yield
        finally:
            pd.set_option(PANDAS_OPTION, before)


def lifetimes_fitter(fit: FittedModel, class_name: str) -> Any:
    """A lifetimes fitter holding the fit's parameters, their variances and standard errors."""
    with contained():
        import lifetimes

        fitter = getattr(lifetimes, class_name)(penalizer_coef=0.0)
    params = np.array(list(fit.params.values()))
    names = list(fit.params)
    fitter.params_ = pd.Series(params, index=names)
    fitter.variance_matrix_ = pd.DataFrame(
        np.outer(params, params) * fit.covariance, index=names, columns=names
    )
    fitter.standard_errors_ = pd.Series(fit.standard_errors)
    fitter.confidence_intervals_ = fitter._compute_confidence_intervals()
    fitter._negative_log_likelihood_ = -fit.log_likelihood / max(fit.n_customers, 1)
    return fitter


def lifetimes_purchase_fitter(fit: Any, histories: Histories | None) -> Any:
    """A BetaGeoFitter or ModifiedBetaGeoFitter that predicts as the fit does."""
    fitter = lifetimes_fitter(fit, fit.lifetimes_class)
    fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    if histories is not None:
        fitter.data = pd.DataFrame(
            {
                "frequency": histories.x.astype(int),
                "recency": histories.t_x,
                "T": histories.T,
                "weights": histories.weights,
            }
        )
        fitter._scale = 1 / histories.T.max()
        fitter.generate_new_data = lambda size=1: generate_like(fit, histories.T, size)
    return fitter


def generate_like(fit: Any, T: NDArray, size: int) -> pd.DataFrame:
    """Simulated customers, as lifetimes' plots ask a fitter for them."""
    from lifetimes import generate_data

    generate = getattr(
        generate_data, {0: "beta", 1: "modified_beta"}[fit.coins_at_start] + "_geometric_nbd_model"
    )
    return generate(T, *fit.params.values(), size=size)


def lifetimes_spend_fitter(fit: FittedModel) -> Any:
    """A GammaGammaFitter that predicts as the fit does."""
    return lifetimes_fitter(fit, "GammaGammaFitter")
