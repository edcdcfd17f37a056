"""A comparison as an outcome: what it says first, and the exit code that a pull request gets.

70 when anybody's consent would rise or a consent field would lose its guard, else 0: a diff judges
nothing but that.
"""

from __future__ import annotations

from typing import Final

from migrate.diff.builds import Data, Side
from migrate.diff.compare import Comparison
from migrate.outcome import DONE, INVARIANT_BROKEN, Outcome

EXAMPLES_ARE_MASKED: Final = (
    "Examples of personal fields show their length only; a record is named by the start of its "
    "source key's md5."
)


def as_outcome(before: Side, after: Side, found: Comparison, data: Data) -> Outcome:
    """Headline, hashes, tables that have rows."""
    return Outcome(
        "diff",
        _headline(found),
        INVARIANT_BROKEN if found.consent_rises or found.guards_lost else DONE,
        facts={
            "base": _named(before),
            "head": _named(after),
            "base mapping": before.revision.mapping,
            "head mapping": after.revision.mapping,
            "data": data.name,
            "records whose consent would rise": found.consent_rises,
            "models rebuilt": after.nodes,
        },
        tables=tuple(table for table in found.tables if table.rows),
        notes=(EXAMPLES_ARE_MASKED,),
    )


def _headline(found: Comparison) -> str:
    if found.guards_lost:
        lost = ", ".join(found.guards_lost)
        return f"STOP: {lost} would no longer be kept from rising (policy never_raise is gone)"
    if found.consent_rises:
        return f"STOP: consent would rise for {found.consent_rises:,} records"
    if found.is_empty:
        return "no call to Pipedrive would change"
    changed = next((t for t in found.tables if t.title == "Fields that change"), None)
    fields = len(changed.rows) if changed else 0
    return f"{fields} fields change for some records; nobody's consent rises"


def _named(side: Side) -> str:
    commit = side.revision.commit[:12]
    return f"{side.revision.name} ({commit})" if commit else side.revision.name
