"""A file that cannot be read as the settings have it: what is suggested reads it, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from analysis.cli import app
from analysis.params import TableSource, load_params
from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_quality
from analysis.tables.suggesting import (
    date_formats,
    match_columns,
    number_marks,
    recognise,
    suggest_source,
)

ORDER_COLUMNS = (
    "order_id",
    "customer_id",
    "ordered_at",
    "amount",
    "status",
    "currency",
    "channel",
    "category",
)

# Each file holds the same orders of 2026: 1 ann 1,250.00 on 3 April, 2 bob 75.50 on 17 May, and a total.
CHINESE = (
    "订单编号,客户名称,下单日期,订单金额（元）,订单状态\r\n"
    '1,ann,2026/4/3,"￥1,250.00",已完成\r\n2,bob,2026/5/17,￥75.50,已取消\r\n合计,,,"￥1,325.50",\r\n'
)
GERMAN = (
    "Umsatzliste\nStand 01.10.2026\n\nBelegnr;Kunde;Belegdatum;Betrag;Währung\n"
    "1;ann;03.04.2026;1.250,00 €;EUR\n2;bob;17.05.2026;75,50 €;EUR\nSumme;;;1.325,50 €;\n"
)
AMERICAN = (
    'Order ID,Customer,Order Date,Total,Sales Rep\n1,ann,04/03/2026 10:30 AM,"$1,250.00",Kim\n'
    '2,bob,05/17/2026 04:05 PM,$75.50,Lou\nGrand Total,,,"$1,325.50",\n'
)
FILES = {
    "chinese": (CHINESE.encode("gbk"), "CNY"),
    "german": (GERMAN.encode("cp1252"), "EUR"),
    "american": (AMERICAN.encode(), "USD"),
}


def company(root: Path, content: bytes, currency: str) -> Path:
    """Params of a company just begun, whose file of orders is replaced by an export."""
    outcome = CliRunner().invoke(app, ["new", "mycompany", "--root", str(root)])
    assert outcome.exit_code == 0, outcome.output
    (root / "data" / "mycompany" / "orders.csv").write_bytes(content)
    params = root / "params" / "mycompany.yml"
    params.write_text(params.read_text(encoding="utf-8").replace("currency: EUR", f"currency: {currency}"))
    return params


def pasted(message: str, params: Path) -> Path:
    """The settings once somebody has put the lines of a message in place of those of the table."""
    lines = message.split("look whether each line is true:\n\n")[1].split("\n\n")[0]
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    values["tables"] |= yaml.safe_load(lines)
    params.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return params


@pytest.mark.parametrize("name", FILES)
def test_what_is_suggested_reads_the_file(name, tmp_path):
    params = company(tmp_path, *FILES[name])
    with pytest.raises(TablesError) as refused:
        prepare(load_params(params))
    rows = read_quality(prepare(load_params(pasted(str(refused.value), params)))).set_index("stage")
    assert rows.loc["kept", "rows"] == 2
    assert rows.loc["kept", "amount"] == pytest.approx(1325.50)
    assert rows.loc["ignored", "rows"] == 1  # the total
    assert "rejected" not in rows.index
    assert ("excluded_from_revenue" in rows.index) == (name == "chinese")  # bob's is called off there


def test_settings_that_say_it_all_already_are_not_suggested_again(tmp_path):
    params = company(tmp_path, (",".join(ORDER_COLUMNS) + "\n1,ann,2026-02-30,9,,,,\n").encode(), "EUR")
    with pytest.raises(TablesError) as refused:
        prepare(load_params(params))
    assert "To start from" not in str(refused.value)
    assert "ordered_at.impossible" in str(refused.value)


def test_what_the_settings_map_to_a_column_of_the_file_stays_so(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text("Nr,Buyer,Payer,Date,Amount\n1,a,b,03/04/2026,9\n", encoding="utf-8")
    source = TableSource.model_validate({"file": str(file), "columns": {"customer_id": "Payer"}})
    found = suggest_source(file, "orders", source).values["columns"]
    assert found["customer_id"] == "Payer"


def test_amounts_in_another_currency_and_days_that_may_be_months_are_pointed_out(tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text("Order,Customer,Date,Total\n1,a,03/04/2026,$9\n2,b,05/04/2026,$7\n", encoding="utf-8")
    found = recognise(file, "sales.csv")
    assert found.currencies == ("USD",)
    assert found.doubtful == ("Date",)
    said = " ".join(found.notes("EUR"))
    assert "the setting currency is EUR" in said and "whether days or months come first" in said
    assert not any("currency" in note for note in found.notes("USD"))


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2026-04-03"], ["%Y-%m-%d"]),
        (["2026/4/3", "2026/12/31"], ["%Y/%m/%d"]),
        (["20260403"], ["%Y%m%d"]),
        (["2026年4月3日"], ["%Y年%m月%d日"]),
        (["17/04/2026"], ["%d/%m/%Y"]),
        (["04/17/2026"], ["%m/%d/%Y"]),
        (["03/04/2026"], ["%d/%m/%Y", "%m/%d/%Y"]),  # no day beyond 12: either
        (["03.04.2026 09:30"], ["%d.%m.%Y %H:%M"]),
        (["04/17/2026 04:05 PM"], ["%m/%d/%Y %I:%M %p"]),
        (["in April"], []),
        ([], []),
    ],
)
def test_the_format_of_days_is_read_off_the_cells(cells, formats):
    assert date_formats(cells) == formats


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1250.00", "75.5"], (".", None)),
        (["1,250.00"], (".", ",")),
        (["1.250,00", "75,50"], (",", ".")),
        (["75,50"], (",", None)),
        (["1 250,00"], (",", " ")),
        (["1'250.00"], (".", "'")),
        (["1250"], (".", None)),
        ([], (".", None)),
    ],
)
def test_the_marks_of_numbers_are_read_off_the_cells(cells, marks):
    assert number_marks(cells) == marks


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            ["Order No.", "Customer ID", "Order Date", "Amount (EUR)"],
            ["order_id", "customer_id", "ordered_at", "amount"],
        ),
        (["客户编号", "订单号", "实付金额", "付款时间"], ["customer_id", "order_id", "amount", "ordered_at"]),
        (["KUNDENNUMMER", "beleg_nr", "Nettobetrag"], ["customer_id", "order_id", "amount"]),
        (["Custmer ID", "Colour"], ["customer_id", None]),  # misspelt; nothing of ours
    ],
)
def test_headings_of_others_are_told_apart(theirs, ours):
    found = {name: column for column, name in match_columns(theirs, "orders", ORDER_COLUMNS).items()}
    assert [found.get(name) for name in theirs] == ours


@pytest.mark.parametrize(
    ("name", "header", "table"),
    [
        ("a.csv", "Order ID,Customer,Order Date,Total", "orders"),
        ("b.csv", "工单编号,客户编号,创建时间,解决时间,优先级", "tickets"),
        ("Customers.csv", "Account No,Company,Segment,Region", "customers"),
        ("invoice lines.csv", "Invoice No,Invoice Date,Customer,Quantity,Unit Price", "orders"),
        ("c.csv", "Contract No,Account No,Start Date,End Date,Annual Value", "contracts"),
        ("letters.csv", "a,b,c", None),
        ("one.csv", "Customer,Colour,Shape,Taste", None),  # one column of ours makes no table
    ],
)
def test_a_file_is_recognised_by_its_headings_and_its_name(name, header, table, tmp_path):
    row = ",".join(["1"] * (header.count(",") + 1))
    (tmp_path / name).write_text(f"{header}\n{row}\n", encoding="utf-8")
    found = recognise(tmp_path / name, name)
    assert (found and found.table) == table
    if name.startswith("invoice"):
        assert found.values["given_as"] == "lines"


def test_lines_above_the_header_are_passed_over_in_csv_and_excel(tmp_path):
    import openpyxl

    rows = [
        ["Sales of 2026"],
        ["made on 1 October"],
        ["no", "who", "day", "sum"],
        [1, "ann", "2026-04-03", 9.5],
    ]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "sales.xlsx")
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "sales.csv").write_text(text + "\n", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes(text.replace("ann", "ané").encode("cp1252"))
    columns = {"order_id": "no", "customer_id": "who", "ordered_at": "day", "amount": "sum"}
    for name, encoding in (("sales.xlsx", "utf-8"), ("sales.csv", "utf-8"), ("latin.csv", "cp1252")):
        orders = {"file": name, "lines_above_header": 2, "encoding": encoding, "columns": columns}
        file = tmp_path / f"{name}.yml"
        file.write_text(
            yaml.safe_dump({"company": "T", "currency": "EUR", "tables": {"orders": orders}}),
            encoding="utf-8",
        )
        quality = read_quality(prepare(load_params(file))).set_index("stage")
        assert (quality.loc["kept", "rows"], quality.loc["kept", "amount"]) == (1, 9.5), name
