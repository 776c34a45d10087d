"""`POST /v1/responses/compact`: what a history becomes, and what goes on from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for, deployments, settings_for
from liftgate.dialects.responses.compaction import SUMMARIZE
from liftgate.gateway import Gateway
from liftgate.server.app import build_app
from openai_schema import check_answer
from responses_rig import KEY, answer, events, post, refusal, sent, user
from serving import serve

PATH = "/v1/responses/compact"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
BOB = {"Authorization": "Bearer sk-bob"}
COUNTS = {"promptTokenCount": 40, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 47}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
HISTORY: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be kind."},
    {"role": "user", "content": "What is in the hall?"},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "a lamp"},
    {"type": "message", "id": "msg_old", "role": "assistant", "content": "A lamp."},
    user({"type": "input_text", "text": "And here?"}),
]


def summarized(sandbox: SandboxServer, text: str = "There is a lamp.", reason: str = "STOP") -> None:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason, "index": 0}
    sandbox.control("scripts", {"response": {"candidates": [candidate], "usageMetadata": COUNTS}})


def compacted(gateway: str, key: dict[str, str] = KEY, **body: Any) -> dict[str, Any]:
    got = post(gateway, {"model": MODEL, **body}, PATH, key)
    assert got.status == 200, got.body
    found: dict[str, Any] = got.json()
    check_answer("POST", "/responses/compact", 200, found)
    return found


def refused(gateway: str, **body: Any) -> dict[str, Any]:
    got = post(gateway, body, PATH)
    assert got.status == 400, got.body
    check_answer("POST", "/responses/compact", 400, got.json())
    found: dict[str, Any] = got.json()["error"]
    return found


def test_the_users_words_stay_and_all_else_is_a_sealed_summary(gateway: str, sandbox: SandboxServer) -> None:
    summarized(sandbox)
    got = compacted(gateway, input=HISTORY, instructions="Be brief.")
    contents = sent(sandbox)["contents"]
    assert contents[-1] == {"role": "user", "parts": [{"text": SUMMARIZE}]}
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user", "user"]
    instruction = [{"text": "Be brief."}, {"text": "Be kind."}]
    assert sent(sandbox)["systemInstruction"]["parts"] == instruction and "tools" not in sent(sandbox)
    assert got["object"] == "response.compaction" and got["id"].startswith("resp_")
    assert got["usage"]["input_tokens"] == 40 and got["usage"]["output_tokens"] == 7
    *messages, summary = got["output"]
    assert [(each["role"], each["content"]) for each in messages] == [
        ("developer", [{"type": "input_text", "text": "Be kind."}]),
        ("user", [{"type": "input_text", "text": "What is in the hall?"}]),
        ("user", [{"type": "input_text", "text": "And here?"}]),
    ]
    ids = [each["id"] for each in got["output"]]
    assert len(set(ids)) == 4 and all(each.startswith("msg_") for each in ids[:3]) and ids[3].startswith("cmp_")
    assert summary["type"] == "compaction" and "lamp" not in summary["encrypted_content"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_goes_on_from_it(gateway: str, sandbox: SandboxServer, stream: bool) -> None:
    summarized(sandbox)
    output = compacted(gateway, input=HISTORY)["output"]
    items = [*output, {"role": "user", "content": "Which one?"}]
    (events if stream else answer)(gateway, input=items)
    assert sent(sandbox)["contents"] == [
        {"role": "user", "parts": [{"text": "What is in the hall?"}]},
        {"role": "user", "parts": [{"text": "And here?"}]},
        {"role": "user", "parts": [{"text": "Summarize our conversation so far."}]},
        {"role": "model", "parts": [{"text": "There is a lamp."}]},
        {"role": "user", "parts": [{"text": "Which one?"}]},
    ]
    # It can be compacted again: the new summary is made of the old one, which stands in it alone.
    summarized(sandbox, "Lamps.")
    again = compacted(gateway, input=items)["output"]
    assert [item["type"] for item in again] == ["message"] * 4 + ["compaction"]
    assert [item["id"] for item in again[:3]] == [item["id"] for item in output[:3]]
    assert {"text": "There is a lamp."} in sent(sandbox)["contents"][3]["parts"]


def test_files_stay_where_the_user_named_them(gateway: str, sandbox: SandboxServer) -> None:
    file = client_for(gateway).files.create(file=("a.txt", b"kept"), purpose="user_data")
    parts = [
        {"type": "input_file", "file_id": file.id},
        {"type": "input_image", "image_url": "data:image/png;base64," + PNG},
        {"type": "input_text", "text": "Look."},
    ]
    output = compacted(gateway, input=[user(*parts)])["output"]
    assert output[0]["content"] == [parts[0], {**parts[1], "detail": "auto"}, parts[2]]
    answer(gateway, input=[*output, {"role": "user", "content": "Again."}])
    assert "fileData" in sent(sandbox)["contents"][0]["parts"][0]


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "input_video", "video_url": "https://www.youtube.com/watch?v=abcdefghijk"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": None, "file_id": None},
    ],
    ids=["sound", "film", "picture"],
)
def test_media_of_any_kind_are_given_back_in_the_form_of_openais_types(
    gateway: str, sandbox: SandboxServer, part: dict[str, Any]
) -> None:
    kept = compacted(gateway, input=[user(part)])["output"]
    given = [each for each in sent(sandbox)["contents"][0]["parts"] if "text" not in each]
    answer(gateway, input=[*kept, {"role": "user", "content": "And?"}])
    assert [each for each in sent(sandbox)["contents"][0]["parts"] if "text" not in each] == given != []


def test_a_text_alone_is_a_history(gateway: str) -> None:
    output = compacted(gateway, input="Hello")["output"]
    assert output[0]["content"] == [{"type": "input_text", "text": "Hello"}] and output[1]["type"] == "compaction"


def test_the_official_client_compacts(gateway: str) -> None:
    client = client_for(gateway)
    got = client.responses.compact(model=MODEL, input="Hello")
    items: Any = [item.model_dump(exclude_none=True, warnings=False) for item in got.output]
    more = [*items, {"role": "user", "content": "More"}]
    assert client.responses.create(model=MODEL, input=more, store=False).output_text


def test_a_summary_of_another_is_refused_like_any_that_is_none(gateway: str) -> None:
    output = compacted(gateway, input="Hello")["output"]
    text = output[-1]["encrypted_content"]
    items = [*output, {"role": "user", "content": "More"}]
    body = {"model": MODEL, "input": items, "store": False}
    by_bob = post(gateway, body, key=BOB)
    assert by_bob.status == 400
    sealed = answer(gateway, model=MODEL, input="x", include=["reasoning.encrypted_content"])
    assert sealed["status"] == "completed"
    for wrong in (text[:-5], text[:-30] + "AAAA" + text[-26:], "gAAAAABpbm90aGVy", "x", ""):
        error = refusal(gateway, input=[*output[:-1], {**output[-1], "encrypted_content": wrong}, items[-1]])
        assert error == by_bob.json()["error"]
    assert (error["param"], error["code"]) == ("input[1].encrypted_content", "invalid_encrypted_content")
    assert refusal(gateway, input=[{"type": "compaction", "id": "cmp_1"}])["code"] == "missing_required_parameter"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input": "x"}, "model", "missing_required_parameter"),
        ({"model": MODEL}, "input", "missing_required_parameter"),
        ({"model": MODEL, "input": []}, None, None),
        ({"model": MODEL, "input": "x", "stream": True}, "stream", "unknown_parameter"),
        ({"model": MODEL, "input": "x", "tools": [LOOK]}, "tools", "unknown_parameter"),
        ({"model": MODEL, "input": "x", "instructions": 7}, "instructions", "invalid_type"),
        ({"model": MODEL, "input": "x", "service_tier": "scale"}, "service_tier", None),
        ({"model": MODEL, "input": "x", "service_tier": 1}, "service_tier", "invalid_type"),
        ({"model": MODEL, "input": "x", "timeout": "soon"}, "timeout", "invalid_type"),
        ({"model": MODEL, "input": [{"role": "user", "content": "x", "bogus": 1}]}, "input[0].bogus", None),
        ({"model": MODEL, "previous_response_id": "resp_0"}, "previous_response_id", "previous_response_not_found"),
    ],
)
def test_what_is_wrong_is_refused_by_name(
    gateway: str, body: dict[str, Any], param: str | None, code: str | None
) -> None:
    error = refused(gateway, **body)
    assert error["param"] == param and (code is None or error["code"] == code)


@pytest.mark.parametrize(
    ("asked", "tier"),
    [("auto", None), ("default", "standard"), ("flex", "flex"), ("priority", "priority"), (None, None)],
)
def test_it_is_made_in_the_tier_that_was_asked_for(
    gateway: str, sandbox: SandboxServer, asked: str | None, tier: str | None
) -> None:
    compacted(gateway, input="x", service_tier=asked)
    assert sent(sandbox).get("serviceTier") == tier


@pytest.mark.parametrize(("text", "reason"), [("Half a summ", "MAX_TOKENS"), ("", "STOP"), ("x", "SAFETY")])
def test_what_is_no_whole_summary_is_an_error(gateway: str, sandbox: SandboxServer, text: str, reason: str) -> None:
    summarized(sandbox, text, reason)
    got = post(gateway, {"model": MODEL, "input": "x"}, PATH)
    assert got.status == 502, got.body
    check_answer("POST", "/responses/compact", 502, got.json())


def test_it_leaves_nothing_and_needs_no_memory(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Sealed by one gateway, opened by another that begins later on the same catalogue."""
    settings = settings_for(sandbox, tmp_path, deployments=deployments(sandbox.url))

    def served() -> Iterator[str]:
        with serve(build_app(Gateway(settings))) as url:
            yield url

    summarized(sandbox, "It is blue.")
    for url in served():
        output = compacted(url, input="Hello")["output"]
    for url in served():
        answer(url, input=[*output, {"role": "user", "content": "More"}])
    assert sent(sandbox)["contents"][2]["parts"] == [{"text": "It is blue."}]
