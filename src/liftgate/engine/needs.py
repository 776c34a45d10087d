"""The files a chat request needs, from what the client named to what Gemini can read.

First the client's own words become Files of its owner (or bytes that were sent along or lie behind a URL), once per
request. Then, for the deployment that was chosen, each File becomes the URI of a copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import TypeVar

import msgspec

from liftgate.ask.media import Media, MediaFound, ResolvedFile
from liftgate.blobs.store import BlobMissing
from liftgate.copies.ensure import Copies
from liftgate.copies.kinds.wanted import Wanted
from liftgate.deployments import Account
from liftgate.engine.attachments import Attachments
from liftgate.engine.files import Files
from liftgate.engine.heal import Healer
from liftgate.engine.meter import current
from liftgate.engine.url_media import InlineBudget
from liftgate.errors import FileNotFound, FileNotReady, LiftgateError
from liftgate.media_types import bare, called, is_taken, unusable
from liftgate.records import CopyRecord, FileRecord, Owner
from liftgate.type_spellings import TAKEN

T = TypeVar("T")

AT_ONCE = 4
"""Media of one request that are fetched or stored at the same time."""


class Needed(msgspec.Struct, frozen=True):
    """One need and what satisfies it: a File that must be at the account, or content that is ready as it is."""

    need: Media
    wanted: Wanted | None
    ready: ResolvedFile | None = None


class Needs:
    """`healer`: what to ask when Gemini denies what was resolved here."""

    def __init__(self, files: Files, copies: Copies[Wanted], attachments: Attachments, healer: Healer) -> None:
        self.healer = healer
        self._files = files
        self._copies = copies
        self._attachments = attachments

    async def find_files(self, owner: Owner, found: MediaFound, *, seconds: float) -> Sequence[Needed]:
        """Raises FileNotFound, with the parameter's path, for a file that this owner does not have, and FileNotReady
        where the `seconds` of the request are over before all that it brings was fetched and stored.
        """
        # First what costs least, so that a missing file is known before anything is fetched or stored.
        named: dict[str, Needed] = {}
        for need in found.needs:
            if need.kind == "file_id":
                known = self._files.known(owner, need.ref)
                named[need.param] = await self._named(owner, need) if known is None else _of_file(need, known)
        if len(named) == len(found.needs):
            return list(named.values())
        others = [need for need in found.needs if need.kind != "file_id"]
        budget, turns = InlineBudget(found.budget), asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                brought = await _all(self._brought(owner, need, budget, turns) for need in others)
        except TimeoutError:
            raise FileNotReady(
                f"The time of the request was over before '{others[0].param}' and what else it brings were fetched.",
                param=others[0].param,
                retry_after=1,
            ) from None
        named.update((need.param, each) for need, each in zip(others, brought, strict=True))
        return [named[need.param] for need in found.needs]

    async def _brought(self, owner: Owner, need: Media, budget: InlineBudget, turns: asyncio.Semaphore) -> Needed:
        async with turns:
            if need.kind == "inline":
                return Needed(need, await self._attachments.inline(owner, need))
            found = await self._attachments.fetched(owner, need, budget)
            return Needed(need, None, found) if isinstance(found, ResolvedFile) else Needed(need, found)

    async def _named(self, owner: Owner, need: Media) -> Needed:
        file = await self._files.named(owner, need.ref)
        if file is None:
            raise FileNotFound(need.ref, param=need.param)
        return _of_file(need, file)

    async def locate(self, needs: Sequence[Needed], accounts: Iterable[Account]) -> None:
        """Before a choice among several accounts: where these files are, should another process have carried them."""
        candidates = {account.name: account for account in accounts}
        wanted = [each.wanted for each in needs if each.wanted is not None]
        if wanted and len(candidates) > 1:
            await self._copies.locate(wanted, list(candidates.values()))

    def affinity(self, needs: Sequence[Needed], account: Account) -> int:
        return self._copies.count_live((each.wanted for each in needs if each.wanted), account)

    async def resolve(
        self, needs: Sequence[Needed], account: Account, *, deadline: float
    ) -> tuple[dict[str, ResolvedFile], list[CopyRecord]]:
        """What stands for each need's parameter in a request to this account, and the copies among it."""
        resolved: dict[str, ResolvedFile] = {}
        copies: list[CopyRecord] = []
        missing: list[Needed] = []
        call = current.get()
        for each in needs:
            if each.ready is not None:
                resolved[each.need.param] = each.ready
            elif each.wanted is not None:
                copy = self._copies.find_live(each.wanted.key(account), account)
                if copy is None:
                    missing.append(each)
                else:
                    if call is not None:
                        call.copies_hit |= {each.wanted.file.id}
                    copies.append(copy)
                    form = copy.form
                    resolved[each.need.param] = ResolvedFile(form if form in TAKEN else bare(form), copy.uri)
        if missing:
            made = await _all(self._made(each, account, deadline) for each in missing)
            for each, copy in zip(missing, made, strict=True):
                copies.append(copy)
                resolved[each.need.param] = ResolvedFile(bare(copy.form), copy.uri)
        return resolved, copies

    async def _made(self, needed: Needed, account: Account, deadline: float) -> CopyRecord:
        assert needed.wanted is not None, "what is ready is not made"
        if (call := current.get()) is not None:
            call.waits_for(needed.wanted.file)
        try:
            try:
                return await self._copies.ensure(needed.wanted, account, deadline=deadline)
            except BlobMissing:
                if needed.need.kind != "inline":
                    raise
            # Whoever sends the bytes along must not be told that they are lost.
            await self._attachments.mend(needed.wanted.file, needed.need)
            return await self._copies.ensure(needed.wanted, account, deadline=deadline)
        except FileNotFound:
            # Deleted meanwhile: as if it had not been there when the request came.
            raise FileNotFound(needed.need.ref, param=needed.need.param) from None


def _of_file(need: Media, file: FileRecord) -> Needed:
    """Raises FileUnusable for a File that Gemini does not take, unless the caller says what it is."""
    mime_type = need.mime_type
    if mime_type is None:
        mime_type = called(file.mime_type, need.filename) if need.filename else file.mime_type
        if mime_type not in TAKEN and not is_taken(mime_type):
            raise unusable(f"File {file.id} ({file.filename!r})", mime_type, param=need.param)
    return Needed(need, Wanted(file, mime_type))


async def _all(work: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """All results in order, or the first failure, without waiting for the others; what they wait for goes on."""
    # No TaskGroup: the failures of one hold each other, and all that their frames hold, until a collector comes by.
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        if left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left)
    failures = [failure for task in tasks if not task.cancelled() and (failure := task.exception())]
    for failure in failures[:1]:
        raise failure.again() if isinstance(failure, LiftgateError) else failure
    return [task.result() for task in tasks]
