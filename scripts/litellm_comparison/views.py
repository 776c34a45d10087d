"""What two translations say, brought to one spelling and compared: a list of (place, ours, theirs).

Only spelling is evened out: snake_case and camelCase of Gemini's own keys, base64 and its alphabets, what is random
(ids, times) and LiteLLM's empty vendor fields. What remains differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Difference = tuple[str, Any, Any]
ABSENT = "absent"
FREE = frozenset({"args", "response", "properties", "$defs", "labels"})
"""Under these the keys are the caller's."""


def request_view(found: dict[str, Any]) -> Any:
    """The body for Gemini, or how it was refused."""
    if found.get("sent") is None:
        error = found.get("error") or {}
        return {"refused": error.get("status")}
    return _camel(found["sent"])


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_+([a-z])", lambda match: match[1].upper(), key): each if key in FREE else _camel(each)
        for key, each in value.items()
    }


def answer_view(found: dict[str, Any]) -> Any:
    """The completion, whole or put together from its chunks, or how the call failed."""
    if "error" in found:
        return {"error": {"status": found["error"]["status"]}}
    if "chunks" in found:
        return _together(found["chunks"])
    answer = found["answer"]
    return {
        "choices": [
            {
                "finish_reason": choice["finish_reason"],
                "message": _message(choice["message"]),
                "logprobs": _logprobs(choice.get("logprobs")),
            }
            for choice in answer["choices"]
        ],
        "usage": _usage(answer.get("usage")),
        "service_tier": answer.get("service_tier") or ABSENT,
    }


def _together(chunks: list[dict[str, Any]]) -> Any:
    choices: dict[int, dict[str, Any]] = {}
    usage: list[Any] = []
    for chunk in chunks:
        if chunk.get("usage"):
            usage.append({"choices": len(chunk["choices"]), **_usage(chunk["usage"])})
        for each in chunk["choices"]:
            if chunk.get("usage") and not any((each.get("delta") or {}).values()):
                continue
            choice = choices.setdefault(each["index"], {"finish_reason": None, "message": {}, "logprobs": None})
            choice["finish_reason"] = each.get("finish_reason") or choice["finish_reason"]
            _add(choice["message"], each["delta"])
            choice["logprobs"] = choice["logprobs"] or _logprobs(each.get("logprobs"))
    for choice in choices.values():
        choice["message"] = {"role": choice["message"].get("role") or ABSENT, **_message(choice["message"])}
    return {"choices": [choice for _, choice in sorted(choices.items())], "usage": usage}


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if value is None or value == []:
            continue
        if key in ("content", "reasoning_content", "refusal"):
            message[key] = message.get(key, "") + value
        elif isinstance(value, list):
            message[key] = [*message.get(key, []), *value]
        elif isinstance(value, dict) and key == "audio":
            message[key] = {**message.get(key, {}), **value}
        else:
            message[key] = value


def _message(message: dict[str, Any]) -> dict[str, Any]:
    specific = message.get("provider_specific_fields") or {}
    extra = (message.get("extra_content") or {}).get("google") or {}
    signatures = specific.get("thought_signatures") or [extra[key] for key in ("thought_signature",) if key in extra]
    return {
        "content": message.get("content"),
        "refusal": message.get("refusal"),
        "reasoning_content": message.get("reasoning_content"),
        "tool_calls": [_call(call) for call in message.get("tool_calls") or ()],
        "images": [image["image_url"]["url"] for image in message.get("images") or ()],
        "audio": bool(message.get("audio")),
        "annotations": [_citation(each) for each in message.get("annotations") or ()],
        "text signatures": signatures if not message.get("tool_calls") else [],
        "kept parts": len(extra.get("parts") or ()),
    }


def _call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    return {
        "name": call["function"]["name"],
        "arguments": json.loads(arguments) if arguments else arguments,
        "signature in the id": "__thought__" in (call.get("id") or ""),
    }


def _citation(annotation: dict[str, Any]) -> dict[str, Any]:
    cited = annotation["url_citation"]
    return {key: cited.get(key) for key in ("start_index", "end_index", "url")}


def _logprobs(logprobs: dict[str, Any] | None) -> Any:
    if not logprobs or not logprobs.get("content"):
        return None
    return [{key: each.get(key) for key in ("token", "logprob", "bytes")} for each in logprobs["content"]]


def _usage(usage: dict[str, Any] | None) -> dict[str, Any]:
    if not usage:
        return {}
    found = {key: usage.get(key) for key in ("prompt_tokens", "completion_tokens", "total_tokens")}
    for key in ("prompt_tokens_details", "completion_tokens_details"):
        details = usage.get(key) or {}
        for name in ("cached_tokens", "audio_tokens", "text_tokens", "reasoning_tokens"):
            if value := details.get(name):
                found[f"{key}.{name}"] = value
    return found


def differences(ours: Any, theirs: Any, place: str = "") -> Iterator[Difference]:
    """Every place where two values differ; `[]` stands for any element of a list. Where one side refused or failed,
    that is the only difference."""
    for key in ("refused", "error"):
        if isinstance(ours, dict) and isinstance(theirs, dict) and (key in ours or key in theirs) and ours != theirs:
            yield key, ours.get(key, "accepted"), theirs.get(key, "accepted")
            return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(key, ABSENT), theirs.get(key, ABSENT), f"{place}.{key}".lstrip("."))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for mine, other in zip(ours, theirs, strict=True):
            yield from differences(mine, other, f"{place}[]")
    elif ours != theirs:
        yield place, ours, theirs
