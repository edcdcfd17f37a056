"""Before-images at rest: AES-GCM under a key that only the environment holds.

The key text is stretched with scrypt and the ledger's own salt, so that one key serves several
ledgers without the same bytes ever encrypting two of them. A lost key loses the before-images
and with them the undo of updates; everything else in the ledger stays readable.

Raises `ConfigError` if a value has to be stored or read and there is no key, or the wrong one.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from load.errors import ConfigError

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Cipher:
    """Encrypts JSON values bound to a context, such as the record and column they belong to."""

    _box: AESGCM | None

    @classmethod
    def from_key(cls, key: str | None, *, salt: str) -> Cipher:
        """`key` is AIQ2PD_LEDGER_KEY as it stands; None gives a cipher that refuses to work."""
        if not key:
            return cls(None)
        secret = hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=32)
        return cls(AESGCM(secret))

    def seal(self, value: Any, *, context: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
        return nonce + self._opened().encrypt(nonce, text, context.encode())

    def unseal(self, sealed: bytes, *, context: str) -> Any:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return json.loads(self._opened().decrypt(nonce, text, context.encode()))
        except InvalidTag:
            message = (
                "AIQ2PD_LEDGER_KEY does not open this ledger's before-images; set the key that they"
                " were made with"
            )
            raise ConfigError(message) from None

    def _opened(self) -> AESGCM:
        if self._box is None:
            message = "AIQ2PD_LEDGER_KEY is not set; updates need it to keep what was there before"
            raise ConfigError(message)
        return self._box
