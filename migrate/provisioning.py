"""The account's fields brought to the catalogue, with a plan of its own; codes and ids as a seed.

Every load makes missing fields, options, pipelines and stages by itself. What goes further (other
names, other types, dropped fields) is done here, seen first. Raises what the loader raises.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load.errors import ConfigError
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome, Table
from migrate.places import project_dir
from migrate.steps import frozen_plan, open_ledger, publish_ledger, remembered

if TYPE_CHECKING:
    from load.client import PipedriveClient
    from load.ledger import Ledger
    from load.plan import FrozenPlan
    from load.progress import Progress
    from load.run import Run
    from load.schema import SchemaResult
    from load.schema_plan import SchemaStep
    from migrate.settings import Settings

CODES: Final = Path("seeds/decisions/field_codes.csv")
CODE_COLUMNS: Final = ("company_id", "entity", "column_name", "option_label", "field_code")
_PLACES: Final = (
    "select entity, source_key, pipedrive_id from id_map where entity in ('pipeline', 'stage')"
    " and state = 'confirmed'"
)
_COLUMNS: Final = ("entity", "column", "action", "was", "becomes", "tokens", "why", "outcome")
CODE_VERSION: Final = "1"


@remembered
def provision(
    settings: Settings,
    progress: Progress,
    *,
    digest: str = "",
    dry_run: bool = False,
    replace: bool = False,
    prune: bool = False,
) -> Outcome:
    """`aiq2pd provision`."""
    account = settings.pipedrive()
    from load.client import PipedriveClient
    from load.clock import RealClock

    plan = frozen_plan(settings, digest)

    async def work(ledger: Ledger) -> SchemaResult:
        clock = RealClock()
        async with PipedriveClient(account, ledger, clock, read_only=dry_run) as client:
            run = _run(settings, plan, ledger, client, progress)
            if dry_run:
                return await _planned(run)
            return await _changed(run, replace=replace, prune=prune)

    with open_ledger(settings) as ledger:
        result = asyncio.run(work(ledger))
        publish_ledger(settings, ledger)
    return _outcome(result, dry_run=dry_run)


def _run(
    settings: Settings,
    plan: FrozenPlan,
    ledger: Ledger,
    client: PipedriveClient,
    progress: Progress,
) -> Run:
    from load.clock import RealClock
    from load.run import Run

    return Run(
        plan, ledger, client, settings.pipedrive(), RealClock(), progress, lambda _entity: None
    )


async def _planned(run: Run) -> SchemaResult:
    from load.schema import SchemaResult, plan_schema

    return SchemaResult(tuple((step, "planned") for step in await plan_schema(run)))


async def _changed(run: Run, *, replace: bool, prune: bool) -> SchemaResult:
    from load.schema import change_schema
    from load.signals import stop_on_signals

    with run.ledger.exclusive():
        run.ledger.start_run("provision", plan_digest=run.plan.digest, code_version=CODE_VERSION)
        reason = "failed"
        try:
            with stop_on_signals(run):
                result = await change_schema(run, replace=replace, prune=prune)
            reason = "done"
        finally:
            run.ledger.end_run(reason, writes=run.writes)
    return result


def _outcome(result: SchemaResult, *, dry_run: bool) -> Outcome:
    rows = tuple(_row(step, outcome) for step, outcome in result.steps)
    tokens = sum(step.tokens for step, _ in result.steps)
    if not rows:
        return Outcome("provision", "the account's fields are those of the catalogue")
    headline = f"{len(rows)} things differ from the catalogue"
    notes = ["Next: aiq2pd provision"] if dry_run else ["Next: aiq2pd plan, then aiq2pd apply"]
    stays = result.stays
    if not dry_run:
        done = sum(outcome == "done" for _, outcome in result.steps)
        headline = f"{done} of {len(rows)} things are as the catalogue has them now"
    return Outcome(
        "provision",
        headline,
        NEEDS_A_HUMAN if stays else DONE,
        facts={"tokens of these writes": tokens},
        tables=(Table("Provisioning", _COLUMNS, rows),),
        notes=tuple(notes),
    )


def _row(step: SchemaStep, outcome: str) -> tuple[str | int, ...]:
    return (
        step.entity, step.column_name, step.action, step.was, step.becomes, step.tokens,
        step.why, outcome,
    )  # fmt: skip


@remembered
def export_codes(settings: Settings, _progress: Progress, *, to: Path | None = None) -> Outcome:
    """`aiq2pd ledger export-fields`."""
    file = to or project_dir() / CODES
    with open_ledger(settings) as ledger:
        bound = ledger.binding()
        known = _known(ledger)
    if not known:
        raise ConfigError("the ledger knows of no fields yet: run aiq2pd provision or apply first")
    _write(file, [(str((bound or {})["company_id"]), *row) for row in known])
    return Outcome(
        "ledger export-fields",
        f"{len(known)} codes of fields and ids of options, labels, pipelines and stages are in"
        f" {settings.places.shown(file)}",
        notes=("Commit it: a ledger that is lost, or another machine, finds all of them by it.",),
    )


def _known(ledger: Ledger) -> list[tuple[str, str, str, str]]:
    """Entity, column or key, option label, code or id of all that was provisioned."""
    from load.ledger.catalog import field_codes, option_ids

    rows = [
        (code.entity, code.column_name, "", code.field_code)
        for code in field_codes(ledger).values()
        if code.state == "active"
    ]
    rows += [
        (entity, column, label, str(option_id))
        for (entity, column), options in option_ids(ledger).items()
        for label, option_id in options.items()
    ]
    rows += [
        (row["entity"], row["source_key"], "", str(row["pipedrive_id"]))
        for row in ledger.db.execute(_PLACES)
    ]
    return rows


def _write(file: Path, rows: Sequence[tuple[str, ...]]) -> None:
    """Codes of other companies stay as they are."""
    company = rows[0][0]
    others: list[tuple[str, ...]] = []
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as text:
            others = [
                tuple(row[name] or "" for name in CODE_COLUMNS)
                for row in csv.DictReader(text)
                if row["company_id"] != company
            ]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CODE_COLUMNS)
        writer.writerows(sorted([*others, *rows]))
