"""Pipelines and their stages: matched by committed id, then by name, made if missing, kept in the
id map.

Small lists, so a lost answer is settled by listing again. Names are not unique in the target: two
pipelines of one name are a `ConfigError`, because nobody could say which is meant. Whether what
has our name is meant at all is asked before (`load.confirming`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.errors import ConfigError, RetryLater
from load.ledger import doubts, records
from load.ledger.records import CreateIntent, Written
from load.lists import pages
from load.plan import FrozenPlan
from load.run import Run

_COST = 5
_ROUNDS = 3


@dataclass(slots=True)
class Places:
    """What the account has; None: not asked for yet."""

    pipelines: list[dict[str, Any]] | None = None
    stages: list[dict[str, Any]] | None = None
    # planned pipelines that are there, by key
    ids: dict[str, int] = field(default_factory=dict)

    def stages_of(self, pipeline_key: str) -> list[dict[str, Any]]:
        """Stages of a planned pipeline that is there."""
        return [
            one for one in self.stages or () if one["pipeline_id"] == self.ids.get(pipeline_key)
        ]

    def planned(self, plan: FrozenPlan) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
        """Each planned pipeline and stage: entity, its row, and what is there to be it."""
        return [
            *(("pipeline", row, self.pipelines or []) for row in plan.table("plan_pipelines")),
            *(
                ("stage", row, self.stages_of(row["pipeline__source_key"]))
                for row in plan.table("plan_stages")
            ),
        ]


async def list_places(run: Run) -> Places:
    """Pipelines, and stages if one of ours is there (5 tokens each)."""
    places = Places()
    planned = run.plan.table("plan_pipelines")
    if not planned:
        return places
    places.pipelines = await _listed(run, "/api/v2/pipelines")
    known = records.fetch(run.ledger, [pipeline["source_key"] for pipeline in planned])
    for pipeline in planned:
        key = pipeline["source_key"]
        record, remote = known.get(key), same_place(pipeline, places.pipelines)
        if record is not None and record.pipedrive_id is not None:
            places.ids[key] = record.pipedrive_id
        elif remote is not None:
            places.ids[key] = int(remote["id"])
    if places.ids:
        places.stages = await _listed(run, "/api/v2/stages")
    return places


def unknown_places(run: Run) -> bool:
    """Whether the plan has pipelines or stages that the ledger does not know."""
    keys = [
        row["source_key"]
        for table in ("plan_pipelines", "plan_stages")
        for row in run.plan.table(table)
    ]
    return len(records.fetch(run.ledger, keys)) < len(set(keys))


async def provision_pipelines(run: Run, places: Places | None = None) -> None:
    """Makes sure that every planned pipeline and stage is there; `places` spares the listing."""
    places = places or Places()
    planned = run.plan.table("plan_pipelines")
    if planned:
        listed = places.pipelines
        if listed is None:
            listed = await _listed(run, "/api/v2/pipelines")
        for pipeline in planned:
            await _ensure(run, "pipeline", pipeline, {"name": pipeline["name"]}, listed)
    stages = run.plan.table("plan_stages")
    if not stages:
        return
    listed = places.stages
    if listed is None:
        listed = await _listed(run, "/api/v2/stages")
    parents = records.fetch(run.ledger, [stage["pipeline__source_key"] for stage in stages])
    for stage in stages:
        parent = parents[stage["pipeline__source_key"]]
        body = {"name": stage["name"], "pipeline_id": parent.pipedrive_id}
        await _ensure(run, "stage", stage, body, listed)


async def recognise_pipelines(run: Run) -> dict[str, int]:
    """Remembers the planned pipelines and stages that are there. Makes nothing."""
    places = await list_places(run)
    for key, pipeline_id in places.ids.items():
        _confirm(run, "pipeline", key, pipeline_id, origin="adopted")
    stages = 0
    for stage in run.plan.table("plan_stages"):
        remote = same_place(stage, places.stages_of(stage["pipeline__source_key"]))
        if remote is not None:
            _confirm(run, "stage", stage["source_key"], remote["id"], origin="adopted")
            stages += 1
    return {"pipeline": len(places.ids), "stage": stages}


def is_committed(planned: Mapping[str, Any], remote: Mapping[str, Any]) -> bool:
    """Whether somebody committed that this is the planned pipeline or stage."""
    return str(remote["id"]) in (planned.get("committed_codes") or ())


def same_place(
    planned: Mapping[str, Any], listed: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """The planned pipeline or stage in a list: the committed one, else that of its name."""
    same = [one for one in listed if is_committed(planned, one)] or [
        one for one in listed if one["name"] == planned["name"]
    ]
    if len(same) > 1:
        raise ConfigError(
            f"the account has {len(same)} of {planned['source_key']} {planned['name']!r}; rename"
            " all but one"
        )
    return same[0] if same else None


async def _listed(run: Run, path: str) -> list[dict[str, Any]]:
    return [
        one
        async for page in pages(run.client, path, {"limit": 500}, cost=_COST, entity="pipeline")
        for one in page
        if not one.get("is_deleted")
    ]


async def _ensure(
    run: Run,
    entity: str,
    planned: Mapping[str, Any],
    body: dict[str, Any],
    listed: list[dict[str, Any]],
) -> None:
    key = planned["source_key"]
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
        found = same_place(planned, _around(entity, body, listed))
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


def _around(
    entity: str, body: Mapping[str, Any], listed: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Stages of the same pipeline; all pipelines."""
    if entity == "pipeline":
        return list(listed)
    return [one for one in listed if one["pipeline_id"] == body["pipeline_id"]]


def _confirm(run: Run, entity: str, key: str, target_id: int, *, origin: str) -> None:
    doubts.settle_attempts(run.ledger, entity, key, "create", "applied")
    records.confirm(
        run.ledger, entity, key, Written(target_id, None, {}, {}, origin=origin),
        plan_digest=run.plan.digest,
    )  # fmt: skip
    run.count(entity, origin)
