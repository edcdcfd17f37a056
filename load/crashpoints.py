"""Named points where a test may kill the process, to see that a resumed run ends the same.

LOAD_CRASHPOINT=<name>:<entity>#<n> kills with SIGKILL when an entity passes the point for the
n-th time. Without it a point costs one look into the environment. The names are in `POINTS`.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Final

POINTS: Final = (
    "call.before_send",
    "call.answered",
    "create.before_intent",
    "create.after_intent",
    "create.after_answer",
    "create.after_outcome",
    "update.before_intent",
    "update.after_intent",
    "update.after_answer",
    "update.after_outcome",
    "archive.before_intent",
    "archive.after_intent",
    "archive.after_answer",
    "settle.before_commit",
    "provision.before_intent",
    "provision.after_intent",
    "provision.after_answer",
    "schema.after_rename",
    "schema.before_delete",
    "schema.after_delete",
    "guard.after_look",
    "guard.after_intent",
    "guard.after_answer",
    "guard.after_end",
    "phase.before_barrier",
    "run.before_end",
    "undo.before_intent",
    "undo.after_intent",
    "undo.after_answer",
    "undo.after_outcome",
    "undo.before_verify",
)
passed: Counter[str] = Counter()
"""How often each was passed in this process, while anything asks for a point at all."""


def crashpoint(name: str, entity: str) -> None:
    """Dies here if the environment asks for it."""
    wanted = os.environ.get("LOAD_CRASHPOINT")
    if wanted is None:
        return
    place = f"{name}:{entity}"
    passed[place] += 1
    if wanted == f"{place}#{passed[place]}":
        os.kill(os.getpid(), signal.SIGKILL)
