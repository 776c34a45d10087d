"""What a key may: models, routes, and what its maker noted of it. Kept as one JSON text in the key's row."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

KeyType = Literal["default", "llm_api", "management", "read_only"]


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """`models`: names, or patterns with `*`; none means all. `aliases`: what a caller may write in place of a model's
    name. `allowed_routes`: paths, patterns with `*`, and groups; none means what `key_type` says."""

    key_type: KeyType = "default"
    allowed_routes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    user_id: str | None = None
    team_id: str | None = None
    made_by: str = ""
    """The name of the key that made it, or "the command line"."""


read_terms = msgspec.json.Decoder(Terms).decode
_encode = msgspec.json.Encoder().encode


def written(terms: Terms) -> str:
    return _encode(terms).decode()
