"""Deals: place, status, archive, caps; and the lines that decide their value."""

from __future__ import annotations

import pytest

DEALS = "/api/v2/deals"


def read(pipedrive, deal):
    return pipedrive.data("GET", f"{DEALS}/{deal}")


def test_a_deal_starts_in_the_first_stage_of_the_default_pipeline(pipedrive):
    stages = pipedrive.walk("/api/v2/stages")
    deal = read(pipedrive, pipedrive.deal())
    assert (deal["stage_id"], deal["pipeline_id"]) == (stages[0]["id"], stages[0]["pipeline_id"])
    assert (deal["value"], deal["currency"], deal["status"]) == (0, "USD", "open")


def test_a_stage_decides_the_pipeline_and_must_belong_to_it(pipedrive):
    pipeline = pipedrive.data("POST", "/api/v2/pipelines", {"name": "Orders"})["id"]
    assert pipedrive.error("POST", DEALS, {"title": "A", "pipeline_id": pipeline})[0] == 400
    body = {"name": "Done", "pipeline_id": pipeline}
    stage = pipedrive.data("POST", "/api/v2/stages", body)["id"]
    assert read(pipedrive, pipedrive.deal(stage_id=stage))["pipeline_id"] == pipeline
    wrong = {"title": "A", "stage_id": stage, "pipeline_id": 1}
    assert "stage_id" in pipedrive.error("POST", DEALS, wrong)[1]
    assert pipedrive.walk("/api/v2/stages", pipeline_id=999) == []


def test_original_times_cross_as_closing_times_only(pipedrive):
    deal = pipedrive.deal(status="won", won_time="2024-06-03T22:10:00Z")
    kept = read(pipedrive, deal)
    assert kept["won_time"] == kept["close_time"] == "2024-06-03T22:10:00Z"
    assert kept["local_won_date"] == "2024-06-03"
    refused = [
        {"title": "A", "add_time": "2024-06-03T22:10:00Z"},
        {"title": "A", "won_time": "2024-06-03T22:10:00Z"},
        {"title": "A", "status": "lost", "won_time": "2024-06-03T22:10:00Z"},
        {"title": "A", "status": "deleted"},
        {"title": "A", "probability": 50},
        {"title": "A", "expected_close_date": None},
        {"title": "A", "currency": "XXX"},
    ]
    for body in refused:
        assert pipedrive.call("POST", DEALS, body)[0] == 400, body
    pipedrive.config(deal_add_time="ignore")
    assert pipedrive.call("POST", DEALS, refused[0])[0] == 200


def test_reopening_clears_the_times_and_keeps_the_lost_reason(pipedrive):
    deal = pipedrive.deal(status="lost", lost_reason="refunded")
    assert read(pipedrive, deal)["lost_time"] is not None
    pipedrive.data("PATCH", f"{DEALS}/{deal}", {"status": "open"})
    reopened = read(pipedrive, deal)
    assert (reopened["lost_time"], reopened["close_time"]) == (None, None)
    assert reopened["lost_reason"] == "refunded"


def test_an_archived_deal_leaves_the_list_and_cannot_be_edited(pipedrive):
    deal = pipedrive.deal()
    product = pipedrive.product()
    pipedrive.data("PATCH", f"{DEALS}/{deal}", {"is_archived": True})
    assert pipedrive.walk(DEALS) == []
    assert [row["id"] for row in pipedrive.walk(f"{DEALS}/archived")] == [deal]
    assert pipedrive.error("PATCH", f"{DEALS}/{deal}", {"title": "B"})[0] == 400
    assert pipedrive.error("PATCH", f"{DEALS}/{deal}", {"is_archived": False})[0] == 400
    line = {"product_id": product, "item_price": 1, "quantity": 1}
    assert pipedrive.error("POST", f"{DEALS}/{deal}/products", line)[0] == 400
    pipedrive.config(archived_unarchive="allow")
    pipedrive.data("PATCH", f"{DEALS}/{deal}", {"is_archived": False})
    assert len(pipedrive.walk(DEALS)) == 1


