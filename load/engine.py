"""Applies a frozen plan: one executor for all entities, in the order of `load.phases`.

    lock, check the account, recover what a dead run left open, provision, then per wave and entity:
    sort rows by what the ledger knows -> update what is there -> create what is not -> settle doubt

`apply` can be killed at any instruction and run again. A finished plan, or a fresh one in which
nothing changed, sends no write. Clock and client are passed in, so that a simulation owns time
and wire. Raises `ConfigError`, `TargetChanged` and `InvariantBroken`; limits and interruptions end
in a result with exit code 75.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from load import guard, watch
from load.account import check_account
from load.archiving import archive_wave
from load.crashpoints import crashpoint
from load.creates import create
from load.errors import ConfigError, MigrationError, RetryLater
from load.finished import unfinished
from load.ledger import changes, doubts, records, removals
from load.ledger.store import Ledger
from load.payload import parent_keys
from load.phases import PHASE_OF, PHASES, Phase
from load.pipelines import provision_pipelines
from load.plan import FrozenPlan, PlanRow
from load.preview import preview
from load.provision import provision_fields
from load.run import Run, Sender, Shows, Timings, Waits
from load.settle import settle
from load.signals import stop_on_signals
from load.sorting import is_wanted, sort_rows
from load.updates import LEFT_TO_PEOPLE, update
from load.values import check_values

CODE_VERSION: Final = "1"
BATCH_SIZE: Final = 480
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What a run did. `counts` is entity -> outcome -> records; a dry run counts `would ...`."""

    run_id: str | None
    plan_digest: str
    counts: dict[str, dict[str, int]]
    calls: int
    writes: int
    tokens: int
    parked: int
    quarantined: int
    value_differences: tuple[str, ...]
    exit_code: int
    message: str = ""


async def apply(
    plan: FrozenPlan,
    ledger: Ledger,
    client: Sender,
    *,
    settings: Timings,
    clock: Waits,
    progress: Shows,
    dry_run: bool = False,
    on_barrier: Callable[[str], object] = lambda _entity: None,
    uploads_folder: Path | None = None,
) -> ApplyResult:
    """Brings the target to the plan. `on_barrier` is called when an entity is done (publishing);
    the files that the plan uploads lie in `uploads_folder`."""
    run = Run(
        plan, ledger, client, settings, clock, progress, on_barrier, uploads_folder=uploads_folder
    )
    run.policies = {(one.entity, one.column_name): one.on_update for one in plan.fields()}
    if dry_run:
        await preview(run)
        return _result(run, 0, "dry run: nothing was sent")
    with ledger.exclusive():
        ledger.start_run("apply", plan_digest=plan.digest, code_version=CODE_VERSION)
        with stop_on_signals(run):
            return await _applied(run)


async def _applied(run: Run) -> ApplyResult:
    """Runs to the end or to the first reason to stop, and writes down which it was."""
    reason = "unforeseen"
    try:
        await _all_phases(run)
        reason = "done"
    except RetryLater as cause:
        reason = f"stopped: {cause}"
        return _result(run, 75, f"{cause}; resume: aiq2pd apply")
    except MigrationError as cause:
        reason = f"failed: {type(cause).__name__}"
        raise
    except BaseExceptionGroup as group:
        reason = f"failed: {type(group.exceptions[0]).__name__}"
        raise group.exceptions[0] from group
    finally:
        crashpoint("run.before_end", "run")
        run.ledger.end_run(reason, writes=run.writes)
    result = _result(run, 0)
    return result if not _open_ends(result) else _result(run, _open_ends(result))


async def _all_phases(run: Run) -> None:
    await check_account(run)
    if left := removals.removing(run.ledger):
        raise ConfigError(f"an undo stopped half way, at {left} records; end it first: aiq2pd undo")
    doubts.recover(run.ledger, settle_seconds=run.settle_seconds)
    if changes.has_doubtful_updates(run.ledger):
        await run.clock.sleep(run.settle_seconds)
    run.catalog = await provision_fields(run)
    run.ranks = guard.option_ranks(run)
    await guard.check_all(run)
    await provision_pipelines(run)
    run.on_barrier("field")
    await _lower_first(run)
    for wave in run.plan.waves():
        for phase in PHASES:
            await _run_phase(run, phase, wave)
        await check_values(run, wave=wave)
        await archive_wave(run, PHASE_OF["deal"], wave=wave)
        run.on_barrier("deal")


async def _lower_first(run: Run) -> None:
    """Updates of columns that may not be raised, such as opt-outs: before all else, of every wave.

    A load goes on for days, and they must not wait for their turn in it. What is still in doubt
    after that is settled in its own phase.
    """
    for phase in PHASES:
        columns = {
            column
            for (entity, column), policy in run.policies.items()
            if (entity, policy) == (phase.entity, "never_raise")
        }
        if not columns or not run.plan.manifest["counts"].get(phase.entity, {}).get("update"):
            continue
        lowering = replace(run.plan, only=frozenset(run.plan.updates_of(phase.entity, columns)))
        run.progress.start(phase.entity, len(lowering.only or ()))
        found = chain.from_iterable(lowering.rows(phase.entity, BATCH_SIZE))
        # whole batches again: what Pipedrive holds is read for 100 records at a time
        while rows := list(islice(found, BATCH_SIZE)):
            unsettled: dict[str, PlanRow] = {}
            await _work_off(run, phase, rows, unsettled)
            run.ahead |= {row.source_key for row in rows} - unsettled.keys()
        run.progress.finish(phase.entity)


