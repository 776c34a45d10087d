"""A seal: bytes that somebody keeps for us, encrypted and signed by a key of one owner, as a text.

Fernet is AES-128 in CBC mode under an HMAC of SHA-256.
"""

from __future__ import annotations

import base64
import hmac
import re

from liftgate.records import Owner

PREFIX = "liftgate1."
"""Tells ours from what other services have sealed, which may be Fernet's too."""

# Fernet itself reads a token to its padding and leaves be what follows.
_OURS = re.compile(re.escape(PREFIX) + "[A-Za-z0-9_-]+={0,2}")


class FernetSeal:
    """`key`: 32 bytes."""

    def __init__(self, key: bytes) -> None:
        from cryptography.fernet import Fernet, InvalidToken  # most processes seal nothing

        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._invalid = InvalidToken

    def close(self, value: bytes) -> str:
        return PREFIX + self._fernet.encrypt(value).decode()

    def open(self, text: str) -> bytes | None:
        if not _OURS.fullmatch(text):
            return None
        try:
            return self._fernet.decrypt(text[len(PREFIX) :])
        except self._invalid:
            return None


def seal_of(secret: bytes, owner: Owner) -> FernetSeal:
    """`secret`: random, at least 32 bytes."""
    # One block of HKDF's expansion (RFC 5869), which is enough where the secret itself is random.
    return FernetSeal(hmac.digest(secret, b"liftgate seal 1:" + owner.encode() + b"\x01", "sha256"))
