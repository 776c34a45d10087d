"""Items as they are kept: a request's own input with ids, references to items, and media out of line.

What a client sends or a model makes as data lies in Files; its item names them. A part of the input then says `file_id`
for good. An image of an answer has `{"file_id": …, "head": …}` in the place of its text until it is shown again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import msgspec

from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media
from liftgate.dialects.responses.items import call_key
from liftgate.dialects.responses.media import LISTS
from liftgate.dialects.responses.parts import TYPES, read_media
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "compaction": "cmp",
}
_OURS = re.compile(r"[a-z]{2,4}_[a-z0-9]{24,32}")
_WITHOUT_STATUS = frozenset(
    {"reasoning", "custom_tool_call", "custom_tool_call_output", "mcp_call", "mcp_list_tools", "compaction"}
)
_DEFAULTS: dict[str, JsonObject] = {
    "input_image": {"detail": "auto"},
    "output_text": {"annotations": [], "logprobs": []},
}
"""What parts have where clients leave it out."""
_WORDS = ("input_text", "output_text", "refusal")
_INLINE_KEYS = {
    "input_image": ("image_url",),
    "input_file": ("file_data", "file_url"),
    "input_video": ("video_url",),
    "input_audio": ("input_audio",),
}

_DATA = frozenset(key for keys in _INLINE_KEYS.values() for key in keys)

Put: TypeAlias = Callable[[str], None]
"""Takes the id of the File in which data is kept, and writes it into the item."""


class Inline(msgspec.Struct, frozen=True):
    """Data in an item, and how a File takes its place."""

    media: Media
    put: Put


# ── a request's own input ────────────────────────────────────────────────────────────────────────────────────────────


def own_items(value: object, token: str, taken: Iterable[str] = ()) -> list[JsonObject]:
    """The items of an `input` that was read, whole and with ids. `token`: the response's, from which ids are made where
    the client's are not of our form, or are `taken`: by items before these, which are listed with them. The request
    stays as it is."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    assert isinstance(value, list), "it was read"
    ids = set(taken)
    return [_whole(item, f"{token}i{place:02d}", ids) for place, item in enumerate(value)]


def _whole(item: JsonObject, token: str, taken: set[str]) -> JsonObject:
    kind = item.get("type") or "message"
    given = item.get("id")
    if not isinstance(given, str) or given in taken or _OURS.fullmatch(given) is None:
        given = f"{_PREFIXES.get(kind, 'item')}_{token}"
    taken.add(given)
    whole: JsonObject = {**item, "type": kind, "id": given}
    if kind not in _WITHOUT_STATUS and whole.get("status") is None:
        whole["status"] = "completed"
    key = LISTS.get(kind, "content")
    if kind == "message" and isinstance(content := item.get("content"), str):
        whole["content"] = [_text(content, item.get("role"))]
    elif isinstance(parts := item.get(key), list):
        whole[key] = [_part(part) for part in parts]
    if kind == "code_interpreter_call" and isinstance(outputs := item.get("outputs"), list):
        whole["outputs"] = [dict(each) if isinstance(each, dict) else each for each in outputs]
    return whole


def _part(part: object) -> object:
    if not isinstance(part, dict):
        return part
    defaults = _DEFAULTS.get(str(part.get("type")))
    return dict(part) if defaults is None else {**defaults, **part}


def _text(text: str, role: object) -> JsonObject:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "input_text", "text": text}


def size_of_texts(value: object) -> int:
    """Characters of an `input` that stay with its items: not of media, which go into Files."""
    size, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, dict):
            waiting += [inner for key, inner in each.items() if key not in _DATA]
        elif isinstance(each, list):
            waiting += each
    return size


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────


def referenced(value: object) -> list[str]:
    """The ids of the items that an input names instead of repeating them."""
    if not isinstance(value, list):
        return []
    return [item["id"] for item in value if _is_reference(item) and isinstance(item.get("id"), str)]


def with_items(value: Sequence[JsonObject], items: Mapping[str, JsonObject]) -> list[JsonObject]:
    """The input with the items themselves in the place of their references."""
    return [items.get(item["id"], item) if _is_reference(item) else item for item in value]


