"""Names of hosts that requests name, looked up beside everything else: a hostile name server keeps its asker waiting.

The system's resolver blocks a thread, for as long as a name server likes and beyond every deadline of ours. So look-ups
have threads of their own, few for each owner and bounded in all, and none that the end of the process waits for.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from liftgate.engine.shares import Shares
from liftgate.records import Owner

OWN_AT_ONCE, MOST_AT_ONCE, ALL_AT_ONCE = 2, 8, 24
"""Look-ups at the same time: what each owner may at any time, one owner at most, and all before that."""
THREADS = 48
"""Look-ups at the same time, whoever asks."""
SECONDS = 10.0
"""For a name, the wait for a turn included."""

Address = tuple[int, str, int]
"""Family, numeric host, port."""
Resolve = Callable[[str, int, int], list[Address]]
"""(host, port, family), in a thread; raises OSError, or UnicodeError for what is no name."""


def system_addresses(host: str, port: int, family: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    # Without a network interface's name, which only local addresses have.
    return [(each[0], str(each[4][0]).partition("%")[0], port) for each in found]


class NameLookup:
    """Use it on one event loop."""

    def __init__(self, resolve: Resolve = system_addresses) -> None:
        self._resolve = resolve
        self._shares = Shares(own=OWN_AT_ONCE, most=MOST_AT_ONCE, total=ALL_AT_ONCE)
        self._threads = asyncio.Semaphore(THREADS)

    async def addresses(self, owner: Owner, host: str, port: int, family: int) -> list[Address]:
        """Raises OSError and UnicodeError; TimeoutError where the name server is too slow."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Address]] = loop.create_future()

        def work() -> None:
            found: list[Address] | Exception
            try:
                found = self._resolve(host, port, family)
            except Exception as error:
                # Its traceback knows this frame.
                found = error.with_traceback(None)
            # Whoever asked may have left, and its loop with it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._answer, owner, answer, found)

        async with asyncio.timeout(SECONDS):
            await self._shares.take(owner)
            # The turn lasts as long as the thread, be somebody waiting for it or not.
            try:
                await self._threads.acquire()
                threading.Thread(target=work, name="liftgate-lookup", daemon=True).start()
            except asyncio.CancelledError:
                self._shares.give_back(owner)
                raise
            except RuntimeError as error:
                self._threads.release()
                self._shares.give_back(owner)
                raise OSError("no thread for a look-up") from error
            return await answer

    def _answer(self, owner: Owner, answer: asyncio.Future[list[Address]], found: list[Address] | Exception) -> None:
        self._threads.release()
        self._shares.give_back(owner)
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)
