"""A customer's repository: made from the example, built on this version of the core."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
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
def test_the_example_builds_on_this_version_with_its_own_seed_model_and_override(
    tmp_path, migrated
):
    make(Silent(), "acme", parent=tmp_path, core=str(ROOT))
    folder, data = tmp_path / "acme", tmp_path / "data"
    data.mkdir()
    shutil.copy(migrated.data_dir / "warehouse.duckdb", data)
    environment = {**os.environ, "AIQ2PD_DATA_DIR": str(data)}
    for command in (("deps",), ("build", "--exclude-resource-type", "unit_test")):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", "--quiet", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as warehouse:
        nicknames = warehouse.execute(
            "select source_key, store_nickname__c from marts.mart_organizations"
        ).fetchall()
    assert any(name.startswith(("North / ", "South / ")) for _, name in nicknames)
