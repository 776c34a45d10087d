"""One reader for each parameter that stands for itself: its value and its path → what Gemini has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from liftgate.ask import checks, generation
from liftgate.ask.builder import Ask
from liftgate.ask.gemini_fields import read_other
from liftgate.dialects.responses import tools
from liftgate.dialects.responses.fields import INCLUDED, REFUSED
from liftgate.dialects.responses.question import Reading
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

_Reader: TypeAlias = Callable[[Reading, object, str], None]

SUMMARIES = ("auto", "concise", "detailed")


_SO_ANYWAY: dict[str, dict[str, tuple[str, ...]]] = {
    "image": {"context_compression": ("auto", "disabled")},
    "background_options": {"completion_window": ("soonest",)},
    "access_programs": {"cyber": ("standard",)},
}
"""What may be said within refused parameters, because it says what is done in any case."""


def refuse_what_is_not_so(ask: Ask, name: str, value: object) -> None:
    """A parameter that is refused, unless it asks for nothing, or says what is so anyway."""
    usual = _SO_ANYWAY.get(name)
    fields = value.items() if usual is not None and isinstance(value, dict) else ()
    is_so = usual is not None and fields and all(each is None or each in usual.get(key, ()) for key, each in fields)
    if not is_so and not checks.asks_for_nothing(value):
        ask.leave_out(name, f"Unsupported parameter: '{name}': {REFUSED[name]}.")


def _elsewhere(reading: Reading, value: object, param: str) -> None:
    """Read by others: the router, or once everything else is known."""


def _boolean(ask: Ask, value: object, param: str) -> None:
    checks.boolean(value, param)


def _string(ask: Ask, value: object, param: str) -> None:
    checks.string(value, param)


def _identifier(ask: Ask, value: object, param: str) -> None:
    """OpenAI's document says 64 characters, its clients 128 since version 3.29: a SHA-512 has as many."""
    checks.string(value, param, most=128)


def _parallel(reading: Reading, value: object, param: str) -> None:
    reading.ask.given.add("parallel_tool_calls")
    reading.ask.one_call = not checks.boolean(value, param)


def _truncation(reading: Reading, value: object, param: str) -> None:
    checks.choice(value, param, ("auto", "disabled"))


def _context_management(reading: Reading, value: object, param: str) -> None:
    if checks.array(value, param):
        reading.ask.leave_out(param, f"Unsupported parameter: '{param}': {REFUSED[param]}.")


def _max_tool_calls(reading: Reading, value: object, param: str) -> None:
    checks.integer(value, param, 1, checks.INT32_MAX)


def _stream_options(reading: Reading, value: object, param: str) -> None:
    options = checks.mapping(value, param)
    if reading.parameters.get("stream") is not True:
        raise InvalidRequest(f"The '{param}' parameter is only allowed when 'stream' is enabled.", param=param)
    reading.ask.refuse_unknown_keys(options, param, frozenset({"include_obfuscation"}))
    if (padded := options.get("include_obfuscation")) is not None:
        checks.boolean(padded, f"{param}.include_obfuscation")


def _metadata(reading: Reading, value: object, param: str) -> None:
    check_metadata(value, param)


def check_metadata(value: object, param: str) -> JsonObject:
    """Up to 16 texts. Raises InvalidRequest."""
    labels = checks.mapping(value, param)
    if len(labels) > 16:
        raise InvalidRequest(
            f"Invalid '{param}': too many properties. Expected an object with at most 16 properties, but got an object "
            f"with {len(labels)} properties instead.",
            param=param,
            code="object_above_max_properties",
        )
    for key, each in labels.items():
        if len(checks.string(each, checks.Place(param, key))) > 512 or len(key) > 64:
            raise InvalidRequest(
                f"Invalid '{param}': a name has at most 64 characters, and its text at most 512.",
                param=param,
                code="string_above_max_length",
            )
    return labels


def _include(reading: Reading, value: object, param: str) -> None:
    for index, each in enumerate(checks.array(value, param)):
        at = f"{param}[{index}]"
        name = checks.choice(each, at, INCLUDED)
        if name == "message.output_text.logprobs":
            generation.read_logprobs(reading.ask, True, at)


