"""What a command gives back: one frozen value, rendered once as tables for people or as JSON.

`exit_code` follows the table in docs/cli.md. Cells are text, numbers or None; personal data never
stands in them in the clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

DONE: Final = 0
UNFORESEEN: Final = 1
CONFIGURATION: Final = 2
NEEDS_A_HUMAN: Final = 3
TARGET_CHANGED: Final = 4
INVARIANT_BROKEN: Final = 70
RUN_AGAIN_LATER: Final = 75

EXIT_CODES: Final = {
    DONE: "done, nothing left for a human",
    UNFORESEEN: "unforeseen failure; `--debug` shows where",
    CONFIGURATION: "usage or configuration, or a gate is red: change something, then run again",
    NEEDS_A_HUMAN: "done, but some records need a human (quarantined, or differences found)",
    TARGET_CHANGED: "Pipedrive changed since the plan: make a new plan",
    INVARIANT_BROKEN: "a promise of ours broke: stop, nothing more is written",
    RUN_AGAIN_LATER: "stopped cleanly (limit, budget, interruption, another run): run again later",
}

Cell = str | int | float | None


def shown(value: object) -> str:
    """A cell as people read it: nothing for None, yes and no, thousands apart, cents where any."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}".removesuffix(".00")
    return str(value)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people and programs; `columns` name the cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def records(self) -> list[dict[str, Cell]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def if_any(
    title: str, columns: tuple[str, ...], rows: tuple[tuple[Cell, ...], ...]
) -> tuple[Table, ...]:
    """The table, or none where it would have no rows."""
    return (Table(title, columns, rows),) if rows else ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a command."""

    command: str
    headline: str
    exit_code: int = DONE
    facts: dict[str, Any] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "exit_code": self.exit_code,
            "headline": self.headline,
            "facts": self.facts,
            "tables": {table.title: table.records() for table in self.tables},
            "notes": list(self.notes),
        }


def worst(codes: Sequence[int]) -> int:
    """The code that asks for the most: a broken promise before a pause before all the others."""
    order = (INVARIANT_BROKEN, UNFORESEEN, CONFIGURATION, RUN_AGAIN_LATER, TARGET_CHANGED)
    return next((code for code in order if code in codes), max(codes, default=DONE))
