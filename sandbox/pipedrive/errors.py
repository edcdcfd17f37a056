"""The error bodies that Pipedrive is known to send, as one exception that carries a reply.

Texts are those that clients reported or that the specification shows; callers must not rely
on them. `ApiError` never leaves `PipedriveSandbox.handle`.
"""

from __future__ import annotations

from typing import Any, Final

INFO: Final = "Please check developers.pipedrive.com for more information about Pipedrive API."
GATEWAY_INFO: Final = "Please check developers.pipedrive.com"
BLOCKED_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: 0</p></body></html>"
)
WRONG_METHOD_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>405 Not Allowed</title></head>"
    "<body><h1>405 Not Allowed</h1></body></html>"
)


class ApiError(Exception):
    """A refusal; `body` is a JSON value, or HTML when it is a string."""

    def __init__(
        self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


def general(status: int, error: str, *, code: str | None = None, info: str = INFO) -> ApiError:
    body: dict[str, Any] = {
        "success": False,
        "error": error,
        "error_info": info,
        "data": None,
        "additional_data": None,
    }
    if code is not None:
        body["code"] = code
    return ApiError(status, body)


def invalid(problems: list[str]) -> ApiError:
    text = "Validation failed: " + "; ".join(problems)
    body = {"success": False, "error": text, "code": "ERR_SCHEMA_VALIDATION_FAILED"}
    return ApiError(400, body)


def not_found(what: str = "Entity was not found") -> ApiError:
    return general(404, what, info="Object was not found.")


def unauthorized() -> ApiError:
    body = {
        "success": False,
        "error": "unauthorized access",
        "errorCode": 401,
        "error_info": GATEWAY_INFO,
    }
    return ApiError(401, body, {"x-401-by-gw": "true"})


def server_error() -> ApiError:
    body = {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"}
    return ApiError(500, body)


def wrong_method() -> ApiError:
    return ApiError(405, WRONG_METHOD_PAGE)


def blocked() -> ApiError:
    return ApiError(403, BLOCKED_PAGE)


def deal_cap() -> ApiError:
    text = "Couldn't add the deal. Open deals limit reached."
    return general(403, text, code="feature_capping_deals_limit")


def field_cap() -> ApiError:
    text = "Couldn't add the field. Custom fields limit reached."
    return general(403, text, code="feature_capping_custom_fields_limit")
