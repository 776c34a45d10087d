"""Gemini's resumable upload protocol as a sink: `python -m bench.standin.uploads PORT`. Counts and hashes what arrives.

A thread for each connection with blocking reads into one buffer: the fastest way there is in plain Python, as reading
and hashing both let go of the interpreter's lock. `GET /bench/uploads` tells what was finalised and when, on the
machine's monotonic clock, so that a client can say when a file had arrived.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.standin.answers import gemini_answer

BUFFER = 1 << 20
GRANULARITY = 8 << 20


@dataclass(slots=True)
class Session:
    name: str
    mime_type: str
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)
    received: int = 0
    finalised_at: float = 0.0

    def resource(self, origin: str) -> dict[str, str]:
        now = datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)
        stamp = "%Y-%m-%dT%H:%M:%S.%fZ"
        return {
            "name": self.name,
            "displayName": self.name,
            "mimeType": self.mime_type,
            "sizeBytes": str(self.received),
            "createTime": now.strftime(stamp),
            "updateTime": now.strftime(stamp),
            "expirationTime": (now + timedelta(hours=48)).strftime(stamp),
            "sha256Hash": base64.b64encode(self.sha256.hexdigest().encode()).decode(),
            "uri": f"{origin}/v1beta/{self.name}",
            "state": "ACTIVE",
            "source": "UPLOADED",
        }


class Uploads:
    """All sessions of this process, by the secret in their address and by the file's name."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.by_name: dict[str, Session] = {}

    def begin(self, headers: dict[str, str], body: bytes) -> tuple[str, Session]:
        asked = json.loads(body or b"{}").get("file", {})
        session = Session(
            asked.get("name") or "files/" + secrets.token_hex(6),
            headers.get("x-goog-upload-header-content-type") or asked.get("mimeType", "application/octet-stream"),
        )
        identity = secrets.token_urlsafe(16)
        self.by_id[identity] = self.by_name[session.name] = session
        return identity, session

    def finished(self) -> bytes:
        done = [session for session in self.by_id.values() if session.finalised_at]
        rows = [
            {"at": each.finalised_at, "bytes": each.received, "sha256": each.sha256.hexdigest()}
            for each in sorted(done, key=lambda each: each.finalised_at)
        ]
        return json.dumps(rows).encode()


class Connection:
    """One client's requests, one after the other, read by blocking calls."""

    def __init__(self, accepted: socket.socket, uploads: Uploads) -> None:
        self.socket = accepted
        self.uploads = uploads
        self.reader = accepted.makefile("rb", buffering=65536)
        self.buffer = memoryview(bytearray(BUFFER))

    def serve(self) -> None:
        with self.socket, self.reader:
            try:
                while self._one():
                    pass
            except (ConnectionError, ValueError):
                return

    def _one(self) -> bool:
        line = self.reader.readline(65536)
        if not line:
            return False
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (row := self.reader.readline(65536)) not in (b"\r\n", b""):
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        origin = f"http://{headers.get('host', '127.0.0.1')}"
        if "upload_id=" in path:
            self._data(path.partition("upload_id=")[2].partition("&")[0], headers, origin)
            return True
        body = b"".join(bytes(part) for part in self._body(headers))
        if method == "POST" and "/upload/v1" in path:
            self._start(headers, body, origin)
        elif path.endswith("/bench/uploads"):
            self._send(200, self.uploads.finished())
        elif method == "POST":
            self._send(200, gemini_answer())
        else:
            name = "files/" + path.partition("?")[0].rpartition("/")[2]
            session = self.uploads.by_name.get(name)
            if method == "DELETE" or session is None:
                found = self.uploads.by_name.pop(name, None)
                self._send(200 if found else 404, b"{}")
            else:
                self._send(200, json.dumps(session.resource(origin)).encode())
        return True

    def _start(self, headers: dict[str, str], body: bytes, origin: str) -> None:
        identity, _ = self.uploads.begin(headers, body)
        address = f"{origin}/upload/v1beta/files?upload_id={identity}&upload_protocol=resumable"
        self._send(
            200,
            b"",
            f"X-Goog-Upload-Status: active\r\nX-Goog-Upload-URL: {address}\r\n"
            f"X-Goog-Upload-Chunk-Granularity: {GRANULARITY}\r\n",
        )

    def _data(self, identity: str, headers: dict[str, str], origin: str) -> None:
        session = self.uploads.by_id[identity]
        for part in self._body(headers):
            session.sha256.update(part)
            session.received += len(part)
        command = headers.get("x-goog-upload-command", "")
        if "finalize" in command and not session.finalised_at:
            session.finalised_at = time.monotonic()
        if session.finalised_at:
            body = json.dumps({"file": session.resource(origin)}).encode()
            self._send(200, body, "X-Goog-Upload-Status: final\r\n")
            return
        status = "cancelled" if command == "cancel" else "active"
        self._send(200, b"", f"X-Goog-Upload-Status: {status}\r\nX-Goog-Upload-Size-Received: {session.received}\r\n")

    def _body(self, headers: dict[str, str]) -> Iterator[memoryview]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.reader.readline().split(b";")[0], 16):
                yield from self._exactly(size)
                self.reader.readline()
            self.reader.readline()
        else:
            yield from self._exactly(int(headers.get("content-length", 0)))

    def _exactly(self, size: int) -> Iterator[memoryview]:
        while size:
            got = self.reader.readinto1(self.buffer[: min(size, BUFFER)])  # type: ignore[attr-defined]
            if not got:
                raise ConnectionError("the client left")
            yield self.buffer[:got]
            size -= got

    def _send(self, status: int, body: bytes, extra: str = "") -> None:
        reason = "OK" if status == 200 else "Not Found"
        date = datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC).strftime(
            "%a, %d %b %Y %H:%M:%S GMT"
        )
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json; charset=UTF-8\r\nDate: {date}\r\n"
            f"{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)


def main(port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=256)
    uploads = Uploads()
    while True:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(accepted, uploads).serve, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
