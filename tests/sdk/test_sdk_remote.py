"""`Liftgate(base_url=…)`: a gateway that runs somewhere else, asked by the SDK over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import random  # noqa: TID251 - fixed seeds are the point
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

import forked
from gateways import MODEL, SandboxServer, client_for, gateway_server, sandbox_server, settings_for
from liftgate import AsyncLiftgate, Liftgate
from liftgate.errors import (
    AuthenticationFailed,
    FileUnusable,
    InvalidRequest,
    LiftgateError,
    ModelNotFound,
    NotFound,
    UpstreamTimeout,
)
from metered_line import metered_line

MIB = 1024 * 1024
PART = 16 * MIB
"""A file above it goes in parts, as docs/sdk.md has it."""


@dataclass(frozen=True)
class House:
    url: str
    sandbox: SandboxServer
    data: Path

    def client(self, **options: Any) -> Liftgate:
        return Liftgate(**{"base_url": self.url, "api_key": "sk-ann", **options})

    def content(self, file_id: str) -> bytes:
        with client_for(self.url) as client:
            return client.files.content(file_id).read()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("LIFTGATE_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GEMINI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path / "data")) as url:
        yield House(url, sandbox, tmp_path / "data")


def made(path: Path, size: int, seed: int = 1) -> Path:
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def about(file_id: str) -> list[dict[str, Any]]:
    part = {"type": "file", "file": {"file_id": file_id}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is in this file?"}, part]}]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_a_file_goes_up_is_seen_asked_about_read_and_deleted(house: House, suffix: str) -> None:
    text = b"Some words about ferries.\n" * 50
    with house.client(base_url=house.url + suffix) as client, client_for(house.url) as other:
        file = client.create_file(file=("ferry.txt", text), purpose="assistants")
        assert (file.filename, file.bytes, file.purpose, file.status) == (
            "ferry.txt",
            len(text),
            "assistants",
            "processed",
        )
        assert file.model_dump() == other.files.retrieve(file.id).model_dump(exclude_none=True)
        assert client.file_retrieve(file.id) == file
        assert [each.id for each in client.file_list(purpose="assistants")] == [file.id]
        assert client.file_list(purpose="batch").data == []
        content = client.file_content(file.id)
        assert (content.filename, content.size, content.read()) == ("ferry.txt", len(text), text)
        assert content.mime_type.startswith("text/plain")
        answer = client.completion(MODEL, about(file.id))
        assert answer.choices[0].message.content and answer.usage is not None
        chunks = list(client.completion(MODEL, about(file.id), stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert client.token_counter(MODEL, messages=about(file.id)) > 0
        assert client.file_delete(file.id).deleted is True
        with pytest.raises(NotFound):
            client.file_retrieve(file.id)


def test_expiry_and_models_are_the_gateways(house: House) -> None:
    with house.client() as client:
        file = client.create_file(
            file=b"short-lived",
            expires_after={"anchor": "created_at", "seconds": 3600},
            extra_body={"target_model_names": MODEL},
        )
        assert file.expires_at == file.created_at + 3600
        with pytest.raises(ModelNotFound, match="no-such-model"):
            client.create_file(file=b"x", extra_body={"target_model_names": ["no-such-model"]})
        with pytest.raises(InvalidRequest, match="colour"):
            client.create_file(file=b"x", extra_body={"colour": "red"})
        assert len(client.file_list().data) == 1


@pytest.mark.parametrize(("parts", "cuts"), [(1, (5, 12)), pytest.param(2, (5, 20), marks=pytest.mark.full)])
@pytest.mark.parametrize("form", ["path", "bytes", "iterator"])
def test_a_large_file_goes_in_parts_round_a_line_that_breaks(
    house: House, form: str, tmp_path: Path, parts: int, cuts: tuple[int, ...]
) -> None:
    size = parts * PART + 4321
    path = made(tmp_path / "film.mp4", size)
    whole = path.read_bytes()
    given: Any = {
        "path": path,
        "bytes": ("film.mp4", whole),
        "iterator": ("film.mp4", iter([whole[:PART], whole[PART:]])),
    }
    at = [cut * MIB for cut in cuts]
    with metered_line(house.url, cuts=at) as line, house.client(base_url=line.url) as client:
        file = client.create_file(file=given[form])
        assert line.cuts_left == 0
        assert line.sent < size + PART + MIB
    assert (file.filename, file.bytes) == ("film.mp4", size)
    assert hashlib.sha256(house.content(file.id)).digest() == hashlib.sha256(whole).digest()


def test_a_download_goes_on_where_the_line_broke(house: House) -> None:
    data = random.Random(2).randbytes(9 * MIB)
    with house.client() as client:
        file_id = client.create_file(file=("a.bin", data)).id
    cuts = [MIB, 3 * MIB, 7 * MIB]
    with metered_line(house.url, cuts_down=cuts) as line, house.client(base_url=line.url) as client:
        assert client.file_content(file_id).read() == data
        assert line.cuts_left == 0


PROGRAM = """\
import sys
from liftgate import Liftgate
with Liftgate(base_url=sys.argv[1], api_key="sk-ann") as client:
    print(client.create_file(file=sys.argv[2]).id)
