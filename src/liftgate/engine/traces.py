"""Traces: a listener of the meter that sends the spans of sampled calls, by OTLP over HTTP, as JSON.

Whether a call is sampled is decided at its beginning, by its `traceparent` or the ratio; of others nothing is made. The
names are those of OpenTelemetry's conventions (HTTP, and GenAI 1.41). No content is in them, and nothing of a trace
goes to Google.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random  # noqa: TID251 - which calls are sampled; ids come from secrets
from secrets import token_hex
from urllib.parse import urlsplit

import aiohttp
import msgspec

from liftgate.backoff import COLLECTOR
from liftgate.clock import Clock
from liftgate.engine.call_record import Attempt, CallRecord
from liftgate.engine.openinference import openinference_of
from liftgate.errors import ConfigError
from liftgate.http.network import network_reason
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.settings.sections import CountingSettings
from liftgate.spans import CLIENT, INTERNAL, SERVER, Span, Trace, active

log = logging.getLogger("liftgate.engine")

MOST_WAITING = 20_000
"""Spans that wait to be sent; of more the oldest are lost."""
BATCH = 500
SEND_SECONDS = 10.0
FAILED = 2
"""OTLP's status of a span."""
COMES_AGAIN = (429, 502, 503, 504)
"""What a collector answers that is to be asked again, as OTLP says."""

_encode = msgspec.json.Encoder().encode


def open_traces(settings: CountingSettings, clock: Clock) -> Traces:
    """Raises ConfigError."""
    from importlib import metadata  # A tenth of a gateway's start, for those who trace.

    endpoint = settings.traces_endpoint
    if not endpoint.startswith(("http://", "https://")):
        raise ConfigError(
            "traces_endpoint: expected the address of a collector, such as http://127.0.0.1:4318/v1/traces."
        )
    if settings.traces_ratio > 1:
        raise ConfigError("traces_ratio: expected a part, from 0 to 1.")
    headers = {}
    for number, header in enumerate(settings.traces_headers):
        name, between, value = header.partition("=")
        if not between or not name.strip():
            raise ConfigError(f"traces_headers[{number}]: expected name=value.")
        headers[name.strip()] = value.strip()
    if settings.traces_names not in ("gen_ai", "openinference"):
        raise ConfigError("traces_names: expected gen_ai or openinference.")
    traces = Traces(endpoint, headers, settings.traces_ratio, metadata.version("liftgate"), clock)
    traces.openinference = settings.traces_names == "openinference"
    return traces


