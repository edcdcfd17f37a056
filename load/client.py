"""The only module that sends: authentication, limits, retries of reads, and what became of a call.

One token, one origin. The token travels in a header and nowhere else, redirects are not followed,
proxies of the environment are ignored, certificates are checked. Bodies larger than
`LARGEST_BODY` are not read. A read is tried five times; a write once (a 429 is a sure refusal and
is sent again after its rest). Costs are tokens, times seconds.

Raises, from `call`:
    Rejected         refused for what it holds
    Ambiguous        a write that may have been applied
    NeverSent        no byte left this machine
    RetryLater       a read without a usable answer; `BudgetExhausted`, `Paused` from the limits
    AccessRefused    and from then on every call raises it
    InvariantBroken  a write through a reading client, or a path that is no path of the API
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import datetime
from json import dumps
from types import TracebackType
from typing import Final, Self

import httpx

from load.address import Origin, origin_of
from load.budget import TokenStore
from load.clock import Clock, RealClock
from load.costs import COSTS, endpoint_name
from load.errors import (
    AccessRefused,
    Ambiguous,
    ConfigError,
    InvariantBroken,
    MigrationError,
    NeverSent,
    RetryLater,
    is_certificate_refused,
)
from load.limits import Limiter, calls_in_flight
from load.outcomes import Answer, Outcome, Reply, of_reply
from load.settings import PipedriveAccount
from load.uploads import OpenUpload

__all__ = ["Answer", "PipedriveClient", "Transport"]

Transport = httpx.AsyncBaseTransport

NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

LARGEST_BODY: Final = 64 * 1024 * 1024
READ_ATTEMPTS: Final = 5
FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 30.0
# a server that drips its answer outlives the read timeout, which counts from byte to byte
LONGEST_EXCHANGE: Final = 4.0
# bytes a second: an upload takes longer the larger it is
SLOWEST_UPLOAD: Final = 65_536
_PLACES_FOR_READS: Final = 2
_CHUNK: Final = 65_536
_DEAREST_CALL: Final = max(COSTS.values())

# httpx logs each request's address at INFO: names of endpoints, but ours to tell
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class _TooLargeError(httpx.TransportError):
    """The body is larger than any true answer."""


class PipedriveClient:
    """One company through one token. An async context manager."""

    def __init__(
        self,
        account: PipedriveAccount,
        store: TokenStore,
        clock: Clock | None = None,
        transport: Transport | None = None,
        *,
        read_only: bool = False,
        jitter: random.Random | None = None,
    ) -> None:
        self.calls = 0
        self.writes = 0
        self.tokens = 0
        self.read_only = read_only
        self._origin: Origin = origin_of(account.base_url)
        self._clock: Clock = clock or RealClock()
        self._jitter = jitter or random.Random()
        self.limiter = Limiter(account, store, self._clock, jitter=self._jitter)
        places = calls_in_flight(account.plan) + _PLACES_FOR_READS
        self._places = asyncio.Semaphore(places)
        self._longest_exchange = LONGEST_EXCHANGE * account.read_timeout
        self._refused: str | None = None
        self._refused_with: int | None = None
        self._http = httpx.AsyncClient(
            headers={"x-api-token": _printable(account.api_token), "accept": "application/json"},
            transport=transport,
            timeout=httpx.Timeout(account.read_timeout, connect=5.0, write=30.0, pool=60.0),
            limits=httpx.Limits(max_connections=places, max_keepalive_connections=places),
            follow_redirects=False,
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"PipedriveClient({self._origin.host}, read_only={self.read_only})"

    @property
    def daily_limit_told(self) -> int | None:
        """The company's tokens a day by the last answer that named them."""
        return self.limiter.budget.limit_told

    def goes_on_at(self) -> datetime | None:
        """When new tokens are given (UTC), if today's share can't pay for another call."""
        budget = self.limiter.budget
        return budget.resets_at() if budget.available() < _DEAREST_CALL else None

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

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
        upload: OpenUpload | None = None,
    ) -> Answer:
        """Sends one call and gives its answer, which is always a true success.

        With an upload the call is a form: its content, and the members of `json` as fields.
        """
        request = self._request(method, path, json=json, params=params, upload=upload)
        endpoint, is_read = endpoint_name(method, path), method == "GET"
        sent: object = params if json is None else json
        if upload is not None:
            # so that a refusal that repeats the name is told without it
            sent = {"name": upload.name, "fields": json}
        attempts = READ_ATTEMPTS if is_read else 1
        for attempt in range(1, attempts + 1):
            outcome = await self._send_admitted(
                request, endpoint, sent, cost=cost, entity=entity, search=search,
                more_seconds=0.0 if upload is None else upload.size / SLOWEST_UPLOAD,
            )  # fmt: skip
            if outcome.answer is not None:
                return outcome.answer
            if outcome.kind not in ("never_sent", "ambiguous") or attempt == attempts:
                break
            await self._back_off(attempt)
        raise _failure(outcome, endpoint, is_read=is_read)

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: object | None,
        params: Mapping[str, str | int] | None,
        upload: OpenUpload | None = None,
    ) -> httpx.Request:
        if self.read_only and method != "GET":
            raise InvariantBroken(f"a {method} through a reading client was stopped before sending")
        body = None if json is None else dumps(json, allow_nan=False, separators=(",", ":"))
        if upload is not None:
            request = self._http.build_request(
                method,
                self._origin.url(path),
                data=json if isinstance(json, dict) else None,
                files={"file": (upload.name, upload.content)},
            )
        else:
            request = self._http.build_request(
                method,
                self._origin.url(path),
                params=params or None,
                content=body,
                headers={"content-type": "application/json"} if body is not None else None,
            )
        if not self._origin.is_of(request.url.scheme, request.url.host, request.url.port):
            raise InvariantBroken("a call to another address than PIPEDRIVE_BASE_URL was stopped")
        return request

    async def _send_admitted(
        self,
        request: httpx.Request,
        endpoint: str,
        sent: object,
        *,
        cost: int,
        entity: str,
        search: bool,
        more_seconds: float,
    ) -> Outcome:
        """Sends within the limits; after a 429 it rests and sends again."""
        while True:
            async with self._places:
                permit = await self.limiter.admit(cost, search=search)
                outcome = Outcome("ambiguous", "cancelled")
                try:
                    outcome = await self._send(request, endpoint, sent, more_seconds)
                finally:
                    calls, tokens = _charged(outcome, cost)
                    self.limiter.settle(
                        permit,
                        calls=calls,
                        tokens=tokens,
                        entity=entity,
                        endpoint=endpoint,
                        headers=outcome.headers,
                        search=search,
                    )
                    self.tokens += tokens
                    self.calls += calls
                    self.writes += calls if request.method != "GET" else 0
            if outcome.kind in ("ok", "rejected"):
                self.limiter.answered()
            if outcome.kind != "too_many":
                return outcome
            self.limiter.too_many(outcome.headers, cost=cost, search=search)

    async def _send(
        self, request: httpx.Request, endpoint: str, sent: object, more_seconds: float
    ) -> Outcome:
        """One exchange. Exceptions of httpx end here, with the request that they hold."""
        if self._refused is not None:
            return Outcome("blocked", error=AccessRefused(self._refused, status=self._refused_with))
        try:
            async with asyncio.timeout(self._longest_exchange + more_seconds):
                response = await self._http.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            outcome = _without_answer(error, endpoint, is_upload=more_seconds > 0)
        else:
            headers = {name.lower(): value for name, value in response.headers.items()}
            outcome = of_reply(Reply(response.status_code, headers, body), endpoint, sent)
        if outcome.kind == "access":
            self._refused, self._refused_with = str(outcome.error), outcome.status
        return outcome

    async def _back_off(self, attempt: int) -> None:
        longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** (attempt - 1))
        await self._clock.sleep(self._jitter.uniform(0.0, longest))


