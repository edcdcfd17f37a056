"""A sheet as Markdown and as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migrate.outcome import Cell, Table
from migrate.report.cells import text_of
from migrate.report.page import layouts

if TYPE_CHECKING:
    from migrate.documents.sheets import Section, Sheet

Filled = Sequence[tuple["Section", Table]]


def as_markdown(sheet: Sheet, sections: Filled) -> str:
    """Headings, sentences, tables; nothing in a cell can end its table."""
    parts = [f"# {sheet.title}", sheet.introduction]
    for section, table in sections:
        parts += [f"## {section.title}", section.text]
        parts.append(_table(table) if table.rows else "None.")
    return "\n\n".join(part for part in parts if part) + "\n"


def as_html(sheet: Sheet, sections: Filled) -> str:
    """The same for a browser, on paper or a telephone."""
    template = layouts("migrate.documents").get_template("sheet.html.j2")
    return template.render(sheet=sheet, sections=sections)


def _table(table: Table) -> str:
    head = "| " + " | ".join(column.replace("_", " ") for column in table.columns) + " |"
    rule = "|" + "---|" * len(table.columns)
    rows = ("| " + " | ".join(map(_cell, table.columns, row)) + " |" for row in table.rows)
    return "\n".join((head, rule, *rows))


def _cell(column: str, cell: Cell) -> str:
    text = text_of(column, cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.replace("[", "\\[").replace("`", "\\`").split())
