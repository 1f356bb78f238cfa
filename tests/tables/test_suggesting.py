"""A file that cannot be read as the settings have it: what is suggested reads it, and nothing is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from analysis.cli import app
from analysis.params import TableSource, load_params
from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_quality
from analysis.tables.suggesting import (
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
    assert [codes[0] for codes in found.currencies] == ["USD"]
    assert found.doubtful == ("Date",)
    said = " ".join(found.notes("EUR"))
    assert "the setting currency is EUR" in said and "whether days or months come first" in said
    assert not any("currency" in note for note in found.notes("USD"))


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


# --- What may be meant otherwise is asked -----------------------------------------------------------------------


def looked_at(tmp_path: Path, text: str | bytes, name: str = "file.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return recognise(file, str(file))


def kept(tmp_path: Path, found, **settings) -> tuple[int, float]:
    """Rows and amount kept under the settings suggested."""
    file = tmp_path / "suggested.yml"
    values = {"company": "T", "currency": "EUR", "tables": {found.table: found.values}, **settings}
    file.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    row = read_quality(prepare(load_params(file))).set_index("stage").loc["kept"]
    return row["rows"], row["amount"]


def test_orders_in_french_are_read_and_their_total_is_passed_over(tmp_path):
    text = (
        "N° de commande;N° client;Nom du client;Date de commande;Montant TTC;Statut\n"
        "1;C1;Zoé;17/04/2026;1\u00a0250,00 €;Payée\n2;C2;Gaël;18/04/2026;75,50 €;Annulée\n"
        "Total général;;;;1\u00a0325,50 €;\n"
    )
    found = looked_at(tmp_path, text.encode("cp1252"))
    assert found.values["columns"]["customer_id"] == "N° client"  # not the name
    assert found.values["cancelled_when"] == "status = 'Annulée'"
    assert "Payée" in " ".join(found.asked("en"))  # whether that counts is for the reader to say
    assert kept(tmp_path, found) == (2, 1325.50)


def test_a_customer_called_total_is_no_total(tmp_path):
    rows = "1,Total Energies,2026-04-17,9,paid\n2,Bob,2026-04-18,7,paid\n3,Total Energies,2026-04-19,5,paid\n"
    assert (
        "ignore_when" not in looked_at(tmp_path, f"Order ID,Customer,Order Date,Total,Status\n{rows}").values
    )


def test_words_and_headings_that_sql_minds_can_be_put_into_a_condition(tmp_path):
    found = looked_at(tmp_path, "Order,Date,Total,Status\n1,2026-04-17,9,ok\nTotal of '26,,9,\n")
    assert found.values["ignore_when"] == "\"Order\" = 'Total of ''26'"  # Order is a word of SQL
    assert kept(tmp_path, found) == (1, 9)


def test_amounts_in_cents_and_instants_as_numbers_are_read_as_what_they_are(tmp_path):
    import pandas as pd

    rows = {"order_id": [1, 2], "customer_id": [7, 8], "created_at": [1776420000000, 1776506400000],
            "amount_cents": [12050, -50]}  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "orders.parquet", index=False)
    found = recognise(tmp_path / "orders.parquet", "orders.parquet")
    assert found.values["columns"]["ordered_at"] == {"column": "created_at", "format": "epoch_ms"}
    assert found.values["columns"]["amount"] == {"column": "amount_cents", "multiply_by": 0.01}
    assert "multiplied by 0.01" in " ".join(found.asked("en"))
    assert kept(tmp_path, found) == (2, 120.0)  # 120.50 and a return of 0.50


def test_a_column_that_says_the_contrary_is_turned_round(tmp_path):
    header = "Issue key,Organization,Created,Resolved,SLA breached,Time to first response,Due date\n"
    row = "S-1,Acme,2026-04-17T09:00:00.000-0500,2026-04-17T10:00:00.000-0500,true,2h 5m,2026-04-18\n"
    found = looked_at(tmp_path, header + row)
    columns = found.values["columns"]
    assert found.table == "tickets"
    assert columns["is_within_sla"] == {"column": "SLA breached", "values": {"true": "no"}}
    assert not {"first_replied_at", "due_at"} & set(columns)  # a duration, and a day: neither is an instant
    assert {"Time to first response", "Due date"} <= set(found.unused)


def test_rows_of_which_several_make_an_order_are_lines(tmp_path):
    rows = "1,ann,2026-04-17,P1,9.50\n1,ann,2026-04-17,P2,3.00\n2,bob,2026-04-18,P1,9.50\n"
    found = looked_at(tmp_path, f"Order ID,Customer,Order Date,Product,Amount\n{rows}")
    assert found.values["given_as"] == "lines"
    assert kept(tmp_path, found)[1] == 22.0
    assert "line of an order" in " ".join(found.asked("en"))


def test_contracts_that_nothing_numbers_are_numbered_and_their_value_is_asked_about(tmp_path):
    text = "Account Name,Start,End,Renewed,Value\nAcme,04/17/2025,04/17/2026,,900\n"
    found = looked_at(tmp_path, text, "subscriptions.csv")
    assert found.table == "contracts"
    assert found.values["columns"]["contract_id"] == {"row_number": True}
    asked = " ".join(found.asked("en"))
    assert "yearly_value is taken from 'Value'" in asked and "stand there twice count twice" in asked


def test_contracts_that_name_their_last_day_end_the_day_after(tmp_path):
    # of three years and a half-year, all but one end the day before the day on which they began
    rows = "1,a,2025/4/1,2026/3/31\n2,b,2025/4/1,2025/9/30\n3,c,2024/2/29,2025/2/28\n4,d,2025/7/10,2026/7/9\n"
    found = looked_at(tmp_path, f"合同编号,客户编号,开始日期,到期日期\n{rows}", "合同.csv")
    assert found.values["columns"]["ends_on"] == {
        "column": "到期日期",
        "format": "%Y/%m/%d",
        "last_day": True,
    }
    assert "names the last day" in " ".join(found.asked("en"))


def test_contracts_that_name_the_day_after_stay_so_and_nothing_is_asked(tmp_path):
    text = "合同编号,客户编号,开始日期,到期日期\n1,a,2025/4/1,2026/4/1\n2,b,2025/5/20,2025/11/20\n"
    found = looked_at(tmp_path, text, "合同.csv")
    assert found.values["columns"]["ends_on"] == {"column": "到期日期", "format": "%Y/%m/%d"}
    assert "last_day" not in " ".join(found.asked("en"))


def test_where_no_contract_shows_whether_it_names_its_last_day_it_is_asked(tmp_path):
    text = "合同编号,客户编号,开始日期,到期日期\n1,a,2025/4/1,2026/3/20\n2,b,2025/5/20,2025/11/2\n"
    found = looked_at(tmp_path, text, "合同.csv")
    assert "last_day" not in found.values["columns"]["ends_on"]
    assert "set last_day: true" in " ".join(found.asked("en"))


def test_deals_are_won_and_lost_by_their_stage_and_closed_only_then(tmp_path):
    rows = "D1,Acme,900,Closed Won,04/17/2026,05/20/2026\nD2,Bolt,50,Proposal,04/18/2026,12/24/2026\n"
    text = f"Deal ID,Company,Amount,Stage,Created,Close date\n{rows}D3,Cid,70,Closed Lost,04/19/2026,05/01/2026\n"
    found = looked_at(tmp_path, text, "deals.csv")
    columns = found.values["columns"]
    assert found.table == "opportunities"
    words = {"Closed Lost": "lost", "Closed Won": "won", "Proposal": ""}
    assert (columns["stage"], columns["outcome"]) == ("Stage", {"column": "Stage", "values": words})
    assert columns["closed_at"]["only_with"] == "outcome"  # the day of what is open is a plan
    asked = " ".join(found.asked("en"))
    assert "Closed Won → won" in asked and "also says Proposal: there, outcome stays empty" in asked


def test_costs_by_months_and_in_words_of_others_are_read(tmp_path):
    text = "月份,费用类型,金额（万元）\n2026-04,市场费用,1.5\n2026-05,销售费用,2\n2026-05,房租,3\n"
    found = looked_at(tmp_path, text, "费用.csv")
    assert found.values["columns"]["spent_on"] == {"column": "月份", "format": "%Y-%m"}
    assert found.values["columns"]["kind"]["values"] == {"市场费用": "marketing", "销售费用": "sales"}
    assert "also says 房租, of which it is not known" in " ".join(
        found.asked("en")
    )  # rejected till somebody says it


def test_a_list_of_rates_is_one(tmp_path):
    text = "currency,valid_from,rate_to_eur\nUSD,01.12.2025,0.86\nUSD,15.01.2026,0.9\n"
    found = looked_at(tmp_path, text, "fx_rates.csv")
    assert found.table == "rates"
    assert list(found.values["columns"]) == ["currency", "valid_from", "rate"]


def test_a_choice_between_two_columns_and_one_mostly_empty_are_pointed_out(tmp_path):
    rows = "1,,2026-04-17,9,8\n2,bob,2026-04-18,7,6\n"
    asked = " ".join(
        looked_at(tmp_path, f"Order ID,Customer,Order Date,Total,Net amount\n{rows}").asked("en")
    )
    assert "amount is taken from 'Total'; it could also be: Net amount" in asked
    assert "'Customer' is empty in 50%" in asked


def test_a_status_that_is_not_mapped_and_a_heading_that_stands_twice_are_pointed_out(tmp_path):
    rows = "1,ann,2026-04-17,2026-04-19,9,Cancelled\n2,bob,2026-04-18,2026-04-19,7,ok\n"
    asked = " ".join(looked_at(tmp_path, f"Order ID,Customer,Date,Date,Total,Zustand\n{rows}").asked("en"))
    assert "'Zustand' says Cancelled, and is not used" in asked
    assert "more than one column is called Date" in asked


def test_a_heading_merged_with_the_cell_above_is_found_there(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    rows = [["销售明细"], ["单据", None, None, "金额", "状态"], ["单据编号", "单据日期", "客户编码", "价税合计", None],
            ["X1", "2026年4月17日", "K1", "1,234.50元", "已审核"], ["X2", "2026年4月18日", "K2", "20.00元", "已作废"],
            ["合计", None, None, "1,254.50元", None]]  # fmt: skip
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "sales.xlsx")
    found = recognise(tmp_path / "sales.xlsx", "sales.xlsx")
    assert found.values["columns"]["status"] == "状态"
    assert found.values["cancelled_when"] == "status = '已作废'"
    assert kept(tmp_path, found, currency="CNY") == (2, 1254.50)


def test_words_that_may_mean_called_off_are_asked_about_and_not_taken_for_it(tmp_path):
    rows = "1,ann,2026-04-17,9,已关闭\n2,bob,2026-04-18,7,已审核\n"  # closed: delivered, or given up
    found = looked_at(tmp_path, f"订单号,客户编号,下单日期,金额,订单状态\n{rows}")
    assert "cancelled_when" not in found.values
    assert "已关闭" in " ".join(found.asked("zh"))


def test_a_currency_column_says_the_currency(tmp_path):
    found = looked_at(
        tmp_path, "Order,Customer,Date,Total,Currency\n1,a,2026-04-17,9,usd\n2,b,2026-04-17,9,USD\n"
    )
    assert found.currencies == (("USD",),)


def test_every_question_has_words_in_both_languages():
    from analysis.catalogue import read_yaml
    from analysis.tables import suggesting, wide_surveys

    code = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (suggesting, wide_surveys))
    asked = set(re.findall(r'yield "([a-z_]+)"', code))
    asked |= set(re.findall(r'\(\s*"([a-z_]+)",\s*\{"(?:column|files)"', code))
    asked |= set(re.findall(r'"(\w+)" if construct .* else "(\w+)"', code)[0])
    asked |= set(re.findall(r'yield "\w+" if \w+ else "(\w+)"', code))  # the second of two
    asked |= set(re.findall(r'key = "(\w+)" if .* else "(\w+)"', code)[0])
    words = read_yaml("labels/suggesting.yml")
    assert asked == set(words)
    assert all(re.search("[\u4e00-\u9fff]", one["zh"]) for one in words.values())


def test_two_files_of_the_same_columns_are_one_table(tmp_path):
    header = "Order ID,Customer,Order Date,Total\n"
    first = looked_at(tmp_path, header + "1,ann,2026-04-17,9.00\n", "april.csv")
    second = looked_at(tmp_path, header + '2,bob,2026-05-17,"1,200.00"\nTotal,,,\n', "may.csv")
    both = first.joined_with(second)
    assert len(both.values["file"]) == 2
    assert kept(tmp_path, both) == (2, 1209.0)
