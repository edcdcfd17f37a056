"""Addresses that a key may be sent to: https, or plain http to a server of this machine alone.

Raises `ValueError` with the variable's name and never with the address, which may hold a secret.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str | None) -> bool:
    """Whether the address can only be a server of this machine."""
    host = urlsplit(url or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_address(name: str, url: str) -> None:
    """Refuse what would show the key to the network, or holds more than an address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{name}: not an address such as https://company.pipedrive.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{name}: an address without user, password, query or fragment, please")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError(f"{name}: plain http would show the key to the network; use https")
