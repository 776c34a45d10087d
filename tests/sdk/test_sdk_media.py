"""What messages bring along when nothing is kept: data and URLs, all of a request together; and tokens counted."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import liftgate
from liftgate.ask.media import Media, ResolvedFile
from liftgate.engine.fetch import Fetcher
from liftgate.errors import FileNotFound, FileUnusable, InvalidRequest, MissingParameter, UnsupportedParameter
from liftgate.gemini.files import GeminiFile
from liftgate.sdk import direct_media
from liftgate.sdk.direct import Direct
from sdk_sandbox import MODEL, Sandbox, asking
from serving import serve

HELLO = [{"role": "user", "content": "Hello"}]
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """A server of `/small.png`, `/large.bin` (300 kB), `/empty` and nothing else."""
    bodies = {"/small.png": (b"image/png", PNG), "/large.bin": (b"text/plain", b"word " * 60_000), "/empty": (b"", b"")}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kind, body = bodies.get(scope["path"], (b"text/html", b"no such page"))
        status = 200 if scope["path"] in bodies else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    with serve(app, lifespan="off") as url:
        yield url


def _audio(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}


def test_all_data_of_a_request_counts_and_the_largest_travels_as_a_file(sandbox: Sandbox) -> None:
    parts = [os.urandom(1024 * 1024 * size) for size in (4, 5, 3)]
    answer = liftgate.completion(MODEL, [{"role": "user", "content": [_audio(part) for part in parts]}])
    told = str(answer.choices[0].message.content)
    assert all(hashlib.sha256(part).hexdigest() in told for part in parts)
    assert [file["size"] for file in sandbox.files()] == [len(parts[1])]


def test_data_that_is_no_base64_is_refused_by_its_place(sandbox: Sandbox) -> None:
    data = base64.b64encode(bytes(11 * 1024 * 1024)).decode() + "!!!!"
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    with pytest.raises(InvalidRequest) as refused:
        liftgate.completion(MODEL, [{"role": "user", "content": [part]}])
    assert refused.value.param == "messages[0].content[0].input_audio.data"
    assert len(refused.value.message) < 200


def test_a_url_that_leads_inside_is_refused(sandbox: Sandbox, pages: str) -> None:
    with pytest.raises(InvalidRequest, match="does not lead to a public address") as refused:
        liftgate.completion(MODEL, asking(f"{pages}/small.png"))
    assert refused.value.param == "messages[0].content[1].file.file_id"
    assert sandbox.count("generate") == 0


@pytest.mark.parametrize(("path", "room", "kind"), [("small.png", 100, "data"), ("large.bin", 100, "file")])
def test_a_url_is_data_while_there_is_room_and_else_a_file(
    path: str, room: int, kind: str, sandbox: Sandbox, pages: str
) -> None:
    """The guard is told that this host may be fetched from, as an operator of a gateway can."""
    engine = Direct(liftgate.sdk.calls.Call(), os.environ)

    async def fetch() -> ResolvedFile | GeminiFile:
        fetcher = Fetcher(max_bytes=10**6, timeout=10, allowed_hosts=["127.0.0.1"])
        try:
            async with engine, engine._exchange(liftgate.sdk.calls.Call()) as at:
                need = Media("messages[0]", "url", f"{pages}/{path}")
                return await direct_media.fetch_media(at, fetcher, need, room)
        finally:
            await fetcher.close()

    found = asyncio.run(fetch())
    if kind == "data":
        assert found == ResolvedFile("image/png", data=base64.b64encode(PNG).decode())
    else:
        assert isinstance(found, GeminiFile) and found.mime_type == "text/plain"
        assert sandbox.files()[0]["sha256"] == hashlib.sha256(b"word " * 60_000).hexdigest()


@pytest.mark.parametrize("path", ["nosuch", "empty"])
def test_what_cannot_be_fetched_is_told_with_its_place(path: str, sandbox: Sandbox, pages: str) -> None:
    async def fetch() -> None:
        fetcher = Fetcher(max_bytes=1000, timeout=10, allowed_hosts=["127.0.0.1"])
        engine = Direct(liftgate.sdk.calls.Call(), os.environ)
        try:
            async with engine, engine._exchange(liftgate.sdk.calls.Call()) as at:
                await direct_media.fetch_media(at, fetcher, Media("messages[0]", "url", f"{pages}/{path}"), 100)
        finally:
            await fetcher.close()

    with pytest.raises(FileUnusable) as refused:
        asyncio.run(fetch())
    assert refused.value.param == "messages[0]"


def test_tokens_are_those_that_the_call_would_use(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("notes.txt", b"The ferry leaves at nine. " * 40))
    messages = [{"role": "system", "content": "Be brief."}, *asking(file.id)]
    answer = liftgate.completion(MODEL, messages)
    assert answer.usage is not None
    counted = liftgate.token_counter(model=f"gemini/{MODEL}", messages=messages)
    assert counted == answer.usage.prompt_tokens > 200
    assert counted > liftgate.token_counter(MODEL, messages=HELLO) == liftgate.token_counter(MODEL, text="Hello")
    assert liftgate.token_counter(MODEL, text=["Hello"] * 8) > liftgate.token_counter(MODEL, text="Hello")
    assert sandbox.count("generate") == 1
    assert asyncio.run(liftgate.atoken_counter(MODEL, messages=messages)) == counted


def test_tokens_are_counted_where_files_are_kept_too(sandbox: Sandbox, tmp_path: Path) -> None:
    with liftgate.Liftgate(data_dir=tmp_path) as client:
        file = client.create_file(file=("notes.txt", b"The ferry leaves at nine. " * 40))
        answer = client.completion(MODEL, asking(file.id))
        assert answer.usage is not None
        assert client.token_counter(MODEL, messages=asking(file.id), timeout=30) == answer.usage.prompt_tokens
        with pytest.raises(FileNotFound):
            client.token_counter(MODEL, messages=asking("file-" + "a" * 24))

    async def count() -> int:
        async with liftgate.AsyncLiftgate() as client:
            return await client.token_counter(MODEL, text="Hello")

    assert asyncio.run(count()) == liftgate.token_counter(MODEL, text="Hello")


def test_tools_and_options_reach_the_count_as_they_reach_the_call(sandbox: Sandbox) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    assert liftgate.token_counter(MODEL, messages=HELLO, tools=[tool], num_retries=0, extra_headers={"x-a": "b"}) > 0
    with pytest.raises(InvalidRequest) as refused:
        liftgate.token_counter(MODEL, messages=HELLO, temprature=1)
    assert refused.value.param == "temprature"


def test_what_a_count_cannot_honour_is_refused(sandbox: Sandbox) -> None:
    for wrong in ({"messages": HELLO, "text": "x"}, {}):
        with pytest.raises(InvalidRequest, match="either 'messages' or 'text'"):
            liftgate.token_counter(MODEL, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedParameter, match="custom_tokenizer"):
        liftgate.token_counter(MODEL, text="x", custom_tokenizer={"type": "huggingface"})
    with pytest.raises(MissingParameter):
        liftgate.completion(MODEL, None)  # type: ignore[call-overload]


# ── what type a file has, by whichever form it is given ─────────────────────────────────────────────────────────────

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(40)
TYPES = [
    ("main.rs", "application/rls-services+xml", b"fn main() {}\n", "text/plain"),
    ("app.ts", "video/mp2t", b"let a = 1;\n", "text/plain"),
    ("t.csv", "text/comma-separated-values", b"a,b\n", "text/csv"),
    ("page.txt", "text/plain", b"\x89PNG\r\n\x1a\n" + bytes(24), "image/png"),
    ("voice.m4a", "application/octet-stream", MP4, "audio/m4a"),
    ("r.pdf", "application/force-download", b"%PDF-1.4\n", "application/pdf"),
    ("logo.svg", "image/svg+xml", b"<svg/>", "text/plain"),
    ("v.ts", "application/octet-stream", (b"\x47\x40\x00\x10" + bytes(184)) * 5, "video/mpeg"),
    ("blob", "application/octet-stream", "plain words in it\n".encode("utf-16"), "text/plain"),
]


@pytest.mark.parametrize("where", ["direct", "kept"])
@pytest.mark.parametrize(("name", "declared", "data", "found"), TYPES, ids=[row[0] for row in TYPES])
def test_a_file_has_one_type_in_every_form(
    sandbox: Sandbox, tmp_path: Path, where: str, name: str, declared: str, data: bytes, found: str
) -> None:
    (tmp_path / name).write_bytes(data)
    opened = io.BytesIO(data)
    opened.name = name
    with liftgate.Liftgate(data_dir=tmp_path / "data" if where == "kept" else None) as client:
        forms: list[Any] = [(name, data, declared), (name, data), tmp_path / name, opened]
        for file in forms:
            made = client.create_file(file=file, purpose="user_data")
            part = {"type": "file", "file": {"file_id": made.id}}
            client.completion(MODEL, [{"role": "user", "content": [part]}])
            [sent] = sandbox.last_body()["contents"][0]["parts"]
            assert sent["fileData"]["mimeType"] == found
