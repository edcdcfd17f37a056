"""A whole load over HTTP: what arrives, what the ledger knows, what a second run sends."""

from __future__ import annotations

from load.sample import sample_of


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


def test_a_load_spends_exactly_what_its_records_need_and_a_few_reads(loader, company, worlds):
    world = worlds.small(persons=60, deals=40, lines=(1, 3, 6, 9))
    result = loader.apply(world)
    assert result.exit_code == 0
    records = 2 + 60 + 3 + 40
    lines = 10 * (1 * 5 + 3 * 5 + 25 + 25)
    fields = 9 * 5 + 5 + 3 * 5  # custom fields, labels, a pipeline with two stages
    minimum = records * 5 + lines + 40 * 10 + fields
    # account, field lists, pipelines and stages, deal values, looks for changes by others
    reads = 2 + 4 * 10 + 2 * 5 + 10 + 4 * 10
    spent = company.door("GET", "stats")["tokens"]
    assert result.tokens == spent
    assert spent == minimum + reads


def test_a_stop_signal_lets_the_calls_in_flight_finish_and_the_next_run_goes_on(
    loader, company, worlds
):
    plan = worlds.small(persons=40, deals=0).freeze(loader.folder / "plans")
    company.faults({"kind": "latency", "method": "POST", "path": "/persons$", "seconds": 0.2})
    returned = loader.apply_in_process(
        plan, stop_at=lambda: len(company.records("/api/v2/persons")) >= 5
    )
    assert returned == 75
    states = set(loader.states("person").values())
    assert states <= {"confirmed", "planned"}
    company.faults()
    assert loader.apply(plan).exit_code == 0
    assert len(company.records("/api/v2/persons")) == 40


def test_a_sample_loads_alone_and_the_rest_follows_with_nothing_doubled(loader, company, worlds):
    plan = worlds.small(persons=20, deals=10).freeze(loader.folder / "plans")
    sample = sample_of(plan, 4)
    assert loader.apply(sample.plan).exit_code == 0
    held = len(company.records("/api/v2/persons"))
    assert 0 < held < 20
    assert set(loader.states("person")) <= sample.plan.only
    assert loader.apply(sample.plan).writes == 0
    assert loader.apply(plan).exit_code == 0
    assert len(company.records("/api/v2/persons")) == 20
    assert len(company.records("/api/v2/deals")) == 10
