"""One encrypted bundle that moves a running migration to another machine or colleague.

In it: the ledger, the frozen plans, the key of the before-images, the step files, `account.toml`,
the decisions of the seeds and a manifest (commit, ledger, open decisions). The warehouse is not: it
is built again from a new extraction, or by `aiq2pd extract` on the new machine.

Encrypted with AES-GCM, in pieces of a megabyte, under a key stretched from AIQ2PD_HANDOVER_KEY with
scrypt; each piece is bound to its place and the last one says so, so that a bundle that was cut or
mixed up does not open. The copy that was sealed turns read-only: no command opens its ledger.

Raises `ConfigError` for a missing key, a damaged bundle, or a folder that already has a ledger.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from load.errors import ConfigError
from migrate import places, settings
from migrate.outcome import Outcome, Table

if TYPE_CHECKING:
    from load.progress import Progress
    from migrate.places import Places

KEY_VARIABLE: Final = "AIQ2PD_HANDOVER_KEY"
MAGIC: Final = b"AIQ2PD-HANDOVER-1\n"
PIECE: Final = 1 << 20
SALT: Final = 16
NONCE: Final = 12
SHORTEST_KEY: Final = 16
MANIFEST: Final = "manifest.json"
OPEN_STATES: Final = "('intent', 'ambiguous', 'quarantined', 'removing')"


def seal(_progress: Progress, *, file: Path) -> Outcome:
    """`aiq2pd handover seal`."""
    where = places.here()
    if not where.ledger.is_file():
        raise ConfigError(
            f"no ledger at {where.shown(where.ledger)}: there is nothing to hand over"
        )
    places.refuse_if_sealed(where)
    key = _key()
    bundle, manifest = _packed(where)
    _write(file, _encrypted(bundle, key))
    where.sealed.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    where.sealed.chmod(0o600)
    return Outcome(
        "handover seal",
        f"sealed in {where.shown(file)}; this copy is read-only from now on",
        facts={"bytes": file.stat().st_size, "commit": manifest["commit"]},
        tables=(_table(manifest),),
        notes=(
            f"Give {KEY_VARIABLE} to your colleague by another way than the file",
            f"Over there: check out {manifest['commit']}, then aiq2pd handover open FILE",
        ),
    )


def unseal(_progress: Progress, *, file: Path) -> Outcome:
    """`aiq2pd handover open`. A sealed copy may be opened again where it was sealed."""
    where = places.here().prepare()
    if where.ledger.exists() and not where.sealed.exists():
        raise ConfigError(
            f"{where.shown(where.data)} holds a ledger of its own; open the bundle in another "
            "folder (AIQ2PD_DATA_DIR)"
        )
    try:
        sealed = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    manifest = _unpack(_decrypted(sealed, _key()), where)
    where.sealed.unlink(missing_ok=True)
    here = _commit()
    notes = ["Next: aiq2pd status, then go on: extract, build, plan"]
    if manifest["commit"] != here:
        notes.insert(
            0, f"sealed at commit {manifest['commit']}, this is {here}: check it out first"
        )
    return Outcome(
        "handover open",
        f"opened into {where.shown(where.data)}",
        facts={"sealed at": manifest["sealed_at"], "commit": manifest["commit"]},
        tables=(_table(manifest),),
        notes=tuple(notes),
    )


def _table(manifest: dict[str, Any]) -> Table:
    rows = tuple((name, count) for name, count in manifest["open"].items())
    return Table("Open at the handover", ("what", "records"), rows)


def _key() -> str:
    given = settings.read().handover_key
    key = given.get_secret_value() if given is not None else ""
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE} must be set to at least {SHORTEST_KEY} characters; whoever opens the "
            "bundle needs the same"
        )
    return key


def _packed(where: Places) -> tuple[bytes, dict[str, Any]]:
    """The bundle in the clear, in memory: it is a fraction of the warehouse."""
    ledger, open_ends = _copy_of(where.ledger)
    project = places.project_dir()
    files = {
        "ledger.sqlite": ledger,
        **_below(where.plans, "plans"),
        **_below(where.steps, "steps"),
        **_below(project / "seeds" / "decisions", "decisions"),
    }
    for name, path in (("ledger.key", where.ledger_key), ("account.toml", places.account_file())):
        if path.is_file():
            files[name] = path.read_bytes()
    manifest = {
        "sealed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "open": open_ends,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files[MANIFEST] = json.dumps(manifest).encode()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue(), manifest


def _copy_of(ledger: Path) -> tuple[bytes, dict[str, int]]:
    """The ledger as of one moment, whatever its write-ahead log holds, and its open ends."""
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        rows = copy.execute(
            f"select entity || ': ' || state, count(*) from id_map where state in {OPEN_STATES}"
            " or reason_code = 'edited by others' group by 1 order by 1"
        )
        return copy.serialize(), {str(name): int(count) for name, count in rows}


def _below(folder: Path, name: str) -> dict[str, bytes]:
    return {
        f"{name}/{file.relative_to(folder)}": file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 (whatever git is in force)
        cwd=places.project_dir(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _box(key: str, salt: bytes) -> AESGCM:
    return AESGCM(hashlib.scrypt(key.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32))


def _encrypted(clear: bytes, key: str) -> Iterator[bytes]:
    salt = os.urandom(SALT)
    box = _box(key, salt)
    yield MAGIC + salt
    for first in range(0, len(clear), PIECE):
        nonce = os.urandom(NONCE)
        piece = clear[first : first + PIECE]
        place = _place(first, is_last=first + PIECE >= len(clear))
        sealed = box.encrypt(nonce, piece, place)
        yield len(sealed).to_bytes(4, "big") + nonce + sealed


def _decrypted(sealed: bytes, key: str) -> bytes:
    if not sealed.startswith(MAGIC):
        raise ConfigError("this is no handover bundle, or one of another version")
    at = len(MAGIC) + SALT
    box = _box(key, sealed[len(MAGIC) : at])
    clear: list[bytes] = []
    try:
        while at < len(sealed):
            size = int.from_bytes(sealed[at : at + 4], "big")
            start = at + 4 + NONCE
            nonce, piece = sealed[at + 4 : start], sealed[start : start + size]
            at = start + size
            place = _place(len(clear) * PIECE, is_last=at >= len(sealed))
            clear.append(box.decrypt(nonce, piece, place))
    except (InvalidTag, ValueError):
        raise ConfigError(
            f"the bundle does not open: {KEY_VARIABLE} is another one, or the file was damaged or "
            "cut; nothing was written"
        ) from None
    return b"".join(clear)


def _place(first: int, *, is_last: bool) -> bytes:
    return f"{first}{' last' if is_last else ''}".encode()


def _write(file: Path, pieces: Iterator[bytes]) -> None:
    half = file.with_name(file.name + ".tmp")
    try:
        half.touch(mode=0o600)
        with half.open("wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise ConfigError(f"{file}: {error.strerror}") from None


def _unpack(clear: bytes, where: Places) -> dict[str, Any]:
    """Everything into the data folder; account.toml and decisions into a folder of their own."""
    with tarfile.open(fileobj=io.BytesIO(clear), mode="r:gz") as archive:
        files = {
            entry.name: held.read()
            for entry in archive.getmembers()
            if (held := archive.extractfile(entry)) is not None
        }
    manifest: dict[str, Any] = json.loads(files.pop(MANIFEST))
    for name, data in files.items():
        if manifest["files"].get(name) != hashlib.sha256(data).hexdigest():
            raise ConfigError(f"{name} in the bundle is not what was sealed; nothing was written")
    for name, data in files.items():
        beside = name == "account.toml" or name.startswith("decisions/")
        target = where.data / ("handover/" + name if beside else name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        target.write_bytes(data)
    for leftover in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (where.data / leftover).unlink(missing_ok=True)
    return manifest
