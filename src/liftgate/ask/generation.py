"""Sampling, length, reasoning and output parameters → generationConfig and its neighbours.

One reader per parameter: (draft, value) → writes into the draft, or raises in OpenAI's words. What a model cannot do is
looked up in its facts. `chat_request` holds the table that names the readers.
"""

from __future__ import annotations

from typing import Any

from liftgate.ask import checks
from liftgate.ask.checks import INT32_MAX
from liftgate.ask.draft import Draft
from liftgate.ask.json_schema import json_schema
from liftgate.ask.model_facts import BUDGETS
from liftgate.ask.schema_subset import schema_subset
from liftgate.errors import InvalidRequest

MAX_STOPS = 5
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_LITELLMS = frozenset({"response_schema", "enforce_validation"})
_FORMS = {
    "text": frozenset({"type"}),
    "json_object": frozenset({"type"}) | _LITELLMS,
    "json_schema": frozenset({"type", "json_schema"}) | _LITELLMS,
}
TIERS = {"default": "standard", "flex": "flex", "priority": "priority", "fast": "priority"}


def read_temperature(draft: Draft, value: object) -> None:
    _sample(draft, "temperature", "temperature", checks.number(value, "temperature", 0, 2))


def read_top_p(draft: Draft, value: object) -> None:
    _sample(draft, "top_p", "topP", checks.number(value, "top_p", 0, 1))


def read_top_k(draft: Draft, value: object) -> None:
    _sample(draft, "top_k", "topK", checks.integer(value, "top_k", 1, INT32_MAX))


def _sample(draft: Draft, param: str, target: str, value: float) -> None:
    """Where it has no effect it is still sent, as Google takes it, but for callers who let such parameters go."""
    if draft.facts.sampling == "ignored" and draft.drop_params:
        draft.leave_out(param, f"'{param}' has no effect with this model.")
    else:
        draft.generation[target] = value


def read_max_completion_tokens(draft: Draft, value: object) -> None:
    draft.generation["maxOutputTokens"] = checks.integer(value, "max_completion_tokens", 1, INT32_MAX)


