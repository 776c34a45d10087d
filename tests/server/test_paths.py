"""HEAD wherever GET is served, and paths with more slashes than they need, at the doors of both dialects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest

from liftgate.server import routes
from raw_http import Answer, answers_of, connect, head
from running import MODEL, Running

KEY = "sk-ann-0123456789"
ANN = {"Authorization": f"Bearer {KEY}"}
GOOGLES = {"x-goog-api-key": KEY}
START = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
KEYED = "{keys: [{name: ann, key: sk-ann-0123456789}]}"
CHAT = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}).encode()
NATIVE = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
QUERIES = {"/global/spend/report": "?start_date=2026-01-01&end_date=2026-01-02"}
OF_THIS_ANSWER = ("date", "x-request-id")


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """All that can be read; the one key is the master key."""
    return {"environ": {"LIFTGATE_MASTER_KEY": KEY}, "ours": "{metrics: true, spend: true}"}


@pytest.fixture(scope="module")
def read(gateway: Running) -> list[tuple[str, dict[str, str]]]:
    """Every GET route, with what it names there."""
    file = gateway.upload(b"%PDF-1.4\n%%EOF", name="a.pdf", headers=ANN)["id"]
    turn = {"model": MODEL, "input": "hello"}
    talk = {"items": [{"type": "message", "role": "user", "content": "hello"}]}
    response, conversation = (
        gateway.call("POST", path, json.dumps(body).encode(), headers=ANN).json()["id"]
        for path, body in (("/v1/responses", turn), ("/v1/conversations", talk))
    )
    items = gateway.call("GET", f"/v1/conversations/{conversation}/items", headers=ANN).json()
    asset = re.search(rb"ui/([\w.-]+)", gateway.call("GET", "/ui").body)
    assert asset is not None
    named = {
        "{model:path}": MODEL,
        "{file_id}": file,
        "/ui/{name}": f"/ui/{asset[1].decode()}",
        "{name}": file,
        "{response_id}": response,
        "{conversation_id}": conversation,
        "{item_id}": items["data"][0]["id"],
    }
    found = []
    for table in routes.TABLES:
        for group, prefixes in table.groups:
            for route in group:
                # What /metrics says is new each time: it counts who asks. "/" has nothing of its own.
                if "GET" not in route.handlers or route.path in ("/metrics", "/"):
                    continue
                path = route.path
                for name, value in named.items():
                    path = path.replace(name, value)
                query = QUERIES.get(path, "?alt=media" if path.endswith(":download") else "")
                key = GOOGLES if table.dialect.name == "gemini" else ANN
                found += [(prefix + path + query, key) for prefix in prefixes]
    return found


def test_a_head_is_a_get_without_its_body(gateway: Running, read: list[tuple[str, dict[str, str]]]) -> None:
    assert len(read) >= 20
    for path, key in read:
        got, headed = gateway.call("GET", path, headers=key), gateway.call("HEAD", path, headers=key)
        assert (headed.status, headed.body) == (got.status, b""), path
        assert got.status == 200 and got.body, path
        for name in {*got.headers, *headed.headers} - {*OF_THIS_ANSWER}:
            assert headed.headers[name] == got.headers[name], (path, name)


def test_what_a_get_refuses_a_head_refuses(make_gateway: Callable[..., Running]) -> None:
    keyed = make_gateway(ours=KEYED)
    missing = "a" * 24
    for path, key, status in (
        ("/v1/models", {}, 401),
        ("/v1/models/none", ANN, 404),
        (f"/v1/files/file-{missing}", ANN, 404),
        ("/v1/files?limit=x", ANN, 400),
        ("/v1/nothing", ANN, 404),
        ("/v1beta/files", {}, 401),
        (f"/v1beta/files/{missing}", GOOGLES, 403),
        ("/v1beta/models/none", GOOGLES, 404),
    ):
        got, headed = keyed.call("GET", path, headers=key), keyed.call("HEAD", path, headers=key)
        assert (headed.status, headed.body) == (got.status, b"") == (status, b""), path
        if path != "/v1/nothing":
            # Its sentence names the method.
            assert headed.headers["content-length"] == got.headers["content-length"], path


def test_what_has_no_get_has_no_head(gateway: Running) -> None:
    for path in ("/v1/chat/completions", "/v1/uploads"):
        answer = gateway.call("HEAD", path)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert gateway.call("HEAD", f"/v1beta/models/{MODEL}:generateContent").status == 404


def test_a_connection_goes_on_behind_a_head(gateway: Running) -> None:
    with connect(gateway.base) as line:
        line.sendall(head("HEAD", "/v1/models", ANN) + head("GET", "/health/liveness", {"Connection": "close"}))
        first, second = answers_of(line, bodiless=1)
    assert (first.status, second.status, second.json()) == (200, 200, {"status": "alive"})


def spellings(path: str) -> Iterator[str]:
    plain, question, query = path.partition("?")
    slashed = plain.replace("/", "//")
    for spelled in (plain + "/", "/" + plain, slashed, slashed + "//", plain.replace("/", "///", 2)):
        yield spelled + question + query


def same(one: Answer, other: Answer) -> bool:
    return (one.status, one.body, one.headers["content-type"]) == (
        other.status,
        other.body,
        other.headers["content-type"],
    )


def test_slashes_that_say_nothing_change_nothing(gateway: Running, read: list[tuple[str, dict[str, str]]]) -> None:
    for path, key in read:
        plain = gateway.call("GET", path, headers=key)
        for spelled in spellings(path):
            answer = gateway.call("GET", spelled, headers=key)
            if answer.status == 302:
                # The page names what lies beside it, so it is led to where that is.
                assert path == "/ui", path
                led = urljoin(gateway.base + spelled, answer.headers["location"])
                answer = gateway.call("GET", led.removeprefix(gateway.base), headers=key)
            assert same(answer, plain), spelled


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v1/chat/completions", CHAT, ANN),
        ("/v1/chat/completions/input_tokens", CHAT, ANN),
        (f"/engines/{MODEL}/chat/completions", CHAT, ANN),
        (f"/v1beta/models/{MODEL}:generateContent", NATIVE, GOOGLES),
        (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", NATIVE, GOOGLES),
        ("/upload/v1beta/files?uploadType=resumable", b"{}", {**GOOGLES, **START}),
    ],
)  # fmt: skip
def test_bodies_arrive_by_them_too(gateway: Running, path: str, body: bytes, key: dict[str, str]) -> None:
    for spelled in (path, *spellings(path)):
        answer = gateway.call("POST", spelled, body, key)
        assert answer.status == 200, (spelled, answer.body)


def test_a_key_is_asked_for_behind_them(make_gateway: Callable[..., Running]) -> None:
    keyed = make_gateway(ours=KEYED)
    for path in ("/v1/files", "/v1beta/files"):
        plain = keyed.call("GET", path)
        assert plain.status == 401
        for spelled in spellings(path):
            assert same(keyed.call("GET", spelled), plain), spelled


def test_what_is_nowhere_is_not_found_by_them(gateway: Running) -> None:
    assert gateway.call("GET", "/v1beta//nothing/").json()["error"]["status"] == "NOT_FOUND"
    assert gateway.call("GET", "//v1//nothing/").error()["message"].startswith("Invalid URL (GET /v1/nothing)")
    refused = gateway.call("DELETE", "//v1/models/")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
