"""What stands between gateways and PostgreSQL, at a socket of its own."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from line import Line

_SOCKET = ".s.PGSQL.5432"


class PostgresFront(Line):
    def __init__(self, target: Path, directory: Path) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(directory / _SOCKET))
        listener.listen(64)
        super().__init__(listener)
        self._target = str(target)
        self._directory = directory

    @classmethod
    @contextmanager
    def before(cls, url: str) -> Iterator[Self]:
        """In front of the server of `url`."""
        target = Path(url.partition("host=")[2]) / _SOCKET
        with (
            tempfile.TemporaryDirectory(prefix="liftgate-front-") as directory,
            cls(target, Path(directory)).opened() as front,
        ):
            yield front

    def url(self, url: str) -> str:
        """The database of `url` as it is reached through this."""
        return f"{url.partition('?')[0]}?host={self._directory}"

    def connected(self) -> socket.socket:
        """To the server itself."""
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server
