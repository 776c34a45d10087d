"""Takes connections from a listening socket, also where the system has no descriptor for one more.

uvloop keeps a descriptor in reserve: at the limit it gives that one up, refuses a client and takes it back. A thread
that opens a file in between has it, and from then on the event loop turns without pause for as long as clients wait.
So at the limit connections are taken here, with pauses: clients wait in the system's queue, and are served when there
is room, as asyncio's own loops have it. Away from it uvloop takes them, which costs half.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

log = logging.getLogger("liftgate.server")

AT_ONCE = 64
"""Connections that are taken in one turn of the loop."""
PAUSE_SECONDS = 0.25
"""Before it is tried again."""
CALM_SECONDS = 10.0
"""Without a pause, before uvloop takes them again."""
NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Make = Callable[[], asyncio.Protocol]


class Accepting:
    """Of one listening socket, which is its owner's to close. `make`: the protocol of a connection."""

    def __init__(self, listener: socket.socket, make: Make, backlog: int) -> None:
        self._listener = listener
        self._make = make
        self._backlog = backlog
        self._server: asyncio.Server | None = None
        self._careful: CarefulAccepting | None = None
        self._spins = False

    async def begin(self) -> None:
        """Raises OSError where another listens there."""
        loop = asyncio.get_running_loop()
        self._spins = type(loop).__module__.partition(".")[0] == "uvloop"
        self._server = await loop.create_server(self._make, sock=self._listener.dup(), backlog=self._backlog)

    async def look(self) -> None:
        """To be called several times a second: goes over to care at the limit of descriptors, and back. Two system
        calls."""
        if self._careful is not None:
            if self._careful.is_calm() and not _at_limit():
                await self._trust()
        elif self._server is not None and self._spins and _at_limit():
            log.warning("no further connection can be taken at the moment: there is no descriptor left")
            self._server.close()
            self._server = None
            self._careful = CarefulAccepting(self._listener, self._make)

    async def _trust(self) -> None:
        try:
            await self.begin()
        except OSError:
            return  # Another look comes.
        if self._careful is not None:
            self._careful.close()
            self._careful = None

    def close(self) -> None:
        """No more are taken; those that are there go on."""
        for each in (self._server, self._careful):
            if each is not None:
                each.close()


class CarefulAccepting:
    """Begins at once."""

    def __init__(self, listener: socket.socket, make: Make) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make = make
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        self._paused_at = self._loop.time()
        self._go_on()

    def is_calm(self) -> bool:
        return self._waiting is None and self._loop.time() - self._paused_at > CALM_SECONDS

    def _go_on(self) -> None:
        self._waiting = None
        self._loop.add_reader(self._listener, self._take)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                self._pause()
                return
            connection.setblocking(False)
            opening = self._loop.create_task(self._open(connection))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError:
            connection.close()  # It has gone already.

    def _pause(self) -> None:
        self._paused_at = self._loop.time()
        self._loop.remove_reader(self._listener)
        self._waiting = self._loop.call_later(PAUSE_SECONDS, self._go_on)

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        if self._waiting is not None:
            self._waiting.cancel()


def _at_limit() -> bool:
    try:
        os.close(os.dup(0))
    except OSError as error:
        return error.errno in NO_ROOM
    return False
