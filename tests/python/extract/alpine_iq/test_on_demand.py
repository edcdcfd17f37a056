"""Points timelines and overrides: off unless chosen, asked for once, no harm where they lack."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extract.alpine_iq import on_demand
from extract.alpine_iq.journal import Answer
from extract.alpine_iq.settings import HISTORY_START, THREADS, UNANSWERED_AT_MOST
from load.errors import ConfigError, RetryLater

from .sandboxed import BOTH, ON_DEMAND, LandedWithBoth, Simulated, content, keys, rows


@pytest.fixture
def landed(landed_with_both: LandedWithBoth) -> LandedWithBoth:
    return landed_with_both


@pytest.fixture
def data(landed: LandedWithBoth, simulated: Simulated, tmp_path: Path) -> Path:
    """A data folder of the test's own, in which the account was landed once with both."""
    return Path(shutil.copytree(landed.folder, tmp_path / "data"))


def payload(folder: Path, table: str, contact_id: str) -> Any:
    found = rows(
        folder, f"select payload from raw_alpine_iq.{table} where record_key = '{contact_id}'"
    )
    return json.loads(found[0][0])


def test_both_are_planned_calls_and_nobody_is_asked_twice_or_in_vain(
    landed: LandedWithBoth,
) -> None:
    result = landed.result
    assert result.calls == result.minimum_calls == len(landed.log)
    assert result.gaps == {}
    planned = {line.endpoint: line.calls for line in landed.plan.lines}
    listed = keys(landed.folder, "contacts")
    timelines = keys(landed.folder, "points_timelines")
    assert landed.plan.left_out == ()
    assert planned["overrides"] == result.calls_by_endpoint["overrides"] == len(listed)
    assert planned["points_timelines"] == result.calls_by_endpoint["points_timelines"]
    assert planned["points_timelines"] == len(timelines) < len(listed)
    assert keys(landed.folder, "overrides") == listed
    spared = f"{len(listed - timelines)} contacts never had any"
    assert spared in next(x.why for x in landed.plan.lines if x.endpoint == "points_timelines")


def test_a_contact_whose_timeline_is_not_asked_for_has_none(
    simulated: Simulated, landed: LandedWithBoth
) -> None:
    simulated.post("config", {"limits": "off"})
    listed, asked = keys(landed.folder, "contacts"), keys(landed.folder, "points_timelines")
    told = {
        key: simulated.ask(f"/api/v1.1/contact/loyaltyPoints/timeline/{simulated.uid}/{key}")
        for key in listed
    }
    assert listed - asked
    assert all(told[key]["events"] is None for key in listed - asked)
    # and those that were asked for are landed whole
    for key in asked:
        events = payload(landed.folder, "points_timelines", key)["events"]
        assert sorted(map(json.dumps, events)) == sorted(map(json.dumps, told[key]["events"] or []))
    assert sum(len(told[key]["events"] or ()) for key in asked) > 20


def test_no_override_is_remembered_as_an_answer(landed: LandedWithBoth) -> None:
    found = {
        key: payload(landed.folder, "overrides", key) for key in keys(landed.folder, "overrides")
    }
    assert all(each["contactID"] == key for key, each in found.items())
    none = [key for key, each in found.items() if each["override"] is None]
    assert 0 < len(none) < len(found)
    assert any("rewardOverrides" in (each["override"] or {}) for each in found.values())


