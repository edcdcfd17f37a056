"""One extraction from its first call to its last load package, in one process or in many.

A run is open in the journal until everything is landed. A process that finds an open run goes on
with it: lists come from the journal, contacts that the warehouse holds since the run began are not
asked for again. Calls lost by a kill are those in flight.

Raises `ConfigError`, `RetryLater`; errors of the disk go up as they are.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from extract.alpine_iq.calls import CallPlan
from extract.alpine_iq.client import AlpineIQClient
from extract.alpine_iq.delta import Delta, basis
from extract.alpine_iq.guards import ListNotCredibleError
from extract.alpine_iq.journal import Journal, Run
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.needs import Needs
from extract.alpine_iq.options import Options
from extract.alpine_iq.reader import Progress, Reader
from extract.alpine_iq.settings import WINDOWS, AlpineIQAccount
from extract.alpine_iq.work import Work
from extract.folder import private_folder
from extract.inbox.answers import Answered, answered_by
from extract.inbox.landing import land_inbox
from extract.landing import Warehouse

_STALE: Final = timedelta(days=14)  # an interrupted run older than this is begun anew
_FRESH: Final = timedelta(days=7)  # an older export spares no call: it lacks what came since


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """What a complete run has brought, over all the processes that worked on it."""

    run_id: str
    calls: int
    minimum_calls: int
    rows: dict[str, int]
    gaps: dict[str, str]
    resumed: bool = False
    calls_by_endpoint: dict[str, int] = field(default_factory=dict)
    asked_for: int = 0
    late: dict[str, int] = field(default_factory=dict)
    no_longer_listed: dict[str, int] = field(default_factory=dict)


def extract(
    account: AlpineIQAccount,
    data_dir: Path,
    options: Options,
    *,
    progress: Progress,
    clock: Callable[[], datetime],
    on_plan: Callable[[CallPlan], None] | None,
) -> ExtractionResult:
    """See `extract.alpine_iq.extract_account`."""
    with private_folder(data_dir), contextlib.ExitStack() as stack:
        journal = Journal(data_dir / "alpine_iq_journal.sqlite", account.uid)
        stack.callback(journal.close)
        limiter = CallLimiter(
            data_dir / "alpine_iq_calls.sqlite",
            account.uid,
            WINDOWS,
            scale=account.window_scale,
            now=time.time,
            sleep=time.sleep,
        )
        stack.callback(limiter.close)
        run, resumed = _open_run(journal, clock())
        client = AlpineIQClient(account, limiter, run.run_id, now=clock)
        stack.callback(client.close)
        warehouse = Warehouse(data_dir, ALPINE_IQ)
        reader = Reader(client, journal, run, account.uid)
        found = Delta(basis(warehouse)) if options.delta else Delta()
        fresh = found.since or run.started_at - _FRESH
        answered = _answered(warehouse, data_dir, options, account.uid, fresh)
        needs = Needs(warehouse, run, options, answered, found)
        work = Work(account, needs, reader, warehouse, limiter, progress, on_plan, clock)
        try:
            finished = work.to_the_end()
        except ListNotCredibleError:
            journal.close_run(run.run_id)
            raise
        made = limiter.made(run.run_id)
        journal.close_run(run.run_id)
        return ExtractionResult(
            run_id=run.run_id,
            calls=sum(made.values()),
            minimum_calls=finished.minimum_calls,
            rows=finished.rows,
            gaps=reader.all_gaps(),
            resumed=resumed,
            calls_by_endpoint=made,
            asked_for=finished.asked_for,
            late=finished.late,
            no_longer_listed=finished.no_longer_listed,
        )


def _answered(
    warehouse: Warehouse, data_dir: Path, options: Options, uid: str, fresh: datetime
) -> Answered:
    """What the exports in the inbox answer, once they are landed."""
    if options.inbox_headers is None:
        return Answered()
    report = land_inbox(warehouse, data_dir / "inbox", options.inbox_headers, uid=uid)
    return answered_by(warehouse, report, fresh=fresh)


def _open_run(journal: Journal, now: datetime) -> tuple[Run, bool]:
    found = journal.open_run()
    if found is not None and now - found.started_at < _STALE:
        return found, True
    if found is not None:
        journal.close_run(found.run_id)
    run = Run(f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", now)
    journal.begin(run)
    return run, False
