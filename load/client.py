"""HTTP to one Pipedrive company: the only module of the loader that speaks it.

Every call goes to the configured host, with the token in a header, under the burst limit and the
day's budget. Reads are repeated when they fail; a write is sent once, and its outcome is told by
the error's class:

    NeverSent          connecting failed, or only 429s came: nothing was stored
    Rejected           400, 403 with JSON, 404, 405, 410, 415, 422: nothing was stored
    Ambiguous          timeouts after connecting, lost connections, 408, 5xx, a success that
                       can't be read: it may have been applied
    BudgetExhausted    the day's share of tokens is used up
    AccessRefused      401, 402, a 403 that is no JSON (abuse protection), a redirect: every
                       further call is refused here, before it leaves

Error texts of the server can hold personal data and are never passed on.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
import msgspec
import stamina

from load.clock import Clock, RealClock
from load.errors import (
    AccessRefused,
    Ambiguous,
    ConfigError,
    InvariantBroken,
    NeverSent,
    Rejected,
)
from load.limits import (
    SEARCH_LIMIT,
    WINDOW_SECONDS,
    BurstLimiter,
    DailyBudget,
    TokenStore,
    edition_of,
    pause_after_429,
    whole_number,
)
from load.settings import PipedriveAccount

logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

CONNECTIONS: Final = 8
READ_ATTEMPTS: Final = 5
MOST_429_IN_A_ROW: Final = 8
LARGEST_BODY: Final = 64 * 1024 * 1024
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
REJECTIONS: Final = frozenset({400, 403, 404, 405, 409, 410, 413, 415, 422})
_CODE_SHAPE: Final = re.compile(r"^[A-Za-z0-9_]{1,64}$")
_FIELD_IN_TEXT: Final = re.compile(
    r"(?:Unknown key|Parameter|field)\s+'([A-Za-z0-9_.]{1,64})'|\b([0-9a-f]{40})\b"
    r"|Validation failed: ([A-Za-z0-9_.]{1,64}):"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says success: its status, `data`, and `additional_data`."""

    status: int
    data: Any
    additional: Mapping[str, Any] = field(default_factory=dict)


