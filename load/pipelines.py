"""Pipelines and their stages: matched by name, made if missing, kept in the id map.

Small lists, so a lost answer is settled by listing again. Names are not unique in the target: two
pipelines of one name are a `ConfigError`, because nobody could say which is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from load.errors import ConfigError, RetryLater
from load.ledger import doubts, records
from load.ledger.records import CreateIntent, Written
from load.lists import pages
from load.run import Run

_COST = 5
_ROUNDS = 3


async def provision_pipelines(run: Run) -> None:
    """Makes sure that every planned pipeline and stage is there."""
    planned = run.plan.table("plan_pipelines")
    if planned:
        listed = await _listed(run, "/api/v2/pipelines")
        for pipeline in planned:
            await _ensure(
                run, "pipeline", pipeline["source_key"], {"name": pipeline["name"]}, listed
            )
    stages = run.plan.table("plan_stages")
    if not stages:
        return
    listed = await _listed(run, "/api/v2/stages")
    parents = records.fetch(run.ledger, [stage["pipeline__source_key"] for stage in stages])
    for stage in stages:
        parent = parents[stage["pipeline__source_key"]]
        body = {"name": stage["name"], "pipeline_id": parent.pipedrive_id}
        await _ensure(run, "stage", stage["source_key"], body, listed)


async def recognise_pipelines(run: Run) -> dict[str, int]:
    """Remembers the planned pipelines and stages that are there. Makes nothing."""
    found = {"pipeline": 0, "stage": 0}
    planned = run.plan.table("plan_pipelines")
    listed = await _listed(run, "/api/v2/pipelines") if planned else []
    ids: dict[str, int] = {}
    for pipeline in planned:
        remote = _match("pipeline", {"name": pipeline["name"]}, listed)
        if remote is not None:
            ids[pipeline["source_key"]] = remote["id"]
            _confirm(run, "pipeline", pipeline["source_key"], remote["id"], origin="adopted")
            found["pipeline"] += 1
    listed = await _listed(run, "/api/v2/stages") if ids else []
    for stage in run.plan.table("plan_stages"):
        pipeline_id = ids.get(stage["pipeline__source_key"])
        body = {"name": stage["name"], "pipeline_id": pipeline_id}
        remote = _match("stage", body, listed) if pipeline_id else None
        if remote is not None:
            _confirm(run, "stage", stage["source_key"], remote["id"], origin="adopted")
            found["stage"] += 1
    return found


async def _listed(run: Run, path: str) -> list[dict[str, Any]]:
    return [
        one
        async for page in pages(run.client, path, {"limit": 500}, cost=_COST, entity="pipeline")
        for one in page
        if not one.get("is_deleted")
    ]


async def _ensure(
    run: Run, entity: str, key: str, body: dict[str, Any], listed: list[dict[str, Any]]
) -> None:
    known = records.fetch(run.ledger, [key]).get(key)
    if known and known.state == "confirmed":
        if not any(one["id"] == known.pipedrive_id for one in listed):
            raise ConfigError(f"{entity} {key} was deleted in the account; restore it there")
        return
    path = f"/api/v2/{entity}s"
    if known and known.state in ("intent", "ambiguous"):
        await run.clock.sleep(run.settle_seconds)
        listed[:] = await _listed(run, path)
    for _ in range(_ROUNDS):
        found = _match(entity, body, listed)
        if found is not None:
            _confirm(run, entity, key, found["id"], origin="created" if known else "adopted")
            return
        records.intend_creates(
            run.ledger, entity, path, [CreateIntent(key, None, {})], plan_digest=run.plan.digest
        )
        known = records.fetch(run.ledger, [key])[key]
        sent = await run.send("POST", path, cost=_COST, body=body, entity=entity)
        run.raise_if_stopped()
        if (
            sent.kind == "ok"
            and isinstance(sent.data, dict)
            and isinstance(sent.data.get("id"), int)
        ):
            _confirm(run, entity, key, sent.data["id"], origin="created")
            return
        if sent.kind == "rejected":
            records.quarantine(run.ledger, entity, key, str(sent.status), sent.reason)
            raise ConfigError(f"{entity} {body['name']!r} was {sent.reason}")
        await run.clock.sleep(run.settle_seconds)
        listed[:] = await _listed(run, path)
    raise RetryLater(f"{entity} {body['name']!r} could not be made; run apply again")


def _match(
    entity: str, body: dict[str, Any], listed: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    same = [one for one in listed if all(one.get(name) == value for name, value in body.items())]
    if len(same) > 1:
        raise ConfigError(
            f"the account has {len(same)} of {entity} {body['name']!r}; rename all but one"
        )
    return same[0] if same else None


def _confirm(run: Run, entity: str, key: str, target_id: int, *, origin: str) -> None:
    doubts.settle_attempts(run.ledger, entity, key, "create", "applied")
    records.confirm(
        run.ledger, entity, key, Written(target_id, None, {}, {}, origin=origin),
        plan_digest=run.plan.digest,
    )  # fmt: skip
    run.count(entity, origin)
