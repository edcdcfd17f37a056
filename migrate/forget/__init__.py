"""`aiq2pd forget`: one person erased from everything that this project keeps, and the proof of it.

The order makes a crash harmless: who is meant is written down first, the tombstone next, then
files, plans, journals, copies elsewhere, warehouse, and the ledger's own rows last; run again, it
goes on from what was written down. Everything is counted before and after, by the same search.

Raises `ConfigError` for a key that fits nobody or a folder that was handed over, `RetryLater` while
another run is active.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from load.errors import ConfigError, InvariantBroken
from migrate.outcome import DONE, NEEDS_A_HUMAN, Outcome, Table
from migrate.places import refuse_if_sealed

if TYPE_CHECKING:
    from load.forget.needles import Needles
    from load.forget.target import Deleted
    from load.progress import Progress
    from migrate.forget.subject import Subject
    from migrate.places import Places
    from migrate.settings import Settings

UNDER_WAY: Final = "forgetting.json"
NOT_REACHED: Final = "Copies out of reach"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant, and which records in Pipedrive are theirs, by entity."""

    subject: Subject
    ids: dict[str, list[int]]


def forget_person(
    settings: Settings,
    progress: Progress,
    *,
    key: str,
    destination: bool = False,
    dry_run: bool = False,
    ask: Callable[[str], bool] | None = None,
) -> Outcome:
    """`aiq2pd forget`."""
    where = settings.places
    _refuse_on_a_lake(where)
    if not dry_run:
        refuse_if_sealed(where)
    with ExitStack() as stack:
        if where.ledger.is_file():
            from load.ledger.lock import run_lock

            stack.enter_context(run_lock(where.ledger, started_at="forget"))
        progress.start("look", None)
        person = _under_way(where) or _find(where, key)
        before, beyond_reach = _everywhere(settings, person)
        progress.finish("look")
        question = f"{sum(before.values()):,} rows and files will be erased; no undo brings back"
        if dry_run or (ask is not None and not ask(question)):
            return _outlook(person, before, beyond_reach, destination=destination)
        _write_down(where, person)
        deleted = _delete_there(settings, progress, person) if destination else None
        left = _erase(settings, progress, person)
        after, beyond_reach = _everywhere(settings, person)
        (where.data / UNDER_WAY).unlink()
    tables = [_counts("Erased", before), _counts("Found by the same search afterwards", after)]
    if beyond_reach:
        tables.append(_not_reached(beyond_reach))
    return _outcome(where, person, tables, set(after), deleted=deleted, left=left)


def _refuse_on_a_lake(where: Places) -> None:
    """Nobody shall be told that a person is gone while the lake's files hold them."""
    from load.warehouse import lake_of

    if lake_of(where.data) is not None:
        raise ConfigError(
            "the tables of this data folder lie in a lake: its Parquet files and snapshots are out "
            "of this command's reach, so nothing was erased. See docs/targets.md"
        )


def _everywhere(settings: Settings, person: Person) -> tuple[dict[str, int], dict[str, str]]:
    """What holds the person, here and in copies elsewhere; and copies that are out of reach."""
    from migrate.forget import elsewhere

    needles = person.subject.all()
    copies = elsewhere.count(settings.places, settings.backup_dir, needles)
    return places_holding(settings.places, needles) | copies.holding, copies.beyond_reach


def erase_again(where: Places) -> int:
    """Erases forgotten people whom a reading brought back, before a model sees them."""
    if not where.ledger.is_file():
        return 0
    from migrate.forget.tombstones import erase_again as again

    return again(where.warehouse, where.ledger, where.plans)


def places_holding(where: Places, needles: Needles) -> dict[str, int]:
    """Rows and files that hold one of the texts, by place; places without any are left out."""
    from load.forget import plans, rows
    from migrate.forget import files, warehouse

    found: dict[str, int] = {}
    if where.warehouse.is_file():
        with warehouse.opened(where.warehouse) as connection:
            by_schema = warehouse.count(connection, needles)
        found |= {f"warehouse, schema {schema}": rows for schema, rows in by_schema.items()}
    for file in _sqlite_files(where):
        found[str(file.relative_to(where.data))] = rows.count(file, needles)
    found["plans"] = plans.count(where.plans, needles)
    for path in files.holding(where.data, needles):
        if path.name != UNDER_WAY:
            found[str(path.relative_to(where.data))] = 1
    return {place: count for place, count in found.items() if count}


def _sqlite_files(where: Places) -> list[Path]:
    """Ledger, its backups, the journals of the extraction: all but the sandbox's own state."""
    return sorted(
        file
        for file in where.data.rglob("*.sqlite")
        if file.relative_to(where.data).parts[0] != where.sandbox.name
    )


def _find(where: Places, key: str) -> Person:
    import duckdb

    from load.forget import rows
    from migrate.forget import warehouse
    from migrate.forget.subject import contact_id_of, find
    from migrate.trace import named_record

    if where.warehouse.is_file():
        with warehouse.opened(where.warehouse) as connection:
            try:
                _entity, source_key = named_record(connection, key.strip())
            except duckdb.CatalogException:
                source_key = key.strip()
            subject = find(connection, source_key, where.plans)
            ids = warehouse.ids_in_read_back(connection, subject)
    else:
        contact_id_of(key.strip())
        with duckdb.connect() as connection:
            subject, ids = find(connection, key.strip(), where.plans), {}
    if where.ledger.is_file():
        for entity, numbers in rows.ids_of(where.ledger, subject.source_keys).items():
            ids[entity] = sorted({*ids.get(entity, ()), *numbers})
    return Person(subject, ids)


