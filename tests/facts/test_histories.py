"""Purchase histories come out of the raw log as the models' papers define them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analysis.facts import open_book
from analysis.models import fit_bg_nbd, fit_gamma_gamma


@pytest.fixture(scope="module")
def sample_histories(cdnow_sample):
    book = open_book(cdnow_sample, "1997Q3")
    return book.histories(date(1997, 9, 30))


def test_the_published_bg_nbd_comes_from_the_raw_log(sample_histories):
    # Fader, Hardie & Lee (2005): r .2426, α 4.4136, a .7929, b 2.4259, LL −9582.4 on 2,357 customers, 39 weeks
    assert len(sample_histories) == 2357
    fit = fit_bg_nbd(
        sample_histories["repeat_orders"],
        sample_histories["days_first_to_last_order"] / 7,
        sample_histories["days_observed"] / 7,
    )
    published = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
    for name, value in published.items():
        assert fit.params[name] == pytest.approx(value, abs=6e-5), name
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_the_published_gamma_gamma_comes_from_the_raw_log(sample_histories):
    # Fader & Hardie's note on the gamma-gamma model: 946 repeaters, p 6.25, q 3.74, v 15.44, LL −4055.92
    repeaters = sample_histories[sample_histories["mean_repeat_spend"] > 0]
    assert len(repeaters) == 946
    fit = fit_gamma_gamma(repeaters["repeat_orders"], repeaters["mean_repeat_spend"])
    assert fit.params["p"] == pytest.approx(6.25, abs=5e-3)
    assert fit.params["q"] == pytest.approx(3.74, abs=5e-3)
    assert fit.params["v"] == pytest.approx(15.44, abs=1e-2)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=5e-3)


def test_the_whole_log_agrees_with_lifetimes_on_the_same_rows(cdnow):
    # The reference implementation, fitted to the rows our facts give, finds the same optimum.
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter

        histories = open_book(cdnow, "1997Q4").histories(date(1997, 12, 31))
        x, t_x, T = (
            histories["repeat_orders"].to_numpy(),
            histories["days_first_to_last_order"].to_numpy() / 7,
            histories["days_observed"].to_numpy() / 7,
        )
        reference = BetaGeoFitter().fit(x, t_x, T)
    ours = fit_bg_nbd(x, t_x, T)
    names = ("r", "alpha", "a", "b")
    reference_params = np.array([reference.params_[name] for name in names])
    assert len(x) == 23570
    assert [ours.params[name] for name in names] == pytest.approx(list(reference_params), rel=1e-4)
    at_reference = ours.with_log_params(np.log(reference_params)).log_likelihood_of(x, t_x, T)
    assert at_reference <= ours.log_likelihood
    assert at_reference == pytest.approx(ours.log_likelihood, rel=1e-8)


def test_a_day_is_one_occasion_net_of_its_returns(open_orders):
    book = open_orders(
        [
            ("a", "2026-01-05", 10.0),
            ("a", "2026-01-05", 5.0),  # the same day: one occasion of 15
            ("a", "2026-01-20", 20.0),
            ("a", "2026-01-20", -8.0),  # netted: an occasion of 12
            ("a", "2026-02-10", 30.0),
            ("a", "2026-02-10", -30.0),  # brought to zero by a return: no occasion
            ("a", "2026-02-15", -4.0),  # below zero: no occasion
            ("a", "2026-03-01", 0.0),  # an order of zero value is an occasion
        ],
        "2026Q1",
    )
    [row] = book.histories(date(2026, 3, 31)).to_dict("records")
    assert row["repeat_orders"] == 2  # 20 January and 1 March after 5 January
    assert row["days_first_to_last_order"] == 55  # 5 January → 1 March
    assert row["days_observed"] == 85  # 5 January → 31 March
    assert row["first_amount"] == 15.0
    assert row["mean_repeat_spend"] == 6.0  # (12 + 0) / 2


def test_a_customer_whose_repeats_brought_nothing_has_no_mean_spend(open_orders):
    book = open_orders([("a", "2026-01-05", 10.0), ("a", "2026-02-05", 0.0)], "2026Q1")
    [row] = book.histories(date(2026, 3, 31)).to_dict("records")
    assert row["repeat_orders"] == 1
    assert np.isnan(row["mean_repeat_spend"])


def test_an_order_late_on_the_last_day_belongs_and_a_later_one_does_not_leak_in(open_orders):
    orders = [
        ("a", "2026-01-05", 10.0),
        ("a", "2026-03-31T23:59:59", 10.0),
        ("a", "2026-04-01T00:00:00", 10.0),
        ("b", "2026-04-02", 10.0),
    ]
    book = open_orders(orders, "2026Q1", time_zone="Asia/Shanghai")
    rows = book.histories(date(2026, 3, 31)).set_index("customer_id")
    assert list(rows.index) == ["a"]
    assert rows.loc["a", "repeat_orders"] == 1
    assert rows.loc["a", "days_first_to_last_order"] == rows.loc["a", "days_observed"] == 85


def test_anonymous_orders_are_in_no_history(open_orders):
    book = open_orders([("", "2026-01-05", 10.0), ("a", "2026-01-06", 10.0)], "2026Q1")
    assert list(book.histories(date(2026, 3, 31))["customer_id"]) == ["a"]
