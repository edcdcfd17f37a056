"""What a run with real processes tried, for the page of guarantees: a line of JSON each.

Written only where `GUARANTEES_FIGURES` names a file; `python -m simulation.guarantees` reads it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from simulation.campaign import about


def note(what: str, *, tried: int, wrong: int) -> None:
    """Adds a line: what was done to the processes, how often, and how many ended otherwise."""
    place = os.environ.get("GUARANTEES_FIGURES")
    if place:
        line = {"what": what, "tried": tried, "wrong": wrong, **about()}
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
