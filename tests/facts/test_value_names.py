"""A name for a value that no row holds is noticed, and named values that are held, or declared, are not."""

from __future__ import annotations

import pytest

from analysis.facts.value_names import names_of_nothing
from analysis.report.terminal import check_text

TABLES = {
    "orders": "order_id,customer_id,ordered_at,amount,channel\n1,a,2026-05-01,1,web\n2,b,2026-05-02,1,shop\n",
    "customers": "customer_id,region\na,North\nb,<b>South</b>\n",
    "exits": "customer_id,exited_on,kind,reason\na,2026-06-01,voluntary,price\n",
}
NAMES = {
    "region": {"North": {"zh": "北区"}, "<b>South</b>": {"zh": "南区"}, "Noth": {"zh": "北区"}},
    "channel": {"web": {"zh": "网店"}, "fax": {"zh": "传真"}},
    "exit_reason": {"price": {"zh": "价格"}},
    "exit_kind": {"involuntary": {"zh": "被动"}},  # nobody left so, but the catalogue knows of it
    "cohort": {"2024Q1": {"zh": "2024年一季度"}},  # worked out: no table could hold it
    "stage": {"lead": {"zh": "线索"}},  # the company supplies no opportunities
}


@pytest.fixture(scope="module")
def book(open_company):
    return open_company(TABLES, "2026Q2", value_names=NAMES)


def test_names_of_what_no_row_holds_are_found_with_what_is_held(book):
    assert names_of_nothing(book.settings, book.prepared) == {
        "region": (["Noth"], ["<b>South</b>", "North"]),
        "channel": (["fax"], ["shop", "web"]),
        "stage": (["lead"], []),
    }


def test_the_check_tells_them_and_is_no_error(book):
    assert "value_names.region: no row holds “Noth”; did you mean “North”?" in check_text(book.params)
    told = check_text(book.params, "zh")
    assert "value_names.region：数据中没有“Noth”，是否应为“North”？" in told
    assert "value_names.channel：数据中没有“fax”\n" in told
    assert "2024Q1" not in told and "involuntary" not in told
