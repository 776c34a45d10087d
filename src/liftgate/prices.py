"""What an answer costs: Google's own counts by modality at the rates of a day (`rates`). Pure, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from liftgate.json_types import JsonMapping
from liftgate.rates import NONE, ByName, Prices, Rates, dollars_by_name, rates_of

TEXT = "TEXT"
LONG_PROMPT = 200_000
"""Prompt tokens above which the Pro models have another price, for the whole request."""

NO_TOKENS: Mapping[str, int] = MappingProxyType({})

PICO_A_NANO = 1_000
HALF_A_NANO = PICO_A_NANO // 2
_NUMBERED = {1: "TEXT", 2: "IMAGE", 3: "VIDEO", 4: "AUDIO", 5: "DOCUMENT"}
"""Google's enum of modalities, for clients that ask for numbers (docs/protocol/gemini.md, "Answers")."""

_rates_of = lru_cache(maxsize=512)(rates_of)


class TokenCounts(msgspec.Struct, frozen=True):
    """Tokens of one answer, by Google's names of modalities (`TEXT`, `AUDIO`, `IMAGE`, `VIDEO`, `DOCUMENT`).

    `prompt`: all input, cached tokens included. `cached`: the part of it that came from a cache. `output`: the answer
    without its thoughts. `thoughts` are billed as output.
    """

    prompt: Mapping[str, int] = NO_TOKENS
    cached: Mapping[str, int] = NO_TOKENS
    output: Mapping[str, int] = NO_TOKENS
    thoughts: int = 0

    @property
    def prompt_total(self) -> int:
        return sum(self.prompt.values())

    def __add__(self, other: Counted) -> TokenCounts:
        return TokenCounts(
            _sum_by_kind(self.prompt, other.prompt),
            _sum_by_kind(self.cached, other.cached),
            _sum_by_kind(self.output, other.output),
            self.thoughts + other.thoughts,
        )


NOTHING = TokenCounts()


class TextCounts(msgspec.Struct, frozen=True):
    """As `TokenCounts`, of an answer like most: all is text, and nothing came from a cache."""

    sent: int
    made: int
    thoughts: int

    @property
    def prompt(self) -> Mapping[str, int]:
        return {TEXT: self.sent} if self.sent else {}

    @property
    def cached(self) -> Mapping[str, int]:
        return NO_TOKENS

    @property
    def output(self) -> Mapping[str, int]:
        return {TEXT: self.made} if self.made else {}

    @property
    def prompt_total(self) -> int:
        return self.sent


Counted: TypeAlias = TokenCounts | TextCounts


