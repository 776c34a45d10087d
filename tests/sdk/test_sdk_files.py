"""Files straight at Gemini: what LiteLLM's functions take and give, and what the sandbox received."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import liftgate
from liftgate.errors import (
    AuthenticationFailed,
    FileNotFound,
    InvalidRequest,
    UnsupportedParameter,
    UpstreamProtocolError,
    UpstreamUnavailable,
)
from sdk_sandbox import RECORDING, Sandbox
from serving import serve

URI = "https://generativelanguage.googleapis.com/v1beta/files/"


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


class _AsyncReader:
    """What aiofiles and Starlette's UploadFile look like."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.name = "clip.wav"

    async def read(self, size: int = -1) -> bytes:
        await asyncio.sleep(0)
        return self._file.read(size)


async def _async_pieces(data: bytes) -> AsyncIterator[bytes]:
    for piece in _pieces(data):
        await asyncio.sleep(0)
        yield piece


FORMS: dict[str, Callable[[bytes, Path], Any]] = {
    "bytes": lambda data, path: data,
    "bytearray": lambda data, path: bytearray(data),
    "memoryview": lambda data, path: memoryview(data),
    "memoryview with gaps": lambda data, path: memoryview(b"".join(bytes((each, 0)) for each in data))[::2],
    "str path": lambda data, path: str(path),
    "path": lambda data, path: path,
    "bytesio": lambda data, path: io.BytesIO(data),
    "name and bytes": lambda data, path: ("clip.wav", data),
    "name, bytes, type": lambda data, path: ("clip.wav", data, "audio/x-wav"),
    "name, bytes, type, headers": lambda data, path: ("clip.wav", data, "audio/wav", {"X-Extra": "1"}),
    "no name, path": lambda data, path: (None, path),
    "iterator": lambda data, path: _pieces(data),
    "list": lambda data, path: list(_pieces(data)),
    "async iterator": lambda data, path: _async_pieces(data),
    "async reader": lambda data, path: _AsyncReader(data),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_file_arrives_whole_and_as_wav(form: str, sandbox: Sandbox, wav: bytes) -> None:
    file = liftgate.create_file(file=FORMS[form](wav, RECORDING), purpose="user_data")
    stored = sandbox.files()
    assert [(each["sha256"], each["mimeType"]) for each in stored] == [(hashlib.sha256(wav).hexdigest(), "audio/wav")]
    assert (file.bytes, file.id) == (len(wav), URI + stored[0]["id"])


def test_open_files_are_read_from_their_position_and_left_there(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"0123456789" * 100_000)
    with path.open("rb") as plain:
        plain.seek(10)
        file = liftgate.create_file(file=plain)
        assert (file.bytes, plain.tell(), file.filename) == (999_990, 10, "notes.txt")
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(b"written and not flushed")
        temporary.seek(0)
        assert liftgate.create_file(file=temporary).bytes == 23


def test_a_gzip_file_object_gives_what_it_unpacks(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt.gz"
    path.write_bytes(gzip.compress(b"unpacked" * 1000))
    with gzip.open(path) as unpacking:
        assert liftgate.create_file(file=("notes.txt", unpacking)).bytes == 8000
    assert sandbox.files()[0]["mimeType"] == "text/plain"


def test_a_file_object_is_what_openai_and_litellm_have(sandbox: Sandbox, wav: bytes) -> None:
    sandbox.control("clock", {"set": 1767225600})
    file = liftgate.create_file(file=("clip.wav", wav), purpose="vision")
    expected = {
        "id": URI + sandbox.files()[0]["id"],
        "bytes": len(wav),
        "created_at": file.created_at,
        "filename": "clip.wav",
        "object": "file",
        "purpose": "vision",
        "status": "processed",
        "expires_at": file.expires_at,
        "status_details": None,
    }
    assert file.model_dump() == expected
    assert liftgate.file_retrieve(file.id).model_dump() == expected | {"purpose": "user_data"}
    assert 1767225600 <= file.created_at < 1767225660
    # Google's is a fraction of a second less than 48 h after the creation (docs/protocol/gemini.md, "The File
    # resource").
    assert file.expires_at is not None and 0 <= file.created_at + 48 * 3600 - file.expires_at <= 1


def test_created_at_does_not_depend_on_the_time_zone(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.control("clock", {"set": 1767225600})
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert 1767225600 <= liftgate.create_file(file=b"text").created_at < 1767225660
    finally:
        monkeypatch.undo()
        time.tzset()


def test_status_follows_gemini_until_it_is_processed(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=("clip.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 1000))
    assert file.status == "uploaded"
    name = sandbox.files()[0]["id"]
    for state, status in (("PROCESSING", "uploaded"), ("ACTIVE", "processed"), ("FAILED", "error")):
        sandbox.control(f"files/{name}", {"state": state})
        assert liftgate.file_retrieve(name).status == status
    assert liftgate.file_retrieve(name).status_details


@pytest.mark.parametrize("spelled", [URI + "{}", "files/{}", "{}", "https://my.proxy/gemini/v1beta/files/{}"])
def test_an_id_is_known_in_every_spelling(spelled: str, sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=b"some text", purpose="user_data")
    file_id = spelled.format(file.id.removeprefix(URI))
    assert liftgate.file_retrieve(file_id).id == file.id
    assert liftgate.file_delete(file_id).model_dump() == {"id": file.id, "object": "file", "deleted": True}
    assert sandbox.files() == []


def test_lists_go_over_googles_pages_and_can_be_paged(sandbox: Sandbox) -> None:
    made = [liftgate.create_file(file=b"%d" % number).id for number in range(12)]
    assert sorted(file.id for file in liftgate.file_list()) == sorted(made)
    first = liftgate.file_list(limit=5)
    second = liftgate.file_list(limit=5, after=first.last_id)
    third = liftgate.file_list(limit=5, after=second.last_id)
    assert [len(page) for page in (first, second, third)] == [5, 5, 2]
    assert (first.has_more, second.has_more, third.has_more) == (True, True, False)
    assert sorted(file.id for page in (first, second, third) for file in page) == sorted(made)
    assert [file.id for file in liftgate.file_list(order="asc")] == [file.id for file in liftgate.file_list()][::-1]
    assert list(liftgate.file_list(purpose="batch")) == []


def test_a_file_out_of_reach_is_told_plainly(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=b"some text")
    for call in (
        lambda: liftgate.file_retrieve(file.id, api_key="key-b"),
        lambda: liftgate.file_delete(file.id, api_key="key-b"),
        lambda: liftgate.file_content(file.id, api_key="key-b"),
        lambda: liftgate.file_retrieve("nosuchfile"),
    ):
        with pytest.raises(FileNotFound) as failure:
            call()
        assert "This key's project cannot see the file" in str(failure.value)
        assert (failure.value.status_code, failure.value.code, failure.value.param) == (
            404,
            "file_not_found",
            "file_id",
        )
    with pytest.raises(FileNotFound, match="begins with 'file-' is a gateway's"):
        liftgate.file_retrieve("file-" + "x" * 24)
    assert liftgate.file_retrieve(file.id).status == "processed"
    sandbox.control("clock", {"advance": 48 * 3600 + 1})
    with pytest.raises(FileNotFound, match=r"it expired \(Google keeps files for 48 h\)"):
        liftgate.file_retrieve(file.id)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_of_several_files_the_one_that_is_gone_is_named_by_its_place(
    sandbox: Sandbox, known: bool, stream: bool
) -> None:
    """Whether Google was asked for it before, or says so only when the request comes."""
    kept, gone = liftgate.create_file(file=("a.txt", b"a")), liftgate.create_file(file=("b.txt", b"b"))
    parts = [{"type": "file", "file": {"file_id": each.id}} for each in (kept, gone)]
    items = [{"type": "input_file", "file_id": each.id} for each in (kept, gone)]
    model = "gemini/gemini-2.5-flash"
    asks: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: liftgate.completion(model, [{"role": "user", "content": parts}], stream=stream),
            "messages[0].content[1].file.file_id",
        ),
        (
            lambda: liftgate.responses(model=model, input=[{"role": "user", "content": items}], stream=stream),
            "input[0].content[1].file_id",
        ),
    ]
    if known:
        list(liftgate.completion(model, [{"role": "user", "content": parts}], stream=True))
    sandbox.control("clock", {"advance": 120})
    sandbox.control(f"files/{gone.id.rpartition('/')[2]}", method="DELETE")
    for ask, param in asks:
        with pytest.raises(FileNotFound) as failure:
            ask()
        assert failure.value.param == param and gone.id in failure.value.message


def test_content_says_who_can_give_it(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=b"some text")
    with pytest.raises(UnsupportedParameter, match=r"Liftgate\(data_dir=…\)"):
        liftgate.file_content(file.id)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"", "empty"),
        (io.StringIO("text"), "mode 'rb'"),
        ("https://example.com/clip.wav", "not a URL"),
        (7, "not int"),
        ([1, 2], "must be bytes"),
        (("a", b"b", "c", {}, "e"), "2 to 4 items"),
    ],
)
def test_what_is_no_file_is_refused_by_name(file: Any, words: str, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequest, match=words) as failure:
        liftgate.create_file(file=file)
    assert failure.value.param == "file"
    assert sandbox.count("upload.start") == 0


