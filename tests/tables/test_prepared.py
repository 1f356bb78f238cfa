"""Prepared once per content: reused, renewed when something that matters changes, whole or absent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from analysis.tables import TablesError
from analysis.tables.prepared import prepare, read_rejected, suggest_activity_window_days

HEADER = "id,customer,date,amount\n"
TEXT = HEADER + "1,x,2024-01-01,5\n2,y,2024-01-02,7\n"
SOURCE = {
    "orders": {"file": "orders.csv", "columns": {"order_id": "id", "ordered_at": "date", "amount": "amount"}}
}


def test_the_same_content_is_prepared_once(company, monkeypatch):
    first = company.prepare_orders(TEXT)
    made = first.tables["orders"].stat().st_mtime_ns
    monkeypatch.setattr("analysis.tables.prepared._prepare_anew", None)  # would fail if called
    again = company.prepare_orders(TEXT)
    assert again == first and again.tables["orders"].stat().st_mtime_ns == made
    assert first.folder == company.root / "data" / ".prepared" / first.content_hash


def test_other_content_or_another_setting_that_matters_is_prepared_anew(company):
    hashes = {
        company.prepare_orders(TEXT).content_hash,
        company.prepare_orders(TEXT.replace("7", "8")).content_hash,
        company.prepare_orders(TEXT, time_zone="Asia/Shanghai").content_hash,
        company.prepare_orders(TEXT, first_possible_date=date(2000, 1, 1)).content_hash,
        company.prepare_orders(TEXT, currency="USD").content_hash,
        company.prepare_orders(TEXT, exclusions={"x": {"where": "amount > 6"}}).content_hash,
        company.prepare_orders(TEXT, {"missing": ["y"]}).content_hash,
    }
    assert len(hashes) == 7
    assert (
        company.prepare_orders(TEXT, activity_window_days=90).content_hash in hashes
    )  # does not matter here


def test_the_order_in_which_tables_are_named_changes_nothing(company):
    company.write("names.csv", "id\nx\ny\n")
    company.write("orders.csv", TEXT)
    tables = {**SOURCE, "customers": {"file": "names.csv", "columns": {"customer_id": "id"}}}
    one, other = company.params(tables), company.params(dict(reversed(tables.items())))
    assert list(one.settings.tables) != list(other.settings.tables)
    assert one.fingerprint == other.fingerprint
    first = prepare(one)
    shutil.rmtree(first.folder)
    assert prepare(other) == first  # its rows by table and rule too, and in their order


def test_inputs_say_what_was_read(company):
    prepared = company.prepare_orders("id,date,amount,customer\n1,2024-01-01,5,x\n2,2024-01-01,bad,x\n3\n")
    # sha256 of exactly these bytes
    import hashlib

    digest = hashlib.sha256((company.root / "orders.csv").read_bytes()).hexdigest()
    assert prepared.inputs == {"orders.csv": {"sha256": digest, "rows": 3}}


def test_a_folder_that_is_not_whole_is_never_used(company, rows):
    prepared = company.prepare_orders(TEXT)
    (prepared.folder / "prepared.json").unlink()
    assert len(rows(company.prepare_orders(TEXT))) == 2
    prepared.tables["orders"].unlink()
    assert len(rows(company.prepare_orders(TEXT))) == 2
    (prepared.folder / "prepared.json").write_text('{"tables": ["orders"', encoding="utf-8")  # cut off
    assert len(rows(company.prepare_orders(TEXT))) == 2
    prepared.tables["orders"].write_bytes(b"")  # as a power cut may leave it
    assert len(rows(company.prepare_orders(TEXT))) == 2
    store = company.root / "data" / ".prepared"
    assert [one.name for one in store.iterdir()] == [prepared.content_hash]  # and nothing is left beside it


def test_a_failed_preparation_leaves_nothing_behind_and_keeps_what_was_there(company, tmp_path):
    prepared = company.prepare_orders(TEXT)
    with pytest.raises(TablesError):
        company.prepare_orders(HEADER + "1,x,bad,5\n", max_rejected_share=0.0)
    assert [one.name for one in (tmp_path / "data" / ".prepared").iterdir()] == [prepared.content_hash]


def test_what_a_process_that_died_has_left_is_removed_after_a_day_and_what_is_being_written_is_not(company):
    store = company.root / "data" / ".prepared"
    left = [f".{'a' * 16}.{'b' * 32}", f".hashes.json.{'c' * 32}", f".{'d' * 16}.{'e' * 32}"]
    others = ["a" * 16, "notes", f".{'a' * 16}.mine"]
    for name in [*left, *others]:
        (store / name).mkdir(parents=True)
        if name != left[2]:  # that one is being written now
            os.utime(store / name, (time.time() - 90_000,) * 2)
    prepared = company.prepare_orders(TEXT)
    assert {one.name for one in store.iterdir()} == {prepared.content_hash, left[2], *others}


def test_hashes_are_remembered_only_for_files_that_have_been_left_alone(company, monkeypatch):
    remembered = company.root / "data" / ".prepared" / ".hashes.json"
    path = company.write("orders.csv", TEXT)
    params = company.params(SOURCE)
    prepare(params)
    assert not remembered.exists()  # written this instant: it may change again within its time stamp
    long_ago = time.time_ns() - 60 * 10**9
    os.utime(path, ns=(long_ago, long_ago))
    first = prepare(params)
    assert json.loads(remembered.read_text())[str(path)][0] == len(TEXT)
    monkeypatch.setattr("analysis.tables.store._sha256", None)  # would fail if called
    assert prepare(params) == first


def test_a_changed_file_of_the_same_size_is_noticed(company, rows):
    path = company.write("orders.csv", TEXT)
    params = company.params(SOURCE)
    os.utime(path, ns=(10**18, 10**18))
    prepare(params)
    path.write_text(TEXT.replace("7", "8"), encoding="utf-8")
    assert rows(prepare(params), "amount") == [(5.0,), (8.0,)]


def test_a_file_that_changes_while_it_is_read_is_an_error(company, monkeypatch):
    from analysis.tables import prepared as module

    stage = module.stage_file

    def stage_and_append(file, *more):
        staged = stage(file, *more)
        with file.path.open("a") as stream:
            stream.write("3,z,2024-01-03,9\n")
        return staged

    monkeypatch.setattr(module, "stage_file", stage_and_append)
    with pytest.raises(TablesError, match="orders.csv: changed while it was being read"):
        company.prepare_orders(TEXT)


def test_a_place_that_cannot_be_written_to_is_said(company):
    company.write("data", b"a file where the folder should be")
    with pytest.raises(TablesError, match="cannot be written there"):
        company.prepare_orders(TEXT)


def test_an_unreadable_table_among_several_writes_none(company):
    company.write("orders.csv", TEXT)
    company.write("costs.csv", "day,kind,amount\n2024-01-01,wrong,5\n")
    columns = {"spent_on": "day", "kind": "kind", "amount": "amount"}
    with pytest.raises(TablesError, match="table costs"):
        prepare(
            company.params(
                SOURCE | {"costs": {"file": "costs.csv", "columns": columns}}, max_rejected_share=0.5
            )
        )
    assert not (company.root / "data").exists()


def test_no_rejected_rows_give_an_empty_frame_with_its_columns(company):
    rejected = read_rejected(company.prepare_orders(TEXT))
    assert rejected.columns.tolist() == [
        "table",
        "source_file",
        "source_row",
        "rule",
        "column",
        "found",
        "row",
    ]
    assert rejected.empty


def test_the_suggested_activity_window_is_the_90th_percentile_of_gaps_between_purchase_days(company):
    # customer a buys on days 0, 10, 10 (same day), 30; b on 0 and 100; c once; d returns: gaps 10, 20, 100
    # position of the 90th percentile: 0.9 * 2 = 1.8 → 20 + 0.8 * 80 = 84
    days = [
        ("a", "01-01"),
        ("a", "01-11"),
        ("a", "01-11"),
        ("a", "01-31"),
        ("b", "01-01"),
        ("b", "04-10"),
        ("c", "03-01"),
    ]
    lines = "".join(f"{i},{who},2024-{day},5\n" for i, (who, day) in enumerate(days))
    prepared = company.prepare_orders(
        HEADER + lines + "90,d,2024-01-01,5\n91,d,2024-12-01,-5\n92,,2024-01-05,5\n"
    )
    engine = company.params({}).settings.engine
    assert suggest_activity_window_days(prepared, engine) == 84
    assert suggest_activity_window_days(company.prepare_orders(TEXT), engine) is None


RUN = """
import sys
from analysis.params import load_params
from analysis.tables.prepared import prepare
print(prepare(load_params(sys.argv[1])).content_hash)
"""


@pytest.mark.slow
def test_processes_that_prepare_at_once_all_succeed_and_leave_one_folder(company):
    lines = "".join(f"{i},c{i % 999},2024-01-01,{i}\n" for i in range(60_000))
    company.write("orders.csv", HEADER + lines)
    params = company.params(SOURCE)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", RUN, str(params.path)]
    running = [
        subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    results = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in results] == [0] * 3, results
    assert len({out for (out, _), _ in results}) == 1
    store = company.root / "data" / ".prepared"
    assert [one.name for one in store.iterdir() if one.is_dir()] == [results[0][0][0].strip()]


def test_whoever_comes_second_uses_the_first_ones_folder(company, monkeypatch, rows):
    first = company.prepare_orders(TEXT)
    made = first.tables["orders"].stat().st_ino
    from analysis.tables import prepared as module

    seen = []

    def not_seen_at_first(folder):
        seen.append(folder)
        return None if len(seen) == 1 else ready(folder)

    ready = module._ready
    monkeypatch.setattr(module, "_ready", not_seen_at_first)
    assert company.prepare_orders(TEXT) == first
    assert first.tables["orders"].stat().st_ino == made
