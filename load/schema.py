"""Carries out what `load.schema_plan` says about fields: rename, replace, prune; then creates.

A field goes only while every live record that holds a value of it is ours and holds what we wrote;
archived deals are looked at too. A call of unknown outcome is settled by listing the fields again.
What is about to be deleted is written down first, so that a killed run knows who deleted it.

Raises `ConfigError` for a clash and a refusal, `RetryLater` where nothing is sure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from load.account import check_account
from load.confirming import refuse_unconfirmed, unconfirmed
from load.crashpoints import crashpoint
from load.errors import ConfigError, RetryLater
from load.ledger.catalog import (
    FieldCode,
    field_codes,
    forget_field,
    forget_values,
    option_ids,
    save_field,
)
from load.lists import pages
from load.merge import element_hashes
from load.payload import Catalog, current_value, target_hash
from load.phases import PHASE_OF
from load.pipelines import Places, list_places, provision_pipelines
from load.provision import FIELD_LISTS, Listed, list_fields, provision_fields, wanted_fields
from load.run import Run
from load.schema_more import more_steps
from load.schema_plan import DELETE_COST, WRITE_COST, SchemaStep, schema_steps

DELETING: Final = "field to be deleted"
_ROUNDS: Final = 3
_PAGE: Final[Mapping[str, str | int]] = {"limit": 500, "sort_by": "id"}


@dataclass(frozen=True, slots=True)
class SchemaResult:
    """Each step with what became of it: `done`, `planned`, or why it stayed."""

    steps: tuple[tuple[SchemaStep, str], ...]

    @property
    def stays(self) -> bool:
        """Whether something asked for was not done."""
        return any(outcome not in ("done", "planned", "reported") for _, outcome in self.steps)


async def plan_schema(run: Run) -> list[SchemaStep]:
    """What would be done. Reads fields, pipelines and stages (50 tokens) and changes nothing."""
    return _steps(run, await list_fields(run), await list_places(run))


def _steps(run: Run, listed: Listed, places: Places) -> list[SchemaStep]:
    steps = schema_steps(run.ledger, wanted_fields(run), listed)
    return [*steps, *more_steps(run, listed, places)]


async def change_schema(run: Run, *, replace: bool, prune: bool) -> SchemaResult:
    """Makes the account's fields those of the catalogue; `replace` and `prune` delete values."""
    await check_account(run)
    listed, places = await list_fields(run), await list_places(run)
    _finish_deletions(run, listed)
    steps = _steps(run, listed, places)
    _refuse_clashes(steps)
    refuse_unconfirmed(unconfirmed(run, listed, places))
    run.catalog = Catalog(field_codes(run.ledger), option_ids(run.ledger))
    allowed = {"replace": replace, "prune": prune}
    outcomes: dict[tuple[str, str, str], str] = {}
    for step in steps:
        place = _of(step)
        if step.action == "rename":
            outcomes[place] = await _rename(run, step)
        elif step.action in allowed and not allowed[step.action]:
            outcomes[place] = f"needs --{step.action}"
        elif step.action in allowed:
            outcomes[place] = await _delete(run, step)
    if not any(step.action == "replace" and outcomes[_of(step)] != "done" for step in steps):
        # a field that could not be replaced still has its old type, which a load refuses
        await provision_fields(run)
        await provision_pipelines(run, places)
    return SchemaResult(tuple((step, outcomes.get(_of(step), _rest(step))) for step in steps))


def _of(step: SchemaStep) -> tuple[str, str, str]:
    return step.action, step.entity, step.column_name


def _place(step: SchemaStep) -> tuple[str, str]:
    return step.entity, step.column_name


def _rest(step: SchemaStep) -> str:
    return "reported" if step.action == "left" else "done"


def _refuse_clashes(steps: list[SchemaStep]) -> None:
    clashes = [step for step in steps if step.action == "clash"]
    if clashes:
        first = clashes[0]
        raise ConfigError(
            f"{first.entity} {first.column_name}: {first.why}"
            + (f"; {len(clashes) - 1} more such fields" if len(clashes) > 1 else "")
        )


