"""Messages → contents and systemInstruction, in an order that Gemini takes.

Messages of one role that follow one another are one turn, as at Anthropic. The results of a turn's calls are gathered
into a content of their own, in the order of the calls; what else a user says beside them goes behind it. Instructions
in front of the conversation are systemInstruction; one in the middle keeps its place, as a user's text that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from liftgate.ask import checks
from liftgate.ask.body import Conversation
from liftgate.ask.builder import Ask
from liftgate.ask.tool_results import Call, Round, arguments_in, call_part
from liftgate.dialects.messages.blocks import (
    IGNORED_KEYS,
    is_plain,
    kind_of,
    listed,
    read_block,
    read_result,
    refuse,
)
from liftgate.dialects.messages.carrier import NOTHING_CARRIED, opened
from liftgate.dialects.messages.code import Ran, as_text
from liftgate.dialects.messages.fields import IGNORED_BLOCKS
from liftgate.dialects.messages.instructions import read_instructions, read_system
from liftgate.dialects.messages.media import MEDIA
from liftgate.dialects.messages.question import Reading
from liftgate.errors import InvalidRequest, shortened
from liftgate.json_types import JsonMapping, JsonObject

ROLES = ("user", "assistant", "system")
_MESSAGE_KEYS = frozenset({"role", "content"})
_RESULT_KEYS = IGNORED_KEYS | {"tool_use_id", "content", "is_error", "toolset_name"}
_IN_THE_MIDDLE = "<system>\n{}\n</system>"
"""How an instruction is marked that stands behind the conversation's beginning."""


def tool_use_ids(request: JsonMapping) -> list[str]:
    """The ids of the calls in the history: those whose thought signatures should be looked up."""
    messages = request.get("messages")
    found: list[str] = []
    for message in messages if type(messages) is list else ():
        if type(message) is dict and message.get("role") == "assistant" and type(message.get("content")) is list:
            for block in message["content"]:
                if type(block) is dict and block.get("type") == "tool_use" and type(block.get("id")) is str:
                    found.append(block["id"])
    return found


def read_messages(reading: Reading, value: object) -> None:
    """Raises InvalidRequest with the block's path."""
    talk = Conversation(reading.ask)
    if (system := reading.parameters.get("system")) is not None:
        talk.instruct([{"text": system}] if type(system) is str and system else read_instructions(reading, system))
    turns = Turns(reading, talk)
    messages = checks.array(value, "messages")
    if not messages:
        raise InvalidRequest("messages: at least one message is required", param="messages")
    last_user = _last_user(messages)
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        found = checks.mapping(message, where)
        role = checks.required(found, "role", where)
        if role not in ROLES:
            raise checks.invalid_value(f"{where}.role", role, ROLES)
        if role == "system":
            texts = read_system(reading, found, where, passed=index < last_user)
            if texts is not None:
                turns.system(texts)
            continue
        reading.ask.refuse_unknown_keys(found, where, _MESSAGE_KEYS)
        content = checks.required(found, "content", where)
        if role == "user":
            turns.user(content, where)
        else:
            turns.assistant(content, where)
    turns.end()
    if not reading.ask.facts.trailing_model_turn and talk.contents and talk.contents[-1]["role"] == "model":
        raise InvalidRequest("Prefilling assistant messages is not supported for this model.", param="messages")
    talk.finish()


def _last_user(messages: list[object]) -> int:
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if type(message) is dict and message.get("role") == "user":
            return index
    return -1


