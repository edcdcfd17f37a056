"""dbt's log becomes progress, counts and one line that names what failed."""

from __future__ import annotations

import sys

import pytest

from load.errors import ConfigError, RetryLater
from load.progress import Silent
from migrate import dbt


class Remembers(Silent):
    def __init__(self):
        self.total = None
        self.done = 0

    def start(self, task, total):
        self.total = total

    def advance(self, task, n=1, note=""):
        self.done += n


def project(tmp_path, **files: str):
    """A dbt project of its own; no network, no other file."""
    (tmp_path / "models").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "dbt_project.yml").write_text(
        "name: small\nversion: '1.0.0'\nconfig-version: 2\nprofile: small\n"
        "flags: {send_anonymous_usage_stats: false}\n",
        encoding="utf-8",
    )
    (tmp_path / "profiles" / "profiles.yml").write_text(
        "small: {target: d, outputs: {d: {type: duckdb, path: \"{{ env_var('DB') }}\"}}}\n",
        encoding="utf-8",
    )
    for name, text in files.items():
        file = tmp_path / "models" / name.replace("__", ".")
        file.write_text(text, encoding="utf-8")
    return tmp_path


def build(folder, progress=None, select=()):
    return dbt.build(
        folder,
        environment={"DB": str(folder / "small.duckdb")},
        target_path=folder / "target",
        progress=progress or Silent(),
        select=select,
    )


TESTED = "models: [{name: a, columns: [{name: x, data_tests: [unique]}]}]"


def test_a_build_counts_what_passed_and_shows_its_progress(tmp_path):
    progress = Remembers()
    done = build(project(tmp_path, a__sql="select 1 as x", a__yml=TESTED), progress)
    assert done.nodes == {"model": 1, "test": 1}
    assert (progress.total, progress.done) == (2, 2)


def test_a_failing_test_is_named_with_the_number_of_its_rows(tmp_path):
    folder = project(
        tmp_path, a__sql="select 1 as x union all select 1 union all select 1", a__yml=TESTED
    )
    with pytest.raises(ConfigError, match=r"1 failed: test unique_a_x \(1 rows\)"):
        build(folder)


def test_a_project_that_does_not_parse_is_said_in_one_line(tmp_path):
    folder = project(tmp_path, a__sql="select * from {{ ref('nobody') }}")
    with pytest.raises(ConfigError, match="nobody") as error:
        build(folder)
    assert "\n" not in str(error.value)


def test_a_warehouse_that_somebody_holds_is_worth_another_try(tmp_path):
    import subprocess

    folder = project(tmp_path, a__sql="select 1 as x")
    held = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(folder / "small.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RetryLater, match="close it"):
            build(folder)
        holder.communicate("\n")


def test_secrets_stay_out_of_dbts_environment(monkeypatch):
    monkeypatch.setenv("PIPEDRIVE_API_TOKEN", "hush")
    assert "hush" not in dbt._environment({}).values()
