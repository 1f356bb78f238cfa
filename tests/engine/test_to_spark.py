"""DuckDB's dialect on Spark: forms that give the same on both, and forms that are refused."""

from __future__ import annotations

from itertools import chain

import pandas as pd
import pytest

from analysis.engine import EngineError, open_engine
from analysis.engine.to_spark import to_spark
from analysis.params import EngineSettings

DUCKDB = EngineSettings(kind="duckdb", master=None, threads=None, memory_limit=None)

# --- What is written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "on_spark"),
    [
        ('select "a:b", "x y" from "order"', "SELECT `a:b`, `x y` FROM `order`"),
        ("select x from t order by x", "SELECT x FROM t ORDER BY x NULLS LAST"),
        (
            "select row_number() over (order by x desc, y) as n from t",
            "SELECT ROW_NUMBER() OVER (ORDER BY x DESC, y NULLS LAST) AS n FROM t",
        ),
        (r"select 'O''B\n' as x", r"SELECT 'O\'B\\n' AS x"),
        ("select a / 3 as x", "SELECT CAST(a AS DOUBLE) / CAST(3 AS DOUBLE) AS x"),
        ("select a / b as x", "SELECT DIVIDED(a, b) AS x"),
        ("select avg(x) as x", "SELECT AVG(CAST(x AS DOUBLE)) AS x"),
        ("select cast(floor(x) as bigint) as x", "SELECT CAST(FLOOR(x) AS BIGINT) AS x"),
        ("select cast(a = b as integer) as x", "SELECT CAST(a = b AS INT) AS x"),
        ("select x like 'a\\%' as x", r"SELECT x LIKE 'a\\\\%' AS x"),
        ("select x not like '\\' as x", r"SELECT NOT x LIKE '\\\\' AS x"),
        ("select regexp_matches(x, 'a.') as x", "SELECT x RLIKE '(?d)a.' AS x"),
        ("select regexp_full_match(x, 'a|b') as x", r"SELECT x RLIKE '(?d)\\A(?:a|b)\\z' AS x"),
        ("select regexp_extract(x, 'a') as x", "SELECT REGEXP_EXTRACT(x, '(?d)a', 0) AS x"),
        ("select cast(x as timestamp) as x", "SELECT CAST(x AS TIMESTAMP_NTZ) AS x"),
        ("select cast(x as timestamptz) as x", "SELECT CAST(x AS TIMESTAMP_LTZ) AS x"),
        ("with a as materialized (select 1 as x) select x from a", "WITH a AS (SELECT 1 AS x) SELECT x FROM a"),
    ],
)  # fmt: skip
def test_a_form_is_translated(written, on_spark):
    normal = to_spark(written).replace("x NOT LIKE", "NOT x LIKE")
    assert normal == on_spark


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select date_diff('second', a, b) from t", "seconds_between"),
        ("select date_diff('month', a, b) from t", "month_index"),
        ("select percentile_cont(0.5) within group (order by x) from t", "quantile_cont"),
        ("select epoch(a) from t", "seconds_between"),
        ("select epoch_us(a) from t", "seconds_between"),
        ("select timezone('Europe/Paris', a) from t", "local_to_utc"),
        ("select strptime(a, '%d') from t", "regexp_extract"),
        ("select strftime(a, '%d') from t", "concat"),
        ("select regexp_replace(a, 'x', 'y') from t", "every match"),
        (r"select regexp_replace(a, '(x)', '\1', 'g') from t", "plain text"),
        ("select * replace (1 as a) from t", "list the columns"),
        ("select local_by_format(a, '%c') from t", "%c"),
        ("select a from", "cannot be read"),
    ],
)
def test_a_form_that_would_differ_is_refused_in_one_line(sql, said):
    with pytest.raises(EngineError, match=said) as error:
        to_spark(sql)
    assert "\n" not in str(error.value)


# --- What comes out ---------------------------------------------------------------------------------

