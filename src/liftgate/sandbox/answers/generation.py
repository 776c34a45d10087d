"""generateContent, streamGenerateContent, countTokens: from the bytes of a request to the reply.

Order as at Google: key, model, syntax, rules, files. Then a queued script answers where one fits, otherwise the
computed answer does. The errors are `Refusal`s; how they are written on a stream is the app's.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from liftgate.sandbox.answers.answers import answer
from liftgate.sandbox.answers.replies import details, events, whole
from liftgate.sandbox.answers.signatures import check_signatures
from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.prompt import read_prompt
from liftgate.sandbox.requests.refusals import Refusal, inline_too_big, model_unknown, too_many_tokens
from liftgate.sandbox.requests.request_rules import check_request
from liftgate.sandbox.scripts import Script
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.status_faults import default_error
from liftgate.sandbox.wire import json_text
from liftgate.sandbox.wire.http import JSON_TYPE, Exchange, Hangup, Reply, api_headers, api_reply, json_bytes
from liftgate.sandbox.wire.strict_json import check_message

TIER = ("x-gemini-service-tier", "standard")
"""On every unstreamed answer since May 2026, and on no stream (143 of 143, 0 of 69 recorded)."""


@dataclass(frozen=True)
class Call:
    """A call of a model's method by somebody."""

    model: str
    method: str
    version: str
    key: str
    project: str
    operation: str

    @property
    def streamed(self) -> bool:
        return self.method == "streamGenerateContent"


async def generate(state: SandboxState, exchange: Exchange, call: Call) -> Reply:
    """generateContent and streamGenerateContent."""
    body = await _body(state, exchange)
    model = _model(state, call)
    loaded = json_text.load(body)
    state.stats.body(call.operation, call.model, call.key, call.project, loaded)
    request = check_message(
        loaded,
        "GenerateContentRequest",
        accept_optional=state.switches.schema_additional_properties == "accept",
        two_spellings=state.switches.two_spellings == "accept",
    )
    check_request(request, model)
    if model.signs and state.settings.demand_signatures:
        check_signatures(request["contents"], foreign=state.switches.foreign_signatures)
    prompt = await read_prompt(state, model, request, call.project, call.operation)
    if (allowed := state.settings.input_tokens) is not None and (counted := prompt.token_counts().total()) > allowed:
        raise too_many_tokens(counted, allowed)
    script = state.scripts.draw(call.model, call.key, streamed=call.streamed)
    if script is not None:
        return await _scripted(state, exchange, call, script)
    count = prompt.config.get("candidateCount", 1)
    answers = [answer(prompt, number, count) for number in range(count)]
    if call.streamed:
        return _stream(state, exchange, events(prompt, answers))
    return api_reply(200, whole(prompt, answers), TIER)


async def count_tokens(state: SandboxState, exchange: Exchange, call: Call) -> Reply:
    """countTokens, with contents or with a whole generateContentRequest."""
    body = await _body(state, exchange)
    model = _model(state, call)
    request = check_message(json_text.load(body), "CountTokensRequest")
    inner = request.get("generateContentRequest")
    if inner is not None:
        if request.get("contents"):
            raise Refusal(400, "Only one of contents and generate_content_request can be set.")
        if not str(inner.get("model", "")).startswith("models/"):
            raise Refusal(400, "* CountTokensRequest.generate_content_request.model: unexpected model name format\n")
    prompt = await read_prompt(state, model, inner or request, call.project, call.operation)
    if not prompt.contents:
        raise Refusal(400, "* CountTokensRequest.contents: contents is not specified\n")
    counts = prompt.token_counts()
    return api_reply(200, {"totalTokens": counts.total(), "promptTokensDetails": details(counts)})


async def _body(state: SandboxState, exchange: Exchange) -> bytes:
    body = await exchange.body(state.settings.inline_limit)
    if body is None:
        raise inline_too_big(state.settings.inline_limit)
    return body


def _model(state: SandboxState, call: Call) -> ModelFacts:
    model = state.model(call.model)
    if model is None or not (model.generates or call.method == "countTokens"):
        method = "generateContent" if call.streamed else call.method
        raise model_unknown(call.model, call.version, method)
    return model


async def _scripted(state: SandboxState, exchange: Exchange, call: Call, script: Script) -> Reply:
    await exchange.pause(script.delay)
    extra = tuple(script.headers.items())
    if script.body is not None:
        if isinstance(script.body, str):
            return Reply(script.status, api_headers("text/html; charset=UTF-8", *extra), script.body.encode())
        return api_reply(script.status, script.body, *extra)
    if not call.streamed:
        return api_reply(script.status, script.response, TIER, *extra)
    if script.raw is not None:
        return Reply(script.status, _stream_headers(exchange, *extra), _raw(exchange, script, script.raw))
    chunks = script.chunks if script.chunks is not None else [script.response]
    return _stream(state, exchange, chunks, script)


async def _raw(exchange: Exchange, script: Script, raw: bytes) -> AsyncGenerator[bytes, None]:
    yield raw
    await _finish(exchange, script)


def _stream_headers(exchange: Exchange, *extra: tuple[str, str]) -> list[tuple[str, str]]:
    if not exchange.wants_events:
        return api_headers(JSON_TYPE, *extra)
    return api_headers("text/event-stream", ("content-disposition", "attachment"), *extra)


def _stream(state: SandboxState, exchange: Exchange, chunks: Iterable[object], script: Script | None = None) -> Reply:
    """SSE with alt=sse, else one JSON array that grows; both with Google's separators."""
    sse = exchange.wants_events
    cut = exchange.plan.first("stream_error")

    async def content() -> AsyncGenerator[bytes, None]:
        sent = 0
        for number, chunk in enumerate(chunks):
            if cut is not None and sent >= cut.after_events:
                yield _error(state, cut.body or default_error(cut.code), sent, sse=sse)
                return
            delay = script.delays[number] if script is not None and number < len(script.delays) else None
            await exchange.pause(state.settings.chunk_delay if delay is None else delay)
            if sse:
                yield b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n"
            else:
                yield (b",\r\n" if sent else b"[") + json_bytes(chunk)
            sent += 1
        if script is not None:
            await _finish(exchange, script)
        if not sse:
            yield b"]" if sent else b"[]"

    return Reply(200, _stream_headers(exchange), content())


def _error(state: SandboxState, body: object, sent: int, *, sse: bool) -> bytes:
    if not sse:
        return (b",\r\n" if sent else b"[") + json_bytes(body) + b"]"
    if state.switches.midstream_error == "data":
        return b"data: " + msgspec.json.encode(body) + b"\r\n\r\n"
    return json_bytes(body)


async def _finish(exchange: Exchange, script: Script) -> None:
    if script.end != "complete":
        # What was sent must have left before a reset overtakes it.
        with suppress(Hangup):
            await exchange.pause(0.05)
        raise Hangup("the script ends so", reset=script.end == "reset")
