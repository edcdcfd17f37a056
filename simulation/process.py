"""One process of the loader, which can be killed at any call, commit or named crash point.

The code under test is the loader's own: engine, client, ledger on a RAM disk. What is replaced:
clock and wire (both are parameters of it), the function behind its crash points, and the
randomness of ids and jitter, so that the same seed gives the same trace.
"""

from __future__ import annotations

import gc
import hashlib
import pkgutil
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeVar
from unittest.mock import patch

import httpx
from httpx._urlparse import urlparse

import load
from load.client import PipedriveClient
from load.engine import ApplyResult, apply
from load.errors import MigrationError
from load.ledger import Ledger, store
from load.plan import FrozenPlan
from load.progress import Silent
from load.settings import PipedriveAccount
from simulation.timeline import Timeline
from simulation.wire import Crash, Transport, Wire

KEY = "a key for simulations only"
SMALLEST_SLEEP = 1e-6
_BUILD: Final = httpx.AsyncClient.build_request
_READS: dict[tuple[Any, ...], httpx.Request] = {}
_MOST_READS: Final = 5000
_parsed_once: Final = lru_cache(_MOST_READS)(urlparse)
T = TypeVar("T")


@dataclass(slots=True)
class Fate:
    """When the loader dies: counters over all its processes, and where it did."""

    planned: set[tuple[str, int]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    # those of the counter "point" in their order
    passed: list[str] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    kill: Callable[[], Crash] = Crash

    def pass_by(self, counter: str, where: str) -> None:
        """Dies here if the schedule says so."""
        self.counts[counter] += 1
        if (counter, self.counts[counter]) in self.planned:
            self.deaths[where] += 1
            raise self.kill()

    def at_point(self, name: str, entity: str) -> None:
        """Stands in for the loader's `crashpoint`."""
        self.points[f"{name}:{entity}"] += 1
        # a schedule dies at calls by their number: these points have a counter of their own
        counter = "call_point" if name.startswith("call.") else "point"
        if counter == "point":
            self.passed.append(f"{name}:{entity}")
        self.pass_by(counter, f"{name}:{entity}")


class _SimClock:
    """Virtual time; the smallest sleep is long enough for a float clock to move."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.now = timeline.now
        self.monotonic = timeline.monotonic

    async def sleep(self, seconds: float) -> None:
        await self._timeline.sleep(max(seconds, SMALLEST_SLEEP))


class MortalLedger(Ledger):
    """The loader's ledger, which can die just before and just after a commit.

    Its file lies on a RAM disk and loses what was not committed, as after a kill; a power cut is
    tested on real files.
    """

    durability = ("journal_mode = memory", "synchronous = off", "locking_mode = exclusive")
    fate: Fate

    def _back_up(self) -> None:
        """No copies: what they are good for is tested on real files."""

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        if self._depth:
            with super().transaction() as db:
                yield db
            return
        with super().transaction() as db:
            yield db
            self.fate.pass_by("commit_before", "commit_before")
        self.fate.pass_by("commit_after", "commit_after")


@dataclass(slots=True)
class Process:
    """What the loader's code gets in one life."""

    ledger: MortalLedger
    client: PipedriveClient
    account: PipedriveAccount
    clock: _SimClock


class Host:
    """The machine on which the loader runs, dies and runs again."""

    def __init__(self, folder: Path, wire: Wire, timeline: Timeline, fate: Fate, seed: int) -> None:
        self.ledger_path = folder / "data" / "ledger.sqlite"
        self.fate = fate
        self.timeline = timeline
        self.wire = wire
        self.lives = 0
        self._jitter = random.Random(f"jitter {seed}")
        self.account = PipedriveAccount(
            base_url="http://127.0.0.1:1",
            api_token=wire.company.sandbox.account.token,
            plan="growth",
            seats=5,
            # people edit more than one record in two hundred of these small worlds
            foreign_changes_most=1.0,
        )

    async def live(
        self, work: Callable[[Process], Coroutine[Any, Any, T]], *, read_only: bool = False
    ) -> T | None:
        """Runs `work` in a process of its own. None if it was killed."""
        self.lives += 1
        clock = _SimClock(self.timeline)
        ledger = MortalLedger.open(self.ledger_path, KEY, now=self.timeline.now)
        if not isinstance(ledger, MortalLedger):
            raise TypeError("the ledger opened as another class")
        ledger.fate = self.fate

        def die() -> Crash:
            transport.is_dead = True
            ledger.db.close()
            return Crash()

        transport = Transport(self.wire, die)
        client = PipedriveClient(
            self.account, ledger, clock, transport, read_only=read_only, jitter=self._jitter
        )
        self.fate.kill = die
        self.wire.on_call = lambda _number: self.fate.pass_by("call", "call")
        try:
            async with client:
                return await work(Process(ledger, client, self.account, clock))
        except (Crash, sqlite3.ProgrammingError, BaseExceptionGroup):
            if not transport.is_dead:
                raise
            return None
        except MigrationError:
            if transport.is_dead:
                return None
            raise
        finally:
            if not transport.is_dead:
                ledger.close()


def applying(
    plan: FrozenPlan, *, dry_run: bool = False, uploads: Path | None = None
) -> Callable[[Process], Coroutine[Any, Any, ApplyResult]]:
    """The work of a process that applies a plan."""

    async def work(process: Process) -> ApplyResult:
        return await apply(
            plan,
            process.ledger,
            process.client,
            settings=process.account,
            clock=process.clock,
            progress=Silent(),
            dry_run=dry_run,
            uploads_folder=uploads,
        )

    return work


@contextmanager
def determined(seed: int, fate: Fate) -> Iterator[None]:
    """Crash points lead to `fate`; ids come from the seed; key stretching is done once."""
    dice = random.Random(f"ids {seed}")
    tokens = SimpleNamespace(token_hex=lambda size: f"{dice.getrandbits(size * 8):0{size * 2}x}")
    with ExitStack() as stack:
        for module in with_points():
            stack.enter_context(patch.object(module, "crashpoint", fate.at_point))
        stack.enter_context(patch.object(store, "secrets", tokens))
        stack.enter_context(patch.object(hashlib, "scrypt", _cheap_scrypt))
        # the sandbox sets no cookies; looking for them takes a tenth of a schedule
        stack.enter_context(patch.object(httpx.Cookies, "extract_cookies", lambda *_: None))
        stack.enter_context(patch.object(httpx.AsyncClient, "build_request", _built_once))
        stack.enter_context(patch("httpx._urls.urlparse", _parsed_once))
        stack.enter_context(_without_collector())
        yield


@cache
def with_points() -> tuple[ModuleType, ...]:
    """The loader's modules that pass crash points."""
    names = (one.name for one in pkgutil.walk_packages(load.__path__, "load."))
    modules = [import_module(name) for name in names]
    return tuple(
        one for one in modules if hasattr(one, "crashpoint") and one.__name__ != "load.crashpoints"
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """A schedule leaves little behind: looking for garbage meanwhile costs more than it frees."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _built_once(client: httpx.AsyncClient, method: str, url: str, **given: Any) -> httpx.Request:
    """The same reads go out again and again; building one takes longer than answering it."""
    if given.get("content") is not None or given.get("files") is not None:
        return _BUILD(client, method, url, **given)
    key = (method, url, tuple((given.get("params") or {}).items()))
    if key not in _READS:
        if len(_READS) > _MOST_READS:
            _READS.clear()
        _READS[key] = _BUILD(client, method, url, **given)
    return _READS[key]


def _cheap_scrypt(_key: bytes, **_settings: Any) -> bytes:
    """Stretching a key takes 50 ms of processor, which would be most of a schedule."""
    return b"0123456789abcdef0123456789abcdef"
