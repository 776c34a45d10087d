"""What HTTP itself refuses is told as each request is: a line of the log by the id that the client got, and a count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import sandbox_server
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import call, connect, read_answer
from running import eventually

MASTER = {"Authorization": "Bearer sk-master"}
HEAD = b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-master\r\nX-Forwarded-For: 203.0.113.7\r\n"
CHAT = b"POST /v1/chat/completions" + HEAD
LONG = b"Cookie: " + b"x" * 70_000 + b"\r\n\r\n"
CASES: dict[str, tuple[bytes, str, str, int]] = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\r\n\r\n", "_OTHER", "", 400),
    "another version": (b"GET /v1/models HTTP/3.0\r\nHost: localhost\r\n\r\n", "GET", "", 400),
    "no host": (b"GET /v1/models?key=sk-master HTTP/1.1\r\n\r\n", "GET", "", 400),
    "a long head": (b"GET /v1/models" + HEAD + LONG, "GET", "", 431),
    "a long head to Anthropic": (b"POST /v1/messages" + HEAD + LONG, "POST", "", 431),
    "two lengths": (CHAT + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "POST", "", 400),
    "another expectation": (CHAT + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", "POST", "", 417),
    "another coding": (CHAT + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "POST", "", 501),
    "to HEAD": (b"HEAD /v1/models HTTP/1.1\r\n\r\n", "HEAD", "", 400),
    "a broken body": (CHAT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "POST", "/chat/completions", 400),
}
"""What is sent → the method, the end of the route, and the status."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    place: Path = tmp_path_factory.mktemp("front")
    with sandbox_server() as sandbox:
        config = write_config(
            place / "c.yaml",
            sandbox.url,
            access_log=True,
            json_logs=True,
            metrics=True,
            trusted_proxies="127.0.0.1",
            log_client_ip="full",
        )
        with gateway_processes(config, place / "data") as [running]:
            yield running


def lines(gateway: GatewayProcess, request_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.log.read_text().splitlines() if request_id in line]


def counted(gateway: GatewayProcess) -> dict[str, float]:
    """Of requests, by the labels of their series."""
    text = call(gateway.url, "GET", "/metrics", None, MASTER).body.decode()
    name = "http_server_request_duration_seconds_count"
    found = [line.removeprefix(name).rpartition(" ") for line in text.splitlines() if line.startswith(name)]
    return {labels: float(value) for labels, _, value in found}


@pytest.mark.parametrize("case", CASES)
def test_what_the_front_refuses_is_one_line_and_one_count(gateway: GatewayProcess, case: str) -> None:
    sent, method, route, status = CASES[case]
    before = counted(gateway)
    with connect(gateway.url) as connection:
        connection.sendall(sent)
        answer = read_answer(connection, "HEAD" if method == "HEAD" else "GET")
    assert answer.status == status
    request_id = answer.headers["x-request-id"]
    assert eventually(lambda: lines(gateway, request_id), seconds=10)
    [line] = lines(gateway, request_id)
    told = (line["event"], line["method"], line["status"], line["outcome"], line["error"], line["bytes_out"])
    outcome = "failed" if status >= 500 else "refused"
    assert told == ("access", method, status, outcome, "Refused", len(answer.body)), line
    assert line["client_ip"] == ("203.0.113.7" if b"Forwarded" in sent else "127.0.0.1")
    assert line["route"].endswith(route) and "key=" not in json.dumps(line)
    after = counted(gateway)
    grown = {labels: count - before.get(labels, 0.0) for labels, count in after.items() if count != before.get(labels)}
    mine = [labels for labels in grown if "/metrics" not in labels]
    assert [grown[labels] for labels in mine] == [1.0], grown
    assert f'="{method}"' in mine[0] and f'="{status}"' in mine[0]
    active = call(gateway.url, "GET", "/metrics", None, MASTER).body.decode()
    assert "http_server_active_requests 1\n" in active


def test_a_line_of_text_has_all_its_words(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, access_log=True)
        with gateway_processes(config, tmp_path / "data") as [running], connect(running.url) as connection:
            connection.sendall(CASES["no HTTP"][0])
            request_id = read_answer(connection).headers["x-request-id"]
            assert eventually(lambda: request_id in running.log.read_text(), seconds=10)
            [line] = [each for each in running.log.read_text().splitlines() if request_id in each]
    words = line.split()
    assert words[-7:-4] == ["_OTHER", "-", "400"] and words[-2:] == ["-", request_id], line
