"""The media of a request, before it is read as a whole: which files it needs.

A file may stand in a message of any role, in a tool's result, in an image of an earlier answer, and in the container of
a code interpreter. Costs nothing for an input that is a string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from liftgate.ask.inline_data import read_data
from liftgate.ask.media import Media, MediaFound
from liftgate.ask.media_parts import sort_out
from liftgate.dialects.responses.parts import read_media
from liftgate.json_types import JsonMapping, JsonObject

LISTS = {"function_call_output": "output", "custom_tool_call_output": "output"}
"""Where an item's parts stand that is no message."""
_WORDS = frozenset({"role", "content"})


def find_media(request: JsonMapping, history: Sequence[JsonObject], *, inline_limit: int) -> MediaFound:
    """The files of a request and of the turns before it. Raises InvalidRequest for a media part that cannot be read;
    anything else that is wrong with the request is left to its reading."""
    read: dict[str, Media] = {}
    earlier: list[Media] = []
    for name, items in (("history", history), ("input", request.get("input"))):
        if isinstance(items, list):
            for index, item in enumerate(items):
                if type(item) is dict and not (type(item.get("content")) is str and item.keys() <= _WORDS):
                    _in_item(item, f"{name}[{index}]", read, earlier)
    if (tools := request.get("tools")) is not None:
        for media in _in_containers(tools):
            read[media.param] = media
    if not read and not earlier:
        return MediaFound((), inline_limit)
    return sort_out(read, earlier, inline_limit=inline_limit)


def _in_item(item: JsonObject, where: str, read: dict[str, Media], earlier: list[Media]) -> None:
    kind = item.get("type")
    if kind == "image_generation_call":
        earlier += made_image(item, where)
    key = LISTS.get(kind, "content") if type(kind) is str else "content"
    parts = item.get(key)
    if type(parts) is not list or kind == "reasoning":
        return
    for place, part in enumerate(parts):
        if type(part) is dict and part.get("type") not in ("input_text", "output_text"):
            media = read_media(part, at := f"{where}.{key}[{place}]")
            if media is not None:
                read[at] = media


def made_image(item: JsonMapping, where: str) -> Iterator[Media]:
    """The image of an earlier answer. Its bytes say what type it is."""
    result = item.get("result")
    if type(result) is str and result:
        data, mime_type = read_data(result, f"{where}.result")
        yield Media(f"{where}.result", "inline", data, mime_type)


def container_file(file_id: str, param: str) -> Media:
    return Media(param, "file_id", file_id)


def _in_containers(tools: object) -> Iterator[Media]:
    for index, tool in enumerate(tools if type(tools) is list else ()):
        container: JsonObject | object = tool.get("container") if type(tool) is dict else None
        listed = container.get("file_ids") if type(container) is dict else None
        for place, file_id in enumerate(listed if type(listed) is list else ()):
            if type(file_id) is str and file_id:
                yield container_file(file_id, f"tools[{index}].container.file_ids[{place}]")
