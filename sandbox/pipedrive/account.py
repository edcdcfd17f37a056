"""The simulated company: its records, fields, people, caps and clock.

Everything a handler needs hangs here. Times are epoch seconds. Deleted records are purged after
`purge_days`; links to them become null at that moment.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from sandbox.core import Clock
from sandbox.pipedrive.field_registry import FieldRegistry
from sandbox.pipedrive.store import Doc, Row, Store
from sandbox.pipedrive.switches import LARGEST_DEAL_CAP, PLANS, Switches
from sandbox.pipedrive.times import v1_time, v2_time

DEFAULT_STAGES: Final = ("Qualified", "Contact made", "Demo scheduled", "Proposal made", "Won soon")
DEFAULT_TYPES: Final = ("call", "meeting", "task", "deadline", "email", "lunch")
CHILDREN: Final = {
    "person": (("deal", "person_id"), ("note", "person_id"), ("activity", "person_id")),
    "organization": (("person", "org_id"), ("deal", "org_id"), ("note", "org_id")),
    "deal": (("note", "deal_id"), ("activity", "deal_id")),
}
PURGED: Final = ("organization", "person", "product", "deal", "note", "activity", "file")
DAY: Final = 86_400.0


class Account:
    """State and rules shared by all endpoints."""

    def __init__(
        self, path: Path, clock: Clock, *, plan: str, seats: int, seed: int, factor: float
    ) -> None:
        self.store = Store(path)
        self.clock = clock
        self.factor = factor
        self.deliveries: Counter[str] = Counter()
        self._next_purge = 0.0
        self._deals: int | None = None
        if self.store.meta("account") is None:
            self.create(plan=plan, seats=seats, seed=seed)
        self.load()

    # life

    def create(self, *, plan: str, seats: int, seed: int) -> None:
        digest = hashlib.sha256(f"pipedrive:{seed}".encode()).digest()
        now = self.clock.now()
        company_id = 7_000_000 + int.from_bytes(digest[:3], "big")
        self.store.begin()
        self.store.set_meta(
            "account",
            {
                "plan": plan,
                "seats": seats,
                "seed": seed,
                "company_id": company_id,
                "company_domain": f"sandbox-{company_id}",
                "token": hashlib.sha256(f"token:{seed}".encode()).hexdigest()[:40],
            },
        )
        self.store.set_meta("switches", {})
        self.store.set_meta("next_option", 5 + digest[3])
        for position, kind in enumerate(("organization", "person", "deal", "product")):
            self.store.start_ids_at(kind, 1 + digest[4 + position] * 10)
        fields = FieldRegistry(self.store, seed)
        fields.seed_defaults(now)
        self._seed_people(now)
        self._seed_pipeline(now)
        self._seed_types(now)
        self.store.save_ids()
        self.store.commit()

    def load(self) -> None:
        """Reads everything kept in memory; called at start and after a restore."""
        about = self.store.meta("account")
        self.plan_name: str = about["plan"]
        self.plan = PLANS[self.plan_name]
        self.seats: int = about["seats"]
        self.seed: int = about["seed"]
        self._company_id: int = about["company_id"]
        self.company_domain: str = about["company_domain"]
        self.token: str = about["token"]
        self.switches = Switches().changed(self.store.meta("switches") or {})
        self.fields = FieldRegistry(self.store, self.seed)
        self.admin_id = next(self.store.rows("user", "1 ORDER BY id LIMIT 1")).id
        self.deliveries = Counter(self.store.meta("deliveries") or {})
        self._hooks = [row.doc for row in self.store.rows("webhook", "deleted IS NULL")]
        self._next_purge = 0.0
        self._deals = None

    def _seed_people(self, now: float) -> None:
        self.store.start_ids_at("user", 101)
        for name, email in (("Sandbox Admin", "admin"), ("Second User", "second")):
            self.add_user(name, f"{email}@sandbox.example", now)

    def add_user(self, name: str, email: str, now: float) -> Doc:
        doc = {
            "id": self.store.reserve_ids("user"),
            "name": name,
            "email": email,
            "active_flag": True,
            "add_time": v1_time(now),
            "update_time": v1_time(now),
        }
        return self.store.insert("user", doc, now)

    def _seed_pipeline(self, now: float) -> None:
        pipeline_id = self.add_pipeline({"name": "Pipeline"}, now)["id"]
        for name in DEFAULT_STAGES:
            self.add_stage({"name": name, "pipeline_id": pipeline_id}, now)

    def add_pipeline(self, body: Doc, now: float) -> Doc:
        order = self.store.execute("SELECT max(order_nr) FROM pipeline").fetchone()[0]
        doc = {
            "id": self.store.reserve_ids("pipeline"),
            "name": body["name"],
            "order_nr": 1 if order is None else order + 1,
            "is_deleted": False,
            "is_deal_probability_enabled": body.get("is_deal_probability_enabled", False),
            "add_time": v2_time(now),
            "update_time": v2_time(now),
        }
        return self.store.insert("pipeline", doc, now)

    def add_stage(self, body: Doc, now: float) -> Doc:
        order = self.store.execute(
            "SELECT max(order_nr) FROM stage WHERE pipeline_id=?", (body["pipeline_id"],)
        ).fetchone()[0]
        doc = {
            "id": self.store.reserve_ids("stage"),
            "order_nr": 0 if order is None else order + 1,
            "name": body["name"],
            "is_deleted": False,
            "deal_probability": body.get("deal_probability", 100),
            "pipeline_id": body["pipeline_id"],
            "is_deal_rot_enabled": body.get("is_deal_rot_enabled", False),
            "days_to_rotten": body.get("days_to_rotten"),
            "add_time": v2_time(now),
            "update_time": v2_time(now),
        }
        return self.store.insert("stage", doc, now)

    def _seed_types(self, now: float) -> None:
        for number, key in enumerate(DEFAULT_TYPES, 1):
            doc = {
                "id": self.store.reserve_ids("activity_type"),
                "order_nr": number,
                "name": key.capitalize(),
                "key_string": key,
                "icon_key": key,
                "active_flag": True,
                "color": "FFFFFF",
                "is_custom_flag": False,
                "add_time": v1_time(now),
                "update_time": v1_time(now),
            }
            self.store.insert("activity_type", doc, now)

    # settings

    @property
    def company_id(self) -> int:
        return self.switches.company_id or self._company_id

    def change_switches(self, changes: dict[str, Any]) -> None:
        stored = {**(self.store.meta("switches") or {}), **changes}
        self.switches = Switches().changed(stored)
        self.store.set_meta("switches", stored)
        self._deals = None

    def new_token(self) -> str:
        """Revokes the present token, as a user does who makes a new one."""
        about = self.store.meta("account")
        about["token"] = hashlib.sha256(about["token"].encode()).hexdigest()[:40]
        self.store.set_meta("account", about)
        self.token = about["token"]
        return self.token

    def now(self) -> float:
        return self.clock.now() + self.switches.clock_skew

    # caps

    def deal_cap(self) -> int | None:
        if self.switches.deal_cap is not None:
            return self.switches.deal_cap
        per_seat = self.plan.deals_per_seat
        return None if per_seat is None else min(per_seat * self.seats, LARGEST_DEAL_CAP)

    def deals_counted(self) -> int:
        """Deals that use up the cap; counted once, then kept up to date."""
        if self._deals is None:
            condition = "deleted IS NULL AND archived=0"
            if self.switches.deal_cap_counts == "open":
                condition += " AND status='open'"
            self._deals = self.store.count("deal", condition)
        return self._deals

    def recount_deals(self) -> None:
        self._deals = None

    def _weigh(self, kind: str, doc: Doc, *, archived: bool, sign: int) -> None:
        if kind != "deal" or self._deals is None or archived or doc["is_deleted"]:
            return
        if self.switches.deal_cap_counts != "open" or doc["status"] == "open":
            self._deals += sign

    def field_cap(self) -> int | None:
        override = self.switches.custom_field_cap
        return self.plan.custom_fields if override is None else override

    # records

    def find(self, kind: str, record_id: int) -> Row | None:
        """A record that the caller may see, deleted ones included."""
        if record_id in self.switches.hidden.get(kind, ()):
            return None
        return self.store.get(kind, record_id)

    def insert(self, kind: str, doc: Doc, now: float, *, archived: bool = False) -> Doc:
        self.store.insert(kind, doc, now, archived=archived)
        self._weigh(kind, doc, archived=archived, sign=1)
        self._note_stale(kind, doc["id"], None, now)
        self.notify(kind, "create")
        return doc

    def save(
        self, kind: str, row: Row, doc: Doc, now: float, *, archived: bool | None = None
    ) -> Doc:
        kept = row.archived if archived is None else archived
        self.store.save(kind, doc, deleted=row.deleted, archived=kept)
        self._weigh(kind, row.doc, archived=row.archived, sign=-1)
        self._weigh(kind, doc, archived=kept, sign=1)
        self._note_stale(kind, row.id, row.doc, now)
        self.notify(kind, "change")
        return doc

    def _note_stale(self, kind: str, record_id: int, before: Doc | None, now: float) -> None:
        lag = self.switches.search_lag
        if lag > 0 and kind in ("person", "organization", "deal", "product"):
            self.store.remember_stale(kind, record_id, before, now + lag)
            if record_id % 512 == 0:
                self.store.execute("DELETE FROM stale WHERE until<=?", (now,))

    def soft_delete(self, kind: str, row: Row, now: float) -> None:
        self._weigh(kind, row.doc, archived=row.archived, sign=-1)
        doc = row.doc
        if "active_flag" in doc:
            doc["active_flag"] = False
            doc["update_time"] = v1_time(now)
        else:
            doc["is_deleted"] = True
            doc["update_time"] = v2_time(now)
        self.store.save(kind, doc, deleted=now, archived=row.archived)
        self.notify(kind, "delete")

    def purge(self, now: float) -> None:
        """Removes what was deleted long ago; looks once per simulated minute."""
        if now < self._next_purge:
            return
        self._next_purge = now + 60.0
        horizon = now - self.switches.purge_days * DAY
        for kind in PURGED:
            due = self.store.execute(
                f"SELECT id FROM {kind} WHERE deleted IS NOT NULL AND deleted<=?", (horizon,)
            ).fetchall()
            for (record_id,) in due:
                self._forget(kind, record_id)

    def purge_now(self) -> None:
        self._next_purge = 0.0

    def _forget(self, kind: str, record_id: int) -> None:
        for child, column in CHILDREN.get(kind, ()):
            for row in list(self.store.rows(child, f"{column}=?", (record_id,))):
                row.doc[column] = None
                self.store.save(child, row.doc, deleted=row.deleted, archived=row.archived)
        if kind == "deal":
            self.store.execute("DELETE FROM deal_product WHERE deal_id=?", (record_id,))
        if kind == "file":
            self.store.execute("DELETE FROM blob WHERE file_id=?", (record_id,))
        self.store.save_ids()
        self.store.remove(kind, record_id)

    # webhooks: deliveries are counted, never sent

    def reload_hooks(self) -> None:
        self._hooks = [row.doc for row in self.store.rows("webhook", "deleted IS NULL")]

    def notify(self, kind: str, action: str) -> None:
        for hook in self._hooks:
            if hook["event_object"] in ("*", kind) and hook["event_action"] in ("*", action):
                self.deliveries[f"{hook['id']}:{kind}:{action}"] += 1
