"""Makes the plan of an undo: what the ledger says we wrote, held against what is there now.

Each page of the target's lists is judged as it comes; then, children before parents, what may go
is told from what has to stay, because something that stays refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from load.ledger import removals
from load.ledger.records import Record
from load.ledger.removals import WrittenColumn
from load.payload import PARENT_SUFFIX, api_name, current_value, target_hash
from load.phases import PHASE_OF, Phase
from load.run import Run
from load.undo.account import ORDER, hangs_on, only_ours_made, read_account
from load.undo.plan import UndoPlan, UndoRow, deadline, in_order
from load.undo.rules import Column, is_custom, put_back, touched
from load.undo.selection import Selection

STUCK: Final = "it was empty: the API can't empty it again"


@dataclass(slots=True)
class Finding:
    """One record of ours that is there: deleted if nothing speaks against it, or put back."""

    record: Record
    is_chosen: bool = False
    against: str = ""
    restore: tuple[str, ...] = ()
    spared: dict[str, str] = field(default_factory=dict)
    done: tuple[str, ...] = ()


@dataclass(slots=True)
class Planner:
    """Gathers findings while the lists are read."""

    run: Run
    selection: Selection
    ours: frozenset[str] = frozenset()
    found: dict[str, dict[int, Finding]] = field(
        default_factory=lambda: {name: {} for name in ORDER}
    )

    def see(self, phase: Phase, page: Sequence[dict[str, Any]]) -> None:
        """Judges the records of ours on one page."""
        ids = [record["id"] for record in page]
        ours = removals.by_target_ids(self.run.ledger, phase.entity, ids)
        if not ours:
            return
        keys = [record.source_key for record in ours.values()]
        makers = removals.made_by(self.run.ledger, phase.entity, keys)
        written = removals.written_columns(self.run.ledger, phase.entity, keys)
        for shown in page:
            record = ours.get(shown["id"])
            if record is not None:
                self.found[phase.entity][shown["id"]] = self._judge(
                    record, shown, makers.get(record.source_key), written
                )

    def _judge(
        self,
        record: Record,
        shown: Mapping[str, Any],
        maker: tuple[str, str | None] | None,
        written: Mapping[str, list[WrittenColumn]],
    ) -> Finding:
        finding, selection = Finding(record), self.selection
        if not (selection.takes_entity(record.entity) and selection.takes_key(record.source_key)):
            return finding
        is_maker_chosen = maker is not None and selection.takes_run(*maker)
        if record.state == "removing" or (
            record.origin == "created" and is_maker_chosen and not selection.column
        ):
            finding.is_chosen = True
            reasons = touched(record, shown, self.run.catalog, salt=self.run.salt)
            if reasons:
                finding.against = f"changed by others: {', '.join(sorted(reasons))}"
            elif hung := hangs_on(shown, ours=self.ours):
                finding.against = f"carries {', '.join(hung)} of others"
            return finding
        columns = columns_to_put_back(
            self.run, selection, record, written.get(record.source_key, []),
            clears_own=is_maker_chosen,
        )  # fmt: skip
        _judge_columns(self.run, finding, columns, shown)
        return finding


def columns_to_put_back(
    run: Run,
    selection: Selection,
    record: Record,
    written: Sequence[WrittenColumn],
    *,
    clears_own: bool,
) -> list[Column]:
    """The columns that the selection takes back in a record that stays."""
    target = record.pipedrive_id or 0
    found = [
        _column(
            run, record, name,
            before=removals.before_image(run.ledger, record.entity, target, updates[0]),
            sent={one.hash_sent for one in updates[-1:]},
        )
        for name, updates in selection.columns(written).items()
    ]  # fmt: skip
    name = selection.column
    clears = name and clears_own and record.origin == "created" and is_custom(name)
    empty = target_hash(name, None, salt=run.salt)
    holds = record.target_hashes.get(name, empty) != empty
    if clears and holds and name not in {one.name for one in found}:
        found.append(_column(run, record, name, before=None, sent=set()))
    return found


def _column(run: Run, record: Record, name: str, *, before: Any, sent: set[str]) -> Column:
    last = record.target_hashes.get(name)
    own = record.own_elements.get(name)
    is_ranked = run.policies.get((record.entity, name)) == "never_raise"
    return Column(
        name=name,
        before=before,
        ours=frozenset(sent | ({last} if last else set())),
        own_elements=frozenset(own) if own is not None else None,
        ranks=run.ranks.get((record.entity, name), {}) if is_ranked else None,
        is_adopted=record.origin == "adopted",
    )


def _judge_columns(
    run: Run, finding: Finding, columns: Sequence[Column], shown: Mapping[str, Any]
) -> None:
    restore, done, follows = [], [], []
    for column in columns:
        current = current_value(finding.record.entity, column.name, shown, run.catalog)
        verdict, _ = put_back(column, current, salt=run.salt)
        if verdict == "restore":
            restore.append(column.name)
        elif verdict == "same":
            done.append(column.name)
        elif verdict == "spare":
            finding.spared[column.name] = "changed by others"
        elif verdict == "stuck":
            finding.spared[column.name] = STUCK
        elif verdict == "follows":
            follows.append(column.name)
        else:
            finding.spared[column.name] = "narrowed: putting it back would raise it"
    if "status" not in restore:
        finding.spared |= dict.fromkeys(follows, STUCK)
    finding.restore, finding.done = tuple(restore), tuple(done)


async def make_plan(run: Run, selection: Selection) -> UndoPlan:
    """Reads the target and decides. Sends nothing but reads."""
    planner = Planner(run, selection, only_ours_made(run.ledger))
    account = await read_account(run, planner.see)
    plan = UndoPlan(account=account)
    plan.rows = in_order(_rows(planner, plan))
    return plan


def _rows(planner: Planner, plan: UndoPlan) -> Iterator[UndoRow]:
    _hold_against_children(planner, plan)
    for entity in ORDER:
        for target, finding in planner.found[entity].items():
            yield from _rows_of(planner, finding, target)
        yield from _missing(planner, entity)


def _hold_against_children(planner: Planner, plan: UndoPlan) -> None:
    """A record stays if anything refers to it that stays itself. Deals first: lines follow them."""
    for target, finding in planner.found["deal"].items():
        children = plan.account.children.get(("deal", target), [])
        _hold(planner, finding, children)
    for finding in planner.found["deal_product"].values():
        deal = planner.found["deal"].get(finding.record.deal_id or 0)
        if finding.is_chosen and not finding.against and deal and deal.is_chosen and deal.against:
            finding.against = "its deal stays"
        elif finding.is_chosen and not (deal and deal.is_chosen) and _is_archived(plan, finding):
            finding.against = finding.against or "its deal is archived: the API cannot change it"
    for entity in ("product", "person", "organization"):
        for target, finding in planner.found[entity].items():
            _hold(planner, finding, plan.account.children.get((entity, target), []))


def _is_archived(plan: UndoPlan, line: Finding) -> bool:
    return line.record.deal_id in plan.account.archived


def _hold(planner: Planner, finding: Finding, children: Sequence[tuple[str, int]]) -> None:
    if not finding.is_chosen or finding.against:
        return
    for entity, child_id in children:
        child = planner.found[entity].get(child_id)
        if child is None:
            finding.against = f"carries {a_kind(entity)} of others"
        elif _is_unlinked(finding.record.entity, child) or (child.is_chosen and not child.against):
            continue
        elif child.against.startswith("changed"):
            finding.against = f"carries {a_kind(entity)} that others changed"
        else:
            finding.against = f"carries {a_kind(entity)} that stays"
        if finding.against:
            return


def a_kind(entity: str) -> str:
    """An entity with its article."""
    return f"an {entity}" if entity.startswith(("a", "o")) else f"a {entity}"


def _is_unlinked(parent: str, child: Finding) -> bool:
    """Whether the child is put back to another parent than this one."""
    names = {"organization": "org_id", "person": "person_id", "product": "product_id"}
    return any(
        column.endswith(PARENT_SUFFIX) and api_name(column) == names.get(parent)
        for column in child.restore
    )


def _rows_of(planner: Planner, finding: Finding, target: int) -> Iterator[UndoRow]:
    record, entity = finding.record, finding.record.entity
    if finding.against:
        yield UndoRow(entity, record.source_key, target, "spare", finding.against)
    elif finding.is_chosen:
        deal = planner.found["deal"].get(record.deal_id or 0)
        goes_along = entity == "deal_product" and deal is not None and deal.is_chosen
        yield UndoRow(
            entity, record.source_key, target,
            "with its deal" if goes_along else "delete",
            "made by us, untouched since",
            tokens=0 if goes_along else PHASE_OF[entity].delete_cost,
            restorable_until=None
            if entity == "deal_product" and not goes_along
            else deadline(planner.run.ledger.now()),
        )  # fmt: skip
    if finding.restore or finding.done:
        yield UndoRow(
            entity, record.source_key, target, "restore",
            "holds what we wrote" if finding.restore else "holds what it held before",
            columns=finding.restore,
            tokens=_restore_cost(planner, entity, finding.restore),
        )  # fmt: skip
    for why in sorted(set(finding.spared.values())):
        columns = tuple(sorted(name for name, said in finding.spared.items() if said == why))
        yield UndoRow(entity, record.source_key, target, "spare", why, columns=columns)


def _restore_cost(planner: Planner, entity: str, columns: Sequence[str]) -> int:
    """One call, and the change log where a column may not be raised."""
    phase, policies = PHASE_OF[entity], planner.run.policies
    is_guarded = any(policies.get((entity, name)) == "never_raise" for name in columns)
    has_log = is_guarded and phase.changelog_path is not None
    return (phase.update_cost if columns else 0) + (phase.changelog_cost if has_log else 0)


def _missing(planner: Planner, entity: str) -> Iterator[UndoRow]:
    """Records of ours that no list shows: deleted by us in a run that died, or by others."""
    if not planner.selection.takes_entity(entity) or planner.selection.column:
        return
    ledger, live = planner.run.ledger, planner.found[entity]
    rows = ledger.db.execute(
        "select source_key, pipedrive_id, state, deal_id from id_map where entity = ?"
        " and state in ('confirmed', 'removing') and origin = 'created'",
        (entity,),
    ).fetchall()
    absent = [row for row in rows if row["pipedrive_id"] not in live]
    makers = removals.made_by(ledger, entity, [row["source_key"] for row in absent])
    for row in absent:
        key, target = row["source_key"], row["pipedrive_id"]
        maker = makers.get(key)
        if row["state"] == "removing":
            yield UndoRow(entity, key, target, "gone", "deleted by us before")
        elif (
            maker is not None
            and planner.selection.takes_run(*maker)
            and planner.selection.takes_key(key)
        ):
            yield UndoRow(entity, key, target, "gone", "deleted by others")
    doubtful = ledger.db.execute(
        "select source_key from id_map where entity = ? and state in ('intent', 'ambiguous')",
        (entity,),
    ).fetchall()
    for row in doubtful:
        yield UndoRow(entity, row["source_key"], 0, "cannot", "its outcome is not settled yet")
    for row in ledger.db.execute(
        "select source_key, pipedrive_id from extras where entity = ? and action = 'to review'",
        (entity,),
    ).fetchall():
        yield UndoRow(
            entity, row["source_key"], row["pipedrive_id"], "cannot",
            "a second record with this key, to be looked at by a person",
        )  # fmt: skip
