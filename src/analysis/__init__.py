"""How well are we managing our customers? Tables in, facts, metrics and models, pages out.

sources → tables → facts → metrics | models → suite → report

- ``tables``: the company's files, read as they are, checked against a contract, prepared once per content.
- ``facts``: SQL views, one grain each; ``open_book`` opens them for a company and a period.
- ``metrics``, ``models``: what was counted, and what is to be expected; neighbours that do not know each other.
- ``suite``: both together, the KPI frame and customer values; ``measure_suite``.
- ``report``: what pages show, and the run that renders them.

Names for notebooks are looked up when first used, so importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

_HOMES = {
    "open_book": "analysis.facts",
    "measure_suite": "analysis.suite",
    "load_params": "analysis.params",
    "parse_period": "analysis.periods",
    "load_catalogue": "analysis.catalogue",
    "fit_bg_nbd": "analysis.models",
    "fit_mbg_nbd": "analysis.models",
    "fit_gamma_gamma": "analysis.models",
    "fit_pareto_nbd": "analysis.models",
}
_FLOORS = ("catalogue", "facts", "metrics", "models", "params", "periods", "report", "suite", "tables")
_SHOWN = {"show_": "analysis.report.pages", "plot_": "analysis.report.figures"}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _FLOORS:
        return import_module(f"analysis.{name}")
    package = _SHOWN.get(name[:5])
    for module in iter_modules(import_module(package).__path__, f"{package}.") if package else ():
        found = getattr(import_module(module.name), name, None)
        if found is not None:
            return found
    raise AttributeError(f"analysis has no {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_FLOORS})
