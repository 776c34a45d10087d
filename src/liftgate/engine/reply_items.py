"""Items between their rows and what clients see of them: media go into Files when items are stored, and come back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import msgspec

from liftgate import ids
from liftgate.catalog.database import Database
from liftgate.catalog.rows.files import KEPT
from liftgate.catalog.rows.reply_items import ItemRow, items_named
from liftgate.catalog.steady import steady
from liftgate.dialects.responses import kept_items
from liftgate.dialects.responses.items import item_not_found, native_key
from liftgate.dialects.responses.native import Native, read
from liftgate.engine.attachments import Attachments
from liftgate.engine.files import Files
from liftgate.errors import FileNotFound, ItemNotFound
from liftgate.gemini_json import decoded_apart
from liftgate.json_types import JsonObject
from liftgate.large_bodies import LARGE, Body
from liftgate.records import FileRecord, Owner

_decode = msgspec.json.Decoder(dict).decode
_decode_value = msgspec.json.Decoder().decode
_body_of = attrgetter("item")

HiddenImage: TypeAlias = tuple[str, Callable[[str | None], None]]


@dataclass(frozen=True, slots=True)
class ItemPage:
    items: list[JsonObject]
    has_more: bool


def page_of(items: Sequence[JsonObject], *, after: str | None, limit: int, order: Literal["asc", "desc"]) -> ItemPage:
    """A page of items that are all in hand. Raises ItemNotFound for an `after` that is none of them."""
    listed = list(items if order == "asc" else reversed(items))
    start = 0
    if after is not None:
        ids = [item["id"] for item in listed]
        if after not in ids:
            raise ItemNotFound(after, param="after")
        start = ids.index(after) + 1
    return ItemPage(listed[start : start + limit], len(listed) > start + limit)


class ReplyItems:
    def __init__(self, db: Database, files: Files, attachments: Attachments) -> None:
        self._db = db
        self._files = files
        self._attachments = attachments

    async def show_items(
        self,
        owner: Owner,
        found: Sequence[ItemRow],
        natives: dict[str, Native] | None = None,
        *,
        earlier: bool = False,
        images: bool = False,
    ) -> list[JsonObject]:
        """The items of these rows, images of answers in their places again. `earlier`: for a request, in which a text
        stands where a File was deleted. `natives` takes what Gemini wants back with them. `images`: those of messages
        that came inline are shown as they came."""
        large = are_large(found)
        reading = partial(_read_apart if large else _read, found, natives)
        items, hidden = await asyncio.to_thread(reading) if large else reading()
        await self._fill_image(owner, hidden)
        if images:
            for part, media in kept_items.media_parts(items):
                if media.kind == "file_id" and part["type"] == "input_image":
                    await self._show_inline(owner, part, media.ref)
        if earlier:
            for name, parts in (await parts_by_file(items, large=large)).items():
                if await self.find(owner, name) is None:
                    for part in parts:
                        kept_items.say_deleted(part, name)
        return items

    async def show_images(self, owner: Owner, items: Sequence[JsonObject], *, large: bool = False) -> None:
        """Of answers, in the places from which `put_away` took them."""
        find: Callable[[], list[HiddenImage]] = partial(list, kept_items.hidden_images(items))
        await self._fill_image(owner, await asyncio.to_thread(find) if large else find())

    async def _fill_image(self, owner: Owner, hidden: Sequence[HiddenImage]) -> None:
        for file_id, show in hidden:
            show(await self._data(owner, file_id))

    async def _show_inline(self, owner: Owner, part: JsonObject, file_id: str) -> None:
        file = await self.find(owner, file_id)
        if file is not None and file.purpose == KEPT and (data := await self._data(owner, file_id)) is not None:
            del part["file_id"]
            part["image_url"] = f"data:{file.mime_type};base64,{data}"

    async def named(self, owner: Owner, references: Sequence[str], *, param: str = "input") -> dict[str, ItemRow]:
        """The items that a request names instead of repeating them, by id. Raises NotFound."""
        for item_id in references:
            if len(item_id) > ids.LONGEST:
                raise item_not_found(item_id, param)
        found = await self._db.read(lambda conn: items_named(conn, owner, references, steady(conn)))
        for item_id in references:
            if item_id not in found:
                raise item_not_found(item_id, param)
        return found

    async def resolved(
        self, owner: Owner, given: Sequence[JsonObject], found: Mapping[str, ItemRow], natives: dict[str, Native]
    ) -> list[JsonObject]:
        """What was given with these items in the place of their references."""
        items = await self.show_items(owner, list(found.values()), natives, earlier=True)
        return kept_items.with_items(given, dict(zip(found, items, strict=True)))

    async def find(self, owner: Owner, name: str) -> FileRecord | None:
        """A File by any of its names."""
        return self._files.known(owner, name) or await self._files.named(owner, name)

    async def _data(self, owner: Owner, file_id: str) -> str | None:
        """A File's bytes in base64; None where it was deleted."""
        try:
            file, source = await self._files.open(owner, file_id)
        except FileNotFound:
            return None
        data = bytearray()
        async for piece in source.read(0, file.bytes):
            data += piece
        return (await asyncio.to_thread(base64.b64encode, data)).decode()

    async def put_away(self, owner: Owner, items: Sequence[JsonObject], *, large: bool = False) -> list[str]:
        """Puts the data of these items into Files; the Files that have to stay as long as the items do. `large`: to
        look through them takes long, which is then done in a thread."""
        files: list[str] = []
        if not large and kept_items.only_words(items):
            return files
        look = partial(_inline_data, items)
        for inline in await asyncio.to_thread(look) if large else look():
            file = await self._attachments.keep(owner, inline.media)
            inline.put(file.id)
            files.append(file.id)
        for name in await parts_by_file(items, large=large):
            file_named = await self.find(owner, name)
            if file_named is not None and file_named.purpose == KEPT:
                files.append(file_named.id)
        return files


