"""Files that a plan uploads: their content arrives once, under their key, or they say why not."""

from __future__ import annotations

import asyncio
import hashlib
import time
import urllib.request

import pytest

from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import ConfigError
from load.progress import Silent
from load.rebuild import rebuild
from load.sweep import sweep
from tests.python.load.test_crash_matrix import ANSWER_LOST, OF_A_LOAD, OF_AN_UNDO, matrix, of_each
from tests.python.load.undo.conftest import ALL_AND_FIELDS, dump, undo_with

FILES = {
    "Receipt 2041.pdf": b"%PDF-1.7\r\n--boundary\r\n\0\xff" * 5_000,
    "Führerschein [alt] Åse.jpeg": b"\xff\xd8",
    "card": b"plain",
}


UPLOAD = ("POST", "/api/v1/files")


def with_files(loader, worlds, *, deals: int = 1):
    """A small world with a file of a deal and two of a person."""
    world = worlds.small(persons=2, deals=deals)
    link = {"deal__source_key": "aiq:order:0"} if deals else {"person__source_key": "aiq:contact:0"}
    for name, content in FILES.items():
        world.add_file(loader.uploads, name, content, **link)
        link = {"person__source_key": "aiq:contact:1"}
    return world


def content_of(company, number: int) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{company.base_url}/api/v1/files/{number}/download",
        headers={"x-api-token": company.api_token},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.read()


def spent_on_files(company) -> int:
    return sum(one["tokens"] for one in company.calls() if one["path"].startswith("/api/v1/files"))


def ids_of(loader):
    with loader.ledger() as ledger:
        rows = ledger.db.execute(
            "select source_key, pipedrive_id from id_map where state = 'confirmed'"
        )
        return dict(tuple(row) for row in rows)


def test_a_file_arrives_once_with_its_content_on_its_record_and_leaves_with_undo(
    loader, company, worlds
):
    before = dump(company)
    world = with_files(loader, worlds)
    assert loader.apply(world).exit_code == 0
    ids = ids_of(loader)
    there = {one["id"]: one for one in company.records("/api/v1/files")}
    assert there.keys() == {ids[key] for key in world.contents}
    for key, (name, sha256) in world.contents.items():
        payload, shown = world.payloads["file"][key], there[ids[key]]
        assert (shown["name"], shown["file_size"]) == (payload["name"], len(FILES[name]))
        assert hashlib.sha256(content_of(company, shown["id"])).hexdigest() == sha256
        for parent in ("person", "deal"):
            assert shown[f"{parent}_id"] == ids.get(payload[f"{parent}__source_key"])
    receipt = there[ids[next(iter(world.contents))]]
    assert receipt["name"] == "Receipt 2041 [aiq-file-0000000000000000].pdf"
    reads = 20 + 3 * 20  # of this test: a list, three downloads
    assert spent_on_files(company) == 3 * 10 + reads
    assert loader.apply(world).writes == 0
    planned = undo_with(loader, ALL_AND_FIELDS, dry_run=True).plan
    assert planned.counts()["file", "delete"] == 3
    spent = company.door("GET", "stats")["tokens"]
    result = undo_with(loader, ALL_AND_FIELDS)
    assert (result.exit_code, result.stays) == (0, ())
    spent = company.door("GET", "stats")["tokens"] - spent
    assert abs(spent - planned.tokens) / planned.tokens < 0.02, (spent, planned.tokens)
    assert dump(company) == before


def test_files_that_changed_or_are_missing_stay_out_alone_and_come_when_they_are_back(
    loader, company, worlds
):
    world = with_files(loader, worlds)
    world.add_file(loader.uploads, "a link.pdf", b"1", person__source_key="aiq:contact:0")
    first, second, third, fourth = FILES | {"a link.pdf": b""}
    (loader.uploads / first).write_bytes(FILES[first][:-1] + b"\1")
    (loader.uploads / third).unlink()
    (loader.uploads / "a link.pdf").rename(loader.folder / "elsewhere")
    (loader.uploads / fourth).symlink_to(loader.folder / "elsewhere")
    # without the folder, which may only not be mounted, no file is given up
    loader.uploads.rename(loader.folder / "moved away")
    with pytest.raises(ConfigError, match="inbox/files"):
        loader.apply(world)
    assert set(loader.states("file").values()) == {"planned"}
    (loader.folder / "moved away").rename(loader.uploads)
    result = loader.apply(world)
    assert result.exit_code == 3
    assert result.counts["file"] == {"created": 1, "quarantined": 3}
    assert [one["name"][:3] for one in company.records("/api/v1/files")] == [second[:3]]
    uploads = [one for one in company.calls() if (one["method"], one["path"]) == UPLOAD]
    assert len(uploads) == 1, "what is refused here makes no call"
    with loader.ledger() as ledger:
        rows = ledger.db.execute(
            "select reason_code, reason from id_map where state = 'quarantined' order by 1, 2"
        ).fetchall()
    assert [row["reason_code"] for row in rows] == ["file_changed", "file_missing", "file_missing"]
    assert not any(name in row["reason"] for row in rows for name in (first, third, fourth))
    (loader.uploads / third).write_bytes(FILES[third])
    assert loader.apply(world).counts["file"] == {"created": 1, "quarantined": 2, "unchanged": 1}


