"""A whole answer → the Response object, and what both forms say of its end."""

from __future__ import annotations

import msgspec

from liftgate.answer.choice import Answer, Choice
from liftgate.answer.events import Speech
from liftgate.dialects.responses.echo import response, usage_of
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives
from liftgate.dialects.responses.output import Output, unseen
from liftgate.dialects.responses.question import ResponsesQuestion
from liftgate.errors import UpstreamAnswerBroken, shortened
from liftgate.json_types import JsonObject

_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})


class Ending(msgspec.Struct, frozen=True):
    """`event`: what the stream's last event is called, behind `response.`. `reason`: why it is incomplete. `refusal`:
    why there is nothing to read."""

    event: str
    reason: str | None = None
    refusal: str | None = None


def ending(choice: Choice) -> Ending:
    """Raises UpstreamAnswerBroken for an end that lies in no content: clients then ask again."""
    native = choice.finish_reason
    if native == "STOP":
        return Ending("completed")
    if native in _CUT:
        return Ending("incomplete", "max_output_tokens")
    if choice.is_withheld:
        why = None if choice.says_something else choice.refusal("Gemini gave no answer")
        return Ending("incomplete", "content_filter", why)
    why = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
    raise UpstreamAnswerBroken(f"Gemini gave its answer up ({native}){why}")


def whole(answer: Answer[ResponsesQuestion]) -> JsonObject:
    """The object of an answer whose fold has ended. Raises UpstreamAnswerBroken."""
    choice = answer.first
    ended = ending(choice)
    output = Output(answer, unseen)
    for event in choice.events:
        if not isinstance(event, Speech):
            output.take(event)
    return ended_response(answer, output, ended)


def natives_of(answer: Answer[ResponsesQuestion]) -> Natives:
    """What Gemini wants back with the items of an answer."""
    choice = answer.first
    if choice.plain:
        return NO_NATIVES
    natives: dict[str, Native] = {}
    output = Output(answer, unseen, natives)
    for event in choice.events:
        if not isinstance(event, Speech):
            output.take(event)
    return natives


def ended_response(answer: Answer[ResponsesQuestion], output: Output, ended: Ending) -> JsonObject:
    extra = output.finish(answer.first, ended.event, ended.refusal)
    state: JsonObject = {
        "status": ended.event,
        "output": output.items,
        "usage": usage_of(answer.counts, answer.dollars),
    }
    if ended.reason is None:
        state["completed_at"] = max(answer.ended_at, answer.head.created)
    else:
        state["incomplete_details"] = {"reason": ended.reason}
    if extra is not None:
        state["extra_content"] = extra
    return response(answer.head, answer.question.echo, state, tier=answer.service_tier)
