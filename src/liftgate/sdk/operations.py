"""The SDK's functions: what each takes (LiteLLM's arguments) and what it asks of an engine.

`client` makes of each a blocking and an awaited form. The arguments that all share, as keywords: `api_key`,
`api_base` (or `base_url`), `timeout` in seconds (or `request_timeout`), `num_retries` (or `max_retries`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, Unpack

from liftgate.dialects.openai_files import check_purpose, read_life
from liftgate.errors import InvalidRequest, LiftgateError, MissingParameter, UnsupportedParameter
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.records import NewFile
from liftgate.sdk.calls import OPTION_NAMES, Call, CallOptions, call_of, check_whole_number
from liftgate.sdk.chat_options import ChatMessages
from liftgate.sdk.engine import ChunkSource, Engine, Listing, StoredFile
from liftgate.sdk.file_input import FileTypes
from liftgate.sdk.litellm_arguments import fallback_models, response_format, take_out
from liftgate.sdk.mock import mocked
from liftgate.sdk.public_errors import is_too_long, public_error
from liftgate.sdk.response_cost import note_cost
from liftgate.sdk.results import FileDeleted, FileList, FileObject, ModelResponse, plain
from liftgate.tasks import Work

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Operation(Generic[T_co]):
    """`ask` is given the engine and `file` as it came, or as `file_input.brought` made it on the caller's own loop."""

    ask: Callable[[Engine, Any], Work[T_co]]
    file: object = None


def create_file(
    file: FileTypes,
    purpose: str = "user_data",
    expires_after: JsonMapping | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
    **options: Unpack[CallOptions],
) -> Operation[FileObject]:
    """Uploads a file; its `id` is what `completion` takes as `file_id`.

    `file`: bytes, a path, a file open in binary mode, `(name, content)`, `(name, content, type)`, `(name, content,
    type, headers)`, or an iterator of bytes, async ones included. Sent from disk in pieces, and continued where it
    broke. `expires_after`: `{"anchor": "created_at", "seconds": n}`, where files are kept. Without a gateway the id
    is Gemini's URI, the file lives 48 h (`expires_at`), and `extra_body` adds fields to Gemini's File
    (`displayName`).
    """
    if not purpose:
        raise MissingParameter("purpose")
    check_purpose(purpose)
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers, extra_body=extra_body)
    new = NewFile(purpose=purpose, life_seconds=_life(expires_after))
    return Operation(lambda engine, given: engine.create_file(given, new, call), file)


def _life(expires_after: JsonMapping | None) -> int | None:
    if expires_after is None:
        return None
    form = "'expires_after' is {'anchor': 'created_at', 'seconds': n}"
    if not isinstance(expires_after, Mapping):
        raise InvalidRequest(f"{form}.", param="expires_after")
    try:
        return read_life(expires_after)
    except InvalidRequest as wrong:
        raise InvalidRequest(f"{form}: {wrong.message}", param=wrong.param) from None


def file_retrieve(
    file_id: str,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
    **options: Unpack[CallOptions],
) -> Operation[FileObject]:
    """The file's state: `uploaded` while Gemini processes it, then `processed`, or `error` with `status_details`.

    `file_id` in any spelling: the URI, `files/x`, `x`. Only Gemini is asked, which knows no purpose: it is `user_data`.
    """
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers, extra_body=extra_body)
    return Operation(lambda engine, _: engine.retrieve_file(_id(file_id), call))


def file_list(
    custom_llm_provider: str | None = None,
    purpose: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
    *,
    after: str | None = None,
    limit: int | None = None,
    order: str = "desc",
    **options: Unpack[CallOptions],
) -> Operation[FileList]:
    """The files that the key's project has, newest first; iterate over it, or read its `data`.

    `after` (an id), `limit` and `order` (`desc`, `asc`) page through them as OpenAI's do.
    """
    if limit is not None:
        check_whole_number(limit, "limit", least=1)
    if order not in ("asc", "desc"):
        raise InvalidRequest("'order' is 'asc' or 'desc'.", param="order")
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers, extra_body=extra_body)
    listing = Listing(purpose, limit, after, order)
    return Operation(lambda engine, _: engine.list_files(listing, call))


def file_delete(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
    **options: Unpack[CallOptions],
) -> Operation[FileDeleted]:
    """Deletes the file at once. `model` is LiteLLM's and says nothing here: a file belongs to a key, not to a model."""
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers, extra_body=extra_body)
    return Operation(lambda engine, _: engine.delete_file(_id(file_id), call))


def file_content(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
    chunk_size: int = 1024 * 1024,
    stream: bool = False,
    **options: Unpack[CallOptions],
) -> Operation[StoredFile]:
    """The file's bytes, where they are kept (`Liftgate(data_dir=…)`): Gemini alone gives no uploaded file back, and
    UnsupportedParameter says so.

    What comes back is a `FileContent` either way: `read()` it, or iterate over it in pieces of `chunk_size` bytes.
    """
    check_whole_number(chunk_size, "chunk_size", least=1)
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers, extra_body=extra_body)

    async def opened(engine: Engine, _: object) -> StoredFile:
        return replace(await engine.open_file(_id(file_id), call), piece=chunk_size)

    return Operation(opened)


