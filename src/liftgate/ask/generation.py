"""Sampling, length, thinking and the form of the answer → generationConfig and its neighbours.

Each reader takes a value that a client gave, under whatever name, and writes what Gemini has for it, or raises an error
that names the parameter's path. What a model cannot do is looked up in its facts.
"""

from __future__ import annotations

from collections.abc import Iterable

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.ask.checks import INT32_MAX
from liftgate.ask.json_schema import json_schema
from liftgate.ask.model_facts import BUDGETS
from liftgate.ask.schema_subset import schema_subset
from liftgate.json_types import JsonObject

MAX_STOPS = 5
TIERS = {"default": "standard", "flex": "flex", "priority": "priority", "fast": "priority"}
SERVICE_TIERS = ("auto", "default", "standard", "flex", "scale", "priority", "fast", "ultrafast")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


# ── sampling and length ──────────────────────────────────────────────────────────────────────────


def read_temperature(ask: Ask, value: object, param: str) -> None:
    _sample(ask, param, "temperature", checks.number(value, param, 0, 2))


def read_top_p(ask: Ask, value: object, param: str) -> None:
    _sample(ask, param, "topP", checks.number(value, param, 0, 1))


def read_top_k(ask: Ask, value: object, param: str) -> None:
    _sample(ask, param, "topK", checks.integer(value, param, 1, INT32_MAX))


def _sample(ask: Ask, param: str, target: str, value: float) -> None:
    """Where it has no effect it is still sent, as Google takes it, but for callers who let such parameters go."""
    if ask.facts.sampling == "ignored" and ask.drop_params:
        ask.leave_out(param, f"'{param}' has no effect with this model.")
    else:
        ask.generation[target] = value


def read_token_limit(ask: Ask, value: object, param: str) -> None:
    ask.generation["maxOutputTokens"] = checks.integer(value, param, 1, INT32_MAX)


def read_candidates(ask: Ask, value: object, param: str) -> None:
    ask.given.add("n")
    count = checks.integer(value, param, 1, 128)
    if count > ask.facts.candidates:
        ask.leave_out(param, f"Unsupported value: '{param}' may be at most {ask.facts.candidates} with this model.")
    elif count > 1:
        ask.generation["candidateCount"] = count


def read_seed(ask: Ask, value: object, param: str) -> None:
    """OpenAI's seeds have 64 bits, Gemini's 31: folded, so that equal seeds stay equal."""
    ask.generation["seed"] = checks.integer(value, param, -(2**63), 2**63 - 1) % (INT32_MAX + 1)


def read_stop(ask: Ask, value: object, param: str) -> None:
    """One text or several."""
    if isinstance(value, str):
        stops = [checks.string(value, param, empty=False)]
    elif isinstance(value, list):
        checks.array(value, param, most=MAX_STOPS)
        stops = [checks.string(each, f"{param}[{index}]", empty=False) for index, each in enumerate(value)]
    else:
        raise checks.invalid_type(param, "one of a string or array of strings", value)
    if stops:
        ask.generation["stopSequences"] = stops


def read_frequency_penalty(ask: Ask, value: object, param: str) -> None:
    ask.given.add("frequency_penalty")
    _penalty(ask, value, param, "frequencyPenalty")


def read_presence_penalty(ask: Ask, value: object, param: str) -> None:
    ask.given.add("presence_penalty")
    _penalty(ask, value, param, "presencePenalty")


def _penalty(ask: Ask, value: object, param: str, target: str) -> None:
    penalty = checks.number(value, param, -2, 2)
    if ask.facts.penalties:
        ask.generation[target] = penalty
    elif penalty:
        ask.refuse_unsupported(param, "penalties")


def read_logprobs(ask: Ask, value: object, param: str) -> None:
    """Whether the answer's tokens come with their probabilities."""
    ask.given.add("logprobs")
    if not checks.boolean(value, param):
        return
    if not ask.facts.logprobs:
        ask.refuse_unsupported(param, "logprobs")
        return
    ask.generation["responseLogprobs"] = True


def read_top_logprobs(ask: Ask, value: object, param: str) -> None:
    """How many likelier tokens are named beside each; for who asks for probabilities too, where that is refused."""
    ask.given.add("top_logprobs")
    count = checks.integer(value, param, 0, 20)
    if ask.facts.logprobs:
        ask.generation["logprobs"] = count
    elif ask.drop_params:
        ask.refuse_unsupported(param, "logprobs")


# ── the form of the answer ───────────────────────────────────────────────────────────────────────


def ask_for_json(ask: Ask, param: str) -> bool:
    """Whether the answer will be JSON; models that make images give none (recorded)."""
    if not ask.facts.json_output:
        ask.refuse_unsupported(param, "JSON output")
        return False
    ask.generation["responseMimeType"] = "application/json"
    ask.json_param = param
    return True


def write_schema(ask: Ask, schema: JsonObject, where: str, *, strict: bool) -> None:
    """As JSON Schema where the model takes it; one in Google's own words (`OBJECT`) as the Schema that it is. `strict`:
    a keyword that Gemini cannot enforce is refused."""
    googles = isinstance(kind := schema.get("type"), str) and kind.isupper()
    if ask.facts.json_schema and not googles:
        ask.generation["responseJsonSchema"] = json_schema(schema, where, strict=strict)
    else:
        ask.generation["responseSchema"] = schema_subset(schema, where)