def read_max_tokens(draft: Draft, value: object) -> None:
    limit = checks.integer(value, "max_tokens", 1, INT32_MAX)
    newer = draft.request.get("max_completion_tokens")
    if newer is not None and newer != limit:
        raise InvalidRequest(
            "Invalid 'max_tokens': 'max_tokens' and 'max_completion_tokens' differ; give one of them.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    draft.generation["maxOutputTokens"] = limit


def read_n(draft: Draft, value: object) -> None:
    count = checks.integer(value, "n", 1, 128)
    if count > draft.facts.candidates:
        draft.leave_out("n", f"Unsupported value: 'n' may be at most {draft.facts.candidates} with this model.")
    elif count > 1:
        draft.generation["candidateCount"] = count


def read_seed(draft: Draft, value: object) -> None:
    """OpenAI's seeds have 64 bits, Gemini's 31: folded, so that equal seeds stay equal."""
    draft.generation["seed"] = checks.integer(value, "seed", -(2**63), 2**63 - 1) % (INT32_MAX + 1)


def read_stop(draft: Draft, value: object) -> None:
    if isinstance(value, str):
        stops = [checks.string(value, "stop", empty=False)]
    elif isinstance(value, list):
        checks.array(value, "stop", most=MAX_STOPS)
        stops = [checks.string(each, f"stop[{index}]", empty=False) for index, each in enumerate(value)]
    else:
        raise checks.invalid_type("stop", "one of a string or array of strings", value)
    if stops:
        draft.generation["stopSequences"] = stops


def read_frequency_penalty(draft: Draft, value: object) -> None:
    _penalty(draft, value, "frequency_penalty", "frequencyPenalty")


def read_presence_penalty(draft: Draft, value: object) -> None:
    _penalty(draft, value, "presence_penalty", "presencePenalty")


def _penalty(draft: Draft, value: object, param: str, target: str) -> None:
    penalty = checks.number(value, param, -2, 2)
    if draft.facts.penalties:
        draft.generation[target] = penalty
    elif penalty:
        draft.cannot(param, "penalties")


def read_logprobs(draft: Draft, value: object) -> None:
    if not checks.boolean(value, "logprobs"):
        return
    if not draft.facts.logprobs:
        draft.cannot("logprobs", "logprobs")
        return
    draft.generation["responseLogprobs"] = True


def read_top_logprobs(draft: Draft, value: object) -> None:
    count = checks.integer(value, "top_logprobs", 0, 20)
    if draft.request.get("logprobs") is not True:
        if count:
            raise InvalidRequest(
                "Invalid 'top_logprobs': 'logprobs' must be set to true if 'top_logprobs' is used.",
                param="top_logprobs",
            )
        return
    if draft.facts.logprobs:
        draft.generation["logprobs"] = count
    elif draft.drop_params:
        draft.cannot("top_logprobs", "logprobs")


def read_response_format(draft: Draft, value: object) -> None:
    form = checks.mapping(value, "response_format")
    kinds = ("text", "json_object", "json_schema")
    kind = checks.choice(checks.required(form, "type", "response_format"), "response_format.type", kinds)
    draft.only(form, "response_format", _FORMS[kind])
    if kind == "text":
        return
    draft.generation["responseMimeType"] = "application/json"
    if (schema := form.get("response_schema")) is not None:  # LiteLLM's form for Gemini
        where = "response_format.response_schema"
        if form.get("json_schema") is not None:
            raise InvalidRequest(
                f"Invalid '{where}': 'json_schema' holds the schema already; give one of them.",
                param=where,
                code="invalid_parameter_combination",
            )
        _write_schema(draft, checks.mapping(schema, where), where, strict=False)
        return
    if kind == "json_object":
        return
    where = "response_format.json_schema"
    described = checks.mapping(checks.required(form, "json_schema", "response_format"), where)
    draft.only(described, where, frozenset({"name", "description", "schema", "strict"}))
    checks.string(checks.required(described, "name", where), f"{where}.name", empty=False)
    strict = described.get("strict")
    strict = strict is not None and checks.boolean(strict, f"{where}.strict")
    schema = described.get("schema")
    if schema is None:
        if strict:
            checks.required(described, "schema", where)
        return
    schema = checks.mapping(schema, f"{where}.schema")
    # Gemini's config has no place for the schema's description but the schema's own.
    description = described.get("description")
    if description is not None and "description" not in schema and "$ref" not in schema:
        schema = {**schema, "description": checks.string(description, f"{where}.description")}
    _write_schema(draft, schema, f"{where}.schema", strict=strict)


def _write_schema(draft: Draft, schema: dict[str, Any], where: str, *, strict: bool) -> None:
    """As JSON Schema where the model takes it; one in Google's own words (`OBJECT`) as the Schema that it is."""
    googles = isinstance(kind := schema.get("type"), str) and kind.isupper()
    if draft.facts.json_schema and not googles:
        draft.generation["responseJsonSchema"] = json_schema(schema, where, strict=strict)
    else:
        draft.generation["responseSchema"] = schema_subset(schema, where)


def read_reasoning_effort(draft: Draft, value: object) -> None:
    if isinstance(value, dict):  # the Responses API's form, which agent frameworks also send here
        value = checks.required(value, "effort", "reasoning_effort")
    effort = "none" if value == "disable" else checks.choice(value, "reasoning_effort", EFFORTS)
    facts = draft.facts
    if effort == "none":
        if facts.thinking == "none":
            return
        if facts.thinking_off:
            draft.generation["thinkingConfig"] = {"thinkingBudget": 0}
        else:
            draft.leave_out("reasoning_effort", _effort_error(effort, (*facts.levels, *facts.budgets)))
    elif effort in facts.levels:
        draft.generation["thinkingConfig"] = {"thinkingLevel": facts.levels[effort], "includeThoughts": True}
    elif effort in facts.budgets:
        draft.generation["thinkingConfig"] = {"thinkingBudget": facts.budgets[effort], "includeThoughts": True}
    elif facts.thinking == "none":
        draft.cannot("reasoning_effort", "reasoning")
    else:
        draft.leave_out("reasoning_effort", _effort_error(effort, (*facts.levels, *facts.budgets)))


def _effort_error(effort: str, known: tuple[str, ...]) -> str:
    names = ", ".join(f"'{name}'" for name in known)
    return (
        f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
        f"Supported values are: {names}."
    )


def read_thinking(draft: Draft, value: object) -> None:
    """Anthropic's parameter, as LiteLLM's clients send it: {type: enabled | disabled | adaptive, budget_tokens}."""
    thinking = checks.mapping(value, "thinking")
    draft.only(thinking, "thinking", frozenset({"type", "budget_tokens"}))
    kind = checks.choice(
        checks.required(thinking, "type", "thinking"), "thinking.type", ("enabled", "disabled", "adaptive")
    )
    if draft.facts.thinking == "none":
        if kind != "disabled":
            draft.cannot("thinking", "reasoning")
    elif kind == "disabled":
        if draft.facts.thinking_off:
            draft.generation["thinkingConfig"] = {"thinkingBudget": 0}
        else:
            draft.leave_out("thinking", "Unsupported value: thinking cannot be disabled with this model.")
    else:
        config: dict[str, Any] = {"includeThoughts": True}
        if (budget := thinking.get("budget_tokens")) is not None:
            tokens = checks.integer(budget, "thinking.budget_tokens", -1, INT32_MAX)
            if draft.facts.takes_budget:
                config["thinkingBudget"] = tokens
            elif tokens >= 0:
                config["thinkingLevel"] = draft.facts.levels[_effort_of(tokens)]
        draft.generation["thinkingConfig"] = config


def _effort_of(tokens: int) -> str:
    """The effort for which Google's own table has about this budget."""
    return next((effort for effort in ("low", "medium") if tokens <= BUDGETS[effort]), "high")


def read_service_tier(draft: Draft, value: object) -> None:
    tier = checks.choice(value, "service_tier", ("auto", "default", "standard", "flex", "scale", "priority", "fast"))
    if tier == "scale":
        draft.leave_out("service_tier", "Invalid service_tier argument: Gemini has no scale tier.")
    elif tier != "auto":
        draft.body["serviceTier"] = TIERS.get(tier, tier)


def read_verbosity(draft: Draft, value: object) -> None:
    if checks.choice(value, "verbosity", ("low", "medium", "high")) != "medium":
        draft.leave_out("verbosity", "Unsupported parameter: 'verbosity'. Gemini has no such setting; say it in words.")


def read_logit_bias(draft: Draft, value: object) -> None:
    if checks.mapping(value, "logit_bias"):
        draft.leave_out(
            "logit_bias", "Unsupported parameter: 'logit_bias'. Its token numbers mean nothing to Gemini's tokenizer."
        )


def read_store(draft: Draft, value: object) -> None:
    if checks.boolean(value, "store"):
        draft.leave_out("store", "Unsupported value: 'store' does not support true: completions are not stored.")


def read_stream(draft: Draft, value: object) -> None:
    checks.boolean(value, "stream")


def read_stream_options(draft: Draft, value: object) -> None:
    options = checks.mapping(value, "stream_options")
    if draft.request.get("stream") is not True:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    draft.only(options, "stream_options", frozenset({"include_usage", "include_obfuscation"}))
    for key, each in options.items():
        if each is not None:
            checks.boolean(each, f"stream_options.{key}")