def _is_reference(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    kind = item.get("type")
    if kind == "image_generation_call":
        return "result" not in item
    return kind == "item_reference" or (kind is None and "role" not in item and "content" not in item and "id" in item)


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def media_parts(items: Sequence[JsonObject]) -> Iterator[tuple[JsonObject, Media]]:
    """The parts of items of an input that name or bring a file, with what they say of it."""
    for item in items:
        kind = item.get("type")
        parts = item.get(LISTS.get(kind, "content") if isinstance(kind, str) else "content")
        if not isinstance(parts, list):
            continue
        for part in parts:
            if isinstance(part, dict) and part.get("type") in TYPES and part["type"] != "input_text":
                try:
                    media = read_media(part, "history")
                except InvalidRequest:
                    continue  # its reader says what is wrong with it
                if media is not None:
                    yield part, media


def only_words(items: Sequence[JsonObject]) -> bool:
    """Whether no file can be in these items."""
    for item in items:
        kind = item.get("type")
        if kind == "message":
            for part in item["content"]:
                if type(part) is not dict or part.get("type") not in _WORDS:
                    return False
        elif kind not in ("reasoning", "function_call", "custom_tool_call", "web_search_call"):
            return False
    return True


def inline_data(items: Sequence[JsonObject]) -> Iterator[Inline]:
    """All data in these items."""
    for part, media in media_parts(items):
        if media.kind == "inline":
            yield Inline(media, partial(_name_file, part))
    for holder, key in _images(items):
        text = holder[key]
        if isinstance(text, str) and text:
            data, mime_type = read_data(text, key)
            head = text[: len(text) - len(data)] if text.startswith("data:") else ""
            yield Inline(Media(key, "inline", data, mime_type), partial(_name_image, holder, key, head))


def _name_file(part: JsonObject, file_id: str) -> None:
    kind = part["type"]
    for key in _INLINE_KEYS[kind]:
        part.pop(key, None)
    if kind == "input_audio":
        part["type"] = "input_file"
    part["file_id"] = file_id


def _name_image(holder: JsonObject, key: str, head: str, file_id: str) -> None:
    holder[key] = {"file_id": file_id, "head": head}


def hidden_images(items: Sequence[JsonObject]) -> Iterator[tuple[str, Callable[[str | None], None]]]:
    """Images of answers that lie in Files: the File's id, and what takes its base64 back into the item (None: it is
    not there any more)."""
    for holder, key in _images(items):
        if isinstance(named := holder[key], dict):
            yield named["file_id"], partial(_show_image, holder, key, named["head"])


def _show_image(holder: JsonObject, key: str, head: str, data: str | None) -> None:
    if data is None:
        holder[key] = None if key == "result" else "data:,"
    else:
        holder[key] = head + data


def _images(items: Sequence[JsonObject]) -> Iterator[tuple[JsonObject, str]]:
    for item in items:
        kind = item.get("type")
        if kind == "image_generation_call" and "result" in item:
            yield item, "result"
        elif kind == "code_interpreter_call":
            for output in item.get("outputs") or ():
                if isinstance(output, dict) and output.get("type") == "image" and "url" in output:
                    yield output, "url"


def output_items(items: Sequence[JsonObject]) -> list[JsonObject]:
    """Copies of an answer's items, as far as `inline_data` changes them."""
    copies = []
    for item in items:
        if item.get("type") == "image_generation_call":
            item = dict(item)
        elif item.get("type") == "code_interpreter_call" and item.get("outputs"):
            item = {**item, "outputs": [dict(each) for each in item["outputs"]]}
        copies.append(item)
    return copies


def say_deleted(part: JsonObject, name: str) -> None:
    """In the place of a file of an earlier turn that is not there any more."""
    part.clear()
    part.update({"type": "input_text", "text": f"[The file {name} was deleted.]"})


# ── conversations ────────────────────────────────────────────────────────────────────────────────────────────────────


def with_results(history: Sequence[JsonObject], given: object) -> tuple[list[JsonObject], object]:
    """The items of a conversation and an input, with results next to their calls: of turns that ran at once, one may
    have been added between a call of another and its result."""
    results = {
        call_key(item["call_id"]): item
        for item in (*history, *(given if isinstance(given, list) else ()))
        if _is_result(item)
    }
    ordered: list[JsonObject] = []
    moved: set[int] = set()
    waiting: list[str] = []
    for item in history:
        kind = item.get("type")
        if id(item) in moved:
            continue
        if kind in ("function_call", "custom_tool_call"):
            waiting.append(call_key(item["call_id"]))
        elif _is_result(item):
            waiting = [each for each in waiting if each != call_key(item["call_id"])]
        elif kind == "message" and item.get("role") != "assistant":
            for each in [results[key] for key in waiting if key in results]:
                ordered.append(each)
                moved.add(id(each))
            waiting = []
        ordered.append(item)
    if isinstance(given, list) and moved:
        given = [item for item in given if id(item) not in moved]
    return ordered, given


def _is_result(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") in LISTS and isinstance(item.get("call_id"), str)
