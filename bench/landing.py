"""Landing contacts, against `read_json` of the same bytes: `python -m bench.landing`."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from bench.rows import Row, main
from extract.alpine_iq.journal import Answer
from extract.alpine_iq.landing import ALPINE_IQ
from extract.alpine_iq.records import data_of, list_text, records
from extract.landing import Warehouse, resource, tables_of
from extract.records import Record

PAGE = 2_000
AIM = "at least 0.6"


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


def measure(size: int) -> Iterator[Row]:
    """Both sides begin with pages of 2,000 contacts that were fetched before, and end with a
    committed table of one JSON payload per contact. Ours also cuts out keys, hashes every payload
    and upserts. Speeds are of one run, read_json first; the pages are held in memory meanwhile."""
    bodies = pages(size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = folder / "pages"
        files.mkdir()
        for number, body in enumerate(bodies):
            (files / f"{number}.json").write_bytes(body)
        plain, plain_used = timed(lambda: read_json(files, folder))
        landed, landed_used = timed(lambda: ours(bodies, folder))
    beside = "read_json of the same bytes"
    yield Row("JSON", sum(map(len, bodies)) / 2**20, "MiB")
    yield Row("contacts landed, wall", size / landed, "a second", beside, size / plain, AIM)
    yield Row(
        *("contacts landed, processor", size / landed_used, "a processor second"),
        *(beside, size / plain_used),
    )


if __name__ == "__main__":
    main(measure)
