"""The KPI mart in an SQL database: PostgreSQL, SQLite, and others that SQLAlchemy speaks to.

A period is replaced in one transaction, so that readers see its rows of before or the new ones, never a mixture.
Passwords come from the environment alone, and no message repeats one: what a database says is cut down to its
first sentence, without statement and parameters.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DOUBLE as MYSQL_DOUBLE
from sqlalchemy.dialects.mysql import LONGTEXT as MYSQL_LONGTEXT
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from analysis.delivery.mart_tables import KEYS, MEANINGS, TABLES, MartError, mart_columns, other_columns

FROM_ENVIRONMENT = "env:"
PASSWORD_VARIABLE = "WORKBOOK_MART_PASSWORD"
SECONDS_TO_CONNECT, SECONDS_TO_WAIT = 15, 600
ROWS_AT_A_TIME = 20_000

DRIVERS = {
    "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}  # fmt: skip
"""What is meant where an address names no driver, whichever version of SQLAlchemy reads it."""
_INSTALLED_BY = {"psycopg": "customer-workbook[postgres]"}

_IDENTIFIED_BY = {
    "metrics": ("company", "period", "metric", "variant"),
    "customers": ("company", "period", "customer_id"),
    "runs": ("company", "period"),
}
"""Primary keys. In the other two, ``dimension`` is empty for the company, which no part of a key may be; that they
cannot double is then up to ``runs``, whose row is written in the same transaction."""
_FOUND_BY = ("company", "period", "metric", "variant")
_LENGTHS = {"company": 100, "period": 20, "metric": 100, "variant": 100, "customer_id": 255}
"""Of what stands in keys, where a database asks for it."""


@dataclass(frozen=True)
class Database:
    """Where a mart lies in a database, and how messages name the place: never by its password."""

    url: sa.URL
    schema: str | None
    named: str


def find_database(target: str, schema: str | None = None) -> Database:
    """The database of an address, or of the environment variable that holds one (``env:WORKBOOK_MART_URL``).

    Parameters
    ----------
    schema
        Where the tables lie; ``?schema=`` in the address says the same.

    Raises
    ------
    MartError
        If it is no address of a database, holds a password although it was typed in, or its driver is not installed.
    """
    is_typed = not target.startswith(FROM_ENVIRONMENT)
    text, named = (target, "--to") if is_typed else (_environment(target), target)
    url = _parsed(text, named)
    secret = url.password is not None or any(map(_is_secret, url.query))
    if is_typed and secret:
        raise MartError(
            "--to: a password does not belong on the command line, where others see it. Leave it out and set "
            f"{PASSWORD_VARIABLE}, or put the whole address into a variable and give --to env:WORKBOOK_MART_URL"
        )
    if is_typed:
        named = url.render_as_string(hide_password=True)
    if url.password is None and url.get_backend_name() != "sqlite" and os.environ.get(PASSWORD_VARIABLE):
        url = url.set(password=os.environ[PASSWORD_VARIABLE])
    database = Database(_without_schema(url), _schema(url, schema, named), named)
    _check_place(database)
    return database


def check_connection(database: Database) -> None:
    """Refuses a database that does not answer, before anything is measured for it.

    Raises
    ------
    MartError
        With what the database, or its driver, says.
    """
    if database.url.get_backend_name() != "sqlite":  # which would be an empty file
        with _opened(database) as engine, engine.connect():
            pass


def load_database(database: Database, tables: Mapping[str, pa.Table], keys: Mapping[str, str]) -> None:
    """Puts the rows of one run into the mart, in place of those of its company and period, in one transaction.

    Tables, and the schema, are made if they are not there; columns that an earlier version did not have are added.

    Raises
    ------
    MartError
        If the database refuses, or holds tables of these names that are not the mart's.
    """
    with _opened(database) as engine, engine.begin() as connection:
        _wait_for_other_loads(connection, database)
        _make_tables(connection, database)
        for name, rows in tables.items():
            table = sql_tables(database.schema)[name]
            connection.execute(
                sa.delete(table).where(*(table.c[key] == value for key, value in keys.items()))
            )
            _insert(connection, table, rows)


@lru_cache(maxsize=8)
def sql_tables(schema: str | None = None) -> Mapping[str, sa.Table]:
    """The mart's tables with their declared types, keys and indices, in the order of writing."""
    metadata = sa.MetaData(schema=schema)
    return {name: _table(name, metadata) for name in TABLES}


# --- the address ------------------------------------------------------------------------------------------


def _environment(target: str) -> str:
    name = target.removeprefix(FROM_ENVIRONMENT)
    text = os.environ.get(name, "").strip()
    if not text:
        raise MartError(f"--to {target}: the environment variable {name} is not set")
    return text


