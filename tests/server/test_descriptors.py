"""What a process holds of its system: with few descriptors it only takes no more connections, and clients that leave in
the middle of anything leave nothing behind."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateways import MODEL, SandboxServer, sandbox_server
from processes import GatewayProcess, write_config
from raw_http import call, connect, head
from running import eventually, form_request

GET = b"GET /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n"
AUTH = {"Authorization": "Bearer sk-ann"}
TEXT = [{"role": "user", "content": "hello"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


@pytest.fixture
def process(sandbox: SandboxServer, tmp_path: Path) -> Iterator[GatewayProcess]:
    running = GatewayProcess(write_config(tmp_path / "c.yaml", sandbox.url), tmp_path / "data", fresh=True)
    try:
        running.wait_ready()
        yield running
    finally:
        assert running.stop() == 0


def descriptors(process: GatewayProcess) -> int:
    return len(list(Path(f"/proc/{process.process.pid}/fd").iterdir()))


def processor_ticks(process: GatewayProcess) -> int:
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_few_descriptors_refuse_and_do_not_spin(process: GatewayProcess) -> None:
    resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE, (120, 120))
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(process.url)) for _ in range(300)]
        for connection in connections:
            connection.sendall(GET)
        assert connections[0].recv(15) == b"HTTP/1.1 200 OK"
        assert eventually(lambda: descriptors(process) >= 110)
        before = processor_ticks(process)
        time.sleep(1.5)
        # A loop that spins uses all of its processor: 150 ticks.
        assert processor_ticks(process) - before < 75
    assert eventually(lambda: descriptors(process) < 60)
    assert call(process.url, "GET", "/health/readiness").status == 200
    assert call(process.url, *form_request({"purpose": "user_data"}, b"as ever", headers=AUTH)).status == 200


def request(method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    return head(method, target, {**AUTH, "Content-Length": str(len(body)), **(headers or {})}) + body


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_requests_that_are_aborted_leave_nothing(process: GatewayProcess, sandbox: SandboxServer) -> None:
    answer = call(process.url, *form_request({"purpose": "user_data"}, b"x" * 3_000_000, headers=AUTH))
    file = answer.json()["id"]
    begun = {"filename": "a", "purpose": "user_data", "bytes": 9, "mime_type": "text/plain"}
    upload = call(process.url, "POST", "/v1/uploads", as_json(begun), AUTH).json()["id"]
    form = form_request({"purpose": "user_data"}, b"y" * 100_000)
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    requests = {
        "chat": request("POST", "/v1/chat/completions", as_json({"model": MODEL, "messages": TEXT})),
        "stream": request("POST", "/v1/chat/completions", as_json({"model": MODEL, "messages": TEXT, "stream": True})),
        "native": request("POST", f"/v1beta/models/{MODEL}:generateContent", as_json(CONTENTS)),
        "native stream": request("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", as_json(CONTENTS)),
        "download": request("GET", f"/v1/files/{file}/content"),
        "upload": request("POST", "/v1/files", form[2], form[3]),
        "part": request("POST", f"/v1/uploads/{upload}/parts", form[2], form[3]),
        "session": request("POST", "/upload/v1beta/files", b"{}", start),
        "list": request("GET", "/v1/files"),
    }

    def leave(sent: bytes) -> None:
        with connect(process.url) as connection:
            connection.sendall(sent)

    for whole in requests.values():
        leave(whole)
    held = descriptors(process)
    for whole in requests.values():
        for share in (0.3, 0.7, 0.99, 1.0):
            for _ in range(10):
                leave(whole[: int(len(whole) * share)])
    assert eventually(lambda: descriptors(process) <= held + 8)
    data = process.log.parent
    assert eventually(lambda: not list((data / "spool").glob("*")))
    assert call(process.url, "GET", "/v1/files", headers=AUTH).status == 200
    assert "Traceback" not in process.log.read_text()
