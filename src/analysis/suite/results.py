"""The results of a run: a set of frames, kept by content so that no page works out again what another has."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.catalogue import DEFAULT
from analysis.facts import Book, NotMeasured
from analysis.tables.prepared import read_quality, read_rejected


@dataclass(frozen=True)
class Results:
    """Everything a page shows, for one company and period.

    Attributes
    ----------
    book
        The facts behind it.
    frames
        ``kpis`` (the KPI frame), ``changes`` (against previous and year-ago), ``customers`` (one row per known
        customer: value and risk), ``cohorts``, ``fits``, ``bridge``, ``calibration``, ``tracking``, ``holdout``,
        ``identities``.
    """

    book: Book
    frames: dict[str, pd.DataFrame]

    def __getattr__(self, name: str) -> pd.DataFrame:
        frames = self.__dict__.get("frames", {})
        if name in frames:
            return frames[name]
        raise AttributeError(name)

    @cached_property
    def remembered(self) -> dict[Any, Any]:
        """What a page has worked out once and shows in each of its languages."""
        return {}

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made under this key before, or what is made now."""
        if key not in self.remembered:
            self.remembered[key] = make()
        return self.remembered[key]

    @cached_property
    def company_kpis(self) -> pd.DataFrame:
        """The rows of the KPI frame that are about the company as a whole."""
        return self.kpis[self.kpis["by"].isna()]

    @cached_property
    def company_changes(self) -> pd.DataFrame:
        """The changes of the company as a whole."""
        return self.changes[self.changes["by"].isna()]

    @cached_property
    def company_figures(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """The rows of ``company_kpis`` by metric, variant and period."""
        return {(r["metric"], r["variant"], r["period"]): r for r in self.company_kpis.to_dict("records")}

    @cached_property
    def quality(self) -> pd.DataFrame:
        """Rows read, rejected, kept and excluded, by table and rule."""
        return read_quality(self.book.prepared)

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """The rejected rows, one each, with the rule that rejected it."""
        return read_rejected(self.book.prepared)

    @cached_property
    def fit_by_role(self) -> dict[str, Any]:
        """The fitted models: ``bg_nbd``, ``mbg_nbd`` and ``spend``."""
        from analysis.models.stored import from_json

        fits = self.frames["fits"]
        return {row.role: from_json(row.json) for row in fits.itertuples() if row.role != "independence"}

    @property
    def chosen_model(self) -> str:
        """The purchase model that values customers: the one set, or with ``auto`` the better one on the holdout."""
        fits, wanted = self.frames["fits"], self.book.settings.model
        chosen = fits.loc[fits["is_chosen"].astype(bool), "role"]
        return str(chosen.iloc[0]) if len(chosen) else "bg_nbd" if wanted == "auto" else wanted

    @property
    def is_reconciled(self) -> bool:
        """Whether every identity of the run holds."""
        return bool(self.frames["identities"]["holds"].all())

    def kpi(
        self, metric: str, variant: str | None = None, period: str | None = None
    ) -> pd.Series | NotMeasured:
        """One company-level figure; the run's own variant and period unless told otherwise."""
        variant = variant or self.book.settings.variants.get(metric, DEFAULT)
        row = self.company_figures.get((metric, variant, period or self.book.window.label))
        if row is None:
            return NotMeasured("metric_absent")
        return NotMeasured(row["reason"]) if row["status"] == "not_measured" else pd.Series(row)


def kept_by_content(book: Book, make: Callable[[Book], dict[str, pd.DataFrame]]) -> Results:
    """The results of a Book, from the store if the same content was worked out before."""
    from analysis.tables.stored_frames import read_frames, write_frames

    folder = book.prepared.folder / "results" / book.fingerprint_of_numbers
    frames = read_frames(folder)
    if frames is None:
        write_frames(folder, make(book))
        frames = read_frames(folder)  # the same types, whether worked out now or before
    return Results(book, frames)
