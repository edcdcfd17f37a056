"""Files by v1: multipart upload, lists, download, soft delete. Contents live in the state file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sandbox.pipedrive.account import Account
from sandbox.pipedrive.call import Answer, Call
from sandbox.pipedrive.errors import general, not_found
from sandbox.pipedrive.listing import sorted_by, v1_page
from sandbox.pipedrive.records import Handler
from sandbox.pipedrive.store import Doc, Row
from sandbox.pipedrive.times import v1_time

LINKS: Final = {
    "deal_id": "deal",
    "person_id": "person",
    "org_id": "organization",
    "product_id": "product",
    "activity_id": "activity",
}
BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
# what a quotation mark or a line's end in a name is sent as
ESCAPED: Final = {"%22": '"', "%0D": "\r", "%0A": "\n", "\\\\": "\\"}
SORTABLE: Final = frozenset({
    "id", "deal_id", "person_id", "org_id", "product_id", "add_time", "update_time",
})  # fmt: skip


def parts(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """Multipart fields by name: file name, if any, and content."""
    boundary = BOUNDARY.search(content_type)
    if boundary is None:
        return {}
    found: dict[str, tuple[str | None, bytes]] = {}
    for chunk in body.split(b"--" + boundary.group(1).encode()):
        head, separator, content = chunk.partition(b"\r\n\r\n")
        if not separator:
            continue
        named = dict(PARAMETER.findall(head.decode("utf-8", "replace")))
        if "name" in named:
            found[named["name"]] = (_name(named), content.removesuffix(b"\r\n"))
    return found


def _name(parameters: Mapping[str, str]) -> str | None:
    name = parameters.get("filename")
    if name is None:
        return None
    for sent, meant in ESCAPED.items():
        name = name.replace(sent, meant)
    return name


def _show(doc: Doc) -> Doc:
    return doc


def _upload(account: Account, call: Call) -> Answer:
    fields = parts(call.headers.get("content-type", ""), call.raw)
    if "file" not in fields or fields["file"][0] is None:
        raise general(400, "File must be given.")
    name, content = fields["file"]
    if len(content) > account.switches.file_bytes:
        raise general(400, "The file is too large.")
    links: Doc = {}
    titles: Doc = {}
    for key, kind in LINKS.items():
        if key not in fields:
            continue
        text = fields[key][1].decode("utf-8", "replace")
        row = account.find(kind, int(text)) if text.isascii() and text.isdigit() else None
        if row is None or row.deleted is not None:
            raise general(400, f"The {kind} does not exist.")
        links[key] = row.id
        titles[f"{key.removesuffix('_id')}_name"] = row.doc.get("name") or row.doc.get("title")
    doc = _document(account, call, name or "file", len(content), {**links, **titles})
    account.store.execute("INSERT INTO blob VALUES (?,?)", (doc["id"], content))
    return Answer(doc)


def _document(account: Account, call: Call, name: str, size: int, links: Doc) -> Doc:
    number = account.store.reserve_ids("file")
    moment = v1_time(call.now)
    ending = name.rpartition(".")[2] if "." in name else ""
    doc = {
        "id": number,
        "user_id": call.user_id,
        **dict.fromkeys((*LINKS, "lead_id"), None),
        "add_time": moment,
        "update_time": moment,
        "file_name": f"{number:08x}_{name}",
        "file_type": ending,
        "file_size": size,
        "active_flag": True,
        "inline_flag": False,
        "remote_location": "s3",
        "remote_id": None,
        "deal_name": None,
        "person_name": None,
        "org_name": None,
        "product_name": None,
        "url": f"/api/v1/files/{number}/download",
        "name": name,
        "description": None,
        **links,
    }
    return account.insert("file", doc, call.now)


def _found(account: Account, call: Call) -> Row:
    row = account.store.get("file", call.number("id"))
    if row is None:
        raise not_found("File not found")
    return row


def _read(account: Account, call: Call) -> Answer:
    return Answer(_found(account, call).doc)


def _change(account: Account, call: Call) -> Answer:
    row = _found(account, call)
    changes = {key: call.body[key] for key in ("name", "description") if key in call.body}
    doc = {**row.doc, **changes, "update_time": v1_time(call.now)}
    return Answer(account.save("file", row, doc, call.now))


def _remove(account: Account, call: Call) -> Answer:
    row = _found(account, call)
    if row.deleted is not None:
        raise not_found("File not found")
    account.soft_delete("file", row, call.now)
    return Answer({"id": row.id})


def _download(account: Account, call: Call) -> Answer:
    row = _found(account, call)
    found = account.store.execute("SELECT body FROM blob WHERE file_id=?", (row.id,)).fetchone()
    if found is None or row.deleted is not None:
        raise not_found("File not found")
    return Answer(None, raw=found[0])


def _list(account: Account, call: Call) -> Answer:
    return _page(account, call, "deleted IS NULL", [])


def _page(account: Account, call: Call, where: str, values: list[float]) -> Answer:
    order = sorted_by(call.query.get("sort", "id"), SORTABLE)
    if account.switches.list_lag > 0:
        where, values = f"{where} AND created<=?", [*values, call.now - account.switches.list_lag]

    def fetch(limit: int, offset: int) -> list[Row]:
        sql = f"{where} ORDER BY {order} LIMIT ? OFFSET ?"
        return list(account.store.rows("file", sql, [*values, limit, offset]))

    return v1_page(account, call, fetch, _show)


def _of(column: str) -> Handler:
    def list_files(account: Account, call: Call) -> Answer:
        return _page(account, call, f"deleted IS NULL AND {column}=?", [call.number("id")])

    return list_files


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/api/v1/files"): _list,
    ("POST", "/api/v1/files"): _upload,
    ("GET", "/api/v1/files/{id}"): _read,
    ("PUT", "/api/v1/files/{id}"): _change,
    ("DELETE", "/api/v1/files/{id}"): _remove,
    ("GET", "/api/v1/files/{id}/download"): _download,
    ("GET", "/api/v1/deals/{id}/files"): _of("deal_id"),
    ("GET", "/api/v1/persons/{id}/files"): _of("person_id"),
    ("GET", "/api/v1/organizations/{id}/files"): _of("org_id"),
    ("GET", "/api/v1/products/{id}/files"): _of("product_id"),
}
