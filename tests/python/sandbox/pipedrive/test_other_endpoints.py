"""Notes, comments, files, webhooks, users, activities, pipelines, currencies, merges."""

from __future__ import annotations

import pytest

NOTES = "/api/v1/notes"


def test_a_note_keeps_its_time_and_is_cleaned(pipedrive):
    deal = pipedrive.deal()
    body = {
        "content": '<p onclick="x()">Hi <b>you</b><script>bad()</script> &amp; <div>me</div></p>',
        "deal_id": deal,
        "add_time": "2020-01-31 10:00:00",
    }
    note = pipedrive.data("POST", NOTES, body)
    assert note["content"] == "<p>Hi <b>you</b> &amp; me</p>"
    assert note["add_time"] == "2020-01-31 10:00:00"
    assert note["deal"] == {"title": "Order"}
    assert note["user"]["is_you"] is True


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"deal_id": 1}, "Content must be given"),
        ({"content": "x"}, "Note must be linked"),
        (
            {"content": "x", "deal_id": 999_999},
            "Cannot add/update note because deal does not exist",
        ),
        ({"content": "x" * 100_001, "lead_id": "a"}, "too long"),
        ({"content": "x", "lead_id": "a", "add_time": "yesterday"}, "add_time"),
        ({"content": "x", "lead_id": "a", "pinned_to_deal_flag": 1}, "pinned_to_deal_flag"),
        ({"content": "x", "lead_id": "a", "id": 5}, "Inserting ID"),
        ({"content": "x", "deal_id": "abc"}, "Invalid field(s) in the payload: deal_id"),
    ],
)
def test_a_bad_note_is_refused(pipedrive, body, text):
    status, error = pipedrive.error("POST", NOTES, body)
    assert status == 400
    assert text in error


def test_notes_are_listed_by_parent_in_v1_pages_and_deleted_softly(pipedrive):
    first, second = pipedrive.deal(), pipedrive.deal()
    made = [
        pipedrive.data("POST", NOTES, {"content": str(n), "deal_id": first if n < 3 else second})
        for n in range(5)
    ]
    _, answer = pipedrive.call("GET", NOTES, deal_id=first, limit=2)
    assert [note["id"] for note in answer["data"]] == [note["id"] for note in made[:2]]
    assert answer["additional_data"]["pagination"] == {
        "start": 0,
        "limit": 2,
        "more_items_in_collection": True,
        "next_start": 2,
    }
    assert pipedrive.data("DELETE", f"{NOTES}/{made[0]['id']}") is True
    assert pipedrive.data("GET", f"{NOTES}/{made[0]['id']}")["active_flag"] is False
    assert len(pipedrive.data("GET", NOTES, deal_id=first)) == 2
    newest = pipedrive.data("GET", NOTES, sort="id DESC", limit=1)
    assert newest[0]["id"] == made[-1]["id"]


def test_note_writes_touch_the_parent_only_by_switch_and_can_be_capped(pipedrive):
    deal = pipedrive.deal()
    before = pipedrive.data("GET", f"/api/v2/deals/{deal}")["update_time"]
    pipedrive.advance(5)
    pipedrive.data("POST", NOTES, {"content": "x", "deal_id": deal})
    assert pipedrive.data("GET", f"/api/v2/deals/{deal}")["update_time"] == before
    pipedrive.config(note_touches_parent=True, notes_per_deal=2)
    pipedrive.data("POST", NOTES, {"content": "x", "deal_id": deal})
    assert pipedrive.data("GET", f"/api/v2/deals/{deal}")["update_time"] > before
    assert pipedrive.error("POST", NOTES, {"content": "x", "deal_id": deal})[0] == 403


def test_notes_have_comments(pipedrive):
    note = pipedrive.data("POST", NOTES, {"content": "x", "deal_id": pipedrive.deal()})["id"]
    path = f"{NOTES}/{note}/comments"
    comment = pipedrive.data("POST", path, {"content": "first"})
    pipedrive.data("PUT", f"{path}/{comment['uuid']}", {"content": "second"})
    assert [row["content"] for row in pipedrive.data("GET", path)] == ["second"]
    assert pipedrive.data("DELETE", f"{path}/{comment['uuid']}") is True
    assert pipedrive.data("GET", path) == []


def test_there_are_no_notes_in_v2(pipedrive):
    reply = pipedrive.reply("POST", "/api/v2/notes", {"content": "x"})
    assert reply.status == 405
    assert reply.headers["content-type"].startswith("text/html")


