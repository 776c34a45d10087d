"""What Gemini says beside an answer, gathered over a stream: lists may come in pieces, whole again, or both.

Each element of a piece is added unless an earlier piece had it. Supports of a grounding name their sources by position:
those of a piece that brings sources of its own mean these.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liftgate.json_types import JsonObject

_key = msgspec.json.Encoder(order="sorted").encode

SOURCES, SUPPORTS, POSITIONS = "groundingChunks", "groundingSupports", "groundingChunkIndices"


class Gathered(msgspec.Struct):
    """One kind of metadata. `seen`: by the list's name, where each element stands."""

    fields: JsonObject = {}
    seen: dict[str, dict[bytes, int]] = {}

    def take(self, piece: JsonObject) -> None:
        """A piece as it came."""
        places: list[int] | None = None
        if type(sources := piece.get(SOURCES)) is list and sources:
            places = self._take_list(SOURCES, sources)
        for name, value in piece.items():
            if not value or name == SOURCES:
                continue
            if type(value) is not list:
                self.fields[name] = value
                continue
            if name == SUPPORTS and places is not None and places != list(range(len(places))):
                value = [_placed(each, places) for each in value]
            self._take_list(name, value)

    def _take_list(self, name: str, values: list[object]) -> list[int]:
        """Where each of the elements stands now. What an earlier piece had is not added; a piece may repeat itself."""
        kept = self.fields.setdefault(name, [])
        seen = self.seen.setdefault(name, {})
        new: dict[bytes, int] = {}
        places = []
        for value in values:
            key = _key(value)
            place = seen.get(key)
            if place is None:
                place = len(kept)
                new.setdefault(key, place)
                kept.append(value)
            places.append(place)
        seen |= new
        return places


def _placed(support: Any, places: list[int]) -> Any:
    positions = support.get(POSITIONS) if type(support) is dict else None
    if type(positions) is not list:
        return support
    known = len(places)
    return {**support, POSITIONS: [places[at] if type(at) is int and 0 <= at < known else at for at in positions]}
