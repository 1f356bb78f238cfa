"""The KPI mart: runs as tables that BI tools read: in a folder of Parquet files, a DuckDB file or an SQL database.

Loading a company's period again replaces exactly its rows. A load that fails leaves what was there.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

# The one place outside the engine floor that imports it (pyproject.toml names the exception): a DuckDB file is a
# format that is written here, as Parquet is, and whichever engine has measured the run makes no difference to it.
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.delivery.mart_tables import (
    ARROW_TYPES,
    KEYS,
    MEANINGS,
    TABLES,
    MartError,
    mart_columns,
    mart_tables,
    other_columns,
)
from analysis.suite import Results
from analysis.tables.locks import wait_for_lock

if TYPE_CHECKING:
    from analysis.delivery.mart_sql import Database

DUCKDB_SUFFIX = ".duckdb"
STORAGE_VERSION = "v1.0.0"
"""Format of a new DuckDB file: BI tools bring a DuckDB of their own, often older, which cannot read a newer one."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# Of C:\marts, the colon comes after one letter.
_NEARLY_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|[^./\\].*@")
_LOADING = ".loading-"


def check_target(target: str, schema: str | None = None) -> Path | Database:
    """Where a mart lies, if it is of one of the kinds: a folder, a file ``NAME.duckdb``, or a database that answers.

    Parameters
    ----------
    target
        A path, the address of a database (``postgresql+psycopg://host/db``, ``sqlite:///file.db``), or
        ``env:NAME`` for an address that stands in an environment variable.
    schema
        Where in a database the tables lie.

    Raises
    ------
    MartError
        For a database that cannot be reached, another file, or a folder that holds something else.
    """
    if _URL.match(target) or target.startswith("env:"):
        from analysis.delivery.mart_sql import check_connection, find_database

        database = find_database(target, schema)
        check_connection(database)
        return database
    if schema:
        raise MartError("--schema goes with the address of a database; files have no schemas")
    # It may hold a password: nothing of it is repeated, or becomes a folder's name.
    if _NEARLY_URL.match(target):
        raise MartError(
            "--to: is neither an address such as postgresql+psycopg://user@host/database nor a plain path; a folder of "
            "such a name is written ./NAME"
        )
    return _check_path(Path(target))


def _check_path(path: Path) -> Path:
    """The path of a DuckDB file or of a mart's folder, there or not yet."""
    if path.suffix == DUCKDB_SUFFIX:
        if path.is_dir():
            raise MartError(f"{path} is a folder; a mart named *.duckdb is a file")
        return path
    if path.exists() and not path.is_dir():
        raise MartError(
            f"{path} is a file; give a folder (for Parquet files), a file NAME.duckdb, or sqlite:///FILE for SQLite"
        )
    _check_folder(path)
    return path


