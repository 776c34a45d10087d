"""Input items → contents and systemInstruction.

Items that follow one another on the model's side (a message, its calls, what Google's tools did) are one turn of the
model's; a reasoning item between them changes nothing. Results are put to their calls by `call_id`, which clients also
give as the call's own id: `fc_x` and `call_x` are one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from liftgate.ask import checks
from liftgate.ask.body import Conversation
from liftgate.ask.builder import Ask
from liftgate.ask.media import Media
from liftgate.ask.media_parts import data_part
from liftgate.ask.tool_results import Call, Round, call_part, read_arguments, response_of
from liftgate.dialects.responses.fields import REFUSED_ITEMS
from liftgate.dialects.responses.media import made_image
from liftgate.dialects.responses.parts import IGNORED_KEYS, media_of, read_part, read_text
from liftgate.errors import InvalidRequest, NotFound, UnsupportedParameter, shortened
from liftgate.json_types import JsonMapping, JsonObject

ROLES = ("user", "assistant", "system", "developer")
_MESSAGE_KEYS = frozenset({"type", "role", "content", "id", "status", "phase", "extra_content", "parsed"})
_TEXT_KEYS = IGNORED_KEYS | {"text", "refusal", "annotations", "logprobs", "parsed", "extra_content"}
_CALL_KEYS = frozenset(
    {
        "type", "id", "call_id", "name", "namespace", "arguments", "input", "status", "caller", "created_by",
        "extra_content", "parsed_arguments",
    }
)  # fmt: skip
_OUTPUT_KEYS = frozenset(
    {"type", "id", "call_id", "output", "status", "name", "namespace", "caller", "created_by", "extra_content"}
)


def call_key(call_id: str) -> str:
    """What a call and its result have in common, whichever of a call's two ids a client gives."""
    return "call_" + call_id[3:] if call_id.startswith("fc_") else call_id


def call_ids(items: object) -> list[str]:
    """The calls of the history: those whose thought signatures are to be looked up."""
    return [
        call_key(item["call_id"])
        for item in (items if type(items) is list else ())
        if type(item) is dict
        and item.get("type") in ("function_call", "custom_tool_call")
        and type(item.get("call_id")) is str
    ]


def read_input(talk: Conversation, history: Sequence[JsonObject], value: object) -> None:
    """`history`: the items of the turns before; `value`: `input` itself. Raises InvalidRequest with the item's path,
    NotFound for a reference to an item that is not there."""
    if isinstance(value, str) and not history:
        talk.add_user([{"text": value}])
        return
    items = _Items(talk)
    for index, item in enumerate(history):
        _read(items, item, f"history[{index}]")
    if isinstance(value, str):
        items.user([{"text": value}])
    else:
        for index, item in enumerate(checks.array(value, "input")):
            _read(items, item, f"input[{index}]")
    items.end()


def _read(items: _Items, item: object, where: str) -> None:
    found = checks.mapping(item, where)
    kind = found.get("type")
    if kind is None:
        kind = "message" if "role" in found or "content" in found else "item_reference"
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is not None:
        read(items, found, where)
    elif isinstance(kind, str) and (reason := REFUSED_ITEMS.get(kind)):
        raise UnsupportedParameter(f"Unsupported item: '{where}' is a '{kind}': {reason}.", param=f"{where}.type")
    else:
        raise checks.invalid_value(f"{where}.type", kind, tuple(_READERS))


