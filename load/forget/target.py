"""Deleting a subject's records in the target, whoever changed them since.

Files, activities and notes first, then deals (their lines go with them), then the records
themselves. A record that is not there any more counts as deleted, so the whole can be repeated
after a crash or an unknown outcome. A refused deletion is listed and does not stop the others. The
target deletes softly: it keeps what was deleted for its own term.

Raises `RetryLater` while the outcome of a deletion is unknown, and what the client raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from load.costs import endpoint_name, token_cost
from load.errors import Ambiguous, Rejected, RetryLater
from load.phases import PHASE_OF

if TYPE_CHECKING:
    from load.client import PipedriveClient
    from load.progress import Progress

ORDER: Final = ("file", "activity", "note", "deal", "person", "organization", "product")
GONE: Final = frozenset({404, 410})


@dataclass(slots=True)
class Deleted:
    """How many records were there and are not, and what the target refused: entity, id, status."""

    records: int = 0
    refused: list[tuple[str, int, int]] = field(default_factory=list)


async def delete(
    client: PipedriveClient, ids: Mapping[str, Sequence[int]], *, progress: Progress
) -> Deleted:
    """Deletes these records by entity."""
    done = Deleted()
    for entity in ORDER:
        numbers = ids.get(entity, ())
        if not numbers:
            continue
        progress.start(f"delete {entity}", len(numbers))
        for number in numbers:
            await _delete_one(client, entity, number, done)
            progress.advance(f"delete {entity}")
        progress.finish(f"delete {entity}")
    return done


async def _delete_one(client: PipedriveClient, entity: str, number: int, done: Deleted) -> None:
    path = PHASE_OF[entity].update_path.format(id=number)
    cost = token_cost(endpoint_name("DELETE", path))
    try:
        await client.call("DELETE", path, cost=cost, entity=entity)
    except Rejected as error:
        if error.status not in GONE:
            done.refused.append((entity, number, error.status))
    except Ambiguous as error:
        raise RetryLater(
            f"{entity} {number}: whether it was deleted is unknown; run the same command again"
        ) from error
    else:
        done.records += 1
