"""`python -m bench [--size N ...] [--all] [part ...]`: run parts, keep the rows, print the ratios.

Each part runs as a process of its own, so that its peak memory is its own. What a part and size
gave last is kept in bench/results/ with machine, date, commit and load; docs/benchmarks.md is made
from those files alone (`--document-only` makes it without measuring). A part that fails is named at
the end and keeps its former result; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import sys

from bench.document import DOCUMENT, RESULTS, ratios, results, written
from bench.parts import PARTS, run
from bench.rows import SMALLEST, Row, as_markdown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)}; none: all")
    parser.add_argument("--size", type=int, action="append", help=f"contacts; default {SMALLEST:,}")
    parser.add_argument("--all", action="store_true", help="every size at which a part is measured")
    parser.add_argument("--document-only", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    wanted = {
        (part, size)
        for part in given.parts or PARTS
        for size in PARTS[part]
        if given.all or size in (given.size or [SMALLEST])
    }
    failed = [] if given.document_only else [each for each in _in_order(wanted) if not _kept(*each)]
    DOCUMENT.write_text(written(RESULTS, PARTS), encoding="utf-8")
    sys.stdout.write(f"\n{ratios(results(RESULTS, PARTS))}\n{DOCUMENT.name} is written\n")
    for part, size in failed:
        sys.stdout.write(f"failed: {part} at {size:,}\n")
    return 1 if failed else 0


def _in_order(wanted: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """The small sizes first: an evening that ends early has all of those."""
    return sorted(wanted, key=lambda each: (each[1], tuple(PARTS).index(each[0])))


def _kept(part: str, size: int) -> bool:
    """Measure, keep and show one part at one size; False if it did not end well."""
    result = run(part, size)
    if result is None:
        return False
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{part}-{size}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    rows = [Row(**row) for row in result["rows"]]
    took = f"{result['wall_seconds']} s, {result['peak_memory_mib']} MiB"
    sys.stdout.write(f"\n{part}, {size:,} contacts ({took})\n\n{as_markdown(rows)}")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    sys.exit(main())
