"""docs/benchmarks.md, made from bench/results/ alone: nothing in it is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.rows import Row, as_markdown, number

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
RESULTS: Final = ROOT / "bench" / "results"

Result = dict[str, Any]
Parts = Mapping[str, Sequence[int]]

HEAD: Final = """# Benchmarks

Written by `make bench` from the files in `bench/results/`; do not edit. Everything ran against the
sandbox, never against the real services. A ratio is value / baseline, both of one run, so it
holds on a busy machine where seconds do not; the load average beside each table says how busy.
What is worked out, not measured, says so.

    make bench                                  # every part at 1,000 contacts
    make bench ARGS="--all"                     # every part at every size: hours
    make bench ARGS="landing --size 1000000"    # one part
"""


def results(folder: Path, parts: Parts) -> list[Result]:
    """What is kept, in the order of a migration."""
    order = tuple(parts)
    found = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    return sorted(
        (each for each in found if each["part"] in parts),
        key=lambda each: (order.index(each["part"]), each["size"]),
    )


def written(folder: Path, parts: Parts) -> str:
    """The whole page."""
    found = results(folder, parts)
    ran = [each for each in found if not _is_worked_out(each)]
    sections = [HEAD, "## Ratios\n", ratios(found), "## What each part took\n", _took(ran)]
    return "\n".join([*sections, *_missing(found, parts), *map(_section, found)])


def ratios(found: Iterable[Result]) -> str:
    """Every figure that has a baseline, of all parts and sizes."""
    head = ("part", "contacts", "what", "value", "baseline", "ratio", "aim")
    lines = (
        (
            _title(each["part"]),
            f"{each['size']:,}",
            row.what,
            f"{number(row.value)} {row.unit}".strip(),
            f"{row.baseline}: {number(row.baseline_value or 0)}",
            number(row.ratio),
            row.aim,
        )
        for each in found
        for row in _rows(each)
        if row.ratio is not None
    )
    return _table(head, "---|---:|---|---:|---|---:|---", lines)


def _took(found: list[Result]) -> str:
    head = ("part", "contacts", "wall s", "processor s", "peak memory MiB", "growth")
    lines = (
        (
            _title(each["part"]),
            f"{each['size']:,}",
            f"{each['wall_seconds']:,}",
            f"{each['processor_seconds']:,}",
            f"{each['peak_memory_mib']:,}",
            _growth(each, found),
        )
        for each in found
    )
    return _table(head, "---|---:|---:|---:|---:|---", lines)


def _growth(each: Result, found: list[Result]) -> str:
    """Processor time against the next smaller size."""
    smaller = [o for o in found if o["part"] == each["part"] and o["size"] < each["size"]]
    if not smaller:
        return ""
    before = max(smaller, key=lambda other: other["size"])
    times = each["size"] / before["size"]
    took = each["processor_seconds"] / max(before["processor_seconds"], 0.1)
    return f"{took:.3g} times the processor time for {times:g} times the contacts"


def _missing(found: list[Result], parts: Parts) -> Iterator[str]:
    """What the bench can measure and has no result for."""
    there = {(each["part"], each["size"]) for each in found}
    missing = [
        f"{_title(part)} at {size:,}"
        for part, sizes in parts.items()
        for size in sizes
        if (part, size) not in there
    ]
    if missing:
        yield f"Not measured yet: {'; '.join(missing)}.\n"


def _section(each: Result) -> str:
    low, high = each["load_average"]
    how = (
        "worked out"
        if _is_worked_out(each)
        else f"{each['machine']}; load average {low} before, {high} after"
    )
    return (
        f"## {_title(each['part'])}, {each['size']:,} contacts\n\n"
        f"{each['method']}\n\n{as_markdown(_rows(each))}\n"
        f"`python -m bench {each['part']} --size {each['size']}` on {each['measured_on']} at "
        f"{each['commit']}: {how}.\n"
    )


def _rows(each: Result) -> list[Row]:
    return [Row(**row) for row in each["rows"]]


def _is_worked_out(each: Result) -> bool:
    return all(row.is_worked_out for row in _rows(each))


def _title(part: str) -> str:
    return part.replace("_", " ").capitalize()


def _table(head: Sequence[str], rule: str, lines: Iterable[Sequence[str]]) -> str:
    written_out = [f"| {' | '.join(head)} |", f"|{rule}|"]
    return "\n".join([*written_out, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"
