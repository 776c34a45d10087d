"""Whom the access log says that a call is from: nobody, a network, an address, behind proxies whose word counts. And
for whom it is: a name, or its digest."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for
from liftgate.engine.access_lines import Form, access_fields
from liftgate.engine.access_log import JsonAccessLog
from liftgate.engine.meter import Kinds
from liftgate.prices import TextCounts
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import call
from running import eventually
from test_json_log import whole_call
from test_meter import hello

MASTER = {"Authorization": "Bearer sk-master"}
FORWARDED = {
    "203.0.113.77": ("203.0.113.77", "203.0.113.0"),
    # What the client itself wrote stands before what the proxy wrote.
    "198.51.100.1, 203.0.113.77": ("203.0.113.77", "203.0.113.0"),
    "forged-by-evil, sk-0123456789abcdefXYZ,203.0.113.77": ("203.0.113.77", "203.0.113.0"),
    # Two proxies: the nearer one is trusted too.
    "203.0.113.77, 10.1.2.3": ("203.0.113.77", "203.0.113.0"),
    "198.51.100.1, 10.1.2.3, 203.0.113.77, 10.1.2.3, 10.9.9.9": ("203.0.113.77", "203.0.113.0"),
    "10.1.2.3": ("10.1.2.3", "10.1.2.0"),
    # With a port, as some proxies write it.
    "203.0.113.77:52100": ("203.0.113.77", "203.0.113.0"),
    "203.0.113.77, 10.1.2.3:443": ("203.0.113.77", "203.0.113.0"),
    "2001:DB8:1:2:0::9": ("2001:db8:1:2::9", "2001:db8:1::"),
    "[2001:db8:1:2::9]": ("2001:db8:1:2::9", "2001:db8:1::"),
    "[2001:db8:1:2::9]:443": ("2001:db8:1:2::9", "2001:db8:1::"),
    "fe80::1%eth0": ("fe80::1", "fe80::"),
    "::ffff:203.0.113.77": ("203.0.113.77", "203.0.113.0"),
    "203.0.113.77, ::ffff:10.1.2.3": ("203.0.113.77", "203.0.113.0"),
    # An address of 6to4 has one of IPv4 within.
    "2002:cb00:714d::1": ("2002:cb00:714d::1", "2002:cb00:7100::"),
    # The last address that can be known is the client.
    **dict.fromkeys(
        ("", ",", "unknown", "_hidden", "203.0.113.777", "203.0.113.77 x", "1", "x" * 5000, "203.0.113.77,", "\xff"),
        ("127.0.0.1", "127.0.0.0"),
    ),
    "203.0.113.77, unknown, 10.1.2.3": ("10.1.2.3", "10.1.2.0"),
    "203.0.113.77" + ", 10.1.2.3" * 500: ("10.1.2.3", "10.1.2.0"),
}
"""X-Forwarded-For, from 127.0.0.1, where 127.0.0.1 and 10.0.0.0/8 are trusted → the address, its prefix."""


@contextmanager
def gateway(tmp_path: Path, sandbox: SandboxServer, *arguments: str, **ours: Any) -> Iterator[GatewayProcess]:
    config = write_config(tmp_path / "c.yaml", sandbox.url, **({"access_log": True, "json_logs": True} | ours))
    with gateway_processes(config, tmp_path / "data", 1, *arguments) as [running]:
        yield running
        running.stop()


def lines_in(log: str) -> dict[str, dict[str, Any]]:
    """Of calls, by the id of the request."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return {line["request_id"]: line for line in lines if line["event"] == "access"}


def asked(url: str, forwarded: str) -> str:
    """The id of a chat that a proxy passed on."""
    answer = call(
        url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), {**MASTER, "X-Forwarded-For": forwarded}
    )
    assert answer.status == 200
    return answer.headers["x-request-id"]


@pytest.mark.parametrize(("form", "at"), [("full", 0), ("prefix", 1)])
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    form: str, at: int, tmp_path: Path, sandbox: SandboxServer
) -> None:
    trusted = {"trusted_proxies": "127.0.0.1,10.0.0.0/8", "log_client_ip": form}
    with gateway(tmp_path, sandbox, "--num-workers", "2", **trusted) as running:
        ids = {asked(running.url, forwarded): forwarded for forwarded in FORWARDED}
    found = lines_in(log := running.log.read_text())
    assert {ids[each]: found[each]["client_ip"] for each in ids} == {
        forwarded: expected[at] for forwarded, expected in FORWARDED.items()
    }
    assert not any(said in log for said in ("198.51.100.1", "forged-by-evil", "_hidden", "sk-01234567", "%eth0"))
    if form == "prefix":
        assert not re.search(r"203\.0\.113\.77|cb00:714d|2::9", log)