def load_mart(
    results: Results, target: str, loaded_at: datetime | None = None, schema: str | None = None
) -> dict[str, int]:
    """The rows that one run has put into the mart, counted by table; they replace those of its company and period.

    Parameters
    ----------
    target, schema
        As ``check_target`` takes them; what is not there is made.
    loaded_at
        The instant of loading, UTC without zone; now if not given.

    Raises
    ------
    MartError
        If the run is not reconciled, or the target is in use, of another version, or cannot be written.
    """
    place, book = check_target(target, schema), results.book
    if not results.is_reconciled:
        broken = ", ".join(results.identities.loc[~results.identities["holds"], "identity"].unique())
        raise MartError(f"{book.window.label} is not loaded: some of its figures do not add up ({broken})")
    tables = mart_tables(results, loaded_at or datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    keys = dict(zip(KEYS, (book.params.company_id, book.window.label), strict=True))
    _load(place, tables, keys)
    return {name: rows.num_rows for name, rows in tables.items()}


def _load(place: Path | Database, tables: Mapping[str, pa.Table], keys: Mapping[str, str]) -> None:
    if not isinstance(place, Path):
        from analysis.delivery.mart_sql import load_database

        load_database(place, tables, keys)
    elif place.suffix == DUCKDB_SUFFIX:
        _load_duckdb(place, tables, keys)
    else:
        _load_folder(place, tables, keys)


def _check_columns(where: str, table: str, found: Mapping[str, str]) -> None:
    declared = mart_columns()[table]
    if dict(found) == declared:
        return
    differing = {
        "missing": [name for name in declared if name not in found],
        "unknown": [name for name in found if name not in declared],
        "of another type": [
            name for name, kind in found.items() if name in declared and declared[name] != kind
        ],
    }
    raise MartError(other_columns(where, table, differing))


# --- a DuckDB file ---------------------------------------------------------------------------------------


def _load_duckdb(path: Path, tables: Mapping[str, pa.Table], keys: Mapping[str, str]) -> None:
    """All tables in one transaction."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(duckdb.connect()) as connection:
            version = "" if path.exists() else f" (storage_version '{STORAGE_VERSION}')"
            connection.execute(f"attach '{_in_quotes(path)}' as mart{version}")
            connection.execute("use mart")
            for name, rows in tables.items():
                connection.register(f"given_{name}", rows)
            connection.begin()
            for name in tables:
                _replace_rows(connection, path, name, keys)
            connection.commit()
            connection.execute("use memory")
            connection.execute("detach mart")  # one file is left, without a log beside it
    except duckdb.Error as error:
        raise MartError(_why_not(path, " ".join(str(error).split()))) from None
    except OSError as error:
        raise MartError(f"{path}: the mart cannot be written ({error})") from None


def _replace_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, keys: Mapping[str, str]
) -> None:
    if found := _columns_in(connection, table):
        _check_columns(str(path), table, found)
    else:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in mart_columns()[table].items())
        connection.execute(f"create table {table} ({columns})")
        connection.execute(f"comment on table {table} is '{_in_quotes(MEANINGS[table])}'")
    where = " and ".join(f"{key} = ?" for key in keys)
    connection.execute(f"delete from {table} where {where}", list(keys.values()))
    connection.execute(f"insert into {table} by name select * from given_{table}")


def _columns_in(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    sql = (
        "select column_name, data_type from duckdb_columns() "
        "where database_name = 'mart' and schema_name = 'main' and table_name = ?"
    )
    return dict(connection.execute(sql, [table]).fetchall())


def _why_not(path: Path, error: str) -> str:
    if "Could not set lock" in error or "file handle conflict" in error:
        return f"{path} is in use by another program (a BI tool, or another load): close it there, or try again later"
    return f"{path}: the mart cannot be written ({error})"


def _in_quotes(text: object) -> str:
    return str(text).replace("'", "''")


# --- a folder of Parquet files ---------------------------------------------------------------------------


def _load_folder(folder: Path, tables: Mapping[str, pa.Table], keys: Mapping[str, str]) -> None:
    """One file for each table, company and period: all written aside, then renamed into their places."""
    partition = Path(*(f"{key}={_folder_name(value)}" for key, value in keys.items()))
    places = {name: folder / name / partition / f"{name}.parquet" for name in tables}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder), _aside(folder) as aside:
            _check_files(folder, set(places.values()))
            for name, rows in tables.items():
                pq.write_table(_with_dictionaries(rows), aside.absolute() / f"{name}.parquet")
            _put_in_place(aside, places)
    except OSError as error:
        raise MartError(f"{folder}: the mart cannot be written ({error})") from None


def _check_folder(folder: Path) -> None:
    inside = (
        {file.name for file in folder.iterdir() if not file.name.startswith(".")}
        if folder.is_dir()
        else set()
    )
    if inside and not inside & {*TABLES}:
        raise MartError(f"{folder} holds other files and no mart; give a folder of its own")


def _folder_name(value: str) -> str:
    """The value as part of a path: what no file system takes is %-encoded, as Hive and Spark do."""
    return re.sub(r"[^\w .-]", lambda found: quote(found[0], safe=""), value)


def _with_dictionaries(rows: pa.Table) -> pa.Table:
    """The rows with the keys as Arrow reads them from the names of folders: else it takes them for two types."""
    for key in KEYS:
        place = rows.schema.get_field_index(key)
        rows = rows.set_column(place, key, rows[key].dictionary_encode())
    return rows


def _check_files(folder: Path, replaced: set[Path]) -> None:
    """Every file that stays must have the columns of this version: readers see all of them as one table."""
    for table, declared in mart_columns().items():
        for file in sorted((folder / table).glob("*/*/*.parquet")):
            if file not in replaced:
                _check_columns(str(file), table, _sql_types(file, declared))


def _sql_types(file: Path, declared: Mapping[str, str]) -> dict[str, str]:
    try:
        schema = pq.read_schema(file)
    except pa.ArrowInvalid as error:
        raise MartError(f"{file}: cannot be read ({error}); remove it and load its period again") from None
    types = {field.name: _plain(field.type) for field in schema}
    return {
        name: declared[name] if name in declared and ARROW_TYPES[declared[name]] == kind else str(kind)
        for name, kind in types.items()
    }


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One load at a time; another waits. The lock goes with its process, however that ends."""
    with (folder / ".lock").open("w") as lock:
        wait_for_lock(lock.fileno())
        for left in folder.glob(f"{_LOADING}*"):  # by a load that was killed: nobody else is writing now
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    aside = folder / f"{_LOADING}{uuid.uuid4().hex}"
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, places: Mapping[str, Path]) -> None:
    """Each file renamed over its predecessor; if one cannot be, those before it are put back."""
    done: list[tuple[Path, Path]] = []
    try:
        for name, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            earlier = aside / f"{name}.earlier"
            if place.exists():
                shutil.copy2(place, earlier)
            (aside / f"{name}.parquet").replace(place)
            done.append((place, earlier))
    except BaseException:
        for place, earlier in reversed(done):
            if earlier.exists():
                earlier.replace(place)
            else:
                place.unlink()
        raise
