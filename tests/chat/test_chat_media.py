"""Media that a request brings itself, names that Gemini keeps, tokens counted: what reaches Gemini, and what it may."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_wire import FLASH, SIGNING, about_file, chat_settings, chunks_of, hello, post, put_together, streamed
from gateways import SandboxServer, client_for, gateway_server
from liftgate.settings import AuthSettings, LimitSettings
from serving import serve

MIB = 1024 * 1024
COUNT = "/v1/chat/completions/input_tokens"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


def _audio(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}


def _asking(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": FLASH, "messages": [{"role": "user", "content": list(parts)}], **more}


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def _told(body: dict[str, Any]) -> str:
    return str(body["choices"][0]["message"]["content"])


def _last_parts(sandbox: SandboxServer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = sandbox.control("bodies")["bodies"][-1]["body"]["contents"][-1]["parts"]
    return parts


# ── data ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_data_of_many_parts_counts_together(url: str, sandbox: SandboxServer) -> None:
    """Three parts of 4 MiB are each below the limit of 10, but not together: Google limits the whole request."""
    before = sandbox.stats()["finalized"]
    parts = [os.urandom(4 * MIB) for _ in range(3)]
    body = _asking(*(_audio(part) for part in parts))
    for turn in range(3):
        status, _, answer = post(url, body) if turn < 2 else (200, {}, None)
        text = _told(answer) if answer else put_together(chunks_of(streamed(url, body)))[0]["message"]["content"]
        assert status == 200
        assert all(hashlib.sha256(part).hexdigest() in text for part in parts)
    assert [set(part) for part in _last_parts(sandbox)] == [{"fileData"}, {"inlineData"}, {"inlineData"}]
    assert sandbox.stats()["finalized"] == before + 1


def test_large_data_is_uploaded_once_however_often_the_conversation_repeats_it(
    url: str, sandbox: SandboxServer
) -> None:
    before = sandbox.stats()["finalized"]
    data = os.urandom(24 * MIB)
    lines = base64.encodebytes(data).decode()
    part = {"type": "file", "file": {"file_data": lines, "filename": "talk.mp3"}}
    history: list[Any] = [{"role": "user", "content": [part]}]
    for question in ("and", "now", "what"):
        status, _, answer = post(url, {"model": FLASH, "messages": history})
        assert status == 200, answer
        assert hashlib.sha256(data).hexdigest() in _told(answer)
        history += [{"role": "assistant", "content": _told(answer)}, {"role": "user", "content": question}]
    assert sandbox.stats()["finalized"] == before + 1
    with client_for(url) as client:
        assert [file.filename for file in client.files.list() if file.filename == "talk.mp3"] == []


def test_others_are_served_while_large_data_is_taken_in(url: str) -> None:
    """Forty chats go through while three of 24 MiB are decoded, hashed and stored."""
    body = _asking(_audio(os.urandom(24 * MIB)))
    results: list[int] = []
    large = [threading.Thread(target=lambda: results.append(post(url, body)[0])) for _ in range(3)]
    for thread in large:
        thread.start()
    served = 0
    while any(thread.is_alive() for thread in large) or served < 40:
        assert post(url, hello())[0] == 200
        served += 1
    for thread in large:
        thread.join()
    assert results == [200] * 3


@pytest.mark.parametrize("size", [100, 11 * MIB])
def test_data_that_is_no_base64_is_refused_by_its_place(size: int, url: str) -> None:
    broken = base64.b64encode(bytes(size)).decode() + "!!!!"
    part = {"type": "input_audio", "input_audio": {"data": broken, "format": "wav"}}
    status, _, body = post(url, _asking({"type": "text", "text": "?"}, part))
    assert (status, body["error"]["param"]) == (400, "messages[0].content[1].input_audio.data")
    assert len(body["error"]["message"]) < 200


# ── URLs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """`/cat.png`, `/large.mp3` (3 MiB), `/empty`, redirects: `/inside` to a private address, `/here` to the image."""
    bodies = {
        "/cat.png": (b"image/png", PNG),
        "/large.mp3": (b"audio/mpeg", b"abc" * MIB),
        "/empty": (b"image/png", b""),
        "/as-text": (b"text/plain", PNG),
        "/main.rs": (b"application/rls-services+xml", b"fn main() {}"),
        "/dl": (b"application/force-download", b"%PDF-1.4"),
        "/named": (b"application/octet-stream", b"a,b"),
        "/utf16": (b"text/plain", "naïve text".encode("utf-16")),
        "/page": (b"text/html; charset=utf-8", b"<!doctype html><p>hi"),
        "/odd": (b"application/octet-stream", b"\x01\x02\x03"),
    }
    named = {"/named": b'attachment; filename="t.csv"', "/dl": b"attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"}
    moved = {"/inside": b"http://192.168.0.1/x", "/here": b"/cat.png", "/nowhere": b"http://[bad", "/loop": b"/loop"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        kind, body = bodies.get(path, (b"text/html", b"no such page"))
        headers = [(b"content-type", kind)]
        if path in named:
            headers.append((b"content-disposition", named[path]))
        status = 200 if path in bodies else 404
        if path in moved:
            status, headers = 302, [(b"location", moved[path])]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with serve(app, lifespan="off") as url:
        yield url


@pytest.fixture(scope="module")
def fetching_url(shared_sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that may fetch from this machine, and puts 1 MiB into a request at most."""
    limits = LimitSettings(fetch_allowed_hosts=("127.0.0.1",), inline_limit=MIB, fetch_max_bytes=4 * MIB)
    settings = chat_settings(shared_sandbox, tmp_path_factory.mktemp("fetching"))
    with gateway_server(replace(settings, limits=limits)) as url:
        yield url


