"""What became of a call, sorted by what is known of it.

    never sent    no byte left this machine: may be planned again
    ambiguous     it may have been applied: timeouts, lost connections, 408, 5xx, unreadable success
    rejected      refused for what it holds: 400 403 404 405 410 413 415 422
    access        401, 402, a 403 that is no JSON, a redirect: nothing more may be sent
    too many      429: refused for sure, sent again after a rest
    blocked       stopped here, because access was refused to a call before it

A status that stands nowhere here counts as ambiguous. The exceptions of the connection are sorted
in `load.client`, the answers here. Pure functions; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from load.errors import AccessRefused, Rejected
from load.redaction import refusal

REJECTING: Final = frozenset({400, 403, 404, 405, 410, 413, 415, 422})
TOO_MANY: Final = 429

Kind = Literal["ok", "never_sent", "ambiguous", "rejected", "access", "too_many", "blocked"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that succeeded. `raw` is the JSON text of `data` as it came, for those who land it."""

    status: int
    data: Any
    additional: Mapping[str, Any]
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came over the wire, its body read to the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `error` stands where there is no answer."""

    kind: Kind
    reason: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    error: AccessRefused | Rejected | None = None


class _Envelope(msgspec.Struct):
    success: bool = False
    data: msgspec.Raw = msgspec.Raw(b"null")
    additional_data: Any = None


def of_reply(reply: Reply, endpoint: str, sent: object) -> Outcome:
    """Sorts an answer; `sent` is the body or query it answers."""
    status = reply.status
    if 200 <= status < 300:
        return _success(reply)
    if status == TOO_MANY:
        return Outcome("too_many", "429", status, reply.headers)
    refused = _no_access(reply, endpoint)
    if refused is not None:
        return Outcome("access", str(status), status, reply.headers, error=refused)
    if status in REJECTING:
        return Outcome(
            "rejected",
            str(status),
            status,
            reply.headers,
            error=_rejected(reply, endpoint, sent),
        )
    return Outcome("ambiguous", f"HTTP {status}", status, reply.headers)


def _success(reply: Reply) -> Outcome:
    try:
        envelope = msgspec.json.decode(reply.body, type=_Envelope) if is_json(reply) else None
        data = msgspec.json.decode(envelope.data) if envelope else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        envelope = None
    if envelope is None or not envelope.success:
        return Outcome("ambiguous", "unreadable success", reply.status, reply.headers)
    beside = envelope.additional_data
    answer = Answer(
        reply.status, data, beside if isinstance(beside, dict) else {}, bytes(envelope.data)
    )
    return Outcome("ok", "", reply.status, reply.headers, answer)


def _no_access(reply: Reply, endpoint: str) -> AccessRefused | None:
    status = reply.status
    if 300 <= status < 400:
        text = "answered with a redirect, which is never followed: correct PIPEDRIVE_BASE_URL"
    elif status == 401:
        text = "refused the token: set PIPEDRIVE_API_TOKEN to the user's present token"
    elif status == 402:
        text = "says that the account is not open (trial over or unpaid)"
    elif status == 403 and not is_json(reply):
        text = (
            "blocks this token's traffic (a page of its gateway instead of an answer): wait at"
            " least 15 minutes, stop other tools that use the token, then run again"
        )
    else:
        return None
    return AccessRefused(f"{endpoint}: Pipedrive {text}", status=status)


def _rejected(reply: Reply, endpoint: str, sent: object) -> Rejected:
    try:
        body = msgspec.json.decode(reply.body) if is_json(reply) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = None
    found = refusal(body, sent)
    return Rejected(
        f"{endpoint}: {found.reason}", status=reply.status, code=found.code, field=found.field
    )


def is_json(reply: Reply) -> bool:
    """By the content type, never by trying."""
    media_type = reply.headers.get("content-type", "").split(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
