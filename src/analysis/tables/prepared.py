"""Checked tables, prepared once per content: Parquet files, quality counts, rejected rows, under one hash."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.catalogue import load_catalogue
from analysis.engine import EngineError, open_engine
from analysis.errors import joined
from analysis.params import EngineSettings, Params, content_hash
from analysis.tables import TablesError
from analysis.tables.checking import check_table, write_rejected
from analysis.tables.contract import CONTRACT_VERSION
from analysis.tables.exchange import RATES
from analysis.tables.quality import rule_words, write_csv
from analysis.tables.sources import SourceFile, find_files, name_of, open_rows, open_source
from analysis.tables.staging import stage_file
from analysis.tables.store import (
    Stamps,
    check_unchanged,
    hash_files,
    publish,
    read_json,
    remember_hashes,
    stamps,
)

if TYPE_CHECKING:
    import pandas as pd

INFO_FILE = "prepared.json"
MATTERS = ("tables", "exclusions", "time_zone", "currency", "first_possible_date", "max_rejected_share")


@dataclass(frozen=True)
class Prepared:
    """Where the checked tables of one content lie.

    Attributes
    ----------
    folder
        ``data/.prepared/<content_hash>`` below the project.
    tables
        Checked Parquet file of each table that was supplied.
    quality
        One dict per table × stage × rule, see ``read_quality``.
    inputs
        Per source file: ``sha256`` and ``rows``.
    """

    folder: Path
    content_hash: str
    tables: dict[str, Path]
    quality: list[dict[str, Any]]
    inputs: dict[str, dict[str, Any]]


def prepare(params: Params) -> Prepared:
    """The checked tables of a company, read anew only if a file or a setting that matters has changed.

    Raises
    ------
    TablesError
        If a file is missing or unreadable, a mapped column is not in it, a condition makes no sense, or more
        rows are rejected than the settings allow. Nothing is written then.
    """
    files = _find_all(params)
    store = params.root / "data" / ".prepared"
    read_at = stamps(files)
    hashes = hash_files(read_at, store)
    folder = store / content_hash(_what_matters(params, hashes))
    prepared = _ready(folder)
    if prepared is None:
        prepared = _prepare_anew(params, files, hashes, folder, read_at)
    remember_hashes(read_at, hashes, store)
    return prepared


def read_quality(prepared: Prepared) -> pd.DataFrame:
    """Rows read, rejected, kept and excluded: one row per table × stage × rule.

    Columns: ``table``; ``stage`` (read, ignored, rejected, kept, excluded_from_revenue, excluded_from_histories,
    note); ``rule`` (missing for read and kept); ``rows``; ``amount`` (sum in the company's currency where
    readable); ``first_row`` (row of the source file where it first occurs).
    """
    import pandas as pd

    quality = pd.DataFrame(
        prepared.quality, columns=["table", "stage", "rule", "rows", "amount", "first_row"]
    )
    return quality.astype({"rows": "int64", "amount": "float64", "first_row": "Int64"})


def read_rejected(prepared: Prepared) -> pd.DataFrame:
    """Every rejected row: ``table, source_file, source_row, rule, column, found, row`` (as JSON)."""
    import pandas as pd

    return pd.read_parquet(prepared.folder / "rejected.parquet")


def write_rejected_csv(prepared: Prepared, path: Path) -> Path:
    """The rejected rows as CSV for people, with what each rule means; cells like formulas are neutralised."""
    rejected = read_rejected(prepared)
    rows = (
        [None if cell != cell else cell for cell in row]
        + [rule_words(row[3], "en"), rule_words(row[3], "zh")]
        for row in rejected.itertuples(index=False, name=None)
    )
    return write_csv(rows, [*rejected.columns, "meaning_en", "meaning_zh"], path)


def suggest_activity_window_days(prepared: Prepared, settings: EngineSettings) -> int | None:
    """Days within which nine of ten customers who come back have come back: an activity window to start from.

    The 90th percentile of the days between one purchase day of a customer and the next (orders that count in
    histories, returns left out), rounded up; None where nobody bought on two days. Between two gaps, the
    percentile is read off the straight line.
    """
    if "orders" not in prepared.tables:
        return None
    engine = open_engine(settings)
    try:
        engine.view_parquet("orders", prepared.tables["orders"])
        around = engine.rows(_GAPS_AT_NINETY_PERCENT_SQL)
    finally:
        engine.close()
    if not around:
        return None
    (place, count, lower), (*_, upper) = around[0], around[-1]
    between = 0.9 * (count - 1) - (place - 1)  # from one gap to the next in order, in [0, 1)
    return math.ceil(lower + between * (upper - lower))


_GAPS_AT_NINETY_PERCENT_SQL = """
with days as (
  select distinct customer_id, ordered_on from orders where history_amount is not null and not is_return
), gaps as (
  select days_between(lag(ordered_on) over (partition by customer_id order by ordered_on), ordered_on) as gap
  from days
), placed as (
  select gap, row_number() over (order by gap) as place, count(*) over () as gap_count
  from gaps where gap is not null
)
select place, gap_count, gap from placed
where place between floor(0.9 * (gap_count - 1)) + 1 and floor(0.9 * (gap_count - 1)) + 2
order by place"""


# --- What is read, and under which hash ---------------------------------------------------------------------


def _find_all(params: Params) -> dict[str, list[Path]]:
    """The files of every table, in one order whatever that of the settings; all that is missing is said at once."""
    found, problems = {}, []
    for table, source in sorted(params.settings.tables.items()):
        try:
            found[table] = find_files(params, table, source)
        except TablesError as error:
            problems.append(error.text)
    if problems:
        raise TablesError(joined("\n", problems))
    return found


def _open_all(params: Params, files: dict[str, list[Path]]) -> dict[str, list[SourceFile]]:
    """The header of every file; everything that is wrong with them is said at once."""
    opened: dict[str, list[SourceFile]] = {table: [] for table in files}
    problems = []
    for table, source in params.settings.tables.items():
        if source.rows:
            try:
                opened[table].append(open_rows(params, table, source))
            except TablesError as error:
                problems.append(error.text)
    for table, path in ((table, path) for table, paths in files.items() for path in paths):
        try:
            opened[table].append(
                open_source(path, name_of(params, path), table, params.settings.tables[table])
            )
        except TablesError as error:
            problems.append(_advised(error, params, table, path))
    if problems:
        raise TablesError(joined("\n", problems))
    return opened


def _what_matters(params: Params, hashes: dict[Path, str]) -> dict[str, Any]:
    """Everything the checked tables depend on; each engine has its own, the embedded one without a word."""
    settings = params.settings.model_dump(mode="json")
    contracts = load_catalogue().tables
    engine = params.settings.engine.kind
    return {
        **({} if engine == "duckdb" else {"engine": engine}),
        "version": CONTRACT_VERSION,
        "settings": {key: settings[key] for key in MATTERS},
        "files": [[name_of(params, path), digest] for path, digest in hashes.items()],
        "contracts": {table: contracts[table].model_dump(mode="json") for table in params.settings.tables},
    }


# --- Preparing ----------------------------------------------------------------------------------------------


def _prepare_anew(
    params: Params, files: dict[str, list[Path]], hashes: dict[Path, str], folder: Path, read_at: Stamps
) -> Prepared:
    """Reads and checks everything in a scratch folder; only what is whole comes to the project's."""
    opened = _open_all(params, files)
    with tempfile.TemporaryDirectory(prefix="workbook-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        quality, rows = _check_all(params, opened, Path(scratch), made)
        names = {name_of(params, path): digest for path, digest in hashes.items()}
        inputs = {name: {"sha256": digest, "rows": rows[name]} for name, digest in names.items()}
        sizes = {path.name: path.stat().st_size for path in made.glob("*.parquet")}
        info = {"tables": list(opened), "quality": quality, "inputs": inputs, "bytes": sizes}
        (made / INFO_FILE).write_text(json.dumps(info, indent=1, ensure_ascii=False), encoding="utf-8")
        check_unchanged(params, read_at, stamps(files))
        publish(made, folder, lambda place: _ready(place) is not None)
    if (prepared := _ready(folder)) is None:
        raise TablesError(f"{folder}: internal error: the prepared tables are not whole")
    return prepared


def _check_all(
    params: Params, opened: dict[str, list[SourceFile]], scratch: Path, made: Path
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Checks table after table; returns the quality rows and the rows read of each file."""
    engine = open_engine(params.settings.engine, scratch / "spill")
    quality: dict[str, list[dict[str, Any]]] = {}
    rows: dict[str, int] = {}
    try:
        for table in sorted(opened, key=lambda name: name != RATES):  # first what others are converted by
            sources, folder = opened[table], scratch / table
            folder.mkdir()
            source = params.settings.tables[table]
            staged = [stage_file(file, source, folder, number) for number, file in enumerate(sources)]
            rows |= {one.file.name: one.rows + len(one.malformed) for one in staged}
            try:
                quality[table] = check_table(engine, params.settings, table, staged, made)
            except TablesError as error:
                path = sources[0].path if sources and sources[0].format != "rows" else None
                raise TablesError(_advised(error, params, table, path)) from None
        write_rejected(engine, list(opened), made / "rejected.parquet")
    except EngineError as error:
        raise TablesError(f"the tables could not be prepared: {error}") from error
    finally:
        engine.close()
    return [row for table in opened for row in quality[table]], rows


def _advised(error: TablesError, params: Params, table: str, path: Path | None) -> str:
    """What is wrong with a table's file, and settings that may read it."""
    from analysis.tables.suggesting import with_suggestion  # only where something is wrong

    if path is None:
        return error.text
    return with_suggestion(error.text, path, table, params.settings.tables[table], params)


def _ready(folder: Path) -> Prepared | None:
    """What lies in a prepared folder, if it is whole."""
    info = read_json(folder / INFO_FILE)
    tables = {name: folder / f"{name}.parquet" for name in info.get("tables", ())}
    files = (*tables.values(), folder / "rejected.parquet")
    if not info or not all(_is_whole(path, info.get("bytes", {}).get(path.name)) for path in files):
        return None
    return Prepared(folder, folder.name, tables, info["quality"], info["inputs"])


def _is_whole(path: Path, size: int | None) -> bool:
    """Whether a file is there with all it had when it was written; a power cut can leave an empty one."""
    try:
        return size in (None, path.stat().st_size)
    except OSError:
        return False
