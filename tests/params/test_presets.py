"""The exports of systems in wide use, and what a company says beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reading_settings import BASE, PARAMS, load, problems

DEALS = "tables: {opportunities: {like: zoho_crm.en/deals, file: deals.csv%s}}\n"


def columns_of(root: Path, own: str = ""):
    return load(root, "company: Test\n" + DEALS % own).settings.tables["opportunities"].columns


def test_a_table_like_an_export_has_its_columns_formats_and_words(tmp_path):
    table = load(tmp_path, "company: Test\n" + DEALS % "").settings.tables["opportunities"]
    assert (table.file, table.thousands) == (("deals.csv",), ",")
    assert table.columns["value"].column == ("Amount",)
    assert table.columns["outcome"].values["Closed Won"] == "won"
    assert "%Y-%m-%d %H:%M" in table.columns["created_at"].format
    assert table.columns["closed_at"].only_with == "outcome"


def test_what_the_company_says_wins_column_by_column(tmp_path):
    own = """, thousands: ".", decimal: ",", columns: {
      value: Deal value, outcome: {column: Phase, values: {Signed: won, Closed Lost: ""}},
      created_at: {format: "%m/%d/%Y"}, acquisition_channel: {constant: Fair}, lost_reason: null,
      product_id: Product}"""
    columns = columns_of(tmp_path, own)
    assert columns["value"].column == ("Deal value",)
    assert columns["outcome"].column == ("Phase",)
    words = columns["outcome"].values
    assert (words["Signed"], words["Closed Lost"], words["Closed Won"]) == ("won", "", "won")
    assert (columns["created_at"].column, columns["created_at"].format) == (("Created Time",), ("%m/%d/%Y",))
    assert (columns["acquisition_channel"].column, columns["acquisition_channel"].constant) == (None, "Fair")
    assert "lost_reason" not in columns and columns["product_id"].column == ("Product",)
    assert columns["stage"].column == ("Stage",)  # what is not said stays


@pytest.mark.parametrize(
    ("like", "said"),
    [
        ("hubspot.en/deals", "there is no preset 'hubspot'; known: fxiaoke, zoho_crm"),
        ("zoho_crn.en/deals", "there is no preset 'zoho_crn'; did you mean 'zoho_crm'?"),
        ("zoho_crm.cn/deals", "zoho_crm has no headers in 'cn'; known: en, zh"),
        ("zoho_crm.en/deal", "zoho_crm.en has no export 'deal'; did you mean 'deals'?"),
        ("zoho_crm.en/cases", "zoho_crm.en/cases fills the table tickets, not opportunities"),
        ("zoho_crm", "'zoho_crm' should be written as system.language/export, such as zoho_crm.en/deals"),
    ],
)
def test_a_preset_that_does_not_exist_is_answered_with_the_nearest_name(tmp_path, like, said):
    found = problems(
        tmp_path, f"company: Test\ntables: {{opportunities: {{like: {like}, file: deals.csv}}}}\n"
    )
    assert found == [f"tables.opportunities.like: {said}"]


def test_what_is_wrong_beside_a_preset_is_said_as_elsewhere(tmp_path):
    own = ", colums: {}, columns: {outcom: Phase, stage: {colum: Phase}, closed_at: {only_with: stag}}"
    assert set(problems(tmp_path, "company: Test\n" + DEALS % own)) == {
        "tables.opportunities.colums: there is no such setting; did you mean 'columns'?",
        "tables.opportunities.columns.stage.colum: there is no such setting; did you mean 'column'?",
        "tables.opportunities.columns.outcom: table opportunities has no such column; did you mean 'outcome'?",
        "tables.opportunities.columns.closed_at.only_with: 'stag' is no other mapped column; did you mean 'stage'?",
    }
    own = ", columns: {opportunity_id: null}"
    assert problems(tmp_path, "company: Test\n" + DEALS % own) == [
        "tables.opportunities.columns.opportunity_id: is required and not mapped"
    ]


@pytest.mark.parametrize("columns", ["[a, b]", "{outcome: {values: [won]}}", "{outcome: 3}"])
def test_columns_of_the_wrong_kind_beside_a_preset_are_refused(tmp_path, columns):
    assert problems(tmp_path, "company: Test\n" + DEALS % f", columns: {columns}")


def test_the_fingerprint_follows_the_preset_beside_the_base_file(tmp_path):
    preset = tmp_path / "params" / "sources" / "zoho_crm.yml"
    preset.parent.mkdir(parents=True)
    own = (PARAMS / "sources" / "zoho_crm.yml").read_text(encoding="utf-8")
    (tmp_path / "params" / "base.yml").write_text(BASE.read_text(encoding="utf-8"), encoding="utf-8")
    found = []
    for text in (own, own.replace("Closed Lost to", "Lost to"), own + "# a word more\n"):
        preset.write_text(text, encoding="utf-8")
        found.append(load(tmp_path, "company: Test\n" + DEALS % "").fingerprint)
    assert found[0] != found[1] and found[0] == found[2]


def test_a_base_file_of_the_companys_own_leaves_the_workbooks_presets_in_reach(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "base.yml").write_text(BASE.read_text(encoding="utf-8"), encoding="utf-8")
    assert columns_of(tmp_path)["value"].column == ("Amount",)


def test_a_column_depends_on_a_mapped_one_that_depends_on_none_itself(tmp_path):
    for other in ("closed_at", "lost_reason", "nothing"):
        own = f", columns: {{closed_at: {{only_with: {other}}}, lost_reason: {{only_with: outcome}}}}"
        [said] = problems(tmp_path, "company: Test\n" + DEALS % own)
        assert said.startswith(
            f"tables.opportunities.columns.closed_at.only_with: {other!r} is no other mapped"
        )
