"""Undo: plan, ask, delete and put back in reverse order, then read the target again.

    check the account, settle what a dead run left open, plan
      -> notes, lines, deals, products, persons, organizations: restores, then deletions
      -> fields, options, stages and pipelines, if asked for
      -> lists once more: is anything there that we deleted?

It may be killed at any instruction and run again: the plan is made anew from the ledger and the
target, so that nothing depends on memory. A second undo sends no write. Budget, limits and signals
end in a result with exit code 75. Raises `ConfigError` and `InvariantBroken`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from load import guard
from load.account import holder_of
from load.crashpoints import crashpoint
from load.errors import ConfigError, MigrationError, RetryLater
from load.ledger import changes, doubts, records, removals
from load.ledger.store import Ledger
from load.phases import PHASES
from load.plan import FrozenPlan
from load.run import Run, Sender, Shows, Timings, Waits
from load.settle import settle
from load.signals import stop_on_signals
from load.undo import provisioned
from load.undo.account import ORDER, read_account
from load.undo.plan import UndoPlan, UndoRow
from load.undo.planning import a_kind, make_plan
from load.undo.removing import keep, remove, settle_gone
from load.undo.restoring import restore
from load.undo.selection import Selection

_CODE_VERSION: Final = "1"
_GOING: Final = ("delete", "with its deal")


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo did, or would do. `counts` is entity -> outcome -> records."""

    run_id: str | None
    plan: UndoPlan
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    calls: int = 0
    writes: int = 0
    tokens: int = 0
    stays: tuple[str, ...] = ()
    exit_code: int = 0
    message: str = ""


async def undo(
    selection: Selection,
    policies: FrozenPlan,
    ledger: Ledger,
    client: Sender,
    *,
    settings: Timings,
    clock: Waits,
    progress: Shows,
    agree: Callable[[UndoPlan], bool],
    dry_run: bool = False,
) -> UndoResult:
    """Takes back what `selection` says. `policies` is the newest plan: its field rules hold."""
    selection.check()
    run = Run(policies, ledger, client, settings, clock, progress, lambda _entity: None)
    job = _Undo(run, selection, agree)
    await job.get_ready()
    if dry_run:
        return job.result(await job.planned(), message="dry run: nothing was sent")
    with ledger.exclusive():
        ledger.start_run("undo", plan_digest=None, code_version=_CODE_VERSION)
        with stop_on_signals(run):
            return await job.carried_out()


