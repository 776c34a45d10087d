"""The keys that this process knows, by the digests of their secrets: memory in front of the catalogue.

A key is asked for once; then it is served from memory until it changes, which other processes' changes do within
a second. What is known of its owners' limits is at least as new as the key, so a new key's first call is bounded by
them, too. While the catalogue is away, memory is believed for `cache_stale_seconds`; then a key is neither good
nor wrong, and the answer is that the catalogue is away.
"""

from __future__ import annotations

from collections.abc import Callable

from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.keys import TOPIC, any_keys, key_of_id, key_of_token
from liftgate.catalog.rows.owner_limits import any_owners
from liftgate.clock import Clock
from liftgate.errors import Unavailable, let_go
from liftgate.keys.key import Key
from liftgate.keys.known_owners import KnownOwners
from liftgate.records import KeyRecord
from liftgate.tasks import Tasks

MOST_KEYS = 100_000


class KnownKeys:
    def __init__(self, db: Database, clock: Clock, tasks: Tasks, owners: KnownOwners, stale_seconds: float) -> None:
        self._db = db
        self._owners = owners
        self._clock = clock
        self._tasks = tasks
        self._stale_seconds = stale_seconds
        self._keys: dict[str, Key] = {}
        self._tokens: dict[str, set[str]] = {}
        self._none = False
        self._changes = 0
        db.watch(self._on_change)

    def now(self) -> float:
        """The database's time, by which keys expire."""
        return self._db.now()

    async def load(self) -> None:
        """Whether there are keys at all. Raises Unavailable."""
        changes = self._changes
        there = await self._db.read(any_keys)
        if there or changes == self._changes:
            self._none = not there

    async def _look_again(self) -> None:
        try:
            await self.load()
        except Unavailable as error:
            # Until the catalogue answers, there may be keys.
            let_go(error)

    def known(self, token: str) -> Key | None:
        """From memory alone. It is to be checked (`Key.check_good`)."""
        key = self._keys.get(token)
        return None if key is None or (self._db.watcher.deaf_since is not None and self._stale()) else key

    async def find(self, token: str) -> Key | None:
        """As `known`, asking the catalogue where memory does not say: that there is no such key is never remembered,
        since another process may have made it a moment ago. Raises `Unavailable` while the catalogue is away."""
        if (key := self.known(token)) is not None:
            return key
        changes = self._changes
        try:
            key = await self._read(lambda conn: key_of_token(conn, token))
        except Unavailable:
            if self._none:
                # There were no keys before the catalogue went away, and without it none is made.
                return None
            raise
        if key is not None and changes == self._changes:
            # Only what no change can have overtaken.
            self._remember(token, key)
        return key

    async def of_id(self, key_id: str) -> Key | None:
        """As the catalogue has it now. It is to be checked. Raises Unavailable."""
        return await self._read(lambda conn: key_of_id(conn, key_id))

    async def _read(self, find: Callable[[Connection], KeyRecord | None]) -> Key | None:
        def work(conn: Connection) -> tuple[KeyRecord | None, bool]:
            record = find(conn)
            return record, record is not None and any_owners(conn)

        record, limited = await self._db.read(work)
        if record is None:
            return None
        key = Key(record)
        self._none = False
        if limited:
            self._owners.ask_again(key.caller.owners)
        return key

    def _remember(self, token: str, key: Key) -> None:
        if len(self._keys) >= MOST_KEYS:
            self._clear()
        # The secrets before and after a regeneration are one key's.
        self._tokens.setdefault(key.id, set()).add(token)
        self._keys[token] = key

    def _stale(self) -> bool:
        since = self._db.stale_since()
        return since is not None and self._clock.monotonic() - since > self._stale_seconds

    def _clear(self) -> None:
        self._keys.clear()
        self._tokens.clear()

    def _on_change(self, topic: str, key: str) -> None:
        if topic == TOPIC:
            for token in self._tokens.pop(key, ()):
                self._keys.pop(token, None)
            self._none = False
        elif topic == "*":
            self._clear()
            if self._none:
                # The first one may have come unnoticed.
                self._none = False
                self._tasks.start(self._look_again(), name="keys")
        else:
            return
        self._changes += 1
