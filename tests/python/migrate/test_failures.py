"""Every way to fail becomes one line and the right code."""

from __future__ import annotations

import errno
import sqlite3

import duckdb
import pytest

from load.errors import ConfigError, InvariantBroken, RetryLater
from migrate.failures import explain


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (InvariantBroken("x"), 70),
        (RetryLater("x"), 75),
        (KeyboardInterrupt(), 75),
        (OSError(errno.ENOSPC, "No space left on device"), 75),
        (PermissionError(errno.EACCES, "Permission denied", "data/x"), 2),
        (ConnectionRefusedError(), 75),
        (sqlite3.OperationalError("database or disk is full"), 75),
        (sqlite3.OperationalError("database is locked"), 75),
        (sqlite3.OperationalError("attempt to write a readonly database"), 2),
        (sqlite3.DatabaseError("file is not a database"), 2),
        (duckdb.IOException("IO Error: Could not set lock on file x"), 75),
        (duckdb.IOException("x is not a valid DuckDB database file"), 2),
        (ValueError("a secret value"), 1),
        (duckdb.BinderException("no such column"), 1),
        (sqlite3.OperationalError("no such table"), 1),
    ],
)
def test_each_kind_has_its_code(error, code):
    assert explain(raised(error)).exit_code == code


def test_a_known_cause_is_found_below_a_librarys_wrapping():
    wrapped = raised(RuntimeError("step failed"), raised(OSError(errno.ENOSPC, "full")))
    assert explain(wrapped).exit_code == 75
    group = raised(ExceptionGroup("tasks", [ValueError("a"), InvariantBroken("twice")]))
    assert explain(group).exit_code == 70


def test_what_is_unforeseen_is_shown_without_its_text():
    failure = explain(raised(ValueError("jo@example.com")))
    assert "jo@example.com" not in failure.message
    assert "ValueError" in failure.message
    assert "test_failures.py" in failure.message
    assert "--debug" in failure.message


def test_a_half_written_warehouse_is_told_from_a_foreign_one(tmp_path):
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create table t as select range as n from range(200000)")
    whole = file.read_bytes()
    for damaged in (b"not a database at all", whole[: len(whole) // 2], b"\0" * 4096):
        file.write_bytes(damaged)
        with pytest.raises(duckdb.Error) as error, duckdb.connect(str(file)) as db:
            db.execute("select sum(n) from t").fetchall()
        failure = explain(error.value)
        assert failure.exit_code == 2, (failure, str(error.value))
        assert "ledger" in failure.message
