"""The sandbox as a process: its banner, its bounded memory, and many connections at once."""

import hashlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from liftgate.sandbox.app import SandboxSettings, create_app
from liftgate.sandbox.server import banner
from sandbox_wire import GRANULARITY, Wire
from serving import serve

MIB = 1 << 20


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], Wire]]:
    """`liftgate.sandbox.server.main` in a process of its own, on a free port."""
    code = (
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]; s.close(); "
        "from liftgate.sandbox.server import main; main('127.0.0.1', port)"
    )
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout and running.stderr
    first = running.stdout.readline()
    wire = Wire(first.split()[-1], "sandbox-key")
    for _ in range(200):
        try:
            wire.control("GET", "clock")
            break
        except ConnectionRefusedError:
            threading.Event().wait(0.05)
    yield running, wire
    if running.poll() is None:
        running.kill()
    running.communicate()


def peak_mib(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def send_large(wire: Wire, size: int) -> str:
    """Upload `size` bytes in one finalize without holding them; the SHA-256 of what was sent."""
    url = urlsplit(wire.session(size))
    piece = os.urandom(MIB)
    digest = hashlib.sha256()
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.putrequest("POST", f"{url.path}?{url.query}")
    for name, value in (("Command", "upload, finalize"), ("Offset", "0")):
        connection.putheader(f"X-Goog-Upload-{name}", value)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(size // MIB):
        connection.send(piece)
        digest.update(piece)
    response = connection.getresponse()
    assert response.status == 200
    response.read()
    connection.close()
    return digest.hexdigest()


def test_the_banner_says_how_to_use_it() -> None:
    text = banner("127.0.0.1", 8790, SandboxSettings(projects={"k1": "p1"}))
    for needed in (
        "http://127.0.0.1:8790",
        "k1 (project p1)",
        "gemini-2.5-flash",
        "GEMINI_API_BASE",
        "GEMINI_API_KEY=k1",
    ):
        assert needed in text


@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory from /proc")
@pytest.mark.parametrize("size", [96 * MIB, pytest.param(2048 * MIB, marks=pytest.mark.full)])
def test_a_large_upload_needs_little_memory(process: tuple[subprocess.Popen[str], Wire], size: int) -> None:
    running, wire = process
    wire.upload(b"x" * MIB)
    before = peak_mib(running.pid)
    digest = send_large(wire, size)
    assert digest in wire.control("GET", "stats")["finalized_by_sha256"]
    assert peak_mib(running.pid) - before < 32


def test_a_signal_ends_it_cleanly(process: tuple[subprocess.Popen[str], Wire]) -> None:
    running, wire = process
    wire.upload(b"x")
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=20)
    assert errors == ""


def test_64_uploads_at_once_are_kept_apart(sandbox: Wire) -> None:
    def upload(number: int) -> str:
        content = bytes([number]) * (GRANULARITY // 16)
        sandbox.upload(content)
        return hashlib.sha256(content).hexdigest()

    with ThreadPoolExecutor(64) as pool:
        digests = set(pool.map(upload, range(64)))
    stats = sandbox.control("GET", "stats")
    assert stats["finalized_by_sha256"] == dict.fromkeys(digests, 1)
    assert stats["most_in_flight"] > 1


def test_closing_removes_bytes_and_ends_stalled_requests() -> None:
    app = create_app()
    with serve(app) as base:
        wire = Wire(base, "k")
        wire.upload(b"x")
        directory = app.state.directory
        assert len(list(directory.iterdir())) == 1
        wire.fault("stall", "generate")
        body = b'{"contents": []}'
        url = f"{base}/v1beta/models/gemini-2.5-flash:generateContent"
        sock = wire.raw("POST", url, {"x-goog-api-key": "k", "Content-Length": str(len(body))}, body)
    sock.close()
    assert not directory.exists()
