"""What is wrong with a request is said in OpenAI's words, with the path of the field (docs/protocol/openai.md,
"Errors")."""

from __future__ import annotations

from typing import Any

import pytest

from asking import translate_chat
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.openai_errors import error_body
from liftgate.errors import InvalidRequest
from openai_schema import errors

HI = {"role": "user", "content": "Hi"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


AN_ID = "file-m6rn9q9cf49ntdxdpdf1jf9k"


def _user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


CASES: list[tuple[dict[str, Any], str | None, str | None, str]] = [
    ({"temperature": 99.0}, "temperature", "decimal_above_max_value",
     "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead."),
    ({"top_p": -1}, "top_p", "decimal_below_min_value", "below minimum value"),
    ({"temperature": float("nan")}, "temperature", "decimal_above_max_value", "out of range"),
    ({"temperature": "hot"}, "temperature", "invalid_type",
     "Invalid type for 'temperature': expected a decimal, but got a string instead."),
    ({"n": 0}, "n", "integer_below_min_value", "n"),
    ({"n": True}, "n", "invalid_type", "a boolean"),
    ({"max_tokens": 10**40}, "max_tokens", "integer_above_max_value", "max_tokens"),
    ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens", "invalid_parameter_combination", "differ"),
    ({"foo": 1}, "foo", "unknown_parameter", "Unknown parameter: 'foo'."),
    ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
    ({"messages": []}, "messages", "empty_array", "minimum length 1"),
    ({"messages": "x"}, "messages", "invalid_type", "an array"),
    ({"messages": ["x"]}, "messages[0]", "invalid_type", "an object"),
    ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter", "role"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role", "invalid_value",
     "Invalid value: 'wizard'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and "
     "'function'."),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter", "content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type",
     "expected one of a string or array of objects, but got an integer"),
    ({"messages": [{**HI, "mood": "x"}]}, "messages[0].mood", "unknown_parameter", "Unknown parameter"),
    ({"messages": _user({"type": "text"})}, "messages[0].content[0].text", "missing_required_parameter", "text"),
    ({"messages": _user({"type": "smell"})}, "messages[0].content[0].type", "invalid_value", "'smell'"),
    ({"messages": _user({"text": "x"})}, "messages[0].content[0].type", "missing_required_parameter", "type"),
    ({"messages": _user({"type": "file", "file": {}})}, "messages[0].content[0].file.file_id",
     "missing_required_parameter", "file_id"),
    ({"messages": _user({"type": "file", "file": {"file_id": "a", "file_data": "b"}})}, "messages[0].content[0].file",
     "invalid_value", "not both"),
    ({"messages": _user({"type": "file", "file": {"file_data": "AAAA"}})}, "messages[0].content[0].file.file_data",
     "unsupported_file", "tell what it is"),
    ({"messages": _user({"type": "file", "file": {"file_data": "AAAA", "format": "sound"}})},
     "messages[0].content[0].file.format", "invalid_value", "MIME type"),
    ({"messages": _user({"type": "image_url", "image_url": {"url": "cat.png"}})},
     "messages[0].content[0].image_url.url", "invalid_value", "valid URL"),
    ({"messages": _user({"type": "image_url", "image_url": {"url": "data:image/png,abc"}})},
     "messages[0].content[0].image_url.url", "invalid_value", "base64-encoded data URL"),
    ({"messages": _user({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{AN_ID}"}})},
     "messages[0].content[0].file.file_data", "invalid_value", "goes into 'file_id'"),
    ({"messages": _user({"type": "file", "file": {"file_data": AN_ID}})},
     "messages[0].content[0].file.file_data", "invalid_value", "goes into 'file_id'"),
    ({"messages": _user({"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}})},
     "messages[0].content[0].image_url.url", "invalid_value", "not base64"),
    ({"messages": [HI, {"role": "assistant"}]}, "messages[1].content", "missing_required_parameter", "content"),
    ({"messages": [HI, {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}]},
     "messages[1].audio.id", "invalid_value", "not kept"),
    ({"messages": [HI, {"role": "tool", "tool_call_id": "c", "content": "x"}]}, "messages[1].role", None,
     "must be a response to a preceding message with 'tool_calls'"),
    ({"messages": [HI, {"role": "assistant", "tool_calls": [CALL]}, HI]}, "messages[1]", None,
     "did not have response messages: c"),
    ({"messages": [HI, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "x",
     "content": ""}]},
     "messages[2].tool_call_id", "invalid_value", "'x'"),
    ({"messages": [HI, {"role": "assistant", "content": "x",
     "extra_content": {"google": {"parts": [{"inlineData": 5}]}}}]},
     "messages[1].extra_content.google.parts[0].inlineData", "invalid_type", "an object"),
    ({"messages": [HI, {"role": "assistant", "content": "x",
     "extra_content": {"google": {"parts": [{"functionResponse": {"name": "f", "response": {}, "parts": 5}}]}}}]},
     "messages[1].extra_content.google.parts[0].functionResponse.parts", "invalid_type", "an array, but got an int"),
    ({"messages": [HI, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": False}}]}]},
     "messages[1].tool_calls[0].function.arguments", "invalid_type", "a boolean"),
    ({"tools": [{"type": None, "function": {"name": "f"}}]}, "tools[0].type", "missing_required_parameter",
     "Missing required parameter: 'tools[0].type'."),
    ({"stop": ["a"] * 6}, "stop", "array_above_max_length", "maximum length 5"),
    ({"stop": ""}, "stop", "empty_string", "empty string"),
    ({"stream_options": {"include_usage": True}}, "stream_options", None,
     "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
    ({"top_logprobs": 2}, "top_logprobs", None, "'logprobs' must be set to true"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter",
     "json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True}}},
     "response_format.json_schema.schema", "missing_required_parameter",
     "Missing required parameter: 'response_format.json_schema.schema'."),
    ({"tool_choice": "required"}, "tool_choice", None, "only allowed when tools are specified"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "invalid_value",
     "pattern"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}] * 2}, "tools[1].function.name", "invalid_value",
     "twice"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}],
      "tool_choice": {"type": "function", "function": {"name": "g"}}},
     "tool_choice.function.name", "invalid_value", "not among the tools"),
    ({"reasoning_effort": "extreme"}, "reasoning_effort", "invalid_value", "'extreme'"),
    ({"contents": [{}]}, "contents", "unsupported_parameter", "messages"),
    ({"custom_llm_provider": "openai"}, "custom_llm_provider", "invalid_value", "'gemini'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_body", "param", "code", "words"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_wrong_request_is_refused_with_path_and_code(
    request_body: dict[str, Any], param: str | None, code: str | None, words: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        translate_chat({"messages": [HI], **request_body}, facts=facts_for("gemini-2.5-flash"), files={}, signatures={})
    assert words in error.value.message
    assert (error.value.param, error.value.code, error.value.http_status) == (param, code, 400)
    body = error_body(error.value)
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert errors("ErrorResponse", body) == []


EXCLUDED: list[tuple[str, dict[str, Any], str]] = [
    ("gemini-2.0-flash", {"modalities": ["text", "audio"]}, "modalities"),
    ("gemini-2.0-flash", {"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
    ("gemini-2.5-flash", {"modalities": ["image"]}, "modalities"),
    ("gemini-2.5-flash-preview-tts", {"audio": {"voice": "Kore", "format": "mp3"}}, "audio.format"),
    ("gemini-2.5-flash-preview-tts", {"stream": True, "audio": {"voice": "Kore", "format": "wav"}}, "audio.format"),
    ("gemini-2.5-flash-preview-tts", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ("gemini-2.5-flash-preview-tts", {"modalities": ["text"]}, "modalities"),
    ("gemini-2.5-flash", {"presence_penalty": 1}, "presence_penalty"),
    ("gemini-3-flash-preview", {"logprobs": True}, "logprobs"),
    ("gemini-2.5-pro", {"reasoning_effort": "none"}, "reasoning_effort"),
    ("gemini-3-flash-preview", {"reasoning_effort": "xhigh"}, "reasoning_effort"),
    ("gemini-2.0-flash", {"reasoning_effort": "low"}, "reasoning_effort"),
    ("gemini-3-flash-preview", {"thinking": {"type": "disabled"}}, "thinking"),
    ("gemini-2.5-flash", {"n": 9}, "n"),
    ("gemini-2.5-flash", {"service_tier": "scale"}, "service_tier"),
]


@pytest.mark.parametrize(("model", "request_body", "param"), EXCLUDED)
def test_what_the_model_cannot_do_is_refused_or_dropped_and_the_rest_stays(
    model: str, request_body: dict[str, Any], param: str
) -> None:
    request = {"messages": [HI], "temperature": 0.5, **request_body}
    facts = facts_for(model)
    with pytest.raises(InvalidRequest) as error:
        translate_chat(request, facts=facts, files={}, signatures={})
    assert error.value.param == param
    translation = translate_chat({**request, "drop_params": True}, facts=facts, files={}, signatures={})
    assert [each.param for each in translation.dropped] == [param]
    assert translation.body["generationConfig"]["temperature"] == 0.5


def test_drop_params_drops_nothing_that_the_model_can_do() -> None:
    """The same parameters, on a model that has them, all arrive."""
    request = {
        "messages": [HI], "drop_params": True, "modalities": ["text", "image"], "presence_penalty": 1, "n": 3,
    }  # fmt: skip
    translation = translate_chat(request, facts=facts_for("gemini-2.0-flash-exp"), files={}, signatures={})
    assert translation.dropped == ()
    assert translation.body["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "presencePenalty": 1,
        "candidateCount": 3,
    }