def _write_down(where: Places, person: Person) -> None:
    """Who is being forgotten, until they are: so that a crash leaves nobody half forgotten."""
    file = where.data / UNDER_WAY
    half = file.with_suffix(".tmp")
    half.touch(mode=0o600)
    half.write_text(json.dumps(asdict(person)), encoding="utf-8")
    half.replace(file)


def _under_way(where: Places) -> Person | None:
    from migrate.forget.subject import Subject

    file = where.data / UNDER_WAY
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    parts = {name: tuple(values) for name, values in found["subject"].items()}
    return Person(Subject(**parts), found["ids"])


def _delete_there(settings: Settings, progress: Progress, person: Person) -> Deleted:
    from load.client import PipedriveClient
    from load.clock import RealClock
    from load.forget import target
    from load.ledger import Ledger

    if not person.ids:
        return target.Deleted()
    account = settings.pipedrive()

    async def delete(ledger: Ledger) -> Deleted:
        async with PipedriveClient(account, ledger, RealClock()) as client:
            await _same_company(client, ledger)
            return await target.delete(client, person.ids, progress=progress)

    with Ledger.open(settings.places.ledger, settings.ledger_key()) as ledger:
        return asyncio.run(delete(ledger))


async def _same_company(client: Any, ledger: Any) -> None:
    """Ids mean nothing in another company, and would delete strangers there."""
    bound = ledger.binding()
    answer = await client.call("GET", "/api/v1/users/me", cost=2, entity="account")
    if bound is None or int(answer.data["company_id"]) != bound["company_id"]:
        raise ConfigError(
            "the token is not of the company that this ledger belongs to: nothing was deleted"
        )


def _erase(settings: Settings, progress: Progress, person: Person) -> tuple[Path, ...]:
    """Everything within reach; gives back the files that a person must see to."""
    from load.forget import plans, rows
    from load.ledger import Ledger
    from migrate.forget import elsewhere, files, tombstones, warehouse

    where, needles = settings.places, person.subject.all()
    progress.start("erase", None)
    where.data.mkdir(mode=0o700, exist_ok=True)
    if not where.ledger.is_file():
        Ledger.open(where.ledger, None).close()
    tombstones.remember(where.ledger, person.subject.contact_ids)
    erased = files.erase(where.data, needles, beside={UNDER_WAY})
    plans.erase(where.plans, needles)
    elsewhere.erase(where, settings.backup_dir, needles)
    for file in _sqlite_files(where):
        if file != where.ledger:
            rows.erase(file, needles)
    if where.warehouse.is_file():
        warehouse.erase(where.warehouse, person.subject, person.ids)
    rows.erase(where.ledger, needles)
    progress.finish("erase")
    return erased.left


def _counts(title: str, counts: dict[str, int]) -> Table:
    return Table(title, ("place", "rows or files"), tuple(sorted(counts.items())))


def _not_reached(copies: dict[str, str]) -> Table:
    return Table(NOT_REACHED, ("copy", "what to do"), tuple(sorted(copies.items())))


def _outlook(
    person: Person, before: dict[str, int], beyond_reach: dict[str, str], *, destination: bool
) -> Outcome:
    there = sum(len(numbers) for numbers in person.ids.values())
    return Outcome(
        "forget",
        f"{sum(before.values()):,} rows and files hold this person; nothing was erased",
        facts={"contacts": len(person.subject.contact_ids), "records in Pipedrive": there},
        tables=(
            _counts("Would be erased", before),
            *((_not_reached(beyond_reach),) if beyond_reach else ()),
        ),
        notes=(
            "Next: the same command without --dry-run"
            + ("" if destination else "; with --destination also in Pipedrive"),
        ),
    )


def _outcome(
    where: Places,
    person: Person,
    tables: list[Table],
    after: set[str],
    *,
    deleted: Deleted | None,
    left: tuple[Path, ...],
) -> Outcome:
    from load.forget.needles import Needles
    from migrate.forget.warehouse import proof

    names_left = {str(file.relative_to(where.data)) for file in left}
    if still := sorted(after - names_left):
        raise InvariantBroken(f"forget left something behind in {', '.join(still)}")
    there = sum(len(numbers) for numbers in person.ids.values())
    refused = deleted.refused if deleted is not None else []
    in_pipedrive = there if deleted is None else len(refused)
    elsewhere = (
        "Still with you: backups of this machine, copies of exports, Alpine IQ itself. As long as "
        "the person is there, each extraction reads them and they are erased again at once"
    )
    query = proof(Needles.of(person.subject.contact_ids))
    database = where.shown(where.warehouse)
    notes = [elsewhere, f"Proof, in `duckdb {database}` (run what it prints): {query}"]
    if deleted is None and there:
        notes.insert(0, f"{there:,} records stay in Pipedrive: delete them there, by hand")
    elif deleted is not None:
        notes.insert(0, "Pipedrive keeps deleted records for 30 days before it purges them")
    needs_a_human = bool(left or in_pipedrive or any(one.title == NOT_REACHED for one in tables))
    if refused:
        tables.append(Table("Refused by Pipedrive", ("entity", "id", "status"), tuple(refused)))
    if left:
        rows = tuple((where.shown(file),) for file in left)
        tables.append(Table("Packed files of yours that hold the person", ("file",), rows))
    return Outcome(
        "forget",
        "forgotten on this machine" + ("" if deleted is None else " and in Pipedrive"),
        NEEDS_A_HUMAN if needs_a_human else DONE,
        facts={
            "rows and files erased": sum(int(str(count)) for _, count in tables[0].rows),
            "deleted in Pipedrive": 0 if deleted is None else deleted.records,
        },
        tables=tuple(tables),
        notes=tuple(notes),
    )