def _parsed(text: str, named: str) -> sa.URL:
    """The parts of an address; nothing of it is repeated where it cannot be read: it may hold a password."""
    if text.partition("?")[0].count("@") > 1:
        raise MartError(f"{named}: an @ in a user's name or password is written %40 in an address")
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise MartError(f"{named}: is no address such as postgresql+psycopg://user@host/database") from None
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def _schema(url: sa.URL, given: str | None, named: str) -> str | None:
    written = url.query.get("schema")
    if isinstance(written, tuple) or (written and given and written != given):
        raise MartError(f"{named}: more than one schema is given")
    schema = given or written or None
    if schema and url.get_backend_name() == "sqlite":
        raise MartError(f"{named}: SQLite has no schemas; give each mart a file of its own")
    return schema


def _without_schema(url: sa.URL) -> sa.URL:
    return url.difference_update_query(["schema"])


def _check_place(database: Database) -> None:
    backend, place = database.url.get_backend_name(), database.url.database
    if backend == "duckdb":
        raise MartError(f"{database.named}: for a DuckDB file give its path, NAME.duckdb")
    if backend == "sqlite" and place in (None, "", ":memory:"):
        raise MartError(f"{database.named}: names no file; write sqlite:///mart.db")
    _engine(database).dispose()


# --- talking to it ----------------------------------------------------------------------------------------


@contextmanager
def _opened(database: Database) -> Iterator[sa.Engine]:
    """An engine; whatever a database or its driver raises becomes a message without secrets."""
    engine = _engine(database)
    drivers = getattr(engine.dialect.loaded_dbapi, "Error", SQLAlchemyError)
    try:
        if engine.dialect.name == "sqlite":
            Path(str(database.url.database)).parent.mkdir(parents=True, exist_ok=True)
        yield engine
    except (SQLAlchemyError, drivers, OSError) as error:
        raise MartError(f"{database.named}: {_why_not(error, database.url)}") from None
    finally:
        engine.dispose()


def _engine(database: Database) -> sa.Engine:
    url = database.url
    options = _CONNECT.get(url.drivername, _CONNECT.get(url.get_backend_name(), {}))
    options = {name: value for name, value in options.items() if name not in url.query}
    try:
        engine = sa.create_engine(url, connect_args=options, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise MartError(
            f"{database.named}: SQLAlchemy knows no database {url.drivername!r}; such as postgresql+psycopg, sqlite"
        ) from None
    except ImportError as error:
        driver = error.name or url.get_driver_name()
        wanted = _INSTALLED_BY.get(url.get_driver_name(), driver)
        raise MartError(
            f"{database.named}: the driver {driver} is not installed: pip install {wanted}"
        ) from None
    if engine.dialect.name == "sqlite":
        # Python's driver begins no transaction before a table is made; SQLite's own locks the file at once.
        sa.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin immediate"))
    return engine


_CONNECT: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": SECONDS_TO_WAIT},
    "postgresql+psycopg": {
        "connect_timeout": SECONDS_TO_CONNECT, "client_encoding": "utf8", "application_name": "customer-workbook",
    },
}  # fmt: skip


def _why_not(error: Exception, url: sa.URL) -> str:
    """What the database says, in one line, without statement, parameters or password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    told = getattr(getattr(cause, "diag", None), "message_primary", None) or str(cause)
    if "lock timeout" in told or "database is locked" in told:
        return f"another program holds the mart for more than {SECONDS_TO_WAIT} s: nothing was changed; try again"
    said = " ".join(told.partition("\n")[0].partition("[SQL:")[0].split())
    for secret in _secrets(url):
        said = said.replace(secret, "***")
    return f"the database refuses, nothing was changed ({said})"


def _secrets(url: sa.URL) -> list[str]:
    """The password in every form in which it could be said, and any that stands in a query, the longest first."""
    known = [str(value) for key, value in url.query.items() if _is_secret(key)]
    known += [str(url.password)] if url.password else []
    forms = {form(secret) for secret in known for form in (str, quote, quote_plus, repr)}
    return sorted(forms, key=len, reverse=True)


def _is_secret(option: str) -> bool:
    """Whether an option in an address holds what nobody is to see."""
    return any(word in option.lower() for word in ("pass", "pwd", "token", "secret"))


def _wait_for_other_loads(connection: sa.Connection, database: Database) -> None:
    """One load at a time into a mart, until this transaction ends; SQLite's begins by locking the file."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"set local lock_timeout = '{SECONDS_TO_WAIT}s'"))
        number = crc32(f"customer-workbook mart {database.schema or ''}".encode())
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


# --- tables -----------------------------------------------------------------------------------------------


def _table(name: str, metadata: sa.MetaData) -> sa.Table:
    identified_by = _IDENTIFIED_BY.get(name, ())
    columns = [
        sa.Column(column, _sql_type(column, kind), primary_key=column in identified_by,
                  nullable=column not in KEYS and column not in identified_by)
        for column, kind in mart_columns()[name].items()
    ]  # fmt: skip
    indices = [] if identified_by else [sa.Index(f"{name}_by_metric", *_FOUND_BY)]
    return sa.Table(name, metadata, *columns, *indices, comment=MEANINGS[name])


