"""Small inline SVG plots: no script, no font, no network; colours come from the page's style.

Each plot carries a title and a description for screen readers; every figure in it also stands in
the table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from markupsafe import Markup

WIDTH: Final = 640
LABEL: Final = 230
VALUE: Final = 110
ROW: Final = 24
BAR: Final = 14


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `value` of `whole`, both in the plot's unit; `note` is printed at its end."""

    label: str
    value: float
    whole: float
    note: str


def bars(title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars, each against its own whole; an empty plot is no plot."""
    if not rows:
        return Markup("")
    height = ROW * len(rows) + 8
    name = "plot-" + "".join(c if c.isalnum() else "-" for c in title.lower())
    frame = f'class="plot" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="xMinYMin meet"'
    parts = [
        f'<svg {frame} role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title>',
        f'<desc id="{name}-d">{escape(description)}</desc>',
    ]
    for position, row in enumerate(rows):
        parts.append(_bar(row, 4 + position * ROW))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 (all text above is escaped)


def _bar(row: Bar, top: int) -> str:
    space = WIDTH - LABEL - VALUE
    share = 0.0 if row.whole <= 0 else min(1.0, max(0.0, row.value / row.whole))
    middle = top + BAR - 2
    place = f'x="{LABEL}" y="{top}" height="{BAR}" rx="3"'
    return (
        f'<text class="label" x="{LABEL - 8}" y="{middle}" text-anchor="end">'
        f"{escape(_short(row.label))}</text>"
        f'<rect class="whole" {place} width="{space}"/>'
        f'<rect class="part" {place} width="{share * space:.1f}"/>'
        f'<text class="value" x="{LABEL + space + 8}" y="{middle}">{escape(row.note)}</text>'
    )


def _short(label: str) -> str:
    return label if len(label) <= 32 else label[:31] + "…"