def test_whether_an_archived_deal_can_be_deleted_is_a_switch(pipedrive):
    first, second = pipedrive.deal(is_archived=True), pipedrive.deal(is_archived=True)
    pipedrive.config(archived_delete="refuse")
    assert pipedrive.error("DELETE", f"{DEALS}/{first}")[0] == 400
    pipedrive.config(archived_delete="allow")
    assert pipedrive.data("DELETE", f"{DEALS}/{second}") == {"id": second}


def test_a_deleted_deal_takes_only_a_restoration(pipedrive):
    deal = pipedrive.deal()
    pipedrive.data("DELETE", f"{DEALS}/{deal}")
    assert [row["id"] for row in pipedrive.walk(DEALS, status="deleted")] == [deal]
    assert pipedrive.error("PATCH", f"{DEALS}/{deal}", {"title": "B"})[0] == 400
    assert pipedrive.data("PATCH", f"{DEALS}/{deal}", {"is_deleted": False})["is_deleted"] is False
    assert len(pipedrive.walk(DEALS)) == 1


def test_the_deal_cap_refuses_with_its_code_and_archiving_makes_room(pipedrive):
    pipedrive.config(deal_cap=2)
    deals = [pipedrive.deal(), pipedrive.deal(status="won")]
    status, answer = pipedrive.call("POST", DEALS, {"title": "A"})
    assert (status, answer["code"]) == (403, "feature_capping_deals_limit")
    assert pipedrive.call("POST", DEALS, {"title": "A", "is_archived": True})[0] == 403
    pipedrive.data("PATCH", f"{DEALS}/{deals[0]}", {"is_archived": True})
    pipedrive.deal()
    assert pipedrive.call("POST", DEALS, {"title": "A"})[0] == 403
    pipedrive.config(archived_create_at_cap="allow")
    assert pipedrive.call("POST", DEALS, {"title": "A", "is_archived": True})[0] == 200


def test_the_cap_can_count_open_deals_only_or_put_deals_on_a_waiting_list(pipedrive):
    pipedrive.config(deal_cap=1, deal_cap_counts="open")
    pipedrive.deal(status="won")
    pipedrive.deal()
    assert pipedrive.call("POST", DEALS, {"title": "A"})[0] == 403
    pipedrive.config(deal_cap_answer="waitlist")
    waiting = pipedrive.deal()
    assert waiting not in [row["id"] for row in pipedrive.walk(DEALS)]


@pytest.mark.parametrize(
    ("plan", "seats", "cap"),
    [("lite", 1, 2_500), ("growth", 5, 25_000), ("ultimate", 100, 300_000)],
)
def test_the_cap_follows_plan_and_seats(make, plan, seats, cap):
    assert make(plan=plan, seats=seats).door("GET", "info")["deal_cap"] == cap


def line(product, price, quantity=1, **more):
    return {"product_id": product, "item_price": price, "quantity": quantity, **more}


def test_lines_decide_the_value_of_a_deal(pipedrive):
    deal, product = pipedrive.deal(value=999), pipedrive.product()
    path = f"{DEALS}/{deal}/products"
    first = pipedrive.data("POST", path, line(product, 30.23, 2))
    assert (first["sum"], first["name"], first["comments"]) == (60.46, "Blue Dream", "")
    assert read(pipedrive, deal)["value"] == 60.46
    pipedrive.data("POST", path, line(product, 10, discount=50, comments="[key]"))
    pipedrive.data("POST", path, line(product, 10, discount=3, discount_type="amount"))
    pipedrive.data("POST", path, line(product, 500, is_enabled=False))
    assert read(pipedrive, deal)["value"] == 72.46
    pipedrive.data("PATCH", f"{DEALS}/{deal}", {"value": 5})
    assert read(pipedrive, deal)["value"] == 5
    pipedrive.data("PATCH", f"{path}/{first['id']}", {"quantity": 1})
    assert read(pipedrive, deal)["value"] == 42.23
    discount = {"description": "loyal", "amount": 10, "type": "percentage"}
    made = pipedrive.data("POST", f"{DEALS}/{deal}/discounts", discount)
    assert read(pipedrive, deal)["value"] == 38.01
    pipedrive.data("DELETE", f"{DEALS}/{deal}/discounts/{made['id']}")
    pipedrive.data("DELETE", f"{path}/{first['id']}")
    assert read(pipedrive, deal)["value"] == 12


