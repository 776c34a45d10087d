"""Parameters of requests that an entry of `model_list` gives: what a chat gets that does not say them.

A number may be written as a text, as `os.environ/NAME` gives it. One that is none ends the start: it would have every
chat of that entry refused, with a sentence about a parameter that its client never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from liftgate.errors import ConfigError
from liftgate.settings.litellm_tables import DEFAULTS
from liftgate.settings.values import resolved, shown

_WHOLE: Final = frozenset({"max_completion_tokens", "max_tokens", "n", "seed", "top_k", "top_logprobs"})
_DECIMAL: Final = frozenset({"frequency_penalty", "presence_penalty", "temperature", "top_p"})
_SWITCHES: Final = frozenset({"logprobs", "parallel_tool_calls"})
_WORDS: Final = {"true": True, "false": False}


def read_defaults(params: Mapping[str, object], environ: Mapping[str, str], where: str) -> dict[str, object]:
    """Raises ConfigError for a value that is no number where one belongs."""
    found: dict[str, object] = {}
    for name in DEFAULTS.intersection(params):
        value = resolved(params[name], environ, f"{where}.{name}")
        if value is not None:
            found[name] = _read(name, value, f"{where}.{name}")
    return found


def _read(name: str, value: object, where: str) -> object:
    if name in _SWITCHES:
        chosen = _WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value
        if not isinstance(chosen, bool):
            raise ConfigError(f"{where}: expected true or false, got {shown(value)}.")
        return chosen
    if name not in _WHOLE and name not in _DECIMAL:
        return value
    number = _number(value)
    if number is None or (name in _WHOLE and number != int(number)):
        kind = "a whole number" if name in _WHOLE else "a number"
        raise ConfigError(f"{where}: expected {kind}, got {shown(value)}.")
    return int(number) if name in _WHOLE else number


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 40 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 < value < 1e18:
        return None
    return value
