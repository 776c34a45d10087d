"""How a gateway ends: what the drain leaves over is answered in the caller's dialect, by every signal that means the
end, with one process and with several; and what it listens on is its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import forked
from gateways import MODEL, SandboxServer, sandbox_server
from liftgate.errors import ConfigError
from liftgate.server.listening import claimed, listening_socket, reserved_port
from processes import GatewayProcess, write_config
from raw_http import Answer, answers_of, call, connect
from running import eventually

KEY = "Authorization: Bearer sk-ann"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
CHUNK = {"candidates": [{"content": {"role": "model", "parts": [{"text": "and so on "}]}}]}
ENDED = {"candidates": [{"content": {"role": "model", "parts": [{"text": "end"}]}, "finishReason": "STOP"}]}


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        yield server


def post(target: str, value: Any, *lines: str) -> bytes:
    body = json.dumps(value).encode()
    head = (f"POST {target} HTTP/1.1", "Host: a", KEY, f"Content-Length: {len(body)}", *lines)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


PLAIN = {
    "chat": post("/v1/chat/completions", CHAT),
    "gemini": post(f"/v1beta/models/{MODEL}:generateContent", CONTENTS),
}
STREAMS = {
    "chat": post("/v1/chat/completions", {**CHAT, "stream": True}),
    "gemini, events": post(f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", CONTENTS),
    "gemini, array": post(f"/v1beta/models/{MODEL}:streamGenerateContent", CONTENTS),
}


@contextmanager
def gateway(directory: Path, sandbox: SandboxServer, *arguments: str, **ours: object) -> Iterator[GatewayProcess]:
    directory.mkdir(exist_ok=True)
    process = GatewayProcess(write_config(directory / "c.yaml", sandbox.url, **ours), directory / "data", *arguments)  # type: ignore[arg-type]
    try:
        process.wait_ready()
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()


def under_way(
    process: GatewayProcess, sandbox: SandboxServer, requests: list[bytes], stack: ExitStack
) -> list[socket.socket]:
    """The requests sent, and each arrived at Gemini."""
    connections = []
    for number, request in enumerate(requests, 1):
        connections.append(stack.enter_context(connect(process.url)))
        connections[-1].sendall(request)
        assert eventually(lambda wanted=number: sandbox.stats()["in_flight"] == wanted)  # type: ignore[misc]
    return connections


def check_refusal(name: str, answer: Answer) -> None:
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2" and answer.headers["connection"] == "close"
    if name == "chat":
        assert answer.error()["type"] == "service_unavailable_error"
    else:
        error = answer.json()["error"]
        assert (error["code"], error["status"]) == (503, "UNAVAILABLE")


def check_cut_stream(name: str, answer: Answer) -> None:
    assert answer.status == 200 and b"and so on" in answer.body
    if name == "gemini, array":
        elements = json.loads(answer.body)
    else:
        events = [
            line.removeprefix("data: ") for line in answer.body.decode().splitlines() if line.startswith("data: ")
        ]
        assert "[DONE]" not in events
        elements = [json.loads(event) for event in events]
    assert "stopp" in elements[-1]["error"]["message"]
    assert len(elements) >= 2


@pytest.mark.parametrize(
    ("signals", "workers", "drain"),
    [
        ([signal.SIGTERM], 1, 0.4),
        ([signal.SIGHUP], 1, 0.4),
        ([signal.SIGINT], 1, 0.4),
        ([signal.SIGINT, signal.SIGINT], 1, 60),
        ([signal.SIGQUIT], 1, 0.4),
        ([signal.SIGTERM], 2, 0.4),
        # Each worker is an interpreter of its own, which costs ten times a forked gateway.
        pytest.param([signal.SIGHUP], 2, 0.4, marks=pytest.mark.full),
        pytest.param([signal.SIGQUIT], 2, 0.4, marks=pytest.mark.full),
    ],
)
def test_what_the_drain_leaves_over_is_told(
    sandbox: SandboxServer, tmp_path: Path, signals: list[signal.Signals], workers: int, drain: float
) -> None:
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "late"}]}, "finishReason": "STOP"}]}
    names = [*PLAIN, *STREAMS]
    for _ in PLAIN:
        sandbox.control("scripts", {"response": answer, "delay": 60})
    with (
        ExitStack() as stack,
        gateway(tmp_path, sandbox, "--num-workers", str(workers), drain_seconds=drain) as process,
    ):
        connections = under_way(process, sandbox, list(PLAIN.values()), stack)
        for number, request in enumerate(STREAMS.values()):
            sandbox.control("scripts", {"chunks": [CHUNK] * 3, "delays": [0, 0, 60]})
            connections += under_way_stream(process, request, stack)
            assert number < 3
        for number in signals:
            process.process.send_signal(number)
            if len(signals) > 1:
                assert eventually(lambda: "finishing 5 requests; Ctrl-C again stops now" in process.log.read_text())
        answers = [next(answers_of(connection)) for connection in connections[:2]]
        answers += [next(answers_of(connection)) for connection in connections[2:]]
        assert process.process.wait(20) == 0
    for name, found in zip(names[:2], answers[:2], strict=True):
        check_refusal(name, found)
    for name, found in zip(names[2:], answers[2:], strict=True):
        check_cut_stream(name, found)
    log = process.log.read_text()
    assert "Traceback" not in log, log


def under_way_stream(process: GatewayProcess, request: bytes, stack: ExitStack) -> list[socket.socket]:
    """Its first event has come; nothing of it is taken out."""
    connection = stack.enter_context(connect(process.url))
    connection.sendall(request)
    assert eventually(lambda: b"and so on" in connection.recv(65536, socket.MSG_PEEK))
    return [connection]


def test_a_cut_download_does_not_look_whole(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway(tmp_path, sandbox, drain_seconds=0.3) as process, connect(process.url) as connection:
        content = b"0123456789" * 2_000_000
        form = (
            b'--b0\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b0\r\n'
            b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + content + b"\r\n--b0--\r\n"
        )
        head = f"POST /v1/files HTTP/1.1\r\nHost: a\r\n{KEY}\r\nContent-Length: {len(form)}\r\n"
        connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=b0\r\n\r\n" + form)
        file = next(answers_of(connection)).json()["id"]
        connection.sendall(f"GET /v1/files/{file}/content HTTP/1.1\r\nHost: a\r\n{KEY}\r\n\r\n".encode())
        assert connection.recv(9) == b"HTTP/1.1 "
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(20) == 0
        received = 0
        try:
            while piece := connection.recv(1 << 20):
                received += len(piece)
        except ConnectionResetError:
            pass
        assert received < len(content)


def test_an_ignored_sighup_stays_ignored(sandbox: SandboxServer, tmp_path: Path) -> None:
    """As `nohup` starts it; with several processes too."""
    config = write_config(tmp_path / "c.yaml", sandbox.url)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        for workers in ("1", "2"):
            # What is ignored is inherited from this process.
            process = GatewayProcess(config, tmp_path / workers, "--num-workers", workers, fresh=True)
            try:
                process.wait_ready()
                for _ in range(4):
                    process.process.send_signal(signal.SIGHUP)
                    time.sleep(0.2)  # One that ends takes nothing any more by then.
                    with connect(process.url) as connection:
                        connection.sendall(b"GET /health/liveness HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                        assert [answer.status for answer in answers_of(connection)] == [200]
                assert process.stop() == 0
            finally:
                process.kill()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_that_comes_again_does_not_cut_the_end_short(
    sandbox: SandboxServer, tmp_path: Path, workers: str
) -> None:
    """What the gateway still has to write is written: its journals, what it counted."""
    with gateway(tmp_path, sandbox, "--num-workers", workers) as process:
        while process.process.poll() is None:
            process.process.send_signal(signal.SIGTERM)
            time.sleep(0.005)
        assert process.process.returncode == 0, process.log.read_text()


def test_signals_that_mean_nothing_to_a_gateway_end_nothing(sandbox: SandboxServer, tmp_path: Path) -> None:
    """What rotates logs sends some of them to every server; a terminal sends others."""
    for workers in ("1", "2"):
        with gateway(tmp_path / workers, sandbox, "--num-workers", workers) as process, ExitStack() as stack:
            sandbox.control("scripts", {"chunks": [CHUNK, ENDED], "delays": [0, 0.5]})
            [stream] = under_way_stream(process, STREAMS["chat"], stack)
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGWINCH, signal.SIGCONT):
                process.process.send_signal(number)
            assert b"[DONE]" in next(answers_of(stream)).body
            assert process.process.poll() is None
            assert process.stop() == 0


@pytest.mark.parametrize("first", ["1", "2"])
def test_a_port_in_use_is_found(sandbox: SandboxServer, tmp_path: Path, first: str) -> None:
    with gateway(tmp_path / "first", sandbox, "--num-workers", first) as process:
        port = process.url.rsplit(":", 1)[1]
        for second in ("1", "2"):
            (tmp_path / second).mkdir()
            done = start(tmp_path / second, sandbox, "--port", port, "--num-workers", second)
            assert done.returncode == 2 and f"Cannot listen on 127.0.0.1 port {port}: " in done.stderr, done
            assert "ddress already in use" in done.stderr and "Traceback" not in done.stderr


def test_one_of_two_that_start_at_once_gets_the_port(sandbox: SandboxServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        config = write_config(tmp_path / name / "c.yaml", sandbox.url)
        found.append(GatewayProcess(config, tmp_path / name / "data", "--port", str(port), "--num-workers", "2"))
    try:
        assert eventually(lambda: any(one.process.poll() is not None for one in found), seconds=25)
        [loser] = [one for one in found if one.process.poll() is not None]
        assert loser.process.returncode == 2 and "in use" in loser.log.read_text()
    finally:
        for one in found:
            if one.process.poll() is None:
                one.wait_ready()
                assert one.stop() == 0


def start(directory: Path, sandbox: SandboxServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = write_config(directory / "c.yaml", sandbox.url)
    command = ["--config", str(config), "--data-dir", str(directory / "data"), *arguments]
    return forked.run_text(command, env=os.environ)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["[::1]", "::1"])
def test_an_ipv6_address_with_and_without_brackets(sandbox: SandboxServer, tmp_path: Path, host: str) -> None:
    config = write_config(tmp_path / "c.yaml", sandbox.url)
    process = GatewayProcess(config, tmp_path / "data", "--host", host)
    try:
        assert eventually(lambda: "http://[::1]:" in process.log.read_text(), seconds=20), process.log.read_text()
        port = int(process.log.read_text().split("http://[::1]:")[1].split()[0].rstrip("/"))
        with socket.create_connection(("::1", port), 10) as connection:
            connection.sendall(b"GET /health/liveness HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
            assert [answer.status for answer in answers_of(connection)] == [200]
    finally:
        assert process.stop() == 0


def test_an_interruption_of_the_start_is_told(tmp_path: Path) -> None:
    """Its config is a pipe that is never written to, so it is still starting when the signal comes."""
    config = tmp_path / "c.yaml"
    os.mkfifo(config)
    process = GatewayProcess(config, tmp_path / "data")
    with config.open("wb"):
        process.process.send_signal(signal.SIGINT)
        assert process.process.wait(20) == 130
    assert process.log.read_text() == "liftgate: interrupted before it took requests.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only there the second is seen")
def test_two_that_reserve_a_port_in_the_same_moment_do_not_share_it() -> None:
    with reserved_port("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        # What the other one has once both have looked and found the port free.
        with (
            listening_socket("127.0.0.1", port, shared=True) as second,
            claimed(first),
            pytest.raises(ConfigError, match=f"port {port}"),
            claimed(second),
        ):
            pass
        with listening_socket("127.0.0.1", port, shared=True) as third, claimed(third):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="its processes are found by /proc")
def test_an_interrupted_start_of_workers_shows_no_trace(sandbox: SandboxServer, tmp_path: Path) -> None:
    """A terminal sends the signal to all of them: here when the first worker is there, and is not yet serving."""
    config = write_config(tmp_path / "c.yaml", sandbox.url)
    command = [sys.executable, "-m", "liftgate", "--config", str(config), "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(
        [*command, "--port", "0", "--num-workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert eventually(lambda: len(children.read_text().split()) == 2)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "liftgate: interrupted before it took requests.\n")


def test_workers_that_are_not_ready_in_time_end_the_start_with_a_sentence(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from liftgate.cli.serve.workers import supervise;"
        " from liftgate.settings.load import load_settings;"
        " settings, _ = load_settings(Path(sys.argv[1]), {'num_workers': 2, 'data_dir': sys.argv[2]}, {});"
        " sys.exit(supervise(settings, started=lambda: print('started'), start_seconds=0.0))"
    )
    config = write_config(tmp_path / "c.yaml", sandbox.url)
    done = subprocess.run(
        [sys.executable, "-c", program, str(config), str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "")
    said = [line for line in done.stderr.splitlines() if line.startswith("liftgate: ")]
    assert said == ["liftgate: a worker took too long to be ready, and all are ended. Is the machine overloaded?"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("away", [False, True], ids=["the catalogue is there", "the catalogue is held"])
def test_one_that_counts_ends_in_order_and_loses_nothing(sandbox: SandboxServer, tmp_path: Path, away: bool) -> None:
    """Each part is closed while those that it tells what it does are still open; what cannot be written is adopted."""
    counts = {"spend": True, "metrics": True, "usage_write_seconds": 3600}
    master = {"Authorization": "Bearer sk-master"}
    with gateway(tmp_path, sandbox, **counts) as process:
        made = call(process.url, "POST", "/key/generate", b'{"max_budget": 5, "rpm_limit": 100}', master)
        key = {"Authorization": f"Bearer {made.json()['key']}"}
        assert call(process.url, "POST", "/v1/chat/completions", json.dumps(CHAT).encode(), key).status == 200
        with ExitStack() as held:
            if away:
                database = held.enter_context(closing(sqlite3.connect(tmp_path / "data" / "catalog.db")))
                database.execute("BEGIN IMMEDIATE")
            assert process.stop(60) == 0
        assert "Traceback" not in process.log.read_text()
    with gateway(tmp_path, sandbox, **counts) as process:
        assert eventually(lambda: spent(process, master) > 0)


def spent(process: GatewayProcess, master: dict[str, str]) -> float:
    return float(call(process.url, "GET", "/global/spend", None, master).json()["spend"])
