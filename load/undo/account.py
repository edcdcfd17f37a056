"""The target as an undo sees it: every list read once, page by page.

Of a record only what a decision needs is kept: what became of our columns, what hangs on what, and
which of our fields and options hold a value. Costs: 10 tokens per 500 organizations, persons,
products, deals and activities, 20 per 500 archived deals and notes and per 100 files, 10 per 100
deals for their lines. Activities and files are listed only where we made any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final

from load.errors import RecordRejected
from load.ledger.store import Ledger
from load.lists import by_ids, lines_of_deals, pages
from load.payload import is_empty
from load.phases import ARCHIVED, ARCHIVED_COST, PHASE_OF, Phase
from load.run import Run

Seen = Callable[[Phase, Sequence[dict[str, Any]]], None]
Thing = tuple[str, int]

# what only people hang on a record, and what we may have hung on it ourselves
OF_OTHERS: Final = ("activities_count", "files_count", "email_messages_count")
_COUNTERS: Final = {
    "organization": (
        "activities_count", "files_count", "email_messages_count", "notes_count", "people_count",
        "open_deals_count", "won_deals_count", "lost_deals_count",
    ),
    "person": (
        "activities_count", "files_count", "email_messages_count", "notes_count",
        "open_deals_count", "won_deals_count", "lost_deals_count",
    ),
    "deal": ("activities_count", "files_count", "email_messages_count", "notes_count"),
}  # fmt: skip
_LINKS: Final = {
    "person": {"org_id": "organization"},
    "deal": {"person_id": "person", "org_id": "organization"},
    "deal_product": {"deal_id": "deal", "product_id": "product"},
    "note": {"deal_id": "deal", "person_id": "person", "org_id": "organization"},
    "activity": {"deal_id": "deal", "person_id": "person", "org_id": "organization"},
    "file": {
        "deal_id": "deal", "person_id": "person", "org_id": "organization",
        "product_id": "product",
    },
}  # fmt: skip
ORDER: Final = (
    "file", "activity", "note", "deal_product", "deal", "product", "person", "organization",
)  # fmt: skip
# which of them are listed only where we made any, and the counter that tells of them elsewhere
ONLY_OURS: Final = {"activity": "activities_count", "file": "files_count"}


@dataclass(slots=True)
class Account:
    """What is there now. `children` is parent -> records that refer to it."""

    live: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in ORDER})
    archived: set[int] = field(default_factory=set)
    children: dict[Thing, list[Thing]] = field(default_factory=dict)
    held: dict[str, set[tuple[str, int | None]]] = field(default_factory=dict)
    by_archive: bool = False
    ours: frozenset[str] = frozenset()


async def read_account(run: Run, seen: Seen) -> Account:
    """Reads all lists; `seen` gets every page as it comes."""
    account = Account(ours=only_ours_made(run.ledger))
    for entity in listed(account.ours):
        run.raise_if_stopped()
        phase = PHASE_OF[entity]
        run.progress.start(f"read {entity}", None)
        params = {**_with_counters(entity), "limit": phase.page}
        async for page in pages(
            run.client, phase.list_path, params, cost=phase.list_cost, entity=entity
        ):
            _take(account, phase, page)
            seen(phase, page)
        if entity == "deal":
            async for page in pages(
                run.client, ARCHIVED, params, cost=ARCHIVED_COST, entity=entity
            ):
                _take(account, phase, page)
                account.archived |= {one["id"] for one in page}
                seen(phase, page)
        run.progress.finish(f"read {entity}")
    phase, deals = PHASE_OF["deal_product"], sorted(account.live["deal"])
    for start in range(0, len(deals), 100):
        lines = await lines_of_deals(run.client, phase, deals[start : start + 100])
        _take(account, phase, lines)
        seen(phase, lines)
    return account


def only_ours_made(ledger: Ledger) -> frozenset[str]:
    """Those of `ONLY_OURS` of which the ledger knows any."""
    return frozenset(entity for entity in ONLY_OURS if made_any(ledger, entity))


def made_any(ledger: Ledger, entity: str) -> bool:
    """Whether the ledger knows any activity, or file. Else the list, which may be others' work of
    years, is not read, and those on our records are theirs."""
    sql = "select 1 from id_map where entity = ? limit 1"
    return ledger.db.execute(sql, (entity,)).fetchone() is not None


def listed(ours: Set[str]) -> tuple[str, ...]:
    """The entities that have a list of their own, and of those in `ONLY_OURS` the ones given."""
    plain = ("organization", "person", "product", "deal", "note")
    return (*plain, *(name for name in ONLY_OURS if name in ours))


def reading_cost(counts: Mapping[str, int], archived: int, *, ours: Set[str] = frozenset()) -> int:
    """Tokens of reading all lists when there are so many records."""
    unarchived = {**counts, "deal": counts.get("deal", 0) - archived}
    lists = sum(
        PHASE_OF[name].list_cost * max(1, -(-unarchived.get(name, 0) // PHASE_OF[name].page))
        for name in listed(ours)
    )
    lines = PHASE_OF["deal_product"].list_cost * -(-counts.get("deal", 0) // 100)
    return lists + ARCHIVED_COST * max(1, -(-archived // 500)) + lines


async def read_again(
    run: Run, phase: Phase, ids: Sequence[int], deal_ids: Iterable[int], archived: set[int]
) -> dict[int, dict[str, Any]]:
    """These records as they are now, by id; what was deleted is missing."""
    if phase.under_deal:
        lines = await lines_of_deals(run.client, phase, sorted(set(deal_ids)))
        return {line["id"]: line for line in lines if line["id"] in set(ids)}
    found: dict[int, dict[str, Any]] = {}
    if not phase.lists_by_id:
        for one in ids:
            found |= await _read_one(run, phase, one)
        return found
    # ids of other entities may be the same numbers
    put_away = archived if phase.entity == "deal" else set()
    live, stored = ([one for one in ids if (one in put_away) is is_in] for is_in in (False, True))
    found = await _listed(run, phase, live) | await _listed(run, phase, stored, is_archived=True)
    if phase.entity == "deal":
        # people may have archived one, or brought one back, since the lists were read
        found |= await _listed(run, phase, [one for one in stored if one not in found])
        gone = [one for one in live if one not in found]
        found |= await _listed(run, phase, gone, is_archived=True)
    return found


async def _listed(
    run: Run, phase: Phase, ids: Sequence[int], *, is_archived: bool = False
) -> dict[int, dict[str, Any]]:
    asking = _with_counters(phase.entity)
    return await by_ids(run.client, phase, ids, asking=asking, is_archived=is_archived)


async def _read_one(run: Run, phase: Phase, one: int) -> dict[int, dict[str, Any]]:
    """A note or a file from the list of its id's neighbours would cost 20; by itself it costs 2."""
    path = phase.update_path.format(id=one)
    try:
        answer = await run.client.call("GET", path, cost=phase.read_cost, entity=phase.entity)
    except RecordRejected:
        return {}
    return {one: answer.data} if answer.data.get("active_flag", True) else {}


