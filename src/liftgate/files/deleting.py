"""Objects that no row names any more, deleted from the store, a few at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from liftgate.blobs.store import BlobStore
from liftgate.errors import LiftgateError

log = logging.getLogger("liftgate.files")

_AT_ONCE = 8


async def delete_objects(blobs: BlobStore, keys: Sequence[str]) -> int:
    """How many were. One that the store would not delete is unknown to the catalogue by now, so a sweep meets it."""
    deleted = 0
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        outcomes = await asyncio.gather(*map(blobs.delete, some), return_exceptions=True)
        for key, outcome in zip(some, outcomes, strict=True):
            if outcome is None:
                deleted += 1
            elif isinstance(outcome, LiftgateError):
                log.warning("%s could not be deleted, and is left to a sweep: %s", key, outcome.message)
            else:
                raise outcome
    return deleted
