"""README's query results, checked against `data/` after `make demo`; `--write` fills them in.

Each ```sql block is followed by a ```text block with exactly what DuckDB shows for it. Exit code 1
if README says something else.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import duckdb

ROOT: Final = Path(__file__).resolve().parent.parent
README: Final = ROOT / "README.md"
WAREHOUSE: Final = ROOT / "data" / "warehouse.duckdb"
BLOCKS: Final = re.compile(r"```sql\n(?P<sql>.*?)```\n\n```text\n(?P<text>.*?)```", re.DOTALL)


def shown(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The query's rows as aligned columns."""
    result = connection.execute(sql)
    header = [column[0] for column in result.description or []]
    rows = [["" if value is None else str(value) for value in row] for row in result.fetchall()]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def main(arguments: list[str]) -> int:
    """Check, or write."""
    text = README.read_text(encoding="utf-8")
    if not BLOCKS.search(text):
        sys.stderr.write("README has no query with a result\n")
        return 1
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        filled = BLOCKS.sub(
            lambda block: (
                f"```sql\n{block['sql']}```\n\n```text\n{shown(connection, block['sql'])}```"
            ),
            text,
        )
    if "--write" in arguments:
        README.write_text(filled, encoding="utf-8")
        return 0
    if filled != text:
        sys.stderr.write("README's results are not those of this warehouse\n")
        return 1
    sys.stdout.write(f"{len(BLOCKS.findall(text))} queries of README give what README says\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
