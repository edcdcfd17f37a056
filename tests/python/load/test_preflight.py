"""What must be true before the first write: each gate red once, and the canary that sees others."""

from __future__ import annotations

import asyncio

import pytest

from load.canary import NAME, unfinished
from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError
from load.preflight import GATES, preflight
from load.progress import Silent


@pytest.fixture
def check(loader, worlds):
    """Runs a preflight over a small plan."""

    def run(world=None, *, account=None, **options):
        plan = (world or worlds.small(persons=2, deals=2)).freeze(loader.folder / "plans")
        account = account or loader.account

        async def ask():
            clock = RealClock()
            with loader.ledger() as ledger:
                async with PipedriveClient(account, ledger, clock) as client:
                    return await preflight(
                        plan, ledger, client,
                        settings=account, clock=clock, progress=Silent(),
                        **{"watch_seconds": 0.1} | options,
                    )  # fmt: skip

        return asyncio.run(ask())

    return run


def states(result):
    return {gate.name: gate.state for gate in result.gates}


def why(result, name):
    return next(gate.why for gate in result.gates if gate.name == name)


def live(company):
    return [
        one
        for path in ("persons", "deals")
        for one in company.records(f"/api/v2/{path}")
        if NAME in str(one.get("name") or one.get("title"))
    ]


def test_a_good_account_opens_every_gate_and_the_canary_leaves_nothing(check, company):
    result = check()
    assert states(result) == dict.fromkeys(GATES, "green"), result
    assert result.tokens == company.door("GET", "stats")["tokens"]
    assert live(company) == []
    # 52 to look, 20 for the canary, 10 to list pipelines and stages, 15 to make ours
    assert result.tokens == 52 + 20 + 10 + 15


def test_a_second_preflight_of_the_day_writes_nothing(check, company):
    check()
    before = company.writes()
    result = check()
    assert company.writes() == before
    assert "unharmed" in why(result, "canary")
    assert result.tokens == 52


def test_a_plan_that_is_done_needs_no_canary(check, loader, company, worlds):
    world = worlds.small(persons=2, deals=2)
    assert loader.apply(world).exit_code == 0
    before = company.writes()
    assert "nothing to write" in why(check(world), "canary")
    assert company.writes() == before


def test_without_a_canary_nothing_is_written(check, company):
    assert "canary" not in states(check(with_canary=False))
    assert company.writes() == 0


def test_an_automation_that_changes_what_others_made_is_seen(check, company):
    company.config(automation={"entity": "deal", "changes": {"probability": 50}})
    result = check()
    assert states(result)["canary"] == "red"
    assert live(company) == []


def test_what_somebody_changes_during_the_watch_is_named(check, company, loader):
    class Meddling(RealClock):
        async def sleep(self, seconds):
            if seconds == 0.7:
                await asyncio.to_thread(self.meddle)
            await super().sleep(min(seconds, 0.1))

        def meddle(self):
            deal = live(company)[-1]
            company.ask("PATCH", f"/api/v2/deals/{deal['id']}", {"value": 9})

    plan_clock = Meddling()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.RealClock", lambda: plan_clock)
        result = check(watch_seconds=0.7)
    assert "value of the deal was changed by others" in why(result, "canary")
    assert live(company) == []


def test_a_canary_whose_answer_was_lost_is_red_and_cleared_away_by_the_next(check, company, loader):
    company.faults(
        {"kind": "drop_response", "method": "POST", "path": "/api/v2/deals$", "times": 1}
    )
    assert states(check())["canary"] == "red"
    assert len(live(company)) == 2
    with loader.ledger() as ledger:
        assert unfinished(ledger)
    company.faults()
    assert states(check())["canary"] == "green"
    assert live(company) == []


def test_a_token_without_administrator_rights_is_red_before_anything_is_written(check, company):
    company.config(administrator=False)
    result = check()
    assert states(result)["token"] == "red"
    assert "canary" not in states(result)
    assert company.writes() == 0


def test_another_company_is_red_and_cannot_be_waived(check, worlds):
    world = worlds.small(persons=1, deals=0)
    world.company_id = 1
    result = check(world, waive={"webhooks"})
    assert states(result)["company"] == "red"
    with pytest.raises(ConfigError, match="can't be waived"):
        check(world, waive={"company"})


