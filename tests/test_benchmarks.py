"""The benchmark: it runs, rivals agree, a wrong answer is refused, and no table is typed by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
PUBLISHED = FOLDER / "results.json"
STAGES = ("fits", "values", "histories", "metrics", "pages", "imports")


@pytest.fixture
def benchmark(monkeypatch) -> Iterator[SimpleNamespace]:
    """The modules of the benchmark, as its runner imports them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("documents", "inputs", "measuring", "results", "stages")
    yield SimpleNamespace(**{name: import_module(name) for name in names})
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "x").parent == FOLDER:
            del sys.modules[name]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, FOLDER / "run.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


STAGE = """
from measuring import Sizes, Task, Way, times_faster

def write_numbers(path, rows):
    path.write_text("\\n".join(map(str, range(rows))))

def summing(path, wrong=0):
    numbers = list(map(float, path.read_text().split()))
    return lambda: {"sum": sum(numbers) + wrong, "rows": len(numbers)}

def ours(path):
    return summing(path)

def rival(path):
    return summing(path, wrong=WRONG)

def dies(path):
    raise MemoryError("no room")

TASKS = (
    Task(
        "Sum",
        {"ours": Way(ours), "rival": Way(rival, at_most=100), "other": Way(OTHER, is_compared=False)},
        write=write_numbers,
        sizes=Sizes(small=(10, 1000), default=(10,)),
        tolerance=1e-6,
        floors=(times_faster("ours", "rival", 10, 0.0), times_faster("ours", "rival", 1000, 5)),
    ),
)
"""


@pytest.fixture
def stage(tmp_path):
    """A stage of its own, with what its rival answers wrongly."""

    def written(wrong: float = 0, other: str = "ours") -> Path:
        path = tmp_path / "sums.py"
        path.write_text(STAGE.replace("WRONG", str(wrong)).replace("OTHER", other))
        return path

    return written


def measured(path: Path) -> dict[int, dict[str, dict]]:
    """Ways by rows, of the one stage in a file of results."""
    (found,) = json.loads(path.read_text())["stages"].values()
    return {each["rows"]: each["ways"] for each in found["comparisons"]}


# --- The runner -----------------------------------------------------------------------------------


def test_ways_are_measured_where_they_are_meant_to_be(stage, tmp_path):
    ran = run("--small", "--stage", stage(), "--results", tmp_path / "found.json")
    assert ran.returncode == 0, ran.stderr
    found = measured(tmp_path / "found.json")
    assert {rows: list(ways) for rows, ways in found.items()} == {
        10: ["ours", "rival", "other"],
        1000: ["ours", "other"],  # the rival is not run beyond 100 rows
    }
    assert found[10]["ours"]["answer"] == {"sum": 45.0, "rows": 10.0}
    assert all(way["seconds"][0] > 0 and way["megabytes"] > 5 for way in found[10].values())
    floors = [line for line in ran.stdout.splitlines() if "takes at least" in line]
    assert [line.split("|")[-2].strip() for line in floors] == ["yes", ""]
    assert "not measured" in floors[1]


def test_a_rival_who_answers_otherwise_is_refused(stage, tmp_path):
    ran = run("--small", "--stage", stage(wrong=0.001), "--results", tmp_path / "found.json")
    assert ran.returncode == 1
    assert "answers differ: Sum: rival answers sum 45.001, ours answers 45.0" in ran.stderr
    assert list(measured(tmp_path / "found.json")) == [1000]  # where the rival is not asked
    assert json.loads((tmp_path / "found.json").read_text())["finished"] is False


def test_a_rival_within_the_tolerance_is_not(stage, tmp_path):
    ran = run("--small", "--stage", stage(wrong=0.00001), "--results", tmp_path / "found.json")
    assert ran.returncode == 0, ran.stderr


