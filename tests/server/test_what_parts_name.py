"""What a part of a message names: ids, addresses and data as clients send them, and what stands beside them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for
from raw_http import Answer, call

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ENCODED = base64.b64encode(PNG).decode()
DATA = f"data:image/png;base64,{ENCODED}"
FILM = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
AROUND = (" {}", "{} ", "\n{}", "{}\n", "\t {}\r\n", "\u00a0{}")


@pytest.fixture(scope="module")
def file_id(url: str) -> str:
    with client_for(url) as client:
        return client.files.create(file=("t.csv", b"a,b\n1,2\n"), purpose="user_data").id


def chat(part: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "/v1/chat/completions", {"messages": [{"role": "user", "content": [part]}]}


def response(part: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "/v1/responses", {"store": False, "input": [{"role": "user", "content": [part]}]}


def message(block: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "/v1/messages", {"max_tokens": 99, "messages": [{"role": "user", "content": [block]}]}


def ask(base: str, asked: tuple[str, dict[str, Any]]) -> Answer:
    path, body = asked
    headers = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
    return call(base, "POST", path, json.dumps({"model": MODEL, **body}).encode(), headers)


def sent(base: str, sandbox: SandboxServer, asked: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The one part that Gemini gets."""
    answer = ask(base, asked)
    assert answer.status == 200, answer.body
    part: dict[str, Any]
    (part,) = sandbox.control("bodies")["bodies"][-1]["body"]["contents"][0]["parts"]
    return part


def param(answer: Answer) -> str:
    assert answer.status == 400, answer.body
    found: str = answer.error()["param"]
    return found


BY_ID = {
    "a file": lambda ref: chat({"type": "file", "file": {"file_id": ref}}),
    "a file with more": lambda ref: chat({"type": "file", "file": {"file_id": ref, "detail": "auto"}}),
    "a file's address": lambda ref: chat({"type": "file", "file": {"file_url": ref}}),
    "an image": lambda ref: chat({"type": "image_url", "image_url": {"url": ref}}),
    "an image as a text": lambda ref: chat({"type": "image_url", "image_url": ref}),
    "a response's file": lambda ref: response({"type": "input_file", "file_id": ref}),
    "a response's image": lambda ref: response({"type": "input_image", "file_id": ref}),
    "a document": lambda ref: message({"type": "document", "source": {"type": "file", "file_id": ref}}),
}
BY_DATA = {
    "an image": lambda ref: chat({"type": "image_url", "image_url": {"url": ref}}),
    "a file": lambda ref: chat({"type": "file", "file": {"file_data": ref}}),
    "a file's address": lambda ref: chat({"type": "file", "file": {"file_url": ref}}),
    "a response's image": lambda ref: response({"type": "input_image", "image_url": ref}),
    "a response's file": lambda ref: response({"type": "input_file", "file_data": ref}),
    "a message's image": lambda ref: message({"type": "image", "source": {"type": "url", "url": ref}}),
}
BY_ADDRESS = {
    "a film": lambda ref: chat({"type": "video_url", "video_url": {"url": ref}}),
    "a film as a file": lambda ref: chat({"type": "file", "file": {"file_url": ref}}),
    "a response's film": lambda ref: response({"type": "input_video", "video_url": ref}),
    "a message's film": lambda ref: message({"type": "document", "source": {"type": "url", "url": ref}}),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("door", BY_ID)
def test_white_space_around_an_id_is_none_of_it(
    url: str, sandbox: SandboxServer, file_id: str, door: str, around: str
) -> None:
    ref = file_id
    if door == "a file's address":
        ref = f"https://generativelanguage.googleapis.com/v1beta/files/{file_id.removeprefix('file-')}"
    assert sent(url, sandbox, BY_ID[door](around.format(ref)))["fileData"]["mimeType"] == "text/csv"


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("door", BY_DATA)
def test_white_space_around_data_is_none_of_it(url: str, sandbox: SandboxServer, door: str, around: str) -> None:
    if around.startswith("\u00a0") and door in ("a file", "a response's file"):
        around = " {}"
    part = sent(url, sandbox, BY_DATA[door](around.format(DATA)))
    assert part == {"inlineData": {"mimeType": "image/png", "data": ENCODED}}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("door", BY_ADDRESS)
def test_white_space_around_an_address_is_none_of_it(url: str, sandbox: SandboxServer, door: str, around: str) -> None:
    assert sent(url, sandbox, BY_ADDRESS[door](around.format(FILM))) == {"fileData": {"fileUri": FILM}}


@pytest.mark.parametrize("door", [BY_ID["a file"], BY_DATA["an image"], BY_DATA["a response's image"]])
def test_white_space_alone_is_nothing(url: str, door: Any) -> None:
    assert ask(url, door(" \n")).error()["code"] == "empty_string"


@pytest.mark.parametrize("head", ["", ";charset=utf-8", ";name=a.png", "application/octet-stream", "*/*"])
def test_base64_that_is_not_called_so_is_no_text(url: str, head: str) -> None:
    """It went to the model as letters."""
    answer = ask(url, chat({"type": "image_url", "image_url": {"url": f"data:{head},{ENCODED}"}}))
    assert param(answer) == "messages[0].content[0].image_url.url" and "base64" in answer.error()["message"]


@pytest.mark.parametrize("text", ["hello", "a%2Cb", "TWFu", "JVBERi0xLjQ as they say"])
def test_a_text_as_it_is_stays_one(url: str, sandbox: SandboxServer, text: str) -> None:
    part = sent(url, sandbox, chat({"type": "file", "file": {"file_data": f"data:,{text}"}}))
    assert part["inlineData"]["mimeType"] == "text/plain"


# ── what stands beside a film ────────────────────────────────────────────────────────────────────────────────────────


def film(metadata: dict[str, Any], key: str = "video_metadata") -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": FILM, key: metadata}}


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, "0s"),
        (10, "10s"),
        (100, "100s"),
        (0.1, "0.1s"),
        (3725.125, "3725.125s"),
        (12345.678, "12345.678s"),
        (1234567.5, "1234567.5s"),
        (10**9, "1000000000s"),
        (1e-7, "0.0000001s"),
        ("12345.678s", "12345.678s"),
    ],
)
@pytest.mark.parametrize("key", ["video_metadata", "videoMetadata"])
def test_an_offset_keeps_its_digits(
    url: str, sandbox: SandboxServer, offset: float | str, expected: str, key: str
) -> None:
    part = sent(url, sandbox, chat(film({"start_offset": offset, "endOffset": None}, key)))
    assert part["videoMetadata"] == {"startOffset": expected}


