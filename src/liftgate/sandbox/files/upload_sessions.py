"""One resumable upload: what was announced, what has arrived, who is writing, how it ended.

The protocol's verbs are in `uploads`; this is only the state that they share. A later request on the same session
takes the turn: an earlier one that still sends is fenced off before its next byte is kept.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

from liftgate.sandbox.files.spool import Spool


def new_upload_id() -> str:
    """110 characters, as in the recordings."""
    return "AJjja9" + secrets.token_urlsafe(78)


@dataclass
class UploadSession:
    id: str
    key: str
    project: str
    mime_type: str
    display_name: str
    custom_id: str
    total: int | None
    spool: Spool
    state: str = "active"
    """`active`, `final`, `cancelled`, `terminated`."""
    answer: bytes = b""
    """The body of the finalize answer, kept for `query` and a second finalize."""
    answer_status: int = 200
    turn: int = 0
    in_chunk: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_turn(self, kept_after_cut: str) -> int:
        """Fence off whoever was writing, settle what stays of its chunk, and return the new turn's number."""
        self.turn += 1
        mine = self.turn
        async with self.lock:
            await self.settle(kept_after_cut)
        return mine

    async def settle(self, kept_after_cut: str) -> None:
        """After a broken chunk, with the lock held."""
        if self.in_chunk and self.state == "active":
            self.in_chunk = False
            await self.spool.keep_after_cut(kept_after_cut)

    def end(self, state: str) -> None:
        """Close for good; the bytes are dropped unless a finished File took them over."""
        self.state = state
        if state == "final":
            self.spool.close()
        else:
            self.spool.discard()

    def described(self) -> dict[str, object]:
        return {
            "id": self.id,
            "project": self.project,
            "state": self.state,
            "received": self.spool.size,
            "total": self.total,
            "mimeType": self.mime_type,
        }
