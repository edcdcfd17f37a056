"""Faults, kills and refusals in the middle: the next run goes on, and ends in the same tables."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from extract.alpine_iq.run import ExtractionResult
from extract.alpine_iq.settings import THREADS
from load.errors import ConfigError, RetryLater

from .sandboxed import BOTH, ON_DEMAND, SCALE, TABLES, LandedWithBoth, Simulated, rows
from .sandboxed import content as content_of

HISTORIES = ("/adjustments/", "/redemptions/", "/conversions/")
EXTRACT = f"""
import sys
from pathlib import Path
from extract.alpine_iq import AlpineIQAccount, extract_account
from load.progress import Silent
if __name__ == "__main__":
    base_url, uid, key, folder = sys.argv[1:]
    account = AlpineIQAccount(base_url, uid, key, window_scale={SCALE})
    extract_account(account, Path(folder), progress=Silent(), timelines=True, overrides=True)
"""


def content(folder: Path) -> dict[str, list[tuple[str, str]]]:
    return content_of(folder, (*TABLES, *ON_DEMAND))


@pytest.fixture(scope="module")
def undisturbed(landed_with_both: LandedWithBoth) -> dict[str, list[tuple[str, str]]]:
    return content(landed_with_both.folder)


@dataclass
class Killed:
    """One data folder, extractions into it that are killed, and what the kills cost."""

    simulated: Simulated
    folder: Path
    kills: int = 0

    def start(self) -> subprocess.Popen[bytes]:
        account = self.simulated
        arguments = [account.base_url, account.uid, account.api_key, str(self.folder)]
        return subprocess.Popen([sys.executable, "-c", EXTRACT, *arguments])

    def kill_after(self, *, calls: int, seconds: float = 0.0) -> bool:
        """False when it was done before it had made so many calls and so many seconds passed."""
        before = self.simulated.get("stats")["total_calls"]
        with self.start() as process:
            while process.poll() is None:
                if self.simulated.get("stats")["total_calls"] - before >= calls:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(seconds)
                    break
                time.sleep(0.01)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            return True
        assert process.returncode == 0
        return False

    def lost(self) -> tuple[int, int]:
        """Calls in the service's log beyond what the finished runs needed, and those runs.

        A process can be killed after it has finished its run: then the next one begins anew, and
        its calls are needed, not lost.
        """
        ((runs, needed),) = rows(
            self.folder,
            "select count(*), sum((payload -> 'minimum_calls')::int)::int "
            "from raw_alpine_iq.extraction_runs where payload ->> 'state' = 'closed'",
        )
        return len(self.simulated.log()) - needed, runs


def test_killed_at_several_moments_it_goes_on_where_it_was(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    killed = Killed(simulated, tmp_path)
    moments = (5, 30, 40)
    assert all(killed.kill_after(calls=calls) for calls in moments)
    result = simulated.extract(tmp_path, **BOTH)
    assert result.resumed
    assert content(tmp_path) == undisturbed
    lost, runs = killed.lost()
    assert runs == 1
    assert 0 <= lost <= len(moments) * THREADS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_random_moments_it_ends_in_the_same_tables(
    seed: int,
    simulated: Simulated,
    tmp_path: Path,
    undisturbed: dict[str, list[tuple[str, str]]],
) -> None:
    """Five kills a seed: while it reads, and in the seconds in which it lands what it read."""
    chance = random.Random(seed)
    killed = Killed(simulated, tmp_path)
    while killed.kills < 5:
        moment = {"calls": chance.randrange(60), "seconds": chance.choice((0, chance.random() * 3))}
        if not killed.kill_after(**moment):
            assert content(tmp_path) == undisturbed
    simulated.extract(tmp_path, **BOTH)
    assert content(tmp_path) == undisturbed
    lost, runs = killed.lost()
    # which calls came twice says what was lost: lists, details or orders
    told = Counter((call["path"], call["status"]) for call in simulated.log())
    assert 0 <= lost <= killed.kills * THREADS, (runs, told.most_common())
    personal = canary(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "warehouse.duckdb":
            assert personal not in path.read_bytes(), path.name
    sys.stdout.write(f"seed {seed}: {killed.kills} kills, {runs} runs, {lost} calls lost\n")


def canary(folder: Path) -> bytes:
    """An e-mail that answers hold: it may stand in the warehouse and nowhere else."""
    found = rows(
        folder,
        "select payload ->> 'email' from raw_alpine_iq.contacts "
        "where payload ->> 'email' like '%@%' order by 1 limit 1",
    )
    return str(found[0][0]).encode()


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
    result, gave_up = to_the_end(simulated, tmp_path)
    assert content(tmp_path) == undisturbed
    hits = sum(rule["hits"] for rule in simulated.get("faults")["rules"])
    assert hits > 10
    calls = simulated.log()
    # a run that gave up may have asked for histories in other windows than the run after it
    windows = sum(any(name in call["path"] for name in HISTORIES) for call in calls)
    beyond = len(calls) - result.minimum_calls
    assert hits // 2 < beyond <= hits + (windows if gave_up else 0)


def to_the_end(simulated: Simulated, folder: Path) -> tuple[ExtractionResult, int]:
    """Run until it is done, and how often it gave up before: which calls meet the faults depends
    on the threads, so one call may meet five of them."""
    for gave_up in range(10):
        with contextlib.suppress(RetryLater):
            return simulated.extract(folder, **BOTH), gave_up
    raise AssertionError("ten times it gave up")


def test_a_service_that_stays_down_costs_nothing_that_was_read(
    simulated: Simulated, tmp_path: Path, undisturbed: dict[str, list[tuple[str, str]]]
) -> None:
    rule = {"kind": "error_before", "status": 503, "path": "/contact/orders/", "after": 15}
    simulated.post("faults", {"rules": [rule]})
    with pytest.raises(RetryLater, match="goes on where it stopped"):
        simulated.extract(tmp_path, **BOTH)
    good = sum(1 for call in simulated.log() if call["status"] == 200)
    simulated.post("faults", {"rules": []})
    result = simulated.extract(tmp_path, **BOTH)
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
    assert content_of(tmp_path) == {table: undisturbed[table] for table in TABLES}
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
            simulated.extract(tmp_path, **BOTH)
        other.stdin.write("\n")
        other.stdin.close()
    assert simulated.log() == []
