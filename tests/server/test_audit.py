"""Audit events: each change that a person or a job makes is one line of the log, with who, what and from where."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import forked
from gateways import sandbox_server
from processes import gateway_processes, write_config
from raw_http import Answer, call
from running import eventually, form_request

ANN = {"Authorization": "Bearer sk-ann"}
MASTER = {"Authorization": "Bearer sk-master"}
PAGE = {"X-Liftgate-Page": "1", "Sec-Fetch-Site": "same-origin"}


def events(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "audit"]


def test_what_is_changed_through_the_gateway_is_told_with_who_and_from_where(tmp_path: Path) -> None:
    secrets = ["sk-ann", "sk-master", "wrong-key-of-somebody"]
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, json_logs=True)
        with gateway_processes(config, tmp_path / "data") as [gateway]:

            def post(path: str, who: dict[str, str] = MASTER, **body: Any) -> Answer:
                return call(gateway.url, "POST", path, json.dumps(body).encode(), who)

            made = post("/key/generate", key_alias="team", user_id="carl").json()
            key = made["key"]
            post("/key/update", key=key, rpm_limit=5)
            post("/key/block", key=key)
            post("/key/unblock", key=key)
            again = post("/key/regenerate", key=key, grace_period="1h").json()["key"]
            assert post("/key/delete", keys=[again]).status == 200
            assert post("/key/delete", keys=[again]).status == 404
            secrets += [key, again]
            assert post("/liftgate/session", PAGE, key="wrong-key-of-somebody").status == 401
            signed = post("/liftgate/session", PAGE, key="sk-ann")
            cookie = signed.headers["set-cookie"].partition(";")[0]
            secrets.append(cookie.partition("=")[2])
            out = {**PAGE, "Cookie": cookie}
            for _ in range(2):
                assert call(gateway.url, "DELETE", "/liftgate/session", b"", out).status == 200
            doors = {
                "/v1/files/{id}": ANN,
                "/v1beta/files/{name}": {"x-goog-api-key": "sk-ann"},
                "/v1/files/{id}?beta=true": {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01"},
            }
            files = []
            for path, who in doors.items():
                sent = form_request({"purpose": "user_data"}, path.encode(), name="private-name.txt", headers=ANN)
                files.append(call(gateway.url, *sent).json()["id"])
                place = path.format(id=files[-1], name=files[-1].replace("file-", "file-"))
                answer = call(gateway.url, "DELETE", place, b"", who)
                assert answer.status == 200, (place, answer.body)
            assert eventually(
                lambda: sum(each["action"] == "file_deleted" for each in events(gateway.log.read_text())) == 3
            )
            gateway.stop()
            log = gateway.log.read_text()
    found = [each for each in events(log) if each["action"] != "swept"]
    assert [(each["action"], each["by"], each["from"]) for each in found] == [
        *((f"key_{what}", "master", "127.0.0.1") for what in ("made", "changed", "blocked", "unblocked")),
        ("key_regenerated", "master", "127.0.0.1"),
        ("key_deleted", "master", "127.0.0.1"),
        ("sign_in_refused", "", "127.0.0.1"),
        ("signed_in", "ann", "127.0.0.1"),
        ("signed_out", "ann", "127.0.0.1"),
        *[("file_deleted", "ann", "127.0.0.1")] * 3,
    ]
    assert {each["key"] for each in found[:6]} == {made["id"]} and {each["owner"] for each in found[:6]} == {"carl"}
    assert found[1]["fields"] == ["rpm_limit"] and found[4]["grace_seconds"] == 3600
    assert found[4]["hint"] == f"sk-...{again[-4:]}"
    assert [each["file"] for each in found[-3:]] == files and {each["owner"] for each in found[-3:]} == {"ann"}
    assert all(each["request_id"].startswith("req_") and each["level"] == "info" for each in found)
    for secret in (*secrets, "private-name"):
        assert secret not in log, secret


def test_commands_that_change_data_tell_it_on_standard_error_where_logs_are_json(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, json_logs=True)
        plain = write_config(tmp_path / "plain.yaml", sandbox.url)
        with gateway_processes(config, data) as [gateway]:
            call(gateway.url, *form_request({"purpose": "user_data"}, b"text", headers=ANN))
            gateway.stop()

    def admin(*words: str, config: Path = config, data: Path = data) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
        done = forked.run_text(["admin", *words, "--config", str(config), "--data-dir", str(data)], env=environ)
        assert done.returncode == 0, done.stderr
        return done

    def told(*words: str, **where: Path) -> dict[str, Any]:
        [event] = events(admin(*words, **where).stderr)
        assert event["by"] == "the command line" and "from" not in event
        return event

    backup = str(tmp_path / "backup")
    assert told("backup", backup)["action"] == "backed_up"
    restored = told("restore", backup, data=other)
    assert (restored["action"], restored["backup"], restored["files"]) == ("restored", backup, 1)
    assert told("keys", "generate", "--alias", "x")["action"] == "key_made"
    assert told("sweep")["action"] == "swept"
    erased = told("erase", "ann", "--yes")
    assert (erased["action"], erased["owner"], erased["files"], erased["bytes"]) == ("owner_erased", "ann", 1, 4)
    (data / "blobs" / "liftgate-store").unlink()
    assert told("adopt", "--yes")["action"] == "adopted"
    assert "audit" not in admin("sweep", config=plain).stderr
