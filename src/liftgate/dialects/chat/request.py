"""Phase two: an OpenAI chat request and its resolved files → a Gemini request.

The table of readers below and the fates in `field_table` decide together what happens to each parameter; one that is in
neither is an unknown parameter, as at OpenAI.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from liftgate.ask import checks, generation, outputs, tools
from liftgate.ask import gemini_fields as native_fields
from liftgate.ask.draft import Draft
from liftgate.ask.drop_paths import without
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_facts import ModelFacts
from liftgate.ask.question import NOTHING_ALIASED, Dropped
from liftgate.ask.tool_choice import finish_tools
from liftgate.dialects.chat.fields import IGNORED, REFUSED
from liftgate.dialects.chat.messages import read_messages
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.errors import MissingParameter

NOTHING_READ: Mapping[str, Media] = {}


def tool_call_ids(request: Mapping[str, Any]) -> list[str]:
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


def _nothing(draft: Draft, value: object) -> None:
    """Read by others: the router (`model`), or `translate_chat` itself."""


def _drop_params(draft: Draft, value: object) -> None:
    checks.boolean(value, "drop_params")


def _additional_drop_params(draft: Draft, value: object) -> None:
    for index, each in enumerate(checks.array(value, "additional_drop_params")):
        checks.string(each, f"additional_drop_params[{index}]")


def _provider(draft: Draft, value: object) -> None:
    checks.choice(value, "custom_llm_provider", ("gemini",))


def _extra_body(draft: Draft, value: object) -> None:
    for name, each in checks.mapping(value, "extra_body").items():
        if name != "extra_body":
            _read(draft, name, each)
        elif each is not None:
            draft.unknown("extra_body.extra_body")


def _google(draft: Draft, value: object) -> None:
    for name, each in checks.mapping(value, "google").items():
        if name == "tools" and each is not None:
            tools.read_tools(draft, each, "google.tools")
        elif each is not None and not native_fields.read_native(draft, name, each):
            draft.unknown(f"google.{name}")


READERS: dict[str, Callable[[Draft, Any], None]] = {
    "model": _nothing,
    "messages": read_messages,
    "stream": generation.read_stream,
    "stream_options": generation.read_stream_options,
    "temperature": generation.read_temperature,
    "top_p": generation.read_top_p,
    "top_k": generation.read_top_k,
    "max_tokens": generation.read_max_tokens,
    "max_completion_tokens": generation.read_max_completion_tokens,
    "n": generation.read_n,
    "seed": generation.read_seed,
    "stop": generation.read_stop,
    "frequency_penalty": generation.read_frequency_penalty,
    "presence_penalty": generation.read_presence_penalty,
    "logprobs": generation.read_logprobs,
    "top_logprobs": generation.read_top_logprobs,
    "response_format": generation.read_response_format,
    "reasoning_effort": generation.read_reasoning_effort,
    "thinking": generation.read_thinking,
    "service_tier": generation.read_service_tier,
    "verbosity": generation.read_verbosity,
    "logit_bias": generation.read_logit_bias,
    "store": generation.read_store,
    "tools": tools.read_tools,
    "tool_choice": _nothing,
    "functions": tools.read_functions,
    "function_call": _nothing,
    "parallel_tool_calls": tools.read_parallel,
    "web_search_options": tools.read_web_search,
    "modalities": outputs.read_modalities,
    "audio": outputs.read_audio,
    "extra_body": _extra_body,
    "google": _google,
    "drop_params": _drop_params,
    "additional_drop_params": _additional_drop_params,
    "custom_llm_provider": _provider,
}


def translate_chat(
    request: Mapping[str, Any],
    *,
    facts: ModelFacts,
    files: Mapping[str, ResolvedFile],
    signatures: Mapping[str, str],
    media: Mapping[str, Media] = NOTHING_READ,
    drop_params: bool = False,
    additional_drop_params: Collection[str] = (),
) -> ChatQuestion:
    """Never changes the request. `files` by `Media.param`, `signatures` by tool call id, `media` as phase one read.

    `drop_params` (here or in the request) leaves out what the model's facts exclude and unknown parameters, each
    named in `dropped`; content that cannot be said is always an error. Raises InvalidRequest, MissingParameter,
    UnsupportedParameter and FileNotFound, with the field's path in `param`.
    """
    drop = drop_params or request.get("drop_params") is True
    more = request.get("additional_drop_params")
    unwanted = (*additional_drop_params, *(more if isinstance(more, list) else ()))
    dropped: list[Dropped] = []
    if unwanted:
        request, gone = without(request, [path for path in unwanted if isinstance(path, str)])
        dropped = [Dropped(path, "named in additional_drop_params") for path in gone]
    draft = Draft(request, facts, files, signatures, media, drop, dropped)
    if request.get("messages") is None:
        raise MissingParameter("messages")
    for name, value in request.items():
        if value is not None:
            reader = READERS.get(name)
            if reader is not None:
                reader(draft, value)
            else:
                _read(draft, name, value)
    return _finished(draft)


def _read(draft: Draft, name: str, value: object) -> None:
    """One parameter, wherever it stands."""
    if value is None or name in IGNORED:
        return
    reader = READERS.get(name)
    if reader is not None:
        reader(draft, value)
    elif (reason := REFUSED.get(name)) is not None:
        draft.leave_out(name, f"Unsupported parameter: '{name}': {reason}.")
    elif not native_fields.read_native(draft, name, value):
        draft.unknown(name)


def _finished(draft: Draft) -> ChatQuestion:
    request = draft.request
    if draft.declarations or draft.google_tools or "tool_choice" in request or "function_call" in request:
        finish_tools(draft)
    outputs.finish_outputs(draft)
    if draft.generation:
        draft.body["generationConfig"] = draft.generation
    native_fields.merge_native(draft)
    options = request.get("stream_options")
    return ChatQuestion(
        body=draft.body,
        stream=request.get("stream") is True,
        include_usage=options is not None and options.get("include_usage") is True,
        audio_format=outputs.audio_format(draft),
        dropped=tuple(draft.dropped),
        notes=tuple(draft.notes),
        kept_names=tuple(draft.kept_names),
        function_names=frozenset(draft.function_names),
        custom_tools=frozenset(draft.custom_tools),
        legacy_functions=draft.legacy_functions,
        one_call=draft.one_call,
        client_names={sent: name for name, sent in draft.aliases.items()} if draft.aliases else NOTHING_ALIASED,
        json_call=draft.json_call,
        mcp=bool(draft.google_tools) and any("mcpServers" in tool for tool in draft.google_tools),
    )
