"""Makes the account ready: custom fields with their options, labels, pipelines and stages.

Everything is listed first and matched by the ledger's code, then by the committed one, then by
name, type and being custom; only what is missing is made. Renaming, replacing and deleting is
`load.schema`'s. A call whose outcome is unknown is settled by listing again after
the settle time, so that no name is ever made twice. The cap on custom fields is checked before
the first write.

Raises `ConfigError` for a clash of names or types, for a full cap, and for a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from load.crashpoints import crashpoint
from load.errors import ConfigError, RetryLater, TargetChanged
from load.ledger.catalog import FieldCode, field_codes, option_ids, save_field, save_options
from load.lists import pages
from load.payload import Catalog
from load.phases import PHASES
from load.plan import PlanField
from load.run import Run, Sent

FIELD_CAPS: Final = {"lite": 30, "growth": 100, "premium": 300, "ultimate": 500}
FIELD_LISTS: Final = {phase.entity: phase.field_list for phase in PHASES if phase.field_list}
LABEL_COLUMN: Final = "label_names"
LABEL_CODE: Final = "label_ids"
WITH_OPTIONS: Final = frozenset({"enum", "set"})
_LIST_COST: Final = 10
_WRITE_COST: Final = 5
_ROUNDS: Final = 3

Listed = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class Wanted:
    """What the plan needs of one field."""

    planned: PlanField
    labels: list[str] = field(default_factory=list)


async def provision_fields(run: Run) -> Catalog:
    """Fields, options and labels. Gives the catalogue of this account."""
    wanted, labels = _wanted(run), _labels(run)
    if any(code.state == "intent" for code in field_codes(run.ledger).values()):
        await run.clock.sleep(run.settle_seconds)
    listed = await _list(run, FIELD_LISTS)
    known = field_codes(run.ledger)
    missing = [one for one in wanted if _match(one.planned, known, listed) is None]
    _check_cap(run, listed, len(missing))
    for one in wanted:
        remote = _match(one.planned, field_codes(run.ledger), listed)
        if remote is None:
            remote = await _create_field(run, one, listed)
        else:
            _remember(run, one.planned, remote, created=False)
        await _ensure_options(
            run, one.planned.entity, one.planned.column_name, remote, one.labels,
            is_new=one in missing,
        )  # fmt: skip
    for entity, names in labels.items():
        system = [one for one in listed[entity] if one["field_code"] == LABEL_CODE]
        if not system:
            raise ConfigError(f"{entity}: the account has no label field, yet the plan has labels")
        await _ensure_options(run, entity, LABEL_COLUMN, system[0], names, is_new=False)
    return Catalog(field_codes(run.ledger), option_ids(run.ledger))


async def recognise_fields(
    run: Run,
) -> tuple[dict[tuple[str, str], FieldCode], dict[tuple[str, str], dict[str, int]]]:
    """What provisioning made in the account: fields, and option ids by label. Makes nothing."""
    listed, options = await _list(run, FIELD_LISTS), {}
    for one in _wanted(run):
        remote = _match(one.planned, {}, listed)
        if remote is not None:
            _remember(run, one.planned, remote, created=False)
            place = (one.planned.entity, one.planned.column_name)
            options[place] = _ids_of(remote, one.labels)
    for entity, names in _labels(run).items():
        for remote in listed[entity]:
            if remote["field_code"] == LABEL_CODE:
                options[entity, LABEL_COLUMN] = _ids_of(remote, names)
    return field_codes(run.ledger), options


def _ids_of(remote: Mapping[str, Any], labels: Sequence[str]) -> dict[str, int]:
    there = {_folded(option["label"]): int(option["id"]) for option in remote.get("options") or []}
    return {label: there[_folded(label)] for label in labels if _folded(label) in there}


def wanted_fields(run: Run) -> list[PlanField]:
    """The custom fields that the plan needs."""
    return [one.planned for one in _wanted(run)]


def missing_fields(run: Run, listed: Listed) -> list[PlanField]:
    """The fields that provisioning would make."""
    known = field_codes(run.ledger)
    return [one.planned for one in _wanted(run) if _match(one.planned, known, listed) is None]


async def list_fields(run: Run) -> Listed:
    """The account's fields by entity."""
    return await _list(run, FIELD_LISTS)


def _wanted(run: Run) -> list[Wanted]:
    labels: dict[tuple[str, str], list[str]] = {}
    for option in run.plan.table("plan_field_options"):
        labels.setdefault((option["entity"], option["column_name"]), []).append(
            option["option_label"]
        )
    found = []
    for one in run.plan.fields():
        names = labels.get((one.entity, one.column_name), [])
        # a field of options cannot be made without one, and nothing could be written into it
        if one.field_type != "native" and (names or one.field_type not in WITH_OPTIONS):
            found.append(Wanted(one, list(dict.fromkeys(names))))
    return found


def _labels(run: Run) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in run.plan.table("plan_labels"):
        found.setdefault(label["entity"], []).append(label["label_name"])
    return found


async def _list(run: Run, lists: Mapping[str, str]) -> Listed:
    found: Listed = {}
    for entity, path in lists.items():
        found[entity] = []
        async for page in pages(run.client, path, {"limit": 500}, cost=_LIST_COST, entity="field"):
            found[entity] += page
    return found


