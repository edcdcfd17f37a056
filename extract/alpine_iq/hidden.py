"""Contacts that the list does not show: found by their traces, looked up by id, classified.

| found | the service, asked for the id |
|---|---|
| visible | answers with the contact: blocklisted or archived, but readable |
| redacted | answers with names, e-mail and phones emptied |
| merged | answers with another contact's id: the survivor |
| gone | does not know the id |

Nothing here is ever contactable; whether any of it is migrated is a decision made later, in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.reader import Reader
from extract.alpine_iq.records import NULL, data_of, keyed, members_of, record, scalar_text
from extract.alpine_iq.settings import CONTACT, OPTIN_EMAIL, OPTIN_TEXT, Endpoint
from extract.records import Record, sha256

_PERSONAL: Final = ("firstName", "lastName", "email", "mobilePhone", "homePhone")
_ADDRESSES: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("text", "mobilePhone", OPTIN_TEXT),
    ("email", "email", OPTIN_EMAIL),
)


def hidden_contacts(reader: Reader) -> Iterator[Record]:
    """One record per trace without a listed contact."""
    for contact_id in sorted(reader.traces):
        answer = _look_up(reader, contact_id)
        found, traces = _class_of(contact_id, answer), sorted(reader.traces[contact_id])
        detail = _detail(answer)
        payload = {
            "contactID": contact_id,
            "found": found,
            "traces": traces,
            "detail": msgspec.Raw(detail),
        }
        seen = ""
        if detail != NULL:
            seen = record(CONTACT.name, "contactID", detail, answer).content_hash
        digest = sha256(msgspec.json.encode([found, traces, seen]))
        text = msgspec.json.encode(payload)
        yield Record(contact_id, text, digest, answer.request, answer.fetched_at)


def optins(reader: Reader) -> Iterator[Record]:
    """One record per phone or e-mail of a hidden contact that is still readable."""
    asked: set[str] = set()
    for contact_id in sorted(reader.traces):
        answer = _look_up(reader, contact_id)
        if _class_of(contact_id, answer) != "visible":
            continue
        members = members_of(_detail(answer))
        for channel, member, endpoint in _ADDRESSES:
            address = scalar_text(members.get(member)).strip()
            key = f"{channel}:{address}"
            if not address or key in asked:
                continue
            asked.add(key)
            found = reader.read(endpoint, {"address": address})
            if found.status == 200:
                yield keyed(key, data_of(found), found)


def _look_up(reader: Reader, contact_id: str) -> Answer:
    return reader.read(CONTACT, {"contact_id": contact_id})


def _detail(answer: Answer) -> bytes:
    return data_of(answer) if answer.status == 200 else NULL


def _class_of(contact_id: str, answer: Answer) -> str:
    members = members_of(_detail(answer))
    if not members:
        return "gone"
    found_id = scalar_text(members.get("contactID"))
    if found_id and found_id != contact_id:
        return "merged"
    if not any(scalar_text(members.get(name)).strip() for name in _PERSONAL):
        return "redacted"
    return "visible"
