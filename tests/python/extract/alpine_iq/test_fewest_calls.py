"""How near a full extraction by API comes to the fewest calls that could read the account."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from extract.alpine_iq.calls import hours_at_the_limits

from .sandboxed import SCALE, Simulated, rows

PERSONAS = 300
LISTS = 7  # stores, contacts, audiences, campaigns, discounts, their groups, loyalty, one page each
HISTORIES = 3


@pytest.fixture
def larger(tmp_path: Path) -> Iterator[Simulated]:
    """An account whose extraction takes more than 500 calls."""
    command = [
        sys.executable,
        *("-m", "sandbox.alpine_iq", "--state", str(tmp_path / "state.sqlite"), "--port", "0"),
        *("--personas", str(PERSONAS), "--seed", "7", "--window-scale", str(SCALE)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield Simulated(told["base_url"], told["uid"], told["api_key"])
        finally:
            process.terminate()


@pytest.mark.long
def test_a_full_extraction_makes_hardly_more_calls_than_the_account_needs(
    larger: Simulated, tmp_path: Path
) -> None:
    """The fewest: two calls per listed contact, one per hidden one and per address of it that can
    be read, a page of each list, the members of each audience, one window of each history."""
    folder = tmp_path / "data"
    result = larger.extract(folder)
    log = larger.log()
    made = len(log)
    truth = larger.get("truth")
    contacts = dict(truth["contacts"])
    listed = contacts.pop("listed")
    ((addresses,),) = rows(folder, "select count(*) from raw_alpine_iq.optins")
    fewest = 2 * listed + sum(contacts.values()) + addresses
    fewest += LISTS + truth["counts"]["audiences"] + HISTORIES
    assert made == result.calls > 500
    assert fewest <= made <= 1.02 * fewest
    took, floor = log[-1]["at"] - log[0]["at"], hours_at_the_limits(made, SCALE) * 3_600
    sys.stdout.write(
        f"{made} calls made, {fewest} needed: {made / fewest:.3f}; "
        f"{took:.1f} s from first to last, {floor:.1f} s at the limits\n"
    )
