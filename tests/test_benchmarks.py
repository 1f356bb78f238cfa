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
STAGES = ("fits", "values", "histories", "metrics", "suite", "pages", "imports", "kpis")


@pytest.fixture
def benchmark(monkeypatch) -> Iterator[SimpleNamespace]:
    """The modules of the benchmark, as its runner imports them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("documents", "inputs", "kpis_split", "measuring", "passes", "results", "stages", "suite")
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


def test_what_a_way_tells_beside_its_time_is_the_median_of_its_times(benchmark):
    way = benchmark.measuring.Way(lambda path: lambda: 1.0, beside=lambda path: {"statements": 3})
    assert benchmark.measuring.measure_here(way, Path()).beside == {"statements": 3}
    told = [benchmark.measuring.Measured([1.0], 1.0, {}, beside={"import": each}) for each in (0.5, 0.1, 0.2)]
    assert benchmark.measuring.Measured.over(told).beside == {"import": 0.2}


def test_reads_of_a_table_are_counted_in_the_plans(benchmark):
    import duckdb

    def write(path: Path, rows: int) -> None:
        path.mkdir()
        for name in ("orders", "tickets"):
            duckdb.sql(f"select range as id from range({rows})").write_parquet(f"{path}/{name}.parquet")

    def way(path: Path) -> None:
        connection = duckdb.connect()
        connection.execute(f"create view orders as select * from read_parquet('{path}/orders.parquet')")
        connection.execute("create or replace table kept as select * from orders where id > 3")  # orders: 1
        connection.sql("select count(*) from orders a join orders b using (id)").df()  # orders: 3
        connection.sql("with every as materialized (select id from orders) from every union from every").df()
        connection.execute(
            f"select sum(kept.id) from kept, read_parquet('{path}/tickets.parquet') t"
        ).fetchall()

    counted = benchmark.passes.reads_of(way, write, 10, ("orders", "tickets", "answers"))
    # Four statements that read; what is kept, in a table or a materialised part, is read from its file once.
    assert counted == {"statements": 4, "reads of orders": 4, "reads of tickets": 1, "reads of answers": 0}
    assert duckdb.connect().sql("select 1").fetchall() == [(1,)]  # nobody listens any more


def test_a_stage_is_all_its_files(benchmark, tmp_path):
    (tmp_path / "sums.py").write_text("")
    before = benchmark.stages.fingerprint(str(tmp_path / "sums.py"))
    (tmp_path / "other.py").write_text("")
    assert benchmark.stages.fingerprint(str(tmp_path / "sums.py")) == before
    (tmp_path / "sums_inputs.py").write_text("")
    assert benchmark.stages.fingerprint(str(tmp_path / "sums.py")) != before


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


def test_the_tables_of_the_suite_are_as_checked_tables_are(
    benchmark, tmp_path, open_company, service_and_surveys
):
    import pandas as pd
    import pyarrow.parquet as parquet

    for name in ("one", "two"):
        benchmark.suite.write_suite(tmp_path / name, 20_000)
    tables = {name: service_and_surveys[name] for name in ("tickets", "surveys", "questions", "answers")}
    tables["customers"] = "customer_id,acquired_on,segment\nstays,2024-01-05,small firms\n"
    for name, path in open_company(tables, "2024Q2").prepared.tables.items():
        ours, checked = (parquet.read_schema(each) for each in (tmp_path / "one" / f"{name}.parquet", path))
        assert {f.name: str(f.type) for f in ours} == {f.name: str(f.type) for f in checked}, name
        frames = [pd.read_parquet(tmp_path / each / f"{name}.parquet") for each in ("one", "two")]
        pd.testing.assert_frame_equal(*frames)
    rows = {name: parquet.read_metadata(tmp_path / "one" / f"{name}.parquet").num_rows for name in tables}
    assert rows["tickets"] == 2_000 and rows["answers"] == pytest.approx(2_000, rel=0.15)
    answers = pd.read_parquet(tmp_path / "one" / "answers.parquet")
    assert not answers.duplicated(["survey_id", "question_id"]).any()


# --- The suite, by hand ---------------------------------------------------------------------------


@pytest.fixture
def suite_input(benchmark, tmp_path) -> Path:
    benchmark.suite.write_suite(tmp_path / "input", 10_000)
    return tmp_path / "input"


def test_it_is_said_which_metrics_of_these_tables_are_not_compared(benchmark, suite_input):
    suite = benchmark.suite
    measurable = suite.measurable(suite.book_of_tables(suite_input))
    assert set(suite.METRICS) <= set(measurable)
    unsaid = set(measurable) - set(suite.METRICS) - set(suite.NOT_COMPARED)
    assert not unsaid, "work these out by hand in suite_in_sql.py and suite_in_pandas.py, or say why not"
    assert set(suite.NOT_COMPARED) <= set(measurable) - set(suite.METRICS)


@pytest.mark.slow
def test_by_hand_every_value_and_every_size_is_ours(benchmark, suite_input):
    suite = benchmark.suite
    ours = suite.in_order(suite.measured_by_analysis(suite_input))
    assert set(ours.index.get_level_values("metric")) == set(suite.METRICS)
    assert set(ours.index.get_level_values("segment")) == {"", "not_stated", *suite.SEGMENTS}
    for measured in (suite.measured_in_sql, suite.measured_in_pandas):
        by_hand = suite.in_order(measured(suite_input, suite.COMPARED))
        assert list(by_hand.index) == list(ours.index)
        assert (by_hand["n"] == ours["n"]).all()
        assert by_hand["value"].to_numpy() == pytest.approx(ours["value"].to_numpy(), rel=1e-9, abs=1e-12)


def test_a_value_in_another_place_is_another_answer(benchmark):
    import pandas as pd

    rows = pd.DataFrame({"period": ["2024Q3", "2024Q4"], "n": [10, 20], "value": [5.0, 7.0]})
    rows = rows.assign(metric="nps", segment=None)
    assert benchmark.suite.added_up(rows) == {"nps": 5.0 + 2 * 7.0, "nps: n": 10 + 2 * 20}
    swapped = rows.assign(value=[7.0, 5.0])
    assert benchmark.suite.added_up(swapped)["nps"] == 7.0 + 2 * 5.0


# --- Where the time of a command goes -------------------------------------------------------------


def test_while_an_inner_step_runs_the_outer_one_stands_still(benchmark, monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 7.0, 15.0, 31.0])
    monkeypatch.setattr(benchmark.kpis_split.time, "perf_counter", lambda: next(clock))
    watch = benchmark.kpis_split.Stopwatch()  # at 0
    with watch.step("measure"), watch.step("import"):  # from 1, from 3; to 7, to 15
        pass
    watch.look()  # at 31
    assert watch.seconds == {"other": 1 + 16, "measure": 2 + 8, "import": 4}


def test_every_step_of_the_command_is_a_function_of_its_module(benchmark):
    for module, functions in benchmark.kpis_split.STEPS.items():
        assert all(callable(getattr(import_module(module), name)) for name in functions), module


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


def test_what_was_told_beside_is_a_table_of_its_own(benchmark):
    measuring, results = benchmark.measuring, benchmark.results
    ways = {
        "ours": measuring.Measured([1.0], 1.0, {}, beside={"statements": 40, "reads": 3}),
        "rival": measuring.Measured([1.0], 1.0, {}, beside={"statements": 7}),
        "other": measuring.Measured([1.0], 1.0, {}),
    }
    stage = results.StageResults("c", "2026-01-01", "m", {}, [results.Comparison("Sum", 1000, ways)])
    told = benchmark.documents.told_beside(results.Results("default", True, {"sums": stage}))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in told.splitlines()]
    assert rows[0] == ["rows", "with", "statements", "reads"]
    assert rows[2:] == [["1,000", "ours", "40", "3"], ["1,000", "rival", "7", ""]]
    assert benchmark.documents.told_beside(results.Results("default")) == ""


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
