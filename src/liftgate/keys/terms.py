"""What a key may and how much: models, routes, limits, and what its maker noted of it. One JSON text in its row."""

from __future__ import annotations

from typing import Literal

import msgspec

from liftgate.json_types import JsonObject

KeyType = Literal["default", "llm_api", "management", "read_only"]


class Budget(msgspec.Struct, frozen=True):
    """Nano-dollars in each window of this length (`keys/windows`); for good where there is none."""

    amount: int
    duration: str | None = None


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """`models`: names, or patterns with `*`; none means all. `aliases`: what a caller may write in place of a model's
    name. `allowed_routes`: paths, patterns with `*`, and groups; none means what `key_type` says."""

    key_type: KeyType = "default"
    allowed_routes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    metadata: JsonObject = {}
    tags: tuple[str, ...] = ()
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    model_rpm_limit: dict[str, int] = {}
    model_tpm_limit: dict[str, int] = {}
    max_budget: int | None = None
    """Nano-dollars, as `soft_budget`."""
    soft_budget: int | None = None
    budget_duration: str | None = None
    budget_limits: tuple[Budget, ...] = ()
    model_max_budget: dict[str, Budget] = {}
    user_id: str | None = None
    team_id: str | None = None
    made_by: str = ""
    """The name of the key that made it, or "the command line"."""


read_terms = msgspec.json.Decoder(Terms).decode
_encode = msgspec.json.Encoder().encode


def written(terms: Terms) -> str:
    return _encode(terms).decode()
