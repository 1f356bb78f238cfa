"""The input of the whole suite: orders, and with them customers, tickets, questionnaires and answers.

For every ten orders two customers, one ticket and about one answer, all as tables that have been checked, by time,
with the gaps and slips real ones have. Half a row in a hundred says what cannot be: a reply before the question, a
score off its scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inputs import LAST_DAY, OBSERVED_DAYS, ORDERS_PER_CUSTOMER, blocks, chosen, named, write_orders

ORDERS_PER_TICKET, ORDERS_PER_SURVEY = 10, 20
SHARE_ANSWERED, SHARE_SKIPPED, SHARE_IMPOSSIBLE = 0.35, 0.05, 0.005
SEGMENTS = ("key accounts", "small firms", "public sector", "households")
TOPICS = ("bill", "delivery", "fault", "return", "other")
HOUR, DAY = 3600, 86_400

# Question: construct, item, dimension, lowest, highest, turned around, weight.
QUESTIONS: dict[str, tuple[str, str | None, str | None, int, int, bool, float | None]] = {
    "NPS": ("nps", None, None, 0, 10, False, None),
    "CSAT": ("csat", "overall", None, 1, 5, False, None),
    "CS_quality": ("csat", "product_quality", None, 1, 5, False, None),
    "CS_speed": ("csat", "response_speed", None, 1, 5, False, None),
    "CS_value": ("csat", "value", None, 1, 10, False, None),
    "LOY_buy": ("loyalty", "buy_again", None, 1, 5, False, None),
    "LOY_switch": ("loyalty", "switch", None, 1, 5, True, None),
    "ACSI_sat": ("acsi", "overall_satisfaction", None, 1, 10, False, None),
    "ACSI_exp": ("acsi", "expectations_met", None, 1, 10, False, None),
    "ACSI_ideal": ("acsi", "close_to_ideal", None, 1, 10, False, None),
    **{
        f"{letter}_{item}": (construct, item, dimension, 1, 7, False, weight)
        for letter, construct in (("SE", "servqual_expectation"), ("SP", "servqual_perception"))
        for item, dimension, weight in (
            ("promises", "reliability", 0.3), ("right_first", "reliability", 0.3), ("records", "reliability", 0.3),
            ("prompt", "responsiveness", 0.1), ("willing", "responsiveness", 0.1),
        )
    },
    "T_CES": ("ces", None, None, 1, 7, False, None),
    "T_effort": ("ces_v1", None, None, 1, 5, True, None),
    "T_CSAT": ("csat", "problem_solving", None, 1, 7, False, None),
    "T_NPS": ("nps", None, None, 0, 10, False, None),
}  # fmt: skip
NAMES = tuple(QUESTIONS)
# The three questionnaires: how often each is sent, and what it asks.
QUESTIONNAIRES = {
    "relationship": (0.5, NAMES[:7]), "indices": (0.1, NAMES[7:20]), "transactional": (0.4, NAMES[20:]),
}  # fmt: skip


def write_suite(path: Path, rows: int) -> None:
    """The folder with a Parquet file for each table, for so many orders."""
    path.mkdir()
    write_orders(path / "orders.parquet", rows)
    write_blocks({"customers": path / "customers.parquet"}, customers_of, rows // ORDERS_PER_CUSTOMER, rows)
    write_blocks({"tickets": path / "tickets.parquet"}, tickets_of, rows // ORDERS_PER_TICKET, rows)
    both = {name: path / f"{name}.parquet" for name in ("surveys", "answers")}
    write_blocks(both, surveys_and_answers, rows // ORDERS_PER_SURVEY, rows)
    write_questions(path / "questions.parquet")


def write_blocks(paths: Mapping[str, Path], drawn: Any, rows: int, orders: int) -> None:
    """The tables that one function draws together, block by block."""
    import pyarrow.parquet as parquet

    writers: dict[str, Any] = {}
    for start, n, rng in blocks(rows):
        for name, block in drawn(rng, start, n, rows, max(1, orders // ORDERS_PER_CUSTOMER)).items():
            if name not in writers:
                writers[name] = parquet.ParquetWriter(paths[name], block.schema)
            writers[name].write_table(block)
    for writer in writers.values():
        writer.close()


def customers_of(rng: Any, start: int, n: int, rows: int, customers: int) -> dict[str, Any]:
    """Customers by number; one in fifty is not on the company's list, one in five has no date on it."""
    import numpy as np
    import pyarrow as pa

    number = np.arange(start, start + n)
    listed = rng.random(n) >= 0.02
    acquired = end_of_data() // DAY - rng.integers(1, OBSERVED_DAYS + 180, n)
    columns = {
        "customer_id": named("c", number),
        "customer_name": pa.nulls(n, pa.string()),
        "acquired_on": pa.array(acquired.astype(np.int32), pa.date32(), mask=rng.random(n) < 0.2),
        "segment": sometimes(chosen(SEGMENTS, rng, n), rng, 0.97),
        **nothing(n, "industry", "region", "acquisition_channel"),
        "acquisition_cost": pa.nulls(n, pa.float64()),
        **whence("customers", start, n),
    }
    return {"customers": pa.table(columns).filter(pa.array(listed))}


