"""Pages of other origins: preflights, answers, errors and streams of every dialect, and nothing when it is off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateways import MODEL as SERVED
from gateways import gateway_server, sandbox_server, settings_for
from liftgate.server import routes
from liftgate.settings.origins import Origins
from liftgate.settings.sections import CountingSettings, ServerSettings
from raw_http import Answer, answers_of, call, connect, exchange
from running import MODEL, Running, form_request

PAGE = "https://app.example.com"
KEYED = f"{{cors_origins: '{PAGE}', keys: [{{name: ann, key: sk-ann-0123456789}}]}}"
ANN = {"Authorization": "Bearer sk-ann-0123456789"}
MINE = f"Authorization: {ANN['Authorization']}"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
STAINLESS = "authorization, content-type, x-stainless-arch, x-stainless-lang, x-stainless-os, x-stainless-retry-count"
PATHS = sorted(
    {
        (prefix + route.path.replace("{model:path}", MODEL).replace("{", "").replace("}", ""), method)
        for table in routes.TABLES
        for group, prefixes in table.groups
        for prefix in prefixes
        for route in group
        for method in route.methods
    }
)


def preflight(method: str, headers: str = STAINLESS, origin: str = PAGE, **more: str) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return {**asked, **more}


def of_cors(answer: Answer) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name.startswith("access-control-") or name == "vary"
    }


@pytest.fixture
def shared(make_gateway: Callable[..., Running]) -> Running:
    return make_gateway(ours=KEYED)


def test_every_route_of_every_dialect_can_be_asked_for_without_a_key(shared: Running) -> None:
    assert len(PATHS) > 30
    for path, method in PATHS:
        answer = shared.call("OPTIONS", path, headers=preflight(method))
        assert (answer.status, answer.body) == (204, b"")
        assert "content-length" not in answer.headers
        assert of_cors(answer) == {
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "access-control-allow-headers": STAINLESS,
            "access-control-max-age": "7200",
            "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        }
        assert method in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("authorization,content-type", "authorization,content-type"),
        ("X-Goog-Upload-Command, x-goog-api-client", "x-goog-upload-command, x-goog-api-client"),
        ("", "authorization, content-type, x-goog-api-key, x-api-key"),
        ("a b", "authorization, content-type, x-goog-api-key, x-api-key"),
        ("x,,y", "authorization, content-type, x-goog-api-key, x-api-key"),
    ],
)
def test_what_is_asked_for_may_be_sent(shared: Running, asked: str, allowed: str) -> None:
    answer = shared.call("OPTIONS", "/v1/files", headers=preflight("POST", asked))
    assert answer.status == 204 and answer.headers["access-control-allow-headers"] == allowed


def test_a_page_may_reach_a_private_network(shared: Running) -> None:
    asked = {"Access-Control-Request-Private-Network": "true"}
    answer = shared.call("OPTIONS", "/v1/files", headers={**preflight("POST"), **asked})
    assert answer.headers["access-control-allow-private-network"] == "true"


def test_answers_errors_and_streams_can_be_read(shared: Running) -> None:
    page = {"Origin": PAGE}
    chat, native = json.dumps(CHAT).encode(), b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    file = shared.upload(b"content", headers=ANN)["id"]
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    cases = [
        (200, shared.call("GET", "/v1/models", headers={**ANN, **page})),
        (200, shared.call("POST", "/v1/chat/completions", chat, {**ANN, **page})),
        (200, shared.post("/v1/chat/completions", {**CHAT, "stream": True}, {**ANN, **page})),
        (200, shared.call("POST", f"/v1beta/models/{MODEL}:generateContent", native, {**ANN, **page})),
        (200, shared.call("POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", native, {**ANN, **page})),
        (200, shared.call("POST", "/upload/v1beta/files", b"{}", {**ANN, **page, **start})),
        (200, shared.call("GET", f"/v1/files/{file}/content", headers={**ANN, **page})),
        (206, shared.call("GET", f"/v1/files/{file}/content", headers={**ANN, **page, "Range": "bytes=0-1"})),
        (200, shared.call("GET", "/health/liveness", headers=page)),
        (401, shared.call("POST", "/v1/chat/completions", chat, page)),
        (401, shared.call("GET", "/v1beta/models", headers=page)),
        (404, shared.call("GET", "/v1/nothing", headers={**ANN, **page})),
        (404, shared.call("GET", "/v1beta/nothing", headers={**ANN, **page})),
        (405, shared.call("PUT", "/v1/files", headers={**ANN, **page})),
        (416, shared.call("GET", f"/v1/files/{file}/content", headers={**ANN, **page, "Range": "bytes=99-"})),
        (400, shared.call("POST", "/v1/chat/completions", b"{", {**ANN, **page})),
    ]
    for status, answer in cases:
        assert answer.status == status, answer
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
        exposed = answer.headers["access-control-expose-headers"]
        for name in ("x-request-id", "x-goog-upload-url", "x-goog-upload-status", "x-goog-upload-size-received"):
            assert name in exposed
        for name in ("x-goog-upload-chunk-granularity", "x-goog-upload-control-url", "retry-after"):
            assert name in exposed


def test_refusals_of_size_and_rate_can_be_read_too(make_gateway: Callable[..., Running]) -> None:
    shared = make_gateway(ours=f"{{cors_origins: '{PAGE}', max_file_bytes: 1024}}")
    page = {"Origin": PAGE}
    assert_readable(shared.call(*form_request({"purpose": "user_data"}, b"x" * 500_000, headers=page)), 413)
    error = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    shared.order("scripts", status=429, response=error)
    assert_readable(shared.post("/v1/chat/completions", CHAT, page), 429)


def assert_readable(answer: Answer, status: int) -> None:
    assert answer.status == status, answer
    assert answer.headers["access-control-allow-origin"] == PAGE


HERE = f"Origin: {PAGE}"
FRONT_REFUSES = {
    "a head that is too large": (431, "GET", "/v1/models", [HERE, "X-Large: " + "x" * 70_000], b""),
    "two keys": (400, "GET", "/v1/models", ["Authorization: Bearer a", "Authorization: Bearer b", HERE], b""),
    "no number for a length": (400, "POST", "/v1/files", [HERE, "Content-Length: ten"], b""),
    "a coding that is not known": (501, "POST", "/v1/files", [HERE, "Transfer-Encoding: gzip, chunked"], b""),
    "an expectation": (417, "POST", "/v1/files", ["Expect: more", HERE, "Content-Length: 1"], b""),
    "a chunk without a size": (400, "POST", "/v1/uploads", [HERE, "Transfer-Encoding: chunked"], b"zz\r\n"),
    "trailers without an end": (
        # With its key: without one the answer to the head, which is 401, may come first.
        431, "POST", "/v1/uploads", [HERE, MINE, "Transfer-Encoding: chunked"], b"0\r\n" + b"a: b\r\n" * 20_000,
    ),
    "Gemini's door": (431, "GET", "/v1beta/models", [HERE, "X-Large: " + "x" * 70_000], b""),
}  # fmt: skip
"""What the front answers itself, before there is a route: status, method, path, lines of the head, body."""


def bare(method: str, path: str, lines: Sequence[str], body: bytes = b"") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *lines)).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("name", FRONT_REFUSES)
@pytest.mark.parametrize("step", [1 << 20, 1000], ids=["at once", "in pieces"])
def test_what_is_refused_before_a_route_can_be_read(shared: Running, name: str, step: int) -> None:
    status, method, path, lines, body = FRONT_REFUSES[name]
    sent = bare(method, path, lines, body)
    answer = exchange(shared.base, [sent[at : at + step] for at in range(0, len(sent), step)])
    assert_readable(answer, status)
    assert answer.headers["vary"] == "Origin" and "x-request-id" in answer.headers["access-control-expose-headers"]
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("name", FRONT_REFUSES)
def test_another_origin_cannot_read_it(shared: Running, name: str) -> None:
    status, method, path, lines, body = FRONT_REFUSES[name]
    for origin in ("https://evil.example", PAGE + ".evil"):
        told = [line.replace(PAGE, origin) for line in lines]
        answer = exchange(shared.base, [bare(method, path, told, body)])
        assert (answer.status, of_cors(answer)) == (status, {"vary": "Origin"})


def test_who_asks_twice_is_nobody(shared: Running) -> None:
    answer = exchange(shared.base, [bare("GET", "/v1/models", [HERE, "Origin: https://b.example"])])
    assert (answer.status, of_cors(answer)) == (400, {"vary": "Origin"})


def test_an_origin_behind_the_bound_was_not_read(shared: Running) -> None:
    answer = exchange(shared.base, [bare("GET", "/v1/models", ["X-Large: " + "x" * 70_000, HERE])])
    assert (answer.status, of_cors(answer)) == (431, {"vary": "Origin"})


def test_garbage_behind_a_request_is_nobodys(shared: Running) -> None:
    with connect(shared.base) as line:
        line.sendall(bare("GET", "/health/liveness", [HERE]) + b"\x01\x02\x03\r\n\r\n")
        first, second = answers_of(line)
    assert first.headers["access-control-allow-origin"] == PAGE
    assert (second.status, of_cors(second)) == (400, {"vary": "Origin"})


def test_without_the_setting_refusals_say_nothing_of_it(make_gateway: Callable[..., Running]) -> None:
    closed = make_gateway(ours="{keys: [{name: ann, key: sk-ann-0123456789}]}")
    for status, method, path, lines, body in FRONT_REFUSES.values():
        answer = exchange(closed.base, [bare(method, path, lines, body)])
        assert (answer.status, of_cors(answer)) == (status, {})


def test_a_body_that_stops_coming_can_be_read(make_gateway: Callable[..., Running]) -> None:
    shared = make_gateway(ours=f"{{cors_origins: '{PAGE}', read_timeout: 1}}")
    assert_readable(exchange(shared.base, [bare("POST", "/v1/uploads", [HERE, "Content-Length: 9"])]), 408)


@pytest.mark.parametrize(
    "origin", ["https://app.example.com.evil", "https://evil.example", "http://app.example.com", "null", f"{PAGE}:8443"]
)
def test_another_origin_is_told_nothing(shared: Running, origin: str) -> None:
    refused = shared.call("OPTIONS", "/v1/files", headers=preflight("POST", origin=origin))
    assert refused.status == 403 and "cors_origins" in refused.error()["message"]
    served = shared.call("GET", "/health/liveness", headers={"Origin": origin})
    assert of_cors(refused).keys() == of_cors(served).keys() == {"vary"}
    assert of_cors(shared.call("GET", "/health/liveness")) == {"vary": "Origin"}


def test_all_origins(make_gateway: Callable[..., Running]) -> None:
    shared = make_gateway(ours="{cors_origins: '*', keys: [{name: ann, key: sk-ann-0123456789}]}")
    for origin in (PAGE, "null", "chrome-extension://abc", "app://obsidian.md"):
        answer = shared.call("GET", "/v1/models", headers={**ANN, "Origin": origin})
        assert answer.headers["access-control-allow-origin"] == "*" and "vary" not in answer.headers
        assert shared.call("OPTIONS", "/v1/models", headers=preflight("GET", origin=origin)).status == 204


def test_without_the_setting_nothing_changes(make_gateway: Callable[..., Running]) -> None:
    closed = make_gateway(ours="{keys: [{name: ann, key: sk-ann-0123456789}]}")
    for path in ("/v1/chat/completions", "/v1/files"):
        answer = closed.call("OPTIONS", path, headers=preflight("POST"))
        assert answer.status == 405 and of_cors(answer) == {}
    assert of_cors(closed.call("GET", "/health/liveness", headers={"Origin": PAGE})) == {}


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        (
            "https://a.example",
            ["https://a.example"],
            ["https://b.a.example", "http://a.example", "https://a.example:1"],
        ),
        ("HTTPS://A.example:443", ["https://a.example"], ["https://a.example:444"]),
        ("http://localhost:3000", ["http://localhost:3000"], ["http://localhost", "http://localhost:30000"]),
        ("http://[::1]:3000", ["http://[::1]:3000"], ["http://[::2]:3000"]),
        (
            "https://*.example.com",
            ["https://a.example.com", "https://a.b.example.com"],
            ["https://example.com", "https://evilexample.com", "https://a.example.com.evil", "https://a.examplexcom"],
        ),
        (
            "http://localhost:*",
            ["http://localhost", "http://localhost:5173"],
            ["http://localhost.evil:1", "http://a:1"],
        ),
        ("moz-extension://*", ["moz-extension://0a-1b"], ["chrome-extension://0a-1b", "moz-extension://a/b"]),
        ("app://obsidian.md", ["app://obsidian.md"], ["app://obsidian.md.evil"]),
        ("null", ["null"], ["", "https://null"]),
        ("*", ["null", "https://a.example"], []),
    ],
)
def test_origins(entry: str, inside: list[str], outside: list[str]) -> None:
    origins = Origins([entry])
    assert all(origin in origins for origin in inside)
    assert not any(origin in origins for origin in outside)


NOT_OURS = {"connection", "date", "transfer-encoding", "vary"}
READABLE = {"cache-control", "content-length", "content-type"}
"""Which a page may read of any answer."""


def test_a_page_reads_every_header_of_limits_and_cost(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path,
            server=ServerSettings(cors_origins=(PAGE,)),
            counting=CountingSettings(spend=True),
        )
        with gateway_server(settings) as url:
            limits = json.dumps({"rpm_limit": 2, "tpm_limit": 100_000, "max_budget": 1}).encode()
            made = call(url, "POST", "/key/generate", limits, {"Authorization": "Bearer sk-master"})
            key = made.json()["key"]
            for status in (200, 200, 429):
                headers = {"Authorization": f"Bearer {key}", "Origin": PAGE}
                answer = call(
                    url, "POST", "/v1/chat/completions", json.dumps({**CHAT, "model": SERVED}).encode(), headers
                )
                assert answer.status == status
                told = {name for name in answer.headers if not name.startswith("access-control-")} - NOT_OURS
                exposed = set(answer.headers["access-control-expose-headers"].split(", "))
                assert "x-ratelimit-remaining-tokens" in told and told <= exposed | READABLE
