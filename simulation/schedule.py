"""What goes wrong and when: a schedule is made from a seed, or named call by call.

Faults of the wire (`FAULTS`) are decided for each call when it leaves; crashes (`CRASHES`) when a
counter is reached: of calls, of durable commits, of the loader's named crash points. A schedule as
text is one line that `python -m simulation` takes back.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

FAULTS: Final = (
    "never_sent",
    "lost_before",
    "lost_after",
    "late",
    "late_timeout",
    "error_500_before",
    "error_503_before",
    "error_502_after",
    "error_408_after",
    "truncated",
    "empty",
    "html",
    "not_success",
    "no_id",
    "too_many",
    "blocked",
)
CRASHES: Final = ("crash_unsent", "crash_sent", "crash_answered")
BEYOND: Final = "late_beyond"
_WEIGHTS: Final = {"blocked": 0.1, "never_sent": 0.7, "late": 2.0, "lost_after": 2.0}
CALM_AFTER: Final = 400


@dataclass(frozen=True, slots=True)
class Schedule:
    """`rate` is the share of calls that fail; `at` names calls; `crashes` is (counter, number);
    `acts` is what people do just before a call of this number arrives; `clock` is by how many
    seconds the loader's wall clock is set when a call of this number leaves.

    A schedule ends after the second load, or with `undo` after taking everything back.
    """

    seed: int
    world: str = "full"
    rate: float = 0.0
    people: int = 0
    crashes: tuple[tuple[str, int], ...] = ()
    at: tuple[tuple[int, str], ...] = ()
    acts: tuple[tuple[int, str], ...] = ()
    clock: tuple[tuple[int, float], ...] = ()
    beyond_bound: bool = False
    daily_budget: int | None = None
    # the second plan comes when the loader died or paused so often, finished or not
    patience: int | None = None
    undo: bool = False

    def line(self) -> str:
        """The command that replays this schedule."""
        plain = {name: one for name, one in asdict(self).items() if one not in (None, 0, (), False)}
        return f"python -m simulation '{json.dumps({'seed': self.seed, **plain})}'"

    @classmethod
    def read(cls, text: str) -> Schedule:
        """From the JSON of `line`, or from a bare seed."""
        raw: Any = json.loads(text)
        if isinstance(raw, int):
            return random_schedule(raw)
        for name in ("crashes", "at", "acts", "clock"):
            raw[name] = tuple(tuple(pair) for pair in raw.get(name, ()))
        return cls(**raw)


def random_schedule(seed: int) -> Schedule:
    """Calm, rough and hostile schedules in turn, all from the seed."""
    dice = random.Random(f"schedule {seed}")
    crashes = []
    for _ in range(dice.choice((0, 0, 1, 2, 4))):
        counter, most = dice.choice(
            (("point", 150), ("commit_before", 160), ("commit_after", 160), ("call", 130))
        )
        crashes.append((counter, dice.randint(1, most)))
    schedule = Schedule(
        seed,
        rate=dice.choice((0.0, 0.02, 0.08, 0.2, 0.35)),
        people=dice.choice((0, 0, 2, 5, 9)),
        crashes=tuple(crashes),
        beyond_bound=dice.random() < 0.15,
    )
    if dice.random() < 0.1:
        schedule = replace(schedule, daily_budget=500)
    return replace(
        schedule,
        patience=dice.choice((None, None, None, 1, 2)),
        undo=dice.random() < 0.35,
        world=dice.choice(("full", "people")),
    )


class Dice:
    """Decides call by call; one instance for one simulated world."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._dice = random.Random(f"faults {schedule.seed}")
        self._named = dict(schedule.at)
        self._clock = dict(schedule.clock)
        self._kinds = (*FAULTS, BEYOND) if schedule.beyond_bound else FAULTS
        self._weights = [_WEIGHTS.get(kind, 1.0) for kind in self._kinds]

    def clock_is_set_by(self, number: int) -> float:
        """Seconds by which the wall clock is set at the call of this number."""
        return self._clock.get(number, 0.0)

    def fault(self, number: int, *, is_read: bool) -> str | None:
        """What happens to the call of this number."""
        if number in self._named:
            return self._named[number]
        chance = self._dice.random()
        kind = self._dice.choices(self._kinds, self._weights)[0]
        if number > CALM_AFTER or chance >= self._schedule.rate:
            return None
        return "lost_after" if is_read and kind.startswith("late") else kind
