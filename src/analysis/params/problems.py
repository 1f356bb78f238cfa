"""What is wrong with a file of settings, in words a reader would write: place, what was expected, what was found."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from analysis.catalogue import nearest, say_problem
from analysis.errors import InputError, Said
from analysis.params.fields import Setting
from analysis.params.mailing import MailServer, MailSettings, Recipient
from analysis.params.own_words import OwnPage
from analysis.params.settings import EngineSettings, Exclusion, Settings
from analysis.params.table_sources import ColumnSource, InOrderOf, TableSource, Unpivot

# Where pydantic speaks of types, say what a reader would write.
_EXPECTED = {
    "string_type": "text",
    "int_type": "whole",
    "float_type": "number",
    "bool_type": "bool",
    "tuple_type": "list",
    "dict_type": "lines",
    "model_type": "lines",
    "model_attributes_type": "lines",
}
_BOUNDS = {  # its limits: our words, and where it keeps the number
    "greater_than_equal": ("at_least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at_most", "le"),
    "less_than": ("below", "lt"),
}


class ParamsError(InputError):
    """What is wrong with a params file, all of it, one line each."""


def unknown_keys(values: dict[str, Any]) -> list[str]:
    """Settings that there are not, each with the nearest there is."""
    known = Settings.model_fields
    return [
        say_problem("no_setting", where=key, hint=nearest(key, known)) for key in values if key not in known
    ]


def in_words(error: dict[str, Any]) -> Said:
    """One validation error as `where: what is wrong, what was found`."""
    location = [str(part) for part in error["loc"]]
    where, found, kind = ".".join(location), error.get("input"), error["type"]
    if kind == "extra_forbidden":
        hint = nearest(location[-1], _model_at(location).model_fields)
        return say_problem("no_setting", where=where, hint=hint)
    if kind == "missing":
        return say_problem("is_missing", where=where)
    if kind == "value_error" and location[0] in ("tables", "time_zone"):
        return say_problem(
            "at_setting", where=where, what=_expected(error)
        )  # these say what was found themselves
    shown, hint = str(found) if isinstance(found, date) else repr(found), _meant(found, error.get("ctx", {}))
    return say_problem("wrong_value", where=where, expected=_expected(error), found=shown, hint=hint)


def _expected(error: dict[str, Any]) -> str:
    """What was expected, in both languages where it is one of the common things."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return context["error"].args[0]
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return say_problem(f"should_be_{words}", bound=f"{context[bound]:g}")
    if kind == "literal_error":
        words = str(context["expected"])
        return say_problem("should_be_one_of", words=Said(words, words.replace(" or ", " 或 ")))
    if kind in _EXPECTED:
        return say_problem(f"should_be_{_EXPECTED[kind]}")
    return error["msg"].replace("Input should", "should")


def _model_at(location: list[str]) -> type[Setting]:
    """The settings that may stand where this one does."""
    if location[0] == "own_pages":
        return OwnPage
    inside = {"unpivot": Unpivot, "in_order_of": InOrderOf}
    of_table = TableSource if len(location) <= 3 else inside.get(location[2], ColumnSource)
    of_mail = (
        {"server": MailServer, "recipients": Recipient}.get(location[1], MailSettings)
        if len(location) > 2
        else MailSettings
    )
    found = {"engine": EngineSettings, "exclusions": Exclusion, "mail": of_mail, "tables": of_table}
    return found.get(location[0], Settings)


def _meant(found: Any, context: dict[str, Any]) -> str:
    """`; did you mean …?` where one of the words allowed is near."""
    words = re.findall(r"'(\w+)'", str(context.get("expected", "")))
    hint = nearest(str(found), words)
    return hint if "did you mean" in hint else ""
