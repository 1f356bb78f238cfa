"""A statement in DuckDB's dialect as Spark reads it, with the same result.

sqlglot translates the syntax; this module translates what would run on Spark and give another result, and
refuses what has no translation. Every rule says what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from analysis.engine import EngineError
from analysis.engine.formats_spark import by_format

Node = exp.Expression

_WHOLE = {"tinyint", "smallint", "int", "bigint"}
_WHOLE_FUNCTIONS = (
    exp.Count, exp.CountIf, exp.Length, exp.Year, exp.Quarter, exp.Month, exp.Day, exp.Floor, exp.Ceil,
    exp.RowNumber, exp.Rank, exp.DateDiff,
)  # fmt: skip
_OWN_WHOLE_FUNCTIONS = {"days_between", "month_index"}


@lru_cache(maxsize=1024)
def to_spark(sql: str) -> str:
    """The statement in Spark's dialect.

    Raises
    ------
    EngineError
        If it cannot be read, or holds a form that would give another result on Spark.
    """
    try:
        statement = parse_one(sql, dialect="duckdb")
    except SqlglotError as error:
        raise EngineError(f"the statement cannot be read: {' '.join(str(error).split())}") from error
    for node in reversed(list(statement.walk())):  # what is inside first
        if node is not statement and (on_spark := _on_spark(node)) is not node:
            node.replace(on_spark)
    return statement.sql(dialect="spark", comments=False)


def _on_spark(node: Node) -> Node:
    if type(node) is exp.Anonymous:
        return _BY_NAME.get(node.name.lower(), _as_it_is)(node)
    return _BY_KIND.get(type(node), _as_it_is)(node)


def _as_it_is(node: Node) -> Node:
    return node


# --- Numbers ------------------------------------------------------------------------------------------------


def _division(node: Node) -> Node:
    """DuckDB divides as doubles and knows infinity; Spark keeps decimals and raises at zero."""
    above, below = node.this, node.expression
    if isinstance(below, exp.Literal) and not below.is_string and float(below.this) != 0:
        return exp.Div(this=_double(above), expression=_double(below))
    return exp.Anonymous(this="divided", expressions=[above, below])


def _mean(node: Node) -> Node:
    """A mean of decimals is a double, not a decimal cut off after four more places."""
    return exp.Avg(this=_double(node.this)) if not isinstance(node.this, exp.Distinct) else node


def _rounded(node: Node) -> Node:
    """At n decimals DuckDB rounds x·10ⁿ as it is stored, Spark the number as it is printed (1.005 → 1.01)."""
    decimals = node.args.get("decimals")
    return exp.Anonymous(this="rounded", expressions=[node.this, decimals]) if decimals else node


def _floor_or_ceiling(node: Node) -> Node:
    """A double on DuckDB, infinity included; a whole number on Spark."""
    if _is_cast_to_whole(node.parent):
        return node
    return exp.Anonymous(this="floored" if isinstance(node, exp.Floor) else "ceiled", expressions=[node.this])


def _sign(node: Node) -> Node:
    """A whole number on DuckDB, a double on Spark."""
    return exp.cast(node, "tinyint")


def _cast(node: Node) -> Node:
    """A cast to a whole number rounds on DuckDB (doubles half to even, others half up) and cuts on Spark."""
    if not _is_cast_to_whole(node) or _is_whole(node.this):
        return node
    given, kind, cast = node.this, node.to, type(node)

    def to(value: Node, to_kind: str | Node) -> Node:
        to_kind = exp.DataType.build(to_kind, dialect="spark") if isinstance(to_kind, str) else to_kind.copy()
        return cast(this=value, to=to_kind, safe=node.args.get("safe"))

    from_double = to(exp.Anonymous(this="rint", expressions=[to(given.copy(), "double")]), kind)
    from_other = to(exp.Round(this=to(given.copy(), "decimal(38, 10)")), kind)
    type_of = exp.Anonymous(this="typeof", expressions=[given.copy()])
    doubles = exp.In(this=type_of, expressions=[exp.Literal.string(word) for word in ("double", "float")])
    return exp.Case(ifs=[exp.If(this=doubles, true=from_double)], default=from_other)


def _is_cast_to_whole(node: Node | None) -> bool:
    return isinstance(node, exp.Cast) and node.to.this.value.lower() in _WHOLE


def _is_whole(node: Node) -> bool:
    """Whether an expression is surely a whole number or a truth value, so that a cast needs no rounding."""
    if isinstance(node, exp.Literal):
        return node.is_int
    if isinstance(node, exp.Paren | exp.Neg | exp.Window | exp.Filter):
        return _is_whole(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _is_whole(node.this) and _is_whole(node.expression)
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _OWN_WHOLE_FUNCTIONS
    kinds = (*_WHOLE_FUNCTIONS, exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Null)
    return isinstance(node, kinds) or _is_cast_to_whole(node)


def _logarithm(node: Node) -> Node:
    """``log(x)`` is to base 10 on DuckDB, natural on Spark."""
    if node.expression is None:
        return exp.Anonymous(this="log10", expressions=[node.this])
    return exp.Anonymous(this="log10", expressions=[node.expression]) if node.this.name == "10" else node


def _cut(node: Node) -> Node:
    """A double without its decimals; sqlglot casts to bigint, which not every double fits."""
    return exp.Anonymous(this="truncated", expressions=[node.this])


def _is_nan(node: Node) -> Node:
    """Whether a missing number is none is not known; Spark says no."""
    given = node.this
    return exp.Case(ifs=[exp.If(this=given.copy().is_(exp.null()).not_(), true=node.copy())])


def _double(node: Node) -> Node:
    return exp.cast(node, "double")


# --- Text -------------------------------------------------------------------------------------------------


def _joined_text(node: Node) -> Node:
    """``concat`` passes over what is missing, whatever its type."""
    return exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(""), *node.expressions])


def _like(node: Node) -> Node:
    """A backslash is a plain character on DuckDB, an escape on Spark."""
    if isinstance(node.parent, exp.Escape):
        return node
    pattern, slash = node.expression, exp.Literal.string("\\")
    doubled = exp.Literal.string("\\\\")
    if isinstance(pattern, exp.Literal):
        pattern = exp.Literal.string(pattern.this.replace("\\", "\\\\"))
    else:
        pattern = exp.Anonymous(this="replace", expressions=[pattern, slash, doubled])
    node.set("expression", pattern)
    return node


# A dot stops at \n alone, as on DuckDB.
_LINES = "(?d)"


def _pattern(node: Node, before: str = "", after: str = "") -> Node:
    if isinstance(node, exp.Literal):
        return exp.Literal.string(f"{_LINES}{before}{node.this}{after}")
    around = [exp.Literal.string(_LINES + before), node, exp.Literal.string(after)]
    return exp.Anonymous(this="concat", expressions=around)


def _has_match(node: Node) -> Node:
    _check_no_options(node)
    node.set("expression", _pattern(node.expression))
    return node


def _is_match(node: Node) -> Node:
    """The pattern against the whole text."""
    _check_no_options(node)
    return exp.RegexpLike(this=node.this, expression=_pattern(node.expression, r"\A(?:", r")\z"))


def _extracted(node: Node) -> Node:
    """The whole match unless a group is asked for; Spark takes the first group."""
    group = node.args.get("group") or exp.Literal.number(0)
    return exp.Anonymous(this="regexp_extract", expressions=[node.this, _pattern(node.expression), group])


def _replaced(node: Node) -> Node:
    """Every match (``'g'``), which is all that Spark does; its ``$`` in what is put in is a plain character."""
    modifiers, put = node.args.get("modifiers"), node.args["replacement"]
    if modifiers is None or modifiers.name != "g":
        raise EngineError("regexp_replace needs the option 'g' alone: Spark replaces every match")
    if not isinstance(put, exp.Literal) or "\\" in put.this:
        raise EngineError("regexp_replace can only put in a plain text")
    put = exp.Literal.string(put.this.replace("$", "\\$"))
    return exp.Anonymous(this="regexp_replace", expressions=[node.this, _pattern(node.expression), put])


def _check_no_options(node: Node) -> None:
    if node.args.get("flag") or node.args.get("options"):
        raise EngineError("patterns take no options: write (?i) in the pattern")


def _as_json(node: Node) -> Node:
    """One JSON text; a missing value is written as null."""
    pairs = [part for pair in node.expressions for part in (pair.this, pair.expression)]
    keep = exp.Anonymous(this="map", expressions=list(map(exp.Literal.string, ("ignoreNullFields", "false"))))
    fields = exp.Anonymous(this="named_struct", expressions=pairs)
    return exp.Anonymous(this="to_json", expressions=[fields, keep])


# --- Days and instants --------------------------------------------------------------------------------------


def _days_between(node: Node) -> Node:
    """``date_diff`` counts boundaries on DuckDB and whole units on Spark; only days are put right."""
    if node.args["unit"].name.lower() != "day":
        raise EngineError(
            "date_diff counts differently on Spark: use days_between, seconds_between or month_index"
        )
    return exp.Anonymous(this="days_between", expressions=[node.expression, node.this])


def _start_of(node: Node) -> Node:
    """An instant without zone, like what it is the start of."""
    return exp.cast(node, "timestamp_ntz", dialect="spark")


def _zoned(node: Node) -> Node:
    """An instant with offset; TIMESTAMP alone has no zone in our sessions."""
    if node.this != exp.DataType.Type.TIMESTAMPTZ:
        return node
    return exp.DataType(this=exp.DataType.Type.TIMESTAMPLTZ)


def _weekday(node: Node) -> Node:
    """Sunday is 0 on DuckDB, 1 on Spark."""
    return exp.Paren(this=exp.Sub(this=node.copy(), expression=exp.Literal.number(1)))


def _iso_weekday(node: Node) -> Node:
    """Monday is 1 and Sunday 7."""
    weekday = exp.Anonymous(this="weekday", expressions=[node.this])
    return exp.Paren(this=exp.Add(this=weekday, expression=exp.Literal.number(1)))


def _by_format(node: Node) -> Node:
    """A text read by a strptime format, which is a literal."""
    text, directives = node.expressions
    return by_format(text, directives.name)


# --- Aggregates and tables ----------------------------------------------------------------------------------


def _at_least(node: Node) -> Node:
    """The value at the smallest (largest) other one; rows without a value do not count, as on DuckDB."""
    name = "min_by" if isinstance(node, exp.ArgMin) else "max_by"
    value, by = node.this, node.expression
    given = exp.Case(ifs=[exp.If(this=value.copy().is_(exp.null()).not_(), true=by)])
    return exp.Anonymous(this=name, expressions=[value, given])


def _exact_quantile(node: Node) -> Node:
    """Between the two nearest values; sqlglot would take the approximate one."""
    return exp.Anonymous(this="percentile", expressions=[node.this, node.expression])


def _sum(node: Node) -> Node:
    return exp.Sum(this=_double(node.expressions[0]))


def _any_present(node: Node) -> Node:
    """Any value that is not missing, in a form that takes a filter."""
    if not isinstance(node.this, exp.AnyValue):
        return node
    return exp.Anonymous(this="any_value", expressions=[node.this.this, exp.true()])


def _listed(node: Node) -> Node:
    """Different texts in order; Spark's own form fails beside another distinct aggregate."""
    order = node.this
    if not isinstance(order, exp.Order) or not isinstance(order.this, exp.Distinct):
        return node
    (text,), (by,) = order.this.expressions, order.expressions
    if by.this != text or by.args.get("desc"):
        raise EngineError("string_agg(distinct …) is ordered by the text itself")
    different = exp.Anonymous(this="collect_set", expressions=[text])
    in_order = exp.Anonymous(this="array_sort", expressions=[different])
    joined = exp.Anonymous(this="array_join", expressions=[in_order, node.args["separator"]])
    any_text = exp.GT(this=exp.Count(this=text.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=any_text, true=joined)])


