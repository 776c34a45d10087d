"""The set for Anthropic's Messages: requests, Gemini's replies, and both sides' answers in one spelling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from litellm_comparison.cases import NEW, OLD, PDF, PLAIN_SCHEMA, PNG, SCHEMA, text
from litellm_comparison.replies import candidate, reply

PREFIX = "message: "
"""Begins the names of this set's cases, and no others."""

FILE = {"type": "file", "file_id": "file-" + "a" * 24}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
LOOK = {"name": "look", "input_schema": PLAIN_SCHEMA}
CONST = {"type": "object", "properties": {"a": {"const": 1}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"place": "here"}}
SECOND = {**USE, "id": "toolu_2"}
FOREIGN = {"type": "thinking", "thinking": "I think", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"}

FIELDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "system": {"system": "S"},
    "system blocks": {"system": [{**text("S"), "cache_control": {"type": "ephemeral"}}, text("T")]},
    "sampling": {"temperature": 0.5, "top_p": 0.5, "top_k": 10},
    "stops": {"stop_sequences": ["x", "y"]},
    "five stops": {"stop_sequences": list("abcde")},
    "Claude Code's billing line": {"system": [text("x-anthropic-billing-header: cc_version=1.abc;"), text("S")]},
    "seven stops": {"stop_sequences": list("abcdefg")},
    "a large limit": {"max_tokens": 10_000_000},
    "a limit of 0": {"max_tokens": 0},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "thinking adaptive": {"thinking": {"type": "adaptive"}},
    "thinking off": {"thinking": {"type": "disabled"}},
    "effort": {"output_config": {"effort": "high"}},
    "schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "tier": {"service_tier": "standard_only"},
    "speed": {"speed": "fast"},
    "metadata": {"metadata": {"user_id": "u"}},
    "container": {"container": "container_1"},
    "geo": {"inference_geo": "eu"},
    "mcp_servers": {"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]},
    "an unknown field": {"temprature": 1},
    "tool": {"tools": [LOOK]},
    "tool of a large schema": {"tools": [{"name": "f", "input_schema": SCHEMA}]},
    "tool with const": {
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"const": 1}}}}]
    },
    "strict tool": {"tools": [{**LOOK, "strict": True}]},
    "choice any": {"tools": [LOOK], "tool_choice": {"type": "any"}},
    "choice none": {"tools": [LOOK], "tool_choice": {"type": "none"}},
    "choice named": {"tools": [LOOK], "tool_choice": {"type": "tool", "name": "look"}},
    "one call at a time": {"tools": [LOOK], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    "web search": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "web search of domains": {
        "tools": [{"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"]}]
    },
    "web search and a function": {"tools": [LOOK, {"type": "web_search_20250305", "name": "web_search"}]},
    "web fetch": {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
    "code execution": {"tools": [{"type": "code_execution_20250522", "name": "code_execution"}]},
    "bash": {"tools": [{"type": "bash_20250124", "name": "bash"}]},
}
"""Fields beside a plain message."""


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def result(use: dict[str, Any], content: Any = "seen", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": use["id"], "content": content, **more}


def document(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


ASK = user(text("look"))
MESSAGES: dict[str, list[dict[str, Any]]] = {
    "image": [user(text("what"), IMAGE)],
    "image alone": [user(IMAGE)],
    "image by file": [user(text("what"), {"type": "image", "source": FILE})],
    "PDF": [user(text("what"), document({"type": "base64", "media_type": "application/pdf", "data": PDF}))],
    "document by file": [user(text("what"), document(FILE))],
    "document of text": [user(text("what"), document({"type": "text", "media_type": "text/plain", "data": "words"}))],
    "document of blocks": [user(text("what"), document({"type": "content", "content": [text("words")]}))],
    "document with a title": [
        user(
            text("what"),
            document(
                {"type": "base64", "media_type": "application/pdf", "data": PDF}, title="Minutes", context="of May"
            ),
        )
    ],
    "search result": [
        user(text("what"), {"type": "search_result", "source": "s", "title": "t", "content": [text("found")]})
    ],
    "empty text": [user(text(""), text("look"))],
    "system in the middle": [ASK, assistant(text("a")), {"role": "system", "content": "S"}, ASK],
    "call": [ASK, assistant(USE), user(result(USE))],
    "words behind a call": [ASK, assistant(USE, text("so")), user(result(USE))],
    "two calls": [ASK, assistant(USE, SECOND), user(result(USE), result(SECOND))],
    "results out of order": [ASK, assistant(USE, SECOND), user(result(SECOND, "2"), result(USE, "1"))],
    "words behind a result": [ASK, assistant(USE), user(result(USE), text("go on"))],
    "a failed call": [ASK, assistant(USE), user(result(USE, "no", is_error=True))],
    "result with an image": [ASK, assistant(USE), user(result(USE, [text("a"), IMAGE]))],
    "tools that a search found": [
        ASK, assistant(USE), user(result(USE, [{"type": "tool_reference", "tool_name": "look"}]))
    ],
    "result missing": [ASK, assistant(USE, SECOND), user(result(USE))],
    "foreign thinking": [ASK, assistant(FOREIGN, text("a")), ASK],
    "redacted thinking": [ASK, assistant({"type": "redacted_thinking", "data": "x"}, text("a")), ASK],
    "code that ran": [
        ASK,
        assistant(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "print(1)"}},
            {
                "type": "code_execution_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": {
                    "type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0, "content": []
                },
            },
            text("1"),
        ),
        ASK,
    ],
    "prefill": [ASK, assistant(text("The sky is"))],
}  # fmt: skip

