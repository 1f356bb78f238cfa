"""Every declaration can be used: it resolves, compiles, runs, and says the same in both languages."""

from __future__ import annotations

import ast
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from analysis.catalogue import (
    DEFAULT,
    FAMILIES,
    Metric,
    Text,
    UnknownName,
    label,
    load_catalogue,
    nearest,
    read_yaml,
)
from analysis.facts import Book, open_book
from analysis.facts.compile import FACTS, PARAMETERISED, PER_WINDOW, fact_text, grain, settings_in
from analysis.metrics.formulas import operands
from analysis.metrics.gaps import missing_tables
from analysis.metrics.measure import measure, measured_metrics
from analysis.metrics.scans import overlaps, reaches

PROJECT = Path(__file__).resolve().parents[1]
CATALOGUE = load_catalogue()
FOLDER = files("analysis.catalogue")
RESOLVED = [metric for record in CATALOGUE.metrics.values() for metric in record.all_variants()]
BASE = yaml.safe_load((PROJECT / "params" / "base.yml").read_text(encoding="utf-8"))
SQL_SETTINGS = {name for name, value in BASE.items() if not isinstance(value, list | dict)}
WINDOW_BOUNDS = {
    "period", "starts_on", "ends_on", "opening_from", "closing_from", "previous_starts_on", "previous_ends_on",
    "year_ago_starts_on", "year_ago_ends_on", "year_ago_active_from", "year_before_start_on", "year_before_end_on",
    "covers_previous", "covers_year_ago",
}  # fmt: skip
RUN_VALUES = {
    "histories": {"histories_until"}, "cohort_activity": {"cohort_months"},
    **dict.fromkeys(PER_WINDOW, WINDOW_BOUNDS | {"known_until"}),
}  # fmt: skip
CHINESE = re.compile(r"[\u4e00-\u9fff]")
each_metric = pytest.mark.parametrize("metric", RESOLVED, ids=lambda metric: f"{metric.id}.{metric.variant}")
each_counted = pytest.mark.parametrize(
    "metric", measured_metrics(CATALOGUE), ids=lambda metric: f"{metric.id}.{metric.variant}"
)
each_dimension = pytest.mark.parametrize("dimension", CATALOGUE.dimensions.values(), ids=lambda one: one.id)
each_table = pytest.mark.parametrize("table", CATALOGUE.tables.values(), ids=lambda one: one.id)


def texts_in(value: Any) -> list[Text]:
    """Every text of a record, however deep."""
    if isinstance(value, Text):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_in(each)]
    return [
        text for name in getattr(value, "model_fields_set", ()) for text in texts_in(getattr(value, name))
    ]


# --- Companies to measure -------------------------------------------------------------------------


def write_company(root: Path, tables: dict[str, str]) -> Book:
    """A Book over CSV files whose headers are the contract's own names."""
    columns = {name: text.splitlines()[0].split(",") for name, text in tables.items()}
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    sources = {
        name: {"file": f"{name}.csv", "columns": {column: column for column in columns[name]}}
        for name in tables
    }
    path = root / "company.yml"
    path.write_text(yaml.safe_dump({"company": "Test", "tables": sources}), encoding="utf-8")
    return open_book(path, "2024Q2")


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Book:
    """A company with a header and no orders, and neither customers nor costs."""
    orders = "order_id,customer_id,ordered_at,amount\n"
    return write_company(tmp_path_factory.mktemp("empty"), {"orders": orders})


@pytest.fixture(scope="module")
def nothing(tmp_path_factory) -> Book:
    """A company that supplies no table at all."""
    return write_company(tmp_path_factory.mktemp("nothing"), {})


