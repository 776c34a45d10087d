"""Items as they are kept: references to items, and media out of line.

What a client sends or a model makes as data lies in Files; its item names them. A part of the input then says `file_id`
for good. An image of an answer has `{"file_id": …, "head": …}` in the place of its text until it is shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
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
    return [named for item in value if (named := _named(item)) is not None]


def without_known(value: Sequence[JsonObject], known: Container[str]) -> list[JsonObject]:
    """An input without references to items of these ids, which stand in front of it: the model reads each once. OpenAI
    refuses such a request, and clients send it."""
    return [item for item in value if (named := _named(item)) is None or named not in known]


def with_items(value: Sequence[JsonObject], items: Mapping[str, JsonObject]) -> list[JsonObject]:
    """The input with the items themselves in the place of their references."""
    return [item if (named := _named(item)) is None else items.get(named, item) for item in value]


def _named(item: object) -> str | None:
    """The id that a reference names. None for what is no reference, and for one that names nothing: its reader refuses
    it."""
    if not isinstance(item, dict) or not isinstance(item_id := item.get("id"), str):
        return None
    kind = item.get("type")
    if kind == "image_generation_call":
        return None if "result" in item else item_id
    is_bare = kind is None and "role" not in item and "content" not in item
    return item_id if kind == "item_reference" or is_bare else None


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
