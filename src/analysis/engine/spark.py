"""Apache Spark as the engine: the same statements, translated, over the same Parquet files.

One Java process serves all engines of a Python process; each engine has a session of its own, with its own views
and functions. Nothing is started before the first engine is asked for.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.engine import EngineError
from analysis.engine.frames import typed_frame
from analysis.engine.to_spark import to_spark
from analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from analysis.params import EngineSettings

_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",  # an instant without zone, as in every table of ours
    "spark.sql.ansi.enabled": "true",  # a value that cannot be cast is an error, as on DuckDB
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}
_PROCESS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.driver.maxResultSize": "0",  # results are collected on purpose
    "spark.driver.host": "localhost",
}
_WORDS = {"string": "varchar", "int": "integer", "timestamp_ntz": "timestamp", "timestamp": "timestamp with time zone",
          "float": "float", "void": '"null"'}  # fmt: skip

_running: dict[str, Any] = {}  # what this process has started: session, settings, process id


class SparkEngine:
    """Runs SQL written in DuckDB's dialect on Spark and returns typed frames.

    Parameters
    ----------
    settings
        ``master`` says where Spark runs: ``local[2]``, ``spark://host:7077``. ``threads: n`` alone means
        ``local[n]``; both together are an error, as is neither. ``memory_limit`` (``2GB``) is the memory of the
        Java process in this machine.
    scratch
        Not used: Spark outlives an engine, so what does not fit into memory goes below the system's temporary
        folder (``TMPDIR``), and is gone when the process ends.

    Raises
    ------
    InputError
        If the settings name no master, pyspark or Java is missing, Spark does not start, or the process already
        runs Spark with other settings.
    """

    def __init__(self, settings: EngineSettings, scratch: Path | None = None) -> None:
        with (
            warnings.catch_warnings()
        ):  # of pandas 3; frames go through Arrow here, not through pyspark's pandas code
            warnings.simplefilter("ignore", FutureWarning)
            self._session: SparkSession | None = _root_session(settings).newSession()
            self._tables: dict[str, DataFrame] = {}
            for statement in _macros():
                self._session.sql(statement)

    def create_view(self, name: str, sql: str) -> None:
        """Make a view that later statements can name."""
        with _in_one_line():
            self._open.sql(f"create or replace temporary view {_name(name)} as {to_spark(sql)}")
        self._forget(name)

    def create_table(self, name: str, sql: str) -> None:
        """Make a table in Spark's memory (its disk where that is short): worked out once, now."""
        with _in_one_line():
            table = self._query(sql).localCheckpoint()  # later plans begin here, without the steps before
            table.createOrReplaceTempView(_name(name))
        self._forget(name)
        self._tables[name] = table

    def view_parquet(self, name: str, path: Path) -> None:
        """Make a view over a Parquet file."""
        with _in_one_line():
            self._open.read.parquet(_uri(path)).createOrReplaceTempView(_name(name))
        self._forget(name)

    def view_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make a table from a frame."""
        with _in_one_line():
            self._open.createDataFrame(_arrow(frame)).createOrReplaceTempView(_name(name))
        self._forget(name)

    def drop(self, name: str) -> None:
        """Forget a view or table, and what it holds in memory."""
        with _in_one_line():
            self._open.sql(f"drop view if exists {_name(name)}")
        self._forget(name)

    def columns(self, sql: str) -> dict[str, str]:
        """Names and types of a query's columns, without running it; the types are SQL's, in lower case."""
        with _in_one_line():
            fields = self._query(sql).schema.fields
        return {field.name: _word(field.dataType.simpleString()) for field in fields}

    def run(self, sql: str) -> pd.DataFrame:
        """The result of a query: integers, floats, text and dates as declared in ``typed_frame``."""
        return typed_frame(self._result(sql))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The result of a query as plain values, for the few rows that no frame is wanted of."""
        return list(zip(*(column.to_pylist() for column in self._result(sql).columns), strict=True))

    def write_parquet(self, sql: str, path: Path) -> None:
        """Write the result of a query to one Parquet file, in the query's order."""
        try:
            pq.write_table(self._result(sql), path)
        except OSError as error:
            raise EngineError(f"{path} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Let go of the memory; the Java process stays for other engines."""
        if self._session is None:
            return
        for name in list(self._tables):
            self._forget(name)
        self._session = None

    @property
    def _open(self) -> SparkSession:
        if self._session is None:
            raise EngineError("the engine is closed")
        return self._session

    def _query(self, sql: str) -> DataFrame:
        return self._open.sql(to_spark(sql))

    def _result(self, sql: str) -> pa.Table:
        with _in_one_line():
            return _checked(self._query(sql).toArrow())

    def _forget(self, name: str) -> None:
        if (table := self._tables.pop(name, None)) is not None:
            _kept_rows(table).unpersist(False)


def _kept_rows(table: DataFrame) -> Any:
    """What a table holds in Spark's memory."""
    return table._jdf.queryExecution().logical().rdd()


# --- The one session of the process ------------------------------------------------------------------------------


def _root_session(settings: EngineSettings) -> SparkSession:
    """The process's own session, started when first asked for; every engine's session comes from it."""
    wanted = {"spark.master": _master(settings)}
    if settings.memory_limit:
        wanted["spark.driver.memory"] = f"{_mebibytes(settings.memory_limit)}m"
    if _running.get("process") != os.getpid():
        _running.clear()
        _running.update(process=os.getpid(), wanted=wanted, session=_start(wanted))
    elif _running["wanted"] != wanted:
        raise InputError(
            f"engine: this process already runs Spark with {_running['wanted']}; {wanted} needs one of its own"
        )
    return _running["session"]


def _start(wanted: dict[str, str]) -> SparkSession:
    """Starts Java and Spark in it; what they say goes to a file, none of it to the screen."""
    if find_spec("pyspark") is None:
        raise InputError("engine: spark needs the package pyspark, which is not installed: run `make extras`")
    if not _has_java():
        raise InputError(
            "engine: spark needs Java 17 or newer, and there is no `java` on the PATH nor JAVA_HOME"
        )
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(
        logging.CRITICAL
    )  # errors are raised, not printed
    folder = Path(tempfile.mkdtemp(prefix="workbook-spark-"))
    conf = SparkConf(loadDefaults=False).setAll([*_configuration(wanted, folder).items()])
    with (folder / "spark.log").open("w") as log:
        try:
            gateway = launch_gateway(conf, popen_kwargs={"stdout": log, "stderr": log, "cwd": folder})
            context = SparkContext(conf=conf, gateway=gateway)
        except Exception as error:
            said = (folder / "spark.log").read_text(errors="replace").strip().splitlines()
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(f"engine: Spark does not start ({said[-1] if said else error})") from error
    context.setLogLevel("ERROR")
    atexit.register(_stop, context, folder, os.getpid())
    return SparkSession(context)


def _configuration(wanted: dict[str, str], folder: Path) -> dict[str, str]:
    places = {"spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    cores = re.match(r"local(?:\[(\d+|\*))?", wanted["spark.master"])
    if cores:  # on one machine, more pieces than cores only cost
        count = os.cpu_count() if cores[1] == "*" else cores[1] or 1
        places["spark.sql.shuffle.partitions"] = str(count)
    return {"spark.app.name": "workbook"} | _PROCESS | _SESSION | places | wanted


def _stop(context: Any, folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked child leaves its parent's Spark alone
        context.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _master(settings: EngineSettings) -> str:
    if settings.master and settings.threads:
        raise InputError(
            "engine: master and threads are both given; spark's master says the threads: local[2]"
        )
    if not settings.master and not settings.threads:
        raise InputError("engine: spark needs a master, such as {kind: spark, master: 'local[2]'}")
    return settings.master or f"local[{settings.threads}]"


def _mebibytes(limit: str) -> int:
    """``2GB``, ``512 MiB`` → whole MiB."""
    found = re.fullmatch(r"\s*(\d+(?:[.]\d+)?)\s*([KMGT])(i?)B?\s*", limit, re.IGNORECASE)
    if not found:
        raise InputError(f"engine: memory_limit {limit!r} is not an amount of memory such as 2GB")
    step = 1024 if found[3] else 1000
    return int(float(found[1]) * step ** ("KMGT".index(found[2].upper()) + 1)) >> 20


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None) is not None


# --- Words and values -----------------------------------------------------------------------------------------------


def _macros() -> list[str]:
    text = files("analysis.engine").joinpath("macros_spark.sql").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [statement for statement in map(str.strip, code.split(";\n")) if statement]


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _word(kind: str) -> str:
    """Spark's word for a type as DuckDB's."""
    return _WORDS.get(kind, kind)


def _uri(path: Path) -> str:
    """A path as Hadoop takes it: its wildcards are plain characters here."""
    return "file://" + re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path.absolute()))


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow with the types Spark knows: what is missing is null, instants in microseconds."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    return pa.table([_known(column) for column in table.columns], names=table.column_names)


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _known(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _checked(table: pa.Table) -> pa.Table:
    """The result, unless a column is of a kind that has no place in a frame."""
    for field in table.schema:
        if pa.types.is_duration(field.type) or pa.types.is_interval(field.type):
            raise EngineError(f"{field.name} is an interval: use days_between or seconds_between")
    return table


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Spark's errors as the engine's own: the first line, without codes, statement and plan."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineError(_said(str(error))) from error


def _said(text: str) -> str:
    """``[CODE] What is wrong. SQLSTATE: 42P01; line 1 …`` → ``What is wrong.``"""
    if text.startswith("An error occurred while calling"):  # Java's own words; what happened stands last
        text = (re.findall(r"Caused by: (?:[\w.$]+: )?(.+)", text) or [text])[-1]
    text = re.split(r"\n\s*(?:==|Search path|'|\+-|at )| SQLSTATE", text.strip())[0]
    return re.sub(r"^\[[\w.]+\] ", "", " ".join(text.split()))
