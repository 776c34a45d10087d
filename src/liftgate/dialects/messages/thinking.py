"""`thinking` and `output_config.effort` → thinkingConfig, of which Gemini takes a budget or a level, never both."""

from __future__ import annotations

from liftgate.ask import checks, generation
from liftgate.ask.builder import Ask
from liftgate.dialects.messages.question import Reading
from liftgate.errors import InvalidRequest
from liftgate.json_types import JsonObject

EFFORTS = ("low", "medium", "high", "xhigh", "max")
_KINDS = ("enabled", "adaptive", "between_tools", "disabled")
_LARGEST_BUDGET = 32_768
"""Tokens: Google's largest for any model that takes a budget beside levels."""
_SMALLEST_BUDGET = 128
"""Tokens: the least that a model takes which cannot be kept from thinking."""


def read_thinking(reading: Reading, value: object, param: str) -> None:
    found = checks.mapping(value, param)
    kind = checks.choice(checks.required(found, "type", param), f"{param}.type", _KINDS)
    reading.ask.refuse_unknown_keys(found, param, frozenset({"type", "budget_tokens", "display", "block_binding"}))
    if (display := found.get("display")) is not None:
        checks.choice(display, f"{param}.display", ("summarized", "omitted", "updates"))
    if (binding := found.get("block_binding")) is not None:
        at = f"{param}.block_binding"
        reading.ask.refuse_unknown_keys(checks.mapping(binding, at), at, frozenset({"prefix_mismatch_behavior"}))
    if kind == "enabled":
        at = f"{param}.budget_tokens"
        budget = checks.integer(checks.required(found, "budget_tokens", param), at, 1024, checks.INT32_MAX)
        most = reading.parameters.get("max_tokens")
        if not reading.counting and type(most) is int and budget >= most:
            raise InvalidRequest("`max_tokens` must be greater than `thinking.budget_tokens`.", param="max_tokens")
    reading.thinking = found


def settle_thinking(reading: Reading) -> None:
    """Once both parameters were read."""
    ask, thinking, effort = reading.ask, reading.thinking, reading.effort
    if thinking is None:
        if effort is not None:
            _with_effort(ask, effort)
            ask.generation.get("thinkingConfig", {}).pop("includeThoughts", None)
        return
    if thinking["type"] == "disabled":
        _least(ask)
        return
    if ask.facts.thinking == "none":
        ask.refuse_unsupported("thinking", "thinking")
        return
    if thinking["type"] == "enabled":
        budget = min(thinking["budget_tokens"], max(ask.facts.budgets.values(), default=_LARGEST_BUDGET))
        generation.think_within(ask, budget, "thinking.budget_tokens", "thinking")
    elif effort is not None:
        _with_effort(ask, effort)
    else:
        generation.think_within(ask, None if ask.facts.levels else -1, "thinking", "thinking")
    reading.thinks = True
    if thinking.get("display") == "omitted":
        ask.generation.get("thinkingConfig", {}).pop("includeThoughts", None)


def _with_effort(ask: Ask, effort: str) -> None:
    """The highest that the model has, where it has none of this name: it is a wish, and clients send it by habit."""
    known = {*ask.facts.levels, *ask.facts.budgets}
    name = effort if effort in known or not known else "high"
    generation.think_with_effort(ask, name, "output_config.effort")


def _least(ask: Ask) -> None:
    """No thoughts, or as few as the model can be held to: clients say `disabled` as a matter of course."""
    ask.given.add("reasoning_effort")
    facts = ask.facts
    config: JsonObject
    if facts.thinking == "none":
        return
    if facts.thinking_off:
        config = {"thinkingBudget": 0}
    elif facts.levels:
        config = {"thinkingLevel": facts.levels["minimal"]}
    else:
        config = {"thinkingBudget": _SMALLEST_BUDGET}
    ask.generation["thinkingConfig"] = config
