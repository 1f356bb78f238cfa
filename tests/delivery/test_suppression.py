"""What is withheld cannot be told from what is shown: an attacker with all letters solves for it, and fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.delivery.suppression import MANAGER, TEAM, suppress

SMALLEST = 5
NOBODY = "(nobody)"  # as the attacker of conftest.py calls the rows that are no manager's
Rows = dict[str, tuple[int, int]]  # rows and hits by manager, NOBODY among them


def cells(
    rows: Rows, team_of: dict[str, str | None], family: str = "f", metric: str = "m", **more
) -> pd.DataFrame:
    """The figures of one share as ``suppress`` takes them: of managers, of teams, of the company."""
    by_team: dict[str | None, list[int]] = {}
    for name, counts in rows.items():
        total = by_team.setdefault(team_of.get(name), [0, 0])
        total[0], total[1] = total[0] + counts[0], total[1] + counts[1]
    found = [(MANAGER, None if name == NOBODY else name, *counts) for name, counts in rows.items()]
    found += [(TEAM, name, *counts) for name, counts in by_team.items()]
    found.append((None, None, *(sum(each) for each in zip(*rows.values(), strict=True))))
    frame = pd.DataFrame(found, columns=["by", "group", "n", "hits"])
    frame = frame[(frame["n"] > 0) | frame["by"].isna()]  # a group without rows has no figure
    return frame.assign(**{"family": family, "metric": metric, "is_share": True, "is_alike": False} | more)


def withheld(rows: Rows, team_of: dict[str, str | None], **more) -> set[tuple[str, str]]:
    found = suppress(cells(rows, team_of, **more), team_of, SMALLEST)
    return {(by, group) for _, by, group in found}


# --- companies to attack ------------------------------------------------------------------------------


def everybody(team_of: dict[str, str | None]) -> list[tuple[str, str]]:
    teams = sorted({team for team in team_of.values() if team})
    return [*((MANAGER, name) for name in sorted(team_of)), *((TEAM, team) for team in teams)]


def worlds(count: int, seed: int) -> Iterable[tuple[Rows, dict[str, str | None]]]:
    """Companies of a few managers in none to three teams, many of them small; in some not every manager has a team."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        managers = [f"m{place}" for place in range(draw.integers(2, 8))]
        teams = [None, "a", "b", "c"][: 1 + number % 4]
        team_of = {name: teams[draw.integers(number % 8 > 4, len(teams))] for name in managers}
        sizes = draw.choice([0, 1, 2, 3, 4, 5, 6, 9, 15, 40], size=len(managers) + 1)
        rows = {
            name: (int(n), int(draw.binomial(n, 0.4)))
            for name, n in zip([*managers, NOBODY], sizes, strict=True)
        }
        total = tuple(sum(each) for each in zip(*rows.values(), strict=True))
        if 0 < total[1] < total[0]:  # else what the company comes to tells everything by itself
            yield rows, team_of


WORLDS = list(worlds(48, seed=20260930))
FEWER = WORLDS[:8]  # where every letter is attacked by itself


def test_enough_worlds_are_tried_and_in_many_something_is_shown_and_something_withheld():
    sizes = [(len(withheld(*world)), len(everybody(world[1]))) for world in WORLDS]
    assert len(WORLDS) > 36
    assert sum(0 < hidden < all_ for hidden, all_ in sizes) > 9


def test_nothing_withheld_can_be_told_from_all_letters_together(attacker_of):
    attack_all(attacker_of, WORLDS)


@pytest.mark.slow
def test_nor_in_many_more_companies(attacker_of):
    attack_all(attacker_of, worlds(150, seed=42))


def attack_all(
    attacker_of: Callable[..., Any], companies: Iterable[tuple[Rows, dict[str, str | None]]]
) -> None:
    """Read every letter of the run at once, and try to tell each figure withheld.

    Where all are, letters show the company's alone, and nothing can keep that from telling.
    """
    for rows, team_of in companies:
        hidden = withheld(rows, team_of)
        if hidden == set(everybody(team_of)):
            continue
        attacker = attacker_of(rows, team_of).read(node for node in everybody(team_of) if node not in hidden)
        told = [node for node in hidden if attacker.can_tell(node)]
        assert told == [], (rows, team_of)


def test_nobody_can_tell_another_manager_from_his_own_letter(attacker_of):
    for rows, team_of in FEWER:
        hidden = withheld(rows, team_of)
        for own in (name for name in team_of if (MANAGER, name) not in hidden):
            attacker = attacker_of(rows, team_of).read([(MANAGER, own)])
            others = [(MANAGER, name) for name in team_of if name != own]
            assert [node for node in others if attacker.can_tell(node)] == [], (own, rows, team_of)


