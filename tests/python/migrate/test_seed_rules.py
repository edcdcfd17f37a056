"""A bad row of a seed is named by file, line and what is allowed, before dbt starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from load.errors import ConfigError
from migrate.seed_rules import check_seed_rules, faults_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    return tmp_path


def edit(project: Path, file: str, old: str, new: str) -> int:
    """Replaces text in a seed; the line where it stands."""
    path = project / "seeds" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_seeds_as_committed_have_no_fault(project):
    assert list(faults_of(project)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "mapping/order_statuses.csv",
            "paid,Completed",
            "paid,Complete",
            "order_status 'Complete' is not in pipeline_stages.csv: Cancelled, Completed",
        ),
        (
            "decisions/policies.csv",
            "hidden_contacts,report,,",
            "hidden_contacts,all,,",
            "hidden_contacts 'all' does not fit report|stub|full",
        ),
        (
            "decisions/field_policies.csv",
            "med_id__c,*,allow",
            "med_id__c,*,maybe",
            "decision 'maybe' is none of allow, drop, require_evidence",
        ),
        (
            "mapping/pipeline_stages.csv",
            "Pending,1,open",
            "Pending,first,open",
            "stage_rank 'first' is not of type integer",
        ),
        (
            "mapping/genders.csv",
            "m,Male",
            "f,Male",
            "raw_gender 'f' stands in line 2 already",
        ),
        (
            "mapping/match_rules.csv",
            "same_phone_and_name,0.800,review",
            "same_phone_and_name,0.800,merge,review",
            "5 values, the header names 4: rule_name, score, action, meaning",
        ),
        (
            "mapping/source_paths.csv",
            "audiences,name,mapped",
            "audiences,name,",
            "decision is empty; every row needs one",
        ),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_what_is_allowed(project, file, old, new, said):
    line = edit(project, file, old, new)
    with pytest.raises(ConfigError) as raised:
        check_seed_rules(project)
    assert f"seeds/{file} line {line}: " in str(raised.value)
    assert said in str(raised.value)


def test_a_policy_that_was_removed_is_asked_for(project):
    edit(project, "decisions/policies.csv", "hidden_contacts,report,,\n", "")
    with pytest.raises(ConfigError, match=r"policies.csv line 1: hidden_contacts is missing"):
        check_seed_rules(project)
