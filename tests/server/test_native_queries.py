"""What of a native request is passed on to the byte: names that are the same on both sides, parameters of the query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, deployments, gateway_server, settings_for
from raw_http import Answer, call
from serving import serve

ANN = {"x-goog-api-key": "sk-ann", "Content-Type": "application/json"}
NUMBERS = "$alt=json;enum-encoding=int"
ARRAY = b'[{"candidates":[{"content":{"parts":[{"text":"]}\\"{"}]}}]}\n,\r\n{"candidates":[{"finishReason":1}]}\n]'
"""As Google writes a stream without `alt=sse` (docs/protocol/gemini.md, "Streams")."""
REFUSED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
ARRAYS = {
    b'{"n":1}': ARRAY[: ARRAY.index(b"\n,")],
    b'{"n":2}': ARRAY[:-9],
    b'{"n":3}': ARRAY[: ARRAY.index(b",\r\n{")] + b",\r\n" + json.dumps(REFUSED).encode() + b"\n]",
}
"""Cut behind an element, cut within one, and with an error inside."""
ANSWER = b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":1}]}'


@contextmanager
def echo() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """An upstream that answers the same to everything; what it was asked: (path with query, body)."""
    seen: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        seen.append((scope["path"] + (f"?{query}" if query else ""), body))
        streamed = "alt=sse" in query
        headers = [(b"content-type", b"text/event-stream" if streamed else b"application/json")]
        answer = b"data: " + ANSWER + b"\r\n\r\n" if streamed else ANSWER
        if not streamed and "streamGenerateContent" in scope["path"]:
            answer = ARRAYS.get(body, ARRAY)
        elif not streamed:
            # Google's unary answers have it, its streams do not (docs/protocol/gemini.md, "Ground rules").
            headers.append((b"x-gemini-service-tier", body if b"tier" in body else b"standard"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for at in range(0, len(answer), 7):
            await send({"type": "http.response.body", "body": answer[at : at + 7], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with serve(app, lifespan="off") as url:
        yield url, seen


@pytest.fixture(scope="module")
def upstream() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    with echo() as made:
        yield made


@pytest.fixture(scope="module")
def base(upstream: tuple[str, list[tuple[str, bytes]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = deployments(upstream[0])
    named = (*made, *(replace(each, id="ours", model_name="ours") for each in made))
    settings = settings_for(SandboxServer(upstream[0]), tmp_path_factory.mktemp("queries"), deployments=named)
    with gateway_server(settings) as url:
        yield url


def post(base: str, target: str, body: bytes) -> Answer:
    return call(base, "POST", target, body, ANN)


@pytest.mark.parametrize("spelled", [MODEL, f"models/{MODEL}"])
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("generateContent", '{"model": "NAME", "contents": [ {"parts":[{"text":"a"}]} ]}'),
        ("countTokens", '{"generateContentRequest":{ "model" : "NAME","contents":[{"parts":[{"text":"a"}]}]}}'),
        ("embedContent", '{"model":"NAME","content":{"parts":[{"text":"a"}]}}'),
        ("batchEmbedContents", '{"requests":[{"model":"NAME","content":{"parts":[{"text":"a"}]}}]}'),
        ("streamGenerateContent?alt=sse", '{"contents":[{"parts":[{"text":"a"}]}],  "model":"NAME"}'),
    ],
)
def test_a_name_that_is_the_same_on_both_sides_stands_as_it_came(
    base: str, upstream: tuple[str, list[tuple[str, bytes]]], method: str, body: str, spelled: str
) -> None:
    sent = body.replace("NAME", spelled).encode()
    assert post(base, f"/v1beta/models/{MODEL}:{method}", sent).status == 200
    assert upstream[1][-1][1] == sent
    # A name of one's own becomes Google's.
    own = body.replace("NAME", spelled.replace(MODEL, "ours")).encode()
    assert post(base, f"/v1beta/models/ours:{method}", own).status == 200
    assert upstream[1][-1][1] == body.replace("NAME", f"models/{MODEL}").encode()


@pytest.mark.parametrize("method", ["generateContent", "countTokens", "embedContent", "batchEmbedContents"])
@pytest.mark.parametrize("query", [NUMBERS, "%24alt=json%3Benum-encoding%3Dint"])
def test_enums_as_numbers_are_asked_of_google(
    base: str, upstream: tuple[str, list[tuple[str, bytes]]], method: str, query: str
) -> None:
    answer = post(base, f"/v1beta/models/{MODEL}:{method}?{query}", b"{}")
    assert (answer.status, answer.body) == (200, ANSWER)
    assert upstream[1][-1][0] == f"/v1beta/models/{MODEL}:{method}?{NUMBERS}"
    post(base, f"/v1beta/models/{MODEL}:{method}?$alt=json&prettyPrint=false", b"{}")
    assert upstream[1][-1][0] == f"/v1beta/models/{MODEL}:{method}"


def test_streams_with_numbers_are_asked_of_google_too(base: str, upstream: tuple[str, list[tuple[str, bytes]]]) -> None:
    """In the form that the client asks for: an array is recorded, events with numbers are not."""
    answer = post(base, f"/v1beta/models/{MODEL}:streamGenerateContent?{NUMBERS}", b"{}")
    assert (answer.status, answer.body) == (200, ARRAY)
    assert upstream[1][-1][0] == f"/v1beta/models/{MODEL}:streamGenerateContent?{NUMBERS}"
    for query in ("$alt=sse;enum-encoding=int", "alt=sse&" + NUMBERS):
        answer = post(base, f"/v1beta/models/{MODEL}:streamGenerateContent?{query}", b"{}")
        assert (answer.status, answer.body) == (200, b"data: " + ANSWER + b"\r\n\r\n")
        assert upstream[1][-1][0] == f"/v1beta/models/{MODEL}:streamGenerateContent?$alt=sse;enum-encoding=int"
    for query in ("$alt=sse", "alt=json", ""):
        assert post(base, f"/v1beta/models/{MODEL}:streamGenerateContent?{query}", b"{}").status == 200
        assert upstream[1][-1][0] == f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"


def test_an_array_that_broke_off_never_looks_whole(base: str) -> None:
    target = f"/v1beta/models/{MODEL}:streamGenerateContent?{NUMBERS}"
    for body in (b'{"n":1}', b'{"n":2}', b'{"n":3}'):
        answer = post(base, target, body)
        first, last = answer.json()
        assert answer.status == 200 and first == json.loads(ARRAY)[0]
        assert last["error"]["code"] in (502, 503), last
        assert (last == REFUSED) == (body == b'{"n":3}')


def test_the_tier_of_an_answer_is_passed_on(base: str) -> None:
    for method in ("generateContent", "countTokens", "embedContent"):
        assert post(base, f"/v1beta/models/{MODEL}:{method}", b"{}").headers["x-gemini-service-tier"] == "standard"
    for body in (b'{"a":"tier"}', b'{"tier": "\xc3\xa9"}'):
        # What is no word is none of Google's tiers.
        assert "x-gemini-service-tier" not in post(base, f"/v1beta/models/{MODEL}:generateContent", body).headers
    for query in ("alt=sse", NUMBERS):
        answer = post(base, f"/v1beta/models/{MODEL}:streamGenerateContent?{query}", b"{}")
        assert "x-gemini-service-tier" not in answer.headers


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", f"/v1beta/models/{MODEL}:generateContent?$alt=proto"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent?$alt=json;enum-encoding=words"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent?alt=media"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent?$alt=sse"),
        ("POST", f"/v1beta/models/{MODEL}:streamGenerateContent?alt=proto"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent?fields=candidates"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent?callback=f"),
        ("GET", "/v1beta/models?alt=sse"),
        ("GET", f"/v1beta/models/{MODEL}?$alt=proto"),
        ("GET", "/v1beta/files?alt=media"),
        ("GET", "/v1beta/files/x?alt=proto"),
        ("DELETE", "/v1beta/files/x?alt=media"),
        ("GET", "/v1beta/files/x:download?alt=proto"),
    ],
)
def test_what_would_change_the_answer_is_never_passed_over(base: str, method: str, target: str) -> None:
    answer = call(base, method, target, b"{}" if method == "POST" else None, ANN)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1beta/files"),
        ("GET", "/v1beta/files?$alt=json;enum-encoding=int"),
        ("GET", "/v1beta/files/x"),
        ("GET", "/v1beta/models"),
        ("GET", "/v1beta/nothing"),
        ("GET", "/download/v1beta/files/x:download?alt=media"),
        ("GET", "/download/v1beta/x"),
        ("POST", f"/v1beta/models/{MODEL}:generateContent"),
    ],
)
def test_every_answer_of_the_native_doors_is_in_googles_form(base: str, method: str, target: str) -> None:
    answer = call(base, method, target, b"{}" if method == "POST" else None, ANN)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    if answer.status != 200:
        assert set(json.loads(answer.body)["error"]) >= {"code", "message", "status"}