@pytest.mark.parametrize("frames", [0, 0.0, -1, 24.5])
def test_frames_out_of_range_are_refused_by_name(url: str, frames: float) -> None:
    """Zero was left to Google, whose sentence names no parameter of the client's."""
    assert param(ask(url, chat(film({"fps": frames})))) == "messages[0].content[0].video_url.video_metadata.fps"


def test_responses_read_the_other_spelling_too(url: str, sandbox: SandboxServer) -> None:
    part = sent(url, sandbox, response({"type": "input_video", "video_url": FILM, "videoMetadata": {"fps": 2}}))
    assert part["videoMetadata"] == {"fps": 2}


# ── parameters that ask for nothing ──────────────────────────────────────────────────────────────────────────────────

CHAT_REFUSED = ("guardrails", "extra_headers", "api_key", "api_base", "moderation", "mock_response")


@pytest.mark.parametrize("nothing", ["", [], {}, False])
def test_a_refused_parameter_that_is_empty_asks_for_nothing(url: str, nothing: object) -> None:
    _, body = chat({"type": "text", "text": "Hi"})
    for name in CHAT_REFUSED:
        assert ask(url, ("/v1/chat/completions", {**body, name: nothing})).status == 200, name
        refused = ask(url, ("/v1/chat/completions", {**body, name: ["x"]}))
        assert (refused.status, refused.error()["param"]) == (400, name)
    for name in ("moderation",):
        assert ask(url, ("/v1/responses", {"input": "Hi", "store": False, name: nothing})).status == 200, name
        assert ask(url, ("/v1/responses", {"input": "Hi", "store": False, name: {"id": "x"}})).status == 400, name


@pytest.mark.parametrize("choice", [{}, {"type": None}, {"function": {"name": "f"}}])
def test_a_choice_without_a_type_misses_it(url: str, choice: dict[str, Any]) -> None:
    """The sentence spoke of a value 'None' that nobody had sent."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "tool_choice": choice}
    body["tools"] = [{"type": "function", "function": {"name": "f"}}]
    error = ask(url, ("/v1/chat/completions", body)).error()
    assert (error["param"], error["code"]) == ("tool_choice.type", "missing_required_parameter")
