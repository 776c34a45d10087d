"""What breaks a stream of `Liftgate(data_dir=…)` is raised as what it is: its class, and what Gemini answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from liftgate import Liftgate, errors, exceptions
from liftgate.errors import LiftgateError
from liftgate.sandbox.app import create_app
from liftgate.sandbox.settings import SandboxSettings
from sdk_sandbox import MODEL, Sandbox, asking
from serving import serve

HELLO = [{"role": "user", "content": "Hello"}]
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
LONG = 60
APART = 0.3
"""Seconds between two events, so that they come one after the other."""


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, **more}]}


def _error(code: int, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": "Of Google's."}}


@pytest.mark.parametrize(
    ("behind", "expected", "status", "code"),
    [
        ({"chunks": [_error(429, "RESOURCE_EXHAUSTED")]}, errors.UpstreamRateLimited, 429, "rate_limit_exceeded"),
        ({"chunks": [_error(503, "UNAVAILABLE")]}, errors.UpstreamUnavailable, 503, "upstream_unavailable"),
        ({"chunks": [_error(500, "INTERNAL")]}, errors.UpstreamUnavailable, 500, "upstream_unavailable"),
        ({"chunks": [_error(400, "INVALID_ARGUMENT")]}, errors.InvalidRequest, 400, None),
        ({"chunks": [{"candidates": 5}]}, errors.UpstreamProtocolError, 502, "upstream_protocol_error"),
        (
            {"chunks": [_said("", finishReason="MALFORMED_FUNCTION_CALL")]},
            errors.UpstreamAnswerBroken,
            502,
            "upstream_answer_broken",
        ),
        ({"chunks": [_said("two")]}, errors.UpstreamDisconnected, 502, "upstream_disconnected"),
        ({"chunks": [_said("two")], "delays": [LONG]}, errors.UpstreamTimeout, 504, "upstream_timeout"),
    ],
    ids=["429", "503", "500", "400", "no candidates", "given up", "cut off", "silent"],
)
def test_what_breaks_a_stream_keeps_its_class(
    behind: dict[str, Any],
    expected: type[LiftgateError],
    status: int,
    code: str | None,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    script = {"chunks": [_said("one "), *behind["chunks"]], "delays": [0, *behind.get("delays", [APART])]}
    came: list[str] = []
    with Liftgate(data_dir=tmp_path) as client:
        sandbox.control("scripts", script)
        with pytest.raises(expected) as raised:
            for chunk in client.completion(MODEL, HELLO, stream=True, timeout=2):
                came.append(chunk.choices[0].delta.content or "")
    assert "".join(came).startswith("one ")
    error = raised.value
    assert (error.http_status, error.code) == (status, code)
    # The same object is what a program written for OpenAI or LiteLLM catches.
    assert isinstance(error, exceptions.ProviderError)
    if "error" in behind["chunks"][0]:
        assert error.upstream is not None and error.upstream.message == "Of Google's."


def test_a_file_that_is_not_ready_is_that_also_inside_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream is handed out after 0.2 s of page-in, and its time is over while Gemini still works on the file."""
    with serve(create_app(SandboxSettings(video_processing=2.5))) as url:
        monkeypatch.setenv("GEMINI_API_BASE", url)
        monkeypatch.setenv("GEMINI_API_KEY", "key-a")
        monkeypatch.setenv("LIFTGATE_STREAM_COMMIT_SECONDS", "0.2")
        with Liftgate(data_dir=tmp_path) as client:
            file = client.create_file(file=("clip.mp4", MP4))
            stream = client.completion(MODEL, asking(file.id), stream=True, timeout=0.6)
            with pytest.raises(errors.FileNotReady, match=file.id) as raised:
                next(stream)
            assert (raised.value.http_status, raised.value.code) == (503, "file_not_ready")
            assert list(stream) == []
