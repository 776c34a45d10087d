"""`responses`: OpenAI's Responses by LiteLLM's names and arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, Unpack

from liftgate.errors import InvalidRequest, MissingParameter
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.sdk.calls import OPTION_NAMES, Call, CallOptions, call_of
from liftgate.sdk.engine import Engine, EventSource
from liftgate.sdk.litellm_arguments import response_format, take_out
from liftgate.sdk.operations import Operation
from liftgate.sdk.response_cost import note_cost
from liftgate.sdk.response_results import DeleteResponseResult, ResponsesAPIResponse
from liftgate.sdk.results import Result, plain

_HARMLESS = ("extra_query", "litellm_trace_id", "shared_session", "store_params")


ResponsesInput: TypeAlias = str | Sequence[JsonMapping | Result] | None
"""None where an earlier response or a conversation alone is gone on from."""


def responses(input: ResponsesInput, model: str, **request: object) -> Operation[ResponsesAPIResponse | EventSource]:
    """A Response of OpenAI's; `stream=True` gives an iterator of events.

    `input`: a text, or items; those of an answer's `output` may stand among them as they are. `request`: the
    parameters of docs/responses.md by their names, and those that all functions share. `text_format` may be a pydantic
    model. `previous_response_id`, `conversation` and `store` need a place where answers are kept: a gateway, or
    `Liftgate(data_dir=…)`; elsewhere nothing is stored. `extra_body` is merged into Gemini's own request.
    """
    body, call = _request(input, model, request)

    async def asked(engine: Engine, _: object) -> ResponsesAPIResponse | EventSource:
        answer = await engine.respond(body, call)
        if isinstance(answer, ResponsesAPIResponse) and not answer._hidden_params:
            note_cost(answer, str(body["model"]))
        return answer

    return Operation(asked)


def get_responses(
    response_id: str,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    **options: Unpack[CallOptions],
) -> Operation[ResponsesAPIResponse]:
    """A response that was stored, for 30 days."""
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers)
    return Operation(lambda engine, _: engine.retrieve_response(response_id, call))


def delete_responses(
    response_id: str,
    custom_llm_provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    **options: Unpack[CallOptions],
) -> Operation[DeleteResponseResult]:
    """Erases a stored response at once; what went on from it cannot be gone on from any more."""
    call = call_of(options, provider=custom_llm_provider, extra_headers=extra_headers)
    return Operation(lambda engine, _: engine.delete_response(response_id, call))


def _request(given: object, model: object, arguments: JsonMapping) -> tuple[JsonObject, Call]:
    """The request's body, and its options, which are never part of it."""
    if given is None and not (arguments.get("previous_response_id") or arguments.get("conversation")):
        raise MissingParameter("input")
    request = dict(arguments)
    options: Any = {name: request.pop(name) for name in OPTION_NAMES & request.keys()}
    call = call_of(
        options,
        provider=request.pop("custom_llm_provider", None),
        extra_headers=request.pop("extra_headers", None),
        extra_body=request.pop("extra_body", None),
    )
    take_out(request)
    for name in _HARMLESS:
        request.pop(name, None)
    if (form := request.pop("text_format", None)) is not None:
        request["text"] = {**(plain(request.get("text")) or {}), "format": _format(form)}
    stated = {name: value for name, value in request.items() if value is not None}
    items = given if isinstance(given, str) else plain(given)
    return {"model": model, **({} if items is None else {"input": items}), **plain(stated)}, call


def _format(value: object) -> JsonObject:
    """OpenAI's flat form, of a pydantic model or of chat's nested one."""
    try:
        form: JsonObject = response_format(value)
    except InvalidRequest as wrong:
        raise InvalidRequest(wrong.message.replace("response_format", "text_format"), param="text_format") from None
    nested = form.get("json_schema")
    return {"type": "json_schema", **nested} if isinstance(nested, Mapping) else form
