"""Three sample pull requests and what the diff says about each, on a generated account."""

from __future__ import annotations

import pytest

from load.progress import Silent
from migrate.diff import diff
from migrate.diff.builds import Data
from migrate.diff.data import fixture
from migrate.outcome import DONE, INVARIANT_BROKEN
from migrate.rendered import as_markdown


@pytest.fixture
def told(repository, migrated):
    """The outcome of a diff of the working tree against the commit, after applying a patch."""
    loaded = Data("loaded", migrated.data_dir / "warehouse.duckdb")

    def tell(patch: str = "", *, head: str = "", data: Data = loaded):
        if patch:
            repository.apply(patch)
        try:
            return diff(
                repository.path, repository.settings, Silent(), base="main", head=head, data=data
            )
        finally:
            repository.clean()

    return tell


def rows(outcome, title: str):
    return next((t.records() for t in outcome.tables if t.title == title), [])


def test_a_bug_that_would_raise_consent_is_shown_and_ends_with_70(told):
    outcome = told("bug_that_raises_consent")
    assert outcome.exit_code == INVARIANT_BROKEN
    rises = [row for row in rows(outcome, "Consent") if row["direction"] == "rise"]
    assert rises
    assert {row["column"] for row in rises} <= {"sms_opt_in__c", "email_opt_in__c"}
    assert outcome.facts["records whose consent would rise"] > 0
    examples = [r for r in rows(outcome, "Examples") if r["column"].endswith("_opt_in__c")]
    assert examples
    assert all(str(row["old"]).startswith("masked, ") for row in examples)
    # only what stands on the changed model was built again
    assert 0 < outcome.facts["models rebuilt"] < 40


def test_the_same_mapping_under_another_name_changes_no_call_and_builds_nothing(told):
    outcome = told(head="main")
    assert (outcome.exit_code, outcome.tables) == (DONE, ())
    assert outcome.facts["models rebuilt"] == 0
    assert outcome.headline == "no call to Pipedrive would change"


@pytest.mark.long
def test_a_renamed_field_is_one_to_create_one_orphaned_and_an_update_for_each_record(told):
    outcome = told("rename_of_a_field")
    assert outcome.exit_code == DONE
    assert rows(outcome, "To be created in Pipedrive") == [
        {
            "kind": "field",
            "entity": "person",
            "column": "loyalty_points_redeemed__c",
            "name": "Redeemed points",
        }
    ]
    orphaned = rows(outcome, "Orphaned in Pipedrive (nothing deletes them)")
    assert [row["column"] for row in orphaned] == ["loyalty_points_used__c"]
    changed = {row["column"]: row for row in rows(outcome, "Fields that change")}
    filled, emptied = changed["loyalty_points_redeemed__c"], changed["loyalty_points_used__c"]
    assert filled["records"] == filled["filled"] == emptied["emptied"] > 0
    persons = rows(outcome, "Records by key")[0]
    assert persons["tokens_to_update_if_loaded"] == 5 * persons["changed"]
    assert "| person | loyalty_points_redeemed__c |" in as_markdown(outcome)


@pytest.mark.long
def test_a_changed_merge_rule_shows_who_goes_and_whose_values_change(told, repository):
    data = Data("fixture", fixture(repository.settings, Silent()))
    outcome = told("changed_merge_rule", data=data)
    persons = next(row for row in rows(outcome, "Records by key") if row["entity"] == "person")
    assert persons["gone"] > 0
    assert persons["changed"] > 0
    calls = {(r["entity"], r["action"]): r for r in rows(outcome, "Calls and tokens")}
    creates = calls["person", "create"]
    assert creates["calls_now"] == creates["calls_before"] - persons["gone"]
    # somebody silent may have become one person with somebody who had opted in
    rising = outcome.facts["records whose consent would rise"]
    assert outcome.exit_code == (INVARIANT_BROKEN if rising else DONE)
    keys = [r for r in rows(outcome, "Examples") if r["column"].endswith("__source_key")]
    assert all("aiq:" not in str(row["old"]) for row in keys)


@pytest.mark.long
def test_the_worked_example_of_the_contributing_guide_creates_its_field_and_fills_it(told):
    outcome = told("worked_example_of_contributing")
    created = rows(outcome, "To be created in Pipedrive")
    assert [(row["kind"], row["column"]) for row in created] == [("field", "refer_link__c")]
    changed = {row["column"]: row for row in rows(outcome, "Fields that change")}
    assert set(changed) == {"refer_link__c"}
    assert changed["refer_link__c"]["filled"] > 0
    assert outcome.exit_code == DONE