def hangs_on(record: Mapping[str, Any], *, ours: Set[str] = frozenset()) -> list[str]:
    """What people have hung on a record: mails, and activities and files unless they are listed."""
    known = {ONLY_OURS[entity] for entity in ours}
    return [
        name.removesuffix("_count") for name in OF_OTHERS if record.get(name) and name not in known
    ]


def anything_hangs_on(entity: str, record: Mapping[str, Any]) -> list[str]:
    """The same with notes, deals and people, of whomever."""
    return [name.removesuffix("_count") for name in _COUNTERS.get(entity, ()) if record.get(name)]


def _with_counters(entity: str) -> dict[str, str | int]:
    names = _COUNTERS.get(entity)
    return {"include_fields": ",".join(names)} if names else {}


def _take(account: Account, phase: Phase, page: Sequence[dict[str, Any]]) -> None:
    entity = phase.entity
    held = account.held.setdefault(entity, set())
    for record in page:
        account.live[entity].add(record["id"])
        for name, parent in _LINKS.get(entity, {}).items():
            if record.get(name):
                account.children.setdefault((parent, record[name]), []).append(
                    (entity, record["id"])
                )
        held |= {("label_ids", option) for option in record.get("label_ids") or []}
        for code, value in (record.get("custom_fields") or {}).items():
            if not is_empty(value):
                held.add((code, None))
                held |= {(code, one) for one in _options(value)}
        if entity == "deal":
            held |= {("stage", record.get("stage_id")), ("pipeline", record.get("pipeline_id"))}


def _options(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
