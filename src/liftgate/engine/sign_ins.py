"""A browser's leave to act with a key: an opaque cookie for 12 hours, or half an hour without a use.

The catalogue has the cookie's digest and the key, sealed with the cookie: who reads the catalogue, or a copy of it, can
neither act as the browser nor learn the key. Each request is judged by the key itself, so that a sign-in ends with its
key, wherever and however that ends.
"""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows import sign_ins as rows
from liftgate.errors import LiftgateError, let_go
from liftgate.records import Owner, SignIn

LIFE_SECONDS = 12 * 3600.0
IDLE_SECONDS = 1800.0
NOTED_SECONDS = 60.0
"""How often a use is written down, at most."""
_COOKIE_BYTES = 32
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a cookie stands for. `ends_at`: the database's time at the latest."""

    key: bytes
    ends_at: float


class SignIns:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, owner: Owner, key: bytes, before: str) -> tuple[str, SignedIn]:
        """A new cookie for a key that was found good just now; `before`, where the browser had one, ends with it."""
        cookie = urlsafe_b64encode(os.urandom(_COOKIE_BYTES)).rstrip(b"=").decode()

        def work(conn: Connection) -> float:
            now = conn.now()
            made = SignIn(_digest(cookie), owner, sealed(key, cookie), now, now, now + LIFE_SECONDS)
            rows.insert_sign_in(conn, made, IDLE_SECONDS)
            if before:
                rows.end_sign_in(conn, _digest(before))
            return made.expires_at

        return cookie, SignedIn(key, await self._db.write(work, storing=True))

    async def find(self, cookie: str) -> SignedIn | None:
        """None where it is over, or never was. Raises Unavailable while the catalogue is away."""
        sign_in_id = _digest(cookie)
        found, now = await self._db.read(lambda conn: rows.find_sign_in(conn, sign_in_id, IDLE_SECONDS))
        if found is None:
            return None
        if now - found.used_at > NOTED_SECONDS:
            try:
                await self._db.write(lambda conn: rows.note_use(conn, sign_in_id))
            except LiftgateError as error:
                # A catalogue that takes no writes is no reason to send anybody away who may read.
                let_go(error)
        return SignedIn(opened(found.sealed_key, cookie), found.expires_at)

    async def end(self, cookie: str) -> Owner | None:
        """Whose it was; None where it was over already."""
        sign_in_id = _digest(cookie)
        return await self._db.write(lambda conn: rows.end_sign_in(conn, sign_in_id))


def sealed(key: bytes, cookie: str) -> bytes:
    """The key, which only the cookie opens. A cookie is random and seals one key, so this is a one-time pad whose pad
    is made of the cookie; nothing of the key, its length included but for blocks, is left to read."""
    padded = key + b"\x80" + b"\0" * (-(len(key) + 1) % _BLOCK)
    return _with_pad(padded, cookie)


def opened(sealed_key: bytes, cookie: str) -> bytes:
    return _with_pad(bytes(sealed_key), cookie).rstrip(b"\0")[:-1]


def _with_pad(text: bytes, cookie: str) -> bytes:
    pad = hashlib.shake_256(b"liftgate sign-in key:" + cookie.encode("utf-8", "surrogatepass")).digest(len(text))
    return bytes(left ^ right for left, right in zip(text, pad, strict=True))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
