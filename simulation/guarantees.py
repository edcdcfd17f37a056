"""Writes the figures of `docs/guarantees.md`: `python -m simulation.guarantees PAGE FILE...`.

The files are those of `simulation.campaign`; a later one replaces the same part of an earlier one.
Files ending in `.jsonl` are lines that tests with real processes wrote (`GUARANTEES_FIGURES`); what
was tried of the same kind on the same version is summed.
Only what stands between the two markers of the page is written. Raises `ValueError` for a page
without them or files without figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from load.crashpoints import POINTS

BEGINS: Final = "<!-- figures: written by python -m simulation.guarantees -->"
ENDS: Final = "<!-- end of figures -->"
PARTS: Final = {
    "random": "random schedules",
    "sweep": "every fault at every call of load, delta and undo",
}


def main(arguments: list[str]) -> int:
    """Renders the figures into the page."""
    if len(arguments) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    page, *files = (Path(name) for name in arguments)
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    campaigns = [json.loads(text) for file, text in texts.items() if file.suffix != ".jsonl"]
    tried = [
        json.loads(line)
        for file, text in texts.items()
        if file.suffix == ".jsonl"
        for line in text.splitlines()
    ]
    found = f"{figures(campaigns)}{of_processes(tried)}"
    page.write_text(with_figures(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


def with_figures(page: str, text: str) -> str:
    """The page with these figures instead of those that it had."""
    before, begins, rest = page.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not (begins and ends):
        message = "the page has no place for figures; put the two markers back"
        raise ValueError(message)
    return f"{before}{BEGINS}\n\n{text}\n{ENDS}{after}"


def figures(campaigns: list[dict[str, Any]]) -> str:
    """Markdown of what the campaigns found."""
    latest: dict[str, dict[str, Any]] = {}
    for campaign in campaigns:
        latest |= {name: campaign for name in PARTS if _was_played(campaign.get(name))}
        latest |= {"mutants": campaign} if "mutants" in campaign else {}
    if not latest:
        message = "no campaign has figures"
        raise ValueError(message)
    lines = [*_of_schedules(latest), *_of_mutants(latest.get("mutants"))]
    return "\n".join(lines)


def _was_played(part: dict[str, Any] | None) -> bool:
    """A campaign of mutants only has an empty part of random schedules."""
    return bool(part and part["totals"].get("schedules"))


def of_processes(lines: list[dict[str, Any]]) -> str:
    """Markdown of what was done to real processes and connections; empty without any."""
    summed: dict[tuple[str, ...], list[int]] = {}
    for one in lines:
        place = (one["what"], one["version"], one["date"], one["machine"])
        total = summed.setdefault(place, [0, 0])
        total[0] += one["tried"]
        total[1] += one["wrong"]
    if not summed:
        return ""
    rows = [
        f"| {what} | {tried} | {wrong} | {version} | {date} | {machine} |"
        for (what, version, date, machine), (tried, wrong) in sorted(summed.items())
    ]
    head = [
        "",
        "Real processes and connections, against the sandbox over HTTP:",
        "",
        "| what | tried | ended otherwise | version | date | machine |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _of_schedules(latest: dict[str, dict[str, Any]]) -> list[str]:
    reached: list[str] = []
    lines = [
        "Against the sandbox, not Pipedrive.",
        "",
        (
            "| what | schedules | seeds | calls | faults | deaths | edits of people | violations"
            " | version | date | machine |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, title in PARTS.items():
        if name not in latest:
            lines.append(f"| {title} | not run yet | | | | | | | | | |")
            continue
        campaign = latest[name]
        part, totals = campaign[name], campaign[name]["totals"]
        seeds = "{} to {}".format(*campaign["seeds"]) if name == "random" else "3"
        cells = (
            title, totals["schedules"], seeds, totals["calls"], sum(part["faults"].values()),
            sum(part["deaths"].values()), totals["edits"], len(part["broken"]),
            campaign["version"], campaign["date"], campaign["machine"],
        )  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
        names = {place.partition(":")[0] for place in part["points"]}
        reached += [
            (
                f"Reached by {title}: {len(part['faults'])} kinds of fault, {len(names)} of"
                f" {len(POINTS)} named commit points, at {len(part['points'])} places."
            ),
            "",
        ]
    return [*lines, "", *reached]


def _of_mutants(campaign: dict[str, Any] | None) -> list[str]:
    if campaign is None:
        return ["Mutants: not run yet."]
    caught = sum(one["violation"] is not None for one in campaign["mutants"])
    lines = [
        (
            f"Mutants: {caught} of {len(campaign['mutants'])} noticed ({campaign['version']},"
            f" {campaign['date']}, {campaign['machine']})."
        ),
        "",
        "| protection switched off | noticed after | by |",
        "|---|---|---|",
    ]
    for one in campaign["mutants"]:
        by = one["violation"].split(" ")[0] if one["violation"] else "nothing"
        lines.append(f"| {one['mutant']} | {one['schedules']} schedules | {by} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
