"""How we speak to Alpine IQ: reading calls only, to one host, within its limits.

The client takes an `Endpoint` of `settings.ENDPOINTS`, never a free path or verb, and refuses at
the transport whatever is not a GET or one of the reading POSTs. The key goes to the configured
host alone: redirects are off, environment proxies are ignored, plain http is for loopback.

Raises: `ConfigError` for what the operator must change (403, 401, a redirect, a bad address);
`RetryLater` when limits, timeouts, 5xx or unreadable answers outlast the attempts. Messages name
the endpoint, never its parameters or anything that the server said: both can hold personal data.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
import stamina

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.settings import (
    ENDPOINTS,
    MAX_ATTEMPTS,
    MAX_BODY_BYTES,
    READING_POSTS,
    THREADS,
    AlpineIQAccount,
    Endpoint,
)
from load.errors import (
    AccessRefused,
    ConfigError,
    InvariantBroken,
    RetryLater,
    is_certificate_refused,
)

_JSON: Final = "application/json"
_READABLE: Final = frozenset({200, 204, 400, 404, 405})
_BOM: Final = b"\xef\xbb\xbf"
_MAX_PAUSES: Final = 30

logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)
logging.getLogger("stamina").setLevel(logging.ERROR)  # a retry is no event for the operator


class Envelope(msgspec.Struct):
    """What every answer is wrapped in. `data` stays the text that came."""

    success: bool | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class NoUsableAnswer(RetryLater):
    """No answer that can be used: after one attempt, or after all of them."""


class TooManyRequests(RetryLater):
    """429: nothing was done; the limiter waits before the next attempt."""


class Check(Protocol):
    """Says what is wrong with an answer, or None: then it is worth another attempt."""

    def __call__(self, answer: Answer) -> str | None: ...


class AlpineIQClient:
    """Reads one account. Safe to share between threads."""

    def __init__(
        self,
        account: AlpineIQAccount,
        limiter: CallLimiter,
        run_id: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._origin = pinned_origin(account.base_url)
        self._account = account
        self._limiter = limiter
        self._run_id = run_id
        self._now = now
        self._refused: AccessRefused | None = None
        self._http = httpx.Client(
            headers={"X-APIKEY": account.api_key, "Accept": _JSON},
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(10.0, read=account.read_timeout, pool=None),
            limits=httpx.Limits(max_connections=THREADS, max_keepalive_connections=THREADS),
            event_hooks={"request": [self._refuse_what_does_not_read]},
            transport=transport,
        )

    def request_text(
        self, endpoint: Endpoint, path: Mapping[str, str], query: Mapping[str, str | int]
    ) -> str:
        """Path and query of a call, as it is written beside what it gave."""
        values = {"uid": self._account.uid, **path}
        text = endpoint.path.format(**{k: quote(v, safe="") for k, v in values.items()})
        return f"{text}?{urlencode(query)}" if query else text

    def read(
        self,
        endpoint: Endpoint,
        request: str,
        *,
        check: Check | None = None,
        attempts: int = MAX_ATTEMPTS,
    ) -> Answer:
        """Ask until a usable answer comes; after `attempts` give up with `RetryLater`."""
        if endpoint not in ENDPOINTS:
            raise InvariantBroken(f"{endpoint.name} is not an endpoint that this package may read")
        scale = self._account.window_scale
        try:
            for attempt in stamina.retry_context(
                on=NoUsableAnswer,
                attempts=attempts,
                timeout=None,
                wait_initial=0.5 / scale,
                wait_max=30.0 / scale,
                wait_jitter=1.0 / scale,
            ):
                with attempt:
                    return self._attempt(endpoint, request, check)
        except NoUsableAnswer as error:
            raise NoUsableAnswer(
                f"Alpine IQ, {endpoint.name}: {error} ({attempts} attempts); run the command "
                "again later, it goes on where it stopped"
            ) from None
        raise InvariantBroken("the retry loop ended without an answer")  # pragma: no cover

    def close(self) -> None:
        self._http.close()

    def _attempt(self, endpoint: Endpoint, request: str, check: Check | None) -> Answer:
        for pause in range(_MAX_PAUSES):
            try:
                answer = self._once(endpoint, request)
            except TooManyRequests as error:
                seconds = error.args[1] if len(error.args) > 1 else None
                if seconds is None:
                    seconds = min(2.0**pause, 60.0) * random.uniform(0.5, 1.0)
                    seconds /= self._account.window_scale
                self._limiter.pause(seconds)
                continue
            fault = check(answer) if check and answer.status == 200 else None
            if fault:
                raise NoUsableAnswer(fault)
            return answer
        raise RetryLater(
            f"Alpine IQ, {endpoint.name}: limited for longer than expected; does another program "
            "use the same key? Run the command again later"
        )

    def _once(self, endpoint: Endpoint, request: str) -> Answer:
        if self._refused is not None:
            raise self._refused  # another thread was told: nobody sends any more
        ticket = self._limiter.claim(self._run_id, endpoint.name)
        try:
            with self._http.stream(endpoint.method, f"{self._origin}{request}") as response:
                self._judge_status(endpoint, response)
                body = _whole_body(response)
        except AccessRefused as error:
            self._refused = error
            raise
        except httpx.TimeoutException:
            raise NoUsableAnswer("no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # the latter: a redirect to nowhere
            if is_certificate_refused(error):
                self._refused = AccessRefused(
                    "Alpine IQ: the server's certificate is not valid for ALPINE_IQ_BASE_URL"
                )
                raise self._refused from None
            raise NoUsableAnswer(f"no connection ({type(error).__name__})") from None
        finally:
            self._limiter.settle(ticket)
        answer = Answer(request, response.status_code, body, self._now())
        if response.status_code == 200:
            _judge_body(body)
        return answer

    def _judge_status(self, endpoint: Endpoint, response: httpx.Response) -> None:
        status = response.status_code
        if status == 429:
            raise TooManyRequests("limited", _retry_after(response))
        if status in {401, 403}:
            raise AccessRefused(
                f"Alpine IQ, {endpoint.name}: HTTP {status}, the key is not accepted for uid "
                f"{self._account.uid}; check ALPINE_IQ_API_KEY and ALPINE_IQ_UID",
                status=status,
            )
        if 300 <= status < 400:
            raise AccessRefused(
                f"Alpine IQ, {endpoint.name}: HTTP {status}, a redirect, which is not followed "
                "because the key would go with it; check ALPINE_IQ_BASE_URL",
                status=status,
            )
        if status not in _READABLE:
            raise NoUsableAnswer(f"HTTP {status}")

    def _refuse_what_does_not_read(self, request: httpx.Request) -> None:
        if not _reads(request.method, request.url.path):
            raise InvariantBroken(f"a {request.method} to Alpine IQ was stopped: we only read")
        if origin_of(str(request.url)) != self._origin:
            raise InvariantBroken("a call to another host than ALPINE_IQ_BASE_URL was stopped")


def _reads(method: str, path: str) -> bool:
    if method == "GET":
        return True
    return method == "POST" and any(
        path == allowed or (allowed.endswith("/") and path.startswith(allowed))
        for allowed in READING_POSTS
    )


def pinned_origin(base_url: str) -> str:
    """Scheme, host and port to which the key may go."""
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("ALPINE_IQ_BASE_URL holds more than scheme, host and port")
    if parts.path not in {"", "/"} or not parts.hostname:
        raise ConfigError("ALPINE_IQ_BASE_URL must look like https://lab.alpineiq.com")
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)):
        return origin_of(base_url)
    raise ConfigError("ALPINE_IQ_BASE_URL must be https; plain http is for loopback addresses")


def origin_of(url: str) -> str:
    """`scheme://host[:port]` in one spelling."""
    parsed = httpx.URL(url)
    port = f":{parsed.port}" if parsed.port is not None else ""
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    return f"{parsed.scheme}://{host}{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, at least one; None for what is absent or makes no sense."""
    with contextlib.suppress(ValueError):
        seconds = float(response.headers.get("Retry-After", ""))
        if seconds >= 0:
            return max(seconds, 1.0)
    return None


def _whole_body(response: httpx.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_bytes(1 << 20):
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise NoUsableAnswer(f"an answer larger than {MAX_BODY_BYTES // 2**20} MiB")
        pieces.append(piece)
    body = b"".join(pieces)
    return body.removeprefix(_BOM)


def _judge_body(body: bytes) -> None:
    try:
        body.decode()
        envelope = msgspec.json.decode(body, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoUsableAnswer("an answer that is not the promised JSON") from None
    if envelope.success is not True:
        raise NoUsableAnswer("an answer that says success: false")