@pytest.mark.long
def test_an_account_without_them_shows_it_as_gaps_and_costs_few_calls_also_when_resumed(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated.post("config", {"timeline.get": "404", "override.get": "404"})
    rule = {"kind": "error_before", "status": 503, "path": "/contact/orders/", "after": 25}
    simulated.post("faults", {"rules": [rule]})
    with pytest.raises(RetryLater):
        simulated.extract(tmp_path, **BOTH)
    simulated.post("faults", {"rules": []})
    result = simulated.extract(tmp_path, **BOTH)
    assert set(result.gaps) == {"points_timelines", "overrides"}
    for name, gap in result.gaps.items():
        assert gap.startswith("HTTP 404 about")
        assert gap.endswith("nobody else was asked for")
        assert UNANSWERED_AT_MOST <= result.calls_by_endpoint[name] < UNANSWERED_AT_MOST + THREADS
    told = rows(tmp_path, "select payload ->> 'gaps' from raw_alpine_iq.extraction_runs")
    assert set(json.loads(told[0][0])) == set(result.gaps)
    assert result.rows["contact_orders"] == result.rows["contacts"]

    # a delta asks everybody, once they are there
    simulated.post("config", {"timeline.get": "200", "override.get": "200"})
    second = simulated.extract(tmp_path, delta=True, **BOTH)
    assert second.gaps == {}
    assert keys(tmp_path, "overrides") == keys(tmp_path, "contacts")
    assert second.asked_for < second.rows["contacts"] / 4
    assert second.calls == second.minimum_calls


@pytest.mark.long
def test_over_several_days_each_call_is_made_once_though_some_are_answered_by_nothing(
    simulated: Simulated, tmp_path: Path, landed: LandedWithBoth
) -> None:
    rule = {"kind": "error_before", "status": 404, "path": "/override/", "times": 3}
    simulated.post("faults", {"rules": [rule]})
    days = 0
    while True:
        try:
            result = simulated.extract(tmp_path, calls=40, **BOTH)
            break
        except RetryLater:
            days += 1
            assert days < 6
            simulated.post("faults", {"rules": []})
    assert days > 1
    assert result.gaps == {"overrides": "HTTP 404 about 3 contacts"}
    assert result.calls == result.minimum_calls == len(simulated.log())
    assert content(tmp_path, ["points_timelines"]) == content(landed.folder, ["points_timelines"])
    assert len(keys(tmp_path, "overrides")) == len(keys(landed.folder, "overrides")) - 3


def test_fewer_calls_than_one_contact_takes_are_refused_before_any_is_made(
    simulated: Simulated, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="up to 4 calls"):
        simulated.extract(tmp_path, calls=3, **BOTH)
    assert simulated.log() == []


def earns_ten_points(simulated: Simulated, landed: LandedWithBoth, contact_id: str) -> None:
    balance = payload(landed.folder, "contacts", contact_id)["loyaltyPoints"]
    for edit in (
        {"action": "add_order", "orderID": "R-LATE", "lines": [{"total": 10.0}]},
        {"action": "edit_contact", "values": {"loyaltyPoints": balance + 10}},
    ):
        simulated.post("edit", {"contactID": contact_id, **edit})


@pytest.mark.long
def test_a_delta_reads_the_newest_of_a_timeline_and_keeps_what_is_older(
    simulated: Simulated, landed: LandedWithBoth, data: Path
) -> None:
    longest = max(
        keys(data, "points_timelines"),
        key=lambda key: (len(payload(data, "points_timelines", key)["events"]), key),
    )
    before = payload(data, "points_timelines", longest)["events"]
    earns_ten_points(simulated, landed, longest)
    second = simulated.extract(data, delta=True, **BOTH)
    made = second.calls_by_endpoint
    assert made["points_timelines"] <= made["overrides"] == second.asked_for
    assert second.calls == second.minimum_calls

    after = payload(data, "points_timelines", longest)["events"]
    assert [each["orderID"] for each in after[:1]] == ["R-LATE"]
    assert after[1:] == before
    request = rows(
        data,
        f"select request from raw_alpine_iq.points_timelines where record_key = '{longest}'",
    )[0][0]
    start = int(request.partition("start=")[2].partition("&")[0])
    assert start > HISTORY_START


@pytest.mark.long
def test_deltas_end_in_the_tables_of_a_whole_reading_in_whatever_order_events_come(
    simulated: Simulated, landed: LandedWithBoth, data: Path, tmp_path: Path
) -> None:
    for contact_id in sorted(keys(data, "points_timelines"))[:5]:
        earns_ten_points(simulated, landed, contact_id)
    simulated.post("config", {"timeline.order": "shuffled"})
    simulated.extract(data, delta=True, **BOTH)
    whole = tmp_path / "whole"
    simulated.extract(whole, **BOTH)
    assert content(data, ON_DEMAND) == content(whole, ON_DEMAND)


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def timeline(*events: str, member: str = "") -> Any:
    listed = ",".join(events)
    body = f'{{"data":{{"contactID":"a",{member}"events":[{listed}]}},"code":200,"success":true}}'
    return on_demand.timeline_record("a", Answer("/timeline", 200, body.encode(), NOW))


def event(ts: object, points: int = 1) -> str:
    return f'{{"ts":{json.dumps(ts)},"points":{points}}}'


def test_the_order_of_a_timeline_changes_neither_payload_nor_hash() -> None:
    one, other = timeline(event(3), event(1), event(2)), timeline(event(2), event(3), event(1))
    assert one == other
    assert [each["ts"] for each in json.loads(one.payload)["events"]] == [3, 2, 1]


def test_members_that_nobody_knows_stay_in_a_timeline_and_no_answer_is_no_event() -> None:
    assert json.loads(timeline(event(1), member='"total":7,').payload)["total"] == 7
    empty = Answer("/timeline", 204, b"", NOW)
    assert json.loads(on_demand.timeline_record("a", empty).payload) == {
        "contactID": "a",
        "events": [],
    }


@pytest.mark.parametrize(
    ("landed_events", "shown", "whole"),
    [
        # the window begins a second early; what is before it stands as it was landed
        ([event(9), event(10), event(11)], [event(9), event(10), event(12)], [12, 10, 9]),
        # an event that was taken back inside the window is gone, equal ones are kept
        ([event(10), event(5), event(5)], [event(10), event(10)], [10, 10, 5, 5]),
        # nothing readable dates it: kept once, whoever shows it
        ([event(None), event(5)], [event(None), event(12)], [12, 5, None]),
        ([event("soon"), event(5)], [event(12)], [12, 5, "soon"]),
        ([], [event(12)], [12]),
    ],
)
def test_a_part_of_a_timeline_takes_the_place_of_what_was_landed_from_its_start_on(
    landed_events: list[str], shown: list[str], whole: list[object]
) -> None:
    part = timeline(*shown)
    joined = on_demand.joined(part, timeline(*landed_events).payload, since=10)
    assert [each["ts"] for each in json.loads(joined.payload)["events"]] == whole
    # as a whole reading would have landed it
    assert joined.content_hash == timeline(*(event(ts) for ts in whole)).content_hash
