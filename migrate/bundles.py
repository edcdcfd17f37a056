"""The encrypted file of a handover: opening it, writing it, finding those that lie about.

AES-GCM in pieces of a megabyte under a key stretched from AIQ2PD_HANDOVER_KEY with scrypt; each
piece is bound to its place and the last one says so, so that a file that was cut or mixed up does
not open. Which files were sealed or opened is noted in `handovers.json` of the data folder, which
travels in the bundle. Raises `ConfigError` for a missing key or a file that does not open.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from load.errors import ConfigError
from migrate import settings

if TYPE_CHECKING:
    from migrate.places import Places

KEY_VARIABLE: Final = "AIQ2PD_HANDOVER_KEY"
MAGIC: Final = b"AIQ2PD-HANDOVER-1\n"
PIECE: Final = 1 << 20
SALT: Final = 16
NONCE: Final = 12
SHORTEST_KEY: Final = 16
MANIFEST: Final = "manifest.json"
NOTED: Final = "handovers.json"


def key() -> str:
    """The passphrase in force."""
    given = settings.read().handover_key
    key = given.get_secret_value() if given is not None else ""
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE} must be set to at least {SHORTEST_KEY} characters; whoever opens the "
            "bundle needs the same"
        )
    return key


def archived(files: Mapping[str, bytes], about: Mapping[str, Any]) -> bytes:
    """Files and a manifest that holds their hashes, packed but in the clear."""
    manifest = {
        **about,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, data in sorted({**files, MANIFEST: json.dumps(manifest).encode()}.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue()


def extracted(clear: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and manifest of what `archived` made, each file checked."""
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
    return files, manifest


def noted(where: Places) -> list[Path]:
    """The bundles that this migration was sealed in or opened from."""
    file = where.data / NOTED
    return [Path(one) for one in json.loads(file.read_text("utf-8"))] if file.is_file() else []


def note(where: Places, bundle: Path) -> None:
    """Remembers a bundle: what is erased here has to be erased there."""
    names = dict.fromkeys([*map(str, noted(where)), str(bundle.absolute())])
    file = where.data / NOTED
    file.touch(mode=0o600)
    file.write_text(json.dumps(list(names)), encoding="utf-8")


def _box(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(hashlib.scrypt(passphrase.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32))


def encrypted(clear: bytes, passphrase: str) -> Iterator[bytes]:
    """The file's bytes, piece by piece."""
    salt = os.urandom(SALT)
    box = _box(passphrase, salt)
    yield MAGIC + salt
    for first in range(0, len(clear), PIECE):
        nonce = os.urandom(NONCE)
        piece = clear[first : first + PIECE]
        place = _place(first, is_last=first + PIECE >= len(clear))
        sealed = box.encrypt(nonce, piece, place)
        yield len(sealed).to_bytes(4, "big") + nonce + sealed


def decrypted(sealed: bytes, passphrase: str) -> bytes:
    """What was sealed, as a whole or not at all."""
    if not sealed.startswith(MAGIC):
        raise ConfigError("this is no handover bundle, or one of another version")
    at = len(MAGIC) + SALT
    box = _box(passphrase, sealed[len(MAGIC) : at])
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


def write(file: Path, pieces: Iterator[bytes]) -> None:
    """The file, 0600, there as a whole or not at all."""
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