def tickets_of(rng: Any, start: int, n: int, rows: int, customers: int) -> dict[str, Any]:
    """Tickets by opening: some still open, some answered after the data end, a few answered before they were asked."""
    import numpy as np
    import pyarrow as pa

    opened = when(start, n, rows)
    reply = rng.lognormal(8, 1.2, n)
    reply = np.where(rng.random(n) < SHARE_IMPOSSIBLE, -reply, reply)
    solution = np.abs(reply) + rng.lognormal(9, 1.3, n)
    resolved = solution + rng.lognormal(9.5, 1.5, n)
    is_complaint = rng.random(n) < 0.1
    allowed = rng.choice([8, 24, 72], n) * HOUR
    columns = {
        "ticket_id": named("t", np.arange(start, start + n)),
        "customer_id": customer_ids(rng, n, customers, 0.02),
        **moment("opened", opened),
        **moment("first_replied", opened + reply, rng.random(n) < 0.05),
        **moment("first_solution", opened + solution, rng.random(n) < 0.08),
        **moment("resolved", opened + resolved, rng.random(n) < 0.08),
        **moment("due", opened + allowed, rng.random(n) < 0.1),
        "is_within_sla": sometimes(rng.random(n) < 0.8, rng, 0.05),
        "waiting_seconds": sometimes(rng.exponential(2 * HOUR, n).round(), rng, 0.7),
        "reopened_count": sometimes(rng.poisson(0.06, n), rng, 0.99),
        "reassigned_count": sometimes(rng.poisson(0.3, n), rng, 0.98),
        "handled_by": pa.repeat("agent", n),
        "is_complaint": is_complaint,
        "severity": sometimes(rng.integers(1, 6, n).astype(float), rng, 0.8 * is_complaint),
        "topic": chosen(TOPICS, rng, n),
        **nothing(n, "channel", "priority", "agent_id", "team", "journey_stage", "touchpoint", "product_id"),
        **whence("tickets", start, n),
    }
    return {"tickets": pa.table(columns)}


def surveys_and_answers(rng: Any, start: int, n: int, rows: int, customers: int) -> dict[str, Any]:
    """Questionnaires by the time they were sent, and what came back: a third, most within days, some after months."""
    import numpy as np
    import pyarrow as pa

    sent = when(start, n, rows)
    which = rng.choice(len(QUESTIONNAIRES), n, p=[share for share, _ in QUESTIONNAIRES.values()])
    came_back = rng.random(n) < SHARE_ANSWERED
    delay = rng.lognormal(11.5, 1.5, n)
    answered = sent + np.where(rng.random(n) < SHARE_IMPOSSIBLE, -delay, delay)
    ids = named("s", np.arange(start, start + n))
    is_transactional = which == 2
    surveys = {
        "survey_id": ids,
        "customer_id": customer_ids(rng, n, customers, 0.03),
        **moment("sent", sent),
        **moment("answered", answered, ~came_back),
        "kind": pa.array(np.where(is_transactional, "transactional", "relationship")),
        **nothing(n, "channel", "journey_stage", "touchpoint"),
        "ticket_id": named("t", rng.integers(0, max(1, rows * 2), n), is_missing=~is_transactional),
        "chosen_by": pa.nulls(n, pa.string()),
        **whence("surveys", start, n),
    }
    survey, question = asked(which, came_back)
    kept = rng.random(len(survey)) >= SHARE_SKIPPED
    survey, question = survey[kept], question[kept]
    return {"surveys": pa.table(surveys), "answers": answers_of(rng, ids, survey, question)}


