"""An upstream that fails as the model in the path says: `status-429`, `reset`, `garbage`, `cut-stream` …"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

EVENT = b'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}}]}\r\n\r\n'
ERROR = b'{"error":{"code":%d,"message":"No.","status":"%b"}}'
WHOLE = (
    b'{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP","index":0}],'
    b'"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":6},"responseId":"r"}'
)
LONG_STREAM = 10 * 1024 * 1024
"""Characters of the answer of `long-stream`; it is `fine` otherwise."""
NAMES = {400: b"INVALID_ARGUMENT", 403: b"PERMISSION_DENIED", 429: b"RESOURCE_EXHAUSTED", 500: b"INTERNAL"}
MODELS = (
    *("status-400", "status-403", "status-404", "status-429", "status-500", "status-503"),
    *("reset", "half-head", "html", "garbage", "empty", "wrong-json", "short-body", "no-candidate", "error-event"),
)
"""What it can do; each is a model's name."""


def answer(status: int, body: bytes, kind: bytes = b"application/json", length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (status, kind, length, body)


def reply(model: str, *, stream: bool) -> bytes | None:
    """The bytes to send before the connection ends; None: it is reset."""
    if model.startswith("status-"):
        status = int(model.removeprefix("status-"))
        return answer(status, ERROR % (status, NAMES.get(status, b"UNAVAILABLE")))
    kind = b"text/event-stream" if stream else b"application/json"
    if model == "fine":
        return answer(200, b"data: " + WHOLE + b"\r\n\r\n" if stream else WHOLE, kind)
    if model == "long-stream":
        pieces = EVENT.replace(b"Hi", b"x" * 4096) * (LONG_STREAM // 4096)
        return answer(200, pieces + b"data: " + WHOLE + b"\r\n\r\n", kind)
    bodies = {
        "html": b"<html></html>",
        "garbage": b"data: {{{\r\n\r\n" if stream else b"{{{",
        "empty": b"",
        "wrong-json": b'data: {"candidates": 3}\r\n\r\n' if stream else b'{"candidates": 3}',
        "no-candidate": b"data: {}\r\n\r\n" if stream else b"{}",
        "error-event": EVENT + b"data: " + ERROR % (503, b"UNAVAILABLE") + b"\r\n\r\n"
        if stream
        else ERROR % (503, b"A"),
    }
    if model in bodies:
        return answer(200, bodies[model], kind)
    if model == "short-body":
        return answer(200, EVENT if stream else b'{"cand', kind, length=100_000)
    return b"HTTP/1.1 200 OK\r\nContent-" if model == "half-head" else None


@contextmanager
def hostile_gemini() -> Iterator[str]:
    """Its address. Reads each request whole, so that what was sent is surely in the gateway's hands."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def one(client: socket.socket) -> None:
    with client:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (piece := client.recv(65536)):
                return
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        missing = int(lengths[0] if lengths else 0) - len(body)
        while missing > 0:
            if not (piece := client.recv(min(missing, 1 << 20))):
                return
            missing -= len(piece)
        model, _, method = head.split(b" ")[1].decode().rpartition("/")[2].partition(":")
        data = reply(model, stream=method.startswith("stream"))
        if data is None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            # Who asked may leave before all of it was read.
            with suppress(ConnectionError):
                client.sendall(data)
