"""From a method and a path to the function that answers; literals win over variables.

A known path with the wrong verb is 405, an unknown one 404. Raises `Refusal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.alpine_iq.service import Service


LARGEST_NUMBER: Final = 2**53


class Refusal(Exception):
    """An answer that is not a success: status and message of the error envelope."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an endpoint sees it."""

    service: Service
    uid: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    now: float

    def number(self, name: str, default: int) -> int:
        """A whole number from the query; 400 when it is none."""
        text = self.query.get(name, "")
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = -1
        if not 0 <= value <= LARGEST_NUMBER:
            raise Refusal(400, f"{name} must be a whole number of 0 or more")
        return value


Endpoint = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A verb on a path template, the query parameters it knows, and what answers."""

    method: str
    template: str
    endpoint: Endpoint
    parameters: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node:
    """All routes that share one path template."""

    template: str
    parts: tuple[str, ...]
    by_method: dict[str, Route]

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        found = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part[0] == "{":
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


class Router:
    """All routes of the service."""

    def __init__(self, routes: Iterable[Route]) -> None:
        nodes: dict[str, _Node] = {}
        for route in routes:
            parts = tuple(route.template.strip("/").split("/"))
            node = nodes.setdefault(route.template, _Node(route.template, parts, {}))
            node.by_method[route.method] = route
        ranked = sorted(nodes.values(), key=lambda node: [part[0] == "{" for part in node.parts])
        # every template starts with three literals: api, version, root
        self._by_root: dict[tuple[int, tuple[str, ...]], list[_Node]] = {}
        for node in ranked:
            self._by_root.setdefault((len(node.parts), node.parts[:3]), []).append(node)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its path variables."""
        segments = tuple(path.strip("/").split("/"))
        for node in self._by_root.get((len(segments), segments[:3]), ()):
            variables = node.match(segments)
            if variables is None or "" in variables.values():
                continue
            route = node.by_method.get(method)
            if route is None:
                raise Refusal(405, "Method Not Allowed")
            return route, variables
        raise Refusal(404, "Not Found")

    def template(self, path: str) -> str:
        """The template of a path, or a fixed word, so that logs hold no addresses."""
        segments = tuple(path.strip("/").split("/"))
        for node in self._by_root.get((len(segments), segments[:3]), ()):
            if node.match(segments) is not None:
                return node.template
        return "unknown"
