"""What tokens cost: list prices with dates, computed from Google's own counts by modality. Pure, exact, no floats.

The table, `model_prices.json`, has US dollars for a million tokens of the paid tier, as published by November 2026,
with the changes that are announced and the day from which each holds (docs/protocol/gemini.md, "Prices"). A model that
is not in the table has no price: None, never 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

from liftgate.names import bare_model

TEXT = "TEXT"
LONG_PROMPT = 200_000
"""Prompt tokens above which the Pro models have another price, for the whole request."""

TIER_FACTORS: Mapping[str, float] = {"standard": 1.0, "batch": 0.5, "flex": 0.5, "priority": 1.8}
"""A tier's price as a part of the standard one, for what the table does not list by itself."""

_PICO_A_NANO = 1_000
_PICO_A_TOKEN = 1_000_000
"""One dollar for a million tokens is a million pico-dollars for a token: whole numbers for every listed price."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one answer, by Google's names of modalities (`TEXT`, `AUDIO`, `IMAGE`, `VIDEO`, `DOCUMENT`).

    `prompt`: all input, cached tokens included. `cached`: the part of it that came from a cache. `output`: the answer
    without its thoughts. `thoughts` are billed as output.
    """

    prompt: Mapping[str, int] = field(default_factory=dict)
    cached: Mapping[str, int] = field(default_factory=dict)
    output: Mapping[str, int] = field(default_factory=dict)
    thoughts: int = 0

    @property
    def prompt_total(self) -> int:
        return sum(self.prompt.values())


@dataclass(frozen=True, slots=True)
class Cost:
    """Whole nano-dollars: of the input, cached tokens included, and of the output."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output

    @property
    def dollars(self) -> float:
        return self.total / 1e9


def day_of(seconds: float) -> date:
    """The day, in UTC, of a time since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date()


@lru_cache(maxsize=1)
def known_models() -> Mapping[str, Mapping[str, Any]]:
    """Every model of the table by its name at Google: `kind`, `limits`, `takes`, `gives`, `can`, `price`, `changes`."""
    table: dict[str, Mapping[str, Any]] = json.loads(
        resources.files("liftgate").joinpath("model_prices.json").read_text()
    )
    return table


def model_entry(model: str) -> Mapping[str, Any] | None:
    """The table's entry for a name in any of its spellings (`gemini/x`, `models/x`, `x`); None where it has none."""
    return known_models().get(bare_model(model))


def dollars_per_token(model: str, *, day: date, long_prompt: bool = False) -> Mapping[str, float]:
    """Prices of the standard tier by the table's names (`in_text`, `in_audio`, `cached_in`, `out` …), in dollars for
    one token; empty for a model without a price.
    """
    rates = _rates(model, day, "standard", long_prompt)
    return {} if rates is None else {name: picos / 1e12 for name, picos in rates.picos.items()}


def token_cost(model: str, tokens: TokenCounts, *, day: date, tier: str = "standard") -> Cost | None:
    """What these tokens cost on that day; None for a model, or a tier's name, without a price."""
    rates = _rates(model, day, tier, tokens.prompt_total > LONG_PROMPT)
    if rates is None:
        return None
    spent = 0
    for modality, count in tokens.prompt.items():
        cached = min(tokens.cached.get(modality, 0), count)
        spent += (count - cached) * rates.input(modality) + cached * rates.cached(modality)
    made = sum(count * rates.output(modality) for modality, count in tokens.output.items())
    made += tokens.thoughts * rates.thoughts()
    return Cost(_nano(spent), _nano(made))


def counts_of_gemini(meta: Mapping[str, Any]) -> TokenCounts:
    """Google's `usageMetadata`. Tokens of which it does not say the modality are text."""
    prompt = _by_modality(meta, "promptTokensDetails", _count(meta, "promptTokenCount"))
    for modality, count in _by_modality(
        meta, "toolUsePromptTokensDetails", _count(meta, "toolUsePromptTokenCount")
    ).items():
        prompt[modality] = prompt.get(modality, 0) + count
    return TokenCounts(
        prompt=prompt,
        cached=_by_modality(meta, "cacheTokensDetails", _count(meta, "cachedContentTokenCount")),
        output=_by_modality(meta, "candidatesTokensDetails", _count(meta, "candidatesTokenCount")),
        thoughts=_count(meta, "thoughtsTokenCount"),
    )


def counts_of_openai(usage: Mapping[str, Any]) -> TokenCounts:
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


@dataclass(frozen=True, slots=True)
class _Rates:
    """Pico-dollars a token, by the table's names."""

    picos: Mapping[str, int]

    def input(self, modality: str) -> int:
        return self.picos.get(f"in_{_priced(modality)}", self.picos["in_text"])

    def cached(self, modality: str) -> int:
        by_default = self.picos.get("cached_in", self.input(modality))
        return self.picos.get(f"cached_in_{_priced(modality)}", by_default)

    def output(self, modality: str) -> int:
        return self.picos.get(f"out_{_priced(modality)}", self.picos["out"])

    def thoughts(self) -> int:
        return self.picos.get("out_thinking", self.picos["out"])


def _priced(modality: str) -> str:
    """Pages of a document are counted as images (docs/protocol/gemini.md, "Answers")."""
    return "image" if modality == "DOCUMENT" else modality.lower()


@lru_cache(maxsize=512)
def _rates(model: str, day: date, tier: str, is_long: bool) -> _Rates | None:
    entry = model_entry(model)
    if entry is None or "price" not in entry or tier not in TIER_FACTORS:
        return None
    price = entry["price"]
    standard = {name: float(dollars) for name, dollars in price["standard"].items()}
    if is_long and "over_200k" in price:
        standard.update(price["over_200k"])
    listed = price.get(f"{tier}_over_200k" if is_long and f"{tier}_over_200k" in price else tier, {})
    changed = False
    for change in entry.get("changes", ()):
        if day >= date.fromisoformat(change["from"]):
            standard = _changed(standard, change["standard"])
            changed = True
    factor = TIER_FACTORS[tier]
    dollars = {name: value * factor for name, value in standard.items()}
    if tier != "standard" and not changed:
        dollars.update(listed)
    if "in_text" not in dollars or "out" not in dollars:
        return None
    return _Rates({name: round(value * _PICO_A_TOKEN) for name, value in dollars.items()})


def _changed(standard: Mapping[str, float], change: Mapping[str, float]) -> dict[str, float]:
    """The prices after a change. It names the text's; what else goes in or out changes by the same factor."""
    prices = dict(standard)
    for side, plain in (("in_", "in_text"), ("cached_in", "cached_in"), ("out", "out")):
        if plain in change and standard.get(plain):
            factor = change[plain] / standard[plain]
            prices.update({name: value * factor for name, value in standard.items() if name.startswith(side)})
    prices.update(change)
    return prices


def _nano(picos: int) -> int:
    return (picos + _PICO_A_NANO // 2) // _PICO_A_NANO


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _by_modality(meta: Mapping[str, Any], key: str, total: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in meta.get(key) or ():
        modality = str(each.get("modality") or TEXT)
        counts[modality] = counts.get(modality, 0) + _count(each, "tokenCount")
    if (rest := total - sum(counts.values())) > 0:
        counts[TEXT] = counts.get(TEXT, 0) + rest
    return counts


def _of_details(details: Mapping[str, Any], total: int) -> dict[str, int]:
    counts = {"AUDIO": _count(details, "audio_tokens"), "IMAGE": _count(details, "image_tokens")}
    counts[TEXT] = max(0, total - sum(counts.values()))
    return {modality: count for modality, count in counts.items() if count}
