"""Counting a request's tokens: the same body as the real call, wrapped for countTokens, and OpenAI's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liftgate.answer import gemini_json as upstream
from liftgate.dialects.chat.question import ChatQuestion


def count_request(translation: ChatQuestion, model: str) -> dict[str, Any]:
    """The countTokens body (GEMINI.md 3.1); `model` is the upstream name, with or without `models/`."""
    return {"generateContentRequest": {"model": "models/" + model.removeprefix("models/"), **translation.body}}


def count_answer(reply: Mapping[str, Any]) -> dict[str, Any]:
    """`{"object": "response.input_tokens", "input_tokens": n}` (OPENAI.md 4). Raises UpstreamProtocolError."""
    if type(reply) is not dict or reply.get("totalTokens") is None:
        raise upstream.wrong("totalTokens", "a count", reply.get("totalTokens") if type(reply) is dict else reply)
    return {"object": "response.input_tokens", "input_tokens": upstream.count(reply, "totalTokens", "its root")}