ROWS = pd.DataFrame({
    "k": range(7),
    "i": pd.array([1, -3, None, 0, 7, 8, 1], dtype="Int64"),
    "x": [2.5, -2.5, None, 1.005, float("inf"), 0.125, 3.5],
    "s": pd.Series(["a", "O'B\\x", None, "😀é\n甲", "100%", "ab ab", ""], dtype="str"),
    "p": pd.Series(["a%", "%\\%", None, "_é%", "100\\%", "b", ""], dtype="str"),
    "b": pd.array([True, False, None, True, False, True, None], dtype="boolean"),
    "d": pd.to_datetime(["2024-02-29", "2023-12-31", None, "2024-03-31", "2024-10-27", "1969-12-31", "2000-01-01"]),
    "t": pd.to_datetime(["2024-03-31 02:30:00", "2024-10-27 02:30:00", None, "2024-10-27 01:59:59.999999",
                         "2024-10-27 03:00:00", "1969-12-31 23:59:59", "2000-01-01"], format="ISO8601"),
}).astype({"d": "datetime64[us]", "t": "datetime64[us]"})  # fmt: skip

NUMBERS = [
    "i / 0", "x / 0", "0 / 0", "i / i", "x / 3", "i / 2", "1.5 / 2", "1 / x", "i // 2", "5 % 3", "i % 2", "i * 2 - 1",
    "cast(i as double)", "cast(x * 0 as varchar) is null", "try_cast(x as bigint)", "try_cast(s as integer)",
    "try_cast(s as double)", "try_cast('1.5' as integer)", "cast(2.5e0 as integer)", "cast(3.5e0 as bigint)",
    "cast(cast(2.5 as decimal(3, 1)) as integer)", "cast(b as integer)", "cast(x > 1 as bigint)",
    "try_cast(' 12 ' as double)", "try_cast('.5' as double)", "try_cast('1e3' as double)", "try_cast('' as double)",
    "round(x)", "round(x, 1)", "round(x, 2)", "round(i)", "round(1.005e0, 2)", "round(0.285e0, 2)", "round(-1.5e0)",
    "floor(x)", "ceil(x)", "cast(floor(i / 2) as bigint)", "trunc(x)", "sign(x)", "abs(x)", "isnan(x)", "isfinite(x)",
    "ln(2)", "log(100)", "log10(1000)", "log2(8)", "sqrt(2)", "power(2, 0.5)", "2 ** 3",
    "least(i, 2)", "greatest(i, 2, null)", "coalesce(i, 9)", "nullif(i, 0)", "i is distinct from 1",
    "i is not distinct from null", "i between 0 and 7", "i not in (1, 7)", "not b", "b and i > 0", "b or i > 0",
    "case when b then 1 else 0 end", "if(b, 1, 2)", "1.0e0", "cast(null as double)", "i = cast(x as double)",
]  # fmt: skip
TEXTS = [
    "concat(s, '-', i)", "s || '-' || k", "concat_ws(',', s, null, i)", "length(s)", "lower(s)", "upper(s)", "trim(s)",
    "trim(s, 'ab')", "ltrim(s, 'a')", "rtrim(s, 'b')", "substr(s, 2, 2)", "left(s, 2)", "right(s, 2)",
    "replace(s, 'b', '$1')", "lpad(s, 7, '*')", "reverse(s)", "ascii(s)", "contains(s, 'b')", "starts_with(s, 'a')",
    "position('b' in s)", "split_part(s, ' ', 2)", "s like p", r"s not like '%\%'", "s ilike 'A%'",
    "s like 'x!%' escape '!'", "s < 'b'", "s = 'a'", r"s = 'O''B\x'", "chr(65)", "md5(s)",
    "cast(i as varchar)", "cast(b as varchar)", "cast(d as varchar)", "cast(t as varchar)",
    "regexp_matches(s, 'b.')", "regexp_full_match(s, '.*b')", "regexp_full_match(s, 'a|ab ab')",
    "regexp_full_match(s, '(?i)A')", "regexp_extract(s, 'b')", "regexp_extract(s, '(a)(b)', 2)",
    "regexp_extract(s, '(z)?a', 1)", "regexp_replace(s, '[ab]', '$', 'g')", "regexp_matches(s, '^a$')",
    r"regexp_matches(s, '\A(?:\d+%)\z')", "regexp_full_match(s, '[^a]+')", "s ~ 'a'",
    "cast(json_object('a', s, 'b\"', p) as varchar)", "hash(s, p) = hash(s, p)", "hash(s, p) = hash(p, s)",
]  # fmt: skip
DAYS = [
    "year(d)", "quarter(d)", "month(d)", "day(d)", "hour(t)", "minute(t)", "dayofweek(d)", "isodow(d)", "week(d)",
    "dayofyear(d)", "extract(year from t)", "date_trunc('month', t)", "date_trunc('week', t)", "last_day(d)", "d + 1",
    "t + interval 1 day", "t - interval 2 hour", "cast(t as date)", "cast(d as timestamp)", "date_diff('day', d, t)",
    "days_between(d, t)", "month_index(t)", "add_days(d, k)", "seconds_between(t, cast(d as timestamp))", "d < t",
    "d = date '2024-02-29'", "t >= timestamp '2024-01-01 00:00:00'", "make_date(2024, 1, cast(k + 1 as integer))",
    "try_cast('2024-1-5' as date)", "try_cast('2024-02-30' as date)", "try_cast('2024-01-05 10:00' as timestamp)",
    *(f"{to}(t, '{zone}')" for to in ("local_to_utc", "utc_to_local") for zone in (
        "Europe/Paris", "America/New_York", "UTC", "Asia/Shanghai", "Australia/Lord_Howe")),
    "local_to_utc(timestamp '2024-03-10 02:30:00', 'America/New_York')",
    "local_to_utc(timestamp '2024-11-03 01:30:00', 'America/New_York')",
    "local_to_utc(timestamp '2024-04-07 01:45:00', 'Australia/Lord_Howe')",
    "local_to_utc(timestamp '2011-12-30 12:00:00', 'Pacific/Apia')",
    "local_to_utc(d, 'Europe/Paris')",
]  # fmt: skip
WINDOWS = [
    "row_number() over (order by x, k)", "row_number() over (order by x desc, k)", "rank() over (order by b)",
    "dense_rank() over (order by i desc)", "sum(i) over (order by k)", "count(*) over (partition by b)",
    "sum(i) over (partition by b order by k rows between 1 preceding and current row)", "max(s) over ()",
    "lag(i) over (order by k)", "lead(s, 1, 'z') over (order by k)", "first(s) over (order by k)",
    "last_value(s) over (partition by b order by k)", "days_between(lag(d) over (order by k), d)",
]  # fmt: skip
AGGREGATES = [
    "count(*)", "count(i)", "count(distinct b)", "sum(i)", "sum(x)", "sum(k)", "avg(i)", "avg(1.25)", "sum(1.5)",
    "min(s)", "max(s)", "min(d)", "max(t)", "bool_or(b)", "bool_and(b)", "count_if(b)", "count(*) filter (where b)",
    "sum(i) filter (where k > 10)", "arg_min(s, k)", "arg_min(i, x)", "arg_max(i, k)", "min_by(s, i)", "fsum(i)",
    "string_agg(s, ',' order by k)", "string_agg(distinct s, ', ' order by s)", "stddev_samp(k)", "var_samp(k)",
    "median(k)", "quantile_cont(k, 0.3)", "any_value(b) filter (where k = 0)", "sum(i) / count(*)",
    "sum(case when b then 1 else 0 end)", "max(d) - min(d) is null",
]  # fmt: skip