# What else the three customers, and one who waits, have with the company in 2024Q2: two leads of its own and one from
# January, a contract that is renewed, an exit, a recommendation, a measure and a milestone that were due.
SALES_AND_CONTRACTS = {
    "opportunities": """opportunity_id,customer_id,created_at,closed_at,outcome,stage,value,lost_reason,\
acquisition_channel,product_id,account_manager_id
o1,comes,2024-01-20,2024-05-02,won,offer,50,,mail,p1,ann
o2,waits,2024-04-05,2024-05-20,lost,talk,30,price,fair,p1,bob
o3,waits,2024-06-01,,,offer,20,,fair,p2,
""",
    "stage_entries": """opportunity_id,stage,stage_number,entered_at,left_at
o1,talk,1,2024-01-20,2024-04-10
o1,offer,2,2024-04-10,2024-05-02
o2,talk,1,2024-04-05,2024-05-20
o3,talk,1,2024-06-01,2024-06-10
o3,offer,2,2024-06-10,
""",
    "contracts": """contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value,product_id
k1,stays,2023-05-02,2024-05-01,2024-05-01,2024-05-10,100,p1
k2,stays,2024-05-02,2025-05-01,2025-05-01,,120,p1
""",
    "exits": """customer_id,exited_on,kind,reason
leaves,2024-05-15,voluntary,price
""",
    "referrals": """referral_id,customer_id,referred_customer_id,referred_on
r1,stays,comes,2024-04-25
""",
    "actions": """action_id,kind,customer_id,measure,account_manager_id,planned_on,due_on,done_on
a1,action,waits,offer,ann,2024-04-10,2024-05-10,2024-05-05
a2,milestone,,,bob,2024-04-10,2024-06-10,2024-06-08
""",
    "benefits": """gained_on,kind,amount
2024-05-31,saved,10
""",
    "account_managers": """account_manager_id,account_manager_name,team
ann,Ann,east
bob,Bob,west
""",
    "assignments": """customer_id,account_manager_id,assigned_from,assigned_until
stays,ann,2022-03-01,2024-05-15
stays,bob,2024-05-15,
waits,bob,2024-01-15,
""",
    "products": """product_id,product_name,category
p1,Pen,paper
p2,Pot,kitchen
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory, service_and_surveys) -> Book:
    """Customers over two years: one stays, one leaves in 2024Q2, one comes then and returns a bit, one waits."""
    orders = """order_id,customer_id,ordered_at,amount,channel,category
1,stays,2022-03-01,10,web,books
2,stays,2023-05-01,20,web,books
3,leaves,2023-05-01,40,shop,books
4,leaves,2023-11-15,40,shop,music
5,stays,2024-02-01,20,web,music
6,stays,2024-05-01,30,web,books
7,comes,2024-05-02,50,shop,music
8,comes,2024-06-01,-5,shop,music
9,stays,2024-06-02,10,web,music
"""
    customers = """customer_id,customer_name,acquired_on,segment,industry,region,acquisition_channel
stays,S,2022-03-01,big,trade,north,fair
leaves,L,2023-05-01,small,trade,south,mail
comes,C,2024-05-02,small,steel,south,mail
waits,W,2024-01-15,small,steel,south,fair
"""
    costs = """spent_on,kind,amount,acquisition_channel
2024-05-01,marketing,8,mail
2024-05-01,sales,4,fair
2024-06-30,service,2,
2024-06-30,general_admin,1,
2024-07-01,marketing,100,mail
"""
    tables = (
        {"orders": orders, "customers": customers, "costs": costs} | service_and_surveys | SALES_AND_CONTRACTS
    )
    return write_company(tmp_path_factory.mktemp("small"), tables)


# --- Records --------------------------------------------------------------------------------------


def test_every_id_is_declared_once():
    records = [record for family in FAMILIES for record in read_yaml(f"metrics/{family}.yml")]
    assert len({(record["id"], record.get("each")) for record in records}) == len(records)
    records = [record for record in records if "each" not in record]
    for declared, known in (
        (records, CATALOGUE.metrics),
        (read_yaml("dimensions.yml"), CATALOGUE.dimensions),
        (read_yaml("pages.yml"), CATALOGUE.pages),
    ):
        assert [record["id"] for record in declared] == list(known)


def test_every_file_of_the_catalogue_is_read():
    metric_files = {entry.name for entry in FOLDER.joinpath("metrics").iterdir()}
    assert metric_files == {f"{family}.yml" for family in FAMILIES}
    tables = {entry.name for entry in FOLDER.joinpath("tables").iterdir()}
    assert tables == {f"{name}.yml" for name in CATALOGUE.tables}


@each_metric
def test_a_variant_is_a_whole_metric_with_a_name_of_its_own(metric):
    record = CATALOGUE.metrics[metric.id]
    assert CATALOGUE.metric(metric.id, metric.variant) == metric
    assert (metric.id, metric.family) == (record.id, record.family)
    assert (metric.variant_name is None) == (metric.variant == DEFAULT)


@each_metric
def test_a_metric_names_only_what_there_is(metric):
    assert metric.fact is None or metric.fact in FACTS
    assert set(metric.needs) <= set(CATALOGUE.tables)
    assert set(metric.bands) <= {"poor", "fair", "good"}
    wanted = {"share": "share", "net_share": "score", "concentration": "share", "count": "count"}
    assert metric.unit == wanted.get(metric.kind, metric.unit)


@each_metric
def test_a_derived_metric_names_only_metrics_and_settings(metric):
    if metric.kind != "derived":
        assert metric.value is None
        return
    found = operands(metric.value, CATALOGUE.metrics, SQL_SETTINGS)
    assert {operand.metric for operand in found.metrics} <= set(CATALOGUE.metrics) - {metric.id}
    needed = {table for operand in found.metrics for table in CATALOGUE.metrics[operand.metric].needs}
    assert set(metric.needs) == needed


@each_dimension
def test_a_dimensions_column_stands_in_the_facts_that_carry_it(empty, dimension):
    of_customers = {dimension.told_in or "customer_periods"} if dimension.of == "customer" else set()
    carrying = {*dimension.facts, *of_customers, *({"holdings"} if dimension.changes_hands else ())}
    assert carrying
    for fact in carrying:
        assert dimension.column_name in empty.ask(f"select * from {fact} limit 0").columns
    assert set(dimension.needs) <= set(CATALOGUE.tables)


@each_table
def test_a_table_names_only_its_own_columns(table):
    forms = [table.columns, *table.given_as.values()]
    assert set(table.key) <= set(table.columns)
    assert table.amount in (None, *table.columns)
    assert not set(table.added) & set(table.columns)
    assert all(any(column.required for column in columns.values()) for columns in forms)


@each_table
def test_an_absent_tables_columns_have_the_types_of_a_supplied_ones(nothing, small, table):
    def described(book: Book) -> dict[str, str]:
        columns = book.engine.run(f"describe source_{table.id}")
        return dict(zip(columns["column_name"], columns["column_type"], strict=True))

    absent, supplied = described(nothing), described(small)
    shared = set(absent) & set(supplied)
    assert {name: absent[name] for name in shared} == {name: supplied[name] for name in shared}
    assert shared >= {name for name, column in table.columns.items() if column.required} | set(table.added)


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_of_a_company_without_tables_is_there_and_empty(nothing, name):
    assert len(nothing.ask(f"select * from {name}")) == (len(nothing.windows) if name == "windows" else 0)


@pytest.mark.parametrize("page", CATALOGUE.pages.values(), ids=lambda page: page.id)
def test_a_pages_notebook_is_there(page):
    assert (PROJECT / "notebooks" / page.notebook).is_file()
    assert set(page.metrics) <= set(CATALOGUE.metrics)


def test_every_notebook_but_the_one_to_begin_with_is_a_page():
    notebooks = {path.name for path in (PROJECT / "notebooks").glob("*.ipynb")} - {"00_start.ipynb"}
    assert notebooks == {page.notebook for page in CATALOGUE.pages.values()}


@pytest.mark.parametrize("name", [*FACTS, *PARAMETERISED])
def test_a_fact_says_what_one_row_of_it_is(name):
    assert grain(name).startswith("One row for each ")


# --- Words ----------------------------------------------------------------------------------------

ALL_TEXTS = [
    text
    for records in (RESOLVED, *(vars(CATALOGUE)[kind].values() for kind in ("tables", "dimensions", "pages")))
    for record in records
    for text in texts_in(record)
]


def is_in_both_languages(text: Text) -> bool:
    """Chinese in Chinese, English in English; an abbreviation such as CLV:CAC reads the same in both."""
    is_abbreviation = text.en == text.zh or not re.search("[a-z]{3}", re.sub(r"[{$]\w+}?", "", text.zh))
    return bool(CHINESE.search(text.zh) or is_abbreviation) and not CHINESE.search(text.en)


def test_there_are_texts_to_look_at():
    assert len(ALL_TEXTS) > 200


@pytest.mark.parametrize("kind", ["tables", "metrics", "dimensions", "pages"])
def test_every_text_stands_in_english_and_in_chinese(kind):
    records = RESOLVED if kind == "metrics" else vars(CATALOGUE)[kind].values()
    texts = [text for record in records for text in texts_in(record)]
    assert not [text for text in texts if not (text.en.strip() and text.zh.strip())]
    assert not [text for text in texts if not is_in_both_languages(text)]


def test_a_metrics_meaning_and_note_are_chinese_sentences():
    sentences = [text for metric in RESOLVED for text in (metric.meaning, metric.note) if text]
    assert not [text for text in sentences if not CHINESE.search(text.zh)]


def test_both_languages_name_the_same_settings_and_these_exist():
    for text in ALL_TEXTS:
        named = re.findall(r"\$(\w+)", text.en)
        assert sorted(named) == sorted(re.findall(r"\$(\w+)", text.zh)), text
        assert set(named) <= SQL_SETTINGS, text


LABELS = sorted(entry.name for entry in FOLDER.joinpath("labels").iterdir())


@pytest.mark.parametrize("file", LABELS)
def test_every_label_stands_in_both_languages_with_the_same_blanks(file):
    for key, words in read_yaml(f"labels/{file}").items():
        text = Text(**words)
        assert bool(text.en) == bool(text.zh), key
        assert is_in_both_languages(text), f"{key}: {text.zh}"
        blanks = [set(re.findall(r"{(\w+)", said)) for said in (text.en, text.zh)]
        assert blanks[0] == blanks[1] or blanks[0] ^ blanks[1] <= {"count", "total"}, key


def test_every_label_the_code_asks_for_by_name_is_declared():
    asked = {
        call.args[0].value
        for file in Path(str(files("analysis"))).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "label" and call.args
        if isinstance(call.args[0], ast.Constant) and "." in str(call.args[0].value)
    }
    assert asked
    declared = {
        f"{file.removesuffix('.yml')}.{key}" for file in LABELS for key in read_yaml(f"labels/{file}")
    }
    assert asked - declared == set()


def test_a_label_is_filled_in_and_an_unknown_one_is_a_key_error():
    assert label("run.so_far", "en", days=12) != label("run.so_far", "zh", days=12)
    assert "12" in label("run.so_far", "zh", days=12)
    for unknown in ("run.nothing_of_the_kind", "no_such_file.title"):
        with pytest.raises(KeyError, match=unknown):
            label(unknown, "en")


# --- SQL ------------------------------------------------------------------------------------------


@each_metric
def test_every_name_in_a_metrics_sql_is_a_setting(metric):
    written = [metric.where, metric.of, metric.per]
    assert {name for sql in written if sql for name in settings_in(f"select {sql}")} <= SQL_SETTINGS


@pytest.mark.parametrize("name", [*FACTS, *PARAMETERISED])
def test_every_name_in_a_facts_sql_is_a_setting_or_a_value_of_the_run(name):
    assert settings_in(fact_text(name)) <= SQL_SETTINGS | RUN_VALUES.get(name, {"known_until"})


@each_counted
def test_a_metric_of_a_company_without_orders_is_zero_or_says_why_not(empty, metric):
    kpis = measure(empty, metrics=[metric])
    assert kpis["period"].tolist() == [window.label for window in empty.windows]
    if missing := missing_tables(empty, metric):
        assert set(kpis["reason"]) == {";".join(f"table_absent|{table}" for table in missing)}
    elif metric.kind in ("count", "total"):
        assert (kpis["value"] == 0).all()
    else:
        assert kpis["value"].isna().all()
        assert set(kpis["reason"]) == {"no_rows"}


@each_counted
def test_a_metric_of_a_small_company_is_measured(small, metric):
    kpis = measure(small, metrics=[metric]).set_index("period")
    assert kpis.index.tolist() == [window.label for window in small.windows]
    now = kpis.loc["2024Q2"]
    assert now["status"] != "not_measured", now["reason"]
    assert pd.notna(now["value"])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("revenue", 85.0),  # 30 + 50 − 5 + 10
        ("orders", 3.0),  # the return is none
        ("average_order_value", 85 / 3),
        ("new_customers", 1.0),  # comes
        ("opening_customers", 2.0),  # stays on 1 Feb, leaves on 15 Nov: 138 days before 1 April
        ("closing_customers", 2.0),  # stays and comes
        ("customer_retention_rate", 1 / 2),
        ("churned_value", 80.0),  # leaves, from April 2023 to March 2024
        ("net_revenue_retention", 40 / 60),  # stays 20 → 40, leaves 40 → 0
        ("marketing_cost", 8.0),  # 1 July is the next quarter
        ("top_decile_share", 60 / 145),  # stays 20 + 40 of the year from July 2023, leaves 40, comes 45
    ],
)
def test_the_small_companys_figures_are_those_worked_out_by_hand(small, metric, value):
    found = measure(small, metrics=[CATALOGUE.metrics[metric]]).set_index("period")
    assert found.loc["2024Q2", "value"] == pytest.approx(value)


@each_dimension
def test_every_group_of_a_dimension_has_a_name_and_additive_metrics_sum_to_the_whole(small, dimension):
    counted = [metric for metric in measured_metrics(CATALOGUE) if reaches(small, dimension, metric.fact)]
    counted = [metric for metric in counted if not missing_tables(small, metric)]
    one_each = {metric.fact: metric for metric in counted if metric.kind != "quantile"}
    counted = [metric for metric in counted if metric.additive or metric == one_each[metric.fact]]
    kpis = measure(small, [dimension.id], counted)
    now = kpis[kpis["period"] == "2024Q2"]
    groups = now[now["by"] == dimension.id]
    if dimension.groups:
        assert set(groups["group"]) <= set(dimension.groups) | {"not_stated"}
    for metric in (one for one in counted if one.additive and not overlaps(dimension, one.fact)):
        mine = now[(now["metric"] == metric.id) & (now["variant"] == metric.variant)]
        whole = mine[mine["by"].isna()]["value"].item()
        assert mine[mine["by"] == dimension.id]["value"].sum() == pytest.approx(whole), metric.id


# --- Names nobody declared ------------------------------------------------------------------------


def test_an_unknown_metric_or_variant_is_named_with_the_nearest_known():
    with pytest.raises(UnknownName, match="no metric 'revenu'; did you mean 'revenue'"):
        CATALOGUE.metric("revenu")
    with pytest.raises(UnknownName, match="revenue has no variant 'grss'; did you mean 'gross'"):
        CATALOGUE.metric("revenue", "grss")
    with pytest.raises(UnknownName, match="has no variant 'x'; known: default, gross"):
        CATALOGUE.metric("revenue", "x")


def test_the_nearest_name_is_given_or_a_short_list_or_nothing():
    assert nearest("revenu", ["orders", "revenue"]) == "; did you mean 'revenue'?"
    assert nearest("x", ["orders", "revenue"]) == "; known: orders, revenue"
    assert nearest("x", [f"name {number}" for number in range(13)]) == ""
    assert nearest("x", []) == ""


RECORD = {
    "id": "m", "family": "sales", "name": {"en": "M", "zh": "某"}, "meaning": {"en": "M", "zh": "某"},
    "kind": "ratio", "unit": "number", "better": "up", "fact": "orders", "of": "a", "per": "b",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"per": None}, "metric m: kind ratio needs per"),
        ({"kind": "concentration"}, "metric m: kind concentration needs top"),
        ({"kind": "derived"}, "metric m: kind derived needs value"),
        ({"kind": "rate"}, "Input should be 'total'"),
        ({"beter": "down"}, "Extra inputs are not permitted"),
        ({"name": {"en": "M"}}, "Field required"),
        ({"better": "higher"}, "Input should be 'up'"),
    ],
)
def test_a_metric_that_is_declared_wrongly_cannot_be_loaded(change, said):
    assert Metric(**RECORD).id == "m"
    with pytest.raises(ValidationError, match=said):
        Metric(**RECORD | change)


UNBOUNDED = {  # those who come back can lift it over 1; growth has no end; what a margin can be nobody says
    ("customer_retention_rate", "as_printed"), ("customer_growth_rate", "default"),
    ("new_customer_margin_per_month", "default"),
}  # fmt: skip


each_symmetric = pytest.mark.parametrize(
    "metric", [m for m in RESOLVED if m.kind in ("mean", "ratio")], ids=lambda m: f"{m.id}.{m.variant}"
)


@each_symmetric
def test_a_mean_or_ratio_says_what_it_can_be(metric):
    """Its interval is symmetric and does not know."""
    assert (metric.bounds is None) == ((metric.id, metric.variant) in UNBOUNDED)
    low, high = metric.numeric_bounds
    assert low < high
    if metric.unit in ("days", "seconds", "count"):
        assert low >= 0


def test_what_every_share_can_be_goes_without_saying():
    assert CATALOGUE.metrics["csat"].numeric_bounds == (0, 1)
    assert CATALOGUE.metrics["nps"].numeric_bounds == (-100, 100)
    assert CATALOGUE.metric("csat", "mean_score").numeric_bounds == (1, 5)
    assert CATALOGUE.metric("resolution_time", "median").numeric_bounds == (0, float("inf"))


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        CATALOGUE.metrics["revenue"].kind = "count"
