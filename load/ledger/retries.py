"""Records that were refused, and when they may be tried again.

A record stays in quarantine as long as the plan wants to send what was refused. It is tried again
when its row of the plan changed, when what kept it out was not in itself (its parent, an option
that is missing), or when somebody asks for it with `release`. What people deleted comes back only
if it is named, and a record that may be there after all is looked up before it is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from load.errors import ConfigError
from load.ledger.records import Record, in_chunks
from load.ledger.store import Ledger

# kept out by something else than its own content: worth a look at each run, which costs nothing
BY_CIRCUMSTANCE: Final = frozenset({"parent", "mapping", "file_missing"})
DELETED: Final = "deleted by others"
UNRESOLVED: Final = "unresolved"


def may_try_again(record: Record, new_hash: str | None) -> bool:
    """Whether a quarantined record may be sent by a plan that wants it with this hash."""
    if record.state != "quarantined" or record.pipedrive_id is not None:
        return False
    if record.reason_code in (DELETED, UNRESOLVED):
        return False
    return record.reason_code in BY_CIRCUMSTANCE or record.payload_hash != new_hash


def release(
    ledger: Ledger, *, entity: str | None = None, source_keys: Sequence[str] = ()
) -> Counter[tuple[str, str]]:
    """Lets quarantined records be tried again as they are. Gives (entity, reason) -> records.

    Raises `ConfigError` for a key that is not in quarantine.
    """
    found = _quarantined(ledger, entity, source_keys)
    if missing := sorted(set(source_keys) - {key for _, key, _ in found}):
        raise ConfigError(
            f"not in quarantine at the destination: {', '.join(missing[:5])}; what the mapping"
            " keeps out is mended in its seeds and decisions, then planned again"
        )
    released: Counter[tuple[str, str]] = Counter()
    with ledger.transaction() as db:
        for one, key, code in found:
            if code == DELETED and not source_keys:
                continue
            db.execute(
                "update id_map set state = case when exists (select 1 from attempts where"
                " attempts.entity = id_map.entity and attempts.source_key = id_map.source_key"
                " and verb = 'create' and outcome = 'ambiguous') then 'ambiguous' else 'planned'"
                " end, recoveries = 0, not_before = null, updated_at = ?"
                " where entity = ? and source_key = ?",
                (ledger.stamp(), one, key),
            )
            released[one, code] += 1
        if released:
            counts = {f"{one}: {code}": count for (one, code), count in sorted(released.items())}
            ledger.event("released", counts)
    return released


def _quarantined(
    ledger: Ledger, entity: str | None, source_keys: Sequence[str]
) -> list[tuple[str, str, str]]:
    sql = (
        "select entity, source_key, coalesce(reason_code, '') from id_map"
        " where state = 'quarantined' and entity = coalesce(?, entity)"
    )
    if not source_keys:
        return [tuple(row) for row in ledger.db.execute(sql, (entity,))]
    found: list[tuple[str, str, str]] = []
    for chunk, marks in in_chunks(source_keys):
        rows = ledger.db.execute(f"{sql} and source_key in ({marks})", (entity, *chunk))
        found += [tuple(row) for row in rows]
    return found
