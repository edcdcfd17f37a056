"""The destination: the sandbox in this process, with the history that the checker wants.

Every change is noted with who made it, before and after. A call of ours carries when we had last
read the record, so that an edit in the meantime counts as a race and not as overwritten.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

from checker.evidence import Call, Change
from sandbox.core import Reply, Request
from sandbox.pipedrive.app import PipedriveSandbox
from sandbox.pipedrive.errors import ApiError
from simulation.timeline import ServerClock, Timeline

KINDS: Final = {
    "organizations": "organization",
    "persons": "person",
    "products": "product",
    "deals": "deal",
    "notes": "note",
    "files": "file",
}
WATCHED: Final = (
    "organization", "person", "product", "deal", "deal_product", "note", "activity", "file",
)  # fmt: skip
_RECORD: Final = re.compile(rf"/api/v[12]/({'|'.join(KINDS)})(?:/(\d+))?$")
_LINE: Final = re.compile(r"/api/v2/deals/(?:\d+/)?products(?:/(\d+)|/bulk)?$")
Place = tuple[str, int]


class Company:
    """One simulated account; `deliver` is the moment at which a request reaches it."""

    def __init__(self, state: Path, template: Path, timeline: Timeline) -> None:
        shutil.copy(template, state)
        self.sandbox = PipedriveSandbox(state, ServerClock(timeline))
        # nobody else opens this file, and it lives no longer than the schedule
        for setting in ("journal_mode=MEMORY", "locking_mode=EXCLUSIVE"):
            self.sandbox.account.store.execute(f"PRAGMA {setting}")
        self.changes: list[Change] = []
        self.last_read: dict[Place, float] = {}
        self.acts = 0
        self.failed_acts = 0
        self._timeline = timeline
        self._calls: list[Call] = []
        self._highest = {kind: self._top(kind) for kind in WATCHED}

    def deliver(
        self, request: Request, *, basis: float | None, sent_at: float | None = None
    ) -> Reply:
        """The request, which left at `sent_at`, arrives and is worked off at once."""
        if request.method == "GET":
            return self.sandbox.handle(request)
        place = place_of(request.path)
        before = self._shown(place)
        reply = self.sandbox.handle(request)
        after = self._shown(place)
        if before is not None and before != after and place is not None:
            self._note("us", place, before, after, basis, sent_at)
        for kind in WATCHED:
            top = self._top(kind)
            if top == self._highest[kind]:
                continue
            for row in self.sandbox.account.store.rows(kind, "id>?", (self._highest[kind],)):
                self._note("us", (kind, row.id), None, row.doc, None, sent_at)
            self._highest[kind] = top
        return reply

    def read_by_us(self, path: str, data: Any, at: float) -> None:
        """An answer reached us: this is what we know now."""
        kind = kind_of(path)
        records = data if isinstance(data, list) else [data]
        for record in records:
            if kind is not None and isinstance(record, dict) and "id" in record:
                self.last_read[kind, record["id"]] = at

    def basis_of(self, path: str) -> float | None:
        """When we last read the record that a call is about."""
        place = place_of(path)
        return None if place is None else self.last_read.get(place)

    def act(self, action: dict[str, Any]) -> None:
        """Somebody does something in the web app; what can't be done is not done."""
        before = self._all()
        try:
            self.sandbox.admin.act(action)
        except (ApiError, ValueError, KeyError, TypeError, StopIteration):
            self.failed_acts += 1
            return
        self.acts += 1
        after = self._all()
        for place in after.keys() | before.keys():
            if before.get(place) != after.get(place):
                self._note("others", place, before.get(place), after.get(place), None)
        self._highest = {kind: self._top(kind) for kind in WATCHED}

    def live(self, kind: str) -> list[dict[str, Any]]:
        """Live records, lowest id first."""
        store = self.sandbox.account.store
        return [row.doc for row in store.rows(kind, "deleted IS NULL AND archived=0 ORDER BY id")]

    def calls(self) -> list[Call]:
        """Every call that arrived, in order."""
        while lines := self.sandbox.journal.lines(len(self._calls), 10_000):
            self._calls += [
                Call(
                    one["at"],
                    one["method"],
                    one["path"],
                    one["status"],
                    one["tokens"],
                    one["fault"],
                )
                for one in lines
            ]
        return list(self._calls)

    def ask(self, door: str) -> str:
        """One of the side doors, read."""
        return self.sandbox.handle(Request("GET", f"/_sandbox/{door}")).body.decode()

    def _note(  # noqa: PLR0917
        self,
        by: str,
        place: Place,
        before: Any,
        after: Any,
        basis: float | None,
        sent_at: float | None = None,
    ) -> None:
        now = self._timeline.stamp()
        self.changes.append(Change(now, by, place[0], place[1], before, after, basis, sent_at))

    def _shown(self, place: Place | None) -> dict[str, Any] | None:
        row = None if place is None else self.sandbox.account.store.get(*place)
        return None if row is None else row.doc

    def _all(self) -> dict[Place, dict[str, Any]]:
        store = self.sandbox.account.store
        return {(kind, row.id): row.doc for kind in WATCHED for row in store.rows(kind, "1")}

    def _top(self, kind: str) -> int:
        found = self.sandbox.account.store.execute(f"SELECT max(id) FROM {kind}").fetchone()[0]
        return int(found or 0)


def place_of(path: str) -> Place | None:
    """The record that a path names."""
    if found := _RECORD.match(path):
        return (KINDS[found[1]], int(found[2])) if found[2] else None
    if found := _LINE.match(path):
        return ("deal_product", int(found[1])) if found[1] else None
    return None


def kind_of(path: str) -> str | None:
    """What kind of records a path is about."""
    if found := _RECORD.match(path):
        return KINDS[found[1]]
    return "deal_product" if _LINE.match(path) else None
