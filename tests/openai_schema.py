"""OpenAI's published schemas as a judge of our answers: the types of its package always, its OpenAPI document where it
is beside the checkout. The types know what must be there and what it may be; the document also knows what is too much.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import openai
from openai.pagination import SyncCursorPage, SyncPage
from openai.types import FileDeleted, FileObject, Model, Upload
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageCustomToolCall
from openai.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItem,
    ConversationItemList,
)
from openai.types.responses import (
    CompactedResponse,
    InputTokenCountResponse,
    Response,
    ResponseItem,
    ResponseStreamEvent,
)
from openai.types.shared import ErrorObject
from openai.types.uploads import UploadPart
from pydantic import TypeAdapter, ValidationError

from evidence import SHARED, evidence
from schema_forms import Forms


class ErrorResponse(openai.BaseModel):
    """The envelope round an error has no type in the package."""

    error: ErrorObject


class Compacted(CompactedResponse):
    """The package's type knows no items of input, which OpenAI's own document has here."""

    output: list[ResponseItem]  # type: ignore[assignment]


TYPES: dict[str, Any] = {
    "ErrorResponse": ErrorResponse,
    "OpenAIFile": FileObject,
    "ListFilesResponse": SyncCursorPage[FileObject],
    "DeleteFileResponse": FileDeleted,
    "CreateChatCompletionResponse": ChatCompletion,
    "CreateChatCompletionStreamResponse": ChatCompletionChunk,
    "ChatCompletionMessageCustomToolCall": ChatCompletionMessageCustomToolCall,
    "Response": Response,
}
ANSWERS: tuple[tuple[str, str, Any], ...] = (
    ("POST", r"/chat/completions", ChatCompletion),
    ("POST", r"/responses", Response),
    ("POST", r"/responses/compact", Compacted),
    ("POST", r"/responses/input_tokens", InputTokenCountResponse),
    ("GET", r"/responses/[^/]+", Response),
    ("POST", r"/responses/[^/]+/cancel", Response),
    ("GET", r"/responses/[^/]+/input_items", SyncCursorPage[ResponseItem]),
    ("POST", r"/conversations(/[^/]+)?", Conversation),
    ("GET", r"/conversations/[^/]+", Conversation),
    ("DELETE", r"/conversations/[^/]+", ConversationDeletedResource),
    ("GET", r"/conversations/[^/]+/items", ConversationItemList),
    ("POST", r"/conversations/[^/]+/items", ConversationItemList),
    ("GET", r"/conversations/[^/]+/items/[^/]+", ConversationItem),
    ("DELETE", r"/conversations/[^/]+/items/[^/]+", Conversation),
    ("POST", r"/files", FileObject),
    ("GET", r"/files", SyncCursorPage[FileObject]),
    ("GET", r"/files/[^/]+", FileObject),
    ("DELETE", r"/files/[^/]+", FileDeleted),
    ("POST", r"/uploads/[^/]+/parts", UploadPart),
    ("POST", r"/uploads(/[^/]+/(complete|cancel))?", Upload),
    ("GET", r"/models", SyncPage[Model]),
    ("GET", r"/models/[^/]+", Model),
)
"""What a success is, by method and path."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _type_errors(kind: Any, body: Any) -> list[str]:
    try:
        _adapter(kind).validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return []


MORE = ("/conversations",)
"""Paths that stand in the second part of the document."""


@cache
def document(part: str = "subset.yaml") -> Any:
    """OpenAI's OpenAPI document, as far as it matters here; without it the test skips."""
    source = evidence("openai/validate.py")
    found = importlib.util.spec_from_file_location("openai_validate", source)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.Spec(str(source.parent / part))


def _document() -> Any:
    """The same, or None in a plain clone. A directory that lacks it is `evidence`'s to judge."""
    return document() if SHARED.is_dir() else None


@cache
def _forms(part: str) -> Forms:
    return Forms(document(part).doc)


def _judged(place: str, body: Any, judge: Callable[[], Any], part: str = "subset.yaml") -> list[Any]:
    """The errors that the judge finds or raises; a value of a form that was valid at this place is not judged again."""
    form = (part, place, _forms(part).of(body))
    if form in VALID:
        return []
    found = list(judge() or ())
    if not found:
        VALID.add(form)
    return found


VALID: set[tuple[str, str, bytes]] = set()


def errors(schema: str, body: Any) -> list[str]:
    """What is wrong with it; `schema` is OpenAI's name."""
    found = _type_errors(TYPES[schema], body)
    if found or (spec := _document()) is None:
        return found
    return _judged(schema, body, lambda: spec.errors(schema, body))


def check(schema: str, body: Any) -> None:
    assert _type_errors(TYPES[schema], body) == [], body
    if (spec := _document()) is not None:
        _judged(schema, body, lambda: spec.check(schema, body))


@cache
def _event_kinds() -> dict[str, Any]:
    """The members of the package's union, by their `type`: one of fifty is tried, and not each."""
    members = get_args(get_args(ResponseStreamEvent)[0])
    return {name: member for member in members for name in get_args(member.model_fields["type"].annotation)}


def check_event(event: Any) -> None:
    """One event of a stream of Responses. OpenAI's own first two have a null usage, which its document forbids."""
    assert event["type"] in _event_kinds(), event
    assert _type_errors(_event_kinds()[event["type"]], event) == [], event
    if (spec := _document()) is not None:
        if (event.get("response") or {"usage": 0}).get("usage") is None:
            event = {**event, "response": {k: v for k, v in event["response"].items() if k != "usage"}}
        _judged(event["type"], event, lambda: spec.check_event(event))


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """`path` without `/v1`."""
    kinds = [kind for verb, pattern, kind in ANSWERS if verb == method and re.fullmatch(pattern, path)]
    assert kinds, f"no type is known for {method} {path}"
    assert _type_errors(kinds[0] if status < 400 else ErrorResponse, body) == [], body
    if _document() is not None:
        part = "subset-more.yaml" if path.startswith(MORE) else "subset.yaml"
        spec = document(part)
        place = spec.response(method, path, status)
        _judged(place, body, lambda: spec.check_response(method, path, status, body), part)


def request_parameters() -> set[str]:
    """The parameters of a chat, as the package has them."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

    return {*CompletionCreateParamsBase.__annotations__, "stream"}
