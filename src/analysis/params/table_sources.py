"""One table as the user has it: the file, how it is written, and where each of our columns comes from."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from analysis.params.fields import List, Mark, NotEmpty, OneOrSeveral, Setting, known_zone, several

ORIGINS = ("column", "constant", "row_number")


def _column_or_several(value: Any) -> Any:
    """As ``several``; what is neither is refused as no text, since most columns are one word."""
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"should be text; found {value!r}")
    return several(value)


class ColumnSource(Setting):
    """Where a column of the contract comes from in the user's own table, and how it is written there.

    ``column`` names the user's column, or several whose texts are joined by a space (a day and a time);
    ``constant`` gives one value for every row, ``row_number`` the row's place in the file, as a key where there
    is none. ``format`` is a strptime format (or several, tried in turn), ``values`` maps the user's words to
    others, ``missing`` lists words that mean nothing in this column, beside the table's own; ``multiply_by`` turns
    numbers in another unit into ours (0.01 for cents, 10000 for 万元). ``only_with`` names
    another of our columns: where that one is empty, this one is too (a deal's closing date is only a plan until it
    has an outcome). ``last_day`` says that a day in the user's column is the last on which something still runs,
    where ours is the first on which it no longer does.
    """

    column: Annotated[tuple[str, ...], BeforeValidator(_column_or_several), NotEmpty] | None = None
    constant: str | int | float | None = None
    row_number: bool = False
    format: Annotated[tuple[str, ...], OneOrSeveral] = ()
    values: dict[str, str] = Field(default_factory=dict)
    missing: Annotated[tuple[str, ...], OneOrSeveral] = ()
    multiply_by: float | None = Field(default=None, gt=0)
    only_with: str | None = None
    last_day: bool = False

    @field_validator("constant", mode="before")
    @classmethod
    def _dates_are_written_out(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value


class Unpivot(Setting):
    """Columns of a wide table that become rows: their name goes to one new column, their value to another.

    ``columns`` are names or patterns (``sq*_1``) of the user's columns; ``name_to`` and ``value_to`` name two
    columns that the table has in their place.
    """

    columns: Annotated[tuple[str, ...], OneOrSeveral, NotEmpty]
    name_to: str
    value_to: str

    @model_validator(mode="after")
    def _names_differ(self) -> Unpivot:
        if self.name_to == self.value_to:
            raise ValueError(f"name_to and value_to are both {self.name_to!r}: one column cannot hold both")
        return self


class InOrderOf(Setting):
    """The user's column that says which of several rows is the last, and how it is written there."""

    column: str
    format: Annotated[tuple[str, ...], OneOrSeveral] = ()


class TableSource(Setting):
    """One table as the user has it: the file, how it is written, and which column means what.

    ``like`` names the export of a system in wide use (``zoho_crm.en/deals``) whose preset says the rest; what is
    said here beside it wins. By the time a table is checked, it holds both.
    ``rows`` are the rows themselves, in place of a file; where they need no translation, ``columns`` may be
    left out. ``lines_above_header`` are passed over: a title, the day of the export. Rows that meet
    ``ignore_when`` are passed over; of those left, ``keep_last_per`` keeps the last one for each value of these
    columns, by ``in_order_of``, else by their order in the file; what is then left is turned by ``unpivot``.
    """

    like: str | None = None
    file: Annotated[tuple[str, ...], OneOrSeveral, NotEmpty] = ()
    rows: Annotated[tuple[dict[str, str | int | float | bool | None], ...], List, NotEmpty] = ()
    columns: dict[str, ColumnSource]
    given_as: str | None = None
    format: Literal["csv", "parquet", "excel"] | None = None
    sheet: str | None = None
    separator: Mark | None = None
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Mark | None = None
    time_zone: str | None = None
    missing: Annotated[tuple[str, ...], OneOrSeveral] = ("",)
    lines_above_header: int = Field(default=0, ge=0, le=1000)
    ignore_when: str | None = None
    keep_last_per: Annotated[tuple[str, ...], OneOrSeveral] = ()
    in_order_of: InOrderOf | None = None
    unpivot: Unpivot | None = None
    cancelled_when: str | None = None
    drop_repeated_rows: bool = False

    @model_validator(mode="before")
    @classmethod
    def _rows_may_have_our_names(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "rows" not in value or "columns" in value:
            return value
        return value | {"columns": names_in(value["rows"])}

    @field_validator("rows", mode="before")
    @classmethod
    def _cells_are_plain(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple(_plain_row(number, row) for number, row in enumerate(value, start=1))

    @field_validator("columns", mode="before")
    @classmethod
    def _names_or_details(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: own if isinstance(own, dict) else {"column": own} for key, own in value.items()}

    @field_validator("in_order_of", mode="before")
    @classmethod
    def _name_or_details(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        return value if value is None else known_zone(value)

    @model_validator(mode="after")
    def _marks_differ(self) -> TableSource:
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: a number could not be read")
        return self

    @model_validator(mode="after")
    def _order_is_of_something(self) -> TableSource:
        if self.in_order_of and not self.keep_last_per:
            raise ValueError("in_order_of says which row is the last: keep_last_per says for each of what")
        return self


def names_in(rows: Any) -> dict[str, str]:
    """The columns that rows name, each for ours of the same name."""
    named = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list | tuple) else []
    return {str(name): str(name) for row in named for name in row}


def _plain_row(number: int, row: Any) -> dict[str, Any]:
    """A row of the settings with dates written out."""
    if not isinstance(row, dict):
        raise ValueError(f"row {number} should hold `column: value` pairs, such as {{day: 2026-10-01}}")
    for name, cell in row.items():
        if not isinstance(cell, str | int | float | date | None):
            raise ValueError(f"row {number}: {name} should be one text, number or date; found {cell!r}")
    return {str(name): str(cell) if isinstance(cell, date) else cell for name, cell in row.items()}