# Texts as instants: the text, for each format.
FORMATS = {
    "%d/%m/%Y": ["29/02/2024", "30/02/2024", "1/2/2024", "01/13/2024", "x", ""],
    "%Y%m%d": ["20240229", "20240230"],
    "%y-%m-%d": ["68-01-02", "69-01-02", "70-01-02", "99-12-31", "00-01-01"],
    "%d %b %Y": ["3 Mar 2024", "03 MAR 2024", "3 march 2024", "3 sept 2024", "3  Mar 2024"],
    "%d %B %Y %I:%M %p": ["3 March 2024 12:05 AM", "3 march 2024 12:05 pm", "3 March 2024 1:05 PM",
                          "3 March 2024 13:05 PM", "3 March 2024 00:05 AM"],
    "%Y-%m-%d %H:%M:%S.%f": ["2024-01-02 03:04:05.5", "2024-01-02 03:04:05.000005", "2024-01-02 24:00:00.0"],
    "%Y-%j": ["2024-366", "2024-1", "2024-000", "2024-060"],
    "%a %d.%m.%Y": ["Thu 29.02.2024", "Foo 29.02.2024"],
    "%Y年%m月%d日": ["2024年2月29日"],
}  # fmt: skip
WITH_OFFSET = [
    "2024-01-02 03:04:05 +0200",
    "2024-01-02 03:04:05 -02:30",
    "2024-01-02 03:04:05 +02",
    "2024-01-02",
]
ISO = ["2024-02-29", "2024-02-30", "2024-03-31 02:30", "2024-03-31T02:30:15", "2024-03-31 02:30:15.123456",
       "2024-01-01 24:00:00", "2024-01-01 24:00", "2024-01-01 24:01:00", "2024-01-01 23:60", "0001-01-01"]  # fmt: skip
