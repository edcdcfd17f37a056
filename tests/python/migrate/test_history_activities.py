"""The history of points and campaigns as activities, by the commands, to the end and back."""

from __future__ import annotations

import pytest

from sandbox import door

from .commands import copy_of_the_project, new_account

pytestmark = pytest.mark.long


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account whose policies.csv says yes to activities, before anything is landed."""
    project = copy_of_the_project(tmp_path / "project")
    policies = project / "seeds" / "decisions" / "policies.csv"
    text = policies.read_text(encoding="utf-8")
    assert "history_activities,no" in text
    policies.write_text(text.replace("history_activities,no", "history_activities,yes"), "utf-8")
    with new_account(tmp_path / "data", project, monkeypatch) as account:
        door.post(account.info.pipedrive_url, "snapshot", {"name": "before"})
        yield account


def test_each_event_is_one_done_activity_of_its_person_whatever_breaks_and_leaves_with_undo(
    account,
):
    account.run("extract")
    account.run("build")
    planned = account.run("plan", "--read-back")
    ways = {
        row["way"]: row
        for table in planned["tables"].values()
        for row in table
        if isinstance(row, dict) and "way" in row
    }
    events = account.ask(
        "select source_key, person__source_key, due_date, due_time from marts.mart_activities"
    )
    assert len(events) > 20
    assert ways["an activity an event"]["is_chosen"]
    assert ways["an activity an event"]["tokens"] == 5 * len(events)
    assert not ways["one note a person"]["is_chosen"]

    account.apply_killed_at("create.after_answer:activity#7")
    account.run("apply", code=3)
    ids = dict(
        account.ask(
            "select source_key, pipedrive_id from ledger.id_map"
            " where entity in ('person', 'activity') and state = 'confirmed'"
        )
    )
    there = {one["id"]: one for one in account.live("activity")}
    assert there.keys() == {ids[key] for key, *_ in events}
    for key, person, due_date, due_time in events:
        shown = there[ids[key]]
        assert shown["done"]
        assert [each["person_id"] for each in shown["participants"]] == [ids[person]]
        assert (shown["due_date"], shown["due_time"]) == (due_date, due_time)
        assert f"[{key}]" in shown["note"]
    assert account.run("apply", code=3)["facts"]["write calls"] == 0
    account.run("sweep")
    account.run("verify")
    compared = account.ask(
        "select verdict, sum(record_count)::int from reconciliation.rec_field_comparison"
        " where entity = 'activity' group by 1"
    )
    assert {verdict for verdict, _ in compared} <= {"equal", "normalised_equal", "kept"}, compared
    assert sum(count for _, count in compared) >= 6 * len(events)
    assert "0 violations" in account.check()
    assert account.run("plan")["facts"]["tokens"] == 0

    person, activity = events[0][1], ids[events[0][0]]
    door.post(
        account.info.pipedrive_url,
        "edit",
        {
            "action": "patch",
            "entity": "activity",
            "id": activity,
            "changes": {"note": "<p>a person was here</p>"},
        },
    )
    left = account.run("undo", "--all", "--yes", code=3)
    assert left
    assert [one["id"] for one in account.live("activity")] == [activity]
    assert ids[person] in {one["id"] for one in account.live("person")}
