"""Recordings of the real API as judge of the sandbox: every Files exchange, the errors, and every request body.

The recordings lie beside the checkout; without them these tests are skipped.
"""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from evidence import RECORDINGS, needs_recordings
from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.refusals import Refusal
from liftgate.sandbox.requests.request_rules import check_request
from liftgate.sandbox.wire.strict_json import check_message
from media_samples import mp4
from sandbox_wire import Wire, events_of

MESSAGES = {
    "generateContent": "GenerateContentRequest",
    "streamGenerateContent": "GenerateContentRequest",
    "countTokens": "CountTokensRequest",
    "batchEmbedContents": "BatchEmbedContentsRequest",
}
# Headers of one transport or one moment: not the service's contract.
TRANSPORT = {"date", "alt-svc", "transfer-encoding", "content-length", "server-timing", "host", "user-agent"}
# The recorder put the request's headers among the answer's in these exchanges.
ECHOED = {"accept", "accept-encoding"}
# Caches are named resources that the sandbox does not have: the requests that use one are its documented 403.
CACHED = "CachedContent not found (or permission denied)"

pytestmark = needs_recordings


def recordings(*prefixes: str) -> list[Any]:
    """pytest parameters of the recordings whose names begin so; one where there are none, which the module skips."""
    found = sorted(path for prefix in prefixes for path in RECORDINGS.glob(f"{prefix}*.json"))
    if not found:
        return [pytest.param(None, id="absent")]
    return [pytest.param(path, id=path.stem[:80]) for path in found]


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def types_of(value: Any) -> Any:
    """The names and JSON types of a value, without its contents."""
    if isinstance(value, dict):
        return {name: types_of(item) for name, item in value.items()}
    if isinstance(value, list):
        return [types_of(value[0])] if value else []
    return type(value).__name__


def agree_on_headers(recorded: dict[str, str], answered: dict[str, str]) -> None:
    wanted = {name for name in recorded if name not in TRANSPORT | ECHOED}
    assert wanted <= set(answered)
    for name in wanted & {"content-type", "server", "x-goog-upload-status", "x-goog-upload-chunk-granularity"}:
        assert answered[name] == recorded[name], name


def agree_on_file(recorded: dict[str, Any], answered: dict[str, Any]) -> None:
    # `source` is newer than the recordings of 2024.
    assert types_of(answered) == {"source": "str"} | types_of(recorded)
    assert answered["uri"].rpartition("/")[0] == recorded["uri"].rpartition("/")[0]
    for name in ("createTime", "updateTime", "expirationTime"):
        assert re.sub(r"\d", "0", answered[name]) == re.sub(r"\d", "0", recorded[name]), name
    assert re.fullmatch("[0-9a-f]{64}", base64.b64decode(answered["sha256Hash"]).decode())
    assert re.fullmatch("[0-9a-f]{64}", base64.b64decode(recorded["sha256Hash"]).decode())


@pytest.mark.parametrize("path", recordings("files.upload.start"))
def test_recorded_upload_start(sandbox: Wire, path: Path) -> None:
    recorded = load(path)
    request, response = recorded["request"], recorded["response"]
    answer = sandbox.call(request["method"], request["path"], request["body"] or {}, request["headers"])
    if not request["headers"]:
        answer = sandbox.start(14560, "application/pdf", {"display_name": "apples.pdf"})
    assert (answer.status, answer.body) == (response["status"], b"")
    agree_on_headers(response["headers"], answer.headers)
    # The same path and query names, on our own origin.
    ours, theirs = answer.headers["x-goog-upload-url"], response["headers"]["x-goog-upload-url"]
    assert re.sub("upload_id=[^&]+", "", ours.replace(sandbox.base, "")) == re.sub(
        "upload_id=[^&]+", "", theirs.replace("https://generativelanguage.googleapis.com", "")
    )


@pytest.mark.parametrize("path", recordings("files.upload.finalize"))
def test_recorded_upload_finalize(sandbox: Wire, path: Path) -> None:
    response = load(path)["response"]
    wanted = response["body"]["file"]
    content = mp4(3)
    url = sandbox.session(len(content), wanted["mimeType"], {"display_name": wanted["displayName"]})
    answer = sandbox.send(url, "upload, finalize", 0, content)
    file = answer.json()["file"]
    agree_on_file(wanted, file)
    assert (file["state"], file["displayName"]) == (wanted["state"], wanted["displayName"])
    if response["status"] is not None:
        assert answer.status == response["status"]
        agree_on_headers(response["headers"], answer.headers)


@pytest.mark.parametrize("path", recordings("files.get", "files.list"))
def test_recorded_get_and_list(sandbox: Wire, path: Path) -> None:
    wanted = load(path)["response"]["body"]
    recorded = wanted["files"][0] if "files" in wanted else wanted
    file = sandbox.upload(mp4(596), recorded["mimeType"], {"display_name": recorded["displayName"]})
    deadline = time.monotonic() + 10
    while (answer := sandbox.call("GET", f"/v1beta/{file['name']}")).json()["state"] == "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    agree_on_file(recorded, answer.json())
    assert answer.json().get("videoMetadata", {}).get("videoDuration") == recorded.get("videoMetadata", {}).get(
        "videoDuration"
    )
    if "files" in wanted:
        listed = sandbox.call("GET", "/v1beta/files").json()
        assert types_of(listed).keys() == types_of(wanted).keys()
        agree_on_file(recorded, listed["files"][0])


