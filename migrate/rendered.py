"""An outcome as Markdown, for a pull request's comment or a file beside the code."""

from __future__ import annotations

from migrate.outcome import Cell, Outcome, Table, shown


def as_markdown(outcome: Outcome) -> str:
    """Headline, facts, one table each with its title."""
    parts = [f"## {outcome.headline}\n"]
    if outcome.facts:
        parts.append("".join(f"- {name}: `{_cell(value)}`\n" for name, value in _facts(outcome)))
    parts.extend(_table(table) for table in outcome.tables)
    parts.extend(f"{note}\n" for note in outcome.notes)
    return "\n".join(parts)


def _facts(outcome: Outcome) -> list[tuple[str, Cell]]:
    return list(outcome.facts.items())


def _table(table: Table) -> str:
    lines = [
        f"### {table.title}\n",
        f"| {' | '.join(column.replace('_', ' ') for column in table.columns)} |",
        f"|{'---|' * len(table.columns)}",
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table.rows),
    ]
    return "\n".join(lines) + "\n"


def _cell(value: Cell) -> str:
    """Text that can't end its cell or start markup."""
    text = " ".join(shown(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
