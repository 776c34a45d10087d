"""Thought signatures of tool calls, kept for clients that echo only id, name and arguments (docs/architecture.md,
"Decisions").

Gemini 3 refuses a history whose function calls lack the signature it gave them, and OpenAI's clients have no field for
it. A row per (owner, tool call id), committed before the chunk that carries the id; kept for 30 days.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from liftgate.catalog.database import Database
from liftgate.catalog.rows import signatures as rows
from liftgate.errors import Unavailable
from liftgate.records import Owner

log = logging.getLogger("liftgate.engine")

CACHED_BYTES = 16 * 1024 * 1024


class Signatures:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: OrderedDict[tuple[Owner, str], str] = OrderedDict()
        self._bytes = 0

    async def save(self, owner: Owner, signatures: Sequence[tuple[str, str]]) -> None:
        """(tool call id, base64 signature) each. A signature never changes, so memory needs no invalidation.

        Without the catalogue they are kept in memory only: an answer is worth more than Gemini's check of it.
        """
        values = [(call_id, signature.encode()) for call_id, signature in signatures]
        for call_id, signature in signatures:
            self._remember(owner, call_id, signature)
        try:
            await self._db.write(lambda conn: rows.put_signatures(conn, owner, values, conn.now()))
        except Unavailable as error:
            log.warning("the thought signatures of %d calls are in memory only: %s", len(values), error.message)

    async def load(self, owner: Owner, call_ids: Sequence[str]) -> Mapping[str, str]:
        """Those that are known; translation says what stands for the others."""
        found = {call_id: self._known[owner, call_id] for call_id in call_ids if (owner, call_id) in self._known}
        missing = [call_id for call_id in call_ids if call_id not in found]
        if missing:
            for call_id, value in (await self._stored(owner, missing)).items():
                found[call_id] = value.decode()
                self._remember(owner, call_id, found[call_id])
        return found

    async def _stored(self, owner: Owner, call_ids: Sequence[str]) -> Mapping[str, bytes]:
        try:
            return await self._db.read(lambda conn: rows.get_signatures(conn, owner, call_ids, conn.now()))
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
