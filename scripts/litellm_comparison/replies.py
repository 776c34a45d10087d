"""Gemini's replies that both translators are given, whole and streamed, and its errors; the questions are plain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litellm_comparison.cases import ASK, NEW, OLD, PAINTING, PNG, SPEAKING, TOOLS

COUNTS = {"promptTokenCount": 10, "candidatesTokenCount": 3, "totalTokenCount": 13}
PCM = "AAECAwQFBgcICQoL"
SIGNED = "c2lnbmF0dXJl"


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    return found if finish is None else {**found, "finishReason": finish}


def reply(*candidates: dict[str, Any], usage: dict[str, Any] | None = COUNTS, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"candidates": list(candidates), "modelVersion": OLD, "responseId": "r1", **more}
    return body if usage is None else {**body, "usageMetadata": usage}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"text": value, **more}


def called(name: str = "look", args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, **({} if args is None else {"args": args})}, **more}


def grounded(*supports: dict[str, Any]) -> dict[str, Any]:
    chunks = [{"web": {"uri": f"https://{name}.example", "title": name}} for name in ("a", "b")]
    return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": list(supports)}}


def support(end: int, *indices: int, start: int | None = None) -> dict[str, Any]:
    segment: dict[str, Any] = {"endIndex": end} if start is None else {"startIndex": start, "endIndex": end}
    return {"segment": segment, "groundingChunkIndices": list(indices)}


AUDIO = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": PCM}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": PNG}}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(4)"}}
OUTCOME = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}}
SEARCHED = {
    **COUNTS,
    "toolUsePromptTokenCount": 20,
    "totalTokenCount": 33,
}
AUDIO_PROMPT = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 900,
    "candidatesTokenCount": 3,
    "totalTokenCount": 1003,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 990}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 900}],
}
THOUGHT = {**COUNTS, "thoughtsTokenCount": 7, "totalTokenCount": 20}
LOGPROBS = {
    "logprobsResult": {
        "chosenCandidates": [{"token": "né", "tokenId": 1, "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "né", "tokenId": 1, "logProbability": -0.5}]}],
    },
    "avgLogprobs": -0.5,
}

REPLIES: dict[str, dict[str, Any]] = {
    "text": reply(candidate(text("hello"))),
    "two parts": reply(candidate(text("hel"), text("lo"))),
    "thoughts": reply(candidate(text("T", thought=True), text("hello")), usage=THOUGHT),
    "signed text": reply(candidate(text("hello", thoughtSignature=SIGNED))),
    "cut": reply(candidate(text("hel"), finish="MAX_TOKENS")),
    "cut call": reply(candidate(called(args={"a": 1}), finish="MAX_TOKENS")),
    "a call": reply(candidate(called(args={"a": 1}))),
    "a call with an id": reply(candidate({"functionCall": {"id": "x1", "name": "look", "args": {}}})),
    "a call without args": reply(candidate(called())),
    "calls and text": reply(candidate(text("I look"), called(args={"a": 1}), called("listen", {}))),
    "signed call": reply(candidate(called(args={}, thoughtSignature=SIGNED), called("listen", {}))),
    "image": reply(candidate(text("see"), IMAGE)),
    "audio": reply(candidate(AUDIO)),
    "two audio parts": reply(candidate(AUDIO, AUDIO)),
    "code": reply(candidate(text("so:"), CODE, OUTCOME, text("4"))),
    "no counts": reply(candidate(text("hello")), usage=None),
    "no parts": reply({"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}),
    "no content": reply({"finishReason": "STOP", "index": 0}),
    "no candidates": reply(),
    "no finish reason": reply(candidate(text("hello"), finish=None)),
    "blocked prompt": {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}},
    "blocked prompt, no counts": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
    "partial, SAFETY": reply(candidate(text("half"), finish="SAFETY")),
    "second of two withheld": reply(
        candidate(text("one")), candidate(text("tw"), finish="RECITATION", index=1), usage=COUNTS
    ),
    "first of two withheld": reply(
        candidate(text("on"), finish="SAFETY"), candidate(text("two"), index=1), usage=COUNTS
    ),
    "n 2": reply(candidate(text("one")), candidate(text("two"), index=1)),
    "tool tokens": reply(candidate(text("hello")), usage=SEARCHED),
    "cached audio prompt": reply(candidate(text("hello")), usage=AUDIO_PROMPT),
    "citation at the start": reply(candidate(text("Rome is old."), **grounded(support(4, 0)))),
    "citation behind umlauts": reply(candidate(text("Zürich hört zu."), **grounded(support(15, 0, start=8)))),
    "two sources": reply(candidate(text("Rome is old."), **grounded(support(11, 0, 1, start=5)))),
    "logprobs": reply(candidate(text("né"), **LOGPROBS)),
    "flex": reply(candidate(text("hello")), usage={**COUNTS, "serviceTier": "flex"}),
} | {
    f"ends with {reason}": reply(candidate(text("hello"), finish=reason))
    for reason in (
        "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL",
        "IMAGE_SAFETY", "NO_IMAGE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE", "SOMETHING_NEW",
    )
}  # fmt: skip

STREAMS: dict[str, list[dict[str, Any]]] = {
    "text": [reply(candidate(text("hel"), finish=None)), reply(candidate(text("lo")))],
    "no end": [reply(candidate(text("hel"), finish=None)), reply(candidate(text("lo"), finish=None))],
    "thoughts": [reply(candidate(text("T", thought=True), finish=None)), reply(candidate(text("x")), usage=THOUGHT)],
    "calls": [reply(candidate(called(args={"a": 1}), finish=None)), reply(candidate(called("listen", {})))],
    "n 2": [
        reply(candidate(text("o"), finish=None), candidate(text("t"), finish=None, index=1)),
        reply(candidate(text("ne")), candidate(text("wo"), index=1)),
    ],
    "audio": [reply(candidate(AUDIO, finish=None)), reply(candidate(AUDIO))],
    "image": [reply(candidate(text("see"), finish=None)), reply(candidate(IMAGE))],
    "withheld": [reply(candidate(text("half"), finish=None)), reply({"finishReason": "SAFETY", "index": 0})],
    "error inside": [
        reply(candidate(text("half"), finish=None)),
        {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
    ],
    "logprobs": [reply(candidate(text("né"), **LOGPROBS))],
}


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def _detail(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{name}", **fields}


ERRORS: dict[str, dict[str, Any]] = {
    "invalid argument": error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "bad key": error(
        400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
        _detail("ErrorInfo", reason="API_KEY_INVALID", domain="googleapis.com"),
    ),
    "forbidden": error(403, "PERMISSION_DENIED", "The caller does not have permission."),
    "unknown model": error(404, "NOT_FOUND", "models/x is not found for API version v1beta."),
    "rate limit": error(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded. Please retry in 48.9s.", _detail("RetryInfo", retryDelay="48s")
    ),
    "rate limit, 40.403 s": error(429, "RESOURCE_EXHAUSTED", "Quota exceeded. Please retry in 40.403s."),
    "internal": error(500, "INTERNAL", "An internal error has occurred."),
    "internal, id 14030": error(500, "INTERNAL", "An internal error has occurred, error id 14030."),
    "overloaded": error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "deadline": error(504, "DEADLINE_EXCEEDED", "The request timed out."),
}  # fmt: skip


def answers() -> Iterator[dict[str, Any]]:
    """`{"name", "request", "reply" | "chunks", "status"}` each."""
    for name, body in REPLIES.items():
        yield {"name": f"reply: {name}", "request": _question(name), "reply": body}
    for name, chunks in STREAMS.items():
        more = {"stream": True, "stream_options": {"include_usage": True}}
        yield {"name": f"stream: {name}", "request": {**_question(name), **more}, "chunks": chunks}
    for name, body in ERRORS.items():
        request = {"model": OLD, "messages": [ASK]}
        yield {"name": f"error: {name}", "request": request, "reply": body, "status": body["error"]["code"]}


def _question(name: str) -> dict[str, Any]:
    request: dict[str, Any] = {"model": NEW if "signed" in name else OLD, "messages": [ASK]}
    if "call" in name:
        request["tools"] = TOOLS
    if "audio" in name and "prompt" not in name:
        request |= {"model": SPEAKING, "modalities": ["audio"], "audio": {"voice": "Kore", "format": "pcm16"}}
    if "image" in name:
        request |= {"model": PAINTING, "modalities": ["text", "image"]}
    if "n 2" in name or "of two" in name:
        request["n"] = 2
    if "logprobs" in name:
        request["logprobs"] = True
    return request
