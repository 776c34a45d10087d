"""Seals: what clients keep for us, encrypted and signed by a key of the deployment and of one owner.

The key is derived from a random word in the catalogue, so every process of every node has the same one, after a
restart and after a restore as well. Fernet is AES-128 in CBC mode under an HMAC of SHA-256.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import re
from functools import lru_cache, partial

from liftgate.catalog.database import Database
from liftgate.catalog.rows.secrets import get_secret, keep_secret
from liftgate.errors import StorageFull, Unavailable
from liftgate.records import Owner

log = logging.getLogger("liftgate.engine")

SECRET = "seals"
PREFIX = "liftgate1."
"""Tells ours from what other services have sealed, which may be Fernet's too."""
KNOWN_OWNERS = 1024

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


class Seals:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._secret: bytes | None = None
        self._made = lru_cache(KNOWN_OWNERS)(seal_of)

    async def load(self) -> None:
        """Before the first `of`."""
        secret = await self._db.read(partial(get_secret, name=SECRET))
        try:
            self._secret = secret or await self._db.write(
                partial(keep_secret, name=SECRET, value=os.urandom(32)), storing=True
            )
        except StorageFull:
            log.warning("no space is left for the catalogue %s: nothing is sealed before a restart", self._db.place)

    def of(self, owner: Owner) -> FernetSeal:
        """Raises Unavailable where the catalogue had no place for its word."""
        if self._secret is None:
            raise Unavailable("Nothing can be sealed: the gateway began when no space was left for its catalogue.")
        return self._made(self._secret, owner)


def seal_of(secret: bytes, owner: Owner) -> FernetSeal:
    """`secret`: random, at least 32 bytes."""
    # One block of HKDF's expansion (RFC 5869), which is enough where the secret itself is random.
    return FernetSeal(hmac.digest(secret, b"liftgate seal 1:" + owner.encode() + b"\x01", "sha256"))