def _iso_week(node: Node) -> Node:
    return exp.WeekOfYear(this=node.this)


def _fingerprint(node: Node) -> Node:
    """64 bits; Spark passes over what is missing, so its place is hashed too."""
    parts = [part for one in node.expressions for part in (one.copy().is_(exp.null()), one)]
    return exp.Anonymous(this="xxhash64", expressions=parts)


def _numbers(node: Node) -> Node:
    """``from range(n) t(i)`` as Spark's own range."""
    series = node.this
    if not isinstance(series, exp.GenerateSeries):
        return node
    end = series.args["end"]
    if series.args["start"].name != "0" or not isinstance(end, exp.Literal):
        raise EngineError("range takes one number, how many")
    alias = node.args.get("alias")
    columns = alias.columns if alias else []
    name = columns[0].name if columns else "range"
    numbers = parse_one(f"select id as `{name}` from range({end.this})", dialect="spark")
    return numbers.subquery(alias.name if alias else "numbers")


def _not_materialised(node: Node) -> Node:
    """Whether a common table is kept is Spark's own choice."""
    node.set("materialized", None)
    return node


def _columns_as_they_are(node: Node) -> Node:
    if node.args.get("replace"):
        raise EngineError("Spark knows no `* replace`: list the columns")
    return node


def _refused(instead: str) -> Callable[[Node], Node]:
    def refuse(node: Node) -> Node:
        name = node.name if isinstance(node, exp.Anonymous) else node.key
        raise EngineError(f"{name.lower()} gives another result on Spark: {instead}")

    return refuse


