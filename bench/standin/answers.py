"""The fixed answers of the stand-in, in Gemini's form and, for gateways whose Gemini address is fixed, OpenAI's.

`TOKEN` stands once in every event of a stream and nowhere else (no random id can hold it), so that a client can count
events in any dialect.
"""

from __future__ import annotations

import json

EVENTS = 50
TOKEN = b"~@^"
SAMPLE = "A gateway stands between a client and a model, and the best of them are noticed by nobody at all. "

_USAGE = {
    "promptTokenCount": 118,
    "candidatesTokenCount": 97,
    "totalTokenCount": 215,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 118}],
}
_OPENAI_USAGE = {"prompt_tokens": 118, "completion_tokens": 97, "total_tokens": 215}


def gemini_answer() -> bytes:
    """A whole generateContent answer, 975 bytes as in the peers' measurements."""
    text = SAMPLE * 7
    answer = {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0},
        ],
        "usageMetadata": _USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "b3Blbi1nYXRld2F5LWJlbmNo",
    }
    body = json.dumps(answer, separators=(",", ":"))
    return body.replace(text, text[: len(text) - (len(body) - 975)]).encode()


def openai_answer() -> bytes:
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-bench",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAMPLE * 6}}],
            "usage": _OPENAI_USAGE,
        },
        separators=(",", ":"),
    ).encode()


def _gemini_event(number: int) -> bytes:
    last = number == EVENTS - 1
    candidate: dict[str, object] = {
        "content": {"parts": [{"text": f"{TOKEN.decode()}{number:02} of the answer, "}], "role": "model"},
        "index": 0,
    }
    if last:
        candidate["finishReason"] = "STOP"
    return json.dumps(
        {
            "candidates": [candidate],
            "usageMetadata": _USAGE,
            "modelVersion": "gemini-2.5-flash",
            "responseId": "b3Blbi1nYXRld2F5LWJlbmNo",
        },
        separators=(",", ":"),
    ).encode()


def _openai_event(number: int) -> bytes:
    delta = {"content": f"{TOKEN.decode()}{number:02} of the answer, "} | ({} if number else {"role": "assistant"})
    chunk: dict[str, object] = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if number == EVENTS - 1 else None}],
    }
    if number == EVENTS - 1:
        chunk["usage"] = _OPENAI_USAGE
    return json.dumps(chunk, separators=(",", ":")).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _pieces(kind: str, payloads: list[bytes]) -> list[bytes]:
    """What is written for each event; the head goes with the first, the end of the body with the last."""
    pieces = [_chunk(payload) for payload in payloads]
    pieces[0] = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % kind.encode() + pieces[0]
    pieces[-1] += b"0\r\n\r\n"
    return pieces


def gemini_stream() -> list[bytes]:
    """One piece per event, as `alt=sse` asks for it."""
    return _pieces("text/event-stream", [b"data: " + _gemini_event(n) + b"\r\n\r\n" for n in range(EVENTS)])


def gemini_array() -> list[bytes]:
    """The same without `alt=sse`: a JSON array that arrives element after element, cut as Google cuts it."""
    payloads = [(b",\r\n" if n else b"[") + _gemini_event(n) + b"\n" for n in range(EVENTS)]
    payloads[-1] += b"]"
    return _pieces("application/json", payloads)


def openai_stream() -> list[bytes]:
    payloads = [b"data: " + _openai_event(n) + b"\n\n" for n in range(EVENTS)]
    payloads[-1] += b"data: [DONE]\n\n"
    return _pieces("text/event-stream", payloads)