def read_named_schema(ask: Ask, form: JsonObject, where: str, *, required: bool) -> None:
    """OpenAI's `name`, `description`, `schema` and `strict`. Without a schema, where none is `required`, JSON of any
    form. Raises InvalidRequest."""
    checks.string(checks.required(form, "name", where), f"{where}.name", empty=False)
    strict = form.get("strict")
    strict = strict is not None and checks.boolean(strict, f"{where}.strict")
    if form.get("schema") is None and not (required or strict):
        return
    schema = checks.mapping(checks.required(form, "schema", where), f"{where}.schema")
    # Gemini's config has no place for the schema's description but the schema's own.
    description = form.get("description")
    if description is not None and "description" not in schema and "$ref" not in schema:
        schema = {**schema, "description": checks.string(description, f"{where}.description")}
    write_schema(ask, schema, f"{where}.schema", strict=strict)


def choose_modalities(ask: Ask, wanted: Iterable[str], param: str) -> None:
    """`wanted`: text, audio and image."""
    ask.given.add("modalities")
    found: list[str] = []
    audio = False
    for modality in wanted:
        audio = audio or modality == "audio"
        if modality == "audio" and not ask.facts.audio_out:
            ask.refuse_unsupported(param, "audio output")
        elif modality == "image" and not ask.facts.image_out:
            ask.refuse_unsupported(param, "image output")
        elif modality.upper() not in found and (modality != "text" or ask.facts.text_out):
            found.append(modality.upper())
    if not found and not ask.facts.text_out and not audio:
        ask.refuse_unsupported(param, "text output")
    ask.modalities = found


def speak(ask: Ask, voice: str, language: str | None) -> None:
    """Audio output in one of Google's voices. `language`: a BCP 47 code."""
    speech: JsonObject = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    if language is not None:
        speech["languageCode"] = language
    ask.generation["speechConfig"] = speech


# ── thinking ─────────────────────────────────────────────────────────────────────────────────────


def think_with_effort(ask: Ask, effort: str, param: str) -> None:
    """`effort`: one of EFFORTS. Thoughts are shown."""
    ask.given.add("reasoning_effort")
    facts = ask.facts
    if effort == "none":
        if facts.thinking == "none":
            return
        if facts.thinking_off:
            ask.generation["thinkingConfig"] = {"thinkingBudget": 0}
        else:
            ask.leave_out(param, _effort_error(ask, effort, param))
    elif effort in facts.levels:
        ask.generation["thinkingConfig"] = {"thinkingLevel": facts.levels[effort], "includeThoughts": True}
    elif effort in facts.budgets:
        ask.generation["thinkingConfig"] = {"thinkingBudget": facts.budgets[effort], "includeThoughts": True}
    elif facts.thinking == "none":
        ask.refuse_unsupported(param, "reasoning")
    else:
        ask.leave_out(param, _effort_error(ask, effort, param))


def _effort_error(ask: Ask, effort: str, param: str) -> str:
    names = ", ".join(f"'{name}'" for name in (*ask.facts.levels, *ask.facts.budgets))
    return f"Unsupported value: '{param}' does not support '{effort}' with this model. Supported values are: {names}."


def think_within(ask: Ask, budget: object, param: str, whole: str) -> None:
    """Thoughts of at most `budget` tokens, given as `param`, or of as many as the model likes (None, -1). `whole`: the
    parameter that asks for thoughts. They are shown."""
    ask.given.add("reasoning_effort")
    if ask.facts.thinking == "none":
        ask.refuse_unsupported(whole, "reasoning")
        return
    config: JsonObject = {"includeThoughts": True}
    if budget is not None:
        tokens = checks.integer(budget, param, -1, INT32_MAX)
        if ask.facts.takes_budget:
            config["thinkingBudget"] = tokens
        elif tokens >= 0:
            config["thinkingLevel"] = ask.facts.levels[_effort_of(tokens)]
    ask.generation["thinkingConfig"] = config


def think_not(ask: Ask, param: str) -> None:
    ask.given.add("reasoning_effort")
    if ask.facts.thinking_off:
        ask.generation["thinkingConfig"] = {"thinkingBudget": 0}
    elif ask.facts.thinking != "none":
        ask.leave_out(param, f"Unsupported value: {param} cannot be disabled with this model.")


def _effort_of(tokens: int) -> str:
    """The effort for which Google's own table has about this budget."""
    return next((effort for effort in ("low", "medium") if tokens <= BUDGETS[effort]), "high")


# ── the service ──────────────────────────────────────────────────────────────────────────────────


def read_service_tier(ask: Ask, value: object, param: str) -> None:
    """OpenAI's names, in all of its APIs."""
    ask.given.add("service_tier")
    tier = checks.choice(value, param, SERVICE_TIERS)
    if tier in ("scale", "ultrafast"):
        ask.leave_out(param, f"Invalid {param} argument: Gemini has no {tier} tier.")
    elif tier != "auto":
        ask.body["serviceTier"] = TIERS.get(tier, tier)
