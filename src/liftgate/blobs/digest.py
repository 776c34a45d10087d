"""The SHA-256 of what is stored, made from the bytes themselves."""

from __future__ import annotations

import asyncio
import hashlib

from liftgate.byte_source import ByteSource


async def sha256_of(source: ByteSource) -> str:
    """In lower-case hex. Reads all of it; raises what the source does."""
    digest = hashlib.sha256()
    async for piece in source.read(0, source.size):
        await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()
