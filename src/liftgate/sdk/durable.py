"""The gateway's engine inside this process: files are kept in a directory and paged in at Gemini when a chat needs
them.

`Durable` is an `engine.Engine` over a `Gateway` whose one owner is `local`. Several processes may share a directory,
and a gateway may serve it at the same time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, Generic, Literal, ParamSpec, Self, TypeVar

from liftgate.answer.choice import Answer
from liftgate.ask.question import Question
from liftgate.audit import By
from liftgate.blobs.places import make_place
from liftgate.dialects.chat.dialect import CHAT
from liftgate.dialects.openai_files import openai_file, openai_file_deleted, openai_file_list, read_models
from liftgate.engine.answer_stream import AnswerStream
from liftgate.engine.entry_defaults import refused_default
from liftgate.engine.meter import Meter
from liftgate.errors import FileNotFound, InvalidRequest, UnsupportedParameter
from liftgate.gateway import Gateway
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.names import gemini_resource, id_in
from liftgate.records import FileRecord, NewFile
from liftgate.sdk.calls import OTHER_NAMES, WITHOUT_A_KEY, Call, check_address, check_provider, model_name
from liftgate.sdk.engine import ChunkSource, E, EventSource, Listing, StoredFile
from liftgate.sdk.file_input import FileTypes, open_input
from liftgate.sdk.forms import Write, chat_result, chunks_of
from liftgate.sdk.metered import metered, metered_answer
from liftgate.sdk.response_forms import events_of
from liftgate.sdk.response_results import DeleteResponseResult, ResponsesAPIResponse
from liftgate.sdk.results import FileDeleted, FileList, FileObject, ModelResponse
from liftgate.settings import Settings, load_settings
from liftgate.settings.caller import Caller
from liftgate.settings.sections import LOCAL
from liftgate.tasks import Work

log = logging.getLogger("liftgate.sdk")

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=Question)


def _metered(
    operation: str,
) -> Callable[
    [Callable[Concatenate[Durable, P], Work[T]]],
    Callable[Concatenate[Durable, P], Work[T]],
]:
    """A method whose calls are metered where somebody listens."""

    def decorate(
        method: Callable[Concatenate[Durable, P], Work[T]],
    ) -> Callable[Concatenate[Durable, P], Work[T]]:
        @wraps(method)
        async def run(self: Durable, /, *args: P.args, **kwargs: P.kwargs) -> T:
            work, gateway = method(self, *args, **kwargs), self._gateway
            return await (metered(gateway, operation, work) if gateway.meters else work)

        return run

    return decorate


class Durable:
    """The settings are the client's (`client_settings`), and so cannot change from call to call."""

    def __init__(self, settings: Settings, *, listeners: Sequence[Meter] = ()) -> None:
        self._gateway = Gateway(settings, listeners=listeners)

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gateway.__aexit__(kind, error, trace)

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @_metered("create_file")
    async def create_file(self, file: FileTypes, new: NewFile, call: Call) -> FileObject:
        models = _models(_acceptable(call, body=True).body)
        async with open_input(file) as given:
            size = given.source.size
            new = replace(new, filename=given.filename, mime_type=given.mime_type, size=size, models=models)
            creation = self._gateway.files.begin(LOCAL, new)
            try:
                async for piece in given.source.read(0, size):
                    await creation.write(piece)
                record = await creation.commit(new)
            except BaseException:
                await creation.abort()
                raise
        return FileObject(**openai_file(record))

    @_metered("retrieve_file")
    async def retrieve_file(self, file_id: str, call: Call) -> FileObject:
        return FileObject(**openai_file(await self._named(file_id, call)))

    @_metered("list_files")
    async def list_files(self, listing: Listing, call: Call) -> FileList:
        _acceptable(call)
        order: Literal["asc", "desc"] = "asc" if listing.order == "asc" else "desc"
        asked: JsonObject = {} if listing.limit is None else {"limit": listing.limit}
        page = await self._gateway.files.list(
            LOCAL, purpose=listing.purpose, after=listing.after and id_in(listing.after), order=order, **asked
        )
        return FileList(**openai_file_list(page.files, has_more=page.has_more))

    @_metered("delete_file")
    async def delete_file(self, file_id: str, call: Call) -> FileDeleted:
        record = await self._named(file_id, call)
        await self._gateway.files.delete(LOCAL, record.id, By(LOCAL))
        return FileDeleted(**openai_file_deleted(record.id))

    @_metered("open_file")
    async def open_file(self, file_id: str, call: Call) -> StoredFile:
        record = await self._named(file_id, call)
        record, source = await self._gateway.files.open(LOCAL, record.id)
        return StoredFile(record.filename, record.mime_type, source)

    async def _named(self, file_id: str, call: Call) -> FileRecord:
        _acceptable(call)
        files = self._gateway.files
        record = await files.named(LOCAL, file_id) or await files.named(LOCAL, gemini_resource(file_id))
        if record is None:
            raise FileNotFound(file_id, param="file_id")
        return record

    # ── chat ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def chat(self, request: JsonObject, call: Call) -> ModelResponse | ChunkSource:
        answering = self._answer(request, call)
        gateway = self._gateway
        return await (metered_answer(gateway, answering) if gateway.meters else answering)

    async def _answer(self, request: JsonObject, call: Call) -> ModelResponse | ChunkSource:
        body = self._body(request, call)
        if request.get("stream"):
            return _Pieces(await self._gateway.generate.stream(CHAT, LOCAL, body), chunks_of)
        return chat_result(await self._gateway.generate.complete(CHAT, LOCAL, body))

    async def respond(self, request: JsonObject, call: Call) -> ResponsesAPIResponse | EventSource:
        answering = self._response(request, call)
        gateway = self._gateway
        return await (metered_answer(gateway, answering) if gateway.meters else answering)

    async def _response(self, request: JsonObject, call: Call) -> ResponsesAPIResponse | EventSource:
        generate, replies = self._gateway.generate, self._gateway.replies
        turn = await replies.begin(LOCAL, self._body(request, call))
        if request.get("background") is True:
            if request.get("stream"):
                raise UnsupportedParameter(
                    "'stream' of a response in the background is followed at a gateway. Ask for it with "
                    "retrieve_response here.",
                    param="stream",
                )
            begun = await self._gateway.background.begin(LOCAL, turn, stream=False)
            return ResponsesAPIResponse(**begun.response)
        if request.get("stream"):
            stream = await generate.stream(turn.dialect, LOCAL, turn.request)
            kept = replies.keep_at_end(LOCAL, turn, stream) if turn.keeps else stream
            return _Pieces(kept, partial(events_of, turn.request))
        answer = await generate.complete(turn.dialect, LOCAL, turn.request)
        response = turn.dialect.whole(answer)
        if turn.keeps:
            await replies.keep(LOCAL, turn, response, answer)
        return ResponsesAPIResponse(**response)

    @_metered("retrieve_response")
    async def retrieve_response(self, response_id: str, call: Call) -> ResponsesAPIResponse:
        _acceptable(call)
        return ResponsesAPIResponse(**await self._gateway.replies.get(LOCAL, response_id))

    @_metered("delete_response")
    async def delete_response(self, response_id: str, call: Call) -> DeleteResponseResult:
        _acceptable(call)
        await self._gateway.background.delete(LOCAL, response_id)
        return DeleteResponseResult(id=response_id, object="response", deleted=True)

    @_metered("count_tokens")
    async def count_tokens(self, request: JsonObject, call: Call) -> int:
        return (await self._gateway.generate.count(CHAT, LOCAL, self._body(request, call))).total

    def _body(self, request: JsonMapping, call: Call) -> JsonObject:
        _acceptable(call, timeout=True)
        body = {**request, "model": self._served(request.get("model"))}
        return body if call.timeout is None else {**body, "timeout": call.timeout}

    def _served(self, model: object) -> object:
        """A name of the config goes as it is; otherwise `gemini/x` is `x`, as without a gateway."""
        settings = self._gateway.settings
        names = {deployment.model_name for deployment in settings.deployments} | settings.names.aliases.keys()
        return model if model in names else model_name(model)


