"""What one run of the loader carries along, and how it sends one write.

`Run.send` never raises for what the target answers: it gives a `Sent` that says what is known.
Errors that mean "stop" (budget, refused access, interruption) are kept; calls in flight finish,
their outcomes are written down, and `raise_if_stopped` ends the run between two groups.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from load.client import Answer
from load.crashpoints import crashpoint
from load.errors import Ambiguous, ConfigError, NeverSent, Rejected, RetryLater
from load.ledger.store import Ledger
from load.limits import calls_in_a_group, calls_in_flight
from load.payload import Catalog
from load.plan import FrozenPlan
from load.uploads import ContentRefused, OpenUpload, Upload, Uploads

REFUSALS_WATCHED: Final = 500
REFUSALS_MOST: Final = 0.02


class Sender(Protocol):
    """The client, as the loader uses it."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        cost: int,
        json: object | None = None,
        params: Mapping[str, str | int] | None = None,
        entity: str = "",
        search: bool = False,
        upload: OpenUpload | None = None,
    ) -> Answer:
        """Sends one call; see load.client."""


class Waits(Protocol):
    """The clock, as the loader uses it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""


class Shows(Protocol):
    """Progress, as the loader reports it."""

    def start(self, task: str, total: int | None) -> None: ...
    def advance(self, task: str, n: int = 1, note: str = "") -> None: ...
    def finish(self, task: str) -> None: ...


class Timings(Protocol):
    """The settings that the loader waits and counts by."""

    @property
    def plan(self) -> str: ...
    @property
    def seats(self) -> int: ...
    @property
    def company_id(self) -> int | None: ...
    @property
    def settle_seconds(self) -> float: ...
    @property
    def list_lag_seconds(self) -> float: ...
    @property
    def quiet_seconds(self) -> float: ...
    @property
    def foreign_changes_most(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """How a write ended: `reason` is fit for the ledger (codes and columns, no values)."""

    kind: Literal["ok", "rejected", "ambiguous", "never_sent", "stopped"]
    data: Any = None
    status: int | None = None
    code: str | None = None
    field: str | None = None
    reason: str = ""


@dataclass(slots=True)
class Run:
    """One run over one plan."""

    plan: FrozenPlan
    ledger: Ledger
    client: Sender
    settings: Timings
    clock: Waits
    progress: Shows
    on_barrier: Callable[[str], object]
    catalog: Catalog = field(default_factory=lambda: Catalog({}, {}))
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    ranks: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    salt: str = ""
    # in whose name the token calls: the change logs of records name it
    user_id: int | None = None
    writes: int = 0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    value_differences: list[str] = field(default_factory=list)
    suspects: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # id -> source key of what was created since the last look for changes by others
    fresh: dict[int, str] = field(default_factory=dict)
    # source keys of rows that were worked off before their turn
    ahead: set[str] = field(default_factory=set)
    uploads_folder: Path | None = None
    uploads: Uploads = field(init=False)
    stop_cause: BaseException | None = None
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=REFUSALS_WATCHED))
    _slots: asyncio.Semaphore = field(init=False)
    # by the clock that nobody sets: when the run began, and each entity's last doubt since
    _began: float = field(init=False)
    _doubted: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()
        self.uploads = Uploads(self.plan, self.uploads_folder)
        self._slots = asyncio.Semaphore(calls_in_flight(self.settings.plan))

    @property
    def group_size(self) -> int:
        """Writes whose intents are committed together."""
        return calls_in_a_group(self.settings.plan)

    @property
    def settle_seconds(self) -> float:
        """How long after a doubtful call the lists may be asked."""
        return self.settings.settle_seconds + self.settings.list_lag_seconds

    def doubt(self, entity: str) -> None:
        """A call of this entity has just ended without a known outcome."""
        self._doubted[entity] = self.clock.monotonic()

    def settles_in(self, entity: str) -> float:
        """Seconds until the lists may be asked about calls in doubt; 0 or less means now.

        What an earlier process left in doubt had left it when this run began. Stamps in the
        ledger are of a clock that may have been set since.
        """
        since = self._doubted.get(entity, self._began)
        return since + self.settle_seconds - self.clock.monotonic()

    def count(self, entity: str, outcome: str, n: int = 1) -> None:
        self.outcomes.setdefault(entity, Counter())[outcome] += n

    def stop(self, cause: BaseException) -> None:
        """No new calls from now on; the first cause is the one that is reported."""
        self.stop_cause = self.stop_cause or cause

    def raise_if_stopped(self) -> None:
        if self.stop_cause is not None:
            raise self.stop_cause

    async def send(
        self,
        method: str,
        path: str,
        *,
        cost: int,
        body: object,
        entity: str,
        upload: Upload | None = None,
    ) -> Sent:
        """Sends one write and says what is known of it."""
        async with self._slots:
            if self.stop_cause is not None:
                return Sent("stopped")
            try:
                with nullcontext() if upload is None else self.uploads.opened(upload) as content:
                    self.writes += 1
                    crashpoint("call.before_send", entity)
                    answer = await self.client.call(
                        method, path, cost=cost, json=body, entity=entity, upload=content
                    )
                    crashpoint("call.answered", entity)
            except NeverSent:
                return Sent("never_sent")
            except Ambiguous:
                return Sent("ambiguous")
            except (Rejected, ContentRefused) as refusal:
                # what is wrong on this machine says nothing of the mapping
                self._watch(refused=isinstance(refusal, Rejected))
                return _refused(refusal)
            except (RetryLater, ConfigError) as cause:
                self.stop(cause)
                return Sent("stopped")
            self._watch(refused=False)
            return Sent("ok", answer.data, answer.status)

    def _watch(self, *, refused: bool) -> None:
        self._recent.append(refused)
        if len(self._recent) == REFUSALS_WATCHED:
            share = sum(self._recent) / REFUSALS_WATCHED
            if share > REFUSALS_MOST:
                self.stop(
                    ConfigError(
                        f"{share:.0%} of the last {REFUSALS_WATCHED} records were refused; see"
                        " ledger.id_map.reason, correct the mapping and plan again"
                    )
                )


def _refused(refusal: Rejected | ContentRefused) -> Sent:
    if isinstance(refusal, ContentRefused):
        return Sent("rejected", code=refusal.code, reason=str(refusal))
    where = f" {refusal.field}" if refusal.field else ""
    code = f" {refusal.code}" if refusal.code else ""
    return Sent(
        "rejected",
        status=refusal.status,
        code=refusal.code,
        field=refusal.field,
        reason=f"refused with {refusal.status}{code}{where}: {refusal.message_redacted}",
    )
