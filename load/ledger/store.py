"""The ledger's file: opening, transactions, binding, runs, events and token counts.

A SQLite file of its own (WAL, synchronous=FULL, 0600 in a 0700 folder), never dropped, backed up
when a run starts. One process writes (see `lock`); anybody may read while it does.
What happens to a record is in `records`, what was provisioned in `catalog`.

Raises `ConfigError` for a file that cannot be opened or belongs to another account, `RetryLater`
if another run is active, `InvariantBroken` if the event chain does not hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self

from load.errors import ConfigError, InvariantBroken
from load.ledger.backups import back_up
from load.ledger.cipher import Cipher
from load.ledger.lock import run_lock
from load.turns import sending

SCHEMA_VERSION = 4
_GUARD_COLUMN = (
    "alter table journal add column guard text"
    " check (guard in ('due', 'clear', 'put back', 'unread'));"
)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """An open ledger. `path` is the SQLite file; `now` gives the time that is written down."""

    # what makes a commit outlive a power cut; a simulation, which only kills processes, has others
    durability: ClassVar[tuple[str, ...]] = ("journal_mode = wal", "synchronous = full")

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        key: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self.path = path
        self.db = connection
        self.run_id: str | None = None
        # a second place for the backups that each run begins with
        self.backup_dir: Path | None = None
        self._key = key
        self._cipher: Cipher | None = None
        self._now = now
        self._unsaved_tokens: Counter[tuple[str, str, str, str]] = Counter()
        self._unsaved_calls: Counter[tuple[str, str, str, str]] = Counter()
        self._depth = 0

    @classmethod
    def open(cls, path: Path, key: str | None, *, now: Callable[[], datetime] = utc_now) -> Ledger:
        """Opens the ledger at `path`, making it if there is none. `key` encrypts before-images."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.chmod(0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            path.chmod(0o600)
            connection = _connect(path, cls.durability)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"the ledger {path.name} cannot be opened: {error}") from error
        return cls(path, connection, key, now)

    def close(self) -> None:
        if self._unsaved_calls:
            with self.transaction():
                pass
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- time and transactions

    def now(self) -> datetime:
        return self._now()

    def stamp(self, *, plus_seconds: float = 0) -> str:
        """The time now, or some seconds from now, as it is written into the file."""
        moment = self._now() + timedelta(seconds=plus_seconds)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when the outermost block ends."""
        if self._depth:
            yield self.db
            return
        self._depth += 1
        try:
            self.db.execute("begin immediate")
            try:
                yield self.db
                self._save_token_use()
            except BaseException:
                self.db.execute("rollback")
                raise
            self.db.execute("commit")
            self._unsaved_calls.clear()
            self._unsaved_tokens.clear()
        finally:
            self._depth -= 1

    # ---------------------------------------------------------------- whose ledger this is

    def binding(self) -> dict[str, Any] | None:
        row = self.db.execute("select * from binding").fetchone()
        return dict(row) if row else None

    def bind(self, *, company_id: int, company_domain: str, source_account: str) -> None:
        """Ties the ledger to one target company and one source account, once and for ever."""
        bound = self.binding()
        if bound is None:
            with self.transaction() as db:
                db.execute(
                    "insert into binding values (1, ?, ?, ?, ?, ?, ?)",
                    (
                        company_id,
                        company_domain,
                        source_account,
                        secrets.token_hex(16),
                        SCHEMA_VERSION,
                        self.stamp(),
                    ),
                )
                self.event("bound", {"company_id": company_id})
        elif bound["company_id"] != company_id:
            raise ConfigError(
                f"this ledger belongs to company {bound['company_id']}, the token to company"
                f" {company_id}; use the token of the ledger's company or another data folder"
            )
        elif bound["source_account"] != source_account:
            raise ConfigError(
                "this ledger belongs to another source account; use another data folder for it"
            )

    @property
    def cipher(self) -> Cipher:
        if self._cipher is None:
            bound = self.binding()
            if bound is None:
                raise ConfigError("the ledger is not bound to an account yet; run apply first")
            self._cipher = Cipher.from_key(self._key, salt=bound["ledger_id"])
        return self._cipher

    # ---------------------------------------------------------------- runs

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Refuses a second run as long as the block lasts, on a lake another machine's too."""
        with run_lock(self.path, started_at=self.stamp()), sending(self.path):
            yield

    def start_run(self, kind: str, *, plan_digest: str | None, code_version: str) -> str:
        """Backs the file up and opens a run, under which everything that follows is written."""
        self._back_up()
        run_id = f"{self._now().strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}"
        with self.transaction() as db:
            db.execute(
                "insert into runs (run_id, kind, plan_digest, code_version, started_at)"
                " values (?, ?, ?, ?, ?)",
                (run_id, kind, plan_digest, code_version, self.stamp()),
            )
            self.run_id = run_id
            self.event("run started", {"kind": kind, "plan": plan_digest})
        return run_id

    def end_run(self, exit_reason: str, *, writes: int) -> None:
        with self.transaction() as db:
            self.event("run ended", {"reason": exit_reason, "writes": writes})
            self._save_token_use()
            self._unsaved_calls.clear()
            self._unsaved_tokens.clear()
            db.execute(
                "update runs set ended_at = ?, exit_reason = ?, writes = ?,"
                " (tokens_spent, calls) = (select coalesce(sum(tokens), 0), coalesce(sum(calls), 0)"
                " from token_use where token_use.run_id = runs.run_id)"
                " where run_id = ?",
                (self.stamp(), exit_reason, writes, self.run_id),
            )

    def _back_up(self) -> None:
        name = self._now().strftime("%Y%m%dT%H%M%S%f")
        back_up(self.db, self.path, name, self.backup_dir)

    # ---------------------------------------------------------------- events

    def event(self, what: str, detail: dict[str, Any]) -> None:
        """Adds to the hash chain. `detail` holds ids, codes and counts, never values of records."""
        with self.transaction() as db:
            last = db.execute("select seq, hash from events order by seq desc limit 1").fetchone()
            seq, previous = (last["seq"] + 1, last["hash"]) if last else (1, "")
            row = (
                seq,
                self.stamp(),
                self.run_id,
                what,
                json.dumps(detail, sort_keys=True),
                previous,
            )
            db.execute("insert into events values (?, ?, ?, ?, ?, ?, ?)", (*row, _link(row)))

    def check_events(self) -> int:
        """The number of events, once their chain has been found unbroken."""
        previous, count = "", 0
        for stored in self.db.execute("select * from events order by seq"):
            row = tuple(stored)[:-1]
            if row[-1] != previous or stored["hash"] != _link(row):
                raise InvariantBroken(f"the ledger's event {stored['seq']} was changed afterwards")
            previous, count = stored["hash"], count + 1
        return count

    # ---------------------------------------------------------------- tokens (a TokenStore)

    def record(  # noqa: PLR0917
        self, day: str, run_id: str, entity: str, endpoint: str, calls: int, tokens: int
    ) -> None:
        """Counts calls; they are saved with the next transaction, not with one of their own."""
        key = (str(day), run_id or self.run_id or "", entity, endpoint)
        self._unsaved_calls[key] += calls
        self._unsaved_tokens[key] += tokens

    def spent_today(self, day: str) -> int:
        saved = self.db.execute(
            "select coalesce(sum(tokens), 0) from token_use where day = ?", (str(day),)
        ).fetchone()[0]
        return int(saved) + sum(
            tokens for key, tokens in self._unsaved_tokens.items() if key[0] == str(day)
        )

    def run_use(self) -> tuple[int, int]:
        """Calls and tokens of this run so far."""
        calls, tokens = self.db.execute(
            "select coalesce(sum(calls), 0), coalesce(sum(tokens), 0) from token_use"
            " where run_id = ?",
            (self.run_id or "",),
        ).fetchone()
        unsaved = [key for key in self._unsaved_calls if key[1] == (self.run_id or "")]
        calls += sum(self._unsaved_calls[key] for key in unsaved)
        tokens += sum(self._unsaved_tokens[key] for key in unsaved)
        return int(calls), int(tokens)

    def _save_token_use(self) -> None:
        for key, calls in self._unsaved_calls.items():
            self.db.execute(
                "insert into token_use values (?, ?, ?, ?, ?, ?) on conflict do update set"
                " calls = calls + excluded.calls, tokens = tokens + excluded.tokens",
                (*key, calls, self._unsaved_tokens[key]),
            )


