"""Gemini's methods over the wire: the official client with our key, and what passes unchanged to an upstream."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from google import genai
from google.genai import errors, types

from cut_line import content_of
from gateways import (
    MODEL,
    SandboxServer,
    ask,
    client_for,
    deployments,
    gateway_server,
    settings_for,
)
from genai_clients import genai_client
from liftgate.deployments import Deployment
from liftgate.settings import RouterSettings
from moved_clock import BriskClock
from raw_http import Answer, call
from serving import serve

ANN = {"x-goog-api-key": "sk-ann", "Content-Type": "application/json"}
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/"


@pytest.fixture(scope="module")
def base(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with a public name that is Google's, one of its own, and an embedding model."""
    made = [
        *deployments(sandbox.url),
        *deployments(sandbox.url, ("key-b",)),
        *(replace(each, id="fast", model_name="team/fast") for each in deployments(sandbox.url)),
        *(replace(each, id="vectors") for each in deployments(sandbox.url, model="gemini-embedding-001")),
    ]
    settings = settings_for(
        sandbox, tmp_path_factory.mktemp("native"), deployments=tuple(made), router=RouterSettings(num_retries=1)
    )
    with gateway_server(settings, clock=BriskClock()) as url:
        yield url


@pytest.fixture
def ann(base: str) -> Iterator[genai.Client]:
    with genai_client(base) as client:
        yield client


def uploaded(client: genai.Client, content: bytes, mime_type: str = "text/plain") -> types.File:
    return client.files.upload(file=io.BytesIO(content), config={"mime_type": mime_type})


def contents(*parts: Any) -> Any:
    return list(parts)