async def _read(response: httpx.Response) -> bytes:
    """The body, unpacked, up to a size that no true answer reaches."""
    body = bytearray()
    async for chunk in response.aiter_bytes(_CHUNK):
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _TooLargeError("body too large")
    return bytes(body)


def _without_answer(error: Exception, endpoint: str, *, is_upload: bool) -> Outcome:
    """Only the class of an exception is told: its text and its request may hold the token."""
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError) and is_certificate_refused(error):
        message = f"{endpoint}: the server's certificate is not valid for PIPEDRIVE_BASE_URL"
        return Outcome("access", name, error=AccessRefused(message))
    # a file that is cut short while it is sent breaks the protocol after bytes have left
    is_cut = is_upload and isinstance(error, httpx.LocalProtocolError)
    if isinstance(error, NEVER_SENT) and not is_cut:
        return Outcome("never_sent", name)
    # everything else, and what nobody thought of, may have reached the server
    return Outcome("ambiguous", name)


def _charged(outcome: Outcome, cost: int) -> tuple[int, int]:
    """Calls that left, and the tokens they are taken to have cost; doubt is paid in full."""
    if outcome.kind in ("never_sent", "blocked"):
        return 0, 0
    return 1, 0 if outcome.kind in ("too_many", "access") else cost


def _failure(outcome: Outcome, endpoint: str, *, is_read: bool) -> MigrationError:
    if outcome.error is not None:
        return outcome.error
    if outcome.kind == "never_sent":
        return NeverSent(f"{endpoint}: Pipedrive can't be reached ({outcome.reason})")
    if is_read:
        return RetryLater(
            f"{endpoint}: no usable answer in {READ_ATTEMPTS} tries ({outcome.reason})"
        )
    return Ambiguous(f"{endpoint}: sent, but its outcome is unknown ({outcome.reason})")


def _printable(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("PIPEDRIVE_API_TOKEN holds characters that no token has; copy it again")
    return token
