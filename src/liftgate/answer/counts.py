"""Gemini's usageMetadata, read: how many tokens, of which kind, in which modality. Nothing is folded together.

Google's counts (docs/protocol/gemini.md, "Answers"): the prompt with what came from a cache; what Google's own tools
put into it beside that; the answer without its thoughts; the thoughts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec

from liftgate import gemini_json as upstream
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.prices import TEXT, TextCounts, counts_of_gemini
from liftgate.rates import MODALITIES

PLACE = "usageMetadata"
NONE: Mapping[str, int] = MappingProxyType({})


class Counts(msgspec.Struct, frozen=True):
    """Tokens of one answer; 0 where Gemini gave no count. `by_…`: by Google's names of modalities (`TEXT`, `IMAGE` …),
    in its order, empty where it did not say. `usage`: usageMetadata itself."""

    usage: JsonObject
    prompt: int = 0
    tools: int = 0
    cached: int = 0
    answer: int = 0
    thoughts: int = 0
    prompt_by: Mapping[str, int] = NONE
    tools_by: Mapping[str, int] = NONE
    answer_by: Mapping[str, int] = NONE


def read_counts(usage: JsonObject, text: TextCounts | None) -> Counts:
    """`usage` may be empty. `text`: its `text_counts`. Raises UpstreamProtocolError for counts that are none."""
    if text is not None:
        return Counts(
            usage,
            prompt=text.sent,
            thoughts=text.thoughts,
            answer=text.made,
            prompt_by={TEXT: text.sent} if usage.get("promptTokensDetails") else NONE,
            answer_by={TEXT: text.made} if usage.get("candidatesTokensDetails") else NONE,
        )
    return Counts(
        usage,
        prompt=upstream.count(usage, "promptTokenCount", PLACE),
        tools=upstream.count(usage, "toolUsePromptTokenCount", PLACE) if "toolUsePromptTokenCount" in usage else 0,
        thoughts=upstream.count(usage, "thoughtsTokenCount", PLACE) if "thoughtsTokenCount" in usage else 0,
        answer=upstream.count(usage, "candidatesTokenCount", PLACE),
        cached=upstream.count(usage, "cachedContentTokenCount", PLACE) if "cachedContentTokenCount" in usage else 0,
        prompt_by=_by_modality(usage, "promptTokensDetails") if "promptTokensDetails" in usage else NONE,
        tools_by=_by_modality(usage, "toolUsePromptTokensDetails") if "toolUsePromptTokensDetails" in usage else NONE,
        answer_by=_by_modality(usage, "candidatesTokensDetails") if "candidatesTokensDetails" in usage else NONE,
    )


_OF_TEXT = frozenset(
    {
        "promptTokenCount", "promptTokensDetails", "candidatesTokenCount", "candidatesTokensDetails",
        "thoughtsTokenCount", "totalTokenCount", "serviceTier", "trafficType",
    }
)  # fmt: skip
"""What the usage of an answer has that is text alone. Whatever else stands there may be tokens."""


@lru_cache(maxsize=64)
def _are_of_text(names: tuple[str, ...]) -> bool:
    return _OF_TEXT.issuperset(names)


def text_counts(meta: JsonMapping) -> TextCounts | None:
    """What `counts_of_gemini` finds, where that is text alone; else None."""
    if not _are_of_text(tuple(meta)):
        return None
    get = meta.get
    sent, made, thoughts = get("promptTokenCount", 0), get("candidatesTokenCount", 0), get("thoughtsTokenCount", 0)
    if not (type(sent) is type(made) is type(thoughts) is int) or sent < 0 or made < 0 or thoughts < 0:
        return None
    if (details := get("promptTokensDetails")) and not _is_of_text(details, sent):
        return None
    if (details := get("candidatesTokensDetails")) and not _is_of_text(details, made):
        return None
    return TextCounts(sent, made, thoughts)


def _is_of_text(details: object, count: int) -> bool:
    """Whether so many tokens of text are all that these details tell."""
    if type(details) is not list or len(details) != 1 or type(only := details[0]) is not dict:
        return False
    return len(only) == 2 and only.get("modality") == TEXT and only.get("tokenCount") == count


class PromptCount(msgspec.Struct, frozen=True):
    """Tokens of a prompt, as counted at a deployment (its id) for a model of Google's. `prompt`: by modality."""

    deployment: str
    model: str
    total: int
    prompt: Mapping[str, int]


def read_counted(deployment: str, model: str, reply: JsonObject) -> PromptCount:
    """Of what countTokens says. Raises UpstreamProtocolError."""
    total = read_total(reply)
    usage = {"promptTokenCount": total, "promptTokensDetails": reply.get("promptTokensDetails")}
    return PromptCount(deployment, model, total, counts_of_gemini(usage).prompt)


def read_total(reply: object) -> int:
    """What countTokens says. Raises UpstreamProtocolError."""
    if type(reply) is not dict or reply.get("totalTokens") is None:
        raise upstream.wrong("totalTokens", "a count", reply.get("totalTokens") if type(reply) is dict else reply)
    return upstream.count(reply, "totalTokens", "its root")


def _by_modality(usage: JsonObject, key: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    place = f"{PLACE}.{key}[]"
    for each in upstream.mappings(usage, key, PLACE):
        modality = upstream.string(each, "modality", place) or ""
        if modality not in MODALITIES and type(each.get("tokenCount")) is not int:
            continue  # what is not known yet may be counted in another way
        found[modality] = found.get(modality, 0) + upstream.count(each, "tokenCount", place)
    return found
