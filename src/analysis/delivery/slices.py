"""The groups a letter can be about: account managers and teams, and who is in which."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.catalogue import nearest
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.errors import InputError
from analysis.facts import Book
from analysis.report.kpis_shown import group_name
from analysis.suite import Results

SLICED_BY = (MANAGER, TEAM)
NEEDS = {MANAGER: ("assignments",), TEAM: ("assignments", "account_managers")}


class SliceError(InputError):
    """A slice that cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Slice:
    """One group of a dimension that a letter is about, such as one account manager, by his number."""

    dimension: str
    group: str


def dimensions_of(book: Book) -> list[str]:
    """The dimensions whose groups the company's tables tell."""
    return [each for each in SLICED_BY if not set(NEEDS[each]) & set(book.absent)]


def groups_of(results: Results, dimension: str) -> list[str]:
    """The groups a letter can be written for: who held a customer on any day of the window, in order.

    Raises
    ------
    SliceError
        If letters are not sliced by this dimension, or the company does not supply what tells its groups.
    """
    _check_sliced(results.book, dimension)
    return results.remember(("groups_of", dimension), lambda: _groups_of(results.book, dimension))


def _groups_of(book: Book, dimension: str) -> list[str]:
    column = book.catalogue.dimensions[dimension].column_name
    sql = f"select distinct cast({column} as varchar) as found from holdings where {column} is not null "
    sql += "and held_from < $ends_on and held_until > $starts_on"
    return sorted(book.ask(sql, starts_on=book.window.start, ends_on=book.window.end)["found"])


def _check_sliced(book: Book, dimension: str) -> None:
    if dimension not in SLICED_BY:
        raise SliceError(f"letters are not sliced by {dimension!r}{nearest(dimension, SLICED_BY)}")
    if lacking := [table for table in NEEDS[dimension] if table in book.absent]:
        raise SliceError(
            f"there are no letters by {dimension}: table {lacking[0]} is not supplied, which says whose customer is "
            "whose; add it to `tables`, or take the slices out of `mail: recipients`"
        )


def check_slice(results: Results, wanted: Slice) -> None:
    """Pass silently where there is such a group.

    Raises
    ------
    SliceError
        With the nearest group, looked for among numbers and names.
    """
    groups = groups_of(results, wanted.dimension)
    if wanted.group in groups:
        return
    named = {
        group_name(results.book, wanted.dimension, one, language): one
        for language in results.book.settings.languages
        for one in groups
    }
    number = named | {one: one for one in groups}
    near = nearest(wanted.group, number)
    close = next((name for name in number if f"{name!r}?" in near), None)
    if close and number[close] != close:
        near = f"; did you mean {number[close]!r} ({close})?"
    raise SliceError(
        f"no {wanted.dimension} {wanted.group!r} held a customer in {results.book.window.label}{near}"
    )


def teams_of(results: Results) -> dict[str, str | None]:
    """The team of every manager there is, whether he holds a customer or not; None for none."""
    book = results.book
    found = dict.fromkeys(groups_of(results, MANAGER))
    if "account_managers" in book.absent:
        return found
    sql = "select cast(account_manager_id as varchar) as id, cast(team as varchar) as team from source_account_managers"
    return found | {
        row.id: row.team if isinstance(row.team, str) else None for row in book.ask(sql).itertuples()
    }