def test_more_seats_configured_than_paid_is_seen_in_the_budget_header(check, company):
    company.config(daily_budget=150_000)
    result = check()
    assert states(result)["budget"] == "red"
    assert "150,000" in why(result, "budget")


def test_a_full_field_cap_is_red(check, worlds):
    world = worlds.small(persons=1, deals=0)
    world.fields += [
        ("person", f"extra{n}__c", f"Extra {n}", "varchar", False, "source_wins")
        for n in range(100)
    ]
    assert states(check(world))["custom_fields"] == "red"


def test_a_field_with_the_name_and_type_of_ours_is_adopted_only_if_somebody_confirms_it(
    check, company, loader, worlds
):
    body = {"field_name": "Points", "field_type": "double"}
    made = company.ask("POST", "/api/v2/personFields", body)["data"]
    world = worlds.small(persons=1, deals=0)
    result = check(world, with_canary=False)
    assert states(result)["adopted"] == "red"
    assert made["field_code"] in why(result, "adopted")
    assert states(check(world, waive={"adopted"}))["adopted"] == "waived"
    world.codes["person", "points__c"] = [made["field_code"]]
    assert states(check(world, with_canary=False))["adopted"] == "green"
    assert loader.apply(world).exit_code == 0
    listed = company.ask("GET", "/api/v2/personFields?limit=500")["data"]
    names = [one["field_name"] for one in listed]
    assert names.count("Points") == 1


def test_a_field_that_only_contact_sync_brings_is_red_without_it(check, company, worlds):
    world = worlds.small(persons=1, deals=0)
    world.fields.append(("person", "birthday", "Birthday", "native", True, "source_wins"))
    assert states(check(world, with_canary=False))["contact_sync"] == "red"
    company.config(contact_sync=True)
    assert states(check(world, with_canary=False))["contact_sync"] == "green"


def test_a_ledger_brought_back_from_an_old_backup_is_red_before_it_makes_anything_twice(
    check, company, loader, worlds
):
    world = worlds.small(persons=2, deals=2)
    assert loader.apply(world).exit_code == 0
    backup = loader.ledger_path.read_bytes()
    world.add("person", "aiq:person:late", name="Late Comer")
    assert loader.apply(world).exit_code == 0
    world.add("person", "aiq:person:later", name="Later Comer")
    current = check(world, with_canary=False)
    assert states(current)["ledger"] == "green"
    assert current.tokens == 52 + 4 * 10  # plans of before the first load: all is to be made
    loader.ledger_path.write_bytes(backup)
    assert "1 person" in why(check(world, with_canary=False), "ledger")


def test_activities_of_a_type_that_the_account_lacks_are_red_before_one_is_sent(check, worlds):
    world = worlds.small(persons=1, deals=0)
    world.add("activity", "aiq:history:1", subject="One", type="task")
    fine = check(world)
    assert states(fine)["activity_types"] == "green"
    assert fine.tokens == 52 + 20 + 20 + 5  # the canary asks for a stage
    world.add("activity", "aiq:history:2", subject="Two", type="loyalty_event")
    assert "no activity type loyalty_event" in why(check(world), "activity_types")


def test_an_active_webhook_is_red_until_it_is_waived_and_the_ledger_keeps_that(
    check, company, loader
):
    company.ask(
        "POST",
        "/api/v1/webhooks",
        {
            "subscription_url": "https://hooks.example.com/a-secret",
            "event_action": "*",
            "event_object": "*",
            "name": "Mailer",
            "version": "2.0",
        },
    )
    result = check()
    assert states(result)["webhooks"] == "red"
    assert "hooks.example.com" in why(result, "webhooks")
    assert "a-secret" not in why(result, "webhooks")
    waived = check(waive={"webhooks"})
    assert states(waived)["webhooks"] == "waived"
    assert waived.red == ()
    with loader.ledger() as ledger:
        rows = ledger.db.execute("select detail from events where what = 'gate waived'").fetchall()
        assert len(rows) == 1
        assert ledger.check_events() > 0


def test_an_archived_canary_flies_only_where_the_strategy_archives(check, company):
    assert states(check(with_archived=True))["canary"] == "green"
    archived = [
        call for call in company.calls() if call["method"] == "PATCH" and "deals" in call["path"]
    ]
    assert len(archived) == 1
    assert live(company) == []
