"""The keys that this process knows, by the digests of their secrets: memory in front of the catalogue.

A key is asked for once; then it is served from memory until news of it come, which other processes' changes do within
a second. While the catalogue cannot be heard, memory is believed for `cache_stale_seconds`; then a key is neither good
nor wrong, and the answer is that the catalogue is away.
"""

from __future__ import annotations

from collections.abc import Callable

from liftgate.catalog.database import Database
from liftgate.catalog.rows.keys import TOPIC, any_keys, key_of_token
from liftgate.clock import Clock
from liftgate.keys.key import Key

MOST_KEYS = 100_000
MOST_WRONG = 10_000
"""Digests of guesses that are remembered: each would else be a question to the catalogue."""


class KnownKeys:
    def __init__(self, db: Database, clock: Clock, stale_seconds: float) -> None:
        self._db = db
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._keys: dict[str, Key] = {}
        self._tokens: dict[str, set[str]] = {}
        self._wrong: set[str] = set()
        self._none = False
        self._news = 0
        self._listeners: list[Callable[[str], None]] = []
        db.watch(self._heard)

    def now(self) -> float:
        """The database's time, by which keys expire."""
        return self._db.now()

    def on_change(self, listener: Callable[[str], None]) -> None:
        """`listener(key id)` when a key may be another than it was, or gone; "" when any may."""
        self._listeners.append(listener)

    def known(self, token: str) -> Key | None:
        """From memory alone. It is to be checked (`Key.check_good`)."""
        key = self._keys.get(token)
        return None if key is None or self._stale() else key

    def is_wrong(self, token: str) -> bool:
        """Whether memory knows that no key has this secret."""
        return (self._none or token in self._wrong) and not self._stale()

    async def find(self, token: str) -> Key | None:
        """As `known`, asking the catalogue where memory does not say. Raises `Unavailable` while that is away."""
        if (key := self.known(token)) is not None or self.is_wrong(token):
            return key
        news = self._news
        record = await self._db.read(lambda conn: key_of_token(conn, token))
        if record is None:
            none = not await self._db.read(any_keys)
            if news == self._news:
                # Only what no news can have overtaken.
                self._none = none
                if len(self._wrong) >= MOST_WRONG:
                    self._wrong.clear()
                self._wrong.add(token)
            return None
        key = Key(record)
        if news == self._news:
            self._remember(token, key)
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

    def _heard(self, topic: str, key: str) -> None:
        if topic == TOPIC:
            for token in self._tokens.pop(key, ()):
                self._keys.pop(token, None)
        elif topic == "*":
            self._clear()
        else:
            return
        self._news += 1
        self._none = False
        self._wrong.clear()
        for listener in self._listeners:
            listener(key)
