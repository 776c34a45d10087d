"""Finds what Gemini lost of a request's files in one round, so that all of it is made again together.

A denial names one file (docs/protocol/gemini.md, "Errors"). Gemini is asked at once for the others that the request has
at that account, because it would deny what is missing there next. Requests whose files are all there never come here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from liftgate.backoff import RETENTION_SECONDS, YOUNG_PAUSES, YOUNG_SECONDS
from liftgate.clock import Clock
from liftgate.copies.ensure import Copies
from liftgate.copies.kinds.wanted import Wanted
from liftgate.deployments import Account
from liftgate.errors import LiftgateError, UpstreamFileLost
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.status import lost_file
from liftgate.records import CopyKey, CopyRecord

Standing = Literal["there", "processing", "gone", "unknown"]

PROCESSING_PAUSE = 2.0
ASKED_AT_ONCE = 8
MADE_AGAIN = 2
"""Times that one request makes the same file again at one account, where it was gone each time. A file that Gemini
shows, and denies all the same, is made again once."""


@dataclass(slots=True)
class Healing:
    """What was done for one request at one account. `paused`: pauses for each copy; those of one request pass
    together. `made`: how often each file was given up to be made again; `rounds`: denials so far."""

    paused: Counter[str] = field(default_factory=Counter)
    made: Counter[CopyKey] = field(default_factory=Counter)
    rounds: int = 0


class Healer:
    def __init__(self, copies: Copies[Wanted], client: GeminiClient, clock: Clock) -> None:
        self._copies = copies
        self._client = client
        self._clock = clock

    async def heal(
        self, past: Healing, copies: Sequence[CopyRecord], lost: UpstreamFileLost, account: Account, deadline: float
    ) -> bool:
        """Gives up the copies that Gemini has no more, so that the next `ensure` of each makes a new one; waits for
        those that it may only not show yet. Whether the request is worth repeating. `deadline`: on the monotonic clock.
        """
        past.rounds += 1
        if past.rounds > (MADE_AGAIN + len(YOUNG_PAUSES)) * (len(copies) + 1):
            return False
        denied = lost_file(lost)
        known = {copy.name: copy for copy in copies}
        ours = {copy.name: copy for copy in known.values() if self._in_use(copy, account)}
        if denied in known and denied not in ours:
            return True  # Another request found it lost a moment ago.
        # A young copy that was asked for again in vain, or that Gemini shows and still denies, is looked at once more.
        is_gone = _is_gone(lost) and past.paused[denied or ""] < len(YOUNG_PAUSES)
        standing = await self._standing(ours, denied if is_gone else None, account)
        if await self._wait(past, ours, standing, account, deadline):
            return True
        return await self._give_up(past, _suspects(ours, standing, denied))

    def _in_use(self, copy: CopyRecord, account: Account) -> bool:
        """Whether a repeat of the request would be given this very copy."""
        live = self._copies.find_live(copy.key, account)
        return live is not None and live.name == copy.name

    async def _standing(
        self, ours: Mapping[str, CopyRecord], denied: str | None, account: Account
    ) -> dict[str, Standing]:
        found = await self._ask((name for name in ours if name != denied), account)
        if denied is not None and denied in ours:
            found[denied] = "gone"
        return found

    async def _wait(
        self,
        past: Healing,
        ours: Mapping[str, CopyRecord],
        standing: dict[str, Standing],
        account: Account,
        deadline: float,
    ) -> bool:
        """Asks again, after pauses, for what may come. True where something was missing and nothing is any more."""
        waited = False
        while True:
            young = [
                name
                for name, how in standing.items()
                if how == "gone" and past.paused[name] < len(YOUNG_PAUSES) and self._is_young(ours[name], account)
            ]
            processing = [name for name, how in standing.items() if how == "processing"]
            pause = max((YOUNG_PAUSES[past.paused[name]] for name in young), default=PROCESSING_PAUSE)
            if not (young or processing) or self._clock.monotonic() + pause >= deadline:
                return waited and "gone" not in standing.values() and not processing
            await self._clock.sleep(pause)
            waited = True
            past.paused.update(young)
            standing.update(await self._ask([*young, *processing], account))

    async def _give_up(self, past: Healing, suspects: Mapping[str, tuple[CopyRecord, int]]) -> bool:
        """Those copies, of each its limit. False, and none, where there is none or one is beyond its limit."""
        if not suspects or any(past.made[copy.key] >= most for copy, most in suspects.values()):
            return False
        for copy, _ in suspects.values():
            past.made[copy.key] += 1
            await self._copies.mark_lost(copy)
        return True

    async def _ask(self, names: Iterable[str], account: Account) -> dict[str, Standing]:
        turns = asyncio.Semaphore(ASKED_AT_ONCE)

        async def one(name: str) -> Standing:
            async with turns:
                return await self._look(name, account)

        names = list(names)
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))

    async def _look(self, name: str, account: Account) -> Standing:
        try:
            file = await self._client.get_file(account, name)
        except UpstreamFileLost:
            return "gone"
        except LiftgateError:
            return "unknown"
        if file.state == "FAILED":
            return "gone"
        return "processing" if file.state == "PROCESSING" else "there"

    def _is_young(self, copy: CopyRecord, account: Account) -> bool:
        now = self._client.upstream_now(account)
        return copy.expires_at is not None and copy.expires_at - now > RETENTION_SECONDS - YOUNG_SECONDS


def _suspects(
    ours: Mapping[str, CopyRecord], standing: Mapping[str, Standing], denied: str | None
) -> dict[str, tuple[CopyRecord, int]]:
    """The copies to give up, each with how often that may be. Where Gemini's sentence names none and all are there,
    the refusal is no file's."""
    found = {name: (ours[name], MADE_AGAIN) for name, how in standing.items() if how == "gone"}
    if denied is not None and denied in ours:
        found.setdefault(denied, (ours[denied], 1))
    elif not found:
        found = {name: (ours[name], 1) for name, how in standing.items() if how == "unknown"}
    return found


def _is_gone(lost: UpstreamFileLost) -> bool:
    """Whether the denial itself says that the file is not there; a file that is not ACTIVE is."""
    return lost.upstream is None or lost.upstream.status != 400
