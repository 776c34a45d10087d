"""Streams over many connections with epoll: how many events came, when the first came, how long each stream took.

An event is one of the stand-in's (its token is counted), in whatever form a gateway passes it on.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.standin.answers import EVENTS, TOKEN

END = b"0\r\n\r\n"


@dataclass(slots=True)
class Streamed:
    """Of all streams that ended; times in seconds. `short` counts streams that ended without all their events."""

    streams: int = 0
    events: int = 0
    short: int = 0
    seconds: float = 0.0
    first_event: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


class _Stream:
    __slots__ = ("began", "events", "first", "mark", "socket", "tail")

    def __init__(self, port: int, mark: bytes = TOKEN) -> None:
        self.mark = mark
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begin()

    def begin(self) -> None:
        self.began = time.perf_counter()
        self.first = 0.0
        self.events = 0
        self.tail = b""


def run(request: bytes, port: int, *, connections: int, streams: int, seconds: float, mark: bytes = TOKEN) -> Streamed:
    """`connections` at once until `streams` have begun or `seconds` are over; those under way are read to their end.
    `mark`: what stands once in each event, where the stand-in's token stands in others too.

    RuntimeError when an answer is not a stream with status 200, or nothing arrives for 30 s.
    """
    result = Streamed()
    poll = select.epoll()
    open_streams: dict[int, _Stream] = {}
    gc.disable()
    try:
        began = time.perf_counter()
        for _ in range(min(connections, streams)):
            stream = _Stream(port, mark)
            open_streams[stream.socket.fileno()] = stream
            poll.register(stream.socket, select.EPOLLIN)
            stream.begin()
            stream.socket.sendall(request)
        asked = len(open_streams)
        while open_streams:
            ready = poll.poll(30.0)
            if not ready:
                raise RuntimeError(f"{len(open_streams)} streams stand still")
            for number, _ in ready:
                stream = open_streams[number]
                if not _read(stream):
                    continue
                _count(result, stream)
                again = asked < streams and time.perf_counter() - began < seconds
                if again:
                    asked += 1
                    stream.begin()
                    stream.socket.sendall(request)
                else:
                    poll.unregister(stream.socket)
                    stream.socket.close()
                    del open_streams[number]
        result.seconds = time.perf_counter() - began
    finally:
        gc.enable()
        poll.close()
        for stream in open_streams.values():
            stream.socket.close()
    return result


def _read(stream: _Stream) -> bool:
    """Take what is there; True when the stream has ended."""
    data = stream.socket.recv(262144)
    if not stream.events and not stream.tail and data and not data.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"not a stream: {data[:300]!r}")
    joined = stream.tail + data
    found = joined.count(stream.mark)
    if found:
        stream.events += found
        stream.first = stream.first or time.perf_counter() - stream.began
    # What is kept may be the beginning of a mark or of the end; a whole mark was counted.
    ended = not data or (joined.endswith(END) and joined[-7:-5] in (b"\r\n", b""))
    kept = max(len(END) + 2, len(stream.mark) - 1)
    stream.tail = joined[-kept:].replace(stream.mark, b" " * len(stream.mark))
    return ended


def _count(result: Streamed, stream: _Stream) -> None:
    result.streams += 1
    result.events += stream.events
    result.short += stream.events != EVENTS
    if stream.first:
        result.first_event.append(stream.first)
    result.whole.append(time.perf_counter() - stream.began)


@contextmanager
def held(request: bytes, port: int, *, count: int, seconds: float) -> Iterator[int]:
    """`count` streams kept open for the length of the block, begun once all have had their first event or after
    `seconds`; yields how many have had it.
    """
    streams: list[_Stream] = []
    try:
        end = time.perf_counter() + seconds
        for _ in range(count):
            stream = _Stream(port)
            streams.append(stream)
            stream.socket.sendall(request)
        for stream in streams:
            while not stream.events and (left := end - time.perf_counter()) > 0:
                if select.select([stream.socket], [], [], left)[0] and _read(stream):
                    raise RuntimeError("a stream that should stay open ended")
        yield sum(1 for stream in streams if stream.events)
    finally:
        for stream in streams:
            stream.socket.close()
