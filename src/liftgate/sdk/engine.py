"""What `operations` need of an engine: `direct` talks straight to Gemini, `durable` is the gateway's own in this
process, `remote` a gateway that runs somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from liftgate.byte_source import PIECE, ByteSource
from liftgate.json_types import JsonObject
from liftgate.records import NewFile
from liftgate.sdk.calls import Call
from liftgate.sdk.file_input import FileTypes
from liftgate.sdk.response_results import DeleteResponseResult, ResponsesAPIResponse, ResponsesEvent
from liftgate.sdk.results import FileDeleted, FileList, FileObject, ModelResponse, ModelResponseStream

E = TypeVar("E")


class Source(Protocol[E]):
    """An answer on its way: `batch()` gives the pieces that have arrived, at least one, and [] at the end. Closing it
    ends the request at Gemini; closing twice is fine.
    """

    async def batch(self) -> list[E]: ...
    async def close(self) -> None: ...


ChunkSource: TypeAlias = Source[ModelResponseStream]
EventSource: TypeAlias = Source[ResponsesEvent]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's bytes and what they are called; `source` is read on the engine's loop only."""

    filename: str
    mime_type: str
    source: ByteSource
    piece: int = PIECE
    """Bytes in which the caller wants to read it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """OpenAI's query of a list; `order` is `asc` or `desc` by creation."""

    purpose: str | None = None
    limit: int | None = None
    after: str | None = None
    order: str = "desc"


class FileEngine(Protocol):
    """Each method raises errors of `liftgate.errors`, and ends within the call's timeout."""

    async def create_file(self, file: FileTypes, new: NewFile, call: Call) -> FileObject: ...
    async def retrieve_file(self, file_id: str, call: Call) -> FileObject: ...
    async def list_files(self, listing: Listing, call: Call) -> FileList: ...
    async def delete_file(self, file_id: str, call: Call) -> FileDeleted: ...
    async def open_file(self, file_id: str, call: Call) -> StoredFile: ...


class ChatEngine(Protocol):
    """As above. `request` is the body of a chat completion."""

    async def chat(self, request: JsonObject, call: Call) -> ModelResponse | ChunkSource: ...
    async def count_tokens(self, request: JsonObject, call: Call) -> int: ...


class ResponseEngine(Protocol):
    """As above. `request` is the body of a request of Responses."""

    async def respond(self, request: JsonObject, call: Call) -> ResponsesAPIResponse | EventSource: ...
    async def retrieve_response(self, response_id: str, call: Call) -> ResponsesAPIResponse: ...
    async def delete_response(self, response_id: str, call: Call) -> DeleteResponseResult: ...


class Engine(FileEngine, ChatEngine, ResponseEngine, Protocol):
    """All that the SDK asks for."""
