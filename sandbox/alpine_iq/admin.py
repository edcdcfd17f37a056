"""The side door `/_sandbox/`: look at an account, change it, break it. No key, loopback only.

| verb and path | does |
|---|---|
| GET stats, log, truth, hidden, dump, config, clock, faults | tells |
| POST edit (also mutate) | one edit, or a list of them (see `edits`) |
| POST clock | `{"advance": s}`, `{"freeze_at": t}`, `{"freeze_at": null}` |
| POST faults | `{"rules": [...], "seed": n}` (see `sandbox.faults`) |
| POST config | `{"switch": value}` |
| POST snapshot, reset, compare | keeps the state; goes back to it; says whether it changed |
| POST export | writes the dashboard's files into `{"folder": ...}` |

Raises `Refusal`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.alpine_iq import copies, export, truth
from sandbox.alpine_iq.edits import BadEdit
from sandbox.alpine_iq.routing import Refusal
from sandbox.alpine_iq.switches import BadSwitch
from sandbox.core import JSON_HEADERS, Reply, Request
from sandbox.faults import FaultSchedule

if TYPE_CHECKING:
    from sandbox.alpine_iq.service import Service

Answer = Callable[["Service", Request], Any]
_LOG_PAGE = 1000


def handle(service: Service, request: Request) -> Reply:
    """Answers a call of the side door with plain JSON."""
    name = request.path.removeprefix("/_sandbox/").strip("/")
    answer = _ANSWERS.get((request.method, name))
    if answer is None:
        raise Refusal(404, "Not Found")
    try:
        value = answer(service, request)
    except (BadEdit, BadSwitch, ValueError, OSError) as error:
        raise Refusal(400, str(error)) from None
    return Reply(200, JSON_HEADERS, msgspec.json.encode(value))


def act(service: Service, action: dict[str, Any]) -> None:
    """What a fault of kind `act` does in mid-run: switches, edits, a page twice, the clock."""
    if "config" in action:
        service.keep_switches(action["config"])
    if "edit" in action:
        service.edit(action["edit"])
    if action.get("repeat_page"):
        service.repeat_page()
    if "advance" in action:
        service.advance_clock(float(action["advance"]))


def _body(request: Request) -> Any:
    try:
        return msgspec.json.decode(request.body or b"{}")
    except msgspec.DecodeError:
        raise Refusal(400, "the body is no JSON") from None


def _members(request: Request) -> dict[str, Any]:
    body = _body(request)
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be an object")
    return body


def _stats(service: Service, _: Request) -> Any:
    calls = service.store.rows(
        "select method, path, status, count(*) from calls group by 1, 2, 3 order by 1, 2, 3"
    )
    names = ("method", "path", "status", "calls")
    uid = service.account["uid"]
    return {
        "uid": uid,
        "calls": [dict(zip(names, row, strict=True)) for row in calls],
        "total_calls": sum(row[3] for row in calls),
        "windows": service.windows.used(uid, service.clock.now()),
        "counts": truth.counts(service.store),
        "settle_seconds": 0.0,
    }


def _log(service: Service, request: Request) -> Any:
    query = dict(request.query)
    rows = service.store.rows(
        "select id, at, method, path, status, counted from calls where id > ? order by id limit ?",
        (int(query.get("after", "0")), int(query.get("limit", str(_LOG_PAGE)))),
    )
    names = ("id", "at", "method", "path", "status", "counted")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _truth(service: Service, _: Request) -> Any:
    return truth.truth(service.store)


def _hidden(service: Service, _: Request) -> Any:
    return truth.hidden(service.store)


def _dump(service: Service, request: Request) -> Any:
    query = dict(request.query)
    return truth.dump(service.store, int(query.get("after", "0")), int(query.get("limit", "1000")))


def _edit(service: Service, request: Request) -> Any:
    body = _body(request)
    if isinstance(body, list):
        return [service.edit(each) for each in body]
    return service.edit(_members(request))


def _clock(service: Service, request: Request) -> Any:
    body = _members(request) if request.method == "POST" else {}
    if "freeze_at" in body:
        service.clock.frozen_at = body["freeze_at"]
    if "advance" in body:
        service.advance_clock(float(body["advance"]))
    return {"now": service.clock.now(), "offset": service.clock.offset}


def _faults(service: Service, request: Request) -> Any:
    if request.method == "POST":
        body = _members(request)
        service.faults = FaultSchedule(body.get("rules", []), int(body.get("seed", 0)))
    return {"rules": service.faults.as_list(), "calls": service.faults.calls}


def _config(service: Service, request: Request) -> Any:
    if request.method == "POST":
        service.keep_switches(_members(request))
    return service.switches.all()


def _snapshot(service: Service, _: Request) -> Any:
    return {"snapshot": copies.take(service).name}


def _reset(service: Service, _: Request) -> Any:
    copies.restore(service)
    return truth.counts(service.store)


def _compare(service: Service, _: Request) -> Any:
    return copies.compared(service)


def _export(service: Service, request: Request) -> Any:
    folder = Path(_members(request).get("folder", ""))
    if not folder.is_absolute():
        raise Refusal(400, "folder must be an absolute path")
    written = export.write(service.store, folder, now=service.clock.now())
    return {"files": [path.name for path in written]}


_ANSWERS: dict[tuple[str, str], Answer] = {
    ("GET", "stats"): _stats,
    ("GET", "log"): _log,
    ("GET", "truth"): _truth,
    ("GET", "hidden"): _hidden,
    ("GET", "dump"): _dump,
    ("GET", "clock"): _clock,
    ("GET", "faults"): _faults,
    ("GET", "config"): _config,
    ("POST", "edit"): _edit,
    ("POST", "mutate"): _edit,
    ("POST", "clock"): _clock,
    ("POST", "faults"): _faults,
    ("POST", "config"): _config,
    ("POST", "snapshot"): _snapshot,
    ("POST", "reset"): _reset,
    ("POST", "compare"): _compare,
    ("POST", "export"): _export,
}
