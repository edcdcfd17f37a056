"""A table as HTML, cell by cell: what a value looks like depends on it and on its column.

Everything that is not ours is escaped. Only addresses of Pipedrive that we made become links; one
that came with the data is shown so that nothing makes a link of it.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from migrate.outcome import Cell, Table, shown

LINK: Final = re.compile(r"https://[a-z0-9-]+\.pipedrive\.com/([a-z]+)/(\d+)")
LINKED: Final = frozenset({"record", "pipedrive_link"})
ADDRESS: Final = re.compile(
    r"\b(?:(?:https?|ftp|file):(?=//)|(?:javascript|vbscript|mailto):|data:(?=[a-z]+/)|www\.)",
    re.IGNORECASE,
)
RATES: Final = frozenset(
    {"fill_rate", "filled_share", "coverage", "in_alpine_iq", "in_pipedrive", "of_forecast"}
)
KEYS: Final = frozenset(
    {
        *("source_key", "name", "source", "source_field", "path", "belongs_to"),
        *("proposed_line", "line_for_property_fields", "line_for_fields"),
    }
)
CODES: Final = frozenset({"code_in_this_account"})
GOOD: Final = frozenset({"equal", "normalised_equal", "green"})
WORDS_FROM: Final = 24


def text_of(column: str, value: Cell) -> str:
    """A cell as people read it in its column: shares as percent, no address a link."""
    if column in RATES and isinstance(value, int | float):
        return f"{value:.1%}"
    return unlinked(value)


def unlinked(value: Cell) -> str:
    """A cell as people read it where its column does not matter."""
    return defanged(shown(value))


def defanged(text: str) -> str:
    """The text without an address that a mail program, a sheet or a forge would make a link of."""
    return ADDRESS.sub(lambda found: f"{found[0][:-1]}[{found[0][-1]}]", text)


def as_table(table: Table) -> Markup:
    """Caption, head and rows."""
    numeric = [_is_numeric(table, at) for at in range(len(table.columns))]
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_class("number" if number else ""), _head(name))
        for name, number in zip(table.columns, numeric, strict=True)
    )
    rows = Markup("").join(_row(table.columns, row) for row in table.rows)
    whole = "<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    return Markup(whole).format(table.title, head, rows)  # noqa: S704 (a constant)


def _row(columns: tuple[str, ...], row: tuple[Cell, ...]) -> Markup:
    cells = Markup("").join(_cell(name, value) for name, value in zip(columns, row, strict=True))
    second = "side" in columns and row[columns.index("side")] == "Pipedrive"
    return Markup("<tr{}>{}</tr>").format(_class("second" if second else ""), cells)


def _cell(column: str, value: Cell) -> Markup:
    if isinstance(value, int | float) and not isinstance(value, bool):
        differs = column == "difference" and value != 0
        return _td("number bad-text" if differs else "number", text_of(column, value))
    text = text_of(column, value)
    if column in LINKED and (link := LINK.fullmatch(str(value))):
        anchor = Markup('<a href="{}" rel="noreferrer">{} {}</a>').format(value, *link.groups())
        return Markup("<td>{}</td>").format(anchor)
    if column in {"verdict", "is_equal"}:
        good = value is True or value in GOOD
        return _td("good-text" if good else "bad-text", f"{'✓' if good else '✗'} {text}")
    if column in CODES:
        return _td("code", text)
    if column in KEYS:
        return _td("key", text)
    return _td("words" if len(text) >= WORDS_FROM else "", text)


def _td(kind: str, text: str) -> Markup:
    return Markup("<td{}>{}</td>").format(_class(kind), text)


def _class(kind: str) -> Markup:
    return Markup(' class="{}"').format(kind) if kind else Markup("")


def _head(column: str) -> str:
    return column.replace("_", " ")


def _is_numeric(table: Table, at: int) -> bool:
    values = [row[at] for row in table.rows if row[at] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
