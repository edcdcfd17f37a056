"""A customer's repository: made from the example, built on this version of the core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from load.errors import ConfigError
from load.progress import Silent
from migrate.customer import make
from migrate.places import mapping_seed, project_dir

ROOT = Path(__file__).resolve().parents[3]


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
    output = ("--output", "name") if command[0] == "ls" else ()
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
