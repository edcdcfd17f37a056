"""The story of one schedule: load, second load, perhaps undo, closing sweep, repetition, checker.

The loader is run again after every death and every pause, as an operator would. When it is done
all requests that are still under way arrive, the sweep closes, and a last load must send nothing.
Raises `NeverEnds` if the loader does not come to an end in `MOST_LIVES` lives.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from checker.destination import read_destination
from checker.evidence import Call, Evidence, Limits
from checker.ledger import read_ledger
from checker.report import Report, check
from load.engine import ApplyResult
from load.errors import AccessRefused, MigrationError, RetryLater
from load.plan import FrozenPlan
from load.progress import Silent
from load.sweep import SweepResult, sweep
from load.undo import Selection, UndoResult, undo
from simulation.company import Company
from simulation.people import People
from simulation.process import Fate, Host, Process, applying, determined
from simulation.schedule import Dice, Schedule
from simulation.stage import Stage
from simulation.timeline import Timeline, run_in
from simulation.wire import Wire

MOST_LIVES: Final = 60
QUIET: Final = 7200.0
DAY: Final = 86_400.0
BURST: Final = 40
SHARE: Final = 0.8
# tokens of the dearest call that a process may begin with
LEARNING: Final = 10


class NeverEnds(Exception):
    """The loader was run again and again and did not finish."""


@dataclass(slots=True)
class Ending:
    """How a schedule ended."""

    schedule: Schedule
    report: Report
    trace: str
    evidence: Evidence
    lives: int
    calls: int
    virtual_seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    acts: int = 0
    open_calls: tuple[int, ...] = ()
    # named points in their order: a schedule dies at them by their number, from 1 on
    passed: tuple[str, ...] = ()


def play(schedule: Schedule, stage: Stage) -> Ending:
    """Plays one schedule and checks its end."""
    folder = Path(tempfile.mkdtemp(dir=stage.folder))
    try:
        timeline = Timeline()
        company = Company(folder / "pipedrive.sqlite", stage.template, timeline)
        try:
            story = _Story(schedule, stage, folder, timeline, company)
            with determined(schedule.seed, story.fate):
                return run_in(timeline, story.tell())
        finally:
            company.sandbox.close()
    finally:
        shutil.rmtree(folder)


def compare_with_undisturbed(stage: Stage) -> None:
    """From now on an end state is held against that of a run that nothing disturbed."""
    for name in ("full", "people"):
        stage.clean_lines[name] = play(Schedule(1, world=name), stage).evidence.lines or []


class _Story:
    def __init__(
        self, schedule: Schedule, stage: Stage, folder: Path, timeline: Timeline, company: Company
    ) -> None:
        self.schedule = schedule
        self.world = stage.world(schedule.world)
        self.stage = stage
        self.timeline = timeline
        self.company = company
        self.fate = Fate(set(schedule.crashes))
        self.wire = Wire(company, Dice(schedule), timeline, schedule.seed)
        self.host = Host(folder, self.wire, timeline, self.fate, schedule.seed)
        self.people = People(company, schedule.seed)
        dice = random.Random(f"moments {schedule.seed}")
        self.moments = Counter(dice.randint(1, 130) for _ in range(schedule.people))
        self.acts = dict(schedule.acts)
        self.texts: list[bytes] = []
        self.gave_up = False
        self.before = read_destination(company.ask("records").splitlines())
        if schedule.daily_budget is not None:
            company.sandbox.account.change_switches({"daily_budget": schedule.daily_budget})

    async def tell(self) -> Ending:
        """From the first load to the verdict."""
        self._let_people_in()
        await self._until_done(self._applying(self.world.first), patience=self.schedule.patience)
        dry = await self._calls_of(self._applying(self.world.second, dry_run=True))
        await self._until_done(self._applying(self.world.second))
        last = self._undoing() if self.schedule.undo else self._applying(self.world.second)
        if self.schedule.undo:
            await self._until_done(last)
        await self._all_arrived()
        self.wire.is_calm = True
        self.fate.planned.clear()
        self.moments.clear()
        self.acts.clear()
        swept = await self._until_done(self._sweeping())
        found = {what for counter in swept.counts.values() for what in counter}
        if self.company.acts or found - {"in place"}:
            await self._until_done(last)
        repeated = await self._calls_of(last)
        return self._ending(dry, repeated)

    def _ending(self, dry: list[Call], repeated: list[Call]) -> Ending:
        evidence = self._evidence(dry, repeated)
        return Ending(
            self.schedule,
            check(evidence),
            self.wire.trace.hexdigest(),
            evidence,
            self.host.lives,
            self.wire.calls,
            self.timeline.seconds,
            self.wire.faults,
            self.fate.points,
            self.fate.deaths,
            self.company.acts,
            tuple(self.wire.open_calls),
            tuple(self.fate.passed),
        )

    def _evidence(self, dry: list[Call], repeated: list[Call]) -> Evidence:
        ledger = read_ledger(self.host.ledger_path)
        evidence = Evidence(
            self.world.wanted,
            ledger,
            read_destination(self.company.ask("records").splitlines()),
            source_keys=frozenset(self.world.wanted.rows),
            calls=self.company.calls(),
            limits=Limits(
                self.schedule.daily_budget or 300_000,
                SHARE,
                BURST,
                to_find_out=LEARNING * self.host.lives,
            ),
            changes=self.company.changes,
            delays_in_bound=not self.schedule.beyond_bound,
            dry_calls=dry,
            repeated_calls=repeated,
            secrets=(*self.world.canaries, self.host.account.api_token),
            artefacts={
                "ledger": self.host.ledger_path.read_bytes(),
                "messages": b"\n".join(self.texts),
            },
        )
        if self.schedule.undo:
            evidence.is_undone, evidence.before = True, self.before
        loaded = all(known.state == "confirmed" for known in ledger.known.values())
        # a plan given up half way leaves set_once columns as the next plan has them
        if loaded and not (self.company.acts or self.gave_up or self.schedule.undo):
            evidence.lines = self.company.ask("dump").splitlines()
            evidence.undisturbed_lines = self.stage.clean_lines.get(self.schedule.world)
        return evidence

    def _let_people_in(self) -> None:
        deliver = self.company.deliver

        def with_people(request: Any, *, basis: float | None, sent_at: float | None = None) -> Any:
            for _ in range(self.moments.pop(self.wire.calls, 0)):
                self.people.do_something()
            if (act := self.acts.pop(self.wire.calls, None)) is not None:
                self.people.do(act)
            return deliver(request, basis=basis, sent_at=sent_at)

        if self.moments or self.acts:
            self.company.deliver = with_people  # type: ignore[method-assign]

    def _applying(
        self, plan: FrozenPlan, *, dry_run: bool = False
    ) -> Callable[[Process], Coroutine[Any, Any, ApplyResult]]:
        return applying(plan, dry_run=dry_run, uploads=self.world.uploads)

    def _undoing(self) -> Callable[[Process], Coroutine[Any, Any, UndoResult]]:
        async def work(process: Process) -> UndoResult:
            return await undo(
                Selection(everything=True),
                self.world.second,
                process.ledger,
                process.client,
                settings=process.account,
                clock=process.clock,
                progress=Silent(),
                agree=lambda _plan: True,
            )

        return work

    def _sweeping(self) -> Callable[[Process], Coroutine[Any, Any, SweepResult]]:
        async def work(process: Process) -> SweepResult:
            return await sweep(
                process.ledger,
                process.client,
                settings=process.account,
                clock=process.clock,
                progress=Silent(),
            )

        return work

    async def _until_done(
        self, work: Callable[[Process], Coroutine[Any, Any, Any]], *, patience: int | None = None
    ) -> Any:
        """Runs it again until it ends in 0, 3 or 4, as an operator would, or patience ends."""
        lives = 0
        while self.host.lives < MOST_LIVES:
            if lives == patience:
                self.gave_up = True
                return None
            lives += 1
            wait = 30.0
            try:
                result = await self.host.live(work)
            except RetryLater as cause:
                self._hear(cause)
                wait = QUIET
            except AccessRefused as cause:
                self._hear(cause)
                wait = 1000.0
            else:
                if result is not None and result.exit_code in (0, 3, 4):
                    return result
                message = getattr(result, "message", "")
                self.texts.append(message.encode())
                wait = DAY if "tokens" in message else wait
            await self.timeline.sleep(wait)
        raise NeverEnds(f"{MOST_LIVES} lives were not enough; replay: {self.schedule.line()}")

    async def _calls_of(self, work: Callable[[Process], Coroutine[Any, Any, Any]]) -> list[Call]:
        """The calls of something that may not write; it is neither killed nor disturbed."""
        calm, planned, self.wire.is_calm = self.wire.is_calm, set(self.fate.planned), True
        self.fate.planned.clear()
        await self._all_arrived()
        before = len(self.company.calls())
        await self._until_done(work)
        self.wire.is_calm = calm
        self.fate.planned |= planned
        return self.company.calls()[before:]

    async def _all_arrived(self) -> None:
        while self.wire.in_flight:
            await self.timeline.sleep(10.0)

    def _hear(self, cause: MigrationError) -> None:
        self.texts.append(str(cause).encode())
