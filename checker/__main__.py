"""Checks an end state: `python -m checker --ledger F --plan DIR --pipedrive-dump FILE [--log F]`.

The dump is JSON lines of every record (the sandbox gives them at `/_sandbox/records`), the log is
JSON lines of calls. Exit codes: 0 all invariants hold, 70 some do not, 2 nothing to examine or
files that cannot be read.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from checker.destination import read_destination
from checker.evidence import Evidence, read_calls
from checker.ledger import read_ledger
from checker.plan import read_plan
from checker.report import NothingExamined, check

USAGE, BROKEN = 2, 70


def main(arguments: list[str] | None = None) -> int:
    """Reads, checks, prints; gives the exit code."""
    parser = argparse.ArgumentParser(prog="checker", description="Checks an end state.")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--plan", type=Path, required=True, help="folder of the frozen plan")
    parser.add_argument("--pipedrive-dump", type=Path, required=True, help="JSON lines of records")
    parser.add_argument("--log", type=Path, help="JSON lines of calls")
    given = parser.parse_args(arguments)
    try:
        report = check(_evidence(given))
    except (NothingExamined, OSError, ValueError, KeyError, sqlite3.Error) as error:
        sys.stderr.write(f"nothing was checked: {error}\n")
        return USAGE
    for violation in report.violations:
        sys.stdout.write(f"{violation}\n")
    looked_at = ", ".join(f"{number} {what}" for what, number in report.examined.items())
    sys.stdout.write(f"{len(report.violations)} violations; examined {looked_at}\n")
    return 0 if report.ok else BROKEN


def _evidence(given: argparse.Namespace) -> Evidence:
    with given.pipedrive_dump.open(encoding="utf-8") as lines:
        there = read_destination(lines)
    calls = None
    if given.log is not None:
        with given.log.open(encoding="utf-8") as lines:
            calls = read_calls(lines)
    return Evidence(read_plan(given.plan), read_ledger(given.ledger), there, calls=calls)


if __name__ == "__main__":
    sys.exit(main())
