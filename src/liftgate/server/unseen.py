"""What the front answers by itself, before the application sees a request or in its place, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from liftgate.engine.meter import CallRecord, Meters
from liftgate.errors import LiftgateError
from liftgate.ids import new_request_id
from liftgate.server.asgi import Header
from liftgate.server.cors import Sharing
from liftgate.server.errors import last_answer
from liftgate.server.metering import Client
from liftgate.server.origin import FORWARDED
from liftgate.server.routes import table_of_path

UNKNOWN_METHOD, UNKNOWN_PATH = "_OTHER", "-"
"""The first as OpenTelemetry calls one that is none; both, so that a line of the log has all its words."""


class Answered(NamedTuple):
    """`method`: empty where it is not known. `size`: of the answer's body. `headers`: those that were read."""

    request_id: str
    method: str
    path: str
    headers: Sequence[Header]
    error: LiftgateError
    size: int

    def note(self, call: CallRecord) -> None:
        """The caller got this, whatever the application made of it."""
        call.request_id = self.request_id
        call.status, call.bytes_out = self.error.http_status, self.size
        call.record_error(self.error)


def note_answered(answered: Answered, peer: str, meters: Meters, client: Client | None = None) -> None:
    """A call of which no more is known. `peer`: whom the connection is from. `client`: as `client_by` says."""
    if meters.on:
        call = meters.begin(answered.request_id)
        call.method, call.path = answered.method or UNKNOWN_METHOD, answered.path or UNKNOWN_PATH
        call.dialect = table_of_path(answered.path).dialect.name
        if client is not None:
            forwarded = [value for name, value in answered.headers if name == FORWARDED]
            call.client_ip = client(peer, b",".join(forwarded) if forwarded else None)
        answered.note(call)
        meters.end(call)


class Front:
    """`origins`: whose pages may read what is refused here. `tell`: who is told of what the application never saw."""

    def __init__(self, origins: Sequence[str] = (), tell: Callable[[Answered, str], None] | None = None) -> None:
        self._sharing = Sharing(origins) if origins else None
        self._tell = tell

    def answer(
        self, error: LiftgateError, target: bytes, headers: Sequence[Header], method: str
    ) -> tuple[bytes, bytes, Answered]:
        """The answer's status line, the rest of it, and what to tell of it. `target`, `headers`, `method`: as far as
        the request was read."""
        path, request_id = target.partition(b"?")[0].decode("latin-1"), new_request_id()
        table = table_of_path(path)
        ours: list[Header] = [(name, request_id.encode()) for name in table.id_headers]
        if self._sharing is not None:
            ours += self._sharing.headers_for(headers)
        line, head, body = last_answer(error, table.dialect, request_id, ours)
        body = b"" if method == "HEAD" else body
        return line, head + body, Answered(request_id, method, path, headers, error, len(body))

    def tell(self, answered: Answered, peer: str) -> None:
        if self._tell is not None:
            self._tell(answered, peer)
