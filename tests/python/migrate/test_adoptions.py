"""Persons that others typed into Pipedrive before: taken by rule or decision, never by a guess."""

from __future__ import annotations

import httpx
import pytest

from .commands import copy_of_the_project, new_account

pytestmark = pytest.mark.long


@pytest.fixture
def project(tmp_path):
    """A project in which a person has reviewed the rule of same e-mail and same name."""
    project = copy_of_the_project(tmp_path / "project")
    rules = project / "seeds" / "decisions" / "adoption_rules.csv"
    text = rules.read_text(encoding="utf-8")
    shipped = "person,email_and_name,ask,,"
    assert shipped in text
    reviewed = "person,email_and_name,adopt,Kim,2026-01-02"
    rules.write_text(text.replace(shipped, reviewed), encoding="utf-8")
    return project


@pytest.fixture
def account(tmp_path, project, monkeypatch):
    with new_account(tmp_path / "data", project, monkeypatch) as account:
        yield account


def theirs(account):
    """Names and addresses of whoever is there."""
    return {one["id"]: (one["name"], one["emails"]) for one in account.live("person")}


def typed_in(account, name, email):
    """A person whom somebody makes in Pipedrive by hand. Gives the id."""
    answer = httpx.post(
        f"{account.info.pipedrive_url}/api/v2/persons",
        headers={"x-api-token": account.info.api_token},
        json={"name": name, "emails": [{"value": email, "primary": True, "label": "home"}]},
    )
    return int(answer.raise_for_status().json()["data"]["id"])


def test_whom_others_made_is_adopted_by_rule_or_waits_for_a_decision_and_is_theirs_again_after_undo(
    account, project
):
    account.run("extract")
    account.run("build")
    people = account.ask(
        'select source_key, name, emails[1]."value" from marts.mart_persons'
        " where len(emails) > 0 and name is not null and source_key in"
        " (select person__source_key from marts.mart_deals)"
        ' and (select count(*) from marts.mart_persons as others where others.emails[1]."value"'
        ' = mart_persons.emails[1]."value") = 1 order by 1 limit 3'
    )
    (ann, name_of_ann, email_of_ann), (bo, _, email_of_bo), (cy, name_of_cy, email_of_cy) = people
    ann_there = typed_in(account, name_of_ann.upper(), email_of_ann)
    bo_there = typed_in(account, "Somebody Else", email_of_bo)
    cy_there, cy_again = (typed_in(account, name_of_cy, email_of_cy) for _ in range(2))
    before = theirs(account)

    def planned():
        keys = f"('{ann}', '{bo}', '{cy}')"
        return account.ask(
            "select source_key, action, reason, pipedrive_id from plan.plan_persons"
            f" where source_key in {keys} order by source_key"
        )

    account.run("plan", "--read-back")
    assert planned() == [
        (ann, "adopt", "match_by_rule: email_and_name", ann_there),
        (bo, "waiting", "match_to_decide", None),
        (cy, "waiting", "match_ambiguous", None),
    ]
    ((waiting,),) = account.ask(
        f"select count(*) from plan.plan_deals where payload ->> 'person__source_key' = '{bo}'"
        " and action = 'waiting'"
    )
    assert waiting
    account.run("apply", code=3)
    ((key_code,),) = account.ask(
        "select field_code from ledger.field_codes"
        " where entity = 'person' and column_name = 'migration_key__c'"
    )

    def keyed():
        return {
            one["custom_fields"].get(key_code): (one["id"], one["name"])
            for one in account.live("person")
        }

    assert keyed()[ann] == (ann_there, name_of_ann.upper())
    assert not {bo, cy} & keyed().keys()
    account.run("plan", "--read-back")
    assert account.run("apply", code=3)["facts"]["write calls"] == 0

    decisions = project / "seeds" / "decisions" / "adoption_decisions.csv"
    with decisions.open("a", encoding="utf-8") as file:
        file.write(f"person,{bo},{bo_there},adopt,married,Kim,2026-01-02\n")
        file.write(f"person,{cy},{cy_again},adopt,the newer one,Kim,2026-01-02\n")
    account.run("plan", "--read-back")
    assert [row[1:] for row in planned()[1:]] == [
        ("adopt", "match_decided", bo_there),
        ("adopt", "match_decided", cy_again),
    ]
    account.run("apply", code=3)
    assert keyed()[bo] == (bo_there, "Somebody Else")
    assert keyed()[cy][0] == cy_again
    emails = [one["emails"] for one in account.live("person") if one["id"] == cy_there]
    assert emails[0][0]["value"] == email_of_cy
    account.run("sweep")
    assert "0 violations" in account.check()
    account.run("verify")
    # links to an organization and lowered consents stay: the API or the promise forbids it
    account.run("undo", "--all", "--yes", code=3)
    assert theirs(account) == before
    assert not {ann, bo, cy} & keyed().keys()