def are_large(rows: Iterable[ItemRow]) -> bool:
    """Whether to read these items takes long."""
    return sum(map(len, map(_body_of, rows))) >= LARGE


async def decoded_row(data: Body) -> Any:
    """What a row of ours keeps as JSON; a large one in a thread."""
    return _decode_value(data) if len(data) < LARGE else await asyncio.to_thread(decoded_apart, data)


def _read(
    rows: Sequence[ItemRow], natives: dict[str, Native] | None, decode: Callable[[Body], JsonObject] = _decode
) -> tuple[list[JsonObject], list[HiddenImage]]:
    items = [decode(row.item) for row in rows]
    if natives is not None:
        for row, item in zip(rows, items, strict=True):
            if row.signature is not None:
                natives[native_key(item)] = read(row.signature)
    return items, list(kept_items.hidden_images(items))


def _read_apart(
    rows: Sequence[ItemRow], natives: dict[str, Native] | None
) -> tuple[list[JsonObject], list[HiddenImage]]:
    """As `_read`, for a thread."""
    return _read(rows, natives, _decode_any)


def _decode_any(data: Body) -> JsonObject:
    return _decode(data) if len(data) < LARGE else decoded_apart(data)


def _inline_data(items: Sequence[JsonObject]) -> list[kept_items.Inline]:
    return list(kept_items.inline_data(items))


async def parts_by_file(items: Sequence[JsonObject], *, large: bool) -> dict[str, list[JsonObject]]:
    """The parts that name a File, by the name."""

    def look() -> dict[str, list[JsonObject]]:
        found: dict[str, list[JsonObject]] = {}
        for part, media in kept_items.media_parts(items):
            if media.kind == "file_id":
                found.setdefault(media.ref, []).append(part)
        return found

    return await asyncio.to_thread(look) if large else look()
