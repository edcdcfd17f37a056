"""A whole account over real HTTP: complete, within the limits, and only read."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from extract.alpine_iq.calls import CallPlan
from extract.alpine_iq.run import ExtractionResult
from extract.alpine_iq.settings import WINDOWS
from load.errors import ConfigError, RetryLater

from .sandboxed import SCALE, Simulated, content, keys, rows


@dataclass(frozen=True)
class Landed:
    """One extraction that many tests look at."""

    folder: Path
    result: ExtractionResult
    plan: CallPlan
    log: list[dict[str, Any]]
    truth: dict[str, Any]
    hidden: dict[str, str]


@pytest.fixture(scope="module")
def landed(simulator: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    simulator.post("reset", {})
    folder = tmp_path_factory.mktemp("landed") / "data"
    plans: list[CallPlan] = []
    result = simulator.extract(folder, on_plan=plans.append)
    hidden = {each["contactID"]: each["reason"] for each in simulator.get("hidden")}
    return Landed(folder, result, plans[0], simulator.log(), simulator.get("truth"), hidden)


@pytest.fixture
def landed_before(landed: Landed, tmp_path: Path) -> Path:
    """A data folder of the test's own, in which the account was landed once."""
    return shutil.copytree(landed.folder, tmp_path / "data")


def line_count(folder: Path) -> int:
    found = rows(
        folder,
        "select sum(json_array_length(payload -> 'lines')) from raw_alpine_iq.contact_orders",
    )
    return int(found[0][0])


def had_points(folder: Path) -> int:
    """Listed contacts that were members once or have points; the sandbox gives them to no others"""
    found = rows(
        folder,
        "select count(*) from raw_alpine_iq.contacts where payload ->> 'loyaltySignupTS' > '0' "
        "or (payload ->> 'loyalty')::boolean or (payload ->> 'loyaltyPoints')::double <> 0",
    )
    return int(found[0][0])


def test_everything_that_the_account_holds_is_landed(landed: Landed) -> None:
    counts, have = landed.truth["counts"], landed.result.rows
    listed = landed.truth["contacts"]["listed"]
    assert landed.result.gaps == {}
    assert have["stores"] == counts["stores"]
    assert have["audiences"] == have["audience_members"] == counts["audiences"]
    assert have["contacts"] == have["contact_details"] == have["contact_orders"] == listed
    assert have["campaigns"] == counts["campaigns"]
    assert have["discounts"] == counts["discounts"]
    assert line_count(landed.folder) == landed.truth["listed"]["lines"]


def test_no_call_is_made_that_the_plan_does_not_name(landed: Landed) -> None:
    result = landed.result
    assert result.calls == result.minimum_calls == len(landed.log)
    looked_up = result.rows["hidden_contacts"] + result.calls_by_endpoint.get("optins", 0)
    assert landed.plan.calls + looked_up == result.calls
    # what would take a call more per contact is priced, not made
    listed = landed.truth["contacts"]["listed"]
    priced = {line.endpoint: line.calls for line in landed.plan.left_out}
    assert priced == {"points_timelines": had_points(landed.folder), "overrides": listed}
    assert not priced.keys() & result.calls_by_endpoint.keys()


def test_no_window_is_exceeded_in_the_servers_own_log(landed: Landed) -> None:
    assert {call["method"] for call in landed.log} == {"GET"}
    assert [call for call in landed.log if call["status"] == 429] == []
    times = [call["at"] for call in landed.log]
    for window in WINDOWS:
        seconds = window.seconds / SCALE
        most = max(sum(1 for each in times if at - seconds < each <= at) for at in times)
        assert most <= window.calls


def test_rows_are_shaped_as_the_models_expect(landed: Landed) -> None:
    columns = rows(
        landed.folder,
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
        landed.folder,
        "select count(*) from raw_alpine_iq.contacts where _dlt_load_id not in "
        "(select load_id from raw_alpine_iq._dlt_loads where status = 0)",
    )
    assert loose == [(0,)]
    run = rows(
        landed.folder,
        "select payload ->> 'state', payload ->> 'finished_at' is not null "
        "from raw_alpine_iq.extraction_runs",
    )
    assert run == [("closed", True)]


def test_hidden_contacts_are_found_and_told_apart(landed: Landed) -> None:
    found = dict(
        rows(
            landed.folder,
            "select record_key, payload ->> 'found' from raw_alpine_iq.hidden_contacts",
        )
    )
    assert found
    expected = {"merged": "merged", "deleted": "gone"}
    assert found == {key: expected.get(landed.hidden[key], "visible") for key in found}
    assert found.keys().isdisjoint(keys(landed.folder, "contacts"))


def test_files_are_private_and_hold_no_answers_afterwards(landed: Landed) -> None:
    for path in landed.folder.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) & ~allowed == 0, path.name
    person = rows(
        landed.folder,
        "select payload ->> 'email' from raw_alpine_iq.contacts "
        "where payload ->> 'email' like '%@%' limit 1",
    )[0][0]
    for path in landed.folder.rglob("*"):
        if path.is_file() and path.name != "warehouse.duckdb":
            assert person.encode() not in path.read_bytes(), path.name


def test_a_second_extraction_of_an_unchanged_account_ends_in_the_same_tables(
    simulated: Simulated, landed_before: Path
) -> None:
    before = content(landed_before)
    second = simulated.extract(landed_before)
    assert content(landed_before) == before
    assert second.calls == second.minimum_calls
    assert rows(landed_before, "select count(*) from raw_alpine_iq.extraction_runs") == [(2,)]


