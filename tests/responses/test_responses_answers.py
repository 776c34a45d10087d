"""What Gemini answers, as items and events: each body and event valid, a stream equal to a whole answer."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for
from responses_rig import answer, events, in_order, post, read_events

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
NOTE = {"type": "custom", "name": "note"}
PNG = "iVBORw0KGgoAAAANSUhEUg=="
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 14}


def reply(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    ended = {} if reason is None else {"finishReason": reason}
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "index": 0, **ended, **more}], "usageMetadata": COUNTS}


def both(gateway: str, sandbox: SandboxServer, said: dict[str, Any], **body: Any) -> dict[str, Any]:
    """The answer to a scripted reply, whole; a stream with each part in a chunk of its own says the same."""
    body.setdefault("input", "x")
    sandbox.control("scripts", {"response": said})
    whole = answer(gateway, **body)
    candidate = said["candidates"][0]
    parts = candidate["content"]["parts"]
    last = {key: value for key, value in candidate.items() if key != "content"}
    pieces: list[dict[str, Any]] = [{"candidates": [{"content": {"parts": [part], "role": "model"}}]} for part in parts]
    sandbox.control("scripts", {"chunks": [*pieces, {"candidates": [last], "usageMetadata": COUNTS}]})
    told = events(gateway, **body)
    streamed = told[-1]["response"]
    assert told[-1]["type"] == f"response.{streamed['status']}"
    assert without_ids(streamed) == without_ids(whole)
    in_order(told)
    return whole


def without_ids(response: dict[str, Any]) -> Any:
    """Each id by the place where it is met first; times are left out."""
    seen: dict[str, str] = {}

    def named(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {each: named(each, one) for each, one in value.items() if each not in ("created_at", "completed_at")}
        if isinstance(value, list):
            return [named(key, each) for each in value]
        return seen.setdefault(value, f"{key} {len(seen)}") if key in ("id", "call_id", "container_id") else value

    return named("", response)


def test_text_is_a_message(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply({"text": "Grü"}, {"text": "ße"}))
    (item,) = got["output"]
    assert (item["type"], item["status"], item["role"]) == ("message", "completed", "assistant")
    assert item["content"] == [{"type": "output_text", "text": "Grüße", "annotations": [], "logprobs": []}]
    assert got["status"] == "completed" and got["completed_at"] >= got["created_at"] > 0
    assert got["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 14,
    }


def test_thoughts_are_shown_to_who_asks(gateway: str, sandbox: SandboxServer) -> None:
    said = reply({"text": "Think", "thought": True}, {"text": "ing", "thought": True}, {"text": "Yes"})
    got = both(gateway, sandbox, said, reasoning={"summary": "auto"})
    assert [item["type"] for item in got["output"]] == ["reasoning", "message"]
    assert got["output"][0]["summary"] == [{"type": "summary_text", "text": "Thinking"}]
    assert [item["type"] for item in both(gateway, sandbox, said)["output"]] == ["message"]


def test_calls_follow_one_another(gateway: str, sandbox: SandboxServer) -> None:
    said = reply(
        {"text": "I look."},
        {"functionCall": {"name": "weather", "args": {"city": "Ulm"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "note", "args": {"input": "dry"}}},
    )
    got = both(gateway, sandbox, said, tools=[WEATHER, NOTE])
    text, call, note = got["output"]
    assert (text["type"], text["status"]) == ("message", "completed")
    assert json.loads(call["arguments"]) == {"city": "Ulm"} and (call["status"], call["name"]) == (
        "completed",
        "weather",
    )
    assert call["call_id"].removeprefix("call_") == call["id"].removeprefix("fc_")
    assert (note["type"], note["input"]) == ("custom_tool_call", "dry")
    got = both(gateway, sandbox, said, tools=[WEATHER, NOTE], parallel_tool_calls=False)
    assert [item["type"] for item in got["output"]] == ["message", "function_call"]
    assert got["extra_content"]["google"]["calls_left_out"] == ["note"]


def test_the_signature_of_a_call_comes_back_and_is_stored_nowhere(
    gateway: str, sandbox: SandboxServer, database: Path
) -> None:
    """It goes back by the call's id, also without the reasoning items; the catalogue never has it."""
    part = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "c2lnbmF0dXJlLW9mLWEtY2FsbA=="}
    for stream in (False, True):
        sandbox.control("scripts", {"response": reply(part)})
        asked: dict[str, Any] = {"input": [{"role": "user", "content": "x"}], "tools": [WEATHER]}
        got = events(gateway, **asked)[-1]["response"] if stream else answer(gateway, **asked)
        (call,) = got["output"]
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "dry"}
        answer(gateway, input=[*asked["input"], call, result], tools=[WEATHER])
        sent = sandbox.control("bodies")["bodies"][-1]["body"]["contents"][1]["parts"][0]
        assert sent["thoughtSignature"] == part["thoughtSignature"]
    kept = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        assert kept.execute("SELECT count(*) FROM signatures").fetchone() == (0,)
    finally:
        kept.close()


