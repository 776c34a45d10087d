"""What items carry under a seal for the turns that follow. Reasoning items: Gemini's thought signatures, and the parts
of its own tools, which it wants back as it made them. Compaction items: a summary.

A client that keeps its history itself sends these items back. What cannot be opened is dropped: a missing signature has
a value that stands for it, and a wrong one is refused by Gemini.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from liftgate.ask.seal import Seal
from liftgate.json_types import JsonObject

ENCRYPTED = "reasoning.encrypted_content"


class Sealed(msgspec.Struct, tag="signatures", frozen=True):
    """Of a model of `family`: signatures by the ids of calls and of images, and of texts by how many messages stand
    between them and the reasoning item; Gemini's own parts by the ids of the items that show them. Base64, as Gemini
    has signatures."""

    family: str
    calls: dict[str, str] = {}
    images: dict[str, str] = {}
    texts: dict[int, str] = {}
    parts: dict[str, list[JsonObject]] = {}


class Summary(msgspec.Struct, tag="summary", frozen=True):
    """Of a history that was compacted."""

    text: str


_encode = msgspec.json.Encoder().encode
_summary = msgspec.json.Decoder(Summary)
_sealed = msgspec.json.Decoder(Sealed)


def close_summary(seal: Seal, text: str) -> str:
    return seal.close(_encode(Summary(text)))


def open_summary(seal: Seal, text: str) -> str | None:
    """None for what is none of the owner's."""
    try:
        value = seal.open(text)
        return None if value is None else _summary.decode(value).text
    except msgspec.MsgspecError:
        return None


class OneSeal:
    """Gives one seal, which closes equal bytes to one text: what the events of an answer told is what is stored of it,
    and what it is asked for again."""

    def __init__(self, seal: Callable[[], Seal]) -> None:
        self._make = seal
        self._seal: Seal | None = None
        self._closed: dict[bytes, str] = {}

    def __call__(self) -> Seal:
        self._seal = self._seal or self._make()
        return self

    def close(self, value: bytes) -> str:
        assert self._seal is not None, "it was asked for"
        if value not in self._closed:
            self._closed[value] = self._seal.close(value)
        return self._closed[value]

    def open(self, text: str) -> bytes | None:
        assert self._seal is not None, "it was asked for"
        return self._seal.open(text)


class Marks:
    """Those of an answer that wait for a reasoning item to carry them."""

    def __init__(self, seal: Seal, family: str) -> None:
        self._seal = seal
        self._family = family
        self._new()

    def _new(self) -> None:
        self.calls: dict[str, str] = {}
        self.images: dict[str, str] = {}
        self.texts: dict[int, str] = {}
        self.parts: dict[str, list[JsonObject]] = {}

    @property
    def waiting(self) -> bool:
        return bool(self.calls or self.images or self.texts or self.parts)

    def part(self, item_id: str, part: JsonObject) -> None:
        self.parts.setdefault(item_id, []).append(part)

    def close(self, messages: int) -> str:
        """All of them, under the seal. `texts` hold the numbers of messages; `messages`: how many there are so far."""
        texts = {messages - number: signature for number, signature in self.texts.items()}
        sealed = Sealed(self._family, self.calls, self.images, texts, self.parts)
        self._new()
        return self._seal.close(_encode(sealed))


class Kept:
    """What the reasoning items of a history carry. `calls`: signatures by call id; "" for one that is known to be of
    another family of models. `images`, `parts`: as in `Sealed`."""

    def __init__(self, seal: Seal, family: str) -> None:
        self._seal = seal
        self._family = family
        self._texts: dict[int, Mapping[int, str]] = {}
        self.calls: dict[str, str] = {}
        self.images: dict[str, str] = {}
        self.parts: dict[str, list[JsonObject]] = {}
        self.unread = 0

    def take(self, items: Iterable[object]) -> None:
        """They must live as long as this does."""
        for item in items:
            if type(item) is dict and item.get("type") == "reasoning":
                text = item.get("encrypted_content")
                if isinstance(text, str) and text:
                    self._take(item, text)

    def _take(self, item: JsonObject, text: str) -> None:
        value = self._seal.open(text)
        try:
            sealed = None if value is None else _sealed.decode(value)
        except msgspec.MsgspecError:
            sealed = None
        if sealed is None:
            self.unread += 1
        elif sealed.family != self._family:
            self.calls.update(dict.fromkeys(sealed.calls, ""))
        else:
            self.calls.update(sealed.calls)
            self.images.update(sealed.images)
            self.parts.update(sealed.parts)
            self._texts[id(item)] = sealed.texts

    def texts_of(self, item: JsonObject) -> Mapping[int, str]:
        """The signatures of texts that this reasoning item carries."""
        return self._texts.get(id(item), {})