def test_uploads_without_an_answer_are_settled_by_the_list_and_sent_whole_after_a_429(
    loader, company, worlds
):
    world = with_files(loader, worlds)
    company.faults(
        {"kind": "rate_limited", "method": "POST", "path": "/files$", "nth": [1]},
        {"kind": "drop_response", "method": "POST", "path": "/files$", "nth": [2]},
        {"kind": "drop_request", "method": "POST", "path": "/files$", "nth": [3]},
    )
    assert loader.apply(world).exit_code == 0
    found = company.records("/api/v1/files")
    assert sorted(one["name"] for one in found) == sorted(
        one["name"] for one in world.payloads["file"].values()
    )
    assert {content_of(company, one["id"]) for one in found} == set(FILES.values())
    acted = [one for one in company.calls() if (one["method"], one["path"]) == UPLOAD]
    assert sorted(str(one["fault"]) for one in acted) == ["None", "None", "drop_response"]
    with loader.ledger() as ledger:
        rows = ledger.db.execute("select outcome from attempts where entity = 'file' order by 1")
        assert [row["outcome"] for row in rows] == ["applied", "not_applied", "ok", "ok"]


def test_an_upload_that_lands_beyond_the_bound_is_removed_by_the_closing_sweep(
    loader, company, worlds
):
    world = with_files(loader, worlds, deals=0)
    company.faults(
        {"kind": "late_apply", "method": "POST", "path": "/files$", "nth": [2], "seconds": 1.5}
    )
    assert loader.apply(world).exit_code == 0
    company.faults()
    limit = time.monotonic() + 20
    while len(company.records("/api/v1/files")) < 4 and time.monotonic() < limit:
        time.sleep(0.1)

    async def swept():
        with loader.ledger() as ledger:
            async with PipedriveClient(loader.account, ledger) as client:
                return await sweep(
                    ledger, client, settings=loader.account, clock=RealClock(), progress=Silent()
                )

    assert asyncio.run(swept()).counts["file"]["removed"] == 1
    assert len(company.records("/api/v1/files")) == 3
    assert loader.apply(world).writes == 0


def test_a_lost_ledger_finds_uploads_by_the_key_in_their_names(loader, company, worlds):
    world = with_files(loader, worlds, deals=0)
    plan = world.freeze(loader.folder / "plans")
    assert loader.apply(plan).exit_code == 0
    ids = ids_of(loader)
    for path in loader.ledger_path.parent.glob("ledger.sqlite*"):
        path.unlink()

    async def rebuilt():
        clock = RealClock()
        with loader.ledger() as ledger:
            async with PipedriveClient(loader.account, ledger, clock, read_only=True) as client:
                return await rebuild(
                    plan, ledger, client,
                    settings=loader.account, clock=clock, progress=Silent(),
                )  # fmt: skip

    assert asyncio.run(rebuilt()).counts["file"] == {"as planned": 3}
    assert ids_of(loader) == ids
    assert loader.apply(plan).writes == 0


def test_a_person_with_a_file_of_others_is_spared_and_a_renamed_upload_too(loader, company, worlds):
    world = with_files(loader, worlds, deals=0)
    assert loader.apply(world).exit_code == 0
    ids = ids_of(loader)
    keys = list(world.contents)
    company.ask("PUT", f"/api/v1/files/{ids[keys[0]]}", {"name": "renamed.pdf"})
    result = undo_with(loader)
    assert result.exit_code == 3
    assert [one["id"] for one in company.records("/api/v1/files")] == [ids[keys[0]]]
    assert [one["id"] for one in company.records("/api/v2/persons")] == [ids["aiq:contact:0"]]


@pytest.mark.long
def test_an_upload_killed_after_its_call_and_while_it_settles_ends_as_if_never_killed(
    loader, worlds
):
    world = worlds.small(persons=1, deals=0)
    del world.payloads["product"]
    world.add_file(loader.uploads, "card.pdf", b"x" * 70_000, person__source_key="aiq:contact:0")
    plan = world.freeze(loader.folder / "plans")
    places = matrix(loader, plan, only=("create.after_answer:file",))
    assert places == {"create.after_answer:file", "settle.before_commit:file"}


@pytest.mark.long
def test_uploads_and_their_undo_killed_at_every_write_point_end_as_if_never_killed(loader, worlds):
    world = worlds.small(persons=1, deals=0)
    del world.payloads["product"]
    for name, content in FILES.items():
        world.add_file(loader.uploads, name, content, person__source_key="aiq:contact:0")
    plan = world.freeze(loader.folder / "plans")
    only = (":file", ANSWER_LOST)
    assert matrix(loader, plan, only=only) >= {*of_each(OF_A_LOAD, ("file",)), ANSWER_LOST}
    (loader.folder / "matrix").rename(loader.folder / "matrix of the load")
    loader.company.door("POST", "restore", {"name": "beginning"})
    assert loader.apply(plan).exit_code == 0
    places = matrix(loader, plan, what="undo", only=only)
    assert places >= {*of_each(OF_AN_UNDO, ("file",)), ANSWER_LOST}
