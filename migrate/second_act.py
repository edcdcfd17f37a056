"""The demo's second act: what happens after a load. Edits on both sides, a delta, an undo.

It plays on a copy of the data folder (`second_act` below it) and puts both services back as the
first act left them, so that everything in the data folder itself stays true.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from load.undo import Selection
from migrate import steps
from migrate.applying import apply_plan
from migrate.outcome import Outcome, Table
from migrate.summaries import open_warehouse
from migrate.undoing import undo_load
from sandbox import door

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from load.progress import Progress
    from migrate.settings import Settings
    from sandbox.process import SandboxInfo

FOLDER: Final = "second_act"
NOT_COPIED: Final = {FOLDER, "sandbox", "report", "steps", "dbt"}
CHOSEN: Final = """
select persons.source_key, persons.name
from marts.mart_persons as persons
where persons.sms_opt_in__c = 'Yes' and persons.loyalty_points__c is not null
order by persons.source_key
limit 6
"""
CONFLICTS: Final = """
select entity, field_name as field, problem, source_value, destination_value, what_to_do
from plan.plan_conflicts
order by all
"""
WITHDRAWN: Final = """
select entity, why, is_flagged as flagged, count(*) as records
from plan.plan_withdrawn
group by all
order by all
"""

Times = list[tuple[str, str, float]]


def play(
    settings: Settings,
    info: SandboxInfo,
    progress: Progress,
    *,
    say: Callable[[str], None],
    times: Times,
) -> tuple[Table, ...]:
    """The whole act. Adds what took how long to `times`; gives the tables to show."""
    copied = settings.model_copy(update={"data_dir": _copy(settings.data_dir)})
    for url in (info.alpine_iq_url, info.pipedrive_url):
        door.post(url, "snapshot", {"name": FOLDER})
    try:
        return _played(copied, info, progress, say=say, times=times)
    finally:
        door.post(info.alpine_iq_url, "reset", {})
        door.post(info.pipedrive_url, "restore", {"name": FOLDER})


def _played(
    settings: Settings,
    info: SandboxInfo,
    progress: Progress,
    *,
    say: Callable[[str], None],
    times: Times,
) -> tuple[Table, ...]:
    edits = _edit(settings, info)
    say(f"      {len(edits)} edits, at the source and in Pipedrive")
    phases: tuple[tuple[str, Callable[[Settings, Progress], Outcome]], ...] = (
        ("delta", partial(steps.extract_source, delta=True, accept_changes=True)),
        ("build", steps.build_models),
        ("plan", steps.make_plan),
        ("apply", apply_plan),
        ("verify", steps.verify_target),
        ("undo", partial(undo_load, selection=Selection(everything=True))),
    )
    shown: list[Table] = [Table("Second act: edits", ("where", "what"), tuple(edits))]
    for name, phase in phases:
        say(f"[second act] {name}")
        began = time.monotonic()
        outcome = phase(settings, progress)
        times.append((f"second act: {name}", outcome.headline, round(time.monotonic() - began, 1)))
        say(f"      {outcome.headline}")
        shown += _tables(name, outcome, settings)
    return tuple(shown)


def _copy(data: Path) -> Path:
    """A data folder of the act's own: the same ledger, warehouse and plans."""
    target = data / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    for entry in data.iterdir():
        if entry.name in NOT_COPIED:
            continue
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name)
        else:
            shutil.copy2(entry, target / entry.name)
    return target


def _edit(settings: Settings, info: SandboxInfo) -> list[tuple[str, str]]:
    """Customers, staff and the sales team at work after the load."""
    with open_warehouse(settings.places.warehouse) as warehouse:
        people = [str(row[0]) for row in warehouse.table("People", CHOSEN).rows]
    ids = [key.rpartition(":")[2] for key in people]
    source: list[tuple[str, dict[str, Any]]] = [
        ("points change", _contact(ids[0], loyaltyPoints=4_321.5)),
        ("somebody opts out of texts", _contact(ids[1], optoutTime=int(time.time()))),
        ("a name is corrected", _contact(ids[2], lastName="Corrected-At-Source")),
        ("a contact is deleted", {"action": "delete_contact", "contactID": ids[3]}),
        ("a sale, and its points", {"action": "add_order", "contactID": ids[4]}),
        ("", _contact(ids[4], loyaltyPoints=99.0)),
        ("a new contact", {"action": "insert_contact", "values": {"firstName": "Nova"}}),
    ]
    for _, edit in source:
        door.post(info.alpine_iq_url, "edit", edit)
    target: list[tuple[str, int, dict[str, Any]]] = [
        ("the name that the source corrects, too", _record(settings, people[2]), {
            "name": "Corrected In Pipedrive"}),
        ("a referral code on an untouched person", _record(settings, people[5]), {
            "custom_fields_by_name": {"Referral code": "REGULAR"}}),
    ]  # fmt: skip
    for _, record, changes in target:
        door.post(
            info.pipedrive_url,
            "edit",
            {"action": "patch", "entity": "person", "id": record, "changes": changes},
        )
    return [
        *(("Alpine IQ", what) for what, _ in source if what),
        *(("Pipedrive", what) for what, _, _ in target),
    ]


def _contact(contact_id: str, **values: Any) -> dict[str, Any]:
    return {"action": "edit_contact", "contactID": contact_id, "values": values}


def _record(settings: Settings, source_key: str) -> int:
    with closing(sqlite3.connect(settings.places.ledger)) as ledger:
        (found,) = ledger.execute(
            "select pipedrive_id from id_map where entity = 'person' and source_key = ?",
            (source_key,),
        ).fetchone()
    return int(found)


def _tables(name: str, outcome: Outcome, settings: Settings) -> list[Table]:
    """What of a phase's outcome the act shows."""
    if name == "plan":
        with open_warehouse(settings.places.warehouse) as warehouse:
            return [
                Table(f"Second act: {table.title}", table.columns, table.rows)
                for table in (
                    next(one for one in outcome.tables if one.title == "Planned"),
                    warehouse.table("left to people", CONFLICTS),
                    warehouse.table("no longer at the source", WITHDRAWN),
                )
            ]
    wanted = {"delta": ("Came late", "No longer in the list"), "undo": ("Done", "Spared")}
    return [
        Table(f"Second act, {name}: {table.title}", table.columns, table.rows)
        for table in outcome.tables
        if table.title in wanted.get(name, ())
    ]