def test_exclusive_tax_is_added_and_its_method_spreads_to_the_other_lines(pipedrive):
    deal, product = pipedrive.deal(), pipedrive.product()
    path = f"{DEALS}/{deal}/products"
    pipedrive.data("POST", path, line(product, 100, tax=10, tax_method="none"))
    assert read(pipedrive, deal)["value"] == 100
    pipedrive.data("POST", path, line(product, 100, tax=10, tax_method="exclusive"))
    assert {row["tax_method"] for row in pipedrive.data("GET", path)} == {"exclusive"}
    assert read(pipedrive, deal)["value"] == 220


def test_bulk_lines_succeed_or_fail_as_a_whole_unless_switched(pipedrive):
    deal, product = pipedrive.deal(), pipedrive.product()
    path = f"{DEALS}/{deal}/products/bulk"
    mixed = {"data": [line(product, 1), line(999_999, 2)]}
    status, error = pipedrive.error("POST", path, mixed)
    assert status == 400
    assert "data.1.product_id" in error
    assert pipedrive.data("GET", f"{DEALS}/{deal}/products") == []
    status, answer = pipedrive.call("POST", path, {"data": [line(product, -1)] * 100})
    assert (status, len(answer["data"])) == (201, 100)
    assert pipedrive.error("POST", path, {"data": [line(product, 1)] * 101})[0] == 400
    assert pipedrive.error("POST", path, {"data": []})[0] == 400
    pipedrive.config(bulk_bad_line="keep_good")
    assert len(pipedrive.data("POST", path, mixed)) == 1
    gone = pipedrive.call("DELETE", f"{DEALS}/{deal}/products")[1]
    assert len(gone["data"]["ids"]) == 100
    assert gone["additional_data"]["more_items_in_collection"] is True


def test_a_line_needs_a_live_linkable_product_and_all_three_numbers(pipedrive):
    deal, product = pipedrive.deal(), pipedrive.product(is_linkable=False)
    path = f"{DEALS}/{deal}/products"
    assert "cannot be linked" in pipedrive.error("POST", path, line(product, 1))[1]
    deleted = pipedrive.product()
    pipedrive.data("DELETE", f"/api/v2/products/{deleted}")
    assert "does not exist" in pipedrive.error("POST", path, line(deleted, 1))[1]
    assert "quantity" in pipedrive.error("POST", path, {"product_id": 1, "item_price": 1})[1]
    assert pipedrive.error("POST", path, line(pipedrive.product(), 1, name="x"))[0] == 400


def test_negative_prices_and_crowded_deals_are_switches(pipedrive):
    deal, product = pipedrive.deal(), pipedrive.product()
    path = f"{DEALS}/{deal}/products"
    pipedrive.data("POST", path, line(product, -5))
    assert read(pipedrive, deal)["value"] == -5
    pipedrive.config(negative_line_price="refuse", lines_per_deal=1)
    assert pipedrive.error("POST", path, line(product, -5))[0] == 400
    assert pipedrive.error("POST", path, line(product, 5))[0] == 403


def test_lines_of_many_deals_are_read_at_once(pipedrive):
    product = pipedrive.product()
    deals = [pipedrive.deal() for _ in range(3)]
    for deal in deals:
        pipedrive.data("POST", f"{DEALS}/{deal}/products", line(product, 1))
    rows = pipedrive.walk(f"{DEALS}/products", deal_ids=",".join(map(str, deals[:2])), limit=1)
    assert [row["deal_id"] for row in rows] == deals[:2]
    assert pipedrive.call("GET", f"{DEALS}/products")[0] == 400