class _Pieces(Generic[Q, E]):
    """A `Source` over an answer on its way. `begin` gives what writes its events, once it has begun."""

    def __init__(self, stream: AnswerStream[Q], begin: Callable[[Answer[Q]], Write[E]]) -> None:
        self._stream = stream
        self._begin = begin
        self._write: Write[E] | None = None

    async def batch(self) -> list[E]:
        pieces: list[E] = []
        while not pieces and not self._stream.ended:
            events = await self._stream.batch()
            if self._write is None and (answer := self._stream.answer) is not None:
                self._write = self._begin(answer)
            if self._write is not None:
                pieces = self._write(events)
        return pieces

    async def close(self) -> None:
        await self._stream.aclose()


_ARGUMENTS = {"data_dir": "data_dir", "num_retries": "num_retries", "request_timeout": "timeout"}
_NO_MODEL = (
    "pass api_key=…, or a config with a model_list (config=…), or set GEMINI_API_KEY or GOOGLE_API_KEY. "
    + WITHOUT_A_KEY
)


def client_settings(
    defaults: Call,
    environ: Mapping[str, str],
    data_dir: str | os.PathLike[str] | None,
    config: str | os.PathLike[str] | None,
) -> Settings:
    """What a client was made with, as a gateway's settings; its directory is made. Raises ConfigError."""
    if defaults.headers:
        raise InvalidRequest("'extra_headers' cannot be given with data_dir or config.", param="extra_headers")
    for name, value in (("data_dir", data_dir), ("config", config)):
        if not (value is None or isinstance(value, str | os.PathLike)):
            raise InvalidRequest(f"'{name}' is a path.", param=name)
    check_address(defaults, environ)
    given = {"GEMINI_API_KEY": ("api_key", defaults.api_key), "GEMINI_API_BASE": ("api_base", defaults.api_base)}
    given = {variable: (name, value) for variable, (name, value) in given.items() if value}
    environ = {**environ, **{variable: value for variable, (_, value) in given.items() if value}}
    flags: dict[str, object] = {
        "data_dir": None if data_dir is None else os.fspath(data_dir),
        "num_retries": defaults.retries,
        "request_timeout": defaults.timeout,
    }
    names = {**_ARGUMENTS, **{variable: name for variable, (name, _) in given.items()}}
    caller = Caller(_NO_MODEL, listens=False, names=names)
    path = None if config is None else Path(config)
    settings, warnings = load_settings(path, flags, environ, caller=caller, refused=refused_default)
    for warning in warnings:
        log.warning("%s", warning)
    make_place(settings.storage.data_dir, "data_dir")
    return settings


def _acceptable(call: Call, *, timeout: bool = False, body: bool = False) -> Call:
    """What one call may say where the client's settings hold for all. InvalidRequest names what it may not."""
    check_provider(call.provider)
    refused = {
        "api_key": call.api_key,
        "api_base": call.api_base,
        "num_retries": call.retries,
        "extra_headers": call.headers,
        "extra_body": None if body else call.body,
        "timeout": None if timeout or body else call.timeout,
    }
    for name, value in refused.items():
        if value is not None and value != {}:
            other = f" (or {OTHER_NAMES[name]!r})" if name in OTHER_NAMES else ""
            raise InvalidRequest(
                f"{name!r}{other} cannot be given to one call where files are kept; give it to Liftgate(…).", param=name
            )
    return call


def _models(body: JsonMapping) -> tuple[str, ...]:
    """`target_model_names`: a name, names with commas between, or a list; the file is carried there at once."""
    if unknown := sorted(set(body) - {"target_model_names"}):
        raise InvalidRequest(f"'extra_body' has no {unknown[0]!r}; it may have target_model_names.", param=unknown[0])
    return tuple(dict.fromkeys(model_name(name) for name in read_models(body.get("target_model_names"))))