_CALL = {"functionCall": {"name": "look", "args": {"place": "here"}}, "thoughtSignature": "c2ln"}
_THOUGHT = {"text": "I think", "thought": True}
_GROUNDED = candidate(
    text_part := {"text": "Paris"},
    groundingMetadata={
        "webSearchQueries": ["capital"],
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 5, "text": "Paris"}, "groundingChunkIndices": [0]}],
    },
)
REPLIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (reply(candidate({"text": "a"}, {"text": "b"})), {}),
    "thoughts": (reply(candidate(_THOUGHT, text_part)), {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    "a signed call": (reply(candidate(_CALL)), {"tools": [LOOK], "thinking": {"type": "adaptive"}}),
    "text and two calls": (reply(candidate(text_part, _CALL, _CALL)), {"tools": [LOOK]}),
    "a search": (reply(_GROUNDED), {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    "code": (
        reply(
            candidate(
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                {"text": "1"},
            )
        ),
        {"tools": [{"type": "code_execution_20250522", "name": "code_execution"}]},
    ),
    "a cut answer": (reply(candidate(text_part, finishReason="MAX_TOKENS")), {}),
    "a filtered answer": (reply(candidate(text_part, finishReason="SAFETY")), {}),
    "a malformed call": (reply(candidate(finishReason="MALFORMED_FUNCTION_CALL")), {"tools": [LOOK]}),
    "nothing": (reply(candidate()), {}),
    "a blocked prompt": ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, {}),
    "cached tokens": (
        {
            **reply(candidate(text_part)),
            "usageMetadata": {
                "promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
                "totalTokenCount": 14,
            },
        },
        {},
    ),
}  # fmt: skip


def requests() -> Iterator[dict[str, Any]]:
    for model in (OLD, NEW):
        for name, fields in FIELDS.items():
            yield _case(f"{name} ({model})", model, [ASK], fields)
        for name, messages in MESSAGES.items():
            tools = {"tools": [LOOK]} if '"tool_use"' in json.dumps(messages) else {}
            yield _case(f"{name} ({model})", model, messages, tools)


def answers() -> Iterator[dict[str, Any]]:
    for name, (said, more) in REPLIES.items():
        yield {**_case(f"reply {name}", OLD, [ASK], more), "reply": said}
        yield {**_case(f"stream {name}", OLD, [ASK], {**more, "stream": True}), "chunks": [said]}


def _case(name: str, model: str, messages: list[dict[str, Any]], more: dict[str, Any]) -> dict[str, Any]:
    request = {"model": model, "max_tokens": 4000, "messages": messages, **more}
    return {"name": PREFIX + name, "api": "messages", "request": request}


def answer_view(found: dict[str, Any]) -> Any:
    """The Message, whole or built from its events, without what is random; or how the call failed."""
    if "error" in found:
        return {"error": {"status": found["error"]["status"]}}
    message = _built(found["events"]) if "events" in found else found["answer"]
    if "error" in message:
        return message
    usage = message.get("usage") or {}
    counted = ("input_tokens", "output_tokens", "cache_read_input_tokens", "server_tool_use")
    details = usage.get("output_tokens_details") or {}
    return {
        "content": [_block(block) for block in message["content"]],
        "stop_reason": message["stop_reason"],
        "usage": {**{name: usage.get(name) or 0 for name in counted}, "thinking": details.get("thinking_tokens", 0)},
    }


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in block.items() if key not in ("id", "tool_use_id") and value is not None}
    if "signature" in kept:
        kept["signature"] = bool(kept["signature"])
    for each in kept.get("content") if isinstance(kept.get("content"), list) else ():
        each["encrypted_content"] = bool(each.get("encrypted_content"))
    return kept


def _built(events: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    pieces = ""
    for event in events:
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                message["content"].append(event["content_block"])
                pieces = ""
            case "content_block_delta":
                pieces = _grown(message["content"][-1], event["delta"], pieces)
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
            case "error":
                return {"error": {"status": "in the stream"}}
    return message


def _grown(block: dict[str, Any], delta: dict[str, Any], pieces: str) -> str:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        case "input_json_delta":
            pieces += delta["partial_json"]
            block["input"] = json.loads(pieces or "{}")
    return pieces
