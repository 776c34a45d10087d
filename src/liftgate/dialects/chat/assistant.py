"""What the model said earlier: an assistant message → the model's parts, thought signatures put back in their places.

Signatures come with the message (`extra_content.google.thought_signature`, Google's convention) or from the gateway's
store by tool call id. What the answer side put into `extra_content.google.parts` returns as the parts that it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from liftgate.ask import checks
from liftgate.ask.draft import Draft
from liftgate.ask.media import Media
from liftgate.ask.media_parts import data_part
from liftgate.ask.tool_results import Call
from liftgate.dialects.chat.content_parts import IGNORED_KEYS, READERS
from liftgate.errors import InvalidRequest, MissingParameter, shortened

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Google's documented value for a call whose signature is not to be had."""

RAW_ARGUMENTS = "arguments"
"""The one argument of a call whose arguments are no JSON object."""

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
"""Parts that a client may send back as they were. Not fileData: a URI is never taken from a client."""


@dataclass(slots=True)
class Said:
    """A model turn: its parts, and the calls that now wait for results."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def assistant_parts(draft: Draft, message: dict[str, Any], where: str) -> Said:
    """Raises InvalidRequest for what cannot be read."""
    content = message.get("content")
    if len(message) == 2 and type(content) is str:
        return Said([{"text": content}])  # an empty answer too: Gemini takes it, and the turns stay turns
    draft.only(message, where, KEYS)
    said = Said()
    if (reasoning := message.get("reasoning_content")) is not None and reasoning != "":
        said.parts.append({"text": checks.string(reasoning, f"{where}.reasoning_content"), "thought": True})
    texts = _texts(draft, content, f"{where}.content")
    if (refusal := message.get("refusal")) is not None and refusal != "":
        texts.append(checks.string(refusal, f"{where}.refusal"))
    google = _google(message, where)
    said.parts.extend(_interleave(texts, google, f"{where}.extra_content.google"))
    _images(draft, said, message, where)
    _audio(draft, said, message, where)
    _tool_calls(draft, said, message, google, where)
    _legacy_call(draft, said, message, where, None if texts else _signature(google, where))
    if not said.parts:
        if content is None:
            raise MissingParameter(f"{where}.content")
        said.parts.append({"text": ""})
    return said


def _texts(draft: Draft, content: object, where: str) -> list[str]:
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
        draft.only(found, at, IGNORED_KEYS | {kind})
        texts.append(checks.string(checks.required(found, kind, at), f"{at}.{kind}"))
    return texts


def _google(owner: dict[str, Any], where: str) -> dict[str, Any]:
    """`extra_content.google` of a message or a call."""
    extra = owner.get("extra_content")
    if extra is None:
        return {}
    google = checks.mapping(extra, f"{where}.extra_content").get("google")
    return {} if google is None else checks.mapping(google, f"{where}.extra_content.google")


def _signature(google: dict[str, Any], where: str) -> str | None:
    signature = google.get("thought_signature")
    if signature is None:
        return None
    return checks.string(signature, f"{where}.extra_content.google.thought_signature", empty=False)


def _interleave(texts: list[str], google: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The texts with Gemini's own parts put back at their code-point offsets (`content_index`)."""
    parts: list[dict[str, Any]] = [{"text": text} for text in texts]
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
            _put_back(parts, found, f"{where}.parts[{place}]")
        if text[at:]:
            parts.append({"text": text[at:]})
    if (signature := google.get("thought_signature")) is not None and (texts or raw):
        _sign(parts, checks.string(signature, f"{where}.thought_signature", empty=False))
    return parts


def _put_back(parts: list[dict[str, Any]], raw: dict[str, Any], where: str) -> None:
    places = ("index", "content_index", "call_index")
    part = {key: value for key, value in raw.items() if value is not None and key not in places}
    for key, value in part.items():
        if key not in RAW_PARTS:
            raise checks.unknown(f"{where}.{key}")
        if key == "thoughtSignature":
            checks.string(value, f"{where}.{key}", empty=False)
        else:
            _check_raw(key, checks.mapping(value, f"{where}.{key}"), f"{where}.{key}")
    if set(part) == {"thoughtSignature"}:
        _sign(parts, part["thoughtSignature"])
    elif part:
        parts.append(part)


def _check_raw(key: str, value: dict[str, Any], where: str) -> None:
    """A function response may hold files of its own: there too a URI is never taken from a client."""
    if key == "functionResponse":
        for place, part in enumerate(value.get("parts") or ()):
            if not isinstance(part, dict) or not {"inlineData"}.issuperset(part):
                raise checks.unknown(f"{where}.parts[{place}]")


def _sign(parts: list[dict[str, Any]], signature: str) -> None:
    """On the last text; an empty one is made for a signature that came alone, as Gemini itself sends it."""
    if not parts or "text" not in parts[-1] or "thoughtSignature" in parts[-1]:
        parts.append({"text": ""})
    parts[-1]["thoughtSignature"] = signature


