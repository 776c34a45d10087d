"""Gemini's own file doors over the wire: the official client, the resumable protocol by hand, restarts and cuts."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from google import genai
from google.genai import errors, types

from cut_line import Cut, Line, content_of, cuts_of
from gateways import client_for, gateway_server, sandbox_server, settings_for
from genai_clients import genai_client, shown_sha256
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from liftgate.settings import ServerSettings
from raw_http import Answer, connect, head, read_answer
from running import Running, eventually, running_gateway
from serving import serve

MIB = 1024 * 1024
ANN = {"x-goog-api-key": "sk-ann"}
KEYS = "{keys: [{name: ann, key: sk-ann}, {name: bob, key: sk-bob}]}"


@pytest.fixture(scope="module")
def door(sandbox_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with two owners."""
    with running_gateway(sandbox_url, tmp_path_factory.mktemp("door"), ours=KEYS) as running:
        yield running


@pytest.fixture
def ann(door: Running) -> Iterator[genai.Client]:
    with genai_client(door.base) as client:
        yield client


# ── the official client ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_client_uploads_from_a_path(door: Running, tmp_path: Path, version: str) -> None:
    content = content_of(100_003)
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with genai_client(door.base, version=version) as client:
        file = client.files.upload(file=str(path))
        assert file.name is not None and file.uri == f"https://generativelanguage.googleapis.com/v1beta/{file.name}"
        assert (file.mime_type, file.size_bytes, file.state) == ("text/plain", len(content), types.FileState.ACTIVE)
        assert shown_sha256(file) == hashlib.sha256(content).hexdigest()
        assert file.expiration_time is None
        assert client.files.get(name=file.name) == client.files.get(name=file.uri)
    listed = door.call(
        "GET", f"/v1/files/{file.name.replace('files/', 'file-')}", headers={"Authorization": "Bearer sk-ann"}
    )
    assert (listed.json()["filename"], listed.json()["purpose"]) == ("notes.txt", "user_data")


def test_client_uploads_bytes_under_a_name_of_its_own(ann: genai.Client) -> None:
    config = types.UploadFileConfig(name="files/my-note-1", display_name="Ünï", mime_type="text/plain")
    file = ann.files.upload(file=io.BytesIO(b"hello"), config=config)
    assert (file.name, file.display_name) == ("files/my-note-1", "Ünï")
    assert ann.files.get(name="my-note-1").uri == file.uri
    with pytest.raises(errors.ClientError) as taken:
        ann.files.upload(file=io.BytesIO(b"other"), config=config)
    assert (taken.value.code, taken.value.status) == (409, "ALREADY_EXISTS")
    ann.files.delete(name="files/my-note-1")
    assert ann.files.upload(file=io.BytesIO(b"other"), config=config).size_bytes == 5


def test_client_uploads_40_mb_in_chunks(ann: genai.Client, door: Running) -> None:
    content = content_of(40_000_000)
    file = ann.files.upload(file=io.BytesIO(content), config={"mime_type": "video/mp4"})
    assert shown_sha256(file) == hashlib.sha256(content).hexdigest()
    assert file.name is not None
    assert ann.files.download(file=file) == content
    part = door.call(
        "GET", f"/v1beta/{file.name}:download?alt=media", headers={**ANN, "Range": "bytes=8388600-8388620"}
    )
    assert (part.status, part.body) == (206, content[8388600:8388621])
    assert part.headers["content-range"] == "bytes 8388600-8388620/40000000"


def test_client_lists_over_pages_and_deletes(sandbox_url: str, tmp_path: Path) -> None:
    with running_gateway(sandbox_url, tmp_path, ours=KEYS) as door, genai_client(door.base) as client:
        assert list(client.files.list()) == []
        assert door.call("GET", "/v1beta/files", headers=ANN).json() == {}
        made = [
            client.files.upload(file=io.BytesIO(b"%d" % n), config={"mime_type": "text/plain"}).name for n in range(12)
        ]
        assert [file.name for file in client.files.list(config={"page_size": 5})] == made[::-1]
        assert len(door.call("GET", "/v1beta/files", headers=ANN).json()["files"]) == 10
        assert len(door.call("GET", "/v1beta/files?pageSize=500", headers=ANN).json()["files"]) == 12
        assert made[3] is not None
        client.files.delete(name=made[3])
        assert [file.name for file in client.files.list(config={"page_size": 4})] == [*made[:3], *made[4:]][::-1]
        with genai_client(door.base, "sk-bob") as bob:
            assert list(bob.files.list()) == []


