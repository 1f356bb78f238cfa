"""Real files of others, read through settings alone: what is known of them comes out of our tables and metrics.

Each settings file beside this one describes a file as it is found; no code knows any of them. The expected values
are published with the data, or were counted in the raw file by other means, as the comments say.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import mean
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.facts import Book, open_book
from analysis.metrics.measure import measure
from analysis.params import load_params
from analysis.periods import Window
from analysis.report.pages.data_quality_rows import read_rows
from analysis.tables.prepared import Prepared, prepare, read_quality

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
NAMES = ("call_centre", "incidents", "servqual", "mobile_operators", "yellow_pages", "maven_crm")

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not in ../shared/data")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A project's folder beside which ``shared`` lies, as beside ours."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "shared").symlink_to(SHARED.parent)
    (folder / "project").mkdir()
    return folder / "project"


@pytest.fixture(scope="module")
def prepared(root) -> Callable[[str], Prepared]:
    return lambda name: prepare(_params(root, name))


@pytest.fixture(scope="module")
def book(root) -> Callable[[str, str], Book]:
    return lambda name, period: open_book(_params(root, name), period)


def _params(root: Path, name: str):
    return load_params(HERE / f"{name}.yml").model_copy(update={"root": root})


def _values(book: Book, *metrics: str) -> dict[str, pd.Series]:
    """The company's figures of the period, by ``metric.variant``."""
    records = [one for name in metrics for one in book.catalogue.metrics[name].all_variants()]
    kpis = measure(book, (), records)
    kpis = kpis[kpis["period"] == book.window.label]
    return {f"{row['metric']}.{row['variant']}": row for _, row in kpis.iterrows()}


def _quality(prepared: Prepared, table: str) -> dict[tuple[str, str | None], int]:
    rows = read_quality(prepared)
    rows = rows[rows["table"] == table]
    return {
        (stage, None if pd.isna(rule) else rule): count
        for stage, rule, count in zip(rows["stage"], rows["rule"], rows["rows"], strict=True)
    }


def _table(prepared: Prepared, table: str) -> pd.DataFrame:
    return pd.read_parquet(prepared.tables[table])


@pytest.mark.parametrize("name", NAMES)
def test_no_row_is_rejected_and_every_row_is_accounted_for(prepared, name):
    quality = read_quality(prepared(name))
    assert (quality["stage"] != "rejected").all()
    for _, rows in quality.groupby("table"):
        by_stage = rows.groupby("stage")["rows"].sum()
        assert by_stage["read"] == by_stage["kept"] + by_stage.get("ignored", 0)


@pytest.mark.parametrize(("language", "stage"), [("en", "Ignored, as set"), ("zh", "按设置忽略")])
def test_the_page_on_data_quality_says_what_was_left_out_and_why(book, prepared, language, stage):
    results = SimpleNamespace(book=book("incidents", "2016"), quality=read_quality(prepared("incidents")))
    shown = read_rows(results, language).set_index("what").loc[stage]
    assert shown["rows"] == 116_794 and round(shown["share"], 3) == 0.824  # of 141,712
    assert "keep_last_per" in shown["words"] and "{" not in shown["words"]


# --- A bank's call centre, February 1999 ----------------------------------------------------------------------


def test_calls_of_the_system_itself_are_ignored(prepared):
    assert _quality(prepared("call_centre"), "contacts") == {
        ("read", None): 33_344, ("ignored", "contacts.ignored"): 278, ("kept", None): 33_066,
    }  # fmt: skip


def test_calls_end_as_the_file_says_and_nobody_is_customer_0(prepared):
    contacts = _table(prepared("call_centre"), "contacts")
    assert contacts["outcome"].value_counts().to_dict() == {"answered": 27_162, "abandoned": 5_904}
    unknown = _raw_calls("customer_id") == "0"
    assert unknown.sum() == 19_558  # of all calls, those ignored among them
    assert contacts["customer_id"].isna().sum() == (unknown & (_raw_calls("outcome") != "PHANTOM")).sum()
    assert not contacts["customer_id"].isin(["0"]).any()
    assert not contacts["agent_id"].isin(["NO_SERVER"]).any()


