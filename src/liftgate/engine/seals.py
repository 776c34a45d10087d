"""The owners' seals, under keys derived from a random word in the catalogue: every process of every node has the same,
after a restart and after a restore as well.
"""

from __future__ import annotations

import logging
import os
from functools import lru_cache, partial

from liftgate.catalog.database import Database
from liftgate.catalog.rows.secrets import get_secret, keep_secret
from liftgate.errors import StorageFull, Unavailable
from liftgate.records import Owner
from liftgate.sealing import FernetSeal, seal_of

log = logging.getLogger("liftgate.engine")

SECRET = "seals"
KNOWN_OWNERS = 1024


class Seals:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._secret: bytes | None = None
        self._made = lru_cache(KNOWN_OWNERS)(seal_of)

    async def load(self) -> None:
        """Before the first `seal_of`."""
        secret = await self._db.read(partial(get_secret, name=SECRET))
        try:
            self._secret = secret or await self._db.write(
                partial(keep_secret, name=SECRET, value=os.urandom(32)), storing=True
            )
        except StorageFull:
            log.warning("no space is left for the catalogue %s: nothing is sealed before a restart", self._db.place)

    def seal_of(self, owner: Owner) -> FernetSeal:
        """Raises Unavailable where the catalogue had no place for its word."""
        if self._secret is None:
            raise Unavailable("Nothing can be sealed: the gateway began when no space was left for its catalogue.")
        return self._made(self._secret, owner)
