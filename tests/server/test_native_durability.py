"""What was acknowledged survives a SIGKILL, and the object store is what keeps it: uploads by parts and by sessions."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cut_line import content_of
from gateways import gateway_server, sandbox_server, settings_for
from liftgate.settings import StorageSettings
from processes import GatewayProcess, write_config
from raw_http import Answer, call, connect, head
from running import Running
from s3_server import BUCKET, s3_endpoint

MIB = 1024 * 1024
NATIVE = {"x-goog-api-key": "sk-ann"}
OPENAI = {"Authorization": "Bearer sk-ann"}


def session(base: str) -> str:
    headers = {**NATIVE, "X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
    url = call(base, "POST", "/upload/v1beta/files", b"{}", headers).headers["x-goog-upload-url"]
    return url.partition("localhost")[2]


def send(base: str, target: str, words: str, body: bytes = b"", offset: int = 0) -> Answer:
    return call(base, "POST", target, body, {"X-Goog-Upload-Command": words, "X-Goog-Upload-Offset": str(offset)})


def upload(base: str, size: int) -> str:
    body = {"filename": "a.bin", "purpose": "user_data", "bytes": size, "mime_type": "text/plain"}
    made: str = call(base, "POST", "/v1/uploads", json.dumps(body).encode(), OPENAI).json()["id"]
    return made


def part(base: str, upload_id: str, content: bytes) -> str:
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="data"; filename="b"\r\n\r\n' + content + b"\r\n--edge--\r\n"
    )
    headers = {**OPENAI, "Content-Type": "multipart/form-data; boundary=edge"}
    made: str = call(base, "POST", f"/v1/uploads/{upload_id}/parts", body, headers).json()["id"]
    return made


def completed(base: str, upload_id: str, parts: list[str]) -> str:
    """The SHA-256 that the completed file has."""
    answer = call(base, "POST", f"/v1/uploads/{upload_id}/complete", json.dumps({"part_ids": parts}).encode(), OPENAI)
    file_id = answer.json()["file"]["id"]
    return call(base, "GET", f"/v1/files/{file_id}/content", headers=OPENAI).headers["etag"].strip('"')


def test_acknowledged_bytes_survive_a_kill(tmp_path: Path) -> None:
    content = content_of(4 * MIB)
    digest = hashlib.sha256(content).hexdigest()
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url)
        first = GatewayProcess(config, tmp_path / "data")
        second: GatewayProcess | None = None
        try:
            base = first.wait_ready()
            target, upload_id = session(base), upload(base, len(content))
            assert send(base, target, "upload", content[:MIB]).status == 200
            parts = [part(base, upload_id, content[: 3 * MIB])]
            with connect(base) as unfinished:
                headers = {
                    "X-Goog-Upload-Command": "upload",
                    "X-Goog-Upload-Offset": str(MIB),
                    "Content-Length": "999999",
                }
                unfinished.sendall(head("POST", target, headers) + content[MIB : MIB + 70_000])
                first.kill()
            second = GatewayProcess(config, tmp_path / "data")
            base = second.wait_ready()
            assert send(base, target, "query").headers["x-goog-upload-size-received"] == str(MIB)
            done = send(base, target, "upload, finalize", content[MIB:], MIB)
            assert base64.b64decode(done.json()["file"]["sha256Hash"]).decode() == digest
            parts.append(part(base, upload_id, content[3 * MIB :]))
            assert completed(base, upload_id, parts) == digest
            assert second.stop() == 0
        finally:
            for gateway in (first, second):
                if gateway is not None and gateway.process.poll() is None:
                    gateway.kill()


def test_parts_lie_in_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = content_of(20 * MIB)
    digest = hashlib.sha256(content).hexdigest()
    with s3_endpoint(monkeypatch), sandbox_server() as sandbox:
        storage = StorageSettings(data_dir=tmp_path, blob_store=f"s3://{BUCKET}/files")
        with gateway_server(settings_for(sandbox, tmp_path, storage=storage)) as base:
            target, upload_id = session(base), upload(base, len(content))
            assert send(base, target, "upload", content[: 9 * MIB]).status == 200
            done = send(base, target, "upload, finalize", content[9 * MIB :], 9 * MIB)
            assert base64.b64decode(done.json()["file"]["sha256Hash"]).decode() == digest
            last, middle = part(base, upload_id, content[15 * MIB :]), part(base, upload_id, content[MIB : 15 * MIB])
            assert completed(base, upload_id, [part(base, upload_id, content[:MIB]), middle, last]) == digest
            name = done.json()["file"]["name"]
            ranged = {**NATIVE, "Range": f"bytes={9 * MIB - 5}-{9 * MIB + 5}"}
            got = call(base, "GET", f"/v1beta/{name}:download?alt=media", headers=ranged)
            assert got.body == content[9 * MIB - 5 : 9 * MIB + 6]
        assert list((tmp_path / "spool").glob("*")) == []


def test_what_comes_while_a_session_is_finalized_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is slow to give what the file's type is seen from; the next chunk is acknowledged meanwhile."""
    content = content_of(900_000)
    with s3_endpoint(monkeypatch) as s3, sandbox_server() as sandbox, ThreadPoolExecutor(1) as pool:
        storage = StorageSettings(data_dir=tmp_path, blob_store=f"s3://{BUCKET}/p")
        with gateway_server(settings_for(sandbox, tmp_path, storage=storage)) as base:
            target = session(base)
            assert send(base, target, "upload", content[:400_000]).status == 200
            s3.read_hold.clear()
            finalized = pool.submit(send, base, target, "finalize")
            asyncio.run(s3.wait_for(lambda: any(kind == "GET" and "/blob-" in key for kind, key in s3.requests)))
            more = send(base, target, "upload", content[400_000:], 400_000)
            assert (more.status, more.headers["x-goog-upload-size-received"]) == (200, "900000")
            s3.read_hold.set()
            file = finalized.result().json()["file"]
            assert (file["sizeBytes"], base64.b64decode(file["sha256Hash"]).decode()) == (
                "900000",
                hashlib.sha256(content).hexdigest(),
            )
            fetched = call(base, "GET", f"/v1beta/{file['name']}:download?alt=media", headers=NATIVE)
            assert fetched.body == content


