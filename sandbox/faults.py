"""A schedule of faults for a sandbox, the same for the same seed and the same calls.

A rule says which calls it hits and what happens to them. As JSON, for the admin endpoint:

    {"kind": "drop_response", "method": "POST", "path": "/persons", "nth": [3], "times": 1}

Which calls: `method`, `path` (regular expression, searched), `body` (regular expression),
`calls` (numbers of calls since the schedule was set, from 1), `nth` (numbers among the matching
calls), `every`, `probability`, `after` (skip so many matching calls), `times` (at most so often).
All that are given must hold; the first rule that hits a call wins.

What happens, before the service acts: `drop_request`, `error_before` (`status`), `rate_limited`,
`blocked`, `redirect`, `latency` (`seconds`), `late_apply` (`seconds`), `act` (`action`, which the
service understands; the call then goes on). After it acted: `drop_response`, `error_after`
(`status`), `truncate`, `invalid_json`, `empty`, `html`, `not_success`, `no_id`, `foreign_id`,
`huge`, `slow_response` (`seconds`). Raises `ValueError` for a rule that cannot be read.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field, fields
from typing import Any, Final

from sandbox.core import HTML_HEADERS, Fault, Reply, Request

BEFORE: Final = frozenset(
    {
        "drop_request",
        "error_before",
        "rate_limited",
        "blocked",
        "redirect",
        "latency",
        "late_apply",
        "act",
    }
)
AFTER: Final = frozenset(
    {
        "drop_response",
        "error_after",
        "truncate",
        "invalid_json",
        "empty",
        "html",
        "not_success",
        "no_id",
        "foreign_id",
        "huge",
        "slow_response",
    }
)
HUGE_BYTES: Final = 8_000_000
FOREIGN_STEP: Final = 1_000_003


@dataclass(slots=True)
class Rule:
    """One line of the schedule; the counters are its memory."""

    kind: str
    method: str | None = None
    path: str | None = None
    body: str | None = None
    calls: list[int] | None = None
    nth: list[int] | None = None
    every: int | None = None
    probability: float | None = None
    after: int = 0
    times: int | None = None
    status: int = 503
    seconds: float = 0.0
    action: dict[str, Any] = field(default_factory=dict)
    matched: int = 0
    hits: int = 0


_KNOWN: Final = frozenset(entry.name for entry in fields(Rule))


def read_rule(raw: dict[str, Any]) -> Rule:
    unknown = sorted(raw.keys() - _KNOWN)
    if unknown:
        msg = f"fault rule has unknown keys: {', '.join(unknown)}"
        raise ValueError(msg)
    if raw.get("kind") not in BEFORE | AFTER:
        msg = f"fault kind {raw.get('kind')!r} is unknown"
        raise ValueError(msg)
    rule = Rule(**raw)
    for pattern in (rule.path, rule.body):
        try:
            re.compile(pattern or "")
        except re.error as error:
            msg = f"fault pattern {pattern!r} is not a regular expression"
            raise ValueError(msg) from error
    return rule


class FaultSchedule:
    """Decides for each call whether a rule hits it."""

    def __init__(self, rules: list[dict[str, Any]] | None = None, seed: int = 0) -> None:
        self.seed = seed
        self.calls = 0
        self.rules = [read_rule(raw) for raw in rules or []]

    def next(self, request: Request) -> Rule | None:
        """Counts the call and names the rule that hits it, if any."""
        self.calls += 1
        if not self.rules:
            return None
        hit: Rule | None = None
        for number, rule in enumerate(self.rules):
            if self._matches(rule, request):
                rule.matched += 1
                if hit is None and self._hits(number, rule):
                    rule.hits += 1
                    hit = rule
        return hit

    def as_list(self) -> list[dict[str, Any]]:
        """The rules and how often each was matched and hit."""
        names = [entry.name for entry in fields(Rule)]
        return [{name: getattr(rule, name) for name in names} for rule in self.rules]

    @staticmethod
    def _matches(rule: Rule, request: Request) -> bool:
        if rule.method is not None and rule.method != request.method:
            return False
        if rule.path is not None and re.search(rule.path, request.path) is None:
            return False
        if rule.body is None:
            return True
        return re.search(rule.body, request.body.decode("utf-8", "replace")) is not None

    def _hits(self, number: int, rule: Rule) -> bool:
        count = rule.matched
        if rule.times is not None and rule.hits >= rule.times:
            return False
        if rule.calls is not None and self.calls not in rule.calls:
            return False
        if rule.nth is not None and count not in rule.nth:
            return False
        if count <= rule.after or (rule.every is not None and count % rule.every):
            return False
        if rule.probability is None:
            return True
        chance = random.Random(f"{self.seed}:{number}:{count}").random()
        return chance < rule.probability


def _page(status: int) -> Reply:
    text = f"<!DOCTYPE html><html><body><h1>{status}</h1></body></html>"
    return Reply(status, HTML_HEADERS, text.encode())


def _failed(status: int, broken: Reply) -> Reply:
    """500 is the service's own answer; the rest are pages of what stands before it."""
    return broken if status == 500 else _page(status)


def early_reply(rule: Rule, broken: Reply) -> Reply | None:
    """The answer to a call on which the service never acted; None when it goes on.

    `broken` is how the service itself says that it failed.
    """
    if rule.kind == "drop_request":
        return Reply(503, fault=Fault(rule.kind, drop_connection=True))
    if rule.kind == "error_before":
        return _failed(rule.status, broken)
    if rule.kind == "redirect":
        return Reply(302, {**HTML_HEADERS, "location": "https://elsewhere.invalid/"})
    return None


def spoiled(rule: Rule, reply: Reply, broken: Reply) -> Reply:
    """What the client gets of an answer after the service acted; `broken` as above."""
    kind = rule.kind
    if kind == "drop_response":
        return Reply(reply.status, reply.headers, b"", Fault(kind, drop_connection=True))
    if kind == "error_after":
        return _failed(rule.status, broken)
    if kind == "truncate":
        fault = Fault(kind, truncate_to=len(reply.body) // 2)
        return Reply(reply.status, reply.headers, reply.body, fault)
    if kind in ("latency", "slow_response"):
        fault = Fault(kind, delay_seconds=rule.seconds)
        return Reply(reply.status, reply.headers, reply.body, fault)
    return _with_other_body(kind, reply)


def _with_other_body(kind: str, reply: Reply) -> Reply:
    if kind == "html":
        return Reply(200, HTML_HEADERS, b"<!DOCTYPE html><html><body>Maintenance</body></html>")
    bodies = {
        "invalid_json": reply.body[:-1] + b",",
        "empty": b"",
    }
    if kind in bodies:
        return Reply(reply.status, reply.headers, bodies[kind])
    if kind == "huge":
        return Reply(reply.status, reply.headers, reply.body[:-1] + b" " * HUGE_BYTES + b"}")
    return _rewritten(kind, reply)


def _rewritten(kind: str, reply: Reply) -> Reply:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return reply
    if not isinstance(value, dict):
        return reply
    data = value.get("data")
    if kind == "not_success":
        value["success"] = False
    elif kind == "no_id" and isinstance(data, dict):
        data.pop("id", None)
    elif kind == "foreign_id" and isinstance(data, dict) and isinstance(data.get("id"), int):
        data["id"] += FOREIGN_STEP
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(reply.status, reply.headers, body)
