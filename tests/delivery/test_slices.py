"""Of which groups there are letters."""

from __future__ import annotations

import pytest

from analysis.delivery.slice_customers import slice_customers
from analysis.delivery.slice_figures import slice_figures, slice_managers
from analysis.delivery.slices import Slice, SliceError, groups_of
from analysis.delivery.suppression import MANAGER, TEAM
from analysis.suite import measure_suite


def test_groups_are_those_who_held_a_customer_in_the_window(sliced):
    assert groups_of(sliced, MANAGER) == ["A", "B", "C", "D", "E"]
    assert groups_of(sliced, TEAM) == ["north", "south"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Slice(MANAGER, "G"), "known"),
        (Slice(MANAGER, "Manager B"), "did you mean 'B' (Manager B)?"),
        (Slice(MANAGER, "Manger B"), "did you mean"),
        (Slice(TEAM, "norht"), "did you mean 'north'?"),
        (Slice(MANAGER, "F"), "held a customer in 2024Q2"),
        (Slice("account_manger", "A"), "did you mean 'account_manager'?"),
    ],
)
def test_a_group_that_is_none_is_refused_with_the_nearest(sliced, wanted, said):
    for ask in (slice_figures, slice_customers, slice_managers):
        with pytest.raises(SliceError, match="account_|slice") as error:
            ask(sliced, wanted)
        assert said in str(error.value)


def test_a_company_that_does_not_say_whose_customers_are_whose_has_no_slices(open_company, five_managers):
    results = measure_suite(
        open_company({"orders": five_managers.tables["orders"]}, "2024Q2", **five_managers.settings)
    )
    with pytest.raises(SliceError, match="table assignments is not supplied"):
        groups_of(results, MANAGER)
    with pytest.raises(SliceError, match="mail: recipients"):
        slice_figures(results, Slice(TEAM, "north"))
