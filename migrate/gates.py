"""Go or no-go: each gate is one question, asked with one SQL query, against one allowed number.

A red gate that a person waived (seeds/decisions/test_waivers.csv, with a name and an end) is shown
as waived and does not stop the verdict; a consent gate cannot be waived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from migrate.outcome import (
    CONFIGURATION,
    DONE,
    INVARIANT_BROKEN,
    NEEDS_A_HUMAN,
    Table,
)

WAIVERS: Final = (
    "select test_name, reason || ' (' || waived_by || ', until ' || waived_until || ')' "
    "from decisions.test_waivers where cast(waived_until as date) >= current_date"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A gate as it is asked. `exit_code` is what a red one means."""

    name: str
    question: str
    sql: str
    allowed: float = 0
    exit_code: int = NEEDS_A_HUMAN


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it was answered."""

    name: str
    question: str
    sql: str
    found: float
    allowed: float
    exit_code: int
    waiver: str

    @property
    def passed(self) -> bool:
        return self.found <= self.allowed


@dataclass(frozen=True, slots=True)
class Verdict:
    """All gates."""

    gates: tuple[Gate, ...]

    @property
    def red(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed and not gate.waiver)

    @property
    def green(self) -> int:
        return sum(gate.passed for gate in self.gates)

    @property
    def exit_code(self) -> int:
        codes = {gate.exit_code for gate in self.red}
        order = (INVARIANT_BROKEN, CONFIGURATION, NEEDS_A_HUMAN)
        return next((code for code in order if code in codes), DONE)

    @property
    def headline(self) -> str:
        if not self.red:
            return f"all {len(self.gates)} gates are green"
        return "red: " + "; ".join(f"{gate.question}: {gate.found:g}" for gate in self.red)

    def table(self) -> Table:
        rows = tuple(
            (gate.question, "green" if gate.passed else (gate.waiver or "RED"), gate.found)
            for gate in self.gates
        )
        return Table("Gates", ("gate", "result", "found"), rows)
