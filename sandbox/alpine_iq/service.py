"""The simulated Alpine IQ: one account behind keys, rate windows, faults and switches.

`handle` answers one request and never raises. In this order: the key (403), the schedule of faults,
the rate windows (429), then the path (404, 405) and the endpoint. Paths below `/_sandbox/` are the
side door for tests: no key, no limits, not logged.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from sandbox.alpine_iq import account, admin, history, people
from sandbox.alpine_iq.edits import Editor
from sandbox.alpine_iq.routing import Call, Refusal, Route, Router
from sandbox.alpine_iq.store import Store
from sandbox.alpine_iq.switches import Switches
from sandbox.alpine_iq.windows import LIMITS, RateWindows
from sandbox.core import JSON_HEADERS, Fault, MovableClock, Reply, Request
from sandbox.faults import AFTER, FaultSchedule, Rule, early_reply, spoiled

ROUTER: Final = Router((*people.ROUTES, *history.ROUTES, *account.ROUTES))
_MESSAGES: Final = {403: "Please provide a valid API key", 429: "Too Many Requests"}
_FAULT_STATUS: Final = {"rate_limited": 429, "blocked": 403}
_LONGEST_WINDOW: Final = max(span for _, span in LIMITS)


class Service:
    """One account, served."""

    def __init__(self, store: Store, clock: MovableClock | None = None) -> None:
        self.clock = clock or MovableClock()
        self.faults = FaultSchedule()
        self._slow = 0.0
        self._page_start = 0
        self._repeats = False
        self.open(store)

    def open(self, store: Store) -> None:
        """Reads everything that is kept in memory from the state."""
        self.store = store
        self.switches = Switches(store.meta("switches"))
        self.editor = Editor(store, self.clock, self.switches)
        self.account: dict[str, Any] = store.meta("account")
        self.clock.offset = store.meta("clock_offset") or 0.0
        self.windows = RateWindows(self.switches["limits.scale"])
        now = self.clock.now()
        since = now - _LONGEST_WINDOW / self.windows.factor
        self.windows.remember(self.account["uid"], store.counted_since(since))
        self._products: list[dict[str, Any]] = []
        self._names: dict[str, str] = {}

    def handle(self, request: Request) -> Reply:
        """Answers; whatever goes wrong inside is a 500 of the same shape as the service's."""
        try:
            if request.path.startswith("/_sandbox/"):
                return admin.handle(self, request)
            return self._answer(request)
        except Refusal as refusal:
            return _refusal(refusal.status, refusal.message)
        except (sqlite3.Error, LookupError, TypeError, ValueError, RecursionError):
            return _broken()

    def tick(self) -> None:
        """Nothing is due between calls: what is pushed becomes visible by its time."""

    def close(self) -> None:
        self.store.close()

    # the outer door

    def _answer(self, request: Request) -> Reply:
        now = self.clock.now()
        uids = self._uids_of(request.headers.get("x-apikey", ""))
        if not uids:
            return self._logged(request, now, _refusal(403, _MESSAGES[403]))
        rule = self.faults.next(request)
        early = None if rule is None else self._early(rule)
        if early is not None:
            return self._logged(request, now, early)
        wait = self.windows.admit(uids[0], now) if self.switches["limits"] == "on" else 0.0
        if wait:
            return self._logged(request, now, self._too_many(wait))
        reply = self._routed(request, uids, now)
        if rule is not None and (rule.kind in AFTER or rule.kind == "latency"):
            reply = spoiled(rule, reply, _broken())
        return self._logged(request, now, reply, counted=True)

    def _uids_of(self, key: str) -> list[str]:
        if key and key == self.account["api_key"] and not self.switches["auth.revoked"]:
            return [self.account["uid"]]
        found = self.switches["auth.keys"].get(key, [])
        return [str(uid) for uid in found]

    def _early(self, rule: Rule) -> Reply | None:
        if rule.kind == "act":
            admin.act(self, rule.action)
            return None
        status = _FAULT_STATUS.get(rule.kind)
        if status is not None:
            return _refusal(status, _MESSAGES[status])
        return early_reply(rule, _broken())

    def _too_many(self, wait: float) -> Reply:
        reply = _refusal(429, _MESSAGES[429])
        if self.switches["limits.headers"] == "none":
            return reply
        return Reply(429, {**reply.headers, "retry-after": str(int(wait) + 1)}, reply.body)

    def _logged(
        self, request: Request, now: float, reply: Reply, *, counted: bool = False
    ) -> Reply:
        template = ROUTER.template(request.path)
        self.store.log_call(now, request.method, template, reply.status, counted=counted)
        return reply

    def _routed(self, request: Request, uids: list[str], now: float) -> Reply:
        try:
            route, path = ROUTER.find(request.method, request.path)
            uid = path.get("uid", uids[0])
            if uid not in uids:
                raise Refusal(403, _MESSAGES[403])
            self._check_parameters(route, request)
            data = route.endpoint(Call(self, uid, path, dict(request.query), request.body, now))
        except Refusal as refusal:
            return _refusal(refusal.status, refusal.message)
        body = msgspec.json.encode({"data": data, "code": 200, "success": True})
        slow, self._slow = self._slow, 0.0
        fault = Fault("slow", delay_seconds=slow) if slow else None
        return Reply(200, JSON_HEADERS, body, fault)

    def _check_parameters(self, route: Route, request: Request) -> None:
        if self.switches["paging.unknown_params"] == "reject":
            unknown = {name for name, _ in request.query} - set(route.parameters)
            if unknown:
                raise Refusal(400, f"unknown parameters: {', '.join(sorted(unknown))}")

    # what endpoints ask for

    def list_or_null(self, rows: list[Any]) -> list[Any] | None:
        """Empty lists come as null, unless switched."""
        return rows or (None if self.switches["empty_lists"] == "null" else [])

    def stored(self, kind: str, document_id: str) -> msgspec.Raw | None:
        found = self.store.document(kind, document_id)
        return None if found is None else msgspec.Raw(found)

    def products(self) -> list[dict[str, Any]]:
        if not self._products:
            found = self.store.documents("product")
            self._products = [msgspec.json.decode(each) for each in found]
        return self._products

    def audience_names(self) -> dict[str, str]:
        if not self._names:
            found = (msgspec.json.decode(each) for each in self.store.documents("audience"))
            self._names = {each["id"]: each["name"] for each in found}
        return self._names

    def tiers(self) -> list[dict[str, Any]]:
        """Tier rewards, lowest first."""
        found = (msgspec.json.decode(each) for each in self.store.documents("discount"))
        tiers = [each for each in found if each["tierDiscount"]]
        return sorted(tiers, key=lambda tier: int(tier["pointsDeduction"]))

    def slow_down(self, seconds: float) -> None:
        """Makes the answer of the call in hand late."""
        self._slow = seconds

    def page_start(self, start: int) -> int:
        """Where a page of the list really starts: where the last one did, when told to repeat."""
        if self._repeats:
            self._repeats = False
            return self._page_start
        self._page_start = start
        return start

    def repeat_page(self) -> None:
        """The next page of the list is the last one once more."""
        self._repeats = True

    def churn(self) -> None:
        """Moves rows between two pages of the list, if switched."""
        for _ in range(int(self.switches["paging.churn"])):
            self.editor.churn()

    # what the side door does

    def edit(self, edit: dict[str, Any]) -> dict[str, Any]:
        """Changes the account; what was kept of it in memory is read anew."""
        touched = self.editor.apply(edit)
        self._products, self._names = [], {}
        return touched

    def keep_switches(self, values: dict[str, Any]) -> None:
        """Sets switches and remembers them."""
        self.switches.change(values)
        self.store.set_meta("switches", self.switches.changed())
        if "limits.scale" in values:
            self.windows = RateWindows(self.switches["limits.scale"])

    def advance_clock(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.store.set_meta("clock_offset", self.clock.offset)


def _refusal(status: int, message: str) -> Reply:
    error = {"errors": [{"message": message, "code": status}], "code": status, "success": False}
    return Reply(status, JSON_HEADERS, msgspec.json.encode(error))


def _broken() -> Reply:
    return _refusal(500, "Internal Server Error")
