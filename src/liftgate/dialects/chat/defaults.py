"""Parameters that an operator gave a deployment: they hold where a request does not say them, as with LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ONE_MEANING = (
    frozenset({"max_tokens", "max_completion_tokens"}),
    frozenset({"reasoning_effort", "thinking"}),
    frozenset({"tools", "functions"}),
    frozenset({"tool_choice", "function_call"}),
)
"""Names for one thing: a request that says one of them has said it."""


def with_defaults(request: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A request in OpenAI's form with what it does not say. Fields of `extra_body` are taken one by one, and what is
    to be dropped adds up."""
    said = {name for name, value in request.items() if value is not None}
    for names in _ONE_MEANING:
        if said & names:
            said |= names
    merged = {**request, **{name: value for name, value in defaults.items() if name not in said}}
    body, default_body = request.get("extra_body"), defaults.get("extra_body")
    if isinstance(body, Mapping) and isinstance(default_body, Mapping):
        merged["extra_body"] = {**default_body, **body}
    if isinstance(merged.get("extra_body"), Mapping):
        merged["extra_body"] = {name: value for name, value in merged["extra_body"].items() if _open(name, request)}
    drop, default_drop = request.get("additional_drop_params"), defaults.get("additional_drop_params")
    if isinstance(drop, list) and isinstance(default_drop, list):
        merged["additional_drop_params"] = [*default_drop, *drop]
    return merged


def _open(name: str, request: Mapping[str, Any]) -> bool:
    """Whether a field of the default's `extra_body` is left open by the request."""
    body = request.get("extra_body")
    return request.get(name) is None or (isinstance(body, Mapping) and name in body)
