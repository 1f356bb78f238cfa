"""Who is mailed what, and through which server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from analysis.catalogue import say_problem
from analysis.params.fields import List, NotEmpty, Setting


class MailServer(Setting):
    """The server that mail is handed to. User and password come from the environment, never from here."""

    host: Annotated[str, NotEmpty]
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    timeout_seconds: float = Field(default=30, gt=0, le=600)


class Recipient(Setting):
    """Who gets the report, under a name; the address comes from the environment variable of that name.

    ``slice`` gives him one group of a dimension instead of the whole company; ``each`` stands for one recipient
    for every group, named like it.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] | None = None
    language: Literal["en", "zh"] | None = None
    slice: dict[Literal["account_manager", "account_team"], str] | None = None
    each: Literal["account_manager", "account_team"] | None = None

    @model_validator(mode="after")
    def _is_one_or_each(self) -> Recipient:
        if self.each and (self.slice or self.name):
            raise ValueError(
                "give either `slice` or `each`; `each` needs no `name`, as groups have their own"
            )
        if not self.each and self.name is None:
            raise ValueError("give a `name`: WORKBOOK_MAIL_TO_<NAME> holds the address")
        return self


class MailSettings(Setting):
    """Who is mailed what, and through which server."""

    server: MailServer | None = None
    recipients: Annotated[tuple[Recipient, ...], List] = ()
    attach: Annotated[tuple[Literal["report", "pdf", "excel"], ...], List] = ("report", "excel")
    link: str | None = None

    @field_validator("recipients")
    @classmethod
    def _each_name_once(cls, value: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
        names = [one.name.upper() for one in value if one.name]
        twice = [one.name for one in value if one.name and names.count(one.name.upper()) > 1]
        if twice:
            raise ValueError(say_problem("named_twice", name=twice[0]))
        return value
