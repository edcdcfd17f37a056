"""The plan of an undo: one row per record or columns, what is done, why, and what it costs.

    delete           a record of ours that nobody touched
    with its deal    a line of a deal that is deleted: no call of its own
    restore          columns of a record that stays, put back as they were
    spare            records or columns that people changed or use: left as they are
    cannot           what no undo can do: listed with the reason

Tokens are those of the row's own calls; readings are in `reading_tokens`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from load.budget import daily_tokens
from load.phases import PHASE_OF
from load.undo.account import ORDER, Account, reading_cost

What = Literal["delete", "with its deal", "restore", "spare", "cannot", "gone"]
SOFT_DELETE_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class UndoRow:
    """One row. `restorable_until`: a deletion made now can be taken back in Pipedrive till then."""

    entity: str
    source_key: str
    pipedrive_id: int
    what: What
    why: str
    columns: tuple[str, ...] = ()
    tokens: int = 0
    restorable_until: datetime | None = None


@dataclass(slots=True)
class UndoPlan:
    """All rows, in the order in which they are worked off."""

    rows: list[UndoRow] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    provisioned_tokens: int = 0

    def of(self, entity: str, what: str) -> list[UndoRow]:
        return [row for row in self.rows if row.entity == entity and row.what == what]

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter((row.entity, row.what) for row in self.rows)

    def spared(self) -> list[UndoRow]:
        """What stays, and why."""
        return [row for row in self.rows if row.what in ("spare", "cannot")]

    @property
    def write_tokens(self) -> int:
        return sum(row.tokens for row in self.rows) + self.provisioned_tokens

    @property
    def reading_tokens(self) -> int:
        """Lists before and after, and a look at each record just before it is changed."""
        live = self.account.live
        deleted = Counter(row.entity for row in self.rows if row.what == "delete")
        before = {name: len(ids) for name, ids in live.items()}
        after = {name: count - deleted[name] for name, count in before.items()}
        archived = len(self.account.archived)
        gone = {row.pipedrive_id for row in self.rows if row.what == "delete"}
        left = len(self.account.archived - gone)
        return (
            reading_cost(before, archived, ours=self.account.ours)
            + reading_cost(after, left, ours=self.account.ours)
            + sum(self._looks(name) for name in ORDER)
        )

    @property
    def tokens(self) -> int:
        return self.write_tokens + self.reading_tokens

    def days(self, plan: str, seats: int, share: float) -> float:
        """Days at our share of the budget; tokens of one day cannot be kept for another."""
        return self.tokens / (daily_tokens(plan.lower(), seats) * share)

    def _looks(self, entity: str) -> int:
        """A hundred ids a call. Notes and files are not looked at again, lines by their deals."""
        changed = self.of(entity, "restore")
        deleted = self.of(entity, "delete")
        if not PHASE_OF[entity].lists_by_id:
            return 2 * len(changed)
        total = 0
        archived = self.account.archived if entity == "deal" else frozenset()
        for rows in (changed, deleted):
            plain = [row for row in rows if row.pipedrive_id not in archived]
            total += 10 * _calls(len(plain)) + 20 * _archived_calls(rows, plain)
        return total


def _archived_calls(rows: list[UndoRow], plain: list[UndoRow]) -> int:
    return _calls(len(rows) - len(plain))


def _calls(records: int) -> int:
    return -(-records // 100)


def deadline(now: datetime) -> datetime:
    """Until when a deletion made now can be taken back."""
    return now + timedelta(days=SOFT_DELETE_DAYS)


def in_order(rows: Iterable[UndoRow]) -> list[UndoRow]:
    """Children before parents."""
    place = {name: number for number, name in enumerate(ORDER)}
    return sorted(rows, key=lambda row: (place[row.entity], row.pipedrive_id, row.what))