def asked(which: Any, came_back: Any) -> tuple[Any, Any]:
    """Survey and question, as numbers, of every question on the questionnaires that came back."""
    import numpy as np

    parts = []
    for number, (_, names) in enumerate(QUESTIONNAIRES.values()):
        surveys = np.flatnonzero(came_back & (which == number))
        questions = np.array([NAMES.index(name) for name in names])
        parts.append((np.repeat(surveys, len(questions)), np.tile(questions, len(surveys))))
    survey, question = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((question, survey))
    return survey[order], question[order]


def answers_of(rng: Any, ids: Any, survey: Any, question: Any) -> Any:
    """Scores, higher ones more often, most of all of what is expected; some empty, a few off the scale.

    Who gave them, and when, stands in the survey.
    """
    import numpy as np
    import pyarrow as pa

    n = len(survey)
    lowest, highest = (np.array([each[place] for each in QUESTIONS.values()])[question] for place in (3, 4))
    lean = np.array([0.4 if each[0] == "servqual_expectation" else 0.6 for each in QUESTIONS.values()])
    score = lowest + np.floor((highest - lowest + 1) * rng.random(n) ** lean[question])
    score = np.where(rng.random(n) < SHARE_IMPOSSIBLE, 99, score)
    return pa.table(
        {
            "survey_id": ids.take(pa.array(survey)),
            "question_id": pa.array(NAMES).take(pa.array(question)),
            "customer_id": pa.nulls(n, pa.string()),
            "answered_at": pa.nulls(n, pa.timestamp("us")),
            "answered_on": pa.nulls(n, pa.date32()),
            "score": sometimes(score, rng, 0.98),
            "comment": pa.nulls(n, pa.string()),
            **whence("answers", 0, n),
        }
    )


def write_questions(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    names = ("construct", "item", "dimension", "scale_min", "scale_max", "reversed", "weight")
    kinds = (pa.string(), pa.string(), pa.string(), pa.float64(), pa.float64(), pa.bool_(), pa.float64())
    columns = zip(*QUESTIONS.values(), strict=True)
    given = {name: pa.array(column, kind) for name, column, kind in zip(names, columns, kinds, strict=True)}
    n = len(QUESTIONS)
    table = {"question_id": pa.array(NAMES), **given, **nothing(n, "wording"), **whence("questions", 0, n)}
    parquet.write_table(pa.table(table), path)


# --- Columns --------------------------------------------------------------------------------------


def end_of_data() -> int:
    """The first second after the last day."""
    import numpy as np

    return int((np.datetime64(LAST_DAY, "D") + 1).astype("datetime64[s]").astype(np.int64))


def when(start: int, n: int, rows: int) -> Any:
    """Seconds, spread evenly over the days observed."""
    import numpy as np

    return end_of_data() + ((np.arange(start, start + n) / rows - 1) * OBSERVED_DAYS * DAY).astype(np.int64)


def moment(name: str, seconds: Any, is_missing: Any = None) -> dict[str, Any]:
    """An instant and its day."""
    import numpy as np
    import pyarrow as pa

    seconds = np.floor(seconds).astype(np.int64)
    return {
        f"{name}_at": pa.array(seconds * 1_000_000, pa.timestamp("us"), mask=is_missing),
        f"{name}_on": pa.array((seconds // DAY).astype(np.int32), pa.date32(), mask=is_missing),
    }


def customer_ids(rng: Any, n: int, customers: int, share_unknown: float) -> Any:
    """Customers as their orders fall, few with much; some unknown."""
    import numpy as np

    number = (customers * rng.random(n) ** 2).astype(np.int64)
    return named("c", number, is_missing=rng.random(n) < share_unknown)


def sometimes(values: Any, rng: Any, share: Any) -> Any:
    """The values, missing but in that share of the rows."""
    import pyarrow as pa
    import pyarrow.compute as compute

    is_there = pa.array(rng.random(len(values)) < share)
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return compute.if_else(is_there, values, pa.scalar(None, values.type))


def nothing(n: int, *names: str) -> dict[str, Any]:
    """Text columns in which nothing stands."""
    import pyarrow as pa

    return {name: pa.nulls(n, pa.string()) for name in names}


def whence(table: str, start: int, n: int) -> dict[str, Any]:
    """The file and row that each row would have come from."""
    import numpy as np
    import pyarrow as pa

    return {"source_file": pa.repeat(f"{table}.csv", n), "source_row": np.arange(start + 2, start + n + 2)}