def test_urls_are_fetched_small_ones_as_data_large_ones_as_files(
    fetching_url: str, pages: str, sandbox: SandboxServer
) -> None:
    audio = {"type": "audio_url", "audio_url": {"url": f"{pages}/large.mp3"}}
    body = _asking(_image(f"{pages}/cat.png"), audio, _image(f"{pages}/here"))
    status, _, answer = post(fetching_url, body)
    assert status == 200, answer
    assert hashlib.sha256(PNG).hexdigest() in _told(answer)
    assert hashlib.sha256(b"abc" * MIB).hexdigest() in _told(answer)
    kinds = [next(iter(part)) for part in _last_parts(sandbox)]
    assert kinds == ["inlineData", "fileData", "inlineData"]
    assert _last_parts(sandbox)[0]["inlineData"]["mimeType"] == "image/png"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("as-text", "image/png"),
        ("main.rs", "text/plain"),
        ("dl", "application/pdf"),
        ("named", "text/csv"),
        ("utf16", "text/plain"),
        ("page", "text/html"),
    ],
)
def test_what_is_fetched_is_what_its_bytes_and_name_say(
    path: str, found: str, fetching_url: str, pages: str, sandbox: SandboxServer
) -> None:
    part = {"type": "file", "file": {"file_url": f"{pages}/{path}"}}
    status, _, answer = post(fetching_url, _asking(part))
    assert status == 200, answer
    assert _last_parts(sandbox)[0]["inlineData"]["mimeType"] == found
    if path == "utf16":
        assert "naïve text" in _told(answer)


@pytest.mark.parametrize("kind", ["image_url", "video_url", "audio_url"])
@pytest.mark.parametrize(("path", "said"), [("page", "a web page"), ("odd", "application/octet-stream")])
def test_what_is_no_media_is_refused_by_its_place(
    path: str, said: str, kind: str, fetching_url: str, pages: str
) -> None:
    status, _, body = post(fetching_url, _asking({"type": kind, kind: {"url": f"{pages}/{path}"}}))
    assert (status, body["error"]["param"]) == (400, f"messages[0].content[0].{kind}.url")
    assert said in body["error"]["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nosuch", "invalid_image_url"),
        ("inside", "invalid_image_url"),
        ("nowhere", "invalid_image_url"),
        ("loop", "invalid_image_url"),
        ("empty", "unsupported_file"),
    ],
)
def test_what_cannot_be_fetched_is_refused_by_its_place(
    path: str, code: str, fetching_url: str, pages: str, sandbox: SandboxServer
) -> None:
    for stream in (False, True):
        status, _, body = post(fetching_url, _asking(_image(f"{pages}/{path}"), stream=stream))
        assert (status, body["error"]["code"]) == (400, code), body
        assert body["error"]["param"] == "messages[0].content[0].image_url.url"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:1",
        "localhost:1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "0.0.0.0",
        "224.0.0.1",
    ],
)
def test_no_address_inside_is_fetched(address: str, url: str) -> None:
    status, _, body = post(url, _asking(_image(f"http://{address}/x.png")))
    assert (status, body["error"]["code"]) == (400, "invalid_image_url")
    assert "does not lead to a public address" in body["error"]["message"]


@pytest.mark.parametrize("link", ["ftp://example.com/a.png", "file:///etc/passwd", "http://u:p@example.com/a.png"])
def test_other_schemes_and_credentials_are_refused(link: str, url: str) -> None:
    status, _, body = post(url, _asking(_image(link)))
    assert (status, body["error"]["param"]) == (400, "messages[0].content[0].image_url.url")