def _sum_by_kind(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {kind: some.get(kind, 0) + more.get(kind, 0) for kind in dict.fromkeys((*some, *more))}


class Cost(msgspec.Struct, frozen=True):
    """Whole nano-dollars: of the input, cached tokens included, and of the output."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output

    @property
    def dollars(self) -> float:
        return self.total / 1e9


def dollars_per_token(model: str, *, day: date, long_prompt: bool = False, own: Prices = NONE) -> ByName:
    """Prices of the standard tier by the table's names (`in_text`, `in_audio`, `cached_in`, `out` …), in dollars for
    one token; empty for a model without a price.
    """
    dollars = dollars_by_name(model, day=day, is_long=long_prompt, own=own)
    return {name: round(value * 1e6) / 1e12 for name, value in dollars.items()}


def token_cost(model: str, tokens: TokenCounts, *, day: date, tier: str = "standard") -> Cost | None:
    """What these tokens cost on that day by the list; None for a model, or a tier's name, without a price."""
    rates = _rates_of(model, day=day, tier=tier, is_long=tokens.prompt_total > LONG_PROMPT)
    return None if rates is None else cost_at(rates, tokens)


def cost_at(rates: Rates, tokens: Counted) -> Cost | None:
    """None where something was counted that has no price."""
    try:
        spent = made = 0
        by_kind = rates.input
        for modality, count in tokens.prompt.items():
            spent += count * by_kind[modality]
        if tokens.cached:
            for modality, count in _within(tokens.cached, tokens.prompt).items():
                spent -= count * (by_kind[modality] - rates.cached[modality])
        by_kind = rates.output
        for modality, count in tokens.output.items():
            made += count * by_kind[modality]
        if tokens.thoughts:
            if rates.thoughts is None:
                return None
            made += tokens.thoughts * rates.thoughts
    except KeyError:
        return None
    return Cost((spent + HALF_A_NANO) // PICO_A_NANO, (made + HALF_A_NANO) // PICO_A_NANO)


def cost_of_text(rates: Rates, tokens: TextCounts) -> int | None:
    """As `cost_at`, input and output together."""
    if (of_text := rates.of_text) is not None:
        sent, made, thoughts = of_text
        spent = tokens.sent * sent + HALF_A_NANO
        return spent // PICO_A_NANO + (tokens.made * made + tokens.thoughts * thoughts + HALF_A_NANO) // PICO_A_NANO
    try:
        spent = tokens.sent * rates.input[TEXT] if tokens.sent else 0
        made = tokens.made * rates.output[TEXT] if tokens.made else 0
        if thoughts := tokens.thoughts:
            made += thoughts * rates.thoughts  # type: ignore[operator]
    except (KeyError, TypeError):
        return None
    return (spent + HALF_A_NANO) // PICO_A_NANO + (made + HALF_A_NANO) // PICO_A_NANO


def _within(cached: Mapping[str, int], prompt: Mapping[str, int]) -> Mapping[str, int]:
    """`cached` as a part of `prompt`: tokens of a kind of which there are not so many in it are of another one. Google
    need not say of which kind cached tokens are."""
    if not any(count > prompt.get(modality, 0) for modality, count in cached.items()):
        return cached
    found = {modality: min(count, prompt.get(modality, 0)) for modality, count in cached.items()}
    left = sum(cached.values()) - sum(found.values())
    for modality, count in prompt.items():
        more = min(left, count - found.get(modality, 0))
        found[modality] = found.get(modality, 0) + more
        left -= more
    return found


def counts_of_gemini(meta: JsonMapping) -> TokenCounts:
    """Google's `usageMetadata`. Tokens of which it does not say the modality are text."""
    # Embeddings have the details of their prompt under a name of their own.
    get = meta.get
    prompt = _by_modality(get("promptTokensDetails") or get("promptTokenDetails"), get("promptTokenCount"))
    if "toolUsePromptTokenCount" in meta or "toolUsePromptTokensDetails" in meta:
        tools = _by_modality(get("toolUsePromptTokensDetails"), get("toolUsePromptTokenCount"))
        for modality, count in tools.items():
            prompt[modality] = prompt.get(modality, 0) + count
    cached = NO_TOKENS
    if "cachedContentTokenCount" in meta or "cacheTokensDetails" in meta:
        cached = _by_modality(get("cacheTokensDetails"), get("cachedContentTokenCount"))
    output = _by_modality(get("candidatesTokensDetails"), get("candidatesTokenCount"))
    return TokenCounts(
        prompt, cached, output, _count(meta, "thoughtsTokenCount") if "thoughtsTokenCount" in meta else 0
    )


def counts_of_openai(usage: JsonMapping) -> TokenCounts:
    """OpenAI's `usage`, whose `completion_tokens` hold the thoughts too, and which has pictures, pages and frames in
    one count.
    """
    prompt_details = usage.get("prompt_tokens_details") or {}
    details = usage.get("completion_tokens_details") or {}
    thoughts = _count(details, "reasoning_tokens")
    return TokenCounts(
        prompt=_of_details(prompt_details, _count(usage, "prompt_tokens")),
        cached={TEXT: _count(prompt_details, "cached_tokens")},
        output=_of_details(details, _count(usage, "completion_tokens") - thoughts),
        thoughts=thoughts,
    )


def _count(fields: JsonMapping, name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and value > 0 else 0


def _by_modality(details: object, said: object) -> dict[str, int]:
    """`said`: all of them together. What is no count is none."""
    total = said if type(said) is int and said > 0 else 0
    if not details or details == [{"modality": TEXT, "tokenCount": total}]:
        return {TEXT: total} if total else {}
    counts: dict[str, int] = {}
    if type(details) is list:
        for each in details:
            if type(each) is dict and type(count := each.get("tokenCount")) is int and count > 0:
                modality = each.get("modality")
                if type(modality) is not str:
                    modality = _NUMBERED.get(_count(each, "modality"), TEXT)
                counts[modality] = counts.get(modality, 0) + count
                total -= count
    if total > 0:
        counts[TEXT] = counts.get(TEXT, 0) + total
    return counts


def _of_details(details: JsonMapping, total: int) -> dict[str, int]:
    counts = {"AUDIO": _count(details, "audio_tokens"), "IMAGE": _count(details, "image_tokens")}
    counts[TEXT] = max(0, total - sum(counts.values()))
    return {modality: count for modality, count in counts.items() if count}
