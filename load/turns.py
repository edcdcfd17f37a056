"""Writers of a lake take turns: one transaction at a time, whichever machine it comes from.

DuckLake of DuckDB 1.5.5 settles two commits at once by retrying one of them, and that was seen to
go wrong without an error (docs/decisions/0006). So its retries stay off, and whoever writes holds
a lock of the catalog's PostgreSQL meanwhile. PostgreSQL gives the lock to those who wait in their
order, and takes it from a process that dies. Readers need no turn.

A second lock lets one machine at a time send writes to Pipedrive: each has a ledger file of its
own, and two ledgers know nothing of each other's calls under way.

Raises `RetryLater` when another writer keeps its turn for longer than `PATIENCE`, and when another
machine sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from load.errors import RetryLater
from load.warehouse import Lake, cant_be_opened, extension_file, lake_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PATIENCE: Final = "30min"
_LOCK: Final = 0x61697132  # one lake a database: the catalog's schema has a fixed name
_SENDING: Final = 0x61697133


class Turns:
    """A session of its own with the catalog, whose transaction holds the lock."""

    def __init__(self, lake: Lake, patience: str = PATIENCE) -> None:
        self._session = duckdb.connect()
        self._patience = patience
        try:
            self._session.execute("set enable_progress_bar = false")
            self._session.execute(f"load '{extension_file('postgres_scanner')}'")
            address = lake.catalog.replace("'", "''")
            self._session.execute(f"attach '{address}' as turns (type postgres)")
        except duckdb.Error as error:
            self._session.close()
            raise cant_be_opened(error) from None

    def take(self) -> None:
        """Wait until nobody else writes."""
        self._session.execute("begin")
        try:
            self._ask(f"set_config('lock_timeout', '{self._patience}', true)")
            self._ask(f"pg_advisory_xact_lock({_LOCK})::text")
        except duckdb.Error as error:
            self._session.execute("rollback")
            if "lock timeout" not in str(error):
                raise cant_be_opened(error) from None
            raise RetryLater(
                f"another process has been writing into the lake for {self._patience}: look which "
                "one it is (in PostgreSQL: select * from pg_locks where locktype = 'advisory'), "
                "and run again"
            ) from None

    def claim_sending(self) -> None:
        """Be the only one that sends until the session ends, however it ends; or do not begin."""
        self._session.execute("begin")
        try:
            # a load may be silent towards the catalog for hours
            self._ask("set_config('idle_in_transaction_session_timeout', '0', true)")
            [(claimed,)] = self._ask(f"pg_try_advisory_xact_lock({_SENDING})::text")
        except duckdb.Error as error:
            self._session.execute("rollback")
            raise cant_be_opened(error) from None
        if claimed != "true":
            self._session.execute("rollback")
            raise RetryLater(
                "another machine that shares this lake sends to Pipedrive now, from a ledger of "
                "its own: load from one machine only, or run again when it is done"
            )

    def give_back(self) -> None:
        """The next one may write."""
        self._session.execute("rollback")

    def close(self) -> None:
        """End the session; a turn that is still held ends with it."""
        self._session.close()

    def _ask(self, expression: str) -> list[tuple[str]]:
        return self._session.execute(
            f"select * from postgres_query('turns', $$select {expression}$$)"
        ).fetchall()


def turn(warehouse: Path, patience: str = PATIENCE) -> AbstractContextManager[None]:
    """One turn for what the block writes; a warehouse that is a file locks itself."""
    lake = lake_of(warehouse.parent)
    return nullcontext() if lake is None else _turn(lake, patience)


@contextmanager
def _turn(lake: Lake, patience: str) -> Iterator[None]:
    turns = Turns(lake, patience)
    try:
        turns.take()
        yield
    finally:
        turns.close()


@contextmanager
def sending(ledger: Path) -> Iterator[None]:
    """While it lasts nobody else who shares the folder's lake may send; a file has its own lock."""
    lake = lake_of(ledger.parent)
    if lake is None:
        yield
        return
    turns = Turns(lake)
    try:
        turns.claim_sending()
        yield
    finally:
        turns.close()
