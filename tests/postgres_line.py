"""A line between a gateway and PostgreSQL that is slow, or cut in the moment of a commit, before or behind it."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

READY = b"Z\0\0\0\5I"
"""The server is ready for the next query, outside of a transaction."""


class PostgresLine:
    """`cut(marker, when)`: the transaction in which `marker` was sent is the last one; then nobody gets through, until
    `mend`. `was_cut`: once that has happened. `slow(markers, seconds)`: whatever has one of these waits so long."""

    def __init__(self, target: Path, directory: Path) -> None:
        self._target = str(target)
        self._directory = directory
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._carrying: list[threading.Thread] = []
        self._marker: bytes | None = None
        self._when: Literal["before", "behind"] = "before"
        self._is_open = True
        self._slow: tuple[bytes, ...] = ()
        self._seconds = 0.0
        self.was_cut = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / ".s.PGSQL.5432"))
        self._listener.listen(64)

    def url(self, url: str) -> str:
        """The database of `url` as it is reached over this line."""
        return f"{url.partition('?')[0]}?host={self._directory}"

    def cut(self, marker: str, when: Literal["before", "behind"]) -> None:
        self.was_cut.clear()
        self._when, self._marker = when, marker.encode()

    def slow(self, markers: Sequence[str], seconds: float) -> None:
        self._slow, self._seconds = tuple(marker.encode() for marker in markers), seconds

    def mend(self) -> None:
        with self._lock:
            self._marker, self._is_open = None, True

    def close(self) -> None:
        self._listener.close()
        self._break()
        for carrying in self._carrying:
            carrying.join()

    def serve(self) -> None:
        """Until it is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._is_open:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._pairs.append((client, server))
            carrying = threading.Thread(target=self._carry, args=(client, server), daemon=True)
            self._carrying.append(carrying)
            carrying.start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        marked = threading.Event()
        back = threading.Thread(target=self._answer, args=(server, client, marked), daemon=True)
        back.start()
        with client, server:
            with contextlib.suppress(OSError), client.makefile("rb") as sent:
                self._send(sent, server, marked)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    def _send(self, sent: IO[bytes], server: socket.socket, marked: threading.Event) -> None:
        is_marked, commits = False, set[bytes]()
        # The first message has no letter.
        server.sendall((size := sent.read(4)) + sent.read(int.from_bytes(size) - 4))
        while letter := sent.read(1):
            size = sent.read(4)
            content = sent.read(int.from_bytes(size) - 4)
            if any(marker in content for marker in self._slow):
                time.sleep(self._seconds)
            is_marked |= self._marker is not None and self._marker in content
            if is_commit(letter, content, commits):
                if is_marked and self._when == "before":
                    self._break()
                    return
                if is_marked:
                    marked.set()
                is_marked = False
            server.sendall(letter + size + content)

    def _answer(self, server: socket.socket, client: socket.socket, marked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if marked.is_set() and READY in piece:
                    # Cut for all others first: whatever is asked after this commit finds nobody.
                    self._break(but=client)
                    client.sendall(piece)
                    break
                client.sendall(piece)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _break(self, but: socket.socket | None = None) -> None:
        with self._lock:
            self._is_open = False
            self.was_cut.set()
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                if end is not but:
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)


def is_commit(letter: bytes, content: bytes, commits: set[bytes]) -> bool:
    """Of a message of a client's. `commits`: names of its statements that commit, as far as it has made them known."""
    if letter == b"Q":
        return content == b"COMMIT\0"
    if letter == b"P":
        name, sql, _ = content.split(b"\0", 2)
        commits.discard(name)
        if sql == b"COMMIT":
            commits.add(name)
    return letter == b"B" and content.split(b"\0", 2)[1] in commits


@contextmanager
def postgres_line(url: str) -> Iterator[PostgresLine]:
    target = Path(url.partition("host=")[2]) / ".s.PGSQL.5432"
    with tempfile.TemporaryDirectory(prefix="liftgate-line-") as directory:
        line = PostgresLine(target, Path(directory))
        thread = threading.Thread(target=line.serve, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            line.close()
