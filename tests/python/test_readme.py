"""README's queries run, and find something, on any migrated account."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
QUERIES = re.findall(r"```sql\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_readme_has_five_queries():
    assert len(QUERIES) == 5


@pytest.mark.parametrize("sql", QUERIES, ids=range(len(QUERIES)))
def test_a_query_of_readme_finds_rows_after_a_migration(migrated, sql):
    with duckdb.connect(str(migrated.data_dir / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(sql).fetchall()