_BY_KIND: dict[type, Callable[[Node], Node]] = {
    exp.Div: _division,
    exp.Avg: _mean,
    exp.Round: _rounded,
    exp.Sign: _sign,
    exp.Floor: _floor_or_ceiling,
    exp.Ceil: _floor_or_ceiling,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Log: _logarithm,
    exp.Trunc: _cut,
    exp.IsNan: _is_nan,
    exp.Concat: _joined_text,
    exp.Like: _like,
    exp.ILike: _like,
    exp.RegexpLike: _has_match,
    exp.RegexpFullMatch: _is_match,
    exp.RegexpExtract: _extracted,
    exp.RegexpReplace: _replaced,
    exp.JSONObject: _as_json,
    exp.DateDiff: _days_between,
    exp.TimestampTrunc: _start_of,
    exp.DataType: _zoned,
    exp.DayOfWeek: _weekday,
    exp.DayOfWeekIso: _iso_weekday,
    exp.Week: _iso_week,
    exp.GroupConcat: _listed,
    exp.IgnoreNulls: _any_present,
    exp.ArgMin: _at_least,
    exp.ArgMax: _at_least,
    exp.PercentileCont: _exact_quantile,
    exp.Table: _numbers,
    exp.CTE: _not_materialised,
    exp.Star: _columns_as_they_are,
    exp.WithinGroup: _refused("use quantile_cont(x, share)"),
    exp.TimeToUnix: _refused("use seconds_between"),
    exp.StrToTime: _refused("read the parts with regexp_extract"),
    exp.TimeToStr: _refused("put the parts together with concat"),
    exp.SimilarTo: _refused("use regexp_full_match"),
    exp.Glob: _refused("use regexp_matches"),
    exp.Dayname: _refused("use isodow"),
    exp.Mode: _refused("it is one of several"),
    exp.ApproxQuantile: _refused("use quantile_cont"),
}
_BY_NAME: dict[str, Callable[[Node], Node]] = {
    "fsum": _sum,
    "local_by_format": _by_format,
    "utc_by_format": _by_format,
    "hash": _fingerprint,
    "epoch_us": _refused("use seconds_between"),
    "epoch_ms": _refused("use seconds_between"),
    "timezone": _refused("use local_to_utc or utc_to_local"),
    "try_strptime": _refused("read the parts with regexp_extract"),
    "monthname": _refused("use month"),
}
