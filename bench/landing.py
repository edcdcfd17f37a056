"""Landing 100,000 contacts, as a ratio to DuckDB's own `read_json` of the same bytes in this run.

    python -m bench.landing [contacts] [repeats]

Both sides begin with pages of 2,000 contacts that were fetched before, and end with a committed
table of one JSON payload per contact. Ours also cuts out keys, hashes every payload and upserts.
"""

from __future__ import annotations

import json
import resource as rusage
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from extract.alpine_iq.journal import Answer
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.records import data_of, list_text, records
from extract.landing import Warehouse, resource, tables_of
from extract.records import Record

PAGE = 2_000


def pages(count: int) -> list[bytes]:
    """Bodies as the list of contacts gives them."""
    return [
        json.dumps(
            {
                "data": {
                    "results": [_contact(number) for number in range(first, first + PAGE)],
                    "start": first,
                    "total": count,
                    "limit": PAGE,
                    "size": PAGE,
                },
                "code": 200,
                "success": True,
            },
            separators=(",", ":"),
        ).encode()
        for first in range(0, count, PAGE)
    ]


def _contact(number: int) -> dict[str, object]:
    key = f"{number * 2654435761 % 2**32:08x}{number:024x}"
    return {
        "contactID": key,
        "srcID": f"{number:08d}",
        "firstName": f"First{number}",
        "lastName": f"Last{number % 977}",
        "email": f"first.{number}@example.com",
        "mobilePhone": f"503555{number % 10_000:04d}",
        "homePhone": "",
        "platform": "dutchie",
        "favoriteStoreID": number % 5,
        "inserted": 1_600_000_000 + number,
        "loyalty": True,
        "loyaltySignupTS": 1_600_000_000 + number,
        "loyaltyPoints": number / 2,
        "leakyBucket": "active",
        "optinTime": 1_600_000_000 + number,
        "optoutTime": None,
        "optreqTime": None,
        "hasRequested": None,
        "emailOptInTime": None,
        "smsconsent": True,
    }


def ours(bodies: Sequence[bytes], folder: Path) -> None:
    """Through dlt, as the extraction does it."""
    now = datetime.now(UTC)

    def landed() -> Iterator[list[Record]]:
        for body in bodies:
            answer = Answer("/contacts", 200, body, now)
            yield records("contacts", "contactID", list_text(data_of(answer), "results"), answer)

    Warehouse(folder, ALPINE_IQ).land(resource("contacts", tables_of(landed()), "replace"))


def read_json(files: Path, folder: Path) -> None:
    """DuckDB alone."""
    with duckdb.connect(str(folder / "plain.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE contacts AS SELECT unnest(data.results) AS payload FROM read_json("
            f"'{files}/*.json', columns = {{data: 'STRUCT(results JSON[])'}}, "
            "maximum_object_size = 67108864)"
        )


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Seconds of the wall and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - began, time.process_time() - used


def main(count: int = 100_000, repeats: int = 3) -> None:
    bodies = pages(count)
    print(f"{count} contacts, {sum(map(len, bodies)) / 2**20:.0f} MiB of JSON")
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = folder / "pages"
            files.mkdir()
            for number, body in enumerate(bodies):
                (files / f"{number}.json").write_bytes(body)
            plain, plain_used = timed(lambda: read_json(files, folder))  # noqa: B023
            landed, landed_used = timed(lambda: ours(bodies, folder))  # noqa: B023
        print(
            f"read_json {plain:.2f} s ({count / plain:,.0f}/s)  ours {landed:.2f} s "
            f"({count / landed:,.0f}/s)  speed against read_json {plain / landed:.2f}, "
            f"by processor time {plain_used / landed_used:.2f}"
        )
    peak = rusage.getrusage(rusage.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB, the pages held in memory included")


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
