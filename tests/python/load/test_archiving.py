"""Deals that are archived as their very last write, in waves under the cap of the account."""

from __future__ import annotations

import signal

import pytest

ARCHIVE_POINTS = (
    "archive.before_intent:deal#2",
    "archive.after_intent:deal#1",
    "archive.after_answer:deal#3",
)


def waves(worlds, *, deals=12, size=4):
    """Deals in waves of so many, each to be archived, with lines and notes in its wave."""
    world = worlds.small(persons=2, deals=deals)
    for entity in ("deal", "deal_product", "note"):
        for key, payload in world.payloads[entity].items():
            number = int(key.split(":")[2])
            world.waves[key] = number // size
            if entity == "deal":
                payload["is_archived"] = True
    world.fields.append(("deal", "is_archived", "Archived", "native", False, "source_wins"))
    return world


def archived(company):
    return company.records("/api/v2/deals/archived")


def test_deals_are_archived_after_their_lines_and_notes_and_a_cap_below_their_number_is_kept(
    loader, company, worlds
):
    company.config(deal_cap=4)
    world = waves(worlds)
    result = loader.apply(world)
    assert result.exit_code == 0, result
    assert result.counts["deal"] == {"archived": 12, "created": 12}
    assert company.records("/api/v2/deals") == []
    assert len(archived(company)) == 12
    assert len(company.records("/api/v1/notes")) == 12
    assert {one["value"] for one in archived(company)} == {
        payload["value"] for payload in world.payloads["deal"].values()
    }
    log = [call for call in company.calls() if call["method"] != "GET"]
    refused = [call for call in log if call["status"] >= 400]
    assert refused == []
    second = loader.apply(world)
    assert (second.writes, second.exit_code) == (0, 0)


def test_what_is_wanted_of_an_archived_deal_later_is_told_and_not_tried(loader, company, worlds):
    world = waves(worlds, deals=4)
    assert loader.apply(world).exit_code == 0
    before = company.writes()
    world.payloads["deal"]["aiq:order:1"]["title"] = "Another title"
    world.add(
        "deal_product", "aiq:line:1:99", deal__source_key="aiq:order:1",
        product__source_key="aiq:product:sku0", item_price=1.0, quantity=1.0,
        comments="late [aiq:line:1:99]",
    )  # fmt: skip
    result = loader.apply(world)
    assert company.writes() == before
    assert result.exit_code == 3
    assert result.counts["deal"]["archived before"] == 1
    assert result.counts["deal_product"]["quarantined"] == 1
    assert loader.states("deal")["aiq:order:1"] == "confirmed"


@pytest.mark.long
def test_a_deal_of_which_a_line_was_refused_stays_where_it_can_be_mended(loader, company, worlds):
    world = waves(worlds, deals=4)
    world.payloads["deal_product"]["aiq:line:0:0"]["quantity"] = "many"
    result = loader.apply(world)
    assert result.exit_code == 3
    assert result.counts["deal"]["archived"] == 3
    (left,) = company.records("/api/v2/deals")
    assert left["title"] == "Order 0"
    world.payloads["deal_product"]["aiq:line:0:0"]["quantity"] = 1.0
    result = loader.apply(world)
    assert result.counts["deal"]["archived"] == 1
    assert company.records("/api/v2/deals") == []


@pytest.mark.long
def test_an_archiving_whose_answer_is_lost_is_looked_up_and_not_sent_again(loader, company, worlds):
    company.faults(
        {"kind": "drop_response", "method": "PATCH", "path": "/deals/", "nth": [1, 3]},
        {"kind": "drop_request", "method": "PATCH", "path": "/deals/", "nth": [5]},
    )
    result = loader.apply(waves(worlds, deals=4))
    assert result.exit_code == 0, result
    assert result.counts["deal"]["archived"] == 4
    assert len(archived(company)) == 4
    patches = [call for call in company.calls() if call["method"] == "PATCH"]
    assert [call["status"] for call in patches] == [200] * len(patches)


@pytest.mark.long
@pytest.mark.parametrize("point", ARCHIVE_POINTS)
def test_a_kill_while_archiving_changes_nothing_of_the_end(loader, company, worlds, point):
    plan = waves(worlds, deals=8).freeze(loader.folder / "plans")
    assert loader.apply_in_process(plan, crashpoint=point) == -signal.SIGKILL
    assert loader.apply_in_process(plan) == 0
    assert len(archived(company)) == 8
    assert company.records("/api/v2/deals") == []
    assert loader.apply(plan).writes == 0
