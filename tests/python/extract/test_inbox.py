"""Exports in the inbox: whatever way they are written they land the same, and errors say where."""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from extract.alpine_iq.landing import ALPINE_IQ
from extract.inbox import InboxReport, check_inbox
from extract.inbox.answers import DETAIL_MEMBERS, Answered, answered_by
from extract.inbox.attachments import contents
from extract.inbox.landing import land_inbox
from extract.landing import Warehouse
from load.errors import ConfigError

SEED = Path(__file__).resolve().parents[3] / "seeds" / "mapping" / "inbox_headers.csv"
PERSONAS = "4007-all-1795000000-rp.csv"
SALES = "4007-all-1688000000-1790000000-sl.csv"
HIDDEN = "4007-all-1795000000-bl.csv"
HEADER = "contact_id,src_ids,first_name,Card expires"
LINE_HEADER = (
    "transaction_id,time_of_sale,product_name,quantity,price,customer_aiq_contact_id,discount"
)
SALE = "R-1,2024-05-31 18:00:00 UTC,Haze,1,9.5,a,"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def put(inbox: Path, name: str, text: str, *, encoding: str = "utf-8") -> None:
    (inbox / name).write_bytes(text.encode(encoding))


def check(inbox: Path, uid: str = "4007") -> InboxReport:
    return check_inbox(inbox, SEED, uid=uid)


def problems(inbox: Path) -> list[str]:
    return [str(each) for each in check(inbox).problems]


