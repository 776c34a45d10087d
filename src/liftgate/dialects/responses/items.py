"""Input items → contents and systemInstruction: a reader for each kind of item, over `turns`.

A call's result may name the call by `call_id` or by the call's own id: `fc_x` and `call_x` are one call.
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
from liftgate.ask.tool_results import read_arguments, response_of
from liftgate.dialects.responses.fields import REFUSED_ITEMS
from liftgate.dialects.responses.media import made_image
from liftgate.dialects.responses.native import NO_NATIVES, Natives
from liftgate.dialects.responses.parts import IGNORED_KEYS, media_of, read_part, read_text
from liftgate.dialects.responses.sealed import open_summary
from liftgate.dialects.responses.turns import Turns
from liftgate.errors import InvalidRequest, NotFound, UnsupportedParameter, shortened
from liftgate.json_types import JsonMapping, JsonObject

ROLES = ("user", "assistant", "system", "developer")
_MESSAGE_KEYS = frozenset({"type", "role", "content", "id", "status", "phase", "extra_content", "parsed"})
_WORDS = frozenset({"type", "role", "content"})
_TEXT_KEYS = IGNORED_KEYS | {"text", "refusal", "annotations", "logprobs", "parsed", "extra_content"}
_CALL_KEYS = frozenset(
    {
        "type", "id", "call_id", "name", "namespace", "arguments", "input", "status", "async", "caller", "created_by",
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


def native_key(item: JsonMapping) -> str:
    """What `Natives` has of an item is under this."""
    named = call_ids([item])
    return named[0] if named else str(item.get("id"))


def read_input(talk: Conversation, history: Sequence[JsonObject], value: object, natives: Natives = NO_NATIVES) -> None:
    """`history`: the items of the turns before; `value`: `input` itself; `natives`: of items of both. Raises
    InvalidRequest with the item's path, NotFound for a reference to an item that is not there."""
    if isinstance(value, str) and not history:
        talk.add_user([{"text": value}])
        return
    if not isinstance(value, str | list):
        raise checks.invalid_type("input", "one of a string or array of objects", value)
    listed = [] if isinstance(value, str) else value
    words = 0 if history else _words_first(talk, listed)
    if words and words == len(listed):
        return
    items = Turns(talk, natives)
    items.open_seals((*history, *listed))
    for index, item in enumerate(history):
        _read(items, item, f"history[{index}]")
    if isinstance(value, str):
        items.user([{"text": value}])
    for index in range(words, len(listed)):
        _read(items, listed[index], f"input[{index}]")
    items.end()


def _words_first(talk: Conversation, listed: Sequence[object]) -> int:
    """Reads the plain words that an input begins with, as most inputs are nothing else; how many items these are."""
    for index, item in enumerate(listed):
        if type(item) is not dict or type(content := item.get("content")) is not str:
            return index
        role = item.get("role")
        # With a role and a content two keys are these.
        if len(item) != 2 and (not _WORDS.issuperset(item) or item.get("type", "message") != "message"):
            return index
        if role == "user":
            talk.add_user([{"text": content}])
        elif role == "system" or role == "developer":
            talk.instructions.append({"text": content})
        else:
            return index
    return len(listed)


def check_item(ask: Ask, item: object, where: str) -> None:
    """Raises for an item that no input may have, wherever it stood there. `ask.files` has all that it names."""
    items = Turns(Conversation(ask))
    items.open_seals([item])
    call_id = item.get("call_id") if type(item) is dict and str(item.get("type")).endswith("_output") else None
    if isinstance(call_id, str):
        items.call(call_key(call_id), "any", {}, where)
        items.end_turn()
    _read(items, item, where)


def _read(items: Turns, item: object, where: str) -> None:
    found = item if type(item) is dict else checks.mapping(item, where)
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


def _message(items: Turns, item: JsonObject, where: str) -> None:
    ask = items.ask
    role, content = item.get("role"), item.get("content")
    if role not in ROLES or content is None or not _MESSAGE_KEYS.issuperset(item):
        role = checks.choice(checks.required(item, "role", where), f"{where}.role", ROLES)
        ask.refuse_unknown_keys(item, where, _MESSAGE_KEYS)
        content = checks.required(item, "content", where)
    at = f"{where}.content"
    if role == "assistant":
        for text in _texts_of_model(ask, content, at):
            items.say({"text": text})
        items.messages.append(items.parts[-1])
        if signature := items.native(item).signature:
            items.parts[-1]["thoughtSignature"] = signature
        return
    if isinstance(content, str):
        parts: list[JsonObject] = [{"text": content}]
    elif isinstance(content, list):
        parts = [read_part(ask, part, f"{at}[{place}]") for place, part in enumerate(content)] or [{"text": ""}]
    else:
        raise checks.invalid_type(at, "one of a string or array of objects", content)
    if role == "user":
        items.user(parts)
    else:
        items.end_turn()
        items.talk.instruct(parts)


def _texts_of_model(ask: Ask, content: object, where: str) -> list[str]:
    """The model's words. An empty message stays a turn."""
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


