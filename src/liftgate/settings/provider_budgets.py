"""LiteLLM's budgets of providers: the one of Gemini bounds all that is served here."""

from __future__ import annotations

from collections.abc import Mapping

from liftgate.errors import ConfigError
from liftgate.settings.faults import Faults
from liftgate.settings.options import dollars, duration
from liftgate.settings.values import mapping, resolved, shown

_OURS = "gemini"
_FIELDS = (("budget_limit", "max_budget"), ("time_period", "budget_duration"))
"""Each with its older name."""


def read_provider_budget(
    document: Mapping[str, object], environ: Mapping[str, str], path: str, faults: Faults
) -> tuple[int, str | None] | None:
    """(nano-dollars, window) of `router_settings.provider_budget_config.gemini`; None where there is none."""
    where = f"{path}: router_settings.provider_budget_config"
    with faults.noted():
        router = document.get("router_settings")
        given = mapping(router.get("provider_budget_config") if isinstance(router, dict) else None, where)
        for provider in given:
            if provider != _OURS:
                faults.warn(f"{where}.{provider}: nothing is served of {provider} here, so this budget bounds nothing.")
        if given.get(_OURS) is not None:
            return _read(resolved(given[_OURS], environ, f"{where}.{_OURS}"), f"{where}.{_OURS}")
    return None


def _read(value: object, where: str) -> tuple[int, str | None]:
    fields = mapping(value, where)
    read: list[object] = []
    for names in _FIELDS:
        name = next((each for each in names if fields.get(each) is not None), names[0])
        read.append(fields.pop(name, None))
    if left := next(iter(fields), None):
        raise ConfigError(f"{where}.{left}: there is no such setting; expected budget_limit and time_period.")
    amount, window = read
    if amount is None:
        raise ConfigError(f"{where}.budget_limit: expected US dollars, got {shown(amount)}.")
    return dollars(amount, f"{where}.budget_limit"), (
        None if window is None else duration(window, f"{where}.time_period")
    )