class ModelTurn:
    """A turn of the model's that is being read. `signed`: signatures that came with it, by the ids of blocks; "" for
    one that is known to be of another family of models."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.parts: list[JsonObject] = []
        self.calls: list[Call] = []
        self.ran = Ran()
        self.signed: dict[str, str] = {}
        self.where = ""
        self._ids: set[str] = set()

    def call(self, call: Call, args: JsonObject, where: str) -> None:
        call_id = call.id or ""
        if call_id in self._ids:
            raise InvalidRequest(f"`tool_use` ids must be unique: {shortened(call_id)}", param=f"{where}.id")
        signature = self.signed.get(call_id)
        if signature is None:
            signature = self.ask.signatures.get(call_id)
        self.where = self.where or where
        self.parts.append(call_part(self.ask, call, args, signature or None, first=not self.calls))
        self.calls.append(call)
        self._ids.add(call_id)


class Turns:
    def __init__(self, reading: Reading, talk: Conversation) -> None:
        self._reading = reading
        self._talk = talk
        self._model: ModelTurn | None = None
        self._begun = False
        self._behind: list[list[JsonObject]] = []

    def user(self, content: object, where: str) -> None:
        self._end_model()
        self._begun = True
        at = f"{where}.content"
        parts: list[JsonObject] = []
        results = 0
        for place, block in enumerate(listed(content, at)):
            if is_plain(block):
                parts.append({"text": block["text"]})
            elif kind_of(block, spot := f"{at}[{place}]") == "tool_result":
                self._result(block, spot)
                results += 1
            else:
                read_block(self._reading, block, spot, parts)
        if parts:
            self._say(parts)
        elif not results:
            raise InvalidRequest("user messages must have non-empty content", param=at)

    def system(self, texts: list[JsonObject]) -> None:
        if not self._begun:
            self._talk.instruct(texts)
            return
        self._end_model()
        if texts:
            self._say([{"text": _IN_THE_MIDDLE.format("\n".join(each["text"] for each in texts))}])

    def assistant(self, content: object, where: str) -> None:
        self._begun = True
        turn = self._model
        if turn is None:
            self._end_round()
            turn = self._model = ModelTurn(self._reading.ask)
        for place, block in enumerate(listed(content, f"{where}.content")):
            at = f"{where}.content[{place}]"
            kind = kind_of(block, at)
            if (read := _READERS.get(kind)) is not None:
                read(turn, block, at)
            elif kind in IGNORED_BLOCKS:
                if kind == "web_fetch_tool_result":
                    turn.ask.notes.append(f"'{at}', a '{kind}', is not sent: the answer's text says what was read.")
            elif kind in MEDIA:
                read_block(self._reading, block, at, turn.parts)
            else:
                refuse(kind, at, (*_READERS, *MEDIA, *IGNORED_BLOCKS))

    def end(self) -> None:
        self._end_model()
        self._end_round()

    def _result(self, block: JsonObject, where: str) -> None:
        ask = self._reading.ask
        ask.refuse_unknown_keys(block, where, _RESULT_KEYS)
        call_id = checks.string(checks.required(block, "tool_use_id", where), f"{where}.tool_use_id", empty=False)
        waiting = self._talk.round
        place = waiting.waiting(call_id) if waiting is not None else None
        if waiting is None or place is None:
            raise InvalidRequest(
                f"unexpected `tool_use_id` found in `tool_result` blocks: {shortened(call_id)}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message.",
                param=f"{where}.tool_use_id",
            )
        response, media = read_result(self._reading, block, where)
        waiting.answer(ask, place, response, media)

    def _say(self, parts: list[JsonObject]) -> None:
        if self._talk.round is not None:
            self._behind.append(parts)
        else:
            self._talk.add_user(parts)

    def _end_model(self) -> None:
        """The model's turn is over: what follows is another's. One of thoughts alone is none."""
        turn, self._model = self._model, None
        if turn is not None and any(not part.get("thought") for part in turn.parts):
            self._talk.add_model(turn.parts, Round(turn.where, turn.calls) if turn.calls else None)

    def _end_round(self) -> None:
        if self._talk.round is None:
            return
        if missing := self._talk.round.missing():
            names = ", ".join(shortened(each) for each in missing[:8])
            raise InvalidRequest(
                f"`tool_use` ids were found without `tool_result` blocks immediately after: {names}. Each `tool_use` "
                "block must have a corresponding `tool_result` block in the next message.",
                param=self._talk.round.where,
            )
        self._talk.end_round()
        for parts in self._behind:
            self._talk.add_user(parts)
        self._behind = []


# ── the blocks of the model's turn ───────────────────────────────────────────────────────────────


def _text(turn: ModelTurn, block: JsonObject, where: str) -> None:
    turn.ask.refuse_unknown_keys(block, where, IGNORED_KEYS | {"text", "citations", "parsed_output"})
    if text := checks.string(checks.required(block, "text", where), f"{where}.text"):
        turn.parts.append({"text": text})


def _thinking(turn: ModelTurn, block: JsonObject, where: str) -> None:
    turn.ask.refuse_unknown_keys(block, where, IGNORED_KEYS | {"thinking", "signature"})
    text = checks.string(block.get("thinking") or "", f"{where}.thinking")
    carried = opened(turn.ask.seal, block.get("signature"))
    if carried is None:
        turn.ask.notes.append(f"'{where}' is left out: it bears no signature of this gateway's.")
        return
    if carried.family == turn.ask.facts.family:
        turn.signed |= carried.signatures
    else:
        turn.signed |= dict.fromkeys(carried.signatures, "")
    if text:
        turn.parts.append({"text": text, "thought": True})


def _tool_use(turn: ModelTurn, block: JsonObject, where: str) -> None:
    known = IGNORED_KEYS | {"id", "name", "input", "caller", "toolset_name"}
    turn.ask.refuse_unknown_keys(block, where, known)
    call_id = checks.string(checks.required(block, "id", where), f"{where}.id", empty=False)
    name = checks.string(checks.required(block, "name", where), f"{where}.name", empty=False)
    turn.call(Call(call_id, name), _arguments(block.get("input")), where)


def _arguments(given: object) -> JsonObject:
    """Of a call that another model made: a stream that was cut leaves its text, which is no object yet."""
    if given is None:
        return {}
    if isinstance(given, dict):
        return given
    return arguments_in(given if isinstance(given, str) else msgspec.json.encode(given).decode())


def _server_tool_use(turn: ModelTurn, block: JsonObject, where: str) -> None:
    known = IGNORED_KEYS | {"id", "name", "input", "caller"}
    turn.ask.refuse_unknown_keys(block, where, known)
    tool_id = checks.string(checks.required(block, "id", where), f"{where}.id")
    checks.string(checks.required(block, "name", where), f"{where}.name")
    given = block.get("input")
    turn.ran.asked[tool_id] = {} if given is None else checks.mapping(given, f"{where}.input")


def _code_result(turn: ModelTurn, block: JsonObject, where: str) -> None:
    tool_id, content = _server_result(turn, block, where)
    turn.parts += turn.ran.parts(tool_id, content, turn.signed.get(tool_id) or None, where)


def _other_code_result(turn: ModelTurn, block: JsonObject, where: str) -> None:
    tool_id, content = _server_result(turn, block, where)
    turn.parts.append({"text": as_text(turn.ran.asked.get(tool_id, {}), content)})


def _search_result(turn: ModelTurn, block: JsonObject, where: str) -> None:
    _, content = _server_result(turn, block, where)
    sources = [each for each in content if type(each) is dict] if type(content) is list else []
    carried = opened(turn.ask.seal, sources[0].get("encrypted_content")) if sources else None
    if carried is not None and carried.family == turn.ask.facts.family:
        turn.parts += carried.parts
    elif carried is None and any(each.get("encrypted_content") != NOTHING_CARRIED for each in sources):
        turn.ask.notes.append(f"'{where}' is not sent: the answer's text says what was found.")


def _server_result(turn: ModelTurn, block: JsonObject, where: str) -> tuple[str, object]:
    turn.ask.refuse_unknown_keys(block, where, IGNORED_KEYS | {"tool_use_id", "content", "caller"})
    tool_id = checks.string(checks.required(block, "tool_use_id", where), f"{where}.tool_use_id")
    return tool_id, checks.required(block, "content", where)


_Reader: TypeAlias = Callable[[ModelTurn, JsonObject, str], None]

_READERS: dict[str, _Reader] = {
    "text": _text,
    "thinking": _thinking,
    "tool_use": _tool_use,
    "server_tool_use": _server_tool_use,
    "code_execution_tool_result": _code_result,
    "bash_code_execution_tool_result": _other_code_result,
    "text_editor_code_execution_tool_result": _other_code_result,
    "web_search_tool_result": _search_result,
}