def test_a_teams_letter_tells_on_no_manager_of_another_team(attacker_of):
    for rows, team_of in FEWER:
        hidden = withheld(rows, team_of)
        for team in {team for team in team_of.values() if team}:
            own = [(MANAGER, name) for name in team_of if team_of[name] == team]
            attacker = attacker_of(rows, team_of).read(
                node for node in [(TEAM, team), *own] if node not in hidden
            )
            others = [(MANAGER, name) for name in team_of if team_of[name] != team]
            assert [node for node in others if attacker.can_tell(node)] == [], (team, rows, team_of)


def test_the_attacker_finds_what_small_cells_withheld_alone_give_away(attacker_of):
    """Else the three tests above would prove nothing."""
    found = 0
    for rows, team_of in WORLDS:
        small = {node for node in everybody(team_of) if node[0] == MANAGER and rows[node[1]][0] < SMALLEST}
        attacker = attacker_of(rows, team_of).read(node for node in everybody(team_of) if node not in small)
        found += any(attacker.can_tell(node) for node in small)
    assert found > len(WORLDS) / 3


def test_a_search_through_all_solutions_finds_what_the_attacker_finds(attacker_of):
    rows, team_of = {"x": (2, 1), "y": (1, 0), "z": (6, 2), NOBODY: (0, 0)}, dict.fromkeys("xyz")
    attacker = attacker_of(rows, team_of).read([(MANAGER, "z")])
    # x + y hold 3 rows and 1 hit.
    found = {
        (n, hits) for n, hits in itertools.product(range(4), range(2)) if hits <= n and 1 - hits <= 3 - n
    }
    assert found == {(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (3, 1)}
    goal = attacker.weights(["x"], 0)
    assert (attacker.least(goal), -attacker.least(-goal)) == (0, 3)
    assert not attacker.can_tell((MANAGER, "x"))
    assert attacker.read([(MANAGER, "y")]).can_tell((MANAGER, "x"))


# --- rules, one by one --------------------------------------------------------------------------------

ALONE = dict.fromkeys("abcd")


def test_a_small_cell_is_withheld_and_the_next_smallest_with_it():
    rows = {"a": (4, 2), "b": (9, 4), "c": (30, 9), "d": (40, 9), NOBODY: (0, 0)}
    assert withheld(rows, ALONE) == {(MANAGER, "a"), (MANAGER, "b")}


def test_enough_rows_that_are_nobodys_stand_in_for_the_next_smallest():
    rows = {"a": (4, 2), "b": (9, 4), "c": (30, 9), "d": (40, 9), NOBODY: (5, 1)}
    assert withheld(rows, ALONE) == {(MANAGER, "a")}


def test_of_two_small_cells_without_a_smallest_cell_of_rows_together_a_third_is_withheld():
    rows = {"a": (2, 1), "b": (2, 0), "c": (30, 9), "d": (40, 9), "e": (50, 9), NOBODY: (0, 0)}
    alone = dict.fromkeys("abcde")
    assert withheld(rows, alone) == {(MANAGER, "a"), (MANAGER, "b"), (MANAGER, "c")}
    assert withheld(rows | {"b": (3, 0)}, alone) == {(MANAGER, "a"), (MANAGER, "b")}


def test_cells_withheld_together_that_all_say_the_same_take_one_more_with_them():
    # a + b: 12 of 12 would be known to be hits.
    rows = {"a": (3, 3), "b": (9, 9), "c": (30, 9), "d": (40, 9), NOBODY: (0, 0)}
    assert withheld(rows, ALONE) == {(MANAGER, "a"), (MANAGER, "b"), (MANAGER, "c")}
    assert withheld(rows, ALONE, is_share=False) == {(MANAGER, "a"), (MANAGER, "b")}


def test_of_two_managers_neither_is_shown_as_the_other_would_be_told():
    rows = {"a": (90, 40), "b": (80, 30), NOBODY: (3, 1)}
    assert withheld(rows, dict.fromkeys("ab")) == {(MANAGER, "a"), (MANAGER, "b")}
    assert withheld(rows | {NOBODY: (5, 1)}, dict.fromkeys("ab")) == set()


def test_a_manager_who_has_all_rows_but_a_few_is_withheld_as_the_rest_would_be_told():
    rows = {"a": (90, 40), "b": (9, 3), "c": (4, 1), NOBODY: (0, 0)}
    assert (MANAGER, "a") in withheld(rows, dict.fromkeys("abc"))


def test_one_manager_alone_has_nobody_to_tell_on():
    assert withheld({"a": (90, 40), NOBODY: (0, 0)}, {"a": None}) == set()


def test_within_a_team_the_next_smallest_of_the_team_is_withheld_and_the_team_is_shown():
    team_of = {"a": "north", "b": "north", "c": "north", "d": "south", "e": "south"}
    rows = {"a": (3, 1), "b": (20, 9), "c": (30, 9), "d": (6, 3), "e": (40, 9), NOBODY: (0, 0)}
    assert withheld(rows, team_of) == {(MANAGER, "a"), (MANAGER, "b")}


def test_a_small_team_takes_another_team_and_one_of_its_managers_with_it():
    team_of = {"a": "north", "b": "south", "c": "south", "d": "west", "e": "west"}
    rows = {"a": (3, 1), "b": (8, 3), "c": (12, 5), "d": (30, 9), "e": (40, 9), NOBODY: (0, 0)}
    assert withheld(rows, team_of) == {(TEAM, "north"), (MANAGER, "a"), (TEAM, "south"), (MANAGER, "b")}


def test_a_team_that_tells_on_its_managers_is_withheld_itself():
    # All 12 of north are misses, so each manager's are, however few are shown.
    team_of = {"a": "north", "b": "north", "c": "south", "d": "south", "e": "west", "f": "west"}
    rows = {"a": (3, 0), "b": (9, 0), "c": (20, 9), "d": (30, 9), "e": (40, 9), "f": (50, 9), NOBODY: (0, 0)}
    assert {(TEAM, "north"), (TEAM, "south"), (MANAGER, "c")} <= withheld(rows, team_of)


def test_a_manager_without_a_team_is_not_what_the_company_has_more_than_all_its_teams():
    team_of = {"a": "north", "b": "north", "c": "south", "d": "south", "x": None}
    rows = {"a": (20, 9), "b": (30, 9), "c": (40, 9), "d": (50, 9), "x": (3, 1), NOBODY: (2, 1)}
    # x and the smaller team are unknown then, and of this team the smaller manager
    assert withheld(rows, team_of) == {(MANAGER, "x"), (TEAM, "north"), (MANAGER, "a")}
    # another manager without a team, or enough rows that are nobody's, make up for a team
    assert withheld(rows | {"y": (8, 3)}, team_of | {"y": None}) == {(MANAGER, "x"), (MANAGER, "y")}
    assert withheld(rows | {NOBODY: (5, 1)}, team_of) == {(MANAGER, "x")}


def test_a_team_whose_answers_are_all_the_same_is_withheld_with_its_managers():
    # A mean says nothing of hits: that all of north gave the same mark is told by its spread alone.
    team_of = {"a": "north", "b": "north", "c": "south", "d": "south", "e": "west", "f": "west"}
    rows = dict.fromkeys(team_of, (20, 0)) | {NOBODY: (9, 0)}
    frame = cells(rows, team_of, is_share=False)
    frame["is_alike"] = frame["group"].isin(["a", "b", "north"])
    found = suppress(frame, team_of, SMALLEST)
    assert {("f", MANAGER, "a"), ("f", MANAGER, "b"), ("f", TEAM, "north")} <= found


def test_a_team_is_withheld_where_the_rest_of_the_company_is_one_manager_and_a_few_rows():
    # Company less north is 33 rows, of which c has 30: north's letter would tell c's figure but for 3 rows. North is
    # unknown only with one of its managers, a; then d, which is small, and a hide each other, if south is unknown too.
    team_of = {"a": "north", "b": "north", "c": "south", "d": "south"}
    rows = {"a": (20, 9), "b": (30, 9), "c": (30, 9), "d": (3, 1), NOBODY: (0, 0)}
    teams = {(TEAM, "north"), (TEAM, "south")}
    assert withheld(rows, team_of) == teams | {(MANAGER, "a"), (MANAGER, "d")}
    assert withheld(rows | {"d": (5, 1)}, team_of) == set()


def test_enough_rows_that_are_nobodys_stand_in_for_another_team():
    # Company less south is 9 rows, 3 of a's and 6 that are nobody's.
    rows = {"a": (3, 0), "b": (6, 3), NOBODY: (6, 4)}
    assert withheld(rows, {"a": "north", "b": "south"}) == {(TEAM, "north"), (MANAGER, "a")}


def test_managers_without_a_team_are_no_team_that_could_stand_in_for_another():
    # North is small, south the only other team that is printed; b is all of south.
    rows = {"a": (3, 1), "b": (6, 1), "c": (6, 0), NOBODY: (2, 1)}
    hidden = {(TEAM, "north"), (MANAGER, "a"), (TEAM, "south"), (MANAGER, "b")}
    assert withheld(rows, {"a": "north", "b": "south", "c": None}) == hidden


def test_what_is_left_of_the_company_must_not_be_one_withheld_team():
    # Company less south is b's 40 rows and 3: south is withheld, and so are c and a, who would add up to it. Were b
    # shown, the company less b and the 3 rows that are nobody's would be south's figure.
    rows = {"a": (9, 5), "b": (40, 13), "c": (6, 2), NOBODY: (3, 1)}
    hidden = {(TEAM, "south"), *((MANAGER, name) for name in "abc")}
    assert withheld(rows, {"a": "south", "b": None, "c": "south"}) == hidden


def test_where_every_team_is_withheld_a_manager_hides_what_all_those_withheld_have_in_common():
    # North holds 4 rows, and the company less south only these, so that both teams are withheld, and of south c, its
    # smallest. Then a, b, c hold 34 rows of 34 hits, as d and e being shown would tell: d is withheld, e need not be.
    team_of = {"a": "north", "b": "north", "c": "south", "d": "south", "e": "south"}
    rows = {"a": (2, 2), "b": (2, 2), "c": (30, 30), "d": (40, 20), "e": (50, 25), NOBODY: (0, 0)}
    teams = {(TEAM, "north"), (TEAM, "south")}
    assert withheld(rows, team_of) == teams | {(MANAGER, name) for name in "abcd"}
    # with one row in c that is no hit nothing is told of them, and d is shown
    assert withheld(rows | {"c": (30, 29)}, team_of) == teams | {(MANAGER, name) for name in "abc"}


def test_answers_that_are_all_the_same_are_withheld_however_many_they_are():
    rows = {"a": (50, 20), "b": (9, 4), "c": (30, 9), "d": (40, 9), NOBODY: (20, 5)}
    frame = cells(rows, ALONE)
    frame["is_alike"] = frame["group"].eq("c")
    assert suppress(frame, ALONE, SMALLEST) == {("f", MANAGER, "c")}
    nobodys = frame["by"].eq(MANAGER) & frame["group"].isna()  # without those, another must stand in for them
    assert suppress(frame[~nobodys], ALONE, SMALLEST) == {("f", MANAGER, "c"), ("f", MANAGER, "b")}


@pytest.mark.parametrize("hits", [lambda n: n, lambda n: 0])
def test_where_the_company_tells_that_all_are_alike_only_the_number_of_rows_is_kept(hits):
    rows = {name: (n, hits(n)) for name, n in {"a": 4, "b": 9, "c": 30, "d": 40, NOBODY: 0}.items()}
    assert withheld(rows, ALONE) == {(MANAGER, "a"), (MANAGER, "b")}


def test_the_companys_only_hit_is_not_told_by_its_manager_being_shown():
    # without c the company has none, so that each of the others would be known to have none
    rows = {"a": (4, 0), "b": (9, 0), "c": (30, 1), "d": (40, 0), NOBODY: (0, 0)}
    assert withheld(rows, ALONE) == {(MANAGER, "a"), (MANAGER, "c")}


def test_a_manager_without_rows_is_withheld_and_hides_nobody():
    rows = {"a": (90, 40), "b": (0, 0), NOBODY: (5, 1)}  # besides a there are five rows, as many as it takes
    assert withheld(rows, dict.fromkeys("ab")) == {(MANAGER, "b")}
    assert withheld(rows | {NOBODY: (4, 1)}, dict.fromkeys("ab")) == {(MANAGER, "a"), (MANAGER, "b")}


def test_metrics_that_tell_on_each_other_are_withheld_together():
    rows = {"a": (50, 20), "b": (19, 4), "c": (30, 9), "d": (40, 9), NOBODY: (20, 5)}
    few = rows | {"c": (2, 1)}
    both = pd.concat([cells(rows, ALONE, metric="retention"), cells(few, ALONE, metric="churn")])
    assert suppress(both, ALONE, SMALLEST) == {("f", MANAGER, "c")}
    # what is nobody's helps only where there is enough of it in both; else b stands in, next in size
    less = few | {NOBODY: (4, 1)}
    both = pd.concat([cells(rows, ALONE, metric="retention"), cells(less, ALONE, metric="churn")])
    assert suppress(both, ALONE, SMALLEST) == {("f", MANAGER, "c"), ("f", MANAGER, "b")}
    # together b and c hold four rows in one of them, however many in the other
    five, more = dict.fromkeys("abcde"), rows | {"e": (60, 20)}
    less = more | {"a": (9, 4), "b": (2, 1), "c": (2, 1), NOBODY: (0, 0)}
    both = pd.concat([cells(more, five, metric="retention"), cells(less, five, metric="churn")])
    assert suppress(both, five, SMALLEST) == {("f", MANAGER, name) for name in "abc"}
    apart = pd.concat([cells(rows, ALONE, family="g"), cells(few, ALONE)])
    assert suppress(apart, ALONE, SMALLEST) == {("f", MANAGER, "c")}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_what_is_withheld_does_not_hang_on_the_order_of_rows(order):
    rows = {"a": (4, 2), "b": (9, 4), "c": (9, 4), "d": (40, 9), NOBODY: (0, 0)}
    names = [*[list(rows)[place] for place in order], NOBODY]
    assert withheld({name: rows[name] for name in names}, ALONE) == {(MANAGER, "a"), (MANAGER, "b")}
