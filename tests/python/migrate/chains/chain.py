"""One account through any number of deltas, in one process: real planning SQL, real loader.

The company is simulated. What a chain leaves out is extraction and dbt: `source.Source` says what
a delta lands and what the marts make of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from pathlib import Path
from typing import Any, Self, cast

from load.engine import ApplyResult
from load.plan import FrozenPlan
from load.plan_rows import PlanRow
from sandbox.core import Request
from sandbox.pipedrive.app import PipedriveSandbox
from simulation.company import Company
from simulation.process import Fate, Host, applying, determined
from simulation.timeline import ServerClock, Timeline, run_in
from simulation.wire import Wire

from .warehouse import (
    FIELD_CODES,
    KEYED,
    LEDGER,
    LISTS,
    MARTS,
    POLICIES,
    Record,
    Records,
    Template,
    Warehouse,
)

WRITES = ("POST", "PATCH", "PUT", "DELETE")
PARENTS = {
    "org__source_key": ("org_id", "organization"),
    "person__source_key": ("person_id", "person"),
    "product__source_key": ("product_id", "product"),
    "deal__source_key": ("deal_id", "deal"),
}


class MemoryPlan(FrozenPlan):
    """A plan that was never on disk."""

    @classmethod
    def of(
        cls, rows: Mapping[str, list[PlanRow]], tables: Mapping[str, list[Record]], digest: str
    ) -> Self:
        """A plan of these rows and side tables."""
        manifest = {
            "digest": digest,
            "created_at": "2026-01-01T00:00:00+00:00",
            "counts": {entity: Counter(row.action for row in rows[entity]) for entity in rows},
            "waves": [1],
            "source_account": "source-1",
            "company_id": None,
            "held": (rows, tables),
        }
        return cls(Path("nowhere"), manifest)

    def rows(
        self, entity: str, batch_size: int, *, wave: int | None = None
    ) -> Iterator[list[PlanRow]]:
        held = self.manifest["held"][0][entity]
        if rows := [row for row in held if self.only is None or row.source_key in self.only]:
            yield rows

    def updates_of(self, entity: str, columns: Set[str]) -> list[str]:
        return [
            row.source_key
            for row in self.manifest["held"][0][entity]
            if row.action == "update" and not columns.isdisjoint(row.changed_fields)
        ]

    def rows_of(self, entity: str, source_keys: Sequence[str]) -> dict[str, PlanRow]:
        rows = self.manifest["held"][0][entity]
        return {row.source_key: row for row in rows if row.source_key in source_keys}

    def table(self, name: str) -> list[Record]:
        return [dict(row) for row in self.manifest["held"][1].get(name, [])]


class Chain:
    """One ledger, one company, one warehouse."""

    def __init__(self, template: Template, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True)
        self.seed = seed
        self.timeline = Timeline()
        empty = folder / "empty.sqlite"
        PipedriveSandbox(empty, ServerClock(self.timeline)).close()
        self.company = Company(folder / "company.sqlite", empty, self.timeline)
        wire = Wire(self.company, cast("Any", None), self.timeline, seed)
        wire.is_calm = True
        self.fate = Fate()
        self.host = Host(folder, wire, self.timeline, self.fate, seed)
        self.warehouse = Warehouse(template)
        self.loads = 0

    def close(self) -> None:
        self.warehouse.close()
        self.company.sandbox.close()

    def load(
        self,
        marts: Records,
        *,
        contacts: list[Record],
        quarantined: list[str],
        decisions: list[Record],
    ) -> ApplyResult:
        """Plans these marts against ledger and company, and applies the plan."""
        warehouse = self.warehouse
        for entity, table in MARTS.items():
            rows = marts.get(entity, {})
            warehouse.fill(
                f"marts.{table}",
                ({"source_key": key, **_keyed(entity, key), **row} for key, row in rows.items()),
            )
        warehouse.fill("intermediate.int_contacts_dispositioned", contacts)
        warehouse.fill(
            "quarantine.quarantine_deals",
            [{"source_key": key, "rule": "order_without_person"} for key in quarantined],
        )
        warehouse.fill("decisions.field_decisions", decisions)
        warehouse.publish(
            self.ledger(f"select {LEDGER} from id_map"),
            self.ledger(f"select {FIELD_CODES} from field_codes"),
        )
        warehouse.read_back(self._answers(), self.timeline.now().isoformat())
        self.loads += 1
        planned = warehouse.plan()
        self.actions = Counter(
            (row.entity, row.action) for rows in planned.values() for row in rows
        )
        plan = MemoryPlan.of(planned, warehouse.side_tables(), f"{self.loads:016x}")

        async def story() -> ApplyResult | None:
            return await self.host.live(applying(plan))

        with determined(self.seed, self.fate):
            result = run_in(self.timeline, story())
        assert result is not None
        self.timeline.seconds += 60
        return result

    def edit(self, entity: str, key: str, column: str, value: Any) -> bool:
        """A person edits a field in Pipedrive; False if there is no such record any more."""
        target = self.targets(entity).get(key)
        if target is None or target not in {one["id"] for one in self.company.live(entity)}:
            return False
        if entity == "deal_product":
            (line,) = (one for one in self.company.live(entity) if one["id"] == target)
            self._ask(
                "PATCH", f"/api/v2/deals/{line['deal_id']}/products/{target}", {column: value}
            )
        else:
            changes = {self._api_name(entity, column): self._api_value(entity, column, value)}
            if column.endswith("__c"):
                changes = {"custom_fields_by_name": {self._field_name(entity, column): value}}
            self._act({"action": "patch", "entity": entity, "id": target, "changes": changes})
        self.timeline.seconds += 60
        return True

    def delete(self, entity: str, key: str) -> bool:
        """A person deletes a record in Pipedrive."""
        target = self.targets(entity).get(key)
        if target is None or target not in {one["id"] for one in self.company.live(entity)}:
            return False
        self._act({"action": "delete", "entity": entity, "id": target})
        self.timeline.seconds += 60
        return True

    def records(self) -> Records:
        """What the company holds of ours, by entity, source key and mart column."""
        keys = {
            entity: {target: key for key, target in self.targets(entity).items()}
            for entity in MARTS
        }
        stages = {doc["id"]: f"aiq:stage:{doc['name']}" for doc in self.company.live("stage")}
        found: Records = {entity: {} for entity in MARTS}
        deals = {doc["id"] for doc in self.company.live("deal")}
        for entity in MARTS:
            for doc in self.company.live(entity):
                if doc["id"] not in keys[entity]:
                    continue
                # what hangs on a deleted deal is shown nowhere
                if entity in ("deal_product", "note") and doc["deal_id"] not in deals:
                    continue
                found[entity][keys[entity][doc["id"]]] = self._columns(entity, doc, keys, stages)
        return found

    def writes(self) -> int:
        """Calls that change something, by the company's own count."""
        return sum(call.method in WRITES for call in self.company.calls())

    def ledger(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.host.ledger_path.exists():
            return []
        with closing(sqlite3.connect(self.host.ledger_path)) as ledger:
            return ledger.execute(sql).fetchall()

    def targets(self, entity: str) -> dict[str, int]:
        """Ids of our records, by source key."""
        rows = self.ledger(
            f"select source_key, pipedrive_id from id_map where entity = '{entity}'"
            " and pipedrive_id is not null"
        )
        return {str(key): int(target) for key, target in rows}

    def _act(self, action: Record) -> None:
        self.company.act(action)
        assert not self.company.failed_acts, action

    def _ask(self, method: str, path: str, body: Record | None = None) -> Any:
        path, _, query = path.partition("?")
        pairs = [cast("tuple[str, str]", tuple(one.split("="))) for one in query.split("&") if one]
        reply = self.company.sandbox.handle(
            Request(
                method,
                path,
                pairs,
                {"x-api-token": self.company.sandbox.account.token,
                 "content-type": "application/json"},
                b"" if body is None else json.dumps(body).encode(),
            )
        )  # fmt: skip
        answer = json.loads(reply.body)
        assert reply.status < 300, answer
        assert not (answer.get("additional_data") or {}).get("next_cursor"), "one page is all"
        return answer["data"] or []

    def _answers(self) -> dict[str, list[Record]]:
        """What a read-back gets from the lists."""
        answers = {name: self._ask("GET", f"/api/v2/{name}?limit=500") for name in LISTS.values()}
        for entity in KEYED:
            answers[f"{entity}_fields"] = self._ask("GET", f"/api/v2/{entity}Fields?limit=500")
        ids = [str(deal["id"]) for deal in answers["deals"]]
        answers["deal_products"] = [
            line
            for start in range(0, len(ids), 100)
            for line in self._ask(
                "GET",
                f"/api/v2/deals/products?limit=500&deal_ids={','.join(ids[start : start + 100])}",
            )
        ]
        answers["notes"] = self._ask("GET", "/api/v1/notes?limit=500")
        return answers

    def _field_name(self, entity: str, column: str) -> str:
        (found,) = self.warehouse.db.execute(
            "select field_name from mapping.fields where entity = ? and column_name = ?",
            [entity, column],
        ).fetchall()
        return str(found[0])

    @staticmethod
    def _api_name(entity: str, column: str) -> str:
        if column == "label_names":
            return "label_ids"
        return PARENTS[column][0] if column in PARENTS else column

    def _api_value(self, entity: str, column: str, value: Any) -> Any:
        if column == "label_names":
            numbers = {label: number for number, label in self._labels().items()}
            return [numbers[label] for label in value]
        if column in PARENTS and value is not None:
            return self.targets(PARENTS[column][1])[value]
        return value

    def _labels(self) -> dict[int, str]:
        rows = self.ledger(
            "select option_id, option_label from option_ids where column_name = 'label_names'"
        )
        return {int(number): str(label) for number, label in rows}

    def _columns(
        self,
        entity: str,
        doc: Record,
        keys: Mapping[str, Mapping[int, str]],
        stages: Mapping[int, str],
    ) -> Record:
        found: Record = {}
        custom = doc.get("custom_fields") or {}
        codes = dict(
            self.ledger(
                f"select column_name, field_code from field_codes where entity = '{entity}'"
            )
        )
        labels = {
            (str(column), int(number)): str(label)
            for column, label, number in self.ledger(
                "select column_name, option_label, option_id from option_ids"
                f" where entity = '{entity}'"
            )
        }
        for column in (*POLICIES[entity], *_keyed(entity, "")):
            if column.endswith("__c"):
                found[column] = _labelled(labels, column, custom.get(codes.get(column)))
            elif column == "stage__source_key":
                found[column] = stages.get(doc["stage_id"])
            elif column == "label_names":
                found[column] = _labelled(labels, column, doc["label_ids"])
            elif column in PARENTS:
                name, parent = PARENTS[column]
                found[column] = keys[parent].get(doc.get(name) or 0)
            elif column in ("emails", "prices"):
                found[column] = sorted(
                    str(one.get("value", one.get("price"))) for one in doc[column]
                )
            else:
                found[column] = doc[column]
        return found


def _keyed(entity: str, key: str) -> Record:
    return {"migration_key__c": key} if entity in KEYED else {}


def _labelled(labels: Mapping[tuple[str, int], str], column: str, value: Any) -> Any:
    if isinstance(value, list):
        return sorted(labels[column, one] for one in value) or None
    return labels.get((column, value), value) if isinstance(value, int) else value
