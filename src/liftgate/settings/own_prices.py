"""What an operator says that tokens cost, in LiteLLM's names, at an entry of `model_list`: for contracts with other
prices than the list's, and for models that the list does not have.

LiteLLM's names are for one token; the table's are for a million (`rates.Prices`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from liftgate.errors import ConfigError
from liftgate.settings.values import resolved, shown

if TYPE_CHECKING:
    from liftgate.rates import Prices

PER_TOKEN = {
    "input_cost_per_token": "in_text",
    "input_cost_per_audio_token": "in_audio",
    "input_cost_per_image_token": "in_image",
    "cache_read_input_token_cost": "cached_in",
    "cache_read_input_audio_token_cost": "cached_in_audio",
    "output_cost_per_token": "out",
    "output_cost_per_audio_token": "out_audio",
    "output_cost_per_image_token": "out_image",
    "output_cost_per_reasoning_token": "out_thinking",
}
_LONG = "_above_200k_tokens"
_TIERS = {"": "standard", "_batches": "batch", "_flex": "flex", "_priority": "priority"}


def _places() -> dict[str, tuple[str, str]]:
    found = {}
    for theirs, ours in PER_TOKEN.items():
        for ending, tier in _TIERS.items():
            found[theirs + ending] = (tier, ours)
            found[theirs + _LONG + ending] = ("over_200k" if tier == "standard" else f"{tier}_over_200k", ours)
    return found


PLACES: Mapping[str, tuple[str, str]] = _places()
"""LiteLLM's name → (section, name) of the table."""


def read_own_prices(
    params: Mapping[str, object], info: Mapping[str, object], environ: Mapping[str, str], where: str
) -> Prices:
    """`litellm_params` go before `model_info`, as at LiteLLM. `where`: the place of the entry. Raises ConfigError."""
    found: dict[str, dict[str, float]] = {}
    for section, given in (("model_info", info), ("litellm_params", params)):
        for name, value in given.items():
            if name in PLACES and value is not None:
                tier, ours = PLACES[name]
                place = f"{where}.{section}.{name}"
                found.setdefault(tier, {})[ours] = _dollars(resolved(value, environ, place), place) * 1e6
    return found


DEAREST = 0.1
"""US dollars for a token: more is the price of a million, or a slip, and would end every budget with one answer."""


def _dollars(value: object, where: str) -> float:
    """YAML takes `1e-6` for a text."""
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            number = float(value)
            if 0 <= number <= DEAREST:
                return number
    except (ValueError, OverflowError):
        pass
    raise ConfigError(f"{where}: expected US dollars for one token, such as 0.0000003, got {shown(value)}.")
