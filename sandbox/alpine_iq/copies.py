"""Copies of the whole state beside it: take one, go back to it, compare with it.

A comparison looks at what the account is (contacts, orders, events, stores and the like), not at
calls, switches or the clock. Raises `Refusal` when there is no copy.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sandbox.alpine_iq.routing import Refusal
from sandbox.alpine_iq.store import Store

if TYPE_CHECKING:
    from sandbox.alpine_iq.service import Service

_SUFFIX: Final = ".snapshot"
_BESIDE: Final = ("-wal", "-shm")
_CONTENT: Final = (
    "select kind, id, position, doc from documents order by 1, 2",
    "select * from contacts join contact_docs using (seq) order by seq",
    "select * from source_ids order by 1, 2, 3",
    "select * from members order by 1, 2",
    "select * from orders order by 1, 2",
    "select * from events order by 1, 2, 3, 4",
)


def _copy_of(path: Path) -> Path:
    return path.with_name(path.name + _SUFFIX)


def _existing(path: Path) -> Path:
    copy = _copy_of(path)
    if not copy.exists():
        raise Refusal(409, "no snapshot was taken")
    return copy


def take(service: Service) -> Path:
    """Copies the state beside itself, replacing an older copy."""
    target = _copy_of(service.store.path)
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    service.store.execute("pragma wal_checkpoint(truncate)")
    shutil.copyfile(service.store.path, target)
    return target


def restore(service: Service) -> None:
    """Goes back to the copy."""
    path = service.store.path
    source = _existing(path)
    service.store.execute("pragma wal_checkpoint(truncate)")
    service.store.close()
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(source, path)
    service.open(Store(path))


def compared(service: Service) -> dict[str, Any]:
    """Whether the account is what it was when the copy was taken, with both digests."""
    copy = Store(_existing(service.store.path))
    try:
        then = digest(copy)
    finally:
        copy.close()
    now = digest(service.store)
    return {"equal": now == then, "now": now, "then": then}


def digest(store: Store) -> str:
    """One number for everything that the account is; memory stays flat."""
    summary = hashlib.sha256()
    for statement in _CONTENT:
        for row in store.execute(statement):
            summary.update(msgspec.json.encode(row))
            summary.update(b"\n")
    return summary.hexdigest()
