"""What the promises cost: `python -m bench.guarantees --size 100000`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import duckdb
import pyarrow.parquet as pq

from bench.rows import Row, main
from checker import check
from checker.destination import read_destination
from checker.evidence import Evidence
from checker.ledger import read_ledger
from checker.plan import read_plan
from load.client import PipedriveClient
from load.clock import RealClock
from load.engine import ApplyResult, apply
from load.finished import unfinished
from load.ledger import Ledger, records
from load.ledger.records import CreateIntent, Written
from load.limits import calls_in_a_group
from load.plan import ENTITY_TABLES, FrozenPlan, PlanRow, freeze
from load.progress import Silent
from load.settings import PipedriveAccount
from simulation.worlds import PLAN_ROW, PLAN_SIDE

STORES = 100
VALUES = 40  # custom columns of a person beside key, name and consent
FIRST_ID = 1_000_000
CONSENT = ("No", "Unknown", "Yes")
COLUMNS = {
    "organization": {"migration_key__c": "key", "name": "'Shop ' || n"},
    "person": {
        "migration_key__c": "key",
        "name": "'Person ' || n",
        "org__source_key": f"'aiq:store:' || (n % {STORES})",
        "opt_in__c": f"{list(CONSENT)}[1 + n % 3]",
        **{f"value_{number:02}__c": f"n + {number} / 4" for number in range(VALUES)},
    },
}
KEYS = {"organization": "aiq:store:", "person": "aiq:contact:"}


def measure(size: int) -> Iterator[Row]:
    """A plan of so many persons with 43 columns each. The ledger's part of a load is timed over
    all of them, as the loader does it: the intents of a group in one durable transaction, each
    outcome in one of its own. Then the plan is applied to a sandbox over HTTP by a process that
    finds everything done, and the checker examines plan, ledger and destination. The destination's
    persons are written down as the plan wants them, not sent. Baselines: one plain durable SQLite
    transaction a record; reading plan and ledger once without looking at them; parsing the
    destination's lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process, account = _company(folder)
        try:
            plain = _plain_commits(folder, min(size, 5_000))
            _apply(_plan(folder / "small", 1), folder, account)
            plan = _plan(folder / "large", size)
            wall, processor = (spent / size * 1_000 for spent in _fill(plan, folder))
            yield Row("ledger, per record", wall, "ms", "plain", plain, "under 2")
            yield Row("the same, processor time", processor, "ms")
            watch = Stopwatch()
            result = _apply(plan, folder, account)
            wall, processor = watch.read()
            if result.writes or result.exit_code:
                raise SystemExit(f"the resumed run was to find everything done: {result}")
            read = _read_once(plan, folder)
            yield Row("resume, everything done", wall, "s", "read once", read)
            yield Row("the same, processor time", processor, "s")
            yield Row("of it looking for what is left", _scan(plan, folder), "s", aim="under 2")
            yield from _checked(plan, folder, account)
        finally:
            process.terminate()
            process.communicate(timeout=10)


