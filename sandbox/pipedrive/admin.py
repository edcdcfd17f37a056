"""The side door below `/_sandbox/`: inspection, clock, faults, switches, copies, hand edits.

No authentication; it is reachable from this machine only. A bad request answers 400 with the
reason. `act` is also what a fault rule of kind `act` runs before a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sandbox.core import Reply, Request, json_reply
from sandbox.faults import FaultSchedule
from sandbox.pipedrive import copies
from sandbox.pipedrive.catalog import Catalog
from sandbox.pipedrive.dump import Dump, raw_lines
from sandbox.pipedrive.edits import Edits
from sandbox.pipedrive.errors import ApiError
from sandbox.pipedrive.filling import fill

if TYPE_CHECKING:
    from sandbox.pipedrive.app import PipedriveSandbox

PREFIX: Final = "/_sandbox/"
COUNTED: Final = (
    "organization",
    "person",
    "product",
    "deal",
    "deal_product",
    "note",
    "activity",
    "file",
    "pipeline",
    "stage",
)
Body = dict[str, Any]


class Admin:
    """Answers the side door of one sandbox."""

    def __init__(self, sandbox: PipedriveSandbox, catalog: Catalog) -> None:
        self._sandbox = sandbox
        self._catalog = catalog
        self._edits = Edits(sandbox, catalog)
        self._routes: dict[tuple[str, str], Callable[[Request, Body], Reply]] = {
            ("GET", "info"): self._info,
            ("GET", "stats"): self._stats,
            ("GET", "log"): self._log,
            ("GET", "exchanges"): self._exchanges,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._set_faults,
            ("GET", "config"): self._config,
            ("POST", "config"): self._set_config,
            ("GET", "dump"): self._dump,
            ("GET", "records"): self._records,
            ("POST", "edit"): self._edit,
            ("POST", "fill"): self._fill,
            ("POST", "snapshot"): self._snapshot,
            ("POST", "restore"): self._restore,
            ("POST", "compare"): self._compare,
            ("POST", "reset"): self._reset,
        }

    def handle(self, request: Request) -> Reply:
        name = request.path.removeprefix(PREFIX)
        route = self._routes.get((request.method, name))
        if route is None:
            return json_reply(404, {"error": f"no such door: {request.method} {name}"})
        try:
            body = json.loads(request.body) if request.body.strip() else {}
            if not isinstance(body, dict):
                return json_reply(400, {"error": "the body is not a JSON object"})
            return route(request, body)
        except (ValueError, KeyError, TypeError) as error:
            return json_reply(400, {"error": f"{type(error).__name__}: {error}"})
        except ApiError as error:
            return json_reply(error.status, {"error": error.body})

    def act(self, action: Body) -> Any:
        """One action of `sandbox.pipedrive.edits`."""
        return self._edits.perform(action)

    # inspection

    def settle_seconds(self) -> float:
        """After this long, lists and searches show every write that was answered."""
        switches = self._sandbox.account.switches
        return switches.list_lag + 0.1

    def _info(self, _request: Request, _body: Body) -> Reply:
        account, gate = self._sandbox.account, self._sandbox.gate
        return json_reply(
            200,
            {
                **self._sandbox.about(),
                "plan": account.plan_name,
                "seats": account.seats,
                "seed": account.seed,
                "window_scale": account.factor,
                "settle_seconds": self.settle_seconds(),
                "list_lag_seconds": account.switches.list_lag,
                "search_lag_seconds": account.switches.search_lag,
                "daily_budget": gate.limit(),
                "deal_cap": account.deal_cap(),
                "custom_field_cap": account.field_cap(),
                "now": account.now(),
            },
        )

    def _stats(self, _request: Request, _body: Body) -> Reply:
        account, gate, journal = self._sandbox.account, self._sandbox.gate, self._sandbox.journal
        store = account.store
        endpoints = journal.by_endpoint()
        return json_reply(
            200,
            {
                "calls": sum(entry["calls"] for entry in endpoints.values()),
                "tokens": sum(entry["tokens"] for entry in endpoints.values()),
                "endpoints": endpoints,
                "tokens_today": gate.spent,
                "tokens_left_today": gate.remaining(),
                "budget_resets_at": gate.resets_at(),
                "entities": {kind: store.count(kind) for kind in COUNTED},
                "deleted": {kind: store.count(kind, "deleted IS NOT NULL") for kind in COUNTED},
                "archived_deals": store.count("deal", "archived=1 AND deleted IS NULL"),
                "deals_counted": account.deals_counted(),
                "custom_fields": account.fields.custom_count(),
                "webhook_deliveries": dict(account.deliveries),
                "crashes": journal.crashes,
                "failed_actions": self._sandbox.failed_actions,
            },
        )

    def _log(self, request: Request, _body: Body) -> Reply:
        after, limit = _window(request)
        return json_reply(200, {"calls": self._sandbox.journal.lines(after, limit)})

    def _exchanges(self, request: Request, _body: Body) -> Reply:
        after, limit = _window(request)
        return json_reply(200, {"exchanges": self._sandbox.journal.exchanges(after, limit)})

    # clock, faults, switches

    def _clock(self, _request: Request, _body: Body) -> Reply:
        clock = self._sandbox.clock
        return json_reply(200, {"now": clock.now(), "offset": clock.offset})

    def _move_clock(self, request: Request, body: Body) -> Reply:
        if "advance" in body:
            self._sandbox.clock.advance(float(body["advance"]))
        self._sandbox.account.purge_now()
        self._sandbox.account.purge(self._sandbox.account.now())
        self._sandbox.save()
        return self._clock(request, body)

    def _faults(self, _request: Request, _body: Body) -> Reply:
        faults = self._sandbox.faults
        return json_reply(
            200, {"seed": faults.seed, "calls": faults.calls, "rules": faults.as_list()}
        )

    def _set_faults(self, request: Request, body: Body) -> Reply:
        rules = body.get("rules", [])
        seed = int(body.get("seed", self._sandbox.account.seed))
        self._sandbox.faults = FaultSchedule(rules, seed)
        self._sandbox.account.store.set_meta("faults", rules)
        return self._faults(request, body)

    def _config(self, _request: Request, _body: Body) -> Reply:
        return json_reply(200, self._sandbox.account.switches.as_dict())

    def _set_config(self, request: Request, body: Body) -> Reply:
        self._sandbox.account.change_switches(body)
        return self._config(request, body)

    # state

    def _dump(self, request: Request, _body: Body) -> Reply:
        dump = Dump(self._sandbox.account)
        if dict(request.query).get("digest"):
            return json_reply(200, {"digest": dump.digest()})
        text = "".join(f"{line}\n" for line in dump.lines())
        return Reply(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())

    def _records(self, _request: Request, _body: Body) -> Reply:
        text = "".join(f"{line}\n" for line in raw_lines(self._sandbox.account))
        return Reply(200, {"content-type": "application/x-ndjson"}, text.encode())

    def _edit(self, _request: Request, body: Body) -> Reply:
        return json_reply(200, {"done": self.act(body)})

    def _fill(self, _request: Request, body: Body) -> Reply:
        account = self._sandbox.account
        entity, count = body["entity"], int(body["count"])
        done = fill(account, self._catalog, entity, count, key_field=body.get("key_field"))
        return json_reply(200, done)

    def _snapshot(self, _request: Request, body: Body) -> Reply:
        copies.take(self._sandbox, body["name"])
        return json_reply(200, {"name": body["name"]})

    def _restore(self, _request: Request, body: Body) -> Reply:
        copies.restore(self._sandbox, body["name"])
        return json_reply(200, {"name": body["name"]})

    def _compare(self, _request: Request, body: Body) -> Reply:
        return json_reply(200, copies.same_as(self._sandbox, body["name"]))

    def _reset(self, _request: Request, _body: Body) -> Reply:
        copies.start_over(self._sandbox)
        return json_reply(200, self._sandbox.about())


def _window(request: Request) -> tuple[int, int]:
    query = dict(request.query)
    return int(query.get("after", 0)), min(int(query.get("limit", 1000)), 10_000)
