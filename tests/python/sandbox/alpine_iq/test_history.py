"""Orders, points, histories, audiences, campaigns, exports: and that they agree."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

ORDERS = "/api/v1.1/contact/orders/{uid}/"
EVER = "0/1999999999"
LEAN = {"name", "brand", "quantity", "totalPrice", "timestamp", "storeName"}


def _details(account):
    rows = account.contacts()
    return [account.get(f"/api/v1.1/piis/{{uid}}/{row['contactID']}") for row in rows]


def test_orders_are_lines_and_their_totals_make_up_what_the_contact_spent(account):
    orders = lines = 0
    for detail in _details(account):
        found = account.get(ORDERS + detail["contactID"]) or []
        assert round(sum(line["totalPrice"] for line in found), 2) == detail["spent"]
        assert (detail["lastSale"] or 0) == max((line["timestamp"] for line in found), default=0)
        orders += detail["countOfSales"]
        lines += len(found)
    truth = account.door("truth")["listed"]
    assert (orders, lines) == (truth["orders"], truth["lines"])
    assert orders > 300


def test_lean_lines_have_only_what_was_seen_of_the_real_service(account):
    detail = next(each for each in _details(account) if each["countOfSales"])
    full = account.get(ORDERS + detail["contactID"])
    account.door("config", {"orders.shape": "lean"})
    lean = account.get(ORDERS + detail["contactID"])
    assert lean == [{name: line[name] for name in lean[0]} for line in full]
    assert set(lean[0]) == LEAN


def test_orders_ignore_paging_unless_switched(account):
    detail = next(each for each in _details(account) if each["countOfSales"] > 4)
    path = ORDERS + detail["contactID"]
    assert len(account.get(path + "?start=0&limit=2")) > 2
    account.door("config", {"orders.paging": "on"})
    assert len(account.get(path + "?start=0&limit=2")) == 2


def test_a_contact_without_orders_gets_null_and_an_unknown_one_404(account):
    detail = next(each for each in _details(account) if not each["countOfSales"])
    assert account.get(ORDERS + detail["contactID"]) is None
    assert account.ask(f"/api/v1.1/contact/orders/{account.uid}/{'f' * 32}").status == 404


def test_a_pushed_sale_appears_after_the_delay(account):
    contact_id = account.contacts()[0]["contactID"]
    before = account.get(ORDERS + contact_id) or []
    account.door("config", {"delay.sales": 3600})
    account.door("edit", {"action": "add_order", "contactID": contact_id, "orderID": "R-LATE"})
    assert (account.get(ORDERS + contact_id) or []) == before
    account.door("clock", {"advance": 3601})
    assert "R-LATE" in {line["orderID"] for line in account.get(ORDERS + contact_id)}


def test_the_timeline_ends_at_the_balance_and_can_be_cut_by_time(account):
    detail = next(each for each in _details(account) if each["usedPoints"])
    path = f"/api/v1.1/contact/loyaltyPoints/timeline/{{uid}}/{detail['contactID']}"
    events = account.get(path)["events"]
    assert events[0]["balance"] == detail["loyaltyPoints"]
    assert sum(-e["points"] for e in events if e["type"] == "redemption") == detail["usedPoints"]
    newest = events[0]["ts"]
    assert account.get(f"{path}?start={newest + 1}")["events"] is None
    assert all(e["ts"] >= newest for e in account.get(f"{path}?start={newest}")["events"])


def test_a_timeline_may_come_in_no_order_be_empty_or_be_absent(account):
    details = list(_details(account))
    path = "/api/v1.1/contact/loyaltyPoints/timeline/{uid}/"
    told = [account.get(path + each["contactID"])["events"] for each in details]
    assert None in told
    longest = max(range(len(told)), key=lambda number: len(told[number] or ()))
    account.door("config", {"timeline.order": "shuffled"})
    shuffled = account.get(path + details[longest]["contactID"])["events"]
    assert shuffled != told[longest]
    assert sorted(each["ts"] for each in shuffled) == [x["ts"] for x in told[longest][::-1]]
    account.door("config", {"timeline.get": "404"})
    answer = account.ask(path.format(uid=account.uid) + details[longest]["contactID"])
    assert answer.status == 404


@pytest.mark.parametrize("name", ["adjustments", "redemptions"])
def test_histories_are_windows_in_the_path(account, name):
    rows = account.get(f"/api/v1.1/{name}/{{uid}}/{EVER}")
    assert len(rows) == account.door("truth")["counts"][name]
    middle = sorted(row["ts"] for row in rows)[len(rows) // 2]
    early = account.get(f"/api/v1.1/{name}/{{uid}}/0/{middle}")
    late = account.get(f"/api/v1.1/{name}/{{uid}}/{middle + 1}/1999999999") or []
    assert len(early) + len(late) == len(rows)
    assert account.get(f"/api/v1.1/{name}/{{uid}}/0/1") is None


def test_histories_hold_traces_of_contacts_that_the_list_leaves_out(account):
    listed = {row["contactID"] for row in account.contacts()}
    traced = {row["contactID"] for row in account.get(f"/api/v1.1/redemptions/{{uid}}/{EVER}")}
    traced |= {row["contactID"] for row in account.get("/api/v1.1/conversions/{uid}?start=0")}
    assert traced - listed


def test_conversions_can_be_slow(account):
    account.door("config", {"slow.conversions": 0.3})
    began = account.service.clock.now()
    assert account.get("/api/v1.1/conversions/{uid}?start=0&end=1999999999")
    assert account.service.clock.now() - began >= 0.3


def test_messages_exist_only_when_switched_on(account):
    contact_id = account.get("/api/v1.1/conversions/{uid}?start=0")[0]["contactID"]
    path = f"/api/v1.1/contact/messages/{account.uid}/{contact_id}"
    assert account.ask(path).status == 404
    account.door("config", {"messages": "on"})
    assert account.ask(path).data[0]["direction"] == "out"


def test_audiences_page_and_can_be_nested(account):
    everything = account.get("/api/v1.1/audiences/{uid}?start=0&limit=100")
    assert len(everything) == 12
    assert account.get("/api/v1.1/audiences/{uid}?start=12") is None
    pages = [account.get(f"/api/v1.1/audiences/{{uid}}?start={n}&limit=5") for n in (0, 5, 10)]
    assert [each for page in pages for each in page] == everything
    account.door("config", {"audiences.shape": "nested"})
    assert account.get("/api/v1.1/audiences/{uid}") == {"data": everything}


def test_audience_members_agree_with_the_audiences_of_each_contact(account):
    of_contacts = Counter(
        each["id"] for detail in _details(account) for each in detail["audiences"] or ()
    )
    account.door("config", {"hidden.in_members": "no"})
    for audience in account.get("/api/v1.1/audiences/{uid}"):
        members = account.get(f"/api/v2/audience/members/{audience['id']}") or []
        assert len(members) == of_contacts[audience["id"]]
        assert account.get(f"/api/v1.1/audience/{{uid}}/{audience['id']}") == audience
    assert account.ask("/api/v2/audience/members/999").status == 404


def test_audience_names_collide_when_case_is_folded(account):
    names = [each["name"].strip().casefold() for each in account.get("/api/v1.1/audiences/{uid}")]
    assert len(set(names)) < len(names)


def test_the_program_answers_unless_switched_off(account):
    assert account.get("/api/v2/loyalty/default/{uid}")["accrual"] == 1
    account.door("config", {"loyalty.default": "404"})
    assert account.ask(f"/api/v2/loyalty/default/{account.uid}").status == 404


def test_discounts_groups_and_campaigns(account):
    discounts = account.get("/api/v2/discount/{uid}")
    ids = {each["id"] for each in discounts}
    assert any(each["tierDiscount"] for each in discounts)
    assert all(set(each["discounts"]) <= ids for each in account.get("/api/v2/discount/groups"))
    everything = account.get("/api/v2/campaigns?full=true")
    assert len(account.get("/api/v2/campaigns")) < len(everything)
    big = account.get(f"/api/v2/campaign/stats/{everything[0]['id']}")
    assert big["uniqueClicks"] == 9_007_199_254_740_993
    window = {"start": everything[3]["created"], "end": everything[5]["created"]}
    between = account.ask(f"/api/v2/campaigns/filtered/{account.uid}", "POST", window).data
    assert [each["id"] for each in between] == [each["id"] for each in everything[3:6]]
    channels = account.ask(f"/api/v1.1/campaigns/{account.uid}/reports/channels", "POST", {}).data
    assert {each["channel"] for each in channels} == {"text", "email"}


def test_stores_and_the_small_endpoints_answer(account):
    zones = {store["timezone"] for store in account.get("/api/v1.1/stores/{uid}")["stores"]}
    assert zones == {"America/Los_Angeles", "America/Phoenix", "America/New_York"}
    assert account.get("/api/v2/brand/products") == {"results": None}
    assert account.get("/api/v1.1/stateLaws")
    assert account.get("/api/v1.1/settings/{uid}")["conversionWindowDays"] == 14
    contact_id = account.contacts()[0]["contactID"]
    assert set(account.get(f"/api/v2/walletPassDownloadLinks/{contact_id}")) == {"apple", "google"}


def test_the_exported_files_hold_the_same_account(account, tmp_path):
    folder = tmp_path / "inbox"
    names = account.door("export", {"folder": str(folder)})["files"]
    files = {}
    for name in names:
        assert (folder / name).stat().st_mode & 0o777 == 0o600
        assert name.startswith(f"{account.uid}-")
        with (folder / name).open(encoding="utf-8", newline="") as file:
            files[name[-6:-4]] = list(csv.DictReader(file))
    assert [row["contact_id"] for row in files["rp"]] != []
    assert {row["contact_id"] for row in files["rp"]} == {
        row["contactID"] for row in account.contacts()
    }
    truth = account.door("truth")
    assert len(files["sl"]) == truth["all"]["lines"]
    hidden = {row["contact_id"]: row["hidden_reason"] for row in files["bl"]}
    known = {each["contactID"]: each["reason"] for each in account.door("hidden")}
    assert hidden == {
        key: reason for key, reason in known.items() if reason not in {"deleted", "anonymous"}
    }
    assert "Discount Groups" in files["rp"][0]


def test_log_and_stats_name_path_templates_only(account):
    account.get(f"/api/v1.1/piis/{{uid}}/{account.contacts()[0]['contactID']}")
    paths = {each["path"] for each in account.door("log")}
    assert paths == {"/api/v1.1/piis/{uid}", "/api/v1.1/piis/{uid}/{contactID}"}
    assert account.door("stats")["total_calls"] == 2


def test_a_renamed_audience_shows_its_new_name_everywhere(account):
    audience = account.get("/api/v1.1/audiences/{uid}")[0]
    edit = {"action": "put_document", "kind": "audience", "id": audience["id"]}
    account.get(f"/api/v1.1/piis/{{uid}}/{account.contacts()[0]['contactID']}")
    account.door("edit", {**edit, "values": {"name": "Renamed"}})
    assert account.get("/api/v1.1/audiences/{uid}")[0] == {**audience, "name": "Renamed"}
    member = account.get(f"/api/v2/audience/members/{audience['id']}")[0]
    shown = account.get(f"/api/v1.1/piis/{{uid}}/{member}")["audiences"]
    assert "Renamed" in {each["name"] for each in shown}
