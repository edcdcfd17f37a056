"""Holds recorded exchanges against Pipedrive's own OpenAPI files.

The files are not part of this project; `Contract.load` wants the folder that holds
`pipedrive-v1-openapi.yml` and `pipedrive-v2-openapi.yml`. Corrections where the published file is
plainly wrong or older than the official client are in `_corrected` and `NEWER_REQUEST_KEYS`.
`jsonschema` and `yaml` are development libraries, so they are imported when needed.
Raises FileNotFoundError when a file is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sandbox.pipedrive.catalog import Endpoint, load_catalog

KNOWN_REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 415, 422, 429})
NEWER_REQUEST_KEYS: Final = {
    "persons": {"birthday", "postal_address", "job_title", "notes", "im"},
    "organizations": {"website", "linkedin", "industry", "annual_revenue", "employee_count"},
}
Schema = dict[str, Any]


@dataclass(slots=True)
class Verdict:
    """How many exchanges were checked, and what was wrong with which."""

    checked: int = 0
    violations: list[str] = field(default_factory=list)


class Contract:
    """The response and request models by endpoint."""

    def __init__(self, documents: dict[int, Schema]) -> None:
        self._documents = documents
        self._catalog = load_catalog()
        self._validators: dict[tuple[str, str, str], Any] = {}

    @classmethod
    def load(cls, folder: Path) -> Contract:
        from yaml import CSafeLoader, load  # noqa: PLC0415 - a development library

        documents = {}
        for version in (1, 2):
            text = (folder / f"pipedrive-v{version}-openapi.yml").read_text(encoding="utf-8")
            documents[version] = load(text, Loader=CSafeLoader)
        return cls(documents)

    def document(self, version: int) -> Schema:
        return self._documents[version]

    def check(self, exchanges: list[dict[str, Any]]) -> Verdict:
        """Judges exchanges as `/_sandbox/exchanges` gives them."""
        verdict = Verdict()
        for exchange in exchanges:
            endpoints, _ = self._catalog.find(exchange["path"])
            endpoint = endpoints.get(exchange["method"])
            if endpoint is None:
                continue
            verdict.checked += 1
            where = f"{endpoint.method} {endpoint.path} {exchange['status']}"
            problems = self.response_problems(
                endpoint, exchange["status"], exchange["content_type"], exchange["reply"]
            )
            if exchange["status"] < 400:
                problems += self._request_problems(endpoint, exchange["request"])
            verdict.violations += [f"{where}: {problem}" for problem in problems]
        return verdict

    def response_problems(
        self, endpoint: Endpoint, status: int, content_type: str, body: str
    ) -> list[str]:
        if status >= 400:
            return [] if status in KNOWN_REFUSALS else ["status is not documented"]
        operation = self._operation(endpoint)
        documented = operation["responses"].get(str(status))
        if documented is None:
            return ["status is not documented"]
        schema = self._resolved(endpoint.version, documented).get("content", {})
        if "application/json" not in schema:
            return []
        if not content_type.startswith("application/json"):
            return ["content type is not application/json"]
        key = (endpoint.method, endpoint.path, str(status))
        model = schema["application/json"].get("schema", {})
        return self._judge(key, endpoint, model, json.loads(body), is_response=True)

    def _request_problems(self, endpoint: Endpoint, body: str) -> list[str]:
        documented = self._operation(endpoint).get("requestBody")
        if documented is None or not body or not (endpoint.body_kind or "").startswith("json"):
            return []
        content = self._resolved(endpoint.version, documented)["content"]
        model = content.get("application/json", {}).get("schema")
        if model is None:
            return []
        value = json.loads(body)
        group = endpoint.path.split("/")[3]
        if isinstance(value, dict):
            newer = NEWER_REQUEST_KEYS.get(group, set())
            value = {name: entry for name, entry in value.items() if name not in newer}
        if endpoint.path == "/api/v2/organizations":
            # the file asks for the title of a deal here; the client for the name
            model = {**self._resolved(endpoint.version, model), "required": ["name"]}
        key = (endpoint.method, endpoint.path, "request")
        return self._judge(key, endpoint, model, value, is_response=False)

    def _operation(self, endpoint: Endpoint) -> Schema:
        path = endpoint.path.removeprefix(f"/api/v{endpoint.version}")
        operation: Schema = self._documents[endpoint.version]["paths"][path][
            endpoint.method.lower()
        ]
        return operation

    def _judge(
        self,
        key: tuple[str, str, str],
        endpoint: Endpoint,
        model: Schema,
        value: Any,
        *,
        is_response: bool,
    ) -> list[str]:
        from jsonschema import Draft4Validator  # noqa: PLC0415 - a development library

        validator = self._validators.get(key)
        if validator is None:
            schema = self._resolved(endpoint.version, model)
            schema = _corrected(endpoint, schema) if is_response else schema
            validator = Draft4Validator(_plain(schema, nullable=is_response))
            self._validators[key] = validator
        return [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)
        ]

    def _resolved(self, version: int, value: Any) -> Any:
        """The value with all references replaced by what they point to."""
        if isinstance(value, list):
            return [self._resolved(version, item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            target: Any = self._documents[version]
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return self._resolved(version, target)
        return {name: self._resolved(version, item) for name, item in value.items()}


def _plain(schema: Any, *, nullable: bool) -> Any:
    """OpenAPI's `nullable` as JSON Schema; in replies any property may be null."""
    if isinstance(schema, list):
        return [_plain(item, nullable=nullable) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        name: _plain(item, nullable=nullable)
        for name, item in schema.items()
        if name not in ("nullable", "example", "examples", "format", "discriminator")
    }
    if isinstance(plain.get("properties"), dict) and nullable:
        plain["properties"] = {
            name: {"anyOf": [item, {"type": "null"}]} for name, item in plain["properties"].items()
        }
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _corrected(endpoint: Endpoint, schema: Schema) -> Schema:
    """The published response model without its known mistakes."""
    path = endpoint.path
    if (endpoint.method, path) == ("GET", "/api/v2/products"):
        # the file wraps each product of the list in an envelope of its own
        items = schema["properties"]["data"]["items"]
        one = items["properties"]["data"]
        return {**schema, "properties": {**schema["properties"], "data": {"items": one}}}
    if path.startswith("/api/v2/deals/") and "products" in path:
        # quantities may have decimals on write
        quantities: Schema = _retyped(schema, "quantity", "number")
        return quantities
    if (endpoint.method, path) == ("DELETE", "/api/v2/deals/{id}/discounts/{discount_id}"):
        # everywhere else the id of a discount is a UUID
        ids: Schema = _retyped(schema, "id", "string")
        return ids
    if "/v1/" in path and "Fields" in path:
        # the list of types that can be created is joined with the list that can be read
        types: Schema = _retyped(schema, "field_type", "string")
        return types
    if path == "/api/v2/products/search":
        codes: Schema = _retyped(schema, "code", "string")
        return codes
    return schema


def _retyped(schema: Any, name: str, kind: str) -> Any:
    if isinstance(schema, list):
        return [_retyped(item, name, kind) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _retyped(value, name, kind) for key, value in schema.items()}
    properties = changed.get("properties")
    if isinstance(properties, dict) and name in properties:
        properties[name] = {"type": kind}
    return changed
