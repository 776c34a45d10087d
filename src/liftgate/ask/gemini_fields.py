"""Gemini's own request fields that a client sends along, at the top level, in `google` or in `generation_config`.

They are taken in camelCase and snake_case at every depth, come out in one spelling, and win over what OpenAI's
parameters were translated to, also over another field that says the same in other words. Fields that would replace the
conversation (`contents`, `systemInstruction`) are refused: they would go round the files' owner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from liftgate.ask import checks
from liftgate.ask.draft import Draft

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
        "safetySettings", "toolConfig", "cachedContent", "labels",
    }
)  # fmt: skip
REFUSED_FIELDS = frozenset(
    {
        "contents", "systemInstruction", "model",
    }
)  # fmt: skip
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

_WORD = re.compile(r"(?<!_)_+([a-z0-9])")
"""Begins at the first underscore of a row only, so that a row without a letter behind it is read once."""


def camel(name: str) -> str:
    return _WORD.sub(lambda found: found[1].upper(), name)


def read_native(draft: Draft, name: str, value: object) -> bool:
    """Takes one of Gemini's own fields; False when it is none."""
    field = camel(name)
    if field in GENERATION_FIELDS:
        _take(draft, {"generationConfig": {field: value}})
    elif field == "generationConfig":
        config = {camel(key): each for key, each in checks.mapping(value, name).items()}
        draft.only(config, name, GENERATION_FIELDS)
        _take(draft, {field: {key: each for key, each in config.items() if key in GENERATION_FIELDS}})
    elif field in BODY_FIELDS:
        if field == "cachedContent":
            checks.string(value, name, empty=False)
            draft.kept_names.append(name)
        elif field == "toolConfig":
            checks.mapping(value, name)
        _take(draft, {field: value})
    elif field in REFUSED_FIELDS:
        draft.leave_out(name, f"Unsupported parameter: '{name}'. Say it in 'messages' and 'model'.")
    else:
        return False
    return True


def _take(draft: Draft, fields: dict[str, Any]) -> None:
    draft.native = merged(draft.native, fields)


def merge_native(draft: Draft) -> None:
    """Gemini's own fields over the translated ones."""
    if not draft.native:
        return
    draft.body = merged(draft.body, draft.native)
    if draft.aliases:
        calling = draft.body.get("toolConfig", {}).get("functionCallingConfig")
        if isinstance(calling, dict) and isinstance(names := calling.get("allowedFunctionNames"), list):
            calling["allowedFunctionNames"] = [draft.aliases.get(name, name) for name in names if isinstance(name, str)]


def merged(body: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with the fields of `more`, in either spelling, in place of or within its own. Neither is changed."""
    fields: dict[str, Any] = {}
    for name, value in more.items():
        field = camel(name)
        if value is not None:
            known = field == "generationConfig" or field in BODY_FIELDS
            fields[field] = _one_spelling(value, 1) if known and field not in CALLERS_OWN else value
    return _merged(body, fields)


def _one_spelling(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return value
    if isinstance(value, list):
        return [_one_spelling(each, depth + 1) for each in value]
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for key, each in value.items():
        if each is not None:
            field = camel(key)
            one = {field: each if field in CALLERS_OWN else _one_spelling(each, depth + 1)}
            result = _merged(result, one) if field in result else result | one
    return result


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
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
