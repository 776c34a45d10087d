"""A user's content blocks → Gemini's parts, and a tool's result → its response and the files among it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn

from liftgate.ask import checks
from liftgate.ask.media import Media
from liftgate.ask.media_parts import media_part
from liftgate.ask.tool_results import response_of
from liftgate.dialects.messages.fields import REFUSED_BLOCKS
from liftgate.dialects.messages.media import read_source, uploaded
from liftgate.dialects.messages.question import Reading
from liftgate.errors import UnsupportedParameter
from liftgate.json_types import JsonObject

IGNORED_KEYS = frozenset({"type", "cache_control"})
_KEYS = {
    "text": IGNORED_KEYS | {"text", "citations"},
    "image": IGNORED_KEYS | {"source", "transformations"},
    "document": IGNORED_KEYS | {"source", "citations", "title", "context"},
    "search_result": IGNORED_KEYS | {"source", "title", "content", "citations"},
    "container_upload": IGNORED_KEYS | {"file_id"},
    "tool_reference": IGNORED_KEYS | {"tool_name"},
}
_ANYWHERE = ("text", "image", "document", "search_result", "container_upload")
_IN_RESULTS = (*_ANYWHERE, "tool_reference")
_SOURCE_KEYS = frozenset({"type", "media_type", "data", "url", "file_id", "content"})
_DEEPEST = 3


def listed(content: object, where: str) -> list[JsonObject]:
    """The blocks of a content; a text is one block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise checks.invalid_type(where, "one of a string or array of objects", content)
    for place, block in enumerate(content):
        if type(block) is not dict:
            raise checks.invalid_type(f"{where}[{place}]", "an object", block)
    return content


def is_plain(block: JsonObject) -> bool:
    """Whether it is a text and nothing else, as most blocks are."""
    return len(block) == 2 and block.get("type") == "text" and type(text := block.get("text")) is str and text != ""


def kind_of(block: JsonObject, where: str) -> str:
    return checks.string(checks.required(block, "type", where), f"{where}.type")


def read_blocks(reading: Reading, content: object, where: str) -> list[JsonObject]:
    """Parts; none for empty texts, which Gemini refuses."""
    parts: list[JsonObject] = []
    for place, block in enumerate(listed(content, where)):
        read_block(reading, block, f"{where}[{place}]", parts)
    return parts


def read_block(reading: Reading, block: JsonObject, where: str, parts: list[JsonObject]) -> None:
    """Puts its parts behind those that are there."""
    for piece in pieces_of(reading, block, where):
        parts.append({"text": piece} if isinstance(piece, str) else media_part(reading.ask, piece))


def pieces_of(
    reading: Reading, block: JsonObject, where: str, levels: int = _DEEPEST, allowed: tuple[str, ...] = _ANYWHERE
) -> Iterator[str | Media]:
    """What one block holds: texts and files, in its order. `allowed`: the types that may stand there. Raises
    InvalidRequest and UnsupportedParameter."""
    kind = block.get("type")
    if kind not in allowed:
        refuse(kind_of(block, where), where, allowed if allowed is _IN_RESULTS else (*allowed, "tool_result"))
    reading.ask.refuse_unknown_keys(block, where, _KEYS[kind])
    if kind == "text":
        if text := checks.string(checks.required(block, "text", where), f"{where}.text"):
            yield text
    elif kind == "search_result":
        yield _search_result(reading, block, where)
    elif kind == "tool_reference":
        yield f"Tool: {checks.string(checks.required(block, 'tool_name', where), f'{where}.tool_name')}"
    elif kind == "container_upload":
        if not reading.runs_code:
            raise UnsupportedParameter(
                f"Unsupported block: '{where}' is a 'container_upload', and the request has no code_execution tool.",
                param=f"{where}.type",
            )
        yield reading.ask.media.get(where) or uploaded(block, where)
    else:
        yield from _file(reading, block, where, levels)


