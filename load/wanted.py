"""What a plan needs of the account: custom fields, their options, labels.

An option is known by the ledger's id, then by a committed one, then by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from load.plan import PlanField
from load.run import Run

LABEL_COLUMN: Final = "label_names"
LABEL_CODE: Final = "label_ids"
WITH_OPTIONS: Final = frozenset({"enum", "set"})


@dataclass(slots=True)
class Labels:
    """Options that the plan needs of one field, and the ids that somebody committed for them."""

    names: list[str] = field(default_factory=list)
    committed: dict[str, Sequence[str]] = field(default_factory=dict)

    def add(self, label: str, committed: Sequence[str] | None) -> None:
        if label not in self.names:
            self.names.append(label)
        if committed:
            self.committed[label] = committed

    def by_name(self, name: str) -> str | None:
        """Our label for a folded name."""
        return next((label for label in self.names if folded(label) == name), None)

    def found(
        self, known: Mapping[str, int], options: Sequence[Mapping[str, Any]]
    ) -> dict[str, int]:
        """Ids of those that are there: by the ledger, by a committed id, else by name."""
        there = {str(option["id"]): int(option["id"]) for option in options}
        named = {folded(option["label"]): int(option["id"]) for option in options}
        ids = {}
        for label in self.names:
            codes = [str(known.get(label)), *self.committed.get(label, ())]
            by_id = next((there[code] for code in codes if code in there), None)
            option_id = by_id if by_id is not None else named.get(folded(label))
            if option_id is not None:
                ids[label] = option_id
        return ids


@dataclass(slots=True)
class Wanted:
    """What the plan needs of one field."""

    planned: PlanField
    labels: Labels


def wanted_provisions(run: Run) -> list[Wanted]:
    """The custom fields that the plan needs, with their options."""
    labels: dict[tuple[str, str], Labels] = {}
    for option in run.plan.table("plan_field_options"):
        place = (option["entity"], option["column_name"])
        labels.setdefault(place, Labels()).add(
            option["option_label"], option.get("committed_codes")
        )
    found = []
    for one in run.plan.fields():
        own = labels.get((one.entity, one.column_name), Labels())
        # a field of options cannot be made without one, and nothing could be written into it
        if one.field_type != "native" and (own.names or one.field_type not in WITH_OPTIONS):
            found.append(Wanted(one, own))
    return found


def wanted_labels(run: Run) -> dict[str, Labels]:
    """The labels that the plan needs, by entity."""
    found: dict[str, Labels] = {}
    for label in run.plan.table("plan_labels"):
        found.setdefault(label["entity"], Labels()).add(
            label["label_name"], label.get("committed_codes")
        )
    return found


def folded(text: str) -> str:
    """Names are the same if they differ in case and spaces only."""
    return " ".join(text.split()).casefold()