def _reasoning(items: Turns, item: JsonObject, where: str) -> None:
    """Carries signatures under a seal, which are read before all items; those of texts are for the messages in front
    of it. A summary is the client's to read, and goes to no model."""
    known = frozenset({"type", "id", "summary", "content", "encrypted_content", "status", "extra_content"})
    items.ask.refuse_unknown_keys(item, where, known)
    if (summary := item.get("summary")) is not None:
        checks.array(summary, f"{where}.summary")
    if (encrypted := item.get("encrypted_content")) is not None:
        checks.string(encrypted, f"{where}.encrypted_content")
    if items.kept is not None:
        for back, signature in items.kept.texts_of(item).items():
            if back < len(items.messages):
                items.messages[-1 - back]["thoughtSignature"] = signature


def _name(item: JsonObject, where: str) -> str:
    name = checks.string(checks.required(item, "name", where), f"{where}.name", empty=False)
    space = item.get("namespace")
    return name if not space else f"{checks.string(space, f'{where}.namespace')}__{name}"


def _function_call(items: Turns, item: JsonObject, where: str) -> None:
    items.ask.refuse_unknown_keys(item, where, _CALL_KEYS)
    call_id = checks.string(checks.required(item, "call_id", where), f"{where}.call_id", empty=False)
    items.call(call_key(call_id), _name(item, where), read_arguments(item, where), where)


def _custom_call(items: Turns, item: JsonObject, where: str) -> None:
    items.ask.refuse_unknown_keys(item, where, _CALL_KEYS)
    call_id = checks.string(checks.required(item, "call_id", where), f"{where}.call_id", empty=False)
    text = checks.string(item.get("input") or "", f"{where}.input")
    items.call(call_key(call_id), _name(item, where), {"input": text}, where)


def _call_output(items: Turns, item: JsonObject, where: str) -> None:
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


def _reference(items: Turns, item: JsonObject, where: str) -> None:
    """Whoever keeps items has put them in the place of their references before a request is read."""
    item_id = checks.string(checks.required(item, "id", where), f"{where}.id", empty=False)
    raise item_not_found(item_id)


def item_not_found(item_id: str, param: str = "input") -> NotFound:
    """Also for an item of another owner's."""
    return NotFound(
        f"Item with id '{shortened(item_id)}' not found. Items are not persisted when `store` is set to false. Try "
        "again with `store` set to true, or remove this item from your input.",
        param=param,
    )


def _compaction(items: Turns, item: JsonObject, where: str) -> None:
    """A summary of ours, as if the user had asked for it."""
    items.ask.refuse_unknown_keys(item, where, frozenset({"type", "id", "encrypted_content", "created_by"}))
    at = f"{where}.encrypted_content"
    text = checks.string(checks.required(item, "encrypted_content", where), at)
    summary = open_summary(items.ask.seal(), text)
    if summary is None:
        raise InvalidRequest(
            f"The encrypted content of '{where}' could not be verified.", param=at, code="invalid_encrypted_content"
        )
    items.user([{"text": "Summarize our conversation so far."}])
    items.say({"text": summary})


def _search(items: Turns, item: JsonObject, where: str) -> None:
    if items.say_native(item):
        return
    items.ask.notes.append(f"'{where}', a '{item['type']}', is not sent: what was found stands in the answer's text.")


def _code(items: Turns, item: JsonObject, where: str) -> None:
    """Code that Google ran, and what it printed: in Gemini's own parts, or as text where they are not known."""
    if items.say_native(item):
        return
    code = checks.string(item.get("code") or "", f"{where}.code")
    lines = [f"```python\n{code}\n```"] if code else []
    for place, output in enumerate(checks.array(item.get("outputs") or [], f"{where}.outputs")):
        found = checks.mapping(output, f"{where}.outputs[{place}]")
        if found.get("type") == "logs":
            lines.append(checks.string(found.get("logs") or "", f"{where}.outputs[{place}].logs"))
    if lines:
        items.say({"text": "\n".join(lines)})


def _image(items: Turns, item: JsonObject, where: str) -> None:
    if "result" not in item:
        # OpenAI's clients name an image that is kept by its id alone.
        _reference(items, item, where)
    item_id = item.get("id")
    sealed = items.kept.images.get(item_id) if items.kept is not None and isinstance(item_id, str) else None
    signature = items.native(item).signature if sealed is None else sealed
    for media in made_image(item, where):
        part = data_part(items.ask, media)
        items.say({**part, "thoughtSignature": signature} if signature else part)


def _mcp_call(items: Turns, item: JsonObject, where: str) -> None:
    shown = {key: item.get(key) for key in ("server_label", "name", "arguments", "output", "error")}
    items.say({"text": msgspec.json.encode({key: value for key, value in shown.items() if value is not None}).decode()})


_Reader: TypeAlias = Callable[[Turns, JsonObject, str], None]

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
    "compaction": _compaction,
}
ITEMS = frozenset(_READERS)


def has_items(request: JsonMapping) -> bool:
    """Whether the input says anything."""
    return request.get("input") not in (None, "", [])