def _match(
    one: PlanField, known: Mapping[tuple[str, str], FieldCode], listed: Listed
) -> dict[str, Any] | None:
    """The account's field for a planned one, or None if there is none yet."""
    custom = [remote for remote in listed[one.entity] if remote["is_custom_field"]]
    code = known.get((one.entity, one.column_name))
    if code is not None and code.state == "active":
        for remote in custom:
            if remote["field_code"] == code.field_code:
                return _same_type(one, remote)
        raise TargetChanged(
            f"{one.entity} {one.column_name}: the field {one.field_name!r} that this ledger knows"
            " was deleted in the account; restore it there, or drop it from the mapping, and plan"
            " again"
        )
    committed = [remote for remote in custom if remote["field_code"] in one.field_codes]
    same_name = committed or [
        remote for remote in custom if _folded(remote["field_name"]) == _folded(one.field_name)
    ]
    if len(same_name) > 1:
        raise ConfigError(
            f"{one.entity} {one.column_name}: the account has {len(same_name)} custom fields named"
            f" {one.field_name!r}; rename all but one"
        )
    return _same_type(one, same_name[0]) if same_name else None


def _same_type(one: PlanField, remote: dict[str, Any]) -> dict[str, Any]:
    if remote["field_type"] != one.field_type:
        raise ConfigError(
            f"{one.entity} {one.column_name}: the account's field {one.field_name!r} is"
            f" {remote['field_type']}, the mapping needs {one.field_type}; rename the account's"
            " field, or give ours another field_name in seeds/mapping/fields.csv; one that we made"
            " is replaced by aiq2pd provision --replace"
        )
    return remote


def _check_cap(run: Run, listed: Listed, missing: int) -> None:
    used = sum(remote["is_custom_field"] for fields in listed.values() for remote in fields)
    cap = FIELD_CAPS.get(run.settings.plan.lower())
    if cap is not None and used + missing > cap:
        raise ConfigError(
            f"custom fields: {used} in use and {missing} to be made exceed the {cap} of plan"
            f" {run.settings.plan}; drop fields from the mapping or take a larger plan"
        )


async def _create_field(run: Run, one: Wanted, listed: Listed) -> dict[str, Any]:
    planned = one.planned
    body: dict[str, Any] = {"field_name": planned.field_name, "field_type": planned.field_type}
    if one.labels:
        body["options"] = [{"label": label} for label in one.labels]
    crashpoint("provision.before_intent", "field")
    _remember(run, planned, {"field_code": ""}, created=True, state="intent")
    crashpoint("provision.after_intent", "field")
    for _ in range(_ROUNDS):
        sent = await run.send(
            "POST", FIELD_LISTS[planned.entity], cost=_WRITE_COST, body=body, entity="field"
        )
        crashpoint("provision.after_answer", "field")
        what = f"{planned.entity} {planned.column_name}: field {planned.field_name!r}"
        if sent.kind == "ok" and isinstance(sent.data, dict) and sent.data.get("field_code"):
            _remember(run, planned, sent.data, created=True)
            run.count("field", "created")
            return sent.data
        remote = await _look_again(run, sent, what, planned, listed)
        if remote is not None:
            _remember(run, planned, remote, created=True)
            run.count("field", "created")
            return remote
    raise RetryLater(f"{what} could not be made in {_ROUNDS} attempts; run apply again")


async def _look_again(
    run: Run, sent: Sent, what: str, planned: PlanField, listed: Listed
) -> dict[str, Any] | None:
    """After a call without an answer: is the field there now?"""
    await _settle_or_raise(run, sent, what)
    listed |= await _list(run, {planned.entity: FIELD_LISTS[planned.entity]})
    return _match(planned, {}, listed)


async def _settle_or_raise(run: Run, sent: Sent, what: str) -> None:
    run.raise_if_stopped()
    if sent.kind == "rejected":
        raise ConfigError(f"{what} was {sent.reason}")
    await run.clock.sleep(run.settle_seconds)


async def _ensure_options(
    run: Run,
    entity: str,
    column: str,
    remote: dict[str, Any],
    labels: Sequence[str],
    *,
    is_new: bool,
) -> None:
    """Adds the options that are missing, all in one call, and remembers every id by our label."""
    if not labels:
        return
    made: frozenset[str] = frozenset(labels) if is_new else frozenset()
    options = {_folded(option["label"]): option["id"] for option in remote.get("options") or []}
    for _ in range(_ROUNDS):
        missing = [label for label in labels if _folded(label) not in options]
        if not missing:
            ids = {label: int(options[_folded(label)]) for label in labels}
            save_options(run.ledger, entity, column, ids, created=made)
            return
        path = f"{FIELD_LISTS[entity]}/{remote['field_code']}/options"
        body = [{"label": label} for label in missing]
        sent = await run.send("POST", path, cost=_WRITE_COST, body=body, entity="option")
        made |= frozenset(missing)
        if sent.kind == "ok" and isinstance(sent.data, list):
            options |= {_folded(option["label"]): option["id"] for option in sent.data}
            run.count("option", "created", len(missing))
            continue
        await _settle_or_raise(run, sent, f"{entity} {column}: {len(missing)} options")
        relisted = await _list(run, {entity: FIELD_LISTS[entity]})
        for one in relisted[entity]:
            if one["field_code"] == remote["field_code"]:
                options = {_folded(item["label"]): item["id"] for item in one.get("options") or []}
    raise RetryLater(f"{entity} {column}: options could not be added; run apply again")


def _remember(
    run: Run, one: PlanField, remote: Mapping[str, Any], *, created: bool, state: str = "active"
) -> None:
    known = field_codes(run.ledger).get((one.entity, one.column_name))
    # the name that we gave it, or found: who renamed it since can be told by it
    name = remote.get("field_name") or one.field_name
    if known is not None and known.state == "active" and known.field_code == remote["field_code"]:
        name = known.field_name
    code = FieldCode(one.entity, one.column_name, remote["field_code"], name, one.field_type, state)
    if known != code:
        save_field(run.ledger, code, created=created)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
