"""The whole simulated service: admission, validation, the handler, charges, headers, faults.

`PipedriveSandbox.handle` answers any request and never raises. A refusal stores nothing: all
writes of one call are one transaction. Times are epoch seconds.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from sandbox.core import HTML_HEADERS, JSON_HEADERS, Fault, MovableClock, Reply, Request
from sandbox.faults import AFTER, FaultSchedule, Rule, early_reply, spoiled
from sandbox.pipedrive.account import Account
from sandbox.pipedrive.admin import Admin
from sandbox.pipedrive.bodies import read_body
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.catalog import Endpoint, load_catalog
from sandbox.pipedrive.errors import (
    ApiError,
    blocked,
    general,
    invalid,
    server_error,
    unauthorized,
    wrong_method,
)
from sandbox.pipedrive.gate import Gate
from sandbox.pipedrive.journal import Journal
from sandbox.pipedrive.routes import ROUTES
from sandbox.pipedrive.shape import check_query

ADMIN_PREFIX: Final = "/_sandbox"
FREE_STATUSES: Final = frozenset({401, 429})
_encode: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Course:
    """What became known about one request on its way."""

    auth: str = "none"
    endpoint: Endpoint | None = None
    charged: int = 0
    admitted: bool = False


class PipedriveSandbox:
    """One simulated company behind `handle`."""

    def __init__(
        self,
        state: Path,
        clock: MovableClock | None = None,
        *,
        plan: str = "growth",
        seats: int = 5,
        seed: int = 1,
        window_scale: float = 1.0,
    ) -> None:
        self.clock = clock or MovableClock()
        self.account = Account(
            state, self.clock, plan=plan, seats=seats, seed=seed, factor=window_scale
        )
        self.clock.offset += float(self.account.store.meta("clock_offset") or 0.0)
        self.gate = Gate(self.account)
        self.journal = Journal(self.account.store)
        self.faults = FaultSchedule(self.account.store.meta("faults") or [], self.account.seed)
        self._catalog = load_catalog()
        self.admin = Admin(self, self._catalog)
        self._random = random.Random(self.account.seed)
        self._late: list[tuple[float, Request]] = []
        self.failed_actions = 0

    # serving

    def handle(self, request: Request) -> Reply:
        if request.path.startswith(ADMIN_PREFIX):
            return self.admin.handle(request)
        self._apply_late()
        rule = self.faults.next(request)
        early = self._before(rule, request) if rule is not None else None
        if early is not None:
            return early
        reply, course = self._answer(request)
        if rule is not None and (rule.kind in AFTER or rule.kind == "latency"):
            reply = spoiled(rule, reply, self._rendered(server_error()))
        self._note(request, reply, course, rule)
        return reply

    def tick(self) -> None:
        """Applies late calls that are due, and writes buffered lines."""
        self._apply_late()
        if self.journal.flush():
            self.gate.save()

    def close(self) -> None:
        self.save()
        self.account.store.close()

    def save(self) -> None:
        """Writes everything that is kept in memory."""
        self.journal.flush()
        self.gate.save()
        store = self.account.store
        store.set_meta("clock_offset", self.clock.offset)
        store.set_meta("deliveries", dict(self.account.deliveries))
        store.save_ids()

    def reload(self) -> None:
        """Reads the state again after a restore or reset."""
        self.account.load()
        self.gate = Gate(self.account)
        self.journal.reload()
        self._late.clear()

    def _note(self, request: Request, reply: Reply, course: _Course, rule: Rule | None) -> None:
        path = course.endpoint.path if course.endpoint is not None else "(unknown)"
        fault = None if rule is None else rule.kind
        self.journal.add(
            self.account.now(),
            request.method,
            path,
            status=reply.status,
            tokens=course.charged,
            fault=fault,
        )
        if self.account.switches.record_exchanges and rule is None:
            self.journal.record(request, reply)

    # faults before the service acts

    def _before(self, rule: Rule, request: Request) -> Reply | None:
        reply: Reply | None = early_reply(rule, self._rendered(server_error()))
        if rule.kind == "late_apply":
            self._late.append((self.clock.now() + rule.seconds, request))
            reply = Reply(503, fault=Fault(rule.kind, drop_connection=True))
        elif rule.kind == "rate_limited":
            reply = self._rendered(self.gate.refusal("token", self.account.now()))
        elif rule.kind == "blocked":
            self.gate.blocked_until = self.account.now() + self.account.switches.block_seconds
            reply = self._rendered(blocked())
        elif rule.kind == "act":
            self._act(rule)
        if reply is not None:
            self._note(request, reply, _Course(), rule)
        return reply

    def _act(self, rule: Rule) -> None:
        try:
            self.admin.act(rule.action)
        except (ApiError, ValueError, KeyError, TypeError):
            self.failed_actions += 1

    def _apply_late(self) -> None:
        if not self._late:
            return
        now = self.clock.now()
        due = [request for moment, request in self._late if moment <= now]
        self._late = [entry for entry in self._late if entry[0] > now]
        for request in due:
            reply, course = self._answer(request)
            self._note(request, reply, course, None)

    # one call

    def _answer(self, request: Request) -> tuple[Reply, _Course]:
        course = _Course()
        now = self.account.now()
        try:
            reply = self._run(request, course, now)
        except ApiError as error:
            self.account.store.rollback()
            reply = self._rendered(error)
            self._charge(request, course, reply.status)
        except Exception:  # noqa: BLE001 - a sandbox answers 500 and counts it, it never stops
            self.account.store.rollback()
            self.journal.crashes += 1
            traceback.print_exc()
            reply = self._rendered(server_error())
        headers = {**reply.headers, **self._headers(request, course, now)}
        return Reply(reply.status, headers, reply.body), course

    def _run(self, request: Request, course: _Course, now: float) -> Reply:
        course.auth = self._authenticate(request)
        if not self.account.switches.account_open:
            raise general(402, "The company account is not open.")
        endpoints, values = self._catalog.find(request.path)
        endpoint = course.endpoint = endpoints.get(request.method)
        self.gate.admit(endpoint, course.auth, now)
        course.admitted = True
        if endpoint is None:
            known_v1 = not endpoints and "/v1/" in request.path
            raise general(404, "Unknown method .") if known_v1 else wrong_method()
        answer = self._perform(endpoint, request, values, now)
        self._charge(request, course, endpoint.status)
        if answer.raw is not None:
            return Reply(endpoint.status, {"content-type": answer.content_type}, answer.raw)
        body = {"success": True, "data": answer.data, **answer.beside}
        return Reply(endpoint.status, JSON_HEADERS, _encode(body))

    def _perform(
        self, endpoint: Endpoint, request: Request, values: Mapping[str, str], now: float
    ) -> Answer:
        handler = ROUTES.get((endpoint.method, endpoint.path))
        if handler is None:
            raise general(501, "This endpoint is not emulated by the sandbox.")
        account = self.account
        strict = endpoint.version == 2 and account.switches.unknown_query == "refuse"
        by_query = account.switches.query_token
        sent = [pair for pair in request.query if pair[0] != "api_token" or not by_query]
        query, problems = check_query(endpoint, sent, refuse_unknown=strict)
        if problems:
            raise general(400, "Bad request") if endpoint.version == 1 else invalid(problems)
        ignored = account.switches.deal_add_time == "ignore"
        body = read_body(endpoint, request, ignore_deal_times=ignored)
        call = Call(
            endpoint,
            values,
            query,
            body,
            account.admin_id,
            now,
            request.headers,
            request.body if endpoint.body_kind in ("multipart", "form-urlencoded") else b"",
        )
        if endpoint.method == "GET":
            account.purge(now)
            return handler(account, call)
        account.store.begin()
        account.purge(now)
        answer = handler(account, call)
        account.store.commit()
        return answer

    def _authenticate(self, request: Request) -> str:
        token = request.headers.get("x-api-token")
        if token is None and self.account.switches.query_token:
            token = dict(request.query).get("api_token")
        if token is not None:
            if token == self.account.token:
                return "token"
            raise unauthorized()
        bearer = request.headers.get("authorization", "")
        if bearer == f"Bearer {self.account.token}":
            return "oauth"
        raise unauthorized()

    def _charge(self, request: Request, course: _Course, status: int) -> None:
        endpoint = course.endpoint
        if endpoint is None or not course.admitted or status in FREE_STATUSES or status == 501:
            return
        if status >= 400 and not self.account.switches.charge_rejected:
            return
        course.charged = endpoint.cost
        self.gate.charge(endpoint.cost, request.method)

    # rendering

    @staticmethod
    def _rendered(error: ApiError) -> Reply:
        if isinstance(error.body, str):
            return Reply(error.status, {**HTML_HEADERS, **error.headers}, error.body.encode())
        return Reply(error.status, {**JSON_HEADERS, **error.headers}, _encode(error.body))

    def _headers(self, request: Request, course: _Course, now: float) -> dict[str, str]:
        digits = f"{self._random.getrandbits(128):032x}"
        found = {
            "x-correlation-id": "-".join(
                (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            )
        }
        if course.auth == "none":
            return found
        dropped = self.account.switches.daily_headers_dropped
        daily = dropped <= 0 or self._random.random() >= dropped
        found.update(self.gate.headers(course.auth, request.method, now, daily=daily))
        return found

    def about(self) -> dict[str, Any]:
        """What a client must know to connect."""
        account = self.account
        return {
            "api_token": account.token,
            "company_id": account.company_id,
            "company_domain": account.company_domain,
        }
