"""Charts of those who left draw what the frames hold."""

from __future__ import annotations

import matplotlib
import pytest

from analysis.facts import NotMeasured
from analysis.report.figures.churn import (
    plot_churn_by_choice,
    plot_churn_reasons,
    plot_renewal_trend,
    plot_win_back,
)
from analysis.report.figures.style import PALETTE
from analysis.report.pages.churn_rows import lost_customers
from analysis.suite import Results

matplotlib.use("agg")
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"


def test_bars_of_a_period_stand_on_each_other_up_to_all_that_were_lost(leaving, drawing):
    ax, language = drawing
    plot_churn_by_choice(leaving, language=language, ax=ax)
    voluntary, involuntary, unstated = (list(bars) for bars in ax.containers)
    assert [bar.get_height() for bar in (voluntary[-1], involuntary[-1], unstated[-1])] == pytest.approx(
        [0.40, 0.04, 0.16]
    )
    assert unstated[-1].get_y() + unstated[-1].get_height() == pytest.approx(0.60)
    assert "60.0%" in [text.get_text() for text in ax.texts]
    assert ax.get_xticklabels()[-1].get_text() == "2024Q4\n100"
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == {
        "en": ["by own choice", "not by choice", "not stated"], "zh": ["自愿", "非自愿", "未注明"],
    }[language]  # fmt: skip
    assert "40.0%" in ax.figure._workbook["alt"]


def test_bars_of_reasons_are_as_long_as_customers_were_lost(leaving, drawing):
    ax, language = drawing
    plot_churn_reasons(leaving, language=language, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [20, 18, 4, 2]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["price", FORMULA, "closed", "delivery"]
    assert "86%" in ax.texts[1].get_text()  # 38 of 44
    pale = [bar.get_facecolor() == matplotlib.colors.to_rgba(PALETTE["muted"]) for bar in ax.patches]
    assert pale == [False, False, True, False]
    words = ax.figure._workbook
    assert "44" in words["note"] and "60" in words["note"] and FORMULA in words["alt"]


def test_reasons_stand_on_the_chart_and_in_its_description_by_their_names(leaving, drawing, with_names):
    ax, language = drawing
    names = {"price": {"en": "Too $dear$", "zh": "太贵$x$"}, FORMULA: {"zh": "<b>另有原因"}}
    plot_churn_reasons(with_names(leaving, exit_reason=names), language=language, ax=ax)
    first, second = {"en": ("Too $dear$", FORMULA), "zh": ("太贵$x$", "<b>另有原因")}[language]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [first, second, "closed", "delivery"]
    assert [bar.get_width() for bar in ax.patches] == [20, 18, 4, 2]
    alt = ax.figure._workbook["alt"]
    assert first in alt and second in alt and "price" not in alt


def test_without_a_reason_the_chart_says_so(leaving, drawing):
    ax, language = drawing
    silent = Results(leaving.book, leaving.frames)
    silent.remembered["lost_customers", "2024Q4"] = lost_customers(leaving).assign(reason=None, kind=None)
    found = plot_churn_reasons(silent, language=language, ax=ax)
    assert {"en": "No reason is recorded", "zh": "无流失原因记录"}[language] in found.reason


def test_renewal_is_drawn_by_period_with_the_contracts_below(leaving, drawing):
    ax, language = drawing
    plot_renewal_trend(leaving, language=language, ax=ax)
    # ten due in October, six of them renewed, and one due on 1 December
    assert ax.get_lines()[0].get_ydata()[-1] == pytest.approx(6 / 11)
    assert ax.get_xticklabels()[-1].get_text() == "2024Q4\n11"
    assert {"en": "contracts", "zh": "合同"}[language] in ax.figure._workbook["note"]


def test_points_of_winning_back_stand_where_the_rates_are(leaving, drawing):
    ax, language = drawing
    plot_win_back(leaving, language=language, ax=ax)
    drawn = [container.lines[0].get_xdata()[0] for container in ax.containers]
    assert drawn == pytest.approx([0.3, 0.5, 5 / 6, 0.0, 0.1])
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert SCRIPT in names[3] and {"en": "(n = 4)", "zh": "（n = 4）"}[language] in names[3]
    words = ax.figure._workbook
    assert {"en": "no effect", "zh": "不等于联系的效果"}[language] in words["note"]
    assert "83.3%" in words["alt"]


@pytest.mark.parametrize(
    "plot", [plot_churn_by_choice, plot_churn_reasons, plot_renewal_trend, plot_win_back]
)
def test_without_the_tables_a_chart_says_why(shop, drawing, plot):
    ax, language = drawing
    assert isinstance(plot(shop, language=language, ax=ax), NotMeasured)