@pytest.mark.parametrize(("mode", "found"), [("redacted", "redacted"), ("hidden", "gone")])
def test_hidden_contacts_that_answer_less_are_classified_so(
    mode: str, found: str, simulated: Simulated, tmp_path: Path
) -> None:
    simulated.post("config", {"hidden.by_id": mode})
    simulated.extract(tmp_path, per_contact=False)
    told = rows(tmp_path, "select distinct payload ->> 'found' from raw_alpine_iq.hidden_contacts")
    assert (found,) in told
    assert ("visible",) not in told


def test_a_contact_that_leaves_the_list_is_looked_for(
    simulated: Simulated, landed_before: Path
) -> None:
    blocked = sorted(keys(landed_before, "contacts"))[0]
    simulated.post("edit", {"action": "block_contact", "contactID": blocked})
    simulated.extract(landed_before, per_contact=False)
    assert blocked not in keys(landed_before, "contacts")
    traces = rows(
        landed_before,
        "select payload ->> 'found', payload -> 'traces' ->> 0 "
        f"from raw_alpine_iq.hidden_contacts where record_key = '{blocked}'",
    )
    assert traces[0][0] == "visible"


def test_shapes_that_nobody_has_proved_may_be_otherwise(
    simulated: Simulated, landed: Landed, tmp_path: Path
) -> None:
    switches = {
        "empty_lists": "array",
        "audiences.shape": "nested",
        "orders.paging": "on",
        "detail.extra": "off",
        "loyalty.default": "404",
        "optin.get": "404",
        "merged.by_id": "404",
        "hidden.in_members": "no",
    }
    simulated.post("config", switches)
    result = simulated.extract(tmp_path)
    assert set(result.gaps) == {"loyalty_program"}
    assert result.rows["audiences"] == landed.result.rows["audiences"]
    assert result.rows["contact_orders"] == landed.result.rows["contact_orders"]
    assert line_count(tmp_path) == line_count(landed.folder)


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
    result = simulated.extract(tmp_path, per_contact=False, paging=(10, 3))
    assert result.calls == result.minimum_calls
    assert result.calls_by_endpoint["contacts"] > 4


def test_a_list_that_lost_many_contacts_is_not_landed_unless_accepted(
    simulated: Simulated, landed_before: Path
) -> None:
    before = keys(landed_before, "contacts")
    for contact_id in sorted(before)[:4]:
        simulated.post("edit", {"action": "block_contact", "contactID": contact_id})
    with pytest.raises(ConfigError, match="nothing was landed"):
        simulated.extract(landed_before, per_contact=False)
    assert keys(landed_before, "contacts") == before
    result = simulated.extract(landed_before, per_contact=False, accept_changes=True)
    assert result.rows["contacts"] == len(before) - 4


def test_points_that_are_all_zero_of_a_sudden_are_not_landed(
    simulated: Simulated, landed_before: Path
) -> None:
    for contact_id in keys(landed_before, "contacts"):
        values = {"loyaltyPoints": 0}
        edit = {"action": "edit_contact", "contactID": contact_id, "values": values}
        simulated.post("edit", edit)
    with pytest.raises(ConfigError, match="no contact has points"):
        simulated.extract(landed_before, per_contact=False)


def test_a_wrong_key_is_a_configuration_error(simulated: Simulated, tmp_path: Path) -> None:
    wrong = Simulated(simulated.base_url, simulated.uid, "wrong-key-canary")
    with pytest.raises(ConfigError) as caught:
        wrong.extract(tmp_path)
    assert caught.value.exit_code == 2
    assert "wrong-key-canary" not in str(caught.value)
    assert len(simulated.log()) == 1


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


def test_a_go_of_so_many_calls_lands_the_first_contacts_and_the_next_go_takes_the_rest(
    simulated: Simulated, tmp_path: Path
) -> None:
    with pytest.raises(RetryLater, match="run the command again"):
        simulated.extract(tmp_path, calls=12)
    points = "coalesce(cast(payload ->> 'loyaltyPoints' as double), 0)"
    first = rows(
        tmp_path,
        "select record_key from raw_alpine_iq.contacts order by "
        f"cast(payload ->> 'inserted' as bigint) // 2592000 desc, {points} desc, "
        "cast(payload ->> 'inserted' as bigint) desc, record_key limit 6",
    )
    assert keys(tmp_path, "contact_details") == {key for (key,) in first}
    assert keys(tmp_path, "contact_orders") == keys(tmp_path, "contact_details")
    result = simulated.extract(tmp_path)
    assert result.resumed
    assert result.calls == result.minimum_calls
    assert keys(tmp_path, "contact_details") == keys(tmp_path, "contacts")


def test_goes_of_a_few_calls_pass_contacts_whose_detail_says_nothing(
    simulated: Simulated, tmp_path: Path
) -> None:
    path = f"/piis/{simulated.uid}/."
    rule = {"kind": "error_before", "status": 404, "path": path, "times": 2}
    simulated.post("faults", {"rules": [rule]})
    done = []
    for _ in range(3):
        with pytest.raises(RetryLater, match="run the command again"):
            simulated.extract(tmp_path, calls=2)
        done.append(len(keys(tmp_path, "contact_orders")))
    assert done == [1, 2, 3]
    assert len(keys(tmp_path, "contact_details")) == 1
