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
LABEL: Final = 210
VALUE: Final = 130
ROW: Final = 24
BAR: Final = 14


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `value` of `whole`, both in the plot's unit; `note` is printed at its end and
    `mark`, where the value should be, is drawn across it."""

    label: str
    value: float
    whole: float
    note: str
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """One bar made of parts, each with the class of its colour; `note` is printed at its end."""

    label: str
    parts: tuple[tuple[str, float], ...]
    note: str


def bars(title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars, each against its own whole; an empty plot is no plot."""
    drawn = [_bar(row, 4 + position * ROW) for position, row in enumerate(rows)]
    return _figure(title, description, drawn)


def stacks(title: str, description: str, rows: Sequence[Parts]) -> Markup:
    """Horizontal bars of parts, all of one length: shares, not sizes."""
    drawn = [_stack(row, 4 + position * ROW) for position, row in enumerate(rows)]
    return _figure(title, description, drawn)


def _figure(title: str, description: str, drawn: Sequence[str]) -> Markup:
    if not drawn:
        return Markup("")
    height = ROW * len(drawn) + 8
    name = "plot-" + "".join(c if c.isalnum() else "-" for c in title.lower())
    frame = f'class="plot" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="xMinYMin meet"'
    parts = [
        f'<figure><svg {frame} role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title>',
        f'<desc id="{name}-d">{escape(description)}</desc>',
        *drawn,
        f"</svg><figcaption>{escape(description)}</figcaption></figure>",
    ]
    return Markup("".join(parts))  # noqa: S704 (all text above is escaped)


def _bar(row: Bar, top: int) -> str:
    space = WIDTH - LABEL - VALUE
    place = f'x="{LABEL}" y="{top}" height="{BAR}" rx="2"'
    mark = ""
    if row.mark is not None:
        at = LABEL + _share(row.mark, row.whole) * space
        mark = f'<path class="mark" d="M{at:.1f} {top - 3}v{BAR + 6}"/>'
    return (
        f'{_label(row.label, top)}<rect class="whole" {place} width="{space}"/>'
        f'<rect class="part" {place} width="{_share(row.value, row.whole) * space:.1f}"/>{mark}'
        f"{_note(row.note, top)}"
    )


def _stack(row: Parts, top: int) -> str:
    space = WIDTH - LABEL - VALUE
    whole = sum(value for _, value in row.parts)
    drawn, at = [_label(row.label, top)], float(LABEL)
    for kind, value in row.parts:
        width = _share(value, whole) * space
        drawn.append(
            f'<rect class="{kind}" x="{at:.1f}" y="{top}" width="{width:.1f}" height="{BAR}"/>'
        )
        at += width
    return "".join(drawn) + _note(row.note, top)


def _share(value: float, whole: float) -> float:
    return 0.0 if whole <= 0 else min(1.0, max(0.0, value / whole))


def _label(text: str, top: int) -> str:
    place = f'x="{LABEL - 10}" y="{top + BAR - 2}" text-anchor="end"'
    return f"<text {place}>{escape(_short(text))}</text>"


def _note(text: str, top: int) -> str:
    return f'<text x="{WIDTH - VALUE + 10}" y="{top + BAR - 2}">{escape(text)}</text>'


def _short(label: str) -> str:
    return label if len(label) <= 28 else label[:27] + "…"
