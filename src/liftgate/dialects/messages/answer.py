"""A whole answer → the Message, and what both forms say of its end."""

from __future__ import annotations

import msgspec

from liftgate.answer.choice import Answer, Choice, Head
from liftgate.answer.counts import Counts
from liftgate.dialects.messages.output import Output
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.errors import UpstreamAnswerBroken, shortened
from liftgate.json_types import JsonObject

_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})
_TIERS = {"standard": "standard", "flex": "standard", "priority": "priority", "batch": "batch"}


class Ending(msgspec.Struct, frozen=True):
    """`reason`: Anthropic's stop_reason. `refusal`: why the model, or a filter, would not."""

    reason: str
    refusal: str | None = None

    @property
    def delta(self) -> JsonObject:
        """What a Message, and the last delta of a stream, say of the end."""
        details = None
        if self.refusal is not None:
            details = {"type": "refusal", "category": None, "explanation": self.refusal}
        return {"stop_reason": self.reason, "stop_sequence": None, "stop_details": details}


def ending(choice: Choice, *, calls: bool) -> Ending:
    """`calls`: the client is to run a tool. Raises UpstreamAnswerBroken for an end that lies in no content, and for an
    answer with nothing in it: clients take it for good, or ask again for ever."""
    native = choice.finish_reason
    if native in _CUT:
        return Ending("max_tokens")
    if native != "STOP":
        if choice.is_withheld:
            return Ending("refusal", choice.refusal("Gemini ended its answer"))
        why = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
        raise UpstreamAnswerBroken(f"Gemini gave its answer up ({native}){why}")
    if not choice.says_something:
        raise UpstreamAnswerBroken("Gemini's answer was empty.")
    return Ending("tool_use" if calls else "end_turn")


def whole(answer: Answer[MessagesQuestion]) -> JsonObject:
    """The object of an answer whose fold has ended. Raises UpstreamAnswerBroken."""
    choice = answer.first
    ended = ending(choice, calls=bool(choice.calls))
    if choice.plain and not choice.metadata:
        text = choice.text
        content = [{"type": "text", "text": text}] if text else []
        return message(answer.head, content, ended.delta, usage_of(answer))
    output = Output(answer.head.id, answer.question, _unseen)
    for event in choice.events:
        output.take(event)
    output.finish(choice)
    return message(answer.head, output.blocks, ended.delta, usage_of(answer, output.searches))


def message(head: Head, content: list[JsonObject], end: JsonObject, usage: JsonObject) -> JsonObject:
    return {
        "id": f"msg_{head.id}",
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": content,
        **end,
        "usage": usage,
        "container": None,
    }


def usage_of(answer: Answer[MessagesQuestion], searches: int = 0, counts: Counts | None = None) -> JsonObject:
    """Cached tokens stand beside the input and not in it; thoughts are part of the output. `searches`: on the web.
    What it cost is a field beside Anthropic's, where it is shown. `counts`: others than the answer's last ones."""
    counts = counts or answer.counts
    prompt = counts.prompt + counts.tools
    cached = min(counts.cached, prompt)
    return {
        "input_tokens": prompt - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": counts.answer + counts.thoughts,
        "output_tokens_details": {"thinking_tokens": counts.thoughts},
        "server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 0} if searches else None,
        "service_tier": _TIERS.get((answer.service_tier or "").lower(), "standard"),
        **({} if answer.dollars is None else {"cost": answer.dollars}),
    }


def _unseen(kind: str, fields: JsonObject) -> None:
    """A whole answer has no events."""


def counted(tokens: int) -> JsonObject:
    return {"input_tokens": tokens}
