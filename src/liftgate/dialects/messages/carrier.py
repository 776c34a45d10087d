"""What of Gemini's travels inside a client's history, under the owner's seal: thought signatures in thinking blocks,
and the parts of a search in its results.

Anthropic's clients send both back as they came. What the seal does not open is another service's, another owner's, or
was changed, and is never sent to Gemini, which refuses a signature that is not its own.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from liftgate.ask.seal import Seal
from liftgate.errors import Unavailable
from liftgate.json_types import JsonObject

LONGEST = 64 * 1024
"""Characters of a signature that go to the client; a longer one is known by its stored row alone."""
NOTHING_CARRIED = "liftgate"
"""Stands in a field of opaque text that must not be empty."""


class Carried(msgspec.Struct, tag="messages", frozen=True):
    """Of a model of `family`. `signatures`: by the ids of the blocks that follow."""

    family: str
    signatures: dict[str, str] = {}
    parts: list[JsonObject] = []


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Carried)


def close(seal: Seal | None, carried: Carried) -> str:
    return "" if seal is None else seal.close(_encode(carried))


def opened(seal: Callable[[], Seal], text: object) -> Carried | None:
    """None for what is none of the owner's."""
    if type(text) is not str or not text or text == NOTHING_CARRIED:
        return None
    found = seal_of(seal)
    value = None if found is None else found.open(text)
    try:
        return None if value is None else _decoder.decode(value)
    except msgspec.MsgspecError:
        return None


def seal_of(seal: Callable[[], Seal]) -> Seal | None:
    """None where the catalogue had no room for it: then nothing travels, and the stored rows are what there is."""
    try:
        return seal()
    except Unavailable:
        return None
