"""Files of persons and orders by the commands: from the inbox's manifest to Pipedrive and back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sandbox import door

from .commands import new_account

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[3]
MANIFEST = "file,contact_id,kind,transaction_id,title\n"


@pytest.fixture
def account(tmp_path, monkeypatch):
    """An account whose exports lie in the inbox, landed and built."""
    with new_account(tmp_path / "data", ROOT, monkeypatch) as account:
        inbox = account.folder / "inbox"
        inbox.mkdir()
        door.post(account.info.alpine_iq_url, "export", {"folder": str(inbox)})
        account.run("extract")
        account.run("build")
        yield account


def attached(account, lines: dict[str, tuple[str, str, bytes]]) -> None:
    """Files with their contact, receipt and content, landed and built."""
    folder = account.folder / "inbox" / "files"
    folder.mkdir(exist_ok=True)
    text = MANIFEST
    for name, (contact, receipt, content) in lines.items():
        (folder / name).write_bytes(content)
        text += f"{name},{contact},card,{receipt},\n"
    (folder / "manifest.csv").write_text(text)
    account.run("extract", "--exports-only")
    account.run("build")


def listed(account) -> set[tuple[str, str]]:
    return set(
        account.ask(
            "select attached_file, problem from reconciliation.rec_files_to_attach"
            " where problem is not null"
        )
    )


def planned_files(answer) -> dict[tuple[str, str], int]:
    """Tokens of files by action and reason."""
    return {
        (row["action"], row["reason"]): row["tokens"]
        for row in answer["tables"]["Planned"]
        if row["entity"] == "file"
    }


def owners(account) -> tuple[str, str, str, str, str]:
    """A receipt with its contact and deal, and a contact and person whose it is not."""
    [(owner, receipt, deal_key)] = account.ask(
        "select contact_id, order_id, orders.source_key from intermediate.int_orders_rolled_up"
        " as orders inner join marts.mart_deals using (source_key)"
        " where has_real_key and person__source_key is not null order by 3 limit 1"
    )
    [(contact, person_key)] = account.ask(
        "select contact_id, person_source_key from intermediate.int_contacts_matched"
        " inner join marts.mart_persons on person_source_key = source_key where source_key not in"
        f" (select person__source_key from marts.mart_deals where source_key = '{deal_key}')"
        " order by 1 limit 1"
    )
    return owner, receipt, deal_key, contact, person_key


def test_files_cross_once_whatever_breaks_and_are_verified(account):
    deal_contact, receipt, deal_key, contact, person_key = owners(account)
    lines = {
        "Receipt 2041.pdf": (deal_contact, receipt, b"%PDF\0" * 100),
        "Jane Doe card.jpeg": (contact, "", b"\xff\xd8" * 100),
        "form.pdf": (contact, "", b"signed"),
        "of nobody.pdf": ("000000000000000000000000", "", b"?"),
        "receipt of others.pdf": (contact, receipt, b"!"),
    }
    attached(account, lines)
    planned = account.run("plan", "--read-back")
    assert planned_files(planned) == {("create", "new"): 30}
    estimated = account.run("estimate")
    assert "'files'" in str(estimated)

    account.apply_killed_at("create.after_answer:file#2")
    account.run("apply", code=3)
    ids = dict(
        account.ask(
            "select source_key, pipedrive_id from ledger.id_map"
            " where entity in ('person', 'deal', 'file') and state = 'confirmed'"
        )
    )
    there = {one["name"].partition(" [aiq-file-")[0]: one for one in account.live("file")}
    assert there.keys() == {"Receipt 2041", "Jane Doe card", "form"}
    assert (there["Receipt 2041"]["deal_id"], there["form"]["person_id"]) == (
        ids[deal_key],
        ids[person_key],
    )
    contents = {
        line.partition('"content":"')[2][:64]
        for line in door.get_text(account.info.pipedrive_url, "dump").splitlines()
        if line.startswith("file\t")
    }
    loaded = [content for *_, content in list(lines.values())[:3]]
    assert contents == {hashlib.sha256(content).hexdigest() for content in loaded}
    calls = door.get(account.info.pipedrive_url, "log?limit=10000")["calls"]
    uploads = [one for one in calls if (one["method"], one["path"]) == ("POST", "/api/v1/files")]
    assert len(uploads) == 3, "the killed one had landed: it is found, not sent again"
    assert sum(one["tokens"] for one in uploads) == 30
    assert account.run("apply", code=3)["facts"]["write calls"] == 0
    account.run("sweep")
    account.run("verify")
    compared = account.ask(
        "select verdict, sum(record_count)::int from reconciliation.rec_field_comparison"
        " where entity = 'file' group by 1"
    )
    assert compared == [("equal", 9)], "name, size and record of each"
    assert account.ask(
        "select eligible, confirmed, in_destination, difference, is_equal"
        " from reconciliation.rec_counts where entity = 'file'"
    ) == [(3, 3, 3, 0, True)]
    assert listed(account) == {
        ("of nobody.pdf", "contact_is_not_known"),
        ("receipt of others.pdf", "order_is_not_known"),
    }
    assert "0 violations" in account.check()
    assert account.run("plan")["facts"]["tokens"] == 0
    for room in ("logs", "steps"):
        for file in (account.folder / room).rglob("*"):
            assert not file.is_file() or b"Jane Doe" not in file.read_bytes(), file


def test_another_content_is_another_file_and_undo_takes_all_of_them_back(account):
    *_, contact, _person_key = owners(account)
    before = door.get_text(account.info.pipedrive_url, "dump")
    lines = {"form.pdf": (contact, "", b"signed")}
    attached(account, lines)
    account.run("plan", "--read-back")
    account.run("apply", code=3)
    [older] = account.live("file")
    lines["form.pdf"] = (contact, "", b"signed anew")
    lines["lost.pdf"] = (contact, "", b"here today")
    attached(account, lines)
    assert planned_files(account.run("plan")) == {("create", "new"): 20, ("skip", "withdrawn"): 0}
    (account.folder / "inbox" / "files" / "lost.pdf").unlink()
    account.run("apply", code=3)
    account.run("sweep")
    account.run("verify")
    assert listed(account) == {
        ("lost.pdf", "upload_refused"),
        (older["name"], "no_longer_in_the_manifest"),
    }
    assert len(account.live("file")) == 2
    assert "0 violations" in account.check()

    account.run("undo", "--all", "--fields", "--yes")
    assert account.live("file") == []
    assert door.get_text(account.info.pipedrive_url, "dump") == before
