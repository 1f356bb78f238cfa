"""What each survey rests on, and whose answers are not to be taken at face value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.catalogue import Metric
from analysis.suite import Results

SHOWN_BY_GROUP = ("csat", "csat_items", "nps", "ces", "ces_v1", "acsi")


def survey_gate(results: Results) -> pd.DataFrame:
    """What each survey of the period rests on, and the reasons to doubt it (see ``find_survey_warnings``)."""
    from analysis.suite.survey_gate import find_survey_warnings

    return results.remember("survey_gate", lambda: find_survey_warnings(results.book))


def doubtful_groups(gate: pd.DataFrame) -> pd.DataFrame:
    """One row for each account manager or team and kind of survey whose answers are doubtful for more than few.

    Returns
    -------
    DataFrame
        ``by, group, kind, constructs`` (tuple: those concerned) and ``warnings`` (of the first of
        them, without that of few answers).
    """
    rows = gate[gate["by"].notna() & gate["construct"].isin(SHOWN_BY_GROUP)].copy()
    rows["warnings"] = [_but_few(warnings) for warnings in rows["warnings"]]
    rows = rows[rows["warnings"] != ""]
    keys = ["by", "group", "kind"]
    return rows.groupby(keys, sort=False, as_index=False).agg(
        constructs=("construct", tuple), warnings=("warnings", "first")
    )


def _but_few(warnings: Any) -> str:
    return ";".join(one for one in str(warnings or "").split(";") if one and not one.startswith("too_few"))


def doubtful_scores(results: Results, by: str) -> set[tuple[str, str, str]]:
    """Group, kind of survey and construct of answers from customers somebody chose, or that look so."""
    gate = survey_gate(results)
    if gate.empty:
        return set()
    told = gate["warnings"].astype(str).str.contains("hand_picked", regex=False)
    rows = gate[(gate["by"] == by) & told]
    return set(zip(rows["group"], rows["kind"], rows["construct"], strict=True))


def is_doubtful(doubts: set[tuple[str, str, str]], group: str, metric: Metric) -> bool:
    """Whether a group's score rests on such answers."""
    construct = _CONSTRUCTS.get(metric.id, "csat_items" if metric.id.startswith("csat.") else None)
    if (metric.id, metric.variant) == ("ces", "v1"):
        construct = "ces_v1"
    kinds = ("relationship", "transactional")
    if metric.id == "nps":
        kinds = ("transactional" if metric.variant == "transactional" else "relationship",)
    return any((group, kind, construct) in doubts for kind in kinds)


_CONSTRUCTS = {"csat": "csat", "nps": "nps", "ces": "ces", "acsi_style": "acsi"}


def small_groups(gate: pd.DataFrame) -> pd.DataFrame:
    """One row for each account manager or team with too few answers: ``by, group, answers``, the most it has."""
    rows = gate[gate["by"].notna()]
    most = rows.groupby(["by", "group"], sort=False, as_index=False)["answers"].max()
    few = rows["warnings"].map(lambda warnings: "too_few" in str(warnings))
    always = few.groupby([rows["by"], rows["group"]]).all()
    return most[[bool(always[by, group]) for by, group in zip(most["by"], most["group"], strict=True)]]
