"""Runs in LiteLLM's own environment: each case through `litellm.completion`, or its Messages, with a fake Gemini on
loopback behind it.

Standard input: JSON, a list of cases. Standard output: JSON, for each what LiteLLM sent, and what it gave or raised.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import litellm

WHOLE = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


class Fake(BaseHTTPRequestHandler):
    """Answers every POST with what the case says, and remembers its body."""

    case: ClassVar[dict[str, Any]] = {}
    sent: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        Fake.sent.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        case = Fake.case
        kind = "application/json"
        if "chunks" in case and "stream" in self.path:
            body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in case["chunks"])
            kind = "text/event-stream"
        else:
            body = json.dumps(case.get("reply", WHOLE)).encode()
        self.send_response(case.get("status", 200))
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def run(case: dict[str, Any], base: str) -> dict[str, Any]:
    Fake.case, Fake.sent = case, []
    found: dict[str, Any] = {}
    request = json.loads(json.dumps(case["request"]))
    model = "gemini/" + request.pop("model")
    try:
        if case.get("api") == "messages":
            key, value = asyncio.run(message(model, base, request))
            found[key] = json.loads(json.dumps(value))
            found["sent"] = Fake.sent[-1] if Fake.sent else None
            return found
        answer = litellm.completion(model=model, api_base=base, api_key="key", num_retries=0, max_retries=0, **request)
        if request.get("stream"):
            found["chunks"] = [json.loads(chunk.model_dump_json()) for chunk in answer]
        else:
            found["answer"] = json.loads(answer.model_dump_json())
    except Exception as error:
        found["error"] = {
            "class": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "message": str(error)[:300],
        }
    found["sent"] = Fake.sent[-1] if Fake.sent else None
    return found


async def message(model: str, base: str, request: dict[str, Any]) -> tuple[str, Any]:
    """`answer`, or of a stream its `events`, in Anthropic's form."""
    answer = await litellm.anthropic.messages.acreate(model=model, api_base=base, api_key="key", **request)
    if not request.get("stream"):
        return "answer", answer
    frames = b"".join([each if isinstance(each, bytes) else str(each).encode() async for each in answer])
    lines = [line[6:] for line in frames.decode().split("\n") if line.startswith("data: ")]
    return "events", [json.loads(line) for line in lines]


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    real, sys.stdout = sys.stdout, sys.stderr
    found = [run(case, base) for case in json.load(sys.stdin)]
    json.dump(found, real)
    server.shutdown()


if __name__ == "__main__":
    main()
