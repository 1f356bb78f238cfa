"""Stored models, read back."""

from __future__ import annotations

import json

from .bg_nbd import BgNbdFit
from .cohort_mean import CohortMeanFit, MeanSpendFit
from .fitted import FittedModel
from .gamma_gamma import GammaGammaFit
from .mbg_nbd import MbgNbdFit
from .pareto_nbd import ParetoNbdFit

MODELS: dict[str, type[FittedModel]] = {
    each.model: each
    for each in (BgNbdFit, MbgNbdFit, ParetoNbdFit, CohortMeanFit, GammaGammaFit, MeanSpendFit)
}


def from_json(text: str) -> FittedModel:
    """The model that ``to_json`` stored, of whichever kind it was.

    Raises
    ------
    ValueError
        Where the text is not JSON, names no known model, or lacks or adds a field.
    """
    stored = json.loads(text)
    name = stored.get("model") if isinstance(stored, dict) else None
    if name not in MODELS:
        raise ValueError(f"expected a stored model (one of {', '.join(MODELS)}), found model {name!r}")
    return MODELS[name].from_json(text)
