"""Options, labels, pipelines and stages in the plan of provisioning (`load.schema_plan`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from load.ledger import records
from load.ledger.catalog import FieldCode, field_codes, option_ids
from load.pipelines import Places, is_committed, same_place
from load.provision import Listed, find_field
from load.run import Run
from load.schema_plan import SchemaStep
from load.wanted import LABEL_CODE, LABEL_COLUMN, Labels, folded, wanted_labels, wanted_provisions

_SHOWN = 5
_DELETED = "deleted by an administrator: restore it in Pipedrive, or drop it from the mapping"
_RENAMED = "renamed by an administrator: the name stays, it is found by its id"
_NAMED = "of the same name: taken for ours once its id is committed"


def more_steps(run: Run, listed: Listed, places: Places) -> Iterator[SchemaStep]:
    """What is missing, was renamed or deleted of them; nothing of fields that are not there yet."""
    known = field_codes(run.ledger)
    for one in wanted_provisions(run):
        place = (one.planned.entity, one.planned.column_name)
        remote = _there(place, known, listed) or find_field(one.planned, listed)
        if remote is not None:
            yield from _options(run, place, remote, one.labels)
    for entity, labels in wanted_labels(run).items():
        for remote in listed.get(entity, ()):
            if remote["field_code"] == LABEL_CODE:
                yield from _options(run, (entity, LABEL_COLUMN), remote, labels)
    yield from _places(run, places)


def _there(
    place: tuple[str, str], known: Mapping[tuple[str, str], FieldCode], listed: Listed
) -> Mapping[str, Any] | None:
    code = known.get(place)
    return next(
        (one for one in listed[place[0]] if code and one["field_code"] == code.field_code), None
    )


def _options(
    run: Run, place: tuple[str, str], remote: Mapping[str, Any], labels: Labels
) -> Iterator[SchemaStep]:
    options = list(remote.get("options") or ())
    known = option_ids(run.ledger).get(place, {})
    ids, named = labels.found(known, options), {int(one["id"]): one["label"] for one in options}
    code = str(remote["field_code"])
    for label, option_id in ids.items():
        if known.get(label) == option_id and folded(named[option_id]) != folded(label):
            yield SchemaStep("left", *place, code, label, named[option_id], _RENAMED)
    missing = [label for label in labels.names if label not in ids]
    if missing:
        gone = sum(label in known for label in missing)
        why = f"{len(missing)} options that the account lacks"
        if gone:
            why += f"; {gone} of them were deleted by an administrator and are made again"
        yield SchemaStep("add", *place, code, "", _shown(missing), why)


def _shown(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return ", ".join(labels[:_SHOWN]) + more


def _places(run: Run, places: Places) -> Iterator[SchemaStep]:
    planned = places.planned(run.plan)
    known = records.fetch(run.ledger, [row["source_key"] for _, row, _ in planned])
    for entity, row, listed in planned:
        record = known.get(row["source_key"])
        target_id = record.pipedrive_id if record and record.state == "confirmed" else None
        step = _place(entity, row, listed, target_id)
        if step is not None:
            yield step


def _place(
    entity: str, row: Mapping[str, Any], listed: list[dict[str, Any]], target_id: int | None
) -> SchemaStep | None:
    key, name = str(row["source_key"]), str(row["name"])
    if target_id is not None:
        there = next((one for one in listed if one["id"] == target_id), None)
        if there is None:
            return SchemaStep("left", entity, key, str(target_id), name, "", _DELETED)
        if there["name"] != name:
            return SchemaStep("left", entity, key, str(target_id), name, there["name"], _RENAMED)
        return None
    there = same_place(row, listed)
    if there is None:
        return SchemaStep("create", entity, key, "", "", name, f"the account has no such {entity}")
    why = "its id is committed" if is_committed(row, there) else _NAMED
    return SchemaStep("adopt", entity, key, str(there["id"]), there["name"], name, why)
