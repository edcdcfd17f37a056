"""Small files that unpack, nest or refer to themselves without end are refused, and soon."""

from __future__ import annotations

import asyncio
import resource
import shutil
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from extract.inbox import check_inbox
from extract.inbox.check import LARGEST_SNAPSHOT
from load.budget import TokensInMemory
from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import Ambiguous, ConfigError, RetryLater
from load.settings import PipedriveAccount
from migrate.review.workbook import read, write

DEEP = "[" * 100_000 + "]" * 100_000
WORKBOOK_MOST = 40 * 1024  # KiB of further memory


@pytest.fixture
def book(request, tmp_path):
    seeds = shutil.copytree(request.config.rootpath / "seeds", tmp_path / "seeds")
    file = tmp_path / "review.xlsx"
    write(file, seeds, {})
    return file, seeds


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_not_opened(book):
    file, seeds = book
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed:
        for number in range(8):
            packed.writestr(f"xl/worksheets/sheet9{number}.xml", b" " * 16 * 1_048_576)
    assert file.stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match="unpacks to 128 MiB"):
        read(file, seeds)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < WORKBOOK_MOST


def test_a_workbook_whose_texts_refer_to_each_other_without_end_is_refused(book):
    file, seeds = book
    with zipfile.ZipFile(file) as packed:
        parts = {one: packed.read(one) for one in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    head, _, _ = parts[name].decode().partition("<sheetData>")
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    text = '<row r="1"><c r="A1" t="inlineStr"><is><t>&a11;</t></is></c></row>'
    doctype = f'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY a0 "lol">{entities}]>'
    parts[name] = f"{doctype}{head}<sheetData>{text}</sheetData></worksheet>".encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for one, held in parts.items():
            packed.writestr(one, held)
    with pytest.raises(ConfigError, match="no workbook"):
        read(file, seeds)


@pytest.mark.parametrize("text", [DEEP, f'{{"a": {DEEP}}}', '{"a": ' * 100_000])
def test_a_settings_snapshot_that_nests_without_end_is_named_and_nothing_breaks(tmp_path, text):
    (tmp_path / "4007-loyalty.json").write_text(text)
    headers = Path(__file__).resolve().parents[3] / "seeds" / "mapping" / "inbox_headers.csv"
    [problem] = check_inbox(tmp_path, headers, uid="4007").problems
    assert "not one JSON object" in str(problem)


def test_a_settings_snapshot_as_large_as_no_settings_are_is_not_read(tmp_path):
    with (tmp_path / "4007-loyalty.json").open("wb") as file:
        file.truncate(LARGEST_SNAPSHOT + 1)
    headers = Path(__file__).resolve().parents[3] / "seeds" / "mapping" / "inbox_headers.csv"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [problem] = check_inbox(tmp_path, headers, uid="4007").problems
    assert "larger than" in str(problem)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < WORKBOOK_MOST


class _Answers(BaseHTTPRequestHandler):
    """Whatever is asked, an answer that nests without end."""

    def do_GET(self):
        body = f'{{"success": true, "data": {DEEP}}}'.encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - named by http.server

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def deep_service():
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(timeout=10)


def test_an_answer_of_pipedrive_that_nests_without_end_is_one_that_nobody_can_read(deep_service):
    account = PipedriveAccount(base_url=deep_service, api_token="t" * 40, plan="growth", seats=5)

    async def call(method):
        async with PipedriveClient(account, TokensInMemory(), _NoWaiting()) as client:
            await client.call(method, "/api/v2/persons", cost=10)

    with pytest.raises(RetryLater, match="no usable answer"):
        asyncio.run(call("GET"))
    with pytest.raises(Ambiguous, match="its outcome is unknown"):  # it may have been carried out
        asyncio.run(call("POST"))


class _NoWaiting(RealClock):
    async def sleep(self, seconds):
        await super().sleep(min(seconds, 0.001))
