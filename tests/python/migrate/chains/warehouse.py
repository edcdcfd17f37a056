"""A warehouse in memory that plans as the real one does: dbt's compiled SQL over a few records.

Compiled are the read-back's staging, the plan's view of the destination, withdrawals, and the plan
of every entity. Filled in are the marts, the ledger's copy and the read-back's raw answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from load.plan import ENTITY_TABLES
from load.plan_rows import PlanRow, row_of

# what a chain loads of each entity, and the policy of each column
POLICIES: dict[str, dict[str, str]] = {
    "organization": {"name": "source_wins", "store_phone__c": "source_wins"},
    "person": {
        "name": "source_wins",
        "org__source_key": "source_wins",
        "emails": "merge_set",
        "label_names": "merge_set",
        "loyalty_points__c": "source_wins",
        "birth_date__c": "source_wins",
        "sms_opt_in__c": "never_raise",
        "email_opt_in__c": "never_raise",
        # in the catalogue these two are the source's; here they stand for the two policies
        "med_id__c": "fill_empty",
        "refer_code__c": "set_once",
        "audience_list__c": "merge_set",
        "suppression__c": "source_wins",
    },
    "product": {"name": "source_wins", "prices": "source_wins", "brand__c": "source_wins"},
    "deal": {
        "title": "source_wins",
        "value": "source_wins",
        "currency": "source_wins",
        "status": "source_wins",
        "lost_reason": "source_wins",
        "stage__source_key": "source_wins",
        "person__source_key": "source_wins",
        "org__source_key": "source_wins",
        "order_status__c": "source_wins",
        "payment_type__c": "source_wins",
    },
    "deal_product": {
        "deal__source_key": "source_wins",
        "product__source_key": "source_wins",
        "quantity": "source_wins",
        "item_price": "source_wins",
        "comments": "source_wins",
    },
    "note": {
        "deal__source_key": "set_once",
        "person__source_key": "set_once",
        "content": "source_wins",
    },
}
KEYED = ("organization", "person", "product", "deal")
AUDIENCES = ("North", "South", "West", "Hand")
LABELS = ("Regular", "Wholesale", "Called")
MARTS = {entity: name.replace("plan_", "mart_") for entity, name in ENTITY_TABLES.items()}
LISTS = {
    "organization": "organizations", "person": "persons", "product": "products", "deal": "deals",
}  # fmt: skip
COMPILED = (
    *(f"staging.stg_pipedrive__{name}" for name in (
        "organizations", "persons", "products", "deals", "deal_products", "notes", "activities",
        "files", "readbacks", "fields", "field_options", "custom_values", "native_values")),
    "plan.plan_destination_records", "plan.plan_destination_values", "plan.plan_withdrawn",
    "plan.plan_adoptions",
    *(f"plan.plan_{name}" for name in (
        "organizations", "persons", "products", "deal_payloads", "deal_calls", "deals",
        "deal_product_payloads", "deal_product_calls", "deal_products", "notes", "activities",
        "files")),
)  # fmt: skip
VIEWS = COMPILED[:11]
COPIED = (
    *(f"marts.{name}" for name in MARTS.values()),
    *(f"raw_pipedrive.{name}" for name in (
        "organizations", "persons", "products", "deals", "deal_products", "notes", "activities",
        "files", "readbacks", "organization_fields", "person_fields", "deal_fields",
        "product_fields", "_dlt_loads")),
    "quarantine.quarantine_persons", "quarantine.quarantine_deals",
    "quarantine.quarantine_deal_products", "intermediate.int_contacts_dispositioned",
    "intermediate.int_persons_held_back",
    "plan.plan_waves", "decisions.field_decisions", "decisions.policies", "mapping.fields",
    "decisions.adoption_rules", "decisions.adoption_decisions",
    "mapping.field_options", "mapping.pipeline_stages",
    "staging.stg_ledger__id_map", "staging.stg_ledger__field_codes",
)  # fmt: skip
WITH_ROWS = ("mapping", "decisions.policies")
LEDGER = (
    "entity, source_key, state, pipedrive_id, payload_hash, field_hashes, origin, plan_digest,"
    " run_id, reason_code, reason, updated_at"
)
FIELD_CODES = "entity, column_name, field_code, field_name, field_type"
Record = dict[str, Any]
Records = dict[str, dict[str, Record]]


@dataclass(frozen=True)
class Template:
    """Compiled SQL, and the shapes of the tables that it reads."""

    sql: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[str, list[str], list[Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, target: Path, warehouse: Path) -> Template:
        """From dbt's target folder and a warehouse that it built."""
        found = cls()
        for name in COMPILED:
            (file,) = target.rglob(f"compiled/*/models/**/{name.partition('.')[2]}.sql")
            found.sql[name] = file.read_text(encoding="utf-8")
        with duckdb.connect(str(warehouse), read_only=True) as real:
            for name in COPIED:
                columns = real.execute(
                    f"select column_name, column_type from (describe {name})"
                ).fetchall()
                rows = []
                if name.startswith(WITH_ROWS):
                    rows = real.execute(f"select * from {name}").fetchall()
                shape = ", ".join(f'"{column}" {kind}' for column, kind in columns)
                found.shapes[name] = (shape, [column for column, _ in columns], rows)
        return found

    def without(self, name: str, rule: str, instead: str) -> Template:
        """The same SQL with a rule taken out of one model."""
        assert rule in self.sql[name]
        return replace(self, sql={**self.sql, name: self.sql[name].replace(rule, instead)})