def refuse(kind: str, where: str, allowed: Iterable[str]) -> NoReturn:
    if reason := REFUSED_BLOCKS.get(kind):
        raise UnsupportedParameter(f"Unsupported block: '{where}' is a '{kind}': {reason}.", param=f"{where}.type")
    raise checks.invalid_value(f"{where}.type", kind, list(allowed))


def _file(reading: Reading, block: JsonObject, where: str, levels: int) -> Iterator[str | Media]:
    ask = reading.ask
    media = ask.media.get(where) or read_source(block, where)
    if not _SOURCE_KEYS.issuperset(block["source"]):
        ask.refuse_unknown_keys(block["source"], f"{where}.source", _SOURCE_KEYS)
    if block["type"] == "document":
        if "citations" in block:
            refuse_citations(reading, block, where)
        if ("title" in block or "context" in block) and (head := _title(block, where)):
            yield head
    if media is not None:
        yield media
        return
    at, source = f"{where}.source", block["source"]
    if source["type"] == "text":
        if text := checks.string(checks.required(source, "data", at), f"{at}.data"):
            yield text
        return
    content = checks.required(source, "content", at)
    for place, each in enumerate(listed(content, f"{at}.content")):
        inner = f"{at}.content[{place}]"
        if levels == 0 or kind_of(each, inner) not in ("text", "image"):
            raise checks.invalid_value(f"{inner}.type", each.get("type"), ("text", "image"))
        yield from pieces_of(reading, each, inner, levels - 1)


def _title(block: JsonObject, where: str) -> str:
    """What the client says of a document, as the model should see it too."""
    title, context = (
        "" if (value := block.get(key)) is None else checks.string(value, f"{where}.{key}")
        for key in ("title", "context")
    )
    return "\n".join(line for line in (f"Document: {title}" if title else "", context) if line)


def _search_result(reading: Reading, block: JsonObject, where: str) -> str:
    refuse_citations(reading, block, where)
    title = checks.string(checks.required(block, "title", where), f"{where}.title")
    source = checks.string(checks.required(block, "source", where), f"{where}.source")
    texts: list[str] = []
    for place, each in enumerate(checks.array(checks.required(block, "content", where), f"{where}.content")):
        at = f"{where}.content[{place}]"
        found = checks.mapping(each, at)
        checks.choice(kind_of(found, at), f"{at}.type", ("text",))
        reading.ask.refuse_unknown_keys(found, at, _KEYS["text"])
        texts.append(checks.string(checks.required(found, "text", at), f"{at}.text"))
    return "\n".join((f"Search result: {title}", f"Source: {source}", *texts))


def refuse_citations(reading: Reading, block: JsonObject, where: str) -> None:
    """Gemini cites what it finds itself, and nothing that it is given."""
    if (citations := block.get("citations")) is None:
        return
    at = f"{where}.citations"
    if checks.mapping(citations, at).get("enabled") is True:
        reading.ask.leave_out(
            f"{at}.enabled",
            f"Unsupported parameter: '{at}.enabled': Gemini cites what it finds by itself and no documents that it is "
            "given; false is accepted.",
        )


def read_result(reading: Reading, block: JsonObject, where: str) -> tuple[JsonObject, list[Media]]:
    """What a function gave, and the files among it."""
    failed = block.get("is_error")
    failed = failed is not None and checks.boolean(failed, f"{where}.is_error")
    content = block.get("content")
    texts: list[str] = []
    media: list[Media] = []
    at = f"{where}.content"
    for place, each in enumerate(listed("" if content is None else content, at)):
        for piece in pieces_of(reading, each, f"{at}[{place}]", allowed=_IN_RESULTS):
            if isinstance(piece, str):
                texts.append(piece)
            else:
                media.append(piece)
    if failed:
        return {"error": texts[0] if len(texts) == 1 else texts or ""}, media
    return response_of(texts), media
