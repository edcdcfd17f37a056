"""What an update does to one record: the verdict of `load.merge` column by column, with the ledger.

A value that an update of unknown outcome may have set counts as ours, whatever plan it was of.
A column whose value can't be had (its parent is not loaded, a label has no option) is left out and
named: the others go, an opt-out among them.
Raises `InvariantBroken` if a body would raise a never_raise column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.errors import RecordRejected
from load.ledger.changes import DoubtfulColumn
from load.ledger.records import Record
from load.merge import Basis, decide, merged, rank_guard
from load.payload import (
    ARCHIVED_COLUMN,
    KEY_COLUMN,
    Translation,
    api_value,
    current_value,
    is_lasting_link,
    is_lasting_value,
    parent_keys,
    target_hash,
)
from load.phases import Phase
from load.plan import PlanRow
from load.run import Run


@dataclass(slots=True)
class Change:
    """An update under way: API values to send, and what the ledger will know afterwards."""

    row: PlanRow
    record: Record
    current: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    # columns that the plan empties and the API cannot: they hold what the answer shows
    lasting: list[str] = field(default_factory=list)
    own_elements: dict[str, list[str]] = field(default_factory=dict)
    # columns that can't be translated: column -> code and reason
    left_out: dict[str, tuple[str, str]] = field(default_factory=dict)
    # same columns that an update in doubt had set: nobody else did
    landed: set[str] = field(default_factory=set)
    attempt_id: int = 0


def decide_record(
    run: Run,
    phase: Phase,
    change: Change,
    known: Mapping[str, Record],
    doubtful: Sequence[DoubtfulColumn],
) -> Change:
    """Fills in what to send, what to keep and what to leave out."""
    row, record = change.row, change.record
    parents = {
        key: parent.pipedrive_id
        for key in parent_keys(row.payload)
        if (parent := known.get(key)) is not None and parent.pipedrive_id is not None
    }
    translation = Translation(run.catalog, parents)
    for column in _changed_columns(row, record):
        try:
            desired = api_value(
                phase.entity, row.source_key, column, row.payload.get(column), translation
            )
        except (RecordRejected, KeyError) as error:
            code = "mapping" if isinstance(error, RecordRejected) else "parent"
            reason = str(error) if code == "mapping" else f"{column}: the parent is not loaded"
            change.left_out[column] = (code, reason)
            continue
        unsure = [one for one in doubtful if one.column_name == column]
        _decide_column(run, phase, change, column, desired, unsure)
    return change


def _changed_columns(row: PlanRow, record: Record) -> list[str]:
    """Columns whose planned value is not the one that was planned when we last wrote, and those
    that a person decided for the plan. A record that others made has no key of ours yet."""
    fixed = {ARCHIVED_COLUMN} if record.origin == "adopted" else {ARCHIVED_COLUMN, KEY_COLUMN}
    return [
        column
        for column, planned in row.field_hashes.items()
        if column not in fixed
        and (record.field_hashes.get(column) != planned or column in row.take_ours)
    ]


def _decide_column(  # noqa: PLR0917
    run: Run,
    phase: Phase,
    change: Change,
    column: str,
    desired: Any,
    doubtful: Sequence[DoubtfulColumn],
) -> None:
    entity, policy = phase.entity, run.policies.get((phase.entity, column), "source_wins")
    if phase.uploads or (phase.under_deal and column == "deal__source_key"):
        change.same.append(column)
        return
    current = current_value(entity, column, change.current, run.catalog)
    ranks = run.ranks.get((entity, column), {})
    if policy == "merge_set":
        ours = set(change.record.own_elements.get(column, []))
        desired, own = merged(column, current, desired, ours, salt=run.salt)
        change.own_elements[column] = own
        desired = desired or api_value(
            entity, change.row.source_key, column, None, Translation(run.catalog, {})
        )
    last = change.record.target_hashes.get(column)
    now = target_hash(column, current, salt=run.salt)
    has_landed = any(one.hash_sent == now != one.hash_before for one in doubtful)
    maybe = {one for pair in doubtful for one in (pair.hash_before, pair.hash_sent)}
    basis = Basis(
        hashes=maybe | ({last} if last else set()),
        is_adoption=change.record.origin == "adopted" and last is None and not has_landed,
    )
    verdict = decide(
        policy, column, current=current, desired=desired, basis=basis, ranks=ranks, salt=run.salt
    )
    if verdict == "keep" and policy != "never_raise" and column in change.row.take_ours:
        verdict = "send"
    if verdict == "send" and is_lasting_link(column, desired):
        verdict = "keep"
    if verdict == "keep" and column in change.row.keep_theirs:
        change.settled.append(column)
    elif verdict == "keep":
        change.kept.append(column)
    elif verdict == "same":
        change.same.append(column)
        change.landed |= {column} if has_landed else set()
    elif is_lasting_value(column, desired):
        change.lasting.append(column)
    else:
        if policy == "never_raise":
            rank_guard(entity, change.row.source_key, column, current, desired, ranks)
        change.values[column] = desired


def held_hashes(run: Run, phase: Phase, change: Change) -> dict[str, str]:
    """What is ours in the record before anything is sent. In an adopted one, what had landed."""
    hashes = dict(change.record.target_hashes)
    for column in change.same:
        if change.record.origin == "created" or column in change.landed:
            value = current_value(phase.entity, column, change.current, run.catalog)
            hashes[column] = target_hash(column, value, salt=run.salt)
    return hashes
