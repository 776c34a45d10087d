"""Traces: a listener of the meter that makes spans of sampled calls, and sends them by OTLP over HTTP, as JSON.

Whether a call is sampled is decided first, from its `traceparent` or the ratio; of others nothing is made. The names
are those of OpenTelemetry's conventions (HTTP, and GenAI 1.41). No content is in them, and nothing of a trace goes to
Google.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

import aiohttp
import msgspec

from liftgate.engine.call_record import CallRecord
from liftgate.errors import ConfigError
from liftgate.settings.sections import CountingSettings

log = logging.getLogger("liftgate.engine")

MOST_WAITING = 10_000
"""Calls that wait to be sent; of more the oldest are lost."""
BATCH = 200
SEND_SECONDS = 10.0
NO_SPAN = "0" * 16

SERVER, CLIENT, INTERNAL = 2, 3, 1
"""OTLP's kinds of spans."""
FAILED = 2

_CONVENTIONAL = {"chat": "chat"}

_encode = msgspec.json.Encoder().encode
Span = dict[str, Any]


def open_traces(settings: CountingSettings) -> Traces:
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
    return Traces(endpoint, headers, settings.traces_ratio, metadata.version("liftgate"))


class Traces:
    """`endpoint`: where OTLP's traces are taken, `…/v1/traces`. `ratio`: of the calls whose caller has no trace."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], ratio: float, version: str) -> None:
        self._endpoint = endpoint
        self._headers = {**headers, "Content-Type": "application/json"}
        self._limit = int(ratio * 2**32)
        self._resource = {
            "attributes": _attributes(
                {"service.name": "liftgate", "service.version": version, "telemetry.sdk.name": "liftgate"}
            )
        }
        self._waiting: deque[CallRecord] = deque(maxlen=MOST_WAITING)
        self._sending = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    def ended(self, call: CallRecord) -> None:
        sampled = call.sampled if call.trace_id else bool(self._limit) and int(token_hex(4), 16) < self._limit
        if sampled:
            self._waiting.append(call)

    async def send(self) -> None:
        """What has ended by now. A collector that takes nothing costs these spans, and nothing else."""
        async with self._sending:
            while self._waiting:
                calls = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                spans = [span for call in calls for span in spans_of(call)]
                body = _encode(
                    {
                        "resourceSpans": [
                            {
                                "resource": self._resource,
                                "scopeSpans": [{"scope": {"name": "liftgate"}, "spans": spans}],
                            }
                        ]
                    }
                )
                if self._session is None:
                    self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SEND_SECONDS))
                try:
                    async with self._session.post(self._endpoint, data=body, headers=self._headers) as answer:
                        if answer.status >= 400:
                            log.warning("the collector refused %d spans: %d", len(spans), answer.status)
                except (OSError, TimeoutError, aiohttp.ClientError) as error:
                    log.warning("%d spans are lost, the collector cannot be had: %s", len(spans), type(error).__name__)
                    return

    async def close(self) -> None:
        await self.send()
        if self._session is not None:
            await self._session.close()


def spans_of(call: CallRecord) -> list[Span]:
    """The call; Google's part of it; what it waited for files. Children lie inside their parent."""
    trace = call.trace_id or token_hex(16)
    began, ended = call.began_at, call.began_at + call.total
    server = _span(trace, call.parent_span, _server_name(call), SERVER, began, ended)
    server["attributes"] = _attributes(_of_request(call))
    if call.outcome == "failed":
        server["status"] = {"code": FAILED, "message": call.error}
    spans = [server]
    if call.tries:
        asked = began + max(0.0, call.asked - call.started)
        if call.files:
            waited = _span(trace, server["spanId"], "liftgate.files", INTERNAL, asked, min(ended, asked + call.files))
            waited["attributes"] = _attributes(
                {
                    "liftgate.file.ids": sorted({*call.copies_hit, *call.paged_in}),
                    "liftgate.files.paged_in": len(call.paged_in),
                    "liftgate.files.paged_in_bytes": call.paged_in_bytes,
                    "liftgate.account": call.account,
                }
            )
            spans.append(waited)
        start = min(ended, asked + call.files)
        client = _span(
            trace, server["spanId"], _client_name(call), CLIENT, start, min(ended, start + call.upstream + call.pauses)
        )
        client["attributes"] = _attributes(_of_model(call))
        client["events"] = [
            {
                "name": "liftgate.failed_try",
                "timeUnixNano": client["startTimeUnixNano"],
                "attributes": _attributes({"liftgate.deployment": deployment, "error.type": error}),
            }
            for deployment, error in call.failures
        ]
        if call.error and call.tries == len(call.failures):
            client["status"] = {"code": FAILED, "message": call.error}
        spans.append(client)
    return spans


def _span(trace: str, parent: str, name: str, kind: int, began: float, ended: float) -> Span:
    span: Span = {
        "traceId": trace,
        "spanId": token_hex(8),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(int(began * 1e9)),
        "endTimeUnixNano": str(int(ended * 1e9)),
    }
    if parent:
        span["parentSpanId"] = parent
    return span


def _server_name(call: CallRecord) -> str:
    return f"{call.method} {call.route}".strip() if call.method else f"liftgate {call.operation}"


def _client_name(call: CallRecord) -> str:
    return f"{_operation(call)} {call.upstream_model}"


def _operation(call: CallRecord) -> str:
    """By the conventions' names; Gemini's own methods, `embedContent` and its like, are two of them."""
    return _CONVENTIONAL.get(call.operation) or ("embeddings" if "mbed" in call.operation else "generate_content")


def _of_request(call: CallRecord) -> dict[str, Any]:
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


def _of_model(call: CallRecord) -> dict[str, Any]:
    tokens = call.tokens
    known = call.usage is not None or bool(call.earlier) or call.estimated
    return {
        "gen_ai.operation.name": _operation(call),
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": call.upstream_model,
        "gen_ai.response.model": call.served_by or None,
        "gen_ai.response.id": call.response_id or None,
        "gen_ai.response.finish_reasons": [str(call.finish)] if call.finish else None,
        "gen_ai.response.time_to_first_chunk": call.first_event if call.streamed else None,
        "gen_ai.usage.input_tokens": tokens.prompt_total if known else None,
        "gen_ai.usage.output_tokens": sum(tokens.output.values()) + tokens.thoughts if known else None,
        "gen_ai.usage.cache_read.input_tokens": sum(tokens.cached.values()) if known else None,
        "gen_ai.usage.reasoning.output_tokens": tokens.thoughts if known else None,
        "operation.cost": call.cost / 1e9 if known and call.cost is not None else None,
        "error.type": call.error or None,
        "liftgate.deployment": call.deployment,
        "liftgate.account": call.account,
        "liftgate.tries": call.tries,
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value is not None]


def _value(value: bool | int | float | str | Sequence[str]) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [_value(each) for each in value]}}
