"""What settings are made of: a frozen record that knows no other key, and the types that several of them share."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from analysis.catalogue import nearest, say_problem


class Setting(BaseModel):
    """Frozen; an unknown key is an error, and text never passes for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def several(value: Any) -> Any:
    """One word, or a list of words, as a tuple; anything else is left for the type to refuse."""
    return (value,) if isinstance(value, str) else _listed(value)


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _not_empty(value: Any) -> Any:
    if not value:
        raise ValueError(say_problem("should_not_be_empty"))
    return value


OneOrSeveral = BeforeValidator(several)
List = BeforeValidator(_listed)
NotEmpty = AfterValidator(_not_empty)
Mark = Annotated[str, StringConstraints(min_length=1, max_length=1)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def known_zone(name: str) -> str:
    """A time zone that there is on every machine; else an error with the nearest."""
    zones = available_timezones() - {"localtime"}  # the machine's own: another machine, other quarters
    if name not in zones:
        raise ValueError(say_problem("no_time_zone", name=name, hint=nearest(name, zones)))
    return name
