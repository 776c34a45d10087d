"""The conversation: `messages` → contents and systemInstruction.

System and developer messages become the system instruction, in their order; files among them go to the model in a user
content at their place, because Gemini's instruction is text. Tool results are gathered into one content per round
of calls. Orders of turns that only OpenAI takes are made such that Gemini takes them.
"""

from __future__ import annotations

from typing import Any

from liftgate.ask import checks
from liftgate.ask.draft import Draft
from liftgate.ask.media import Media
from liftgate.ask.media_parts import media_part
from liftgate.ask.tool_results import Round, read_result
from liftgate.dialects.chat.assistant import assistant_parts
from liftgate.dialects.chat.content_parts import IGNORED_KEYS, READERS, read_media
from liftgate.errors import InvalidRequest, MissingParameter

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
CONTINUE = "Continue."
"""Said for the user behind a turn of the model's, where Google refuses such an end (GEMINI-MORE.md 11.2)."""
_PART_TYPES = ("text", *READERS)

_MESSAGE_KEYS = frozenset({"role", "content", "name", "cache_control"})
_TOOL_KEYS = frozenset({"role", "content", "tool_call_id", "name", "cache_control"})


class Conversation:
    """What has been read of the messages so far."""

    __slots__ = ("contents", "draft", "instructions", "round")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.contents: list[dict[str, Any]] = []
        self.instructions: list[dict[str, Any]] = []
        self.round: Round | None = None


def read_messages(draft: Draft, value: object) -> None:
    """Writes `contents` and `systemInstruction`. Raises InvalidRequest with the message's path."""
    messages = checks.array(value, "messages", least=1)
    talk = Conversation(draft)
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise checks.invalid_type(f"messages[{index}]", "an object", message)
        role = message.get("role")
        if role == "user":
            _close(talk, index)
            if len(message) > 2:
                draft.only(message, f"messages[{index}]", _MESSAGE_KEYS)
            talk.contents.append({"role": "user", "parts": _user_parts(draft, message, index)})
        elif role == "assistant":
            _close(talk, index)
            _assistant(talk, message, index)
        elif role in ("system", "developer"):
            _system(talk, message, index)
        elif role in ("tool", "function"):
            _result(talk, message, index, legacy=role == "function")
        elif role is None:
            raise MissingParameter(f"messages[{index}].role")
        else:
            raise checks.invalid_value(f"messages[{index}].role", role, ROLES)
    _close(talk, len(messages))
    _finish(talk, messages)


def _finish(talk: Conversation, messages: list[dict[str, Any]]) -> None:
    """The body's contents and instruction, once all messages were read.

    Gemini wants at least one content, the user's turn before a turn with calls, and on some models the user's turn at
    the end. Where no user speaks, the instruction is what the user says, in each turn of such a conversation; else an
    empty text of the user's is recorded to do.
    """
    draft, contents = talk.draft, talk.contents
    opening = not contents or (contents[0]["role"] == "model" and _opens_with_calls(contents))
    silent = opening and not any(message["role"] == "user" for message in messages)
    if talk.instructions and draft.facts.system_instruction and not silent:
        draft.body["systemInstruction"] = {"parts": talk.instructions}
    elif talk.instructions:
        contents.insert(0, {"role": "user", "parts": talk.instructions})
        opening = False
    if opening:
        contents.insert(0, {"role": "user", "parts": [{"text": ""}]})
    if not draft.facts.trailing_model_turn and contents[-1]["role"] == "model":
        contents.append({"role": "user", "parts": [{"text": CONTINUE}]})
    draft.body["contents"] = contents


def _opens_with_calls(contents: list[dict[str, Any]]) -> bool:
    """Whether a call stands in the contents before the first of the user's."""
    for content in contents:
        if content["role"] != "model":
            return False
        if any("functionCall" in part for part in content["parts"]):
            return True
    return False


def _user_parts(draft: Draft, message: dict[str, Any], index: int) -> list[dict[str, Any]]:
    content = message.get("content")
    if type(content) is str:
        return [{"text": content}]
    where = f"messages[{index}].content"
    if type(content) is not list:
        raise _no_content(where, content)
    checks.array(content, where, least=1)
    return [read_part(draft, part, f"{where}[{place}]") for place, part in enumerate(content)]


def read_part(draft: Draft, part: object, where: str) -> dict[str, Any]:
    """One text or media part."""
    found = checks.mapping(part, where)
    if found.get("type") == "text":
        return {"text": read_text(draft, found, where)}
    return media_part(draft, _media(draft, found, where))


def _media(draft: Draft, part: dict[str, Any], where: str) -> Media:
    media = draft.media.get(where) or read_media(part, where)
    if media is None:
        if part.get("type") is None:
            raise MissingParameter(f"{where}.type")
        raise checks.invalid_value(f"{where}.type", part["type"], _PART_TYPES)
    draft.only(part, where, IGNORED_KEYS | {part["type"]})
    return media


def read_text(draft: Draft, part: dict[str, Any], where: str) -> str:
    if len(part) > 2:
        draft.only(part, where, IGNORED_KEYS | {"text"})
    text = part.get("text")
    return text if type(text) is str else checks.string(checks.required(part, "text", where), f"{where}.text")


def _no_content(where: str, content: object) -> InvalidRequest:
    if content is None:
        return MissingParameter(where)
    return checks.invalid_type(where, "one of a string or array of objects", content)


def _system(talk: Conversation, message: dict[str, Any], index: int) -> None:
    draft = talk.draft
    draft.only(message, f"messages[{index}]", _MESSAGE_KEYS)
    media: list[dict[str, Any]] = []
    for part in _user_parts(draft, message, index):
        (talk.instructions if "text" in part else media).append(part)
    if media and talk.round is not None:
        talk.round.media.extend(media)
    elif media:
        talk.contents.append({"role": "user", "parts": media})


def _assistant(talk: Conversation, message: dict[str, Any], index: int) -> None:
    said = assistant_parts(talk.draft, message, f"messages[{index}]")
    if said.parts:
        talk.contents.append({"role": "model", "parts": said.parts})
    if said.calls:
        talk.round = Round(index, said.calls)


def _result(talk: Conversation, message: dict[str, Any], index: int, *, legacy: bool) -> None:
    where = f"messages[{index}]"
    draft = talk.draft
    draft.only(message, where, _TOOL_KEYS)
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
                texts.append(read_text(draft, found, at))
            else:
                media.append(_media(draft, found, at))
    elif type(content) is str:
        texts.append(content)
    elif not (legacy and content is None):
        raise _no_content(f"{where}.content", content)
    read_result(draft, talk.round, message, where, texts, media)


def _close(talk: Conversation, index: int) -> None:
    """The round of calls, if any, is over: every call must have its result."""
    if talk.round is not None:
        talk.contents.extend(talk.round.contents())
        talk.round = None
