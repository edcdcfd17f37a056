"""A customer's repository: made from the example, built on this version of the core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from load.errors import ConfigError
from load.progress import Silent
from migrate.customer import make
from migrate.customer_build import built
from migrate.diff.review import keep
from migrate.diff.revisions import revision
from migrate.outcome import Outcome
from migrate.places import mapping_seed, project_dir
from migrate.settings import read

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "green_valley"
CHECK = ROOT / ".ci" / "review_is_there.py"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def committed(folder: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=as it is")


def change_a_region(folder: Path) -> None:
    regions = folder / "seeds" / "mapping" / "store_regions.csv"
    text = regions.read_text(encoding="utf-8")
    assert "South" in text
    regions.write_text(text.replace("South", "Coast"), encoding="utf-8")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """What a customer's CI asks of a change."""
    return subprocess.run(
        [sys.executable, str(CHECK), "main"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_new_repository_bears_its_name_and_knows_where_the_core_is(tmp_path):
    make(Silent(), "acme", parent=tmp_path, core="core")
    assert "name: acme\n" in (tmp_path / "acme" / "dbt_project.yml").read_text()
    assert "- local: core\n" in (tmp_path / "acme" / "packages.yml").read_text()
    assert "[core/macros/udfs]" in (tmp_path / "acme" / "profiles" / "profiles.yml").read_text()
    named = [
        f for f in (tmp_path / "acme").rglob("*") if f.is_file() and b"green_v" in f.read_bytes()
    ]
    assert named == []
    assert not (tmp_path / "acme" / "data").exists()


def test_a_folder_that_is_there_and_a_name_that_dbt_cannot_use_are_refused(tmp_path):
    (tmp_path / "acme").mkdir()
    with pytest.raises(ConfigError, match="is there already"):
        make(Silent(), "acme", parent=tmp_path, core="core")
    with pytest.raises(ConfigError, match="small letters"):
        make(Silent(), "Acme Inc", parent=tmp_path, core="core")


def test_the_customers_folder_is_the_project_in_force_and_the_core_lends_its_seeds(
    tmp_path, monkeypatch
):
    make(Silent(), "acme", parent=tmp_path, core=str(ROOT))
    monkeypatch.chdir(tmp_path / "acme")
    assert project_dir() == tmp_path / "acme"
    assert mapping_seed("plan_limits.csv") == ROOT / "seeds" / "mapping" / "plan_limits.csv"


def test_the_examples_settings_are_those_that_the_commands_know(monkeypatch):
    monkeypatch.setenv("AIQ2PD_ACCOUNT_FILE", str(EXAMPLE / "account.toml"))
    assert read().order_strategy == "all_deals"
    ours = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert (EXAMPLE / ".env.example").read_text(encoding="utf-8") == ours


def seeds_in_selections(folder: Path) -> dict[str, set[str]]:
    """The decisions' seeds that each selection names, by their path or by their package."""
    told = yaml.safe_load((folder / "selectors.yml").read_text(encoding="utf-8"))["selectors"]
    found = {}
    for selector in told:
        definition = selector["definition"]
        values = [one["value"] for one in definition.get("union", definition.get("exclude"))]
        seeds = [value for value in values if "decisions" in value]
        found[selector["name"]] = {
            seed.removesuffix(".csv").replace("/", ".").rpartition(".")[2] for seed in seeds
        }
    return found


def test_the_examples_selections_name_the_seeds_that_those_of_the_core_name():
    ours = seeds_in_selections(ROOT)
    assert {"build", "plan", "verify"} == set(ours)
    assert all(ours.values())
    assert seeds_in_selections(EXAMPLE) == ours


def test_ci_wants_a_review_of_a_customers_change_and_takes_one_that_fits(tmp_path):
    make(Silent(), "acme", parent=tmp_path, core=str(ROOT))
    acme = tmp_path / "acme"
    committed(acme)
    assert (check(acme).returncode, check(acme).stdout) == (0, "the review fits\n")
    change_a_region(acme)
    missing = check(acme)
    assert missing.returncode == 1
    assert "is not there: `aiq2pd diff" in missing.stdout
    hashes = {
        "base mapping": revision(acme, "main").mapping,
        "head mapping": revision(acme, "").mapping,
    }
    facts = {**hashes, "records whose consent would rise": 0}
    keep(Outcome("diff", "1 field changes", facts=facts), acme / "reviews" / "<hash>.md")
    fits = check(acme)
    assert (fits.returncode, fits.stdout) == (0, "the review fits\n")


@pytest.mark.long
def test_a_customers_change_is_compared_on_its_own_data_and_the_page_passes_its_ci(tmp_path):
    built(tmp_path, str(ROOT))
    example = tmp_path / "example"
    committed(example)
    change_a_region(example)
    command = [sys.executable, "-c", "from migrate.cli import main; main()", "diff", "main"]
    told = subprocess.run(
        [*command, "--data", "local", "--out", "reviews/<hash>.md"],
        cwd=example,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AIQ2PD_DATA_DIR": str(tmp_path / "data"),
            "AIQ2PD_ACCOUNT_FILE": str(example / "account.toml"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    assert "| organization | store_nickname__c | 1 | 0 | 0 | 1 |" in told.stdout
    done = check(example)
    assert (done.returncode, done.stdout) == (0, "the review fits\n")


@pytest.mark.long
def test_the_example_builds_with_data_on_this_version_and_on_the_one_that_is_committed():
    done = subprocess.run(
        [str(ROOT / ".ci" / "customer_example"), "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.count("the example builds with all its tests: ") == 2
    assert "on HEAD:" in done.stdout


@pytest.mark.long
def test_the_selections_of_a_customers_repository_are_those_of_the_core(tmp_path):
    make(Silent(), "acme", parent=tmp_path, core=str(ROOT))
    listed(tmp_path / "acme", "deps")
    for selector in ("build", "plan", "verify"):
        ours = listed(ROOT, "ls", "--selector", selector, "--target-path", str(tmp_path / "core"))
        theirs = listed(tmp_path / "acme", "ls", "--selector", selector)
        assert len(ours) > 50
        assert theirs - ours <= {"int_store_regions", "store_regions"} | added_by_them(theirs)
        assert ours - theirs == set()


def listed(folder: Path, *command: str) -> set[str]:
    """What dbt says, line by line."""
    # of a source nothing is built: a selection by path lists it, one by package does not
    names = ("--output", "name", "--exclude-resource-type", "source")
    output = names if command[0] == "ls" else ()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", *command, *output],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def added_by_them(names: set[str]) -> set[str]:
    """Tests of what the customer adds."""
    return {name for name in names if "store_regions" in name}
