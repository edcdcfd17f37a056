"""The target `ducklake` for dbt: DuckDB's extensions from their packages, and turns of its writers.

A plugin of dbt-duckdb: it runs on each connection before the lake is attached. dbt-duckdb has no
hook around a transaction, so the plugin stands in the one place through which it sends SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.environments import local
from dbt.adapters.duckdb.plugins import BasePlugin

from load.turns import Turns
from load.warehouse import EXTENSIONS, Lake, extension_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BEGIN, ENDS = "BEGIN", ("COMMIT", "ROLLBACK")


class InTurn(local.DuckDBCursorWrapper):  # type: ignore[misc]
    """A cursor that holds a turn for each transaction, and for each statement outside of one."""

    turns: Turns
    in_transaction = False

    def execute(self, sql: str, bindings: Any = None) -> Any:
        """As dbt-duckdb does it, in turn."""
        word = sql.strip().rstrip(";").upper()
        if not self.in_transaction:
            self.turns.take()
        self.in_transaction = self.in_transaction or word == BEGIN
        try:
            return super().execute(sql, bindings)
        finally:
            if word in ENDS or not self.in_transaction:
                self._end()

    def rollback(self) -> Any:
        """dbt's way out of a failed transaction."""
        try:
            return self._cursor.rollback()
        finally:
            if self.in_transaction:
                self._end()

    def _end(self) -> None:
        self.in_transaction = False
        self.turns.give_back()


class Plugin(BasePlugin):
    """Loads what a lake needs."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Called once, with what the profile says."""
        self._lake = Lake(plugin_config["catalog"], plugin_config["files"])

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb before anything is attached."""
        for name in EXTENSIONS:
            conn.execute(f"load '{extension_file(name)}'")
        InTurn.turns = Turns(self._lake)
        local.DuckDBCursorWrapper = InTurn
