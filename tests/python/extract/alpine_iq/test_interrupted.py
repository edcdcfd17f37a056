"""Faults, kills and refusals in the middle: the next run goes on, and ends in the same tables."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from extract.alpine_iq.settings import THREADS
from load.errors import ConfigError, RetryLater

from .sandboxed import SCALE, Simulated, content

EXTRACT = f"""
import sys
from pathlib import Path
from extract.alpine_iq import AlpineIQAccount, extract_account
from load.progress import Silent
if __name__ == "__main__":
    base_url, uid, key, folder = sys.argv[1:]
    account = AlpineIQAccount(base_url, uid, key, window_scale={SCALE})
    extract_account(account, Path(folder), progress=Silent())
"""


@pytest.fixture(scope="module")
def undisturbed(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[str, str]]]:
    simulator.post("reset", {})
    folder = tmp_path_factory.mktemp("undisturbed")
    simulator.extract(folder)
    return content(folder)


def killed_after(simulated: Simulated, folder: Path, calls: int) -> None:
    """Starts an extraction and kills it once the service has seen so many more calls."""
    arguments = [simulated.base_url, simulated.uid, simulated.api_key, str(folder)]
    before = simulated.get("stats")["total_calls"]
    with subprocess.Popen([sys.executable, "-c", EXTRACT, *arguments]) as process:
        while process.poll() is None:
            if simulated.get("stats")["total_calls"] - before >= calls:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.01)


def resumed_like_undisturbed(
    simulated: Simulated, folder: Path, undisturbed: dict[str, list[tuple[str, str]]], kills: int
) -> None:
    result = simulated.extract(folder)
    assert content(folder) == undisturbed
    made = len(simulated.log())
    assert made <= result.minimum_calls + kills * THREADS
    assert result.calls <= made + kills * THREADS


def test_killed_at_several_moments_it_goes_on_where_it_was(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    moments = (5, 30, 40)
    for calls in moments:
        killed_after(simulated, tmp_path, calls)
    resumed_like_undisturbed(simulated, tmp_path, undisturbed, len(moments))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_random_moments_it_goes_on_where_it_was(
    seed: int,
    simulated: Simulated,
    tmp_path: Path,
    undisturbed: dict[str, list[tuple[str, str]]],
) -> None:
    chance = random.Random(seed)
    for _ in range(5):
        killed_after(simulated, tmp_path, chance.randrange(1, 60))
        time.sleep(chance.uniform(0, 0.3))
    resumed_like_undisturbed(simulated, tmp_path, undisturbed, 5)


def test_every_kind_of_fault_at_once_changes_nothing_that_is_landed(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    kinds = (
        "rate_limited",
        "error_before",
        "drop_response",
        "truncate",
        "invalid_json",
        "empty",
        "html",
        "not_success",
        "drop_request",
        "error_after",
    )
    rules = [{"kind": kind, "probability": 0.03, "path": "^/api"} for kind in kinds]
    simulated.post("faults", {"rules": rules, "seed": 11})
    result = simulated.extract(tmp_path)
    assert content(tmp_path) == undisturbed
    hits = sum(rule["hits"] for rule in simulated.get("faults")["rules"])
    assert hits > 10
    assert hits // 2 < result.calls - result.minimum_calls <= hits


def test_a_service_that_stays_down_costs_nothing_that_was_read(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    rule = {"kind": "error_before", "status": 503, "path": "/contact/orders/", "after": 15}
    simulated.post("faults", {"rules": [rule]})
    with pytest.raises(RetryLater, match="goes on where it stopped"):
        simulated.extract(tmp_path)
    good = sum(1 for call in simulated.log() if call["status"] == 200)
    simulated.post("faults", {"rules": []})
    result = simulated.extract(tmp_path)
    assert result.resumed
    assert content(tmp_path) == undisturbed
    used = sum(1 for call in simulated.log() if call["status"] in {200, 404})
    assert good > 30
    assert used == result.minimum_calls


def test_a_key_that_is_revoked_in_the_middle_stops_the_run_and_loses_nothing(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    rule = {"kind": "act", "calls": [90], "action": {"config": {"auth.revoked": True}}}
    simulated.post("faults", {"rules": [rule]})
    with pytest.raises(ConfigError):
        simulated.extract(tmp_path)
    refused = sum(1 for call in simulated.log() if call["status"] == 403)
    assert 1 <= refused <= THREADS
    simulated.post("config", {"auth.revoked": False})
    result = simulated.extract(tmp_path)
    assert content(tmp_path) == undisturbed
    assert result.calls == result.minimum_calls + refused


def test_a_warehouse_that_is_open_elsewhere_is_told_before_any_call(
    simulated: Simulated, tmp_path: Path
) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()
    holding = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        with pytest.raises(RetryLater, match="open in another program"):
            simulated.extract(tmp_path)
        other.stdin.write("\n")
        other.stdin.close()
    assert simulated.log() == []