class Warehouse:
    """Tables of one account."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.db = duckdb.connect(config={"threads": 1})
        self.db.execute("attach ':memory:' as warehouse")
        self.db.execute("use warehouse")
        for schema in sorted({name.partition(".")[0] for name in (*COMPILED, *COPIED)}):
            self.db.execute(f"create schema {schema}")
        for name, (shape, columns, rows) in template.shapes.items():
            self.db.execute(f"create table {name} ({shape})")
            if rows:
                marks = ", ".join("?" * len(columns))
                self.db.executemany(f"insert into {name} values ({marks})", rows)
        for name in VIEWS:
            self.db.execute(f"create view {name} as {template.sql[name]}")
        self._narrow()

    def _narrow(self) -> None:
        """Only the columns of a chain, with its policies; option fields with a few options."""
        for entity, policies in POLICIES.items():
            kept = ", ".join(f"'{column}'" for column in (*policies, "migration_key__c"))
            self.db.execute(
                f"delete from mapping.fields where entity = '{entity}'"
                f" and column_name not in ({kept})"
            )
            for column, policy in policies.items():
                self.db.execute(
                    "update mapping.fields set on_update = ? where entity = ? and column_name = ?",
                    [policy, entity, column],
                )
        self.db.execute(
            "delete from mapping.field_options where column_name not in"
            " ('sms_opt_in__c', 'email_opt_in__c', 'order_status__c')"
        )
        self.db.execute("insert into raw_pipedrive._dlt_loads (load_id, status) values ('r', 0)")

    def close(self) -> None:
        self.db.close()

    def fill(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """A table's new content, from values that JSON can hold."""
        self.db.execute(f"delete from {name}")
        shape, columns, _ = self.template.shapes[name]
        whole = [{column: row.get(column) for column in columns} for row in rows]
        if whole:
            self.db.execute(
                f"insert into {name} select each.* from"
                f" (select unnest(cast(cast(? as json) as struct({shape})[])) as each)",
                [json.dumps(whole)],
            )

    def publish(
        self, id_map: Iterable[tuple[Any, ...]], field_codes: Iterable[tuple[Any, ...]]
    ) -> None:
        """The ledger's copy."""
        for name, columns, rows in (
            ("staging.stg_ledger__id_map", LEDGER, id_map),
            ("staging.stg_ledger__field_codes", FIELD_CODES, field_codes),
        ):
            names = columns.split(", ")
            records = [dict(zip(names, row, strict=True)) for row in rows]
            for record in records:
                if record.get("field_hashes"):
                    record["field_hashes"] = json.loads(record["field_hashes"])
            self.fill(name, records)

    def read_back(self, answers: Mapping[str, Iterable[Record]], now: str) -> None:
        """What the lists of the destination answered, by raw table."""
        for name, rows in answers.items():
            self.fill(
                f"raw_pipedrive.{name}",
                (
                    {
                        "record_key": str(row["field_code" if name.endswith("_fields") else "id"]),
                        "payload": row,
                        "fetched_at": now,
                        "_dlt_load_id": "r",
                    }
                    for row in rows
                ),
            )
        stamp = {"readback_id": "r", "started_at": now, "finished_at": now}
        self.fill(
            "raw_pipedrive.readbacks",
            [{"record_key": "r", "payload": stamp, "fetched_at": now, "_dlt_load_id": "r"}],
        )

    def plan(self) -> dict[str, list[PlanRow]]:
        """The plan of every entity, by dbt's SQL."""
        found = {}
        for name in COMPILED[len(VIEWS) :]:
            self.db.execute(f"create or replace table {name} as {self.template.sql[name]}")
        for entity, table in ENTITY_TABLES.items():
            rows = self.db.execute(f"select * from plan.{table} order by position")
            names = [column[0] for column in rows.description or ()]
            found[entity] = [row_of(dict(zip(names, row, strict=True))) for row in rows.fetchall()]
        return found

    def side_tables(self) -> dict[str, list[dict[str, Any]]]:
        """What a plan says about fields, options, labels and stages."""
        tables = {
            "plan_fields": self._rows(
                "select entity, column_name, field_name, field_type, on_update from mapping.fields"
            ),
            "plan_field_options": self._rows(
                "select entity, column_name, option_label, rank from mapping.field_options"
            ),
            "plan_pipelines": self._rows(
                "select distinct 'aiq:pipeline:' || pipeline_name as source_key,"
                " pipeline_name as name from mapping.pipeline_stages"
            ),
            "plan_stages": self._rows(
                "select 'aiq:stage:' || stage_name as source_key, stage_name as name,"
                " 'aiq:pipeline:' || pipeline_name as pipeline__source_key,"
                " cast(min(stage_rank) as integer) as rank from mapping.pipeline_stages"
                " group by pipeline_name, stage_name order by rank"
            ),
        }
        tables["plan_field_options"] += [
            {
                "entity": "person",
                "column_name": "audience_list__c",
                "option_label": label,
                "rank": 0,
            }
            for label in AUDIENCES
        ]
        tables["plan_labels"] = [
            {"entity": "person", "label_name": label, "rank": rank}
            for rank, label in enumerate(LABELS)
        ]
        return tables

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        found = self.db.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