@pytest.mark.parametrize("query", ["pageSize=-1", "pageSize=x", "pageToken=%21", "pageToken=ZmlsZS14", "color=red"])
def test_list_refuses_what_it_does_not_know(door: Running, query: str) -> None:
    answer = door.call("GET", f"/v1beta/files?{query}", headers=ANN)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("call", ["get", "delete", "download"])
def test_missing_and_foreign_files_are_googles_403(door: Running, ann: genai.Client, call: str) -> None:
    file = ann.files.upload(file=io.BytesIO(b"mine"), config={"mime_type": "text/plain"})
    assert file.name is not None
    with genai_client(door.base, "sk-bob") as bob:
        messages = []
        for name in (file.name, "files/" + "a" * 24):
            with pytest.raises(errors.ClientError) as refused:
                getattr(bob.files, call)(**{"file" if call == "download" else "name": name})
            assert (refused.value.code, refused.value.status) == (403, "PERMISSION_DENIED")
            messages.append(str(refused.value.message).replace(name.removeprefix("files/"), "XXX"))
    assert set(messages) == {"You do not have permission to access the File XXX or it may not exist."}
    assert ann.files.get(name=file.name).size_bytes == 4


def test_file_of_either_door_is_at_the_other(door: Running, ann: genai.Client) -> None:
    with client_for(door.base) as openai_client:
        native = ann.files.upload(file=io.BytesIO(b"native"), config={"mime_type": "text/plain", "display_name": "n"})
        assert native.name is not None
        assert openai_client.files.content(native.name.replace("files/", "file-")).read() == b"native"
        made = openai_client.files.create(file=("o.txt", b"openai"), purpose="user_data")
        file = ann.files.get(name=made.id.replace("file-", "files/"))
        assert (file.size_bytes, file.mime_type) == (6, "text/plain")
        assert ann.files.get(name=made.id).name == file.name
        ann.files.delete(name=file.name or "")
        assert made.id not in [each.id for each in openai_client.files.list()]


def test_wrong_and_missing_keys_are_refused(door: Running) -> None:
    with genai_client(door.base, "sk-wrong") as client, pytest.raises(errors.ClientError) as refused:
        client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
    assert refused.value.status == "UNAUTHENTICATED"
    for target in ("/upload/v1beta/files", "/upload/v1/files?upload_id=", "/upload/v1/files?xupload_id=a"):
        assert door.call("POST", target, b"{}", {"X-Goog-Upload-Protocol": "resumable"}).status == 401
    assert door.call("GET", "/v1beta/files?key=sk-ann").status == 200


# ── the resumable protocol by hand ─────────────────────────────────────────────────────────────────────────────────


def start(door: Running, body: bytes = b"{}", size: int | None = None, **headers: str) -> Answer:
    sent = {
        **ANN,
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Type": "text/plain",
        **({} if size is None else {"X-Goog-Upload-Header-Content-Length": str(size)}),
        **headers,
    }
    return door.call("POST", "/upload/v1beta/files", body, sent)


def session(door: Running, size: int | None = None, body: bytes = b"{}") -> str:
    """The target of a new session's requests."""
    answer = start(door, body, size)
    assert answer.status == 200, answer.body
    assert answer.headers["x-goog-upload-status"] == "active"
    assert answer.headers["x-goog-upload-chunk-granularity"] == "8388608"
    assert answer.headers["x-goog-upload-control-url"] == answer.headers["x-goog-upload-url"]
    parts = urlsplit(answer.headers["x-goog-upload-url"])
    assert (parts.scheme, parts.netloc) == ("http", "localhost")
    assert len(parts.query.split("upload_id=")[1].split("&")[0]) >= 22, "128 bits at least"
    return f"{parts.path}?{parts.query}"


