"""Probed facts as switches: the local company behaves as a real one was found to.

A CSV with the columns fact, answer and probed_on, as `seeds/decisions/probed_facts.csv`. A fact
that bears a switch's name sets it; of several rows the latest counts. Facts without a switch, and
words that a switch does not know, are left out.
"""

from __future__ import annotations

import csv
import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sandbox.pipedrive.switches import Switches

_SECONDS: Final = {"list_lag_seconds": "list_lag"}
_TRUTHS: Final = {"yes": True, "no": False}


def switches_of(file: Path) -> dict[str, Any]:
    """Switches by the facts of a file; none if it is not there."""
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as text:
        rows = sorted(csv.DictReader(text), key=lambda row: row["probed_on"] or "")
    kinds = {one.name: str(one.type) for one in dataclasses.fields(Switches)}
    found: dict[str, Any] = {}
    for row in rows:
        name = _SECONDS.get(row["fact"], row["fact"])
        with suppress(KeyError, ValueError, TypeError):
            value = _value(kinds[name], row["answer"])
            Switches().changed({name: value})
            found[name] = value
    return found


def _value(kind: str, answer: str) -> Any:
    if kind == "bool":
        return _TRUTHS[answer]
    return float(answer) if kind == "float" else answer
