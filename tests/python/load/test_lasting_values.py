"""Values that the API cannot empty: an order that is refunded after it was loaded, and back."""

from __future__ import annotations

from tests.python.load.undo.conftest import ALL, dump, undo_with

ORDER = "aiq:order:0"
WON = {"status": "won", "won_time": "2024-06-03T22:10:00Z", "lost_time": None, "lost_reason": None}
LOST = {
    "status": "lost", "won_time": None, "lost_time": "2024-07-01T10:00:00Z",
    "lost_reason": "Refunded",
}  # fmt: skip


def deal(company):
    (shown,) = company.records("/api/v2/deals")
    return {name: shown[name] for name in WON}


def small(worlds, loader):
    world = worlds.small(persons=1, deals=1, lines=(0,))
    world.payloads["deal"][ORDER] |= WON
    assert loader.apply(world).exit_code == 0
    return world


def become(loader, world, values):
    world.payloads["deal"][ORDER] |= values
    result = loader.apply(world)
    assert result.exit_code == 0, result
    return result.counts["deal"]


def test_a_refund_after_the_load_changes_the_deal_and_sends_no_null(loader, company, worlds):
    world = small(worlds, loader)
    company.config(record_exchanges=True)
    assert become(loader, world, LOST) == {"updated": 1}
    assert deal(company) == LOST
    assert become(loader, world, {}) == {"unchanged": 1}


def test_a_lost_reason_stays_when_the_order_is_no_longer_lost(loader, company, worlds):
    world = small(worlds, loader)
    become(loader, world, LOST)
    assert become(loader, world, WON) == {"updated": 1}
    assert deal(company) == {**WON, "lost_reason": "Refunded"}
    before = company.writes()
    become(loader, world, {})
    assert company.writes() == before
    # what stayed is ours and no edit of a person: the next refund goes through
    assert become(loader, world, {**LOST, "lost_reason": "Refunded twice"}) == {"updated": 1}
    assert deal(company)["lost_reason"] == "Refunded twice"


def test_an_undo_of_the_refund_gives_back_the_sale_and_lists_the_reason_that_stays(
    loader, company, worlds
):
    world = small(worlds, loader)
    world.payloads["deal"][ORDER] |= LOST
    run_id = loader.apply(world).run_id
    result = undo_with(loader, type(ALL)(run_id=run_id))
    assert deal(company) == {**WON, "lost_reason": "Refunded"}
    assert [(row.columns, row.why) for row in result.plan.spared()] == [
        (("lost_reason",), "it was empty: the API can't empty it again")
    ]
    assert undo_with(loader, type(ALL)(run_id=run_id)).writes == 0
    assert undo_with(loader).exit_code == 0
    assert "aiq:order" not in dump(company)
