"""DuckDB extensions from their Python packages, for the target `ducklake`: no download.

A plugin of dbt-duckdb: it runs on each connection before the lake is attached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

from load.warehouse import EXTENSIONS, extension_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Plugin(BasePlugin):
    """Loads what a lake needs."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Called by dbt-duckdb before anything is attached."""
        for name in EXTENSIONS:
            conn.execute(f"load '{extension_file(name)}'")
