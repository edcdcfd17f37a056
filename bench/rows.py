"""What a benchmark says, and how a part of the bench is written.

A part is one module of this folder:

    from collections.abc import Iterator
    from bench.rows import Row, main

    def measure(size: int) -> Iterator[Row]:
        '''The method, in a sentence or two: it stands so in docs/benchmarks.md.'''
        ...
        yield Row("landed", ours, "s", "read_json of the same bytes", plain, aim="at most 1.7")

    if __name__ == "__main__":
        main(measure)

`size` is the number of contacts. Value and baseline are measured in this one run, back to back,
so that other work on the machine weighs on both. Add the module's name and its sizes to
`bench.parts.PARTS`; wall time, processor time and peak memory of the whole part are added there.
By hand: `python -m bench.<part> --size 1000` prints the part's table.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SMALLEST = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `unit` is of value and baseline alike; a ratio is value / baseline."""

    what: str
    value: float
    unit: str
    baseline: str = ""
    baseline_value: float | None = None
    aim: str = ""
    is_worked_out: bool = False  # from measured figures, not measured at this size

    @property
    def ratio(self) -> float | None:
        """None where there is nothing to compare with."""
        return self.value / self.baseline_value if self.baseline_value else None


Measure = Callable[[int], Iterator[Row]]


def main(measure: Measure, arguments: Sequence[str] | None = None) -> None:
    """Run one part from the command line; `--rows FILE` keeps rows and method as JSON."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(measure))
    parser.add_argument("--size", type=int, default=SMALLEST, help="contacts")
    parser.add_argument("--rows", type=Path, help="write the rows here as JSON")
    given = parser.parse_args(arguments)
    rows = list(measure(given.size))
    if given.rows:
        method = " ".join((inspect.getdoc(measure) or "").split())
        content = {"method": method, "rows": [asdict(row) for row in rows]}
        given.rows.write_text(json.dumps(content), encoding="utf-8")
    sys.stdout.write(as_markdown(rows))


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as one table."""
    lines = ["| what | value | baseline | ratio | aim |", "|---|---:|---|---:|---|"]
    for row in rows:
        value = f"{number(row.value)} {row.unit}{' (worked out)' if row.is_worked_out else ''}"
        baseline = (
            f"{row.baseline}: {number(row.baseline_value)} {row.unit}"
            if row.baseline_value is not None
            else row.baseline
        )
        ratio = number(row.ratio)
        lines.append(f"| {row.what} | {value.strip()} | {baseline} | {ratio} | {row.aim} |")
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Enough digits to compare by, no more; nothing for None."""
    if value is None:
        return ""
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.3g}"
