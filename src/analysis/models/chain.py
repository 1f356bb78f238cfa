"""Which model is used when the wanted one cannot be fitted: a stated chain, with a badge that says so."""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from .badge import Badge, judged
from .bg_nbd import fit_bg_nbd
from .cohort_mean import fit_cohort_mean, fit_mean_spend
from .fitted import FittedModel
from .gamma_gamma import fit_gamma_gamma
from .mbg_nbd import fit_mbg_nbd
from .purchase_fit import PurchaseFit
from .spend_fit import SpendFit

MODEL_NAMES = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "gamma_gamma": "Gamma-Gamma",
    "cohort_mean": "The mean purchase rate",
    "mean_spend": "The mean spend",
}
MODEL_NAMES_ZH = MODEL_NAMES | {"cohort_mean": "平均购买率", "mean_spend": "平均消费额"}

PURCHASE_CHAINS: dict[str, tuple[Callable[..., PurchaseFit], ...]] = {
    "bg_nbd": (fit_bg_nbd, fit_mbg_nbd),
    "mbg_nbd": (fit_mbg_nbd,),
}

LARGEST_RELATIVE_ERROR = 1 / 3
"""A mean rate whose standard error is more than a third of it says little more than that it is not 0."""


def fit_purchases(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weights: ArrayLike | None = None,
    model: str = "bg_nbd",
    *,
    time_unit: str = "week",
) -> tuple[PurchaseFit, Badge]:
    """The wanted model of purchases or the next in the chain, and how far to trust the fit.

    The chain is BG/NBD → MBG/NBD → mean rate.

    Parameters
    ----------
    x, t_x, T, weights, time_unit : as for ``fit_bg_nbd``.
    model : ``bg_nbd`` or ``mbg_nbd``.

    Returns
    -------
    fit, badge
        ``trusted`` where the wanted model was fitted; ``with_care`` where another stands in or the data do
        not determine every parameter; ``do_not_use`` where the mean rate itself is hardly known. The badge is
        about the fit alone: whether it forecasts well is for ``holdout`` to say.

    Raises
    ------
    ValueError
        For an unknown model, or for histories that cannot be.
    """
    if model not in PURCHASE_CHAINS:
        raise ValueError(f"model is {model!r}; it must be one of {', '.join(PURCHASE_CHAINS)}")
    first_refusal = None
    for fit_one in PURCHASE_CHAINS[model]:
        fit = fit_one(x, t_x, T, weights, time_unit=time_unit)
        first_refusal = first_refusal or fit
        if fit.is_usable:
            return fit, judge_fit(fit, model, first_refusal)
    reason = first_refusal.message, first_refusal.message_zh
    mean = fit_cohort_mean(x, t_x, T, weights, reason=reason, time_unit=time_unit)
    return mean, judge_mean(mean, "rate", model, first_refusal)


def fit_spend(
    x: ArrayLike, mean_spend: ArrayLike, weights: ArrayLike | None = None
) -> tuple[SpendFit, Badge]:
    """Gamma-Gamma or, where it cannot be fitted, the mean spend; and how far to trust the fit.

    Parameters, errors and badge are those of ``fit_gamma_gamma`` and ``fit_purchases``. Whether spend is
    independent of frequency is for ``spend_independence`` to say.
    """
    fit = fit_gamma_gamma(x, mean_spend, weights)
    if fit.is_usable:
        return fit, judge_fit(fit, fit.model, fit)
    mean = fit_mean_spend(x, mean_spend, weights, reason=(fit.message, fit.message_zh))
    return mean, judge_mean(mean, "mean", fit.model, fit)


def judge_fit(fit: FittedModel, wanted: str, first_refusal: FittedModel) -> Badge:
    """How far to trust a model that was fitted, alone or in another's place."""
    if fit.model != wanted:
        return stand_in("with_care", fit, wanted, first_refusal)
    if fit.status == "converged":
        return in_words("trusted", "fitted", model=(MODEL_NAMES[fit.model],) * 2)
    return in_words("with_care", "fitted_with_care", message=(fit.message, fit.message_zh))


def judge_mean(mean: FittedModel, parameter: str, wanted: str, first_refusal: FittedModel) -> Badge:
    """How far to trust a mean in a model's place."""
    if not mean.is_usable:
        return in_words("do_not_use", "no_model", message=(mean.message, mean.message_zh))
    relative_error = mean.standard_errors[parameter] / mean.params[parameter]
    known = mean.n_customers > 1 and relative_error <= LARGEST_RELATIVE_ERROR
    return stand_in("with_care" if known else "do_not_use", mean, wanted, first_refusal)


def stand_in(verdict: str, fit: FittedModel, wanted: str, first_refusal: FittedModel) -> Badge:
    """The badge that says what stands in for what, and why."""
    return in_words(
        verdict,
        "standing_in",
        model=(MODEL_NAMES[fit.model], MODEL_NAMES_ZH[fit.model]),
        wanted=(MODEL_NAMES[wanted], MODEL_NAMES_ZH[wanted]),
        message=(first_refusal.message, first_refusal.message_zh),
    )


def in_words(verdict: str, code: str, **values: tuple[str, str]) -> Badge:
    """The badge of this rule; each blank is given in English and in Chinese."""
    english = judged(verdict, code, **{name: words[0] for name, words in values.items()})
    chinese = judged(verdict, code, **{name: words[1] for name, words in values.items()})
    return Badge(verdict, code, english.rule, chinese.rule_zh)
