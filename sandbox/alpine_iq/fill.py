"""Writing a generated account into an empty store, in batches, with flat memory.

Raises `sqlite3.Error` when the file is unusable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from sandbox.alpine_iq.store import Store, digits_of
from sandbox.generator import Account, Bundle

_BATCH: Final = 5_000
_CONTACT: Final = "insert into contacts values (" + ", ".join("?" * 15) + ")"
_encode: Final = msgspec.json.encode

Told = Callable[[int], None]


def fill(store: Store, account: Account, told: Told | None = None) -> None:
    """Everything of the account; `told` hears the number of contacts written so far."""
    _fill_documents(store, account)
    sizes: Counter[tuple[str, str]] = Counter()
    done = 0
    bundles = account.bundles()
    while batch := list(islice(bundles, _BATCH)):
        store.execute("begin")
        _write(store, batch, account.spec.until, sizes)
        store.execute("commit")
        done += len(batch)
        if told is not None:
            told(done)
    _fill_sizes(store, sizes)
    store.build_indexes()
    spec = account.spec
    store.set_meta("account", {"uid": spec.uid, "api_key": spec.api_key, "until": spec.until})
    store.set_meta("spec", {"personas": spec.personas, "seed": spec.seed, "stores": spec.stores})
    store.complete()


def _fill_documents(store: Store, account: Account) -> None:
    store.execute("begin")
    kinds: tuple[tuple[str, list[dict[str, Any]]], ...] = (
        ("store", [each.view for each in account.stores]),
        ("audience", account.audiences),
        ("discount", account.discounts),
        ("group", account.groups),
        ("campaign", account.campaigns),
        ("program", [account.program]),
    )
    for kind, documents in kinds:
        for position, doc in enumerate(documents):
            store.put_document(kind, str(doc["id"]), position, doc)
    for product in account.products:
        store.put_document("product", str(product.index), product.index, product.view)
    store.execute("commit")


def contact_row(
    seq: int, person: int, hidden: str | None, merged_into: int | None, doc: dict[str, Any]
) -> tuple[Any, ...]:
    """A row of the table of contacts, visible at once."""
    return (
        seq,
        doc["contactID"],
        person,
        hidden,
        merged_into,
        0,
        f"{doc['firstName'] or ''} {doc['lastName'] or ''}".strip().casefold(),
        (doc["email"] or "").strip().casefold(),
        digits_of(doc["mobilePhone"]),
        digits_of(doc["homePhone"]),
        doc["platform"] or "",
        doc["inserted"],
        doc["loyaltySignupTS"] or 0,
        doc["loyaltyPoints"],
        doc["usedPoints"],
    )


def source_rows(seq: int, doc: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """A row per source id of a contact."""
    seen = set()
    for each in doc["srcIDs"] or ():
        key = (each["id"], each["source"])
        if key not in seen:
            seen.add(key)
            yield (*key, seq)


def _write(store: Store, batch: list[Bundle], until: int, sizes: Counter[tuple[str, str]]) -> None:
    contacts: list[tuple[Any, ...]] = []
    docs: list[tuple[Any, ...]] = []
    sources: list[tuple[Any, ...]] = []
    members: list[tuple[Any, ...]] = []
    orders: list[tuple[Any, ...]] = []
    events: list[tuple[Any, ...]] = []
    for bundle in batch:
        persona = bundle.persona
        seq, doc = persona.number, persona.doc
        doc["audienceIDs"] = persona.audiences
        contacts.append(contact_row(seq, persona.person, persona.hidden, persona.merged_into, doc))
        docs.append((seq, _encode(doc)))
        sources.extend(source_rows(seq, doc))
        members.extend((each, seq) for each in persona.audiences)
        orders.extend(
            (seq, ordinal, order.ts, 0, order.lines, order.total, _encode(order.packed))
            for ordinal, order in enumerate(bundle.orders)
        )
        events.extend(
            (kind, min(ts, until), seq, _encode(each)) for kind, ts, each in bundle.events
        )
        for each in persona.audiences:
            sizes[each, "audienceSize"] += 1
            sizes[each, "textOptIns"] += bool(doc["smsconsent"])
            sizes[each, "emailOptIns"] += bool(doc["emailOptInTime"])
    connection = store.connection
    connection.executemany(_CONTACT, contacts)
    connection.executemany("insert into contact_docs values (?, ?)", docs)
    connection.executemany("insert into source_ids values (?, ?, ?)", sources)
    connection.executemany("insert into members values (?, ?)", members)
    connection.executemany("insert into orders values (?, ?, ?, ?, ?, ?, ?)", orders)
    connection.executemany("insert into events values (?, ?, ?, ?)", events)


def _fill_sizes(store: Store, sizes: Counter[tuple[str, str]]) -> None:
    for position, found in enumerate(store.documents("audience")):
        doc = msgspec.json.decode(found)
        for name in ("audienceSize", "textOptIns", "emailOptIns"):
            doc[name] = sizes[doc["id"], name]
        if doc["includeAnonymous"]:
            doc["audienceSize"] += 40  # devices that nobody has a name for
        store.put_document("audience", doc["id"], position, doc)
