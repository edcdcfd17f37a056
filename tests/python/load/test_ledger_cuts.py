"""A power cut in the middle of a write: the ledger opens, and holds a prefix of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from load.ledger import Ledger

KEY = "a key for tests only"
CUTS = 200
TRANSACTIONS = 3


@pytest.fixture(scope="module")
def cut_ledger(tmp_path_factory):
    """Copies of a ledger's files as they lay on disk, with the log's size after each event."""
    folder = tmp_path_factory.mktemp("ledger")
    path = folder / "ledger.sqlite"
    ledger = Ledger.open(path, KEY)
    ledger.bind(company_id=1, company_domain="sandbox", source_account="source-1")
    ledger.start_run("apply", plan_digest="d", code_version="1")
    log = Path(f"{path}-wal")
    sizes = [log.stat().st_size]
    for number in range(TRANSACTIONS):
        ledger.event("written", {"number": number})
        sizes.append(log.stat().st_size)
    copies = folder / "copies"
    copies.mkdir()
    shutil.copy(path, copies / "ledger.sqlite")
    shutil.copy(log, copies / "ledger.sqlite-wal")
    events = ledger.check_events()
    ledger.close()
    return copies, sizes, events


def opened(copies: Path, place: Path, log: bytes) -> int:
    """How many events the ledger has whose log was left like this; their chain must hold."""
    place.mkdir()
    shutil.copy(copies / "ledger.sqlite", place / "ledger.sqlite")
    (place / "ledger.sqlite-wal").write_bytes(log)
    with Ledger.open(place / "ledger.sqlite", KEY) as ledger:
        assert ledger.db.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert ledger.binding()["company_id"] == 1
        return ledger.check_events()


@pytest.mark.parametrize("kind", ["cut", "zeroed"])
def test_a_log_that_ends_anywhere_in_the_last_transactions_opens_with_all_before(
    cut_ledger, tmp_path, kind
):
    copies, sizes, events = cut_ledger
    whole = (copies / "ledger.sqlite-wal").read_bytes()
    span = sizes[-1] - sizes[0]
    assert span > CUTS
    seen = set()
    for number in range(CUTS // 2 + 1):
        end = sizes[0] + span * number // (CUTS // 2)
        left = whole[:end] + (b"" if kind == "cut" else bytes(len(whole) - end))
        found = opened(copies, tmp_path / str(number), left)
        complete = sum(size <= end for size in sizes[1:])
        assert found == events - TRANSACTIONS + complete
        seen.add(found)
    assert len(seen) == TRANSACTIONS + 1
