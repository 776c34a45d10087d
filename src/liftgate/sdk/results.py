"""What the SDK gives back: plain values with attribute and item access, named and shaped as LiteLLM and OpenAI do.

A result is built from the JSON of the contract (docs/protocol/openai.md, "Files", "Chat") and knows nothing of where it
came from. A field that the answer does not have reads as its class's default (`message.tool_calls` is None) and is not
part of `model_dump()`.
"""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

from liftgate.json_types import JsonMapping, JsonObject

_Fields = JsonObject


class Result:
    """Fields are attributes and items alike: `file.id`, `file["id"]`, `file.get("id")`, `"id" in file`."""

    _nested: ClassVar[Mapping[str, type[Result]]] = {}

    def __init_subclass__(cls, **nested: type[Result]) -> None:
        """`nested`: the class of a field's object, or of the objects in a field's list."""
        cls._nested = {**cls._nested, **nested}

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            self.__dict__[name] = _value(value, self._nested.get(name, Result))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __getitem__(self, name: str) -> Any:
        if name in self.__dict__:
            return self.__dict__[name]
        default = getattr(type(self), name, _MISSING) if name in _fields(type(self)) else _MISSING
        if default is _MISSING:
            raise KeyError(name)
        return default

    def __setitem__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[object]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Result):
            return type(self) is type(other) and self.__dict__ == other.__dict__
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable, as LiteLLM's are

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"

    def keys(self) -> list[str]:
        return list(self.__dict__)

    def get(self, name: str, default: object = None) -> Any:
        return self.__dict__.get(name, default)

    def model_dump(self, *, exclude_none: bool = False) -> _Fields:
        """The fields as plain dicts, lists and scalars, in the order in which the answer had them."""
        return {
            name: plain(value, exclude_none=exclude_none)
            for name, value in self.__dict__.items()
            if not (exclude_none and value is None)
        }

    def model_copy(self, *, update: JsonMapping | None = None, deep: bool = False) -> Self:
        made = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            made[name] = value
        return made

    def copy(self, **more: Any) -> Self:
        return self.model_copy(**more)

    def json(self) -> str:
        return self.model_dump_json()

    def dict(self) -> _Fields:
        return self.model_dump()

    def to_dict(self) -> _Fields:
        return self.model_dump()

    def to_json(self, *, indent: int | None = 2) -> str:
        return self.model_dump_json(indent=indent)

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False) -> str:
        return json.dumps(self.model_dump(exclude_none=exclude_none), indent=indent, ensure_ascii=False)


_MISSING = object()


def _fields(kind: type[Result]) -> set[str]:
    return {name for parent in kind.__mro__ for name in inspect.get_annotations(parent) if name[0] != "_"}


def _value(value: object, kind: type[Result]) -> object:
    if isinstance(value, Mapping):
        return kind(**value)
    if isinstance(value, list):
        return [_value(item, kind) for item in value]
    return value


def plain(value: object, *, exclude_none: bool = False) -> Any:
    """Results, mappings and sequences, however nested, as dicts and lists: an answer's message may be part of a
    request. Texts and numbers of other classes, as libraries give them (`numpy.float64`, `markupsafe.Markup`, members
    of enums), are JSON's own.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Result):
        return value.model_dump(exclude_none=exclude_none)
    if isinstance(value, Mapping):
        return {plain(name): plain(item, exclude_none=exclude_none) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, exclude_none=exclude_none) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


_PLAIN = frozenset({str, int, float, bool, type(None)})


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class FileObject(Result):
    """OpenAI's File. `bytes` is a size; times are seconds since the epoch (UTC); `status` is uploaded, processed or
    error. Without a gateway `id` is Gemini's URI and `expires_at` the moment at which Google removes the file.
    """

    id: str
    bytes: int
    created_at: int
    filename: str
    object: str
    purpose: str
    status: str
    expires_at: int | None = None
    status_details: str | None = None


class FileDeleted(Result):
    """`id` is spelled as `create_file` gave it."""

    id: str
    object: str
    deleted: bool


class FileList(Result, data=FileObject):
    """A page of files: a list itself (`for file in page`, `page[0]`, `len(page)`), and OpenAI's list object."""

    object: str
    data: list[FileObject]
    first_id: str
    last_id: str
    has_more: bool

    def __iter__(self) -> Iterator[FileObject]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, name: str | int) -> Any:
        return self.data[name] if isinstance(name, int) else super().__getitem__(name)


# ── chat ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Function(Result):
    """`arguments` is JSON in a string."""

    name: str | None = None
    arguments: str


class ToolCall(Result, function=Function):
    id: str | None = None
    provider_specific_fields: Result | None = None
    extra_content: Result | None = None
    type: str | None = None
    function: Function
    index: int | None = None


class Message(Result, tool_calls=ToolCall):
    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: list[Result] | None = None
    audio: Result | None = None
    images: list[Result] | None = None
    function_call: Result | None = None
    thinking_blocks: list[Result] | None = None
    provider_specific_fields: Result | None = None
    extra_content: Result | None = None


class Choices(Result, message=Message):
    finish_reason: str
    index: int
    message: Message
    logprobs: Result | None = None
    provider_specific_fields: Result | None = None


class Usage(Result):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Result | None = None
    completion_tokens_details: Result | None = None


class ModelResponse(Result, choices=Choices, usage=Usage):
    """A chat.completion. `_hidden_params["response_cost"]`: US dollars at the list price, None where there is none."""

    __slots__ = ("_hidden_params", "_response_headers", "_response_ms")

    id: str
    created: int
    model: str
    object: str
    choices: list[Choices]
    usage: Usage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._hidden_params: JsonObject = {}
        self._response_headers = self._response_ms = None


class Delta(Message):
    """What a chunk adds; `role` is on the first one only."""

    role: str | None = None  # type: ignore[assignment]


class StreamingChoices(Result, delta=Delta):
    finish_reason: str | None = None
    index: int
    delta: Delta
    logprobs: Result | None = None


class ModelResponseStream(Result, choices=StreamingChoices, usage=Usage):
    """A chat.completion.chunk. The last one's `_hidden_params["usage"]` is what Google counted, asked for or not."""

    __slots__ = ("_hidden_params",)

    id: str
    created: int
    model: str
    object: str
    choices: list[StreamingChoices]
    usage: Usage | None = None

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self._hidden_params: JsonObject = {}
