"""What Gemini wants back with the items that it made, where they are kept here: thought signatures, and the parts of
its own tools. A client that goes on from a stored answer by its id sends none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body


class Native(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one item, by a model of `family` (empty: not known). `signature`: of a call, an image or the end of a text,
    base64. `parts`: Gemini's own, which stand in the item's place."""

    family: str = ""
    signature: str = ""
    parts: list[JsonObject] = []

    def suits(self, family: str) -> bool:
        """Whether a model of this family takes it: it refuses the signatures of another."""
        return self.family in ("", family)


Natives = Mapping[str, Native]
"""By the ids of items; of calls by `call_id`, as results name them."""
NO_NATIVES: Natives = MappingProxyType({})

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Native).decode


def written(native: Native) -> bytes:
    return _encode(native)


def read(stored: Body) -> Native:
    """Also a call's bare signature, as older versions stored it."""
    return _decode(stored) if stored.startswith(b"{") else Native(signature=stored.decode())
