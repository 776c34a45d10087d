"""What Gemini answers, as blocks and events: each valid by the client's types, a stream equal to a whole answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateways import SandboxServer, client_for
from messages_rig import (
    COUNTS,
    LOOK,
    MODEL,
    SIGNED,
    assistant,
    both,
    built,
    events,
    message,
    post,
    read_events,
    refused,
    reply,
    sent,
    text,
    user,
)

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
PNG = "iVBORw0KGgoAAAANSUhEUg=="
SIGNATURE = "c2lnbmF0dXJlIG9mIGEgY2FsbA=="
THINKING = {"type": "enabled", "budget_tokens": 1024}
CALL = {"functionCall": {"name": "look", "args": {"at": "door"}}, "thoughtSignature": SIGNATURE}
SECOND = {"functionCall": {"name": "look", "args": {}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
CODE = {"type": "code_execution_20250522", "name": "code_execution"}


def kinds(found: dict[str, Any]) -> list[str]:
    return [block["type"] for block in found["content"]]


def test_text_is_one_block(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply({"text": "Grü"}, {"text": "ße"}))
    assert got["content"] == [{"type": "text", "text": "Grüße"}]
    # Vercel's AI SDK refuses an unstreamed answer whose `citations` are null; Anthropic leaves them out.
    assert "citations" not in next(each for each in events(gateway) if "content_block" in each)["content_block"]
    assert (got["model"], got["role"], got["type"]) == (MODEL, "assistant", "message")
    assert (got["stop_reason"], got["stop_sequence"], got["stop_details"]) == ("end_turn", None, None)


def test_usage_tells_cached_tokens_apart_and_counts_thoughts(gateway: str, sandbox: SandboxServer) -> None:
    said = reply({"text": "x"})
    said["usageMetadata"] = {**COUNTS, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 2}
    usage = both(gateway, sandbox, said)["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (7, 4, 0)
    assert (usage["output_tokens"], usage["output_tokens_details"]) == (5, {"thinking_tokens": 3})
    assert usage["server_tool_use"] is None and usage["service_tier"] == "standard"


def test_a_stream_begins_with_the_counts_that_came_first(gateway: str, sandbox: SandboxServer) -> None:
    first = {**reply({"text": "one "}, reason=None), "usageMetadata": {"promptTokenCount": 9}}
    sandbox.control("scripts", {"chunks": [first, reply({"text": "two"})]})
    told = events(gateway)
    assert told[0]["message"]["usage"]["input_tokens"] == 9 and told[0]["message"]["content"] == []
    assert told[-2]["usage"]["output_tokens"] == 5
    assert [each["type"] for each in told[1:4]] == ["content_block_start", "content_block_delta", "content_block_delta"]
    assert told[1]["content_block"]["text"] == ""


def test_thoughts_are_shown_to_who_asks(gateway: str, sandbox: SandboxServer) -> None:
    said = reply({"text": "Think", "thought": True}, {"text": "ing", "thought": True}, {"text": "Yes"})
    got = both(gateway, sandbox, said, thinking=THINKING)
    assert kinds(got) == ["thinking", "text"] and got["content"][0]["thinking"] == "Thinking"
    assert kinds(both(gateway, sandbox, said)) == ["text"]


def test_calls_have_their_input_in_one_piece(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply({"text": "I look."}, CALL, SECOND), tools=[LOOK])
    assert kinds(got) == ["text", "tool_use", "tool_use"] and got["stop_reason"] == "tool_use"
    one, two = got["content"][1:]
    assert (one["name"], one["input"], two["input"]) == ("look", {"at": "door"}, {})
    assert one["id"].startswith("toolu_") and one["id"] != two["id"]
    sandbox.control("scripts", {"response": reply(CALL)})
    told = events(gateway, tools=[LOOK])
    deltas = [each["delta"] for each in told if each["type"] == "content_block_delta"]
    assert deltas == [{"type": "input_json_delta", "partial_json": '{"at":"door"}'}]


@pytest.mark.parametrize("thoughts", [(), ({"text": "Hm", "thought": True},)])
def test_a_calls_signature_stands_in_the_thinking_block_before_it(
    gateway: str, sandbox: SandboxServer, thoughts: tuple[dict[str, Any], ...]
) -> None:
    got = both(gateway, sandbox, reply(*thoughts, CALL, SECOND), tools=[LOOK], thinking=THINKING)
    assert kinds(got) == ["thinking", "tool_use", "tool_use"]
    assert SIGNATURE not in json.dumps(got) and got["content"][0]["signature"]
    behind = both(gateway, sandbox, reply({"text": "I look."}, CALL), tools=[LOOK], thinking=THINKING)
    assert kinds(behind) == ["text", "thinking", "tool_use"]


SKIPPED = "skip_thought_signature_validator"


@pytest.mark.parametrize("stream", [False, True])
def test_a_signature_comes_back_in_band_and_by_the_calls_id(gateway: str, sandbox: SandboxServer, stream: bool) -> None:
    """With the thinking block, without it, by it alone; and not to another owner. The sandbox knows its own."""
    words = user('call look({"at": "door"})')
    asked: dict[str, Any] = {"model": SIGNED, "tools": [LOOK], "thinking": {"type": "adaptive"}, "messages": [words]}
    got = built(events(gateway, **asked)) if stream else message(gateway, **asked)
    assert kinds(got) == ["thinking", "tool_use"]
    thinking, call = got["content"]

    def signature(*content: Any, key: str = "sk-ann") -> str:
        result = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "nothing"}
        history = [words, assistant(*content), user(result)]
        assert post(gateway, key={"x-api-key": key}, **{**asked, "messages": history}).status == 200
        return str(sent(sandbox)["contents"][1]["parts"][-1]["thoughtSignature"])

    kept = signature(thinking, call)
    assert kept == signature(call) != SKIPPED
    assert signature(thinking, call, key="sk-bob") == signature(call, key="sk-bob") == SKIPPED
    assert signature({**thinking, "signature": thinking["signature"][:-9]}, {**call, "id": "toolu_1"}) == SKIPPED


def test_a_signature_of_another_family_of_models_is_not_sent(gateway: str, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"response": reply(CALL)})
    got = message(gateway, model=MODEL, tools=[LOOK], thinking=THINKING)
    result = {"type": "tool_result", "tool_use_id": got["content"][-1]["id"], "content": "nothing"}
    sandbox.control("scripts", {"response": reply({"text": "ok"})})
    message(gateway, model=SIGNED, tools=[LOOK], messages=[user("x"), assistant(*got["content"]), user(result)])
    parts = sent(sandbox)["contents"][1]["parts"]
    assert parts[-1]["thoughtSignature"] == "skip_thought_signature_validator"


def test_code_that_google_ran(gateway: str, sandbox: SandboxServer) -> None:
    said = reply(
        {"executableCode": {"language": "PYTHON", "code": "print(2)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n"}},
        {"text": "Two"},
    )
    got = both(gateway, sandbox, said, tools=[CODE])
    ran, result, _ = got["content"]
    assert (ran["type"], ran["name"], ran["input"]) == ("server_tool_use", "code_execution", {"code": "print(2)"})
    assert ran["id"].startswith("srvtoolu_") and result["tool_use_id"] == ran["id"]
    assert result["content"] == {
        "type": "code_execution_result", "stdout": "2\n", "stderr": "", "return_code": 0, "content": []
    }  # fmt: skip
    assert got["stop_reason"] == "end_turn"
    sandbox.control("scripts", {"response": reply({"text": "ok"})})
    message(gateway, tools=[CODE], messages=[user("x"), assistant(*got["content"]), user("And three?")])
    assert sent(sandbox)["contents"][1]["parts"] == said["candidates"][0]["content"]["parts"]


def test_code_that_failed(gateway: str, sandbox: SandboxServer) -> None:
    said = reply(
        {"executableCode": {"language": "PYTHON", "code": "1/0"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError"}},
    )
    got = both(gateway, sandbox, said, tools=[CODE])
    assert (got["content"][1]["content"]["stderr"], got["content"][1]["content"]["return_code"]) == (
        "ZeroDivisionError",
        1,
    )


GROUNDING: dict[str, Any] = {
    "webSearchQueries": ["capital", "france"],
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}, {"web": {"uri": "https://b.example"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 7, "endIndex": 12, "text": "Paris"}, "groundingChunkIndices": [0]}
    ],
}


def test_what_was_searched_and_cited(gateway: str, sandbox: SandboxServer) -> None:
    said = reply({"text": "Größ"}, {"text": " Paris"}, groundingMetadata=GROUNDING)
    got = both(gateway, sandbox, said, tools=[SEARCH])
    words, used, found = got["content"]
    assert words["citations"] == [
        {
            "type": "web_search_result_location",
            "url": "https://a.example",
            "title": "A",
            "cited_text": "Paris",
            "encrypted_index": "0",
        }
    ]
    assert (used["name"], used["input"]) == ("web_search", {"query": "capital", "queries": ["capital", "france"]})
    assert [(each["url"], each["title"]) for each in found["content"]] == [
        ("https://a.example", "A"),
        ("https://b.example", "https://b.example"),
    ]
    assert got["usage"]["server_tool_use"]["web_search_requests"] == 2 and got["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("behind", "last"),
    [
        ([CALL], "tool_use"),
        ([{"text": "Hm", "thought": True}], "thinking"),
        ([{"executableCode": {"code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}], "code_execution"),
    ],
    ids=["a call", "a thought", "code"],
)
def test_citations_of_a_text_that_is_not_the_last_block(
    gateway: str, sandbox: SandboxServer, behind: list[dict[str, Any]], last: str
) -> None:
    """Gemini tells them at the end: they stand in a text of their own, which goes back to Gemini as nothing."""
    said = reply({"text": "Größ Paris"}, *behind, groundingMetadata=GROUNDING)
    got = both(gateway, sandbox, said, tools=[LOOK, SEARCH, CODE], thinking=THINKING)
    place = next(at for at, block in enumerate(got["content"]) if block.get("citations"))
    assert last in got["content"][place - 1]["type"] and got["content"][place]["text"] == ""
    assert [each["cited_text"] for each in got["content"][place]["citations"]] == ["Paris"]
    results = [
        {"type": "tool_result", "tool_use_id": each["id"]} for each in got["content"] if each["type"] == "tool_use"
    ]
    sandbox.control("scripts", {"response": reply({"text": "ok"})})
    message(
        gateway, tools=[LOOK, SEARCH, CODE], messages=[user("x"), assistant(*got["content"]), user(*results, text("y"))]
    )
    assert {"text": ""} not in sent(sandbox)["contents"][1]["parts"]


def test_the_parts_of_a_search_come_back_as_they_were(gateway: str, sandbox: SandboxServer) -> None:
    called = {"toolCall": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": SIGNATURE}
    responded = {"toolResponse": {"id": "a", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": SIGNATURE}
    for said in (
        reply(called, responded, {"text": "Paris"}),
        reply(called, responded, {"text": "Paris"}, groundingMetadata=GROUNDING),
    ):
        got = both(gateway, sandbox, said, model=SIGNED, tools=[SEARCH])
        assert kinds(got) == ["text", "server_tool_use", "web_search_tool_result"]
        sandbox.control("scripts", {"response": reply({"text": "ok"})})
        history = [user("x"), assistant(*got["content"]), user("And Rome?")]
        message(gateway, model=SIGNED, tools=[SEARCH], messages=history)
        parts = sent(sandbox)["contents"][1]["parts"]
        assert sorted(map(json.dumps, parts)) == sorted(map(json.dumps, [{"text": "Paris"}, called, responded]))


def test_an_image_is_named_and_never_passed_over(gateway: str, sandbox: SandboxServer) -> None:
    got = both(gateway, sandbox, reply({"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}))
    assert kinds(got) == ["text", "text"] and "image/png" in got["content"][1]["text"]


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}, ["5 bytes", "application/pdf"]),
        ({"inlineData": {"data": "AAAA"}}, ["3 bytes"]),
        ({"inlineData": {"mimeType": "audio/L16;rate=1000", "data": "AAAA" * 1000}}, ["Speech", "1.5 seconds"]),
        ({"fileData": {"fileUri": "https://a.example/film", "mimeType": "video/mp4"}}, ["https://a.example/film"]),
        ({"hologram": {"depth": 3}, "thoughtSignature": SIGNATURE}, ["'hologram'"]),
    ],
    ids=["document", "no type", "speech", "address", "a part of tomorrow"],
)
def test_a_part_without_a_block_is_named_and_never_passed_over(
    gateway: str, sandbox: SandboxServer, part: dict[str, Any], named: list[str]
) -> None:
    got = both(gateway, sandbox, reply({"text": "Here:"}, part, {"text": "Done."}))
    assert kinds(got) == ["text", "text", "text"] and got["content"][2]["text"] == "Done."
    assert all(each in got["content"][1]["text"] for each in named)
    draft = {**part, "thought": True}
    assert kinds(both(gateway, sandbox, reply({"text": "Here."}, draft))) == ["text"]


@pytest.mark.parametrize("native", ["MAX_TOKENS", "CONTINUATION"])
def test_an_answer_that_was_cut(gateway: str, sandbox: SandboxServer, native: str) -> None:
    got = both(gateway, sandbox, reply({"text": "Half"}, reason=native))
    assert (got["stop_reason"], got["stop_details"]) == ("max_tokens", None)
    got = both(gateway, sandbox, reply({"text": "Hm", "thought": True}, reason=native), thinking=THINKING)
    assert (kinds(got), got["stop_reason"]) == (["thinking", "text"], "max_tokens")
    assert both(gateway, sandbox, reply(reason=native))["content"] == []


@pytest.mark.parametrize("native", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"])
def test_an_answer_that_a_filter_ended_is_a_refusal(gateway: str, sandbox: SandboxServer, native: str) -> None:
    got = both(gateway, sandbox, reply({"text": "Half"}, reason=native))
    assert got["stop_reason"] == "refusal" and got["content"][0]["text"] == "Half"
    assert (got["stop_details"]["type"], got["stop_details"]["category"]) == ("refusal", None)
    assert native in got["stop_details"]["explanation"]


@pytest.mark.parametrize("native", ["A_REASON_OF_TOMORROW", "NO_IMAGE"])
def test_an_unknown_end_costs_nothing_of_the_answer(gateway: str, sandbox: SandboxServer, native: str) -> None:
    got = both(gateway, sandbox, reply({"text": "Half"}, reason=native))
    assert (got["stop_reason"], got["content"][0]["text"]) == ("refusal", "Half")
    assert native in got["stop_details"]["explanation"]
    got = both(gateway, sandbox, reply(CALL, reason=native), tools=[LOOK])
    assert (got["stop_reason"], kinds(got)) == ("refusal", ["tool_use"])
    sandbox.control("scripts", {"response": reply(reason=native)})
    assert native in refused(post(gateway), 502)["message"]


def test_a_blocked_prompt_is_a_refusal_that_says_why(gateway: str, sandbox: SandboxServer) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": COUNTS}
    sandbox.control("scripts", {"response": blocked, "times": 2})
    for got in (message(gateway), built(events(gateway))):
        assert (got["content"], got["stop_reason"]) == ([], "refusal")
        assert "PROHIBITED_CONTENT" in got["stop_details"]["explanation"]


@pytest.mark.parametrize("native", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "MALFORMED_RESPONSE"])
def test_an_end_that_lies_in_no_content_is_an_error(gateway: str, sandbox: SandboxServer, native: str) -> None:
    said = reply({"text": "Ha"}, reason=native)
    # It is asked for once more, as long as nothing of it was sent.
    sandbox.control("scripts", {"response": said, "times": 4})
    for stream in (False, True):
        assert refused(post(gateway, stream=stream), 502)["type"] == "api_error"
    sandbox.control("scripts", {"chunks": [reply({"text": "Ha"}, reason=None), said], "delays": [0, 1]})
    told = events(gateway)
    assert (told[-1]["type"], told[-1]["error"]["type"]) == ("error", "api_error")


def test_an_empty_answer_is_an_error(gateway: str, sandbox: SandboxServer) -> None:
    sandbox.control("scripts", {"response": reply(), "times": 2})
    assert "empty" in refused(post(gateway), 502)["message"]
    told = list(read_events(post(gateway, stream=True).body))
    assert [each["type"] for each in told] == ["message_start", "error"]


def test_an_error_in_a_stream_is_an_event_and_the_end(gateway: str, sandbox: SandboxServer) -> None:
    failure = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}
    sandbox.control("scripts", {"chunks": [reply({"text": "one "}, reason=None), failure]})
    told = events(gateway)
    assert told[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}}
    assert "message_stop" not in {each["type"] for each in told}
    sandbox.control("scripts", {"chunks": [reply({"text": "one "}, reason=None)], "end": "reset"})
    assert events(gateway)[-1]["error"]["type"] == "api_error"


def test_a_silence_has_pings_before_and_within_the_message(gateway: str, sandbox: SandboxServer) -> None:
    """Gemini works on the film for a second, then thinks for a while."""
    with client_for(gateway) as client:
        film = client.files.create(file=("slow.mp4", MP4 + b"slow"), purpose="user_data").id
    chunks = [reply({"text": "one "}, reason=None), reply({"text": "two"})]
    sandbox.control("scripts", {"chunks": chunks, "delays": [0, 1.5]})
    asked = [user({"type": "document", "source": {"type": "file", "file_id": film}}, text("What is it?"))]
    told = events(gateway, messages=asked)
    assert told[0] == {"type": "ping"}
    first = next(place for place, each in enumerate(told) if each["type"] == "message_start")
    assert {"type": "ping"} in told[first:] and built(told)["content"][0]["text"] == "one two"
