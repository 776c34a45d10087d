"""Thought signatures of tool calls, kept for clients that echo only id, name and arguments (docs/architecture.md,
"Decisions").

Gemini 3 refuses a history whose function calls lack the signature it gave them, and OpenAI's clients have no field for
it. A row per (owner, tool call id), committed before the chunk that carries the id; kept for 30 days. What a client
wants stored nowhere is in this process's memory only, for an hour.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from liftgate import ids
from liftgate.catalog.database import Database
from liftgate.catalog.rows import signatures as rows
from liftgate.catalog.steady import steady
from liftgate.clock import Clock
from liftgate.errors import Unavailable
from liftgate.records import Owner

log = logging.getLogger("liftgate.engine")

CACHED_BYTES = 16 * 1024 * 1024
BRIEF_SECONDS = 3600.0


class Signatures:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._known: OrderedDict[tuple[Owner, str], str] = OrderedDict()
        self._bytes = 0
        self._brief: OrderedDict[tuple[Owner, str], tuple[float, str]] = OrderedDict()
        self._brief_bytes = 0

    async def save(self, owner: Owner, signatures: Sequence[tuple[str, str]], *, stored: bool = True) -> None:
        """Stores pairs of (tool call id, base64 signature). A signature never changes, so memory needs no invalidation.

        Not `stored`: kept in this process's memory only, for an hour. So are all while the catalogue is away: an answer
        is worth more than Gemini's check of it.
        """
        if not stored:
            for call_id, signature in signatures:
                self._remember_briefly(owner, call_id, signature)
            return
        values = [(call_id, signature.encode()) for call_id, signature in signatures]
        for call_id, signature in signatures:
            self._remember(owner, call_id, signature)
        try:
            await self._db.write(lambda conn: rows.put_signatures(conn, owner, values, steady(conn)))
        except Unavailable as error:
            log.warning("the thought signatures of %d calls are in memory only: %s", len(values), error.message)

    async def load(self, owner: Owner, call_ids: Sequence[str], known: Mapping[str, str]) -> Mapping[str, str]:
        """The signatures that are known, by call id. `known`: those that the caller has already."""
        found = {call_id: self._known[owner, call_id] for call_id in call_ids if (owner, call_id) in self._known}
        found |= known
        if self._brief:
            self._forget(0)
            brief = self._brief
            found |= {call_id: brief[owner, call_id][1] for call_id in call_ids if (owner, call_id) in brief}
        missing = [call_id for call_id in call_ids if call_id not in found and len(call_id) <= ids.LONGEST]
        if missing:
            for call_id, value in (await self._stored(owner, missing)).items():
                found[call_id] = value.decode()
                self._remember(owner, call_id, found[call_id])
        return found

    async def _stored(self, owner: Owner, call_ids: Sequence[str]) -> Mapping[str, bytes]:
        try:
            return await self._db.read(lambda conn: rows.get_signatures(conn, owner, call_ids, steady(conn)))
        except Unavailable as error:
            log.warning("the thought signatures of %d calls cannot be looked up: %s", len(call_ids), error.message)
            return {}

    def _remember(self, owner: Owner, call_id: str, signature: str) -> None:
        if (owner, call_id) not in self._known:
            self._known[owner, call_id] = signature
            self._bytes += len(signature)
        while self._bytes > CACHED_BYTES:
            _, oldest = self._known.popitem(last=False)
            self._bytes -= len(oldest)

    def _remember_briefly(self, owner: Owner, call_id: str, signature: str) -> None:
        self._brief[owner, call_id] = (self._clock.monotonic() + BRIEF_SECONDS, signature)
        self._brief_bytes += len(signature)
        self._forget(CACHED_BYTES)

    def _forget(self, most: int) -> None:
        """Those whose time is over and, where `most` is not 0, the oldest beyond so many bytes."""
        now = self._clock.monotonic()
        while self._brief:
            key, (until, signature) = next(iter(self._brief.items()))
            if until > now and not 0 < most < self._brief_bytes:
                return
            del self._brief[key]
            self._brief_bytes -= len(signature)
