"""Timelines and overrides from the service to the plan, by the commands, on a small account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import door

from .commands import LONGEST, copy_of_the_project, new_account

pytestmark = pytest.mark.long

EXTRACT = [str(Path(sys.executable).with_name("aiq2pd")), "extract", "--json"]


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account that asks for both by its settings, and whose history crosses as activities."""
    project = copy_of_the_project(tmp_path / "project")
    policies = project / "seeds" / "decisions" / "policies.csv"
    text = policies.read_text(encoding="utf-8")
    assert "history_activities,no" in text
    policies.write_text(text.replace("history_activities,no", "history_activities,yes"), "utf-8")
    monkeypatch.setenv("AIQ2PD_POINTS_TIMELINES", "true")
    monkeypatch.setenv("AIQ2PD_OVERRIDES", "true")
    with new_account(tmp_path / "data", project, monkeypatch) as account:
        yield account


def killed_after(account, calls: int) -> None:
    """An extraction that is killed once the service has answered so many calls."""
    until = time.monotonic() + LONGEST
    with subprocess.Popen(EXTRACT, env=os.environ, stdout=subprocess.DEVNULL) as process:
        try:
            while door.get(account.info.alpine_iq_url, "stats")["total_calls"] < calls:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_points_events_and_rewards_cross_once_whatever_is_killed_and_differences_are_listed(
    account,
):
    killed_after(account, 60)
    done = account.run("extract")
    planned = {row["resource"]: row["calls"] for row in done["tables"]["Calls planned"]}
    assert planned["overrides"] > planned["points_timelines"] > 0
    assert "Calls left out" not in done["tables"]
    made, fewest = done["facts"]["calls"], done["facts"]["fewest possible calls"]
    assert fewest <= made <= fewest + 10

    # two overrides that nothing shows, one of them of rewards, on contacts who have none yet
    free = [
        key
        for (key,) in account.ask(
            "select record_key from raw_alpine_iq.overrides"
            " where payload ->> 'override' is null order by record_key limit 2"
        )
    ]
    url = account.info.alpine_iq_url
    for edit in (
        {"action": "put_override", "contactID": free[0], "values": {"lastName": "Set"}},
        {"action": "edit_contact", "contactID": free[0], "values": {"lastName": "Shown"}},
        {
            "action": "put_override",
            "contactID": free[1],
            "values": {},
            "rewardOverrides": [{"discountID": "8814", "points": 5, "expires": 1_800_000_000}],
        },
    ):
        door.post(url, "edit", edit)
    account.run("extract")
    account.run("build")
    assert account.ask(
        "select contact_id, what, taken_from from discovery.disc_override_differences"
    ) == [(free[0], "last_name", "list or look-up")]
    assert account.ask(
        "select count(*) from discovery.disc_source_paths where decision = 'undecided'"
    ) == [(0,)]

    # rewards: of the override, and only of those that name some
    named = account.ask(
        "select mart_persons.reward_override__c from marts.mart_persons as mart_persons"
        " where reward_override__c is not null order by 1"
    )
    assert ("discount 8814, 5 points, expires 2027-01-15",) in named
    assert len(named) > 1
    rules = {rule for (rule,) in account.ask(
        "select distinct reward_override_rule from intermediate.int_contacts_united"
    )}  # fmt: skip
    assert rules == {None, "override"}

    # each event once: those of the lists under their own keys, sales and expirations beside them
    kinds = dict(
        account.ask(
            "select split_part(source_key, ':', 3), count(*) from marts.mart_activities group by 1"
        )
    )
    alone = dict(
        account.ask(
            "select event_kind, count(*) from intermediate.int_points_events_chosen"
            " where why_left_out is null group by 1"
        )
    )
    assert set(alone) == {"sale", "expiration"}
    told = dict(
        account.ask(
            "select why_left_out, count(*) from intermediate.int_points_events_chosen"
            " where why_left_out is not null group by 1"
        )
    )
    assert set(told) == {"told_by_adjustments", "told_by_redemptions"}
    assert kinds["sale"] == alone["sale"] > 20
    assert kinds["expiration"] == alone["expiration"] > 0
    # the lists tell of hidden contacts too, whom nobody asks one by one and nobody loads
    assert kinds["redemption"] == told["told_by_redemptions"]
    assert kinds["adjustment"] == told["told_by_adjustments"]

    planned = account.run("plan")
    assert planned["facts"]["plan"]
    ((activities,),) = account.ask(
        "select count(*) from plan.plan_activities where action = 'create'"
    )
    assert activities == sum(kinds.values())