def test_a_call_that_never_queued_has_not_waited(prepared):
    contacts = _table(prepared("call_centre"), "contacts").set_index("contact_id")
    never = _raw_calls("q_start") == "0:00:00"
    calls = (_raw_calls("vru+line") + " " + _raw_calls("call_id"))[
        never & (_raw_calls("outcome") != "PHANTOM")
    ]
    assert len(calls) == 15_008  # 13,067 of them answered, 1,941 given up in the announcements
    waited = contacts.loc[calls, "wait_seconds"]
    # all but one, which left the announcements at 23:59:54 and joined the queue at midnight sharp, for 27 seconds
    assert waited[waited > 0].to_dict() == {"AA0102 31056": 27}


def test_calls_are_of_the_month_in_local_time_and_negative_lengths_of_announcements_do_no_harm(prepared):
    contacts = _table(prepared("call_centre"), "contacts")
    assert (_raw_calls("vru_time").astype(int) < 0).sum() == 25
    assert contacts["started_on"].min() == pd.Timestamp("1999-02-01").date()
    assert contacts["started_on"].max() == pd.Timestamp("1999-02-28").date()
    assert (contacts[["wait_seconds", "talk_seconds"]] >= 0).all(axis=None)
    # the first call of the file left the announcements at 7:02:56, two hours east of Greenwich
    first = contacts.set_index("contact_id").loc["AA0101 34536"]
    assert first["started_at"] == pd.Timestamp("1999-02-01 05:02:56") and first["agent_id"] == "DORIT"


def test_the_metrics_of_the_call_centre(book):
    metrics = ("abandonment_rate", "response_rate", "handling_time", "service_level")
    found = _values(book("call_centre", "1999-02"), *metrics)
    abandoned = found["abandonment_rate.default"]
    assert (abandoned["numerator"], abandoned["denominator"]) == (5_904, 33_066)
    answered = found["response_rate.default"]
    assert (answered["numerator"], answered["denominator"]) == (27_162, 33_066)
    outcome, wait = _raw_calls("outcome"), _raw_calls("q_time").astype(int)
    talk = _raw_calls("ser_time").astype(int)[outcome == "AGENT"]
    assert found["handling_time.default"]["value"] == pytest.approx(talk.mean())
    in_time, soon_given_up = ((outcome == one) & (wait <= 20) for one in ("AGENT", "HANG"))
    expected = in_time.sum() / (33_066 - soon_given_up.sum())
    assert found["service_level.default"]["value"] == pytest.approx(expected)


def _raw_calls(column: str) -> pd.Series:
    """A column of the raw file, as text without spaces around it."""
    file = SHARED / "call_centre" / "data_anonymous_bank_february.txt"
    with file.open(encoding="ascii", newline="") as stream:
        return pd.Series([row[column].strip() for row in csv.DictReader(stream, delimiter="\t")], dtype=str)


# --- The log of an incident management -----------------------------------------------------------------------------


def test_of_the_events_of_each_ticket_the_last_is_kept(prepared):
    assert _quality(prepared("incidents"), "tickets") == {
        ("read", None): 141_712, ("ignored", "tickets.not_last"): 141_712 - 24_918, ("kept", None): 24_918,
    }  # fmt: skip
    tickets = _table(prepared("incidents"), "tickets")
    assert tickets["ticket_id"].nunique() == 24_918
    assert tickets["resolved_at"].isna().sum() == 1_556
    assert round(100 * tickets["is_within_sla"].mean(), 1) == 63.4  # over events it would be 93.5
    assert not tickets.astype(str).eq("?").any(axis=None)  # what is not known is missing


def test_days_before_months(prepared):
    tickets = _table(prepared("incidents"), "tickets").set_index("ticket_id")
    first = tickets.loc["0000045"]  # opened 29/2/2016 01:16, resolved 29/2/2016 11:29
    assert first["opened_at"] == pd.Timestamp("2016-02-29 01:16")
    assert first["resolved_at"] == pd.Timestamp("2016-02-29 11:29")
    assert (tickets["resolved_at"].dropna() >= tickets["opened_at"][tickets["resolved_at"].notna()]).all()


