"""Chains of deltas in one process: the real planning SQL, the real loader, a simulated company.

The SQL is what dbt compiled for the shared migrated account, run in DuckDB over tables of a few
people. What a chain leaves out is extraction and read-back: a delta copies a changed person as a
whole, or nothing of it when only details moved, as `extract.alpine_iq.delta` does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import duckdb

from load.engine import ApplyResult, apply
from load.plan import FrozenPlan, PlanRow, _row
from load.progress import Silent
from sandbox.pipedrive.app import PipedriveSandbox
from simulation.company import Company
from simulation.process import Fate, Host, determined
from simulation.timeline import ServerClock, Timeline, run_in
from simulation.wire import Wire

POLICIES = {
    "name": "source_wins",
    "loyalty_points__c": "source_wins",
    "birth_date__c": "source_wins",
    "sms_opt_in__c": "never_raise",
    "email_opt_in__c": "never_raise",
    "med_id__c": "fill_empty",
    "refer_code__c": "set_once",
    "audience_list__c": "merge_set",
    "suppression__c": "source_wins",
    "migration_key__c": "set_once",
}
DETAILS = ("birth_date__c", "med_id__c", "refer_code__c")
AUDIENCES = ("North", "South", "West", "Hand")
COPIED = (
    "marts.mart_persons", "quarantine.quarantine_persons", "plan.plan_organizations",
    "plan.plan_withdrawn", "plan.plan_waves", "plan.plan_destination_records",
    "plan.plan_destination_values", "staging.stg_pipedrive__readbacks",
    "decisions.field_decisions", "mapping.fields",
    "mapping.field_options", "plan.plan_persons",
)  # fmt: skip
Person = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """Compiled SQL and the shapes of the tables that it reads."""

    sql: str
    warehouse: Path

    def open(self) -> duckdb.DuckDBPyConnection:
        """Empty tables in memory, under the names that the SQL uses."""
        db = duckdb.connect()
        db.execute(f"attach '{self.warehouse}' as source_of_shapes (read_only)")
        db.execute("attach ':memory:' as warehouse")
        for name in COPIED:
            schema = name.partition(".")[0]
            rows = "" if schema == "mapping" else " limit 0"
            db.execute(f"create schema if not exists warehouse.{schema}")
            db.execute(
                f"create table warehouse.{name} as select * from source_of_shapes.{name}{rows}"
            )
        # a view over the ledger's copy there, a table of its shape here
        db.execute(
            "create table warehouse.staging.stg_ledger__id_map (entity varchar, source_key varchar,"
            " state varchar, pipedrive_id bigint, payload_hash varchar, field_hashes json,"
            " origin varchar, plan_digest varchar, run_id varchar, reason_code varchar,"
            " reason varchar, updated_at timestamp)"
        )
        db.execute("detach source_of_shapes")
        db.execute("use warehouse")
        kept = ", ".join(f"'{column}'" for column in POLICIES)
        db.execute(
            f"delete from mapping.fields where entity <> 'person' or column_name not in ({kept})"
        )
        for column, policy in POLICIES.items():
            db.execute(
                "update mapping.fields set on_update = ? where column_name = ?", [policy, column]
            )
        return db


class MemoryPlan(FrozenPlan):
    """A plan that was never on disk."""

    def __init__(self, rows: list[PlanRow], tables: dict[str, list[dict[str, Any]]]) -> None:
        counts = {"person": {"any": len(rows)}}
        manifest = {
            "digest": f"{abs(hash(tuple((row.source_key, row.new_hash) for row in rows))):016x}",
            "created_at": "2026-01-01T00:00:00+00:00",
            "counts": counts,
            "waves": [1],
            "source_account": "source-1",
            "company_id": None,
        }
        super().__init__(Path("nowhere"), manifest)
        object.__setattr__(self, "held", (rows, tables))

    def rows(
        self, entity: str, batch_size: int, *, wave: int | None = None
    ) -> Iterator[list[PlanRow]]:
        rows = cast("Any", self).held[0]
        if entity == "person" and rows:
            yield rows

    def table(self, name: str) -> list[dict[str, Any]]:
        return [dict(row) for row in cast("Any", self).held[1].get(name, [])]


@dataclass
class Chain:
    """One ledger, one company, one warehouse of a few people."""

    template: Template
    folder: Path
    seed: int
    landed: dict[str, Person] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    writes: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.timeline = Timeline()
        empty = self.folder / "empty.sqlite"
        PipedriveSandbox(empty, ServerClock(self.timeline)).close()
        self.company = Company(self.folder / "company.sqlite", empty, self.timeline)
        self.wire = Wire(self.company, cast("Any", None), self.timeline, self.seed)
        self.wire.is_calm = True
        self.fate = Fate()
        self.host = Host(self.folder, self.wire, self.timeline, self.fate, self.seed)
        self.db = self.template.open()

    def close(self) -> None:
        self.db.close()
        self.company.sandbox.close()

    def load(self) -> ApplyResult:
        """Plans what is landed against ledger and company, and applies it."""
        plan = self._plan()

        async def story() -> ApplyResult | None:
            async def work(process: Any) -> ApplyResult:
                return await apply(
                    plan,
                    process.ledger,
                    process.client,
                    settings=process.account,
                    clock=process.clock,
                    progress=Silent(),
                )

            return await self.host.live(work)

        with determined(self.seed, self.fate):
            result = run_in(self.timeline, story())
        assert result is not None
        self.timeline.seconds += 60
        self.writes += result.writes
        return result

    def edit(self, key: str, column: str, value: Any) -> bool:
        """A person edits a field in Pipedrive; False if there is no such record."""
        target = self._targets().get(key)
        if target is None:
            return False
        changes: dict[str, Any] = {"name": value}
        if column != "name":
            changes = {"custom_fields_by_name": {self._name_of(column): value}}
        self.company.act({"action": "patch", "entity": "person", "id": target, "changes": changes})
        assert not self.company.failed_acts
        self.timeline.seconds += 60
        return True

    def people(self) -> dict[str, Person]:
        """What the company holds, by source key and mart column."""
        keys = {target: key for key, target in self._targets().items()}
        return {
            keys[doc["id"]]: self._columns(doc)
            for doc in self.company.live("person")
            if doc["id"] in keys
        }

    def _plan(self) -> MemoryPlan:
        db = self.db
        self._publish()
        db.execute("delete from marts.mart_persons")
        for key, person in self.landed.items():
            values = {"source_key": key, "migration_key__c": key, "emails": [], "phones": [],
                      "label_names": [], **person}  # fmt: skip
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            db.execute(
                f"insert into marts.mart_persons ({names}) values ({marks})", list(values.values())
            )
        db.execute("delete from plan.plan_withdrawn")
        for key in self.gone & self._targets().keys():
            payload = {"suppression__c": "deleted at the source", "sms_opt_in__c": "No",
                       "email_opt_in__c": "No", "audience_list__c": None}  # fmt: skip
            db.execute(
                "insert into plan.plan_withdrawn select 'person', ?, ?, 'deleted at the source',"
                " true, cast(? as json),"
                " (select json_group_object(key, md5(cast(value as varchar)))"
                " from json_each(cast(? as json)))",
                [key, self._targets()[key], json.dumps(payload), json.dumps(payload)],
            )
        found = db.execute(self.template.sql)
        names = [column[0] for column in found.description or ()]
        rows = [_row(dict(zip(names, values, strict=True))) for values in found.fetchall()]
        fields = db.execute(
            "select entity, column_name, field_name, field_type, on_update from mapping.fields"
        ).fetchall()
        names = ["entity", "column_name", "field_name", "field_type", "on_update"]
        options = db.execute(
            "select entity, column_name, option_label, rank from mapping.field_options"
            " where column_name in ('sms_opt_in__c', 'email_opt_in__c')"
        ).fetchall()
        options += [("person", "audience_list__c", label, 0) for label in AUDIENCES]
        option_names = ["entity", "column_name", "option_label", "rank"]
        return MemoryPlan(
            rows,
            {
                "plan_fields": [dict(zip(names, row, strict=True)) for row in fields],
                "plan_field_options": [
                    dict(zip(option_names, row, strict=True)) for row in options
                ],
            },
        )

    def _publish(self) -> None:
        """Ledger and read-back, as the plan sees them."""
        db, now = self.db, self.timeline.now().replace(tzinfo=None)
        for table in ("staging.stg_ledger__id_map", "staging.stg_pipedrive__readbacks",
                      "plan.plan_destination_records", "plan.plan_destination_values"):  # fmt: skip
            db.execute(f"delete from {table}")
        columns = (
            "entity, source_key, state, pipedrive_id, payload_hash, field_hashes, origin,"
            " plan_digest, run_id, reason_code, reason, updated_at"
        )
        for row in self._ledger(f"select {columns} from id_map where entity = 'person'"):
            db.execute(
                f"insert into staging.stg_ledger__id_map ({columns}) values"
                " (?, ?, ?, ?, ?, cast(? as json), ?, ?, ?, ?, ?,"
                " cast(replace(?, 'Z', '') as timestamp))",
                list(row),
            )
        db.execute(
            "insert into staging.stg_pipedrive__readbacks (readback_id, started_at)"
            " values ('r', ?)",
            [now],
        )
        for key, target in self._targets().items():
            db.execute(
                "insert into plan.plan_destination_records"
                " (entity, pipedrive_id, source_key, fetched_at) values ('person', ?, ?, ?)",
                [target, key, now],
            )
            for column, value in self.people().get(key, {}).items():
                if value is not None:
                    db.execute(
                        "insert into plan.plan_destination_values"
                        " (entity, source_key, pipedrive_id, column_name, value)"
                        " values ('person', ?, ?, ?, cast(? as json))",
                        [key, target, column, json.dumps(value)],
                    )

    def _ledger(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.host.ledger_path.exists():
            return []
        with closing(sqlite3.connect(self.host.ledger_path)) as ledger:
            return ledger.execute(sql).fetchall()

    def _targets(self) -> dict[str, int]:
        rows = self._ledger(
            "select source_key, pipedrive_id from id_map"
            " where entity = 'person' and state = 'confirmed'"
        )
        return {str(key): int(target) for key, target in rows}

    def _name_of(self, column: str) -> str:
        (found,) = self.db.execute(
            "select field_name from mapping.fields where column_name = ?", [column]
        ).fetchall()
        return str(found[0])

    def _columns(self, doc: dict[str, Any]) -> Person:
        codes = dict(
            self._ledger("select field_code, column_name from field_codes where entity = 'person'")
        )
        labels = {
            (column, number): label
            for column, label, number in self._ledger(
                "select column_name, option_label, option_id from option_ids"
            )
        }
        found: Person = dict.fromkeys(POLICIES)
        found["name"] = doc["name"]
        for code, value in (doc.get("custom_fields") or {}).items():
            column = codes.get(code)
            if column is None or value is None:
                continue
            if isinstance(value, list):
                found[column] = sorted(labels[column, one] for one in value) or None
            else:
                found[column] = labels.get((column, value), value)
        return found
