"""The media of a chat request, before it is read as a whole: which files it needs.

It reads only parts that are media and costs nothing for a conversation of strings.
"""

from __future__ import annotations

from collections.abc import Iterator

from liftgate.ask.media import Media, MediaFound, sort_out
from liftgate.dialects.chat.content_parts import read_media
from liftgate.json_types import JsonMapping


def find_media(request: JsonMapping, *, inline_limit: int) -> MediaFound:
    """The files of a request. Raises InvalidRequest for a media part that cannot be read; anything else that is wrong
    with the request is left to its reading."""
    messages = request.get("messages")
    if type(messages) is not list:
        return MediaFound((), inline_limit)
    read: dict[str, Media] = {}
    earlier: list[Media] = []
    for index, message in enumerate(messages):
        if type(message) is not dict:
            continue
        content = message.get("content")
        if type(content) is list:
            for place, part in enumerate(content):
                if type(part) is dict and part.get("type") != "text":
                    where = f"messages[{index}].content[{place}]"
                    media = read_media(part, where)
                    if media is not None:
                        read[where] = media
        if "images" in message:
            earlier += _earlier_images(message["images"], f"messages[{index}].images")
    if not read and not earlier:
        return MediaFound((), inline_limit)
    return sort_out(read, earlier, inline_limit=inline_limit)


def _earlier_images(images: object, where: str) -> Iterator[Media]:
    """Images of earlier answers, as `assistant` reads them, which also says what is wrong with them."""
    for place, image in enumerate(images if type(images) is list else ()):
        linked = image.get("image_url") if type(image) is dict else None
        url = linked.get("url") if type(linked) is dict else None
        if type(url) is str and url[:5].lower() == "data:":
            media = read_media({"type": "image_url", "image_url": linked}, f"{where}[{place}]")
            if media is not None:
                yield media