class _Items:
    """`parts`, `calls`: of the model's turn that is being read."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        self.ask = talk.ask
        self.parts: list[JsonObject] = []
        self.calls: list[Call] = []
        self._ids: set[str] = set()
        self._where = ""

    def say(self, part: JsonObject) -> None:
        """A part of the model's turn, which begins with it where none has begun."""
        if not self.parts:
            self._end_round()
        self.parts.append(part)

    def call(self, call_id: str, name: str, args: JsonObject, where: str) -> None:
        if call_id in self._ids:
            raise InvalidRequest(
                f"Invalid '{where}.call_id': {checks.shown(call_id)} is used twice.",
                param=f"{where}.call_id",
                code="invalid_value",
            )
        call = Call(call_id, name)
        self._where = self._where or where
        self.say(call_part(self.ask, call, args, self.ask.signatures.get(call_id), first=not self.calls))
        self.calls.append(call)
        self._ids.add(call_id)

    def end_turn(self) -> None:
        """The model's turn is over: what follows is another's."""
        if self.parts:
            spoken = [part for part in self.parts if part != {"text": ""}] or self.parts[:1]
            self.talk.add_model(spoken, Round(self._where, self.calls) if self.calls else None)
            self.parts, self.calls, self._ids, self._where = [], [], set(), ""

    def end(self) -> None:
        self.end_turn()
        self._end_round()

    def user(self, parts: list[JsonObject]) -> None:
        self.end_turn()
        self._end_round()
        self.talk.add_user(parts)

    def result(self, call_id: str, response: JsonObject, media: list[Media]) -> None:
        self.end_turn()
        waiting = self.talk.round
        place = waiting.waiting(call_id) if waiting is not None else None
        if waiting is None or place is None:
            raise InvalidRequest(
                f"No tool call found for function call output with call_id {shortened(call_id)}.", param="input"
            )
        waiting.answer(self.ask, place, response, media)

    def _end_round(self) -> None:
        if self.talk.round is not None and (missing := self.talk.round.missing()):
            raise InvalidRequest(f"No tool output found for function call {shortened(missing[0])}.", param="input")
        self.talk.end_round()


def _message(items: _Items, item: JsonObject, where: str) -> None:
    ask = items.ask
    role = checks.choice(checks.required(item, "role", where), f"{where}.role", ROLES)
    ask.refuse_unknown_keys(item, where, _MESSAGE_KEYS)
    content = checks.required(item, "content", where)
    at = f"{where}.content"
    if role == "assistant":
        for text in _said(ask, content, at):
            items.say({"text": text})
        return
    if isinstance(content, str):
        parts: list[JsonObject] = [{"text": content}]
    elif isinstance(content, list):
        listed = checks.array(content, at, least=1)
        parts = [read_part(ask, part, f"{at}[{place}]") for place, part in enumerate(listed)]
    else:
        raise checks.invalid_type(at, "one of a string or array of objects", content)
    if role == "user":
        items.user(parts)
    else:
        items.end_turn()
        items.talk.instruct(parts)


def _said(ask: Ask, content: object, where: str) -> list[str]:
    """What the model said. An empty message stays a turn."""
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        raise checks.invalid_type(where, "one of a string or array of objects", content)
    texts = []
    for place, part in enumerate(content):
        at = f"{where}[{place}]"
        found = checks.mapping(part, at)
        kind = checks.choice(checks.required(found, "type", at), f"{at}.type", ("output_text", "refusal"))
        ask.refuse_unknown_keys(found, at, _TEXT_KEYS)
        key = "text" if kind == "output_text" else kind
        texts.append(checks.string(checks.required(found, key, at), f"{at}.{key}"))
    return texts or [""]


def _reasoning(items: _Items, item: JsonObject, where: str) -> None:
    """Signatures are kept by their calls' ids; a summary is the client's to read, and goes to no model."""
    known = frozenset({"type", "id", "summary", "content", "encrypted_content", "status", "extra_content"})
    items.ask.refuse_unknown_keys(item, where, known)
    if (summary := item.get("summary")) is not None:
        checks.array(summary, f"{where}.summary")


def _name(item: JsonObject, where: str) -> str:
    name = checks.string(checks.required(item, "name", where), f"{where}.name", empty=False)
    space = item.get("namespace")
    return name if not space else f"{checks.string(space, f'{where}.namespace')}__{name}"


