"""Makes the account ready: custom fields with their options, labels, pipelines and stages.

Everything is listed first and matched by the ledger's code, then by the committed one, then by
name, type and being custom; only what is missing is made. Renaming, replacing and deleting is
`load.schema`'s. A call whose outcome is unknown is settled by listing again after
the settle time, so that no name is ever made twice. The cap on custom fields is checked before
the first write.

Raises `ConfigError` for a clash of names or types, for a full cap, and for a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from load.crashpoints import crashpoint
from load.errors import ConfigError, RetryLater, TargetChanged
from load.ledger.catalog import (
    FieldCode,
    ask_options,
    field_codes,
    option_ids,
    options_asked_above,
    save_field,
    save_options,
)
from load.lists import pages
from load.payload import Catalog
from load.phases import PHASES
from load.plan import PlanField
from load.run import Run, Sent
from load.wanted import (
    LABEL_CODE,
    LABEL_COLUMN,
    Labels,
    Wanted,
    folded,
    wanted_labels,
    wanted_provisions,
)

FIELD_CAPS: Final = {"lite": 30, "growth": 100, "premium": 300, "ultimate": 500}
FIELD_LISTS: Final = {phase.entity: phase.field_list for phase in PHASES if phase.field_list}
_LIST_COST: Final = 10
_WRITE_COST: Final = 5
_ROUNDS: Final = 3

Listed = dict[str, list[dict[str, Any]]]


async def provision_fields(run: Run) -> Catalog:
    """Fields, options and labels. Gives the catalogue of this account."""
    wanted, labels = wanted_provisions(run), wanted_labels(run)
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
    for one in wanted_provisions(run):
        remote = _match(one.planned, {}, listed)
        if remote is not None:
            _remember(run, one.planned, remote, created=False)
            place = (one.planned.entity, one.planned.column_name)
            options[place] = one.labels.found({}, remote.get("options") or [])
    for entity, labels in wanted_labels(run).items():
        for remote in listed[entity]:
            if remote["field_code"] == LABEL_CODE:
                options[entity, LABEL_COLUMN] = labels.found({}, remote.get("options") or [])
    return field_codes(run.ledger), options


def wanted_fields(run: Run) -> list[PlanField]:
    """The custom fields that the plan needs."""
    return [one.planned for one in wanted_provisions(run)]


def missing_fields(run: Run, listed: Listed) -> list[PlanField]:
    """The fields that provisioning would make."""
    known = field_codes(run.ledger)
    return [
        one.planned for one in wanted_provisions(run) if _match(one.planned, known, listed) is None
    ]


async def list_fields(run: Run) -> Listed:
    """The account's fields by entity."""
    return await _list(run, FIELD_LISTS)


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
    return find_field(one, listed)


def find_field(one: PlanField, listed: Listed) -> dict[str, Any] | None:
    """The account's field for a planned one that the ledger does not know."""
    custom = [remote for remote in listed[one.entity] if remote["is_custom_field"]]
    committed = [remote for remote in custom if remote["field_code"] in one.field_codes]
    same_name = committed or [
        remote for remote in custom if folded(remote["field_name"]) == folded(one.field_name)
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
    if one.labels.names:
        body["options"] = [{"label": label} for label in one.labels.names]
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
    labels: Labels,
    *,
    is_new: bool,
) -> None:
    """Adds the options that are missing, all in one call, and remembers every id by our label."""
    if not labels.names:
        return
    known = option_ids(run.ledger).get((entity, column), {})
    above = options_asked_above(run.ledger).get((entity, column))
    made: frozenset[str] = frozenset(labels.names) if is_new else frozenset()
    options = list(remote.get("options") or [])
    for _ in range(_ROUNDS):
        ids = labels.found(known, options)
        if above is not None:
            # a run that died had asked for these
            made |= {label for label, option_id in ids.items() if option_id > above}
        missing = [label for label in labels.names if label not in ids]
        if not missing:
            save_options(run.ledger, entity, column, ids, created=made)
            return
        if above is None:
            above = max((int(option["id"]) for option in options), default=0)
            crashpoint("provision.before_intent", "option")
            ask_options(run.ledger, entity, column, above=above)
        crashpoint("provision.after_intent", "option")
        path = f"{FIELD_LISTS[entity]}/{remote['field_code']}/options"
        body = [{"label": label} for label in missing]
        sent = await run.send("POST", path, cost=_WRITE_COST, body=body, entity="option")
        crashpoint("provision.after_answer", "option")
        if sent.kind == "ok" and isinstance(sent.data, list):
            options += sent.data
            made |= frozenset(missing)
            run.count("option", "created", len(missing))
            continue
        await _settle_or_raise(run, sent, f"{entity} {column}: {len(missing)} options")
        relisted = await _list(run, {entity: FIELD_LISTS[entity]})
        for one in relisted[entity]:
            if one["field_code"] == remote["field_code"]:
                options = list(one.get("options") or [])
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
