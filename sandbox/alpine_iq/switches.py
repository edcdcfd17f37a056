"""The switches of a simulated account: what nobody has proved of the real service, either way.

A switch has a default and the values it takes. They live in the account's state, so that a restart
keeps them. Raises `BadSwitch` for an unknown name or value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


class BadSwitch(ValueError):
    """The name or the value of a switch is unknown."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What a switch does unless told otherwise, and what it may be told."""

    default: Any
    allowed: tuple[Any, ...] = ()  # empty: anything of the default's kind

    def accepts(self, value: Any) -> bool:
        if self.allowed:
            return type(value) is type(self.default) and value in self.allowed
        if isinstance(self.default, (bool, dict)):
            return isinstance(value, type(self.default))
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


SWITCHES: Final[Mapping[str, Switch]] = {
    "auth.keys": Switch({}),  # further keys: key -> [uid]; the account's own key always works
    "auth.revoked": Switch(default=False),  # the account's own key stops working
    "limits": Switch("on", ("on", "off")),
    "limits.scale": Switch(1.0),  # windows are this many times shorter
    "limits.headers": Switch("none", ("none", "retry_after")),
    "paging.max_limit": Switch(2000),
    "paging.unknown_params": Switch("ignore", ("ignore", "reject")),
    "paging.churn": Switch(0),
    "empty_lists": Switch("null", ("null", "array")),
    "audiences.shape": Switch("list", ("list", "nested")),
    "orders.shape": Switch("full", ("full", "lean")),
    "orders.paging": Switch("off", ("off", "on")),
    "detail.extra": Switch("on", ("on", "off")),
    "hidden.by_id": Switch("visible", ("visible", "redacted", "hidden")),
    "hidden.by_lookup": Switch("visible", ("visible", "hidden")),
    "hidden.in_members": Switch("yes", ("yes", "no")),
    "merged.by_id": Switch("survivor", ("survivor", "404")),
    "loyalty.default": Switch("200", ("200", "404")),
    "optin.get": Switch("200", ("200", "404")),
    "timeline.get": Switch("200", ("200", "404")),
    "timeline.order": Switch("newest", ("newest", "shuffled")),
    "override.get": Switch("200", ("200", "404")),
    "points.hidden": Switch(default=False),
    "delay.sales": Switch(0),
    "delay.members": Switch(0),
    "slow.conversions": Switch(0),
    "messages": Switch("off", ("off", "on")),
    "push_tokens": Switch("off", ("off", "on")),
}


class Switches:
    """The values in force."""

    def __init__(self, changed: Mapping[str, Any] | None = None) -> None:
        self._changed: dict[str, Any] = {}
        self.change(changed or {})

    def __getitem__(self, name: str) -> Any:
        return self._changed.get(name, SWITCHES[name].default)

    def change(self, values: Mapping[str, Any]) -> None:
        """Sets some switches; all or none."""
        for name, value in values.items():
            if name not in SWITCHES:
                raise BadSwitch(f"no switch is called {name!r}")
            if not SWITCHES[name].accepts(value):
                raise BadSwitch(f"{name} can't be {value!r}")
        self._changed.update(values)

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults, for keeping."""
        return dict(self._changed)

    def all(self) -> dict[str, Any]:
        return {name: self[name] for name in SWITCHES}
