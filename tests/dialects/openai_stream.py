"""A chat stream put together again by the official client's own rule for deltas."""

from __future__ import annotations

import copy
from typing import Any

from openai.lib.streaming._deltas import accumulate_delta


def put_together(chunks: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By choice: {"message", "finish_reason", "logprobs"}. Fails on a stream that is not in OpenAI's order."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in copy.deepcopy(chunks):
        for each in chunk["choices"]:
            delta, index = each["delta"], each["index"]
            if index not in choices:
                assert delta["role"] == "assistant", "a choice begins with its role"
                choices[index] = {"message": dict(delta), "finish_reason": None, "logprobs": None}
                continue
            choice = choices[index]
            assert choice["finish_reason"] is None, "nothing follows the finish_reason"
            assert "role" not in delta, "the role is said once"
            choice["message"] = accumulate_delta(choice["message"], delta)
            choice["finish_reason"] = each["finish_reason"]
            if each["finish_reason"] is not None:
                assert delta == {}, "the last delta of a choice is empty"
            if each["logprobs"] is not None:
                choice["logprobs"] = (choice["logprobs"] or []) + each["logprobs"]["content"]
    return choices


def comparable(message: dict[str, Any], *, streamed: bool) -> dict[str, Any]:
    """A message without what only one form has: `index` of tool calls, a stream's missing nulls and empty lists."""
    found = {"refusal": None, "annotations": [], **message}
    if streamed:
        for call in found.get("tool_calls", []):
            del call["index"]
    return found
