"""A whole answer → the Response object, and what both forms say of its end."""

from __future__ import annotations

import msgspec

from liftgate.answer.choice import Answer, Choice
from liftgate.answer.events import Speech
from liftgate.dialects.responses.echo import response, usage_of
from liftgate.dialects.responses.native import NO_NATIVES, Native, Natives
from liftgate.dialects.responses.output import Output, unseen
from liftgate.dialects.responses.question import NOTHING_SHOWN, ResponsesQuestion
from liftgate.errors import UpstreamAnswerBroken, shortened
from liftgate.json_types import JsonObject

_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})


class Ending(msgspec.Struct, frozen=True):
    """`event`: what the stream's last event is called, behind `response.`. `reason`: why it is incomplete. `refusal`:
    why there is nothing to read."""

    event: str
    reason: str | None = None
    refusal: str | None = None


_COMPLETED = Ending("completed")


def ending(choice: Choice) -> Ending:
    """Raises UpstreamAnswerBroken for an end that lies in no content: clients then ask again."""
    native = choice.finish_reason
    if native == "STOP":
        return _COMPLETED
    if native in _CUT:
        return Ending("incomplete", "max_output_tokens")
    if choice.is_withheld:
        why = None if choice.says_something else choice.refusal("Gemini gave no answer")
        return Ending("incomplete", "content_filter", why)
    why = f": {shortened(choice.finish_message)}" if choice.finish_message else "."
    raise UpstreamAnswerBroken(f"Gemini gave its answer up ({native}){why}")


def _is_text_alone(choice: Choice) -> bool:
    """Whether all of a whole answer is a text that came to its end."""
    return (
        choice.plain
        and choice.finish_reason == "STOP"
        and not (choice.metadata or choice.prompt_feedback or choice.citations or choice.left_out)
    )


def _text_alone(token: str, text: str) -> JsonObject:
    """The item that an `Output` makes of such an answer, as most are, in one step."""
    return {
        "id": f"msg_{token}00",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def whole(answer: Answer[ResponsesQuestion]) -> JsonObject:
    """The object of an answer whose fold has ended. Raises UpstreamAnswerBroken."""
    choice = answer.first
    ended = ending(choice)
    if answer.question.shown is NOTHING_SHOWN and _is_text_alone(choice):
        return _ended(answer, [_text_alone(answer.head.id, choice.text)], ended, None)
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
    return _ended(answer, output.items, ended, extra)


def _ended(
    answer: Answer[ResponsesQuestion], items: list[JsonObject], ended: Ending, extra: JsonObject | None
) -> JsonObject:
    state: JsonObject = {
        "status": ended.event,
        "output": items,
        "usage": usage_of(answer.counts, answer.dollars),
    }
    if ended.reason is None:
        state["completed_at"] = max(answer.ended_at, answer.head.created)
    else:
        state["incomplete_details"] = {"reason": ended.reason}
    if extra is not None:
        state["extra_content"] = extra
    return response(answer.head, answer.question.echo, state, tier=answer.service_tier)
