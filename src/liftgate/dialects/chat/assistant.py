"""Earlier answers of the model: an assistant message → the model's parts, thought signatures put back in their places.

Signatures come with the message (`extra_content.google.thought_signature`, Google's convention) or from the gateway's
store by tool call id. What the answer side put into `extra_content.google.parts` returns as the parts that it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.media import Media
from liftgate.ask.media_parts import data_part
from liftgate.ask.tool_results import Call, call_part, read_arguments
from liftgate.dialects.chat.media import IGNORED_KEYS, READERS
from liftgate.errors import InvalidRequest, MissingParameter, shortened
from liftgate.json_types import JsonObject

KEYS = frozenset(
    {
        "role", "content", "name", "refusal", "audio", "tool_calls", "function_call", "reasoning_content", "images",
        "extra_content", "annotations", "parsed", "cache_control", "provider_specific_fields",
    }
)  # fmt: skip
_CALL_KEYS = frozenset({"id", "type", "function", "custom", "index", "extra_content", "provider_specific_fields"})
RAW_PARTS = frozenset(
    {
        "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "functionCall", "functionResponse",
        "inlineData", "thoughtSignature",
    }
)  # fmt: skip
"""Parts that are sent again as they were. Not fileData: a URI is never taken from a client."""
_PLACES = frozenset({"index", "content_index", "call_index"})


@dataclass(slots=True)
class ModelTurn:
    """Its parts, and the calls that now wait for results."""

    parts: list[JsonObject] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def read_turn(ask: Ask, message: JsonObject, where: str) -> ModelTurn:
    """Raises InvalidRequest for what cannot be read."""
    content = message.get("content")
    ask.refuse_unknown_keys(message, where, KEYS)
    turn = ModelTurn()
    if (reasoning := message.get("reasoning_content")) is not None and reasoning != "":
        turn.parts.append({"text": checks.string(reasoning, f"{where}.reasoning_content"), "thought": True})
    texts = _texts(ask, content, f"{where}.content")
    if (refusal := message.get("refusal")) is not None and refusal != "":
        texts.append(checks.string(refusal, f"{where}.refusal"))
    google = _google(message, where)
    turn.parts.extend(_interleave(ask, texts, google, f"{where}.extra_content.google"))
    _images(ask, turn, message, where)
    _audio(ask, turn, message, where)
    _tool_calls(ask, turn, message, google, where)
    _legacy_call(ask, turn, message, where, None if texts else _signature(google, where))
    if not turn.parts:
        if "content" not in message:
            raise MissingParameter(f"{where}.content")
        # Answers of images alone, and those that a filter took, have null content; who keeps no more sends it back.
        turn.parts.append({"text": ""})
    return turn


def _texts(ask: Ask, content: object, where: str) -> list[str]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        raise checks.invalid_type(where, "one of a string or array of objects", content)
    texts = []
    for place, part in enumerate(checks.array(content, where, least=1)):
        at = f"{where}[{place}]"
        found = checks.mapping(part, at)
        kind = checks.choice(checks.required(found, "type", at), f"{at}.type", ("text", "refusal"))
        ask.refuse_unknown_keys(found, at, IGNORED_KEYS | {kind})
        texts.append(checks.string(checks.required(found, kind, at), f"{at}.{kind}"))
    return texts


def _google(owner: JsonObject, where: str) -> JsonObject:
    """`extra_content.google` of a message or a call."""
    extra = owner.get("extra_content")
    if extra is None:
        return {}
    google = checks.mapping(extra, f"{where}.extra_content").get("google")
    return {} if google is None else checks.mapping(google, f"{where}.extra_content.google")


def _signature(google: JsonObject, where: str) -> str | None:
    signature = google.get("thought_signature")
    if signature is None:
        return None
    return checks.string(signature, f"{where}.extra_content.google.thought_signature", empty=False)


def _interleave(ask: Ask, texts: list[str], google: JsonObject, where: str) -> list[JsonObject]:
    """The texts with Gemini's own parts put back at their code-point offsets (`content_index`)."""
    parts: list[JsonObject] = [{"text": text} for text in texts]
    raw = google.get("parts")
    if raw:
        parts = []
        text, at = "".join(texts), 0
        for place, each in enumerate(checks.array(raw, f"{where}.parts")):
            found = checks.mapping(each, f"{where}.parts[{place}]")
            if found.get("call_index") is not None:
                continue
            index = checks.integer(found.get("content_index") or 0, f"{where}.parts[{place}].content_index", 0, 2**53)
            if index > at and text[at:index]:
                parts.append({"text": text[at:index]})
                at = index
            _put_back(ask, parts, found, f"{where}.parts[{place}]")
        if text[at:]:
            parts.append({"text": text[at:]})
    if (signature := google.get("thought_signature")) is not None and (texts or raw):
        _sign(parts, checks.string(signature, f"{where}.thought_signature", empty=False))
    return parts


def _put_back(ask: Ask, parts: list[JsonObject], raw: JsonObject, where: str) -> None:
    """What cannot be sent again is left out: an answer that was given must never end the conversation."""
    part: JsonObject = {}
    for key, value in raw.items():
        if value is None or key in _PLACES:
            continue
        if key not in RAW_PARTS:
            ask.notes.append(f"'{where}.{shortened(key)}' is not sent back to Gemini.")
            continue
        part[key] = value
        if key == "thoughtSignature":
            checks.string(value, f"{where}.{key}", empty=False)
        else:
            _check_raw(key, checks.mapping(value, f"{where}.{key}"), f"{where}.{key}")
    if set(part) == {"thoughtSignature"}:
        _sign(parts, part["thoughtSignature"])
    elif part:
        parts.append(part)


