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
from json.encoder import encode_basestring_ascii

import msgspec

from liftgate.engine.meter import CallRecord, Calls, OnEnd
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.prices import TextCounts

log = logging.getLogger("liftgate.access")

Write = Callable[[str], None]
SOON = 0.01
"""Seconds for which a line waits for others, at most."""
TOGETHER = 4096
"""Bytes that are written together at most: a pipe takes so many whole, and lines of several processes never mix."""

_encode = msgspec.json.Encoder().encode
MOST = 512
"""Lines that wait, at most."""
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
        form = ""

        def write(calls: Calls) -> None:
            nonlocal form
            if not log.isEnabledFor(logging.INFO):
                return
            if is_whole:
                form = form or _form_of(calls.all[0])
                lines = [form % _varying(call) for call in calls.all]
            else:
                lines = [_as_json(access_fields(call)) for call in calls.all]
            for handler in log.handlers:
                if type(handler) is JsonLineHandler:
                    handler.take(lines)
                    return
            for line in lines:
                log.info("%s", line)

        return write


class JsonLineHandler(logging.Handler):
    """The handler of the logger `liftgate.access`. It is given finished lines instead of log records, in ASCII, so that
    no character in a line can end it or reverse the text. Lines of one moment are written together; `logging.shutdown`
    writes those that still wait. `write` gets lines without the last line's end; `clean` hides the secrets in all of
    them at once."""

    def __init__(self, write: Write, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._write = write
        self._clean = clean
        self._waiting: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def take(self, lines: Sequence[str]) -> None:
        """To be written within `SOON` seconds; at once where no event loop runs."""
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
        text, begins = self._clean("\n".join(lines)), 0
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


_VARY = {
    "ts": '"%s.%03dZ"',
    "request_id": '"%s"',
    "bytes_in": "%d",
    "bytes_out": "%d",
    "total": "%.2f",
    "own": "%.2f",
    "upstream_first": "%.2f",
    "upstream": "%.2f",
    "in": "%d",
    "cached": "%d",
    "out": "%d",
    "reasoning": "%d",
    "by_modality": "%s",
    "cost_usd": "%s",
}
"""Fields of a call that is like another, in the order in which their values are given."""
_FREE = ("trace_id", "user", "upstream_id")


def _form_of(call: CallRecord) -> str:
    """The line of calls like this one, with a place for each value that varies, and for free text."""
    written = []
    for name, value in access_fields(call).items():
        if name in _VARY:
            written.append(f'"{name}":{_VARY[name]}')
        elif name not in _FREE:
            written.append(f'"{name}":{json.dumps(value)}'.replace("%", "%%"))
    return "{" + ",".join(written) + "%s}"


def _varying(call: CallRecord) -> tuple[object, ...]:
    tokens, cost, total = call.tokens, call.cost, call.total
    if type(tokens) is TextCounts:
        sent, cached, made, thoughts = tokens.sent, 0, tokens.made, tokens.thoughts
        by_modality = f'{{"TEXT":{sent}}}' if sent else "{}"
    else:
        prompt = tokens.prompt
        sent, cached, made = sum(prompt.values()), sum(tokens.cached.values()), sum(tokens.output.values())
        thoughts, by_modality = tokens.thoughts, _as_json(dict(prompt))
    ended = call.began_at + total
    second = int(ended)
    return (
        _second(second),
        int((ended - second) * 1000),
        call.request_id,
        call.bytes_in,
        call.bytes_out,
        total * 1000,
        call.own * 1000,
        call.first_event * 1000,
        call.upstream * 1000,
        sent,
        cached,
        made,
        thoughts,
        by_modality,
        "null" if cost is None else repr(cost / 1e9),
        _free_text(call),
    )


def _free_text(call: CallRecord) -> str:
    if not call.trace_id and not call.user and call.response_id:
        return f',"upstream_id":{encode_basestring_ascii(call.response_id)}'
    texts = {"trace_id": call.trace_id, "user": call.user[:LONGEST], "upstream_id": call.response_id}
    return "".join([f',"{name}":{_as_json(value)}' for name, value in texts.items() if value])


def _as_json(value: JsonMapping | str) -> str:
    line = _encode(value).decode()
    return line if line.isascii() else json.dumps(value)


def moment(seconds: float) -> str:
    """UTC, to the millisecond."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=16)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


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
    return round(seconds * 1000, 2)