def _images(draft: Draft, said: Said, message: dict[str, Any], where: str) -> None:
    images = message.get("images")
    if images is None:
        return
    for place, image in enumerate(checks.array(images, f"{where}.images")):
        at = f"{where}.images[{place}]"
        found = checks.mapping(image, at)
        draft.only(found, at, IGNORED_KEYS | {"image_url", "index", "content_index", "extra_content"})
        media = READERS["image_url"](found, at)
        if media.kind != "inline":
            raise InvalidRequest(
                f"Invalid '{media.param}'. An image of an earlier answer is sent as a data URL.",
                param=media.param,
                code="invalid_value",
            )
        part = data_part(draft, media)
        if signature := _signature(_google(found, at), at):
            part["thoughtSignature"] = signature
        said.parts.append(part)


def _audio(draft: Draft, said: Said, message: dict[str, Any], where: str) -> None:
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
    draft.only(found, f"{where}.audio", frozenset({"id", "data", "expires_at", "transcript"}))
    # What models say is raw samples, unless its beginning tells otherwise.
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "pcm16"}}
    media = READERS["input_audio"](part, f"{where}.audio")
    param = f"{where}.audio.data"
    said.parts.append(data_part(draft, Media(param, "inline", media.ref, media.mime_type)))


def _tool_calls(draft: Draft, said: Said, message: dict[str, Any], google: dict[str, Any], where: str) -> None:
    tool_calls = message.get("tool_calls")
    if tool_calls is None:
        return
    behind = _behind_calls(google)
    for place, call in enumerate(checks.array(tool_calls, f"{where}.tool_calls")):
        at = f"{where}.tool_calls[{place}]"
        found = checks.mapping(call, at)
        draft.only(found, at, _CALL_KEYS)
        call_id = checks.string(checks.required(found, "id", at), f"{at}.id")
        if call_id and call_id in said.ids:
            raise InvalidRequest(
                f"Invalid '{at}.id': {checks.shown(call_id)} is used twice.", param=f"{at}.id", code="invalid_value"
            )
        name, args = _called(draft, found, at)
        made = {"name": draft.sent_name(name), "args": args}
        part: dict[str, Any] = {"functionCall": {"id": call_id, **made} if call_id else made}
        signature = _signature(_google(found, at), at) or draft.signatures.get(call_id)
        _sign_call(draft, part, signature, first=not said.calls, called=call_id or f"the call of {name}")
        said.parts.append(part)
        said.calls.append(Call(call_id, name))
        said.ids.add(call_id)
        for number, raw in behind.get(len(said.calls), ()):
            _put_back(said.parts, raw, f"{where}.extra_content.google.parts[{number}]")


def _behind_calls(google: dict[str, Any]) -> dict[object, list[tuple[int, dict[str, Any]]]]:
    """Gemini's own parts that stood behind calls, with their places, by the number of calls before them."""
    behind: dict[object, list[tuple[int, dict[str, Any]]]] = {}
    for place, raw in enumerate(google.get("parts") or ()):
        if isinstance(raw, dict) and isinstance(index := raw.get("call_index"), int | float):
            behind.setdefault(index, []).append((place, raw))
    return behind


def _called(draft: Draft, call: dict[str, Any], at: str) -> tuple[str, dict[str, Any]]:
    kind = call.get("type")
    kind = "function" if kind is None else checks.choice(kind, f"{at}.type", ("function", "custom"))
    called = checks.mapping(checks.required(call, kind, at), f"{at}.{kind}")
    name = checks.string(checks.required(called, "name", f"{at}.{kind}"), f"{at}.{kind}.name", empty=False)
    if kind == "custom":
        draft.only(called, f"{at}.custom", frozenset({"name", "input"}))
        return name, {"input": checks.string(called.get("input") or "", f"{at}.custom.input")}
    draft.only(called, f"{at}.function", frozenset({"name", "arguments", "parsed_arguments"}))
    return name, _arguments(called, f"{at}.function")


def _arguments(called: dict[str, Any], at: str) -> dict[str, Any]:
    """What a model generated may be no JSON object (OpenAI's own warning); it is then sent whole, as one text."""
    text = checks.string(called.get("arguments") or "", f"{at}.arguments")
    if not text.strip():
        return {}
    try:
        args = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {RAW_ARGUMENTS: text}
    if args is None:
        return {}
    return args if isinstance(args, dict) else {RAW_ARGUMENTS: text}


def _sign_call(draft: Draft, part: dict[str, Any], signature: str | None, *, first: bool, called: str) -> None:
    if signature is None and first and draft.facts.signatures:
        # Only the first call of a step is checked for its signature (parallel calls come with one).
        signature = SKIP_SIGNATURE
        draft.notes.append(f"No thought signature is known for {shortened(called)}; Gemini's check of it is skipped.")
    if signature is not None:
        part["thoughtSignature"] = signature


def _legacy_call(draft: Draft, said: Said, message: dict[str, Any], where: str, signature: str | None) -> None:
    call = message.get("function_call")
    if call is None:
        return
    at = f"{where}.function_call"
    found = checks.mapping(call, at)
    draft.only(found, at, frozenset({"name", "arguments"}))
    name = checks.string(checks.required(found, "name", at), f"{at}.name", empty=False)
    part: dict[str, Any] = {"functionCall": {"name": draft.sent_name(name), "args": _arguments(found, at)}}
    _sign_call(draft, part, signature, first=not said.calls, called=f"the call of {name}")
    said.parts.append(part)
    said.calls.append(Call(None, name))
