"""What went wrong, as both major versions of the official client raise it: class, type, code, param, Retry-After.

The table is OpenAI's (classes by status, the error object's four keys) over Google's (status and typed details).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chat_wire import about_file, hello
from gateways import SandboxServer, client_for

HERE = Path(__file__).parent
OPENAI_2 = HERE.parents[1] / ".venv-openai2" / "bin" / "python"
MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 1000

PYTHONS = [
    pytest.param(Path(sys.executable), "3.", id="openai 3"),
    pytest.param(
        OPENAI_2,
        "2.",
        id="openai 2",
        marks=pytest.mark.skipif(not OPENAI_2.exists(), reason="./scripts/test makes .venv-openai2"),
    ),
]


@dataclass(frozen=True)
class Case:
    """`orders` for the sandbox, then a chat of `body`; the exception is `raised`, with `words` in its message."""

    name: str
    raised: tuple[str, int, str, str | None]
    """Class, status, type, code."""
    fault: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=hello)
    param: str | None = None
    retry_after: str | None = None
    again: bool = True
    """Whether repeating may help: the client is told so where its own rule would repeat in vain."""
    words: tuple[str, ...] = ()


def google(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def detail(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{name}", **fields}


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "code": code, **more}


BAD_KEY = google(
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    detail("ErrorInfo", reason="API_KEY_INVALID", domain="googleapis.com"),
)
QUOTA = google(
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota. Please retry in 40.403s.",
    detail("QuotaFailure", violations=[{"quotaMetric": "generativelanguage.googleapis.com/requests"}]),
    detail("RetryInfo", retryDelay="40.403s"),
)
INTERNAL = google(500, "INTERNAL", "An internal error has occurred, error id 14030.")
SERVER = "InternalServerError"
BUSY = "service_unavailable_error"

NO_MODEL = (
    "models/x is not found for API version v1beta, or is not supported for generateContent. Call "
    "ModelService.ListModels to see the list of available models and their supported methods."
)
CASES = [
    Case(
        "an argument Gemini refuses",
        ("BadRequestError", 400, "invalid_request_error", None),
        status(400, body=google(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")),
        words=("Request contains an invalid argument.",),
    ),
    Case(
        "the place Gemini is called from",
        ("BadRequestError", 400, "invalid_request_error", None),
        status(400, body=google(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")),
    ),
    Case(
        "the gateway's own key",
        ("AuthenticationError", 401, "authentication_error", "upstream_api_key_invalid"),
        status(400, body=BAD_KEY),
        words=("This is not the key of your request",),
    ),
    Case(
        "no permission",
        ("PermissionDeniedError", 403, "invalid_request_error", None),
        status(403, body=google(403, "PERMISSION_DENIED", "The caller does not have permission.")),
    ),
    Case(
        "no permission, of a chat that only speaks of files",
        ("PermissionDeniedError", 403, "invalid_request_error", None),
        status(403, body=google(403, "PERMISSION_DENIED", "The caller does not have permission.")),
        body=hello("what is at https://example.com/v1beta/files/abc"),
    ),
    Case(
        "a model that Gemini does not know",
        ("NotFoundError", 404, "invalid_request_error", "model_not_found"),
        status(404, body=google(404, "NOT_FOUND", NO_MODEL)),
        words=("models/x is not found", "supported for generateContent. GET /v1/models lists those that can be asked."),
    ),
    Case(
        "a model that the gateway does not know",
        ("NotFoundError", 404, "invalid_request_error", "model_not_found"),
        body={**hello(), "model": "nosuch"},
        words=("The model `nosuch` does not exist or you do not have access to it.",),
    ),
    Case(
        "a rate limit, whose digits mean nothing",
        ("RateLimitError", 429, "rate_limit_error", "rate_limit_exceeded"),
        status(429, body=QUOTA),
        retry_after="41",
    ),
    Case(
        "a rate limit with a header",
        ("RateLimitError", 429, "rate_limit_error", "rate_limit_exceeded"),
        status(429, retry_after="9"),
        retry_after="9",
    ),
    Case(
        "a rate limit with a delay beyond reason",
        ("RateLimitError", 429, "rate_limit_error", "rate_limit_exceeded"),
        status(429, retry_delay="315576000000s"),
    ),
    Case("an internal error", (SERVER, 500, BUSY, "upstream_unavailable"), status(500, body=INTERNAL)),
    Case("an overload", (SERVER, 503, BUSY, "upstream_unavailable"), status(503, retry_delay="3s"), retry_after="3"),
    Case("a deadline at Google", (SERVER, 504, "upstream_error", "upstream_timeout"), status(504)),
    Case(
        "a proxy's page",
        (SERVER, 502, BUSY, "upstream_unavailable"),
        status(502, body="<html><title>502</title></html>"),
    ),
    Case(
        "a page where an answer belongs",
        (SERVER, 502, "upstream_error", "upstream_protocol_error"),
        status(404, body="<html><title>Not Found</title></html>"),
        again=False,
    ),
    Case(
        "a broken connection",
        (SERVER, 502, "upstream_error", "upstream_disconnected"),
        {"kind": "cut", "where": "response", "after_bytes": 0},
    ),
    Case(
        "a request too large for Gemini",
        ("BadRequestError", 400, "invalid_request_error", None),
        status(400, body=google(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.")),
    ),
    Case(
        "a parameter that nobody knows",
        ("BadRequestError", 400, "invalid_request_error", "unknown_parameter"),
        body=hello(extra_body={"temprature": 1}),
        param="temprature",
        words=("Unknown parameter: 'temprature'.",),
    ),
    Case(
        "a parameter that the model cannot honour",
        ("BadRequestError", 400, "invalid_request_error", "unsupported_parameter"),
        body=hello(logit_bias={"1": 1}),
        param="logit_bias",
    ),
    Case(
        "a value out of range",
        ("BadRequestError", 400, "invalid_request_error", "decimal_above_max_value"),
        body=hello(temperature=99.0),
        param="temperature",
        words=("Expected a value <= 2, but got 99.0 instead.",),
    ),
    Case(
        "a file that is not there",
        ("NotFoundError", 404, "invalid_request_error", None),
        body=about_file("file-" + "a" * 24),
        param="messages[0].content[1].file.file_id",
        words=("No such File object: file-aaaaaaaaaaaaaaaaaaaaaaaa",),
    ),
]


def outcomes(python: Path, url: str, sandbox: SandboxServer, cases: list[dict[str, Any]]) -> tuple[str, list[Any]]:
    run = subprocess.run(
        [python, HERE / "client_errors.py", url, sandbox.url],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")
    told = json.loads(run.stdout)
    return told["version"], told["found"]


def judge(case: Case, found: dict[str, Any]) -> None:
    assert (found["class"], found["status"], found["type"], found["code"]) == case.raised, (case.name, found)
    assert found["param"] == case.param, (case.name, found)
    assert found["retry_after"] == case.retry_after, (case.name, found)
    assert found["request_id"].startswith("req_")
    body = found["body"]
    assert set(body) == {"message", "type", "param", "code"}
    # Nothing nested: no JSON of Google's, and no Python, inside the sentence.
    assert not any(mark in body["message"] for mark in ("{", "Traceback", "Error(", "@type")), (case.name, body)
    assert all(word in body["message"] for word in case.words), (case.name, body)
    repeats = found["status"] >= 500 or found["status"] in (408, 409, 429)
    assert found["should_retry"] == (None if case.again or not repeats else "false"), (case.name, found)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_every_failure_has_its_class_and_its_words(
    python: Path, version: str, stream: bool, url: str, sandbox: SandboxServer
) -> None:
    operation = "stream" if stream else "generate"
    asked: list[dict[str, Any]] = [
        {
            "orders": [["faults", {"operation": operation, **case.fault}]] if case.fault else [],
            "body": {**case.body, "stream": stream},
        }
        for case in CASES
    ]
    used, found = outcomes(python, url, sandbox, asked)
    assert used.startswith(version)
    for case, each in zip(CASES, found, strict=True):
        judge(case, each)


@pytest.mark.parametrize(("python", "version"), PYTHONS)
def test_a_file_at_fault_is_named_as_its_owner_knows_it(
    python: Path, version: str, url: str, sandbox: SandboxServer
) -> None:
    with client_for(url) as client:
        spoiled = client.files.create(file=("clip.mp4", MP4 + version.encode()), purpose="user_data").id
        denied = client.files.create(file=("talk.mp3", b"talk" + version.encode()), purpose="user_data").id
        made = client.files.create(file=("odd.aac", bytes(range(256)) + version.encode()), purpose="user_data").id
    failed = {"kind": "failed_processing", "operation": "upload.finalize", "message": "Video too short."}
    forbidden = {"kind": "forbidden_file", "operation": "generate", "times": None}
    full = status(
        429,
        operation="upload.start",
        times=None,
        body=google(
            429,
            "RESOURCE_EXHAUSTED",
            "full",
            detail(
                "QuotaFailure", violations=[{"quotaMetric": "generativelanguage.googleapis.com/file_storage_bytes"}]
            ),
        ),
    )
    _, found = outcomes(
        python,
        url,
        sandbox,
        [
            {"orders": [["faults", failed]], "body": about_file(spoiled)},
            {"orders": [["faults", forbidden]], "body": about_file(denied)},
            {"orders": [["reset", {}], ["faults", full]], "body": about_file(made)},
        ],
    )
    names = ((spoiled, "clip.mp4", "video/mp4"), (denied, "talk.mp3", "audio/mpeg"), (made, "odd.aac", "audio/aac"))
    raised = (
        ("BadRequestError", 400, "file_processing_failed"),
        (SERVER, 502, "upstream_file_lost"),
        (SERVER, 503, "upstream_storage_full"),
    )
    for each, named, expected in zip(found, names, raised, strict=True):
        assert (each["class"], each["status"], each["code"]) == expected, each
        assert all(word in each["body"]["message"] for word in named), each
        assert set(each["body"]) == {"message", "type", "param", "code"} and "{" not in each["body"]["message"]
    assert "Video too short." in found[0]["body"]["message"]