def _check_raw(key: str, value: JsonObject, where: str) -> None:
    """A function response may hold files of its own: there too a URI is never taken from a client."""
    if key == "functionResponse":
        for place, part in enumerate(checks.array(value.get("parts") or [], f"{where}.parts")):
            if not isinstance(part, dict) or not {"inlineData"}.issuperset(part):
                raise checks.unknown(f"{where}.parts[{place}]")


def _sign(parts: list[JsonObject], signature: str) -> None:
    """On the last text; an empty one is made for a signature that came alone, as Gemini itself sends it."""
    if not parts or "text" not in parts[-1] or "thoughtSignature" in parts[-1]:
        parts.append({"text": ""})
    parts[-1]["thoughtSignature"] = signature


def _images(ask: Ask, turn: ModelTurn, message: JsonObject, where: str) -> None:
    images = message.get("images")
    if images is None:
        return
    for place, image in enumerate(checks.array(images, f"{where}.images")):
        at = f"{where}.images[{place}]"
        found = checks.mapping(image, at)
        ask.refuse_unknown_keys(found, at, IGNORED_KEYS | {"image_url", "index", "content_index", "extra_content"})
        media = READERS["image_url"](found, at)
        if media.kind != "inline":
            raise InvalidRequest(
                f"Invalid '{media.param}'. An image of an earlier answer is sent as a data URL.",
                param=media.param,
                code="invalid_value",
            )
        part = data_part(ask, media)
        if signature := _signature(_google(found, at), at):
            part["thoughtSignature"] = signature
        turn.parts.append(part)


def _audio(ask: Ask, turn: ModelTurn, message: JsonObject, where: str) -> None:
    audio = message.get("audio")
    if audio is None:
        return
    found = checks.mapping(audio, f"{where}.audio")
    data = found.get("data")
    if data is None:
        raise InvalidRequest(
            f"Invalid '{where}.audio': audio of earlier answers is not kept here; send its 'data' along, or its words "
            "as 'content'.",
            param=f"{where}.audio.id",
            code="invalid_value",
        )
    ask.refuse_unknown_keys(found, f"{where}.audio", frozenset({"id", "data", "expires_at", "transcript"}))
    # What models say is raw samples, unless its beginning tells otherwise.
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "pcm16"}}
    media = READERS["input_audio"](part, f"{where}.audio")
    param = f"{where}.audio.data"
    turn.parts.append(data_part(ask, Media(param, "inline", media.ref, media.mime_type)))


def _tool_calls(ask: Ask, turn: ModelTurn, message: JsonObject, google: JsonObject, where: str) -> None:
    tool_calls = message.get("tool_calls")
    if tool_calls is None:
        return
    behind = _behind_calls(google)
    for place, call in enumerate(checks.array(tool_calls, f"{where}.tool_calls")):
        at = f"{where}.tool_calls[{place}]"
        found = checks.mapping(call, at)
        ask.refuse_unknown_keys(found, at, _CALL_KEYS)
        call_id = checks.string(checks.required(found, "id", at), f"{at}.id")
        if call_id and call_id in turn.ids:
            raise InvalidRequest(
                f"Invalid '{at}.id': {checks.shown(call_id)} is used twice.", param=f"{at}.id", code="invalid_value"
            )
        name, args = _called(ask, found, at)
        signature = _signature(_google(found, at), at) or ask.signatures.get(call_id)
        _add_call(ask, turn, Call(call_id, name), args, signature)
        turn.ids.add(call_id)
        for number, raw in behind.get(len(turn.calls), ()):
            _put_back(ask, turn.parts, raw, f"{where}.extra_content.google.parts[{number}]")


def _behind_calls(google: JsonObject) -> dict[object, list[tuple[int, JsonObject]]]:
    """Gemini's own parts that stood behind calls, with their places, by the number of calls before them."""
    behind: dict[object, list[tuple[int, JsonObject]]] = {}
    for place, raw in enumerate(google.get("parts") or ()):
        if isinstance(raw, dict) and isinstance(index := raw.get("call_index"), int | float):
            behind.setdefault(index, []).append((place, raw))
    return behind


def _called(ask: Ask, call: JsonObject, at: str) -> tuple[str, JsonObject]:
    kind = call.get("type")
    kind = "function" if kind is None else checks.choice(kind, f"{at}.type", ("function", "custom"))
    called = checks.mapping(checks.required(call, kind, at), f"{at}.{kind}")
    name = checks.string(checks.required(called, "name", f"{at}.{kind}"), f"{at}.{kind}.name", empty=False)
    if kind == "custom":
        ask.refuse_unknown_keys(called, f"{at}.custom", frozenset({"name", "input"}))
        given = called.get("input")
        return name, {"input": "" if given is None else checks.string(given, f"{at}.custom.input")}
    ask.refuse_unknown_keys(called, f"{at}.function", frozenset({"name", "arguments", "parsed_arguments"}))
    return name, read_arguments(called, f"{at}.function")


def _legacy_call(ask: Ask, turn: ModelTurn, message: JsonObject, where: str, signature: str | None) -> None:
    call = message.get("function_call")
    if call is None:
        return
    at = f"{where}.function_call"
    found = checks.mapping(call, at)
    ask.refuse_unknown_keys(found, at, frozenset({"name", "arguments"}))
    name = checks.string(checks.required(found, "name", at), f"{at}.name", empty=False)
    _add_call(ask, turn, Call(None, name), read_arguments(found, at), signature)


def _add_call(ask: Ask, turn: ModelTurn, call: Call, args: JsonObject, signature: str | None) -> None:
    turn.parts.append(call_part(ask, call, args, signature, first=not turn.calls))
    turn.calls.append(call)