def _sql_type(column: str, kind: str) -> sa.types.TypeEngine[Any]:
    if kind != "VARCHAR":
        return _TYPES[kind]
    if column not in _LENGTHS:
        return sa.UnicodeText().with_variant(MYSQL_LONGTEXT(), "mysql", "mariadb")
    length = _LENGTHS[column]
    # MySQL takes a and A for one id unless told otherwise
    exact = MYSQL_VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return (
        sa.UnicodeText()
        .with_variant(exact, "mysql", "mariadb")
        .with_variant(sa.Unicode(length), "mssql", "oracle")
    )


_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "DOUBLE": sa.Double().with_variant(MYSQL_DOUBLE(asdecimal=False), "mysql", "mariadb"),
    "BIGINT": sa.BigInteger(), "BOOLEAN": sa.Boolean(), "DATE": sa.Date(), "TIMESTAMP": sa.DateTime(),
}  # fmt: skip


def _make_tables(connection: sa.Connection, database: Database) -> None:
    """The schema and tables that are not there; of those that are, the columns that an earlier version lacked."""
    tables = sql_tables(database.schema)
    there = sa.inspect(connection)
    if database.schema and not there.has_schema(database.schema):
        connection.execute(sa.schema.CreateSchema(database.schema))
    for table in tables.values():
        if there.has_table(table.name, table.schema):
            found = {column["name"]: column["type"] for column in there.get_columns(table.name, table.schema)}
            _check_table(database, table, found)
            for column in table.columns:
                if column.name not in found:
                    _add_column(connection, table, column)
        else:
            table.create(connection)


def _check_table(database: Database, table: sa.Table, found: Mapping[str, Any]) -> None:
    """Refuses a table that is not the mart's, or whose columns have become others."""
    foreign = [name for name in (*KEYS, "run", *table.primary_key.columns.keys()) if name not in found]
    if foreign:
        raise MartError(
            f"{database.named}: there is a table {table.name} that is not a mart's (it has no {', '.join(foreign)}): "
            "give the mart a schema of its own, such as --schema mart"
        )
    differing = [
        column.name
        for column in table.columns
        if column.name in found and _family(found[column.name]) not in (_family(column.type), "other")
    ]
    if differing:
        raise MartError(other_columns(database.named, table.name, {"of another type": differing}))


def _family(kind: Any) -> str:
    """What a type holds, however exactly: databases have names of their own for each."""
    families = {
        "text": sa.String, "true or false": sa.Boolean, "instant": sa.DateTime, "day": sa.Date,
        "whole number": sa.Integer, "number": (sa.Numeric, sa.Float),
    }  # fmt: skip
    found = next((name for name, types in families.items() if isinstance(kind, types)), "other")
    is_mysqls_boolean = type(kind).__name__ == "TINYINT"
    return "true or false" if is_mysqls_boolean else found


def _add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> None:
    """The column, empty in the periods that are there."""
    dialect = connection.dialect
    name, kind = (
        dialect.identifier_preparer.quote(column.name),
        dialect.type_compiler_instance.process(column.type),
    )
    connection.exec_driver_sql(
        f"alter table {dialect.identifier_preparer.format_table(table)} add {name} {kind}"
    )


# --- rows -------------------------------------------------------------------------------------------------


def _insert(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    if not rows.num_rows:
        return
    rows = _without_zero_bytes(rows)
    insert: Callable[..., None] = _copy if connection.dialect.driver == "psycopg" else _insert_some_at_a_time
    insert(connection, table, rows)


def _without_zero_bytes(rows: pa.Table) -> pa.Table:
    """Texts as PostgreSQL can hold them."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            rows = rows.set_column(place, field, pc.replace_substring(rows[field.name], "\0", "\ufffd"))
    return rows


def _insert_some_at_a_time(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    for batch in rows.to_batches(max_chunksize=ROWS_AT_A_TIME):
        connection.execute(sa.insert(table), batch.to_pylist())


def _copy(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    """The rows through PostgreSQL's COPY as CSV, where an empty cell is NULL and an empty text stands in quotes."""
    preparer = connection.dialect.identifier_preparer
    columns = ", ".join(preparer.quote(name) for name in rows.column_names)
    options = pacsv.WriteOptions(include_header=False)
    with connection.connection.cursor() as cursor:
        statement = f"copy {preparer.format_table(table)} ({columns}) from stdin (format csv)"
        with cursor.copy(statement) as copy:
            for batch in rows.to_batches(max_chunksize=ROWS_AT_A_TIME):
                written = pa.BufferOutputStream()
                pacsv.write_csv(batch, written, options)
                copy.write(written.getvalue().to_pybytes())
