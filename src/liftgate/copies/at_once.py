"""Copies of a File that its owner deleted, purged at once and not at the next round of the job, where Gemini answers.

Nobody waits for it. An account is asked one thing after the other; one that cannot be had keeps what is left for the
job, and so does one that has too much waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from liftgate.catalog.database import Connection
from liftgate.catalog.rows import files
from liftgate.catalog.rows.copies import Doomed, doomed_of, replicas_of
from liftgate.copies.refresh import purge_one
from liftgate.copies.services import Parts
from liftgate.errors import LiftgateError
from liftgate.records import Owner

MOST_WAITING = 1000
"""Names at one account."""


def delete_file(conn: Connection, owner: Owner, file_id: str) -> list[Doomed] | None:
    """What of the File's copies is doomed by its deletion; None when it is not there."""
    now = conn.now()
    file = files.get_file(conn, owner, file_id, now)
    replicas = replicas_of(conn, [file.blob_id]) if file is not None else []
    if files.delete_file(conn, owner, file_id, now) is None:
        return None
    return doomed_of(conn, replicas)


class PurgeAtOnce:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._waiting: dict[str, deque[Doomed]] = {}

    def begin(self, doomed: Sequence[Doomed]) -> None:
        """What is not done of it stays due."""
        for each in doomed:
            waiting = self._waiting.get(each.account)
            if waiting is None:
                self._waiting[each.account] = deque([each])
                self._parts.tasks.start(self._purge(each.account), name=f"purge at {each.account}")
            elif len(waiting) < MOST_WAITING:
                waiting.append(each)

    async def _purge(self, account: str) -> None:
        waiting = self._waiting[account]
        try:
            while waiting and await purge_one(self._parts, waiting.popleft()):
                pass
        except LiftgateError:
            # The catalogue is away, and the job finds there what is due.
            return
        finally:
            del self._waiting[account]
