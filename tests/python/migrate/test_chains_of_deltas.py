"""Any chain of edits and deltas ends like one load of the final state plus people's edits.

Organizations, persons, products, deals, lines, notes and labels. The rules for which the way
matters have an oracle each (`chains.story`); each is shown to fail when its rule is broken.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from load import deciding

from .chains import landing, source
from .chains.story import OWN_ACTS, SOURCE_ACTS, Story, told
from .chains.warehouse import POLICIES, Template

SEQUENCES = 6
MANY = 300
ACTS, MANY_ACTS = 24, 40
FIRST_ACTS = {"new_store"}


@pytest.fixture(scope="session")
def template(migrated) -> Template:
    return Template.of(migrated.data_dir / "dbt", migrated.data_dir / "warehouse.duckdb")


def test_chains_of_deltas_end_like_one_load_and_peoples_edits(template, tmp_path):
    done: Counter[str] = Counter()
    for seed in range(SEQUENCES):
        done += told(template, tmp_path, seed, ACTS).done
    assert done["delta"] > 3 * SEQUENCES
    assert {"edit_contact", "edit_order", "edit_by_hand", "new_order"} <= set(done)


@pytest.mark.long
@pytest.mark.parametrize("part", range(6))
def test_many_chains_of_deltas_end_like_one_load_and_peoples_edits(template, tmp_path, part):
    done: Counter[str] = Counter()
    for seed in range(1000 + part, 1000 + MANY, 6):
        done += told(template, tmp_path, seed, MANY_ACTS).done
    assert set(done) >= FIRST_ACTS | {name for name, _ in (*SOURCE_ACTS, *OWN_ACTS)}


@pytest.mark.long
def test_a_sum_that_people_changed_by_a_lines_quantity_stays(template, tmp_path):
    told(template, tmp_path, 1002, MANY_ACTS)


def every_rule(template: Template, folder: Path) -> None:
    """One story in which every rule that depends on the way decides something."""
    story = Story(template, folder, 0)
    with ExitStack() as stack:
        stack.callback(story.close)
        now = story.source
        now.new_store()
        consents = dict.fromkeys(source.CONSENTS, "Yes")
        for name in ("typed", "changed", "merged", "survivor", "deleted", "decided"):
            now.add_contact(name)
            now.contacts[name] |= {**consents, "med_id__c": "M", "refer_code__c": "R"}
        now.contacts["changed"]["sms_opt_in__c"] = "No"
        now.contacts["merged"]["email_opt_in__c"] = "No"
        now.new_order()
        (order,) = now.orders
        now.orders[order] |= {"contact": "merged", "order_status__c": "Refunded"}
        story.delta()
        key = source.contact_key
        story.hand("person", key("typed"), "name", "By hand")
        story.hand("person", key("decided"), "name", "By hand")
        story.hand("person", key("changed"), "med_id__c", None)
        now.contacts["typed"]["name"] = now.contacts["decided"]["name"] = "By the source"
        now.contacts["changed"] |= {
            "sms_opt_in__c": "Yes", "refer_code__c": "R again", "med_id__c": "M again",
        }  # fmt: skip
        now.orders[order]["order_status__c"] = "Completed"
        story.decide()
        now.merge_into("survivor", "merged")
        now.left["deleted"] = "gone"
        del now.contacts["deleted"]
        story.delta(every_detail=True)
        story.check()


def test_every_rule_for_which_the_way_matters_holds_in_one_story(template, tmp_path):
    every_rule(template, tmp_path)


@pytest.mark.parametrize(
    ("column", "policy", "found"),
    [
        ("name", "source_always", "By hand"),
        ("refer_code__c", "source_wins", "R again"),
        ("med_id__c", "source_wins", "M again"),
        ("sms_opt_in__c", "source_wins", "'Yes', 'No'"),
    ],
)
def test_another_policy_of_a_field_is_found(  # noqa: PLR0917 (a table of cases)
    template, tmp_path, monkeypatch, column, policy, found
):
    monkeypatch.setitem(POLICIES["person"], column, policy)
    with pytest.raises(AssertionError, match=found):
        every_rule(template, tmp_path)


@pytest.mark.parametrize(
    ("model", "rule", "instead", "found"),
    [
        ("plan.plan_withdrawn", "'merged', 'hidden', 'gone'", "'merged'", "deleted at the source"),
        ("plan.plan_withdrawn", "'merged', 'hidden', 'gone'", "'hidden', 'gone'", "merged into"),
        ("plan.plan_persons", "decision = 'take_ours'", "decision = 'nothing'", "By hand"),
    ],
)
def test_a_rule_taken_out_of_the_plan_is_found(  # noqa: PLR0917 (a table of cases)
    template, tmp_path, model, rule, instead, found
):
    with pytest.raises(AssertionError, match=found):
        every_rule(template.without(model, rule, instead), tmp_path)


def test_a_merge_that_forgets_the_lower_consent_is_found(template, tmp_path, monkeypatch):
    monkeypatch.setattr(landing, "_lowest_consents", lambda _landed, _contact, _row: {})
    with pytest.raises(AssertionError, match="email_opt_in__c"):
        every_rule(template, tmp_path)


def test_a_value_that_is_cleared_although_the_api_takes_no_null_is_found(
    template, tmp_path, monkeypatch
):
    monkeypatch.setattr(deciding, "is_lasting_value", lambda _column, _wanted: False)
    with pytest.raises(AssertionError):
        every_rule(template, tmp_path)