def test_code_that_google_ran(gateway: str, sandbox: SandboxServer) -> None:
    said = reply(
        {"executableCode": {"language": "PYTHON", "code": "print(2)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"text": "Two"},
    )
    tools = [{"type": "code_interpreter", "container": {"type": "auto"}}]
    got = both(gateway, sandbox, said, tools=tools, include=["code_interpreter_call.outputs"])
    code, text = got["output"]
    assert (code["type"], code["status"], code["code"]) == ("code_interpreter_call", "completed", "print(2)")
    assert code["outputs"] == [
        {"type": "logs", "logs": "2\n"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
    ]
    assert text["content"][0]["text"] == "Two"
    assert both(gateway, sandbox, said, tools=tools)["output"][0]["outputs"] is None
    said = reply(
        {"executableCode": {"code": "1/0"}}, {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}}
    )
    assert both(gateway, sandbox, said, tools=tools)["output"][0]["status"] == "failed"


def test_what_was_searched_and_cited(gateway: str, sandbox: SandboxServer) -> None:
    grounding = {
        "webSearchQueries": ["capital"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 7, "endIndex": 12, "text": "Paris"}, "groundingChunkIndices": [0]}
        ],
    }
    said = reply({"text": "Größ"}, {"text": " Paris"}, groundingMetadata=grounding)
    include = ["web_search_call.action.sources"]
    got = both(gateway, sandbox, said, tools=[{"type": "web_search"}], include=include)
    text, search = got["output"]
    assert text["content"][0]["annotations"] == [
        {"type": "url_citation", "start_index": 5, "end_index": 10, "url": "https://a.example", "title": "A"}
    ]
    assert search["action"] == {
        "type": "search",
        "query": "capital",
        "queries": ["capital"],
        "sources": [{"type": "url", "url": "https://a.example"}],
    }
    assert got["extra_content"]["google"]["grounding_metadata"] == grounding


