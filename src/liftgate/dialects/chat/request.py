"""A chat request and its resolved files → a Gemini request.

The tables of readers below and the fates in `fields` decide together what happens to each parameter; one that is in
neither is an unknown parameter, as at OpenAI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from liftgate.ask import checks, generation
from liftgate.ask.body import finish
from liftgate.ask.builder import Ask, Reader
from liftgate.ask.drop_paths import leave_out_unwanted
from liftgate.ask.gemini_fields import read_other
from liftgate.dialects.chat import parameters, tools
from liftgate.dialects.chat.defaults import given_to, read_open
from liftgate.dialects.chat.fields import IGNORED, REFUSED
from liftgate.dialects.chat.messages import read_messages
from liftgate.dialects.chat.question import ChatQuestion, Reading
from liftgate.errors import MissingParameter
from liftgate.json_types import JsonMapping

INSTEAD = "'messages' and 'model'"
"""Where the client says what Gemini's fields of a conversation say."""

DependentReader: TypeAlias = Callable[[Reading, object, str], None]


def tool_call_ids(request: JsonMapping) -> list[str]:
    """The ids of the tool calls in the history: those whose thought signatures should be looked up."""
    messages = request.get("messages")
    if type(messages) is not list:
        return []
    found: list[str] = []
    for message in messages:
        if type(message) is dict and "tool_calls" in message and type(calls := message["tool_calls"]) is list:
            for call in calls:
                if type(call) is dict and type(call_id := call.get("id")) is str:
                    found.append(call_id)
    return found


def read_chat(request: JsonMapping, ask: Ask) -> ChatQuestion:
    """Never changes the request. Its `drop_params` wins over the one that `ask` has.

    With it, what the model's facts exclude and unknown parameters are left out, each named in `dropped`; content that
    Gemini cannot take is always an error. Raises InvalidRequest, MissingParameter, UnsupportedParameter and
    FileNotFound, with the field's path in `param`.
    """
    if type(drop := request.get("drop_params")) is bool:
        ask.drop_params = drop
    if ask.defaults or "additional_drop_params" in request:
        request = leave_out_unwanted(ask, request, keep="messages")
    if request.get("messages") is None:
        raise MissingParameter("messages")
    more = request.get("extra_body")
    whole = {**request, **more} if more is not None and isinstance(more, Mapping) else request
    reading = Reading(ask, whole, request.get("stream") is True)
    ask.declared = partial(_declared_names, request, ask.defaults)  # not of `ask`: no cycle may keep it alive
    for name, value in request.items():
        if value is not None:
            reader = READERS.get(name)
            if reader is not None:
                reader(ask, value, name)
            else:
                _read(reading, name, value)
    if ask.defaults:
        given = {name for name, value in reading.parameters.items() if value is not None}
        read_open(reading, given, _read)
    if "tool_choice" in reading.parameters or "function_call" in reading.parameters:
        tools.read_choice(reading)
    options = reading.parameters.get("stream_options")
    return finish(
        ask,
        ChatQuestion,
        reading.stream,
        options is not None and options.get("include_usage") is True,
        "pcm16" if reading.stream else reading.audio_format,
        reading.legacy_functions,
    )


def read_defaults(ask: Ask) -> None:
    """The deployment's defaults, for a request of another API that was read into `ask`."""
    reading = Reading(ask, {})
    given = given_to(ask)
    read_open(reading, given, _read)
    if "tool_choice" not in given:
        tools.read_choice(reading)


def _read(reading: Reading, name: str, value: object) -> None:
    """One parameter, wherever it stands."""
    if value is None or name in IGNORED:
        return
    ask = reading.ask
    if (reader := READERS.get(name)) is not None:
        reader(ask, value, name)
    elif (dependent := DEPENDENT.get(name)) is not None:
        dependent(reading, value, name)
    elif (reason := REFUSED.get(name)) is not None:
        if not checks.asks_for_nothing(value):
            ask.leave_out(name, f"Unsupported parameter: '{name}': {reason}.")
    else:
        read_other(ask, name, value, name, instead=INSTEAD)


def _declared_names(request: JsonMapping, defaults: JsonMapping) -> set[str]:
    return tools.declared_names(request) | tools.declared_names(defaults)


def _elsewhere(ask: Ask, value: object, param: str) -> None:
    """Read by others: the router (`model`), or once every tool is known (`tool_choice`)."""


def _drop_params(ask: Ask, value: object, param: str) -> None:
    checks.boolean(value, param)


def _additional_drop_params(ask: Ask, value: object, param: str) -> None:
    for index, each in enumerate(checks.array(value, param)):
        checks.string(each, f"{param}[{index}]")


def _provider(ask: Ask, value: object, param: str) -> None:
    checks.choice(value, param, ("gemini",))


def _extra_body(reading: Reading, value: object, param: str) -> None:
    for name, each in checks.mapping(value, param).items():
        if name != param:
            _read(reading, name, each)
        elif each is not None:
            reading.ask.refuse_unknown(f"{param}.{param}")


def _google(ask: Ask, value: object, param: str) -> None:
    """Gemini's fields, as in Google's own OpenAI layer."""
    for name, each in checks.mapping(value, param).items():
        if name == "tools" and each is not None:
            tools.read_tools(ask, each, f"{param}.tools")
        elif each is not None:
            read_other(ask, name, each, f"{param}.{name}", instead=INSTEAD)


READERS: dict[str, Reader] = {
    "model": _elsewhere,
    "messages": read_messages,
    "stream": parameters.read_stream,
    "temperature": generation.read_temperature,
    "top_p": generation.read_top_p,
    "top_k": generation.read_top_k,
    "max_tokens": generation.read_token_limit,
    "n": generation.read_candidates,
    "seed": generation.read_seed,
    "stop": generation.read_stop,
    "frequency_penalty": generation.read_frequency_penalty,
    "presence_penalty": generation.read_presence_penalty,
    "logprobs": generation.read_logprobs,
    "response_format": parameters.read_response_format,
    "reasoning_effort": parameters.read_reasoning_effort,
    "thinking": parameters.read_thinking,
    "service_tier": generation.read_service_tier,
    "timeout": _elsewhere,
    "verbosity": parameters.read_verbosity,
    "logit_bias": parameters.read_logit_bias,
    "store": parameters.read_store,
    "tools": tools.read_tools,
    "tool_choice": _elsewhere,
    "function_call": _elsewhere,
    "parallel_tool_calls": tools.read_parallel,
    "web_search_options": tools.read_web_search,
    "modalities": parameters.read_modalities,
    "google": _google,
    "drop_params": _drop_params,
    "additional_drop_params": _additional_drop_params,
    "custom_llm_provider": _provider,
}

DEPENDENT: dict[str, DependentReader] = {
    "max_completion_tokens": parameters.read_max_completion_tokens,
    "top_logprobs": parameters.read_top_logprobs,
    "stream_options": parameters.read_stream_options,
    "audio": parameters.read_audio,
    "functions": tools.read_functions,
    "extra_body": _extra_body,
}
"""Those that depend on another parameter, or tell the answer's side of chat something."""
