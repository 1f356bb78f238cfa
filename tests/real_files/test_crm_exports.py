"""Exports of customer management systems, read by their presets in `params/sources/`.

The files are written here, in the form those exports have: byte-order mark, CRLF, quoted line breaks, days and money
written in several ways, and names that would run as formulas or scripts.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.facts import Book, open_book
from analysis.params import load_params
from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_quality

SOURCES = Path(__file__).resolve().parents[2] / "params" / "sources"
EXPORTS = [
    (f"{file.stem}.{language}/{export}", preset["table"])
    for file in sorted(SOURCES.glob("*.yml"))
    for language, exports in yaml.safe_load(file.read_text(encoding="utf-8")).items()
    for export, preset in exports.items()
]
FORMULA, SCRIPT = '=HYPERLINK("http://x","pay")', "<script>alert('甲')</script>"
LONG = 'wants it "soon",\r\nand cheap;\n很急'


def company(root: Path, tables: dict, **settings) -> Path:
    path = root / "params" / "company.yml"
    path.parent.mkdir(exist_ok=True)
    values = {"company": "Test", "currency": "CNY", "time_zone": "Asia/Shanghai", "tables": tables} | settings
    path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def export(root: Path, header: list[str], *rows: tuple, to: str = "export.csv") -> str:
    """A CSV as these systems write it; its name below the project."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    (root / to).write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    return to


def read(root: Path, table: str, like: str, header: list[str], *rows: tuple, **own) -> Book:
    source = {"like": like, "file": export(root, header, *rows)} | own
    return open_book(company(root, {table: source}), "2026Q3")


def fact(book: Book, name: str, key: str) -> pd.DataFrame:
    return book.ask(f"select * from {name}").set_index(key)


def quality(book: Book, table: str) -> dict:
    """Rows by stage and rule, read from the prepared tables."""
    rows = read_quality(prepare(book.params))
    rows = rows[(rows["table"] == table) & (rows["stage"] != "note")]
    rules = [None if pd.isna(rule) else rule for rule in rows["rule"]]
    return dict(zip(zip(rows["stage"], rules, strict=True), rows["rows"].tolist(), strict=True))


# --- Every preset -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", sorted({like.partition("/")[0] for like, _ in EXPORTS}))
@pytest.mark.parametrize("leads", [False, True])
def test_every_preset_reads_a_file_that_has_its_columns_and_no_rows(tmp_path, system, leads):
    """Of leads and deals, which fill the same table, one at a time."""
    own = [one for one in EXPORTS if one[0].startswith(f"{system}/")]
    own = [one for one in own if one[1] != "opportunities" or one[0].endswith("/leads") == leads]
    tables = {table: {"like": like, "file": f"{table}.csv"} for like, table in own}
    params = load_params(company(tmp_path, tables))
    for table, source in params.settings.tables.items():
        header = dict.fromkeys(name for column in source.columns.values() for name in column.column)
        export(tmp_path, list(header), to=f"{table}.csv")
    rows = {file: one["rows"] for file, one in prepare(params).inputs.items()}
    assert rows == {"opportunities.csv": 0, "customers.csv": 0, "tickets.csv": 0}


def test_each_language_has_the_same_exports_which_fill_the_same_columns():
    for file in SOURCES.glob("*.yml"):
        presets = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(presets) == {"en", "zh"}
        filled = [
            {name: (one["table"], sorted(one["columns"])) for name, one in presets[language].items()}
            for language in ("en", "zh")
        ]
        assert filled[0] == filled[1] and len(filled[0]) == 4


def test_every_column_of_a_preset_says_where_its_name_stands():
    for file in SOURCES.glob("*.yml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        letters = {
            line[4] for line in lines if line.startswith("#   ") and line[4] != " " and line[5:7] == "  "
        }
        inside = [line for line in lines if line.startswith("      ") and line[6] != " "]
        for line in inside:
            if line.endswith((":", "[")):
                continue  # its comment stands where it ends
            cited = line.partition(" # ")[2]
            assert cited and cited[0] in letters, line


# --- Deals ------------------------------------------------------------------------------------------------------