def completion(model: str, messages: ChatMessages, **request: object) -> Operation[ModelResponse | ChunkSource]:
    """A chat completion; `stream=True` gives an iterator of chunks.

    `request`: OpenAI's parameters by their names, and those that all functions share. `drop_params=True` leaves out
    what the model cannot do, in place of refusing it; `extra_body` is merged into Gemini's own request.
    `response_format` may be a pydantic model. `fallbacks=[…]`: models that are asked in turn where one fails.
    `mock_response` is given back as the answer, or raised where it is an exception; Gemini is not asked.
    """
    mock = request.pop("mock_response", None)
    tries, by_window = _tries(model, messages, request)
    if mock is not None:
        stream = bool(request.get("stream"))
        return Operation(lambda engine, _: mocked(model, mock, stream=stream))

    async def asked(engine: Engine, _: object) -> ModelResponse | ChunkSource:
        waiting, longer = list(tries), dict(by_window)
        while True:
            body, call = waiting.pop(0)
            try:
                answer = await engine.chat(body, call)
            except LiftgateError as error:
                # Each stand-in is asked once: a dict may lead round in a circle.
                name = longer.pop(str(body["model"]), None) if is_too_long(error) else None
                if name is not None:
                    waiting.insert(0, ({**body, "model": name}, call))
                elif not waiting:
                    raise
                continue
            if isinstance(answer, ModelResponse) and not answer._hidden_params:
                note_cost(answer, str(body["model"]))
            return answer

    return Operation(asked)


def batch_completion(
    model: str, messages: Sequence[ChatMessages], max_workers: int = 100, **request: object
) -> Operation[list[ModelResponse | Exception]]:
    """Many chats at once, `messages` being a list of them: at most `max_workers` side by side.

    The answers stand in the order of the chats; a chat that failed has its exception there.
    """
    check_whole_number(max_workers, "max_workers", least=1)
    if request.get("stream"):
        raise UnsupportedParameter("'batch_completion' gives whole answers: no 'stream'.", param="stream")
    chats = [completion(model, chat, **request) for chat in messages]

    async def asked(engine: Engine, _: object) -> list[ModelResponse | Exception]:
        places = asyncio.Semaphore(max_workers)

        async def one(chat: Operation[ModelResponse | ChunkSource]) -> ModelResponse | Exception:
            async with places:
                try:
                    answer = await chat.ask(engine, None)
                except LiftgateError as error:
                    return public_error(error, model)
            assert isinstance(answer, ModelResponse), "no stream was asked for"
            return answer

        return list(await asyncio.gather(*(one(chat) for chat in chats)))

    return Operation(asked)


def _tries(
    model: str, messages: ChatMessages, request: JsonObject
) -> tuple[list[tuple[JsonObject, Call]], JsonMapping]:
    """The chat as the first model is asked, then as each fallback is; and `context_window_fallback_dict`."""
    changes, by_window = fallback_models(request)
    tries = [_request(model, messages, request)]
    for change in changes:
        own = {name: value for name, value in change.items() if name != "model"}
        tries.append(_request(change["model"], messages, {**request, **own}))
    return tries, by_window


def token_counter(
    model: str,
    text: str | Sequence[str] | None = None,
    messages: ChatMessages | None = None,
    count_response_tokens: bool | None = False,
    tools: Sequence[JsonMapping] | None = None,
    tool_choice: object = None,
    **request: object,
) -> Operation[int]:
    """How many tokens `completion` with the same arguments would send, as Gemini counts them, files included.

    Either `messages` or `text`, one or several. `request`: OpenAI's parameters and those that all functions share.
    Gemini is asked, so `custom_tokenizer` and `default_token_count` of LiteLLM's are refused; `count_response_tokens`
    changes nothing, as Gemini adds nothing for a message.
    """
    for name in ("custom_tokenizer", "default_token_count"):
        if request.pop(name, None) is not None:
            raise UnsupportedParameter(f"'{name}' has no effect where Gemini counts.", param=name)
    request.pop("use_default_image_token_count", None)
    if (text is None) == (messages is None):
        raise InvalidRequest("'token_counter' takes either 'messages' or 'text'.", param="messages")
    if text is not None:
        parts = [text] if isinstance(text, str) else text
        messages = [{"role": "user", "content": [{"type": "text", "text": part} for part in parts]}]
    fallback_models(request)
    body, call = _request(model, messages, {**request, "tools": tools, "tool_choice": tool_choice})
    return Operation(lambda engine, _: engine.count_tokens(body, call))


def _id(file_id: Any) -> Any:
    """An id without the line's end that it came with out of a file or a shell."""
    return file_id.strip() if isinstance(file_id, str) else file_id


def _request(model: object, messages: ChatMessages | None, arguments: JsonMapping) -> tuple[JsonObject, Call]:
    """A chat's body and its options, which are never part of it."""
    request = dict(arguments)
    if messages is None:
        raise MissingParameter("messages")
    options: Any = {name: request.pop(name) for name in OPTION_NAMES & request.keys()}
    headers = request.pop("headers", None)
    call: Call = call_of(
        options,
        provider=request.pop("custom_llm_provider", None),
        extra_headers=request.pop("extra_headers", None) or headers,
        extra_body=plain(request.pop("extra_body", None)),
    )
    take_out(request)
    if "response_format" in request:
        request["response_format"] = response_format(request["response_format"])
    stated = {name: value for name, value in request.items() if value is not None}
    return {"model": model, "messages": plain(messages), **plain(stated)}, call
