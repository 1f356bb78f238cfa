"""Names in the settings for values of the data (``value_names``): which of them name nothing that the data hold."""

from __future__ import annotations

from analysis.catalogue import load_catalogue
from analysis.engine import Engine, open_engine
from analysis.params import Settings
from analysis.tables.prepared import Prepared

# Where a dimension's values stand in the tables under another name than facts give them.
_COLUMNS = {
    "account_team": "team", "agent": "agent_id", "exit_kind": "kind", "exit_reason": "reason",
    "feedback_source": "source", "measure_taken": "measure", "question_dimension": "dimension", "served_by": "team",
    "survey_kind": "kind",
}  # fmt: skip


def names_of_nothing(settings: Settings, prepared: Prepared) -> dict[str, tuple[list[str], list[str]]]:
    """The values named in the settings that no row of any table holds, by dimension, each with those that are held.

    A misspelt value would else go unseen: its name would stand nowhere. Groups that the catalogue declares are
    known without being held; of dimensions that are worked out, such as the quarter first seen, nothing is said.
    """
    engine, found = open_engine(settings.engine), {}
    try:
        for dimension, names in settings.value_names.items():
            held = values_held(engine, prepared, dimension)
            if held is not None and (unknown := sorted(set(names) - held)):
                found[dimension] = (unknown, sorted(held))
    finally:
        engine.close()
    return found


def column_of(dimension: str) -> str:
    """The column of the tables, as the contract names it, that holds a dimension's values."""
    record = load_catalogue().dimensions.get(dimension)
    return _COLUMNS.get(dimension) or (record.column_name if record else dimension)


def values_held(engine: Engine, prepared: Prepared, dimension: str) -> set[str] | None:
    """Every value in any table's column of a dimension, and the groups declared; None where no table has such a column.

    Rather too many than a notice without a reason: the same column of another table may mean something else.
    """
    record, column = load_catalogue().dimensions.get(dimension), column_of(dimension)
    tables = [name for name, table in load_catalogue().tables.items() if column in table.columns]
    held = set(record.groups if record else ())
    for name in (name for name in tables if name in prepared.tables):
        engine.view_parquet(f"checked_{name}", prepared.tables[name])
        sql = f"select distinct cast({column} as varchar) as value from checked_{name} where {column} is not null"
        held.update(value for (value,) in engine.rows(sql))
    return held if tables or held else None
