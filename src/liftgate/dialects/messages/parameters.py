"""One reader for each parameter that stands for itself: its value and its path → what Gemini has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from liftgate.ask import checks, generation
from liftgate.ask.builder import Ask
from liftgate.ask.question import Dropped
from liftgate.dialects.messages.errors import THREAD_REFUSED
from liftgate.dialects.messages.fields import REFUSED
from liftgate.dialects.messages.question import Reading
from liftgate.dialects.messages.thinking import EFFORTS, read_thinking
from liftgate.errors import InvalidRequest

_Reader: TypeAlias = Callable[[Reading, object, str], None]

SAFE_LIMIT = 65_536
"""Tokens that every model can put out whose limit the sources dispute."""


def _of_ask(read: Callable[[Ask, object, str], None]) -> _Reader:
    return lambda reading, value, param: read(reading.ask, value, param)


def _boolean(reading: Reading, value: object, param: str) -> None:
    checks.boolean(value, param)


def _max_tokens(reading: Reading, value: object, param: str) -> None:
    """Gemini refuses more than the model can; clients ask for more by habit."""
    asked = checks.integer(value, param, 1, checks.INT32_MAX)
    limit = reading.ask.facts.output_tokens or SAFE_LIMIT
    if asked > limit:
        reading.ask.dropped.append(Dropped(param, f"the model's limit, {limit}, stands in the place of {asked}"))
    reading.ask.generation["maxOutputTokens"] = min(asked, limit)


def _stop_sequences(reading: Reading, value: object, param: str) -> None:
    generation.read_stop(reading.ask, checks.array(value, param), param)


def _top_k(reading: Reading, value: object, param: str) -> None:
    """0 is Anthropic's for no limit."""
    if checks.integer(value, param, 0, checks.INT32_MAX):
        generation.read_top_k(reading.ask, value, param)


def _output_config(reading: Reading, value: object, param: str) -> None:
    config = checks.mapping(value, param)
    ask = reading.ask
    if config.get("task_budget") is not None:
        at = f"{param}.task_budget"
        ask.leave_out(at, f"Unsupported parameter: '{at}': {REFUSED[at]}.")
    ask.refuse_unknown_keys(config, param, frozenset({"effort", "format", "task_budget"}))
    if (effort := config.get("effort")) is not None:
        reading.effort = checks.choice(effort, f"{param}.effort", EFFORTS)
    if (form := config.get("format")) is not None:
        _format(reading, form, f"{param}.format")


def _format(reading: Reading, value: object, param: str) -> None:
    ask = reading.ask
    form = checks.mapping(value, param)
    checks.choice(checks.required(form, "type", param), f"{param}.type", ("json_schema",))
    ask.refuse_unknown_keys(form, param, frozenset({"type", "schema"}))
    schema = checks.mapping(checks.required(form, "schema", param), f"{param}.schema")
    ask.given.add("response_format")
    if generation.ask_for_json(ask, param):
        generation.write_schema(ask, schema, f"{param}.schema", strict=False)


def _tier(reading: Reading, value: object, param: str) -> None:
    if checks.choice(value, param, ("auto", "standard_only")) == "standard_only":
        generation.read_service_tier(reading.ask, "standard", param)


def _speed(reading: Reading, value: object, param: str) -> None:
    if checks.choice(value, param, ("standard", "fast")) == "fast":
        generation.read_service_tier(reading.ask, "fast", param)


def _geo(reading: Reading, value: object, param: str) -> None:
    if checks.string(value, param) != "global":
        reading.ask.leave_out(param, f"Unsupported value: '{param}': {REFUSED[param]}.")


def _mcp_servers(reading: Reading, value: object, param: str) -> None:
    if checks.array(value, param):
        reading.ask.leave_out(param, f"Unsupported parameter: '{param}': {REFUSED[param]}.")


def _thread(reading: Reading, value: object, param: str) -> None:
    """Never left out: the next request of a client whose thread was taken in silence holds no history. By this code
    Anthropic's clients know that they must send all of it."""
    raise InvalidRequest(
        f"'{param}' is not supported: {REFUSED[param].partition(';')[0]}.", param=param, code=THREAD_REFUSED
    )


ELSEWHERE = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "timeout", "additional_drop_params"}
)  # fmt: skip
"""Read by others: the router, or before and after everything else."""

READERS: dict[str, _Reader] = {
    "drop_params": _boolean,
    "stream": _boolean,
    "max_tokens": _max_tokens,
    "stop_sequences": _stop_sequences,
    "temperature": _of_ask(generation.read_temperature),
    "top_p": _of_ask(generation.read_top_p),
    "top_k": _top_k,
    "thinking": read_thinking,
    "output_config": _output_config,
    "output_format": _format,
    "service_tier": _tier,
    "speed": _speed,
    "inference_geo": _geo,
    "mcp_servers": _mcp_servers,
    "thread": _thread,
}
"""Those that have no row of their own here are refused or ignored by `fields`."""