@pytest.mark.parametrize("path", recordings("files.download"))
def test_recorded_download(sandbox: Wire, path: Path) -> None:
    recorded = load(path)
    response = recorded["response"]
    data = base64.b64encode(b"\0" * 100).decode()
    sandbox.control("POST", "files", key=sandbox.key, mimeType="video/mp4", data=data, id="zqw12cp8qc38")
    answer = sandbox.call("GET", recorded["request"]["path"])
    assert answer.status == response["status"]
    agree_on_headers(response["headers"], answer.headers)
    if response["status"] == 302:
        assert answer.json() == response["body"]
        assert answer.headers["location"].removeprefix(sandbox.base) == response["headers"]["location"].removeprefix(
            "https://generativelanguage.googleapis.com"
        )


@pytest.mark.parametrize("path", recordings("error_4"))
def test_recorded_error(sandbox: Wire, path: Path) -> None:
    recorded = load(path)
    request, response = recorded["request"], recorded["response"]
    wire = sandbox
    if "raises_appropriate_auth_error" in path.name:
        wire = sandbox.with_key("invalid")
    if response["status"] == 429:
        sandbox.fault("status", "generate", code=429, body=response["body"])
    answer = wire.call(request["method"], request["path"], request["body"])
    assert answer.status == response["status"]
    agree_on_headers(response["headers"], answer.headers)
    body = response["body"]
    if "__segments__" in body:
        # DebugInfo is what only Google's own callers get.
        body = body["__segments__"][0]
        del body["error"]["details"]
    if response["status"] == 404:
        # The one sentence that changed: until the summer of 2026 ListModels stood without its service.
        body["error"]["message"] = body["error"]["message"].replace("Call ListModels", "Call ModelService.ListModels")
    assert answer.json() == body


def whole(value: Any) -> Any:
    """A recorded request with its shortened base64 made valid again."""
    if isinstance(value, str) and value.startswith("__base64_truncated__"):
        return base64.b64encode(b"shortened").decode()
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


@needs_recordings
def test_every_recorded_request_is_accepted() -> None:
    refused: dict[str, str] = {}
    checked = 0
    for path in sorted(RECORDINGS.glob("*.json")):
        recorded = load(path)
        found = re.search(r"/models/([^:]+):(\w+)", recorded["request"].get("path") or "")
        body = recorded["request"].get("body")
        if not found or found[2] not in MESSAGES or not isinstance(body, dict):
            continue
        checked += 1
        try:
            request = check_message(whole(body), MESSAGES[found[2]])
            if MESSAGES[found[2]] == "GenerateContentRequest":
                check_request(request, ModelFacts.named(found[1]))
        except Refusal as refusal:
            refused[path.stem] = refusal.message
    assert checked >= 500
    assert {name: why for name, why in refused.items() if why != CACHED} == {}
    assert len(refused) == 2


def test_recorded_unknown_name_is_refused_in_the_same_words(sandbox: Wire) -> None:
    """The one recorded 400 of this kind (docs/protocol/gemini.md, "Ground rules"; cookbook
    Get_started_thinking_REST)."""
    body = {"contents": [{"parts": [{"text": "x"}]}], "generation_config": {"includeThoughts": True}}
    answer = sandbox.call("POST", "/v1beta/models/gemini-2.5-flash:generateContent", body)
    sentence = (
        "Invalid JSON payload received. Unknown name \"includeThoughts\" at 'generation_config': Cannot find field."
    )
    assert answer.status == 400
    assert answer.json() == {
        "error": {
            "code": 400,
            "message": sentence,
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "generation_config", "description": sentence}],
                }
            ],
        }
    }


@pytest.mark.parametrize(
    "path",
    recordings(
        "streamGenerateContent--pydantic-ai--test_google--test_google_model_thinking_part_iter",
        "streamGenerateContent--llm-gemini--test_gemini--test_prompt",
    ),
)
def test_streams_have_the_recorded_form(sandbox: Wire, path: Path) -> None:
    recorded = load(path)
    response = recorded["response"]
    sse = "alt=sse" in recorded["request"]["path"]
    method = "streamGenerateContent?alt=sse" if sse else "streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "why is the sky blue? " * 10}]}]}
    answer = sandbox.call("POST", f"/v1beta/models/gemini-2.5-flash:{method}", body)
    kind = response["headers"]["content-type"]
    kind = kind[0] if isinstance(kind, list) else kind
    assert answer.headers["content-type"] == kind
    if sse:
        assert isinstance(response["body"], str)
        assert "\r\n\r\ndata: " in response["body"] and response["body"].endswith("\r\n\r\n")
        chunks = events_of(answer)
    else:
        chunks = answer.json()
        assert answer.body.startswith(b"[{\n") and b"}\n,\r\n{" in answer.body and answer.body.endswith(b"}\n]")
    assert len(chunks) > 2
    required = {"candidates", "usageMetadata", "modelVersion", "responseId"}
    assert all(required <= set(chunk) for chunk in chunks)
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [None] * (len(chunks) - 1) + ["STOP"]
