"""Source records on their way into a raw table: the payload as it came, cut out unparsed.

A record keeps the very text of its JSON. Only its first level is looked at, to find the key and to
leave members that move by themselves out of the content hash.

Bytes are UTF-8. The client has checked that answers are JSON, so nothing is raised here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.settings import VOLATILE, VOLATILE_SCALARS
from extract.records import Record, sha256

NULL: Final = b"null"
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])


def data_of(answer: Answer) -> bytes:
    """The text of `data`; absent is null."""
    if not answer.body:
        return NULL
    return _text(_object.decode(answer.body).get("data"))


def members_of(text: bytes) -> dict[str, msgspec.Raw]:
    """First-level members of an object; anything else has none."""
    return _object.decode(text) if text[:1] == b"{" else {}


def list_text(text: bytes, *members: str) -> bytes:
    """A list, or the list at the first of `members` that is there, as it came; null is empty."""
    if text[:1] == b"{":
        held = members_of(text)
        inner = next((held[name] for name in members if name in held), None)
        return list_text(_text(inner))
    return text if text[:1] == b"[" else b"[]"


def items_of(text: bytes, *members: str) -> list[bytes]:
    """Elements of the list that `list_text` finds."""
    return [bytes(item) for item in _list.decode(list_text(text, *members))]


def scalar_text(raw: msgspec.Raw | None) -> str:
    """A string or number as text; null and what is absent as an empty string."""
    text = _text(raw)
    if text[:1] == b'"':
        return str(msgspec.json.decode(text)) if b"\\" in text else text[1:-1].decode()
    return "" if text == NULL else text.decode()


def record(resource: str, key_member: str, payload: bytes, answer: Answer) -> Record:
    """A record keyed by one of its own members."""
    key = scalar_text(_key_decoder(key_member).decode(payload).key)
    digest = _hash(resource, payload)
    return Record(
        key or f"without-key:{digest}", payload, digest, answer.request, answer.fetched_at
    )


def records(resource: str, key_member: str, elements: bytes, answer: Answer) -> list[Record]:
    """All records of one list, as `record` makes them; the list is parsed as a whole."""
    payloads = _list.decode(elements)
    steady = elements
    for name, member in _scalars(resource):
        if name in steady:
            steady = member.sub(name + b":null", steady)
    hashed = payloads if steady is elements else _list.decode(steady)
    request, fetched_at = answer.request, answer.fetched_at
    found = []
    for payload, key, kept in zip(payloads, _keys(key_member, elements), hashed, strict=True):
        digest = sha256(kept)
        found.append(
            Record(key or f"without-key:{digest}", bytes(payload), digest, request, fetched_at)
        )
    return found


def keyed(key: str, payload: bytes, answer: Answer) -> Record:
    """A record whose key stands in the question, not in the answer."""
    return Record(key, payload, sha256(payload), answer.request, answer.fetched_at)


def counted(payloads: Iterable[bytes], answer: Answer) -> Iterator[Record]:
    """Rows without an id: keyed by their hash and by how often the same row came before."""
    seen: dict[str, int] = {}
    for payload in payloads:
        digest = sha256(payload)
        ordinal = seen.get(digest, 0)
        seen[digest] = ordinal + 1
        yield Record(f"{digest}:{ordinal}", payload, digest, answer.request, answer.fetched_at)


def wrapped(member: str, value: str, list_member: str, items: bytes) -> bytes:
    """`{"<member>": "<value>", "<list_member>": <items as they came>}`; a null list is empty."""
    held = b"[]" if items == NULL else items
    return b'{"%s":%s,"%s":%s}' % (
        member.encode(),
        msgspec.json.encode(value),
        list_member.encode(),
        held,
    )


@cache
def _key_decoder(member: str) -> msgspec.json.Decoder[Any]:
    """Reads one member of an object and skips all others."""
    fields = [("key", msgspec.Raw, msgspec.Raw(NULL))]
    return msgspec.json.Decoder(msgspec.defstruct("Keyed", fields, rename={"key": member}))


def _keys(member: str, elements: bytes) -> list[str]:
    """One member of each object as text; decoded straight where all are strings or null."""
    try:
        held = _key_list_decoder(member, text=True).decode(elements)
    except msgspec.ValidationError:
        held = _key_list_decoder(member, text=False).decode(elements)
        return [scalar_text(each.key) for each in held]
    return [each.key or "" for each in held]


@cache
def _key_list_decoder(member: str, *, text: bool) -> msgspec.json.Decoder[Any]:
    """Reads one member of each object and skips all others; what is no text stays as it came."""
    field: Any = ("key", str | None, None) if text else ("key", msgspec.Raw, msgspec.Raw(NULL))
    keyed = msgspec.defstruct("Keyed", [field], rename={"key": member}, gc=False)
    return msgspec.json.Decoder(list[keyed])  # type: ignore[valid-type]


@cache
def _scalars(resource: str) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """Volatile members and where their values stand; inside a string quotes are escaped."""
    names = [b'"%s"' % name.encode() for name in sorted(VOLATILE_SCALARS.get(resource, ()))]
    value = rb'(\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)'
    return tuple((name, re.compile(name + value)) for name in names)


def _hash(resource: str, payload: bytes) -> str:
    if resource in VOLATILE_SCALARS:
        kept = payload
        for name, member in _scalars(resource):
            if name in kept:
                kept = member.sub(name + b":null", kept)
        return sha256(kept)
    volatile = VOLATILE.get(resource)
    if not volatile:
        return sha256(payload)
    kept = b",".join(
        name.encode() + b":" + bytes(raw)
        for name, raw in members_of(payload).items()
        if name not in volatile
    )
    return sha256(kept)


def _text(raw: msgspec.Raw | None) -> bytes:
    return NULL if raw is None else bytes(raw).strip()
