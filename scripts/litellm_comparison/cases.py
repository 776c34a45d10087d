"""The cases that both translators are given: requests in OpenAI's form, and Gemini's replies to a plain one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

OLD, NEW = "gemini-2.5-flash", "gemini-3.5-flash"
SPEAKING, PAINTING = "gemini-2.5-flash-preview-tts", "gemini-2.5-flash-image"

URI = "https://generativelanguage.googleapis.com/v1beta/files/abc123"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
WAV = base64.b64encode(b"RIFF\x24\0\0\0WAVEfmt " + bytes(24)).decode()
PDF = base64.b64encode(b"%PDF-1.4 test").decode()
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}, "next": {"$ref": "#/$defs/N"}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"N": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}
PLAIN_SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def function(name: str, parameters: Any = PLAIN_SCHEMA, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def call(call_id: str, name: str = "look", arguments: str = '{"place": "here"}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: dict[str, Any], content: str | None = None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def result(call_id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
ASK = {"role": "user", "content": "look"}
DONE = {"role": "user", "content": "go on"}
TOOLS = [function("look"), function("listen", None)]
TOOLS[1]["function"].pop("parameters")

PARAMETERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "temperature": {"temperature": 0.5},
    "temperature 0": {"temperature": 0},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 10},
    "max_tokens": {"max_tokens": 100},
    "max_completion_tokens": {"max_completion_tokens": 100},
    "both limits": {"max_completion_tokens": 100, "max_tokens": 50},
    "n": {"n": 2},
    "n 1": {"n": 1},
    "stop": {"stop": "x"},
    "stops": {"stop": ["x", "y"]},
    "seven stops": {"stop": list("abcdefg")},
    "seed": {"seed": 7},
    "large seed": {"seed": 2**40 + 7},
    "penalties": {"frequency_penalty": 0.5, "presence_penalty": 0.5},
    "penalties of 0": {"frequency_penalty": 0, "presence_penalty": 0},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 3},
    "text": {"response_format": {"type": "text"}},
    "json_object": {"response_format": {"type": "json_object"}},
    "json_schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}}},
    "strict json_schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}}
    },
    "effort none": {"reasoning_effort": "none"},
    "effort minimal": {"reasoning_effort": "minimal"},
    "effort low": {"reasoning_effort": "low"},
    "effort medium": {"reasoning_effort": "medium"},
    "effort high": {"reasoning_effort": "high"},
    "effort xhigh": {"reasoning_effort": "xhigh"},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "thinking off": {"thinking": {"type": "disabled"}},
    "service tier auto": {"service_tier": "auto"},
    "service tier flex": {"service_tier": "flex"},
    "service tier default": {"service_tier": "default"},
    "user": {"user": "u"},
    "store": {"store": False},
    "logit_bias": {"logit_bias": {"1": 1}},
    "verbosity": {"verbosity": "low"},
    "prompt_cache_key": {"prompt_cache_key": "k"},
    "safety_identifier": {"safety_identifier": "s"},
    "safety settings": {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    "an unknown parameter": {"temprature": 1},
    "tools": {"tools": TOOLS},
    "strict tool": {"tools": [function("look", SCHEMA, strict=True)]},
    "tool with a union": {
        "tools": [
            function("f", {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}})
        ]
    },
    "tool with const": {"tools": [function("f", {"type": "object", "properties": {"a": {"const": "x"}}})]},
    "tool choice auto": {"tools": TOOLS, "tool_choice": "auto"},
    "tool choice none": {"tools": TOOLS, "tool_choice": "none"},
    "tool choice required": {"tools": TOOLS, "tool_choice": "required"},
    "tool choice named": {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "look"}}},
    "tool choice allowed": {
        "tools": TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
        },
    },
    "parallel false": {"tools": TOOLS, "parallel_tool_calls": False},
    "parallel true": {"tools": TOOLS, "parallel_tool_calls": True},
    "functions": {"functions": [TOOLS[0]["function"]]},
    "function_call": {"functions": [TOOLS[0]["function"]], "function_call": {"name": "look"}},
    "custom tool": {"tools": [{"type": "custom", "custom": {"name": "shell"}}]},
    "google search": {"tools": [{"googleSearch": {}}]},
    "web search options": {"web_search_options": {}},
    "search and functions": {"tools": [*TOOLS, {"googleSearch": {}}]},
    "code execution": {"tools": [{"codeExecution": {}}]},
    "url context": {"tools": [{"urlContext": {}}]},
    "maps": {"tools": [{"googleMaps": {"latitude": 47.3, "longitude": 8.5}}]},
    "file search": {"tools": [{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/a"]}}]},
}
"""Parameters of a plain chat."""

MESSAGES: dict[str, list[dict[str, Any]]] = {
    "system": [{"role": "system", "content": "S"}, ASK],
    "two systems": [{"role": "system", "content": "S"}, ASK, {"role": "system", "content": [text("a"), text("b")]}],
    "developer": [{"role": "developer", "content": "D"}, ASK],
    "only system": [{"role": "system", "content": "S"}],
    "file in system": [{"role": "system", "content": [text("see"), IMAGE]}, ASK],
    "users in a row": [ASK, DONE],
    "assistant first": [{"role": "assistant", "content": "I"}, ASK],
    "name": [{**ASK, "name": "ann"}],
    "empty text": [{"role": "user", "content": ""}],
    "image": user(text("what"), IMAGE),
    "image alone": user(IMAGE),
    "image low": user(text("a"), {**IMAGE, "image_url": {**IMAGE["image_url"], "detail": "low"}}),
    "two details": user(
        {**IMAGE, "image_url": {**IMAGE["image_url"], "detail": "low"}},
        {**IMAGE, "image_url": {**IMAGE["image_url"], "detail": "high"}},
    ),
    "image/jpg": user(text("a"), {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}}),
    "audio": user(text("a"), {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
    "mp3 audio": user(text("a"), {"type": "input_audio", "input_audio": {"data": "SUQzBAAAAAAA", "format": "mp3"}}),
    "audio without format": user(text("a"), {"type": "input_audio", "input_audio": {"data": WAV}}),
    "file id": user(text("a"), {"type": "file", "file": {"file_id": URI, "format": "audio/wav"}}),
    "file id without format": user(text("a"), {"type": "file", "file": {"file_id": URI}}),
    "file id with filename": user(text("a"), {"type": "file", "file": {"file_id": URI, "filename": "a.mp3"}}),
    "short file id": user(text("a"), {"type": "file", "file": {"file_id": "files/abc123", "format": "audio/wav"}}),
    "file data": user(text("a"), {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}}),
    "bare file data": user(text("a"), {"type": "file", "file": {"file_data": PDF, "format": "application/pdf"}}),
    "named file data": user(text("a"), {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}),
    "video metadata": user(
        text("a"),
        {
            "type": "file",
            "file": {"file_id": URI, "format": "video/mp4", "video_metadata": {"fps": 5, "start_offset": "10s"}},
        },
    ),
    "gs": user(text("a"), {"type": "image_url", "image_url": {"url": "gs://bucket/a.png"}}),
    "unknown part": user(text("a"), {"type": "hologram", "hologram": {}}),
    "video_url": user(text("a"), {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{PDF}"}}),
    "refusal": [ASK, {"role": "assistant", "content": None, "refusal": "no"}, DONE],
    "reasoning": [ASK, {"role": "assistant", "content": "a", "reasoning_content": "I think"}, DONE],
    "text parts of the assistant": [ASK, {"role": "assistant", "content": [text("a"), text("b")]}, DONE],
    "call": [ASK, calling(call("call_1")), result("call_1", "seen")],
    "call with text": [ASK, calling(call("call_1"), content="let me look"), result("call_1", "seen")],
    "call without arguments": [ASK, calling(call("call_1", arguments="")), result("call_1", "seen")],
    "call with broken arguments": [ASK, calling(call("call_1", arguments="{")), result("call_1", "seen")],
    "two calls": [
        ASK,
        calling(call("call_1"), call("call_2", "listen", "{}")),
        result("call_1", "1"),
        result("call_2", "2"),
    ],
    "results out of order": [
        ASK,
        calling(call("call_1"), call("call_2", "listen", "{}")),
        result("call_2", "2"),
        result("call_1", "1"),
    ],
    "result missing": [ASK, calling(call("call_1"), call("call_2")), result("call_1", "1")],
    "result of no call": [ASK, result("call_9", "1")],
    "result object": [ASK, calling(call("call_1")), result("call_1", '{"a": 1}')],
    "result array": [ASK, calling(call("call_1")), result("call_1", "[1, 2]")],
    "result number": [ASK, calling(call("call_1")), result("call_1", "7")],
    "result parts": [ASK, calling(call("call_1")), result("call_1", [text("a"), text("b")])],
    "result image": [ASK, calling(call("call_1")), result("call_1", [text("a"), IMAGE])],
    "result file": [
        ASK,
        calling(call("call_1")),
        result("call_1", [text("a"), {"type": "file", "file": {"file_id": URI, "format": "application/pdf"}}]),
    ],
    "signed call": [
        ASK,
        calling({**call("call_1"), "extra_content": {"google": {"thought_signature": "c2ln"}}}),
        result("call_1", "seen"),
    ],
    "legacy call": [
        ASK,
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "seen"},
    ],
}

OTHERS: dict[str, dict[str, Any]] = {
    "speech": {"model": SPEAKING, "modalities": ["audio"], "audio": {"voice": "Kore", "format": "pcm16"}},
    "speech by OpenAI's voice": {
        "model": SPEAKING,
        "modalities": ["audio"],
        "audio": {"voice": "alloy", "format": "wav"},
    },
    "painting": {"model": PAINTING, "modalities": ["text", "image"]},
    "pro without reasoning": {"model": "gemini-2.5-pro", "reasoning_effort": "none"},
    "penalties of 2.0": {"model": "gemini-2.0-flash", "frequency_penalty": 0.5, "presence_penalty": 0.5},
    "schema of 1.5": {
        "model": "gemini-1.5-pro",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": PLAIN_SCHEMA}},
    },
    "cached content": {"model": OLD, "cached_content": "cachedContents/abc"},
}


def requests() -> Iterator[dict[str, Any]]:
    """`{"name", "request"}` each; those of PARAMETERS and MESSAGES for a model of 2.5 and one of 3."""
    for model in (OLD, NEW):
        for name, parameters in PARAMETERS.items():
            yield {"name": f"{name} ({model})", "request": {"model": model, "messages": [ASK], **parameters}}
        for name, messages in MESSAGES.items():
            tools = {"tools": TOOLS} if any("tool_calls" in message for message in messages) else {}
            yield {"name": f"{name} ({model})", "request": {"model": model, "messages": messages, **tools}}
    for name, more in OTHERS.items():
        yield {"name": name, "request": {"messages": [ASK], **more}}
