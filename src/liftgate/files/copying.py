"""Objects from one store to another, hashed on the way: what a backup and a restore have in common.

An object keeps its key. What is there already, whole, is not copied again, so a run that was cut is gone on with by
the next one. Bytes that do not hash to what the catalogue says are not copied; what was in their place stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from liftgate.blobs.disk import file_threads
from liftgate.blobs.spool import Spool, SpoolDiscarded
from liftgate.blobs.store import BlobMissing, BlobStore
from liftgate.errors import InvalidRequest, LiftgateError
from liftgate.files.backup_directory import Whole

if TYPE_CHECKING:
    from hashlib import _Hash

AT_ONCE = 4
_THREADS = 4

Outcome = Literal["copied", "there", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Report:
    """Of a backup (`id`) that was made or restored. `copied`, `kept`: blobs of this run, and those that were there.
    `missing`, `damaged`: ids of blobs whose bytes the place that they were copied from has not, or not whole: they are
    not in the other one either."""

    id: str
    files: int
    blobs: int
    bytes: int
    copied: int
    kept: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(slots=True)
class Copied:
    """What became of each blob: numbers, and the ids of those that went wrong."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Copier:
    """`spool_dir`: on the file system of `target` where that is a directory. `there`: what the target has, by key, in
    bytes. `believe`: whether that it is there, with the right size, is enough; its hash is compared otherwise. `moved`
    is called with bytes as they are dealt with."""

    source: BlobStore
    target: BlobStore
    spool_dir: Path
    there: Mapping[str, int]
    believe: bool
    moved: Callable[[int], None]

    async def run(self, needed: Sequence[Whole]) -> Copied:
        """Raises StorageFull and Unavailable; what was copied until then stays."""
        done = Copied()
        threads = file_threads(_THREADS, "liftgate-copy")
        waiting = iter(needed)

        async def work(group: asyncio.TaskGroup) -> None:
            for whole in waiting:
                outcome = await self._copy(whole, threads, group)
                done.counts[outcome] += 1
                if outcome == "missing":
                    done.missing.append(whole.id)
                elif outcome == "damaged":
                    done.damaged.append(whole.id)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work(group))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            threads.shutdown(wait=False)
        return done

    async def _copy(self, whole: Whole, threads: Executor, group: asyncio.TaskGroup) -> Outcome:
        if all(self.there.get(key) == size for key, size in whole.objects) and (
            self.believe or await self._wrong(self.target, whole) is None
        ):
            self.moved(whole.size)
            return "there"
        # What is in place is not whole. It gives way only to what is: it may be all that is left.
        in_place = any(key in self.there for key, _ in whole.objects)
        if in_place and (wrong := await self._wrong(self.source, whole)) is not None:
            return wrong
        digest = hashlib.sha256()
        try:
            for key, size in whole.objects:
                digest = await self._copy_object(key, size, digest, threads, group)
        except BlobMissing:
            return "missing"
        except InvalidRequest:
            # The spool's, for more or fewer bytes than were announced.
            return "damaged"
        if whole.sha256 and digest.hexdigest() != whole.sha256:
            for key, _ in whole.objects:
                await self._forget(key)
            return "damaged"
        return "copied"

    async def _wrong(self, store: BlobStore, whole: Whole) -> Literal["missing", "damaged"] | None:
        """What is wrong with it there."""
        digest = hashlib.sha256()
        try:
            for key, size in whole.objects:
                pieces = cast("AsyncGenerator[bytes]", store.open(key, size).read(0, size))
                async with aclosing(pieces):
                    async for piece in pieces:
                        digest.update(piece)
        except BlobMissing:
            return "missing"
        return "damaged" if whole.sha256 and digest.hexdigest() != whole.sha256 else None

    async def _forget(self, key: str) -> None:
        """Of an object that was not copied whole. What was in its place before is left."""
        if key not in self.there:
            await self.target.delete(key)

    async def _copy_object(
        self, key: str, size: int, before: _Hash, threads: Executor, group: asyncio.TaskGroup
    ) -> _Hash:
        spool = Spool.create(self.spool_dir, expected=size, threads=threads, digest=before)
        storing = group.create_task(self._stored(key, spool))
        try:
            pieces = cast("AsyncGenerator[bytes]", self.source.open(key, size).read(0, size))
            async with aclosing(pieces):
                async for piece in pieces:
                    await spool.write(piece)
                    self.moved(len(piece))
            await spool.finish()
            if failure := await storing:
                raise failure.again()
        except BaseException:
            storing.cancel()
            await spool.discard()
            await asyncio.gather(storing, return_exceptions=True)
            await self._forget(key)
            raise
        await spool.close()
        return spool.digest

    async def _stored(self, key: str, spool: Spool) -> LiftgateError | None:
        try:
            await self.target.store(key, spool)
        except SpoolDiscarded:
            return None
        except LiftgateError as error:
            return error
        return None