ISO_WITH_OFFSET = [
    day + offset for day in ("2024-03-31 02:30", "2024-03-31T02:30:15", "2024-03-31 02:30:15.5", "2024-02-30 10:00")
    for offset in ("Z", "+02", "+0200", "-02:30", "+15:59", "-00:30")
]  # fmt: skip
READINGS = [
    *(f"local_by_format('{text}', '{form}')" for form, texts in FORMATS.items() for text in texts),
    *(f"utc_by_format('{text}', '%Y-%m-%d %H:%M:%S %z')" for text in WITH_OFFSET),
    *(f"iso_local('{text}')" for text in ISO),
    *(f"iso_utc('{text}')" for text in ISO_WITH_OFFSET),
    *(f"epoch_utc(cast({number} as bigint))" for number in (0, 1711843200000, 1720923402036, 999999999999)),
]
BY_ROW = {"numbers": NUMBERS, "texts": TEXTS, "days": DAYS, "windows": WINDOWS, "readings": READINGS}


@pytest.fixture(scope="module")
def answers(spark):
    """For each expression, the column that each engine gives: one statement for each kind of expression."""
    engines = [open_engine(settings) for settings in (DUCKDB, spark)]
    found: dict[str, list[pd.Series]] = {}
    for engine in engines:
        engine.view_frame("given", ROWS)
        engine.create_view("rows_given", "select k, i, x, s, p, b, cast(d as date) as d, t from given")
        for expressions in [*BY_ROW.values(), AGGREGATES]:
            columns = ", ".join(f"{sql} as e{number}" for number, sql in enumerate(expressions))
            ordered = "" if expressions is AGGREGATES else " order by k"
            frame = engine.run(f"select {columns} from rows_given{ordered}")
            for number, sql in enumerate(expressions):
                found.setdefault(sql, []).append(frame[f"e{number}"])
        engine.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("expression", list(chain(*BY_ROW.values(), AGGREGATES)))
def test_an_expression_is_worth_the_same_on_both_engines(answers, expression):
    on_duckdb, on_spark = answers[expression]
    pd.testing.assert_series_equal(on_spark, on_duckdb, check_names=False, rtol=1e-15, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "select b, i, grouping(b) as no_b, grouping(i) as no_i, count(*) as n, sum(x) as x from rows_given "
        "group by grouping sets ((), (b), (b, i)) order by no_b, no_i, b, i",
        "select * from rows_given where b is not null order by s limit 3",
        "select f.* from rows_given f where i > 0 order by all",
        "select * exclude (x) from rows_given order by i desc, k desc",
        "select k, i from rows_given qualify row_number() over (partition by b order by x desc, k) = 1 order by k",
        "select a.k, b.s from rows_given a left join rows_given b on a.i = b.i and b.s like 'a%' order by a.k, b.s",
        "select k from rows_given where (i, b) in (select i, b from rows_given where x > 0) order by k",
        "select k from rows_given a where not exists (select 1 from rows_given b where b.i = a.i and b.k <> a.k) "
        "order by k",
        "select coalesce(a.k, b.k) as k, a.x from rows_given a full outer join (select 9 as k) b on a.k = b.k "
        "order by k",
        "select k from rows_given union all select cast(i as bigint) from rows_given order by k",
        "select distinct b from rows_given order by b nulls first",
        "select 1 as one, count(*) as n from rows_given where false group by 1",
        "with t as (select k, k * 2 as twice from rows_given) select k, sum(twice) as x from t group by k "
        "having sum(twice) > 4 order by 2 desc",
        'select i as "a:b", b as "x y" from rows_given order by "a:b", "x y"',
    ],
)  # fmt: skip
def test_a_statement_gives_the_same_rows_on_both_engines(engines, sql):
    on_duckdb, on_spark = (engine.run(sql) for engine in engines)
    pd.testing.assert_frame_equal(on_spark, on_duckdb, rtol=1e-15, atol=0)
    assert list(on_duckdb.columns)


@pytest.fixture(scope="module")
def engines(spark):
    opened = [open_engine(settings) for settings in (DUCKDB, spark)]
    for engine in opened:
        engine.view_frame("given", ROWS)
        engine.create_view("rows_given", "select k, i, x, s, p, b, cast(d as date) as d, t from given")
    yield opened
    for engine in opened:
        engine.close()
