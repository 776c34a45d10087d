"""What a process holds of its system: with few descriptors it only takes no more connections, and clients that leave in
the middle of anything leave nothing behind."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateways import MODEL, SandboxServer
from processes import GatewayProcess, write_config
from raw_http import call, connect, head
from running import eventually, form_request

GET = b"GET /health/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n"
AUTH = {"Authorization": "Bearer sk-ann"}
TEXT = [{"role": "user", "content": "hello"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


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


def test_clients_wait_where_there_is_no_descriptor_and_are_served_when_there_is(process: GatewayProcess) -> None:
    resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE, (120, 120))
    with ExitStack() as stack:
        first = [stack.enter_context(connect(process.url)) for _ in range(300)]
        for connection in first:
            connection.sendall(GET)
        assert first[0].recv(15) == b"HTTP/1.1 200 OK"
        assert eventually(lambda: "there is no descriptor left" in process.log.read_text())
        waiting = [stack.enter_context(connect(process.url)) for _ in range(200)]
        for connection in waiting:
            connection.sendall(GET)
        for connection in first:
            connection.close()
        for connection in waiting:
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            connection.close()
    assert eventually(lambda: descriptors(process) < 60)
    assert call(process.url, "GET", "/health/readiness").status == 200
    assert call(process.url, *form_request({"purpose": "user_data"}, b"as ever", headers=AUTH)).status == 200


COUNTS = """
import asyncio, os, resource, socket
import uvloop
from liftgate.server.accepting import AT_ONCE, PAUSE_SECONDS, CarefulAccepting

class Listener(socket.socket):
    asked = 0

    def accept(self):
        self.asked += 1
        return super().accept()

async def main():
    loop = asyncio.get_running_loop()
    listener = Listener()
    listener.setblocking(False)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    clients = [socket.socket() for _ in range(50)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    taken = []
    while True:
        try:
            taken.append(os.dup(0))
        except OSError:
            break
    began = loop.time()
    served = set()

    class Served(asyncio.Protocol):
        def connection_made(self, transport):
            served.add(transport)

    accepting = CarefulAccepting(listener, Served)
    await asyncio.sleep(4 * PAUSE_SECONDS)
    assert not served and 1 <= listener.asked <= 1 + (loop.time() - began) / PAUSE_SECONDS, listener.asked
    for each in taken:
        os.close(each)
    while len(served) < 50:
        await asyncio.sleep(0.01)
    accepting.close()
    for transport in served:
        transport.abort()

asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""


def test_it_is_tried_again_after_a_pause_only() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


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