class Stopwatch:
    """Seconds on the wall and of this process since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._began[0], time.process_time() - self._began[1]


def _company(folder: Path) -> tuple[subprocess.Popen[str], PipedriveAccount]:
    state = folder / "company" / "pipedrive.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.pipedrive", "--state", str(state), "--port", "0",
         "--plan", "ultimate", "--window-scale", "50"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if process.stdout is None:
        raise SystemExit("the sandbox says nothing")
    told = json.loads(process.stdout.readline())
    account = PipedriveAccount(told["base_url"], told["api_token"], "ultimate", 5, window_scale=50)
    return process, account


def _plan(folder: Path, persons: int) -> FrozenPlan:
    folder.mkdir()
    warehouse = folder / "warehouse.duckdb"
    fields = [
        (entity, column, *_named(column), False)
        for entity, columns in COLUMNS.items()
        for column in columns
    ]
    with closing(duckdb.connect(str(warehouse))) as connection:
        connection.execute("create schema plan")
        for table, columns in PLAN_SIDE.items():
            connection.execute(f"create table plan.{table} ({columns})")
        connection.executemany(
            "insert into plan.plan_fields values ($1, $2, $3, $4, $6, $5)", fields
        )
        connection.executemany(
            "insert into plan.plan_field_options values ('person', 'opt_in__c', ?, ?)",
            [(label, rank) for rank, label in enumerate(CONSENT)],
        )
        for entity, table in ENTITY_TABLES.items():
            connection.execute(f"create table plan.{table} ({PLAN_ROW})")
            if entity in COLUMNS:
                connection.execute(_rows(entity), [persons if entity == "person" else STORES])
    return freeze(warehouse, folder / "plans", source_account="bench", company_id=None)


def _named(column: str) -> tuple[str, str, str]:
    """Field name, type and policy of a column."""
    if column == "migration_key__c":
        return "Migration key", "varchar", "set_once"
    if column == "opt_in__c":
        return "Opt-in", "enum", "never_raise"
    return column, "double" if column.startswith("value") else "native", "source_wins"


def _rows(entity: str) -> str:
    columns = COLUMNS[entity]
    payload = ", ".join(f"'{name}', {sql}" for name, sql in columns.items())
    hashes = ", ".join(f"'{name}', md5(({sql})::varchar)" for name, sql in columns.items())
    parents = columns.get("org__source_key")
    return f"""
        insert into plan.{ENTITY_TABLES[entity]}
        with numbered as (select n, '{KEYS[entity]}' || n as key from range($1) as all_of (n)),
        filled as (select *, json_object({payload}) as payload from numbered)
        select '{entity}', key, 0, n, 'create', null, null, md5(payload::varchar), [], payload,
            json_object({hashes}), null, {f"[{parents}]" if parents else "[]"}, 5, 'reversible'
        from filled
    """


def _apply(plan: FrozenPlan, folder: Path, account: PipedriveAccount) -> ApplyResult:
    async def run() -> ApplyResult:
        with Ledger.open(folder / "data" / "ledger.sqlite", "a key for the bench") as ledger:
            async with PipedriveClient(account, ledger) as client:
                return await apply(
                    plan, ledger, client, settings=account, clock=RealClock(), progress=Silent()
                )

    return asyncio.run(run())


def _scan(plan: FrozenPlan, folder: Path) -> float:
    """Seconds in which the plan is compared with the ledger: the rest of a resumed run is the
    ledger's backup, questions to the account and the plan's other tables."""
    with Ledger.open(folder / "data" / "ledger.sqlite", "a key for the bench") as ledger:
        watch, planned = Stopwatch(), plan.manifest["counts"]["person"]["create"]
        left, done = unfinished(plan, ledger, "person", wave=plan.waves()[0], planned=planned)
        if left.only or done != planned:
            raise SystemExit(f"the scan was to find everything done: {done} of {planned}")
        return watch.read()[0]


def _fill(plan: FrozenPlan, folder: Path) -> tuple[float, float]:
    """Seconds in which the ledger takes every person from unknown to confirmed, and of those the
    processor's."""
    with Ledger.open(folder / "data" / "ledger.sqlite", "a key for the bench") as ledger:
        ledger.start_run("apply", plan_digest=plan.digest, code_version="1")
        wall, processor, next_id = 0.0, 0.0, FIRST_ID
        for rows in plan.rows("person", calls_in_a_group("growth")):
            new = [row for row in rows if not records.fetch(ledger, [row.source_key])]
            watch = Stopwatch()
            attempts = records.intend_creates(
                ledger, "person", "/api/v2/persons", [_intent(row) for row in new],
                plan_digest=plan.digest,
            )  # fmt: skip
            for row in new:
                with ledger.transaction():
                    records.finish_attempt(
                        ledger, attempts[row.source_key], "ok",
                        http_status=201, pipedrive_id=next_id, tokens=5,
                    )  # fmt: skip
                    written = Written(next_id, row.new_hash, row.field_hashes, row.field_hashes)
                    records.confirm(
                        ledger, "person", row.source_key, written, plan_digest=plan.digest
                    )
                next_id += 1
            spent = watch.read()
            wall, processor = wall + spent[0], processor + spent[1]
        ledger.end_run("done", writes=0)
    return wall, processor


