"""One parsed API call as handlers see it, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.pipedrive.catalog import Endpoint
from sandbox.pipedrive.errors import invalid, not_found
from sandbox.pipedrive.shape import LARGEST


@dataclass(slots=True)
class Call:
    """A request after its query and body passed the documented model.

    `from_app` marks what a user does in the web app: it costs nothing and escapes API-only rules.
    """

    endpoint: Endpoint
    values: Mapping[str, str]
    query: dict[str, Any]
    body: Any
    user_id: int
    now: float
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    from_app: bool = False

    def number(self, name: str) -> int:
        """A path value that must be a positive whole number."""
        text = self.values[name]
        if text.isascii() and text.isdigit() and 0 < int(text[:17]) <= LARGEST and len(text) < 17:
            return int(text)
        if self.endpoint.version == 1:
            raise not_found()
        raise invalid([f"{name}: The value is not a valid 'integer'"])


@dataclass(slots=True)
class Answer:
    """The data of a successful reply and what stands beside it in the envelope."""

    data: Any
    beside: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/octet-stream"