"""


@pytest.mark.parametrize("parts", [1, pytest.param(2, marks=pytest.mark.full)])
def test_an_upload_that_was_killed_goes_on_in_another_process(house: House, tmp_path: Path, parts: int) -> None:
    """So many parts were told to be there."""
    size = (parts + 1) * PART + 1000
    path, program = made(tmp_path / "film.mp4", size), tmp_path / "program.py"
    program.write_text(PROGRAM)
    with metered_line(house.url, stop_at=parts * PART + PART // 2) as line:
        command = (program, line.url, str(path))
        with forked.piped(*command) as process:
            assert line.stopped.wait(30)
            process.kill()
            process.wait(30)
        line.go_on()
        with forked.piped(*command) as process:
            told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert line.sent < 1.1 * size + PART
    file_id = told.strip()
    assert house.content(file_id) == path.read_bytes()
    assert list((tmp_path / "state" / "liftgate" / "uploads").iterdir()) == []
    with house.client() as client:
        assert [file.id for file in client.file_list()] == [file_id]
        # It was told, so the same call again means another file.
        assert client.create_file(file=path).id != file_id


def test_a_file_that_changes_while_it_is_sent_is_refused_and_leaves_nothing(house: House, tmp_path: Path) -> None:
    # Its last part does not begin before the line goes on, however much the sockets hold.
    path = made(tmp_path / "film.mp4", 2 * PART + MIB)
    raised: list[BaseException] = []
    with metered_line(house.url, stop_at=PART + PART // 2) as line, house.client(base_url=line.url) as client:

        def send() -> None:
            try:
                client.create_file(file=path)
            except LiftgateError as error:
                raised.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        assert line.stopped.wait(30)
        with path.open("ab") as file:
            file.write(b"more")
        line.go_on()
        thread.join(60)
        assert "film.mp4: changed while it was uploaded" in str(raised[0])
        assert client.file_list().data == []


def test_errors_are_those_of_the_gateway(house: House) -> None:
    for kind in (AuthenticationFailed, openai.AuthenticationError):
        with house.client(api_key="sk-wrong") as client, pytest.raises(kind, match="Incorrect API key"):
            client.file_list()
    with house.client(api_key=None) as client, pytest.raises(AuthenticationFailed, match="a key: pass api_key="):
        client.file_list()
    with house.client() as client:
        with pytest.raises(openai.NotFoundError, match="No such File object: file-a"):
            client.file_retrieve("file-a")
        with pytest.raises(openai.BadRequestError) as wrong:
            client.completion(MODEL, [{"role": "nobody", "content": "Hello"}])
        assert wrong.value.param == "messages[0].role"
        gif = client.create_file(file=("cat.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"))
        with pytest.raises(FileUnusable, match="image/gif"):
            client.completion(MODEL, about(gif.id))
        for value in ({"api_key": "sk-bob"}, {"api_base": "http://x"}, {"extra_headers": {"a": "b"}}):
            with pytest.raises(InvalidRequest, match="give it to Liftgate"):
                client.file_list(**value)


def test_an_error_within_a_stream_is_raised_where_the_chunk_would_have_been(house: House) -> None:
    house.sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "after_events": 1})
    with house.client() as client, pytest.raises(openai.APIError):
        for _ in client.completion(MODEL, [{"role": "user", "content": "Say much. " * 50}], stream=True):
            pass


def test_a_gateway_that_is_not_there_or_none_says_so(house: House, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = f"http://127.0.0.1:{port}"
    with house.client(base_url=away, num_retries=0) as client:
        with pytest.raises(openai.APIConnectionError, match="cannot be reached"):
            client.completion(MODEL, [{"role": "user", "content": "Hello"}])
        with pytest.raises(openai.APIConnectionError, match="cannot be reached"):
            client.create_file(file=b"x")
    no_gateway = "does not answer as a Liftgate gateway does"
    with house.client(base_url=house.sandbox.url) as client, pytest.raises(LiftgateError, match=no_gateway):
        client.file_list()


def test_an_answer_that_does_not_come_in_time_is_a_timeout(house: House) -> None:
    house.sandbox.control("faults", {"kind": "slow", "operation": "generate", "seconds": 30, "times": None})
    with house.client(num_retries=0) as client, pytest.raises(UpstreamTimeout):
        client.completion(MODEL, [{"role": "user", "content": "Hello"}], timeout=0.5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"base_url": "gateway:4000"}, "base_url"),
        ({"base_url": "http://h/v1/files"}, "ends with /v1 at most"),
        ({"base_url": "http://h", "data_dir": "x"}, "data_dir"),
        ({"base_url": "http://h", "config": "x.yaml"}, "config"),
        ({"base_url": "http://h", "api_base": "http://g"}, "api_base"),
        ({"base_url": "http://h", "api_key": "kéy"}, "api_key"),
    ],
)
def test_what_cannot_be_a_client_is_said_where_it_is_made(options: dict[str, Any], named: str) -> None:
    for kind in (Liftgate, AsyncLiftgate):
        with pytest.raises(InvalidRequest, match=named):
            kind(**options)
    with pytest.raises(TypeError, match="bsae_url"):
        Liftgate(bsae_url="http://h")  # type: ignore[call-arg]


def test_the_key_comes_from_the_environment_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-bob")
    with Liftgate(base_url=house.url) as client:
        assert client.create_file(file=b"bob's").id
    monkeypatch.setenv("LIFTGATE_API_KEY", "sk-ann")
    with Liftgate(base_url=house.url) as client:
        assert client.file_list().data == []


def test_it_works_on_the_callers_own_loop(house: House, tmp_path: Path) -> None:
    async def talk() -> None:
        async with AsyncLiftgate(base_url=house.url, api_key="sk-ann") as client:
            file = await client.create_file(file=made(tmp_path / "a.bin", PART + 5))
            content = await client.file_content(file.id)
            assert await content.aread() == (tmp_path / "a.bin").read_bytes()
            stream = await client.completion(MODEL, [{"role": "user", "content": "Hello"}], stream=True)
            async for _ in stream:
                break
            await stream.aclose()

    asyncio.run(talk())


def test_bytes_that_are_not_those_that_were_stored_are_not_given(house: House) -> None:
    with house.client() as client:
        file = client.create_file(file=("a.txt", b"a" * 5000))
        (blob,) = house.data.glob("blobs/*/blob-*")
        blob.write_bytes(b"x" * 5000)
        with pytest.raises(LiftgateError):
            client.file_content(file.id).read()
