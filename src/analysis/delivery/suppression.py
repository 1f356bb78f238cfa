"""Which figures of managers and teams are withheld, so that none can be told from those that are shown.

Figures are counts and sums over a tree: the company is its teams, a team its account managers, and some rows are
nobody's. What the company comes to is taken as known to everyone. A figure is withheld

1. where it rests on fewer rows than the smallest cell, or where everybody who was asked gave the same answer, so
   that each one's answer would be told;
2. where company less group would tell on one other manager: unless the rest still holds a smallest cell of rows
   besides its largest manager, and, of a share, both kinds of rows;
3. where a sum that is shown would otherwise give away one that is withheld: of the parts of every shown sum, as
   many are withheld, the smallest first, as leave two or more unknown that hold a smallest cell of rows together
   and, of a share, both kinds of rows; where all of them do not, the sum is withheld too.

What is withheld follows from one window's rows alone and is the same in every letter, so that adding and subtracting
what all letters show does not tell it. Metrics that tell on each other (retention and churn) are one family, withheld
together.

What this cannot do: managers who show each other their letters know each other's figures, and all but one of them know
the last one's from the company's. What somebody knows from elsewhere, such as his own withheld figure, helps him as
any figure would. A window that is measured anew differs a little from the letters sent of it before: by data that came
late, and of a team by managers who have come or gone since. Windows that hold each other, such as a year and its
quarters, are not looked at together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

MANAGER, TEAM = "account_manager", "account_team"
COMPANY = "company"
Node = tuple[str, str | None]  # what it is a group of, and which; the group None is nobody's


@dataclass(frozen=True)
class Tree:
    """The company, its teams and their managers.

    Attributes
    ----------
    parts
        The nodes that a node is the sum of. The team without a name holds managers without a team, and the rows that
        are no manager's, the manager without a name; neither is ever printed.
    """

    parts: Mapping[Node, tuple[Node, ...]]

    @property
    def managers(self) -> list[str]:
        """The managers by name."""
        found = [node[1] for parts in self.parts.values() for node in parts if node[0] == MANAGER and node[1]]
        return sorted(found)

    def managers_under(self, node: Node) -> set[Node]:
        """The leaves a node is the sum of."""
        if node not in self.parts:
            return {node}
        return set().union(*(self.managers_under(part) for part in self.parts[node]))


ROOT: Node = (COMPANY, None)
NOBODY: Node = (MANAGER, None)


def tree_of(team_of: Mapping[str, str | None]) -> Tree:
    """The tree of managers whose teams are given; where no manager has one, all are in the team without a name."""
    teams = sorted({team for team in team_of.values() if team})
    leaves = [(MANAGER, name) for name in sorted(team_of)]
    parts: dict[Node, tuple[Node, ...]] = {ROOT: (*((TEAM, team) for team in teams), (TEAM, None))}
    for team in teams:
        parts[TEAM, team] = tuple(leaf for leaf in leaves if team_of[leaf[1]] == team)
    parts[TEAM, None] = (*(leaf for leaf in leaves if not team_of[leaf[1]]), NOBODY)
    return Tree(parts)


def suppress(cells: pd.DataFrame, team_of: Mapping[str, str | None], smallest_cell: int) -> set[tuple]:
    """The figures of one window to withhold, as ``(family, by, group)``.

    Parameters
    ----------
    cells : DataFrame
        One row for each metric and group, managers, teams and the company (``by`` and ``group`` missing for it; a
        missing ``group`` alone is nobody's): ``family, metric, by, group``, ``n`` rows it rests on, ``hits``, the
        numerator, ``is_share``, and ``is_alike``, whether every answer is the same. A group without a row has none.
    team_of
        The team of each manager, None for none.
    """
    tree = tree_of(team_of)
    found = set()
    for family, rows in cells.groupby("family", sort=True):
        sizes = [_Sizes.read(part) for _, part in rows.groupby("metric", sort=True)]
        found |= {(family, by, group) for by, group in _withheld(tree, sizes, smallest_cell) if group}
    return found


@dataclass(frozen=True)
class _Sizes:
    """The rows behind one metric, by node."""

    n: Mapping[Node, int]
    hits: Mapping[Node, float]
    is_share: bool
    alike: Collection[Node]

    @classmethod
    def read(cls, rows: pd.DataFrame) -> _Sizes:
        """From the rows of ``cells`` of one metric."""
        nodes = [
            ROOT if pd.isna(by) else (by, None if pd.isna(group) else group)
            for by, group in zip(rows["by"], rows["group"], strict=True)
        ]
        return cls(
            dict(zip(nodes, rows["n"].astype(int), strict=True)),
            dict(zip(nodes, rows["hits"].fillna(0.0), strict=True)),
            bool(rows["is_share"].iloc[0]),
            {node for node, is_alike in zip(nodes, rows["is_alike"], strict=True) if is_alike},
        )

    def rows_in(self, nodes: Iterable[Node]) -> int:
        """How many rows the nodes hold."""
        return sum(self.n.get(node, 0) for node in nodes)

    def are_mixed(self, nodes: Collection[Node], n: int | None = None, hits: float | None = None) -> bool:
        """Whether these rows leave open what each part's share is; also where the company's own leaves nothing open."""
        if not self.is_share or not 0 < self.hits.get(ROOT, 0) < self.n.get(ROOT, 0):
            return True
        n = self.rows_in(nodes) if n is None else n
        hits = sum(self.hits.get(node, 0.0) for node in nodes) if hits is None else hits
        return 0 < hits < n


def _withheld(tree: Tree, sizes: list[_Sizes], smallest: int) -> set[Node]:
    printed = [(MANAGER, name) for name in tree.managers]
    printed += [part for part in tree.parts[ROOT] if part[0] == TEAM and part[1]]
    withheld = {node for node in printed if any(_is_telling(tree, one, node, smallest) for one in sizes)}
    if min(one.n.get(NOBODY, 0) for one in sizes) >= smallest:  # never printed, and nobody need be spared
        withheld |= {NOBODY, (TEAM, None)}
    return _closed(tree, sizes, withheld, smallest)


def _is_telling(tree: Tree, sizes: _Sizes, node: Node, smallest: int) -> bool:
    """Whether the figure tells on few rows itself, or, taken from the company's, on another manager."""
    own = sizes.n.get(node, 0)
    if own < smallest or node in sizes.alike:
        return True
    inside = tree.managers_under(node)
    others = [(MANAGER, name) for name in tree.managers if (MANAGER, name) not in inside]
    if not others:
        return False
    rest = sizes.n.get(ROOT, 0) - own
    if rest - max(sizes.n.get(other, 0) for other in others) < smallest:
        return True
    return not sizes.are_mixed([], rest, sizes.hits.get(ROOT, 0) - sizes.hits.get(node, 0))


def _closed(tree: Tree, sizes: list[_Sizes], withheld: set[Node], smallest: int) -> set[Node]:
    """With as many more as it takes that no sum gives one away."""
    while (more := _next_to_withhold(tree, sizes, withheld, smallest)) is not None:
        withheld.add(more)
    return withheld


def _next_to_withhold(tree: Tree, sizes: list[_Sizes], withheld: set[Node], smallest: int) -> Node | None:
    """One more figure where a sum gives something away; None where none does, or all of it is withheld.

    A part of the sum, else a manager below a part that is withheld, else the sum itself: also that of a team without a
    name, which nobody prints, but which the company's and all teams' figures come to.
    """
    # Teams withheld first: what is unknown in them is looked for in the sums above.
    for node in sorted(tree.parts, key=lambda node: node not in withheld):
        if _gives_away(tree, sizes, withheld, node, smallest):
            below = [tree.parts[node], tree.managers_under(node)]
            found = next((one for nodes in below if (one := _smallest_shown(nodes, sizes, withheld))), node)
            if found not in {ROOT, *withheld}:
                return found
    return None


def _gives_away(tree: Tree, sizes: list[_Sizes], withheld: set[Node], node: Node, smallest: int) -> bool:
    """Whether the figure of a node and those shown of its parts leave too little unknown."""
    unknown = _unknown_in(tree, withheld, node)
    if node in withheld:
        return not unknown  # its managers' figures must not add up to it
    is_open = len(unknown) > 1 and all(
        one.rows_in(unknown) >= smallest and one.are_mixed(unknown) for one in sizes
    )
    return bool(unknown - {NOBODY}) and not (is_open and _several_parts(tree, withheld, node, unknown))


def _unknown_in(tree: Tree, withheld: set[Node], node: Node) -> set[Node]:
    """The withheld managers that the sum of a node is made of, besides figures that are shown."""
    found: set[Node] = set()
    for part in tree.parts[node]:
        if part in withheld:
            found |= _unknown_in(tree, withheld, part) if part in tree.parts else {part}
    return found


def _several_parts(tree: Tree, withheld: set[Node], node: Node, unknown: set[Node]) -> bool:
    """Whether what is unknown is not all of one withheld part, whose figure would be what is left."""
    inner = [part for part in tree.parts[node] if part in withheld and part in tree.parts and part[1]]
    return all(_unknown_in(tree, withheld, part) != unknown for part in inner)


def _smallest_shown(parts: Iterable[Node], sizes: list[_Sizes], withheld: set[Node]) -> Node | None:
    """The printed part with fewest rows that is not withheld yet; one without rows protects nothing and comes last."""
    shown = [part for part in parts if part not in withheld and part[1]]
    rows = {part: min(one.n.get(part, 0) for one in sizes) for part in shown}
    return min(shown, key=lambda part: (rows[part] == 0, rows[part], str(part[1])), default=None)
