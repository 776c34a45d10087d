"""The Response object but for its output: what it repeats of the request (docs/protocol/openai.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liftgate import ids
from liftgate.answer.choice import Head
from liftgate.answer.counts import Counts
from liftgate.dialects.responses.fields import TOOLS
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.whole_numbers import as_whole

ID = ids.RESPONSE
_TOOLS = frozenset(row.field for row in TOOLS if row.fate == "mapped")
_SCHEMAS = ("parameters", "output_schema", "schema")
_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}


def echoed(request: JsonMapping) -> JsonObject:
    """What the request says that stands in its answer. Also of one that was not read yet, whose values may be
    anything."""
    echo: JsonObject = {}
    for name, value in request.items():
        if value is not None:
            if name in _AS_GIVEN:
                echo[name] = value
            elif (write := _WRITERS.get(name)) is not None:
                echo[name] = write(value)
    return echo


_LEFT_OUT: JsonObject = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": None,
    "store": True,
    "temperature": 1.0,
    "text": None,
    "tool_choice": "auto",
    "tools": None,
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "metadata": None,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "safety_identifier": None,
    "prompt_cache_key": None,
}
"""What is repeated of a request that says nothing; what may be changed afterwards is made anew each time. What was
stored in brief says nothing of these either: a value stays what it is."""


def _reasoning(value: object) -> JsonObject:
    given = value if isinstance(value, dict) else {}
    return {"effort": given.get("effort"), "summary": given.get("summary") or given.get("generate_summary")}


def _text(value: object) -> JsonObject:
    given = value if isinstance(value, dict) else {}
    return {"format": _format(given.get("format")), "verbosity": given.get("verbosity") or "medium"}


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


def _tools(value: object) -> list[object]:
    """Those that OpenAI's types know, of which Google's own are none."""
    listed = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [_tool(_present(each)) for each in listed if isinstance(kind := each.get("type"), str) and kind in _TOOLS]


def _tool(tool: JsonObject) -> JsonObject:
    """A function with all keys that the schema wants; a schema without strictness is held to be strict, as OpenAI's.
    What a server of tools gets to let us in is for nobody else to read, and stored nowhere."""
    if tool.get("type") == "function":
        strict = tool.get("strict")
        full = {"description": None, "parameters": None, **tool}
        return {**full, "strict": True if strict is None else strict}
    if tool.get("type") == "custom":
        return {"format": {"type": "text"}, **tool}
    if tool.get("type") == "code_interpreter":
        return {"container": {"type": "auto"}, **tool}
    if tool.get("type") == "mcp":
        shown = {key: value for key, value in tool.items() if key != "authorization"}
        if isinstance(headers := shown.get("headers"), dict):
            shown["headers"] = dict.fromkeys(headers, "<redacted>")
        return shown
    return {"description": "", **tool} if tool.get("type") == "namespace" else tool


def _choice(value: object) -> object:
    """OpenAI's type of a choice knows one name for all kinds of a search."""
    chosen = _present(value)
    if isinstance(chosen, dict) and str(chosen.get("type")).startswith("web_search"):
        return {**chosen, "type": "web_search_preview"}
    return chosen


_WRITERS: dict[str, Callable[[object], object]] = {
    "background": lambda value: value is True,
    "max_output_tokens": as_whole,
    "max_tool_calls": as_whole,
    "top_logprobs": as_whole,
    "tool_choice": _choice,
    "reasoning": _reasoning,
    "text": _text,
    "tools": _tools,
    "metadata": lambda value: value or {},
    "conversation": lambda value: {"id": value} if isinstance(value, str) else value,
}
_AS_GIVEN = frozenset({*_LEFT_OUT, "user"} - _WRITERS.keys())


def response(head: Head, echo: JsonMapping, state: JsonObject, *, tier: str | None = None) -> JsonObject:
    """The whole object. `echo`: of `echoed`. `state`: `status`, `output`, and what else is not null of `completed_at`,
    `error`, `incomplete_details`, `usage`, `extra_content`. `tier`: Google's word for the tier that served."""
    return {
        "id": ID + head.id,
        "object": "response",
        "created_at": head.created,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": head.model,
        **_LEFT_OUT,
        "reasoning": {"effort": None, "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tools": [],
        "metadata": {},
        **echo,
        "service_tier": _TIERS.get((tier or "").lower(), "default"),
        "usage": None,
        **state,
    }


def brief(whole: JsonMapping, echo: JsonMapping) -> JsonObject:
    """The Response object of an answer without what follows from its id, and from what its request did not say. `echo`:
    of it."""
    short = {
        **echo,
        "created_at": whole["created_at"],
        "model": whole["model"],
        "service_tier": whole["service_tier"],
        "status": whole["status"],
        "completed_at": whole["completed_at"],
        "usage": whole["usage"],
        "output": whole["output"],
    }
    if (details := whole["incomplete_details"]) is not None:
        short["incomplete_details"] = details
    if "extra_content" in whole:
        short["extra_content"] = whole["extra_content"]
    return short


def unabridged(response_id: str, short: JsonMapping) -> JsonObject:
    """The Response object of which `short` is the brief form."""
    return {**response(Head(response_id.removeprefix(ID), "", 0), {}, {}), **short}


def usage_of(counts: Counts, dollars: float | None = None) -> JsonObject:
    """`dollars`: what it cost, a field beside OpenAI's where it is shown. The input holds the prompt and what Google's
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