def _top_logprobs(reading: Reading, value: object, param: str) -> None:
    if checks.integer(value, param, 0, 20):
        generation.read_logprobs(reading.ask, True, param)
        generation.read_top_logprobs(reading.ask, value, param)


def _text(reading: Reading, value: object, param: str) -> None:
    text = checks.mapping(value, param)
    ask = reading.ask
    ask.refuse_unknown_keys(text, param, frozenset({"format", "verbosity"}))
    if (verbosity := text.get("verbosity")) is not None:
        checks.choice(verbosity, f"{param}.verbosity", ("low", "medium", "high"))
    if text.get("format") is None:
        return
    at = f"{param}.format"
    form = checks.mapping(text["format"], at)
    kind = checks.choice(checks.required(form, "type", at), f"{at}.type", ("text", "json_object", "json_schema"))
    ask.given.add("response_format")
    if kind != "json_schema":
        ask.refuse_unknown_keys(form, at, frozenset({"type"}))
    if kind != "text" and generation.ask_for_json(ask, at) and kind == "json_schema":
        _schema(ask, form, at)


def _schema(ask: Ask, form: JsonObject, at: str) -> None:
    ask.refuse_unknown_keys(form, at, frozenset({"type", "name", "description", "schema", "strict"}))
    generation.read_named_schema(ask, form, at, required=True)


def _reasoning(reading: Reading, value: object, param: str) -> None:
    """Thoughts are shown only where a summary is asked for."""
    ask = reading.ask
    reasoning = checks.mapping(value, param)
    known = frozenset({"effort", "summary", "generate_summary", "mode", "context"})
    ask.refuse_unknown_keys(reasoning, param, known)
    summary = False
    for key in ("summary", "generate_summary"):
        if (word := reasoning.get(key)) is not None:
            checks.choice(word, f"{param}.{key}", SUMMARIES)
            summary = True
    effort = reasoning.get("effort")
    if effort is not None:
        effort = checks.choice(effort, f"{param}.effort", generation.EFFORTS)
        generation.think_with_effort(ask, effort, f"{param}.effort")
    elif summary:
        generation.think_within(ask, None, f"{param}.summary", f"{param}.summary")
    thinking = ask.generation.get("thinkingConfig")
    if thinking is not None and not summary:
        thinking.pop("includeThoughts", None)


def _google(reading: Reading, value: object, param: str) -> None:
    """Gemini's own fields, where Google's layer for chats has them."""
    for name, each in checks.mapping(value, param).items():
        if each is not None:
            read_other(reading.ask, name, each, f"{param}.{name}", instead="'input', 'instructions' and 'model'")


READERS: dict[str, _Reader] = {
    "model": _elsewhere,
    "input": _elsewhere,
    "instructions": _elsewhere,
    "tool_choice": _elsewhere,
    "previous_response_id": _elsewhere,
    "conversation": _elsewhere,
    "timeout": _elsewhere,
    "additional_drop_params": _elsewhere,
    "stream_options": _stream_options,
    "top_logprobs": _top_logprobs,
    "text": _text,
    "tools": tools.read_tools,
    "parallel_tool_calls": _parallel,
    "reasoning": _reasoning,
    "include": _include,
    "metadata": _metadata,
    "truncation": _truncation,
    "context_management": _context_management,
    "max_tool_calls": _max_tool_calls,
    "google": _google,
}
OF_ASK: dict[str, Callable[[Ask, object, str], None]] = {
    "drop_params": _boolean,
    "stream": _boolean,
    "store": _boolean,
    "background": _boolean,
    "temperature": generation.read_temperature,
    "top_p": generation.read_top_p,
    "presence_penalty": generation.read_presence_penalty,
    "frequency_penalty": generation.read_frequency_penalty,
    "max_output_tokens": generation.read_token_limit,
    "service_tier": generation.read_service_tier,
    "user": _string,
    "safety_identifier": _identifier,
    "prompt_cache_key": _string,
}
"""Those that need no more than that."""
READ_ELSEWHERE = frozenset(name for name, reader in READERS.items() if reader is _elsewhere)
