"""A plain `dbt build` from the project's root, as people type it: no flags, no profile, no key.

Its artefacts and its debug log cost seconds and are not looked at here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def dbt_build(data_dir: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "build", *more],
        cwd=ROOT,
        env={
            **os.environ,
            "AIQ2PD_DATA_DIR": str(data_dir),
            "DBT_TARGET_PATH": str(data_dir / "target"),
            "DBT_LOG_PATH": str(data_dir / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",
            "DBT_WRITE_JSON": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes_in_a_fresh_clone_with_all_tests_and_unit_tests(tmp_path):
    done = dbt_build(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "ERROR=0" in done.stdout


def test_it_passes_after_a_whole_migration_with_every_test_over_the_data(migrated, tmp_path):
    shutil.copy(migrated.data_dir / "warehouse.duckdb", tmp_path)
    done = dbt_build(tmp_path, "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "ERROR=0" in done.stdout