def test_a_way_that_dies_is_told_and_does_not_stop_the_others(stage, tmp_path):
    ran = run("--small", "--stage", stage(other="dies"), "--results", tmp_path / "found.json")
    assert ran.returncode == 1
    assert "did not finish: Sum, other: MemoryError: no room" in ran.stderr
    assert "did not finish" in ran.stdout
    assert measured(tmp_path / "found.json")[1000]["ours"]["failed"] is None


def test_a_run_broken_off_goes_on_where_it_was(stage, tmp_path):
    results, path = tmp_path / "found.json", stage()
    asked = ("--small", "--stage", path, "--results", results)
    assert run(*asked).returncode == 0
    stored = json.loads(results.read_text())
    (of_stage,) = stored["stages"].values()
    before, dropped = of_stage["comparisons"]
    of_stage["comparisons"], stored["finished"] = [before], False
    results.write_text(json.dumps(stored))
    ran = run(*asked)
    assert "10 rows: measured before" in ran.stderr
    assert measured(results)[10] == before["ways"]
    assert measured(results)[1000] != dropped["ways"]
    path.write_text(path.read_text() + "# changed\n")  # other code: nothing measured counts any more
    results.write_text(json.dumps(stored))
    assert "measured before" not in run(*asked).stderr


def test_a_stage_without_a_file_is_said_and_left_out(tmp_path):
    ran = run("--small", "--stage", "nosuchstage", "--results", tmp_path / "found.json")
    assert ran.returncode == 0
    assert "there is no nosuchstage.py" in ran.stderr


def test_children_count_where_they_are_meant_to(benchmark):
    measuring = benchmark.measuring
    child = f"import time; x = bytearray({60 * 1024**2}); time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with (
        subprocess.Popen([sys.executable, "-c", parent]) as family,
        measuring.Watched(family.pid, is_wanted=True) as watched,
    ):
        family.wait()
    assert 60 < watched.peak < 120


def test_long_calls_are_measured_once_and_short_ones_more_often(benchmark):
    wanted = benchmark.measuring.wanted_repeats
    assert [wanted(seconds, "default") for seconds in (0.01, 2.0, 60.0)] == [5, 3, 1]
    assert wanted(0.01, "small") == 1


# --- Inputs ---------------------------------------------------------------------------------------


def test_orders_are_the_same_every_time_and_have_the_columns_of_checked_orders(benchmark, tmp_path, cdnow):
    import pandas as pd
    import pyarrow.parquet as parquet

    from analysis.facts import open_book

    for name in ("one", "two"):
        benchmark.inputs.write_orders(tmp_path / name, 20_000)
    orders = pd.read_parquet(tmp_path / "one")
    pd.testing.assert_frame_equal(orders, pd.read_parquet(tmp_path / "two"))
    prepared = parquet.read_schema(open_book(cdnow, "1997Q4").prepared.tables["orders"])
    ours = parquet.read_schema(tmp_path / "one")
    assert {field.name: str(field.type) for field in ours} == {f.name: str(f.type) for f in prepared}
    assert orders["order_id"].is_unique and orders["ordered_at"].is_monotonic_increasing
    assert orders["is_return"].mean() == pytest.approx(0.03, abs=0.005)
    assert orders["customer_id"].isna().mean() == pytest.approx(0.01, abs=0.003)
    assert str(orders["ordered_on"].max()) == benchmark.inputs.LAST_DAY


def test_customers_are_histories_the_models_take(benchmark, tmp_path):
    import numpy as np

    from analysis.models import check_histories

    benchmark.inputs.write_customers(tmp_path / "customers", 5_000)
    data = benchmark.inputs.load_customers(tmp_path / "customers")
    check_histories(data["x"], data["t_x"], data["T"])
    assert ((data["spend"] > 0) == (data["x"] > 0)).all()
    assert data["t_x"] * 7 == pytest.approx(np.rint(data["t_x"] * 7))  # whole days
    benchmark.inputs.write_customers(tmp_path / "again", 5_000)
    again = benchmark.inputs.load_customers(tmp_path / "again")
    assert all((data[name] == again[name]).all() for name in data)