BROKEN: dict[str, tuple[dict[str, str], Callable[[bytes], bytes]]] = {
    "an encoding that nobody reads": ({"Content-Encoding": "br"}, lambda data: data),
    "no gzip": ({"Content-Encoding": "gzip"}, lambda data: data),
    "gzip with a wrong sum": ({"Content-Encoding": "gzip"}, lambda data: gzip.compress(data)[:-8] + bytes(8)),
    "gzip that ends early": ({"Content-Encoding": "gzip"}, lambda data: gzip.compress(data)[:-9]),
    "deflate with something behind it": ({"Content-Encoding": "deflate"}, lambda data: zlib.compress(data) + b"more"),
}


@pytest.mark.parametrize("harm", BROKEN)
def test_a_body_that_cannot_be_read_costs_a_session_nothing(make_gateway: Callable[..., Running], harm: str) -> None:
    """What was acknowledged before stays, nothing of the body is taken, and the session goes on."""
    gateway = make_gateway()
    content = content_of(700_000)
    headers, broken = BROKEN[harm]
    target = session(gateway.base)
    assert send(gateway.base, target, "upload", content[:300_000]).status == 200
    for words in ("upload", "upload, finalize"):
        sent = {**headers, "X-Goog-Upload-Command": words, "X-Goog-Upload-Offset": "300000"}
        refused = call(gateway.base, "POST", target, broken(content[300_000:]), sent)
        assert refused.status in (400, 415), refused.body
        assert refused.headers["x-goog-upload-status"] == "active"
        assert "Content-Encoding" in refused.json()["error"]["message"]
        standing = send(gateway.base, target, "query").headers
        assert (standing["x-goog-upload-status"], standing["x-goog-upload-size-received"]) == ("active", "300000")
    done = send(gateway.base, target, "upload, finalize", content[300_000:], 300_000)
    assert base64.b64decode(done.json()["file"]["sha256Hash"]).decode() == hashlib.sha256(content).hexdigest()


def test_a_long_body_that_turns_out_broken_ends_its_session(make_gateway: Callable[..., Running]) -> None:
    """Its first 64 MiB are durable by then and may be wrong: no File comes of them."""
    gateway = make_gateway()
    target = session(gateway.base)
    packed = gzip.compress(bytes(65 * MIB), 1)[:-8] + bytes(8)
    headers = {"Content-Encoding": "gzip", "X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": "0"}
    refused = call(gateway.base, "POST", target, packed, headers)
    assert (refused.status, refused.headers["x-goog-upload-status"]) == (400, "final")
    assert send(gateway.base, target, "finalize").status == 410
