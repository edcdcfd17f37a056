"""A whole account over real HTTP: complete, within the limits, and only read."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from extract.alpine_iq.calls import CallPlan
from extract.alpine_iq.settings import WINDOWS
from load.errors import ConfigError, RetryLater

from .sandboxed import SCALE, Simulated, content, keys, rows


def test_everything_that_the_account_holds_is_landed_with_the_fewest_calls(
    simulated: Simulated, tmp_path: Path
) -> None:
    plans: list[CallPlan] = []
    result = simulated.extract(tmp_path, on_plan=plans.append)
    truth = simulated.get("truth")
    counts = truth["counts"]
    listed = truth["contacts"]["listed"]
    assert result.gaps == {}
    assert result.rows["stores"] == counts["stores"]
    assert result.rows["audiences"] == result.rows["audience_members"] == counts["audiences"]
    assert result.rows["contacts"] == result.rows["contact_details"] == listed
    assert result.rows["contact_orders"] == listed
    assert result.rows["campaigns"] == counts["campaigns"]
    assert result.rows["discounts"] == counts["discounts"]
    lines = rows(
        tmp_path,
        "select sum(json_array_length(payload -> 'lines')) from raw_alpine_iq.contact_orders",
    )
    assert lines[0][0] == truth["listed"]["lines"]
    log = simulated.log()
    assert result.calls == result.minimum_calls == len(log)
    looked_up = result.rows["hidden_contacts"] + result.calls_by_endpoint.get("optins", 0)
    assert plans[0].calls + looked_up == result.calls


def test_no_window_is_exceeded_in_the_servers_own_log(simulated: Simulated, tmp_path: Path) -> None:
    simulated.extract(tmp_path)
    log = simulated.log()
    assert {call["method"] for call in log} == {"GET"}
    assert [call for call in log if call["status"] == 429] == []
    times = [call["at"] for call in log]
    for window in WINDOWS:
        seconds = window.seconds / SCALE
        most = max(sum(1 for each in times if at - seconds < each <= at) for at in times)
        assert most <= window.calls


def test_rows_are_shaped_as_the_models_expect(simulated: Simulated, tmp_path: Path) -> None:
    simulated.extract(tmp_path)
    columns = rows(
        tmp_path,
        "select distinct column_name, data_type from information_schema.columns "
        "where table_schema = 'raw_alpine_iq' and left(table_name, 4) <> '_dlt'",
    )
    assert set(columns) == {
        ("record_key", "VARCHAR"),
        ("payload", "JSON"),
        ("content_hash", "VARCHAR"),
        ("request", "VARCHAR"),
        ("fetched_at", "TIMESTAMP WITH TIME ZONE"),
        ("_dlt_load_id", "VARCHAR"),
    }
    loose = rows(
        tmp_path,
        "select count(*) from raw_alpine_iq.contacts where _dlt_load_id not in "
        "(select load_id from raw_alpine_iq._dlt_loads where status = 0)",
    )
    assert loose == [(0,)]
    run = rows(
        tmp_path,
        "select payload ->> 'state', payload ->> 'finished_at' is not null "
        "from raw_alpine_iq.extraction_runs",
    )
    assert run == [("closed", True)]


def test_a_second_extraction_of_an_unchanged_account_ends_in_the_same_tables(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated.extract(tmp_path)
    before = content(tmp_path)
    second = simulated.extract(tmp_path)
    assert content(tmp_path) == before
    assert second.calls == second.minimum_calls
    assert rows(tmp_path, "select count(*) from raw_alpine_iq.extraction_runs") == [(2,)]


def test_hidden_contacts_are_found_and_told_apart(simulated: Simulated, tmp_path: Path) -> None:
    simulated.extract(tmp_path)
    found = dict(
        rows(tmp_path, "select record_key, payload ->> 'found' from raw_alpine_iq.hidden_contacts")
    )
    assert found
    expected = {"merged": "merged", "deleted": "gone"}
    hidden = {each["contactID"]: each["reason"] for each in simulated.get("hidden")}
    assert found == {key: expected.get(hidden[key], "visible") for key in found}
    assert found.keys().isdisjoint(keys(tmp_path, "contacts"))


@pytest.mark.parametrize(("mode", "found"), [("redacted", "redacted"), ("hidden", "gone")])
def test_hidden_contacts_that_answer_less_are_classified_so(
    mode: str, found: str, simulated: Simulated, tmp_path: Path
) -> None:
    simulated.post("config", {"hidden.by_id": mode})
    simulated.extract(tmp_path, per_contact=False)
    told = rows(tmp_path, "select distinct payload ->> 'found' from raw_alpine_iq.hidden_contacts")
    assert (found,) in told
    assert ("visible",) not in told


def test_a_contact_that_leaves_the_list_is_looked_for(simulated: Simulated, tmp_path: Path) -> None:
    simulated.extract(tmp_path, per_contact=False)
    blocked = sorted(keys(tmp_path, "contacts"))[0]
    simulated.post("edit", {"action": "block_contact", "contactID": blocked})
    simulated.extract(tmp_path, per_contact=False)
    assert blocked not in keys(tmp_path, "contacts")
    traces = rows(
        tmp_path,
        "select payload ->> 'found', payload -> 'traces' ->> 0 "
        f"from raw_alpine_iq.hidden_contacts where record_key = '{blocked}'",
    )
    assert traces[0][0] == "visible"


@pytest.mark.parametrize(
    ("switches", "gaps"),
    [
        ({"empty_lists": "array"}, set()),
        ({"audiences.shape": "nested"}, set()),
        ({"orders.shape": "lean"}, set()),
        ({"detail.extra": "off"}, set()),
        ({"loyalty.default": "404"}, {"loyalty_program"}),
        ({"optin.get": "404"}, set()),
        ({"merged.by_id": "404"}, set()),
        ({"hidden.in_members": "no"}, set()),
    ],
    ids=lambda value: next(iter(value), "no gap") if isinstance(value, dict) else "",
)
def test_shapes_that_nobody_has_proved_may_be_otherwise(
    switches: dict[str, Any], gaps: set[str], simulated: Simulated, tmp_path: Path
) -> None:
    simulated.post("config", switches)
    result = simulated.extract(tmp_path)
    assert set(result.gaps) == gaps
    assert result.rows["contacts"] == result.rows["contact_orders"] > 0


def test_paged_orders_are_read_to_their_end(simulated: Simulated, tmp_path: Path) -> None:
    listed = simulated.get("truth")["listed"]["lines"]
    simulated.post("config", {"orders.paging": "on"})
    simulated.extract(tmp_path)
    lines = rows(
        tmp_path,
        "select sum(json_array_length(payload -> 'lines')) from raw_alpine_iq.contact_orders",
    )
    assert lines[0][0] == listed


def test_pages_that_shift_lose_and_double_nobody(simulated: Simulated, tmp_path: Path) -> None:
    before = {each["contact"]["contactID"] for each in simulated.get("dump") if not each["hidden"]}
    simulated.post("config", {"paging.churn": 3})
    result = simulated.extract(tmp_path, per_contact=False, paging=(15, 4))
    after = {each["contact"]["contactID"] for each in simulated.get("dump") if not each["hidden"]}
    landed = [key for (key,) in rows(tmp_path, "select record_key from raw_alpine_iq.contacts")]
    assert before != after
    assert len(landed) == len(set(landed))
    assert before & after <= set(landed) | keys(tmp_path, "hidden_contacts")
    assert result.rows["contacts"] == len(landed)


def test_small_pages_cost_what_the_plan_says(simulated: Simulated, tmp_path: Path) -> None:
    result = simulated.extract(tmp_path, per_contact=False, paging=(15, 4))
    assert result.calls == result.minimum_calls
    assert result.calls_by_endpoint["contacts"] > 5


def test_a_list_that_lost_many_contacts_is_not_landed_unless_accepted(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated.extract(tmp_path, per_contact=False)
    before = keys(tmp_path, "contacts")
    for contact_id in sorted(before)[:8]:
        simulated.post("edit", {"action": "block_contact", "contactID": contact_id})
    with pytest.raises(ConfigError, match="nothing was landed"):
        simulated.extract(tmp_path, per_contact=False)
    assert keys(tmp_path, "contacts") == before
    result = simulated.extract(tmp_path, per_contact=False, accept_changes=True)
    assert result.rows["contacts"] == len(before) - 8


def test_points_that_are_all_zero_of_a_sudden_are_not_landed(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated.extract(tmp_path, per_contact=False)
    for contact_id in keys(tmp_path, "contacts"):
        values = {"loyaltyPoints": 0}
        edit = {"action": "edit_contact", "contactID": contact_id, "values": values}
        simulated.post("edit", edit)
    with pytest.raises(ConfigError, match="no contact has points"):
        simulated.extract(tmp_path, per_contact=False)


def test_another_account_does_not_enter_the_same_warehouse(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated.extract(tmp_path, per_contact=False)
    with sqlite3.connect(tmp_path / "alpine_iq_calls.sqlite") as db:
        db.execute("UPDATE calls SET account = '1'")
    db.close()
    simulated.post("config", {"auth.keys": {simulated.api_key: ["1"]}})
    other = Simulated(simulated.base_url, "1", simulated.api_key)
    with pytest.raises(ConfigError):
        other.extract(tmp_path, per_contact=False)


def test_a_wrong_key_is_a_configuration_error(simulated: Simulated, tmp_path: Path) -> None:
    wrong = Simulated(simulated.base_url, simulated.uid, "wrong-key-canary")
    with pytest.raises(ConfigError) as caught:
        wrong.extract(tmp_path)
    assert caught.value.exit_code == 2
    assert "wrong-key-canary" not in str(caught.value)
    assert len(simulated.log()) == 1


def test_files_are_private_and_hold_no_answers_afterwards(
    simulated: Simulated, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    simulated.extract(folder)
    for path in folder.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) & ~allowed == 0, path.name
    person = rows(
        folder,
        "select payload ->> 'email' from raw_alpine_iq.contacts "
        "where payload ->> 'email' like '%@%' limit 1",
    )[0][0]
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "warehouse.duckdb":
            assert person.encode() not in path.read_bytes(), path.name


def test_two_extractions_do_not_run_at_once(simulated: Simulated, tmp_path: Path) -> None:
    def second(_: CallPlan) -> None:
        with pytest.raises(RetryLater, match="another extraction"):
            simulated.extract(tmp_path)

    simulated.extract(tmp_path, per_contact=False, on_plan=second)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_data_directory_is_a_configuration_error(
    simulated: Simulated, tmp_path: Path
) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="AIQ2PD_DATA_DIR"):
        simulated.extract(tmp_path / "data")
    tmp_path.chmod(0o700)


def test_a_data_directory_that_is_a_file_is_a_configuration_error(
    simulated: Simulated, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigError, match="AIQ2PD_DATA_DIR"):
        simulated.extract(tmp_path / "data")


def test_a_sample_asks_for_so_many_contacts_only(simulated: Simulated, tmp_path: Path) -> None:
    result = simulated.extract(tmp_path, sample=5)
    assert result.rows["contact_details"] == 5
    assert result.rows["contacts"] > 5
    assert result.calls == result.minimum_calls
