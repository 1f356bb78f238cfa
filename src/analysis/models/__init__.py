"""Models of what customers will do: fitted, doubted, and judged on what happened next.

Arrays in, fitted models and arrays out; nothing here reads files or knows metrics. ``x``, ``t_x`` and ``T``
mean what the BG/NBD papers say.
"""

from __future__ import annotations

from .badge import Badge, worst_of
from .bg_nbd import BgNbdFit, fit_bg_nbd
from .bridge import EquityBridge, EquityInputs, equity_bridge
from .chain import fit_purchases, fit_spend
from .cohort_mean import CohortMeanFit, MeanSpendFit, fit_cohort_mean, fit_mean_spend
from .compiled import compile_fits
from .expectations import ExpectedValues, expected_values
from .fitted import TIME_UNITS_PER_YEAR, FittedModel
from .gamma_gamma import GammaGammaFit, SpendIndependence, fit_gamma_gamma, spend_independence
from .histories import Histories, check_histories
from .holdout import (
    Holdout,
    TotalForecast,
    calibration_by_frequency,
    check_holdout,
    compare_forecasts,
    forecast_total,
    judge_holdout,
    judge_quarters,
    measure_gini,
    share_inside,
    top_decile_lift,
    track_repeats,
)
from .lifetime_value import CustomerValues, NewCustomerValue, ValueSum, new_customer_value, value_customers
from .mbg_nbd import MbgNbdFit, fit_mbg_nbd
from .pareto_nbd import ParetoNbdFit, fit_pareto_nbd
from .purchase_fit import PurchaseFit
from .spend_fit import SpendFit
from .stored import from_json

__all__ = [
    "TIME_UNITS_PER_YEAR",
    "Badge",
    "BgNbdFit",
    "CohortMeanFit",
    "CustomerValues",
    "EquityBridge",
    "EquityInputs",
    "ExpectedValues",
    "FittedModel",
    "GammaGammaFit",
    "Histories",
    "Holdout",
    "MbgNbdFit",
    "MeanSpendFit",
    "NewCustomerValue",
    "ParetoNbdFit",
    "PurchaseFit",
    "SpendFit",
    "SpendIndependence",
    "TotalForecast",
    "ValueSum",
    "calibration_by_frequency",
    "check_histories",
    "check_holdout",
    "compare_forecasts",
    "compile_fits",
    "equity_bridge",
    "expected_values",
    "fit_bg_nbd",
    "fit_cohort_mean",
    "fit_gamma_gamma",
    "fit_mbg_nbd",
    "fit_mean_spend",
    "fit_pareto_nbd",
    "fit_purchases",
    "fit_spend",
    "forecast_total",
    "from_json",
    "judge_holdout",
    "judge_quarters",
    "measure_gini",
    "new_customer_value",
    "share_inside",
    "spend_independence",
    "top_decile_lift",
    "track_repeats",
    "value_customers",
    "worst_of",
]
