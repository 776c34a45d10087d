"""What was acknowledged survives a SIGKILL, and the object store is what keeps it: uploads by parts and by sessions."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from cut_line import content_of
from gateways import gateway_server, sandbox_server, settings_for
from liftgate.settings import StorageSettings
from processes import GatewayProcess, write_config
from raw_http import Answer, call, connect, head
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
