"""Snapshots of the whole state as files beside it: take, restore, compare, start over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.dump import Dump

if TYPE_CHECKING:
    from sandbox.pipedrive.app import PipedriveSandbox

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _path(sandbox: PipedriveSandbox, name: str) -> Path:
    if not NAME.fullmatch(name):
        msg = "a snapshot's name has letters, digits, - and _"
        raise ValueError(msg)
    state = sandbox.account.store.path
    return state.with_name(f"{state.stem}.snapshot-{name}.sqlite")


def _existing(sandbox: PipedriveSandbox, name: str) -> Path:
    path = _path(sandbox, name)
    if not path.exists():
        msg = f"there is no snapshot {name!r}"
        raise ValueError(msg)
    return path


def take(sandbox: PipedriveSandbox, name: str) -> None:
    sandbox.save()
    sandbox.account.store.copy_to(_path(sandbox, name))


def restore(sandbox: PipedriveSandbox, name: str) -> None:
    sandbox.account.store.copy_from(_existing(sandbox, name))
    sandbox.reload()


def same_as(sandbox: PipedriveSandbox, name: str) -> dict[str, object]:
    """Whether the live records equal those of the snapshot, with both digests."""
    account = sandbox.account
    other = Account(
        _existing(sandbox, name),
        sandbox.clock,
        plan=account.plan_name,
        seats=account.seats,
        seed=account.seed,
        factor=account.factor,
    )
    try:
        then = Dump(other).digest()
    finally:
        other.store.close()
    now = Dump(account).digest()
    return {"equal": now == then, "now": now, "then": then}


def start_over(sandbox: PipedriveSandbox) -> None:
    """An empty account of the same seed: same token, company, codes and first ids."""
    account = sandbox.account
    plan, seats, seed = account.plan_name, account.seats, account.seed
    account.store.clear()
    account.create(plan=plan, seats=seats, seed=seed)
    sandbox.reload()