def test_a_missing_path_is_the_usual_error(sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        liftgate.create_file(file="no-such-file.wav")


def test_arguments_that_cannot_act_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="temprature"):
        liftgate.create_file(file=b"x", temprature=1)  # type: ignore[call-arg]
    with pytest.raises(UnsupportedParameter, match="48 hours"):
        liftgate.create_file(file=b"x", expires_after={"anchor": "created_at", "seconds": 3600})
    with pytest.raises(InvalidRequest, match="extra_body"):
        liftgate.file_retrieve("x", extra_body={"a": 1})
    for headers in ({"X-A": "b\r\nX-B: c"}, {"X-A\n": "b"}, {"": "b"}):
        with pytest.raises(InvalidRequest, match="extra_headers"):
            liftgate.file_list(extra_headers=headers)
    with pytest.raises(InvalidRequest, match="timeout"):
        liftgate.create_file(file=b"x", timeout=-1)


def test_extra_body_becomes_part_of_gemini_file(sandbox: Sandbox) -> None:
    file = liftgate.create_file(file=b"x", extra_body={"displayName": "my notes"})
    assert (file.filename, sandbox.files()[0]["displayName"]) == ("my notes", "my notes")


# ── key, root and provider ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_key_comes_from_the_argument_then_gemini_then_google(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def project() -> str:
        liftgate.create_file(file=b"x")
        stored: str = sandbox.files()[0]["project"]
        sandbox.control("reset", {})
        return stored

    assert project() == "one"
    monkeypatch.setenv("GOOGLE_API_KEY", "key-b")
    with pytest.warns(UserWarning, match="GEMINI_API_KEY and GOOGLE_API_KEY"):
        assert project() == "one"
    monkeypatch.delenv("GEMINI_API_KEY")
    assert project() == "two"
    liftgate.create_file(file=b"x", api_key="key-a")
    assert sandbox.files()[0]["project"] == "one"


