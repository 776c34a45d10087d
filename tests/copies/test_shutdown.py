"""SIGTERM in the middle of work: what a client has begun is finished, what is on its way to Gemini is handed over."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from gateways import SandboxServer, client_for
from processes import GatewayProcess, write_config
from scene import Scene, audio, eventually

MIB = 1 << 20
BOUNDARY = "the-boundary"


def form(data: bytes) -> bytes:
    return (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="speech.mp3"\r\n'
            f"Content-Type: audio/mpeg\r\n\r\n"
        ).encode()
        + data
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


def test_upload_in_flight_is_finished(sandbox: SandboxServer, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config.yaml", sandbox.url)
    gateway = GatewayProcess(config, tmp_path / "data")
    gateway.wait_ready()
    address = urlsplit(gateway.url)
    data = audio(6 * MIB, 1)
    body = form(data)
    assert address.hostname is not None and address.port is not None
    with closing(socket.create_connection((address.hostname, address.port), timeout=30)) as connection:
        head = (
            f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-ann\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[: 3 * MIB])
        gateway.process.send_signal(signal.SIGTERM)
        # It must have noticed: nobody else is let in.
        assert eventually(lambda: not accepts(address.hostname, address.port))
        connection.sendall(body[3 * MIB :])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    file_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    # One signal is enough; a second could meet the process behind its last line.
    assert gateway.process.wait(20) == 0
    again = GatewayProcess(config, tmp_path / "data")
    again.wait_ready()
    with client_for(again.url) as client:
        content = client.files.content(file_id).read()
    assert hashlib.sha256(content).digest() == hashlib.sha256(data).digest()
    assert again.stop() == 0


def accepts(host: str | None, port: int | None) -> bool:
    assert host is not None and port is not None
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_page_in_that_does_not_end_is_handed_over(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The one that stops gives its lease back, and the next one goes on from what Gemini has."""
    config = write_config(tmp_path / "config.yaml", sandbox.url, drain_seconds=1, lease_seconds=600)
    first = GatewayProcess(config, tmp_path / "data")
    first.wait_ready()
    data = audio(20 * MIB, 2)
    sandbox.control("faults", {"kind": "stall", "operation": "upload.finalize", "seconds": 60})
    with client_for(first.url) as client:
        file_id = client.files.create(
            file=("speech.mp3", data), purpose="user_data", extra_body={"target_model_names": "gemini-2.5-flash"}
        ).id
    assert eventually(lambda: sandbox.stats()["operations"].get("upload.finalize", 0) == 1)
    begun = time.monotonic()
    assert first.stop(30) == 0
    assert time.monotonic() - begun < 20
    second = GatewayProcess(config, tmp_path / "data")
    second.wait_ready()
    with client_for(second.url) as client:
        Scene(sandbox, second.url, client).ask(file_id, data)
    stats = sandbox.stats()
    assert stats["finalized"] == 1
    assert stats["operations"]["upload.start"] == 1, "the same session"
    assert second.stop() == 0


def test_all_that_runs_shares_one_time_to_end(sandbox: SandboxServer, tmp_path: Path) -> None:
    """A request that does not end, and behind it a copy to Gemini that does not end either."""
    seconds = 4
    config = write_config(tmp_path / "config.yaml", sandbox.url, drain_seconds=seconds)
    gateway = GatewayProcess(config, tmp_path / "data")
    gateway.wait_ready()
    sandbox.control("faults", {"kind": "stall", "operation": "upload.finalize", "seconds": 60})
    with client_for(gateway.url) as client:
        client.files.create(
            file=("speech.mp3", audio(MIB, 3)),
            purpose="user_data",
            extra_body={"target_model_names": "gemini-2.5-flash"},
        )
    assert eventually(lambda: sandbox.stats()["operations"].get("upload.finalize", 0) == 1)
    address = urlsplit(gateway.url)
    assert address.hostname is not None and address.port is not None
    with closing(socket.create_connection((address.hostname, address.port), timeout=30)) as connection:
        head = (
            f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-ann\r\nContent-Length: {MIB}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        )
        connection.sendall(head.encode() + form(audio(MIB, 4))[: MIB // 2])
        spool = tmp_path / "data" / "spool"
        assert eventually(lambda: any(spool.iterdir())), "it has begun"
        begun = time.monotonic()
        assert gateway.stop(30) == 0
        assert seconds <= time.monotonic() - begun + 0.5 < 2 * seconds
