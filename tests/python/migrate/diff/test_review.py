"""A review on real data is kept beside the code, and CI can tell whether it fits the change."""

from __future__ import annotations

import pytest

from load.errors import ConfigError
from migrate.diff.review import keep, misfit
from migrate.diff.revisions import export, revision
from migrate.diff.samples import SAMPLES
from migrate.outcome import INVARIANT_BROKEN, Outcome

from .conftest import PATCHES, ROOT


def outcome(*, exit_code: int = 0, rises: int = 0) -> Outcome:
    facts = {
        "base mapping": "aaa",
        "head mapping": "bbb",
        "records whose consent would rise": rises,
    }
    return Outcome("diff", "2 fields change", exit_code, facts=facts)


def test_a_review_as_it_was_written_fits_its_change(tmp_path):
    file = keep(outcome(), tmp_path / "reviews" / "<hash>.md")
    assert file.name == "bbb.md"
    assert misfit(tmp_path, "aaa", "bbb") == ""


def test_a_change_of_no_mapping_needs_no_review(tmp_path):
    assert misfit(tmp_path, "aaa", "aaa") == ""


def test_a_missing_review_is_named_with_the_command_that_makes_it(tmp_path):
    assert "aiq2pd diff" in misfit(tmp_path, "aaa", "bbb")


def test_a_review_against_another_base_does_not_fit(tmp_path):
    keep(outcome(), tmp_path / "reviews" / "<hash>.md")
    assert "compares aaa with bbb" in misfit(tmp_path, "ccc", "bbb")


def test_a_review_edited_by_hand_does_not_fit(tmp_path):
    file = keep(outcome(), tmp_path / "reviews" / "<hash>.md")
    file.write_text(file.read_text().replace("2 fields", "0 fields"))
    assert "not as `aiq2pd diff` wrote it" in misfit(tmp_path, "aaa", "bbb")


def test_a_review_that_says_consent_would_rise_does_not_pass(tmp_path):
    keep(outcome(exit_code=INVARIANT_BROKEN, rises=2), tmp_path / "reviews" / "<hash>.md")
    assert "consent of 2 records" in misfit(tmp_path, "aaa", "bbb")


def test_commit_and_working_tree_of_one_mapping_have_one_hash_and_a_change_has_another(repository):
    committed = revision(repository.path, "main").mapping
    assert revision(repository.path, "").mapping == committed
    repository.apply("rename_of_a_field")
    try:
        assert revision(repository.path, "").mapping != committed
    finally:
        repository.clean()


def test_an_exported_commit_has_the_project_and_its_link_to_the_profiles(repository, tmp_path):
    export(repository.path, "main", tmp_path / "out")
    assert (tmp_path / "out" / "profiles.yml").read_text()
    assert (tmp_path / "out" / "models" / "marts" / "mart_persons.sql").is_file()


def test_a_revision_that_git_does_not_know_is_named(repository):
    with pytest.raises(ConfigError, match="no-such-branch: git knows no such revision"):
        revision(repository.path, "no-such-branch")


def test_the_page_of_sample_pull_requests_shows_each_patch_as_it_is_with_its_exit_code():
    page = (ROOT / "docs" / "sample-diffs.md").read_text(encoding="utf-8")
    expected = {"bug_that_raises_consent": 70, "changed_merge_rule": 70}
    assert {patch.stem for patch in PATCHES.glob("*.patch")} == set(SAMPLES)
    for name, title in SAMPLES.items():
        patch = (PATCHES / f"{name}.patch").read_text(encoding="utf-8")
        shown = f"## {title}\n\n```diff\n{patch}```\n\nExit code {expected.get(name, 0)}."
        assert shown in page, f"{name}: make samples"