def test_the_metrics_of_the_incidents(book):
    whole_log = _over_all_days(book("incidents", "2016"))
    found = _values(whole_log, "sla_attainment", "resolution_time", "turnaround_time")
    sla = found["sla_attainment.default"]
    assert sla["denominator"] == 24_918 and round(100 * sla["value"], 1) == 63.4
    for metric in ("resolution_time", "turnaround_time"):  # nothing is said of waiting for the customer
        assert found[f"{metric}.elapsed"]["n"] == 24_918 - 1_556
        assert round(found[f"{metric}.elapsed"]["value"] / 3600, 1) == 178.2
        assert round(found[f"{metric}.median"]["value"] / 3600, 1) == 22.1
        # without working hours every hour counts
        assert found[f"{metric}.default"]["value"] == found[f"{metric}.elapsed"]["value"]


def _over_all_days(book: Book) -> Book:
    """The book with one window, over all the days of the log: it is shorter than a year and begins in a leap day."""
    first, end = book.coverage.start, book.coverage.end
    window = Window(first, end, book.window.label, book.period)
    return replace(book, window=window, windows=(window,), baselines={window.label: {}})


# --- Surveys --------------------------------------------------------------------------------------------------------


def test_the_answers_of_the_kiosk_survey(prepared):
    assert _quality(prepared("servqual"), "answers") == {
        ("read", None): 194 * 48, ("kept", None): 194 * 48, ("note", "unpivoted"): 194,
    }  # fmt: skip
    answers = _table(prepared("servqual"), "answers")
    assert answers["survey_id"].nunique() == 194 and answers["score"].between(1, 7).all()
    is_expected = answers["question_id"].str.endswith("_1")
    assert round(answers.loc[is_expected, "score"].mean(), 3) == 5.998
    assert round(answers.loc[~is_expected, "score"].mean(), 3) == 4.839


def test_the_gap_of_the_kiosk_survey(book):
    found = _values(book("servqual", "2024Q2"), "servqual_gap")
    assert round(found["servqual_gap.items"]["value"], 3) == -1.159
    assert round(found["servqual_gap.servperf"]["value"], 3) == 4.839
    assert found["servqual_gap.items"]["n"] == 194


def test_the_index_of_the_mobile_operators(book):
    """100 · (mean of the three items − 1) / 9, equal weights, over the 250 people."""
    found = _values(book("mobile_operators", "2024Q2"), "acsi_style")["acsi_style.default"]
    rows = _rows("mobi.csv")
    expected = mean(100 * (mean(int(row[f"CUSA{i}"]) for i in (1, 2, 3)) - 1) / 9 for row in rows)
    assert found["n"] == len(rows) == 250
    assert found["value"] == pytest.approx(expected)


def test_the_satisfied_buyers_of_yellow_pages(book, prepared):
    """Of a scale from 1 to 10, 9 and 10; people of the same answers are people still."""
    rows = _rows("customerSat.csv")
    assert len({tuple(row.values()) for row in rows}) == 1_811 - 127
    assert _quality(prepared("yellow_pages"), "answers")["kept", None] == 18_110
    found = _values(book("yellow_pages", "2024Q2"), "csat")["csat.default"]
    assert (found["numerator"], found["denominator"]) == (sum(int(row["q1"]) >= 9 for row in rows), 1_811)


