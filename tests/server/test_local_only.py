"""Without a key: this machine's own programs and pages, and nobody whom a browser or a proxy here lets through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from liftgate.errors import ConfigError
from raw_http import Answer, exchange
from running import MODEL, Running

BODY = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}).encode()
NATIVE = json.dumps({"contents": [{"parts": [{"text": "Hello"}]}]}).encode()

DOORS = [
    ("GET", "/v1/files", b""),
    ("HEAD", "/v1/files/file-x/content", b""),
    ("DELETE", "/v1/files/file-000000000000000000000000", b""),
    ("POST", "/v1/files", b"x"),
    ("POST", "/v1/uploads", b"{}"),
    ("POST", "/v1/chat/completions", BODY),
    ("GET", "/v1/models", b""),
    ("GET", "/v1beta/files", b""),
    ("POST", f"/v1beta/models/{MODEL}:generateContent", NATIVE),
    ("POST", "/upload/v1beta/files", b""),
    ("POST", "/upload/v1beta/files?upload_id=x", b""),
    ("GET", "/health/liveness", b""),
    ("GET", "/health/readiness", b""),
    ("GET", "/nowhere", b""),
    ("OPTIONS", "/v1/files", b""),
]


def ask(base: str, method: str, target: str, body: bytes = b"", *, host: str = "localhost", **headers: str) -> Answer:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return exchange(base, ["\r\n".join(lines).encode() + b"\r\n\r\n" + body], method)


def refused(answer: Answer, target: str) -> str:
    """The sentence of a 403 in the dialect of the path."""
    assert answer.status == 403, (answer.status, answer.body)
    error: dict[str, Any] = answer.json()["error"]
    native = target.startswith(("/v1beta/", "/upload/"))
    assert error["status" if native else "type"] == ("PERMISSION_DENIED" if native else "invalid_request_error")
    message: str = error["message"]
    assert "LIFTGATE_MASTER_KEY" in message and "http://127.0.0.1" in message
    return message


@pytest.mark.parametrize(("method", "target", "body"), DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebind.evil.example:4000"},
        {"host": "rebind.evil.example", "Origin": "http://rebind.evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"X_Forwarded_Host": "gw.example.com"},
    ],
)
def test_every_door_is_closed_to_what_comes_from_elsewhere(
    gateway: Running, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> None:
    answer = ask(gateway.base, method, target, body, **headers)
    if method == "HEAD":
        assert answer.status == 403
    else:
        refused(answer, target)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:4000", "LOCALHOST", "localhost.", "app.localhost:1", "127.0.0.1", "127.9.8.7:65535"),
        *("[::1]", "[::1]:4000", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:4000", "0.0.0.0:4000", "[::]:4000"),
    ],
)
def test_a_loopback_name_or_address_is_taken(gateway: Running, host: str) -> None:
    assert ask(gateway.base, "GET", "/v1/files", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example", "xlocalhost", "local"),
        *("10.0.0.1", "192.168.1.5:4000", "[fe80::1]", "[::2]", "169.254.169.254", "2130706433", "0x7f000001", "127.1"),
        *("localhost@evil.example", "evil.example@localhost", "localhost:x", "localhost:1:2", "[::1", "", "a b", "*"),
        *("host.docker.internal", "lоcalhost", "localhost/", "127.0.0.1#", "[::1]evil.example"),
    ],
)
def test_any_other_host_is_refused(gateway: Running, host: str) -> None:
    answer = ask(gateway.base, "GET", "/v1/files", host=host)
    assert answer.status in (400, 403)
    assert answer.status == 403 or b'"data"' not in answer.body


def test_the_address_of_the_request_line_counts_and_not_the_host(gateway: Running) -> None:
    refused(ask(gateway.base, "GET", "http://evil.example:4000/v1/files"), "/v1/files")
    assert ask(gateway.base, "GET", "http://localhost@evil.example/v1/files").status == 400
    assert ask(gateway.base, "GET", "http://localhost:4000/v1/files", host="evil.example").status == 200
    assert ask(gateway.base, "GET", "http://[::1]:4000/v1/files", host="evil.example").status == 200


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://a.localhost"]
)
def test_pages_of_this_machine_may_ask(gateway: Running, origin: str) -> None:
    assert ask(gateway.base, "GET", "/v1/files", Origin=origin).status == 200
    assert ask(gateway.base, "GET", "/v1/files", Origin=origin, Sec_Fetch_Site="cross-site").status == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "https://evil.example", "http://localhost.evil.example", "http://localhost@evil.example", "file://"),
        *("chrome-extension://abcdef", "localhost", "http://", "", "http://10.0.0.1", "javascript:localhost"),
        *("http://evil.example http://localhost", "http://[::1"),
    ],
)
def test_pages_of_elsewhere_may_not(gateway: Running, origin: str) -> None:
    assert "cors_origins" in refused(ask(gateway.base, "GET", "/v1/files", Origin=origin), "/v1/files")


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("same-site", 200), ("none", 200), ("Cross-Site", 403)]
)
def test_what_a_browser_says_of_the_site_counts(gateway: Running, site: str, status: int) -> None:
    assert ask(gateway.base, "GET", "/v1/files", Sec_Fetch_Site=site).status == status


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("X_Forwarded_For", "203.0.113.7", 403),
        ("X_Forwarded_For", "127.0.0.1, 203.0.113.7", 403),
        ("X_Forwarded_For", "unknown", 403),
        ("X_Forwarded_For", "127.0.0.1", 200),
        ("X_Forwarded_For", "::1, ::ffff:127.0.0.1", 200),
        ("X_Real_IP", "198.51.100.1", 403),
        ("CF_Connecting_IP", "203.0.113.7", 403),
        ("True_Client_IP", "203.0.113.7", 403),
        ("X_Client_IP", "127.0.0.1", 200),
        ("X_Original_Host", "gw.example.com", 403),
        ("X_Forwarded_Host", "gw.example.com", 403),
        ("X_Forwarded_Host", "localhost:3000", 200),
        ("Forwarded", "for=203.0.113.7;proto=https", 403),
        ("Forwarded", 'for=127.0.0.1, for="[2001:db8::1]:4711"', 403),
        ("Forwarded", 'For="[::1]";host=localhost', 200),
        ("Forwarded", "for=127.0.0.1;host=gw.example.com", 403),
    ],
)
def test_a_proxy_on_this_machine_opens_it_to_nobody(gateway: Running, name: str, value: str, status: int) -> None:
    """Whoever the peer is: that a proxy says so is enough, and what it says cannot open anything either."""
    assert ask(gateway.base, "GET", "/v1/files", b"", **{name: value}).status == status
    assert ask(gateway.base, "GET", "/v1/files", b"", host="evil.example", **{name: value}).status == 403


def test_nothing_of_the_request_is_done(gateway: Running) -> None:
    made = gateway.upload(b"of this machine")
    answer = ask(gateway.base, "DELETE", f"/v1/files/{made['id']}", Origin="https://evil.example")
    refused(answer, "/v1/files")
    assert ask(gateway.base, "GET", f"/v1/files/{made['id']}/content").body == b"of this machine"


def test_the_sentence_repeats_no_line_break_and_no_end(gateway: Running) -> None:
    said = refused(ask(gateway.base, "GET", "/v1/files", Origin="é" * 2000), "/v1/files")
    assert len(said) < 800 and said.isascii()


def test_configured_origins_may_ask(make_gateway: Any) -> None:
    shared: Running = make_gateway(ours="{cors_origins: 'https://app.example.com, https://*.example.org'}")
    for origin in ("https://app.example.com", "https://a.example.org"):
        assert ask(shared.base, "GET", "/v1/files", Origin=origin, Sec_Fetch_Site="cross-site").status == 200
    refused(ask(shared.base, "GET", "/v1/files", Origin="https://example.org"), "/v1/files")
    refused(ask(shared.base, "GET", "/v1/files", host="evil.example", Origin="https://app.example.com"), "/v1/files")


def test_every_origin_needs_a_key(make_gateway: Any) -> None:
    for origins in ("*", "null", "https://a.example, *"):
        with pytest.raises(ConfigError, match="cors_origins"):
            make_gateway(ours=f"{{cors_origins: '{origins}'}}")
    make_gateway(ours="{cors_origins: '*', keys: [{name: ann, key: sk-ann-0123456789}]}")


def test_with_a_key_any_host_is_served(make_gateway: Any) -> None:
    keyed: Running = make_gateway(environ={"LIFTGATE_MASTER_KEY": "sk-0123456789abcdef"})
    headers = {"Origin": "https://app.example", "Sec_Fetch_Site": "cross-site", "X_Forwarded_For": "203.0.113.7"}
    answer = ask(keyed.base, "GET", "/v1/files", b"", host="gw.example.com", **headers)
    assert answer.status == 401
    answer = ask(keyed.base, "GET", "/v1/files?key=sk-0123456789abcdef", b"", host="gw.example.com", **headers)
    assert answer.status == 200
