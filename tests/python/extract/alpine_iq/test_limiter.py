"""The rate windows hold whatever the latency, the process or the restart."""

from __future__ import annotations

import os
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.settings import WINDOWS, Window
from load.errors import RetryLater


@dataclass
class Time:
    """A clock that moves when somebody sleeps."""

    now: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.0005)


def limiter(path: Path, time: Time, windows: tuple[Window, ...] = WINDOWS) -> CallLimiter:
    return CallLimiter(path, "4242", windows, scale=1.0, now=lambda: time.now, sleep=time.sleep)


def most_in_any_window(times: list[float], seconds: float) -> int:
    return max(sum(1 for each in times if at - seconds < each <= at) for at in times)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_window_is_exceeded_wherever_the_server_saw_the_calls(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    time = Time()
    windows = (Window(3, 1.0), Window(10, 8.0))
    gate = limiter(tmp_path_factory.mktemp("calls") / "calls.sqlite", time, windows)
    seen = []
    for _ in range(40):
        ticket = gate.claim("run", "contacts")
        latency = chance.choice([0.0, 0.01, 0.4, 2.0])
        seen.append(time.now + chance.uniform(0, latency))
        time.now += latency
        gate.settle(ticket)
    gate.close()
    for window in windows:
        assert most_in_any_window(seen, window.seconds) <= window.calls


def test_the_hour_window_outlives_a_restart(tmp_path: Path) -> None:
    time = Time()
    windows = (Window(2, 3_600.0),)
    first = limiter(tmp_path / "calls.sqlite", time, windows)
    for _ in range(2):
        first.settle(first.claim("run", "contacts"))
    first.close()
    began = time.now
    second = limiter(tmp_path / "calls.sqlite", time, windows)
    second.settle(second.claim("run", "contacts"))
    second.close()
    assert time.now - began >= 3_600


def test_a_call_in_flight_keeps_its_place(tmp_path: Path) -> None:
    time = Time()
    gate = limiter(tmp_path / "calls.sqlite", time, (Window(1, 1.0),))
    ticket = gate.claim("run", "contacts")
    time.now += 500
    answered_at = time.now

    def sleep(seconds: float) -> None:
        gate.settle(ticket) if time.now < answered_at + 0.02 else None
        time.now += seconds

    gate._sleep = sleep
    gate.claim("run", "contacts")
    gate.close()
    assert time.now >= answered_at + 1.0


def test_calls_of_a_process_that_died_do_not_block_for_ever(tmp_path: Path) -> None:
    time = Time()
    path = tmp_path / "calls.sqlite"
    gate = limiter(path, time, (Window(1, 1.0),))
    gate.claim("run", "contacts")
    with sqlite3.connect(path) as db:
        db.execute(
            "UPDATE calls SET process = 'an earlier one with our pid', pid = ?", (os.getpid(),)
        )
    db.close()
    began = time.now
    gate.claim("run", "contacts")
    gate.close()
    assert 1.0 <= time.now - began < 3.0


def test_a_pause_of_the_service_is_kept_by_all(tmp_path: Path) -> None:
    time = Time()
    path = tmp_path / "calls.sqlite"
    one, other = limiter(path, time), limiter(path, time)
    one.pause(30)
    began = time.now
    other.settle(other.claim("run", "contacts"))
    assert time.now - began >= 30
    one.close()
    other.close()


def test_an_absurd_pause_stops_the_run_instead(tmp_path: Path) -> None:
    gate = limiter(tmp_path / "calls.sqlite", Time())
    with pytest.raises(RetryLater, match="goes on where it stopped"):
        gate.pause(10**9)
    gate.close()


def test_calls_are_counted_by_run_and_endpoint(tmp_path: Path) -> None:
    gate = limiter(tmp_path / "calls.sqlite", Time())
    for name in ("stores", "contacts", "contacts"):
        gate.settle(gate.claim("run", name))
    assert gate.made("run") == {"contacts": 2, "stores": 1}
    assert gate.made("another run") == {}
    gate.close()


def test_after_a_call_that_could_not_be_settled_on_a_full_disk_nobody_waits_for_its_place(
    tmp_path: Path,
) -> None:
    time = Time()
    gate = limiter(tmp_path / "calls.sqlite", time, (Window(1, 1.0),))
    ticket = gate.claim("run", "contacts")
    with sqlite3.connect(tmp_path / "calls.sqlite") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON calls BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    other.close()
    with pytest.raises(sqlite3.Error, match="full"):
        gate.settle(ticket)

    def nobody_waits(_seconds: float) -> None:
        raise AssertionError("waits for ever")

    gate._sleep = nobody_waits
    with pytest.raises(sqlite3.Error, match="full"):
        gate.claim("run", "contacts")
    gate.close()