def test_an_image_is_a_call_of_its_tool(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply({"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}))
    image = got["output"][1]
    assert (image["type"], image["status"], image["result"]) == ("image_generation_call", "completed", PNG)


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("MAX_TOKENS", "max_output_tokens"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
    ],
)
def test_an_answer_that_was_cut_is_incomplete(gateway: str, sandbox: SandboxServer, native: str, reason: str) -> None:
    got = both(gateway, sandbox, reply({"text": "Half"}, reason=native))
    assert (got["status"], got["incomplete_details"], got["completed_at"]) == ("incomplete", {"reason": reason}, None)
    assert got["output"][0]["status"] == "incomplete" and got["output"][0]["content"][0]["text"] == "Half"


@pytest.mark.parametrize("native", ["A_REASON_OF_TOMORROW", "NO_IMAGE"])
def test_an_unknown_end_costs_nothing_of_the_answer(gateway: str, sandbox: SandboxServer, native: str) -> None:
    got = both(gateway, sandbox, reply({"text": "Half"}, reason=native))
    assert (got["status"], got["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert got["output"][0]["content"][0]["text"] == "Half"
    assert got["extra_content"]["google"]["finish_reason"] == native
    sandbox.control("scripts", {"response": reply(reason=native)})
    failed = post(gateway, {"model": MODEL, "input": "x", "store": False})
    assert (failed.status, failed.json()["error"]["code"]) == (502, "upstream_answer_broken")


def test_a_second_candidate_is_no_part_of_the_first(gateway: str, sandbox: SandboxServer) -> None:
    told = [(0, "one "), (1, "ONE "), (0, "two "), (1, "TWO"), (0, "three")]
    pieces: list[Any] = [{"candidates": [{"content": {"parts": [{"text": text}]}, "index": at}]} for at, text in told]
    ends = [{"finishReason": "STOP", "index": at} for at in (1, 0)]
    sandbox.control("scripts", {"chunks": [*pieces, {"candidates": ends, "usageMetadata": COUNTS}]})
    streamed = events(gateway, input="x")
    assert streamed[-1]["response"]["output"][0]["content"][0]["text"] == "one two three"
    assert "".join(each["delta"] for each in streamed if "delta" in each) == "one two three"


def test_a_blocked_prompt_says_why(gateway: str, sandbox: SandboxServer) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": COUNTS}
    sandbox.control("scripts", {"response": blocked, "times": 2})
    for got in (answer(gateway, input="x"), events(gateway, input="x")[-1]["response"]):
        assert (got["status"], got["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
        (part,) = got["output"][0]["content"]
        assert part == {"type": "refusal", "refusal": "Gemini blocked the prompt: PROHIBITED_CONTENT."}


def test_an_end_without_an_answer_is_an_empty_message(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply())
    assert got["status"] == "completed" and got["output"][0]["content"][0]["text"] == ""


def test_log_probabilities_are_shown_to_who_asks(gateway: str, sandbox: SandboxServer) -> None:
    token = {"token": "Yes", "logProbability": -0.25}
    result = {"topCandidates": [{"candidates": [token]}], "chosenCandidates": [token]}
    said = reply({"text": "Yes"}, logprobsResult=result)
    sandbox.control("scripts", {"response": said, "times": 2})
    asked = {"input": "x", "model": "gemini-2.0-flash", "include": ["message.output_text.logprobs"], "top_logprobs": 1}
    asked["model"] = MODEL
    got = post(gateway, {**asked, "store": False})
    if got.status == 400:  # a model without them says so
        assert got.json()["error"]["param"] in ("include[0]", "top_logprobs")
        sandbox.control("scripts", method="DELETE")
        return
    (shown,) = got.json()["output"][0]["content"][0]["logprobs"]
    assert (shown["token"], shown["logprob"]) == ("Yes", -0.25)
    told = events(gateway, **asked)
    assert told[-1]["response"]["output"][0]["content"][0]["logprobs"] == [shown]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


def test_probabilities_of_a_call_are_no_message(gateway: str, sandbox: SandboxServer) -> None:
    token = {"token": "x", "logProbability": -0.5, "tokenId": 3}
    result = {"topCandidates": [{"candidates": [token]}], "chosenCandidates": [token]}
    called = {"functionCall": {"name": "weather", "args": {}}}
    asked = {"model": "gemini-2.0-flash", "include": ["message.output_text.logprobs"], "tools": [WEATHER]}
    for parts, kinds in (([called], ["function_call"]), ([{"text": "a"}, called], ["message", "function_call"])):
        sandbox.control("scripts", {"response": reply(*parts, logprobsResult=result)})
        assert [item["type"] for item in answer(gateway, input="x", **asked)["output"]] == kinds
        sandbox.control("scripts", {"chunks": [reply(*parts, reason=None), reply(logprobsResult=result)]})
        told = events(gateway, input="x", **asked)
        in_order(told)
        assert [item["type"] for item in told[-1]["response"]["output"]] == kinds


def test_an_end_that_lies_in_no_content_is_an_error(gateway: str, sandbox: SandboxServer) -> None:
    said = reply({"text": "Ha"}, reason="OTHER")
    # It is asked for once more, as long as nothing of it was sent.
    sandbox.control("scripts", {"response": said, "times": 2})
    got = post(gateway, {"model": MODEL, "input": "x", "store": False})
    assert (got.status, got.json()["error"]["code"]) == (502, "upstream_answer_broken")
    sandbox.control("scripts", {"chunks": [reply({"text": "Ha"}, reason=None), said], "delays": [0, 1]})
    told = events(gateway, input="x")
    assert [each["type"] for each in told[-2:]] == ["error", "response.failed"]
    assert "OTHER" in told[-1]["response"]["error"]["message"]


def test_an_error_in_the_stream_has_both_forms(gateway: str, sandbox: SandboxServer) -> None:
    first = reply({"text": "one "}, reason=None)
    failure = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}
    sandbox.control("scripts", {"chunks": [first, failure]})
    told = events(gateway, input="x")
    error, failed = told[-2:]
    assert error["type"] == "error" and error["code"] == error["error"]["code"] == "rate_limit_exceeded"
    assert error["message"] == error["error"]["message"] and error["error"]["type"] == "rate_limit_error"
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"]["code"] == "rate_limit_exceeded" and failed["response"]["id"]


def test_before_a_stream_an_error_is_a_status(gateway: str, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"status": 400, "body": {"error": {"code": 400, "status": "INVALID_ARGUMENT"}}})
    assert post(gateway, {"model": MODEL, "input": "x", "store": False, "stream": True}).status == 400


def test_a_silence_begins_with_the_response_and_goes_on_with_comments(gateway: str) -> None:
    """Gemini works on the video for a second: the first events go out before it is ready."""
    with client_for(gateway) as client:
        file = client.files.create(file=("slow.mp4", MP4 + b"slow"), purpose="user_data").id
    parts = [{"type": "input_file", "file_id": file}]
    got = post(gateway, {"model": MODEL, "input": [{"role": "user", "content": parts}], "store": False, "stream": True})
    head, _, rest = got.body.partition(b": ping\n\n")
    assert [each["type"] for each in read_events(head)] == ["response.created", "response.in_progress"]
    assert b": ping" in rest or b"response.completed" in rest
    told = read_events(got.body)
    in_order(told)
    assert told[-1]["type"] == "response.completed"
