"""The Response object but for its output: what it repeats of the request (docs/protocol/openai.md)."""

from __future__ import annotations

from typing import Any

from liftgate.answer.choice import Head
from liftgate.answer.counts import Counts
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.whole_numbers import as_whole

ID = "resp_"
_SCHEMAS = ("parameters", "output_schema", "schema")
_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}


def echoed(request: JsonMapping) -> JsonObject:
    """What of the request stands in its answer. Also for one that was not read yet, whose values may be anything."""
    text = request.get("text")
    text = text if isinstance(text, dict) else {}
    reasoning = request.get("reasoning")
    reasoning = reasoning if isinstance(reasoning, dict) else {}
    tools = request.get("tools")
    conversation = request.get("conversation")
    echo: JsonObject = {
        "background": request.get("background") is True,
        "instructions": request.get("instructions"),
        "max_output_tokens": as_whole(request.get("max_output_tokens")),
        "max_tool_calls": as_whole(request.get("max_tool_calls")),
        "parallel_tool_calls": _given(request, "parallel_tool_calls", True),
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {
            "effort": reasoning.get("effort"),
            "summary": reasoning.get("summary") or reasoning.get("generate_summary"),
        },
        "store": _given(request, "store", True),
        "temperature": _given(request, "temperature", 1.0),
        "text": {"format": _format(text.get("format")), "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": _present(_given(request, "tool_choice", "auto")),
        "tools": [_tool(each) for each in tools] if isinstance(tools, list) else [],
        "top_logprobs": as_whole(_given(request, "top_logprobs", 0)),
        "top_p": _given(request, "top_p", 1.0),
        "truncation": _given(request, "truncation", "disabled"),
        "metadata": request.get("metadata") or {},
        "presence_penalty": _given(request, "presence_penalty", 0.0),
        "frequency_penalty": _given(request, "frequency_penalty", 0.0),
        "safety_identifier": request.get("safety_identifier"),
        "prompt_cache_key": request.get("prompt_cache_key"),
    }
    if (user := request.get("user")) is not None:
        echo["user"] = user
    if conversation is not None:
        echo["conversation"] = {"id": conversation} if isinstance(conversation, str) else conversation
    return echo


def _given(request: JsonMapping, name: str, default: object) -> object:
    value = request.get(name)
    return default if value is None else value


def _format(value: object) -> object:
    if not isinstance(value, dict):
        return {"type": "text"}
    return {"strict": False, **_present(value)} if value.get("type") == "json_schema" else _present(value)


def _present(value: Any) -> Any:
    """Without nulls, which count as absent; a caller's schema stays as it is."""
    if isinstance(value, list):
        return [_present(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: each if key in _SCHEMAS else _present(each) for key, each in value.items() if each is not None}


def _tool(tool: object) -> object:
    """A function with all keys that the schema wants; a schema without strictness is held to be strict, as OpenAI's."""
    tool = _present(tool)
    if not isinstance(tool, dict):
        return tool
    if tool.get("type") == "function":
        strict = tool.get("strict")
        full = {"description": None, "parameters": None, **tool}
        return {**full, "strict": True if strict is None else strict}
    if tool.get("type") == "custom":
        return {"format": {"type": "text"}, **tool}
    return {"description": "", **tool} if tool.get("type") == "namespace" else tool


def response(head: Head, echo: JsonMapping, state: JsonObject, *, tier: str | None = None) -> JsonObject:
    """The whole object. `state`: `status`, `output`, and what else is not null of `completed_at`, `error`,
    `incomplete_details`, `usage`, `extra_content`. `tier`: Google's word for the tier that served."""
    return {
        "id": ID + head.id,
        "object": "response",
        "created_at": head.created,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": head.model,
        **echo,
        "service_tier": _TIERS.get((tier or "").lower(), "default"),
        "usage": None,
        **state,
    }


def usage_of(counts: Counts, dollars: float | None = None) -> JsonObject:
    """`dollars`: what it cost, a field beside OpenAI's where it is told. The input holds the prompt and what Google's
    tools put into it; the output holds the answer and the thoughts."""
    prompt = counts.prompt + counts.tools
    output = counts.answer + counts.thoughts
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": min(counts.cached, prompt), "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": counts.thoughts},
        "total_tokens": prompt + output,
        **({} if dollars is None else {"cost": dollars}),
    }