def _function_call(items: _Items, item: JsonObject, where: str) -> None:
    items.ask.refuse_unknown_keys(item, where, _CALL_KEYS)
    call_id = checks.string(checks.required(item, "call_id", where), f"{where}.call_id", empty=False)
    items.call(call_key(call_id), _name(item, where), read_arguments(item, where), where)


def _custom_call(items: _Items, item: JsonObject, where: str) -> None:
    items.ask.refuse_unknown_keys(item, where, _CALL_KEYS)
    call_id = checks.string(checks.required(item, "call_id", where), f"{where}.call_id", empty=False)
    text = checks.string(item.get("input") or "", f"{where}.input")
    items.call(call_key(call_id), _name(item, where), {"input": text}, where)


def _call_output(items: _Items, item: JsonObject, where: str) -> None:
    ask = items.ask
    ask.refuse_unknown_keys(item, where, _OUTPUT_KEYS)
    call_id = checks.string(checks.required(item, "call_id", where), f"{where}.call_id", empty=False)
    output = checks.required(item, "output", where)
    texts: list[str] = []
    media: list[Media] = []
    if isinstance(output, str):
        texts.append(output)
    elif isinstance(output, list):
        for place, part in enumerate(output):
            at = f"{where}.output[{place}]"
            found = checks.mapping(part, at)
            if found.get("type") == "input_text":
                texts.append(read_text(ask, found, at))
            else:
                media.append(media_of(ask, found, at))
    else:
        raise checks.invalid_type(f"{where}.output", "one of a string or array of objects", output)
    items.result(call_key(call_id), response_of(texts), media)


def _reference(items: _Items, item: JsonObject, where: str) -> None:
    """Whoever keeps items has put them in the place of their references before a request is read."""
    item_id = checks.string(checks.required(item, "id", where), f"{where}.id", empty=False)
    raise item_not_found(item_id)


def item_not_found(item_id: str) -> NotFound:
    """Also for an item of another owner's."""
    return NotFound(
        f"Item with id '{shortened(item_id)}' not found. Items are not persisted when `store` is set to false. Try "
        "again with `store` set to true, or remove this item from your input.",
        param="input",
    )


def _search(items: _Items, item: JsonObject, where: str) -> None:
    items.ask.notes.append(f"'{where}', a '{item['type']}', is not sent: what was found stands in the answer's text.")


def _code(items: _Items, item: JsonObject, where: str) -> None:
    """Code that Google ran, and what it printed, as text: Gemini's own parts were not kept."""
    code = checks.string(item.get("code") or "", f"{where}.code")
    lines = [f"```python\n{code}\n```"] if code else []
    for place, output in enumerate(checks.array(item.get("outputs") or [], f"{where}.outputs")):
        found = checks.mapping(output, f"{where}.outputs[{place}]")
        if found.get("type") == "logs":
            lines.append(checks.string(found.get("logs") or "", f"{where}.outputs[{place}].logs"))
    if lines:
        items.say({"text": "\n".join(lines)})


def _image(items: _Items, item: JsonObject, where: str) -> None:
    for media in made_image(item, where):
        items.say(data_part(items.ask, media))


def _mcp_call(items: _Items, item: JsonObject, where: str) -> None:
    told = {key: item.get(key) for key in ("server_label", "name", "arguments", "output", "error")}
    items.say({"text": msgspec.json.encode({key: value for key, value in told.items() if value is not None}).decode()})


_Reader: TypeAlias = Callable[[_Items, JsonObject, str], None]

_READERS: dict[str, _Reader] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "function_call_output": _call_output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _call_output,
    "item_reference": _reference,
    "web_search_call": _search,
    "file_search_call": _search,
    "code_interpreter_call": _code,
    "image_generation_call": _image,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _search,
}
ITEMS = frozenset(_READERS)


def has_items(request: JsonMapping) -> bool:
    """Whether the input says anything."""
    return request.get("input") not in (None, "", [])
