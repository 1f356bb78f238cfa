"""How numbers came to be."""

from __future__ import annotations

import datetime

import pandas as pd
from bs4 import BeautifulSoup

from analysis.report.explanations_shown import Explanation, how_computed


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(str(markup), "html.parser")


def test_a_fold_out_shows_how_a_number_came_to_be():
    rows = pd.DataFrame({"customer_id": [1000234], "first_order_on": [datetime.date(2024, 3, 2)]})
    explanation = Explanation(
        "Retention", formula="kept / opening", filters=["window = 180"], counts={"opening": 5214},
        sql="select 1", source_rows=rows,
    )  # fmt: skip
    fold = soup(how_computed([explanation], "en")).details
    assert not fold.has_attr("open")
    assert [term.get_text() for term in fold.find_all("dt")] == ["Formula", "Filters", "Rows", "SQL"]
    assert fold.select_one("pre").get_text() == "select 1"
    assert [cell.get_text() for cell in fold.tbody.find_all(["th", "td"])] == ["1000234", "2024-03-02"]
