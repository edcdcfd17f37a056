"""Cursors that lead nowhere, in circles or elsewhere, and pages that come twice: a read-back each.

A server between the read-back and the sandbox alters the answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from extract.pipedrive import read_back
from load.budget import TokensInMemory
from load.errors import RetryLater
from load.progress import Silent
from load.settings import PipedriveAccount
from tests.python.extract.interposed import interposed, sink

ROOT = Path(__file__).resolve().parents[3]
PERSONS = 1_200  # three pages


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    state = tmp_path_factory.mktemp("company") / "pipedrive.sqlite"
    command = [
        sys.executable, "-m", "sandbox.pipedrive", "--state", str(state),
        "--plan", "ultimate", "--window-scale", "100",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        with interposed(told["base_url"]) as direct:
            fill(direct.behind)
        yield PipedriveAccount(
            told["base_url"], told["api_token"], "ultimate", 5, window_scale=100, budget_share=1.0
        )
        process.terminate()


def fill(base_url: str) -> None:
    import urllib.request

    body = json.dumps({"entity": "person", "count": PERSONS}).encode()
    with urllib.request.urlopen(f"{base_url}/_sandbox/fill", body, timeout=60) as answer:  # noqa: S310
        assert answer.status == 200


def landed(data_dir):
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select count(*), count(distinct record_key) from raw_pipedrive.persons"
        ).fetchone()


def read_through(account, data_dir, alter):
    with interposed(account.base_url) as between:
        between.alter = alter
        own = replace(account, base_url=between.base_url)
        read_back(own, data_dir, ledger=TokensInMemory(), progress=Silent())
        return between.asked


def of_persons(path: str) -> str | None:
    """The cursor of a page of persons, empty for the first; None for any other call."""
    parts = urlsplit(path)
    if parts.path != "/api/v2/persons":
        return None
    return parse_qs(parts.query).get("cursor", [""])[0]


@pytest.mark.parametrize("length", [1, 2])
def test_a_list_that_goes_in_circles_is_given_up_and_lands_nothing(account, data_dir, length):
    seen: list[str] = []

    def alter(path, body, _headers):
        cursor = of_persons(path)
        if cursor is None:
            return body
        seen.append(cursor)
        said = json.loads(body)
        pages = [one for one in seen if one]
        if len(pages) >= length:
            said["additional_data"]["next_cursor"] = pages[0]
        return json.dumps(said).encode()

    with pytest.raises(RetryLater, match="does not move on"):
        read_through(account, data_dir, alter)
    assert len(seen) <= length + 2
    with pytest.raises(duckdb.Error):
        landed(data_dir)


def test_a_page_of_records_that_comes_twice_lands_each_record_once(account, data_dir):
    """The records of the first page come again at the head of the second."""
    first: list[object] = []

    def alter(path, body, _headers):
        cursor = of_persons(path)
        said = json.loads(body) if cursor is not None else None
        if cursor == "":
            first.extend(said["data"])
        elif cursor and first:
            said["data"] = [*first, *said["data"]]
            first.clear()
        return body if said is None else json.dumps(said).encode()

    read_through(account, data_dir, alter)
    assert landed(data_dir) == (PERSONS, PERSONS)


def test_a_cursor_that_is_an_address_is_sent_as_a_parameter_and_to_nobody_else(account, data_dir):
    with sink() as (port, asked):
        evil = f"http://127.0.0.1:{port}/api/v2/persons?x=#y"

        def alter(path, body, headers):
            headers["Link"] = f'<{evil}>; rel="next"'
            if of_persons(path) != "":
                return body
            said = json.loads(body)
            said["additional_data"]["next_cursor"] = evil
            said["additional_data"]["next"] = said["next"] = evil
            return json.dumps(said).encode()

        # the service refuses a cursor that it did not give, and the run says so
        with pytest.raises(Exception, match="persons"):
            read_through(account, data_dir, alter)
        assert asked == []
