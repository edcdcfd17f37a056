"""The documented endpoints: path, token cost, success status, query and body model.

`endpoints.json` beside this module holds one line per endpoint of Pipedrive's v1 and v2
specifications. Paths are written with `/api/v1` and `/api/v2`; v1 also answers below `/v1`.
Costs are tokens. Raises nothing; an unknown path is `None`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter or body property."""

    name: str
    type: str
    required: bool = False
    nullable: bool = False
    readonly: bool = False
    enum: frozenset[Any] | None = None
    fields: dict[str, Parameter] = field(default_factory=dict)
    default: Any = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One documented operation."""

    method: str
    path: str
    cost: int
    status: int
    version: int
    body_kind: str | None
    query: dict[str, Parameter]
    body: dict[str, Parameter]
    is_search: bool


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    name: str = ""
    endpoints: dict[str, Endpoint] = field(default_factory=dict)


WILDCARD: Final = "{}"


class Catalog:
    """All endpoints in a tree by path segment."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.endpoints = endpoints
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        node = self._root
        for segment in endpoint.path.strip("/").split("/"):
            variable = segment.startswith("{")
            key = WILDCARD if variable else segment
            child = node.children.get(key)
            if child is None:
                child = node.children[key] = _Node(name=segment[1:-1] if variable else "")
            node = child
        node.endpoints[endpoint.method] = endpoint

    def find(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
        """Endpoints by method at this path (empty when there is none) and the path values."""
        segments = path.strip("/").split("/")
        if segments[0] == "v1":
            segments.insert(0, "api")
        values: dict[str, str] = {}
        node = self._root
        for segment in segments:
            child = node.children.get(segment)
            if child is None:
                child = node.children.get(WILDCARD)
                if child is None or not segment:
                    return {}, {}
                values[child.name] = segment
            node = child
        return node.endpoints, values


def _parameter(raw: dict[str, Any]) -> Parameter:
    return Parameter(
        name=raw["name"],
        type=raw["type"],
        required=raw.get("required", False),
        nullable=raw.get("nullable", False),
        readonly=raw.get("readonly", False),
        enum=frozenset(raw["enum"]) if "enum" in raw else None,
        fields={inner["name"]: _parameter(inner) for inner in raw.get("fields", [])},
        default=raw.get("default"),
        maximum=raw.get("max"),
    )


def _endpoint(raw: dict[str, Any]) -> Endpoint:
    path = raw["path"]
    return Endpoint(
        method=raw["method"],
        path=path,
        cost=raw["cost"],
        status=raw["status"],
        version=1 if path.startswith("/api/v1/") else 2,
        body_kind=raw.get("body_kind"),
        query={entry["name"]: _parameter(entry) for entry in raw.get("query", [])},
        body={entry["name"]: _parameter(entry) for entry in raw.get("body", [])},
        is_search=path.endswith("/search") or "/itemSearch" in path,
    )


@cache
def load_catalog() -> Catalog:
    """Reads the endpoint list shipped with the package."""
    text = files(__package__).joinpath("endpoints.json").read_text(encoding="utf-8")
    return Catalog([_endpoint(raw) for raw in json.loads(text)])
