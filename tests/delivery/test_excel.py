"""The Excel workbook is read back as another program would read it."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis.catalogue import DEFAULT, label
from analysis.cli import app
from analysis.delivery import excel
from analysis.delivery.excel import ExcelError, number_format, safe_text, workbook_path, write_excel
from analysis.errors import InputError
from analysis.report.kpis_shown import say_reason
from analysis.suite import Results, measure_suite

SHEETS = {
    "en": ["Scorecard", "Targets", "All figures", "Trend", "Changes", "Customers", "Definitions", "Data quality",
           "Identities", "Settings"],
    "zh": ["记分卡", "目标", "全部指标数据", "走势", "变化", "客户", "指标定义", "数据质量", "核对关系", "设置"],
}  # fmt: skip
FORMULA = "=cmd|' /C calc'!A0"
HOSTILE = {
    "n2": "＝1+1",
    "k0": FORMULA,
    "k1": "+1+1",
    "k2": "-2+3",
    "k3": "@SUM(A1)",
    "k4": "\t=1+1",
    "k5": "\x01=1+1",
}

in_each_language = pytest.mark.parametrize("language", ["en", "zh"])
pytestmark = pytest.mark.filterwarnings("ignore:Sparkline Group extension")  # openpyxl reads all but these


def orders() -> list[tuple[str, str, float]]:
    """Six who bought in the third and the fourth quarter of 2024, four new ones."""
    kept = [(f"k{i}", day, 20 + i) for i in range(6) for day in ("2024-09-01", "2024-12-01")]
    return [*kept, *((f"n{i}", "2024-11-25", 40) for i in range(4))]


@pytest.fixture(scope="module")
def shop(open_orders, tmp_path_factory) -> Results:
    """A shop of ten customers, without any table of costs or of service."""
    names = tmp_path_factory.mktemp("names") / "customers.csv"
    names.write_text("id,name\nn0,林🙂\n", encoding="utf-8")
    customers = {"file": str(names), "columns": {"customer_id": "id", "customer_name": "name"}}
    book = open_orders(
        orders(), "2024Q4", {"customers": customers}, activity_window_days=60, model_draws=20, sparkline_periods=3,
        data_through=date(2024, 12, 31), dimensions=["customer_status", "value_band"],
    )  # fmt: skip
    results = measure_suite(book)
    named = results.customers["customer_id"].map(HOSTILE).fillna(results.customers["customer_name"])
    return Results(book, results.frames | {"customers": results.customers.assign(customer_name=named)})


@pytest.fixture(scope="module")
def files(shop, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("excel")
    return {language: write_excel(shop, folder / f"{language}.xlsx", language) for language in ("en", "zh")}


def rows_of(path: Path, sheet: str) -> list[dict[str, openpyxl.cell.Cell]]:
    """The rows of a sheet, each cell under its heading."""
    worksheet = openpyxl.load_workbook(path)[sheet]
    heading = [cell.value for cell in worksheet[3]]
    return [dict(zip(heading, row, strict=True)) for row in worksheet.iter_rows(min_row=4)]


def texts_of(path: Path) -> list[str]:
    cells = (cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row)
    return [cell.value for cell in cells if isinstance(cell.value, str)]


# --- sheets ---------------------------------------------------------------------------------------


@in_each_language
def test_a_workbook_has_its_sheets_in_the_readers_language(files, language):
    names = openpyxl.load_workbook(files[language]).sheetnames
    assert names == SHEETS[language]
    assert max(map(len, names)) <= 31


@in_each_language
def test_every_sheet_says_whose_it_is_can_be_filtered_and_is_printed_with_its_heading(shop, files, language):
    days = {"en": "1 Oct 2024 – 31 Dec 2024", "zh": "2024年10月1日至2024年12月31日"}[language]
    for sheet in openpyxl.load_workbook(files[language]):
        cover = sheet["A1"].value
        assert all(part in cover for part in ("Test", "2024Q4", days, shop.book.fingerprint[:16]))
        assert sheet.freeze_panes in ("A4", "C4")
        last = max(4, sheet.max_row)  # an empty sheet has one empty row
        assert sheet.auto_filter.ref.startswith("A3:") and sheet.auto_filter.ref.endswith(str(last))
        assert sheet.print_title_rows == "$3:$3" and sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.fitToHeight == 0
        assert None not in [cell.value for cell in sheet[3]]
        assert all(8 <= column.width <= 71 for column in sheet.column_dimensions.values())


def test_both_languages_hold_the_same_numbers(files):
    def numbers(language: str) -> list[tuple[str, object]]:
        sheets = openpyxl.load_workbook(files[language]).worksheets
        cells = (cell for sheet in sheets for row in sheet.iter_rows() for cell in row)
        return [
            (cell.coordinate, cell.value)
            for cell in cells
            if cell.value is not None and cell.data_type != "s"
        ]

    assert len(numbers("en")) > 500
    assert numbers("en") == numbers("zh")


# --- numbers --------------------------------------------------------------------------------------


def test_all_figures_are_the_kpi_frames_of_the_period_and_of_those_compared(shop, files):
    kpis = shop.kpis[shop.kpis["period"].isin(["2024Q4", "2024Q3", "2023Q4"])]
    rows = rows_of(files["en"], "All figures")
    headings = {
        "metric": "Metric id", "variant": "Definition id", "period": "Period", "by": "Breakdown id",
        "group": "Group id", "value": "Value", "low": "95% interval from", "high": "95% interval to",
        "standard_error": "Standard error", "n": "n", "numerator": "Numerator", "denominator": "Denominator",
    }  # fmt: skip
    read = pd.DataFrame({name: [row[heading].value for row in rows] for name, heading in headings.items()})
    expected = kpis[list(headings)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        read.astype({name: expected[name].dtype for name in headings}), expected, rtol=1e-14, atol=0
    )


def test_the_scorecard_holds_numbers_in_the_format_of_their_unit(files):
    rows = {row["Metric"].value: row for row in rows_of(files["en"], "Scorecard")}
    # Six kept spend 20 + … + 25 = 135 in the quarter, four new ones 160.
    revenue = rows["Revenue"]["Value"]
    assert (revenue.value, revenue.number_format) == (295, '"€"#,##0.00')
    retention = rows["Customer retention rate"]
    assert (retention["Value"].value, retention["Value"].number_format) == (1, "0.0%")  # all six came again
    assert 0 < retention["95% interval from"].value < 1
    new = rows["New customers"]
    assert (new["Value"].value, new["Value"].number_format, new["Unit"].value) == (4, "#,##0", "count")
    # Revenue of the third quarter: 135, so 295 / 135 − 1.
    change = rows["Revenue"]["Change against 2024Q3"]
    assert change.value == pytest.approx(295 / 135 - 1, rel=1e-14)
    assert change.number_format == "+0.0%;-0.0%;0.0%"
    assert rows["Revenue"]["Verdict against 2024Q3"].value == "higher"


@in_each_language
def test_what_is_not_measured_is_an_empty_cell_with_its_reason_beside(shop, files, language):
    rows = {
        row[label("excel.metric", language)].value: row
        for row in rows_of(files[language], SHEETS[language][0])
    }
    metric = shop.book.catalogue.metrics["customer_acquisition_cost"]
    row, figure = rows[metric.name.in_(language)], shop.company_figures[metric.id, DEFAULT, "2024Q4"]
    assert row[label("excel.value", language)].value is None
    assert row[label("excel.status", language)].value == label("excel.status_not_measured", language)
    told = row[label("excel.reason", language)].value
    assert told == say_reason(figure["reason"], shop.book, language)
    assert shop.book.catalogue.tables["costs"].name.in_(language) in told


def test_a_trend_is_the_metric_over_the_runs_periods_with_a_line_excel_draws(files):
    rows = {row["Metric"].value: row for row in rows_of(files["en"], "Trend")}
    assert [rows["Revenue"][period].value for period in ("2024Q3", "2024Q4")] == [135, 295]
    with zipfile.ZipFile(files["en"]) as parts:
        xml = parts.read("xl/worksheets/sheet4.xml").decode()
    row = rows["Revenue"]["Metric"].row
    assert xml.count("<x14:sparkline>") == len(rows)
    assert f"<xm:f>Trend!F{row}:H{row}</xm:f>" in xml  # three periods


@in_each_language
def test_a_metrics_name_leads_to_its_definition(files, language):
    definitions = {
        row[label("excel.metric", language)].row: row for row in rows_of(files[language], SHEETS[language][6])
    }
    for sheet in (SHEETS[language][0], SHEETS[language][3]):
        for row in rows_of(files[language], sheet):
            name, variant = row[label("excel.metric", language)], row[label("excel.variant", language)]
            goal, _, place = name.hyperlink.location.rpartition("!A")
            defined = definitions[int(place)]
            assert goal == f"'{SHEETS[language][6]}'"
            assert defined[label("excel.metric", language)].value == name.value
            assert defined[label("excel.variant", language)].value == variant.value


@in_each_language
def test_verdicts_have_a_colour_beside_their_word_wherever_they_stand(files, language):
    sheet = openpyxl.load_workbook(files[language])[SHEETS[language][0]]
    verdicts = [
        cell.column_letter
        for cell in sheet[3]
        if cell.value.startswith(("Verdict", "较")) and "变化" not in cell.value
    ]
    rules = {(str(block.sqref)[0], rule.formula[0]): rule.dxf.font.color.rgb
             for block in sheet.conditional_formatting for rule in block.rules}  # fmt: skip
    assert len(verdicts) == 2
    for column in verdicts:
        assert rules[column, f'"{label("report.verdict_better", language)}"'] == "FF0A7D64"
        assert rules[column, f'"{label("report.verdict_worse", language)}"'] == "FFA8321A"


def test_targets_come_with_their_verdicts(open_company, tmp_path):
    lines = (
        "order_id,customer_id,ordered_at,amount\n1,a,2024-01-10,30\n2,a,2024-04-10,40\n3,b,2024-05-20,25\n"
    )
    targets = "metric,period,target\nrevenue,2024Q2,60\norders,2024Q2,3\nodd_metric,2024Q2,1\n"
    book = open_company({"orders": lines, "targets": targets}, "2024Q2", data_through=date(2024, 6, 30))
    path = write_excel(measure_suite(book), tmp_path / "targets.xlsx", "zh")
    rows = {
        row["指标"].value: [row[name].value for name in ("数值", "目标值", "判断")]
        for row in rows_of(path, "目标")
    }
    # 40 + 25 = 65 of 60; two orders of three
    names = [book.catalogue.metrics[name].name.zh for name in ("orders", "revenue")]
    assert rows == {
        names[0]: [2, 3, "未达标"],
        names[1]: [65, 60, "达标"],
        "odd_metric": [None, 1, "未作比较"],
    }


def test_long_texts_get_the_height_and_long_numbers_the_width_they_need(shop, tmp_path):
    customers = shop.customers.assign(customer_name="words " * 40, net_revenue=-1_234_567_890.5)
    results = Results(shop.book, shop.frames | {"customers": customers})
    sheet = openpyxl.load_workbook(write_excel(results, tmp_path / "long.xlsx", "en"))["Customers"]
    headings = {cell.value: cell.column_letter for cell in sheet[3]}
    # 240 characters at 70 in a line, and words that do not break: four lines of 15 points
    assert sheet.row_dimensions[4].height == 60
    width = sheet.column_dimensions[headings["Net revenue of the period"]].width
    assert width > len("-€1,234,567,890.50")


def test_changes_come_with_their_verdict_in_words(shop, files):
    rows = rows_of(files["zh"], "变化")
    assert len(rows) == len(shop.changes)
    values = pd.Series([row["差值"].value for row in rows], dtype=float)
    pd.testing.assert_series_equal(values, shop.changes["difference"], check_names=False, rtol=1e-14)
    words = {
        label(f"report.verdict_{v}", "zh") for v in ("higher", "lower", "unchanged", "not_compared", "better")
    }
    assert {row["判断"].value for row in rows} & words


def test_definitions_cover_every_metric_and_variant_with_settings_filled_in(shop, files):
    rows = rows_of(files["en"], "Definitions")
    records = [m for metric in shop.book.catalogue.metrics.values() for m in metric.all_variants()]
    assert [(r["Metric id"].value, r["Definition id"].value) for r in rows] == [
        (m.id, m.variant) for m in records
    ]
    opening = next(row for row in rows if row["Metric id"].value == "opening_customers")
    assert "60 days" in opening["Meaning"].value  # the shop's activity window
    assert not [row["Meaning"].value for row in rows if "$" in row["Meaning"].value]


def test_data_quality_counts_the_rows_read_and_kept(files):
    told = {
        (r["Table"].value, r["What became of the rows"].value): r["Rows"].value
        for r in rows_of(files["en"], "Data quality")
    }
    kept = [
        rows
        for (table, what), rows in told.items()
        if table.startswith("Orders") and what in ("Read", "Kept")
    ]
    assert kept == [16, 16]  # 6 × 2 + 4 orders


def test_every_identity_is_listed(shop, files):
    rows = rows_of(files["en"], "Identities")
    assert len(rows) == len(shop.identities) and {row["Result"].value for row in rows} == {"holds"}


@pytest.mark.parametrize(
    ("value", "unit", "language", "expected"),
    [
        (1234.5, "money", "zh", '"€"#,##0'), (-12.5, "money", "en", '"€"#,##0.00'), (0.5, "percent", "en", "0.0%"),
        (0.5, "duration", "en", "[h]:mm:ss"), (3.0, "days", "en", "#,##0"), (3.25, "number", "en", "#,##0.00"),
        (None, "money", "en", '"€"#,##0.00'), (None, "date", "zh", 'yyyy"年"m"月"d"日"'),
        (1.2, "points", "zh", '+0.0"个百分点";-0.0"个百分点";0.0"个百分点"'),
    ],
)  # fmt: skip
def test_a_format_fits_the_unit_and_has_the_decimals_of_the_page(value, unit, language, expected):
    assert number_format(value, unit, "EUR", language) == expected


def test_durations_are_written_as_excel_counts_them():
    assert excel._cell(90_061, "duration") == pytest.approx(1 + 3661 / 86_400, rel=1e-15)  # 25:01:01
    assert excel._cell(-1800, "hours") == -0.5
    assert excel._cell(0.012, "points") == pytest.approx(1.2)


# --- customers and their names --------------------------------------------------------------------


def test_customers_are_the_value_frame_with_real_dates_and_ids_as_texts(shop, files):
    rows = rows_of(files["en"], "Customers")
    assert [row["Customer"].value for row in rows] == shop.customers["customer_id"].tolist()
    assert [row["First order"].value for row in rows] == shop.customers[
        "first_order_on"
    ].dt.to_pydatetime().tolist()
    assert (
        isinstance(rows[0]["First order"].value, datetime)
        and rows[0]["First order"].number_format == "d mmm yyyy"
    )
    values = pd.Series([row["Predicted value"].value for row in rows], dtype=float)
    pd.testing.assert_series_equal(values, shop.customers["predicted_clv"], check_names=False, rtol=1e-14)
    assert isinstance(rows[0]["Bought once"].value, bool)


@in_each_language
def test_no_text_is_a_formula_neither_here_nor_when_saved_as_csv_again(files, language):
    workbook = openpyxl.load_workbook(files[language])
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    saved = io.StringIO()
    csv.writer(saved).writerows(
        [cell.value for cell in row] for row in workbook[SHEETS[language][5]].iter_rows()
    )
    texts = [text for row in csv.reader(io.StringIO(saved.getvalue())) for text in row]
    hostile = [text for text in texts if text.startswith(("=", "+", "@", "\t", "\r", "-", "＝"))]
    assert [text for text in hostile if not text.lstrip("-").replace(".", "").isdigit()] == []
    with zipfile.ZipFile(files[language]) as parts:
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name)]


def test_names_stay_as_they_are_behind_the_apostrophe(shop, files):
    names = {row["Customer"].value: row["Name"].value for row in rows_of(files["en"], "Customers")}
    assert names["k0"] == "'" + FORMULA
    assert names["k3"] == "'@SUM(A1)" and names["k5"] == "\ufffd=1+1"
    assert names["n0"] == "林🙂" and names["n1"] is None


@pytest.mark.parametrize("code", [0x00, 0x0B, 0x1F, 0xD800, 0xFFFE, 0xFFFF])
def test_what_no_file_can_hold_is_replaced_and_never_uncovers_a_formula(code):
    assert safe_text(chr(code) + "=1+1") == ("\ufffd=1+1", False)


def test_a_text_that_looks_like_an_escape_is_read_back_as_it_was(shop, tmp_path):
    said = {
        "k0": "_x0041_",
        "k1": "a\x08b",
        "k2": "two\nlines",
        "k3": "<&>\"'",
        "k4": "http://x.example",
        "k5": "007",
    }
    rows = rows_of(write_excel(named(shop, said), tmp_path / "a.xlsx", "en"), "Customers")
    read = {row["Customer"].value: row["Name"] for row in rows}
    assert read["k0"].value in ("_x0041_", "_x005F_x0041_")  # the escape, which not every reader undoes
    assert [read[key].value for key in ("k1", "k2", "k3", "k4", "k5")] == [
        "a\ufffdb",
        *list(said.values())[2:],
    ]
    assert read["k4"].hyperlink is None and read["k5"].data_type == "s"


def named(shop: Results, names: dict[str, str]) -> Results:
    customers = shop.customers.assign(customer_name=shop.customers["customer_id"].map(names))
    return Results(shop.book, shop.frames | {"customers": customers})


def test_a_name_longer_than_a_cell_is_cut_and_the_sheet_says_so(shop, tmp_path):
    path = write_excel(named(shop, {"k0": "名" * 40_000}), tmp_path / "long.xlsx", "en")
    name = next(row["Name"].value for row in rows_of(path, "Customers") if row["Customer"].value == "k0")
    assert len(name) == 32_767 and name.endswith("名…")
    note = openpyxl.load_workbook(path)["Customers"]["A2"].value
    assert note == "Texts cut because a cell holds 32,767 characters: 1."


def test_an_emoji_counts_as_two_and_is_not_cut_in_half():
    text, is_cut = safe_text("a" + "🙂" * 20_000)  # 40,001 units of UTF-16
    assert is_cut and text == "a" + "🙂" * 16_382 + "…"  # 1 + 32,764 + 1: one more would be half an emoji


def test_more_customers_than_a_sheet_has_rows_are_said_to_be_left_out(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "SHEET_ROWS", 3 + 7)
    path = write_excel(shop, tmp_path / "many.xlsx", "en")
    assert [row["Customer"].value for row in rows_of(path, "Customers")] == shop.customers[
        "customer_id"
    ].tolist()[:7]
    note = openpyxl.load_workbook(path)["Customers"]["A2"].value
    assert note.startswith("A sheet holds 7 rows: these are the first of 10.")


def test_what_is_no_number_is_an_empty_cell(shop, tmp_path):
    values = shop.customers["predicted_clv"].copy()
    values.iloc[:3] = [float("nan"), float("inf"), float("-inf")]
    customers = shop.customers.assign(predicted_clv=values)
    path = write_excel(Results(shop.book, shop.frames | {"customers": customers}), tmp_path / "a.xlsx", "en")
    read = [row["Predicted value"].value for row in rows_of(path, "Customers")]
    assert read[:3] == [None] * 3 and all(value > 0 for value in read[3:])


# --- the file -------------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_bytes_dated_at_the_periods_end(shop, files, tmp_path):
    again = write_excel(shop, tmp_path / "again.xlsx", "en")
    assert again.read_bytes() == files["en"].read_bytes()
    assert openpyxl.load_workbook(again).properties.created == datetime(2025, 1, 1)


def test_a_failing_write_leaves_the_older_file_and_nothing_beside_it(shop, tmp_path, monkeypatch):
    path = tmp_path / "kpis.xlsx"
    path.write_bytes(b"older")

    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(excel, "_draw_lines", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        write_excel(shop, path, "en")
    assert path.read_bytes() == b"older" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_or_an_open_file_is_an_error_that_says_what_to_do(shop, tmp_path, monkeypatch):
    path = tmp_path / "kpis.xlsx"
    path.write_bytes(b"older")

    def is_open(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", is_open)
    with pytest.raises(
        InputError, match=r"kpis\.xlsx cannot be written: Permission denied; close it where it is open"
    ):
        write_excel(shop, path, "en")
    assert path.read_bytes() == b"older" and list(tmp_path.iterdir()) == [path]


def test_a_path_that_is_a_folder_or_below_a_file_or_no_workbook_is_an_error(shop, tmp_path):
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "file").write_text("")
    for path in ("folder.xlsx", "file/kpis.xlsx"):
        with pytest.raises(ExcelError, match="cannot be written"):
            write_excel(shop, tmp_path / path, "en")
    with pytest.raises(ExcelError, match="ending in .xlsx"):
        write_excel(shop, tmp_path / "kpis.xls", "en")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.xlsx"]


@in_each_language
def test_a_company_without_orders_has_its_sheets_all_the_same(open_orders, tmp_path, language):
    results = measure_suite(open_orders([], "2024Q4", model_draws=20))
    workbook = openpyxl.load_workbook(write_excel(results, tmp_path / "empty.xlsx", language))
    assert workbook.sheetnames == SHEETS[language]
    assert workbook[SHEETS[language][5]]["A2"].value == label("excel.note_no_rows", language)
    status = label("excel.status_not_measured", language)
    assert status in [cell.value for row in workbook.worksheets[0].iter_rows() for cell in row]


@in_each_language
def test_a_period_that_has_not_begun_is_said_to_have_no_day(open_orders, tmp_path, language):
    results = measure_suite(open_orders(orders(), "2025Q3", data_through=date(2024, 12, 31), model_draws=20))
    sheet = openpyxl.load_workbook(write_excel(results, tmp_path / "ahead.xlsx", language)).worksheets[0]
    assert label("excel.no_days", language) in sheet["A1"].value
    assert label("scorecard.nothing_yet", language) in sheet["A2"].value


def test_the_command_writes_beside_the_reports_unless_told_otherwise(shop, tmp_path):
    words = ["excel", "--params", str(shop.book.params.path), "--period", "2024Q4"]
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code == 0, outcome.output
    expected = shop.book.params.root / "reports" / "company" / "company_2024Q4_en.xlsx"
    assert Path(outcome.stdout.strip()) == expected == workbook_path(shop.book, "en") and expected.is_file()
    told = CliRunner().invoke(app, [*words, "--language", "zh", "--out", str(tmp_path / "x" / "kpis.xlsx")])
    assert told.exit_code == 0
    assert openpyxl.load_workbook(tmp_path / "x" / "kpis.xlsx").sheetnames == SHEETS["zh"]
    wrong = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "kpis.csv")])
    assert wrong.exit_code == 2 and not (tmp_path / "kpis.csv").exists()


def test_chinese_sheets_hold_no_english_words_of_ours(files):
    english = {"measured", "not measured", "higher", "lower", "default definition", "holds", "count", "share"}
    assert english.isdisjoint(texts_of(files["zh"]))


def test_groups_have_the_names_of_the_settings_beside_their_words_in_the_data(
    shop, files, with_names, tmp_path
):
    names = {"high": {"zh": "头部客户"}, "low": {"zh": FORMULA}}
    path = write_excel(with_names(shop, value_band=names), tmp_path / "named.xlsx", "zh")
    own, plain = (rows_of(each, "全部指标数据") for each in (path, files["zh"]))
    word, name, value = (label(f"excel.{key}", "zh") for key in ("group_id", "group", "value"))
    called = {row[word].value: row[name].value for row in own}
    assert called["high"] == "头部客户" and called["middle"] == "中价值"
    assert called["low"] == "'" + FORMULA and {row[name].data_type for row in own} <= {
        "s",
        "n",
    }  # text, no formula
    assert [row[value].value for row in own] == [row[value].value for row in plain]
    assert "头部客户" in {row["价值分层"].value for row in rows_of(path, "客户")}
