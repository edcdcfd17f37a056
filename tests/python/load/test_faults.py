"""Answers that never come, come late or say nonsense: each record ends up there exactly once."""

from __future__ import annotations

from collections import Counter

import pytest

WRITES = r"/(organizations|persons|products|deals|notes)$|/products(/bulk)?$"
UNKNOWN = [
    {"kind": "drop_request"},
    {"kind": "drop_response"},
    {"kind": "late_apply", "seconds": 0.15},
    {"kind": "error_before", "status": 503},
    {"kind": "error_before", "status": 500},
    {"kind": "error_after", "status": 502},
    {"kind": "truncate"},
    {"kind": "invalid_json"},
    {"kind": "empty"},
    {"kind": "html"},
    {"kind": "not_success"},
    {"kind": "no_id"},
]


def keys_there(company, loader):
    """Source keys of everything the company holds, with how often."""
    with loader.ledger() as ledger:
        codes = dict(
            ledger.db.execute(
                "select entity, field_code from field_codes where column_name = 'migration_key__c'"
            ).fetchall()
        )
    found = Counter()
    for entity in ("organization", "person", "product", "deal"):
        records = company.records(f"/api/v2/{entity}s")
        found.update(one["custom_fields"][codes[entity]] for one in records)
    for note in company.records("/api/v1/notes"):
        found[note["content"].rsplit("[", 1)[1].split("]")[0]] += 1
    for deal in company.records("/api/v2/deals"):
        for line in company.records(f"/api/v2/deals/{deal['id']}/products"):
            found[line["comments"].rsplit("[", 1)[1].split("]")[0]] += 1
    return found


def expected_keys(world):
    return {key for records in world.payloads.values() for key in records}


@pytest.mark.parametrize(
    "fault", UNKNOWN, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}"
)
def test_a_write_of_unknown_outcome_ends_as_exactly_one_record(loader, company, worlds, fault):
    world = worlds.small(persons=6, deals=4)
    company.faults({**fault, "method": "POST", "path": WRITES, "every": 4})
    result = loader.apply(world)
    assert result.exit_code == 0, result
    company.faults()
    assert keys_there(company, loader) == Counter(expected_keys(world))
    before = company.writes()
    assert loader.apply(world).writes == 0
    assert company.writes() == before
