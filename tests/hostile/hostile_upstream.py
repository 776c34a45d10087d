"""An upstream that is Gemini where it is not told otherwise, and anything at all where it is: exact bytes on a socket.

Shares no code with Liftgate and none with the sandbox. `says` maps an operation to the answer that it gets from now on.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

GENERATE, STREAM, COUNT, EMBED = "generateContent", "streamGenerateContent", "countTokens", "embedContent"
START, CHUNK, FINALIZE, QUERY = "upload.start", "upload.chunk", "upload.finalize", "upload.query"
GET_FILE, DELETE_FILE, LIST_MODELS = "files.get", "files.delete", "models.list"

WORDS = "a plain answer"
GRANULARITY = 256 * 1024


def reply(body: bytes, status: int = 200, *headers: str, content_type: str = "application/json") -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Status", f"content-type: {content_type}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def candidate(text: str = WORDS) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}


def generated(text: str = WORDS) -> bytes:
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 3, "totalTokenCount": 4}
    return json.dumps({"candidates": [candidate(text)], "usageMetadata": usage}).encode()


@dataclass
class Upstream:
    """`asked`: the operations in their order. `keep`: what was uploaded, by the session."""

    says: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    _sessions: dict[str, bytearray] = field(default_factory=dict)
    _types: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[bytes, bool]:
        """What is said, and whether the connection goes on."""
        operation = operation_of(method, target, headers)
        self.asked.append(operation)
        if operation in self.says:
            said = self.says[operation]
            return said, _is_whole(said)
        return self._gemini(operation, target, headers, body), True

    def _gemini(self, operation: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        session = target.rpartition("=")[2]
        match operation:
            case "generateContent":
                return reply(generated())
            case "streamGenerateContent":
                return reply(b"data: " + generated() + b"\r\n\r\n", content_type="text/event-stream")
            case "countTokens":
                return reply(b'{"totalTokens": 7}')
            case "embedContent":
                return reply(b'{"embedding": {"values": [0.5]}}')
            case "upload.start":
                session = f"s{len(self._sessions)}"
                self._sessions[session] = bytearray()
                self._types[session] = headers.get("x-goog-upload-header-content-type", "")
                granularity = f"x-goog-upload-chunk-granularity: {GRANULARITY}"
                url = f"x-goog-upload-url: {self.url}/session?upload_id={session}"
                return reply(b"", 200, url, granularity, "x-goog-upload-status: active")
            case "upload.chunk" | "upload.query":
                self._sessions.setdefault(session, bytearray()).extend(body)
                size = f"x-goog-upload-size-received: {len(self._sessions[session])}"
                return reply(b"", 200, "x-goog-upload-status: active", size)
            case "upload.finalize":
                self._sessions.setdefault(session, bytearray()).extend(body)
                file = json.dumps({"file": self.file(session)}).encode()
                return reply(file, 200, "x-goog-upload-status: final")
            case "files.get":
                return reply(json.dumps(self.file("s0")).encode())
            case "files.delete":
                return reply(b"{}")
            case "models.list":
                return reply(b'{"models": [{"name": "models/gemini-2.5-flash"}]}')
        return reply(b'{"error": {"code": 404, "status": "NOT_FOUND", "message": "no such thing"}}', 404)

    def file(self, session: str) -> dict[str, Any]:
        data = bytes(self._sessions.get(session, b""))
        digest = base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
        return {
            "name": f"files/{session}",
            "uri": f"{self.url}/v1beta/files/{session}",
            "mimeType": self._types.get(session, ""),
            "sizeBytes": str(len(data)),
            "sha256Hash": digest,
            "state": "ACTIVE",
            "expirationTime": "2099-01-01T00:00:00Z",
        }


def _is_whole(said: bytes) -> bool:
    """Whether it ends where its head says: behind anything else the connection is closed."""
    head, _, body = said.partition(b"\r\n\r\n")
    lengths = re.findall(rb"content-length: (\d+)", head)
    return lengths == [b"%d" % len(body)]


def operation_of(method: str, target: str, headers: Mapping[str, str]) -> str:
    path = target.partition("?")[0]
    if called := re.search(r":(\w+)$", path):
        return called[1]
    if command := headers.get("x-goog-upload-command"):
        return "upload.finalize" if "finalize" in command else f"upload.{'chunk' if command == 'upload' else command}"
    return {"GET": "files.get", "DELETE": "files.delete"}.get(method, method) if "/files/" in path else "models.list"


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            while self._one():
                pass
        except (ConnectionError, ValueError):
            return

    def _one(self) -> bool:
        line = self.rfile.readline(65536).decode("latin-1").split()
        if len(line) < 2:
            return False
        headers: dict[str, str] = {}
        while (field_line := self.rfile.readline(65536).decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = field_line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer, goes_on = self.server.upstream.answer(line[0], line[1], headers, body)
        self.wfile.write(answer)
        self.wfile.flush()
        return goes_on


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away."""


@contextmanager
def hostile_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    server = _Server(upstream)
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
