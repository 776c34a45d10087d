"""Every value of every 'unverified' switch changes on the wire what its line in the table says."""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liftgate.sandbox.answers.signatures import signature_of
from liftgate.sandbox.settings import SandboxSettings, Unverified
from sandbox_wire import GRANULARITY, Wire, file_part, reset

FLASH = "gemini-2.5-flash"
CHUNK = b"c" * GRANULARITY


@pytest.mark.parametrize("status", [409, 400, 416])
@pytest.mark.parametrize("header", ["active", "none"])
def test_wrong_offset(sandbox: Wire, status: int, header: str) -> None:
    sandbox.switch(wrong_offset_status=status, wrong_offset_header=header)
    answer = sandbox.send(sandbox.session(9), "upload, finalize", 5, b"abc")
    assert (answer.status, answer.upload_status) == (status, "" if header == "none" else header)


@pytest.mark.parametrize(("value", "status"), [("accept", 200), ("refuse", 409)])
def test_resent_bytes(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(resent_bytes=value)
    url = sandbox.session(GRANULARITY + 1)
    sandbox.send(url, "upload", 0, CHUNK)
    assert sandbox.send(url, "upload", 0, CHUNK).status == status


@pytest.mark.parametrize(("value", "status"), [("400", 400), ("accept", 200)])
def test_misaligned_chunk(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(misaligned_chunk=value)
    assert sandbox.send(sandbox.session(9), "upload", 0, b"abc").status == status


@pytest.mark.parametrize(("value", "kept"), [("partial", GRANULARITY + 300_000), ("aligned", GRANULARITY), ("none", 0)])
def test_chunk_kept_after_cut(sandbox: Wire, value: str, kept: int) -> None:
    sandbox.switch(chunk_kept_after_cut=value)
    total = 2 * GRANULARITY
    url = sandbox.session(total)
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0", "Content-Length": str(total)}
    sock = sandbox.raw("POST", url, headers, CHUNK + b"c" * 300_000)
    deadline = time.monotonic() + 10
    while sandbox.control("GET", "sessions")["sessions"][0]["received"] < GRANULARITY + 300_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    reset(sock)
    assert sandbox.send(url, "query").headers["x-goog-upload-size-received"] == str(kept)
    assert sandbox.send(url, "upload, finalize", kept, b"c" * (total - kept)).status == 200


def test_query_supported(sandbox: Wire) -> None:
    sandbox.switch(query_supported=False)
    answer = sandbox.send(sandbox.session(9), "query")
    assert (answer.status, answer.upload_status) == (400, "")


@pytest.mark.parametrize("value", [True, False])
def test_query_final_returns_body(sandbox: Wire, value: bool) -> None:
    sandbox.switch(query_final_returns_body=value)
    url = sandbox.session(1)
    final = sandbox.send(url, "upload, finalize", 0, b"x")
    answer = sandbox.send(url, "query")
    assert (answer.upload_status, answer.body) == ("final", final.body if value else b"")


@pytest.mark.parametrize(("value", "status"), [("body", 200), ("terminated", 400)])
def test_finalize_resend(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(finalize_resend=value)
    url = sandbox.session(1)
    sandbox.send(url, "upload, finalize", 0, b"x")
    assert sandbox.send(url, "upload, finalize", 0, b"x").status == status


@pytest.mark.parametrize("value", ["final", "none"])
def test_terminated_header(sandbox: Wire, value: str) -> None:
    sandbox.switch(terminated_header=value, finalize_resend="terminated")
    url = sandbox.session(1)
    sandbox.send(url, "upload, finalize", 0, b"x")
    answer = sandbox.send(url, "upload, finalize", 0, b"x")
    assert (answer.status, answer.upload_status) == (400, "final" if value == "final" else "")


@pytest.mark.parametrize("status", [200, 400, 410])
def test_cancel_status(sandbox: Wire, status: int) -> None:
    sandbox.switch(cancel_status=status)
    url = sandbox.session(9)
    assert sandbox.send(url, "cancel").status == status
    assert sandbox.send(url, "upload, finalize", 0, b"x" * 9).status == 410


@pytest.mark.parametrize(("value", "status"), [("accept", 200), ("400", 400)])
def test_empty_file(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(empty_file=value)
    assert sandbox.send(sandbox.session(0), "upload, finalize", 0, b"").status == status


@pytest.mark.parametrize(("value", "status"), [("accept", 200), ("400", 400)])
def test_unknown_total(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(unknown_total=value)
    answer = sandbox.start(None)
    assert answer.status == status
    if status == 200:
        final = sandbox.send(answer.headers["x-goog-upload-url"], "upload, finalize", 0, b"abc")
        assert final.json()["file"]["sizeBytes"] == "3"


@pytest.mark.parametrize(("value", "status"), [("409", 409), ("200final", 200)])
def test_name_collision_status(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(name_collision_status=value)
    sandbox.upload(b"x", file={"name": "files/taken"})
    answer = sandbox.send(sandbox.session(1, file={"name": "files/taken"}), "upload, finalize", 0, b"x")
    assert (answer.status, answer.upload_status, answer.json()["error"]["code"]) == (status, "final", 409)


@pytest.mark.parametrize("value", [True, False])
def test_custom_name_honoured(sandbox: Wire, value: bool) -> None:
    sandbox.switch(custom_name_honoured=value)
    assert (sandbox.upload(b"x", file={"name": "files/mine"})["name"] == "files/mine") is value


@pytest.mark.parametrize("value", [True, False])
def test_file_name_header(sandbox: Wire, value: bool) -> None:
    sandbox.switch(file_name_header=value)
    url = sandbox.start(1, headers={"X-Goog-Upload-File-Name": "a.txt"}).headers["x-goog-upload-url"]
    file = sandbox.send(url, "upload, finalize", 0, b"x").json()["file"]
    assert file.get("displayName") == ("a.txt" if value else None)


@pytest.mark.parametrize("value", ["start", "finalize"])
def test_quota_checked_at(make_sandbox: Callable[..., Wire], value: str) -> None:
    wire = make_sandbox(quota_bytes=5, unverified=Unverified(quota_checked_at=value))
    answer = wire.start(9)
    assert answer.status == (429 if value == "start" else 200)
    if value == "finalize":
        final = wire.send(answer.headers["x-goog-upload-url"], "upload, finalize", 0, b"x" * 9)
        assert (final.status, final.upload_status) == (429, "final")


@pytest.mark.parametrize(("value", "status"), [(True, 400), (False, 200)])
def test_mime_checked_at_upload(sandbox: Wire, value: bool, status: int) -> None:
    sandbox.switch(mime_checked_at_upload=value)
    assert sandbox.start(1, "bad/mime_type").status == status


@pytest.mark.parametrize(("switch", "field"), [("sha256_present", "sha256Hash"), ("state_present", "state")])
def test_fields_that_may_be_missing(sandbox: Wire, switch: str, field: str) -> None:
    assert field in sandbox.upload(b"x")
    sandbox.switch(**{switch: False})
    assert field not in sandbox.upload(b"x")


def test_forbidden_after_upload(sandbox: Wire) -> None:
    sandbox.switch(forbidden_after_upload=2)
    file = sandbox.upload(b"x")
    uses = [sandbox.call("GET", f"/v1beta/{file['name']}").status, sandbox.ask(FLASH, "x", file_part(file)).status]
    assert uses == [403, 403]
    assert sandbox.ask(FLASH, "x", file_part(file)).status == 200


@pytest.mark.parametrize("status", [403, 404])
def test_delete_missing(sandbox: Wire, status: int) -> None:
    sandbox.switch(delete_missing=status)
    assert sandbox.call("DELETE", "/v1beta/files/missing").status == status


@pytest.mark.parametrize(("value", "body"), [("{}", {}), ('{"files":[]}', {"files": []})])
def test_list_empty(sandbox: Wire, value: str, body: dict[str, Any]) -> None:
    sandbox.switch(list_empty=value)
    assert sandbox.call("GET", "/v1beta/files").json() == body


@pytest.mark.parametrize("value", ["newest", "oldest"])
def test_list_order(sandbox: Wire, value: str) -> None:
    sandbox.switch(list_order=value)
    names = [sandbox.upload(b"x")["name"] for _ in range(3)]
    first = sandbox.call("GET", "/v1beta/files?pageSize=2").json()
    rest = sandbox.call("GET", f"/v1beta/files?pageSize=2&pageToken={first['nextPageToken']}").json()
    listed = [file["name"] for file in first["files"] + rest["files"]]
    assert listed == (names if value == "oldest" else names[::-1])


@pytest.mark.parametrize("status", [400, 403, 404])
def test_download_of_uploaded(sandbox: Wire, status: int) -> None:
    sandbox.switch(download_of_uploaded=status)
    assert sandbox.call("GET", f"/v1beta/{sandbox.upload(b'x')['name']}:download?alt=media").status == status


@pytest.mark.parametrize(("value", "start"), [("bare", b"{"), ("data", b"data: {")])
def test_early_stream_error(sandbox: Wire, value: str, start: bytes) -> None:
    sandbox.switch(early_stream_error=value)
    answer = sandbox.ask("nope", "x", stream=True)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/event-stream")
    assert answer.body.startswith(start)


@pytest.mark.parametrize(("value", "start"), [("data", b'data: {"error"'), ("bare", b"{\n")])
def test_midstream_error(sandbox: Wire, value: str, start: bytes) -> None:
    sandbox.switch(midstream_error=value)
    sandbox.fault("stream_error", "stream", after_events=1)
    assert sandbox.ask(FLASH, "x", stream=True).body.split(b"\r\n\r\n")[1].startswith(start)


@pytest.mark.parametrize(("value", "status"), [("400", 400), ("accept", 200)])
def test_schema_additional_properties(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(schema_additional_properties=value)
    schema = {"type": "OBJECT", "additionalProperties": False}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    assert sandbox.ask(FLASH, "x", generationConfig=config).status == status


@pytest.mark.parametrize(("value", "status"), [("400", 400), ("accept", 200)])
def test_two_spellings(sandbox: Wire, value: str, status: int) -> None:
    sandbox.switch(two_spellings=value)
    twice = {"maxOutputTokens": 5, "max_output_tokens": 6}
    assert sandbox.ask(FLASH, "x", generationConfig=twice).status == status


@pytest.mark.parametrize(("value", "status"), [("refuse", 400), ("accept", 200)])
@pytest.mark.parametrize("signature", ["EoYDCoMDAXLI2nwx", "CiQBcsjafBExample123"])
def test_foreign_signatures(sandbox: Wire, value: str, status: int, signature: str) -> None:
    """A history of Google's own, as a recording has it; one of ours for another call stays refused."""
    sandbox.switch(foreign_signatures=value)
    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": signature}
    result = {"functionResponse": {"name": "f", "response": {"r": 1}}}

    def ask() -> Any:
        contents = [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [call]},
            {"role": "user", "parts": [result]},
        ]
        tools = [{"functionDeclarations": [{"name": "f"}]}]
        body = {"contents": contents, "tools": tools}
        return sandbox.call("POST", "/v1beta/models/gemini-3.5-flash:generateContent", body)

    assert ask().status == status
    call["thoughtSignature"] = base64.b64encode(signature_of("f", {"a": 2})).decode()
    assert ask().message == "Thought signature is not valid."
    call["thoughtSignature"] = base64.b64encode(signature_of("f", {"a": 1})).decode()
    assert ask().status == 200


def test_every_switch_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [row["name"] for row in Unverified.table() if row["name"] not in source] == []


def test_settings_set_switches_too(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(unverified=Unverified(delete_missing=404))
    assert wire.call("DELETE", "/v1beta/files/missing").status == 404
    assert wire.control("GET", "unverified")["values"]["delete_missing"] == 404
    assert SandboxSettings().unverified == Unverified()


@pytest.mark.parametrize("change", [{"nothing": 1}, {"delete_missing": 500}, {"query_supported": 1}])
def test_unknown_switches_and_values_are_refused(sandbox: Wire, change: dict[str, Any]) -> None:
    answer = sandbox.call("POST", "/sandbox/unverified", change)
    assert answer.status == 400
    assert next(iter(change)) in answer.json()["error"]