@dataclass(slots=True)
class _Undo:
    run: Run
    selection: Selection
    agree: Callable[[UndoPlan], bool]
    plan: UndoPlan = field(default_factory=UndoPlan)
    stays: list[str] = field(default_factory=list)

    async def get_ready(self) -> None:
        """Whose account it is, and what its fields mean."""
        run, bound = self.run, self.run.ledger.binding()
        if bound is None:
            raise ConfigError("the ledger knows of no load yet: there is nothing to undo")
        holder = await holder_of(run.client)
        if holder.company_id != bound["company_id"]:
            raise ConfigError("the token is of another company than the ledger; use the ledger's")
        run.salt, run.user_id = bound["ledger_id"], holder.user_id
        run.catalog = provisioned.names(run)
        run.policies = {(one.entity, one.column_name): one.on_update for one in run.plan.fields()}
        run.ranks = guard.option_ranks(run)

    async def planned(self) -> UndoPlan:
        self.plan = await make_plan(self.run, self.selection)
        if self.selection.fields:
            self.plan.provisioned_tokens = provisioned.planned_tokens(self.run)
        return self.plan

    async def carried_out(self) -> UndoResult:
        """To the end or to the first reason to stop, and writes down which it was."""
        run, reason = self.run, "unforeseen"
        try:
            await self._settle_doubts()
            plan = await self.planned()
            if not self.agree(plan):
                reason = "declined"
                return self.result(plan, exit_code=2, message="nothing was undone")
            await self._work_off(plan)
            reason = "done"
        except RetryLater as cause:
            reason = f"stopped: {cause}"
            message = f"{cause}; resume: run the same undo again"
            return self.result(self.plan, exit_code=75, message=message)
        except MigrationError as cause:
            reason = f"failed: {type(cause).__name__}"
            raise
        except BaseExceptionGroup as group:
            reason = f"failed: {type(group.exceptions[0]).__name__}"
            raise group.exceptions[0] from group
        finally:
            run.ledger.end_run(reason, writes=run.writes)
        return self.result(plan, exit_code=self._open_ends(plan))

    async def _settle_doubts(self) -> None:
        """A load that died may have made what the ledger does not know yet."""
        run = self.run
        doubts.recover(run.ledger, settle_seconds=run.settle_seconds)
        if changes.has_doubtful_updates(run.ledger):
            await run.clock.sleep(run.settle_seconds)
        await guard.check_all(run)
        for phase in PHASES:
            await settle(run, phase)

    async def _work_off(self, plan: UndoPlan) -> None:
        run, account = self.run, plan.account
        run.ledger.event("undo planned", {"rows": _flat(plan.counts()), "tokens": plan.tokens})
        for row in plan.rows:
            if row.what == "gone":
                by_us = row.why == "deleted by us before"
                settle_gone(run, row.entity, row.source_key, row.pipedrive_id, by_us=by_us)
            elif row.what == "spare":
                self._note_spared(row)
        for entity in ORDER:
            changed = plan.of(entity, "restore")
            deleted = self._clear(entity, plan)
            if changed:
                await restore(run, self.selection, entity, changed, account)
            if deleted:
                await remove(run, entity, deleted, account)
            run.on_barrier(entity)
        crashpoint("undo.before_verify", "run")
        await self._verify(plan)

    def _clear(self, entity: str, plan: UndoPlan) -> list[UndoRow]:
        """What may still be deleted: a child that was kept after all keeps its parent."""
        going = {(row.entity, row.pipedrive_id) for row in plan.rows if row.what in _GOING}
        # lines are there until their deal is deleted
        along = {child for child in going if child[0] == "deal_product" and entity == "deal"}
        ready = []
        for row in plan.of(entity, "delete"):
            children = plan.account.children.get((entity, row.pipedrive_id), [])
            left = [
                child
                for child in children
                if child in going and child not in along and self._is_known(*child)
            ]
            if left:
                keep(self.run, row, f"carries {a_kind(left[0][0])} that stays")
            else:
                ready.append(row)
        return ready

    def _is_known(self, entity: str, target: int) -> bool:
        return bool(removals.by_target_ids(self.run.ledger, entity, [target]))

    def _note_spared(self, row: UndoRow) -> None:
        """A record that stays whole is written down; columns that stay are only counted."""
        if row.columns:
            self.run.count(row.entity, "spared columns", len(row.columns))
        else:
            keep(self.run, row, row.why)

    async def _verify(self, plan: UndoPlan) -> None:
        """Reads all lists again: what we deleted must not be there."""
        run = self.run
        await run.clock.sleep(run.settings.list_lag_seconds)
        account = await read_account(run, lambda _phase, _page: None)
        for row in plan.rows:
            if row.what not in _GOING:
                continue
            known = records.fetch(run.ledger, [row.source_key])[row.source_key]
            if known.state == "removed" and row.pipedrive_id in account.live[row.entity]:
                run.count(row.entity, "came back")
                self.stays.append(f"{row.entity} {row.source_key}: listed again after deletion")
        if self.selection.fields:
            self.stays += await provisioned.remove_provisioned(run, account)

    def _open_ends(self, plan: UndoPlan) -> int:
        """3 if something stays that a person should look at."""
        outcomes = {name for counter in self.run.outcomes.values() for name in counter}
        stays = plan.spared() or self.stays or outcomes & {"kept", "refused"}
        return 3 if stays else 0

    def result(self, plan: UndoPlan, *, exit_code: int = 0, message: str = "") -> UndoResult:
        run = self.run
        calls, tokens = run.ledger.run_use()
        counts = {entity: dict(sorted(found.items())) for entity, found in run.outcomes.items()}
        return UndoResult(
            run.ledger.run_id, plan, counts, calls, run.writes, tokens, tuple(self.stays),
            exit_code, message,
        )  # fmt: skip


def _flat(counts: Counter[tuple[str, str]]) -> dict[str, int]:
    return {f"{entity} {what}": number for (entity, what), number in sorted(counts.items())}
