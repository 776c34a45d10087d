"""What happens around a page-in: who leaves, what is deleted meanwhile, which replicas there are, what status says."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from gateways import MODEL, ask, client_for, deployments, gateway_server, sandbox_server, settings_for
from liftgate.gateway import Gateway
from liftgate.records import NewFile
from moved_clock import BriskClock
from processes import GatewayProcess, write_config
from scene import QUICK, Scene, audio, eventually, outcome, quick_settings, scene

MIB = 1 << 20
NOTE = b"The heron stands in the shallow water."


@functools.cache
def speech() -> bytes:
    """More than a chunk."""
    return audio(12 * MIB, seed=5)


def test_page_in_goes_on_when_the_client_leaves(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        file_id = of.create(speech())
        of.order(kind="slow", operation="upload.chunk", seconds=1)
        with pytest.raises(openai.APITimeoutError):
            of.client.with_options(timeout=0.5).chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": file_id}}]}]
            )
        assert eventually(lambda: of.finalized == 1)
        of.ask(file_id, speech())
        assert of.finalized == 1


def test_file_deleted_while_it_is_paged_in_leaves_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        file_id = of.create(speech())
        of.order(kind="stall", operation="upload.chunk", after_bytes=MIB)
        told: dict[str, tuple[int, Any]] = {}
        part = {"type": "file", "file": {"file_id": file_id}}
        uri = "https://generativelanguage.googleapis.com/v1beta/" + file_id.replace("file-", "files/")
        native = {"contents": [{"parts": [{"fileData": {"fileUri": uri, "mimeType": "audio/mpeg"}}]}]}
        calls = {
            "/v1/chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": [part]}]},
            f"/v1beta/models/{MODEL}:generateContent": native,
        }
        threads = [threading.Thread(target=_post, args=(of.url, path, body, told)) for path, body in calls.items()]
        for thread in threads:
            thread.start()
        assert eventually(lambda: of.operations("upload.chunk") == 1)
        of.client.files.delete(file_id)
        of.clear_faults()
        for thread in threads:
            thread.join(30)
        status, error = told["/v1/chat/completions"]
        assert (status, error["message"]) == (404, f"No such File object: {file_id}")
        assert error["param"] == "messages[0].content[0].file.file_id"
        status, error = told[f"/v1beta/models/{MODEL}:generateContent"]
        assert (status, error["status"]) == (403, "PERMISSION_DENIED")
        name = file_id.removeprefix("file-")
        assert error["message"] == f"You do not have permission to access the File {name} or it may not exist."
        assert eventually(lambda: of.at_gemini() == [])
        assert eventually(lambda: of.sandbox.control("sessions")["sessions"] == [])


def _post(url: str, path: str, body: dict[str, Any], told: dict[str, tuple[int, Any]]) -> None:
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=60)) as connection:
        headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        told[path] = answer.status, json.loads(answer.read())["error"]


def test_file_deleted_while_it_is_processed_leaves_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.order(kind="stuck_processing", operation="upload.finalize")
        file_id = of.create(speech())
        assert outcome(lambda: of.ask(file_id, speech(), timeout=1)) == "503 file_not_ready"
        of.client.files.delete(file_id)
        assert outcome(lambda: of.ask(file_id, speech())) == "404 None"
        assert eventually(lambda: of.at_gemini() == [])


def test_formats_of_one_file_are_replicas_of_their_own(tmp_path: Path) -> None:
    """Spellings of one type are one, and equal bytes of a second File are the same replicas."""
    with scene(tmp_path) as of:
        first, second = of.create(NOTE, "heron.txt"), of.create(NOTE, "again.md")
        for file_id in (first, second):
            for mime_type in ("audio/x-wav", "audio/wav", "audio/mp3", "audio/mpeg"):
                # LiteLLM's `format` is no field that OpenAI's types know.
                part: Any = {"type": "file", "file": {"file_id": file_id, "format": mime_type}}
                of.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [part]}])
        assert sorted(file["mimeType"] for file in of.at_gemini()) == ["audio/mpeg", "audio/wav"]
        of.client.files.delete(first)
        of.ask(second, NOTE)
        assert len(of.at_gemini()) == 3
        of.client.files.delete(second)
        assert eventually(lambda: of.at_gemini() == [])


def test_account_that_left_the_config_is_passed_over(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        before = quick_settings(sandbox, tmp_path, deployments=deployments(sandbox.url, ("key-a",)))
        with gateway_server(before) as url, client_for(url) as client:
            kept = client.files.create(file=("heron.txt", NOTE), purpose="user_data").id
            gone = client.files.create(file=("gone.txt", NOTE + b"!"), purpose="user_data").id
            assert ask(client, kept)
            assert ask(client, gone)
        after = quick_settings(sandbox, tmp_path, deployments=deployments(sandbox.url, ("key-b",)))
        with gateway_server(after) as url, client_for(url) as client:
            client.files.delete(gone)
            assert "heron" in ask(client, kept)
            projects = sorted(file["project"] for file in sandbox.control("files")["files"])
            assert len(projects) == 3, "those of the account that left end by themselves"


def test_failed_processing_is_believed_for_a_while(tmp_path: Path) -> None:
    with scene(tmp_path, jobs=replace(QUICK, failed_seconds=60)) as of:
        of.order(kind="failed_processing", operation="upload.finalize", message="The video has no frames.")
        file_id = of.create(speech())
        for _ in range(3):
            with pytest.raises(openai.BadRequestError, match=f"{file_id}.*speech.mp3.*The video has no frames"):
                of.ask(file_id, speech())
        assert of.finalized == 1, "asked again, it would fail again"
        assert eventually(lambda: of.at_gemini() == [])


# ── while the file arrives ───────────────────────────────────────────────────────────────────────────────────────────


def test_file_for_a_model_is_at_gemini_before_it_is_asked_for(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.order(kind="slow", operation="upload.finalize", seconds=0.5)
        file = of.client.files.create(
            file=("speech.mp3", speech()), purpose="user_data", extra_body={"target_model_names": MODEL}
        )
        assert file.status == "uploaded"
        assert eventually(lambda: of.client.files.retrieve(file.id).status == "processed")
        assert of.finalized == 1
        of.ask(file.id, speech())
        assert of.finalized == 1
        assert of.sandbox.stats()["bytes_received"] == len(speech())


def test_file_for_a_model_that_gemini_cannot_process_says_so(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.order(kind="failed_processing", operation="upload.finalize", message="The video has no frames.")
        file = of.client.files.create(
            file=("speech.mp3", speech()), purpose="user_data", extra_body={"target_model_names": MODEL}
        )
        assert eventually(lambda: of.client.files.retrieve(file.id).status == "error")
        assert "The video has no frames" in (of.client.files.retrieve(file.id).status_details or "")
        assert of.content(file.id) == speech()


def test_file_for_a_model_is_pending_while_gemini_is_away_and_gets_there_without_a_chat(tmp_path: Path) -> None:
    # A loop that stands still for a moment on a busy machine must not lose the lease: then the job settles the status.
    with scene(tmp_path, jobs=replace(QUICK, lease_seconds=3, lease_renew_seconds=0.2)) as of:
        of.order(kind="status", operation="upload.start", code=503, times=None)
        file = of.client.files.create(
            file=("speech.mp3", speech()), purpose="user_data", extra_body={"target_model_names": MODEL}
        )
        # Attempts of one page-in, and of the next: longer than any lease lasts.
        assert eventually(lambda: of.operations("upload.start") >= 5, 60)
        assert of.client.files.retrieve(file.id).status == "uploaded"
        of.clear_faults()
        assert eventually(lambda: of.client.files.retrieve(file.id).status == "processed", 60)
        assert of.finalized == 1
        assert of.client.files.retrieve(file.id).status_details is None


def test_file_for_a_model_that_is_deleted_while_gemini_is_away_is_not_carried(tmp_path: Path) -> None:
    with scene(tmp_path) as of:
        of.order(kind="status", operation="upload.start", code=503, times=None)
        file = of.client.files.create(
            file=("speech.mp3", speech()), purpose="user_data", extra_body={"target_model_names": MODEL}
        )
        assert eventually(lambda: of.operations("upload.start") >= 4, 60)
        of.client.files.delete(file.id)
        time.sleep(1)  # What had begun by then ends.
        tried = of.operations("upload.start")
        time.sleep(1.5)  # A pause between tries is shorter by now.
        assert of.operations("upload.start") == tried


def test_file_for_a_model_is_not_tried_again_when_the_gateway_leaves_meanwhile(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        sandbox.control("faults", {"kind": "status", "operation": "upload.start", "code": 503, "times": None})

        async def scenario() -> list[str]:
            async with Gateway(settings_for(sandbox, tmp_path, jobs=QUICK), clock=BriskClock()) as gateway:
                new = NewFile(filename="speech.mp3", models=(MODEL,))
                creation = gateway.files.begin("ann", new)
                await creation.write(NOTE)
                await creation.commit(new)
            return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        assert asyncio.run(scenario()) == []
        assert sandbox.stats()["operations"]["upload.start"] >= 4


def test_file_for_a_model_is_settled_after_a_kill(tmp_path: Path) -> None:
    """Gemini is down, and so is the process that carried the file: the next one does not say `uploaded` for ever."""
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, lease_seconds=1, lease_renew_seconds=0.3)
        sandbox.control("faults", {"kind": "status", "operation": "upload.start", "code": 503, "times": None})
        first = GatewayProcess(config, tmp_path / "data")
        first.wait_ready()
        with client_for(first.url) as client:
            file = client.files.create(
                file=("speech.mp3", speech()), purpose="user_data", extra_body={"target_model_names": MODEL}
            )
            assert file.status == "uploaded"
        first.kill()
        second = GatewayProcess(config, tmp_path / "data")
        second.wait_ready()
        with client_for(second.url) as client:
            assert eventually(lambda: client.files.retrieve(file.id).status == "processed", 20)
            assert "will carry it" in (client.files.retrieve(file.id).status_details or "")
        second.kill()


def test_client_that_leaves_in_an_upload_leaves_nothing(tmp_path: Path) -> None:
    """With a model named, most of the bytes are at Gemini by then: the session is given up."""
    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path, jobs=QUICK)
        with gateway_server(settings) as url:
            address = urlsplit(url)
            assert address.hostname is not None
            head = (
                '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
                f'--b\r\nContent-Disposition: form-data; name="target_model_names"\r\n\r\n{MODEL}\r\n'
                '--b\r\nContent-Disposition: form-data; name="file"; filename="speech.mp3"\r\n'
                "Content-Type: audio/mpeg\r\n\r\n"
            ).encode()
            with closing(socket.create_connection((address.hostname, address.port or 0), timeout=30)) as connection:
                connection.sendall(
                    b"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-ann\r\n"
                    b"Content-Type: multipart/form-data; boundary=b\r\n"
                    b"Content-Length: %d\r\n\r\n" % (len(head) + len(speech()) + len(b"\r\n--b--\r\n"))
                )
                connection.sendall(head + speech()[: 11 * MIB])
                assert eventually(lambda: sandbox.stats()["bytes_received"] >= 8 * MIB)
            assert eventually(lambda: sandbox.control("sessions")["sessions"] == [])
            assert eventually(lambda: list((tmp_path / "spool").iterdir()) == [])
            assert [path for path in (tmp_path / "blobs").rglob("blob-*")] == []
            with client_for(url) as client:
                assert list(client.files.list()) == []
            assert Scene(sandbox, url, client).finalized == 0
