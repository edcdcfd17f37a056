"""A whole load over HTTP: what arrives, what the ledger knows, what a second run sends."""

from __future__ import annotations


def test_a_full_load_arrives_and_a_second_apply_sends_no_write(loader, company, worlds):
    world = worlds.small()
    first = loader.apply(world)
    assert first.exit_code == 0, first
    assert first.counts["person"] == {"created": 12}
    assert first.counts["deal_product"] == {"created": sum((1, 3, 6, 0)) * 2}
    assert first.value_differences == ()
    persons = company.records("/api/v2/persons")
    assert len(persons) == 12
    assert len(company.records("/api/v2/deals")) == 8
    assert len(company.records("/api/v1/notes")) == 8
    assert {person["org_id"] for person in persons} == {
        one["id"] for one in company.records("/api/v2/organizations")
    }
    before = company.writes()
    second = loader.apply(world)
    assert second.exit_code == 0
    assert second.writes == 0
    assert second.counts["person"] == {"unchanged": 12}
    assert company.writes() == before