def post(base: str, target: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call(base, "POST", target, raw, ANN if headers is None else headers)


def generate(base: str, body: Any, model: str = MODEL, method: str = "generateContent") -> Answer:
    return post(base, f"/v1beta/models/{model}:{method}", body)


def naming(uri: str, mime_type: str = "text/plain") -> dict[str, Any]:
    file = {"fileData": {"fileUri": uri, "mimeType": mime_type}}
    return {"contents": [{"role": "user", "parts": [{"text": "What is it?"}, file]}]}


# ── the official client ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_client_uploads_and_asks_about_a_file(base: str, version: str) -> None:
    content = content_of(20_000_000, seed=len(version))
    with genai_client(base, version=version) as client:
        file = uploaded(client, content)
        reply = client.models.generate_content(model=MODEL, contents=contents("What is in it?", file))
    assert hashlib.sha256(content).hexdigest() in (reply.text or "")


def test_client_streams_about_a_file(ann: genai.Client) -> None:
    file = uploaded(ann, b"streamed")
    chunks = list(ann.models.generate_content_stream(model=MODEL, contents=contents("And this?", file)))
    assert len(chunks) > 1
    assert hashlib.sha256(b"streamed").hexdigest() in "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].usage_metadata is not None


def test_client_counts_tokens_with_a_file(ann: genai.Client) -> None:
    without = ann.models.count_tokens(model=MODEL, contents="Hello there").total_tokens or 0
    counted = ann.models.count_tokens(model=MODEL, contents=contents("Hello there", uploaded(ann, b"words " * 500)))
    assert (counted.total_tokens or 0) > without > 0


def test_client_embeds(ann: genai.Client, base: str) -> None:
    made = ann.models.embed_content(model="gemini-embedding-001", contents=contents("one", "two"))
    assert made.embeddings is not None and [len(each.values or ()) > 8 for each in made.embeddings] == [True, True]
    single = generate(base, {"content": {"parts": [{"text": "one"}]}}, "gemini-embedding-001", "embedContent")
    assert single.json()["embedding"]["values"] == made.embeddings[0].values


def test_client_lists_and_gets_models(ann: genai.Client, base: str) -> None:
    listed = {model.name: model for model in ann.models.list()}
    assert set(listed) == {f"models/{MODEL}", "models/team/fast", "models/gemini-embedding-001"}
    actions = listed[f"models/{MODEL}"].supported_actions
    assert actions is not None and {"generateContent", "countTokens"} <= set(actions)
    assert ann.models.get(model=MODEL).name == f"models/{MODEL}"
    pages = call(base, "GET", "/v1beta/models?pageSize=2", headers=ANN).json()
    rest = call(base, "GET", f"/v1beta/models?pageSize=2&pageToken={pages['nextPageToken']}", headers=ANN).json()
    assert [model["name"] for model in pages["models"] + rest["models"]] == list(listed)
    assert "nextPageToken" not in rest
    with pytest.raises(errors.ClientError) as missing:
        ann.models.get(model="gemini-none")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")


def test_public_name_of_ones_own_reaches_its_model(ann: genai.Client, base: str, sandbox: SandboxServer) -> None:
    assert ann.models.generate_content(model="models/team/fast", contents="hi").text
    wrapped = {"generateContentRequest": {"model": "models/team/fast", "contents": [{"parts": [{"text": "hi"}]}]}}
    assert generate(base, wrapped, "team/fast", "countTokens").json()["totalTokens"] > 0
    assert sandbox.control("bodies")["bodies"][-1]["model"] == MODEL


def test_file_of_either_door_is_used_at_the_other(ann: genai.Client, base: str) -> None:
    with client_for(base) as openai_client:
        native = uploaded(ann, b"from the native door")
        assert native.name is not None
        digest = hashlib.sha256(b"from the native door").hexdigest()
        assert digest in ask(openai_client, native.name.replace("files/", "file-"))
        made = openai_client.files.create(file=("a.txt", b"from openai"), purpose="user_data")
        reply = ann.models.generate_content(
            model=MODEL, contents=contents("?", ann.files.get(name=made.id.replace("file-", "files/")))
        )
        assert hashlib.sha256(b"from openai").hexdigest() in (reply.text or "")


def test_lost_replica_is_made_again(ann: genai.Client, sandbox: SandboxServer) -> None:
    content = b"lost and found"
    file = uploaded(ann, content)
    digest = hashlib.sha256(content).hexdigest()
    assert digest in (ann.models.generate_content(model=MODEL, contents=contents("?", file)).text or "")
    for stored in sandbox.control("files")["files"]:
        if stored["sha256"] == digest:
            sandbox.control(f"files/{stored['id']}", method="DELETE")
    chunks = ann.models.generate_content_stream(model=MODEL, contents=contents("?", file))
    assert digest in "".join(chunk.text or "" for chunk in chunks)


# ── which files pass ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_spelling_of_an_owners_file_is_known(ann: genai.Client, base: str) -> None:
    config = types.UploadFileConfig(name="files/my-own", mime_type="text/plain")
    ann.files.upload(file=io.BytesIO(b"by any name"), config=config)
    plain = uploaded(ann, b"by any name")
    assert plain.name is not None and plain.uri is not None
    spellings = [plain.uri, plain.name, plain.name.replace("files/", "file-"), f"http://localhost/v1/{plain.name}"]
    for uri in [*spellings, f"{GOOGLE}files/my-own", "files/my-own"]:
        answer = generate(base, naming(uri))
        assert answer.status == 200, answer.body
        assert hashlib.sha256(b"by any name").hexdigest() in answer.body.decode()


def asked(sandbox: SandboxServer) -> dict[str, int]:
    """What Google was asked; copies of files that an earlier test deleted may go at any time."""
    operations: dict[str, int] = sandbox.stats()["operations"]
    return {name: count for name, count in operations.items() if name != "files.delete"}


def test_files_that_are_not_the_owners_are_never_forwarded(
    ann: genai.Client, base: str, sandbox: SandboxServer
) -> None:
    with genai_client(base, "sk-bob") as bob:
        foreign = uploaded(bob, b"bob's")
    file = uploaded(ann, b"ann's, and its replica")
    ann.models.generate_content(model=MODEL, contents=contents("?", file))
    digest = hashlib.sha256(b"ann's, and its replica").hexdigest()
    [replica] = [each["id"] for each in sandbox.control("files")["files"] if each["sha256"] == digest]
    assert foreign.uri is not None and foreign.name is not None
    before = asked(sandbox)
    for uri in (
        foreign.uri,
        foreign.name,
        f"{GOOGLE}files/{replica}",
        f"files/{replica}",
        f"/files/{replica}",
        f" {GOOGLE}files/{replica}",
        f"https://GenerativeLanguage.googleapis.com:443/v1beta/files/{replica}",
        f"https://x@generativelanguage.googleapis.com./v1beta//files/{replica}",
        f"https://generativelanguage%2egoogleapis.com/v1beta/files/{replica}",
        f"{GOOGLE}files/{replica}?alt=media",
        f"{sandbox.url}/v1beta/files/{replica}",
        f"http://localhost/v1beta/files/{replica}",
    ):
        inner = naming(uri)["contents"]
        for method, body in (
            ("generateContent", {"contents": inner}),
            ("streamGenerateContent?alt=sse", {"contents": [], "systemInstruction": inner[0]}),
            ("countTokens", {"generateContentRequest": {"model": f"models/{MODEL}", "contents": inner}}),
            ("generateContent", {"contents": [{"parts": [{"function_response": {"parts": inner[0]["parts"]}}]}]}),
        ):
            answer = generate(base, body, method=method)
            assert (answer.status, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED"), uri
            assert "You do not have permission to access the File" in answer.json()["error"]["message"]
    assert asked(sandbox) == before


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"contents": [], "cachedContent": "cachedContents/abc"}, "cachedContent"),
        ({"contents": [], "tools": [{"file_search": {"fileSearchStoreNames": ["fileSearchStores/a"]}}]}, "file_search"),
    ],
)
def test_what_gemini_keeps_by_name_is_refused_by_name(base: str, body: dict[str, Any], key: str) -> None:
    answer = generate(base, body)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert key in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", f"/v1beta/models/{MODEL}:predict"),
        ("POST", f"/v1beta/models/{MODEL}:batchGenerateContent"),
        ("POST", "/v1beta/cachedContents"),
        ("POST", "/v1/batches"),
        ("GET", "/v1beta/fileSearchStores"),
        ("POST", "/v1beta/files:register"),
        ("POST", "/upload/v1beta/fileSearchStores/a:uploadToFileSearchStore"),
        ("PATCH", f"/v1beta/models/{MODEL}"),
    ],
)
def test_anything_else_native_is_404(base: str, method: str, target: str) -> None:
    answer = call(base, method, target, b"{}", ANN)
    assert (answer.status, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_refusals_are_googles(base: str, ann: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as missing:
        ann.models.generate_content(model="gemini-none", contents="hi")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")
    unknown = generate(base, {"contents": [{"parts": [{"text": "hi"}]}], "colour": "red"})
    assert (unknown.status, unknown.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert unknown.json()["error"]["details"][0]["@type"].endswith("google.rpc.BadRequest")
    assert generate(base, b"{", method="countTokens").json()["error"]["code"] == 400
    assert generate(base, {}, method="generateContent?alt=sse").status == 400
    assert post(base, f"/v1/models/{MODEL}:generateContent?key=sk-wrong", {}, {}).json()["error"]["code"] == 401


def test_rate_limit_comes_with_googles_details(sandbox: SandboxServer, base: str) -> None:
    for key in ("key-a", "key-b"):
        sandbox.control("faults", {"kind": "status", "operation": "generate", "code": 429, "times": 9, "key": key})
    try:
        answer = generate(base, {"contents": [{"parts": [{"text": "hi"}]}]}, "team/fast")
    finally:
        sandbox.control("faults", method="DELETE")
    assert (answer.status, answer.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────

HELLO = {"contents": [{"parts": [{"text": "Say hello"}]}]}


@contextmanager
def upstream(
    *pieces: bytes, status: int = 200, content_type: str = "application/json"
) -> Iterator[tuple[str, list[Any]]]:
    """An upstream that says what it is told to, a piece at a time, and notes what it was sent: (path, body)."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        seen.append((scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else ""), body))
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type.encode())]}
        )
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with serve(app, lifespan="off") as url:
        yield url, seen


@contextmanager
def gateway_to(url: str, directory: Path, *more: Deployment) -> Iterator[str]:
    settings = settings_for(SandboxServer(url), directory, router=RouterSettings(num_retries=0))
    with gateway_server(replace(settings, deployments=(*deployments(url), *more))) as base:
        yield base


@pytest.mark.parametrize(
    "body",
    [
        b'{"contents":[{"parts":[{"text":"a\\u00e9\\n"}]}],\n "generationConfig": {"temperature": 1.10, "x": 1e400}}',
        b"{'contents': [{'parts': [{'text': 'single'}]}]}",
        b'{"contents":[{"parts":[{"fileData":{"file_uri":"https://www.youtube.com/watch?v=x"}}]}], "x":  1.10}',
        b'{"contents":[{"parts":[{"fileData":{"file_uri":"gs://b/o"}},{"fileData":{"file_uri":"https://a.b/v1/files/x"}}]}]}',
        b'{"model": "models/%b", "fileData": {"fileUri": ""}}' % MODEL.encode(),
        b'{"model": "%b", "contents": []}' % MODEL.encode(),
        b'{"model": "", "contents": [], "y": {"model": "models/other"}, "contents": [{"model": "other"}]}',
    ],
)
def test_body_and_answer_pass_byte_for_byte(tmp_path: Path, body: bytes) -> None:
    said = b'{ "candidates": [],\r\n "unknownField" : {"a": 1.10} }\n'
    with upstream(said) as (url, seen), gateway_to(url, tmp_path) as base:
        answer = generate(base, body)
    assert (answer.status, answer.body) == (200, said)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert seen == [(f"/v1beta/models/{MODEL}:generateContent", body)]


def test_model_names_of_our_own_become_googles_in_the_body(tmp_path: Path) -> None:
    body = (
        b'{"requests": [{"model" : "models/vec", "content": {"parts": []}},{"model":"vec"},'
        b'{"model":"models/gemini-embedding-001"}], "x": 1.10}'
    )
    with upstream(b'{"embeddings": []}') as (url, seen):
        own = replace(deployments(url)[0], id="vec", model_name="vec", model="gemini-embedding-001")
        with gateway_to(url, tmp_path, own) as base:
            assert generate(base, body, "vec", "batchEmbedContents").status == 200
    expected = body.replace(b'"models/vec"', b'"models/gemini-embedding-001"')
    expected = expected.replace(b'"vec"', b'"models/gemini-embedding-001"')
    assert seen == [("/v1beta/models/gemini-embedding-001:batchEmbedContents", expected)]


OTHERS = (
    ("generateContent", b'{"model": "models/other", "contents": []}'),
    ("generateContent", b'{"model": "other", "contents": []}'),
    ("generateContent", b'{"model": " models/gemini-2.5-flash", "contents": []}'),
    ("generateContent", b'{"model": "tunedModels/other", "contents": []}'),
    ("generateContent", b'{"model": "models/gemini-2.5-flash", "contents": [], "model": "models/other"}'),
    ("generateContent", b'{"mod\\u0065l": "models/other", "contents": []}'),
    ("generateContent", b'{"model": "models/oth\\u0065r", "contents": []}'),
    ("streamGenerateContent", b'{"contents": [], "model": "models/other"}'),
    ("streamGenerateContent?alt=sse", b'{"contents": [], "model": "models/other"}'),
    ("countTokens", b'{"generateContentRequest": {"model": "models/other", "contents": []}}'),
    ("countTokens", b'{"generate_content_request": {"model": "models/other", "contents": []}}'),
    ("embedContent", b'{"model": "models/other", "content": {"parts": []}}'),
    ("batchEmbedContents", b'{"requests": [{"model": "models/gemini-2.5-flash"}, {"model": "models/other"}]}'),
)


@pytest.mark.parametrize(("method", "body"), OTHERS)
@pytest.mark.parametrize("padding", [0, 300_000], ids=["small", "large"])
def test_a_body_that_names_another_model_is_refused(tmp_path: Path, method: str, body: bytes, padding: int) -> None:
    """Google's transcoder may take the body's word for it: then the body could ask what `model_list` has not."""
    with upstream(b"{}") as (url, seen), gateway_to(url, tmp_path) as base:
        answer = call(base, "POST", f"/v1beta/models/{MODEL}:{method}", body + b" " * padding, ANN)
        error = answer.json()["error"]
        assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
        assert "other" in error["message"] or " models/" in error["message"]
    assert seen == []


@pytest.mark.parametrize("body", [b"{'contents': [], 'model': 'models/other'}", b'{model: "models/other"}'])
def test_no_loose_json_hides_a_model(tmp_path: Path, body: bytes) -> None:
    """Google reads single quotes and bare keys; what may name a model has to be JSON."""
    with upstream(b"{}") as (url, seen), gateway_to(url, tmp_path) as base:
        answer = generate(base, body)
        assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert seen == []


def test_any_of_its_deployments_models_may_be_named(tmp_path: Path) -> None:
    """And Google is told the one that is asked."""
    with upstream(b"{}") as (url, seen):
        own = [replace(deployments(url)[0], id=name, model_name="mine", model=name) for name in ("gem-a", "gem-b")]
        with gateway_to(url, tmp_path, *own) as base:
            for named in ("gem-a", "models/gem-b", "mine", "models/mine"):
                assert generate(base, {"model": named, "contents": []}, "mine").status == 200
    for path, body in seen:
        asked = path.removeprefix("/v1beta/models/").partition(":")[0]
        assert json.loads(body)["model"].removeprefix("models/") == asked


EVENTS = [b'{"candidates": [{"content": {"parts": [{"text": "\\u00e9"}]}}], "n": 1.10}', b'{ "responseId" : "x" }']


def test_events_pass_as_google_writes_them(tmp_path: Path) -> None:
    wire = b"".join(b"data: " + event + b"\r\n\r\n" for event in EVENTS)
    pieces = [wire[at : at + 7] for at in range(0, len(wire), 7)]
    with upstream(*pieces, content_type="text/event-stream") as (url, seen), gateway_to(url, tmp_path) as base:
        answer = generate(base, HELLO, method="streamGenerateContent?alt=sse")
        array = generate(base, HELLO, method="streamGenerateContent")
    assert (answer.headers["content-type"], answer.body) == ("text/event-stream", wire)
    assert array.headers["content-type"] == "application/json; charset=UTF-8"
    assert array.body == b"[" + EVENTS[0] + b"\n,\r\n" + EVENTS[1] + b"\n]"
    assert [path for path, _ in seen] == [f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"] * 2


def test_stream_without_events_is_no_answer(tmp_path: Path) -> None:
    """Google sends one at least; an empty 200 is what something in between makes of a failure."""
    with upstream(content_type="text/event-stream") as (url, _), gateway_to(url, tmp_path) as base:
        for method in ("streamGenerateContent?alt=sse", "streamGenerateContent"):
            answer = generate(base, HELLO, method=method)
            assert (answer.status, answer.json()["error"]["code"]) == (502, 502)


@pytest.mark.parametrize("alt", ["?alt=sse", ""])
def test_error_inside_a_stream_is_told_inside(base: str, sandbox: SandboxServer, alt: str) -> None:
    for key in ("key-a", "key-b"):
        sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "after_events": 1, "key": key})
    try:
        answer = generate(base, HELLO, method=f"streamGenerateContent{alt}")
    finally:
        sandbox.control("faults", method="DELETE")
    assert answer.status == 200
    if alt:
        events = [json.loads(block.removeprefix(b"data: ")) for block in answer.body.split(b"\r\n\r\n") if block]
    else:
        events = answer.json()
    assert "candidates" in events[0] and events[-1]["error"]["code"] >= 500


def test_broken_stream_does_not_look_whole(ann: genai.Client, sandbox: SandboxServer) -> None:
    for key in ("key-a", "key-b"):
        sandbox.control(
            "faults", {"kind": "cut", "operation": "stream", "where": "response", "after_bytes": 500, "key": key}
        )
    try:
        with pytest.raises(errors.APIError):
            list(ann.models.generate_content_stream(model=MODEL, contents="Tell me a long story"))
    finally:
        sandbox.control("faults", method="DELETE")


def test_error_before_the_first_event_is_a_status_and_is_tried_elsewhere(base: str, sandbox: SandboxServer) -> None:
    sandbox.control("faults", {"kind": "status", "operation": "stream", "code": 503, "times": 1})
    assert generate(base, HELLO, method="streamGenerateContent?alt=sse").status == 200
    sandbox.control("faults", {"kind": "status", "operation": "stream", "code": 503, "times": 9})
    try:
        answer = generate(base, HELLO, method="streamGenerateContent?alt=sse")
    finally:
        sandbox.control("faults", method="DELETE")
    assert (answer.status, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")


def test_client_that_leaves_ends_the_call_at_gemini(base: str, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"chunks": [{"candidates": []}] * 100, "delays": [0, *[0.2] * 99]})
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    target = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    connection.request("POST", target, json.dumps(HELLO), ANN)
    response = connection.getresponse()
    assert response.read(10).startswith(b"data: ")
    assert sandbox.stats()["in_flight"] >= 1
    response.close()
    connection.close()
    deadline = time.monotonic() + 5
    while sandbox.stats()["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sandbox.stats()["in_flight"] == 0
