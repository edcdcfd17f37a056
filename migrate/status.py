"""How far the migration is, read from the ledger (even while a load runs) and the step files.

Opens the ledger read-only; imports neither DuckDB nor dbt, so it answers at once. Raises
`sqlite3.DatabaseError` for a damaged ledger.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from migrate import history, places
from migrate.outcome import Cell, Outcome, Table
from migrate.places import Places

if TYPE_CHECKING:
    from load.progress import Progress

RECORDS: Final = (
    "select entity, state, count(*) as records from id_map group by entity, state order by 1, 2"
)
TOKENS_TODAY: Final = (
    "select entity, sum(calls) as calls, sum(tokens) as tokens from token_use where day = ? "
    "group by entity order by 3 desc"
)
LAST_RUN: Final = "select * from runs order by started_at desc limit 1"
FIRST_STEPS: Final = (
    "Next: `aiq2pd doctor` says which settings are missing; without accounts, `aiq2pd demo` tries "
    "it all on local servers."
)
OPEN_INTENTS: Final = "select count(*) from attempts where outcome is null"


def read_status(_progress: Progress) -> Outcome:
    """`aiq2pd status`."""
    where = places.here()
    steps = history.steps(where)
    tables = [_steps_table(steps)] if steps else []
    facts: dict[str, Cell] = {"data folder": where.shown(where.data)}
    if where.ledger.is_file():
        with closing(_open(where.ledger)) as ledger:
            tables += [
                _query(ledger, "Records in the ledger", RECORDS),
                _query(ledger, "Tokens spent today (UTC)", TOKENS_TODAY, (_today(),)),
            ]
            facts |= _last_run(ledger, where)
    if not steps and not where.ledger.is_file():
        return Outcome(
            "status",
            f"nothing has run yet in {where.shown(where.data)}",
            facts=facts,
            notes=(FIRST_STEPS,),
        )
    return Outcome("status", _headline(steps), facts=facts, tables=tuple(tables))


def _headline(steps: list[history.Step]) -> str:
    if not steps:
        return "no step has ended yet"
    last = max(reversed(steps), key=lambda step: step.ended_at)
    return f"last: {last.name}, {last.ended_at}: {last.headline}"


def _steps_table(steps: list[history.Step]) -> Table:
    rows = tuple((s.name, s.ended_at, s.seconds, s.exit_code, s.headline) for s in steps)
    return Table("Steps", ("step", "ended", "seconds", "exit code", "result"), rows)


def _last_run(ledger: sqlite3.Connection, where: Places) -> dict[str, Cell]:
    run = ledger.execute(LAST_RUN).fetchone()
    if run is None:
        return {}
    active = _holder(where.ledger)
    return {
        "last run": f"{run['kind']} {run['run_id']}, started {run['started_at']}",
        "ended": run["ended_at"]
        or (f"running, pid {active}" if active else "cut off; run it again"),
        "write calls": run["writes"],
        "tokens": run["tokens_spent"],
        "writes of unknown outcome": ledger.execute(OPEN_INTENTS).fetchone()[0],
    }


def _holder(ledger: Path) -> int | None:
    """The living process that holds the run lock, by the lock file's own words."""
    try:
        pid = int(json.loads(ledger.with_suffix(".sqlite.lock").read_text())["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return pid


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _query(ledger: sqlite3.Connection, title: str, sql: str, values: tuple[str, ...] = ()) -> Table:
    cursor = ledger.execute(sql, values)
    columns = tuple(column[0] for column in cursor.description)
    return Table(title, columns, tuple(tuple(row) for row in cursor))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
