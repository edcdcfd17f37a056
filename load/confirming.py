"""What was there before us and would be taken for ours by its name alone: somebody confirms it.

Custom fields by name and type, labels, pipelines and stages by name. What the ledger knows, what a
committed id names and what a killed run of ours was about to make is not among them. Options of a
field are confirmed with their field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from load.errors import ConfigError
from load.ledger import records
from load.ledger.catalog import option_ids, options_asked_above
from load.pipelines import Places, is_committed, same_place
from load.provision import Listed, wanted_fields
from load.run import Run
from load.schema_plan import to_confirm
from load.wanted import LABEL_CODE, LABEL_COLUMN, folded, wanted_labels

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """Something of others, as a row of seeds/decisions/field_codes.csv would name it."""

    entity: str
    column_name: str
    option_label: str
    code: str
    name: str

    def __str__(self) -> str:
        what = "label" if self.column_name == LABEL_COLUMN else ""
        kind = " ".join(word for word in (self.entity, what) if word)
        return f"{kind} {self.name!r} ({self.code})"


def unconfirmed(run: Run, listed: Listed, places: Places) -> list[Found]:
    """All of them, in the order of provisioning."""
    return [*_fields(run, listed), *_labels(run, listed), *_places(run, places)]


def refuse_unconfirmed(found: Sequence[Found]) -> None:
    """Raises `ConfigError` that names what is to be confirmed, and how."""
    if found:
        raise ConfigError(why_unconfirmed(found))


def why_unconfirmed(found: Sequence[Found]) -> str:
    """What they are and what to do, for people; empty if there are none."""
    if not found:
        return ""
    named = ", ".join(map(str, found[:_SHOWN]))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    rows = " ".join(
        f"<company_id>,{one.entity},{one.column_name},{one.option_label},{one.code}"
        for one in found[:_SHOWN]
    )
    return (
        f"{len(found)} things were there before us and have the names of ours: {named}{more}; if"
        " they are meant, commit their rows to seeds/decisions/field_codes.csv and plan again:"
        f" {rows}; if not, rename them in Pipedrive, or ours in the mapping"
    )


def _fields(run: Run, listed: Listed) -> Iterator[Found]:
    for step in to_confirm(run.ledger, wanted_fields(run), listed):
        yield Found(step.entity, step.column_name, "", step.field_code, step.was)


def _labels(run: Run, listed: Listed) -> Iterator[Found]:
    known, above = option_ids(run.ledger), options_asked_above(run.ledger)
    for entity, labels in wanted_labels(run).items():
        place = (entity, LABEL_COLUMN)
        for remote in _options_of(listed, entity):
            wanted = labels.by_name(folded(remote["label"]))
            if wanted is None or wanted in known.get(place, {}):
                continue
            if place in above and int(remote["id"]) > above[place]:
                continue
            if str(remote["id"]) not in labels.committed.get(wanted, ()):
                yield Found(entity, LABEL_COLUMN, wanted, str(remote["id"]), remote["label"])


def _options_of(listed: Listed, entity: str) -> list[dict[str, Any]]:
    for one in listed.get(entity, ()):
        if one["field_code"] == LABEL_CODE:
            return list(one.get("options") or ())
    return []


def _places(run: Run, places: Places) -> Iterator[Found]:
    """Pipelines, and stages of those that are there."""
    planned = places.planned(run.plan)
    known = records.fetch(run.ledger, [row["source_key"] for _, row, _ in planned])
    for entity, row, listed in planned:
        if row["source_key"] in known:
            continue
        found = same_place(row, listed)
        if found is not None and not is_committed(row, found):
            yield _found(entity, row, found)


def _found(entity: str, row: Mapping[str, Any], remote: Mapping[str, Any]) -> Found:
    return Found(entity, row["source_key"], "", str(remote["id"]), str(remote["name"]))
