"""The list and its pages, search, look-ups, and contacts that the list leaves out."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from sandbox.alpine_iq.views import LIST_MEMBERS, PROVEN_DETAIL_MEMBERS

LIST = "/api/v1.1/piis/{uid}"


def test_pages_by_start_and_limit_show_each_listed_contact_once(account):
    seen, start = [], 0
    while True:
        page = account.get(f"{LIST}?start={start}&limit=40&sort=id&dir=asc")
        assert (page["start"], page["limit"]) == (start, 40)
        if page["results"] is None:
            break
        assert page["size"] == len(page["results"])
        seen += [row["contactID"] for row in page["results"]]
        start += 40
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == page["total"]
    assert page["total"] == account.door("truth")["contacts"]["listed"]


def test_a_row_of_the_list_has_exactly_the_known_members(account):
    assert all(set(row) == set(LIST_MEMBERS) for row in account.contacts())


def test_limits_above_the_most_are_clamped_and_the_echo_says_so(account):
    assert account.get(f"{LIST}?limit=5000")["limit"] == 2000
    account.door("config", {"paging.max_limit": 7})
    page = account.get(f"{LIST}?limit=5000")
    assert (page["limit"], page["size"]) == (7, 7)
    assert account.get(LIST)["limit"] == 7


def test_an_unknown_parameter_is_ignored_so_offset_gives_the_first_page_for_ever(account):
    first = account.get(f"{LIST}?limit=5&sort=id")
    assert account.get(f"{LIST}?limit=5&sort=id&offset=5") == first
    account.door("config", {"paging.unknown_params": "reject"})
    assert account.ask(f"/api/v1.1/piis/{account.uid}?offset=5").status == 400


def test_empty_lists_are_null_unless_switched(account):
    assert account.get(f"{LIST}?start=100000")["results"] is None
    account.door("config", {"empty_lists": "array"})
    assert account.get(f"{LIST}?start=100000")["results"] == []


@pytest.mark.parametrize("sort", ["name", "email", "points", "inserted", "signup", "usedpoints"])
def test_every_documented_sort_gives_the_same_contacts_in_another_order(account, sort):
    ids = {row["contactID"] for row in account.contacts()}
    for direction in ("asc", "desc"):
        page = account.get(f"{LIST}?limit=2000&sort={sort}&dir={direction}")
        assert {row["contactID"] for row in page["results"]} == ids


def test_search_terms_count_what_the_list_shows(account):
    rows = account.contacts()

    def total(search):
        return account.get(f"{LIST}?limit=1&search={quote(search)}")["total"]

    assert total(" ") == len(rows)
    assert total("is:member") == sum(row["loyalty"] for row in rows)
    assert total("not:member") == sum(not row["loyalty"] for row in rows)
    assert total("has:email") == sum(bool((row["email"] or "").strip()) for row in rows)
    assert total("has:points") == sum(row["loyaltyPoints"] != 0 for row in rows)
    both = [row for row in rows if row["loyalty"] and (row["email"] or "").strip()]
    assert total("is:member has:email") == len(both)


def test_search_finds_by_mail_phone_id_source_id_and_full_name(account):
    row = next(
        each
        for each in account.contacts()
        if each["email"] and each["srcID"] and len(each["mobilePhone"]) == 10
    )
    name = f'"{row["firstName"]} {row["lastName"]}"'
    phone = f"+1{row['mobilePhone']}"
    for search in (row["email"].strip(), phone, row["contactID"], row["srcID"], name):
        found = account.get(f"{LIST}?limit=2000&search={quote(search)}")["results"]
        assert row["contactID"] in {each["contactID"] for each in found}
    assert account.get(f"{LIST}?search=nobody-of-this-name")["results"] is None


def test_the_look_up_by_id_extends_the_row_of_the_list(account):
    for row in account.contacts()[:30]:
        detail = account.get(f"{LIST}/{row['contactID']}")
        assert {name: detail[name] for name in LIST_MEMBERS} == row
        assert {"birthdate", "customAttributes", "audiences", "spent", "referLink"} <= set(detail)
    account.door("config", {"detail.extra": "off"})
    assert set(account.get(f"{LIST}/{row['contactID']}")) == set(PROVEN_DETAIL_MEMBERS)


def test_an_unknown_contact_is_404(account):
    answer = account.ask(f"/api/v1.1/piis/{account.uid}/{'0' * 32}")
    assert answer.status == 404
    assert answer.json["errors"] == [{"message": "not found", "code": 404}]


@pytest.mark.parametrize("reason", ["blocklisted", "archived", "internal_archive"])
def test_a_hidden_contact_is_missing_from_list_and_search_and_answers_by_id(account, reason):
    hidden = account.hidden(reason)
    assert hidden not in {row["contactID"] for row in account.contacts()}
    assert account.get(f"{LIST}?search={hidden}")["total"] == 0
    assert account.get(f"{LIST}/{hidden}")["contactID"] == hidden
    account.door("config", {"hidden.by_id": "redacted"})
    shown = account.get(f"{LIST}/{hidden}")
    assert [shown[name] for name in ("firstName", "lastName", "email", "mobilePhone")] == [""] * 4
    account.door("config", {"hidden.by_id": "hidden"})
    assert account.ask(f"/api/v1.1/piis/{account.uid}/{hidden}").status == 404


def test_a_merged_id_answers_with_its_survivor(account):
    merged = account.hidden("merged")
    survivor = next(
        each["mergedInto"] for each in account.door("hidden") if each["contactID"] == merged
    )
    assert account.get(f"{LIST}/{merged}")["contactID"] == survivor
    account.door("config", {"merged.by_id": "404"})
    assert account.ask(f"/api/v1.1/piis/{account.uid}/{merged}").status == 404


def test_deleted_and_anonymous_contacts_are_gone_by_id(account):
    for reason in ("deleted", "anonymous"):
        path = f"/api/v1.1/piis/{account.uid}/{account.hidden(reason)}"
        assert account.ask(path).status == 404


def test_hidden_and_deleted_ids_stay_among_the_members_of_audiences(account):
    everybody = account.get("/api/v1.1/audiences/{uid}")[11]
    members = account.get(f"/api/v2/audience/members/{everybody['id']}")
    listed = {row["contactID"] for row in account.contacts()}
    assert {account.hidden("blocklisted"), account.hidden("deleted")} <= set(members) - listed
    account.door("config", {"hidden.in_members": "no"})
    assert set(account.get(f"/api/v2/audience/members/{everybody['id']}")) == listed


@pytest.mark.parametrize("version", ["v1", "v1.1"])
def test_a_contact_is_found_by_its_source_id(account, version):
    row = next(each for each in account.contacts() if each["srcID"])
    path = f"/api/{version}/piis/{{uid}}/bySrcID"
    for asked in (f"{path}?srcID={row['srcID']}", f"{path}/{row['srcID']}"):
        assert account.get(asked)["contactID"] == row["contactID"]
    assert account.ask(f"{path}?srcID=nothing".replace("{uid}", account.uid)).status == 404


def test_opt_in_status_answers_for_hidden_people_with_no(account):
    hidden = account.door("dump?limit=1000")
    contact = next(
        each["contact"]
        for each in hidden
        if each["hidden"] == "blocklisted" and each["contact"]["mobilePhone"]
    )
    phone = quote(contact["mobilePhone"], safe="")
    status = account.get(f"/api/v2/optin/text/{phone}")
    assert (status["contactID"], status["optedIn"]) == (contact["contactID"], False)
    account.door("config", {"hidden.by_lookup": "hidden"})
    assert account.ask(f"/api/v2/optin/{phone}").status == 404
    assert account.ask("/api/v2/optin/nobody%40example.com").status == 404


def test_opt_in_status_can_be_a_dead_path(account):
    row = next(each for each in account.contacts() if each["email"])
    path = f"/api/v2/optin/email/{quote(row['email'].strip())}"
    assert account.ask(path).status == 200
    account.door("config", {"optin.get": "404"})
    assert account.ask(path).status == 404


def test_look_up_wallet_and_opt_in_agree_with_the_list(account):
    row = next(
        each
        for each in account.contacts()
        if each["loyaltyPoints"] > 0 and each["email"] and each["email"].islower()
    )
    mail = quote(row["email"])
    looked = account.get(f"/api/v2/loyalty/lookup/{mail}")
    assert (looked["contactID"], looked["wallet"]["points"]) == (
        row["contactID"],
        row["loyaltyPoints"],
    )
    assert looked == account.ask(f"/api/v2/loyalty/lookup/{mail}", "POST", {}).data
    wallet = account.ask("/api/v2/wallet", "POST", {"email": row["email"]}).data
    assert wallet["loyaltyPoints"] == row["loyaltyPoints"]
    assert account.get(f"/api/v2/optin/email/{mail}")["optedIn"] is looked["emailOptIn"]
    assert account.get(f"/api/v2/lookup/email/{mail}") == {"contactID": row["contactID"]}


def test_hidden_points_are_0_in_the_wallet_and_true_in_the_list(account):
    account.door("config", {"points.hidden": True})
    row = next(each for each in account.contacts() if each["loyaltyPoints"] > 0)
    wallet = account.get(f"/api/v1.1/wallet/{{uid}}/{row['contactID']}")
    assert (wallet["loyaltyPoints"], wallet["hidePointsInWallet"]) == (0, True)


def test_churn_moves_rows_between_pages_and_the_truth_follows(account):
    before = {row["contactID"] for row in account.contacts()}
    account.door("config", {"paging.churn": 3})
    for start in range(0, 120, 20):
        account.get(f"{LIST}?start={start}&limit=20&sort=id")
    account.door("config", {"paging.churn": 0})
    after = {row["contactID"] for row in account.contacts()}
    assert before - after
    assert after - before
    assert len(after) == account.door("truth")["contacts"]["listed"]


def test_a_page_can_be_repeated_by_a_fault(account):
    rule = {"kind": "act", "action": {"repeat_page": True}, "path": "/piis/", "nth": [2]}
    account.door("faults", {"rules": [rule]})
    first = account.get(f"{LIST}?limit=10&sort=id")
    second = account.get(f"{LIST}?start=10&limit=10&sort=id")
    assert second["results"] == first["results"]
    assert second["start"] == 10


def test_a_pushed_member_appears_after_the_delay(account):
    account.door("config", {"delay.members": 86_400})
    new = account.door("edit", {"action": "insert_contact", "values": {"firstName": "Late"}})
    path = f"/api/v1.1/piis/{account.uid}/{new['contactID']}"
    assert account.ask(path).status == 404
    account.door("clock", {"advance": 86_401})
    assert account.ask(path).data["firstName"] == "Late"
    page = account.get(f"{LIST}?limit=1&sort=inserted&dir=desc")
    assert page["results"][0]["contactID"] == new["contactID"]


def test_edits_block_rename_merge_and_delete(account):
    one, two, three, four = account.contacts()[:4]
    edits = [
        {"action": "block_contact", "contactID": one["contactID"]},
        {
            "action": "edit_contact",
            "contactID": two["contactID"],
            "values": {"firstName": "Renamed", "email": "renamed@example.com"},
        },
        {"action": "merge_contact", "contactID": three["contactID"], "into": two["contactID"]},
        {"action": "delete_contact", "contactID": four["contactID"]},
    ]
    account.door("edit", edits)
    listed = {row["contactID"]: row for row in account.contacts()}
    assert not {one["contactID"], three["contactID"], four["contactID"]} & set(listed)
    assert listed[two["contactID"]]["firstName"] == "Renamed"
    assert account.get(f"{LIST}/{three['contactID']}")["contactID"] == two["contactID"]
    assert account.get(f"{LIST}?search=renamed@example.com")["total"] == 1
    assert account.ask("/_sandbox/edit", "POST", {"action": "nonsense"}).status == 400


def test_an_override_wins_in_list_and_look_up(account):
    row = account.contacts()[0]
    path = f"/api/v2/loyaltyContact/override/{{uid}}/{row['contactID']}"
    assert account.get(path) is None
    account.door(
        "edit",
        {
            "action": "put_override",
            "contactID": row["contactID"],
            "values": {"firstName": "Overridden"},
        },
    )
    assert account.get(path)["overrides"] == {"firstName": "Overridden"}
    assert account.get(f"{LIST}/{row['contactID']}")["firstName"] == "Overridden"


def test_one_contact_in_nine_has_an_override_that_the_look_up_shows_and_some_name_rewards(account):
    path = "/api/v2/loyaltyContact/override/{uid}/"
    told = {row["contactID"]: account.get(path + row["contactID"]) for row in account.contacts()}
    found = {key: each for key, each in told.items() if each is not None}
    assert 0 < len(found) < len(told) / 4
    for key, each in found.items():
        shown = account.get(f"{LIST}/{key}")
        assert each["contactID"] == key
        assert each["overrides"] == {name: shown[name] for name in each["overrides"]}
    assert 0 < sum("rewardOverrides" in each for each in found.values()) < len(found)
    account.door("config", {"override.get": "404"})
    assert account.ask(path.format(uid=account.uid) + next(iter(found))).status == 404


def test_push_tokens_and_custom_attributes_are_shown_where_they_are(account):
    account.door("config", {"push_tokens": "on"})
    details = [account.get(f"{LIST}/{row['contactID']}") for row in account.contacts()]
    assert any("pushTokens" in each for each in details)
    assert all(("pushTokens" in each) == each["pushOptIn"] for each in details)
    for each in details[:20]:
        attributes = account.get(f"/api/v1.1/contact/customAttributes/{{uid}}/{each['contactID']}")
        assert attributes == each["customAttributes"]


def test_last_touch_moves_by_itself_and_nothing_else_does(account):
    contact = next(each["contactID"] for each in account.contacts())
    shown = []
    for instant in (1_790_000_100, 1_790_000_800):
        account.door("clock", {"freeze_at": instant})
        doc = account.get(f"/api/v1.1/piis/{account.uid}/{contact}")
        doc["audiences"] = [each.pop("lastTouch") for each in doc["audiences"] or ()]
        shown.append(doc)
    assert {name for name in shown[0] if shown[0][name] != shown[1][name]} >= {"lastTouch"}
    assert {name for name in shown[0] if shown[0][name] != shown[1][name]} <= {
        "lastTouch",
        "audiences",
    }