def command(door: Running, target: str, words: str, body: bytes = b"", offset: int | None = None) -> Answer:
    headers = {"X-Goog-Upload-Command": words}
    if offset is not None:
        headers["X-Goog-Upload-Offset"] = str(offset)
    return door.call("POST", target, body, headers)


def standing(answer: Answer) -> tuple[int, str | None, str | None]:
    return (
        answer.status,
        answer.headers.get("x-goog-upload-status"),
        answer.headers.get("x-goog-upload-size-received"),
    )


def sha256_of(answer: Answer) -> str:
    assert (answer.status, answer.headers["x-goog-upload-status"]) == (200, "final"), answer.body
    return base64.b64decode(answer.json()["file"]["sha256Hash"]).decode()


def test_chunks_query_and_bare_finalize(door: Running) -> None:
    content = content_of(300_000)
    target = session(door, len(content))
    assert standing(command(door, target, "query")) == (200, "active", "0")
    assert standing(command(door, target, "upload", content[:100_000], 0)) == (200, "active", "100000")
    assert standing(command(door, target, "query")) == (200, "active", "100000")
    assert standing(command(door, target, "upload", content[100_000:], 100_000)) == (200, "active", "300000")
    done = command(door, target, "finalize", b"", 300_000)
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()
    again = command(door, target, "query")
    assert (standing(again)[1], again.body) == ("final", done.body)


def test_whole_file_in_one_request_with_any_case_of_words(door: Running) -> None:
    content = content_of(3 * MIB)
    done = command(door, session(door), "Upload,FINALIZE", content, 0)
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()


def test_chunk_over_64_mib_is_stored_in_parts(door: Running) -> None:
    content = content_of(65 * MIB)
    done = command(door, session(door, len(content)), "upload, finalize", content, 0)
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()
    name = done.json()["file"]["name"]
    assert door.call("GET", f"/v1beta/{name}:download?alt=media", headers=ANN).body == content


def test_bytes_sent_again_are_skipped(door: Running) -> None:
    content = content_of(100_000)
    target = session(door, len(content))
    command(door, target, "upload", content[:60_000], 0)
    assert standing(command(door, target, "upload", content[:60_000], 0)) == (200, "active", "60000")
    assert standing(command(door, target, "upload", content[30_000:80_000], 30_000)) == (200, "active", "80000")
    done = command(door, target, "upload, finalize", content[70_000:], 70_000)
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()
    assert command(door, target, "upload, finalize", content[70_000:], 70_000).body == done.body


def test_gap_is_refused_and_the_session_goes_on(door: Running) -> None:
    target = session(door, 10)
    command(door, target, "upload", b"01234", 0)
    gap = command(door, target, "upload", b"789", 7)
    assert (standing(gap)[:2], gap.body) == ((409, "active"), b"Invalid offset: expected 5, got 7")
    early = command(door, target, "finalize", b"", 5)
    assert standing(early)[:2] == (400, "active")
    assert (
        sha256_of(command(door, target, "upload, finalize", b"56789", 5)) == hashlib.sha256(b"0123456789").hexdigest()
    )


@pytest.mark.parametrize("offset", [None, "-1", "x", "1" * 30])
def test_wrong_offset_does_not_end_a_session(door: Running, offset: str | None) -> None:
    target = session(door, 5)
    headers = {"X-Goog-Upload-Command": "upload", **({} if offset is None else {"X-Goog-Upload-Offset": offset})}
    wrong = door.call("POST", target, b"01234", headers)
    assert standing(wrong)[:2] == (400, "active")
    assert b"X-Goog-Upload-Offset" in wrong.body
    assert sha256_of(command(door, target, "upload, finalize", b"01234", 0)) == hashlib.sha256(b"01234").hexdigest()


def test_more_than_the_quota_ends_the_session(make_gateway: Callable[..., Running]) -> None:
    door = make_gateway(ours="{owner_max_bytes: 1000, keys: [{name: ann, key: sk-ann}]}")
    first, second = session(door), session(door)
    for target, size in ((first, 800), (second, 200)):
        assert standing(command(door, target, "upload", b"x" * size, 0)) == (200, "active", str(size))
    refused = command(door, second, "upload", b"x", 200)
    assert (*standing(refused)[:2], refused.json()["error"]["code"]) == (413, "final", 413)
    assert standing(command(door, second, "query"))[:2] == (410, "cancelled")
    assert sha256_of(command(door, first, "finalize", b"", 800)) == hashlib.sha256(b"x" * 800).hexdigest()


