"""The conversation: `messages` → turns.

System and developer messages are instructions, wherever they stand. What each turn becomes stands in `ask/body`.
"""

from __future__ import annotations

from liftgate.ask import checks
from liftgate.ask.body import Conversation
from liftgate.ask.builder import Ask
from liftgate.ask.media import Media
from liftgate.ask.media_parts import media_part, read_known
from liftgate.ask.tool_results import Round, response_of
from liftgate.dialects.chat.assistant import read_turn
from liftgate.dialects.chat.media import IGNORED_KEYS, READERS, read_media
from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.json_types import JsonObject

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_PART_TYPES = ("text", *READERS)

_MESSAGE_KEYS = frozenset({"role", "content", "name", "cache_control"})
_TOOL_KEYS = frozenset({"role", "content", "tool_call_id", "name", "cache_control"})


def read_messages(ask: Ask, value: object, param: str) -> None:
    """Writes `contents` and `systemInstruction`. Raises InvalidRequest with the message's path."""
    messages = value if type(value) is list and value else checks.array(value, param, least=1)
    talk = Conversation(ask)
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise checks.invalid_type(f"{param}[{index}]", "an object", message)
        role, content = message.get("role"), message.get("content")
        if role == "user" or role == "assistant":
            if talk.round is not None:
                _end_round(talk, talk.round)
            if len(message) > 2 or type(content) is not str:
                _turn(talk, message, f"{param}[{index}]", of_user=role == "user")
            elif role == "user":
                talk.add_user([{"text": content}])
            else:
                talk.add_model([{"text": content}])
        elif role in ("system", "developer"):
            if len(message) > 2 or type(content) is not str:
                ask.refuse_unknown_keys(message, f"{param}[{index}]", _MESSAGE_KEYS)
                talk.instruct(_parts(ask, content, f"{param}[{index}].content"))
            else:
                talk.instructions.append({"text": content})
        elif role in ("tool", "function"):
            _result(talk, message, f"{param}[{index}]", legacy=role == "function")
        elif role is None:
            raise MissingParameter(f"{param}[{index}].role")
        else:
            raise checks.invalid_value(f"{param}[{index}].role", role, ROLES)
    if talk.round is not None:
        _end_round(talk, talk.round)
    talk.finish()


def _turn(talk: Conversation, message: JsonObject, where: str, *, of_user: bool) -> None:
    """A user's or the model's turn that is more than a text."""
    if of_user:
        if len(message) > 2:
            talk.ask.refuse_unknown_keys(message, where, _MESSAGE_KEYS)
        talk.add_user(_parts(talk.ask, message.get("content"), f"{where}.content"))
    else:
        turn = read_turn(talk.ask, message, where)
        talk.add_model(turn.parts, Round(where, turn.calls) if turn.calls else None)


def _parts(ask: Ask, content: object, where: str) -> list[JsonObject]:
    if type(content) is str:
        return [{"text": content}]
    if type(content) is not list:
        raise _no_content(where, content)
    if not content:
        checks.array(content, where, least=1)
    parts: list[JsonObject] = []
    for place, part in enumerate(content):
        if type(part) is dict and len(part) == 2 and part.get("type") == "text" and type(part.get("text")) is str:
            parts.append({"text": part["text"]})
        else:
            parts.append(_part(ask, part, f"{where}[{place}]"))
    return parts


def _part(ask: Ask, part: object, where: str) -> JsonObject:
    """One text or media part."""
    if type(part) is not dict:
        raise checks.invalid_type(where, "an object", part)
    if part.get("type") == "text":
        return {"text": _text(ask, part, where)}
    return media_part(ask, _media(ask, part, where))


def _media(ask: Ask, part: JsonObject, where: str) -> Media:
    media = ask.media.get(where) or read_known(part, where, read_media, _PART_TYPES)
    if len(part) > 2:
        ask.refuse_unknown_keys(part, where, IGNORED_KEYS | {part["type"]})
    return media


def _text(ask: Ask, part: JsonObject, where: str) -> str:
    if len(part) > 2:
        ask.refuse_unknown_keys(part, where, IGNORED_KEYS | {"text"})
    text = part.get("text")
    return text if type(text) is str else checks.string(checks.required(part, "text", where), f"{where}.text")


def _no_content(where: str, content: object) -> InvalidRequest:
    if content is None:
        return MissingParameter(where)
    return checks.invalid_type(where, "one of a string or array of objects", content)


def _result(talk: Conversation, message: JsonObject, where: str, *, legacy: bool) -> None:
    ask = talk.ask
    ask.refuse_unknown_keys(message, where, _TOOL_KEYS)
    if talk.round is None:
        role = "function" if legacy else "tool"
        raise InvalidRequest(
            f"Invalid parameter: messages with role '{role}' must be a response to a preceding message with "
            f"'{'function_call' if legacy else 'tool_calls'}'.",
            param=f"{where}.role",
        )
    content = message.get("content")
    texts: list[str] = []
    media: list[Media] = []
    if type(content) is list:
        for place, part in enumerate(checks.array(content, f"{where}.content", least=1)):
            at = f"{where}.content[{place}]"
            found = checks.mapping(part, at)
            if found.get("type") == "text":
                texts.append(_text(ask, found, at))
            else:
                media.append(_media(ask, found, at))
    elif type(content) is str:
        texts.append(content)
    elif not (legacy and content is None):
        raise _no_content(f"{where}.content", content)
    place = _call_of(talk.round, message, where, legacy=legacy)
    talk.round.answer(ask, place, response_of(texts), media)


def _call_of(calls: Round, message: JsonObject, where: str, *, legacy: bool) -> int:
    """The place of the call that a message answers."""
    at = f"{where}.name" if legacy else f"{where}.tool_call_id"
    wanted = checks.string(checks.required(message, "name" if legacy else "tool_call_id", where), at)
    if legacy:
        place = calls.waiting_by_name(wanted)
    else:
        place = calls.waiting(wanted) if wanted else calls.waiting_without_id(message.get("name"))
    if place is None:
        raise InvalidRequest(
            f"Invalid '{at}': {checks.shown(wanted)} is no call of the preceding assistant message that waits for "
            "a result.",
            param=at,
            code="invalid_value",
        )
    return place


def _end_round(talk: Conversation, calls: Round) -> None:
    """Raises InvalidRequest, in OpenAI's words, when a call has no result."""
    if missing := calls.missing():
        raise InvalidRequest(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(missing)[:500],
            param=calls.where,
        )
    talk.end_round()