def _rows(name: str) -> list[dict[str, str]]:
    with (SHARED / "satisfaction" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# --- A company's CRM ------------------------------------------------------------------------------------------------


def test_opportunities_without_a_day_are_left_out_and_counted(prepared):
    quality = _quality(prepared("maven_crm"), "opportunities")
    assert quality["read", None] == 8_800 and quality["kept", None] == 8_300
    assert quality["ignored", "opportunities.ignored"] == 500
    left_out = [row for row in _raw_deals() if row["deal_stage"] == "Prospecting"]
    assert len(left_out) == 500 and not any(row["engage_date"] for row in left_out)


def test_opportunities_end_as_the_file_says_and_some_have_no_account(prepared):
    deals = _table(prepared("maven_crm"), "opportunities")
    assert deals["outcome"].value_counts().to_dict() == {"won": 4_238, "lost": 2_473}
    assert deals["stage"].value_counts().to_dict() == {"Engaging": 1_589}
    without = [row["deal_stage"] for row in _raw_deals() if not row["account"]]
    assert len(without) == 1_425 and without.count("Prospecting") == 337
    assert deals["customer_id"].isna().sum() == 1_425 - 337


def test_every_product_joins_once_its_name_is_mended(prepared):
    deals, products = (_table(prepared("maven_crm"), name) for name in ("opportunities", "products"))
    raw = [row["product"] for row in _raw_deals() if row["engage_date"]]
    assert not set(deals["product_id"]) - set(products["product_id"])
    assert (deals["product_id"] == "GTX Pro").sum() == raw.count("GTXPro") > 0
    assert "GTX Pro" not in raw


def test_the_metrics_of_the_crm(book):
    metrics = ("win_rate", "won_value", "sales_cycle_days", "lost_opportunities", "open_opportunities")
    found = _values(book("maven_crm", "2017"), *metrics)  # every one closed in 2017
    win_rate = found["win_rate.default"]
    assert (win_rate["numerator"], win_rate["denominator"]) == (4_238, 6_711)
    assert round(100 * win_rate["value"], 2) == 63.15
    assert found["won_value.default"]["value"] == 10_005_534
    assert round(found["sales_cycle_days.default"]["value"], 2) == 51.78
    days = pd.Series([(date.fromisoformat(row["close_date"]) - date.fromisoformat(row["engage_date"])).days
                      for row in _raw_deals() if row["deal_stage"] == "Won"])  # fmt: skip
    assert found["sales_cycle_days.median"]["value"] == days.median()
    assert found["sales_cycle_days.p90"]["value"] == pytest.approx(days.quantile(0.9))
    assert found["lost_opportunities.default"]["value"] == 2_473
    assert found["open_opportunities.default"]["value"] == 1_589


def test_by_value_only_the_won_count_where_nothing_is_said_of_the_lost(book):
    found = _values(book("maven_crm", "2017"), "win_rate")["win_rate.by_value"]
    assert (found["value"], found["n"]) == (1.0, 4_238)


def test_leads_of_the_crm_have_ninety_days(book):
    """Counted in the raw file: engaged so that the ninetieth day falls into 2017, and won by then."""
    whole = book("maven_crm", "2017")
    kpis = measure(whole, (), [whole.catalogue.metric("lead_conversion_rate")])
    [found] = kpis[kpis["period"] == "2017"].to_dict("records")
    days = [(date.fromisoformat(row["engage_date"]), row["close_date"] and date.fromisoformat(row["close_date"]),
             row["deal_stage"]) for row in _raw_deals() if row["engage_date"]]  # fmt: skip
    ended = [(day, closed, stage) for day, closed, stage in days if (day + timedelta(days=90)).year == 2017]
    won = [one for one in ended if one[2] == "Won" and one[1] <= one[0] + timedelta(days=90)]
    assert (found["numerator"], found["denominator"]) == (len(won), len(ended))


def test_agents_and_their_teams_share_the_won_value(book):
    whole = book("maven_crm", "2017")
    dimensions = ["account_manager", "account_team", "product", "region"]
    kpis = measure(whole, dimensions, [whole.catalogue.metric("won_value")])
    now = kpis[kpis["period"] == "2017"]
    groups = {name: rows.set_index("group")["value"] for name, rows in now.groupby("by")}
    assert {name: len(rows) for name, rows in groups.items()} == {
        "account_manager": 30, "account_team": 6, "product": 7, "region": 15,  # five of the 35 agents have no deals
    }  # fmt: skip
    assert all(rows.sum() == 10_005_534 for rows in groups.values())
    team_of = {row["sales_agent"]: row["manager"] for row in _raw("maven_crm/sales_teams.csv")}
    for team, value in groups["account_team"].items():
        own = [
            row for row in _raw_deals() if team_of[row["sales_agent"]] == team and row["deal_stage"] == "Won"
        ]
        assert value == sum(float(row["close_value"]) for row in own)


def _raw_deals() -> list[dict[str, str]]:
    return _raw("maven_crm/sales_pipeline.csv")


def _raw(path: str) -> list[dict[str, str]]:
    with (SHARED / path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
