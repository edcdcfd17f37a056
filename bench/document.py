"""docs/benchmarks.md, made from bench/results/ alone: nothing in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from bench.rows import Row, as_markdown

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

HEAD: Final = """# Benchmarks

Written by `make bench` from the files in `bench/results/`; do not edit. Everything ran against the
sandbox, never against the real services. A ratio is value / baseline, both of one run, so it
holds on a busy machine where seconds do not; the load average beside each table says how busy.

    make bench                                  # every part at 1,000 contacts
    make bench ARGS="--size 100000"             # the parts that are measured at that size
    make bench ARGS="landing --size 1000000"    # one part
"""


def written(results: Path, parts: tuple[str, ...]) -> str:
    """The whole page."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in results.glob("*.json")]
    chosen = sorted(
        (each for each in found if each["part"] in parts),
        key=lambda each: (parts.index(each["part"]), each["size"]),
    )
    return "\n".join([HEAD, _overview(chosen), *map(_section, chosen)])


def _overview(found: list[dict[str, Any]]) -> str:
    lines = [
        "## What each part took\n",
        "| part | contacts | wall s | processor s | peak memory MiB | growth |",
        "|---|---:|---:|---:|---:|---|",
    ]
    return "\n".join([*lines, *(_line(each, found) for each in found)]) + "\n"


def _line(each: dict[str, Any], found: list[dict[str, Any]]) -> str:
    cells = (
        _title(each["part"]),
        f"{each['size']:,}",
        f"{each['wall_seconds']:,}",
        f"{each['processor_seconds']:,}",
        f"{each['peak_memory_mib']:,}",
        _growth(each, found),
    )
    return f"| {' | '.join(cells)} |"


def _growth(each: dict[str, Any], found: list[dict[str, Any]]) -> str:
    """Processor time against the next smaller size: 1.0 x is linear."""
    smaller = [o for o in found if o["part"] == each["part"] and o["size"] < each["size"]]
    if not smaller:
        return ""
    before = max(smaller, key=lambda other: other["size"])
    times = each["size"] / before["size"]
    took = each["processor_seconds"] / max(before["processor_seconds"], 0.1)
    return f"{took:.3g} times the processor time for {times:g} times the contacts"


def _section(each: dict[str, Any]) -> str:
    rows = [Row(**row) for row in each["rows"]]
    low, high = each["load_average"]
    return (
        f"## {_title(each['part'])}, {each['size']:,} contacts\n\n"
        f"{each['method']}\n\n{as_markdown(rows)}\n"
        f"`python -m bench {each['part']} --size {each['size']}` on {each['measured_on']}: "
        f"{each['machine']}; load average {low} before, {high} after.\n"
    )


def _title(part: str) -> str:
    return part.replace("_", " ").capitalize()
