"""Presets: how the exports of systems in wide use are written, beside what a company says itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from analysis.catalogue import nearest
from analysis.params.files import preset_files
from analysis.params.problems import ParamsError
from analysis.params.reading import mapping_in, read_settings
from analysis.params.table_sources import ORIGINS


def with_presets(values: dict[str, Any], base: Path) -> tuple[dict[str, Any], list[str]]:
    """The values with every table that is ``like`` an export filled in, and what is wrong with those names."""
    own, problems = mapping_in(values, "tables"), []
    filled: dict[str, Any] = {}
    for name, source in own.items():
        like = mapping_in(own, name).get("like")
        try:
            filled[name] = _like(source, _preset(like, name, base)) if isinstance(like, str) else source
        except ParamsError as error:  # what its columns are is then not known, and not asked
            problems.append(f"tables.{name}.like: {error}")
    return (values | {"tables": filled} if own else values), problems


def _preset(like: str, table: str, base: Path) -> dict[str, Any]:
    """The settings of a table that ``system.language/export`` stands for."""
    found = re.fullmatch(r"(\w+)\.(\w+)/(\w+)", like)
    if not found:
        raise ParamsError(f"{like!r} should be written as system.language/export, such as zoho_crm.en/deals")
    system, language, export = found.groups()
    files = preset_files(base)
    if system not in files:
        raise ParamsError(f"there is no preset {system!r}{nearest(system, files)}")
    known = read_settings(files[system])
    if language not in known:
        raise ParamsError(f"{system} has no headers in {language!r}{nearest(language, known)}")
    exports = mapping_in(known, language)
    if export not in exports:
        raise ParamsError(f"{system}.{language} has no export {export!r}{nearest(export, exports)}")
    preset = {**mapping_in(exports, export)}
    if (fills := preset.pop("table", None)) != table:
        raise ParamsError(f"{like} fills the table {fills}, not {table}")
    return preset


def _like(own: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    """A table as the preset has it, but for what the company says itself; ``column: null`` leaves one out."""
    given = own.get("columns") or {}
    if not isinstance(given, dict):
        return preset | own  # its type is refused later
    columns = preset["columns"] | {
        name: _column_like(one, preset["columns"].get(name)) for name, one in given.items()
    }
    return preset | own | {"columns": {name: one for name, one in columns.items() if one is not None}}


def _column_like(own: Any, preset: Any) -> Any:
    """A column as the preset has it, but for what the company says; words that ``values`` maps are added to."""
    if own is None or preset is None:
        return own
    own, preset = (one if isinstance(one, dict) else {"column": one} for one in (own, preset))
    if any(key in own for key in ORIGINS):
        preset = {key: value for key, value in preset.items() if key not in ORIGINS}
    if isinstance(own.get("values"), dict):
        own = own | {"values": mapping_in(preset, "values") | own["values"]}
    return preset | own