# --- Tables ---------------------------------------------------------------------------------------


def test_the_table_states_medians_spread_and_ratios(benchmark):
    measuring, results = benchmark.measuring, benchmark.results
    found = results.Results("default", True)
    ways = {
        "ours": measuring.Measured([0.2, 0.1, 0.4], 100.4, {"": 1.0}),
        "rival": measuring.Measured([30.0], 2000.0, {"": 1.0}),
    }
    comparison = results.Comparison("Sum", 1_000_000, ways)
    found.stages["sums"] = results.StageResults("c", "2026-01-01", "m", {"Python": "3"}, [comparison])
    rows = list(benchmark.documents.measured_rows(found))
    assert rows == [
        ("Sum", "1,000,000", "ours", "0.2 (0.1–0.4)", "100", "1"),  # the median of three
        ("Sum", "1,000,000", "rival", "30", "2,000", "150"),  # 30 / 0.2
    ]
    task = measuring.Task(
        "Sum",
        {},
        floors=(
            measuring.times_faster("ours", "rival", 1_000_000, 100),
            measuring.times_faster("ours", "rival", 1_000_000, 200),
            measuring.no_slower("rival", "ours", 1_000_000, 1.1),
            measuring.times_faster("ours", "nobody", 1_000_000, 1),
        ),
    )
    found.stages["others"] = found.stages["sums"]
    assert list(found.about(["others", "nobody", "sums"]).stages) == ["others", "sums"]
    floors = list(benchmark.documents.floor_rows(found, {"sums": (task,)}))
    assert [row[-2:] for row in floors] == [
        ("150", "yes"),
        ("150", "no"),
        ("150", "no"),
        ("not measured", ""),
    ]


def test_results_come_back_from_json_as_they_were(benchmark, stage, tmp_path):
    run("--small", "--stage", stage(), "--results", tmp_path / "found.json")
    found = benchmark.results.read_results(tmp_path / "found.json")
    found.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "found.json").read_text()


def test_only_what_stands_between_marks_is_replaced(benchmark):
    text = "before\n<!-- floors -->\nold\n<!-- /floors -->\nafter <!-- measured -->"
    filled = benchmark.documents.filled(text, {"floors": "a\\1b", "measured": "x"})
    assert filled == "before\n<!-- floors -->\na\\1b\n<!-- /floors -->\nafter <!-- measured -->"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="no results are published yet")
def test_the_documents_say_what_the_published_results_give(benchmark):
    results = benchmark.results.read_results(PUBLISHED)
    assert results.finished and results.extent != "small"
    assert set(results.stages) == {stage for stage in STAGES if benchmark.stages.file_of(stage).exists()}
    tasks = {stage: benchmark.stages.tasks_of(stage) for stage in STAGES}
    pieces = benchmark.documents.blocks(results, tasks)
    for path in benchmark.documents.DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        assert benchmark.documents.filled(text, pieces) == text, (
            f"{path.name}: run benchmarks/run.py --publish"
        )
        assert re.search("<!-- (measured|floors) -->\n.*?[|]", text, re.DOTALL), path.name


# --- The stages -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("stage_name", STAGES)
def test_a_stage_runs_on_little_data_and_all_agree(stage_name, tmp_path):
    if not (FOLDER / f"{stage_name}.py").exists():
        pytest.skip("this stage is not written yet")
    ran = run("--small", "--stage", stage_name, "--results", tmp_path / "found.json")
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if line.startswith("|")]
    header, rule = lines[:2]
    assert [word.strip() for word in header.strip("|").split("|")] == [
        "stage",
        "rows",
        "with",
        "seconds",
        "peak MB",
        "× ours",
    ]
    assert all(line.count("|") == header.count("|") for line in lines[: lines.index(rule) + 2])
    assert "did not finish" not in ran.stdout
