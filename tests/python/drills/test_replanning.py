"""Rebuild, query and plan again while a load runs: real processes, real files, no error."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.request import Request, urlopen

import pytest

from sandbox import process

PERSONAS = 60
SEED = 11
AIQ2PD = (sys.executable, "-c", "from migrate.cli import main; main()")
QUERY = (
    "import duckdb, sys, time;"
    "c = duckdb.connect(sys.argv[1], read_only=True);"
    "n = c.sql('select count(*) from marts.mart_persons').fetchone()[0];"
    "time.sleep(1); sys.exit(0 if n else 9)"
)
LONGEST = 300
SLOW = 4
ORDER = ("dbt", "query", "plan", "build", "query", "plan", "query")


@pytest.fixture
def account(tmp_path):
    """A generated account, extracted and planned at high speed; then its servers at real speed."""
    folder = tmp_path / "account"
    sandbox = folder / "sandbox"

    def variables(scale):
        process.down(sandbox)
        info = process.up(sandbox, personas=PERSONAS, seed=SEED, window_scale=scale)
        return {**os.environ, **info.environment(), "AIQ2PD_DATA_DIR": str(folder)}

    fast = variables(600)
    for command in ("extract", "build", "plan"):
        run(fast, command)
    yield folder, variables(1)
    process.down(sandbox)


def run(environment, *command):
    done = subprocess.run(
        [*AIQ2PD, *command, "--json"],
        env=environment, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert done.returncode in (0, 3), (command, done.stdout[-2000:], done.stderr[-2000:])
    return json.loads(done.stdout)


def query(environment, folder):
    done = subprocess.run(
        [sys.executable, "-c", QUERY, str(folder / "warehouse.duckdb")],
        env=environment, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    # the ledger is being copied into it, for parts of a second: DuckDB's own word for "not now"
    assert done.returncode == 0 or "Conflicting lock" in done.stderr, done.stderr
    return done.returncode == 0


def dbt_build(environment, folder):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", "--quiet"),
            *("--select", "marts", "--exclude-resource-type", "unit_test"),
            *("--target-path", str(folder / "by_hand"), "--log-path", str(folder / "by_hand")),
        ],
        env=environment, capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return True


def build(environment, _folder):
    run(environment, "build")
    return True


def plan(environment, _folder):
    run(environment, "plan")
    return True


def configure(environment, **switches):
    """The local Pipedrive's side door."""
    request = Request(  # noqa: S310 (loopback)
        environment["PIPEDRIVE_BASE_URL"] + "/_sandbox/config", json.dumps(switches).encode()
    )
    urlopen(request, timeout=30).close()  # noqa: S310


DOES = {"query": query, "build": build, "plan": plan, "dbt": dbt_build}


@pytest.mark.long
def test_people_rebuild_query_and_plan_again_while_a_load_runs_and_nothing_changes(account):
    folder, environment = account
    planned = {
        one.name: json.loads((one / "manifest.json").read_text())
        for one in (folder / "plans").iterdir()
    }
    (first,) = planned
    # slow enough that the load outlasts everybody, until it is let go
    configure(environment, burst_limit=SLOW)
    with subprocess.Popen(
        [*AIQ2PD, "apply", "--json"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as load:  # fmt: skip
        try:
            done = dict.fromkeys(ORDER, 0)
            for what in ORDER:
                done[what] += DOES[what](environment, folder)
                assert load.poll() is None, f"the load ended before everybody was done: {done}"
            configure(environment, burst_limit=None)
            out, _ = load.communicate(timeout=LONGEST)
        finally:
            load.kill()
    sys.stdout.write(f"while the load ran: {done}\n")
    result = json.loads(out)
    assert load.returncode in (0, 3), result["headline"]
    assert result["facts"]["plan"] == first
    # a query may meet the copying of the ledger; the others wait for it
    assert done["build"] + done["dbt"] + done["plan"] == len(ORDER) - ORDER.count("query")
    assert done["query"] > 0
    run(environment, "sweep")
    assert run(environment, "verify")["exit_code"] == 0
    run(environment, "plan")
    assert run(environment, "apply")["facts"]["write calls"] == 0
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger:
        (loaded,) = ledger.execute(
            "select count(*) from id_map where state = 'confirmed' and entity in"
            " ('organization', 'person', 'product', 'deal', 'deal_product', 'note')"
        ).fetchone()
    assert loaded == sum(each.get("create", 0) for each in planned[first]["counts"].values())