def land(
    tmp_path: Path, fresh: datetime = datetime(2020, 1, 1, tzinfo=UTC)
) -> tuple[Warehouse, Answered]:
    warehouse = Warehouse(tmp_path, ALPINE_IQ)
    report = land_inbox(warehouse, tmp_path / "inbox", SEED, uid="4007")
    return warehouse, answered_by(warehouse, report, fresh=fresh)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_encoding_line_ends_and_separator_are_found_out(
    inbox: Path, encoding: str, ends: str, sign: str
) -> None:
    lines = [sign.join(HEADER.split(",")), sign.join(["a", "", "Zo\u00eb", "2027"])]
    put(inbox, PERSONAS, ends.join(lines) + ends, encoding=encoding)
    (checked,) = check(inbox).files
    assert (checked.rows, checked.problem_count) == (1, 0)
    assert checked.members == ("contactID", "srcIDs", "firstName")
    assert checked.unknown == ("Card expires",)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("R-1,yesterday,Haze,1,9.5,a,", "line 2, column time_of_sale: expected a time"),
        ("R-1,2024-13-31,Haze,1,9.5,a,", "line 2, column time_of_sale: expected a time"),
        ("R-1,2024-05-31,Haze,one,9.5,a,", "line 2, column quantity: expected a number"),
        ("R-1,2024-05-31,Haze,1,9.5", "line 2: 5 values under 7 columns"),
        (",2024-05-31,Haze,1,9.5,a,", "line 2, column transactionID: the key is empty"),
        ('R-1,2024-05-31,"Haze,1,9.5,a,', "line 2: a quotation mark is not closed"),
        (f'{SALE}\nR-2,2024-05-31,"two\nlines",x,1,a,', "line 3, column quantity"),
    ],
)
def test_an_error_names_file_line_and_column_and_no_value(inbox: Path, row: str, told: str) -> None:
    put(inbox, SALES, f"{LINE_HEADER}\n{row}\n")
    (found,) = problems(inbox)
    assert found.startswith(f"inbox/{SALES} {told}")
    assert "yesterday" not in found


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (PERSONAS, "", "line 1: the file is empty"),
        (PERSONAS, "first_name\nDana\n", "line 1, column contact_id: the column is missing"),
        (PERSONAS, f"{HEADER},First_Name\na,,b,c,d\n", "line 1, column First_Name: the column"),
        (PERSONAS, f"{HEADER}\na,,b,c\na,,b,c\n", "line 3, column contact_id: the contact stands"),
        ("4008-all-1795000000-rp.csv", f"{HEADER}\na,,b,c\n", "belongs to account 4008"),
        (HIDDEN, "contact_id,hidden_reason\na,vanished\n", "line 2, column hidden_reason"),
        ("loyalty.json", "[1]", "not one JSON object"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_so(
    inbox: Path, name: str, text: str, told: str
) -> None:
    put(inbox, name, text)
    assert any(told in each for each in problems(inbox))


def test_a_file_of_another_name_is_told_and_not_read(inbox: Path) -> None:
    put(inbox, "notes.txt", "hello")
    assert check(inbox).ignored == ("notes.txt",)


def test_a_problem_in_one_file_lands_none(tmp_path: Path, inbox: Path) -> None:
    put(inbox, PERSONAS, f"{HEADER}\na,,Dana,2027\n")
    put(inbox, SALES, f"{LINE_HEADER}\nR-1,never,Haze,1,9.5,a,\n")
    with pytest.raises(ConfigError, match="Nothing was landed"):
        land(tmp_path)


def test_rows_land_once_with_unknown_columns_and_tell_which_calls_they_answer(
    tmp_path: Path, inbox: Path
) -> None:
    put(inbox, PERSONAS, f"{HEADER}\r\na,,Dana,2027\r\nb,,Bo,\r\n", encoding="utf-8-sig")
    put(inbox, SALES, f"{LINE_HEADER}\n{SALE}\n{SALE}\nR-2,2024-06-01,Tea,-1,2,,\n")
    put(inbox, HIDDEN, "contact_id,hidden_reason\nh,blocklisted\n")
    put(inbox, "loyalty.json", '{"name": "Rewards"}')
    for _ in range(2):
        warehouse, answered = land(tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        landed = connection.execute(
            "select record_key, payload::varchar from raw_alpine_iq.export_personas order by 1"
        ).fetchall()
    assert [(key, json.loads(text)["other"]) for key, text in landed] == [
        ("a", {"Card expires": "2027"}),
        ("b", {"Card expires": ""}),
    ]
    # the same line twice is two lines; a second landing adds none
    assert warehouse.rows("select count(*) from raw_alpine_iq.export_sales_lines") == [(3,)]
    assert warehouse.rows("select count(*) from raw_alpine_iq.loyalty_snapshot") == [(1,)]
    assert answered.orders == {"a", "b"}
    assert answered.look_ups == {"h"}
    # this export has neither birth date nor address: the detail is still asked for
    assert answered.details == frozenset()
    assert "birthdate" in answered.members_missing
    # an export that is older than what is asked for spares nothing and still leaves traces
    _, late = land(tmp_path, fresh=datetime(2099, 1, 1, tzinfo=UTC))
    assert late.orders == frozenset()
    assert ("a", "export_sales_lines") in late.traces


def test_sql_and_python_agree_on_the_columns_for_which_a_contact_is_asked_for() -> None:
    model = SEED.parents[2] / "models/staging/alpine_iq/stg_alpine_iq__export_personas.sql"
    told = re.search(
        r"list_has_all\(\s*column_names,\s*\[([^\]]*)\]\s*\) as has_detail_columns",
        model.read_text(encoding="utf-8"),
    )
    assert told is not None
    assert sorted(re.findall(r"'(\w+)'", told[1])) == sorted(DETAIL_MEMBERS)


def put_file(inbox: Path, name: str, content: bytes = b"scan") -> Path:
    folder = inbox / "files"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


MANIFEST = "file,contact_id,kind,transaction_id,title"


def test_files_of_the_manifest_land_with_size_and_hash_and_only_their_owner_can_read_them(
    tmp_path: Path, inbox: Path
) -> None:
    card = put_file(inbox, "card.pdf")
    receipt = put_file(inbox, "receipt \u00e9.jpg", b"\0" * 7)
    for each in (card, receipt):
        each.chmod(0o644)
    manifest = put_file(inbox, "manifest.csv", MANIFEST.encode() + b"\ncard.pdf,a,card,,Card\n")
    assert check(inbox).ignored == ("files/receipt \u00e9.jpg",)
    lines = f"{MANIFEST}\ncard.pdf,a,card,,Card\nreceipt \u00e9.jpg,b,scan,R-1,\n"
    manifest.write_text(lines, encoding="utf-8")
    warehouse, _ = land(tmp_path)
    found = "select record_key, payload ->> '$.size', payload ->> '$.sha256' from raw_alpine_iq."
    assert warehouse.rows(f"{found}export_files order by 1") == [
        ("a::card.pdf", "4", hashlib.sha256(b"scan").hexdigest()),
        ("b:R-1:receipt \u00e9.jpg", "7", hashlib.sha256(b"\0" * 7).hexdigest()),
    ]
    assert {each.stat().st_mode & 0o777 for each in (card, receipt, manifest)} == {0o600}
    manifest.write_text(f"{MANIFEST}\n", encoding="utf-8")
    assert land(tmp_path)[0].rows(f"{found}export_files") == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("../secret.txt,a,card,,", "column file: expected the name of a file"),
        ("/etc/passwd,a,card,,", "column file: expected the name of a file"),
        (".hidden,a,card,,", "column file: expected the name of a file"),
        ("link.pdf,a,card,,", "column file: not a plain file"),
        ("folder,a,card,,", "column file: not a plain file"),
        ("pipe,a,card,,", "column file: not a plain file"),
        ("gone.pdf,a,card,,", "column file: there is no such file"),
        ("empty.pdf,a,card,,", "column file: the file is empty"),
        (",a,card,,", "column file: the key is empty"),
        ("card.pdf,,card,,", "column contact_id: the value is empty"),
        ("card.pdf,a,,,", "column kind: the value is empty"),
        ("card.pdf,a,card,,\ncard.pdf,a,card,,", "column file: it stands on line 2 already"),
    ],
)
def test_what_is_no_plain_file_of_the_folder_is_refused_by_line_and_column(
    tmp_path: Path, inbox: Path, line: str, told: str
) -> None:
    put_file(inbox, "card.pdf")
    put_file(inbox, "empty.pdf", b"")
    (tmp_path / "secret.txt").write_text("never taken")
    (inbox / "files" / "link.pdf").symlink_to(tmp_path / "secret.txt")
    (inbox / "files" / "folder").mkdir()
    os.mkfifo(inbox / "files" / "pipe")
    put_file(inbox, "manifest.csv", f"{MANIFEST}\n{line}\n".encode())
    number = 3 if "\n" in line else 2
    (found,) = problems(inbox)
    assert found.startswith(f"inbox/files/manifest.csv line {number}, {told}")


def test_a_manifest_that_is_a_link_is_told_and_not_read(tmp_path: Path, inbox: Path) -> None:
    put_file(inbox, "card.pdf")
    elsewhere = tmp_path / "manifest.csv"
    elsewhere.write_text(f"{MANIFEST}\ncard.pdf,a,card,,\n")
    (inbox / "files" / "manifest.csv").symlink_to(elsewhere)
    report = check(inbox)
    assert report.files == ()
    assert report.ignored == ("files/card.pdf", "files/manifest.csv")


def test_a_file_that_became_a_link_after_the_check_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("never taken")
    (tmp_path / "card.pdf").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(tmp_path / "pipe")
    for name in ("card.pdf", "pipe", "gone"):
        with pytest.raises(ConfigError, match="can't be taken any more"):
            contents(tmp_path / name)
