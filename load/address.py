"""The one address that the token may be sent to: scheme, host and port, compared before each call.

Plain http only to this machine. Raises `ConfigError` for an address that can't be it,
`InvariantBroken` for a path that would lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from load.errors import ConfigError, InvariantBroken

_PATH: Final = re.compile(r"/api/v[12](?:/[A-Za-z0-9_]+)+", re.ASCII)
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int

    def url(self, path: str) -> str:
        """The address of an API path, which is never taken from an answer."""
        if not _PATH.fullmatch(path):
            raise InvariantBroken("a path that is no path of the API was stopped before sending")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{path}"

    def is_of(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether a request goes there."""
        return (scheme, host, port or _PORTS.get(scheme)) == (self.scheme, self.host, self.port)


def origin_of(base_url: str) -> Origin:
    """Reads PIPEDRIVE_BASE_URL."""
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in _PORTS or not host.isascii():
        raise ConfigError("PIPEDRIVE_BASE_URL must look like https://company.pipedrive.com")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"):
        raise ConfigError("PIPEDRIVE_BASE_URL holds more than scheme, host and port")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError("PIPEDRIVE_BASE_URL must be https; plain http is for loopback addresses")
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