# in this order: id, owner, money, closing day, customer, stage, status, source, reason, created, words
DEALS = {
    "zoho_crm.en/deals": (
        "Record Id,Deal Owner.id,Amount,Closing Date,Account Name.id,Stage,Type,Lead Source,Reason For Loss,"
        "Created Time,Description",
        {"won": "Closed Won", "lost": "Closed Lost", "open": "Negotiation/Review"},
        {},
    ),
    "zoho_crm.zh/deals": (
        "记录 ID,商机所有者.id,金额,成交日期,客户名称.id,阶段,类型,线索来源,丢单原因,创建时间,说明",
        {"won": "已成交-赢得", "lost": "已关闭-丢失", "open": "谈判/审查"},
        {},
    ),
    "fxiaoke.zh/opportunities": (
        "商机名称,负责人,商机金额,阶段变更时间,客户名称,销售阶段,商机状态,来源,输单原因,创建时间,备注",
        {"won": "签约", "lost": "方案", "open": "谈判"},
        {"won": "赢单", "lost": "输单", "open": "进行中"},
    ),
    "fxiaoke.en/opportunities": (
        "Opportunity Name,Owner,Opportunity Amount,Stage Changed Time,Account Name,Sales Stage,Opportunity Status,"
        "Source,Lost Reason,Created Time,Remark",
        {"won": "Signing", "lost": "Proposal", "open": "Negotiation"},
        {"won": "Close Won", "lost": "Close Lost", "open": "In Progress"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("like", DEALS)
def test_deals_are_read_in_the_words_of_either_language(tmp_path, like):
    header, stages, statuses = DEALS[like]

    def deal(number, money, closes, customer, outcome, reason, created, words=""):
        stage, status = stages[outcome], statuses.get(outcome, "New Business")
        return (number, "u1", money, closes, customer, stage, status, "Web", reason, created, words)

    book = read(
        tmp_path, "opportunities", like, header.split(","),
        deal("d1", "￥1,200.00", "2026-08-15", FORMULA, "won", "", "2026-07-01 09:00:00", LONG),
        deal("d2", "¥ 2,500", "2026/8/3", SCRIPT, "won", "", "2026/7/3"),
        deal("d3", "800.5", "30/09/2026", "Fried & 兄弟, Ltd", "lost", "Price", "30/07/2026 14:05"),
        deal("d4", "CNY 1,000,000.00", "2031-03-01", "", "open", "", "2026-09-30 14:05"),  # a plan far ahead
    )  # fmt: skip
    rows = fact(book, "opportunities", "opportunity_id")
    assert quality(book, "opportunities")["kept", None] == len(rows) == 4
    assert rows["value"].to_dict() == {"d1": 1200, "d2": 2500, "d3": 800.5, "d4": 1_000_000}
    assert rows.loc[rows["is_won"], "won_value"].sum() == 3700  # 1,200 + 2,500
    assert rows[["is_won", "is_lost", "is_open"]].sum().to_dict() == {"is_won": 2, "is_lost": 1, "is_open": 1}
    assert rows["stage"].tolist() == [stages[one] for one in ("won", "won", "lost", "open")]
    assert rows.loc["d3", ["lost_reason", "acquisition_channel", "account_manager_id"]].tolist() == [
        "Price",
        "Web",
        "u1",
    ]
    assert pd.to_datetime(rows["closed_on"]).dt.date.tolist()[:3] == [
        date(2026, 8, 15), date(2026, 8, 3), date(2026, 9, 30)
    ]  # fmt: skip
    assert pd.isna(rows.loc["d4", ["closed_at", "closed_on", "customer_id"]]).all()
    assert rows["cycle_days"].dropna().to_dict() == {
        "d1": 45,
        "d2": 31,
    }  # 1 July to 15 August, 3 July to 3 August
    # 14:05 in Shanghai is 06:05 in Greenwich
    assert rows.loc["d4", "created_at"] == pd.Timestamp("2026-09-30 06:05")
    assert rows["customer_id"].tolist()[:3] == [FORMULA, SCRIPT, "Fried & 兄弟, Ltd"]


@pytest.mark.parametrize(("like", "status"), [
    ("fxiaoke.zh/opportunities", "无效"), ("fxiaoke.en/opportunities", "Invalid"),
])  # fmt: skip
def test_an_opportunity_that_was_none_is_passed_over_and_counted(tmp_path, like, status):
    header, stages, statuses = DEALS[like]
    rows = [
        (number, "", "1", "2026-08-01", "c", stages["won"], word, "", "", "2026-07-01", "")
        for number, word in (("d1", statuses["won"]), ("d2", status))
    ]
    book = read(tmp_path, "opportunities", like, header.split(","), *rows)
    assert quality(book, "opportunities") == {
        ("read", None): 2, ("ignored", "opportunities.ignored"): 1, ("kept", None): 1,
    }  # fmt: skip


def test_a_stage_of_the_companys_own_is_refused_by_name_until_it_says_what_it_means(tmp_path):
    header, _, _ = DEALS["zoho_crm.en/deals"]
    rows = [
        ("d1", "", "10", "2026-08-01", "c", "Contract signed", "", "", "", "2026-07-01", ""),
        ("d2", "", "20", "2030-08-01", "c", "Trial", "", "", "", "2026-07-01", ""),
        ("d3", "", "40", "2026-08-01", "c", "Closed Won", "", "", "", "2026-07-01", ""),
    ]
    with pytest.raises(TablesError, match=r"outcome.not_allowed, found 'Contract signed'"):
        read(tmp_path, "opportunities", "zoho_crm.en/deals", header.split(","), *rows)
    own = {"outcome": {"values": {"Contract signed": "won", "Trial": ""}}}
    book = read(tmp_path, "opportunities", "zoho_crm.en/deals", header.split(","), *rows, columns=own)
    opportunities = fact(book, "opportunities", "opportunity_id")
    assert opportunities.loc[opportunities["is_won"], "value"].to_dict() == {"d1": 10, "d3": 40}
    assert opportunities.loc["d2", "is_open"]


def test_an_export_that_lacks_a_column_says_which_and_null_leaves_it_out(tmp_path):
    header = "Record Id,Closing Date,Account Name,Stage,Created Time"
    row = ("d1", "2026-08-01", "Acme", "Closed Won", "2026-07-01")
    with pytest.raises(
        TablesError, match=r"there is no column 'Account Name.id'; did you mean 'Account Name'"
    ):
        read(tmp_path, "opportunities", "zoho_crm.en/deals", header.split(","), row)
    lacking = ("value", "lost_reason", "acquisition_channel", "account_manager_id")
    own = dict.fromkeys(lacking) | {"customer_id": "Account Name"}
    book = read(tmp_path, "opportunities", "zoho_crm.en/deals", header.split(","), row, columns=own)
    [kept] = book.ask("select customer_id, is_won, value from opportunities").to_dict("records")
    assert (kept["customer_id"], kept["is_won"]) == ("Acme", True) and pd.isna(kept["value"])


# --- Leads ------------------------------------------------------------------------------------------------------

LEADS = {  # id, owner, customer, source, status, converted, reason, created, changed
    "zoho_crm.en/leads": (
        "Record Id,Lead Owner.id,Converted Account.id,Lead Source,Lead Status,Is Converted,Rating,Created Time,"
        "Modified Time",
        [("Contacted", "true"), ("Junk Lead", "false"), ("Contact in Future", "false"), ("-None-", "false")],
    ),
    "zoho_crm.zh/leads": (
        "记录 ID,线索所有者.id,转换的客户.id,线索来源,线索状态,已转换,评级,创建时间,修改时间",
        [("已联系", "true"), ("垃圾线索", "false"), ("将来联系", "false"), ("-无-", "false")],
    ),
    "fxiaoke.zh/leads": (
        "线索编号,负责人,客户,来源,状态,线索池,线索无效原因,创建时间,最后修改时间",
        [("已转换", ""), ("无效", ""), ("跟进中", ""), ("未分配", "")],
    ),
    "fxiaoke.en/leads": (
        "Lead Number,Owner,Account,Source,Status,Lead Pool,Invalid Reason,Created Time,Last Modified Time",
        [("Converted", ""), ("Invalid", ""), ("Following up", ""), ("Unassigned", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("like", LEADS)
def test_a_converted_lead_is_won_one_given_up_is_lost_and_the_others_are_open(tmp_path, like):
    header, states = LEADS[like]
    rows = [
        (f"l{i}", "u1", "a1", "Web", status, converted, "", "2026-07-01 08:00", "2026-07-11 08:00")
        for i, (status, converted) in enumerate(states, start=1)
    ]
    leads = fact(
        read(tmp_path, "opportunities", like, header.split(","), *rows), "opportunities", "opportunity_id"
    )
    assert leads["is_won"].tolist() == [True, False, False, False]
    assert leads["is_lost"].tolist() == [False, True, False, False]
    assert leads["cycle_days"].dropna().to_dict() == {"l1": 10}
    assert leads["closed_on"].notna().tolist() == [True, True, False, False]


# --- Customers and tickets ----------------------------------------------------------------------------------------

ACCOUNTS = {  # id, name, type, industry, region, created, source; a system without ids has the name in their place
    "zoho_crm.en/accounts": "Record Id,Account Name,Account Type,Industry,Billing Country,Created Time,Phone",
    "zoho_crm.zh/accounts": "记录 ID,客户名称,客户类型,行业,账单国家,创建时间,电话",
    "fxiaoke.zh/accounts": "编号,客户名称,客户级别,行业,省,创建时间,来源",
    "fxiaoke.en/accounts": "Number,Account Name,Account Level,Industry,Province,Created Time,Source",
}


@pytest.mark.parametrize("like", ACCOUNTS)
def test_accounts_are_customers(tmp_path, like):
    rows = [
        ("a1", FORMULA, "Key", "Retail", "上海", "2026/7/1 08:30", "Web"),
        ("a2", "Acme\n(South)", "Small", "", "", "30/09/2026", ""),
    ]
    header = ACCOUNTS[like].split(",")
    source = {"like": like, "file": export(tmp_path, header, *rows)}
    prepared = prepare(load_params(company(tmp_path, {"customers": source})))
    customers = pd.read_parquet(prepared.tables["customers"]).set_index("customer_name")
    names = [FORMULA, "Acme\n(South)"]
    ids = customers.loc[names, "customer_id"].tolist()
    assert ids == (["a1", "a2"] if like.startswith("zoho") else names)
    assert customers.loc[FORMULA, ["segment", "industry", "region"]].tolist() == ["Key", "Retail", "上海"]
    assert customers.loc[names, "acquired_on"].astype(str).tolist() == ["2026-07-01", "2026-09-30"]
    assert prepared.quality[0]["rows"] == 2


CASES = {  # id, customer, created, topic, channel, priority, agent, product; the company's own: done
    "zoho_crm.en/cases": (
        "Record Id,Account Name.id,Created Time,Case Reason,Case Origin,Priority,Case Owner.id,Product Name.id,Done"
    ),
    "zoho_crm.zh/cases": (
        "服务支持编号,客户名称.id,创建时间,服务支持原因,服务支持来源,优先级,服务支持所有者.id,产品名称.id,Done"
    ),
    "fxiaoke.zh/work_orders": "工单编号,客户名称,创建时间,分类,来源,优先级,负责人,相关产品,Done",
    "fxiaoke.en/work_orders": (
        "Work Order Number,Account Name,Created Time,Category,Source,Priority,Owner,Related Product,Done"
    ),
}


@pytest.mark.parametrize("like", CASES)
def test_cases_are_tickets_and_last_until_the_companys_own_column_says(tmp_path, like):
    rows = [
        ("t1", SCRIPT, "2026-07-01 09:00", "Delivery", "Phone", "High", "u1", "p1", "2026-07-01 11:30"),
        ("t2", "c2", "2026/7/2 10:00", "Bill", "Email", "Low", "u2", "", "2026/7/3 10:00"),
        ("t3", "c3", "30/09/2026 14:05", LONG, "Web", "", "", "", ""),
    ]
    header = CASES[like].split(",")
    tickets = fact(read(tmp_path, "tickets", like, header, *rows), "tickets", "ticket_id")
    assert tickets["turnaround_seconds"].isna().all()  # nothing is made up where the export does not say
    done = {"column": "Done", "format": ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"]}
    book = read(tmp_path, "tickets", like, header, *rows, columns={"resolved_at": done})
    tickets = fact(book, "tickets", "ticket_id")
    assert tickets["turnaround_seconds"].dropna().to_dict() == {"t1": 9_000, "t2": 86_400}  # 2½ hours, a day
    assert tickets["customer_id"].tolist() == [SCRIPT, "c2", "c3"]
    assert tickets.loc["t1", ["topic", "channel", "priority", "agent_id"]].tolist() == [
        "Delivery",
        "Phone",
        "High",
        "u1",
    ]
    assert tickets.loc["t3", "topic"] == LONG