def test_a_missing_or_wrong_key_is_said_plainly(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthenticationFailed, match="Google does not accept this API key") as failure:
        liftgate.create_file(file=b"x", api_key="invalid-key")
    assert (failure.value.status_code, failure.value.code) == (401, "invalid_api_key")
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(AuthenticationFailed, match="GEMINI_API_KEY"):
        liftgate.create_file(file=b"x")


@pytest.mark.parametrize("tail", ["", "/", "/v1beta", "/v1beta/"])
def test_one_root_serves_with_or_without_its_version(
    tail: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_BASE", "http://127.0.0.1:9")
    for name in ("api_base", "base_url"):
        root: Any = {name: sandbox.url + tail}
        assert liftgate.create_file(file=b"x", **root).status == "processed"
    messages = [{"role": "user", "content": "Hello"}]
    assert liftgate.completion("gemini-2.0-flash", messages, api_base=sandbox.url + tail).choices[0].message.content


def test_another_provider_is_refused_and_gemini_may_be_named(sandbox: Sandbox) -> None:
    liftgate.create_file(file=b"x", custom_llm_provider="gemini")
    liftgate.create_file(file=b"x", extra_headers={"Custom-LLM-Provider": "gemini"})
    with pytest.raises(InvalidRequest, match="'openai'"):
        liftgate.create_file(file=b"x", custom_llm_provider="openai")
    with pytest.raises(InvalidRequest, match="'azure'"):
        liftgate.file_list(extra_headers={"custom-llm-provider": "azure"})


def test_no_secret_is_in_a_repr() -> None:
    client = liftgate.Liftgate(api_key="key-secret", extra_headers={"Authorization": "key-secret"})
    assert "key-secret" not in repr(vars(client))
    client.close()


# ── what may go wrong on the way ───────────────────────────────────────────────────────────────────────────────────

LARGE = bytes(range(256)) * (20 * 4096)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut", "operation": "upload.chunk", "where": "request", "after_bytes": 3_000_000},
        {"kind": "cut", "operation": "upload.chunk", "where": "response"},
        {"kind": "status", "operation": "upload.chunk", "code": 503, "times": 2},
        {"kind": "lose_answer", "operation": "upload.finalize"},
        {"kind": "terminated", "operation": "upload.chunk", "skip": 1},
        {"kind": "status", "operation": "upload.start", "code": 503},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['operation']}",
)
def test_an_upload_goes_on_where_it_broke(fault: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.fault(**fault)
    file = liftgate.create_file(file=("large.bin", LARGE, "application/octet-stream"))
    assert [(each["sha256"], each["size"]) for each in sandbox.files()] == [
        (hashlib.sha256(LARGE).hexdigest(), len(LARGE))
    ]
    assert file.bytes == len(LARGE)


def test_other_bytes_at_gemini_are_an_error_and_leave_nothing(sandbox: Sandbox) -> None:
    sandbox.fault(kind="wrong_hash", operation="upload.finalize")
    with pytest.raises(UpstreamProtocolError, match="SHA-256"):
        liftgate.create_file(file=b"some text")
    assert sandbox.files() == []


@pytest.mark.parametrize("name", ["num_retries", "max_retries"])
def test_retries_are_as_many_as_was_said(name: str, sandbox: Sandbox) -> None:
    none: Any = {name: 0}
    one: Any = {name: 1}
    sandbox.fault(kind="status", operation="files.list", code=503)
    with pytest.raises(UpstreamUnavailable) as failure:
        liftgate.file_list(**none)
    assert failure.value.status_code == 503
    assert sandbox.count("files.list") == 1
    sandbox.fault(kind="status", operation="files.list", code=503)
    assert len(liftgate.file_list(**one)) == 0
    assert sandbox.count("files.list") == 3


def test_a_timeout_ends_a_call(sandbox: Sandbox) -> None:
    sandbox.fault(kind="slow", operation="files.get", seconds=30)
    with pytest.raises(liftgate.LiftgateError) as failure:
        liftgate.file_retrieve("abc", timeout=0.3)
    assert failure.value.status_code == 504
    sandbox.control("faults", method="DELETE")


MEMORY = """
import resource, sys
import liftgate
liftgate.create_file(file=b"warm up")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
liftgate.create_file(file=sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("mib", [100, pytest.param(200, marks=pytest.mark.full)])
def test_a_large_file_goes_from_disk_in_constant_memory(sandbox: Sandbox, tmp_path: Path, mib: int) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as sparse:
        sparse.truncate(mib * 1024 * 1024)
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert sandbox.files()[-1]["size"] == mib * 1024 * 1024
    grown_kib = int(run.stdout)
    assert grown_kib < 40 * 1024


async def _headers_told(scope: Any, receive: Any, send: Any) -> None:
    """A Gemini that lists no files and tells the headers it was sent in its page token's place."""
    sent = {name.decode(): value.decode() for name, value in scope["headers"]}
    file = {"name": "files/a", "displayName": json.dumps(sent), "uri": "files/a"}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps({"files": [file]}).encode()})


def test_extra_headers_go_to_gemini_and_the_providers_does_not(sandbox: Sandbox) -> None:
    with serve(_headers_told, lifespan="off") as url:
        listed = liftgate.file_list(api_base=url, extra_headers={"X-Team": "blue", "custom-llm-provider": "gemini"})
        plain = liftgate.file_list(api_base=url)
    sent, without = json.loads(listed[0].filename), json.loads(plain[0].filename)
    assert (sent["x-team"], sent["x-goog-api-key"]) == ("blue", "key-a")
    assert "custom-llm-provider" not in sent and "x-team" not in without
