"""An outcome for people: headline, facts, tables, and what to do next."""

from __future__ import annotations

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from migrate.outcome import DONE, Outcome, Table, shown

PIPED_WIDTH = 140


def show(outcome: Outcome, console: Console | None = None) -> None:
    """Print it; text is never taken for markup."""
    console = console or Console(
        soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH
    )
    console.print(
        Text(outcome.headline, style="bold green" if outcome.exit_code == DONE else "bold")
    )
    for name, value in outcome.facts.items():
        console.print(Text(f"  {name}: {shown(value)}"))
    for table in outcome.tables:
        console.print(_table(table))
    for note in outcome.notes:
        console.print(Text(note))


def _table(table: Table) -> RichTable:
    drawn = RichTable(title=table.title, title_justify="left", box=SIMPLE_HEAD)
    for position, column in enumerate(table.columns):
        numbers = all(isinstance(row[position], int | float) for row in table.rows) and table.rows
        drawn.add_column(
            column.replace("_", " "), justify="right" if numbers else "left", overflow="fold"
        )
    for row in table.rows:
        drawn.add_row(*(Text(shown(cell)) for cell in row))
    return drawn
