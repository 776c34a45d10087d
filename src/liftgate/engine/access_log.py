"""The access log, a listener of `meter`: one line for every request, as text or as JSON.

Never a query, which may hold a key, a header, a body, or the name of a file.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from liftgate.engine.meter import CallRecord

log = logging.getLogger("liftgate.access")

Write = Callable[[str], None]
"""Takes one line, without its end."""

_encode = msgspec.json.Encoder().encode
LONGEST = 256
"""Characters that are written of a text of the caller's."""


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


class JsonAccessLog:
    """A JSON object for each call, the SDK's too. docs/debugging.md has its fields; what is not known is left out."""

    def ended(self, call: CallRecord) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        fields = access_fields(call)
        line = _encode(fields).decode()
        if not line.isascii():
            # Nothing in it may look like the end of a line, or turn the text round.
            line = json.dumps(fields)
        for handler in log.handlers:
            if isinstance(handler, JsonLineHandler):
                handler.write(line)
                return
        log.info("%s", line)


class JsonLineHandler(logging.Handler):
    """Of the logger `liftgate.access`: writes what is a line already, without a record for each."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        self.write(record.getMessage())


def moment(seconds: float) -> str:
    """UTC, to the millisecond."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=16)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def access_fields(call: CallRecord) -> dict[str, Any]:
    """By their names in the log; times are milliseconds, but for `ts`."""
    fields: dict[str, Any] = {
        "ts": moment(call.began_at + call.total),
        "level": "info" if call.outcome == "ok" else "warning",
        "event": "access",
        "request_id": call.request_id,
        "worker": os.getpid(),
        "method": call.method,
        "route": call.route,
        "status": call.status,
        "bytes_in": call.bytes_in,
        "bytes_out": call.bytes_out,
        "outcome": call.outcome,
        "key": call.key,
        "owner": call.owner,
        "total": _ms(call.total),
    }
    for name, value in (("trace_id", call.trace_id), ("error", call.error), ("user", call.user[:LONGEST])):
        if value:
            fields[name] = value
    if call.operation:
        _add_call(fields, call)
    return fields


def _add_call(fields: dict[str, Any], call: CallRecord) -> None:
    fields |= {
        "dialect": call.dialect,
        "operation": call.operation,
        "model": call.model[:LONGEST],
        "stream": call.streamed,
        "attempts": call.tries,
        "own": _ms(call.own),
    }
    if call.deployment:
        fields |= {
            "upstream_model": call.upstream_model,
            "deployment": call.deployment,
            "account": call.account,
            "fallback": bool(call.failures) and call.failures[0][0] != call.deployment,
            "upstream_first": _ms(call.first_event),
            "upstream": _ms(call.upstream),
        }
    if call.response_id:
        fields["upstream_id"] = call.response_id
    if call.finish:
        fields["finish"] = call.finish
    if call.copies_hit or call.paged_in:
        fields |= {
            "files": sorted({*call.copies_hit, *call.paged_in}),
            "replica": "paged_in" if call.paged_in else "hit",
            "wait_files": _ms(call.files),
            "paged_in_bytes": call.paged_in_bytes,
        }
    if call.usage is not None or call.earlier or call.estimated:
        tokens = call.tokens
        fields |= {
            "in": tokens.prompt_total,
            "cached": sum(tokens.cached.values()),
            "out": sum(tokens.output.values()),
            "reasoning": tokens.thoughts,
            "by_modality": tokens.prompt,
            "cost_usd": None if call.cost is None else call.cost / 1e9,
        }
        if call.estimated:
            fields["estimated"] = True


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
