"""What a token costs: list prices with dates, and before them what an operator says of a deployment.

The table, `model_prices.json`, has US dollars for a million tokens of the paid tier, as published by November 2026,
with the changes that are announced and the day from which each holds (docs/protocol/gemini.md, "Prices"). A model that
is not in the table has no price: None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from liftgate.json_types import JsonMapping
from liftgate.names import bare_model

MODALITIES = ("TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")

TIER_FACTORS: Mapping[str, float] = {"standard": 1.0, "batch": 0.5, "flex": 0.5, "priority": 1.8}
"""A tier's price as a part of the standard one, for what the table does not list by itself."""

ByName = Mapping[str, float]
"""`in_text`, `in_audio`, `cached_in`, `out`, `out_thinking` … → US dollars for a million tokens."""
Prices = Mapping[str, ByName]
"""As the table's `price`: `standard`, `batch`, `flex`, `priority`, and each of them for long prompts: `over_200k`,
`batch_over_200k` …"""
NONE: Prices = MappingProxyType({})

PICOS = 1_000_000
"""One dollar for a million tokens is a million pico-dollars for a token: whole numbers for every listed price."""

Sides = tuple[tuple[str, str], ...]
LIST: Sides = (("in_", "in_text"), ("cached_in", "cached_in"), ("out", "out"))
"""What the names of one side begin with → the name whose change changes all of them. In the list each side for
itself."""
OWN: Sides = (("in_", "in_text"), ("cached_in", "in_text"), ("cached_in", "cached_in"), ("out", "out"))
"""Of an operator's prices: a cached token is a part of the input."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Whole pico-dollars for a token, by Google's names of modalities. What has no price is missing; of `thoughts` it
    is None."""

    input: Mapping[str, int]
    cached: Mapping[str, int]
    output: Mapping[str, int]
    thoughts: int | None
    # Of most answers nothing else is needed: it is looked up once.
    of_text: tuple[int, int, int] | None = field(init=False)
    """Of a token of a text that is sent, made and thought; None where one of these has no price."""

    def __post_init__(self) -> None:
        sent, made, thoughts = self.input.get("TEXT"), self.output.get("TEXT"), self.thoughts
        known = None if sent is None or made is None or thoughts is None else (sent, made, thoughts)
        object.__setattr__(self, "of_text", known)

    @property
    def dearest_output(self) -> int | None:
        """Of a token whose kind is not known before it is there; None where output has no price."""
        return max((*self.output.values(), self.thoughts or 0)) if self.output else None


@lru_cache(maxsize=1)
def known_models() -> Mapping[str, JsonMapping]:
    """Every model of the table by its name at Google: `kind`, `limits`, `takes`, `gives`, `can`, `price`, `changes`."""
    import json  # Every command reads this module, few ask for a price.
    from importlib import resources

    table: dict[str, JsonMapping] = json.loads(resources.files("liftgate").joinpath("model_prices.json").read_text())
    return table


def model_entry(model: str) -> JsonMapping | None:
    """The table's entry for a name in any of its spellings (`gemini/x`, `models/x`, `x`); None where it has none."""
    return known_models().get(bare_model(model))


def rates_of(
    model: str, *, day: date, tier: str = "standard", is_long: bool = False, own: Prices = NONE
) -> Rates | None:
    """`is_long`: the prompt is so long that the Pro models have another price. `own`: the operator's prices, which
    hold at all days. None for a model without a price, and for an unknown name of a tier."""
    if tier not in TIER_FACTORS:
        return None
    dollars = dollars_by_name(model, day=day, tier=tier, is_long=is_long, own=own)
    return _rates({name: round(value * PICOS) for name, value in dollars.items()}) if dollars else None


def dollars_by_name(
    model: str, *, day: date, tier: str = "standard", is_long: bool = False, own: Prices = NONE
) -> dict[str, float]:
    """US dollars for a million tokens by the table's names; empty for a model without a price.

    What the operator does not name changes by the factor by which the text's price changes: who pays a fifth less for
    text pays a fifth less for sound too.
    """
    entry = model_entry(model) or {}
    price: Prices = entry.get("price", NONE)
    standard = price.get("standard", {})
    dollars = dict(standard)
    for change in entry.get("changes", ()):
        if day >= date.fromisoformat(change["from"]):
            dollars = _changed(dollars, change["standard"], LIST)
    dollars = _changed(dollars, own.get("standard", {}))
    factor, listed = TIER_FACTORS[tier], standard
    if tier != "standard":
        listed = {**{name: value * factor for name, value in standard.items()}, **price.get(tier, {})}
        dollars = _in_proportion({name: value * factor for name, value in dollars.items()}, listed, standard, factor)
        dollars = _changed(dollars, own.get(tier, {}))
    if is_long:
        long = "over_200k" if tier == "standard" else f"{tier}_over_200k"
        of_standard = {name: value * factor for name, value in price.get("over_200k", {}).items()}
        dollars = _in_proportion(dollars, {**of_standard, **price.get(long, {})}, listed, 1.0)
        of_own = {name: value * factor for name, value in own.get("over_200k", {}).items()}
        dollars = _changed(dollars, {**of_own, **own.get(long, {})})
    return dollars


def _in_proportion(dollars: ByName, named: ByName, before: ByName, factor: float) -> dict[str, float]:
    """`dollars`, each as much dearer or cheaper as the list makes it by `named` in place of `before`. `factor`: by
    which `dollars` were multiplied already."""
    found = dict(dollars)
    for name, value in named.items():
        base = before.get(name, 0.0) * factor
        found[name] = found[name] * (value / base) if base and name in found else value
    return found


def _changed(dollars: ByName, change: ByName, sides: Sides = OWN) -> dict[str, float]:
    """The prices after a change that names some. What else is of a side changes by the factor of its text's."""
    prices = dict(dollars)
    for side, plain in sides:
        if plain in change and dollars.get(plain):
            factor = change[plain] / dollars[plain]
            prices.update({name: value * factor for name, value in dollars.items() if name.startswith(side)})
    prices.update(change)
    return prices


def _rates(picos: Mapping[str, int]) -> Rates:
    """Pages of a document are counted as images (docs/protocol/gemini.md, "Answers")."""
    named = {modality: "image" if modality == "DOCUMENT" else modality.lower() for modality in MODALITIES}
    plain_in, plain_out = picos.get("in_text"), picos.get("out")
    into = {m: picos.get(f"in_{name}", plain_in) for m, name in named.items()}
    cached = {m: picos.get(f"cached_in_{name}", picos.get("cached_in", into[m])) for m, name in named.items()}
    out = {m: picos.get(f"out_{name}", plain_out) for m, name in named.items()}
    return Rates(_priced(into), _priced(cached), _priced(out), picos.get("out_thinking", plain_out))


class _ByModality(dict[str, int]):
    """A kind that is not known yet costs what text does. Raises KeyError where that has no price."""

    def __missing__(self, modality: str) -> int:
        if modality == "TEXT":
            raise KeyError(modality)
        return self["TEXT"]


def _priced(rates: Mapping[str, int | None]) -> Mapping[str, int]:
    return _ByModality({modality: rate for modality, rate in rates.items() if rate is not None})