def test_more_than_announced_ends_the_session(door: Running) -> None:
    target = session(door, 4)
    assert standing(command(door, target, "upload", b"01234", 0))[:2] == (400, "final")
    assert standing(command(door, target, "query"))[:2] == (410, "cancelled")


def test_cancel_ends_a_session_and_keeps_nothing(make_gateway: Callable[..., Running]) -> None:
    door = make_gateway(ours=KEYS)
    target = session(door, 10)
    command(door, target, "upload", b"01234", 0)
    assert len(list((door.data_dir / "blobs").rglob("blob-*"))) == 1
    for _ in range(2):
        assert standing(command(door, target, "cancel"))[:2] == (200, "cancelled")
    assert standing(command(door, target, "upload", b"56789", 5))[:2] == (410, "cancelled")
    assert eventually(lambda: door.litter() == [])


def test_finished_session_cannot_be_cancelled(door: Running) -> None:
    target = session(door, 1)
    done = command(door, target, "upload, finalize", b"x", 0)
    assert standing(command(door, target, "cancel"))[:2] == (400, "final")
    assert command(door, target, "query").body == done.body
    assert door.call("DELETE", f"/v1beta/{done.json()['file']['name']}", headers=ANN).json() == {}
    assert standing(command(door, target, "query"))[:2] == (400, "final")


@pytest.mark.parametrize("words", ["", "start", "restart", "upload, cancel", "query, upload"])
def test_unknown_commands_do_not_end_a_session(door: Running, words: str) -> None:
    target = session(door, 1)
    assert standing(command(door, target, words, b"x", 0)) == (400, None, None)
    assert standing(command(door, target, "query")) == (200, "active", "0")


def test_unknown_session_is_final(door: Running) -> None:
    answer = command(door, "/upload/v1beta/files?upload_id=nobody", "query")
    assert (standing(answer)[:2], answer.body) == ((404, "final"), b"Invalid or missing session ID")


def test_empty_file_is_refused(door: Running) -> None:
    """Where its length is told, at the start: js-genai never sends the end of an upload of nothing."""
    said = start(door, b"{}", 0)
    late = command(door, session(door), "upload, finalize", b"", 0)
    for answer in (said, late):
        assert standing(answer)[:2] == (400, "final")
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_name_taken_meanwhile_is_told_at_the_end(door: Running) -> None:
    body = b'{"file": {"name": "files/same-name"}}'
    targets = [session(door, 1, body), session(door, 1, body)]
    assert standing(command(door, targets[0], "upload, finalize", b"x", 0))[:2] == (200, "final")
    late = command(door, targets[1], "upload, finalize", b"y", 0)
    assert standing(late)[:2] == (409, "final")
    assert late.json()["error"]["status"] == "ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"file": {"colour": "red"}}', "colour"),
        (b'{"files": {}}', "files"),
        (b'{"file": {"name": "files/Bad_Name"}}', "file.name"),
        (b'{"file": {"name": "my-note"}}', "file.name"),
        (b'{"file": {"name": "files/' + b"a" * 41 + b'"}}', "file.name"),
        (b'{"file": {"name": "files/-a"}}', "file.name"),
        (b'{"file": {"displayName": "' + b"x" * 513 + b'"}}', "512"),
        (b'{"file": {"sizeBytes": "many"}}', "size_bytes"),
        (b'{"file": {"mime_type": 5}}', "mime_type"),
        (b'{"file": [1]}', "file"),
        (b"[]", "object"),
        (b"{nonsense", "JSON"),
    ],
)
def test_start_refuses_metadata_that_is_wrong(door: Running, body: bytes, said: str) -> None:
    answer = start(door, body, 1)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert said in answer.json()["error"]["message"]
    assert "x-goog-upload-url" not in answer.headers