def test_every_kind_of_call_has_the_client_and_only_where_it_is_asked_for(
    tmp_path: Path, sandbox: SandboxServer
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.77"}
    for name, expected in (("none", None), ("full", "203.0.113.77")):
        place = tmp_path / name
        place.mkdir()
        with gateway(place, sandbox, trusted_proxies="*", log_client_ip=name, debug=True) as running:
            with client_for(running.url, "sk-master") as client:
                messages: Any = [{"role": "user", "content": "hello"}]
                with client.chat.completions.create(
                    model=MODEL, messages=messages, stream=True, extra_headers=headers
                ) as stream:
                    assert list(stream)
                client.files.create(file=("a.txt", b"text"), purpose="user_data", extra_headers=headers)
            asked(running.url, "203.0.113.77")
            for path, given, status in (
                ("/v1/models", {"Authorization": "Bearer sk-wrong"}, 401),
                ("/nowhere", MASTER, 404),
                ("/health/liveliness", {}, 200),
            ):
                assert call(running.url, "GET", path, None, {**given, **headers}).status == status
        log = running.log.read_text()
        found = lines_in(log)
        assert len(found) == 6 and {line.get("client_ip") for line in found.values()} == {expected}
        assert ("203.0.113" in log) == (expected is not None)


def test_the_connection_says_it_where_no_proxy_is_trusted(tmp_path: Path, sandbox: SandboxServer) -> None:
    with gateway(tmp_path, sandbox, log_client_ip="full") as running:
        request_id = asked(running.url, "203.0.113.77")
    assert lines_in(running.log.read_text())[request_id]["client_ip"] == "127.0.0.1"


def test_a_connection_by_ipv6_has_its_address(tmp_path: Path, sandbox: SandboxServer) -> None:
    config = write_config(tmp_path / "c.yaml", sandbox.url, access_log=True, json_logs=True, log_client_ip="full")
    running = GatewayProcess(config, tmp_path / "data", "--host", "::1")
    try:
        assert eventually(lambda: "http://[::1]:" in running.log.read_text(), seconds=20), running.log.read_text()
        port = int(running.log.read_text().split("http://[::1]:")[1].split()[0].rstrip("/"))
        with socket.create_connection(("::1", port), 10) as connection:
            connection.sendall(b"GET /health/liveliness HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        running.stop()
    [line] = lines_in(running.log.read_text()).values()
    assert line["client_ip"] == "::1"


@pytest.mark.parametrize(("form", "shown"), [("full", "203.0.113.77 "), ("prefix", "203.0.113.0 "), ("none", "")])
def test_a_line_of_text_begins_with_the_client(form: str, shown: str, tmp_path: Path, sandbox: SandboxServer) -> None:
    settings: dict[str, Any] = {"json_logs": False, "trusted_proxies": "127.0.0.1", "log_client_ip": form}
    with gateway(tmp_path, sandbox, **settings) as running:
        request_id = asked(running.url, "203.0.113.77")
    [line] = [line for line in running.log.read_text().splitlines() if line.endswith(request_id)]
    assert f" INFO {shown}POST /v1/chat/completions 200 " in line


@pytest.mark.parametrize("tokens", [TextCounts(3, 4, 5), TextCounts(3, 0, 0)])
@pytest.mark.parametrize("usage", [{"promptTokenCount": 3}, None], ids=["whole", "without usage"])
def test_of_calls_that_end_together_each_has_its_own_client(
    tokens: TextCounts, usage: object, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = Kinds([JsonAccessLog(Form(client_ip=True, user_secret=SECRET))])
    clients = ("203.0.113.1", "", "2001:db8::", "203.0.113.1")
    calls = [
        whole_call(tokens=tokens, usage=usage, client_ip=each, bytes_in=n, user=each and "ann")
        for n, each in enumerate(clients)
    ]
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("INFO", "liftgate.access"):
            kinds.notify(calls)
        said = [json.loads(record.getMessage()) for record in caplog.records]
        assert said == [
            {**access_fields(each), **({"client_ip": each.client_ip, "user": digest("ann")} if each.user else {})}
            for each in calls
        ]


SECRET, OTHER = "0123456789abcdef-one", "0123456789abcdef-two"


def digest(user: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), user[:256].encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]


def asked_for(url: str, user: str, *, streamed: bool) -> str:
    """The id of a chat for this user, by the official client."""
    with client_for(url, "sk-master") as client:
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[{"role": "user", "content": "hello"}], user=user, stream=streamed
        )
        if streamed:
            assert list(raw.parse())
        return str(raw.headers["x-request-id"])


def test_a_user_has_the_same_digest_in_each_process_and_after_a_start(tmp_path: Path, sandbox: SandboxServer) -> None:
    users = ("ann@example.com", "bob@example.com", "Zoë \u2028", "x" * 300, "0" * 16)
    for secret, count in ((SECRET, "2"), (SECRET, "1"), (OTHER, "1")):
        asked_by: dict[str, str] = {}
        with gateway(tmp_path, sandbox, "--num-workers", count, log_user_secret=secret) as running:
            with ThreadPoolExecutor(len(users)) as pool:
                for streamed in (False, False, True):
                    ids = pool.map(partial(asked_for, running.url, streamed=streamed), users)
                    asked_by |= dict(zip(ids, users, strict=True))
            plain = asked(running.url, "")
        log = running.log.read_text()
        found = {each: line.get("user") for each, line in lines_in(log).items()}
        assert found == {plain: None, **{each: digest(user, secret) for each, user in asked_by.items()}}
        assert not any(said in log for said in ("example.com", "Zo\\u00eb", "x" * 200, secret))