class PipedriveClient:
    """One company, one token. Use as an async context manager.

    `read_only` refuses everything but GET before it leaves: dry runs and read-backs are built with
    it. `transport` replaces the network in simulations.
    """

    def __init__(
        self,
        account: PipedriveAccount,
        tokens: TokenStore,
        clock: Clock | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        read_only: bool = False,
        chance: random.Random | None = None,
        run_id: str = "",
    ) -> None:
        self._base_url = checked_base_url(account.base_url)
        self._clock: Clock = clock or RealClock()
        self._tokens = tokens
        self._read_only = read_only
        self._chance = chance or random.Random()
        self._run_id = run_id
        window = WINDOW_SECONDS / account.window_scale
        self._window = window
        self.burst = BurstLimiter(edition_of(account.plan).burst, self._clock, window=window)
        self._search = BurstLimiter(SEARCH_LIMIT, self._clock, window=window)
        self.budget = DailyBudget(account, tokens, self._clock)
        self._refused: AccessRefused | None = None
        self._http = httpx.AsyncClient(
            base_url=self._base_url,
            headers={"x-api-token": account.api_token, "accept": "application/json"},
            timeout=httpx.Timeout(account.read_timeout, connect=5.0, pool=60.0),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        cost: int,
        json: object | None = None,
        params: Mapping[str, str | int] | None = None,
        entity: str = "",
        search: bool = False,
    ) -> Answer:
        """Sends one call that costs `cost` tokens; see the module's errors for what can happen."""
        request = self._request(method, path, json, params)
        if method != "GET":
            return await self._send(request, cost, entity, search=search)
        attempts = stamina.retry_context(
            on=(NeverSent, Ambiguous),
            attempts=READ_ATTEMPTS,
            timeout=None,
            wait_initial=0.2,
            wait_max=10.0,
        )
        async for attempt in attempts:
            with attempt:
                return await self._send(request, cost, entity, search=search)
        raise InvariantBroken("a read ended without an answer")  # pragma: no cover

    def _request(
        self,
        method: str,
        path: str,
        json: object | None,
        params: Mapping[str, str | int] | None,
    ) -> httpx.Request:
        if self._read_only and method != "GET":
            raise InvariantBroken(f"{method} {_template(path)}: this client only reads")
        content = None if json is None else msgspec.json.encode(json)
        headers = {} if content is None else {"content-type": "application/json"}
        request = self._http.build_request(
            method, path, content=content, params=params, headers=headers
        )
        target = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        if not path.startswith("/api/") or target != self._base_url or request.url.userinfo:
            raise InvariantBroken("a call to another host than the configured one was stopped")
        return request

    async def _send(
        self, request: httpx.Request, cost: int, entity: str, *, search: bool
    ) -> Answer:
        for _ in range(MOST_429_IN_A_ROW):
            if self._refused is not None:
                raise self._refused
            self.budget.require(cost)
            if search:
                await self._search.wait_for_turn()
            await self.burst.wait_for_turn()
            response = await self._exchange(request, cost, entity)
            if response.status_code != 429:
                return self._answer(response, request)
            self._note_429(response, cost)
        raise NeverSent(f"{_named(request)}: refused {MOST_429_IN_A_ROW} times for its rate")

    async def _exchange(self, request: httpx.Request, cost: int, entity: str) -> httpx.Response:
        try:
            response = await self._http.send(request, stream=True)
            try:
                body = await _body(response)
            finally:
                await response.aclose()
        except NOT_SENT as error:
            raise NeverSent(
                f"{_named(request)}: {type(error).__name__}: {_reachable(error)}"
            ) from None
        except httpx.HTTPError as error:
            self._spend(request, cost, entity)
            raise Ambiguous(f"{_named(request)}: {type(error).__name__}") from None
        if response.status_code not in (401, 429):
            self._spend(request, cost, entity)
        self.budget.believe(response.headers)
        limit = whole_number(response.headers.get("x-ratelimit-limit"))
        if limit and "search" not in request.url.path:
            self.burst.believe(limit)
        response.extensions["body"] = body
        return response

    def _spend(self, request: httpx.Request, cost: int, entity: str) -> None:
        endpoint = f"{request.method} {_template(request.url.path)}"
        self._tokens.record(self.budget.today(), self._run_id, entity, endpoint, 1, cost)

    def _note_429(self, response: httpx.Response, cost: int) -> None:
        if self.budget.is_used_up(response.headers, cost):
            raise self.budget.exhausted()
        pause = pause_after_429(response.headers, window=self._window, chance=self._chance)
        self.burst.slow_down(pause)

    def _answer(self, response: httpx.Response, request: httpx.Request) -> Answer:
        status = response.status_code
        body = _parsed(response)
        self._stop_if_refused(response, body, request)
        if status in REJECTIONS:
            raise _rejection(status, body, request)
        if not 200 <= status < 300:
            raise Ambiguous(f"{_named(request)}: answered {status}")
        if not isinstance(body, dict) or body.get("success") is not True:
            raise Ambiguous(f"{_named(request)}: answered {status} without a readable success")
        return Answer(status, body.get("data"), body.get("additional_data") or {})

    def _stop_if_refused(
        self, response: httpx.Response, body: object, request: httpx.Request
    ) -> None:
        status = response.status_code
        reason = None
        if status in (401, 402):
            reason = "PIPEDRIVE_API_TOKEN is not accepted" if status == 401 else "account not open"
        elif status == 403 and not isinstance(body, dict):
            reason = "blocked by abuse protection: wait at least 15 minutes before the next call"
        elif 300 <= status < 400:
            reason = "a redirect, which this API does not use: check PIPEDRIVE_BASE_URL"
        if reason is not None:
            self._refused = AccessRefused(f"{_named(request)}: {status}, {reason}", status=status)
            raise self._refused


def checked_base_url(base_url: str) -> str:
    """`scheme://host[:port]`; https, or http to a loopback address. ConfigError otherwise."""
    parts = urlsplit(base_url.rstrip("/"))
    if parts.username or parts.password or parts.query or parts.fragment or parts.path:
        raise ConfigError("PIPEDRIVE_BASE_URL must be only scheme, host and port")
    if parts.scheme == "https" and parts.hostname:
        return f"https://{parts.netloc}"
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return f"http://{parts.netloc}"
    raise ConfigError("PIPEDRIVE_BASE_URL must be https; plain http is for loopback addresses")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _body(response: httpx.Response) -> bytes:
    pieces = bytearray()
    async for piece in response.aiter_bytes():
        pieces += piece
        if len(pieces) > LARGEST_BODY:
            raise httpx.DecodingError("the answer is larger than any answer of this API")
    return bytes(pieces)


def _parsed(response: httpx.Response) -> object:
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        return msgspec.json.decode(response.extensions["body"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _rejection(status: int, body: object, request: httpx.Request) -> Rejected:
    known = body if isinstance(body, dict) else {}
    code = known.get("code")
    code = code if isinstance(code, str) and _CODE_SHAPE.match(code) else None
    found = _FIELD_IN_TEXT.search(str(known.get("error", "")))
    where = next((group for group in found.groups() if group), None) if found else None
    return Rejected(
        f"{_named(request)} was refused with {status}", status=status, code=code, field=where
    )


def _reachable(error: Exception) -> str:
    if isinstance(error, httpx.PoolTimeout):
        return "no free connection"
    return "the server can't be reached; check PIPEDRIVE_BASE_URL and the network"


def _named(request: httpx.Request) -> str:
    return f"{request.method} {_template(request.url.path)}"


def _template(path: str) -> str:
    """The path without ids, so that calls can be counted by endpoint."""
    return re.sub(r"/(\d+|[0-9a-f]{40})(?=/|$)", "/{id}", path)