async def _run_phase(run: Run, phase: Phase, wave: int) -> None:
    planned = sum(run.plan.manifest["counts"].get(phase.entity, {}).values())
    if not planned:
        return
    run.progress.start(phase.entity, planned)
    unsettled: dict[str, PlanRow] = {}
    plan, done = unfinished(
        run.plan, run.ledger, phase.entity, wave=wave, planned=planned, ahead=run.ahead
    )
    if done:
        run.progress.advance(phase.entity, done)
        run.count(phase.entity, "unchanged", done)
    for rows in whole_groups(phase, plan.rows(phase.entity, BATCH_SIZE, wave=wave)):
        left = [row for row in rows if row.source_key not in run.ahead]
        await _work_off(run, phase, left, unsettled)
        await watch.look(run, phase)
    for _ in range(_ROUNDS):
        if not unsettled:
            break
        await settle(run, phase)
        if any(row for row in unsettled.values() if _was_updating(run, row)):
            await run.clock.sleep(run.settle_seconds)
        again, unsettled = list(unsettled.values()), {}
        await _work_off(run, phase, again, unsettled, first_time=False)
    await guard.check(run, phase)
    await watch.look(run, phase, at_end=True)
    run.progress.finish(phase.entity)
    if unsettled:
        raise RetryLater(f"{len(unsettled)} {phase.entity} records could not be sent or settled")
    crashpoint("phase.before_barrier", phase.entity)
    run.on_barrier(phase.entity)


async def _work_off(
    run: Run,
    phase: Phase,
    rows: list[PlanRow],
    unsettled: dict[str, PlanRow],
    *,
    first_time: bool = True,
) -> None:
    """Does what can be done with these rows now; what is in doubt goes into `unsettled`."""
    keys = dict.fromkeys(row.source_key for row in rows)
    parents = dict.fromkeys(
        key for row in rows for key in [*parent_keys(row.payload), *row.parents]
    )
    known = records.fetch(run.ledger, [*keys, *(key for key in parents if key not in keys)])
    todo = sort_rows(run, phase, rows, known, first_time=first_time)
    unsettled |= {row.source_key: row for row in todo.parked}
    if todo.update:
        known |= records.fetch(run.ledger, [row.source_key for row in todo.update])
        in_doubt = await update(run, phase, todo.update, known)
        unsettled |= {row.source_key: row for row in in_doubt}
    if todo.create:
        await create(run, phase, todo.create, known)
        after = records.fetch(run.ledger, [row.source_key for row in todo.create])
        for row in todo.create:
            if (now := after.get(row.source_key)) and now.state in ("ambiguous", "planned"):
                unsettled[row.source_key] = row


def _was_updating(run: Run, row: PlanRow) -> bool:
    record = records.fetch(run.ledger, [row.source_key]).get(row.source_key)
    return record is not None and record.state == "confirmed" and is_wanted(row, record)


def whole_groups(phase: Phase, batches: Iterable[list[PlanRow]]) -> Iterable[list[PlanRow]]:
    """Batches in which no deal's lines are torn apart, so that bulk calls stay as planned."""
    if not phase.under_deal:
        yield from batches
        return
    carried: list[PlanRow] = []
    for batch in batches:
        rows = carried + batch
        last = rows[-1].payload.get("deal__source_key")
        cut = len(rows)
        while cut and rows[cut - 1].payload.get("deal__source_key") == last:
            cut -= 1
        carried = rows[cut:]
        if cut:
            yield rows[:cut]
    if carried:
        yield carried


def _open_ends(result: ApplyResult) -> int:
    """4 if the target differs from the plan, 3 if records need a human, else 0."""
    outcomes: set[str] = {name for counts in result.counts.values() for name in counts}
    if "conflict" in outcomes:
        return 4
    if (
        outcomes & {"quarantined", "waiting", "refused update", "archived before", LEFT_TO_PEOPLE}
        or result.value_differences
    ):
        return 3
    return 0


def _result(run: Run, exit_code: int, message: str = "") -> ApplyResult:
    used = run.ledger.run_use()
    counts: dict[str, dict[str, Any]] = {
        entity: dict(sorted(counter.items())) for entity, counter in run.outcomes.items()
    }
    return ApplyResult(
        run_id=run.ledger.run_id,
        plan_digest=run.plan.digest,
        counts=counts,
        calls=used[0],
        writes=run.writes,
        tokens=used[1],
        parked=sum(len(records.in_state(run.ledger, one.entity, "ambiguous")) for one in PHASES),
        quarantined=sum(counter.get("quarantined", 0) for counter in run.outcomes.values()),
        value_differences=tuple(run.value_differences),
        exit_code=exit_code,
        message=message,
    )