def test_start_takes_both_spellings_and_googles_own_shell_examples(door: Running) -> None:
    for body in (
        b'{"file": {"display_name": "A", "size_bytes": 1, "mimeType": "text/plain"}}',
        b'{"file": {"displayName": "A", "sizeBytes": "1", "state": "ACTIVE", "name": null}}',
        b"{'file': {'display_name': 'A'}}",
    ):
        done = command(door, session(door, None, body), "upload, finalize", b"x", 0).json()["file"]
        assert (done["displayName"], done["sizeBytes"], done["mimeType"]) == ("A", "1", "text/plain")


def test_start_over_the_limit_is_refused(door: Running) -> None:
    assert start(door, b"{}", 2**31 + 1).status == 413
    assert start(door, b"{}", None, **{"X-Goog-Upload-Header-Content-Length": "-5"}).status == 400
    assert start(door, b"{}", 1, **{"X-Goog-Upload-Protocol": "raw"}).status == 400


def test_upload_in_one_request_of_multipart_related(door: Running) -> None:
    content = b"\r\n--edg\r\n--edge" + content_of(200_000) + b"\r\n-"
    content = content.replace(b"\r\n--edge", b"\r\n__edge")
    body = (
        b'--edge\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{"file": {"displayName": "m", "name": '
        b'"files/in-one"}}\r\n--edge\r\nContent-Type: text/csv\r\n\r\n' + content + b"\r\n--edge--\r\n"
    )
    headers = {**ANN, "X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=edge"}
    answer = door.call("POST", "/upload/v1beta/files", body, headers)
    assert sha256_of(answer) == hashlib.sha256(content).hexdigest()
    file = answer.json()["file"]
    assert (file["name"], file["displayName"], file["mimeType"]) == ("files/in-one", "m", "text/csv")
    assert standing(door.call("POST", "/upload/v1beta/files", body, headers))[:2] == (409, "final")
    for broken in (body[:-20], body[:60], b"", body.replace(b"--edge--", b"--edge\r\n\r\nmore\r\n--edge--")):
        answer = door.call("POST", "/upload/v1beta/files", broken, headers)
        assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("said", ["application/octet-stream", "binary/octet-stream", "", "application/x-download"])
@pytest.mark.parametrize("kind", ["resumable", "multipart"])
def test_a_type_that_says_nothing_does_not_hide_the_metadatas(door: Running, said: str, kind: str) -> None:
    described = b'{"file": {"mimeType": "text/csv"}}'
    if kind == "resumable":
        told = {"X-Goog-Upload-Header-Content-Type": said}
        begun = start(door, described, 4, **told)
        answer = command(door, begun.headers["x-goog-upload-url"], "upload, finalize", b"a,b\n", 0)
    else:
        part = b"Content-Type: %b\r\n" % said.encode() if said else b""
        body = b"--e\r\nContent-Type: application/json\r\n\r\n%b\r\n--e\r\n%b\r\na,b\n\r\n--e--" % (described, part)
        headers = {**ANN, "X-Goog-Upload-Protocol": "multipart", "Content-Type": "multipart/related; boundary=e"}
        answer = door.call("POST", "/upload/v1beta/files", body, headers)
    assert answer.json()["file"]["mimeType"] == "text/csv"


# ── our address ────────────────────────────────────────────────────────────────────────────────────────────────────


def upload_url(base: str, **headers: str) -> str:
    door = Running(base, "", Path())
    return start(door, b"{}", 1, **{name.replace("_", "-"): value for name, value in headers.items()}).headers[
        "x-goog-upload-url"
    ]


@pytest.mark.parametrize(
    ("server", "origin"),
    [
        ({}, "http://localhost/upload/"),
        ({"public_base_url": "https://lift.example/gemini/"}, "https://lift.example/gemini/upload/"),
        ({"trusted_proxies": ("127.0.0.0/8",)}, "https://front.example:8443/upload/"),
        ({"trusted_proxies": ("10.0.0.1",)}, "http://localhost/upload/"),
    ],
)
def test_upload_url_has_the_address_that_the_client_sees(tmp_path: Path, server: dict[str, Any], origin: str) -> None:
    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path, server=ServerSettings(**server))
        with serve(build_app(Gateway(settings)), proxy_headers=False) as base:
            url = upload_url(
                base,
                X_Forwarded_Proto="https",
                X_Forwarded_Host="front.example:8443, inner.example",
                X_Forwarded_For="127.0.0.1",
            )
    assert url.startswith(origin)


