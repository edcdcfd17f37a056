"""Error texts of the server echo values; what we tell of them never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.redaction import REASONS, UNKNOWN_REASON, refusal

CODE = "0f3c5d7e9a1b2c4d6e8f00112233445566778899"
BODY = {"name": "Maya Ortiz", "emails": [{"value": "maya@example.com"}], "custom_fields": {CODE: 1}}


@pytest.mark.parametrize(
    ("error", "reason", "field"),
    [
        (
            "Validation failed: name: The value is not a valid 'string'",
            "is not a valid 'string'",
            "name",
        ),
        (f"Validation failed: custom_fields: Unknown key '{CODE}'", "Unknown key", CODE),
        (
            "Validation failed: custom_fields: Expected 'number' as value for single option Maya",
            "Expected 'number'",
            "custom_fields",
        ),
        ("Maya Ortiz (maya@example.com) is not welcome", UNKNOWN_REASON, None),
        ("", UNKNOWN_REASON, None),
    ],
)
def test_a_refusal_names_field_and_reason_but_no_value(error, reason, field):
    found = refusal({"error": error, "code": "ERR_SCHEMA_VALIDATION_FAILED"}, BODY)
    assert (found.reason, found.field) == (reason, field)
    assert found.code == "ERR_SCHEMA_VALIDATION_FAILED"


@pytest.mark.parametrize("body", [None, [], "text", 7, {"error": None}, {"code": {"a": 1}}])
def test_a_body_of_any_shape_gives_a_refusal(body):
    assert refusal(body, BODY).reason == UNKNOWN_REASON


@given(text=st.text(), code=st.one_of(st.text(), st.integers(), st.none()))
def test_nothing_of_an_error_text_gets_through_but_what_we_know(text, code):
    found = refusal({"error": text, "code": code}, BODY)
    assert found.reason in (*REASONS, UNKNOWN_REASON)
    assert found.field in {None, "name", "emails", "value", "custom_fields", CODE} or (
        len(found.field) == 40 and set(found.field) <= set("0123456789abcdef")
    )
    assert (
        found.code is None
        or found.code.replace("_", "").replace(".", "").replace("-", "").isalnum()
    )
