"""The read-back: everything the Pipedrive account holds, landed as it came.

    users, pipelines, stages
    organization_fields, person_fields, deal_fields, product_fields      key: field code
    organizations, persons, products, notes                              key: id
    deals                                                                live and archived ones
    deal_products                                                        lines of those deals
    activities, files                                                    key: id; if asked for
    readbacks                                                            one row per read-back

All tables but the last are replaced as a whole, together. Lists cost 10 tokens per 500 records
(archived deals and notes 20, files 20 per 100, lines 10 per 100 deals). Only GETs are sent.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from extract.landing import Warehouse, private_files, resource
from extract.pipedrive.landing import PIPEDRIVE, as_arrow
from extract.pipedrive.reader import Account, RawRow, Rows
from load.budget import TokenStore
from load.client import PipedriveClient, Transport
from load.clock import Clock, RealClock
from load.progress import Progress
from load.settings import PipedriveAccount

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ReadBackResult", "read_back"]

_TASK: Final = "read back"


@dataclass(frozen=True, slots=True)
class ReadBackResult:
    """Rows by raw table, calls and tokens of one read-back."""

    rows: dict[str, int]
    calls: int
    tokens: int
    readback_id: str


def read_back(
    account: PipedriveAccount,
    data_dir: Path,
    *,
    ledger: TokenStore,
    progress: Progress,
    activities: bool = False,
    files: bool = False,
    clock: Clock | None = None,
    transport: Transport | None = None,
) -> ReadBackResult:
    """Reads the whole account into `raw_pipedrive`. Changes nothing if it can't read it all.

    Activities and files, which may be others' work of years, only where we planned or made any.

    Tokens are counted in `ledger`. Not for use inside a running event loop. Raises `RetryLater`
    (budget, an unusable answer, a warehouse open elsewhere), `AccessRefused`, `ConfigError`.
    """
    with private_files():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    warehouse = Warehouse(data_dir, PIPEDRIVE)
    time = clock or RealClock()
    client = PipedriveClient(account, ledger, time, transport, read_only=True)
    rows: Counter[str] = Counter()
    readback_id = uuid.uuid4().hex
    started_at = time.now()

    def counted(name: str, read: Callable[[], Iterator[Rows]]) -> Iterator[pa.Table]:
        rows[name] = 0
        for some in read():
            rows[name] += len(some)
            progress.advance(_TASK, len(some), note=name)
            yield as_arrow(some, fetched_at=time.now())

    def summary() -> Iterator[pa.Table]:
        row = _summary(readback_id, rows, client, started_at, time.now())
        yield as_arrow([row], fetched_at=time.now())

    progress.start(_TASK, None)
    with Account(client, activities=activities, files=files) as source:
        resources = [
            resource(name, counted(name, read), "replace") for name, read in source.tables().items()
        ]
        warehouse.land(*resources, resource("readbacks", summary(), "append"))
    progress.finish(_TASK)
    return ReadBackResult(dict(rows), client.calls, client.tokens, readback_id)


def _summary(
    readback_id: str,
    rows: Counter[str],
    client: PipedriveClient,
    started_at: datetime,
    finished_at: datetime,
) -> RawRow:
    payload = {
        "readback_id": readback_id,
        "counts": dict(rows),
        "calls": client.calls,
        "tokens": client.tokens,
        "started_at": started_at.isoformat(),
        "finished_at": finished_at.isoformat(),
    }
    return RawRow(readback_id, json.dumps(payload).encode(), "")
