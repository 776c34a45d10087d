"""Gemini's own request fields that a client sends along in another API's request.

They are taken in camelCase and snake_case at every depth, come out in one spelling, and win over what that API's
parameters were translated to, also over another field that says the same in other words. Fields that would replace the
conversation (`contents`, `systemInstruction`) are none of them: they would go round the files' owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from liftgate.ask import checks
from liftgate.ask.builder import Ask
from liftgate.json_types import JsonMapping, JsonObject

GENERATION_FIELDS = frozenset(
    {
        "candidateCount", "stopSequences", "maxOutputTokens", "temperature", "topP", "topK", "seed", "responseMimeType",
        "responseSchema", "responseJsonSchema", "presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs",
        "enableEnhancedCivicAnswers", "responseModalities", "speechConfig", "thinkingConfig", "imageConfig",
        "mediaResolution", "audioTranscriptionConfig", "enableAffectiveDialog", "responseFormat", "translationConfig",
    }
)  # fmt: skip
BODY_FIELDS = frozenset(
    {
        "safetySettings", "toolConfig", "cachedContent", "labels", "serviceTier",
    }
)  # fmt: skip
CONVERSATION_FIELDS = frozenset(
    {
        "contents", "systemInstruction", "model",
    }
)  # fmt: skip
"""Fields that would replace the conversation: a client says it in its own API's words."""
CALLERS_OWN = frozenset(
    {
        "responseSchema", "responseJsonSchema", "responseFormat", "labels",
    }
)  # fmt: skip
"""Fields whose keys are the caller's words and not Gemini's."""
EXCLUSIVE = (
    ("responseSchema", "responseJsonSchema"),
    ("thinkingBudget", "thinkingLevel"),
    ("voiceConfig", "multiSpeakerVoiceConfig"),
)
"""Fields of which Google takes one at a time."""
DEEPEST = 16
"""Levels at which names are still Gemini's."""

LONGEST_NAME = 200
"""Characters; no field of Gemini's has a fifth of that."""

_WORD = re.compile(r"(?<!_)_+([a-z0-9])")
"""Begins at the first underscore of a row only, so that a row without a letter behind it is read once."""


def camel(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return name
    return _WORD.sub(lambda found: found[1].upper(), name)


def read_gemini_field(ask: Ask, name: str, value: object, param: str) -> bool:
    """Takes one of Gemini's own fields, given as `param`; False when `name` is none."""
    field = camel(name)
    if field in GENERATION_FIELDS:
        _take(ask, {"generationConfig": {field: value}})
    elif field == "generationConfig":
        config = {camel(key): each for key, each in checks.mapping(value, param).items()}
        ask.refuse_unknown_keys(config, param, GENERATION_FIELDS)
        _take(ask, {field: {key: each for key, each in config.items() if key in GENERATION_FIELDS}})
    elif field in BODY_FIELDS:
        if field == "cachedContent":
            checks.string(value, param, empty=False)
            ask.kept_names.append(param)
        elif field in ("toolConfig", "labels"):
            checks.mapping(value, param)
        elif field == "safetySettings":
            # Google takes one in place of a list of them.
            for index, each in enumerate([value] if isinstance(value, Mapping) else checks.array(value, param)):
                checks.mapping(each, f"{param}[{index}]")
        _take(ask, {field: value})
    else:
        return False
    return True


def read_other(ask: Ask, name: str, value: object, param: str, *, instead: str, known: Iterable[str] = ()) -> None:
    """A parameter that the API itself has not: one of Gemini's own fields, or refused. `instead`: the API's parameters
    that say what Gemini's fields of a conversation say. `known`: as in `checks.unknown`."""
    if camel(name) in CONVERSATION_FIELDS:
        ask.leave_out(param, f"Unsupported parameter: '{param}'. Say it in {instead}.")
    elif not read_gemini_field(ask, name, value, param):
        ask.refuse_unknown(param, known)


def _take(ask: Ask, fields: JsonObject) -> None:
    ask.gemini = merged(ask.gemini, fields)


def put_over(ask: Ask) -> None:
    """Gemini's own fields over the translated ones."""
    ask.body = merged(ask.body, ask.gemini)
    if ask.aliases:
        calling = ask.body.get("toolConfig", {}).get("functionCallingConfig")
        if isinstance(calling, dict) and isinstance(names := calling.get("allowedFunctionNames"), list):
            calling["allowedFunctionNames"] = [ask.aliases.get(name, name) for name in names if isinstance(name, str)]


def merged(body: JsonMapping, more: JsonMapping) -> JsonObject:
    """`body` with the fields of `more`, in either spelling, in place of or within its own. Neither is changed."""
    fields: JsonObject = {}
    for name, value in more.items():
        field = camel(name)
        if value is not None:
            known = field == "generationConfig" or field in BODY_FIELDS
            fields[field] = _one_spelling(value, 1) if known and field not in CALLERS_OWN else value
    return _merged(body, fields)


def _one_spelling(value: object, depth: int) -> object:
    if depth > DEEPEST:
        return value
    if isinstance(value, list):
        return [_one_spelling(each, depth + 1) for each in value]
    if not isinstance(value, Mapping):
        return value
    result: JsonObject = {}
    for key, each in value.items():
        if each is not None:
            field = camel(key)
            one = {field: each if field in CALLERS_OWN else _one_spelling(each, depth + 1)}
            result = _merged(result, one) if field in result else result | one
    return result


def _merged(old: JsonMapping, new: JsonMapping) -> JsonObject:
    result = dict(old)
    for group in EXCLUSIVE:
        if any(field in new for field in group):
            for field in group:
                if field not in new:
                    result.pop(field, None)
    for field, value in new.items():
        own = result.get(field)
        if isinstance(own, Mapping) and isinstance(value, Mapping) and field not in CALLERS_OWN:
            value = _merged(own, value)
        result[field] = value
    return result
