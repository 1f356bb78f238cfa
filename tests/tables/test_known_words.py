"""Words of other systems in columns that hold one of a few of ours."""

from __future__ import annotations

import pytest

from analysis.catalogue import load_catalogue
from analysis.tables.headings import header_words
from analysis.tables.known_words import map_words


@pytest.mark.parametrize(
    ("column", "theirs", "expected"),
    [
        ("opportunities.outcome", ["Closed Won", "closed_lost", "Proposal"],
         {"Closed Won": "won", "Proposal": "", "closed_lost": "lost"}),
        ("opportunities.outcome", ["Won", "赢单"], {"Won": "won", "赢单": "won"}),  # ours in another case, too
        ("opportunities.outcome", ["won", "lost"], {}),  # ours already
        ("opportunities.outcome", ["open", "working"], {}),  # none is known
        ("opportunities.outcome", ["won't fix"], {}),
        ("opportunities.outcome", [], {}),
        ("opportunities.outcome", ["won", *(f"deal {i}" for i in range(20))], {}),  # a text
        ("costs.kind", ["市场费用", "销售费用", "管理费用"],
         {"市场费用": "marketing", "管理费用": "general_admin", "销售费用": "sales"}),
        ("costs.acquisition_channel", ["Ads", "Mail"], {}),  # any word is allowed
    ],
)  # fmt: skip
def test_words_are_known_whole_and_whatever_their_case(column, theirs, expected):
    assert map_words(*column.split("."), theirs) == expected


def test_every_word_that_is_known_means_one_that_is_allowed_and_only_one():
    for place, meanings in header_words()["words"].items():
        table, column = place.split(".")
        assert set(meanings) <= set(load_catalogue().tables[table].columns[column].allowed)
        words = [word for known in meanings.values() for word in known]
        assert len(words) == len(set(words)), place
