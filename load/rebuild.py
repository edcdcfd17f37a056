"""A lost ledger restored from the keys in the target. Reads lists, writes nothing there.

    fields, options      matched by name and type, as when they were provisioned
    pipelines, stages    by name
    records              by their key: in a field, at the end of a line's comments, of a note's
                         text, in a file's name (listed only if the plan has files)

A record is remembered as ours with the values that it shares with the plan; a column in which it
differs is remembered as unknown, so that the next apply keeps what the target has there. Of two
records with one key the lowest id counts, the other is noted in `extras`. What was refused before,
the journal and the before-images are lost: undo can remove, but not give values back.

Raises `ConfigError` for a ledger that is not empty, and for another company's token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from load.account import check_account
from load.errors import ConfigError, RecordRejected
from load.ledger import archive, records
from load.ledger.catalog import option_ids, save_options
from load.ledger.records import Record, Written
from load.ledger.store import Ledger
from load.lists import lines_of_deals, pages
from load.merge import element_hashes
from load.payload import (
    ARCHIVED_COLUMN,
    PARENT_SUFFIX,
    Catalog,
    Translation,
    api_value,
    current_value,
    is_empty,
    parent_keys,
    target_hash,
)
from load.phases import ARCHIVED, PHASES, Phase
from load.pipelines import recognise_pipelines
from load.plan import FrozenPlan, PlanRow
from load.provision import recognise_fields
from load.run import Run, Sender, Shows, Timings, Waits

_OLDEST_FIRST: Final[Mapping[str, str | int]] = {
    "sort_by": "id",
    "sort_direction": "asc",
    "limit": 500,
}
_DEALS_AT_ONCE: Final = 500


@dataclass(slots=True)
class RebuildResult:
    """What was found: `counts` is entity -> what -> records."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0

    @property
    def exit_code(self) -> int:
        return 3 if any("to review" in counter for counter in self.counts.values()) else 0

    def count(self, entity: str, what: str, n: int = 1) -> None:
        self.counts.setdefault(entity, Counter())[what] += n


async def rebuild(
    plan: FrozenPlan,
    ledger: Ledger,
    client: Sender,
    *,
    settings: Timings,
    clock: Waits,
    progress: Shows,
) -> RebuildResult:
    """Fills an empty ledger from the target, by a plan that says what our records are like."""
    run, result = Run(plan, ledger, client, settings, clock, progress, _nothing), RebuildResult()
    run.policies = {(one.entity, one.column_name): one.on_update for one in plan.fields()}
    with ledger.exclusive():
        known = ledger.db.execute("select count(*) from id_map").fetchone()[0]
        if known:
            raise ConfigError(
                f"this ledger knows {known:,} records, so it is not lost; to rebuild it all the"
                " same, move it away first (ledger.sqlite, with its -wal and -shm files)"
            )
        ledger.start_run("rebuild", plan_digest=plan.digest, code_version="1")
        reason = "failed"
        try:
            await check_account(run)
            await _everything(run, result)
            found = {entity: dict(counter) for entity, counter in result.counts.items()}
            ledger.event("rebuilt", found)
            reason = "done"
        finally:
            result.calls, result.tokens = ledger.run_use()
            ledger.end_run(reason, writes=0)
    return result


def _nothing(_entity: str) -> None:
    """No barrier is reported."""


async def _everything(run: Run, result: RebuildResult) -> None:
    codes, labels = await recognise_fields(run)
    for (entity, column), ids in labels.items():
        save_options(run.ledger, entity, column, ids, created=frozenset())
    run.catalog = Catalog(codes, option_ids(run.ledger))
    result.count("field", "found", len(codes))
    for entity, count in (await recognise_pipelines(run)).items():
        result.count(entity, "found", count)
    for phase in PHASES:
        run.progress.start(f"rebuild {phase.entity}", None)
        async for listed in _listed(run, phase):
            _take(run, phase, listed, result)
            run.progress.advance(f"rebuild {phase.entity}", len(listed))
        run.progress.finish(f"rebuild {phase.entity}")


