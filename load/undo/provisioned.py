"""Fields, options, labels, stages and pipelines that we made: taken away only when asked to.

Each goes only if nothing live holds a value of it any more, archived deals included. A DELETE of
unknown outcome is repeated only after the lists were read again; what is missing there is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from load.errors import RetryLater
from load.ledger import catalog, removals
from load.lists import pages
from load.payload import Catalog
from load.provision import FIELD_LISTS
from load.run import Run
from load.undo.account import Account
from load.wanted import LABEL_CODE, LABEL_COLUMN

COST: Final = 3
_LIST_COSTS: Final = {"field": 10, "pipeline": 5, "stage": 5}
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Made:
    """One thing that we made. `place` is what a live record holds if it uses it."""

    kind: str
    entity: str
    name: str
    path: str
    options: tuple[tuple[str, int], ...] = ()
    code: str = ""


def made(run: Run) -> list[Made]:
    """All that this ledger provisioned, in the order in which it may go."""
    ledger = run.ledger
    fields = ledger.db.execute(
        "select entity, column_name, field_code from field_codes where created_by_run is not null"
        " and state = 'active' order by entity, column_name"
    ).fetchall()
    own = {(row["entity"], row["column_name"]) for row in fields}
    found = [*_options(run, own)]
    found += [
        Made(
            "field", row["entity"], row["column_name"],
            f"{FIELD_LISTS[row['entity']]}/{row['field_code']}", code=row["field_code"],
        )
        for row in fields
    ]  # fmt: skip
    for kind in ("stage", "pipeline"):
        rows = ledger.db.execute(
            "select source_key, pipedrive_id from id_map where entity = ? and origin = 'created'"
            " and state in ('confirmed', 'removing') order by pipedrive_id desc",
            (kind,),
        )
        found += [
            Made(kind, kind, row["source_key"], f"/api/v2/{kind}s/{row['pipedrive_id']}",
                 options=(("", row["pipedrive_id"]),))
            for row in rows
        ]  # fmt: skip
    return found


def _options(run: Run, own: set[tuple[str, str]]) -> list[Made]:
    """Options that we added to fields which were there before, labels among them."""
    known = catalog.field_codes(run.ledger)
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in run.ledger.db.execute(
        "select entity, column_name, option_label, option_id from option_ids"
        " where created_by_run is not null order by option_id"
    ):
        place = (row["entity"], row["column_name"])
        if place not in own:
            groups.setdefault(place, []).append((row["option_label"], row["option_id"]))
    found = []
    for (entity, column), options in groups.items():
        code = LABEL_CODE if column == LABEL_COLUMN else known[entity, column].field_code
        found.append(
            Made("option", entity, column, f"{FIELD_LISTS[entity]}/{code}/options",
                 tuple(options), code)
        )  # fmt: skip
    return found


def planned_tokens(run: Run) -> int:
    """At most so many: one list of each kind and one call for each thing."""
    return _listing_cost() + COST * len(made(run))


def _listing_cost() -> int:
    return 10 * len(FIELD_LISTS) + _LIST_COSTS["pipeline"] + _LIST_COSTS["stage"]


async def remove_provisioned(run: Run, account: Account) -> list[str]:
    """Takes away what nothing holds. Gives what stays, with the reason."""
    stays: list[str] = []
    waiting = made(run)
    for number in range(_ROUNDS):
        if number:
            await run.clock.sleep(run.settle_seconds)
        there = await _listed(run)
        again: list[Made] = []
        for one in waiting:
            run.raise_if_stopped()
            left = _unused(one, account)
            if left is None:
                stays.append(f"{one.entity} {one.name}: in use")
            elif not _is_there(one, there):
                _forget(run, one, one.options)
            elif not await _delete(run, one, left, stays):
                again.append(one)
        if not again:
            return stays
        waiting = again
    raise RetryLater(f"{len(waiting)} fields or options could not be deleted for sure")


def _unused(one: Made, account: Account) -> tuple[tuple[str, int], ...] | None:
    """The options to delete; None if the thing itself is in use."""
    held = account.held.get("deal" if one.kind in ("stage", "pipeline") else one.entity, set())
    if one.kind == "field":
        return None if (one.code, None) in held else ()
    code = one.code or one.kind
    free = tuple(pair for pair in one.options if (code, pair[1]) not in held)
    return free or None


async def _listed(run: Run) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {"field": set(), "pipeline": set(), "stage": set()}
    for path in FIELD_LISTS.values():
        async for page in pages(run.client, path, {"limit": 500}, cost=10, entity="field"):
            found["field"] |= {one["field_code"] for one in page}
            found["field"] |= {
                (path, option["id"]) for one in page for option in one.get("options") or []
            }
    for kind in ("pipeline", "stage"):
        path = f"/api/v2/{kind}s"
        async for page in pages(
            run.client, path, {"limit": 500}, cost=_LIST_COSTS[kind], entity=kind
        ):
            found[kind] |= {one["id"] for one in page if not one.get("is_deleted")}
    return found


def _is_there(one: Made, there: dict[str, set[Any]]) -> bool:
    if one.kind == "field":
        return one.code in there["field"]
    if one.kind == "option":
        path = FIELD_LISTS[one.entity]
        return any((path, option_id) in there["field"] for _, option_id in one.options)
    return one.options[0][1] in there[one.kind]


async def _delete(
    run: Run, one: Made, options: tuple[tuple[str, int], ...], stays: list[str]
) -> bool:
    """One call; False if nobody knows what became of it."""
    body = [{"id": option_id} for _, option_id in options] if one.kind == "option" else None
    sent = await run.send("DELETE", one.path, cost=COST, body=body, entity=one.kind)
    run.raise_if_stopped()
    if sent.kind == "ok" or (sent.kind == "rejected" and sent.status in (404, 410)):
        _forget(run, one, options)
        run.count(one.kind, "deleted")
        return True
    if sent.kind == "rejected":
        stays.append(f"{one.entity} {one.name}: {sent.reason}")
        return True
    return False


def _forget(run: Run, one: Made, options: tuple[tuple[str, int], ...]) -> None:
    """The ledger remembers that it is gone; the next load makes it again."""
    ledger = run.ledger
    with ledger.transaction() as db:
        if one.kind == "field":
            catalog.forget_field(ledger, one.entity, one.name)
        elif one.kind == "option":
            db.executemany(
                "delete from option_ids where entity = ? and column_name = ? and option_id = ?",
                [(one.entity, one.name, option_id) for _, option_id in options],
            )
        else:
            removals.removed(ledger, one.entity, one.name, "provisioned by us, not in use")
        ledger.event("undone", {"what": one.kind, "entity": one.entity, "name": one.name})


def names(run: Run) -> Catalog:
    """Codes and options as the ledger has them."""
    return Catalog(catalog.field_codes(run.ledger), catalog.option_ids(run.ledger))
