"""`Liftgate` and `AsyncLiftgate`: the SDK's functions as methods of a client that holds its key, or its files.

`Liftgate()` keeps nothing and speaks straight to Gemini. `Liftgate(data_dir=…)` runs the gateway's engine inside this
process: files are kept there for good, and paged in at Gemini when a chat needs them. `Liftgate(base_url=…)` asks a
gateway that runs somewhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject
from liftgate.sdk import operations, response_operations
from liftgate.sdk.bridge import Bridge, Here, public_errors
from liftgate.sdk.calls import Call, call_of
from liftgate.sdk.chat_options import ChatMessages, ChatOptions
from liftgate.sdk.content import FileContent
from liftgate.sdk.direct import Direct
from liftgate.sdk.engine import Engine
from liftgate.sdk.methods import aevents, as_is, astreamed, awaited, blocking, events, streamed
from liftgate.sdk.portal import Portal
from liftgate.sdk.response_operations import ResponsesInput
from liftgate.sdk.response_results import ResponsesAPIResponse
from liftgate.sdk.results import ModelResponse
from liftgate.sdk.streams import AsyncChunkStream, AsyncEventStream, ChunkStream, EventStream
from liftgate.settings.spelling import hint

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class ClientOptions(TypedDict, total=False):
    """Keyword arguments of `Liftgate` and `AsyncLiftgate`; `timeout` in seconds."""

    api_key: str | None
    api_base: str | None
    timeout: float | None
    num_retries: int | None
    extra_headers: Mapping[str, str] | None
    base_url: str | None
    data_dir: str | os.PathLike[str] | None
    config: str | os.PathLike[str] | None


Opener = Callable[[], AbstractAsyncContextManager[Engine]]


class Liftgate:
    """The SDK's functions with what they have in common given once, each also with an `a` in front, to be awaited.

    `api_key`, `api_base`, `timeout` (seconds), `num_retries` and `extra_headers` hold for every call that does not say
    otherwise. With `data_dir` (a directory) or `config` (a gateway's config.yaml) files are kept; with `base_url` a
    running gateway is asked, `api_key` being one of its keys: see docs/sdk.md.
    Works in any thread and inside a running loop; `close()` it, or use `with`.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._bridge = Portal(_opener(options), name="liftgate")

    create_file = blocking(operations.create_file, as_is)
    file_retrieve = blocking(operations.file_retrieve, as_is)
    file_list = blocking(operations.file_list, as_is)
    file_delete = blocking(operations.file_delete, as_is)
    file_content = blocking(operations.file_content, FileContent)
    token_counter = blocking(operations.token_counter, as_is)

    acreate_file = awaited(operations.create_file, as_is)
    afile_retrieve = awaited(operations.file_retrieve, as_is)
    afile_list = awaited(operations.file_list, as_is)
    afile_delete = awaited(operations.file_delete, as_is)
    afile_content = awaited(operations.file_content, FileContent)
    atoken_counter = awaited(operations.token_counter, as_is)

    _complete = blocking(operations.completion, streamed)
    _acomplete = awaited(operations.completion, astreamed)

    @overload
    def completion(
        self, model: str, messages: ChatMessages, *, stream: Literal[True], **request: Unpack[ChatOptions]
    ) -> ChunkStream: ...
    @overload
    def completion(
        self,
        model: str,
        messages: ChatMessages,
        *,
        stream: Literal[False] | None = None,
        **request: Unpack[ChatOptions],
    ) -> ModelResponse: ...
    @overload
    def completion(
        self, model: str, messages: ChatMessages, *, stream: bool | None, **request: Unpack[ChatOptions]
    ) -> ModelResponse | ChunkStream: ...
    def completion(self, model: str, messages: ChatMessages, **request: object) -> ModelResponse | ChunkStream:
        """A chat completion; `stream=True` gives an iterator of chunks.

        `request`: OpenAI's parameters by their names, and `api_key`, `api_base`, `timeout`, `num_retries`,
        `extra_headers`. `drop_params=True` leaves out what the model cannot do, in place of refusing it; `extra_body`
        is merged into Gemini's own request.
        """
        __tracebackhide__ = True
        return self._complete(model, messages, **request)

    @overload
    async def acompletion(
        self, model: str, messages: ChatMessages, *, stream: Literal[True], **request: Unpack[ChatOptions]
    ) -> AsyncChunkStream: ...
    @overload
    async def acompletion(
        self,
        model: str,
        messages: ChatMessages,
        *,
        stream: Literal[False] | None = None,
        **request: Unpack[ChatOptions],
    ) -> ModelResponse: ...
    @overload
    async def acompletion(
        self, model: str, messages: ChatMessages, *, stream: bool | None, **request: Unpack[ChatOptions]
    ) -> ModelResponse | AsyncChunkStream: ...
    async def acompletion(
        self, model: str, messages: ChatMessages, **request: object
    ) -> ModelResponse | AsyncChunkStream:
        """`completion`, to be awaited; `stream=True` then gives an async iterator."""
        __tracebackhide__ = True
        return await self._acomplete(model, messages, **request)

    _respond = blocking(response_operations.responses, events)
    _arespond = awaited(response_operations.responses, aevents)

    @overload
    def responses(
        self, input: ResponsesInput, model: str, *, stream: Literal[True], **request: object
    ) -> EventStream: ...
    @overload
    def responses(
        self, input: ResponsesInput, model: str, *, stream: Literal[False] | None = None, **request: object
    ) -> ResponsesAPIResponse: ...
    @overload
    def responses(
        self, input: ResponsesInput, model: str, *, stream: bool | None, **request: object
    ) -> ResponsesAPIResponse | EventStream: ...
    def responses(self, input: ResponsesInput, model: str, **request: object) -> ResponsesAPIResponse | EventStream:
        """A Response of OpenAI's; `stream=True` gives an iterator of events.

        `input`: a text, or items; those of an answer's `output` may stand among them. `request`: the parameters of
        docs/responses.md by their names, and those that all functions share. `text_format` may be a pydantic model.
        """
        __tracebackhide__ = True
        return self._respond(input, model, **request)

    @overload
    async def aresponses(
        self, input: ResponsesInput, model: str, *, stream: Literal[True], **request: object
    ) -> AsyncEventStream: ...
    @overload
    async def aresponses(
        self, input: ResponsesInput, model: str, *, stream: Literal[False] | None = None, **request: object
    ) -> ResponsesAPIResponse: ...
    @overload
    async def aresponses(
        self, input: ResponsesInput, model: str, *, stream: bool | None, **request: object
    ) -> ResponsesAPIResponse | AsyncEventStream: ...
    async def aresponses(
        self, input: ResponsesInput, model: str, **request: object
    ) -> ResponsesAPIResponse | AsyncEventStream:
        """`responses`, to be awaited; `stream=True` then gives an async iterator."""
        __tracebackhide__ = True
        return await self._arespond(input, model, **request)

    get_responses = blocking(response_operations.get_responses, as_is)
    aget_responses = awaited(response_operations.get_responses, as_is)
    delete_responses = blocking(response_operations.delete_responses, as_is)
    adelete_responses = awaited(response_operations.delete_responses, as_is)
    batch_completion = blocking(operations.batch_completion, as_is)
    abatch_completion = awaited(operations.batch_completion, as_is)

    def _settled(self, arguments: JsonObject, *, chat: bool) -> JsonObject:
        """A call's keyword arguments; the module's functions add the module's settings."""
        return arguments

    def close(self) -> None:
        """Ends what runs and waits for it. A client that is used again starts anew."""
        self._bridge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncLiftgate:
    """`Liftgate` on the caller's own loop: the same arguments, every function awaited, to be used with `async with`."""

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._opener = _opener(options)
        self._exit = AsyncExitStack()
        self._here: Here | None = None

    create_file = awaited(operations.create_file, as_is)
    file_retrieve = awaited(operations.file_retrieve, as_is)
    file_list = awaited(operations.file_list, as_is)
    file_delete = awaited(operations.file_delete, as_is)
    file_content = awaited(operations.file_content, FileContent)
    token_counter = awaited(operations.token_counter, as_is)
    batch_completion = awaited(operations.batch_completion, as_is)
    _respond = awaited(response_operations.responses, aevents)
    get_responses = awaited(response_operations.get_responses, as_is)
    delete_responses = awaited(response_operations.delete_responses, as_is)
    _complete = awaited(operations.completion, astreamed)

    def _settled(self, arguments: JsonObject, *, chat: bool) -> JsonObject:
        return arguments

    @overload
    async def completion(
        self, model: str, messages: ChatMessages, *, stream: Literal[True], **request: Unpack[ChatOptions]
    ) -> AsyncChunkStream: ...
    @overload
    async def completion(
        self,
        model: str,
        messages: ChatMessages,
        *,
        stream: Literal[False] | None = None,
        **request: Unpack[ChatOptions],
    ) -> ModelResponse: ...
    @overload
    async def completion(
        self, model: str, messages: ChatMessages, *, stream: bool | None, **request: Unpack[ChatOptions]
    ) -> ModelResponse | AsyncChunkStream: ...
    async def completion(
        self, model: str, messages: ChatMessages, **request: object
    ) -> ModelResponse | AsyncChunkStream:
        """A chat completion; `stream=True` gives an async iterator of chunks. Arguments as `Liftgate.completion`."""
        __tracebackhide__ = True
        return await self._complete(model, messages, **request)

    @overload
    async def responses(
        self, input: ResponsesInput, model: str, *, stream: Literal[True], **request: object
    ) -> AsyncEventStream: ...
    @overload
    async def responses(
        self, input: ResponsesInput, model: str, *, stream: Literal[False] | None = None, **request: object
    ) -> ResponsesAPIResponse: ...
    @overload
    async def responses(
        self, input: ResponsesInput, model: str, *, stream: bool | None, **request: object
    ) -> ResponsesAPIResponse | AsyncEventStream: ...
    async def responses(
        self, input: ResponsesInput, model: str, **request: object
    ) -> ResponsesAPIResponse | AsyncEventStream:
        """A Response of OpenAI's; `stream=True` gives an async iterator of events. Arguments as there."""
        __tracebackhide__ = True
        return await self._respond(input, model, **request)

    async def __aenter__(self) -> Self:
        self._here = Here(await self._exit.enter_async_context(self._opener()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here = None
        await self._exit.aclose()

    @property
    def _bridge(self) -> Bridge:
        if self._here is None:
            raise RuntimeError("AsyncLiftgate is used inside 'async with AsyncLiftgate(…) as client:'.")
        return self._here


def _opener(options: ClientOptions) -> Opener:
    """InvalidRequest, ConfigError: read here, so that a mistake shows where it was made and not at the first call."""
    for name in options:
        if name not in ClientOptions.__annotations__:
            raise TypeError(f"unexpected keyword argument {name!r}.{hint(name, ClientOptions.__annotations__)}")
    shared: Any = {name: options.get(name) for name in ("api_key", "api_base", "timeout", "num_retries")}
    base_url, data_dir, config = options.get("base_url"), options.get("data_dir"), options.get("config")
    with public_errors():
        defaults = call_of(shared, extra_headers=options.get("extra_headers"))
        if not (base_url is None or isinstance(base_url, str)):
            raise InvalidRequest("'base_url' is a text.", param="base_url")
        if base_url is not None:
            return _remote(defaults, base_url, kept=data_dir is not None or config is not None)
        if data_dir is None and config is None:
            return lambda: Direct(defaults, os.environ)
        # The catalogue and the blob store are loaded only where files are kept.
        from liftgate.sdk.durable import Durable, client_settings

        settings = client_settings(defaults, os.environ, data_dir, config)
        return lambda: Durable(settings)


def _remote(defaults: Call, base_url: str, *, kept: bool) -> Opener:
    if kept or defaults.api_base is not None:
        raise InvalidRequest(
            "'base_url' is a running gateway: 'data_dir', 'config' and 'api_base' cannot be given with it.",
            param="base_url",
        )
    # The HTTP client is loaded only where a gateway is asked.
    from liftgate.sdk.remote.gateway_client import read_address
    from liftgate.sdk.remote.remote_engine import RemoteEngine

    key = defaults.api_key or os.environ.get("LIFTGATE_API_KEY") or os.environ.get("OPENAI_API_KEY") or ""
    address = read_address(base_url, key, key_hint="pass api_key=…, or set LIFTGATE_API_KEY")
    return lambda: RemoteEngine(address, defaults)
