"""What a document is made of: a title, sections, and the query that fills each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One table under a heading."""

    title: str
    text: str
    sql: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document; `csv` is the query of a list that people work through."""

    name: str
    title: str
    introduction: str
    sections: tuple[Section, ...]
    csv: str = ""


def rows_of(columns: str, pairs: dict[str, str]) -> str:
    """A query for words of this project: one row a pair."""
    quoted = (
        "(" + ", ".join("'" + word.replace("'", "''") + "'" for word in pair) + ")"
        for pair in pairs.items()
    )
    return f"select * from (values {', '.join(quoted)}) as words ({columns})"