def _intent(row: PlanRow) -> CreateIntent:
    # as a load keeps them: what each create sends, by column
    return CreateIntent(
        row.source_key, row.new_hash, row.field_hashes, sent_hashes=row.field_hashes
    )


def _plain_commits(folder: Path, number: int) -> float:
    """Milliseconds of one durable transaction that inserts one small row."""
    with closing(sqlite3.connect(folder / "plain.sqlite", isolation_level=None)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute("create table plain (key text primary key, value text)")
        began = time.perf_counter()
        for one in range(number):
            db.execute("insert into plain values (?, 'confirmed')", (f"aiq:contact:{one}",))
        return (time.perf_counter() - began) / number * 1_000


def _read_once(plan: FrozenPlan, folder: Path) -> float:
    began = time.perf_counter()
    pq.read_table(plan.folder / f"{ENTITY_TABLES['person']}.parquet")
    with closing(sqlite3.connect(folder / "data" / "ledger.sqlite")) as db:
        db.execute("select * from id_map").fetchall()
    return time.perf_counter() - began


def _checked(plan: FrozenPlan, folder: Path, account: PipedriveAccount) -> Iterator[Row]:
    lines = list(_destination(plan, folder, account))
    watch = Stopwatch()
    there = read_destination(lines)
    parsed, _ = watch.read()
    evidence = Evidence(
        read_plan(plan.folder), read_ledger(folder / "data" / "ledger.sqlite"), there
    )
    report = check(evidence)
    wall, processor = watch.read()
    if report.violations:
        raise SystemExit(f"the checker was to find nothing: {report.violations[:3]}")
    examined = report.examined
    yield Row("checker", wall, "s", "parsing the lines", parsed, "under 60")
    yield Row("the same, processor time", processor, "s")
    yield Row("records that it examined", examined["live records"], "")
    yield Row("planned rows that it examined", examined["planned rows"], "")


def _destination(plan: FrozenPlan, folder: Path, account: PipedriveAccount) -> Iterator[str]:
    """The sandbox's own records, and the persons as a load would have left them."""
    place = f"{account.base_url}/_sandbox/records"
    with urlopen(place, timeout=60) as answer:  # noqa: S310 - loopback
        held = answer.read().decode().splitlines()
    yield from held
    fields = [json.loads(line)["record"] for line in held if '"entity":"field"' in line]
    ours = [field for field in fields if field["entity"] == "person" and field["is_custom_field"]]
    codes = {field["field_name"]: field["field_code"] for field in ours}
    options = {
        option["label"]: option["id"] for field in ours for option in field.get("options") or []
    }
    with closing(sqlite3.connect(folder / "data" / "ledger.sqlite")) as db:
        ids = dict(db.execute("select source_key, pipedrive_id from id_map").fetchall())
    for rows in plan.rows("person", 2_000):
        for row in rows:
            if ids[row.source_key] >= FIRST_ID:
                yield _line(row, ids, codes, options)


def _line(row: PlanRow, ids: dict[str, int], codes: dict[str, str], options: dict[str, int]) -> str:
    custom = {
        codes[_named(column)[0]]: value
        for column, value in row.payload.items()
        if column.endswith("__c")
    }
    custom[codes["Opt-in"]] = options[row.payload["opt_in__c"]]
    own = ids[row.source_key]
    record = {
        "id": own,
        "name": row.payload["name"],
        "org_id": ids[row.payload["org__source_key"]],
        "custom_fields": custom,
    }
    return json.dumps(
        {"entity": "person", "id": own, "deleted": False, "archived": False, "record": record}
    )


if __name__ == "__main__":
    main(measure)