def _connect(path: Path, durability: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    for setting in (*durability, "foreign_keys = on"):
        connection.execute(f"pragma {setting}")
    found = connection.execute("pragma user_version").fetchone()[0]
    if found == 1:
        _add_state_removing(connection)
    if found in (1, 2):
        _keep_what_creates_sent(connection)
    if found in (1, 2, 3):
        _guard_columns(connection)
    elif found not in (0, SCHEMA_VERSION):
        connection.close()
        raise ConfigError(f"the ledger has schema {found}, this program knows {SCHEMA_VERSION}")
    if found == 0:
        connection.executescript(files("load.ledger").joinpath("schema.sql").read_text())
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    return connection


def _add_state_removing(connection: sqlite3.Connection) -> None:
    """From schema 1: the same tables, but `id_map` takes the state that an undo needs."""
    schema = files("load.ledger").joinpath("schema.sql").read_text()
    connection.executescript(
        f"begin immediate; {_GUARD_COLUMN}"
        " drop view quarantine; alter table id_map rename to id_map_before;"
        " drop index id_map_by_state; drop index id_map_by_key; drop index id_map_by_target;"
        f"{schema} insert into id_map select * from id_map_before; drop table id_map_before;"
        " pragma user_version = 2; commit;"
    )


def _keep_what_creates_sent(connection: sqlite3.Connection) -> None:
    """From schema 2: hashes of the plan's values, which nobody read, make room for those sent."""
    connection.executescript(
        "begin immediate; alter table attempts rename column field_hashes to sent_hashes;"
        " update attempts set sent_hashes = null where sent_hashes is not null;"
        " pragma user_version = 3; commit;"
    )


def _guard_columns(connection: sqlite3.Connection) -> None:
    """From schema 3: the journal says which columns' change logs are still to be read."""
    columns = {row["name"] for row in connection.execute("pragma table_info(journal)")}
    connection.executescript(
        f"begin immediate; {'' if 'guard' in columns else _GUARD_COLUMN}"
        " create index if not exists journal_guards on journal (entity) where guard = 'due';"
        f" pragma user_version = {SCHEMA_VERSION}; commit;"
    )


def _link(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