# ── names that Gemini keeps ────────────────────────────────────────────────────────────────────────────────────────

KEPT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"cached_content": "cachedContents/abc"}, "cached_content"),
    ({"extra_body": {"cachedContent": "cachedContents/abc"}}, "cachedContent"),
    ({"tools": [{"type": "file_search", "file_search_store_names": ["fileSearchStores/a"]}]}, "tools[0]"),
)


@pytest.mark.parametrize(("named", "param"), KEPT)
def test_what_gemini_keeps_by_name_passes_only_for_one_owner_and_one_account(
    named: dict[str, Any], param: str, sandbox: SandboxServer, tmp_path: Path
) -> None:
    one = chat_settings(sandbox, tmp_path / "one")
    master = replace(one, auth=AuthSettings(master_key="sk-master"))
    several = replace(one, auth=AuthSettings(master_key="sk-master", keys={"sk-ann": "ann"}))
    two = chat_settings(sandbox, tmp_path / "two", keys=("key-a", "key-b"))
    for settings, passes in ((one, True), (master, True), (several, False), (two, False)):
        with gateway_server(settings) as url, client_for(url, "sk-master") as client:
            answer = client.chat.completions.with_raw_response
            before = sandbox.stats()["operations"].get("generate", 0)
            try:
                answer.create(**hello(extra_body=named))
            except Exception as error:
                body = getattr(error, "body", None) or {}
                refused = body.get("code") == "unsupported_parameter"
                assert refused == (not passes), body
                assert not refused or body["param"] == param
            reached = sandbox.stats()["operations"].get("generate", 0) - before
            assert reached == (1 if passes else 0)


def test_a_part_that_is_sent_back_names_no_file_at_gemini(url: str, sandbox: SandboxServer) -> None:
    """`extra_content` returns Gemini's own parts; a URI in them would go round the files' owner. A part of its own is
    left out, as an answer may have had one; inside another it is nothing that an answer had."""
    stolen = {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}
    for raw, expected in ((stolen, 200), ({"functionResponse": {"name": "f", "response": {}, "parts": [stolen]}}, 400)):
        message = {"role": "assistant", "content": "x", "extra_content": {"google": {"parts": [{"index": 0, **raw}]}}}
        asked = {"model": SIGNING, "messages": [*hello()["messages"], message, *hello()["messages"]]}
        status, _, body = post(url, asked)
        assert status == expected and (status == 200 or body["error"]["code"] == "unknown_parameter")
        assert "files/abc" not in json.dumps(sandbox.control("bodies"))


# ── tokens ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_count_is_that_of_the_call_files_included(url: str, sandbox: SandboxServer) -> None:
    with client_for(url) as client:
        file = client.files.create(file=("notes.txt", b"The ferry leaves at nine. " * 60), purpose="user_data")
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    for body in (hello(), about_file(file.id), about_file(file.id, tools=[tool], temperature=0.5, stream=False)):
        _, _, answer = post(url, body)
        before = sandbox.stats()["operations"]["generate"]
        status, headers, counted = post(url, body, path=COUNT)
        assert (status, counted["object"]) == (200, "response.input_tokens")
        assert counted["input_tokens"] == answer["usage"]["prompt_tokens"] > 0
        assert set(counted) == {"object", "input_tokens"} and headers["content-type"] == "application/json"
        assert sandbox.stats()["operations"]["generate"] == before
    assert post(url, hello(), path="/chat/completions/input_tokens")[0] == 200


def test_a_count_fails_as_the_call_would(url: str, sandbox: SandboxServer) -> None:
    missing = about_file("file-" + "a" * 24)
    assert post(url, missing, path=COUNT)[2] == post(url, missing)[2]
    assert post(url, hello(temprature=1), path=COUNT)[2]["error"]["param"] == "temprature"
    sandbox.control("faults", {"kind": "status", "operation": "countTokens", "code": 429, "retry_delay": "5s"})
    status, headers, body = post(url, hello(), path=COUNT)
    assert (status, headers["retry-after"], body["error"]["code"]) == (429, "5", "rate_limit_exceeded")


def test_a_count_makes_a_lost_file_again(url: str, sandbox: SandboxServer) -> None:
    with client_for(url) as client:
        file = client.files.create(file=("notes.txt", os.urandom(8).hex().encode()), purpose="user_data")
    body = about_file(file.id)
    first = post(url, body, path=COUNT)[2]
    sandbox.control("clock", {"advance": 120})
    sandbox.control("files", method="DELETE")
    try:
        assert post(url, body, path=COUNT)[2] == first
    finally:
        sandbox.control("clock", {"reset": True})
