"""The side door of a running sandbox, for programs: edits, copies, inspection. No key needed.

Raises `RuntimeError` with the service's own words when it refuses.
"""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


def post(url: str, name: str, body: Any) -> Any:
    """One request to `/_sandbox/<name>` of the service at `url`."""
    text = _ask("POST", url, name, json.dumps(body))
    return json.loads(text) if text else None


def get(url: str, name: str) -> Any:
    """What `/_sandbox/<name>` tells."""
    text = get_text(url, name)
    return json.loads(text) if text else None


def get_text(url: str, name: str) -> str:
    """The same as it came, such as JSON lines."""
    return _ask("GET", url, name, None)


def _ask(method: str, url: str, name: str, body: str | None) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    try:
        connection.request(method, f"/_sandbox/{name}", body)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{method} {name}: {text}")
    return text
