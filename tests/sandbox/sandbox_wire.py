"""A plain HTTP caller for the sandbox's tests: one connection a request, raw statuses, headers and bodies.

Speaks the resumable upload by hand, so that wrong requests can be sent too. Not a client of the product.
"""

import http.client
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

DEADLINE = 20.0
GRANULARITY = 8 << 20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def upload_status(self) -> str:
        return self.headers.get("x-goog-upload-status", "")

    @property
    def message(self) -> str:
        return str(self.json()["error"]["message"])


@dataclass(frozen=True)
class Wire:
    """Calls one sandbox with one key."""

    base: str
    key: str

    def with_key(self, key: str) -> "Wire":
        return Wire(self.base, key)

    def call(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, *, keyed: bool = True
    ) -> Answer:
        """`body` is bytes, or JSON; `url` a path or a whole URL."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        sent = dict(headers or {})
        if keyed:
            sent["x-goog-api-key"] = self.key
        if body is not None and not isinstance(body, bytes):
            body, sent["content-type"] = json.dumps(body).encode(), "application/json"
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=DEADLINE)
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
        finally:
            connection.close()

    def control(self, method: str, noun: str, **order: Any) -> Any:
        """A control route; fails the test unless it is answered with 200."""
        answer = self.call(method, f"/sandbox/{noun}", order if method == "POST" else None)
        assert answer.status == 200, answer.body
        return answer.json()

    def fault(self, kind: str, operation: str, **fields: Any) -> None:
        self.control("POST", "faults", kind=kind, operation=operation, **fields)

    def switch(self, **values: Any) -> None:
        self.control("POST", "unverified", **values)

    def start(
        self,
        total: int | None,
        mime_type: str = "text/plain",
        file: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Type": mime_type,
        }
        if total is not None:
            sent["X-Goog-Upload-Header-Content-Length"] = str(total)
        return self.call("POST", "/upload/v1beta/files", {"file": file or {}}, sent | (headers or {}))

    def session(self, total: int | None, mime_type: str = "text/plain", file: dict[str, Any] | None = None) -> str:
        answer = self.start(total, mime_type, file)
        assert answer.status == 200, answer.body
        return answer.headers["x-goog-upload-url"]

    def send(self, url: str, command: str, offset: int | None = None, body: bytes = b"") -> Answer:
        """A data request, without a key as the SDKs send it."""
        headers = {"X-Goog-Upload-Command": command}
        if offset is not None:
            headers["X-Goog-Upload-Offset"] = str(offset)
        return self.call("POST", url, body, headers, keyed=False)

    def upload(self, content: bytes, mime_type: str = "text/plain", file: dict[str, Any] | None = None) -> Any:
        """A whole upload; the File."""
        answer = self.send(self.session(len(content), mime_type, file), "upload, finalize", 0, content)
        assert answer.status == 200, answer.body
        return answer.json()["file"]

    def ask(self, model: str, *parts: Any, stream: bool = False, **request: Any) -> Answer:
        """generateContent with one user turn; texts may be plain strings."""
        content = {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return self.call("POST", f"/v1beta/models/{model}:{method}", {"contents": [content], **request})

    def raw(self, method: str, url: str, headers: dict[str, str], body: bytes) -> socket.socket:
        """Send a request on an own socket and leave it open; `body` may be shorter than its content-length."""
        parts = urlsplit(url)
        host, port = urlsplit(self.base).netloc.split(":")
        lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        sock = socket.create_connection((host, int(port)), timeout=DEADLINE)
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return sock


def reset(sock: socket.socket) -> None:
    """Close with a TCP reset, as a line that is cut."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def file_part(file: dict[str, Any]) -> dict[str, Any]:
    """A part that refers to an uploaded File."""
    return {"fileData": {"mimeType": file["mimeType"], "fileUri": file["uri"]}}


def events_of(answer: Answer) -> list[Any]:
    """The events of an SSE body in Google's form: `data: ` and CRLF CRLF, nothing else."""
    chunks = answer.body.split(b"\r\n\r\n")
    assert chunks.pop() == b""
    assert all(chunk.startswith(b"data: ") for chunk in chunks)
    return [json.loads(chunk[6:]) for chunk in chunks]


def text_of(response: Any) -> str:
    """All text of the first candidate that is not thought."""
    parts = response["candidates"][0]["content"].get("parts", [])
    return "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
