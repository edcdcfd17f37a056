"""What people do in the web app meanwhile: edit, opt out and in, delete, merge, archive, add.

Each act is chosen when its moment comes, among the records that are there then.
"""

from __future__ import annotations

import random
from typing import Any, Final

from simulation.company import Company

ACTS: Final = (
    "rename_person",
    "change_points",
    "opt_out",
    "opt_in",
    "add_email",
    "add_group",
    "give_birth_date",
    "delete_person",
    "delete_organization",
    "delete_deal",
    "delete_note",
    "merge_persons",
    "archive_deal",
    "new_person",
    "rename_organization",
    "retitle_deal",
)
_WEIGHTS: Final = (4, 4, 4, 2, 4, 3, 2, 2, 1, 2, 1, 2, 2, 2, 3, 3)


class People:
    """The staff of one simulated company."""

    def __init__(self, company: Company, seed: int) -> None:
        self._company = company
        self._dice = random.Random(f"people {seed}")
        self._serial = 0
        self._whom = ""

    def do_something(self) -> None:
        self.do(self._dice.choices(ACTS, _WEIGHTS)[0])

    def do(self, act: str) -> None:
        """One act; nothing if there is nobody to do it to. `opt_out:first` names the oldest record,
        `opt_out:last` the newest."""
        self._serial += 1
        act, _, self._whom = act.partition(":")
        if act == "merge_persons":
            action = self._merge()
        elif act == "new_person":
            changes: dict[str, Any] = {"name": f"Walk-in {self._serial}"}
            action = {"action": "create", "entity": "person", "changes": changes}
        else:
            action = self._on_one(act)
        if action is not None:
            self._company.act(action)

    def _on_one(self, act: str) -> dict[str, Any] | None:
        verb, _, noun = act.partition("_")
        kind = noun if noun in ("person", "organization", "deal", "note", "file") else "person"
        record = self._one(kind)
        if record is None:
            return None
        if verb in ("delete", "archive"):
            return {"action": verb, "entity": kind, "id": record["id"]}
        changes = self._changes(act, record)
        return {"action": "patch", "entity": kind, "id": record["id"], "changes": changes}

    def _changes(self, act: str, record: dict[str, Any]) -> dict[str, Any]:
        number = self._serial
        custom: dict[str, Any] = {
            "change_points": {"Points": 9000 + number},
            "opt_out": {"Text opt-in": "No"},
            "opt_in": {"Text opt-in": "Yes"},
            "add_group": {"Groups": self._with_south(record)},
            "give_birth_date": {"Birth date": f"1970-01-{number % 28 + 1:02}"},
        }
        if act in custom:
            return {"custom_fields_by_name": custom[act]}
        if act == "add_email":
            kept = [
                {name: entry.get(name) for name in ("value", "primary", "label")}
                for entry in record.get("emails") or []
            ]
            added = {"value": f"extra{number}@example.net", "primary": not kept, "label": "home"}
            return {"emails": [*kept, added]}
        if act == "retitle_deal":
            return {"title": f"Called about {number}"}
        return {"name": f"Edited by hand {number}"}

    def _with_south(self, record: dict[str, Any]) -> list[int]:
        fields = self._company.sandbox.account.fields
        known = fields.find_by_name("person", "Groups")
        if known is None:
            return []
        south = [n for n, option in known.options.items() if option["label"] == "South"]
        held = (record.get("custom_fields") or {}).get(known.code) or []
        return [*held, *(one for one in south if one not in held)]

    def _merge(self) -> dict[str, Any] | None:
        persons = self._company.live("person")
        if len(persons) < 2:
            return None
        loser, winner = self._dice.sample(persons, 2)
        return {
            "action": "merge",
            "entity": "person",
            "id": loser["id"],
            "merge_with_id": winner["id"],
        }

    def _one(self, kind: str) -> dict[str, Any] | None:
        records = self._company.live(kind)
        if records and self._whom:
            return records[0 if self._whom == "first" else -1]
        return self._dice.choice(records) if records else None
