"""Request bodies: JSON, and for some v1 endpoints forms; strict for v2, lenient for v1."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandbox.core import Request
from sandbox.pipedrive.catalog import Endpoint, Parameter
from sandbox.pipedrive.errors import general, invalid, server_error
from sandbox.pipedrive.shape import check_object, is_number

_decode = msgspec.json.Decoder().decode
IGNORED_DEAL_KEYS = ("add_time", "update_time", "stage_change_time")


def _json(request: Request, version: int) -> Any:
    if not request.body.strip():
        return None
    try:
        return _decode(request.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        if version == 1:
            raise general(400, "Bad request") from error
        raise invalid(["body: The request body is not valid JSON"]) from error


def read_body(endpoint: Endpoint, request: Request, *, ignore_deal_times: bool) -> Any:
    """The body as a JSON value that fits the endpoint's model; raises ApiError 400 otherwise."""
    if endpoint.body_kind in (None, "multipart"):
        return {}
    if endpoint.version == 1:
        return _lenient(endpoint, request)
    wants_array = endpoint.body_kind == "json-array"
    body = _json(request, 2)
    if body is None:
        body = [] if wants_array else {}
    if wants_array:
        return _checked_array(endpoint, body)
    if not isinstance(body, dict):
        raise invalid(["body: The value is not a valid 'object'"])
    nested = body.get("custom_fields")
    if isinstance(nested, dict) and isinstance(nested.get("custom_fields"), dict):
        raise server_error()
    if ignore_deal_times and endpoint.path.startswith("/api/v2/deals"):
        body = {key: value for key, value in body.items() if key not in IGNORED_DEAL_KEYS}
    problems = check_object(endpoint.body, body)
    if problems:
        raise invalid(problems)
    return body


def _checked_array(endpoint: Endpoint, body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise invalid(["body: The value is not a valid 'array'"])
    problems: list[str] = []
    for index, item in enumerate(body):
        if isinstance(item, dict):
            problems += check_object(endpoint.body, item, f"{index}.")
        else:
            problems.append(f"{index}: The value is not a valid 'object'")
    if problems:
        raise invalid(problems)
    return body


def _lenient(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """v1: unknown keys are ignored, numeric strings are numbers, forms are taken."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        try:
            body: Any = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        except UnicodeDecodeError as error:
            raise general(400, "Bad request") from error
    else:
        body = _json(request, 1) or {}
    if not isinstance(body, dict):
        raise general(400, "Bad request")
    if endpoint.method == "POST" and "id" in body:
        raise general(400, "Inserting ID with POST request is not allowed.")
    return {
        key: _lenient_value(endpoint.body[key], value)
        for key, value in body.items()
        if key in endpoint.body
    }


def _lenient_value(parameter: Parameter, value: Any) -> Any:
    if parameter.type not in ("number", "integer") or value is None:
        return value
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = None
    if isinstance(value, bool):
        return int(value)
    if not is_number(value):
        raise general(400, f"Invalid field(s) in the payload: {parameter.name}")
    return value
