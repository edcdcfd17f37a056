"""Quarantined is not for ever: what changed is tried again, and what somebody asks for."""

from __future__ import annotations

import pytest

from load.errors import ConfigError, TargetChanged
from load.ledger import retries

BAD = "aiq:contact:1"


@pytest.fixture
def refused(loader, worlds):
    """A load of four deals in which one person was refused, and its deal and note with it."""
    world = worlds.small(persons=4, deals=4, lines=(1,))
    world.payloads["person"][BAD]["emails"] = "not a list"
    assert loader.apply(world).exit_code == 3
    return world


def quarantined(loader):
    return {
        key
        for entity in ("person", "deal", "deal_product", "note")
        for key, state in loader.states(entity).items()
        if state == "quarantined"
    }


def test_a_refused_record_that_was_mended_is_loaded_by_the_next_plan_with_its_children(
    loader, company, refused
):
    assert quarantined(loader) == {BAD, "aiq:order:1", "aiq:line:1:0", "aiq:note:1"}
    refused.payloads["person"][BAD]["emails"] = [{"value": "mended@example.com", "primary": True}]
    result = loader.apply(refused)
    assert result.exit_code == 0, result
    assert result.counts["person"] == {"created": 1, "unchanged": 3}
    assert result.counts["note"] == {"created": 1, "unchanged": 3}
    assert quarantined(loader) == set()
    assert len(company.records("/api/v2/deals")) == 4
    assert loader.apply(refused).writes == 0


def test_a_refused_record_that_did_not_change_is_not_sent_again(loader, company, refused):
    before = company.writes()
    result = loader.apply(refused)
    assert (result.writes, company.writes()) == (0, before)
    assert result.counts["person"]["quarantined"] == 1


def test_released_records_are_sent_as_they_are_once_more(loader, company, refused):
    with loader.ledger() as ledger:
        released = retries.release(ledger, entity="person", source_keys=[BAD])
        assert sum(released.values()) == 1
        assert ledger.check_events() > 0
    result = loader.apply(refused)
    assert result.writes == 1
    assert result.counts["person"]["quarantined"] == 1


def test_a_key_that_is_not_in_quarantine_is_refused_by_name(loader, refused):
    with loader.ledger() as ledger, pytest.raises(ConfigError, match="aiq:contact:2"):
        retries.release(ledger, source_keys=[BAD, "aiq:contact:2"])
    assert BAD in quarantined(loader)


def test_what_people_deleted_comes_back_only_by_name(loader, refused):
    with loader.ledger() as ledger:
        with ledger.transaction() as db:
            db.execute(
                "update id_map set reason_code = ? where source_key = ?", (retries.DELETED, BAD)
            )
        retries.release(ledger, entity="person")
        assert loader.states("person")[BAD] == "quarantined"
        retries.release(ledger, source_keys=[BAD])
    assert loader.states("person")[BAD] == "planned"


def test_a_record_never_found_is_looked_up_before_it_is_sent_again(loader, company, worlds):
    """Three lost answers end in quarantine; the retry finds what landed in the end."""
    world = worlds.small(persons=1, deals=0)
    assert loader.apply(world).exit_code == 0
    with loader.ledger() as ledger, ledger.transaction() as db:
        db.execute(
            "update id_map set state = 'quarantined', reason_code = 'unresolved',"
            " pipedrive_id = null where entity = 'person'"
        )
        db.execute("update attempts set outcome = 'ambiguous' where entity = 'person'")
    with loader.ledger() as ledger:
        retries.release(ledger)
    before = company.writes()
    assert loader.apply(world).exit_code == 0
    assert company.writes() == before
    assert loader.states("person") == {"aiq:contact:0": "confirmed"}


def test_rows_refused_over_a_deleted_field_are_not_kept_in_quarantine(loader, company, worlds):
    """The field goes in the middle of the load: the run stops, and nobody is to blame."""
    world = worlds.small(persons=120, deals=0)
    company.faults({"kind": "latency", "method": "POST", "path": "/persons$", "seconds": 0.03})
    deleted = []

    def watch(entity):
        if entity == "organization" and not deleted:
            with loader.ledger() as ledger:
                code = ledger.db.execute(
                    "select field_code from field_codes where column_name = 'points__c'"
                ).fetchone()[0]
            company.ask("DELETE", f"/api/v2/personFields/{code}")
            deleted.append(code)

    with pytest.raises(TargetChanged, match="deleted during the run"):
        loader.apply(world, on_barrier=watch)
    assert quarantined(loader) == set()
