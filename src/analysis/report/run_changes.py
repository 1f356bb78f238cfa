"""What a report was made from that is not as it was: which files, which settings, the code, the days, its pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analysis.catalogue import listed, say_problem
from analysis.errors import Said
from analysis.facts import Book
from analysis.params import DELIVERY_SETTINGS, code_hash
from analysis.report.run_folder import SETTINGS_OF_EDITIONS, ReportOrigin

NAMES_SHOWN = 6
HASH_SHOWN = 8
_PLAIN_WORD = re.compile(r"[\w.-]{1,20}")  # no address and no path: what these say is shown nowhere


def what_changed(record: Mapping[str, Any], book: Book) -> list[Said]:
    """A line for each kind of thing that makes the same period another run now: data, settings, code, days.

    Parameters
    ----------
    record
        What ``run.json`` says of the report.

    Returns
    -------
    list
        A single line that says so, where the record does not tell.
    """
    before, now = _part(record, "settings"), book.settings.model_dump(mode="json")
    lines = [
        *_line("data", _files(record.get("inputs"), book.prepared.inputs)),
        *_line("settings", _settings(before, now, set(now) - DELIVERY_SETTINGS)),
        *_code(_part(record, "workbook")),
        *_days(_part(record, "window"), book),
    ]
    return lines or [say_problem("changed_unknown")]


def why_made_anew(record: Mapping[str, Any], book: Book, origin: ReportOrigin) -> list[Said]:
    """A line for each kind of thing for which a whole report is not kept: also its editions, notebooks, languages."""
    before, now = _part(record, "settings"), book.settings.model_dump(mode="json")
    made, wanted = _part(record, "pages"), origin.pages
    notebooks = {page: _part(made, page).get("notebook") for page in made}
    languages = {language for one in wanted.values() for language in one.languages}
    is_same_run = record.get("run") == book.fingerprint
    new_template = origin.made_with.get("template")
    template = _part(record, "made_with").get("template", new_template)
    return [
        *([] if is_same_run else what_changed(record, book)),
        *_line("settings", _settings(before, now, SETTINGS_OF_EDITIONS)),
        *_line(
            "pages",
            _differing(notebooks, {page: one.notebook for page, one in wanted.items()}) if made else [],
        ),
        *_line("languages", sorted(languages ^ {*(record.get("languages") or languages)})),
        *([] if template == new_template else [say_problem("changed_template")]),
    ]


def _line(kind: str, names: Iterable[str]) -> list[Said]:
    """The line that names what changed, the first few of them; none where nothing did."""
    found = list(names)
    if not found:
        return []
    left = len(found) - NAMES_SHOWN
    more = say_problem("and_more", count=left) if left > 0 else ""
    return [say_problem(f"changed_{kind}", names=listed(found[:NAMES_SHOWN]), more=more)]


def _files(before: Any, now: Mapping[str, Any]) -> Iterator[Said]:
    """The files that hold something else now, that are read only now, or no longer."""
    if not isinstance(before, Mapping):
        return
    for name in _differing(before, now):
        if name not in before or name not in now:
            yield say_problem("file_new" if name in now else "file_gone", name=name)
        elif _part(before, name).get("sha256") != now[name]["sha256"]:
            yield say_problem("file_changed", name=name)


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names under which two mappings hold something else, or one holds nothing."""
    return [name for name in dict.fromkeys([*before, *now]) if _pick(before, name) != _pick(now, name)]


def _pick(values: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    return (values[name],) if name in values else ()


def _settings(
    before: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> Iterator[Said | str]:
    """The settings that differ, with their values where these are short and plain."""
    if not before:
        return
    then, later = (_flat({name: values.get(name) for name in names}) for values in (before, now))
    for name in sorted(_differing(then, later)):
        values = [_shown(*_pick(each, name)) for each in (then, later)]
        yield (
            say_problem("setting_changed", name=name, before=values[0], now=values[1])
            if all(values)
            else name
        )


def _flat(values: Any, above: str = "") -> dict[str, Any]:
    """What stands in mappings within mappings under names with dots; lists stay whole."""
    if not isinstance(values, Mapping):
        return {above: values}
    return {
        name: value
        for key, each in values.items()
        for name, value in _flat(each, f"{above}.{key}" if above else str(key)).items()
    }


def _shown(value: Any = None) -> str:
    """A number, yes or no, or one plain word; nothing for all else."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if isinstance(value, int | float | str) and _PLAIN_WORD.fullmatch(text) else ""


def _code(made_by: Mapping[str, Any]) -> list[Said]:
    from importlib.metadata import version

    before, now = made_by.get("code"), code_hash()
    if before in (None, now):
        return []
    told = {"version": made_by.get("version"), "before": str(before)[:HASH_SHOWN], "now": now[:HASH_SHOWN]}
    return [say_problem("changed_code", **told, new_version=version("customer-workbook"))]


def _days(window: Mapping[str, Any], book: Book) -> list[Said]:
    """The last day measured, where that is another one now: a period that is running has one more every day."""
    before, now = window.get("last_day"), str(book.window.last_day)
    return [] if before in (None, now) else [say_problem("changed_days", before=before, now=now)]


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping within a record; an empty one where there is none."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}
