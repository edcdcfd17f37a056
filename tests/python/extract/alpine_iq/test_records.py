"""Payloads are landed as they came; only the hash knows what moves by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.records import (
    counted,
    data_of,
    items_of,
    list_text,
    record,
    records,
    wrapped,
)


def answer(body: bytes = b"") -> Answer:
    return Answer("/path", 200, body, datetime(2026, 1, 1, tzinfo=UTC))


def hash_of(resource: str, payload: bytes) -> str:
    return record(resource, "id", payload, answer()).content_hash


@pytest.mark.parametrize("body", [b'{"data":null}', b"{}", b"", b'{"data":{"results":null}}'])
def test_null_lists_are_empty_lists(body: bytes) -> None:
    assert items_of(data_of(answer(body)), "results") == []


@pytest.mark.parametrize(
    "body",
    [b'{"data":[{"id":1}]}', b'{"data":{"data":[{"id":1}]}}', b'{"data":{"results":[{"id":1}]}}'],
)
def test_lists_are_found_in_every_known_shape(body: bytes) -> None:
    assert items_of(data_of(answer(body)), "results", "data") == [b'{"id":1}']


def test_payload_text_is_not_touched() -> None:
    text = b'{"id" : 9223372036854775807, "points": 0.10, "name":"\\u00e9 \xc3\xa9 \\ud83d\\ude0d"}'
    assert record("stores", "id", text, answer()).payload == text


@pytest.mark.parametrize(
    ("payload", "key"),
    [(b'{"id":16}', "16"), (b'{"id":"16"}', "16"), (b'{"id":"a\\u00e9"}', "a\u00e9")],
)
def test_keys_are_text_whatever_their_type(payload: bytes, key: str) -> None:
    assert record("stores", "id", payload, answer()).record_key == key


def test_a_row_without_its_key_is_kept() -> None:
    found = record("stores", "id", b'{"name":"x"}', answer())
    assert found.record_key == f"without-key:{found.content_hash}"


@pytest.mark.parametrize(
    ("resource", "before", "after"),
    [
        ("contacts", {"leakyBucket": "new"}, {"leakyBucket": 'at "risk"'}),
        ("contacts", {"lastTouch": 1, "leakyBucket": None}, {"lastTouch": 2, "leakyBucket": "a"}),
        ("contact_details", {"audiences": [{"id": 1}], "lastTouch": 1}, {"lastTouch": 2}),
        ("audiences", {"audienceSize": 10}, {"audienceSize": 11}),
        ("campaigns", {"summary": {"clicks": 1}}, {"summary": {"clicks": 2}}),
    ],
)
def test_members_that_move_by_themselves_do_not_change_the_hash(
    resource: str, before: dict[str, object], after: dict[str, object]
) -> None:
    rest = {"id": "1", "name": "x", "zz": 1}
    assert hash_of(resource, json.dumps({**rest, **before}).encode()) == hash_of(
        resource, json.dumps({**rest, **after}).encode()
    )


def test_any_other_change_changes_the_hash() -> None:
    assert hash_of("contacts", b'{"id":1,"leakyBucket":"a"}') != hash_of(
        "contacts", b'{"id":2,"leakyBucket":"a"}'
    )


def test_a_value_that_looks_like_a_volatile_member_is_no_such_member() -> None:
    plain = json.dumps({"id": 1, "note": '"leakyBucket": "a"'}).encode()
    other = json.dumps({"id": 1, "note": '"leakyBucket": "b"'}).encode()
    assert hash_of("contacts", plain) != hash_of("contacts", other)


def test_equal_rows_are_counted_not_collapsed() -> None:
    keys = [each.record_key for each in counted([b"{}", b'{"a":1}', b"{}"], answer())]
    assert len(set(keys)) == 3
    assert keys == [each.record_key for each in counted([b"{}", b'{"a":1}', b"{}"], answer())]


def test_a_wrapped_list_is_json_whatever_the_key_holds() -> None:
    text = wrapped("contactID", 'a"b', "lines", b"null")
    assert json.loads(text) == {"contactID": 'a"b', "lines": []}


def test_a_list_gives_the_records_that_its_elements_give_one_by_one() -> None:
    people = [
        {"contactID": "a", "leakyBucket": "new", "name": 'says "leakyBucket":1'},
        {"contactID": 7, "leakyBucket": None, "lastTouch": 5},
        {"contactID": "\u00e9\n"},
        {"name": "nobody"},
    ]
    said = answer(json.dumps({"data": {"results": people}}).encode())
    elements = list_text(data_of(said), "results")
    each = [record("contacts", "contactID", item, said) for item in items_of(elements)]
    assert records("contacts", "contactID", elements, said) == each
    assert [found.record_key for found in each][:3] == ["a", "7", "\u00e9\n"]