# ── durability ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_session_goes_on_after_a_restart(sandbox_url: str, tmp_path: Path) -> None:
    content = content_of(3 * MIB)
    with running_gateway(sandbox_url, tmp_path, ours=KEYS) as before:
        target = session(before, len(content))
        command(before, target, "upload", content[:MIB], 0)
    with running_gateway(sandbox_url, tmp_path, ours=KEYS) as after:
        assert standing(command(after, target, "query")) == (200, "active", str(MIB))
        done = command(after, target, "upload, finalize", content[MIB:], MIB)
        assert sha256_of(done) == hashlib.sha256(content).hexdigest()


def test_two_gateways_take_turns_at_one_session(tmp_path: Path) -> None:
    content = content_of(900_000)
    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path)
        with gateway_server(settings) as first, gateway_server(settings) as second:
            doors = [Running(first, sandbox.url, tmp_path), Running(second, sandbox.url, tmp_path)]
            target = session(doors[0], len(content))
            for turn, at in enumerate(range(0, len(content), 100_000)):
                assert command(doors[turn % 2], target, "upload", content[at : at + 100_000], at).status == 200
            assert sha256_of(command(doors[0], target, "finalize")) == hashlib.sha256(content).hexdigest()


def test_silent_old_connection_gives_way_and_keeps_what_came(door: Running) -> None:
    content = content_of(200_000)
    target = session(door, len(content))
    with connect(door.base) as stalled:
        headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0", "Content-Length": "200000"}
        stalled.sendall(head("POST", target, headers) + content[:120_000])
        time.sleep(0.2)
        assert standing(command(door, target, "query")) == (200, "active", "120000")
        done = command(door, target, "upload, finalize", content[120_000:], 120_000)
        assert read_answer(stalled, "POST").status == 503
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()


def test_chunks_of_two_writers_make_one_file(door: Running) -> None:
    content = content_of(4 * MIB)
    target = session(door, len(content))
    barrier = threading.Barrier(2)

    def write(_: int) -> Answer:
        barrier.wait()
        return command(door, target, "upload, finalize", content, 0)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(write, range(2)))
    assert {answer.status for answer in answers} <= {200, 503}
    done = command(door, target, "query")
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()


def interrupted(door: Running, size: int, cuts: int) -> None:
    """A client on a bad line, as Google's own goes on: query after each break, then from where the session stands."""
    content = content_of(size, seed=size)
    target = session(door, size)
    line = Line(door.base, cuts_of(size, cuts, seed=cuts), seed=cuts)
    offset, step = 0, 8 * MIB
    done = None
    while done is None:
        stop = min(offset + step, size)
        words = "upload, finalize" if stop == size else "upload"
        headers = {"X-Goog-Upload-Command": words, "X-Goog-Upload-Offset": str(offset)}
        try:
            answer = line.call(target, content[offset:stop], headers)
            assert answer.status == 200, answer.body
        except Cut:
            answer = command(door, target, "query")
        if answer.headers["x-goog-upload-status"] == "final":
            done = answer
        else:
            offset = int(answer.headers["x-goog-upload-size-received"])
    assert line.cuts_left == 0
    assert line.sent < 1.1 * size
    assert sha256_of(done) == hashlib.sha256(content).hexdigest()
    fetched = door.call("GET", f"/v1beta/{done.json()['file']['name']}:download?alt=media", headers=ANN)
    assert fetched.body == content
    assert eventually(lambda: list((door.data_dir / "spool").glob("*")) == [])


def test_session_goes_on_after_cuts(make_gateway: Callable[..., Running]) -> None:
    interrupted(make_gateway(ours=KEYS), 24 * MIB, 6)


@pytest.mark.full
def test_session_goes_on_after_fifty_cuts(make_gateway: Callable[..., Running]) -> None:
    interrupted(make_gateway(ours=KEYS), 256 * MIB, 50)
