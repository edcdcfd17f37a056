"""The customer's share of the decisions as one workbook, for people who are on no forge.

Each sheet is one seed: all cells are text, and text that looks like a formula stays text. Rows that
are only proposed (stores and pairs of contacts that nobody decided on) come back once somebody has
signed them in `decided_by`. Calls nobody. Raises `ConfigError` that names sheet and cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from load.warehouse import is_there
from migrate import places
from migrate.outcome import DONE, Outcome, Table

if TYPE_CHECKING:
    from load.progress import Progress


@dataclass(frozen=True, slots=True)
class Sheet:
    """`proposals`: a query for rows of the seed's columns that wait for a decision."""

    title: str
    seed: str
    explained: str
    proposals: str = ""


SHEETS: Final = (
    Sheet("Mapping", "mapping/fields", "What each field is called in Pipedrive, and its policy."),
    Sheet("Options", "mapping/field_options", "The options of fields, in order."),
    Sheet(
        "Owners",
        "decisions/store_settings",
        "Each store's zone, currency, owner and visibility; sign in decided_by.",
        "select store_id, time_zone, currency, owner_id, visible_to, organization_name "
        "from intermediate.int_stores_configured where not is_confirmed order by store_id",
    ),
    Sheet(
        "Matches",
        "decisions/match_decisions",
        "Pairs of contacts: same or different; sign in decided_by.",
        "select contact_id, same_as_contact_id from discovery.disc_match_pairs order by 1, 2",
    ),
    Sheet("Drops", "mapping/source_paths", "What is left behind, and why."),
)


def export(_progress: Progress, *, file: Path) -> Outcome:
    """`aiq2pd review export`."""
    from migrate.review.workbook import write

    if file.exists():
        raise ConfigError(f"{file} is there already: choose another name, or move it away")
    rows = write(file, places.project_dir() / "seeds", _proposals())
    return Outcome(
        "review export",
        f"{len(rows)} sheets in {file}",
        tables=(Table("Sheets", ("sheet", "rows", "to decide"), tuple(rows)),),
        notes=(f"When it is filled in: aiq2pd review import {file}",),
    )


def bring_back(_progress: Progress, *, file: Path, is_dry: bool) -> Outcome:
    """`aiq2pd review import`."""
    from migrate.review.workbook import read

    if not file.is_file():
        raise ConfigError(f"{file}: no such file")
    seeds = places.project_dir() / "seeds"
    changes = read(file, seeds)
    rows = tuple((c.sheet, c.added, c.removed, c.undecided, f"{c.seed}.csv") for c in changes)
    changed = [change for change in changes if change.is_change]
    if not is_dry:
        for change in changed:
            target = seeds / f"{change.seed}.csv"
            half = target.with_suffix(".tmp")
            half.write_text(change.text, encoding="utf-8", newline="")
            half.replace(target)
    what = "would change" if is_dry else "changed"
    return Outcome(
        "review import",
        f"{len(changed)} seeds {what}" if changed else "no difference: nothing to write",
        DONE,
        tables=(Table("Seeds", ("sheet", "added", "removed", "undecided", "seed"), rows),),
        notes=("Next: look at `git diff seeds`, then commit it",) if changed and not is_dry else (),
    )


def _proposals() -> dict[str, list[tuple[str, ...]]]:
    """Rows that wait for a decision, by sheet; none before a build."""
    where = places.here()
    if not is_there(where.warehouse):
        return {}
    from migrate.summaries import open_warehouse

    with open_warehouse(where.warehouse) as warehouse:
        return {
            sheet.title: list(_texts(warehouse.table(sheet.title, sheet.proposals).rows))
            for sheet in SHEETS
            if sheet.proposals
        }


def _texts(rows: tuple[tuple[object, ...], ...]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield tuple("" if cell is None else str(cell) for cell in row)