async def _rename(run: Run, step: SchemaStep) -> str:
    path = f"{FIELD_LISTS[step.entity]}/{step.field_code}"
    for _ in range(_ROUNDS):
        sent = await run.send(
            "PATCH", path, cost=WRITE_COST, body={"field_name": step.becomes}, entity="field"
        )
        run.raise_if_stopped()
        crashpoint("schema.after_rename", "field")
        if sent.kind == "rejected":
            return sent.reason
        if sent.kind == "ok" or await _is_named(run, step):
            known = field_codes(run.ledger)[_place(step)]
            save_field(run.ledger, _renamed(known, step.becomes), created=False)
            run.count("field", "renamed")
            return "done"
    raise RetryLater(f"{step.entity} {step.column_name}: nobody knows whether it was renamed")


def _renamed(known: FieldCode, name: str) -> FieldCode:
    return FieldCode(
        known.entity, known.column_name, known.field_code, name, known.field_type, known.state
    )


async def _is_named(run: Run, step: SchemaStep) -> bool:
    await run.clock.sleep(run.settle_seconds)
    listed = await list_fields(run)
    return any(
        one["field_code"] == step.field_code and one["field_name"] == step.becomes
        for one in listed[step.entity]
    )


async def _delete(run: Run, step: SchemaStep) -> str:
    """Deletes a field of ours, unless somebody else's value stands in it."""
    foreign = await _foreign_values(run, step)
    if foreign:
        return f"{foreign:,} records hold a value that is not ours: it stays"
    run.ledger.event(DELETING, {"entity": step.entity, "name": step.column_name,
                                "code": step.field_code})  # fmt: skip
    crashpoint("schema.before_delete", "field")
    path = f"{FIELD_LISTS[step.entity]}/{step.field_code}"
    for _ in range(_ROUNDS):
        sent = await run.send("DELETE", path, cost=DELETE_COST, body=None, entity="field")
        run.raise_if_stopped()
        crashpoint("schema.after_delete", "field")
        if sent.kind == "rejected" and sent.status not in (404, 410):
            return sent.reason
        if sent.kind not in ("ok", "rejected"):
            await run.clock.sleep(run.settle_seconds)
            listed = await list_fields(run)
            if any(one["field_code"] == step.field_code for one in listed[step.entity]):
                continue
        _forget(run, step.entity, step.column_name)
        return "done"
    raise RetryLater(f"{step.entity} {step.column_name}: nobody knows whether it was deleted")


def _finish_deletions(run: Run, listed: Listed) -> None:
    """Fields that a killed run of ours deleted are no administrator's doing."""
    there = {one["field_code"] for fields in listed.values() for one in fields}
    for row in run.ledger.db.execute("select detail from events where what = ?", (DELETING,)):
        detail = json.loads(row["detail"])
        known = field_codes(run.ledger).get((detail["entity"], detail["name"]))
        if (
            known is not None
            and known.state == "active"
            and known.field_code == detail["code"]
            and known.field_code not in there
        ):
            _forget(run, detail["entity"], detail["name"])


def _forget(run: Run, entity: str, column: str) -> None:
    empty = target_hash(column, None, salt=run.salt)
    with run.ledger.transaction():
        forget_field(run.ledger, entity, column)
        forget_values(run.ledger, entity, column, empty)
        run.ledger.event("field deleted", {"entity": entity, "name": column})
    run.count("field", "deleted")


async def _foreign_values(run: Run, step: SchemaStep) -> int:
    """Live records whose value in this field is not what we wrote into a record of ours."""
    phase, foreign = PHASE_OF[step.entity], 0
    lists = [(phase.list_path, phase.list_cost)]
    lists += [(path, cost) for path, _, cost in phase.hidden_lists if path.endswith("/archived")]
    for path, cost in lists:
        async for page in pages(run.client, path, _PAGE, cost=cost, entity=step.entity):
            run.raise_if_stopped()
            foreign += sum(not _is_ours(run, step, one) for one in page)
    return foreign


def _is_ours(run: Run, step: SchemaStep, record: Mapping[str, Any]) -> bool:
    column = step.column_name
    value = current_value(step.entity, column, record, run.catalog)
    if value is None or value == []:
        return True
    row = run.ledger.db.execute(
        "select target_hashes, own_elements from id_map where entity = ? and pipedrive_id = ?",
        (step.entity, record["id"]),
    ).fetchone()
    if row is None:
        return False
    own = json.loads(row["own_elements"] or "{}").get(column)
    if own is not None:
        return set(element_hashes(column, value, salt=run.salt)) <= set(own)
    held = json.loads(row["target_hashes"] or "{}").get(column)
    return bool(held == target_hash(column, value, salt=run.salt))