class Traces:
    """`endpoint`: where OTLP's traces are taken, `…/v1/traces`. `ratio`: of the calls whose caller has no trace."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], ratio: float, version: str, clock: Clock) -> None:
        self.openinference = False
        self._endpoint = endpoint
        self._headers = {**headers, "Content-Type": "application/json"}
        self._ratio = ratio
        self._dice = Random().random
        self._clock = clock
        self._resource = {
            "attributes": _attributes(
                {"service.name": "liftgate", "service.version": version, "telemetry.sdk.name": "liftgate"}
            )
        }
        self._waiting: deque[Span] = deque(maxlen=MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._refused = 0
        self._again_at = 0.0
        self._session: aiohttp.ClientSession | None = None

    def begin(self, call: CallRecord, state: str) -> None:
        """Decides whether it is sampled; `state`: the caller's `tracestate`."""
        if not (call.sampled if call.trace_id else self._ratio and self._dice() < self._ratio):
            return
        call.sampled = True
        call.trace_id = call.trace_id or token_hex(16)
        trace = Trace(call.trace_id, state, call.began_at, call.started, self._waiting.append)
        call.span = Span(trace, "", call.parent_span, SERVER, call.began_at)
        active.set(call.span)

    def ended(self, call: CallRecord) -> None:
        if call.span is not None:
            spans = spans_of(call, call.span)
            if self.openinference:
                for span in spans:
                    span.attributes |= openinference_of(span)
            self._waiting.extend(spans)

    async def send(self) -> None:
        """What has ended by now, unless the collector asked for a pause. One that takes nothing for long costs the
        oldest spans, and nothing else."""
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())
        # Who gives it up, as at the end of the gateway, leaves it to `close`: what is under way is sent once.
        await asyncio.shield(self._sending)

    async def _send(self) -> None:
        while self._waiting and self._clock.monotonic() >= self._again_at:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not await self._taken(batch):
                # What came meanwhile is newer.
                room = MOST_WAITING - len(self._waiting)
                self._waiting.extendleft(reversed(batch[-room:] if room else ()))

    async def _taken(self, batch: Sequence[Span]) -> bool:
        """False where it is to be sent again, later."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SEND_SECONDS))
        asked, why = None, ""
        try:
            async with self._session.post(
                self._endpoint, data=self._written(batch), headers=self._headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(64 * 1024)
                if answer.status not in COMES_AGAIN:
                    self._refused = 0
                    _tell(answer.status, body, len(batch))
                    return True
                why, asked = f"it answered {answer.status}", _seconds(answer.headers.get("Retry-After", ""))
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            why = network_reason(getattr(error, "os_error", error)) or "it does not answer"
        pause = COLLECTOR.pause(self._refused, asked)
        self._refused += 1
        self._again_at = self._clock.monotonic() + pause
        if self._refused == 1:
            log.warning("the collector of traces takes nothing (%s); spans wait", why)
        return False

    def _written(self, batch: Sequence[Span]) -> bytes:
        scope = {"scope": {"name": "liftgate"}, "spans": [_span(each) for each in batch]}
        return _encode({"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]})

    async def close(self) -> None:
        if self._sending is not None:
            await asyncio.wait({self._sending})
        self._again_at = 0.0
        await self.send()
        if self._waiting:
            log.warning("%d spans are lost: the collector cannot be had", len(self._waiting))
        if self._session is not None:
            await self._session.close()


def _tell(status: int, body: bytes, count: int) -> None:
    """What a collector has not taken, and will never take."""
    if status >= 300:
        log.warning("the collector refused %d spans: %d", count, status)
        return
    try:
        taken = msgspec.json.decode(body, type=_Answer).partial
    except msgspec.DecodeError:
        return  # The protobuf form, or nothing: it has taken all.
    if taken.rejected and taken.rejected != "0":
        log.warning("the collector refused %s of %d spans: %s", taken.rejected, count, ascii(taken.message[:200]))


class _Partial(msgspec.Struct):
    rejected: int | str = msgspec.field(name="rejectedSpans", default=0)
    message: str = msgspec.field(name="errorMessage", default="")


class _Answer(msgspec.Struct):
    partial: _Partial = msgspec.field(name="partialSuccess", default_factory=_Partial)


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def spans_of(call: CallRecord, server: Span) -> list[Span]:
    """The call; each time that Google was asked for it; what it waited for files. Children lie inside their parent."""
    trace, ended = server.trace, call.started + call.total
    server.name = f"{call.method} {call.route}".strip() if call.method else f"liftgate {call.operation}"
    server.kind = SERVER if call.method else INTERNAL
    server.ended = trace.at(ended)
    server.attributes |= _of_request(call)
    server.error, server.counts_as_failed = call.error, call.outcome == "failed"
    spans = [server]
    if call.tries and call.files:
        # Before Google is asked. What had to be carried there, then or later, has spans of its own.
        until = call.attempts[0].began if call.attempts else ended
        waited = server.child("liftgate.files", call.asked)
        waited.ended = max(waited.began, trace.at(min(until, call.asked + call.files)))
        waited.attributes = {
            "liftgate.file.ids": sorted({*call.copies_hit, *call.paged_in}),
            "liftgate.files.paged_in": len(call.paged_in),
            "liftgate.files.paged_in_bytes": call.paged_in_bytes,
            "liftgate.account": call.account,
        }
        spans.append(waited)
    # What was refused before Google was asked is no call of Google's.
    for number, attempt in enumerate(call.attempts if call.upstream or not call.error else (), 1):
        operation = call.operation
        span = server.child(f"{operation} {attempt.deployment.model}", attempt.began, kind=CLIENT)
        span.attributes = _of_attempt(call, attempt, operation, number)
        span.error = attempt.error
        answered = not attempt.ended
        span.ended = max(span.began, trace.at(min(ended, attempt.ended or ended)))
        if answered:
            span.error = call.error if call.outcome == "failed" else ""
            span.attributes |= _of_answer(call)
        spans.append(span)
    return spans


def _of_request(call: CallRecord) -> JsonObject:
    return {
        "http.request.method": call.method or None,
        "http.route": call.route or None,
        "http.response.status_code": call.status or None,
        "error.type": call.error or None,
        "liftgate.request_id": call.request_id,
        "liftgate.owner": call.owner or None,
        "liftgate.key": call.key or None,
        "liftgate.own_ms": round(call.own * 1000, 3),
    }


def _of_attempt(call: CallRecord, attempt: Attempt, operation: str, number: int) -> JsonObject:
    place = urlsplit(attempt.deployment.account.api_base)
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": attempt.deployment.model,
        "server.address": place.hostname,
        "server.port": place.port,
        "error.type": attempt.error or None,
        "liftgate.deployment": attempt.deployment.id,
        "liftgate.account": attempt.deployment.account.name,
        "liftgate.attempt": number,
    }


def _of_answer(call: CallRecord) -> JsonObject:
    tokens = call.tokens
    known = call.usage is not None or bool(call.earlier) or call.estimated
    return {
        "gen_ai.response.model": call.served_by or None,
        "gen_ai.response.id": call.response_id or None,
        "gen_ai.response.finish_reasons": [str(call.finish)] if call.finish else None,
        "gen_ai.response.time_to_first_chunk": call.first_event if call.streamed else None,
        "gen_ai.usage.input_tokens": tokens.prompt_total if known else None,
        "gen_ai.usage.output_tokens": sum(tokens.output.values()) + tokens.thoughts if known else None,
        "gen_ai.usage.cache_read.input_tokens": sum(tokens.cached.values()) if known else None,
        "gen_ai.usage.reasoning.output_tokens": tokens.thoughts if known else None,
        "operation.cost": call.cost / 1e9 if known and call.cost is not None else None,
    }


def _span(span: Span) -> JsonObject:
    """As OTLP has it."""
    written: JsonObject = {
        "traceId": span.trace.id,
        "spanId": span.id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(int(span.began * 1e9)),
        "endTimeUnixNano": str(int(span.ended * 1e9)),
        "attributes": _attributes({"error.type": span.error or None, **span.attributes}),
    }
    if span.parent:
        written["parentSpanId"] = span.parent
    if span.trace.state:
        written["traceState"] = span.trace.state
    if span.links:
        written["links"] = [{"traceId": trace, "spanId": of} for trace, of in span.links]
    if span.error and span.counts_as_failed:
        written["status"] = {"code": FAILED, "message": span.error}
    return written


def _attributes(values: JsonMapping) -> list[JsonObject]:
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value is not None]


def _value(value: bool | int | float | str | Sequence[str]) -> JsonObject:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [_value(each) for each in value]}}