async def _listed(run: Run, phase: Phase) -> AsyncIterator[list[dict[str, Any]]]:
    """Everything that the target has of an entity, archived deals included."""
    if phase.under_deal:
        deal_ids = sorted(
            one.pipedrive_id
            for one in records.in_state(run.ledger, "deal", "confirmed")
            if one.pipedrive_id is not None
        )
        for start in range(0, len(deal_ids), _DEALS_AT_ONCE):
            yield await lines_of_deals(run.client, phase, deal_ids[start : start + _DEALS_AT_ONCE])
        return
    if phase.uploads and phase.entity not in run.plan.manifest["counts"]:
        return
    params = _OLDEST_FIRST
    if not phase.lists_by_id:
        params = {"sort": "id ASC", "limit": phase.page}
    lists = [(phase.list_path, phase.list_cost)]
    lists += [(path, cost) for path, _params, cost in phase.hidden_lists if path == ARCHIVED]
    for path, cost in lists:
        async for page in pages(run.client, path, params, cost=cost, entity=phase.entity):
            yield page


def _take(run: Run, phase: Phase, listed: Sequence[dict[str, Any]], result: RebuildResult) -> None:
    """Remembers the records of a page that carry a key."""
    keyed = [
        (key, one)
        for one in listed
        if (key := phase.key_of(one, phase.entity, run.catalog)) is not None
    ]
    if others := len(listed) - len(keyed):
        result.count(phase.entity, "of others", others)
    keys = [key for key, _ in keyed]
    rows = run.plan.rows_of(phase.entity, keys)
    parents = dict.fromkeys(key for row in rows.values() for key in parent_keys(row.payload))
    known = records.fetch(run.ledger, dict.fromkeys([*keys, *parents]))
    seen: set[str] = set()
    with run.ledger.transaction():
        for key, one in keyed:
            if key in seen or key in known:
                records.note_extra(
                    run.ledger, phase.entity, one["id"], key, "same key twice", "to review"
                )
                result.count(phase.entity, "to review")
                continue
            seen.add(key)
            written = _written(run, phase, rows.get(key), one, known)
            records.confirm(run.ledger, phase.entity, key, written, plan_digest=run.plan.digest)
            if one.get(ARCHIVED_COLUMN) and ARCHIVED_COLUMN in written.target_hashes:
                archive.archived(
                    run.ledger, phase.entity, key, written.target_hashes[ARCHIVED_COLUMN]
                )
            _hang_on_deal(run, phase, rows.get(key), key, one, known)
            what = "as planned" if written.payload_hash else "differs from the plan"
            result.count(phase.entity, what if key in rows else "not in the plan")


def _hang_on_deal(  # noqa: PLR0917
    run: Run,
    phase: Phase,
    row: PlanRow | None,
    key: str,
    found: Mapping[str, Any],
    known: Mapping[str, Record],
) -> None:
    """Lines and notes are looked up by their deal if an update of them is ever in doubt."""
    deal = known.get(str(row.payload.get(f"deal{PARENT_SUFFIX}"))) if row else None
    deal_id = deal.pipedrive_id if deal else found.get("deal_id")
    if phase.entity in ("deal_product", "note") and isinstance(deal_id, int):
        records.set_deal(run.ledger, phase.entity, key, deal_id)


def _written(
    run: Run,
    phase: Phase,
    row: PlanRow | None,
    found: Mapping[str, Any],
    known: Mapping[str, Record],
) -> Written:
    """What the record holds, as far as the plan explains it."""
    if row is None:
        return Written(found["id"], None, {}, {})
    entity, fields, hashes = phase.entity, {}, {}
    elements: dict[str, list[str]] = {}
    parents = {
        key: record.pipedrive_id for key, record in known.items() if record.pipedrive_id is not None
    }
    translation = Translation(run.catalog, parents)
    for column, planned in row.field_hashes.items():
        current = current_value(entity, column, found, run.catalog)
        try:
            wanted = api_value(entity, row.source_key, column, row.payload.get(column), translation)
        except (RecordRejected, KeyError):
            continue
        if run.policies.get((entity, column)) == "merge_set":
            ours = element_hashes(column, wanted, salt=run.salt)
            explained = set(ours) <= set(element_hashes(column, current, salt=run.salt))
            elements[column] = ours
        else:
            # what the plan leaves empty was never sent: the target may have filled it
            explained = is_empty(wanted) or _same(run, column, wanted, current)
        if explained:
            fields[column] = planned
            hashes[column] = target_hash(
                column, None if is_empty(wanted) else current, salt=run.salt
            )
    complete = fields.keys() == row.field_hashes.keys()
    return Written(found["id"], row.new_hash if complete else None, fields, hashes, elements)


def _same(run: Run, column: str, wanted: Any, current: Any) -> bool:
    return target_hash(column, wanted, salt=run.salt) == target_hash(column, current, salt=run.salt)
