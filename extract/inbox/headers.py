"""What the columns of an export are called, as the seed `inbox_headers.csv` says.

One row of the seed: kind of file, header as exported, the member it becomes, what its values must
be, whether the file is useless without it. Headers are compared trimmed, case-folded, blanks as
underscores. Raises `ConfigError` for a seed that can't be read.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

from load.errors import ConfigError

ValueType = Literal["text", "number", "boolean", "time"]
_TYPES: Final = ("text", "number", "boolean", "time")


@dataclass(frozen=True, slots=True)
class Column:
    """One header that the seed knows."""

    member: str
    value_type: ValueType
    is_required: bool


Headers = Mapping[str, Mapping[str, Column]]


def folded(header: str) -> str:
    """The form in which headers are compared."""
    return "_".join(header.strip().casefold().split())


def read_headers(seed: Path) -> Headers:
    """File kind to folded header to column."""
    found: dict[str, dict[str, Column]] = {}
    try:
        with seed.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                if row["value_type"] not in _TYPES:
                    raise ConfigError(
                        f"{seed.name} line {number}, column value_type: "
                        f"'{row['value_type']}' is none of {', '.join(_TYPES)}"
                    )
                kind = found.setdefault(row["file_kind"], {})
                kind[folded(row["header"])] = Column(
                    row["member"],
                    cast("ValueType", row["value_type"]),
                    row["is_required"].strip().casefold() == "true",
                )
    except (OSError, KeyError) as error:
        raise ConfigError(f"{seed.name} can't be read ({type(error).__name__})") from None
    return found
