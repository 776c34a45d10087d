"""Chat over some connections for a short while: like wrk, slower, but for less than a second and an exact time.

For points of a line, where what counts is the gateway's CPU time per request; the client must only be able to keep
the gateway busy.
"""

from __future__ import annotations

import gc
import itertools
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load.one import read_answer


@dataclass(slots=True)
class Answered:
    requests: int = 0
    failed: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def run(requests: bytes | Sequence[bytes], port: int, *, connections: int, seconds: float) -> Answered:
    """Send `requests` in turn on `connections` connections; none is sent after `seconds`, all are answered."""
    turns = itertools.cycle([requests] if isinstance(requests, bytes) else requests)
    result = Answered()
    poll = select.epoll()
    opened: dict[int, socket.socket] = {}
    gc.disable()
    try:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60.0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened[connection.fileno()] = connection
            poll.register(connection, select.EPOLLIN)
        began = time.perf_counter()
        for connection in opened.values():
            connection.sendall(next(turns))
        waiting = len(opened)
        while waiting:
            ready = poll.poll(60.0)
            if not ready:
                raise RuntimeError(f"{waiting} requests stand still")
            for number, _ in ready:
                answer = read_answer(opened[number])
                result.requests += 1
                result.failed += answer.status != 200
                if time.perf_counter() - began < seconds:
                    opened[number].sendall(next(turns))
                else:
                    waiting -= 1
        result.seconds = time.perf_counter() - began
    finally:
        gc.enable()
        poll.close()
        for connection in opened.values():
            connection.close()
    return result
