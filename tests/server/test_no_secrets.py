"""No secret in anything that a gateway writes: a journey through every door, with a detailed log and failures of every
kind, and then a look at all that came of it: the log in both forms, metrics, spans.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateways import MODEL, SandboxServer, sandbox_server
from liftgate.sandbox.app import SandboxSettings
from owners_doors import ANTHROPIC_FILES, CHATS, FILES, KEYS, MESSAGES, NATIVE_CALLS, NATIVE_FILES, RESPONSES, SESSIONS
from owners_house import secret_of, send, start_session
from processes import gateway_processes, secrets_in
from raw_http import call
from running import eventually, form_request
from test_audit import PAGE
from test_meter import hello
from test_traces import collecting

GOOGLE_KEYS = ["AIza" + letter * 35 for letter in "QRS"]
MASTER, ANN, BOB = "sk-of-the-master-1", "own-word-of-ann", "sk-bob-0123456789abcdef"
DIGESTS = "digests-by-this-1"
BASIC = "c2VjcmV0OnNlY3JldA=="
SIGNED = ("AKIAOFNOBODY", "0a1b2c3d" * 8, "aB3dE6%2Bc%3D")
"""What a signed URL of an object store holds."""
UPLOAD_ERROR = {"error": {"code": 400, "message": "Upload has already been terminated.", "status": "INVALID_ARGUMENT"}}
DOORS = {**FILES, **NATIVE_FILES, **CHATS, **RESPONSES, **NATIVE_CALLS, **ANTHROPIC_FILES, **MESSAGES, **KEYS}


def config_of(path: Path, sandbox: SandboxServer, collector: str, *, json_logs: bool) -> Path:
    document = {
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {"model": f"gemini/{MODEL}", "api_key": key, "api_base": sandbox.url},
            }
            for key in GOOGLE_KEYS
        ],
        "general_settings": {"master_key": MASTER},
        "router_settings": {"num_retries": 2, "cooldown_time": 0.01},
        "liftgate_settings": {
            "keys": [{"name": "ann", "key": ANN}, {"name": "bob", "key": BOB}],
            "debug": True,
            "json_logs": json_logs,
            "log_user_secret": DIGESTS,
            "spend": True,
            "metrics": True,
            "traces_endpoint": collector,
            "traces_ratio": 1.0,
            "traces_headers": f"authorization=Basic {BASIC}",
            "purge_seconds": 0.2,
            "sweep_seconds": 0.3,
            "renew_seconds": 1,
            "fetch_allowed_hosts": "127.0.0.1",
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


def fail_in_every_way(sandbox: SandboxServer, url: str, ask: Any) -> None:
    """What Google says may repeat the key, or the address of an upload."""
    for status in (400, 401, 403, 404, 429, 500, 503):
        error = {"code": status, "message": f"no: {' '.join(GOOGLE_KEYS)} upload_id=of-{status}", "status": "UNKNOWN"}
        sandbox.control("scripts", {"status": status, "body": {"error": error}, "times": 3})
        ask("/v1/chat/completions", hello())
        sandbox.control("scripts", method="DELETE")
    for body in ({"raw": "data: nonsense " + GOOGLE_KEYS[0] + "\n\n"}, {"status": 502, "body": "<html>"}):
        sandbox.control("scripts", body)
        ask("/v1/chat/completions", {**hello(), "stream": True})
        sandbox.control("scripts", method="DELETE")
    kinds: list[dict[str, Any]] = [
        {"kind": "status", "operation": "upload.start", "code": 503},
        {"kind": "status", "operation": "upload.chunk", "code": 500},
        {"kind": "status", "operation": "upload.finalize", "code": 400, "body": UPLOAD_ERROR},
        {"kind": "terminated", "operation": "upload.*"},
        {"kind": "cut", "operation": "upload.*"},
        {"kind": "lose_answer", "operation": "upload.finalize"},
        {"kind": "wrong_hash", "operation": "upload.finalize"},
        {"kind": "failed_processing", "operation": "upload.finalize"},
        {"kind": "forbidden_file", "operation": "generate"},
        {"kind": "status", "operation": "files.get", "code": 403},
    ]
    for number, fault in enumerate(kinds):
        sandbox.control("faults", fault)
        sent = form_request({"purpose": "user_data"}, f"file {number}".encode(), name="p.txt", headers=bearer(ANN))
        file = call(url, *sent).json()["id"]
        part = {"type": "file", "file": {"file_id": file}}
        ask("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": [part]}]})
        sandbox.control("faults", method="DELETE")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("json_logs", [True, pytest.param(False, marks=pytest.mark.full)], ids=["json", "text"])
def test_no_secret_in_anything_that_is_written(json_logs: bool, tmp_path: Path) -> None:
    secrets = [*GOOGLE_KEYS, MASTER, ANN, BOB, BASIC, DIGESTS]
    answers: list[int] = []
    with collecting() as (collector, endpoint), sandbox_server(SandboxSettings(video_processing=0.01)) as sandbox:
        config = config_of(tmp_path / "c.yaml", sandbox, endpoint, json_logs=json_logs)
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            url = gateway.url

            def ask(path: str, body: Any, who: dict[str, str] | None = None, method: str = "POST") -> Any:
                answer = call(url, method, path, json.dumps(body).encode(), bearer(ANN) if who is None else who)
                answers.append(answer.status)
                return answer.json() if answer.body.startswith(b"{") else {}

            made = ask("/key/generate", {"key_alias": "team", "rpm_limit": 3}, bearer(MASTER))["key"]
            again = ask("/key/regenerate", {"key": made}, bearer(MASTER))["key"]
            secrets += [made, again]
            for _ in range(5):
                ask("/v1/chat/completions", hello(), bearer(again))
            signed = call(url, "POST", "/liftgate/session", json.dumps({"key": ANN}).encode(), PAGE)
            secrets.append(signed.headers["set-cookie"].partition(";")[0].partition("=")[2])
            ask("/liftgate/files", {}, {**PAGE, "Cookie": signed.headers["set-cookie"].partition(";")[0]}, "GET")
            session = secret_of(start_session(url, ANN, {"displayName": "hers"}))
            secrets.append(session)
            sent = form_request({"purpose": "user_data"}, b"text", headers=bearer(ANN))
            file = call(url, *sent).json()["id"]
            # Each door once as it should be, and once with each secret where a name belongs.
            for number, door in enumerate(DOORS.values()):
                named = secrets[number % len(secrets)]
                for name in (file, named):
                    answers.append(_through(url, door, name, ANN))
                _through(url, door, "x", f"wrong-{named[:4]}-{BOB}-{number}")
            for door in SESSIONS.values():
                answers.append(_through(url, door, session, ANN))
            for path in ("/v1/models", "/v1/files", "/health", f"/v1beta/models/{MODEL}:generateContent"):
                for secret in secrets:
                    words = base64.urlsafe_b64encode(secret.encode()).decode()
                    for query in (f"?key={secret}", f"?api_key={secret}&b={words}"):
                        send(url, "GET", path + query, None, {"x-api-key": secret})
            signed_url = f"X-Amz-Credential={SIGNED[0]}%2F20261129&X-Amz-Signature={SIGNED[1]}&sig={SIGNED[2]}"
            place = sandbox.url.replace("//", f"//user:{BOB}@")
            link = f"{place}/nothing?key={GOOGLE_KEYS[0]}&token={BOB}&{signed_url}"
            part = {"type": "image_url", "image_url": {"url": link}}
            ask("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": [part]}]})
            fail_in_every_way(sandbox, url, ask)
            metrics = call(url, "GET", "/metrics", b"", bearer(MASTER)).body.decode()
            assert eventually(lambda: len(collector.spans()) > 200)
            gateway.stop()
        log = gateway.log.read_text()
        # The ids of Google's upload sessions: who has one may write to it.
        uploads = set(sandbox.stats()["bytes_by_session"])
    assert {200, 400, 401, 403, 404, 429, 500, 502, 503} & set(answers) >= {200, 400, 404, 429} and len(answers) > 300
    assert len(uploads) > 5
    written = {"log": log, "metrics": metrics, "spans": json.dumps([body for _, _, body in collector.requests])}
    assert '"event": "audit"' in log if json_logs else "audit: key_made" in log
    assert "page-in of" in log and "liftgate_page_ins_total" in metrics
    for what, text in written.items():
        found = [secret for secret in {*secrets, *SIGNED, *uploads} if secret in text]
        assert found == [] and secrets_in(text, ()) == [], (what, found, secrets_in(text, ()))


def _through(url: str, door: Any, name: str, key: str) -> int:
    from owners_house import House

    house = House(url, None, Path(), {}, {}, "", "", "", "", "", "")  # type: ignore[arg-type]
    try:
        status: int = door.ask(house, name, key).status
    except (UnicodeDecodeError, ValueError):
        return 0
    return status
