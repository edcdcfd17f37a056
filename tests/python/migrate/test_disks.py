"""Disks that are full or may not be written, and a warehouse of which half is gone: real ones.

A small memory disk is mounted in a mount namespace of the command's own, so that nothing is left
behind; where this machine lets nobody do that, the tests are skipped by name.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

AIQ2PD = (sys.executable, "-c", "from migrate.cli import main; main()")


def may_mount() -> bool:
    try:
        done = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0


needs_a_disk = pytest.mark.skipif(not may_mount(), reason="this machine lets nobody mount a disk")


def on_a_disk(
    options: str, copied: Path, disk: Path, commands: tuple[tuple[str, ...], ...], variables
) -> list[subprocess.CompletedProcess[str]]:
    """The commands, one after the other, on a copy of a data folder on a disk of those options."""
    disk.mkdir(exist_ok=True)
    kept = disk.with_name("kept")
    kept.mkdir(exist_ok=True)
    done = []
    for command in commands:
        script = (
            f"mount -t tmpfs -o mode=700 tmpfs {disk}; "
            f"cp -a {copied}/. {disk}/ && "
            f"mount -o remount,{options} {disk} && "
            f"{{ {shlex.join([*AIQ2PD, *command])}; code=$?; cp -a {disk}/. {kept}/; exit $code; }}"
        )
        done.append(
            subprocess.run(
                ["unshare", "--mount", "sh", "-c", script],
                env={**os.environ, **variables, "AIQ2PD_DATA_DIR": str(disk)},
                capture_output=True,
                text=True,
                check=False,
            )
        )
    return done


def confirmed(ledger: Path) -> int:
    with sqlite3.connect(ledger) as connection:
        (count,) = connection.execute(
            "select count(*) from id_map where state = 'confirmed'"
        ).fetchone()
    connection.close()
    return int(count)


def one_line(ended: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in ended.stderr.splitlines() if line.startswith("aiq2pd ")]
    assert len(lines) == 1, ended.stderr[-2000:]
    assert "Traceback" not in ended.stderr
    return lines[0]


@needs_a_disk
def test_a_full_disk_ends_each_step_with_run_again_and_keeps_the_ledger(migrated_copy, tmp_path):
    used = sum(max(file.stat().st_blocks * 512, 4096) for file in migrated_copy.data_dir.rglob("*"))
    size = f"size={used // 1024 + 128}k"
    before = confirmed(migrated_copy.data_dir / "ledger.sqlite")
    for command in (("extract",), ("apply",)):
        (ended,) = on_a_disk(
            size, migrated_copy.data_dir, tmp_path / "disk", (command,), migrated_copy.variables()
        )
        assert ended.returncode == 75, (command, ended.stderr[-2000:])
        assert "disk is full" in one_line(ended)
        assert confirmed(tmp_path / "kept" / "ledger.sqlite") == before > 0


@needs_a_disk
def test_a_data_folder_on_a_disk_that_is_read_only_is_a_matter_of_configuration(
    migrated_copy, tmp_path
):
    for ended in on_a_disk(
        "ro",
        migrated_copy.data_dir,
        tmp_path / "disk",
        (("extract",), ("plan",), ("apply",)),
        migrated_copy.variables(),
    ):
        assert ended.returncode == 2, ended.stderr[-2000:]
        assert "AIQ2PD_DATA_DIR" in one_line(ended)


def test_a_warehouse_of_which_half_is_gone_is_named_and_the_ledger_stays(migrated_copy):
    warehouse = migrated_copy.data_dir / "warehouse.duckdb"
    with warehouse.open("r+b") as file:
        file.truncate(warehouse.stat().st_size // 2)
    before = confirmed(migrated_copy.data_dir / "ledger.sqlite")
    for command in ("extract", "plan", "verify"):
        ended = subprocess.run(
            [*AIQ2PD, command],
            env={**os.environ, **migrated_copy.variables()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 2, (command, ended.stderr[-2000:])
        assert "warehouse.duckdb is damaged" in one_line(ended)
    assert confirmed(migrated_copy.data_dir / "ledger.sqlite") == before > 0