def upload(pipedrive, content, fields, name="a.txt"):
    parts = "".join(
        f'--xx\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ).encode()
    head = (
        f'--xx\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    ).encode()
    body = parts + head + content + b"\r\n--xx--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=xx"}
    return pipedrive.reply("POST", "/api/v1/files", body, headers=kind)


def test_a_file_is_uploaded_listed_downloaded_and_deleted(pipedrive):
    person = pipedrive.person()
    assert upload(pipedrive, b"hello\r\n\0", {"person_id": person}).status == 200
    files = pipedrive.data("GET", f"/api/v1/persons/{person}/files")
    number = files[0]["id"]
    assert (files[0]["name"], files[0]["file_size"]) == ("a.txt", 8)
    assert pipedrive.reply("GET", f"/api/v1/files/{number}/download").body == b"hello\r\n\0"
    assert pipedrive.data("DELETE", f"/api/v1/files/{number}") == {"id": number}
    assert pipedrive.data("GET", "/api/v1/files") == []
    assert upload(pipedrive, b"x", {"person_id": 999_999}).status == 400
    pipedrive.config(file_bytes=3)
    assert upload(pipedrive, b"long", {"person_id": person}).status == 400


def test_files_are_listed_by_falling_id_under_the_names_that_were_sent(pipedrive):
    person = pipedrive.person()
    for name in ("first.txt", "a %22b%22 \\\\ c.txt"):
        assert upload(pipedrive, b"x", {"person_id": person}, name=name).status == 200
    found = pipedrive.data("GET", "/api/v1/files", sort="id DESC")
    assert [one["name"] for one in found] == ['a "b" \\ c.txt', "first.txt"]
    assert pipedrive.call("GET", "/api/v1/files", sort="content")[0] == 400
    for _ in range(99):
        upload(pipedrive, b"x", {"person_id": person})
    assert len(pipedrive.data("GET", "/api/v1/files", limit=500)) == 100


def test_webhooks_are_validated_and_their_deliveries_counted(pipedrive):
    path = "/api/v1/webhooks"
    body = {
        "subscription_url": "https://example.com/hook",
        "event_action": "create",
        "event_object": "person",
        "name": "new people",
    }
    status, answer = pipedrive.call("POST", path, body)
    assert (status, answer["status"]) == (201, "ok")
    pipedrive.person()
    pipedrive.deal()
    deliveries = pipedrive.door("GET", "stats")["webhook_deliveries"]
    assert deliveries == {f"{answer['data']['id']}:person:create": 1}
    status, refused = pipedrive.call("POST", path, {**body, "event_action": "explode"})
    assert (status, list(refused["errors"])) == (400, ["event_action"])
    assert pipedrive.call("DELETE", f"{path}/{answer['data']['id']}")[0] == 200
    assert pipedrive.call("DELETE", f"{path}/999")[0] == 404
    for number in range(40):
        assert pipedrive.call("POST", path, {**body, "name": str(number)})[0] == 201
    assert pipedrive.call("POST", path, body)[0] == 422


def test_users_and_the_identity_of_the_account(pipedrive):
    me = pipedrive.data("GET", "/api/v1/users/me")
    info = pipedrive.door("GET", "info")
    assert (me["company_id"], me["company_domain"]) == (info["company_id"], info["company_domain"])
    assert {"app": "global", "admin": True}.items() <= me["access"][0].items()
    users = pipedrive.data("GET", "/api/v1/users")
    assert [user["is_you"] for user in users] == [True, False]
    other = users[1]["id"]
    pipedrive.data("PUT", f"/api/v1/users/{other}", {"active_flag": False})
    assert pipedrive.error("POST", "/api/v2/persons", {"name": "A", "owner_id": other})[0] == 400
    assert pipedrive.error("GET", "/api/v1/users/999999")[0] == 404
    pipedrive.config(company_id=42)
    assert pipedrive.data("GET", "/api/v1/users/me")["company_id"] == 42


def test_activities_take_participants_and_known_types_only(pipedrive):
    person = pipedrive.person()
    path = "/api/v2/activities"
    body = {
        "subject": "Call back",
        "type": "call",
        "due_time": "09:30",
        "participants": [{"person_id": person, "primary": True}],
    }
    activity = pipedrive.data("POST", path, body)
    assert (activity["person_id"], activity["due_time"]) == (person, "09:30:00")
    assert pipedrive.error("POST", path, {"subject": "A", "person_id": person})[0] == 400
    assert pipedrive.error("POST", path, {"subject": "A", "type": "dance"})[0] == 400
    pipedrive.data("POST", "/api/v1/activityTypes", {"name": "Dance", "icon_key": "bell"})
    assert pipedrive.call("POST", path, {"subject": "A", "type": "dance"})[0] == 200
    assert len(pipedrive.walk(path, person_id=person)) == 1
    assert pipedrive.call("GET", path, type="call")[0] == 400


def test_pipelines_with_deals_cannot_be_deleted(pipedrive):
    pipedrive.deal()
    assert pipedrive.error("DELETE", "/api/v2/pipelines/1")[0] == 400
    made = pipedrive.data("POST", "/api/v2/pipelines", {"name": "Orders"})
    assert pipedrive.walk("/api/v2/stages", pipeline_id=made["id"]) == []
    pipedrive.data("PATCH", f"/api/v2/pipelines/{made['id']}", {"name": "Sales"})
    assert pipedrive.data("DELETE", f"/api/v2/pipelines/{made['id']}") == {"id": made["id"]}
    pipedrive.config(new_pipeline_stages=True)
    other = pipedrive.data("POST", "/api/v2/pipelines", {"name": "Orders"})["id"]
    assert len(pipedrive.walk("/api/v2/stages", pipeline_id=other)) == 5


def test_currencies_can_be_filtered(pipedrive):
    assert [row["code"] for row in pipedrive.data("GET", "/api/v1/currencies", term="euro")] == [
        "EUR"
    ]


def test_merging_moves_children_and_the_named_record_wins(pipedrive):
    loser = pipedrive.person(name="Maya", emails=[{"value": "old@example.com"}])
    winner = pipedrive.person(name="Maya Ortiz", emails=[{"value": "new@example.com"}])
    deal = pipedrive.deal(person_id=loser)
    path = f"/api/v1/persons/{loser}/merge"
    merged = pipedrive.data("PUT", path, {"merge_with_id": winner})
    assert (merged["id"], merged["merge_what_id"], merged["name"]) == (winner, loser, "Maya Ortiz")
    assert [entry["value"] for entry in merged["email"]] == ["new@example.com", "old@example.com"]
    assert pipedrive.data("GET", f"/api/v2/deals/{deal}")["person_id"] == winner
    assert pipedrive.data("GET", f"/api/v2/persons/{loser}")["is_deleted"] is True
    assert pipedrive.error("PUT", path, {"merge_with_id": winner})[0] == 404


def test_what_is_not_emulated_says_so_and_costs_nothing(pipedrive):
    before = pipedrive.door("GET", "stats")["tokens"]
    assert pipedrive.error("GET", "/api/v1/goals/find")[0] in (404, 501)
    assert pipedrive.error("GET", "/api/v1/leads")[0] == 501
    assert pipedrive.door("GET", "stats")["tokens"] == before


def test_the_change_log_names_each_field_who_changed_it_and_from_where(pipedrive):
    person = pipedrive.person(name="Before")
    path = f"/api/v1/persons/{person}/changelog"
    assert not pipedrive.data("GET", path)
    pipedrive.data("PATCH", f"/api/v2/persons/{person}", {"name": "By us"})
    changes = {"name": "By hand", "owner_id": 102}
    pipedrive.sandbox.admin.act(
        {"action": "patch", "entity": "person", "id": person, "changes": changes}
    )
    entries = pipedrive.data("GET", path)
    named = [one for one in entries if one["field_key"] == "name"]
    assert [(one["old_value"], one["new_value"], one["change_source"]) for one in named] == [
        ("By us", "By hand", "app"),
        ("Before", "By us", "api"),
    ]
    assert [one["actor_user_id"] for one in named] == [102, 101]
    owner = next(one for one in entries if one["field_key"] == "owner_id")
    assert (owner["old_value"], owner["new_value"]) == ("101", "102")
    _, first = pipedrive.call("GET", path, limit=1)
    cursor = first["additional_data"]["next_cursor"]
    rest = pipedrive.data("GET", path, limit=500, cursor=cursor)
    assert [*first["data"], *rest] == entries
    assert pipedrive.error("GET", "/api/v1/persons/999999/changelog")[0] == 404
