"""The access log, a listener of `meter`: one line for every request.

Method, path, status, milliseconds, bytes sent, owner, request id. Never the query, which may hold a key, and never a
header.
"""

from __future__ import annotations

import logging

from liftgate.engine.meter import CallRecord

log = logging.getLogger("liftgate.access")


class AccessLog:
    def ended(self, call: CallRecord) -> None:
        """Status 0: the client left before there was an answer. A call of the SDK has no line: there was no request."""
        if not call.method:
            return
        # `ascii` keeps control characters of a hostile path out of the log, wherever it is written. A space would look
        # like the end of the path.
        path = ascii(call.path)[1:-1].replace(" ", "\\x20")
        log.info(
            "%s %s %d %.1fms %dB %s %s",
            call.method,
            path,
            call.status,
            call.total * 1000,
            call.bytes_out,
            call.owner or "-",
            call.request_id,
        )
