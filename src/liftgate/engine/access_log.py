"""The access log, a listener of `meter`: one line for every request, as text or as JSON.

Never a query, which may hold a key, a header, a body, or the name of a file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from liftgate.engine.meter import CallRecord, Calls, OnEnd
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.prices import TEXT, TextCounts

log = logging.getLogger("liftgate.access")

Write = Callable[[str], None]
SOON = 0.01
"""Seconds for which a line waits for others, at most."""
TOGETHER = 4096
"""Bytes that are written together at most: a pipe takes so many whole, and lines of several processes never mix."""

_encode = msgspec.json.Encoder().encode
MOST = 512
"""Texts of one or some lines that wait, at most."""
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
        self.of_kind(call)(Calls((call,)))

    def of_kind(self, call: CallRecord) -> OnEnd:
        # Whole answers of one kind differ in a few values: the rest of their lines is written once.
        is_whole = call.is_plain and bool(call.deployment and call.operation)
        head = b""
        cleaned_by: JsonLineHandler | None = None

        def write(calls: Calls) -> None:
            nonlocal head, cleaned_by
            if not log.isEnabledFor(logging.INFO):
                return
            handler = next((each for each in log.handlers if type(each) is JsonLineHandler), None)
            if is_whole:
                head = head or _head_of(calls.all[0])
                if (lines := _lines_of(head, calls.all)) is not None:
                    if handler is None:
                        for line in lines.split("\n"):
                            log.info("%s", line)
                    elif cleaned_by is handler:
                        handler.take((lines,), outside="\n".join([_of_others(each) for each in calls.all]))
                    else:
                        handler.take((lines,))
                        cleaned_by = handler if handler.is_clean(head.decode()) else None
                    return
            written = [_as_json(access_fields(call)) for call in calls.all]
            if handler is not None:
                handler.take(written)
                return
            for line in written:
                log.info("%s", line)

        return write


class JsonLineHandler(logging.Handler):
    """The handler of the logger `liftgate.access`. It is given finished lines instead of log records, in ASCII, so that
    no character in a line can end it or reverse the text. Lines of one moment are written together; `logging.shutdown`
    writes those that still wait. `write` gets lines without the last line's end; `clean` hides secrets."""

    def __init__(self, write: Write, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._write = write
        self._clean = clean
        self._waiting: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def is_clean(self, text: str) -> bool:
        """Whether nothing of it is to be hidden."""
        return self._clean(text) == text

    def take(self, lines: Sequence[str], outside: str | None = None) -> None:
        """To be written within `SOON` seconds; at once where no event loop runs. `outside`: all that came from outside
        in lines that are known to be clean else; without it secrets are looked for in the whole."""
        if outside is None or not self.is_clean(outside):
            lines = (self._clean("\n".join(lines)),)
        self._waiting += lines
        if len(self._waiting) > MOST:
            self.flush()
        if self._loop is None or self._loop.is_closed():
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
                return
            self._loop.call_later(SOON, self._is_due)

    def _is_due(self) -> None:
        self._loop = None
        self.flush()

    def flush(self) -> None:
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        text, begins = "\n".join(lines), 0
        while len(text) - begins >= TOGETHER:
            end = text.rfind("\n", begins, begins + TOGETHER)
            if end < 0 and (end := text.find("\n", begins)) < 0:
                break
            self._write(text[begins:end])
            begins = end + 1
        self._write(text[begins:] if begins else text)

    def emit(self, record: logging.LogRecord) -> None:
        self.flush()
        self._write(self._clean(record.getMessage()))


class _Varying(msgspec.Struct, omit_defaults=True):
    """What a call has for itself that is like another, by the names of `access_fields`."""

    ts: str
    request_id: str
    bytes_in: int
    bytes_out: int
    total: float
    own: float
    upstream_first: float
    upstream: float
    sent: int = msgspec.field(name="in")
    cached: int
    out: int
    reasoning: int
    by_modality: dict[str, int]
    cost_usd: float | None
    trace_id: str = ""
    user: str = ""
    upstream_id: str = ""


_VARY = frozenset(each.encode_name for each in msgspec.structs.fields(_Varying))


def _head_of(call: CallRecord) -> bytes:
    """The beginning of the lines of calls like this one: all that does not vary."""
    fields = {name: value for name, value in access_fields(call).items() if name not in _VARY}
    return json.dumps(fields, separators=(",", ":"))[:-1].encode() + b","


def _lines_of(head: bytes, calls: Sequence[CallRecord]) -> str | None:
    """None where somebody else's text is not of ASCII alone."""
    lines = b"\n".join([head + _encode(_varying(call))[1:] for call in calls])
    return lines.decode() if lines.isascii() else None


def _varying(call: CallRecord) -> _Varying:
    tokens, cost, total = call.tokens, call.cost, call.total
    if type(tokens) is TextCounts:
        sent, cached, made, thoughts = tokens.sent, 0, tokens.made, tokens.thoughts
        by_modality = {TEXT: sent} if sent else {}
    else:
        by_modality = dict(tokens.prompt)
        sent, cached, made = sum(by_modality.values()), sum(tokens.cached.values()), sum(tokens.output.values())
        thoughts = tokens.thoughts
    return _Varying(
        _moment(int((call.began_at + total) * 1000)),
        call.request_id,
        call.bytes_in,
        call.bytes_out,
        int(total * 1e5 + 0.5) / 100,
        int(call.own * 1e5 + 0.5) / 100,
        int(call.first_event * 1e5 + 0.5) / 100,
        int(call.upstream * 1e5 + 0.5) / 100,
        sent,
        cached,
        made,
        thoughts,
        by_modality,
        None if cost is None else cost / 1e9,
        call.trace_id,
        call.user[:LONGEST],
        call.response_id,
    )


def _of_others(call: CallRecord) -> str:
    """What others say in its line."""
    return f"{call.response_id} {call.user} {call.trace_id}" if call.user or call.trace_id else call.response_id


def _as_json(value: JsonMapping) -> str:
    line = _encode(value).decode()
    return line if line.isascii() else json.dumps(value)


def moment(seconds: float) -> str:
    """UTC, to the millisecond."""
    return _moment(int(seconds * 1000))


@lru_cache(maxsize=64)
def _moment(thousandths: int) -> str:
    second, rest = divmod(thousandths, 1000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def access_fields(call: CallRecord) -> JsonObject:
    """By their names in the log; times are milliseconds, but for `ts`."""
    fields: JsonObject = {
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


def _add_call(fields: JsonObject, call: CallRecord) -> None:
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
            "by_modality": dict(tokens.prompt),
            "cost_usd": None if call.cost is None else call.cost / 1e9,
        }
        if call.estimated:
            fields["estimated"] = True


def _ms(seconds: float) -> float:
    return int(seconds * 1e5 + 0.5) / 100
